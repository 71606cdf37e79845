#pragma once

#include <string>
#include <string_view>

#include "hub/workflow/action_catalog.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::engine {

// Refusal of `done` for a failed call that no person answers so.
inline constexpr std::string_view kNotByPerson =
    "the action failed, and a person does not answer for payer, identity or consent: answer again "
    "when the outside system is back, or permanent";

// End of a call that waits for a person.
struct CallEnd {
  // It failed, and its workflow asks a person. Otherwise nobody knows its effect.
  bool asked = false;
  // It failed with an answer that left open whether it took effect.
  bool doubtful = false;
};
// ask: null for a call that no answer ended.
[[nodiscard]] CallEnd end_of(const workflow::Ask* ask);

// True if a person may answer the call as done. False for an action of payer, identity or consent,
// by its role or by its name, that failed without effect: whether one of these took effect is said
// by who looked there, but what it did not say is not made up.
[[nodiscard]] bool person_may_answer(const workflow::CallAction& call, CallEnd end);

// JSON Schema of what the call would have given, with the words that its arguments name; null when
// the action says nothing about it. target: the plugin or service of the role.
[[nodiscard]] Json answer_schema(const workflow::ActionCatalog& actions, const std::string& target,
                                 const workflow::CallAction& call);

// Checks that a person says in place of an action what the action could have given. Error
// engine.answer names each member that does not fit, its rule and no value.
[[nodiscard]] Status answer_fits(const workflow::ActionCatalog& actions, const std::string& target,
                                 const workflow::CallAction& action, CallEnd end,
                                 const workflow::ActionOutcome& outcome);

}  // namespace rabt::engine
