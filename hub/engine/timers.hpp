#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "hub/base/clock.hpp"

namespace rabt::engine {

// A heap of due times and one thread. Durable timers live in the table `timer`; this is their alarm
// clock. An entry that is no longer wanted still rings: whoever hears it looks whether it matters.
// Internally synchronised.
class Timers {
 public:
  enum class Kind : std::uint8_t { task, resend, probe, schedule };
  // schedule: id is the definition, instance 0.
  struct Entry {
    Timestamp due;
    std::int64_t instance = 0;
    std::uint64_t id = 0;
    Kind kind = Kind::task;
  };
  using Ring = std::function<void(const Entry&)>;

  explicit Timers(const Clock& clock) : clock_(clock) {}
  ~Timers() { stop(); }
  void start(Ring ring);
  void add(const Entry& entry);
  void stop();

 private:
  void run();
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const { return a.due > b.due; }
  };
  const Clock& clock_;
  Ring ring_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::priority_queue<Entry, std::vector<Entry>, Later> entries_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rabt::engine
