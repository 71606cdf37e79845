#include "hub/keys/retention.hpp"

#include <gtest/gtest.h>

namespace rabt::keys::retention_test {
namespace {

Timestamp at(std::string_view text) {
  return *parse_iso8601(text);
}

TEST(Period, IsANumberAndAUnit) {
  EXPECT_EQ(*parse_period("10 years"), (Period{.years = 10}));
  EXPECT_EQ(*parse_period("1 year"), (Period{.years = 1}));
  EXPECT_EQ(*parse_period("6 months"), (Period{.months = 6}));
  EXPECT_EQ(*parse_period("7 days"), (Period{.days = 7}));
  EXPECT_EQ(*parse_period("1000 days"), (Period{.days = 1000}));
  for (const char* bad :
       {"", "10", "10y", "years", " years", "0 days", "1001 days", "-1 days", "10  years",
        "10 Years", "10 year", "1.5 years", "10 years ", "P10Y", "99999 days"}) {
    const auto period = parse_period(bad);
    ASSERT_FALSE(period.ok()) << bad;
    EXPECT_EQ(period.error().code, "keys.retention");
  }
  for (const char* text : {"10 years", "1 year", "6 months", "1 day"})
    EXPECT_EQ(to_string(*parse_period(text)), text);
}

TEST(After, KeepsTheDayOrTakesTheLastOfAShorterMonth) {
  struct Case {
    const char* from;
    Period period;
    const char* to;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"2026-11-21T15:05:09Z", {.years = 10}, "2036-11-21T15:05:09.000Z"},
           {"2024-02-29T12:00:00Z", {.years = 1}, "2025-02-28T12:00:00.000Z"},
           {"2024-02-29T12:00:00Z", {.years = 4}, "2028-02-29T12:00:00.000Z"},
           {"2026-01-31T00:00:00Z", {.months = 1}, "2026-02-28T00:00:00.000Z"},
           {"2026-08-31T00:00:00Z", {.months = 6}, "2027-02-28T00:00:00.000Z"},
           {"2026-11-30T23:59:59Z", {.months = 3}, "2027-02-28T23:59:59.000Z"},
           {"2026-12-28T10:00:00Z", {.days = 7}, "2027-01-04T10:00:00.000Z"},
           {"1969-12-31T23:00:00Z", {.days = 1}, "1970-01-01T23:00:00.000Z"}}) {
    EXPECT_EQ(to_iso8601(after(at(one.from), one.period)), one.to) << one.from;
  }
}

TEST(Bucket, IsTheMonthInWhichTheRetentionEndsAndMayGoWhenItIsOver) {
  EXPECT_EQ(bucket_name("consultation", at("2036-11-21T15:05:09Z")), "consultation/2036-11");
  EXPECT_EQ(bucket_name("event", at("2026-12-01T00:00:00Z")), "event/2026-12");
  EXPECT_EQ(bucket_name("event", at("2026-11-30T23:59:59.999Z")), "event/2026-11");
  const auto month = parse_bucket("event/2026-12");
  ASSERT_TRUE(month.ok());
  EXPECT_EQ(month->class_name, "event");
  EXPECT_EQ(to_iso8601(month->begins), "2026-12-01T00:00:00.000Z");
  EXPECT_EQ(to_iso8601(month->ends), "2027-01-01T00:00:00.000Z");
  EXPECT_EQ(bucket_after("event/2026-12"), "event/2027-01");
  EXPECT_EQ(bucket_after("event/2026-11"), "event/2026-12");
  for (const char* bad :
       {"", "event", "event/", "/2026-12", "event/2026-13", "event/2026-00", "event/2026-1",
        "event/1969-12", "event/2026-12 ", "hold/case-7", "hold/2026-12"}) {
    EXPECT_FALSE(parse_bucket(bad).ok()) << bad;
  }
}

// Nothing may be destroyed before its period is over, whatever the day it was made on.
TEST(Bucket, NeverEndsBeforeTheRetentionOfWhatIsInIt) {
  constexpr std::int64_t kHour = 3600LL * 1000;
  for (const Period period : {Period{.days = 7}, Period{.months = 1}, Period{.years = 10}}) {
    for (std::int64_t hour = 0; hour < 5 * 366 * 24; hour += 7) {
      const Timestamp timestamp{at("2026-01-01T00:00:00Z").ms + hour * kHour};
      const Timestamp ends = after(timestamp, period);
      const auto month = parse_bucket(bucket_name("x", ends));
      ASSERT_TRUE(month.ok());
      ASSERT_LE(ends, month->ends);
      ASSERT_GE(ends, month->begins);
    }
  }
}

}  // namespace
}  // namespace rabt::keys::retention_test
