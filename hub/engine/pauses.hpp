#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"

namespace rabt::engine {

// The longest span of a pause that ends by itself.
inline constexpr std::int64_t kMaxPauseMs = 7LL * 24 * 3600 * 1000;
// Time between two held calls that go on: calls of new work come between them.
inline constexpr std::int64_t kGoOnMs = 100;
// Most milliseconds that such a call comes later than its turn.
inline constexpr std::int64_t kGoOnJitterMs = kGoOnMs / 2;
// From 0 to kGoOnJitterMs; the same for the same call or timer of an instance.
[[nodiscard]] std::int64_t go_on_jitter_ms(std::int64_t instance, std::uint64_t id);

// A role whose calls are held because its side is down.
struct RolePause {
  std::string role;
  Timestamp since;
  // Unset if it lasts until a person ends it.
  std::optional<Timestamp> until{};
  // As in the audit log.
  std::string by{};
  // Calls that are held now.
  std::int64_t held = 0;
};

// Roles that are paused, and their calls that are held. The roles stand in the store, too; the
// calls are in memory: a start takes every open call up again. Internally synchronised.
class Pauses {
 public:
  // One call of an instance.
  struct Call {
    std::string instance;
    std::int64_t num = 0;
    std::uint64_t id = 0;
    std::string role;
    std::string action;
    std::string reference;
    // Time by which calls of the role, of this instance, have to have ended; unset if there is
    // none.
    std::optional<Timestamp> deadline{};
  };
  struct Held {
    Timestamp since;
    // The call is listed until this is destroyed.
    std::shared_ptr<const void> listed;
  };

  // False if no role is paused, so that nothing is held.
  [[nodiscard]] bool any() const { return paused_ != 0; }
  // Holds the call if its role is paused.
  [[nodiscard]] std::optional<Held> hold(Call call);
  // Ordered by role.
  [[nodiscard]] std::vector<RolePause> all() const;
  // "role/action" of a held call of the instance; "" when none is held.
  [[nodiscard]] std::string of(std::string_view instance) const;
  // References of the tasks whose calls are held.
  [[nodiscard]] std::set<std::string> references_of(std::string_view instance) const;

  void begin(RolePause pause);
  // Ends the pause of the role. Gives its held calls: oldest deadline first, else in the order in
  // which they were held.
  [[nodiscard]] std::vector<Call> end(std::string_view role);

 private:
  struct List {
    Mutex mutex;
    std::uint64_t last RABT_GUARDED_BY(mutex) = 0;
    std::map<std::string, RolePause, std::less<>> roles RABT_GUARDED_BY(mutex);
    // By instance and number.
    std::map<std::pair<std::string, std::uint64_t>, Call> calls RABT_GUARDED_BY(mutex);
  };
  // Shared: a call may outlive the engine that held it.
  const std::shared_ptr<List> list_ = std::make_shared<List>();
  // Roles that are paused: most of the time none, and no call waits for the lock.
  std::atomic<std::size_t> paused_{0};
};

}  // namespace rabt::engine
