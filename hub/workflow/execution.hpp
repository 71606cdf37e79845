#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/base/sealed.hpp"
#include "hub/workflow/definition.hpp"

// The interpreter: (state, input) -> (state', effects). Pure: the same definition and the same
// inputs in the same order give the same states and effects, on every machine. The engine journals
// the inputs; replaying them is recovery, the timeline and the simulator.
namespace rabt::workflow {

enum class OutcomeKind : std::uint8_t { done, transient, permanent, ambiguous, cancelled };
[[nodiscard]] std::string_view to_string(OutcomeKind kind);

// End of an action. message is for operators and holds no patient data; detail and said may hold
// some.
struct ActionOutcome {
  OutcomeKind kind = OutcomeKind::done;
  // Null unless the action is done.
  Json output;
  // Stable. Empty if the action is done.
  std::string code;
  std::string message;
  // May carry {"status": <http status>}.
  Json detail;
  std::int64_t retry_after_ms = 0;
  // The outside system's own words, if message withholds a part of what it said.
  Sealed<std::string> said;
  // Members of the output that hold declared codes, by name; null when there are none. No patient
  // data.
  Json codes = {};
  // transient, ambiguous: the outside system gave no answer, or 502, 503 or 504. Of an HTTP request
  // of a workflow also done: such an answer, without Retry-After. Not in the journal.
  bool unavailable = false;

