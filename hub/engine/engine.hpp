#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/tally.hpp"
#include "hub/engine/instance_mark.hpp"
#include "hub/engine/parts.hpp"
#include "hub/workflow/definition.hpp"

// Runs instances: an instance is its definition plus the ordered inputs it has received.
namespace rabt::engine {

// Events that a webhook, a timer of a plugin or a person brought in, under one delivery id.
struct Delivery {
  std::string tenant;
  // The source's name in the configuration.
  std::string source;
  // From a part of the message that its signature covers, or the body's digest.
  std::string dedupe_id;
  // 32 raw bytes.
  std::string body_sha256;
  // The sender's address and the request's id, for the audit log.
  std::string client;
  std::string request;
  // CloudEvents 1.0 envelopes with specversion, id, source, type, time, data.
  std::vector<Json> events;
  // Instances that live are told of the events, and nothing is started.
  bool starts_nothing = false;
  // Runs in the commit of the delivery, also where it came before. May be unset; as Step::first.
  std::function<Status(store::Transaction&)> first = {};
};
// State of a delivery in the hub, by its id.
enum class Known : std::uint8_t {
  nothing,  // it never came
  same,     // it was taken with this body
  changed   // it was taken with another body
};
struct Accepted {
  // True if the same delivery came before. The answer is the stored one then.
  bool repeated = false;
  int status = 202;
  // JSON.
  std::string answer;
  // Outcome of the events.
  enum class Use : std::uint8_t {
    // One started an instance, or an instance was told of it; or that is not known.
    used,
    // No workflow starts with any of them, and no instance waits for one.
    none,
    // One is kept for an instance that will wait for it.
    kept,
    // One would have started an instance, but one of its business key lives, and no instance waits
    // for such an event ever.
    key_taken
  };
  Use use = Use::used;
};

struct WorkflowFile {
  // The name that errors give the file.
  std::string name;
  std::string yaml;
};
struct Deployed {
  std::string name_space;
  std::string name;
  std::string version;
  // new: no version of it was active; new-version; activated: stored before, active again; stored:
  // a higher version among the files is the active one, this one serves run.workflow; unchanged;
  // removed: by prune.
  std::string change;
};
struct DeployedWorkflow {
  std::string name_space;
  std::string name;
  std::string version;
  // Hex, of the file.
  std::string sha256;
  bool active = false;
  Timestamp deployed;
  // Number of instances that have not ended.
  std::int64_t running = 0;
};

// Summary of an instance, as seen from outside.
struct InstanceSummary {
  std::string id;
  std::string workflow;
  std::string version;
  // running, waiting, completed, faulted, cancelled; parked overrides running.
  std::string status;
  Timestamp created;
  Timestamp updated;
  // Role, action and code of a call that waits for room in the hub; "" when none does.
  std::string held;
  // Role and action of a call that is held because its role is paused; "" when none is.
  std::string paused = {};
  // If it is faulted: {code, title?, status?, task?, reference?}; null otherwise.
  Json error = {};
  // If it is parked: {role, action, task, reference, since?, code?}. If it waits: {events?, timer?,
  // until?}. Null otherwise. No patient data.
  Json waits = {};
};

// A call of an instance that has no answer yet, and that no person has to decide.
struct PendingCall {
  std::string role;
  std::string action;
  std::string task;
  std::string reference;
  // When the instance asked for it.
  Timestamp since;
};

// Which instances are listed or counted. An empty text is no condition.
struct InstanceFilter {
  // Words of kStates (hub/engine/state_text.hpp). Every state if there is none.
  std::vector<std::string> states = {};
  std::string workflow = {};
  std::string version = {};
  // Code of the error of a faulted one; role/action of a parked one.
  std::string code = {};
  // Bounds of the last change: from `since` on, before `until`.
  std::optional<Timestamp> since = {};
  std::optional<Timestamp> until = {};
  // Blind index of an identifier: only instances that work on this person's data.
  std::optional<std::string> patient = {};
  // A business key, as text; not with `patient`.
  std::optional<std::string> key = {};
};

// Which instances are replayed. Without a workflow: those of the file's name and namespace. Without
// states: those that have ended. Person and key are no condition.
struct ReplayFilter {
  InstanceFilter instances = {};
  std::size_t limit = 200;
};

struct InstanceCounts {
  // In the order of kStates.
  using States = std::array<std::int64_t, 6>;
  struct Workflow {
    std::string name;
    std::string version;
    States states{};
  };
  struct Code {
    // faulted or parked
    std::string status;
    std::string code;
    std::int64_t count = 0;
    // Time of the last change of the one that changed first.
    Timestamp oldest;
  };
  std::int64_t total = 0;
  States states{};
  // By name and version.
  std::vector<Workflow> workflows;
  // The most first.
  std::vector<Code> codes;
};

struct WorkflowName {
  // May be empty where one namespace has the name.
  std::string name_space;
  std::string name;
  // The active one if it is empty.
  std::string version;
};
// Person who asks for an act, and his reason. The audit log keeps the reason, sealed.
struct Asked {
  std::string actor;
  std::string reason;
  // The place of the act in a job of many.
  Step step = {};
};

// An instance as a job of many acts finds it (hub/repair).
struct Repairable {
  std::string id;
  // As the list shows it.
  std::string status;
  Timestamp created;
  InstanceMark mark;
  // Blind index of the person whose data it works on; its own id where none is known. Two instances
  // of one subject are not acted on at the same time.
  std::string subject;
  // The parked call: number, role, action, and the code that it failed with; empty when the effect
  // of the call is not known.
  std::uint64_t call = 0;
  std::string role = {};
  std::string action = {};
  std::string failure = {};
  // It was started again already.
  bool restarted = false;
};
// Acts of a person after which outside systems are asked once more.
enum class SentBy : std::uint8_t { retry, restart, again };
struct SentAgain {
  std::string role;
  std::string action;
  // The action takes no idempotency key and cannot be asked about; or it gets a new key, by a
  // restart. The outside system does not know it again.
  bool without_key = false;
};

// A call that waits for a person's decision.
struct ParkedCall {
  std::string instance;
  // Its number in the instance.
  std::uint64_t call = 0;
  std::string role;
  std::string action;
  std::string workflow;
  std::string workflow_version;
  // Since when the call waits.
  Timestamp since;

