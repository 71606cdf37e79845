#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"

// The built-in rules of alerts: docs/alerts.md says what each means. Pure.
namespace rabt::alerts {

// warn: within the day. page: somebody is woken.
enum class Severity : std::uint8_t { warn, page };
[[nodiscard]] std::string_view to_string(Severity severity);
[[nodiscard]] std::optional<Severity> parse_severity(std::string_view text);

// Unit of a rule's value.
enum class Unit : std::uint8_t { count, percent, seconds };

// Numbers of a rule that the configuration may change.
struct Numbers {
  bool on = true;
  // The alert opens at this value, and closes at `close`.
  std::int64_t open = 1;
  std::int64_t close = 0;
  // Time for which the value has to stay there.
  std::int64_t for_ms = 0;
  std::int64_t clear_ms = 0;
  Severity severity = Severity::warn;
  // The value at which a warning becomes a page. Unset if it never does.
  std::optional<std::int64_t> page{};
  friend bool operator==(const Numbers&, const Numbers&) = default;
};

struct Rule {
  std::string_view name;
  Unit unit;
  // True if small values are bad: free room, time until an end.
  bool falls;
  Numbers numbers;

  // The value is at the number or beyond.
  [[nodiscard]] constexpr bool reaches(std::int64_t value, std::int64_t number) const {
    return falls ? value <= number : value >= number;
  }
  // The value is at the closing number or on its good side.
  [[nodiscard]] constexpr bool is_good(std::int64_t value, std::int64_t close) const {
    return falls ? value >= close : value <= close;
  }
};

[[nodiscard]] std::span<const Rule> rules();
// Null if there is no such rule.
[[nodiscard]] const Rule* find_rule(std::string_view name);
[[nodiscard]] std::vector<std::string> rule_names();
// Error invalid alert.rule: the list of rules, and what may have been meant.
[[nodiscard]] Status check_rule(std::string_view name);
// Error invalid alert.numbers says which number is on the wrong side of which.
[[nodiscard]] Status check(const Rule& rule, const Numbers& numbers);

// "15 min", "4 h", "12 %", "3".
[[nodiscard]] std::string value_text(Unit unit, std::int64_t value);

}  // namespace rabt::alerts
