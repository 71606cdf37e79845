#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/engine/timers.hpp"

namespace rabt::engine {

// Part of an outside system that a call needs. A system that is half down carries out one action,
// not another.
struct Side {
  // "http host:port" for an HTTP request of a workflow.
  std::string role;
  // The method of an HTTP request.
  std::string action;
  auto operator<=>(const Side&) const = default;
};

// Retries that wait because their side was unavailable. A retry is a durable timer; when the side
// answers again, each of its waiters gets a second alarm, which comes soon. In memory: after a
// start each waits until its timer is due. A side for which nothing waits is forgotten. Internally
// synchronised.
class Waiters {
 public:
  // A side that changed so recently is kept: a retry for it may be on its way to the store.
  static constexpr std::int64_t kKeptMs = 60'000;

  // A call ended because its side was unavailable.
  struct Outage {
    Side side;
    // CallAction::role and reference
    std::string role;
    std::string reference;
    // Time after which the call is of no use (metadata.rabt.usefulUntil); unset if there is none.
    std::optional<Timestamp> deadline{};
    // Number of times that the side had come back before.
    std::uint64_t returns = 0;
  };
  struct Waiter {
    std::int64_t num = 0;
    std::uint64_t timer = 0;
    Timestamp due;
    // Time by which calls of the role, of this instance, have to have ended; unset if there is
    // none.
    std::optional<Timestamp> deadline{};
    // CallAction::reference of its call; set by add().
    std::string reference{};
    // Set while an alarm is to come before the timer is due.
    std::optional<Timestamp> alarm{};
  };

  // False as long as no side was unavailable, so that nothing waits.
  [[nodiscard]] bool any() const { return any_; }
  // A call has found its side unavailable. Alarms for that side that have not rung are called off.
  // role, reference: of its CallAction.
  [[nodiscard]] Outage away(Side side, std::string role, std::string reference, Timestamp now);
  // Lists a retry whose timer is durable. Gives alarms if the side has come back since the call
  // ended, and is there.
  [[nodiscard]] std::vector<Timers::Entry> add(const Outage& outage, Waiter waiter, Timestamp now);
  // A call of the instance was done. Gives the alarms of those that wait for its side: oldest
  // deadline first, in each role one every kGoOnMs with go_on_jitter_ms, none after its own timer.
  [[nodiscard]] std::vector<Timers::Entry> back(const Side& side, std::int64_t num,
                                                const std::string& reference, Timestamp now);
  // True if the retry starts now: this alarm was not called off. If it fails again it gets no other
  // alarm before its call was done.
  [[nodiscard]] bool rang(const Timers::Entry& alarm);
  // The timer has fired or was cancelled.
  void over(std::int64_t num, std::uint64_t timer);
  // The instance has ended.
  void forget(std::int64_t num);
  // The instances of the partition belong to another hub.
  void give(int partition);
  // Number of sides that are known.
  [[nodiscard]] std::size_t sides() const;

 private:
  struct State {
    std::uint64_t returns = 0;
    // False after a call that found it unavailable, true after one that was done.
    bool there = false;
    // Time of the last call that said so.
    Timestamp heard;
    // By instance and timer.
    std::map<std::pair<std::int64_t, std::uint64_t>, Waiter> waiting;
    // Calls whose retry was woken and which were not done since, by instance and reference.
    std::set<std::pair<std::int64_t, std::string>> woken;
  };
  [[nodiscard]] std::vector<Timers::Entry> wake(const Side& side, State& state, Timestamp now)
      RABT_REQUIRES(mutex_);
  void forget_between(std::int64_t begin, std::int64_t end) RABT_REQUIRES(mutex_);
  void forget_idle(Timestamp now) RABT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<Side, State> sides_ RABT_GUARDED_BY(mutex_);
  // Earliest time of the next alarm, by role.
  std::map<std::string, Timestamp> next_ RABT_GUARDED_BY(mutex_);
  // See any(): no call waits for the lock then.
  std::atomic<bool> any_{false};
};

}  // namespace rabt::engine
