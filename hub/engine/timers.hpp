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
  // Rings after that long with the entry as it is.
  void add_after(const Entry& entry, std::int64_t after_ms);
  void stop();

 private:
  void run();
  struct Alarm {
    Timestamp at;
    Entry entry;
  };
  struct Later {
    bool operator()(const Alarm& a, const Alarm& b) const { return a.at > b.at; }
  };
  const Clock& clock_;
  Ring ring_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::priority_queue<Alarm, std::vector<Alarm>, Later> entries_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rabt::engine
