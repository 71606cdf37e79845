#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"

namespace rabt::consultation {

// Name of a record from outside: its ULID or UUID, its number, or the name that another system has
// for it. Exactly one is set, or none when the text names nothing.
struct Reference {
  std::optional<std::string> id{};
  std::optional<std::int64_t> number{};
  // system and value
  std::optional<std::pair<std::string, std::string>> external{};

  [[nodiscard]] bool none() const { return !id && !number && !external; }
};
[[nodiscard]] Reference read_reference(std::string_view text);
// A text, a number, or {system, value}, both of them tidy lines.
[[nodiscard]] Reference reference_in(const Json& json);

}  // namespace rabt::consultation
