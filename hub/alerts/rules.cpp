#include "hub/alerts/rules.hpp"

#include <algorithm>
#include <array>

#include "hub/base/clock.hpp"
#include "hub/base/suggest.hpp"

namespace rabt::alerts {

namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

constexpr Severity kWarn = Severity::warn;
constexpr Severity kPage = Severity::page;

// Numbers: open, close, for, clear, severity, page.
// clang-format off
constexpr std::array kRules{
    Rule{"dead_letters", Unit::count, false, {true, 1, 0, 0, 10 * kMinuteMs, kWarn, {}}},
    Rule{"webhook_backlog", Unit::seconds, false, {true, 15 * kMinute, 5 * kMinute, 0, 10 * kMinuteMs, kWarn, {}}},
    Rule{"bus_away", Unit::count, false, {true, 1, 0, 5 * kMinuteMs, 10 * kMinuteMs, kWarn, {}}},
    Rule{"deliveries_lost", Unit::count, false, {true, 3, 0, 0, 10 * kMinuteMs, kWarn, {}}},
    Rule{"silent_source", Unit::count, false, {true, 4, 0, 0, kMinuteMs, kWarn, {}}},
    Rule{"parked", Unit::seconds, false, {true, 4 * kHour, 0, 0, 10 * kMinuteMs, kWarn, {}}},
    Rule{"faulted", Unit::count, false, {true, 3, 0, 5 * kMinuteMs, kHourMs, kWarn, {}}},
    Rule{"late_timers", Unit::seconds, false, {true, 5 * kMinute, kMinute, kMinuteMs, 10 * kMinuteMs, kWarn, {}}},
    Rule{"work_waiting", Unit::seconds, false, {true, 30 * kMinute, 15 * kMinute, 0, 10 * kMinuteMs, kWarn, {}}},
    Rule{"patients_waiting", Unit::seconds, false, {true, 15 * kMinute, 0, kMinuteMs, 5 * kMinuteMs, kWarn, {}}},
    Rule{"emergency_unanswered", Unit::count, false, {true, 1, 0, 0, kMinuteMs, kPage, {}}},
    Rule{"role_unserved", Unit::count, false, {true, 1, 0, 2 * kMinuteMs, 5 * kMinuteMs, kPage, {}}},
    Rule{"role_away", Unit::count, false, {true, 5, 0, 5 * kMinuteMs, 10 * kMinuteMs, kWarn, {}}},
    Rule{"plugin_quarantined", Unit::count, false, {true, 1, 0, 0, kMinuteMs, kPage, {}}},
    Rule{"plugin_storage", Unit::percent, false, {true, 70, 65, 5 * kMinuteMs, 10 * kMinuteMs, kWarn, 90}},
    Rule{"certificate", Unit::seconds, true, {true, 21 * kDay, 22 * kDay, 0, kMinuteMs, kWarn, kDay}},
    Rule{"agreement", Unit::seconds, true, {true, 30 * kDay, 31 * kDay, 0, kMinuteMs, kWarn, {}}},
    Rule{"disk_free", Unit::percent, true, {true, 15, 20, 5 * kMinuteMs, 10 * kMinuteMs, kWarn, 5}},
    Rule{"audit_refused", Unit::count, false, {true, 1, 0, 0, kMinuteMs, kPage, {}}},
    Rule{"audit_unsigned", Unit::count, false, {true, 1, 0, 15 * kMinuteMs, 30 * kMinuteMs, kPage, {}}},
    Rule{"audit_anchor", Unit::count, false, {true, 1, 0, 15 * kMinuteMs, 30 * kMinuteMs, kPage, {}}},
    Rule{"backup_old", Unit::seconds, false, {true, 26 * kHour, 25 * kHour, 0, kMinuteMs, kWarn, {}}},
    Rule{"alert_channel", Unit::seconds, false, {true, 15 * kMinute, 0, 0, 10 * kMinuteMs, kWarn, {}}},
};
// clang-format on

}  // namespace

std::string_view to_string(Severity severity) {
  return severity == Severity::page ? "page" : "warn";
}

std::optional<Severity> parse_severity(std::string_view text) {
  if (text == "warn") return Severity::warn;
  if (text == "page") return Severity::page;
  return std::nullopt;
}

std::span<const Rule> rules() {
  return kRules;
}

const Rule* find_rule(std::string_view name) {
  const auto found = std::find_if(kRules.begin(), kRules.end(),
                                  [&](const Rule& rule) { return rule.name == name; });
  return found == kRules.end() ? nullptr : &*found;
}

std::vector<std::string> rule_names() {
  std::vector<std::string> out;
  out.reserve(kRules.size());
  for (const Rule& rule : kRules) out.emplace_back(rule.name);
  return out;
}

Status check_rule(std::string_view name) {
  if (find_rule(name) != nullptr) return ok_status();
  const std::vector<std::string> names = rule_names();
  const std::string near = did_you_mean(name, names);
  return invalid("alert.rule", "there is no such rule; " + (near.empty() ? "" : near + " ") +
                                   "The rules are " + listed(names));
}

Status check(const Rule& rule, const Numbers& numbers) {
  const auto wrong = [&](const std::string& what) {
    return invalid("alert.numbers", std::string(rule.name) + ": " + what);
  };
  const char* const lower = rule.falls ? "above" : "below";
  if (!rule.is_good(numbers.close, numbers.open) || numbers.close == numbers.open)
    return wrong("`close` must be " + std::string(lower) +
                 " `open`, so that a value that moves about one number opens and closes once");
  if (numbers.page && numbers.severity == Severity::page)
    return wrong("`page` raises a warning; a rule whose severity is page has none");
  if (numbers.page && !rule.reaches(*numbers.page, numbers.open))
    return wrong(std::string("`page` must not be ") + lower + " `open`");
  if (numbers.open < 0 || numbers.close < 0) return wrong("a number must not be negative");
  if (rule.unit == Unit::percent && (numbers.open > 100 || numbers.close > 100))
    return wrong("a number of percent must not be above 100");
  return ok_status();
}

std::string value_text(Unit unit, std::int64_t value) {
  if (unit == Unit::count) return std::to_string(value);
  if (unit == Unit::percent) return std::to_string(value) + " %";
  if (value < 0) return "-" + value_text(unit, -value);
  if (value < 2 * kMinute) return std::to_string(value) + " s";
  if (value < 2 * kHour) return std::to_string(value / kMinute) + " min";
  if (value < 2 * kDay) return std::to_string(value / kHour) + " h";
  return std::to_string(value / kDay) + " d";
}

}  // namespace rabt::alerts
