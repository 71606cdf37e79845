#include "hub/consultation/record/shared_text.hpp"

#include <gtest/gtest.h>

namespace rabt::consultation::shared_text_test {
namespace {

using Roles = std::vector<std::string>;

TEST(SharedText, StaffAndPatientMaySeePatientDataAndOthersMayNot) {
  const TextRules rules;
  EXPECT_EQ(rule_for(rules, "doctor_patient", Roles{"doctor", "patient", "nurse", "specialist"}),
            TextRule::flag);
  for (const char* other : {"observer", "family_member", "admin"})
    EXPECT_EQ(rule_for(rules, "doctor_patient", Roles{"doctor", "patient", other}),
              TextRule::block);
  EXPECT_EQ(rule_for(rules, "training_session", Roles{"doctor", "nurse"}), TextRule::block);
}

TEST(SharedText, EachRuleDoesWhatItSays) {
  const auto detector = phi::Detector::make({});
  ASSERT_TRUE(detector.ok());
  const std::string text = "my id is 1000000008";
  const auto findings = (*detector)->find(text);
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(decide_text(TextRule::off, text, findings).text, text);
  EXPECT_TRUE(decide_text(TextRule::off, text, findings).kinds.empty());
  const TextDecision flagged = decide_text(TextRule::flag, text, findings);
  EXPECT_EQ(flagged.text, text);
  EXPECT_EQ(flagged.kinds, std::set<std::string>{"national-id"});
  const TextDecision masked = decide_text(TextRule::mask, text, findings);
  EXPECT_EQ(masked.text.find("1000000008"), std::string::npos);
  EXPECT_EQ(decide_text(TextRule::block, text, findings).text, "");
  EXPECT_EQ(decide_text(TextRule::block, "hello", {}).rule, TextRule::off);
}

}  // namespace
}  // namespace rabt::consultation::shared_text_test
