#include "hub/engine/turn.hpp"

#include <algorithm>

#include "hub/base/overloaded.hpp"

namespace rabt::engine {

namespace {

// One input on its way through an instance.
class TurnMaker {
 public:
  TurnMaker(ResidentInstance& instance, Turn& turn) : instance_(instance), turn_(turn) {}

  // Closes the call or timer that the input answers.
  void close_answered() {
    if (const auto* ended = std::get_if<workflow::ActionEnded>(&turn_.input.what)) {
      close_call(ended->call);
    } else if (const auto* again = std::get_if<workflow::Again>(&turn_.input.what)) {
      close_call(again->call);
    } else if (const auto* fired = std::get_if<workflow::TimerFired>(&turn_.input.what)) {
      instance_.timers.erase(fired->timer);
      turn_.timers_done.push_back(fired->timer);
    } else if (std::holds_alternative<workflow::Rewound>(turn_.input.what)) {
      // The store has nothing of an instance that had ended; everything gets new ids.
      turn_.rewound = true;
      instance_.calls.clear();
      instance_.timers.clear();
      instance_.listens.clear();
    }
  }
  void take(workflow::Effect& effect) {
    std::visit(Overloaded{[&](workflow::CallAction& call) { open_call(call); },
                          [&](workflow::Ask& ask) { open_question(ask); },
                          [&](workflow::StartWorkflow& start) { start_workflow(start); },
                          [&](workflow::CancelCall& call) { cancel(call.id); },
                          [&](workflow::LetGo& call) { let_go(call.id); },
                          [&](workflow::StartTimer& timer) { start_timer(timer); },
                          [&](workflow::CancelTimer& timer) { cancel_timer(timer.id); },
                          [&](workflow::Subscribe& listen) { subscribe(listen); },
                          [&](workflow::Unsubscribe& listen) { unsubscribe(listen.id); },
                          [&](workflow::Emit& emitted) {
                            turn_.events.push_back(std::move(emitted.event));
                          },
                          [&](workflow::TaskTrace& trace) { note_fault(trace); },
                          [&](workflow::Finished& finished) { finish(finished); }},
               effect);
  }
  // Sets the state that the instance's row has after this turn.
  void settle() {
    if (!requested_.empty()) turn_.cause.detail.set("requested", std::move(requested_));
    if (turn_.finished) {
      close_all();
    } else {
      const bool running = !instance_.calls.empty() || !instance_.children.empty();
      turn_.status =
          as_int(running ? workflow::InstanceStatus::running : workflow::InstanceStatus::waiting);
    }
    if (turn_.unpark || (!turn_.asked.empty() && instance_.parked_call == 0)) park_next();
    describe();
    // Busy: a start takes the instance up, and offers the skipped events.
    turn_.busy = !turn_.finished && (!instance_.calls.empty() || wants_skipped(instance_));
    turn_.update_instance = turn_.finished || turn_.busy != instance_.stored_busy ||
                            turn_.status != instance_.stored_status ||
                            turn_.about != instance_.stored_about;
    instance_.stored_busy = turn_.busy;
    instance_.stored_status = turn_.status;
    instance_.stored_about = turn_.about;
  }

 private:
  void close_call(std::uint64_t id) {
    const auto call = instance_.calls.find(id);
    if (call != instance_.calls.end()) {
      // The note of a call that was let go stays: an instance that is rewound may make it again.
      if (call->second.idempotency == Idempotency::none && !call->second.let_go)
        turn_.answered_call = id;
      instance_.calls.erase(call);
    } else if (instance_.children.erase(id) != 0) {
      turn_.answered_child = id;
    }
    unpark(id);
  }
  void unpark(std::uint64_t id) {
    if (instance_.parked_call != id) return;
    instance_.parked_call = 0;
    turn_.unpark = true;
  }
  void request(std::string_view role, std::string_view action) {
    if (!requested_.empty()) requested_.push_back(' ');
    requested_.append(role).append("/").append(action);
  }

