#include "hub/alerts/rules.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "hub/alerts/rhythm.hpp"
#include "hub/alerts/telling.hpp"
#include "hub/alerts/texts.hpp"
#include "hub/alerts/window.hpp"

namespace rabt::alerts::rules_test {
namespace {

TEST(AlertRules, EachHasNumbersThatFitAndWordsInBothLanguages) {
  std::set<std::string_view> names;
  for (const Rule& rule : rules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    const Status good = check(rule, rule.numbers);
    EXPECT_TRUE(good.ok()) << good.error().message;
    EXPECT_GE(rule.numbers.clear_ms, 60'000) << rule.name << ": a start of the hub would close it";
    const std::string en = what(rule.name, "his", 7, Language::en);
    const std::string ar = what(rule.name, "his", 7, Language::ar);
    EXPECT_NE(en, std::string(rule.name)) << "no words";
    EXPECT_NE(ar, en);
    for (const std::string& text : {en, ar, command_of(rule.name, "his")}) {
      EXPECT_FALSE(text.empty()) << rule.name;
      EXPECT_EQ(text.find('{'), std::string::npos) << text;
    }
    const std::string command = command_of(rule.name, "his");
    EXPECT_TRUE(command.starts_with("rabt ") || command == "df -h his") << rule.name;
    // The list that names the command is printed by it.
    EXPECT_NE(command, "rabt status") << rule.name;
  }
}

TEST(AlertRules, AnUnknownNameIsRefusedWithTheList) {
  const Status wrong = check_rule("disk_fre");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, "alert.rule");
  EXPECT_NE(wrong.error().message.find("did you mean `disk_free`?"), std::string::npos);
  EXPECT_NE(wrong.error().message.find("dead_letters, webhook_backlog"), std::string::npos);
}

TEST(AlertRules, NumbersOnTheWrongSideAreRefused) {
  const Rule& parked = *find_rule("parked");
  const Rule& disk = *find_rule("disk_free");
  struct Case {
    const Rule* rule;
    Numbers numbers;
    const char* says;
  };
  const std::array cases{
      Case{&parked, {.open = 10, .close = 10}, "`close` must be below `open`"},
      Case{&parked, {.open = 10, .close = 11}, "`close` must be below `open`"},
      Case{&disk, {.open = 10, .close = 9}, "`close` must be above `open`"},
      Case{&disk, {.open = 10, .close = 20, .page = 11}, "`page` must not be above `open`"},
      Case{&parked, {.open = 10, .close = 1, .page = 9}, "`page` must not be below `open`"},
      Case{&parked, {.open = 10, .close = 1, .severity = Severity::page, .page = 12}, "has none"},
      Case{&disk, {.open = 90, .close = 101}, "above 100"}};
  for (const Case& one : cases) {
    const Status wrong = check(*one.rule, one.numbers);
    ASSERT_FALSE(wrong.ok()) << one.says;
    EXPECT_NE(wrong.error().message.find(one.says), std::string::npos) << wrong.error().message;
  }
}

TEST(AlertRules, AValueIsSaidInItsUnit) {
  EXPECT_EQ(value_text(Unit::count, 3), "3");
  EXPECT_EQ(value_text(Unit::percent, 12), "12 %");
  EXPECT_EQ(value_text(Unit::seconds, 119), "119 s");
  EXPECT_EQ(value_text(Unit::seconds, 15 * 60), "15 min");
  EXPECT_EQ(value_text(Unit::seconds, 4 * 3600), "4 h");
  EXPECT_EQ(value_text(Unit::seconds, 21 * 86'400), "21 d");
  EXPECT_EQ(value_text(Unit::seconds, -3 * 3600), "-3 h");
}

TEST(AlertTexts, AnObjectThatLooksLikeAPlaceIsLeftAsItIs) {
  EXPECT_EQ(what("parked", "{value}", 4 * 3600, Language::en),
            "A call of {value} waits for a decision since 4 h");
}

TEST(AlertTexts, FactsComeBackAsTheyWereWritten) {
  const Facts facts{.kind = Kind::closed,
                    .alert = "01K",
                    .rule = "disk_free",
                    .object = "/data",
                    .severity = Severity::page,
                    .value = 4,
                    .opened_ms = 1'795'676'400'000,
                    .closed_ms = 1'795'680'000'000,
                    .count = 2};
  EXPECT_EQ(to_json(read_facts(to_json(facts))), to_json(facts));
  const std::string en = text(facts, "clinic", Language::en);
  EXPECT_NE(en.find("Rabt clinic: closed: The disk of the folder /data has 4 % free"),
            std::string::npos)
      << en;
  EXPECT_NE(en.find("Lasted: 60 min"), std::string::npos) << en;
  EXPECT_NE(en.find("Times: 2"), std::string::npos) << en;
}

TEST(AlertTexts, AnOpenOneSaysWhatHelpsAndHowItIsAcknowledged) {
  const Facts facts{
      .alert = "01K", .rule = "plugin_quarantined", .object = "twilio", .severity = Severity::page};
  const std::string en = text(facts, "clinic", Language::en);
  EXPECT_NE(en.find("rabt plugin release twilio"), std::string::npos) << en;
  EXPECT_NE(en.find("rabt alerts ack 01K --note TEXT"), std::string::npos) << en;
  EXPECT_NE(text(facts, "clinic", Language::ar).find("عاجل"), std::string::npos);
}

TEST(AlertQuiet, HoursMayCrossMidnight) {
  const Quiet night{.from_minute = 22 * 60, .to_minute = 7 * 60};
  constexpr std::int64_t kMidnight = 1'795'640'400'000;  // in Riyadh
  constexpr std::int64_t kHour = 3'600'000;
  EXPECT_TRUE(night.holds(kMidnight));
  EXPECT_TRUE(night.holds(kMidnight + 7 * kHour - 1));
  EXPECT_FALSE(night.holds(kMidnight + 7 * kHour));
  EXPECT_FALSE(night.holds(kMidnight + 22 * kHour - 1));
  EXPECT_TRUE(night.holds(kMidnight + 22 * kHour));
  EXPECT_FALSE(Quiet{}.holds(kMidnight));
}

TEST(AlertWindow, CountsWhatRoseWithinTheSpan) {
  Window window(60'000);
  EXPECT_EQ(window.add(0, 2), 2);
  EXPECT_EQ(window.add(30'000, 5), 5);
  EXPECT_EQ(window.add(60'000, 5), 3);
  EXPECT_EQ(window.add(90'000, 6), 1);
  EXPECT_EQ(window.add(120'000, 1), 0) << "the count began anew";
}

TEST(AlertRhythm, SilenceIsWhatIsUnusualForTheHourOfTheWeek) {
  constexpr std::int64_t kHour = 3'600'000;
  constexpr std::int64_t kStart = 1'795'640'400'000;
  Rhythm rhythm(kStart);
  // Ten deliveries an hour from 08:00 to 16:00, none at night, for two weeks.
  std::int64_t now = kStart;
  for (int hour = 0; hour < 14 * 24; ++hour, now += kHour) {
    const int of_day = hour % 24;
    for (int tenth = 0; tenth < 10; ++tenth) {
      const std::int64_t at = now + tenth * kHour / 10;
      (void)rhythm.heard(at, of_day >= 8 && of_day < 16 ? 1 : 0);
      EXPECT_LT(rhythm.missed(at), 4) << "hour " << hour;
    }
  }
  // Night: nothing is missed. The third week's morning without any:
  EXPECT_LT(rhythm.missed(now + 7 * kHour), 4);
  EXPECT_GE(rhythm.missed(now + 10 * kHour), 10);
  (void)rhythm.heard(now + 10 * kHour, 1);
  EXPECT_EQ(rhythm.missed(now + 10 * kHour), 0);
  EXPECT_EQ(rhythm.missed(now + 11 * kHour), 0) << "shorter than two hours";
}

}  // namespace
}  // namespace rabt::alerts::rules_test
