#include <gtest/gtest.h>

#include "tests/config/read.hpp"

namespace rabt::config::config_practice_test {
namespace {

TEST(ConfigPractice, EveryKeyIsRead) {
  const auto config = read_with(
      "roles: {video: 'plugin://twilio', ehr: 'plugin://fhir', register: 'hub://register'}\n"
      "plugin: {twilio: {config: {media_region: de1}}}\n"
      "compliance:\n"
      "  require_agreement: true\n"
      "  allowed_regions: [de1]\n"
      "  agreements:\n"
      "    - {party: twilio, kind: baa, signed_on: '2026-01-01', valid_to: '2027-01-01', "
      "document: DMS-7}\n"
      "phi: {chat: {before_others: mask}, documents: {among_staff: 'off'}}\n"
      "metering: {thresholds: [10, 20]}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const consultation::PracticeSettings& practice = config->practice;
  EXPECT_TRUE(practice.require_agreement);
  EXPECT_EQ(config->video.allowed_regions, std::vector<std::string>{"de1"});
  EXPECT_EQ(config->video.region, "de1");
  ASSERT_EQ(practice.agreements.size(), 1U);
  EXPECT_EQ(practice.agreements[0].party, "twilio");
  EXPECT_EQ(practice.agreements[0].valid_to, "2027-01-01");
  EXPECT_EQ(practice.processors, (std::vector<std::string>{"fhir", "twilio"}));
  EXPECT_EQ(practice.metering.thresholds, (std::vector<int>{10, 20}));
  EXPECT_EQ(config->chat_rules.before_others, consultation::TextRule::mask);
  EXPECT_EQ(config->chat_rules.among_staff, consultation::TextRule::flag);
  EXPECT_EQ(config->document_rules.among_staff, consultation::TextRule::off);
}

TEST(ConfigPractice, MistakesAreNamed) {
  for (const auto& [lines, said] : {
           std::pair{"compliance: {agreements: [{party: a, signed_on: yesterday}]}\n", "signed_on"},
           std::pair{"compliance: {agreements: 7}\n", "must be a list"},
           std::pair{"compliance: {regions: []}\n", "unknown key `regions`"},
           std::pair{"phi: {chat: {among_staff: shout}}\n", "among_staff"},
           std::pair{"metering: {time_zone: Mars/Base}\n", "time_zone"},
           std::pair{"metering: {thresholds: [0]}\n", "thresholds"},
       }) {
    const auto config = read_with(lines);
    ASSERT_FALSE(config.ok()) << lines;
    EXPECT_NE(config.error().message.find(said), std::string::npos) << config.error().message;
  }
}

}  // namespace
}  // namespace rabt::config::config_practice_test
