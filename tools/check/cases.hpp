#pragma once

#include <string>
#include <vector>

#include "tools/check/session.hpp"
#include "tools/check/subject.hpp"

// Calls to test with: those of the examples, and generated ones.
namespace rabt::check {

struct Case {
  std::string name;  // for messages: the example's file, or "generated"
  const plugin::CompiledAction* action = nullptr;
  CallWish wish;
  const Example* example = nullptr;

  // A world that answers as the example says, or 200 with {}.
  [[nodiscard]] World world() const;
  [[nodiscard]] std::string label() const;  // "create-session 1.0.0 (booking.call.json)"
};

// Inputs that are generated for each action.
inline constexpr int kGenerated = 4;

// For each action its examples, and as many generated inputs as `generated` says.
[[nodiscard]] std::vector<Case> cases_of(const Subject& subject, int generated);

// Returns the fault in the way that a call ended, by clauses A1 to A4 and A8 and the output schema.
// Empty if there is none.
[[nodiscard]] std::string contract_fault(const Case& test, const CallRecord& record,
                                         const std::vector<std::string>& violations);

// world, but the request number k of the call (from 0) is answered with instead.
[[nodiscard]] World with_fault(World world, std::size_t k, Answer instead);

}  // namespace rabt::check
