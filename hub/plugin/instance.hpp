#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"
#include "hub/plugin/metric_table.hpp"
#include "hub/plugin/package/library.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/plugin/process/budget.hpp"
#include "hub/plugin/process/lane.hpp"
#include "hub/plugin/process/rundown.hpp"
#include "hub/plugin/process/worker_plugin.hpp"
#include "hub/plugin/services/storage.hpp"
#include "hub/plugin/timers.hpp"
#include "hub/store/store.hpp"
#include "hub/worker/offered_services.hpp"

namespace rabt::plugin {

// Result of an HTTP exchange, in the form that crosses the C line.
struct HttpAnswer {
  std::uint32_t sent = RABT_SENT_NO;
  int status = 0;
  std::string headers_json = "[]";
  std::string body;
  std::string error_code;
  std::string error_message;
  std::string blob;
  std::uint64_t blob_bytes = 0;
  std::string blob_sha256;

  static HttpAnswer failed(std::string_view code, std::string message) {
    HttpAnswer answer;
    answer.error_code = code;
    answer.error_message = std::move(message);
    return answer;
  }
};

class Instance;
class Recorder;

// While it lives, the calling thread is inside a function of this instance (rabt.thread_check/1).
class OnLane {
 public:
  OnLane(const Instance& instance, bool control);
  ~OnLane();
  OnLane(const OnLane&) = delete;
  OnLane& operator=(const OnLane&) = delete;

 private:
  const Instance* outer_instance_;
  std::uint32_t outer_lane_;
};

// One plugin instance with its lane, its open calls and its services. It is never freed: plugin
// code may call it at any time, also after the host is gone. After shutdown it touches no part of
// the hub any more. Internally synchronised.
class Instance final : public WorkerPlugin::Owner {
 public:
  struct Setup {
    PluginHost::Parts parts;
    std::shared_ptr<Lane> finisher;  // blocking work that belongs to no lane: the end of a blob
    Timers& timers;
    Package package;
    PluginConfig config;
    // Numbers this instance within the host, from 1; the high bits of its call tokens.
    std::uint64_t number = 0;
    std::shared_ptr<KvUse> kv_use;
    std::unique_ptr<WorkerPlugin> worker;  // null if the plugin runs in this process
  };
  explicit Instance(Setup setup);
  ~Instance() override;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Three steps, in this order. entry: of the library that is mapped here; null with a worker.
  // Starts its process, when it has one. Errors: those of WorkerPlugin::start.
  [[nodiscard]] Status open();
  // Has the library turn a configuration of an older version into one of its own, on its lane
  // (rabt.migrate/1). nullopt if the library does not offer that. Error code plugin.migrate.
  [[nodiscard]] Result<std::optional<Json>> migrate(const rabt_entry* entry,
                                                    const std::string& from_version,
                                                    const Json& config);
  // Hosts and addresses that the plugin's requests may reach.
  struct Reach {
    std::vector<std::string> hosts;
    std::shared_ptr<const net::AllowList> allow;
    std::shared_ptr<const net::AllowList> patient;  // with patient data; null means `allow`
  };
  // Makes the plugin with taken as its configuration, on its lane; reach limits its requests.
  // Error code plugin.create.
  [[nodiscard]] Status start(const rabt_entry* entry, Json taken, Reach reach);

  [[nodiscard]] const Package& package() const { return setup_.package; }
  [[nodiscard]] const PluginConfig& config() const { return setup_.config; }
  [[nodiscard]] const std::string& tenant() const { return setup_.config.tenant; }
  [[nodiscard]] bool can_probe() const { return probe_ != nullptr; }

  enum class Purpose : std::uint8_t { invoke, probe, health };
  // ended exactly once. Returns the token.
  std::uint64_t call(Purpose purpose, const CompiledAction& action, CallRequest request,
                     Ended ended);
  void cancel(std::uint64_t token);
  [[nodiscard]] Result<Json> normalise(const Json& delivery, std::string_view body);
  [[nodiscard]] PluginHost::PluginState state() const;
  void metrics(std::string& out) const { metric_table_.render(package().manifest.id, out); }
  // Ends a quarantine. Returns false if there is none.
  bool release();
  // Ends what is open, then the plugin (A7). See PluginHost::shutdown.
  void shutdown(std::int64_t grace_ms);

  static constexpr unsigned kTokenShift = 40;  // calls of one instance: 10^12

