#include "hub/consultation/practice/agreements.hpp"

#include <algorithm>

namespace rabt::consultation {

bool is_valid(const Agreement& agreement, std::string_view today) {
  return agreement.signed_on <= today &&
         (agreement.valid_to.empty() || today <= agreement.valid_to);
}

Status may_be_bound(const PracticeSettings& settings, Timestamp now) {
  if (!settings.require_agreement) return ok_status();
  const std::string today = to_iso8601(now).substr(0, 10);
  std::string without;
  for (const std::string& plugin : settings.processors) {
    const bool covered =
        std::any_of(settings.agreements.begin(), settings.agreements.end(),
                    [&](const auto& one) { return one.party == plugin && is_valid(one, today); });
    if (!covered) without += (without.empty() ? "" : ", ") + plugin;
  }
  if (without.empty()) return ok_status();
  return denied("compliance.agreement",
                "no agreement is valid today with: " + without +
                    "; write it under compliance.agreements, or bind no role to the plugin");
}

}  // namespace rabt::consultation
