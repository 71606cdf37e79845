#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "hub/base/clock.hpp"

namespace rabt::plugin {

// Runs closures when the clock has reached their time, on one thread; a closure must not block. The
// clock may be virtual: it is asked every few milliseconds while something waits. Internally
// synchronised.
class Timers {
 public:
  struct Key {
    std::int64_t due_ms = 0;
    std::uint64_t number = 0;  // 0: none
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
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Key, std::function<void()>> waiting_;
  std::uint64_t next_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rabt::plugin
