#include "hub/workflow/cron.hpp"

#include <unicode/basictz.h>
#include <unicode/timezone.h>
#include <unicode/tztrans.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"

namespace rabt::workflow {

namespace {

constexpr int kMaxDays = 366 * 9;  // 29 February is up to eight years away (1896 to 1904, 2096 ...)

struct Field {
  const char* name;
  int least;
  int most;
};
constexpr std::array<Field, 5> kFields = {{{"minute", 0, 59},
                                           {"hour", 0, 23},
                                           {"day of the month", 1, 31},
                                           {"month", 1, 12},
                                           {"day of the week", 0, 7}}};
constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kAliases = {
    {{"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"},
     {"@monthly", "0 0 1 * *"},
     {"@weekly", "0 0 * * 0"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@hourly", "0 * * * *"}}};

// Reads one field; stops at the first fault.
class FieldReader {
 public:
  FieldReader(std::string_view text, std::size_t offset, std::size_t field)
      : text_(text), offset_(offset), field_(field) {}

  bool read() {
    open_ = text_.starts_with('*');
    while (true) {
      if (!part()) return false;
      if (at_ == text_.size()) return true;
      if (text_[at_] != ',')
        return fail("`" + std::string(1, text_[at_]) + "` is not expected here");
      ++at_;
    }
  }
  [[nodiscard]] const std::bitset<60>& values() const { return values_; }
  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] const CronFault& fault() const { return fault_; }

 private:
  bool fail(std::string message) {
    const Field& field = kFields[field_];
    fault_.message = "in the " + std::string(field.name) + " field: " + std::move(message);
    fault_.column = offset_ + at_ + 1;
    return false;
  }

  bool number(int& out, bool names) {
    const Field& field = kFields[field_];
    std::size_t end = at_;
    while (end < text_.size() && is_alnum(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (word.empty()) {
      if (at_ < text_.size() && (text_[at_] == '?' || text_[at_] == '#'))
        return fail("`" + std::string(1, text_[at_]) + "` is not supported: use fixed days");
      return fail("a number is missing");
    }
    if (std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      if (word.size() > 4) return fail("the number is too large");
      out = 0;
      for (const char digit : word) out = out * 10 + (digit - '0');
    } else {
      const std::string name = lower(word);
      out = -1;
      if (names && field_ == 3) {
        const auto* found = std::find(kMonths.begin(), kMonths.end(), name);
        if (found != kMonths.end()) out = static_cast<int>(found - kMonths.begin()) + 1;
      } else if (names && field_ == 4) {
        const auto* found = std::find(kWeekdays.begin(), kWeekdays.end(), name);
        if (found != kWeekdays.end()) out = static_cast<int>(found - kWeekdays.begin());
      }
      if (out < 0) {
        if (name.find_first_of("lw") != std::string::npos && field_ != 3 &&
            name.find_first_not_of("0123456789lw") == std::string::npos) {
          return fail("`L` and `W` are not supported: use fixed days");
        }
        return fail("`" + std::string(word.substr(0, 20)) + "` is no " + field.name);
      }
    }
    if (names && (out < field.least || out > field.most)) {
      return fail(std::to_string(out) + " is not between " + std::to_string(field.least) + " and " +
                  std::to_string(field.most));
    }
    at_ = end;
    return true;
  }

  bool part() {
    const Field& field = kFields[field_];
    int from = field.least;
    int to = field_ == 4 ? 6 : field.most;
    bool range = true;
    if (at_ < text_.size() && text_[at_] == '*') {
      ++at_;
    } else {
      if (!number(from, true)) return false;
      to = from;
      range = false;
      if (at_ < text_.size() && text_[at_] == '-') {
        ++at_;
        const std::size_t start = at_;
        if (!number(to, true)) return false;
        if (field_ == 4 && to == 0 && from > 0) to = 7;  // FRI-SUN
        if (to < from) {
          at_ = start;
          return fail("the range runs backwards: write two parts, such as 22-23,0-5");
        }
        range = true;
      }
    }
    int step = 1;
    if (at_ < text_.size() && text_[at_] == '/') {
      if (!range) {
        return fail("a step needs a range: write " + std::to_string(from) + '-' +
                    std::to_string(field.most) + "/n");
      }
      ++at_;
      const std::size_t start = at_;
      if (!number(step, false)) return false;
      if (step < 1 || step > field.most) {
        at_ = start;
        return fail("a step is a number from 1 to " + std::to_string(field.most));
      }
    }
    for (int value = from; value <= to; value += step)
      values_.set(static_cast<std::size_t>(field_ == 4 ? value % 7 : value));
    return true;
  }

  std::string_view text_;
  std::size_t offset_;
  std::size_t field_;
  std::size_t at_ = 0;
  bool open_ = false;
  std::bitset<60> values_;
  CronFault fault_;
};

// A day of local time.
struct Day {
  explicit Day(std::int64_t number)
      : date(std::chrono::sys_days(std::chrono::days(number))),
        weekday(std::chrono::weekday(std::chrono::sys_days(std::chrono::days(number)))) {}
  std::chrono::year_month_day date;
  std::chrono::weekday weekday;
};

bool on_day(const CronSchedule& schedule, const Day& day) {
  if (!schedule.months.test(static_cast<unsigned>(day.date.month()))) return false;
  const bool by_date = schedule.days.test(static_cast<unsigned>(day.date.day()));
  const bool by_week = schedule.weekdays.test(day.weekday.c_encoding());
  if (schedule.days_open || schedule.weekdays_open) return by_date && by_week;
  return by_date || by_week;
}

// The first local minute later than `local` (milliseconds as if local time were UTC).
std::optional<std::int64_t> next_local(const CronSchedule& schedule, std::int64_t local) {
  const auto floor = [](std::int64_t value, std::int64_t unit) {
    return (value >= 0 ? value : value - unit + 1) / unit;
  };
  std::int64_t minute = floor(local, kMinuteMs) + 1;
  std::int64_t day = floor(minute, kDayMs / kMinuteMs);
  auto within = static_cast<std::size_t>(minute - day * (kDayMs / kMinuteMs));
  for (int i = 0; i < kMaxDays; ++i, ++day, within = 0) {
    if (!on_day(schedule, Day(day))) continue;
    for (std::size_t hour = within / 60; hour < 24; ++hour) {
      if (!schedule.hours.test(hour)) continue;
      for (std::size_t one = hour == within / 60 ? within % 60 : 0; one < 60; ++one) {
        if (schedule.minutes.test(one))
          return day * kDayMs + static_cast<std::int64_t>(hour * 60 + one) * kMinuteMs;
      }
    }
  }
  return std::nullopt;
}

std::unique_ptr<icu::BasicTimeZone> zone_of(const std::string& name) {
  UErrorCode code = U_ZERO_ERROR;
  UBool system = 0;
  icu::UnicodeString canonical;
  icu::TimeZone::getCanonicalID(icu::UnicodeString::fromUTF8(name), canonical, system, code);
  if (U_FAILURE(code) || system == 0) return nullptr;
  std::unique_ptr<icu::TimeZone> zone(
      icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(name)));
  // Every zone of ICU's own tables is a BasicTimeZone.
  auto* basic = dynamic_cast<icu::BasicTimeZone*>(zone.get());
  if (basic == nullptr) return nullptr;
  (void)zone.release();
  return std::unique_ptr<icu::BasicTimeZone>(basic);
}

std::int64_t offset_at(const icu::BasicTimeZone& zone, std::int64_t at) {
  UErrorCode code = U_ZERO_ERROR;
  int32_t raw = 0;
  int32_t saving = 0;
  zone.getOffset(static_cast<UDate>(at), 0, raw, saving, code);
  return std::int64_t{raw} + saving;
}

struct Change {
  std::int64_t at;
  std::int64_t before;
  std::int64_t after;
};
std::optional<Change> next_change(const icu::BasicTimeZone& zone, std::int64_t after) {
  icu::TimeZoneTransition found;
  if (zone.getNextTransition(static_cast<UDate>(after), 0, found) == 0) return std::nullopt;
  const auto at = static_cast<std::int64_t>(found.getTime());
  return Change{at, offset_at(zone, at - 1), offset_at(zone, at)};
}

}  // namespace

CronOutcome parse_cron(std::string_view text) {
  CronOutcome out;
  std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    out.fault.message = "a cron expression has five fields";
    return out;
  }
  std::string_view body = text;
  if (text[begin] == '@') {
    const std::size_t end = text.find_last_not_of(" \t");
    const std::string alias = lower(text.substr(begin, end - begin + 1));
    const auto* found = std::find_if(kAliases.begin(), kAliases.end(),
                                     [&](const auto& one) { return one.first == alias; });
    if (found == kAliases.end()) {
      out.fault = {alias == "@reboot"
                       ? "@reboot is not supported: a hub restarts without anybody noticing"
                       : "no such alias: @yearly, @annually, @monthly, @weekly, @daily, @midnight, "
                         "@hourly",
                   begin + 1};
      return out;
    }
    body = found->second;
    begin = 0;
  }
  std::array<std::bitset<60>, 5> values;
  std::array<bool, 5> open{};
  std::size_t count = 0;
  for (std::size_t at = begin; at != std::string_view::npos;
       at = body.find_first_not_of(" \t", at)) {
    const std::size_t end = std::min(body.find_first_of(" \t", at), body.size());
    if (count == kFields.size()) {
      out.fault = {"a cron expression has five fields: seconds and years are not supported",
                   at + 1};
      return out;
    }
    FieldReader reader(body.substr(at, end - at), at, count);
    if (!reader.read()) {
      out.fault = reader.fault();
      return out;
    }
    values[count] = reader.values();
    open[count++] = reader.open();
    at = end;
  }
  if (count != kFields.size()) {
    out.fault = {"a cron expression has five fields, this one has " + std::to_string(count),
                 text.size() + 1};
    return out;
  }
  CronSchedule schedule;
  const auto copy = [&](std::size_t field, auto& into) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = values[field][i];
  };
  copy(0, schedule.minutes);
  copy(1, schedule.hours);
  copy(2, schedule.days);
  copy(3, schedule.months);
  copy(4, schedule.weekdays);
  schedule.every_hour = open[1];
  schedule.days_open = open[2];
  schedule.weekdays_open = open[4];
  if (!next_local(schedule, 951'609'600'000 /* 27 February 2000 */).has_value()) {
    out.fault = {"this day does not come within nine years", 1};
    return out;
  }
  out.schedule = schedule;
  return out;
}

bool is_time_zone(const std::string& name) {
  return zone_of(name) != nullptr;
}

std::optional<Timestamp> moment_of(const std::string& time_zone, Timestamp local) {
  const std::unique_ptr<icu::BasicTimeZone> zone = zone_of(time_zone);
  if (zone == nullptr) return std::nullopt;
  // Offsets change by less than a day, and not twice within two days.
  const std::int64_t before = local.ms - offset_at(*zone, local.ms - kDayMs);
  const std::int64_t after = local.ms - offset_at(*zone, local.ms + kDayMs);
  for (const std::int64_t at : {std::min(before, after), std::max(before, after)}) {
    if (at + offset_at(*zone, at) == local.ms) return Timestamp{at};
  }
  return std::nullopt;
}

std::optional<Timestamp> next_due(const CronSchedule& schedule, const std::string& time_zone,
                                  Timestamp after) {
  const std::unique_ptr<icu::BasicTimeZone> zone = zone_of(time_zone);
  if (zone == nullptr) return std::nullopt;
  // Between two changes of the offset local time is a line; each stretch is searched on its own.
  std::int64_t at = after.ms;
  const std::int64_t last = after.ms + std::int64_t{kMaxDays} * kDayMs;
  // Local times that have been, so that a doubled hour is not run again.
  std::optional<std::int64_t> done;
  if (!schedule.every_hour) {
    icu::TimeZoneTransition change;
    if (zone->getPreviousTransition(static_cast<UDate>(at), 1, change) != 0) {
      const auto time = static_cast<std::int64_t>(change.getTime());
      done = time + offset_at(*zone, time - 1) - 1;
    }
  }
  while (at < last) {
    const std::int64_t offset = offset_at(*zone, at);
    std::int64_t from = at + offset;
    if (done.has_value()) from = std::max(from, *done);
    const std::optional<std::int64_t> found = next_local(schedule, from);
    const std::optional<Change> change = next_change(*zone, at);
    if (!found.has_value()) {
      if (!change.has_value()) return std::nullopt;
    } else if (!change.has_value() || *found - offset < change->at) {
      return Timestamp{*found - offset};
    }
    if (!schedule.every_hour) {
      // The clock skips the times between the local times before and after the change.
      if (found.has_value() && change->after > change->before &&
          *found < change->at + change->after) {
        return Timestamp{change->at};
      }
      done = change->at + change->before - 1;
    }
    // From the change on, the change itself included.
    at = change->at;
    const std::int64_t local = at + change->after - 1;
    const std::int64_t start = done.has_value() ? std::max(local, *done) : local;
    const std::optional<std::int64_t> first = next_local(schedule, start);
    if (first.has_value() && *first - change->after == at) return Timestamp{at};
  }
  return std::nullopt;
}

std::optional<Timestamp> next_due(const Definition::Schedule& schedule, Timestamp after) {
  std::optional<Timestamp> out;
  if (schedule.every_ms > 0) out = Timestamp{after.ms + schedule.every_ms};
  if (schedule.cron.empty()) return out;
  const CronOutcome parsed = parse_cron(schedule.cron);
  if (!parsed.schedule.has_value()) return out;
  const std::optional<Timestamp> by_cron = next_due(*parsed.schedule, schedule.time_zone, after);
  if (!out.has_value() || (by_cron.has_value() && *by_cron < *out)) out = by_cron;
  return out;
}

}  // namespace rabt::workflow
