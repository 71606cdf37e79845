#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"

namespace rabt::consultation {

// A visit as answers show it.
struct VisitView {
  // ULID
  std::string id;
  std::int64_t number = 0;
  std::int64_t version = 1;
  // ULID of the patient; that of the survivor where records were merged.
  std::string patient;
  // ULID, or empty.
  std::string provider;
  // OPEN, CLOSED
  std::string status;
  Timestamp opened_at;
  std::optional<Timestamp> closed_at{};
  // Its name in another system: system and value.
  std::optional<std::pair<std::string, std::string>> external{};
};
[[nodiscard]] Json to_json(const VisitView& visit);

}  // namespace rabt::consultation
