#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/worker/loan.hpp"
#include "hub/worker/migrate.hpp"
#include "hub/worker/ring.hpp"
#include "hub/worker/sandbox.hpp"
#include "hub/worker/spawn.hpp"
#include "rabt/services.h"

namespace rabt::plugin {

// A plugin in a process of its own, in the shape of one that is mapped here: a rabt_plugin whose
// functions send frames. Calls, cancellations and callbacks are given to the process one behind
// the other, without a wait for the return of the one before; the process runs as many at a time
// as it has lanes. What the plugin asks for comes back over the rabt_host that create was given.
// One thread for each plugin starts the process, reads what it sends, and starts it again.
// Internally synchronised.
class WorkerPlugin final {
 public:
  // End of a process.
  struct Death {
    // Number of the process, from 1.
    std::uint64_t process = 0;
    // "signal 11", "exit 3", or why the hub ended it: hang, frame, ...
    std::string reason;
    // True if the process is not started again by itself.
    bool quarantined = false;
    // The hub lacked descriptors or processes for it: the plugin's count of deaths stays.
    bool ours = false;
    // Calls that the process was given and had not begun, in the order in which it was given them.
    std::vector<std::uint64_t> not_begun;
  };
  // End of a function of the plugin.
  struct Return {
    std::string_view function;  // "invoke", "callback", ...
    std::int32_t result = 0;
    bool threw = false;
    // Time that the function held its lane.
    std::chrono::milliseconds held{0};
  };
  // Receiver of the worker's events, on the plugin's thread. stop() waits for a call of these.
  class Owner {
   public:
    virtual ~Owner() = default;
    // The process is gone, with the calls that it was given. Nothing that waits for it has been let
    // go yet.
    virtual void ended(const Death& death) = 0;
    // A function that nobody waits for has returned. call is not 0 when it is invoke, probe or
    // check of that call, which gave kGiven.
    virtual void returned(std::uint64_t call, const Return& how) = 0;
    // The process tried a system call that the sandbox refuses.
    virtual void forbidden(const std::string& system_call) = 0;
    // The process broke the format of frames, or answered what it was not asked.
    virtual void broke_format(std::string_view what) = 0;
    // The plugin asks to be woken. wake runs once on a lane, unless the process has ended by then.
    // Returns false if too many wake-ups wait, and this one never runs.
    virtual bool wake_after(std::int64_t after_ms, std::function<void()> wake) = 0;
  };
  struct Setup {
    std::string name;  // id and version, for messages
    std::shared_ptr<const Descriptor> program;
    Descriptor library;  // sealed
    worker::Limits limits;
    bool sandbox_required = true;
    int lanes = 1;
    // Ok if the entry is the one that the package promises.
    std::function<Status(const rabt_entry*)> check;
    std::string library_path;  // for messages
  };
  WorkerPlugin(Setup setup, const Clock& clock);
  ~WorkerPlugin();
  WorkerPlugin(const WorkerPlugin&) = delete;
  WorkerPlugin& operator=(const WorkerPlugin&) = delete;

  // Starts the process, maps the library in it and checks its entry. Error codes: plugin.library,
  // plugin.sandbox, those of check, plugin.worker (it cannot be started, or ended on the way).
  // owner and host outlive the thread, which stop() ends.
  Status start(Owner& owner, const rabt_host& host);
  // Runs rabt.migrate/1 in the process, between start and create, once. When it is over without an
  // answer (End::lost), the process has ended.
  worker::Migration migrate(std::string from_version, std::string config);
  // As rabt_entry.create, for the host of start. config is kept for later processes.
  const rabt_plugin* create(std::string_view config, void* context, rabt_sink error);

