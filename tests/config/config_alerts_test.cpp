#include <gtest/gtest.h>

#include <array>

#include "tests/config/read.hpp"

// `alerts`: when people are told that something is wrong, and how.
namespace rabt::config::config_alerts_test {
namespace {

using alerts::Severity;
using alerts::Way;

constexpr const char* kMail =
    "  mail: {url: 'smtp://mail.example.sa', from: rabt@example.sa, to: [it@example.sa]}\n";

TEST(ConfigAlerts, NothingIsNeeded) {
  const auto config = read_with("");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config->alerts.settings.rules.empty());
  EXPECT_EQ(config->alerts.settings.page, std::vector<Way>{Way::webhook});
  EXPECT_FALSE(config->alerts.mail);
}

TEST(ConfigAlerts, NumbersStandInTheUnitOfTheirRule) {
  const auto config = read_with(
      "alerts:\n"
      "  rules:\n"
      "    parked: {open: 2h, close: 30m, page: 8h}\n"
      "    disk_free: {open: 10, close: 12, page: 3, for: 0s, clear: 1h}\n"
      "    dead_letters: {severity: page}\n"
      "    faulted: false\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto& rules = config->alerts.settings.rules;
  ASSERT_EQ(rules.size(), 4U);
  EXPECT_EQ(rules.at("parked").open, 7200);
  EXPECT_EQ(rules.at("parked").close, 1800);
  EXPECT_EQ(rules.at("parked").page, 8 * 3600);
  EXPECT_EQ(rules.at("parked").clear_ms, 600'000) << "what is not named stays";
  EXPECT_EQ(rules.at("disk_free").open, 10);
  EXPECT_EQ(rules.at("disk_free").for_ms, 0);
  EXPECT_EQ(rules.at("disk_free").clear_ms, 3'600'000);
  EXPECT_EQ(rules.at("dead_letters").severity, Severity::page);
  EXPECT_FALSE(rules.at("faulted").on);
}

TEST(ConfigAlerts, ChannelsQuietHoursAndLanguageAreRead) {
  const auto config = read_with(
      "roles: {notify: 'hub://session'}\n"
      "alerts:\n"
      "  tell: {warn: [mail], page: [mail, sms, mail]}\n"
      "  quiet: {from: '22:00', to: '07:30'}\n"
      "  language: ar\n"
      "  sms: {to: ['0501234567']}\n" +
      std::string(kMail));
  ASSERT_TRUE(config.ok()) << config.error().message;
  const AlertsEntry& out = config->alerts;
  EXPECT_EQ(out.settings.page, (std::vector<Way>{Way::mail, Way::sms}));
  EXPECT_EQ(out.settings.quiet.from_minute, 22 * 60);
  EXPECT_EQ(out.settings.quiet.to_minute, 7 * 60 + 30);
  EXPECT_EQ(out.languages, std::vector<alerts::Language>{alerts::Language::ar});
  EXPECT_EQ(out.sms, std::vector<std::string>{"+966501234567"});
  ASSERT_TRUE(out.mail);
  EXPECT_EQ(out.mail->to, std::vector<std::string>{"it@example.sa"});
}

TEST(ConfigAlerts, WhatIsWrongIsNamedWithWhatToDo) {
  struct Case {
    std::string lines;
    const char* says;
  };
  const std::string mail(kMail);
  const std::array cases{
      Case{"  rules: {parkd: {open: 4h}}\n", "did you mean `parked`? The rules are dead_letters"},
      Case{"  rules: {parked: {open: 4}}\n", "`open` must be a number and s, m, h or d"},
      Case{"  rules: {disk_free: {open: 4h}}\n", "`open` must be a whole number from 0 to 100"},
      Case{"  rules: {disk_free: {open: 25}}\n", "`close` must be above `open`"},
      Case{"  rules: {parked: {opens: 4h}}\n", "did you mean `open`?"},
      Case{"  rules: {parked: {severity: urgent}}\n", "severity"},
      Case{"  tell: {warn: [mail], page: [mail]}\n" + mail, "`page` must name two channels"},
      Case{"  tell: {page: [webhook, mail]}\n", "`alerts.mail` is missing"},
      Case{"  tell: {page: [webhook, sms]}\n", "`alerts.sms` is missing"},
      Case{"  tell: {warn: [sms], page: [mail, webhook]}\n" + mail, "sms is for `page` alone"},
      Case{"  tell: {page: [webhook, pager]}\n", "`pager` is none"},
      Case{"  sms: {to: ['0501234567']}\n", "`roles` binds none"},
      Case{"  quiet: {from: '25:00', to: '07:00'}\n", "such as \"22:00\""},
      Case{"  quiet: {from: '22:00'}\n", "`to` is missing"},
      Case{"  mail: {url: 'https://mail.example.sa', from: a@b.sa, to: [c@d.sa]}\n",
           "smtp://host or smtps://host"},
      Case{"  mail: {url: 'smtp://mail.example.sa', from: a@b.sa}\n", "at least one address"},
      Case{"  mail: {url: 'smtp://mail.example.sa', from: a@b.sa, to: [nobody]}\n",
           "`nobody` is no mail address"},
      Case{"  mail: {url: 'smtp://mail.example.sa', from: a@b.sa, to: [c@d.sa], user: a}\n",
           "`user` and `password` go together"}};
  for (const Case& one : cases) {
    const auto config = read_with("alerts:\n" + one.lines);
    ASSERT_FALSE(config.ok()) << one.lines;
    EXPECT_NE(config.error().message.find(one.says), std::string::npos) << config.error().message;
  }
}

}  // namespace
}  // namespace rabt::config::config_alerts_test