  void open_call(workflow::CallAction& call) {
    const bool let_go = call.let_go;
    if (!let_go) request(call.role, call.action);
    turn_.calls.push_back(call.id);
    const std::uint64_t id = call.id;
    const bool unsure = call.was != 0;
    if (unsure) turn_.renamed_calls.emplace_back(call.was, id);
    instance_.calls.emplace(id, OpenCall{.action = std::move(call),
                                         .made_at = unsure ? Timestamp{} : turn_.input.at,
                                         .unsure = unsure,
                                         .doubtful = unsure,
                                         .let_go = let_go});
  }
  void open_question(workflow::Ask& ask) {
    const std::uint64_t id = ask.call.id;
    turn_.asked.push_back(ask.call);
    const auto* const ended = std::get_if<workflow::ActionEnded>(&turn_.input.what);
    instance_.calls.emplace(
        id, OpenCall{.action = std::move(ask.call),
                     .made_at = turn_.input.at,
                     .parked = true,
                     .parked_at = turn_.input.at,
                     .parked_code = ended == nullptr ? std::string() : ended->outcome.code,
                     .asked = true,
                     .maybe_done = ask.doubtful});
  }
  void start_workflow(workflow::StartWorkflow& start) {
    request("workflow", start.name);
    turn_.starts.push_back(start);
    if (!start.await) return;
    start.input = Json();
    const std::uint64_t id = start.id;
    instance_.children.emplace(id, std::move(start));
  }
  void cancel(std::uint64_t id) {
    if (instance_.children.erase(id) != 0) {
      const auto started_now =
          std::erase_if(turn_.starts, [&](const auto& start) { return start.id == id; });
      if (started_now == 0) turn_.cancelled_children.push_back(id);
      return;
    }
    const auto call = instance_.calls.find(id);
    if (call == instance_.calls.end()) return;
    turn_.cancelled_calls.push_back(std::move(call->second));
    instance_.calls.erase(call);
    std::erase(turn_.calls, id);
    unpark(id);
  }
  void let_go(std::uint64_t id) {
    const auto call = instance_.calls.find(id);
    if (call == instance_.calls.end()) return;
    call->second.let_go = true;
    // The question to a person is written anew: it says that the call was let go.
    turn_.unpark = turn_.unpark || instance_.parked_call == id;
  }
  void start_timer(workflow::StartTimer& timer) {
    instance_.timers.insert(timer.id);
    turn_.timers.push_back(std::move(timer));
  }
  void cancel_timer(std::uint64_t id) {
    instance_.timers.erase(id);
    const auto started_now =
        std::erase_if(turn_.timers, [&](const auto& timer) { return timer.id == id; });
    if (started_now == 0) turn_.timers_done.push_back(id);
  }
  void subscribe(workflow::Subscribe& listen) {
    instance_.listens.insert(listen.id);
    turn_.listens.push_back(std::move(listen));
  }
  void unsubscribe(std::uint64_t id) {
    instance_.listens.erase(id);
    const auto started_now =
        std::erase_if(turn_.listens, [&](const auto& listen) { return listen.id == id; });
    if (started_now == 0) turn_.listens_done.push_back(id);
  }

  // The tasks around the one that faulted fault after it.
  void note_fault(workflow::TaskTrace& trace) {
    if (trace.state == "faulted" && turn_.fault.state.empty()) turn_.fault = std::move(trace);
  }
  void finish(workflow::Finished& finished) {
    turn_.finished = true;
    turn_.status = as_int(finished.status);
    instance_.finished = true;
    if (instance_.origin != nullptr && instance_.origin->awaited)
      turn_.outcome = child_outcome(finished);
    turn_.cause.detail.set("ended", workflow::to_string(finished.status));
    if (finished.status != workflow::InstanceStatus::faulted) return;
    turn_.error = std::move(finished.shown);
    turn_.cause.detail.set("error", turn_.error.string_or("type", ""));
    if (const Json* const title = turn_.error.find("title"))
      turn_.cause.detail.set("title", *title);
  }
  // An instance that has ended waits for nothing.
  void close_all() {
    for (auto& [id, call] : instance_.calls) turn_.cancelled_calls.push_back(std::move(call));
    std::erase_if(turn_.starts, [](const auto& start) { return start.await; });
    for (const auto& [id, child] : instance_.children) turn_.cancelled_children.push_back(id);
    turn_.unpark = turn_.unpark || instance_.parked_call != 0;
    instance_.parked_call = 0;
    instance_.calls.clear();
    instance_.children.clear();
    instance_.timers.clear();
    instance_.listens.clear();
    turn_.calls.clear();
    turn_.timers.clear();
    turn_.listens.clear();
  }
  // Calls of several branches may be parked; they are decided one after the other.
  void park_next() {
    const auto next = std::find_if(instance_.calls.begin(), instance_.calls.end(),
                                   [](const auto& entry) { return entry.second.parked; });
    if (next == instance_.calls.end()) return;
    instance_.parked_call = next->first;
    turn_.unpark = true;
    turn_.parked_next = parked_of(next->second);
  }
  // Sets the texts that lists show of the instance.
  void describe() {
    if (turn_.finished && !turn_.error.is_null()) {
      const Json error = about_error(turn_.error);
      turn_.about = error.dump();
      turn_.code = error.string_or("code", "");
    } else if (!turn_.finished && (instance_.execution.ending() ||
                                   turn_.status == as_int(workflow::InstanceStatus::waiting))) {
      turn_.about = about_waits(instance_.execution);
    }
    if (turn_.unpark) turn_.code = turn_.finished ? turn_.code : turn_.parked_next.code;
    turn_.update_code = turn_.unpark || turn_.rewound || !turn_.code.empty();
  }

