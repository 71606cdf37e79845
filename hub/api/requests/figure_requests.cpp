#include "hub/api/requests/figure_requests.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "hub/api/requests/period.hpp"
#include "hub/base/number.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::GetFigures;
using consultation::GetScfhsReport;
using consultation::GetUsage;
using consultation::read_reference;

Asked<GetUsage> get_usage_of(const Ask& ask) {
  // Reads 0 where the text is no number.
  const auto read = [&ask](std::string_view name) -> std::optional<int> {
    const std::string_view given = ask.parameter(name);
    if (given.empty()) return std::nullopt;
    return read_number<int>(given).value_or(0);
  };
  const GetUsage out{.year = read("year"), .month = read("month")};
  if (out.year && (*out.year < 2000 || *out.year > 2999))
    return invalid("api.invalid", "year: it must be a number from 2000 to 2999");
  if (out.month && (*out.month < 1 || *out.month > 12))
    return invalid("api.invalid", "month: it must be a number from 1 to 12");
  return out;
}

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
