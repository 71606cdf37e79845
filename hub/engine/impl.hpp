#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/engine/engine.hpp"
#include "hub/engine/timers.hpp"

// Inside the engine. Reading order: Delivery -> Engine::accept (intake.cpp) -> Worker::begin /
// offer -> Worker::run_turn (worker.cpp)
// -> the writer's job -> Worker::committed -> Worker::dispatch (dispatch.cpp) -> the plugin host ->
// Worker::call_ended -> run_turn.
namespace rabt::engine {

using workflow::ActionOutcome;
using workflow::Effect;

// The keys that one delivery or one turn needs, taken before anything else: after that it cannot
// fail for want of the root of all keys.
struct Act {
  keys::Lease lease;
  std::shared_ptr<const crypto::DataKey> event_key;  // of the events that are stored now
};
// Whose data an instance works on: blind indexes of identifiers, the first names the patient in the
// audit log. Empty: nobody's, or nobody that is known.
using Patients = std::vector<std::string>;

// An event made ready for storing, off the writer thread.
struct PreparedEvent {
  Json envelope;
  std::string uid;     // 16 bytes
  std::string origin;  // blind index of source and id
  std::string type;
  std::string data_key;  // id
  std::string sealed;
  std::vector<std::string> keys;  // blind indexes of correlation keys
  struct StartOf {
    std::int64_t definition = 0;
    std::string id;            // the new instance's ULID
    std::string business_key;  // blind index, empty: none
    Patients patients;
    keys::NewDataKey key;
  };
  std::vector<StartOf> starts;
  std::shared_ptr<const Act> act;        // with collecting
  std::vector<std::int64_t> collecting;  // definitions of schedule.on.all with this type
};

// How an instance came to be that no event started.
struct Origin {
  std::int64_t parent = 0;  // its number; 0: the clock
  std::string parent_id;
  std::uint64_t call = 0;  // of the parent
  bool awaited = false;
  int depth = 0;  // parents above it
  Json input;
};

// What storing an event found out: whom to tell after the commit.
struct Begin {
  std::int64_t num = 0;
  std::string id;
  std::int64_t definition = 0;
  std::int64_t start_event = 0;
  std::string data_key;  // id; empty: load everything from the store
  Json envelope;
  std::shared_ptr<const Origin> origin;  // null: an event started it
  std::string patient;                   // blind index
};
struct Offer {
  std::int64_t num = 0;
  std::uint64_t listen = 0;
  std::int64_t event = 0;
  Json envelope;  // null: read it from the store
};
// A run.workflow call is answered.
struct ChildEnded {
  std::int64_t parent = 0;
  std::uint64_t call = 0;
  ActionOutcome outcome;
  std::string child;  // id, for the audit log; empty: it was refused
};
// Nobody waits for a child any more.
struct CancelChild {
  std::int64_t num = 0;
};
struct Routing {
  std::vector<Begin> begins;
  std::vector<Offer> offers;
  std::vector<ChildEnded> answers;
  std::vector<CancelChild> cancels;
  std::vector<Timers::Entry> timers;
};

// How long an act waits for keys that cannot be had, before it tries again.
inline constexpr std::int64_t kKeyRetryMs = 500;

// Why an instance was not started.
inline constexpr std::string_view kBusinessKeyTaken = "engine.business_key_taken";
inline constexpr std::string_view kNestingTooDeep = "engine.nesting";
inline constexpr std::string_view kNotBound = "engine.child";
// The answer to a run.workflow call that was refused.
[[nodiscard]] ActionOutcome refused_outcome(const std::string& code);
// What a row says of its parked call: id and name.
[[nodiscard]] std::string parked_text(const workflow::CallAction& action);

// An instance that is started by a call or by the clock, made ready off the writer thread.
struct PreparedStart {
  std::int64_t definition = 0;
  std::string refused;  // a code: it cannot be started
  std::string id;       // ULID
  std::string business_key;
  Patients patients;
  keys::NewDataKey key;
  std::string sealed_input;
  std::shared_ptr<const Origin> origin;
};

// One turn on its way to the store.
struct Turn {
  std::int64_t num = 0;
  std::string patient;  // blind index
  std::string journal;  // sealed
  audit::Prepared audit_entry;
  std::vector<audit::Prepared> disclosures;             // what its calls send to outside systems
  std::optional<access::PatientDetail::Sealed> reason;  // that a person gave, in its audit entry
  std::vector<workflow::StartTimer> timers;
  std::vector<std::uint64_t> timers_done;
  std::vector<std::pair<std::uint64_t, std::vector<std::string>>> listens;  // listen, blind indexes
  std::vector<std::uint64_t> listens_done;
  std::vector<PreparedEvent> events;
  std::uint64_t answered_call = 0;  // a call whose `dispatched` note goes
  std::vector<PreparedStart> starts;
  std::uint64_t answered_child = 0;  // a call whose row in `child` goes
  std::vector<std::uint64_t> children_cancelled;
  std::shared_ptr<const Origin> origin;
  ActionOutcome outcome;  // of a finished child
  bool update_instance = false;
  bool finished = false;
  bool unpark = false;
  std::string parked_next;  // with unpark: the call that waits for a decision now, if one does
  int status = 0;
  bool busy = false;
  std::int64_t start_event = 0;
  Timestamp at;
  std::vector<workflow::CallAction> calls;
  // Filled by the job; a job that runs again starts from empty.
  Routing routing;
};

struct CallEnded {
  std::int64_t num = 0;
  std::uint64_t call = 0;
  ActionOutcome outcome;
};
struct CallProbed {
  std::int64_t num = 0;
  std::uint64_t call = 0;
  plugin::ProbeAnswer answer;
};
struct Rang {
  Timers::Entry entry;
};
struct Committed {
  std::shared_ptr<Turn> turn;
};
// The store refused a turn for good: memory is ahead of the journal. The instance is dropped and
// read again: at once, or not before there is a reason to. While the audit log takes no entry,
// recovering at once would only send its calls again and again.
struct Reload {
  std::int64_t num = 0;
  bool at_once = true;
};
struct Noted {  // the `dispatched` note of a call is durable
  std::int64_t num = 0;
  std::uint64_t call = 0;
};
struct Recover {
  std::int64_t num = 0;
};
struct CancelRequest {
  std::int64_t num = 0;
  std::string actor;
  std::string reason;
  std::shared_ptr<std::promise<Status>> answer;
};
struct ResolveRequest {
  std::int64_t num = 0;
  ActionOutcome outcome;
  std::string actor;
  std::string reason;
  std::shared_ptr<std::promise<Status>> answer;
};
// Looks which children of an instance have ended, and answers their calls.
struct SettleChildren {
  std::int64_t num = 0;
};
using Message =
    std::variant<Begin, Offer, CallEnded, CallProbed, ChildEnded, Rang, Committed, Reload, Noted,
                 Recover, SettleChildren, CancelChild, CancelRequest, ResolveRequest>;

struct OpenCall {
  workflow::CallAction action;
  std::uint64_t token = 0;  // of the plugin host
  int sends = 0;
  bool parked = false;  // a person has to decide it
};

// An instance in memory, confined to its worker.
struct Live {
  std::int64_t num = 0;
  std::string id;
  std::int64_t definition = 0;
  std::int64_t start_event = 0;
  std::string data_key;  // id: the key itself stays in memory for an act only
  workflow::Execution execution;
  std::shared_ptr<const Origin> origin;
  std::string patient;  // blind index of the person whose data it works on; empty: none is known
  std::int64_t binding = 0;  // what its roles mean
  std::uint64_t turns = 0;
  std::map<std::uint64_t, OpenCall> calls;
  std::map<std::uint64_t, workflow::StartWorkflow> children;  // awaited
  std::set<std::uint64_t> timers;
  std::set<std::uint64_t> listens;
  bool begun = false;
  bool finished = false;
  int stored_status = 0;
  bool stored_busy = true;
  std::uint64_t parked_call = 0;  // of the parked ones the one that is shown and decided next
  int commits_in_flight = 0;
};

struct InstanceRow {
  std::int64_t num = 0;
  std::string id;
  std::string tenant;
  std::int64_t definition = 0;
  int status = 0;
  bool busy = false;
  std::string parked;
  std::int64_t start_event = 0;
  std::string data_key;
  Timestamp created;
  Timestamp updated;
  std::int64_t binding = 0;
};

struct DeployedDefinition {
  std::int64_t id = 0;
  std::shared_ptr<const workflow::Definition> definition;
  bool active = false;
  std::string sha256;
  Timestamp deployed;
  struct Bound {
    std::string name_space;
    std::string name;
    std::string version;  // as the file says
    std::int64_t child = 0;
  };
  std::vector<Bound> children;
};

struct Counters {
  std::atomic<std::uint64_t> started{0}, completed{0}, faulted{0}, cancelled{0}, turns{0},
      deliveries{0}, repeated{0}, events{0}, actions{0}, resends{0}, parked{0}, late{0};
  std::atomic<std::int64_t> live{0};
  std::atomic<std::int64_t> open_work{0};  // messages, commits and calls that are under way
};

class Worker;

struct Engine::Impl {
  Impl(Parts p, Options o)
      : parts(p),
        options(std::move(o)),
        details(parts.keys, parts.store, parts.random),
        http(std::make_unique<HttpCalls>(parts.http, parts.clock, parts.random, options.http)),
        timers(p.clock) {}

