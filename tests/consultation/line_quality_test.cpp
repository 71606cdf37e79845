#include "hub/consultation/line/quality.hpp"

#include <gtest/gtest.h>

namespace rabt::consultation::line_quality_test {
namespace {

TEST(LineQuality, ScoresAreThoseOfTheEModel) {
  struct Row {
    double loss, jitter, rtt, mos;
  };
  for (const Row& row : {Row{0, 0, 0, 4.40}, Row{0, 5, 40, 4.38}, Row{1, 10, 80, 4.28},
                         Row{2, 20, 150, 4.13}, Row{3, 30, 200, 3.96}, Row{5, 30, 300, 3.41},
                         Row{5, 50, 500, 2.44}, Row{10, 50, 400, 2.20}, Row{20, 80, 600, 1.00}}) {
    EXPECT_DOUBLE_EQ(mean_opinion_score(row.loss, row.jitter, row.rtt), row.mos)
        << row.loss << "," << row.jitter << "," << row.rtt;
  }
  EXPECT_DOUBLE_EQ(mean_opinion_score(100, 10'000, 60'000), 1.0);
}

TEST(LineQuality, GradesBeginAtTheirScores) {
  EXPECT_EQ(grade_of(4.0), "excellent");
  EXPECT_EQ(grade_of(3.99), "good");
  EXPECT_EQ(grade_of(3.6), "good");
  EXPECT_EQ(grade_of(3.1), "fair");
  EXPECT_EQ(grade_of(2.6), "poor");
  EXPECT_EQ(grade_of(2.59), "bad");
}

TEST(LineQuality, EachOfAFewPeopleHasAShareOfTheCap) {
  EXPECT_EQ(level_under(0, 5), Level::hd);
  EXPECT_EQ(level_under(5000, 2), Level::hd);
  EXPECT_EQ(level_under(4999, 2), Level::high);
  EXPECT_EQ(level_under(1000, 2), Level::standard);
  EXPECT_EQ(level_under(100, 4), Level::low);
}

// Windows of ten seconds, one after the other.
struct Line {
  Ladder ladder;
  std::int64_t at = 0;
  bool good() { return give(0, 4.4); }
  bool bad() { return give(0, 3.0); }
  bool give(double loss, double mos, std::optional<double> kbps = {},
            std::optional<double> available = {}) {
    at += 10'000;
    return ladder.take(
        {.at_ms = at, .loss_percent = loss, .mos = mos, .kbps = kbps, .available_kbps = available});
  }
};

TEST(LineQuality, TwoBadWindowsInARowGoOneLevelDown) {
  Line line{.ladder = {.level = Level::high}};
  EXPECT_FALSE(line.bad());
  EXPECT_FALSE(line.good());
  EXPECT_FALSE(line.bad());
  EXPECT_TRUE(line.bad());
  EXPECT_EQ(line.ladder.level, Level::standard);
  EXPECT_FALSE(line.give(6, 4.0));
  EXPECT_TRUE(line.give(0, 4.0, 399));
  EXPECT_EQ(line.ladder.level, Level::low);
}

TEST(LineQuality, SixGoodWindowsGoOneLevelUpButNotPastTheCeiling) {
  Line line{.ladder = {.level = Level::standard, .ceiling = Level::high}};
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(line.good());
  EXPECT_TRUE(line.good());
  EXPECT_EQ(line.ladder.level, Level::high);
  for (int i = 0; i < 12; ++i) EXPECT_FALSE(line.good());
}

TEST(LineQuality, WithoutRoomForTheNextPictureTheLevelStays) {
  Line line{.ladder = {.level = Level::standard}};
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(line.give(0, 4.4, 500, 1439));
  EXPECT_TRUE(line.give(0, 4.4, 500, 1440));
}

TEST(LineQuality, NoStepUpWithinThirtySecondsOfAStepDown) {
  Ladder ladder{.level = Level::high};
  const auto take = [&ladder](std::int64_t at, double mos) {
    return ladder.take({.at_ms = at, .loss_percent = 0, .mos = mos});
  };
  EXPECT_FALSE(take(0, 2.0));
  EXPECT_TRUE(take(1'000, 2.0));
  for (std::int64_t i = 1; i <= 7; ++i) EXPECT_FALSE(take(1'000 + i * 4'000, 4.4));
  EXPECT_TRUE(take(31'000, 4.4));
}

TEST(LineQuality, AtTheLowestLevelThreeBadWindowsAdviseSoundOnly) {
  Line line{.ladder = {.level = Level::low}};
  line.bad();
  line.bad();
  EXPECT_FALSE(line.ladder.audio_only);
  line.bad();
  EXPECT_TRUE(line.ladder.audio_only);
  line.good();
  EXPECT_FALSE(line.ladder.audio_only);
}

TEST(LineQuality, ALimitByHandLowersAtOnceAndHolds) {
  Line line{.ladder = {.level = Level::hd}};
  EXPECT_TRUE(line.ladder.limit(Level::low));
  EXPECT_EQ(line.ladder.level, Level::low);
  for (int i = 0; i < 12; ++i) EXPECT_FALSE(line.good());
  EXPECT_FALSE(line.ladder.limit(Level::high));
}

}  // namespace
}  // namespace rabt::consultation::line_quality_test
