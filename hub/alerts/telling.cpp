#include "hub/alerts/telling.hpp"

#include <algorithm>
#include <array>

#include "hub/base/clock.hpp"

namespace rabt::alerts {

namespace {

constexpr std::array<std::string_view, kWays> kWayNames{"mail", "sms", "webhook"};
constexpr std::array<std::string_view, 6> kKindNames{"opened", "raised", "reminder",
                                                     "closed", "more",   "test"};
constexpr std::int64_t kDayMinutes = 24LL * 60;
// Saudi Arabia has no summer time.
constexpr std::int64_t kRiyadhMinutes = 3LL * 60;

template <class Value, std::size_t size>
std::optional<Value> parse(const std::array<std::string_view, size>& names, std::string_view text) {
  for (std::size_t i = 0; i < size; ++i) {
    if (names.at(i) == text) return static_cast<Value>(i);
  }
  return std::nullopt;
}

bool is_snoozed(const Alert& alert, const Snoozes& snoozes, std::int64_t now_ms) {
  for (const std::string& object : {alert.object, std::string()}) {
    const auto found = snoozes.find({alert.rule, object});
    if (found != snoozes.end() && now_ms < found->second) return true;
  }
  return false;
}

std::optional<Kind> news(const Alert& alert, std::int64_t now_ms) {
  if (!alert.is_open()) {
    if (!alert.told_ms || alert.over) return std::nullopt;
    return Kind::closed;
  }
  if (!alert.told_ms) return Kind::opened;
  if (alert.told_severity < alert.severity) return Kind::raised;
  if (!alert.acked_ms && now_ms - *alert.told_ms >= kReminderMs) return Kind::reminder;
  return std::nullopt;
}

// The channel that an alert is about.
std::optional<Way> subject_of(const Alert& alert, std::string_view notify) {
  if (alert.rule == "alert_channel") return parse_way(alert.object);
  if (alert.rule == "dead_letters" || alert.rule == "webhook_backlog" || alert.rule == "bus_away")
    return Way::webhook;
  if (alert.rule.starts_with("role_") && alert.object == "notify") return Way::sms;
  if (alert.rule.starts_with("plugin_") && !notify.empty() && alert.object == notify)
    return Way::sms;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Way way) {
  return kWayNames.at(static_cast<std::size_t>(way));
}

std::optional<Way> parse_way(std::string_view text) {
  return parse<Way>(kWayNames, text);
}

std::string_view to_string(Kind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}

std::optional<Kind> parse_kind(std::string_view text) {
  return parse<Kind>(kKindNames, text);
}

bool Quiet::holds(std::int64_t now_ms) const {
  const std::int64_t minute = (now_ms / kMinuteMs + kRiyadhMinutes) % kDayMinutes;
  if (from_minute <= to_minute) return minute >= from_minute && minute < to_minute;
  return minute >= from_minute || minute < to_minute;
}

std::optional<Kind> wanted(const Alert& alert, const Snoozes& snoozes, const Quiet& quiet,
                           std::int64_t now_ms) {
  const auto kind = news(alert, now_ms);
  if (!kind) return kind;
  if (alert.severity != Severity::page && quiet.holds(now_ms)) return std::nullopt;
  // Whoever snoozed a warning has not seen that it became urgent.
  if (*kind != Kind::raised && is_snoozed(alert, snoozes, now_ms)) return std::nullopt;
  return kind;
}

Plan plan(std::vector<Want> wants, int count) {
  std::stable_sort(wants.begin(), wants.end(), [](const Want& one, const Want& other) {
    return one.alert->severity > other.alert->severity;
  });
  const auto pages = std::count_if(wants.begin(), wants.end(), [](const Want& want) {
    return want.alert->severity == Severity::page;
  });
  Plan out;
  // Takes the wants from `first` to `last`: one a telling, and the rest in the last telling.
  const auto take = [&](std::ptrdiff_t first, std::ptrdiff_t last, std::ptrdiff_t room) {
    const std::ptrdiff_t single = last - first <= room ? last - first : room - 1;
    const auto from = wants.begin() + first;
    out.single.insert(out.single.end(), from, from + single);
    out.together.insert(out.together.end(), from + single, wants.begin() + last);
  };
  const auto all = static_cast<std::ptrdiff_t>(wants.size());
  const std::ptrdiff_t room = std::max(0, kTellingsAnHour - count);
  if (pages > room) {
    if (room > 0) take(0, all, room);
    return out;
  }
  take(0, pages, room);
  const std::ptrdiff_t for_warnings =
      std::max<std::ptrdiff_t>(0, kTellingsAnHour - kKeptForPages - count - pages);
  if (for_warnings > 0) take(pages, all, for_warnings);
  return out;
}

std::vector<Way> ways_for(const Alert& alert, Severity severity, const std::vector<Way>& ways,
                          const std::vector<Way>& all, std::string_view notify) {
  const auto subject = subject_of(alert, notify);
  if (!subject) return ways;
  std::vector<Way> out;
  const auto add = [&](const std::vector<Way>& from) {
    for (const Way way : from) {
      if (way == *subject || (way == Way::sms && severity != Severity::page)) continue;
      if (std::find(out.begin(), out.end(), way) == out.end()) out.push_back(way);
    }
  };
  add(ways);
  if (out.empty()) add(all);
  return out.empty() ? ways : out;
}

}  // namespace rabt::alerts
