#include "hub/consultation/record/shared_text.hpp"

#include <algorithm>
#include <array>

namespace rabt::consultation {

namespace {

constexpr std::array<std::string_view, 4> kRules{"off", "flag", "mask", "block"};
// Text before the kinds in the error.
constexpr std::string_view kBeforeKinds = " may not see: ";

bool treats(std::string_view role) {
  return role == "patient" || role == "doctor" || role == "specialist" || role == "nurse";
}

}  // namespace

std::string_view to_string(TextRule rule) {
  return kRules.at(static_cast<std::size_t>(rule));
}

std::optional<TextRule> parse_text_rule(std::string_view text) {
  const auto* const found = std::find(kRules.begin(), kRules.end(), text);
  if (found == kRules.end()) return std::nullopt;
  return static_cast<TextRule>(found - kRules.begin());
}

Error exposed(const std::set<std::string>& kinds) {
  std::string list;
  for (const std::string& kind : kinds) list.append(list.empty() ? "" : ", ").append(kind);
  return invalid("phi.exposed", "the text holds patient data that somebody in this session" +
                                    std::string(kBeforeKinds) + list);
}

std::vector<std::string> exposed_kinds(const Error& error) {
  std::vector<std::string> kinds;
  const auto at = error.message.find(kBeforeKinds);
  if (error.code != "phi.exposed" || at == std::string::npos) return kinds;
  std::string_view rest = error.message;
  rest.remove_prefix(at + kBeforeKinds.size());
  while (!rest.empty()) {
    const auto end = std::min(rest.find(", "), rest.size());
    kinds.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return kinds;
}

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