  // Below: from the journal, by Engine::parked_call alone.
  std::string version;
  std::string task;
  std::string reference;
  std::string key;
  // Code of the error that the call ended with; empty when its end is not known.
  std::string code;
  // It failed, and the workflow asks a person. Otherwise nobody knows its effect.
  bool failed = false;
  // It failed with an answer that left open whether it took effect.
  bool doubtful = false;
  // A person may answer it as done (person_may_answer).
  bool answerable = true;
  // JSON Schema of what the call gives; null when there is none.
  Json output_schema;
};

// A time that passes while a role is paused, of an instance that calls the role.
struct LateCall {
  std::string instance;
  std::string workflow;
  std::string version;
  workflow::Deadline deadline;
};
struct PausePreview {
  // The earliest stands first.
  std::vector<LateCall> late;
  // More instances run than were looked at.
  bool more = false;
  // Hex of SHA-256; fixes the list.
  std::string digest;
};

struct EngineStats {
  std::uint64_t started = 0;
  std::uint64_t completed = 0;
  std::uint64_t faulted = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t retried = 0;
  std::uint64_t turns = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t repeated_deliveries = 0;
  std::uint64_t events = 0;
  std::uint64_t actions = 0;
  std::uint64_t resends = 0;
  std::uint64_t parked = 0;
  // Calls that wait for room now.
  std::uint64_t held = 0;
  std::uint64_t late_results = 0;
  std::uint64_t task_faults = 0;
  // Instances in memory.
  std::uint64_t resident = 0;
  // Delay of the oldest timer that has not rung, in milliseconds.
  std::int64_t timer_late_ms = 0;
  // Time of the workers by kind of work, in nanoseconds.
  std::int64_t interpreter_ns = 0;
  std::int64_t seal_ns = 0;
  std::int64_t audit_ns = 0;
  std::int64_t submit_ns = 0;
  std::int64_t dispatch_ns = 0;
};

// Internally synchronised. Each instance is confined to one of the worker threads.
class Engine {
 public:
  using Parts = EngineParts;
  using Options = EngineOptions;

