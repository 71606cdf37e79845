#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/identity/authenticator.hpp"
#include "hub/identity/principal.hpp"
#include "hub/store/store.hpp"

namespace rabt::identity {

// Ends connections that stay open after the answer, such as WebSockets, within a second after their
// credential ceased to hold: the person was signed out or disabled, or has other roles, a key was
// revoked, a token has expired. One thread looks; it sleeps while nothing is open. Internally
// synchronised.
class Watch {
 public:
  struct Parts {
    const Authenticator& who;
    store::Store& store;
    const Clock& clock;
    Logger& log;
  };
  struct Open {
    // Principal who opened it, and the credential.
    Principal who;
    Credential shown;
    // Called once, by the thread of the watch, when the credential holds no more.
    std::function<void()> lost;
    // When it was used last, on the monotonic clock. An open connection keeps a session in use for
    // an hour after that.
    std::function<std::int64_t()> used_ms;
  };
  explicit Watch(Parts parts) : parts_(parts) {}
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // By which `used_ms` counts.
  [[nodiscard]] const Clock& clock() const { return parts_.clock; }
  // The number under which it is taken off the watch.
  [[nodiscard]] std::int64_t add(Open open);
  // When it returns, `lost` is not called any more, but for a call under way.
  void remove(std::int64_t number);

 private:
  struct Kept {
    Open open;
    // When it is looked at, whatever happens.
    std::int64_t due_ms = 0;
  };
  void run();
  // The numbers of those that have to be looked at now.
  [[nodiscard]] std::vector<std::int64_t> due();
  void look(std::int64_t number);

  // Constant after construction.
  const Parts parts_;

  Mutex mutex_;
  Condition wake_;
  std::thread thread_ RABT_GUARDED_BY(mutex_);
  std::map<std::int64_t, Kept> open_ RABT_GUARDED_BY(mutex_);
  std::int64_t last_ RABT_GUARDED_BY(mutex_) = 0;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;

  // The thread's own: the newest change that it has seen; -1 before its first look.
  std::int64_t seen_ = -1;
};

}  // namespace rabt::identity
