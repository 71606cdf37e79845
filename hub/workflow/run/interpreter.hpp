#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hub/base/limits.hpp"
#include "hub/workflow/execution.hpp"
#include "hub/workflow/model.hpp"
#include "hub/workflow/run/evaluate.hpp"

// Internal to the language: the state of one instance. Running tasks form a tree of frames. Work to
// do next lies on a stack of steps, so that no C++ call nests with the workflow.
namespace rabt::workflow {

// Deeper nesting of running tasks, through functions, is a mistake in the workflow.
inline constexpr std::size_t kMaxFrameDepth = 2 * limits::kMaxWorkflowDepth;

// Call that undoes a completed task (metadata.rabt.compensate).
struct Undo {
  std::uint64_t order = 0;  // rises with each task that completes
  std::string reference;    // the undoing call's
  const Task* task = nullptr;
  Json arguments;
};

// $context as one line of execution sees it: the instance's, or the copy of a fork's branch.
struct ContextCell {
  Json value;
  Json base;  // what the copy started from
  ContextCell* parent = nullptr;
  bool written = false;
  std::vector<Undo> undo;  // for tasks that completed in this line; `order` rises
};

struct Fault {
  Json error;                       // RFC 7807
  std::int64_t retry_after_ms = 0;  // the plugin asked to wait this long
  bool fixed_title = true;          // the title holds no data, so it may be traced
  // A repeat would fail in the same way: `retry` repeats it only where the file asks for it.
  bool permanent = false;
  // The call may have taken effect: its answer left that open.
  bool doubtful = false;
  // The reference of a raise task, whose error may name an instance that holds data.
  std::string raised_at;
  // Finished::place
  std::string place;
  // The earliest metadata.rabt.usefulUntil on the way: no retry starts later.
  std::optional<Timestamp> useful_until;
};

struct Frame {
  const Task* task = nullptr;
  Frame* parent = nullptr;
  ContextCell* context = nullptr;
  std::string reference;
  std::size_t depth = 0;
  std::size_t branch = 0;  // which branch of a fork this is
  Json raw;
  Json input;
  Json raw_output;
  Timestamp started;
  std::optional<Then> then;  // decided while it ran: by a switch's case or a catch
  std::string note;          // how it completed, for its trace

  std::vector<Frame*> children;  // several only under a fork
  // The list of do, for, try or catch that runs.
  const TaskList* list = nullptr;
  std::size_t position = 0;
  // Number of starts of each task. Empty unless a `then` of the list jumps back.
  std::vector<std::uint32_t> visits;

  Json arguments;  // the open call's
  std::optional<Timestamp> useful_until;
  bool in_extension = false;  // stands in an extension's before or after, so it is not extended

  struct For {
    Json items;
    std::size_t next = 0;  // 1 + the running iteration
  };
  struct Fork {
    std::vector<Json> outputs;
    std::vector<std::unique_ptr<ContextCell>> cells;
    std::size_t open = 0;
  };
  struct Try {
    std::int64_t retries = 0;
    // Milliseconds for which calls in it were held: its retries have so much more time.
    std::int64_t paused_ms = 0;
    bool in_handler = false;
    Json error;
    bool fixed_title = false;  // of `error`
    std::string place;         // of `error`, as in Finished
  };
  struct Listen {
    // By filter, then by correlation; the filters of `until` follow. Null without `expect`.
    std::vector<std::vector<Json>> expected;
    std::vector<bool> satisfied;             // for `all`, by filter; those of `until` follow
    std::map<std::string, Json> correlated;  // first extracted values, by correlation name
    Json::Array outputs;
    std::vector<std::string> keys;
    std::string path;     // names this listen over all its activations
    bool closed = false;  // takes no more events
    // foreach
    std::deque<Json> queue;  // events that were taken and wait for their turn
    bool iterating = false;
    std::size_t iteration = 0;
    Json item;
  };
  // use.extensions around this task
  struct Extend {
    enum class Phase : std::uint8_t { before, body, after } phase = Phase::before;
    std::vector<const Extension*> matched;
    std::size_t next = 0;
    bool replaced = false;  // an `exit` gave the output; the task itself did not run
    Json output;            // while `after` runs
  };
  // An extension's list runs, not the task itself.
  [[nodiscard]] bool extending() const {
    return extend_state != nullptr && extend_state->phase != Extend::Phase::body;
  }
  // A call: http or openapi.
  struct Http {
    bool document = false;     // the OpenAPI document is awaited, not the answer
    std::string document_uri;  // with openapi
    Json authentication;       // the request's, with its secrets
    Json authorization;        // $authorization
    Json shown;                // the request as `output: response` shows it, without secrets
  };
  std::unique_ptr<Http> http;
  std::unique_ptr<Fault> asked;  // a person is asked what follows this failure
  std::optional<For> for_state;
  std::unique_ptr<Fork> fork_state;
  std::unique_ptr<Try> try_state;
  std::unique_ptr<Listen> listen_state;
  std::unique_ptr<Extend> extend_state;
};

// A call that was let go, outside the tree. It stays here until it has ended, and longer while a
// retry is going to reach its place again: its answer is the answer of that call.
struct LooseCall {
  CallAction call;
  const Task* task = nullptr;
  // The call's frame and those around it, as far as compensate.with reads them; empty when the task
  // has none.
  std::deque<Frame> kept;
  std::unique_ptr<ContextCell> context;
  // Outcome that is kept for the call of a retry: done, or ambiguous; null while it is open.
  std::unique_ptr<ActionOutcome> outcome;
  // Reference of the try whose retry is going to reach its place again; "" when there is none.
  std::string retry;
  // The task of the same place that waits for its end.
  Frame* next = nullptr;
};

struct Execution::Impl {
  Impl(std::shared_ptr<const Definition> of, Json given_secrets, std::function<bool()> until)
      : definition(std::move(of)),
        model(definition->model()),
        secrets(std::move(given_secrets)),
        stop(std::move(until)) {}