  // Loads the deployed definitions and starts the workers. No instance runs before its partition is
  // taken. Errors: store and definition errors, engine.unserved.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> open(Parts parts, Options options);
  // Owns a partition (0 to kPartitions - 1; an embedded database has only 0): re-arms its timers,
  // replays instances that were in the middle of something and settles their calls. When this
  // returns every accepted event is on its way; only then may new work be offered. From then on
  // what was lost on the way is looked for every kSweepMs.
  Status take(int partition);
  // Gives a partition away: its instances leave memory, and nothing of it is written when this
  // returns. Whoever takes the partition settles its calls in flight.
  void give(int partition);
  // Removes one chunk of the events that nothing waited for within kEventRetention. True when there
  // may be more. For maintenance.
  [[nodiscard]] Result<bool> expire_events();
  // The same of the deliveries that are older than Options::delivery_period; one whose events are
  // kept still stays. A repeat of one that is gone is a new delivery.
  [[nodiscard]] Result<bool> expire_deliveries();
  ~Engine();

  // Plans apply: changes by these files, and errors in the way. Writes nothing. With prune the
  // active workflows of the files' namespaces that are not among them go. An object:
  //   changes    true if apply would write
  //   workflows  {namespace, name, version, change (as Deployed; `refused` for version_taken),
  //              file?, from? (the version that is active now), differences?
  //              (workflow/explain/diff.hpp), running? ([{version, instances}]: they stay on their
  //              version), children? ([{workflow, version, bound}])}
  //   errors, warnings  {file, line, column, code, message}
  [[nodiscard]] Result<Json> plan(const std::vector<WorkflowFile>& files, bool prune);
  // Lints the files against the installed actions, the configured secrets and hosts, and each
  // other, and stores all of them in one transaction, or none. Of several versions of one workflow
  // among the files the highest becomes the active one. Durable when ok; new instances use the
  // active version, running ones stay on theirs; `latest` of run.workflow is bound here, for good.
  // Errors: the first one's kind and code, the message has every error with line and column:
  // engine.definition, engine.version_taken (same version, other content), engine.duplicate,
  // engine.secret, engine.host, engine.child.
  Result<std::vector<Deployed>> apply(const std::vector<WorkflowFile>& files,
                                      std::string_view actor, bool prune = false);
  // Decides whether past instances may be replayed; ok is audited durably. object: of the entry
  // of the audit log. detail: {version, sha256 (of the file), instances}.
  using AdmitReplay = std::function<Status(const std::string& object, const Json& detail)>;
  // Ends that instances of the past would have had on a new file: workflow/simulate/replay.hpp on
  // their journals, the newest first. Nothing is called, sent or changed. A file that branches on
  // data tells them: `admit` lets in who may read the data of instances, before the first journal
  // is read. Secrets are placeholders, of the old file and of the new one. One at a time, for some
  // seconds. An object:
  //   namespace, workflow, version  of the file
  //   instances    how many were replayed
  //   more         true if the filter takes more than the limit, or there was no time for all
  //   classes      [{class (to_string of the result), count}], without those that are empty
  //   differences  [{class, count, examples (ids, at most three), reference?, task?, role?,
  //                action?, members?, error? (about_error), then?, now?, code? (of cut)}], the most
  //                first: the first difference of each instance, by place. Names and codes are
  //                those that the deployed file, the call or the raise itself writes down
  // Errors: of a file that apply refuses; engine.replay_busy; those of admit; store and key errors.
  [[nodiscard]] Result<Json> replay(const WorkflowFile& file, const ReplayFilter& filter,
                                    const AdmitReplay& admit);
  // Every version that is stored, by namespace, name and time.
  [[nodiscard]] Result<std::vector<DeployedWorkflow>> workflows();
  // The file as it was deployed; an empty version means the active one. Errors: engine.workflow
  // (none, or the name is in several namespaces and none was given).
  [[nodiscard]] Result<std::string> source(std::string_view name_space, std::string_view name,
                                           std::string_view version);

  // Stores the delivery, its events and the instances they start, with the audit entry, in one
  // transaction. When the result is ok all of that is durable. Errors: conflict
  // engine.delivery_conflict (same id, other body), unavailable store.busy, store.full,
  // engine.stopping, engine.no_partition. Blocks for one commit.
  Result<Accepted> accept(const Delivery& delivery);
  // Tells instances of events that the hub itself has made (CloudEvents 1.0, as
  // Delivery::events), in one commit with `also`: those that a workflow wants are stored with what
  // they start. An event that was told before changes nothing. No delivery is kept. Durable when it
  // is ok. Errors: those of accept and of `also`.
  Status tell(const std::vector<Json>& events, const store::Store::Job& also);
  // True if an active version of a workflow may start by an event of this type, or wait for one, or
  // if an instance that has not ended, or that may be retried, may. For up to kSweepMs after the
  // last instance of a version that is not active has ended it stays true. Takes no time.
  [[nodiscard]] bool wants(std::string_view type) const;
  // Answer that accept would find. The events of the delivery are not looked at.
  [[nodiscard]] Result<Known> known(const Delivery& delivery);

