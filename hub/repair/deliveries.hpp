#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/engine/engine.hpp"

namespace rabt::repair {

// Which deliveries a job takes once more. An empty text is no condition.
struct DeliveryFilter {
  std::string source = {};
  std::string code = {};
  // Bounds of their receipt: from `since` on, before `until`.
  std::optional<Timestamp> since = {};
  std::optional<Timestamp> until = {};
};

// Deliveries that came to nothing, as jobs see them. Implementations are internally synchronised.
class Deliveries {
 public:
  struct One {
    std::int64_t id = 0;
    std::string source;
    Timestamp at;
  };
  virtual ~Deliveries() = default;
  // Deliveries with a kept body on which no person has acted, the oldest first.
  [[nodiscard]] virtual Result<std::vector<One>> kept(const DeliveryFilter& filter,
                                                      std::size_t limit) const = 0;
  // Outcome that a replay would have: new, taken or changed. Changes nothing.
  [[nodiscard]] virtual Result<std::string> look(std::int64_t id) const = 0;
  // Processes the delivery again.
  [[nodiscard]] virtual Status replay(std::int64_t id, const engine::Asked& asked) const = 0;
};

}  // namespace rabt::repair