  enum class Ready : std::uint8_t { up, quarantined, stopped };
  // Waits until the process can be given a call: while it is being started again, and while it has
  // as many functions before it as it may have. text_bytes: of the call.
  [[nodiscard]] Ready await(std::size_t text_bytes = 0);
  [[nodiscard]] bool quarantined() const;
  // Why the process was put into quarantine last: its deaths, or what it tried.
  [[nodiscard]] std::string quarantine_reason() const;
  // Results of invoke, probe and check that no plugin gives.
  static constexpr std::int32_t kNotGiven = INT32_MIN;   // no process ran: nothing was started
  static constexpr std::int32_t kGiven = INT32_MIN + 1;  // Owner::returned or ended follows
  static constexpr std::int32_t kFull = INT32_MIN + 2;   // nothing was given: await, try again
  // A result of normalise: its process has ended meanwhile.
  static constexpr std::int32_t kLost = INT32_MIN + 3;

  // Runs code that gives the plugin a callback. `after` runs when the callback has returned, or
  // its process has ended, or when code has given none.
  void give_callback(const std::function<void()>& code, std::function<void()> after);

  // Takes a call back that was given and has not begun. Returns true if the call never begins.
  bool revoke(std::uint64_t call);
  // Running functions of the lanes: serial numbers of those that have not returned, and since when.
  struct Busy {
    std::uint64_t serial = 0;
    std::uint64_t call = 0;  // 0 when the function belongs to no call
    std::chrono::steady_clock::time_point since;
  };
  [[nodiscard]] std::vector<Busy> busy() const;
  // Ends the process; it counts as a death for this reason.
  void kill(std::string_view reason);
  // Ends the process like kill() if one of these functions has still not returned. Returns false if
  // all of them have, and then ends nothing.
  bool kill_busy(const std::vector<std::uint64_t>& serials, std::string_view reason);
  // Ends the quarantine. Returns false if there is none.
  bool release();

  struct State {
    std::string phase;  // starting, up, waiting, quarantined, stopped
    std::int64_t pid = 0;
    std::uint64_t deaths = 0;
    std::uint64_t starts = 0;
    std::uint64_t forbidden = 0;
    std::int64_t quarantine_left_ms = 0;
    std::string missing;  // parts of the sandbox
  };
  [[nodiscard]] State state() const;
  // Ends the process and the thread, and gives back what they held.
  void stop();

 private:
  enum class Phase : std::uint8_t { starting, mapped, up, waiting, quarantined, stopped };
  enum class Asked : std::uint8_t { no, wanted, sent, answered };
  // Result of a function that a caller waits for.
  struct Answer;
  // A function of the plugin that was given to the process and has not returned.
  struct Upcall {
    std::uint64_t serial = 0;  // 0 when its place is free
    worker::Type type = worker::Type::returned;
    std::uint64_t call = 0;
    // When it came to hold a lane, at the earliest; unset while others are before it.
    std::optional<std::chrono::steady_clock::time_point> since;
    // Loan that holds its texts, when they are too large for the ring.
    std::optional<std::uint8_t> loan;
    bool revoked = false;
    bool not_begun = false;          // known once its process has ended
    std::shared_ptr<Answer> answer;  // null when nobody waits
    std::function<void()> after;
  };
  enum class Given : std::uint8_t { given, full, gone };
  // An operation of a service that the process waits for.
  struct Operation {
    WorkerPlugin* plugin = nullptr;
    std::uint64_t process = 0;
    std::uint64_t id = 0;
  };
  // One process: what only the plugin's thread touches.
  struct Life;
  // Rings when it goes, for what was put meanwhile. Made before the lock is taken, so that it goes
  // after the lock: the process that wakes may take the core from who rings, and the lock with it.
  class Bell {
   public:
    Bell() = default;
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    void is_for(std::shared_ptr<worker::Process> process) { process_ = std::move(process); }

   private:
    std::shared_ptr<worker::Process> process_;
  };

  // ---- worker_plugin.cpp: from process to process
  void keep();
  // Consequences of a death: whether the thread ends, and until when (monotonic) it rests before
  // the next start.
  struct Sequel {
    bool ends = false;
    std::int64_t until_ms = 0;
  };
  Sequel after_death(Death& death, std::size_t& shortages) RABT_EXCLUDES(mutex_);
  void let_go_waiters(const Death& death) RABT_EXCLUDES(mutex_);
  // Waits for the time, or for release; returns false if the thread ends.
  bool rest(std::int64_t until_ms, Phase phase);
  void set_phase(Phase phase);
  // Makes the thread look at what changed.
  void nudge();

