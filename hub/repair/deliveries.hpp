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
  // Those whose body is kept and about which nobody did anything, the oldest first.
  [[nodiscard]] virtual Result<std::vector<One>> kept(const DeliveryFilter& filter,
                                                      std::size_t limit) const = 0;
  // What taking it once more would be: new, taken or changed. Does nothing.
  [[nodiscard]] virtual Result<std::string> look(std::int64_t id) const = 0;
  // Takes it once more.
  [[nodiscard]] virtual Status replay(std::int64_t id, const engine::Asked& asked) const = 0;
};

}  // namespace rabt::repair