  // The newest first, from behind the id `before` on. Where the filter names a person or a key, the
  // caller audits that the question was asked.
  [[nodiscard]] Result<std::vector<InstanceSummary>> instances(
      const InstanceFilter& filter, std::size_t limit,
      std::optional<std::string> before = std::nullopt);
  // Calls that an instance goes on with, in the order in which it asked for them, made by replaying
  // its journal. After a start each is sent, repeated, asked about or parked.
  [[nodiscard]] Result<std::vector<PendingCall>> pending_calls(std::string_view id);
  // The states of the filter are no condition, nor are person and key.
  [[nodiscard]] Result<InstanceCounts> counts(const InstanceFilter& filter);
  // Ok if patient data of an instance may be handed out: called when it has been read and before
  // any of it is returned. patient: blind index, may be empty. An error is returned instead.
  // When ok, the reading is audited durably.
  using Admit = std::function<Status(std::string_view instance, std::string_view patient)>;
  // Which entries of a timeline are given: the last `limit` of those before place `before`.
  struct TimelinePage {
    std::size_t limit = 200;
    std::optional<std::size_t> before = {};
  };
  // Summary with a page of the timeline: tasks with start, end, outcome and attempts, made by
  // replaying the journal. `earlier` is the place of the page's first entry, absent when that is
  // the first of all. No patient data unless `admit` is given and admits it.
  [[nodiscard]] Result<Json> instance(std::string_view id, const Admit& admit,
                                      const TimelinePage& page);
  [[nodiscard]] Result<Json> instance(std::string_view id, const Admit& admit = {}) {
    return instance(id, admit, TimelinePage{});
  }
  // The flowchart of an instance: workflow::to_json of its definition, with state and attempts of
  // what has run. No patient data.
  [[nodiscard]] Result<Json> instance_graph(std::string_view id);
  // The same of a workflow; namespace and version as for source().
  [[nodiscard]] Result<Json> graph(std::string_view name_space, std::string_view name,
                                   std::string_view version);
  // Numbers of instances by code: those that faulted since that time, and all that are parked.
  [[nodiscard]] Result<std::vector<InstanceCounts::Code>> open_codes(Timestamp faulted_since);
  // The oldest thousand parked calls, by code. Takes the same time however many instances there
  // are.
  [[nodiscard]] Result<std::vector<Tally>> parked_first();
  // The blind index that names the patient of an instance; "" when none is known. Error
  // engine.instance.
  [[nodiscard]] Result<std::string> patient_of(std::string_view id);
  // The specification's lifecycle events of the instance so far (workflow/run/lifecycle.hpp), in
  // order, made by replaying the journal: an array of CloudEvents. No patient data.
  [[nodiscard]] Result<Json> lifecycle(std::string_view id);
  // Asks the instance to stop; it ends as cancelled, after what it has done was undone. Durable
  // when ok. Errors: engine.ended; engine.secret (the hub was started without one that it uses).
  Status cancel(std::string_view id, std::string_view actor, std::string_view reason,
                Step step = {});
  // A faulted instance goes on from before the call that failed: the same instance and idempotency
  // keys. version: the deployed version of its workflow with which it goes on, kNewestVersion, or
  // "" for its own. Durable when ok; otherwise the instance stays as it ended. Errors:
  // engine.not_faulted, engine.retry_family, engine.journal_gone, engine.retry_key_taken,
  // engine.restarted, engine.workflow (no such version), and those of workflow::plan_rewind.
  Status retry(std::string_view id, std::string_view actor, std::string_view reason, Step step = {},
               std::string_view version = {});
  // Starts an instance of a deployed workflow, as run.workflow does: its input is `input`. Gives
  // its id. Durable when ok. Errors: engine.workflow (no such workflow or version is deployed),
  // engine.business_key_taken, engine.no_partition.
  Result<std::string> start(const WorkflowName& of, Json input, const Asked& asked);
  // Starts an instance that has ended again from its beginning: what it was started with, the
  // version that is asked for (by default the active one), new idempotency keys. Gives the new id.
  // Once for each instance. effects: how many calls of the old one stand in other systems, which
  // the person has to know. Durable when ok. Errors: engine.not_ended; engine.restart_family
  // (another instance started it); engine.restart_effects (another number: the message lists them);
  // engine.restarted; engine.journal_gone; those of start.
  Result<std::string> restart(std::string_view id, std::string_view version, std::int64_t effects,
                              const Asked& asked);
  // Calls that wait for a decision: one an instance, the next to be decided. Newest instance first;
  // `before`: the id of an instance.
  [[nodiscard]] Result<std::vector<ParkedCall>> parked(std::size_t limit,
                                                       const std::string& before);
  // The parked call of an instance, with what its journal says. Errors: engine.instance,
  // engine.not_parked.
  [[nodiscard]] Result<ParkedCall> parked_call(std::string_view id);
  // A person's decision on a parked call; the audit log keeps the reason, sealed. `call`: its
  // number; 0 for the one that is next. Durable when ok. Errors: engine.not_parked, engine.secret.
  Status resolve(std::string_view id, workflow::ActionOutcome outcome, std::string_view actor,
                 std::string_view reason, std::uint64_t call = 0, Step step = {});
  // Has a parked call made once more, with the same idempotency key. As resolve otherwise.
  Status send_again(std::string_view id, std::string_view actor, std::string_view reason,
                    std::uint64_t call = 0, Step step = {});
  // Instances that the filter takes, the oldest first, at most `limit`. Its person and key are no
  // condition.
  [[nodiscard]] Result<std::vector<Repairable>> repairable(const InstanceFilter& filter,
                                                           std::size_t limit);
  // One of them. Error engine.instance.
  [[nodiscard]] Result<Repairable> repairable(std::string_view id);
  // Calls that the act would send once more. For a restart: calls whose effects stand, and which
  // are sent under new keys. Errors: those of the act that are known before it.
  [[nodiscard]] Result<std::vector<SentAgain>> sent_by(SentBy act, std::string_view id);
  // Ok if resolve() would take the outcome for the parked call of the instance. Error
  // engine.answer.
  [[nodiscard]] Status may_answer(std::string_view id, const workflow::ActionOutcome& outcome);