  // For $error of the instance, which is sealed with it.
  [[nodiscard]] const std::string& whole_message() const {
    const std::string& all = said.unseal("$error of the instance, sealed with it");
    return all.empty() ? message : all;
  }
};

// ---- inputs ----

// Rules by which an instance lives that starts now. A rule that changes what the same inputs lead
// to raises the number: an instance keeps the rules that it was started with. 1: a call that may
// have left is let go, not dropped (LetGo).
inline constexpr int kRules = 1;

struct Start {
  std::string instance;  // ULID text: $workflow.id
  Json input;            // raw workflow input: an array of events when a schedule started it
  int rules = 0;         // 0 in journals that do not say it
};
struct ActionEnded {
  std::uint64_t call = 0;
  ActionOutcome outcome;
  // Milliseconds for which the call was held because its role was paused. No time of a retry.
  std::int64_t paused_ms = 0;
  // The person who answered in place of the action, as in the audit log; "" if it answered itself.
  std::string by = {};
};
struct TimerFired {
  std::uint64_t timer = 0;
};
struct EventArrived {
  std::uint64_t listen = 0;
  Json event;  // CloudEvents 1.0 envelope
};
struct Cancel {
  std::string reason;
};
// A person has a faulted instance go on. The execution is at the state that the inputs before
// number `to` made; those from there on are skipped. What is open is asked for again under ids from
// `next` on, so that a late answer finds nothing.
struct Rewound {
  std::uint64_t to = 0;
  std::uint64_t next = 0;
  std::string reason;
  std::string by;  // as in the audit log
  // Version of the workflow with which the instance goes on, and the one before; "" if it keeps its
  // own.
  std::string version = {};
  std::string was = {};
};
// A person has a call made once more that waits for an answer, with the same idempotency key.
struct Again {
  std::uint64_t call = 0;
};
struct Input {
  Timestamp at;  // when the hub accepted it; the only time a workflow sees
  std::variant<Start, ActionEnded, TimerFired, EventArrived, Cancel, Rewound, Again> what;
  // Open calls that leave nothing behind if this input ends what waits for them: they only read, or
  // have surely not left. Ids rise. They are dropped (CancelCall); others are let go (LetGo).
  std::vector<std::uint64_t> harmless = {};
};
// The journal's form: {"at":ms,"start":{...}} and so on. from_json refuses what it does not know.
[[nodiscard]] Json to_json(const Input& input);
[[nodiscard]] Result<Input> input_from_json(const Json& json);

// ---- effects ----

// Ids are unique within the instance, rise, and are the same at every replay.
struct CallAction {
  std::uint64_t id = 0;
  // /do/3/claim, with loop iterations. It stays the same over retries and is a part of the
  // idempotency key.
  std::string reference;
  std::string task;  // the task's name
  std::string role;
  std::string action;
  std::string version;
  Json arguments;
  std::int64_t attempt = 1;
  // True for the call that undoes a task.
  bool undoes = false;
  // metadata.rabt.repeatable: the call does not keep an instance from being run again.
  bool repeatable = false;
  // The id of the same call before the instance was rewound, or before it was asked about once
  // more; 0 when it has its first.
  std::uint64_t was = 0;
  // True for a call that was let go, in Execution::open and where it gets another id: `was` is the
  // one before. It is not sent then; how it ended is found out.
  bool let_go = false;
};
// Role and action of a CallAction that is an HTTP request of `call: http` or `call: openapi`; no
// plugin may take the role. Arguments: {method (upper case), uri (absolute, with its query),
// headers? (object of texts), body? (a text is sent as it is, everything else as JSON), redirect?
// (true: follow), raw? (true: the body comes as base64), idempotency? ("key": may be repeated),
// authentication? ({basic|bearer|digest|oauth2|oidc: {...}}, as in a workflow file)}. done: any
// HTTP answer, whatever its status: {status, headers (names in lower case), body (null when empty;
// JSON when the answer says JSON, else text; {"base64": ...} when it is neither JSON nor UTF-8, or
// raw)}. The other outcomes: no whole answer came; the code http.authentication says that no
// credentials could be got.
inline constexpr std::string_view kHttpRole = "http";
inline constexpr std::string_view kHttpAction = "request";

// A call failed for good, and its file has a person asked before any catch runs
// (metadata.rabt.onFailure). ActionEnded: the output of a `done` is the task's; with another
// outcome the error of the call goes on. Again makes the call once more. CancelCall ends it.
struct Ask {
  CallAction call;  // as it would be made; the id is the question's
  // The answer to its last try left open whether it took effect.
  bool doubtful = false;
};
// run.workflow: start an instance of another definition. With await it is answered by ActionEnded:
// done with the child's output; permanent when it faulted, with detail {"error": <its error>};
// cancelled when it was cancelled. Without await nothing is answered. CancelCall cancels the child.
struct StartWorkflow {
  std::uint64_t id = 0;
  std::string reference;
  std::string task;
  std::string name_space;
  std::string name;
  std::string version;  // "latest": the newest that was deployed when the parent was deployed
  Json input;
  bool await = true;
};
struct CancelCall {
  std::uint64_t id = 0;  // a CallAction's or a StartWorkflow's
};
// No task waits for this call any more (fork, race, timeout, catch, cancel), and it may have left.
// It stays open until ActionEnded says how it ended, and is never made again to find that out. The
// instance ends after it. ambiguous says that the call of a retry, which is the same with the same
// key, finds it out (Execution::is_made_again); where no retry makes it, it is open again under
// another id. Any kind but that and done: nothing was done.
struct LetGo {
  std::uint64_t id = 0;  // a CallAction's
};
struct StartTimer {
  std::uint64_t id = 0;
  Timestamp due;
  std::string purpose;  // wait, timeout, retry
};
struct CancelTimer {
  std::uint64_t id = 0;
};
struct Subscribe {
  std::uint64_t id = 0;
  // One of these correlation keys (Definition::correlation_keys) must be among an event's keys for
  // the event to be offered.
  std::vector<std::string> keys;
  // The event types that it still waits for, in the order of the file; empty when it takes every
  // event.
  std::vector<std::string> types = {};
};
struct Unsubscribe {
  std::uint64_t id = 0;
};
// The event is complete: specversion, id (from instance and reference), source, type, time, data.
struct Emit {
  Json event;
};
// Step of a task, for timeline and lifecycle events. state: started, completed, faulted, retried,
// resumed (by Rewound), skipped, waiting, parked (by Ask), cancelled; compensated or
// compensation-failed for the call that undoes a task; and of a call that was let go effect-unknown
// until it ends, then effect-stands, effect-undone (it is being undone) or effect-none.
struct TaskTrace {
  std::string reference;
  std::string task;
  std::string kind;  // call, set, listen, ...
  std::string state;
  // An error's type and title, an action's name, `case <name>` for a switch, `while` for a loop
  // that its condition ended. Holds no patient data.
  std::string detail;
  // For faulted: type, status, instance, and the title if it holds no data.
  Json error = {};
};
enum class InstanceStatus : std::uint8_t { running, waiting, completed, faulted, cancelled };
[[nodiscard]] std::string_view to_string(InstanceStatus status);
struct Finished {
  InstanceStatus status = InstanceStatus::completed;
  Json output;  // for completed
  Json error;   // for faulted: RFC 7807 type, status, title, detail, instance
  // The members of error that hold no patient data: type, status, instance, a fixed title.
  Json shown = {};
  // For faulted: the reference of the task that failed first. A `raise` in a handler stands for
  // what the handler caught.
  std::string place = {};
};
using Effect = std::variant<CallAction, Ask, StartWorkflow, CancelCall, LetGo, StartTimer,
                            CancelTimer, Subscribe, Unsubscribe, Emit, TaskTrace, Finished>;

// A time after which a call is of no use.
struct Deadline {
  std::string task;
  std::string reference;
  // usefulUntil (metadata.rabt), timeout (also of one attempt)
  std::string kind;
  Timestamp at;
};

// Confined to its executor; distinct executions are independent.
class Execution {
 public:
  struct Impl;  // hub/workflow/run/interpreter.hpp
  // secrets: an object by the names of use.secrets. The arguments of calls may hold secrets; no
  // state and no other effect does. stop: asked before each task and each expression. Once true it
  // stays true: apply() returns soon, and the execution is of no use any more.
  explicit Execution(std::shared_ptr<const Definition> definition, Json secrets = {},
                     std::function<bool()> stop = {});
  Execution(Execution&&) noexcept;
  Execution& operator=(Execution&&) noexcept;
  ~Execution();

