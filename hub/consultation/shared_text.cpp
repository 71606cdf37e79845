#include "hub/consultation/shared_text.hpp"

#include <algorithm>

namespace rabt::consultation {

namespace {

bool treats(std::string_view role) {
  return role == "patient" || role == "doctor" || role == "specialist" || role == "nurse";
}

}  // namespace

TextRule rule_for(const TextRules& rules, std::string_view session_type,
                  std::span<const std::string> readers) {
  const bool among_staff =
      session_type != "training_session" && std::all_of(readers.begin(), readers.end(), treats);
  return among_staff ? rules.among_staff : rules.before_others;
}

TextDecision decide_text(TextRule rule, std::string_view text,
                         const std::vector<phi::Finding>& findings) {
  if (rule == TextRule::off || findings.empty())
    return {.rule = TextRule::off, .kinds = {}, .text = std::string(text)};
  TextDecision decision{.rule = rule, .kinds = {}, .text = {}};
  for (const phi::Finding& finding : findings) decision.kinds.emplace(phi::to_string(finding.kind));
  if (rule == TextRule::flag) decision.text = std::string(text);
  if (rule == TextRule::mask) decision.text = phi::mask(text, findings);
  return decision;
}

}  // namespace rabt::consultation
