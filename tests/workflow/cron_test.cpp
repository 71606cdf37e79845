#include "hub/workflow/cron.hpp"

#include <gtest/gtest.h>

#include "harness.hpp"

namespace rabt::workflow::cron_test {
namespace {

Timestamp at(std::string_view text) {
  const Result<Timestamp> time = parse_iso8601(text);
  EXPECT_TRUE(time.ok()) << text;
  return time.ok() ? time.value() : Timestamp{};
}

CronSchedule cron(std::string_view text) {
  const CronOutcome out = parse_cron(text);
  EXPECT_TRUE(out.schedule.has_value()) << text << ": " << out.fault.message;
  return out.schedule.value_or(CronSchedule{});
}

// The next times, as text without the year where it is `year`.
std::vector<std::string> runs(std::string_view text, const std::string& zone,
                              std::string_view after, int count) {
  const CronSchedule schedule = cron(text);
  std::vector<std::string> out;
  Timestamp time = at(after);
  for (int i = 0; i < count; ++i) {
    const std::optional<Timestamp> next = next_due(schedule, zone, time);
    if (!next.has_value()) break;
    EXPECT_GT(*next, time);
    time = *next;
    out.push_back(to_iso8601(time).substr(0, 16));
  }
  return out;
}
using Times = std::vector<std::string>;

TEST(Zone, GivesTheMomentOfALocalTime) {
  const auto moment = [](const std::string& zone, std::string_view local) {
    const auto at = parse_iso8601(std::string(local) + "Z");
    EXPECT_TRUE(at.ok());
    const auto found = moment_of(zone, *at);
    return found ? to_iso8601(*found) : std::string("none");
  };
  EXPECT_EQ(moment("Asia/Riyadh", "2026-03-10T09:00:00"), "2026-03-10T06:00:00.000Z");
  EXPECT_EQ(moment("Europe/Berlin", "2026-03-29T02:30:00"), "none");
  EXPECT_EQ(moment("Europe/Berlin", "2026-10-25T02:30:00"), "2026-10-25T00:30:00.000Z");
  EXPECT_EQ(moment("Africa/Casablanca", "2026-02-15T02:30:00"), "2026-02-15T01:30:00.000Z");
  EXPECT_EQ(moment("Nowhere/Else", "2026-03-10T09:00:00"), "none");
}

TEST(Cron, FollowsItsFields) {
  EXPECT_EQ(runs("30 6 * * *", "UTC", "2026-03-10T06:29:59.999Z", 2),
            (Times{"2026-03-10T06:30", "2026-03-11T06:30"}));
  EXPECT_EQ(runs("30 6 * * *", "UTC", "2026-03-10T06:30:00Z", 1), (Times{"2026-03-11T06:30"}));
  EXPECT_EQ(
      runs("*/20 8-9 * * *", "UTC", "2026-03-10T08:30:00Z", 4),
      (Times{"2026-03-10T08:40", "2026-03-10T09:00", "2026-03-10T09:20", "2026-03-10T09:40"}));
  EXPECT_EQ(runs("0 0 1 jan,JUL *", "UTC", "2026-03-10T08:30:00Z", 2),
            (Times{"2026-07-01T00:00", "2027-01-01T00:00"}));
  EXPECT_EQ(runs("0 12 * * sun-thu", "UTC", "2026-03-12T13:00:00Z", 2),
            (Times{"2026-03-15T12:00", "2026-03-16T12:00"}));
  EXPECT_EQ(runs("0 12 * * 7", "UTC", "2026-03-12T13:00:00Z", 1), (Times{"2026-03-15T12:00"}));
  EXPECT_EQ(
      runs("0 12 * * fri-sun", "UTC", "2026-03-12T13:00:00Z", 4),
      (Times{"2026-03-13T12:00", "2026-03-14T12:00", "2026-03-15T12:00", "2026-03-20T12:00"}));
  EXPECT_EQ(runs("5-59/27 0 29 2 *", "UTC", "2026-03-12T13:00:00Z", 3),
            (Times{"2028-02-29T00:05", "2028-02-29T00:32", "2028-02-29T00:59"}));
  // 2100 is no leap year.
  EXPECT_EQ(runs("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), (Times{"2104-02-29T00:00"}));
}

TEST(Cron, ADayOfTheMonthOrADayOfTheWeekIsEnoughWhenBothAreRestricted) {
  EXPECT_EQ(
      runs("0 0 13 * fri", "UTC", "2026-03-05T12:00:00Z", 4),
      (Times{"2026-03-06T00:00", "2026-03-13T00:00", "2026-03-20T00:00", "2026-03-27T00:00"}));
  EXPECT_EQ(runs("0 0 */10 * 1", "UTC", "2026-03-01T12:00:00Z", 1), (Times{"2026-05-11T00:00"}));
}

TEST(Cron, AliasesAreTheirFields) {
  const std::pair<const char*, const char*> pairs[] = {
      {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
      {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@Midnight", "0 0 * * *"},
      {"@hourly", "0 * * * *"}};
  for (const auto& [alias, fields] : pairs) {
    EXPECT_EQ(runs(alias, "UTC", "2026-03-05T12:34:00Z", 3),
              runs(fields, "UTC", "2026-03-05T12:34:00Z", 3))
        << alias;
  }
}

TEST(Cron, LocalTimeOfTheZone) {
  EXPECT_EQ(runs("0 8 * * *", "Asia/Riyadh", "2026-03-10T00:00:00Z", 2),
            (Times{"2026-03-10T05:00", "2026-03-11T05:00"}));
  EXPECT_EQ(runs("0 0 1 * *", "Asia/Riyadh", "2026-03-10T00:00:00Z", 1),
            (Times{"2026-03-31T21:00"}));
  EXPECT_EQ(runs("30 9 * * *", "Asia/Kolkata", "2026-03-10T00:00:00Z", 1),
            (Times{"2026-03-10T04:00"}));
}

// Europe/Berlin 2026: 29 March 02:00 becomes 03:00 (01:00 UTC); 25 October 03:00 becomes 02:00
// (01:00 UTC).
TEST(Cron, ASkippedTimeRunsOnceWhenTheClockHasMoved) {
  EXPECT_EQ(runs("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            (Times{"2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"}));
  EXPECT_EQ(runs("0,10,50 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", 2),
            (Times{"2026-03-29T01:00", "2026-03-30T00:00"}));
  // 03:00 is the moment of the change: no second run beside the skipped one.
  EXPECT_EQ(runs("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            (Times{"2026-03-29T01:00", "2026-03-30T00:00"}));
  EXPECT_EQ(runs("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            (Times{"2026-03-29T01:00", "2026-03-30T01:00"}));
}

TEST(Cron, ADoubledTimeRunsOnce) {
  EXPECT_EQ(runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            (Times{"2026-10-25T00:30", "2026-10-26T01:30"}));
  EXPECT_EQ(runs("30 2 * * *", "Europe/Berlin", "2026-10-25T00:59:00Z", 1),
            (Times{"2026-10-26T01:30"}));
  EXPECT_EQ(runs("0 2,3 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 3),
            (Times{"2026-10-25T00:00", "2026-10-25T02:00", "2026-10-26T01:00"}));
}

TEST(Cron, WithEveryHourItFollowsElapsedTime) {
  EXPECT_EQ(
      runs("30 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", 4),
      (Times{"2026-10-24T23:30", "2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"}));
  EXPECT_EQ(runs("0 * * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", 3),
            (Times{"2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T02:00"}));
  EXPECT_EQ(runs("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 3),
            (Times{"2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00"}));
}

TEST(Cron, EveryMistakeIsNamedWithItsColumn) {
  struct Case {
    const char* text;
    std::size_t column;
    const char* part;
  };
  const Case cases[] = {{"", 1, "five fields"},
                        {"* * * *", 8, "has 4"},
                        {"0 0 * * * *", 11, "seconds and years"},
                        {"60 * * * *", 1, "between 0 and 59"},
                        {"* 24 * * *", 3, "between 0 and 23"},
                        {"* * 0 * *", 5, "between 1 and 31"},
                        {"* * * 13 *", 7, "between 1 and 12"},
                        {"* * * * 8", 9, "between 0 and 7"},
                        {"* * L * *", 5, "`L` and `W`"},
                        {"* * 15w * *", 5, "`L` and `W`"},
                        {"* * ? * *", 5, "`?` is not supported"},
                        {"* * * * 5#2", 10, "`#` is not expected"},
                        {"* 22-5 * * *", 6, "backwards"},
                        {"*/0 * * * *", 3, "a step is"},
                        {"5/10 * * * *", 2, "a step needs a range: write 5-59/n"},
                        {"1, * * * *", 3, "a number is missing"},
                        {"- * * * *", 1, "a number is missing"},
                        {"* * * foo *", 7, "`foo` is no month"},
                        {"* * * * noday", 9, "`noday` is no day of the week"},
                        {"1;2 * * * *", 2, "`;` is not expected"},
                        {"99999 * * * *", 1, "too large"},
                        {"0 0 30 2 *", 1, "does not come"},
                        {"@reboot", 1, "@reboot is not supported"},
                        {" @never", 2, "no such alias"}};
  for (const Case& one : cases) {
    const CronOutcome out = parse_cron(one.text);
    EXPECT_FALSE(out.schedule.has_value()) << one.text;
    EXPECT_EQ(out.fault.column, one.column) << one.text;
    EXPECT_NE(out.fault.message.find(one.part), std::string::npos)
        << one.text << ": " << out.fault.message;
  }
}

TEST(Cron, ZonesAreThoseOfIana) {
  for (const char* good : {"UTC", "Asia/Riyadh", "Europe/Berlin", "America/St_Johns"})
    EXPECT_TRUE(is_time_zone(good)) << good;
  for (const char* bad : {"", "Asia/Riyad", "GMT+25", "nowhere", "Asia/Riyadh; drop"})
    EXPECT_FALSE(is_time_zone(bad)) << bad;
  EXPECT_EQ(next_due(cron("* * * * *"), "Asia/Riyad", at("2026-03-10T00:00:00Z")), std::nullopt);
}

TEST(Schedule, TheParserFillsWhatTheClockNeeds) {
  const auto definition = parse_definition(
      "document:\n  dsl: '1.0.3'\n  namespace: t\n  name: s\n  version: '1.0.0'\n  metadata: "
      "{rabt: {timeZone: Asia/Riyadh}}\nschedule: {every: {hours: 6}, cron: '0 8 * * *', after: "
      "PT5M}\ndo: [{a: {set: {b: 1}}}]\n",
      nullptr);
  ASSERT_NE(definition.definition, nullptr) << all_text(definition.diagnostics);
  const std::optional<Definition::Schedule>& schedule = definition.definition->schedule();
  ASSERT_TRUE(schedule.has_value());
  EXPECT_EQ(schedule->every_ms, 21'600'000);
  EXPECT_EQ(schedule->after_ms, 300'000);
  EXPECT_EQ(schedule->cron, "0 8 * * *");
  EXPECT_EQ(schedule->time_zone, "Asia/Riyadh");
  EXPECT_EQ(next_due(*schedule, at("2026-03-10T01:00:00Z")), at("2026-03-10T05:00:00Z"));
  EXPECT_EQ(next_due(*schedule, at("2026-03-10T05:00:00Z")), at("2026-03-10T11:00:00Z"));
  EXPECT_EQ(next_due(Definition::Schedule{}, at("2026-03-10T05:00:00Z")), std::nullopt);
}

TEST(Schedule, WithoutAClockThereIsNone) {
  EXPECT_FALSE(parsed("schedule: {on: {one: {with: {type: t}}}}\ndo: [{a: {set: {b: 1}}}]\n")
                   ->schedule()
                   .has_value());
}

}  // namespace
}  // namespace rabt::workflow::cron_test
