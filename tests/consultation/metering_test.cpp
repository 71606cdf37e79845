#include "hub/consultation/practice/metering/metering.hpp"

#include "hub/consultation/session/time.hpp"

#include <gtest/gtest.h>

namespace rabt::consultation::metering_test {
namespace {

std::int64_t at(std::string_view text) {
  return parse_iso8601(text)->ms;
}
Timestamp time(std::string_view text) {
  return {at(text)};
}

// All of 2026-11 in Riyadh.
std::int64_t seconds(std::vector<Attended> stays, Timestamp now = time("2026-12-31T00:00:00Z")) {
  const auto month = month_of(2026, 11, "Asia/Riyadh");
  return united_seconds(std::move(stays), month->begins, month->ends, now);
}

TEST(Metering, AMonthBeginsAtMidnightOfItsTimeZone) {
  const auto month = month_of(2026, 11, "Asia/Riyadh");
  ASSERT_TRUE(month.ok());
  EXPECT_EQ(to_iso8601(month->begins), "2026-10-31T21:00:00.000Z");
  EXPECT_EQ(to_iso8601(month->ends), "2026-11-30T21:00:00.000Z");
  EXPECT_EQ(month->name(), "2026-11");
  const auto december = month_of(2026, 12, "UTC");
  EXPECT_EQ(to_iso8601(december->begins), "2026-12-01T00:00:00.000Z");
  EXPECT_EQ(to_iso8601(december->ends), "2027-01-01T00:00:00.000Z");
  EXPECT_EQ(month_of(2026, 13, "UTC").error().code, "api.invalid");
  EXPECT_EQ(month_of(2026, 1, "Asia/Nowhere").error().code, "api.invalid");
}

TEST(Metering, AMomentLiesInTheMonthOfItsTimeZone) {
  EXPECT_EQ(month_at(time("2026-10-31T20:59:59Z"), "Asia/Riyadh")->name(), "2026-10");
  EXPECT_EQ(month_at(time("2026-10-31T21:00:00Z"), "Asia/Riyadh")->name(), "2026-11");
  EXPECT_EQ(month_at(time("2026-12-31T21:00:00Z"), "Asia/Riyadh")->name(), "2027-01");
  EXPECT_EQ(month_at(time("2027-01-01T02:00:00Z"), "America/New_York")->name(), "2026-12");
}

TEST(Metering, StaysOfOneParticipantAreUnited) {
  EXPECT_EQ(seconds({{at("2026-11-05T10:00:00Z"), at("2026-11-05T10:30:00Z")}}), 1800);
  // Two devices, then a third stay apart.
  EXPECT_EQ(seconds({{at("2026-11-05T10:00:00Z"), at("2026-11-05T10:30:00Z")},
                     {at("2026-11-05T10:10:00Z"), at("2026-11-05T10:20:00Z")},
                     {at("2026-11-05T10:20:00Z"), at("2026-11-05T10:40:00Z")},
                     {at("2026-11-05T11:00:00Z"), at("2026-11-05T11:00:01Z")}}),
            2401);
}

TEST(Metering, EndsAreTruncatedToWholeSeconds) {
  EXPECT_EQ(seconds({{at("2026-11-05T10:00:00.900Z"), at("2026-11-05T10:00:01.100Z")}}), 1);
  EXPECT_EQ(seconds({{at("2026-11-05T10:00:00.100Z"), at("2026-11-05T10:00:00.900Z")}}), 0);
}

TEST(Metering, AStayIsCutAtTheMonthsBoundary) {
  EXPECT_EQ(seconds({{at("2026-10-31T20:50:00Z"), at("2026-10-31T21:10:00Z")}}), 600);
  EXPECT_EQ(seconds({{at("2026-11-30T20:50:00Z"), at("2026-11-30T21:10:00Z")}}), 600);
}

TEST(Metering, AnOpenStayCountsUpToNow) {
  EXPECT_EQ(seconds({{at("2026-11-05T10:00:00Z"), {}}}, time("2026-11-05T10:01:30.999Z")), 90);
  EXPECT_EQ(seconds({{at("2026-11-05T10:00:00Z"), {}}}, time("2026-11-05T09:00:00Z")), 0);
}

TEST(Metering, MinutesAreRoundedUpOnceAndThePercentageHalfUp) {
  EXPECT_EQ(whole_minutes(0), 0);
  EXPECT_EQ(whole_minutes(1), 1);
  EXPECT_EQ(whole_minutes(60), 1);
  EXPECT_EQ(whole_minutes(1800 + 1800), 60);
  const UsageFigures sample = usage_figures(450 * 60, 1000);
  EXPECT_EQ(sample.minutes, 450);
  EXPECT_EQ(sample.remaining, 550);
  EXPECT_EQ(percent_text(sample.per_mille), "45.0");
  // 1 of 2000 is 0.05 %.
  EXPECT_EQ(percent_text(usage_figures(60, 2000).per_mille), "0.1");
  EXPECT_EQ(percent_text(usage_figures(60, 3000).per_mille), "0.0");
  const UsageFigures over = usage_figures(1001 * 60, 1000);
  EXPECT_EQ(over.remaining, 0);
  EXPECT_EQ(percent_text(over.per_mille), "100.1");
  EXPECT_EQ(usage_figures(60, 0).per_mille, 0);
}

TEST(Metering, AThresholdIsReachedExactly) {
  constexpr int kThresholds[] = {50, 80, 90, 100};
  EXPECT_TRUE(thresholds_reached(499, 1000, kThresholds).empty());
  EXPECT_EQ(thresholds_reached(500, 1000, kThresholds), std::vector<int>{50});
  EXPECT_EQ(thresholds_reached(1000, 1000, kThresholds), (std::vector<int>{50, 80, 90, 100}));
  EXPECT_TRUE(thresholds_reached(5, 0, kThresholds).empty());
}

}  // namespace
}  // namespace rabt::consultation::metering_test