  // Roles whose calls are held, by name.
  [[nodiscard]] std::vector<RolePause> paused_roles() const;
  // Lists what would come too late if the role was paused now, until that time or for good:
  // deadlines of running instances for tasks that call it. Replays instances. Errors: role.unknown,
  // role.not_pausable (video and session).
  [[nodiscard]] Result<PausePreview> preview_pause(std::string_view role,
                                                   std::optional<Timestamp> until);
  // Holds the calls of a role from now on, also over a restart. A call that is under way goes on.
  // No try is counted, and no time of a retry passes. digest: of the preview; not looked at if
  // nothing comes too late. The pause ends by itself at `until`. Durable when ok. Errors:
  // role.paused, role.pause_late (the digest is another one), and those of the preview.
  [[nodiscard]] Result<RolePause> pause_role(std::string_view role, std::optional<Timestamp> until,
                                             std::string_view digest, const Asked& asked);
  // Has the calls of a paused role go on, as Pauses::end orders them, one every kGoOnMs.
  // Gives their number. Durable when ok. Error role.not_paused.
  Result<std::int64_t> resume_role(std::string_view role, const Asked& asked);

  // Tells `use` what running instances and startable workflows call: plugin, action and contract
  // version. An instance keeps from its start to its end: its definition, which names action and
  // version of every call, and the plugin that each role was bound to. No workflow is deployed
  // while `use` runs.
  Status with_needs(const std::function<Status(const std::vector<plugin::Need>&)>& use);

  [[nodiscard]] EngineStats stats() const;
  // Returns when everything that is due by now is on its way. For whoever moves the clock.
  void catch_up();
  // Waits until nothing runs: no turn, no call and no commit in flight, or until the time is over.
  bool drain(std::int64_t timeout_ms);
  // Stops taking work and waits for commits in flight. Calls in flight are settled by the next
  // start.
  void stop();

  // hub/engine/impl.hpp
  struct Impl;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rabt::engine
