#pragma once

#include <cstddef>
#include <cstdint>

#include "hub/base/json.hpp"
#include "hub/base/limits.hpp"

// Values compared exactly, within a budget of steps.
namespace rabt::schema {

// Schemas applied inside one another, and values compared: a value nests 64 deep when it comes from
// a text, and the metaschema takes six steps for each level. One takes some 400 bytes of the stack.
inline constexpr int kMaxDepth = 1024;
inline constexpr std::size_t kBytesPerStep = 64;  // reading text costs, too

// Remaining cost of one check.
struct Budget {
  std::uint64_t steps_left = limits::kSchemaSteps;
  // Reason of an early end, or nullptr. Results after an early end are void.
  const char* exhausted = nullptr;

  bool spend(std::size_t steps) {
    if (steps <= steps_left) {
      steps_left -= steps;
      return exhausted == nullptr;
    }
    steps_left = 0;
    if (exhausted == nullptr) exhausted = "takes too many steps to check";
    return false;
  }
};

[[nodiscard]] bool same(const Json& a, const Json& b, Budget& budget);
// Compares two numbers: returns less than, equal to or more than zero.
[[nodiscard]] int order(const Json& a, const Json& b, Budget& budget);
[[nodiscard]] bool has_repeats(const Json::Array& items, Budget& budget);

}  // namespace rabt::schema
