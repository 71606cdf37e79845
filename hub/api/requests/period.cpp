#include "hub/api/requests/period.hpp"

#include <string>

namespace rabt::api {

using consultation::Asked;
using consultation::Period;

namespace {

Result<std::optional<Timestamp>> time_of(const Ask& ask, std::string_view name) {
  const std::string_view given = ask.parameter(name);
  if (given.empty()) return std::optional<Timestamp>();
  const std::string text = std::string(given) + (given.size() == 10 ? "T00:00:00Z" : "");
  const auto at = parse_iso8601(text);
  if (!at.ok())
    return invalid("api.invalid", std::string(name) + ": it must be a time of RFC 3339 or a date");
  return std::optional(*at);
}

}  // namespace

Asked<Period> period_of(const Ask& ask) {
  RABT_TRY(from, time_of(ask, "from"));
  RABT_TRY(to, time_of(ask, "to"));
  return Period{.from = from, .to = to};
}

}  // namespace rabt::api