  // ---- definitions (deploy.cpp)
  struct Draft;
  [[nodiscard]] Draft make_draft(const std::vector<WorkflowFile>& files, bool prune);
  void check_file(Draft& draft, const WorkflowFile& file) const;
  Status load_definitions();
  [[nodiscard]] std::shared_ptr<const workflow::Definition> definition(std::int64_t id) const;
  [[nodiscard]] std::shared_ptr<const std::vector<DeployedDefinition>> definitions() const;

  // The values of the secrets that the definition uses. Error engine.secret names what is missing.
  [[nodiscard]] Result<Json> secrets_of(const workflow::Definition& definition) const;
  // Definition of a run.workflow call of this parent; 0: none.
  [[nodiscard]] std::int64_t child_definition(std::int64_t parent, std::string_view name_space,
                                              std::string_view name,
                                              std::string_view version) const;

  // ---- what instances keep of the plugins they started with (bindings.cpp)
  // Makes the row of the roles' binding now, and reads all that instances have.
  Status load_bindings();
  // What a role means to an instance: the endpoint of use.catalogs, else what the role was bound to
  // when the instance started, else the role, which is what it is bound to now.
  [[nodiscard]] std::string target_of(const workflow::Definition& definition,
                                      std::int64_t of_binding, std::string_view role) const;
  // Error as Engine::needs.
  [[nodiscard]] Result<std::vector<plugin::Need>> needs();

