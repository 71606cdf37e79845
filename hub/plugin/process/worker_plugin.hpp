#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/worker/migrate.hpp"
#include "hub/worker/sandbox.hpp"
#include "hub/worker/spawn.hpp"
#include "rabt/services.h"

namespace rabt::plugin {

// A plugin in a process of its own, in the shape of one that is mapped here: a rabt_plugin whose
// functions send frames and wait until the plugin's function has returned there, so that a lane of
// the hub is a lane of the plugin. What the plugin asks for comes back over the rabt_host that
// create was given. One thread for each plugin starts the process, reads what it sends, and starts
// it again; a lane that waits reads in its place, so that a call needs no third thread. Internally
// synchronised.
class WorkerPlugin final {
 public:
  // How a process ended.
  struct Death {
    std::uint64_t process = 0;  // number of the process, from 1
    std::string reason;         // "signal 11", "exit 3", or why the hub ended it: hang, frame, ...
    bool quarantined = false;   // it is not started again by itself
    bool ours = false;  // the hub lacked descriptors or processes for it: it counts no death
  };
  // What its owner is told, on the plugin's thread. stop() waits for a call of these.
  class Owner {
   public:
    virtual ~Owner() = default;
    // The process is gone, with the calls that it was given. No lane has been let go yet.
    virtual void ended(const Death& death) = 0;
    // It tried a system call that the sandbox refuses.
    virtual void forbidden(const std::string& system_call) = 0;
    // It broke the format of frames, or answered what it was not asked.
    virtual void misspoke(std::string_view what) = 0;
    // It asks to be woken. wake runs once on a lane, unless the process has ended by then. False:
    // too many wait, it never runs.
    virtual bool wake_after(std::int64_t after_ms, std::function<void()> wake) = 0;
  };
  struct Setup {
    std::string name;  // id and version, for messages
    std::shared_ptr<const Descriptor> program;
    Descriptor library;  // sealed
    worker::Limits limits;
    bool sandbox_required = true;
    int lanes = 1;
    // Whether the entry is the one that the package promises.
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
  // Waits while the process is being started again.
  [[nodiscard]] Ready await();
  [[nodiscard]] bool quarantined() const;
  // Results of the functions below that no plugin gives.
  static constexpr std::int32_t kNotGiven = INT32_MIN;  // no process ran: nothing was started
  static constexpr std::int32_t kLost = INT32_MIN + 1;  // it ended meanwhile

  // What its lanes do now: serial numbers of functions that have not returned, and since when.
  struct Busy {
    std::uint64_t serial = 0;
    std::uint64_t call = 0;  // 0: not a call's
    std::chrono::steady_clock::time_point since;
  };
  [[nodiscard]] std::vector<Busy> busy() const;
  // Ends the process; it counts as a death for this reason.
  void kill(std::string_view reason);
  // The same when one of these functions has still not returned. False: they all have, and nothing
  // is ended.
  bool kill_busy(const std::vector<std::uint64_t>& serials, std::string_view reason);
  // Ends the quarantine. False: there is none.
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
  // A function of the plugin that has not returned.
  struct Upcall {
    std::uint64_t serial = 0;
    std::uint64_t call = 0;
    std::chrono::steady_clock::time_point since;
    std::atomic<std::uint32_t> done{0};
    std::int32_t result = 0;
    bool threw = false;
    std::uint64_t events_calls = 0;
    std::uint64_t error_calls = 0;
    std::string events;
    std::string error;
  };
  // An operation of a service that the process waits for.
  struct Operation {
    WorkerPlugin* plugin = nullptr;
    std::uint64_t process = 0;
    std::uint64_t id = 0;
  };
  struct Life;  // of one process: what only the plugin's thread touches