  std::shared_ptr<const Definition> definition;
  const Definition::Model& model;
  Json secrets;
  const std::function<bool()> stop;
  std::string instance;
  Timestamp now;       // when the input that is applied was accepted
  Timestamp previous;  // when the input before it was
  Timestamp started_at;
  Json input;
  Json workflow_value;  // $workflow
  int rules = 0;        // Start::rules
  bool started = false;
  bool finished = false;
  InstanceStatus final_status = InstanceStatus::running;
  ContextCell context;
  Frame* root = nullptr;
  std::vector<Effect> effects;
  std::uint64_t next_id = 1;
  // First id that the input which is applied may give, and its Input::harmless.
  std::uint64_t first_id = 1;
  std::vector<std::uint64_t> harmless;
  std::uint64_t starts = 0;                               // tasks started in this turn
  std::map<std::string, std::set<std::string>> consumed;  // events taken, by listen path

  // undo and undo_retry belong to a compensation and have no frame. let_go has none any more.
  enum class Wait : std::uint8_t {
    call,
    ask,
    wait,
    timeout,
    attempt,
    retry,
    listen,
    undo,
    undo_retry,
    let_go
  };
  struct Open {
    std::uint64_t id = 0;
    Wait kind = Wait::call;
    Frame* frame = nullptr;
    Timestamp due;
  };

  // Calls that are being undone, the last of each stack first. Stacks run beside each other.
  struct Undoing {
    std::vector<Undo> stack;
    std::int64_t retries = 0;
    std::uint64_t open = 0;  // the call or timer of the last one
  };
  std::vector<Undoing> undoing;
  std::uint64_t completed_tasks = 0;  // how many that can be undone: gives Undo::order
  // The end, once everything is undone and no call that was let go is open.
  std::optional<Finished> ending;
  std::vector<Open> open;  // ids rise
  using Loose = LooseCall;
  std::list<Loose> loose;

  struct Step {
    enum class Kind : std::uint8_t { start, complete } kind = Kind::start;
    Frame* frame = nullptr;      // for start the parent
    const Task* task = nullptr;  // for start
    Json value;
    std::size_t branch = 0;
    ContextCell* context = nullptr;
  };
  std::vector<Step> steps;

  std::deque<Frame> storage;  // frames keep their addresses
  std::vector<Frame*> unused;

  // OpenAPI documents that this instance has fetched, by URI.
  std::map<std::string, Json> documents;