  // ---- patients (patients.cpp)
  // Of an instance that starts on this input. What the workflow's expressions do not give is
  // logged: the instance runs without.
  [[nodiscard]] Result<Patients> patients_of(const workflow::Definition& definition,
                                             const Json& start_events, const Act& act) const;
  // The rows of a new instance; one without a patient takes over those of its parent (0: none).
  // Gives the blind index that names its patient. Inside a job.
  Result<std::string> store_patients(store::Transaction& transaction, std::int64_t num,
                                     const Patients& patients, std::int64_t parent) const;
  // The blind index that names the patient of an instance; empty: none.
  static Result<std::string> patient_of(store::Connection& connection, std::int64_t num);

  // ---- starts without an event (starts.cpp)
  [[nodiscard]] Result<PreparedStart> prepare_start(std::int64_t definition, Origin origin,
                                                    const Act& act);
  // Stores the instance; or gives the code that says why it is refused. Inside a job.
  Result<std::string> store_start(store::Transaction& transaction, const PreparedStart& start,
                                  std::int64_t start_event, Routing& routing);
  // schedule.on.all: the event joins a set; a set that is whole starts an instance. Inside a job.
  Status collect_start(store::Transaction& transaction, const PreparedEvent& event,
                       std::int64_t definition_id, std::int64_t seq, Routing& routing,
                       std::vector<std::string>& instances);
  // The parts of a turn that are about children. Inside a job.
  Status store_children(store::Transaction& transaction, Turn& turn);
  [[nodiscard]] static crypto::SealContext input_context(const std::string& tenant,
                                                         const std::string& id) {
    return {tenant, "origin", id, "input"};
  }
  // Null: an event started it.
  [[nodiscard]] Result<std::shared_ptr<const Origin>> load_origin(const InstanceRow& row,
                                                                  const crypto::DataKey& key);

  // ---- the clock (starts.cpp)
  // Brings the schedule of a workflow to the definition that became active. Inside a job.
  Status store_schedule(store::Transaction& transaction, const workflow::Definition& definition,
                        std::int64_t id, std::vector<Timers::Entry>& alarms);
  // Starts what is due at this time, unless that has happened.
  void schedule_due(const Timers::Entry& entry);

  // ---- events (intake.cpp)
  // Error unavailable keys.root: nothing that needs a key can be done now. Not inside a job.
  [[nodiscard]] Result<std::shared_ptr<const Act>> take_act();
  [[nodiscard]] Result<PreparedEvent> prepare_event(Json envelope,
                                                    const std::shared_ptr<const Act>& act);
  // Stores the event unless it is known, and finds whom it concerns. Inside a job.
  Status store_event(store::Transaction& transaction, const PreparedEvent& event, Routing& routing,
                     std::vector<std::string>& instances);
  void route(Routing&& routing);
  [[nodiscard]] Result<Json> read_event(std::int64_t seq);