  // Runs until every branch waits or the instance ends. The first input is Start. An input that
  // nothing waits for any more (late result, fired timer of a cancelled task) has no effects. After
  // Finished no input has effects. Never throws on input.
  [[nodiscard]] std::vector<Effect> apply(const Input& input);

  // True if the listen would consume this event now: active, filters match, not consumed before by
  // this instance's listen.
  [[nodiscard]] bool wants(std::uint64_t listen, const Json& event) const;
  // running while an action is open, waiting while only timers and listens are.
  [[nodiscard]] InstanceStatus status() const;
  // Returns the effects that the instance waits for (CallAction, StartWorkflow, StartTimer,
  // Subscribe), in order of id. For recovery.
  [[nodiscard]] std::vector<Effect> open() const;
  [[nodiscard]] const Json& context() const;  // $context
  // A number above the ids of all effects so far.
  [[nodiscard]] std::uint64_t next_id() const;
  // True if a call that is open would be of no use at that time (metadata.rabt.usefulUntil).
  [[nodiscard]] bool useless_at(Timestamp at) const;
  // The same of one call.
  [[nodiscard]] bool useless_at(Timestamp at, std::uint64_t call) const;
  // True if a retry is going to make the call of this place again, which was let go: with the same
  // key. reference: CallAction::reference.
  [[nodiscard]] bool is_made_again(std::string_view reference) const;
  // True if calls are let go (Start::rules), so that Input::harmless is looked at.
  [[nodiscard]] bool lets_go() const;
  // The end that the instance will have once calls that were let go have ended and everything is
  // undone; nullopt while it runs and after its end.
  [[nodiscard]] std::optional<InstanceStatus> ending() const;
  // Times by which calls of the role have to have ended, of the tasks that run and make some.
  [[nodiscard]] std::vector<Deadline> deadlines(std::string_view role) const;
  // Everything that decides what happens next, in one canonical form: equal states behave equally.
  // For tests and for people who look for a difference; no format to store.
  [[nodiscard]] Json state() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace rabt::workflow
