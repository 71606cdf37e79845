#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/json.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/engine/http/http_calls.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/plugin/call.hpp"
#include "hub/store/store.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

// Runs instances: an instance is its definition plus the ordered inputs it has received.
namespace rabt::engine {

// What a webhook, a timer of a plugin or a person brought in: events under one delivery id.
struct Delivery {
  std::string tenant;
  std::string source;  // configured source name
  std::string
      dedupe_id;  // from a part of the message that its signature covers, or the body's digest
  std::string body_sha256;  // 32 raw bytes
  std::string client;       // address of the sender, for the audit log
  std::string request;      // id of the request, for the audit log
  std::vector<Json>
      events;  // CloudEvents 1.0 envelopes with specversion, id, source, type, time, data
};
struct Accepted {
  bool repeated = false;  // the same delivery came before: answer is the stored one
  int status = 202;
  std::string answer;  // JSON
};

struct WorkflowFile {
  std::string name;  // as errors call it
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
  std::string sha256;  // hex, of the file
  bool active = false;
  Timestamp deployed;
  std::int64_t running = 0;  // instances
};

// What an instance looks like from outside.
struct InstanceSummary {
  std::string id;
  std::string workflow;
  std::string version;
  std::string status;  // running, waiting, completed, faulted, cancelled; parked overrides running
  Timestamp created;
  Timestamp updated;
};

struct EngineStats {
  std::uint64_t started = 0;
  std::uint64_t completed = 0;
  std::uint64_t faulted = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t turns = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t repeated_deliveries = 0;
  std::uint64_t events = 0;
  std::uint64_t actions = 0;
  std::uint64_t resends = 0;
  std::uint64_t parked = 0;
  std::uint64_t late_results = 0;
  std::uint64_t live = 0;  // instances in memory
};

// Internally synchronised. Each instance is confined to one of the worker threads.
class Engine {
 public:
  struct Parts {
    store::Store& store;
    keys::DataKeys& keys;
    audit::AuditLog& audit;
    plugin::ActionRunner& actions;
    net::HttpClient& http;  // of the HTTP requests of workflows
    const Clock& clock;
    Random& random;
    UlidSource& ids;
    Logger& log;
  };
  struct Options {
    std::string tenant;
    int workers = 2;
    // Waiting instances beyond this leave memory; the next input reads them back from their
    // journal.
    std::size_t max_live_per_worker = limits::kMaxLiveInstances;
    // Which hosts workflows may reach; without an allow-list none.
    HttpCallOptions http = {};
    // Values for use.secrets of workflows. They are handed to executions and go nowhere else.
    std::map<std::string, std::shared_ptr<SecretBytes>> secrets = {};
    // Purpose of use (HL7 v3 ActReason) of what a role is sent, for the audit log. Roles that are
    // not named here get `purpose`.
    std::map<std::string, std::string, std::less<>> purposes = {{"payer", "HPAYMT"},
                                                                {"moh", "PUBHLTH"}};
    std::string purpose = "TREAT";
    // Whether the start is refused where no plugin serves what a running instance or an active
    // workflow calls: engine.unserved.
    bool refuse_unserved = false;
    // Told after the last turn of an instance is durable, on a worker thread; must not block.
    std::function<void(std::string_view instance, workflow::InstanceStatus status)> on_finished =
        {};
  };

  // Loads the deployed definitions, re-arms timers, replays instances that were in the middle of
  // something and settles their calls. When this returns every accepted event has found its way;
  // only then may new work be offered. Errors: store and definition errors.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> recover(Parts parts, Options options);
  ~Engine();

  // What apply would do with these files, and what is in its way. Writes nothing. With prune the
  // active workflows of the files' namespaces that are not among them go. An object:
  //   changes    whether apply would write
  //   workflows  {namespace, name, version, change (as Deployed; `refused` for version_taken),
  //              file?, from? (the version that is active now), differences? (workflow/diff.hpp),
  //              running? ([{version, instances}]: they stay on their version),
  //              children? ([{workflow, version, bound}])}
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
  // Every version that is stored, by namespace, name and time.
  [[nodiscard]] Result<std::vector<DeployedWorkflow>> workflows();
  // The file as it was deployed; an empty version means the active one. Errors: engine.workflow
  // (none, or the name is in several namespaces and none was given).
  [[nodiscard]] Result<std::string> source(std::string_view name_space, std::string_view name,
                                           std::string_view version);

  // Stores the delivery, its events and the instances they start, with the audit entry, in one
  // transaction. When the result is ok all of that is durable. Errors: conflict
  // engine.delivery_conflict (same id, other body), unavailable store.busy / store.full. Blocks for
  // one commit.
  Result<Accepted> accept(const Delivery& delivery);

  // patient: blind index of an identifier; only instances that work on this person's data. That
  // such a question was asked is the caller's to audit.
  [[nodiscard]] Result<std::vector<InstanceSummary>> instances(
      std::size_t limit, std::optional<std::string> before, std::optional<std::string> status,
      std::optional<std::string> patient = std::nullopt);
  // Whether patient data of an instance may be handed out: called when it has been read and before
  // any of it is returned. patient: blind index, may be empty. What is not ok is returned instead.
  // When ok, the reading is audited durably.
  using Admit = std::function<Status(std::string_view instance, std::string_view patient)>;
  // Summary with the timeline: every task with its start, end, outcome and attempts, made by
  // replaying the journal. No patient data unless `admit` is given and admits it.
  [[nodiscard]] Result<Json> instance(std::string_view id, const Admit& admit = {});
  // The blind index that names the patient of an instance; empty: none is known. Error
  // engine.instance.
  [[nodiscard]] Result<std::string> patient_of(std::string_view id);
  // The specification's lifecycle events of the instance so far (workflow/lifecycle.hpp), in order,
  // made by replaying the journal: an array of CloudEvents. No patient data.
  [[nodiscard]] Result<Json> lifecycle(std::string_view id);
  // Asks the instance to stop; it ends as cancelled, after what it has done was undone. Durable
  // when ok. Errors: engine.ended; engine.secret (the hub was started without one that it uses).
  Status cancel(std::string_view id, std::string_view actor, std::string_view reason);
  // A person's decision on a parked call; the audit log keeps the reason, sealed. Durable
  // when ok. Errors: engine.not_parked, engine.secret.
  Status resolve(std::string_view id, workflow::ActionOutcome outcome, std::string_view actor,
                 std::string_view reason);

  // What running instances and workflows that may start now call: which plugin, action and contract
  // version. An instance keeps from its start to its end: its definition, which names action and
  // version of every call, and the plugin that each role was bound to. No workflow is deployed
  // while `use` runs.
  Status with_needs(const std::function<Status(const std::vector<plugin::Need>&)>& use);

  [[nodiscard]] EngineStats stats() const;
  // Waits until nothing runs: no turn, no call and no commit in flight, or until the time is over.
  bool drain(std::int64_t timeout_ms);
  // Stops taking work and waits for commits in flight. Calls in flight are settled by the next
  // start.
  void stop();

 public:
  struct Impl;  // hub/engine/impl.hpp

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rabt::engine