  // WorkerPlugin::Owner
  void ended(const WorkerPlugin::Death& death) override;
  void forbidden(const std::string& system_call) override;
  void returned(std::uint64_t call, const WorkerPlugin::Return& how) override;
  void broke_format(std::string_view what) override;
  bool wake_after(std::int64_t after_ms, std::function<void()> wake) override;

 private:
  friend struct Services;  // services/: the functions behind the service structs

  struct OpenCall {
    std::uint64_t token = 0;
    enum class State : std::uint8_t { queued, running, overdue } state = State::queued;
    Purpose purpose = Purpose::invoke;
    const CompiledAction* action = nullptr;
    std::string input;
    std::string idempotency_key;
    std::int64_t deadline_unix_ms = 0;
    std::uint32_t attempt = 1;
    std::string run;    // instance of the workflow, for log and audit
    std::string trace;  // that the call belongs to
    Ended ended;
    Timers::Key timer;
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
    // Requests that may have had an effect outside: those started for this call, and, when the call
    // began, the number started for no call.
    std::uint64_t requests = 0;
    std::uint64_t background_before = 0;
    std::uint64_t lacks_before = 0;  // of lacks_, when it began
    bool unavailable = false;        // says the end of its last request (net::is_unavailable)
    bool marked = false;             // its arguments hold patient data
    bool withheld = false;           // the audit log has that a request was refused for it
    std::uint64_t span = 0;          // id of its span, made when first asked for
    std::size_t spans = 0;           // open below it
  };
  struct Span {
    std::uint64_t call = 0;
    std::uint64_t parent = 0;
    std::string trace;
    std::string name;
    std::int64_t begun_ms = 0;  // monotonic
  };
  // A blob that the plugin writes. The writer is used on the finisher alone; the slot belongs to
  // who took it out of the table, and to the table before.
  struct BlobWrite {
    std::unique_ptr<blob::BlobWriter> writer;
    std::string content_type;
    std::shared_ptr<Budget::Share> slot;
  };
  struct Flight {
    std::uint64_t call = 0;
    net::RequestId request = 0;  // 0 until it is started
    bool cancelled = false;
    void* context = nullptr;
    void (*done)(void*, const rabt_http_result*) = nullptr;
    std::shared_ptr<Budget::Share> place;  // among the open ones; null if it is refused
    std::shared_ptr<Budget::Share> held;   // its bytes, until the callback has returned
    std::shared_ptr<Budget::Share>
        slot;  // for the blob that the answer becomes, until the callback
  };

