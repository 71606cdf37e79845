#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "hub/base/mutex.hpp"
#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/intents/intent.hpp"
#include "hub/consultation/intents/kinds.hpp"
#include "hub/consultation/intents/looks.hpp"
#include "hub/consultation/intents/recording_work.hpp"
#include "hub/consultation/intents/teller.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::consultation {

// Work of sessions that nobody waits for: their clock, what the video provider is asked, and what
// workflows are told. One thread, which starts the provider's calls and writes down how they ended;
// many of them may be under way. Everything it does stands in the store, so that the next start
// goes on where this one stopped.
class Intents {
 public:
  Intents(Acts& acts, VideoProvider& video)
      : acts_(acts), video_(video), recordings_(acts), looks_(acts, video), teller_(acts) {}
  ~Intents() { stop(); }
  Intents(const Intents&) = delete;
  Intents& operator=(const Intents&) = delete;

  // Until then what is to be done is only noted.
  void start(Deliver deliver);
  // Does not wait for calls under way: the next start makes them again, under their old keys.
  void stop();
  // There is something to do.
  void wake();
  // Waits until the intents of the session that open its room are carried out, for at most
  // patience.
  void wait_for_room(std::string_view session, std::chrono::milliseconds patience);
  // Does once what is due now.
  void turn();

  [[nodiscard]] RecordingWork& recordings() { return recordings_; }
  void write_metrics(MetricsWriter& out) const;

 private:
  struct Ended {
    Intent intent;
    workflow::ActionOutcome outcome;
  };
  using Key = std::pair<std::string, std::int64_t>;
  // Answers of calls under way: they may come after this object is gone.
  struct Box {
    Mutex mutex;
    Condition changed;
    bool stopping RABT_GUARDED_BY(mutex) = false;
    bool woken RABT_GUARDED_BY(mutex) = false;
    std::deque<Ended> ended RABT_GUARDED_BY(mutex);
    std::set<Key> in_flight RABT_GUARDED_BY(mutex);
    // Rises whenever an intent was carried out.
    std::uint64_t settled RABT_GUARDED_BY(mutex) = 0;
  };

  void run();
  bool timers();
  bool ask() RABT_REQUIRES(turn_);
  // False when no more calls may be under way. `is_new` turns false for one that is.
  [[nodiscard]] bool take_off(const Intent& intent, bool& is_new);
  [[nodiscard]] plugin::Ended answer_of(const Intent& intent) const;
  void carry_out(const Intent& intent) RABT_REQUIRES(turn_);
  bool call_look(const Intent& intent, const Session& session);
  [[nodiscard]] std::string room_of(const Intent& intent, const Session& session) const;
  [[nodiscard]] Status note_disclosure(const Session& session, std::string_view action,
                                       const Json& arguments) const;
  bool settle_all() RABT_REQUIRES(turn_);
  void settle(const Ended& ended) RABT_REQUIRES(turn_);
  [[nodiscard]] Status apply(const Intent& intent, const Verdict& verdict);
  [[nodiscard]] Status close(const Intent& intent, std::string_view code);
  void again(const Intent& intent, std::string_view code, std::int64_t retry_after_ms = 0);
  void give_up(const Intent& intent, const GivenUp& how, std::string_view message = {});
  [[nodiscard]] IntentDesk desk() RABT_REQUIRES(turn_) {
    return {acts_, video_, recordings_, looks_};
  }

  // Constant after construction.
  Acts& acts_;
  VideoProvider& video_;
  const std::shared_ptr<Box> box_ = std::make_shared<Box>();
  // One turn at a time: the thread's, or that of whoever moves the clock.
  Mutex turn_;
  RecordingWork recordings_;
  Looks looks_ RABT_GUARDED_BY(turn_);
  Teller teller_;

  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> parked_{0};
  std::thread thread_;
};

}  // namespace rabt::consultation
