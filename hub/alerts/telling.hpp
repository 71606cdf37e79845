#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/alerts/alert.hpp"
#include "hub/base/clock.hpp"

// Tellings of alerts: to whom, when, and by which channel. Pure.
namespace rabt::alerts {

// Ways in which people are told.
enum class Way : std::uint8_t { mail, sms, webhook };
inline constexpr std::size_t kWays = 3;
[[nodiscard]] std::string_view to_string(Way way);
[[nodiscard]] std::optional<Way> parse_way(std::string_view text);

// more: several alerts in one telling. test: a person tries a channel.
enum class Kind : std::uint8_t { opened, raised, reminder, closed, more, test };
[[nodiscard]] std::string_view to_string(Kind kind);
[[nodiscard]] std::optional<Kind> parse_kind(std::string_view text);

// Hours of the day in Riyadh in which only pages are told. None if both are the same.
struct Quiet {
  int from_minute = 0;
  int to_minute = 0;
  [[nodiscard]] bool holds(std::int64_t now_ms) const;
};

// Tellings in an hour. The last of them stand open to pages alone.
inline constexpr int kTellingsAnHour = 10;
inline constexpr int kKeptForPages = 2;
inline constexpr std::int64_t kReminderMs = 24 * kHourMs;

// Kind as which an alert waits to be told. Nothing for one that is snoozed, a warning in the quiet
// hours, and one that closed before it was told.
[[nodiscard]] std::optional<Kind> wanted(const Alert& alert, const Snoozes& snoozes,
                                         const Quiet& quiet, std::int64_t now_ms);

struct Want {
  Alert* alert = nullptr;
  Kind kind = Kind::opened;
};
struct Plan {
  // A telling each.
  std::vector<Want> single;
  // One telling for all of them, if there are any.
  std::vector<Want> together;
};
// Which of them are told now, after `count` tellings within an hour. What is in neither list waits.
// Pages go first. Where there are more than may be told, the last telling names the number of the
// rest.
[[nodiscard]] Plan plan(std::vector<Want> wants, int count);

// The channels for a telling: those of its severity without the one that the alert is about, which
// `ways` has in its place if none is left. notify: the plugin that serves the role of that name.
[[nodiscard]] std::vector<Way> ways_for(const Alert& alert, Severity severity,
                                        const std::vector<Way>& ways, const std::vector<Way>& all,
                                        std::string_view notify);

}  // namespace rabt::alerts
