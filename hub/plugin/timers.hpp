#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"

namespace rabt::plugin {

// Runs closures when the clock has reached their time, on one thread; a closure must not block. The
// clock may be virtual: it is asked every few milliseconds while something waits. Internally
// synchronised.
class Timers {
 public:
  struct Key {
    std::int64_t due_ms = 0;
    std::uint64_t number = 0;  // 0 while it holds no timer
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  explicit Timers(const Clock& clock);
  ~Timers();  // drops what waits, ends a running closure first
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // due_ms: of Clock::monotonic_ms.
  Key add(std::int64_t due_ms, std::function<void()> closure);
  void cancel(const Key& key);  // no effect when it ran or runs

 private:
  void run();

  const Clock& clock_;
  Mutex mutex_;
  Condition wake_;
  std::map<Key, std::function<void()>> waiting_ RABT_GUARDED_BY(mutex_);
  std::uint64_t next_ RABT_GUARDED_BY(mutex_) = 1;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  // The thread waits without an end; else it looks every few milliseconds.
  bool asleep_ RABT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rabt::plugin