  // calls
  static void complete(void* self, rabt_call_id token, const rabt_outcome* outcome) noexcept;
  void completed(std::uint64_t token, const rabt_outcome* outcome);
  [[nodiscard]] workflow::ActionOutcome read_outcome(const OpenCall& call,
                                                     const rabt_outcome* outcome);
  // On a lane: has the plugin begin a call.
  void run(std::uint64_t token);
  [[nodiscard]] std::size_t bytes_of(std::uint64_t token) const;
  // Marks a call as running. Returns null if the call is over or its deadline has passed.
  std::shared_ptr<OpenCall> begin_call(std::uint64_t token);
  // Hands a call that runs to the plugin\'s function, or to its process.
  std::int32_t enter(const OpenCall& open);
  // Gives the plugin a call that runs. Returns false if its process has no room; the call is then
  // queued again.
  bool give(const OpenCall& open);
  // Gives the process a call that runs, on the thread of the caller. Returns false if the process
  // takes nothing now; the call is then queued again.
  bool give_at_once(const OpenCall& open);
  void queue_again(const OpenCall& open) RABT_EXCLUDES(mutex_);
  // Outcome of a call whose process is in quarantine.
  [[nodiscard]] workflow::ActionOutcome quarantined() const;
  // Continues after invoke, probe or check has returned.
  void settle(std::uint64_t token, std::int32_t result, bool threw);
  // True if the call was given to a process and now never begins.
  bool revoked(const OpenCall& open) RABT_REQUIRES(mutex_);
  void deadline_passed(std::uint64_t token);
  // Takes a call that is queued or running out of the table. The caller gives its answer.
  std::shared_ptr<OpenCall> take(std::uint64_t token);
  void deliver(const OpenCall& call, workflow::ActionOutcome outcome);
  void count_codes(const Json& codes) RABT_REQUIRES(mutex_);
  // Returns `text` with patient data masked, for logs and outcomes.
  [[nodiscard]] std::string masked(std::string_view text) const;
  void violation(std::string_view clause, std::string_view what);
  // Runs plugin code on this thread and reports what takes too long. Returns false if the code
  // threw; the exception ends here.
  bool guarded(std::string_view what, const std::function<void()>& code);
  void report_slow(std::string_view function, std::chrono::milliseconds held);
  // Runs a callback that is owed to the plugin, on a lane, and pays the debt when it has returned.
  // code and what it holds live until then.
  void call_back(std::string_view what, std::function<void()> code);
  void cancel_flights(std::uint64_t call);
  void cancel_all_flights();
  // Notes that an outside request begins for this call; 0 stands for a request of no call. Returns
  // false if the call is not open any more. The lock of the flights is held.
  bool begin_request(std::uint64_t call);
  // The request of begin_request() has ended. If not a byte of it has left, that is taken back.
  void end_request(std::uint64_t call, const net::Response& response);
  // True if a request of this call (0: none) must be thought to hold patient data.
  [[nodiscard]] bool carries_patient_data(std::uint64_t call);
  // A request was refused because of that: for log, violations and the audit log.
  void withheld(std::uint64_t call, std::string_view url);
  [[nodiscard]] bool may_have_effect(const OpenCall& call) const RABT_REQUIRES(mutex_) {
    return call.requests != 0 || call.background_before != background_;
  }
  // Functions of the plugin that hold a lane while this call has passed its deadline: such as have
  // held it for so long that its process is to be ended, and others, which have `patience` more.
  // The lock is held.
  struct Holding {
    std::vector<std::uint64_t> too_long;
    std::vector<std::uint64_t> for_now;
    std::chrono::milliseconds patience{};
  };
  [[nodiscard]] Holding holding(const OpenCall& call) const RABT_REQUIRES(mutex_);
  // Ends the process when one of these functions has not come back; it begins no request any more
  // when this returns true. The lock is held.
  bool end_hanging(const std::vector<std::uint64_t>& serials) RABT_REQUIRES(mutex_);
  void audit(std::string act, std::string result, Json detail);
  struct Delivery;
  // Has the plugin read the delivery, on its lane; false if it did not in time.
  [[nodiscard]] bool read_on_lane(const std::shared_ptr<Delivery>& work);
  // The events that the plugin gave, checked, with their codes.
  [[nodiscard]] Result<Json> events_of(const Delivery& work);
  [[nodiscard]] Status check_events(const Json& events) const;
  // Adds `codes` to each event that has some: CodedMembers::read. events: as check_events takes.
  [[nodiscard]] Json with_codes(const Json& events) const;

  // services (services/)
  void fill_services();
  void end_spans(std::uint64_t call);
  // Asks the plugin how it is, in after_ms and then again and again.
  void ask_health(std::int64_t after_ms);
  [[nodiscard]] bool may_see_blob(std::uint64_t call, std::string_view handle);
  void remember_blob(const std::string& handle);
  void drop_blob_writes();
  void drop_wakes();
  // Runs work on the finisher, behind what this instance gave it before and in turn with the work
  // of others. Returns false if too much work waits already, which never happens to owed work.
  enum class Disk : std::uint8_t { wish, owed };
  bool on_disk(Disk kind, std::function<void()> work);
  void next_on_disk();
  void drop_disk_work();  // after the rundown is closed
  static const void* get_service(void* self, const char* id) noexcept;
  [[nodiscard]] const SecretBytes* secret(
      std::string_view name) const;  // declared and configured, or null
  void post_answer(std::uint64_t flight, HttpAnswer answer);
  // Counts work that owes the plugin a callback.
  void owe(int count);
  // Notes that the hub could not keep what the plugin gave it, with the code of what it lacked:
  // calls that are open now and do not succeed are to be repeated.
  void lacked(std::string_view code);

  Setup setup_;
  Rundown rundown_;
  std::atomic<bool> alive_{false};  // create has returned and the plugin is not destroyed
  Lane lane_;
  rabt_host host_{};
  const rabt_plugin* plugin_ = nullptr;
  const rabt_webhook* webhook_ = nullptr;
  const rabt_probe* probe_ = nullptr;
  const rabt_health* health_ = nullptr;