  // ---- worker_life.cpp: one process
  // Runs one process to its end.
  Death live(std::uint64_t number);
  bool open_life(Life& life, Death& death);
  void serve_life(Life& life);
  void look_at_memory(Life& life);
  void end_life(Life& life, Death& death);
  void see_event(Life& life, int descriptor, std::uint32_t events);
  bool read_frames(Life& life);
  void read_question(Life& life);
  void read_attempt(Life& life);
  bool start_took_too_long(Life& life);
  std::vector<std::uint64_t> find_not_begun() RABT_REQUIRES(mutex_);
  void send_migrate(Life& life);
  void send_create(Life& life);

  // ---- worker_frames.cpp: what the process sends
  // Each gives false when the frame does not belong here.
  [[nodiscard]] bool handle(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_ready(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_entry(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_migrated(const worker::Frame& frame);
  [[nodiscard]] bool handle_created(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_returned(const worker::Frame& frame);
  [[nodiscard]] bool handle_complete(const worker::Frame& frame);
  [[nodiscard]] bool handle_http(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_kv(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_wake(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_note(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_blob(Life& life, const worker::Frame& frame);
  void answer(Life& life, const worker::Frame& question);
  Operation* begin(Life& life, std::uint64_t id);

  // ---- worker_calls.cpp: what the process is given
  // True if the process can take a frame with `bytes` bytes of texts.
  [[nodiscard]] bool room(std::size_t bytes) const RABT_REQUIRES(mutex_);
  // Gives the process with this number (0: whichever runs) a function, and puts its serial number
  // into the frame. upcall: type, call, answer and after are set.
  Given give(worker::Frame& frame, std::uint64_t process, Upcall upcall) RABT_EXCLUDES(mutex_);
  // Gives a function like give(), and waits while there is no room.
  Given give_waiting(worker::Frame& frame, std::uint64_t process, const Upcall& upcall);
  // Writes a frame behind those before it. Returns false if it cannot be sent now.
  [[nodiscard]] bool put(const worker::Frame& frame, Bell& bell) RABT_REQUIRES(mutex_);
  // The same of a frame with large texts, which are lent in this place.
  [[nodiscard]] bool put_lent(const worker::Frame& frame, std::size_t place, Bell& bell)
      RABT_REQUIRES(mutex_);
  // Asks for migrate or create: no function holds a loan then.
  [[nodiscard]] bool put_first(const worker::Frame& frame, Bell& bell) RABT_REQUIRES(mutex_);
  void take_back_first() RABT_EXCLUDES(mutex_);
  void free_place(Upcall& upcall) RABT_REQUIRES(mutex_);
  void finish(Operation* operation, worker::Frame frame);

  static WorkerPlugin& of(void* self) { return *static_cast<WorkerPlugin*>(self); }
  static std::int32_t invoke(void* self, const rabt_call* call);
  static std::int32_t probe(void* self, const rabt_call* call);
  static std::int32_t health(void* self, const rabt_call* call);
  static std::int32_t give_call(void* self, worker::Type type, const rabt_call* call);
  static void cancel(void* self, rabt_call_id call);
  static void destroy(void* self);
  static const void* get_extension(void* self, const char* id);
  static std::int32_t normalise(void* self, rabt_bytes delivery, rabt_bytes body, void* context,
                                rabt_sink events, rabt_sink error);

  // Constant from start() to stop().
  Setup setup_;
  const Clock& clock_;
  Owner* owner_ = nullptr;
  const rabt_host* host_ = nullptr;
  rabt_plugin table_{};
  rabt_webhook webhook_{};
  rabt_probe probe_{};
  rabt_health health_{};
  Descriptor wake_;  // eventfd: the thread looks at what changed
  std::thread thread_;

  mutable Mutex mutex_;
  // Phase, stopping_, released_, first_known_, migrate_asked_ or room has changed.
  Condition changed_;

  // The plugin over all its processes.
  Phase phase_ RABT_GUARDED_BY(mutex_) = Phase::starting;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  bool released_ RABT_GUARDED_BY(mutex_) = false;
  // Bits as in the frame created, and kCreated.
  std::uint64_t extensions_ RABT_GUARDED_BY(mutex_) = 0;
  static constexpr std::uint64_t kCreated = 1ULL << 63U;  // create has succeeded once
  std::string missing_ RABT_GUARDED_BY(mutex_);
  std::string end_ RABT_GUARDED_BY(mutex_);  // how the last process ended

  // The first start, migrate and create.
  Status first_ RABT_GUARDED_BY(mutex_) = ok_status();
  bool first_known_ RABT_GUARDED_BY(mutex_) = false;
  Asked migrate_asked_ RABT_GUARDED_BY(mutex_) = Asked::no;
  std::string migrate_from_ RABT_GUARDED_BY(mutex_);
  // Holds the old configuration until it is answered.
  worker::Migration migration_ RABT_GUARDED_BY(mutex_);
  std::optional<std::string> config_ RABT_GUARDED_BY(mutex_);  // set by create
  std::string create_error_ RABT_GUARDED_BY(mutex_);

  // Deaths and quarantine; times are monotonic.
  std::vector<std::int64_t> deaths_ RABT_GUARDED_BY(mutex_);
  std::uint64_t death_count_ RABT_GUARDED_BY(mutex_) = 0;
  std::uint64_t start_count_ RABT_GUARDED_BY(mutex_) = 0;
  std::uint64_t forbidden_count_ RABT_GUARDED_BY(mutex_) = 0;
  std::int64_t quarantine_until_ RABT_GUARDED_BY(mutex_) = 0;
  std::string quarantine_reason_ RABT_GUARDED_BY(mutex_);
  // After a quarantine: one death before this time is the next quarantine.
  std::int64_t on_trial_until_ RABT_GUARDED_BY(mutex_) = 0;

  // The process that runs.
  std::shared_ptr<worker::Process> process_ RABT_GUARDED_BY(mutex_);  // null when none runs
  std::uint64_t number_ RABT_GUARDED_BY(mutex_) = 0;                  // also that of the last one
  std::string kill_reason_ RABT_GUARDED_BY(mutex_);  // "" while nobody has ended it
  bool create_asked_ RABT_GUARDED_BY(mutex_) = false;
  std::shared_ptr<worker::SharedMemory> shared_ RABT_GUARDED_BY(mutex_);
  worker::RingWriter writer_ RABT_GUARDED_BY(mutex_);
  // Places: one for each lane, and the last for answers to questions. Null when no process runs.
  std::unique_ptr<worker::Loans> loans_ RABT_GUARDED_BY(mutex_);
  std::vector<std::uint8_t> free_loans_ RABT_GUARDED_BY(mutex_);  // of lanes
  // A process that starts requests for no call is given no function ahead of its lanes, so that
  // only what it has begun can be what such a request was for.
  bool in_step_ RABT_GUARDED_BY(mutex_) = false;

  // Functions that the process was given and that have not returned.
  std::array<Upcall, worker::kPlaces> upcalls_ RABT_GUARDED_BY(mutex_);
  std::vector<std::uint8_t> free_ RABT_GUARDED_BY(mutex_);  // places
  std::vector<Upcall*> active_ RABT_GUARDED_BY(mutex_);     // in the order of their serials
  std::uint64_t last_serial_ RABT_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_ RABT_GUARDED_BY(mutex_) = 0;  // threads that wait for room

  // Operations of services.
  std::unordered_map<std::uint64_t, std::uint64_t> requests_ RABT_GUARDED_BY(mutex_);  // to ours
  std::uint64_t operations_ RABT_GUARDED_BY(mutex_) = 0;
};

}  // namespace rabt::plugin
