#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <thread>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"

namespace rabt::engine {

// A heap of due times and one thread. Durable timers live in the table `timer`; this is their alarm
// clock. An entry that is no longer wanted still rings: whoever hears it decides whether it
// matters. Internally synchronised.
class Timers {
 public:
  // woken: a task's timer fires before it is due, because its side is back (Waiters). resend and
  // probe: a call is sent or asked about again. held: a call goes on whose role is no
  // longer paused. schedule: id is the definition, and instance is 0. unheard: an instance has
  // ended, which may not have heard what starts the next. unheard, sweep: instance and id are 0.
  enum class Kind : std::uint8_t { task, woken, resend, probe, held, schedule, unheard, sweep };
  struct Entry {
    Timestamp due;
    std::int64_t instance = 0;
    std::uint64_t id = 0;
    Kind kind = Kind::task;
  };
  // Runs on the timers' thread.
  using Ring = std::function<void(const Entry&)>;

  explicit Timers(const Clock& clock) : clock_(clock) {}
  ~Timers() { stop(); }
  void start(Ring ring);
  void add(const Entry& entry);
  // Rings `after_ms` milliseconds from now, whatever the entry's due time is.
  void add_after(const Entry& entry, std::int64_t after_ms);
  // Delay in milliseconds of the oldest entry that has not rung, or whose ring has not ended.
  [[nodiscard]] std::int64_t late_ms() const;
  // Returns when everything that is due by now has rung. For whoever moves the clock.
  void catch_up();
  void stop();

 private:
  struct Alarm {
    Timestamp at;
    Entry entry;
  };
  struct Later {
    bool operator()(const Alarm& a, const Alarm& b) const { return a.at > b.at; }
  };
  void run();
  void push(const Alarm& alarm);

  const Clock& clock_;
  // Constant after start().
  Ring ring_;

  mutable Mutex mutex_;
  Condition wake_;
  // Signalled when nothing is due.
  Condition idle_;
  std::priority_queue<Alarm, std::vector<Alarm>, Later> alarms_ RABT_GUARDED_BY(mutex_);
  // Set while an entry rings: when it was due.
  std::optional<Timestamp> ringing_ RABT_GUARDED_BY(mutex_);
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace rabt::engine
