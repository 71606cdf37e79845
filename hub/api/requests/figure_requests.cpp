#include "hub/api/requests/figure_requests.hpp"

#include <string>
#include <string_view>

#include "hub/api/requests/period.hpp"

namespace rabt::api {

using consultation::Ask;
using consultation::Asked;
using consultation::GetFigures;
using consultation::GetScfhsReport;
using consultation::read_reference;

Asked<GetFigures> get_figures_of(const Ask& ask) {
  RABT_TRY(period, period_of(ask));
  GetFigures out{.period = period};
  if (const std::string_view session = ask.parameter("session"); !session.empty())
    out.session = read_reference(session);
  return out;
}

Asked<GetScfhsReport> get_scfhs_report_of(const Ask& ask) {
  const std::string name(ask.parameter("month"));
  if (name.size() != 7 || !parse_iso8601(name + "-01T00:00:00Z").ok())
    return invalid("api.invalid", "month: it must be a month such as 2026-11");
  return GetScfhsReport{
      .name = name, .year = std::stoi(name.substr(0, 4)), .month = std::stoi(name.substr(5, 2))};
}

}  // namespace rabt::api
