#pragma once

#include <string_view>

#include "json_text.hpp"
#include "message.hpp"
#include "settings.hpp"

// One function for each request message. All throw Refusal when the input cannot become a valid
// message; none sends. input: the action's input without nulls and empty values (without_empty).
namespace rabt::nphies {

// facts: {}; subject: CoverageEligibilityRequest.identifier.
[[nodiscard]] Draft build_eligibility(const Settings& settings, const Stamp& stamp,
                                      const Json& input);

// A professional claim of a video visit, Encounter.class VR. subject: Claim.identifier. facts:
// {"payer": {licence, name}, "submittedHalalas", "patientShareHalalas", "taxHalalas",
// "absenceReasons": [{category, code}], "shortened": [category]}
[[nodiscard]] Draft build_claim(const Settings& settings, const Stamp& stamp, const Json& input);

// code: "cancel" (reason WI, NP or TAS) or "status" (reason empty). subject: the claim.
[[nodiscard]] Draft build_task(const Settings& settings, const Stamp& stamp, std::string_view code,
                               const Identifier& claim, const Party& payer,
                               std::string_view reason);

// claim with empty parts: the next poll_count claim responses of the whole queue. subject: the
// claim.
[[nodiscard]] Draft build_poll(const Settings& settings, const Stamp& stamp,
                               const Identifier& claim);

}  // namespace rabt::nphies