  // interpreter.cpp, faults.cpp
  void apply(const Input& given);
  void on(const Start& start);
  void on(const ActionEnded& ended);
  void on(const TimerFired& fired);
  void on(const EventArrived& arrived);
  void on(const Cancel& cancel);
  void on(const Rewound& rewound);
  void on(const Again& again);
  // The end of the call that the frame has made.
  void call_ended(Frame* frame, const ActionOutcome& outcome);
  void fault_of_call(Frame* frame, const ActionOutcome& outcome);
  // The error of a call: a person is asked first where the file wants it.
  void call_failed(Frame* frame, Fault fault);
  void answered(Frame* frame, const ActionOutcome& outcome);
  [[nodiscard]] bool will_retry(const Frame* frame, Fault fault) const;
  void drain();
  [[nodiscard]] bool stopped() const { return stop && stop(); }
  Frame* take_frame();
  void release(Frame* frame);
  void start_task(Frame* parent, const Task& task, Json raw, ContextCell* cell, std::size_t branch);
  void enter(Frame* frame);  // input, timeout, then the task itself
  void complete(Frame* frame, Json output);
  void child_done(Frame* parent, std::size_t branch, Json output, const Then& then, bool skipped);
  void run_list(Frame* frame, const TaskList& list, Json value);
  void list_done(Frame* frame, Json output);
  void end_workflow(Frame* frame, ContextCell* cell, Json output);
  void finish(InstanceStatus status, Json output, Json error, Json shown = {},
              std::string place = {});
  void end();
  void completed(Frame* frame, Json output);
  void fault(Frame* frame, Fault fault);
  // Decision of a try about a fault.
  struct Verdict {
    enum class Kind : std::uint8_t { passes, replaces, retries, handles } kind = Kind::passes;
    std::int64_t delay = 0;  // milliseconds until the retry
    Fault other;  // replaces: an expression of the catch failed. handles, passes: too late
    bool late = false;
  };
  [[nodiscard]] Verdict judge(const Frame& frame, const Fault& fault) const;
  // True if this try catches the fault. If not, the fault goes on and may have been replaced.
  bool caught(Frame* frame, Fault& fault);
  [[nodiscard]] bool too_late(const Frame* frame, const Fault& fault, std::int64_t delay) const;
  void cancel_below(Frame* frame, const Frame* completed_path = nullptr);
  void drop_waits(Frame* frame);
  void drop_wait(Frame* frame, Wait kind);
  // Nothing waits for these any more: a call that may have left is let go.
  template <typename Which>
  void drop_open(const Which& which);
  void cancel_effect(const Open& entry);
  // The effect that asked for what is open.
  [[nodiscard]] Effect effect_of(const Open& entry) const;
  [[nodiscard]] static Effect subscription(std::uint64_t id, const Frame& frame);
  // Returns false if the task faulted. locals_from: as in FrameVariables.
  bool export_context(Frame* frame, const std::optional<Template>& as,
                      const std::optional<Schema>& schema, const Json& output,
                      const Frame* locals_from);
  void merge(ContextCell& into, ContextCell& from);

  std::uint64_t await(Frame* frame, Wait kind, Timestamp due);
  std::uint64_t start_timer(Frame* frame, Wait kind, std::int64_t delay_ms,
                            std::string_view purpose);
  Open* find_open(std::uint64_t id);
  [[nodiscard]] const Open* find_open(std::uint64_t id) const;
  bool take_open(std::uint64_t id, Open& out);
  void trace(const Frame& frame, std::string_view state, std::string detail = {});
  [[nodiscard]] Json make_error(std::string_view type, int status, std::string_view title,
                                std::string_view detail, const Frame& frame) const;
  void fail(Frame* frame, std::string_view type, int status, std::string_view title,
            std::string_view detail);
  // error: an expression's. where: which one, as in "output.as".
  void fail(Frame* frame, const Error& error, std::string_view where);
  bool conforms(Frame* frame, const std::optional<Schema>& schema, const Json& value,
                std::string_view where);

  // tasks.cpp
  void run(Frame* frame);
  void run_call(Frame* frame, const CallBody& body);
  void run_function(Frame* frame, const FunctionBody& body);
  void run_switch(Frame* frame, const SwitchBody& body);
  void run_for(Frame* frame, const ForBody& body);
  void next_iteration(Frame* frame, Json value);
  void run_fork(Frame* frame, const ForkBody& body);
  void branch_done(Frame* frame, std::size_t branch, Json output, bool skipped);
  void run_emit(Frame* frame, const EmitBody& body);
  void run_raise(Frame* frame, const RaiseBody& body);
  void run_try(Frame* frame);
  void start_attempt(Frame* frame);
  void run_wait(Frame* frame, const WaitBody& body);
  [[nodiscard]] Effect call_effect(std::uint64_t id, const Frame& frame) const;
  // nullopt if the task is not retried. An evaluation's error lands in `problem`.
  [[nodiscard]] std::optional<std::int64_t> retry_delay(const Frame& frame,
                                                        const RetryPolicy& policy,
                                                        const Fault& fault,
                                                        std::optional<Error>& problem) const;

  // listen.cpp
  struct Match {
    std::size_t filter = 0;                            // from filters.size() on a filter of `until`
    std::vector<std::pair<std::string, Json>> values;  // for correlations without `expect`
  };
  void run_listen(Frame* frame, const ListenBody& body);
  void take_event(Frame* frame, const Json& event, const Match& match);
  [[nodiscard]] std::optional<Match> matching_filter(const Frame& frame, const Json& event) const;
  void next_item(Frame* frame);
  void item_done(Frame* frame, Json output);
  void close_listen(Frame* frame);

