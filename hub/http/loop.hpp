#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "hub/base/clock.hpp"
#include "hub/http/lane.hpp"

namespace rabt::http {

struct LoopOptions {
  // Most pieces of work that run at once in each lane.
  int handshakes = 2;
  int heads = 12;
  int sign_ins = 8;
  int links = 4;
  int handlers = 64;
  int outside = 8;
  int rooms = 24;
  int heavy = 2;
  int streams = 32;
  int messages = 8;
  // Longest wait for a turn, except in the lanes `handshake`, `stream` and `message`.
  std::int64_t max_wait_ms = 5'000;
};

// One epoll instance, and the threads that wait for it. What waits holds memory and no thread: an
// event wakes one thread, which does what can be done without blocking. What may block, or costs
// much, runs in a lane on the same thread, so that nothing is handed over. There are two threads
// more than the lanes have places: however much runs, somebody looks at the sockets. Internally
// synchronised.
class Loop {
 public:
  class Watched {
   public:
    virtual ~Watched() = default;
    // On a thread of the loop. events: those of epoll; 0 when the deadline has passed.
    virtual void on_ready(std::uint32_t events) = 0;
  };
  using Id = std::uint64_t;
  enum class Turn : std::uint8_t {
    now,
    // The turn did not come in time, and the work must not be done: the lane was full, or the
    // share.
    late,
    late_in_share
  };
  using Work = std::function<void(Turn)>;

  Loop(LoopOptions options, const Clock& clock);
  // Stops.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop keeps `watched` until remove(). The descriptor stays open as long as `watched` lives.
  [[nodiscard]] Id add(int fd, std::shared_ptr<Watched> watched);
  // One call of on_ready follows: for one of these events, or for the deadline on the monotonic
  // clock, whichever comes first. A second call replaces what the first asked for.
  void arm(Id id, int fd, std::uint32_t events, std::int64_t deadline_ms);
  // No call of on_ready begins any more, except one that has been decided on.
  void remove(Id id, int fd);
  // Passes the deadline of everything that is armed.
  void expire_all();

  // Runs the work now, on this thread of the loop, when lane and share have room, or else later.
  void run(Lane lane, Work work, Share share = {});
  // For work that runs: what follows it, on the same thread when lane and share have room. Once.
  static void follow(Lane lane, Work work, Share share = {});
  // Runs the work soon, on a thread of the loop, when lane and share have room. For callers that
  // are in a lane, or elsewhere.
  void post(Lane lane, Work work, Share share = {});

  // Ends the threads after what was posted has run. Twice is allowed.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::http
