#pragma once

#include <cstdint>
#include <string>

#include "hub/base/json.hpp"
#include "hub/workflow/execution.hpp"

// Internal to the language: steps of instances, so that those of two definitions can be compared.
namespace rabt::workflow {

// Something that an instance asked the outside for, or told it.
struct PastStep {
  enum class Kind : std::uint8_t { call, child, ask, event };
  Kind kind = Kind::call;
  std::string reference;
  std::string task;
  std::string role;
  std::string action;
  Json arguments;
  // Equal for two steps exactly when an answer of one fits the other.
  std::string key;
};
[[nodiscard]] PastStep step_of(const CallAction& call, PastStep::Kind kind);
[[nodiscard]] PastStep step_of(const StartWorkflow& start);
// An event that is emitted; id and time do not count.
[[nodiscard]] PastStep step_of(const Json& event);
// Id of an effect; 0 for one that has none.
[[nodiscard]] std::uint64_t id_of(const Effect& effect);

}  // namespace rabt::workflow
