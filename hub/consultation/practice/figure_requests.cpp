#include "hub/consultation/practice/figure_requests.hpp"

#include "hub/base/number.hpp"

namespace rabt::consultation {

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

}  // namespace rabt::consultation