  ResidentInstance& instance_;
  Turn& turn_;
  // Roles and actions that the turn asked for, for its audit entry.
  std::string requested_;
};

}  // namespace

Turn make_turn(ResidentInstance& instance, workflow::Input input, Cause cause) {
  Turn turn{.n = instance.turns++, .input = std::move(input), .cause = std::move(cause)};
  if (instance.execution.lets_go()) {
    for (const auto& [id, call] : instance.calls) {
      if (call.harmless()) turn.input.harmless.push_back(id);
    }
  }
  std::vector<workflow::Effect> effects = instance.execution.apply(turn.input);
  TurnMaker maker(instance, turn);
  maker.close_answered();
  for (workflow::Effect& effect : effects) maker.take(effect);
  maker.settle();
  return turn;
}

bool wants_skipped(const ResidentInstance& instance) {
  return std::any_of(
      instance.skipped_events.begin(), instance.skipped_events.end(), [&](const Json& event) {
        return std::any_of(
            instance.listens.begin(), instance.listens.end(),
            [&](const std::uint64_t listen) { return instance.execution.wants(listen, event); });
      });
}

Parked parked_of(const OpenCall& call) {
  const workflow::CallAction& action = call.action;
  Json question = Json::object({{"role", action.role},
                                {"action", action.action},
                                {"task", action.task},
                                {"reference", action.reference}});
  if (call.parked_at.ms != 0) question.set("since", to_iso8601(call.parked_at));
  if (!call.parked_code.empty()) question.set("code", call.parked_code);
  if (call.let_go) question.set("letGo", true);
  std::string name = action.role + "/" + action.action;
  return {.call = std::to_string(action.id) + " " + name,
          .code = std::move(name),
          .question = question.dump()};
}

std::string about_waits(const workflow::Execution& execution) {
  Json out = Json::object();
  Json events = Json::array();
  Json calls = Json::array();
  std::optional<workflow::StartTimer> next;
  for (workflow::Effect& effect : execution.open()) {
    if (const auto* call = std::get_if<workflow::CallAction>(&effect)) {
      calls.push_back(call->role + "/" + call->action);
    } else if (const auto* listen = std::get_if<workflow::Subscribe>(&effect)) {
      // A listen without types takes every event.
      if (listen->types.empty()) events.push_back("*");
      for (const std::string& type : listen->types) events.push_back(type);
    } else if (auto* timer = std::get_if<workflow::StartTimer>(&effect)) {
      if (!next || timer->due < next->due) next = std::move(*timer);
    }
  }
  if (const auto ending = execution.ending()) {
    out.set("ending", workflow::to_string(*ending));
    if (calls.size() > 0) out.set("calls", std::move(calls));
  }
  if (events.size() > 0) out.set("events", std::move(events));
  if (next) {
    out.set("timer", next->purpose);
    out.set("until", to_iso8601(next->due));
  }
  return out.size() == 0 ? std::string() : out.dump();
}

Json about_error(const Json& shown) {
  const auto last_word = [](std::string text) {
    const auto slash = text.rfind('/');
    return slash == std::string::npos ? text : text.substr(slash + 1);
  };
  const std::string title = shown.string_or("title", "");
  const std::string type = last_word(shown.string_or("type", ""));
  const std::string code = title.empty() ? type : title;
  Json out = Json::object({{"code", code.empty() ? std::string("error") : code}});
  if (!title.empty()) out.set("title", title);
  if (const Json* const status = shown.find("status")) out.set("status", *status);
  if (const std::string reference = shown.string_or("instance", ""); !reference.empty()) {
    out.set("task", last_word(reference));
    out.set("reference", reference);
  }
  return out;
}

ActionOutcome child_outcome(const workflow::Finished& finished) {
  ActionOutcome outcome;
  switch (finished.status) {
    case workflow::InstanceStatus::completed:
      outcome.output = finished.output;
      break;
    case workflow::InstanceStatus::cancelled:
      outcome.kind = workflow::OutcomeKind::cancelled;
      outcome.code = "workflow.child_cancelled";
      outcome.message = "the workflow that was started was cancelled";
      break;
    case workflow::InstanceStatus::faulted:
    case workflow::InstanceStatus::running:
    case workflow::InstanceStatus::waiting:
      outcome.kind = workflow::OutcomeKind::permanent;
      outcome.code = "workflow.child_faulted";
      outcome.message = "the workflow that was started faulted";
      outcome.detail = Json::object({{"error", finished.error}});
      break;
  }
  return outcome;
}

}  // namespace rabt::engine
