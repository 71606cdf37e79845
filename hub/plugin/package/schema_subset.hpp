#pragma once

#include <optional>
#include <string>

#include "hub/base/json.hpp"

// Checks that one JSON Schema takes nothing that another refuses, for the two sides of an
// interface. docs/plugins/capabilities.md says which keywords are decided.
namespace rabt {

struct SubsetFault {
  std::string place;       // JSON pointer into the value; "*" stands for any item or any name
  std::string message;     // a sentence without the place
  bool undecided = false;  // it may hold; the keyword that cannot be compared is in the message
};

// Unset if it is proved that `wide` takes every value that `narrow` takes. A fault that is not
// `undecided` is not always a value that exists: the proof is by structure, and two schemas that
// say the same in different ways may fail it. Both compile (rabt::Schema).
[[nodiscard]] std::optional<SubsetFault> not_subset(const Json& narrow, const Json& wide);

// The first place that `marked` marks with "x-phi" and `covering` marks neither there nor above.
[[nodiscard]] std::optional<SubsetFault> phi_not_covered(const Json& marked, const Json& covering);

}  // namespace rabt