  mutable Mutex mutex_;
  Condition idle_;
  bool closing_ RABT_GUARDED_BY(mutex_) = false;
  std::unordered_map<std::uint64_t, std::shared_ptr<OpenCall>> calls_ RABT_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, Span> spans_ RABT_GUARDED_BY(mutex_);  // open ones, by id
  std::uint64_t next_call_ RABT_GUARDED_BY(mutex_) = 1;
  // Calls whose ended has not returned, and deliveries that have not been read.
  std::uint64_t undelivered_ RABT_GUARDED_BY(mutex_) = 0;
  std::uint64_t overdue_ RABT_GUARDED_BY(mutex_) = 0;
  // Count of shortages of the hub, and the name of the last one.
  std::uint64_t lacks_ RABT_GUARDED_BY(mutex_) = 0;
  std::string lacked_ RABT_GUARDED_BY(mutex_);
  std::uint64_t owed_ RABT_GUARDED_BY(mutex_) = 0;        // service callbacks under way
  std::uint64_t background_ RABT_GUARDED_BY(mutex_) = 0;  // outside requests started for no call
  // True while its process is being ended: no request begins any more.
  bool ending_ RABT_GUARDED_BY(mutex_) = false;
  std::uint64_t started_ RABT_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::uint64_t> outcomes_ RABT_GUARDED_BY(mutex_);
  std::map<std::string, std::uint64_t> answers_ RABT_GUARDED_BY(mutex_);
  PluginHost::PluginHealth health_state_ RABT_GUARDED_BY(mutex_){"unknown", ""};
  std::map<std::string, std::uint64_t, std::less<>> violations_ RABT_GUARDED_BY(mutex_);
  // Clauses that the process which runs has broken.
  std::set<std::string, std::less<>> audited_clauses_ RABT_GUARDED_BY(mutex_);

  // Memory that the hub keeps for the plugin: values and pieces that wait for their callbacks,
  // values that wait for the disk, bodies of requests and answers while they arrive. Five of the
  // largest values or answers; a hub has many plugins.
  static constexpr std::size_t kMaxHeldBytes = 64U << 20U;
  Budget held_{kMaxHeldBytes};

  // One plugin leaves room for all others.
  static constexpr std::size_t kMaxFlights = limits::kMaxHttpInFlight / 16;
  Budget open_flights_{kMaxFlights};
  Mutex flights_mutex_;
  std::unordered_map<std::uint64_t, Flight> flights_ RABT_GUARDED_BY(flights_mutex_);
  std::uint64_t next_flight_ RABT_GUARDED_BY(flights_mutex_) = 1;

  // On the worker's thread only: attempts at refused system calls that the audit log has, by
  // process.
  std::uint64_t audited_ = 0;

  // Puts and removes. The queue of the store, which all plugins share, takes 65,536 jobs.
  static constexpr std::size_t kMaxKvOperations = 1024;
  Budget kv_operations_{kMaxKvOperations};
  Mutex wakes_mutex_;
  // Wake-ups that wait, by number.
  std::unordered_map<std::uint64_t, Timers::Key> wakes_ RABT_GUARDED_BY(wakes_mutex_);
  std::uint64_t last_wake_ RABT_GUARDED_BY(wakes_mutex_) = 0;
  // Lines of its log in one minute. More are dropped and counted: a plugin shares the log's disk
  // with the hub and with all other plugins.
  static constexpr std::int64_t kLogLinesAMinute = 3000;
  // Returns false if the line is to be dropped.
  [[nodiscard]] bool may_log();
  Mutex log_mutex_;
  std::int64_t log_minute_ends_ms_ RABT_GUARDED_BY(log_mutex_) = 0;
  std::int64_t log_lines_ RABT_GUARDED_BY(log_mutex_) = 0;
  Reach reach_;
  std::unique_ptr<Recorder> recorder_;      // null if nothing is recorded
  std::atomic<bool> given_marked_{false};   // patient data, at any time
  std::atomic<std::uint64_t> withheld_{0};  // without a call, in the audit log
  MetricTable metric_table_;

  Mutex blobs_mutex_;
  std::map<std::string, std::shared_ptr<BlobWrite>> blob_writes_ RABT_GUARDED_BY(blobs_mutex_);
  std::deque<std::string> own_blobs_ RABT_GUARDED_BY(blobs_mutex_);  // made or received here
  // Counts processes: what an earlier one began is dropped.
  std::uint64_t blob_life_ RABT_GUARDED_BY(blobs_mutex_) = 1;
  std::deque<std::function<void()>> disk_work_ RABT_GUARDED_BY(blobs_mutex_);
  bool disk_busy_ RABT_GUARDED_BY(blobs_mutex_) = false;  // one of them is on the finisher
  // Blobs that are written or received at the same time: each has a file open.
  static constexpr std::size_t kMaxBlobWrites = 64;
  Budget blob_slots_{kMaxBlobWrites};
  // Appends that wait for the disk.
  static constexpr std::size_t kMaxPieceBytes = 16U << 20U;
  Budget blob_pieces_{kMaxPieceBytes};

  worker::OfferedServices offered_;
};

}  // namespace rabt::plugin
