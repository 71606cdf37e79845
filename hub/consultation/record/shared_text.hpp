#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/phi/detector.hpp"

// Rules on texts with patient data in them, before those who read a session. Pure.
namespace rabt::consultation {

enum class TextRule : std::uint8_t { off, flag, mask, block };

[[nodiscard]] std::string_view to_string(TextRule rule);
[[nodiscard]] std::optional<TextRule> parse_text_rule(std::string_view text);

// Rules of the tenant: what happens to patient data among people who treat the patient, and where
// somebody else reads along.
struct TextRules {
  TextRule among_staff = TextRule::flag;
  TextRule before_others = TextRule::block;
};

struct TextDecision {
  TextRule rule = TextRule::off;
  // Classes of findings; empty if nothing was found. Never the values.
  std::set<std::string> kinds;
  // The text as it may be kept and shown. Empty if it is blocked.
  std::string text;
};

// readers: the roles of every participant who is neither denied nor removed, connected or not,
// because what is written stays readable. All of them patient, doctor, specialist or nurse: the
// rule among staff. An observer or family member among them, or a training session: the other.
[[nodiscard]] TextRule rule_for(const TextRules& rules, std::string_view session_type,
                                std::span<const std::string> readers);
[[nodiscard]] TextDecision decide_text(TextRule rule, std::string_view text,
                                       const std::vector<phi::Finding>& findings);

// The error invalid phi.exposed names the kinds; exposed_kinds reads them back.
[[nodiscard]] Error exposed(const std::set<std::string>& kinds);
[[nodiscard]] std::vector<std::string> exposed_kinds(const Error& error);

}  // namespace rabt::consultation
