#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

// A merge patch of a session, checked. A member that is unset, an empty word, or a null reference
// changes nothing.
struct Amendment {
  std::optional<SessionType> type{};
  // Unset inside if the visit has no planned start any more.
  std::optional<std::optional<std::int64_t>> start_ms{};
  std::optional<std::int64_t> planned_minutes{};
  std::optional<std::int64_t> max_participants{};
  std::string quality{};
  // off, manual, auto
  std::string recording{};
  std::optional<bool> waiting_room{};
  std::optional<std::string> language{};
  // Patient data.
  std::optional<std::string> notes{};
  std::optional<std::string> chief_complaint{};
  // Text, {system, value}, or null.
  std::optional<Json> appointment{};
  // Members of the context; null takes one away. Patient data.
  std::optional<Json> context{};
  // A reference. The ULID of the person once the directory has found him.
  Json patient{};

  // Names of the members that it changes, as the API has them, in one order.
  [[nodiscard]] std::vector<std::string_view> names() const;
};

}  // namespace rabt::consultation
