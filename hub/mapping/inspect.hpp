#pragma once

#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/mapping/mapping.hpp"

// Effect of a mapping on a sample, found by changing the sample field by field.
namespace rabt::mapping {

// Fields of a sample that are looked at; a larger sample is looked at in part.
inline constexpr std::size_t kMaxProbes = 2000;

// Patient data that reach a place that no schema marks.
struct Leak {
  std::string from;  // JSON pointer in the message
  std::string to;    // JSON pointer in the event: /data/appointment/key, /subject
  std::string type;  // the event's type
  friend auto operator<=>(const Leak&, const Leak&) = default;
};
struct Inspection {
  // Fields that change something, and those that change nothing; `*` stands for any item of a list.
  std::vector<std::string> read;
  std::vector<std::string> unread;
  std::vector<Leak> leaks;
  // True if the sample has more fields than kMaxProbes.
  bool partial = false;
};
// shapes: of the events' data, by type; those that the mapping declares are known.
[[nodiscard]] Inspection inspect(const Mapping& mapping, const Json& message,
                                 const EventShapes& shapes);

// A draft of a JSON Schema that the sample fits. Members whose names sound like patient data are
// marked with x-phi: a guess, which a person checks.
[[nodiscard]] Json draft_schema(const Json& sample);

// The leaves of a value: JSON pointer and type, without the values.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> leaves(const Json& value);

}  // namespace rabt::mapping
