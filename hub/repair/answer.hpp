#pragma once

#include <cstdint>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/engine/engine.hpp"

// A person's answer to a parked call: {outcome: again, done, transient or permanent, output?}.
namespace rabt::repair {

// Error api.invalid: the outcome is none of the words.
[[nodiscard]] Status check_answer(const Json& answer);
// The outcome that an answer other than `again` gives the call.
[[nodiscard]] workflow::ActionOutcome outcome_of(const Json& answer);
// True if the call is made once more.
[[nodiscard]] bool asks_again(const Json& answer);

// Decides a parked call of an instance. call: its number, 0 for the one that is next. Errors:
// api.invalid and those of Engine::resolve.
[[nodiscard]] Status resolve_call(engine::Engine& engine, std::string_view instance,
                                  std::uint64_t call, const Json& answer,
                                  const engine::Asked& asked);

}  // namespace rabt::repair
