#include "hub/workflow/run/rewind.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "hub/base/check.hpp"
#include "hub/base/overloaded.hpp"
#include "hub/workflow/error_types.hpp"

namespace rabt::workflow {

History::History(Versions versions)
    : versions_(std::move(versions)),
      version_(versions_.first),
      execution_(version_.definition, version_.secrets) {}

History::History(std::shared_ptr<const Definition> definition, Json secrets)
    : History(Versions{.first = {std::move(definition), std::move(secrets)}}) {}

std::vector<Effect> History::apply(const Input& input) {
  if (const auto* const rewound = std::get_if<Rewound>(&input.what)) {
    if (rewound->version.empty()) {
      rewind(rewound->to);
    } else {
      const auto on = versions_.later.find(rewound->version);
      RABT_CHECK(on != versions_.later.end());
      rewind(rewound->to, on->second);
    }
  }
  kept_.emplace_back(rows_++, &input);
  return execution_.apply(input);
}

std::vector<const Input*> History::rows() const {
  std::vector<const Input*> out;
  out.reserve(kept_.size());
  for (const auto& [number, input] : kept_) out.push_back(input);
  return out;
}

void History::rewind(std::uint64_t to, Version on) {
  const auto first =
      std::find_if(kept_.begin(), kept_.end(), [to](const auto& row) { return row.first >= to; });
  for (auto row = first; row != kept_.end(); ++row) {
    if (const auto* const arrived = std::get_if<EventArrived>(&row->second->what))
      skipped_.push_back(arrived->event);
  }
  kept_.erase(first, kept_.end());
  version_ = std::move(on);
  execution_ = Execution(version_.definition, version_.secrets);
  for (const auto& [number, input] : kept_) (void)execution_.apply(*input);
}

namespace {

// A call of the journal, and a workflow that the instance started.
struct Made {
  std::string reference;
  std::string task;
  std::string role;
  std::string action;
  bool http = false;
  bool child = false;
  bool undoes = false;
  bool repeatable = false;
  // Numbers of the rows.
  std::uint64_t opened = 0;
  std::optional<std::uint64_t> let_go;
  std::optional<std::uint64_t> ended;
  const ActionOutcome* outcome = nullptr;

  // False if the outside system is known to have done nothing.
  [[nodiscard]] bool may_have_effect() const {
    return outcome == nullptr ||
           (outcome->kind != OutcomeKind::transient && outcome->kind != OutcomeKind::permanent);
  }
  // True if it has ended, and the outside system is known to have done nothing. An HTTP answer says
  // that by its status (RFC 9110, section 15.5).
  [[nodiscard]] bool was_refused() const {
    if (!may_have_effect()) return true;
    if (!http || outcome == nullptr || outcome->kind != OutcomeKind::done) return false;
    const std::int64_t status = outcome->output.int_or("status", 0);
    return status >= 400 && status < 500;
  }
};

// Facts in the rows about calls and the end.
struct Told {
  std::map<std::uint64_t, Made> calls;
  // References of the calls that undid them.
  std::set<std::string> undone;
  // References of calls that ended once without being refused.
  std::set<std::string> acted;
  Finished finished;
  std::uint64_t end = 0;
  std::uint64_t next = 0;

  void take(const Input& input, const std::vector<Effect>& effects, std::uint64_t row) {
    if (const auto* const ended = std::get_if<ActionEnded>(&input.what)) {
      if (const auto call = calls.find(ended->call); call != calls.end() && !call->second.ended) {
        call->second.ended = row;
        call->second.outcome = &ended->outcome;
        if (!call->second.was_refused()) acted.insert(call->second.reference);
      }
    }
    for (const Effect& effect : effects) {
      std::visit(Overloaded{[&](const CallAction& call) {
                              if (call.let_go) return renumber(call.was, call.id);
                              if (call.was != 0) calls.erase(call.was);
                              calls[call.id] = {.reference = call.reference,
                                                .task = call.task,
                                                .role = call.role,
                                                .action = call.action,
                                                .http = call.role == kHttpRole,
                                                .undoes = call.undoes,
                                                .repeatable = call.repeatable,
                                                .opened = row};
                            },
                            [&](const StartWorkflow& start) {
                              calls[start.id] = {.reference = start.reference,
                                                 .task = start.task,
                                                 .child = true,
                                                 .opened = row};
                            },
                            [&](const LetGo& left) {
                              if (const auto call = calls.find(left.id); call != calls.end())
                                call->second.let_go = row;
                            },
                            [&](const TaskTrace& trace) {
                              if (trace.state == "compensated") undone.insert(trace.reference);
                            },
                            [&](const Finished& end_of) {
                              finished = end_of;
                              end = row;
                            },
                            [](const auto&) {}},
                 effect);
    }
  }

