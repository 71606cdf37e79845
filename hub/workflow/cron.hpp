#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/workflow/definition.hpp"

// When the clock starts a workflow: schedule.cron and schedule.every. Pure: the only time here is
// what is passed in; time zone rules come with ICU.
namespace rabt::workflow {

// Five fields, as in POSIX crontab: minute, hour, day of month, month, day of week.
struct CronSchedule {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;     // 1 to 31
  std::bitset<13> months;   // 1 to 12
  std::bitset<7> weekdays;  // 0 is Sunday
  bool every_hour = false;  // the hour is written with *
  // Written with *. If neither is, POSIX wants a day that either field takes.
  bool days_open = false;
  bool weekdays_open = false;
};
struct CronFault {
  std::string message;     // what is wrong and what is allowed
  std::size_t column = 1;  // in the text, counted from 1
};
struct CronOutcome {
  std::optional<CronSchedule> schedule;  // set, or
  CronFault fault;
};

// Numbers, `*`, lists, ranges, steps (*/5, 8-18/2), names (JAN, MON; any case), 7 for Sunday, and
// @yearly @annually @monthly @weekly @daily @midnight @hourly. Refused with the reason: L, W, #, ?,
// @reboot, six or seven fields, ranges that run backwards, and days that never come (30 February).
[[nodiscard]] CronOutcome parse_cron(std::string_view text);

// True if ICU knows the name as an IANA time zone.
[[nodiscard]] bool is_time_zone(const std::string& name);

// The moment at which the clocks of a zone show a local time, given as if it were UTC. Of a local
// time that comes twice, when clocks are put back, the first one. nullopt if the zone is unknown,
// or if the local time never comes, because clocks are put forward over it.
[[nodiscard]] std::optional<Timestamp> moment_of(const std::string& time_zone, Timestamp local);

// The first time later than `after`, in the zone's local time. When clocks are put forward, what
// falls into the skipped hour runs once, at its end; when they are put back, what falls into the
// doubled hour runs in the first one only. A schedule whose hour is written with * follows the
// elapsed time instead: it has no run in a skipped hour and runs in both doubled ones. nullopt if
// the zone is unknown, or if there is no run within eight years.
[[nodiscard]] std::optional<Timestamp> next_due(const CronSchedule& schedule,
                                                const std::string& time_zone, Timestamp after);

// The next start by `every` or `cron`, whichever is first. after: when the last start was due, or
// the definition was deployed, so that `every` does not drift. schedule.after does not count here:
// its instance follows after_ms after the end of the one before. A start is due even if the last
// instance still runs.
[[nodiscard]] std::optional<Timestamp> next_due(const Definition::Schedule& schedule,
                                                Timestamp after);

}  // namespace rabt::workflow