  // tasks.cpp: run.workflow
  void run_workflow(Frame* frame, const RunBody& body);
  // Returns false if the child ended like a call that failed.
  bool child_ended(Frame* frame, const ActionOutcome& outcome);

  // extension.cpp
  // Returns true if an extension's list runs first.
  bool extend(Frame* frame);
  void next_before(Frame* frame);
  void next_after(Frame* frame);
  // `exit` in `before` gave the task's output.
  void replace(Frame* frame, Json output);

  // compensation.cpp
  // Returns false if the task faulted.
  bool push_undo(Frame* frame, const Json& output);
  // Leaves `from` empty.
  static void gather(std::vector<Undo>& into, std::vector<Undo>& from);
  void undo(std::vector<Undo> stack);
  void next_undo(Undoing& job);
  // outcome: null if the timer of a retry fired.
  void on_undo(const Open& entry, const ActionOutcome* outcome);
  [[nodiscard]] CallAction undo_effect(std::uint64_t id) const;
  void trace_undo(const Undo& what, std::string_view state, std::string detail);

  // let_go.cpp
  // Makes the call of the frame. Where a call of the same place was let go, this one waits for its
  // end, or has its answer.
  void make_call(Frame* frame);
  [[nodiscard]] bool may_have_left(const Open& entry) const;
  void let_go(Open& entry);
  void on_let_go(std::uint64_t id, const ActionOutcome& outcome);
  // A retry of this try is going to reach again what it let go.
  void mark_retried(const Frame& frame);
  [[nodiscard]] bool is_retried(const Loose& loose) const;
  // A task waits for its end, or a retry is going to reach its place.
  [[nodiscard]] bool is_made_again(const Loose& loose) const;
  // Ends what was kept for retries that are over, and the instance when nothing else is open.
  void settle_loose();
  // It ended, and no retry wants its answer.
  void settle(const Loose& loose, const ActionOutcome& outcome);
  // Its effect is unknown, and no retry finds it out any more: it is open again.
  void ask_again(Loose& loose);
  void undo_loose(const Loose& loose, const ActionOutcome& outcome);
  // An instance that had ended goes on. Its end came after the end of all that was let go: only
  // what a retry makes again is settled once more.
  void forget_loose();
  void trace_loose(const Loose& loose, std::string_view state);

  // state.cpp
  [[nodiscard]] Json state() const;

  // http.cpp
  void run_http(Frame* frame, const HttpBody& body);
  void send_http(Frame* frame, const HttpBody& body);
  void fail_request(Frame* frame, std::string_view type, int status, const ActionOutcome& outcome);
  void http_ended(Frame* frame, const ActionOutcome& outcome);
  void http_answered(Frame* frame, const HttpBody& body, const Json& answer);
  void fail_http(Frame* frame, const Error& error, std::string_view where);
  [[nodiscard]] CallAction http_effect(std::uint64_t id, const Frame& frame) const;
};

// True if an answer of HTTP says that the request was carried out.
[[nodiscard]] bool http_succeeded(const HttpBody& body, const Json& answer);
// Output of a task for such an answer.
[[nodiscard]] Json http_output(const HttpBody& body, const Frame::Http& state, const Json& answer);

template <typename Which>
void Execution::Impl::drop_open(const Which& which) {
  for (Open& entry : open) {
    if (which(entry) && may_have_left(entry)) let_go(entry);
  }
  std::erase_if(open, [&](const Open& entry) {
    if (entry.kind == Wait::let_go || !which(entry)) return false;
    cancel_effect(entry);
    return true;
  });
}

// 1 plus the retries of every try around the frame.
[[nodiscard]] std::int64_t attempt_of(const Frame& frame);

// $task
[[nodiscard]] Json describe(const Frame& frame);

class FrameVariables final : public Variables {
 public:
  // locals_from: the first frame whose loop or catch names are visible.
  FrameVariables(const Execution::Impl& run, const Frame& frame, const Frame* locals_from,
                 const Json* output = nullptr, const Json* error = nullptr)
      : run_(run), frame_(frame), locals_from_(locals_from), output_(output), error_(error) {}
  FrameVariables(const Execution::Impl& run, const Frame& frame)
      : FrameVariables(run, frame, frame.parent) {}
  [[nodiscard]] Json get(const VariableSlot& slot) const override;
  [[nodiscard]] bool stopped() const override { return run_.stopped(); }

 private:
  const Execution::Impl& run_;
  const Frame& frame_;
  const Frame* locals_from_;
  const Json* output_;
  const Json* error_;
};

}  // namespace rabt::workflow