  // The call is open again, under another id.
  void renumber(std::uint64_t was, std::uint64_t new_id) {
    auto call = calls.extract(was);
    if (call.empty()) return;
    call.key() = new_id;
    call.mapped().ended.reset();
    call.mapped().outcome = nullptr;
    calls.insert(std::move(call));
  }
};

Told told_by(History& history, const std::vector<Input>& journal) {
  Told history_of_rows;
  std::uint64_t row = 0;
  for (const Input& input : journal) {
    const std::vector<Effect> effects = history.apply(input);
    history_of_rows.take(input, effects, row++);
  }
  return history_of_rows;
}

// The call whose end was the failure.
const Made* failed_call(const Told& told) {
  const std::string& place = told.finished.place;
  const Made* last = nullptr;
  for (const auto& [id, call] : told.calls) {
    const bool there =
        call.reference == place || (call.http && call.reference == place + "/document");
    if (!there || !call.ended || call.undoes || call.let_go) continue;
    if (last == nullptr || *call.ended > *last->ended) last = &call;
  }
  if (last == nullptr || last->outcome->kind != OutcomeKind::done) return last;
  // An HTTP answer with a status that is an error; any other call that was done did not fail.
  const std::string type = told.finished.error.string_or("type", "");
  return last->http && standard_error_name(type) == "communication" ? last : nullptr;
}

// True if this undid a call that was let go before that row, ended after it, and that no retry
// makes again: the instance goes on without it either way. then: the instance before that row.
bool undoes_let_go(const Told& told, const Made& undo, std::uint64_t row, const Execution& then) {
  return std::any_of(told.calls.begin(), told.calls.end(), [&](const auto& other) {
    const Made& call = other.second;
    return !call.undoes && call.let_go && *call.let_go < row && call.ended && *call.ended > row &&
           undo.reference == call.reference + "/compensate" && !then.is_made_again(call.reference);
  });
}

Status check_since(const Told& told, const Made& failed, const Execution& then) {
  const std::uint64_t row = *failed.ended;
  for (const auto& [id, call] : told.calls) {
    const bool since = call.opened >= row || (call.ended && *call.ended > row);
    const bool open_then = call.opened < row && (!call.ended || *call.ended > row);
    if (&call == &failed) continue;
    if (call.child && (since || open_then)) {
      return conflict("engine.retry_child",
                      "the workflow that task " + call.task +
                          " started was cancelled or has gone on; a retry would start another");
    }
    if (!since || !call.may_have_effect()) continue;
    // It was under way when the call failed. Where a task waited for it then, that task makes the
    // same call again, with the same key, and the hub settles it first.
    if (call.let_go && call.opened < row) continue;
    if (call.undoes) {
      if (undoes_let_go(told, call, row, then)) continue;
      return conflict("engine.retry_undone", "what task " + call.task +
                                                 " had done was undone after the failure; the "
                                                 "instance cannot go on without it");
    }
    if (call.repeatable) continue;
    return conflict("engine.retry_called",
                    "task " + call.task +
                        " made a call after the failure, and its effect stands; a retry would not "
                        "know of it (metadata.rabt.repeatable permits that)");
  }
  return ok_status();
}

}  // namespace

Result<Rewind> plan_rewind(const Versions& versions, const std::vector<Input>& journal,
                           Timestamp now, const Version* on) {
  History history(versions);
  const Told told = told_by(history, journal);
  const Made* const failed = failed_call(told);
  if (failed == nullptr) {
    return conflict("engine.retry_place",
                    "the error came from " + told.finished.place +
                        ", where no call failed; a retry would fail in the same way");
  }
  if (failed->child) {
    return conflict("engine.retry_child",
                    "the workflow that task " + failed->task +
                        " started failed; a retry would start another one from its beginning");
  }
  const Rewind found{.to = *failed->ended, .next = history.execution().next_id()};
  history.rewind(found.to);
  if (on != nullptr) {
    // Nothing was done with its arguments.
    const std::string mended = told.acted.contains(failed->reference) ? "" : failed->reference;
    RABT_TRY_STATUS(check_same_steps(history.version(), *on, history.rows(), mended));
    history.rewind(found.to, *on);
  }
  RABT_TRY_STATUS(check_since(told, *failed, history.execution()));
  if (history.execution().useless_at(now)) {
    return conflict("engine.retry_late", "it is too late for task " + failed->task +
                                             " to be of use (metadata.rabt.usefulUntil)");
  }
  return found;
}

std::vector<Standing> standing_effects(const Versions& versions,
                                       const std::vector<Input>& journal) {
  History history(versions);
  const Told told = told_by(history, journal);
  std::vector<Standing> out;
  for (const auto& [id, call] : told.calls) {
    if (call.undoes || !call.may_have_effect() ||
        told.undone.contains(call.reference + "/compensate"))
      continue;
    const bool done = call.outcome != nullptr && call.outcome->kind == OutcomeKind::done;
    out.push_back({.task = call.task, .role = call.role, .action = call.action, .known = done});
  }
  return out;
}

}  // namespace rabt::workflow