  void keep();
  // Runs one process to its end.
  Death live(std::uint64_t number);
  // False: the frame does not belong here.
  [[nodiscard]] bool handle(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_kv(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handle_blob(Life& life, const worker::Frame& frame);
  [[nodiscard]] bool handshake(Life& life, const worker::Frame& frame);
  void answer(Life& life, const worker::Frame& question);
  void attempt(Life& life);
  void send_migrate(Life& life);
  void send_create(Life& life);
  // What one thread does at a time: reading frames. Gives false at the end of what there is (wait
  // is false) or of the process, or when it broke the format.
  bool read_one(Life& life, bool wait);
  // Whether the process closed its frames, and nobody reads them now.
  bool hung_up(Life& life);
  // Reads until the function has returned, when no other thread reads.
  void read_for(const Upcall& upcall);
  // Waits for the time, or for release; false: the thread ends.
  bool rest(std::int64_t ms, Phase phase);
  void set_phase(Phase phase);
  // Makes the thread look at what changed. The lock is held.
  void nudge();

  // Sends a frame to the process with this number (0: whichever runs) and waits for its return.
  // Gives the slot, which the caller hands back, or null with nothing sent.
  Upcall* call(worker::Frame& frame, std::uint64_t call, std::uint64_t process, bool& given);
  void hand_back(Upcall* upcall);
  std::int32_t call_plain(worker::Frame frame, std::uint64_t call);
  void finish(Operation* operation, worker::Frame frame);
  Operation* begin(Life& life, std::uint64_t id);

  static WorkerPlugin& of(void* self) { return *static_cast<WorkerPlugin*>(self); }
  static std::int32_t invoke(void* self, const rabt_call* call);
  static std::int32_t probe(void* self, const rabt_call* call);
  static std::int32_t health(void* self, const rabt_call* call);
  static std::int32_t give(void* self, worker::Type type, const rabt_call* call);
  static void cancel(void* self, rabt_call_id call);
  static void destroy(void* self);
  static const void* get_extension(void* self, const char* id);
  static std::int32_t normalise(void* self, rabt_bytes delivery, rabt_bytes body, void* context,
                                rabt_sink events, rabt_sink error);

  Setup setup_;
  const Clock& clock_;
  Owner* owner_ = nullptr;
  const rabt_host* host_ = nullptr;
  rabt_plugin table_{};
  rabt_webhook webhook_{};
  rabt_probe probe_{};
  rabt_health health_{};
  Descriptor wake_;  // eventfd: the thread looks at what changed

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::starting;
  bool stopping_ = false;
  bool released_ = false;
  std::uint64_t extensions_ = 0;  // bits as in the frame created, and kStood
  enum class Asked : std::uint8_t { no, wanted, sent, answered } migrate_asked_ = Asked::no;
  std::string migrate_from_;
  worker::Migration migration_;        // its configuration is the old one until it is answered
  std::string end_;                    // how the last process ended
  std::optional<std::string> config_;  // set by create
  std::string create_error_;
  bool create_asked_ = false;   // of this process
  Status first_ = ok_status();  // of the first start
  bool first_known_ = false;
  std::shared_ptr<worker::Process> process_;  // null: none runs
  Life* life_ = nullptr;                      // null: no lane may read
  std::string wrong_;                         // what a lane has found while it read
  std::uint64_t number_ = 0;                  // of the process that runs, or ran last
  std::string kill_reason_;                   // empty: nobody has ended it
  std::deque<Upcall> upcalls_;                // never shrinks: addresses stay
  std::vector<Upcall*> free_;
  std::vector<Upcall*> active_;
  std::uint64_t last_serial_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> requests_;  // of the process: ours
  std::uint64_t operations_ = 0;                               // open
  std::vector<std::int64_t> deaths_;                           // times, monotonic
  std::uint64_t death_count_ = 0;
  std::uint64_t start_count_ = 0;
  std::uint64_t forbidden_count_ = 0;
  std::int64_t quarantine_until_ = 0;
  std::int64_t on_trial_until_ = 0;  // after a quarantine: one death before is the next
  std::string missing_;

  // Held by who reads frames; before mutex_.
  std::mutex reading_;
  std::thread thread_;
};

}  // namespace rabt::plugin
