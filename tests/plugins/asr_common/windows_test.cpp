#include "windows.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sound.hpp"

namespace rabt::asr::windows_test {
namespace {

// An engine that says what it was given.
class WindowsOf : public ::testing::Test {
 protected:
  Windows windows{[this](std::span<const float> window) {
    lengths.push_back(static_cast<std::int64_t>(window.size()) / 16);
    first.push_back(window.front());
    if (says) return says(lengths.back());
    return Windows::Heard{.segments = {}, .done_ms = lengths.back()};
  }};
  std::function<Windows::Heard(std::int64_t length)> says;
  std::vector<std::int64_t> lengths;
  std::vector<float> first;

  void SetUp() override { windows.begin(); }
  // Loud sound of so many milliseconds, in pieces as a packet has.
  void sound(std::int64_t at_ms, std::int64_t ms, std::int16_t value = 8'192) {
    const std::vector<std::int16_t> packet(320, value);
    for (std::int64_t at = 0; at < ms; at += 20) windows.take(at_ms + at, packet);
  }
  static Segment said(std::int64_t from, std::int64_t to, std::string text = "yes") {
    return {.start_ms = from, .end_ms = to, .text = std::move(text), .confidence = {}};
  }
};

TEST_F(WindowsOf, TwoHoursAreHeardInHalvesOfMinutes) {
  sound(0, 2LL * 3'600'000);
  windows.end();
  EXPECT_EQ(lengths, std::vector<std::int64_t>(240, 30'000));
  EXPECT_EQ(windows.duration_ms(), 2LL * 3'600'000);
  EXPECT_FLOAT_EQ(first.front(), 0.25F);
}

TEST_F(WindowsOf, ASentenceThatAWindowCutsIsHeardAgain) {
  says = [this](std::int64_t length) {
    return lengths.size() == 1
               ? Windows::Heard{.segments = {said(1'000, 4'000), said(5'000, 26'500)},
                                .done_ms = 26'500}
               : Windows::Heard{.segments = {said(0, 2'000)}, .done_ms = length};
  };
  sound(0, 40'000);
  windows.end();
  EXPECT_EQ(lengths, (std::vector<std::int64_t>{30'000, 13'500}));
  const auto got = windows.taken();
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[1].end_ms, 26'500);
  EXPECT_EQ(got[2].start_ms, 26'500);
  EXPECT_EQ(got[2].end_ms, 28'500);
  EXPECT_EQ(windows.duration_ms(), 40'000);
}

TEST_F(WindowsOf, AnEngineThatGetsNowhereIsMovedOn) {
  says = [](std::int64_t) { return Windows::Heard{.segments = {}, .done_ms = 0}; };
  sound(0, 33'000);
  windows.end();
  EXPECT_LE(lengths.size(), 34U);
  EXPECT_EQ(windows.duration_ms(), 33'000);
}

TEST_F(WindowsOf, TimesOfAnEngineStayInTheirOrderAndInTheWindow) {
  says = [this](std::int64_t length) {
    return Windows::Heard{.segments = {said(-5, 9'000), said(8'000, 7'000), said(29'000, 99'000)},
                          .done_ms = length};
  };
  sound(0, 30'000);
  std::int64_t last = 0;
  for (const Segment& segment : windows.taken()) {
    EXPECT_GE(segment.start_ms, last);
    EXPECT_GE(segment.end_ms, segment.start_ms);
    EXPECT_LE(segment.end_ms, 30'000);
    last = segment.end_ms;
  }
  EXPECT_EQ(last, 30'000);
}

TEST_F(WindowsOf, NothingIsHeardInSilence) {
  sound(0, 60'000, 20);
  EXPECT_TRUE(lengths.empty());
  // Text that an engine finds in the silent part of a window is left out.
  says = [this](std::int64_t length) {
    return Windows::Heard{.segments = {said(1'000, 3'000), said(12'000, 28'000, "thank you")},
                          .done_ms = length};
  };
  sound(60'000, 10'000);
  sound(70'000, 20'000, 20);
  const auto got = windows.taken();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].text, "yes");
  EXPECT_EQ(got[0].start_ms, 61'000);
}

TEST_F(WindowsOf, WhatAProviderLeavesOutIsSilenceInItsPlace) {
  says = [this](std::int64_t length) {
    return Windows::Heard{.segments = {said(0, length)}, .done_ms = length};
  };
  sound(0, 2'000);
  sound(10'000, 2'000);
  // Longer than a window: a new one begins.
  sound(600'000, 1'000);
  windows.end();
  EXPECT_EQ(lengths, (std::vector<std::int64_t>{12'000, 1'000}));
  const auto got = windows.taken();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[1].start_ms, 600'000);
  EXPECT_EQ(windows.duration_ms(), 601'000);
}

TEST_F(WindowsOf, ANewRecordingKnowsNothingOfTheOneBefore) {
  sound(0, 20'000);
  windows.begin();
  sound(0, 1'000);
  windows.end();
  EXPECT_EQ(lengths, std::vector<std::int64_t>{1'000});
  EXPECT_EQ(windows.duration_ms(), 1'000);
}

TEST(SaidText, IsUtf8ThatTheCapabilityTakes) {
  EXPECT_EQ(fit_text("  صداع شديد \n"), "صداع شديد");
  EXPECT_EQ(fit_text("a\xd8"), "a");
  EXPECT_EQ(fit_text("\xd8\xb5\xff\xed\xa0\x80\xf5z\xe0\x80\x80"), "\xd8\xb5z");
  EXPECT_EQ(fit_text("a\x1b[31mb"), "a[31mb");
  EXPECT_EQ(fit_text(" \t"), "");
  std::string many;
  for (int i = 0; i < 3'000; ++i) many += "ص";
  EXPECT_EQ(fit_text("x" + many).size(), 3'999U);
}

}  // namespace
}  // namespace rabt::asr::windows_test
