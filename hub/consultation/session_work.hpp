#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "hub/base/mutex.hpp"
#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/session_service.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::consultation {

class SessionsImpl;

// What nobody waits for: the clock of sessions, what the video provider is asked, and what
// workflows are told. One thread, which starts the provider's calls and writes down how they ended;
// many of them may be under way. Everything it does stands in the store, so that the next start
// goes on where this one stopped.
class SessionWork {
 public:
  explicit SessionWork(SessionsImpl& sessions) : sessions_(sessions) {}
  ~SessionWork() { stop(); }
  // Until then what is to be done is only noted.
  void start(SessionService::Deliver deliver);
  // Does not wait for calls under way: the next start makes them again, under their old keys.
  void stop();
  // There is something to do.
  void wake();
  // Waits until the intents of the session that open its room are carried out, for at most
  // patience.
  void wait_for_room(std::string_view session, std::chrono::milliseconds patience);
  // Does once what is due now.
  void turn();

  struct Stats {
    std::uint64_t calls = 0;
    std::uint64_t parked = 0;
    std::uint64_t told = 0;
  };
  [[nodiscard]] Stats stats() const { return {calls_.load(), parked_.load(), told_.load()}; }

 private:
  // One intent: a row of session_effect.
  struct Intent {
    std::string tenant;
    std::string session;
    std::int64_t n = 0;
    std::string kind;
    std::string subject;
    std::int64_t attempts = 0;
    // When the call began.
    std::int64_t asked_ms = 0;
  };
  struct Ended {
    Intent intent;
    workflow::ActionOutcome outcome;
  };
  using Key = std::pair<std::string, std::int64_t>;

  void run();
  bool timers();
  bool tell();
  bool ask();
  bool reconcile() RABT_REQUIRES(turn_);
  bool listen(std::int64_t now) RABT_REQUIRES(turn_);
  bool look(const Session& is, std::int64_t now);
  [[nodiscard]] Status listened(const Intent& intent, const Session& is, std::string_view status)
      RABT_REQUIRES(turn_);
  bool settle_all() RABT_REQUIRES(turn_);
  // Settles recordings of ended sessions for which no intent is open: of intents that were skipped,
  // and of those that an earlier version of the hub closed.
  bool settle_stranded() RABT_REQUIRES(turn_);
  [[nodiscard]] Status settle_without_file(std::string_view session, std::string_view recording,
                                           std::string_view code);
  void carry_out(const Intent& intent);
  [[nodiscard]] Status note_disclosure(const Session& is, const std::string& action,
                                       const Json& arguments) const;
  void settle(const Ended& ended) RABT_REQUIRES(turn_);
  [[nodiscard]] Status settle_done(const Intent& intent, const Json& output) RABT_REQUIRES(turn_);
  [[nodiscard]] Status settle_deletion(const Intent& intent,
                                       const workflow::ActionOutcome& outcome);
  [[nodiscard]] Status opened(const Intent& intent, const Json& output);
  [[nodiscard]] Status ended_room(const Intent& intent, const Json& output);
  void looked(const Intent& intent, const Json& output) RABT_REQUIRES(turn_);
  [[nodiscard]] Status people_of(const Intent& intent, const Json& people);
  [[nodiscard]] Status told_late(const Intent& intent, const Command& command);
  [[nodiscard]] Status collected(const Intent& intent, const Json& output);
  [[nodiscard]] Status fetched(const Intent& intent, const Json& output);
  [[nodiscard]] Status close(const Intent& intent, std::string_view state, std::string_view code,
                             std::string_view subject);
  void again(const Intent& intent, std::string_view code, std::int64_t retry_after_ms);
  // refused: the warning of a session whose room the provider did not open.
  void give_up(const Intent& intent, std::string_view state, std::string_view code,
               std::string_view refused = "video.room_refused", std::string_view message = {});

  // What calls under way answer into: it outlives this object for their sake.
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

  SessionsImpl& sessions_;
  const std::shared_ptr<Box> box_ = std::make_shared<Box>();
  // Set before the thread starts.
  SessionService::Deliver deliver_;
  // One turn at a time: the thread's, or catch_up's.
  Mutex turn_;
  // When the provider is asked next about the rooms that are open.
  std::int64_t reconcile_ms_ RABT_GUARDED_BY(turn_) = 0;
  // Time of the next search for recordings that nothing moves.
  std::int64_t stranded_ms_ RABT_GUARDED_BY(turn_) = 0;
  // By session: where the provider is known to transcribe since then, and when it is asked next.
  // Lost at a restart: the next look at all rooms fills it again.
  struct Listening {
    std::int64_t since_ms = 0;
    std::int64_t due_ms = 0;
  };
  std::map<std::string, Listening> listening_ RABT_GUARDED_BY(turn_);

  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> parked_{0};
  std::atomic<std::uint64_t> told_{0};
  std::thread thread_;
};

}  // namespace rabt::consultation