  // ---- instances (query.cpp)
  [[nodiscard]] Result<InstanceRow> load_row(std::int64_t num);
  [[nodiscard]] Result<InstanceRow> load_row(std::string_view id);
  // The journal's inputs, opened, in order.
  [[nodiscard]] Result<std::vector<workflow::Input>> read_journal(const InstanceRow& row,
                                                                  const crypto::DataKey& key);
  // How an instance that has ended did so, by replaying it.
  [[nodiscard]] Result<workflow::Finished> replay_end(const InstanceRow& row);
  [[nodiscard]] static crypto::SealContext journal_context(const std::string& tenant,
                                                           const std::string& row) {
    return {tenant, "journal", row, "input"};
  }

  void send(std::int64_t num, Message message);
  Worker& worker(std::int64_t num) {
    return *workers[static_cast<std::size_t>(num) % workers.size()];
  }

  Parts parts;
  Options options;
  access::PatientDetail details;
  std::unique_ptr<HttpCalls> http;  // until stop
  mutable std::shared_mutex definitions_mutex;
  std::shared_ptr<const std::vector<DeployedDefinition>> deployed =
      std::make_shared<const std::vector<DeployedDefinition>>();
  std::vector<std::unique_ptr<Worker>> workers;
  Timers timers;
  Counters counters;
  std::mutex deploy_mutex;
  // Since the start, which binds the roles; not changed after it.
  std::int64_t binding = 0;
  std::map<std::int64_t, std::map<std::string, std::string, std::less<>>> bindings;
  std::atomic<bool> stopping{false};
};

// One thread, its queue, and the instances that belong to it.
class Worker {
 public:
  explicit Worker(Engine::Impl& engine) : engine_(engine) {}
  ~Worker() { stop(); }
  void start();
  void stop();
  void push(Message message);

 private:
  void run();
  void handle(Message& message);
  // Waits until the keys can be had; meanwhile people's requests are answered with the error.
  // False: the engine stops.
  bool wait_for_keys();
  void answer_requests(const Error& error);

  // worker.cpp
  Live* find_or_load(std::int64_t num);
  Live* load(std::int64_t num);
  [[nodiscard]] Error why_not_live(std::int64_t num, const Error& ended) const;
  void begin(Begin& message);
  void offer(Offer& message);
  void call_ended(CallEnded& message);
  void child_ended(ChildEnded& message);
  void rang(const Timers::Entry& entry);
  void committed(const Committed& message);
  void recover(std::int64_t num);
  void settle_children(std::int64_t num);
  void cancel_child(const CancelChild& message);
  void cancel(CancelRequest& message);
  void resolve(ResolveRequest& message);
  // Applies the input, makes the turn and hands it to the store. actor and act are for the audit
  // entry.
  void run_turn(Live& live, workflow::Input input, std::string actor, std::string act,
                std::string result, Json detail,
                const std::shared_ptr<std::promise<Status>>& answer = nullptr,
                std::optional<access::PatientDetail::Sealed> reason = std::nullopt);
  // The reason that a person gave, sealed for the audit entry; nothing for an empty one.
  [[nodiscard]] Result<std::optional<access::PatientDetail::Sealed>> seal_reason(
      const Live& live, const std::string& reason) const;
  void forget(std::int64_t num);
  // Lets waiting instances go when there are too many in memory.
  void evict();

  // dispatch.cpp
  void dispatch(Live& live, OpenCall& call);
  void send_call(Live& live, OpenCall& call);
  void cancel_call(const OpenCall& call);
  void probe(Live& live, OpenCall& call);
  void settle_ambiguous(Live& live, OpenCall& call, ActionOutcome outcome);
  void park(Live& live, OpenCall& call);
  void probed(const CallProbed& message);
  void noted(const Noted& message);
  [[nodiscard]] std::string idempotency_of(const Live& live,
                                           const workflow::CallAction& action) const;
  [[nodiscard]] std::string target_of(const Live& live, const workflow::CallAction& action) const;
  [[nodiscard]] plugin::CallRequest request_of(const Live& live, const OpenCall& call) const;

  // disclosure.cpp
  // The audit entry of what a call sends to an outside system; empty: it goes to the hub itself.
  [[nodiscard]] std::optional<audit::Entry> disclosure_of(const Live& live,
                                                          const workflow::CallAction& action) const;

  Engine::Impl& engine_;
  std::shared_ptr<const Act> act_;  // of the message that is handled
  std::unordered_map<std::int64_t, std::unique_ptr<Live>> live_;
  mutable std::unordered_map<std::string, std::string> idempotency_;  // target/action:version
  // The names of an action's arguments, as its schema has them: role/action:version.
  mutable std::unordered_map<std::string, std::set<std::string, std::less<>>> fields_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Message> queue_;  // guarded by mutex_
  std::deque<Message> batch_;  // taken out of it, this thread's
  bool stopping_ = false;      // guarded by mutex_
  std::thread thread_;
};

}  // namespace rabt::engine
