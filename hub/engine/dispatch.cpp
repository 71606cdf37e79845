#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/engine/statements.hpp"
#include "hub/engine/stopwatch.hpp"
#include "hub/engine/worker.hpp"
#include "hub/plugin/room.hpp"

// From a committed turn to the runner of actions, and what happens when an outcome stays ambiguous.
namespace rabt::engine {

namespace {

Idempotency parse_idempotency(std::string_view text) {
  if (text == "native") return Idempotency::native;
  if (text == "key") return Idempotency::key;
  if (text == "probe") return Idempotency::probe;
  return Idempotency::none;
}

}  // namespace

void Worker::look_up(const ResidentInstance& instance, OpenCall& call) const {
  const workflow::CallAction& action = call.action;
  if (action.role == workflow::kHttpRole) {
    call.idempotency = parse_idempotency(HttpCalls::idempotency(action));
    return;
  }
  call.target = parts_.definitions.target_of(*instance.definition, instance.binding, action.role);
  std::string name = call.target + "/" + action.action + ":" + action.version;
  const auto effect = effects_.find(name);
  if (effect != effects_.end()) {
    call.idempotency = effect->second.idempotency;
    call.reads = effect->second.reads;
    return;
  }
  const auto info = context_.parts.actions.find(call.target, action.action, action.version);
  // An action that is not there any more was not sent by us either: the host refuses it.
  call.idempotency = info ? parse_idempotency(info->idempotency) : Idempotency::none;
  call.reads = info && info->reads;
  effects_.emplace(std::move(name), KnownEffect{call.idempotency, call.reads});
}

plugin::CallRequest Worker::request_of(const ResidentInstance& instance,
                                       const OpenCall& call) const {
  plugin::CallRequest request;
  request.tenant = context_.options.tenant;
  request.instance = instance.id;
  request.trace = instance.trace;
  request.patient = to_hex(as_bytes(instance.patient));
  request.role = call.action.role;
  request.target = call.target;
  request.action = call.action.action;
  request.version = call.action.version;
  request.arguments = call.action.arguments;
  request.idempotency_key = idempotency_key(instance.id, call.action.reference);
  request.deadline_unix_ms = 0;  // the action's own time limit
  request.attempt = static_cast<std::uint32_t>(call.sends);
  return request;
}

void Worker::dispatch(ResidentInstance& instance, OpenCall& call) {
  if (hold_paused(instance, call, PausedCall::Next::dispatch)) return;
  if (call.idempotency != Idempotency::none) {
    send_call(instance, call);
    return;
  }
  // Not safe to repeat: note durably that it leaves, so that a start after a crash knows.
  call.noting = true;
  const std::int64_t num = instance.num;
  const std::uint64_t id = call.action.id;
  context_.parts.store.submit(
      store::Store::Need::required, num,
      [num, id](store::Transaction& transaction) {
        transaction.put(sql::kInsertDispatched, {num, static_cast<std::int64_t>(id)});
        return ok_status();
      },
      [&context = context_, &router = parts_.router, num, id,
       work = WorkToken(context_.work)](const Status& status) {
        if (!status.ok())
          context.parts.log.error("action.not_noted",
                                  {{"instance", num}, {"code", status.error().code}});
        router.send(DispatchRecorded{num, id, status.ok()});
      },
      caller());
}

void Worker::dispatch_recorded(const DispatchRecorded& message) {
  const auto instance = residents_.find(message.num);
  if (instance == residents_.end()) return;
  const auto call = instance->second->calls.find(message.call);
  if (call == instance->second->calls.end()) return;
  call->second.noting = false;
  // A call whose note could not be stored does not leave; the sweep tries again.
  if (message.durable) send_call(*instance->second, call->second);
}

void Worker::send_call(ResidentInstance& instance, OpenCall& call) {
  const Stopwatch watch(context_.times.dispatch);
  ++call.sends;
  call.in_flight = true;
  ++context_.counters.actions;
  if (call.sends > 1) ++context_.counters.resends;
  // The answer may come before invoke returns; it is a message to this worker and waits its turn.
  auto ended = [&router = parts_.router, num = instance.num, id = call.action.id,
                work = WorkToken(context_.work)](ActionOutcome outcome) {
    router.send(CallEnded{num, id, std::move(outcome)});
  };
  plugin::CallRequest request = request_of(instance, call);
  call.token = call.action.role == workflow::kHttpRole
                   ? parts_.http.invoke(call.action, std::move(request.idempotency_key),
                                        std::move(request.trace), std::move(ended))
                   : context_.parts.actions.invoke(std::move(request), std::move(ended));
}

void Worker::cancel_call(const OpenCall& call) {
  if (call.token == 0) return;
  if (call.action.role == workflow::kHttpRole) {
    parts_.http.cancel(call.token);
  } else {
    context_.parts.actions.cancel(call.token);
  }
}

void Worker::settle_unknown(ResidentInstance& instance, OpenCall& call) {
  if (call.let_go) {
    settle_let_go(instance, call, {});
    return;
  }
  if (hold_paused(instance, call, PausedCall::Next::settle)) return;
  switch (call.idempotency) {
    case Idempotency::native:
    case Idempotency::key:
      dispatch(instance, call);
      return;
    case Idempotency::probe:
      probe(instance, call);
      return;
    case Idempotency::none:
      break;
  }
  if (surely_unsent(instance, call)) {
    call.doubtful = false;
    dispatch(instance, call);
  } else {
    park(instance, call);
  }
}

bool Worker::surely_unsent(const ResidentInstance& instance, const OpenCall& call) const {
  bool sent = false;
  const Status read = context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kFindDispatched,
                            {instance.num, static_cast<std::int64_t>(call.action.id)},
                            [&](const store::Row&) {
                              sent = true;
                              return false;
                            });
  });
  return read.ok() && !sent;
}

void Worker::settle_let_go(ResidentInstance& instance, OpenCall& call, const std::string& code) {
  // It only reads, or was held for want of room; or the hub went down before it left.
  if (call.harmless() ||
      (call.idempotency == Idempotency::none && call.sends == 0 && surely_unsent(instance, call))) {
    end_without_effect(instance, call, "engine.let_go",
                       "no task waits for the call any more, and it has not left");
    return;
  }
  if (call.idempotency == Idempotency::probe) {
    probe(instance, call);
    return;
  }
  const bool repeatable =
      call.idempotency == Idempotency::native || call.idempotency == Idempotency::key;
  if (!repeatable || !instance.execution.is_made_again(call.action.reference)) {
    park(instance, call, code);
    return;
  }
  // The call of a retry is this one, with this key: the answer tells what this one did, too.
  Cause cause{.act = "action.ended",
              .result = code.empty() ? std::string("engine.let_go") : code,
              .detail = Json::object({{"role", call.action.role},
                                      {"action", call.action.action},
                                      {"task", call.action.task},
                                      {"outcome", "ambiguous"},
                                      {"sends", call.sends}})};
  ActionOutcome outcome;
  outcome.kind = workflow::OutcomeKind::ambiguous;
  outcome.code = "engine.let_go";
  outcome.message = "the retry of the task makes the call again, with the same key";
  take_turn(instance, input_of(workflow::ActionEnded{call.action.id, std::move(outcome)}),
            std::move(cause));
}

void Worker::end_without_effect(const ResidentInstance& instance, OpenCall& call, std::string code,
                                std::string message) {
  call.doubtful = false;
  CallEnded ended{instance.num, call.action.id, {}};
  ended.outcome.kind = workflow::OutcomeKind::transient;
  ended.outcome.code = std::move(code);
  ended.outcome.message = std::move(message);
  call_ended(ended);
}

void Worker::settle_ambiguous(ResidentInstance& instance, OpenCall& call, ActionOutcome outcome) {
  context_.parts.log.warn("action.ambiguous", {{"instance", instance.id},
                                               {"role", call.action.role},
                                               {"action", call.action.action},
                                               {"code", outcome.code},
                                               {"sends", static_cast<std::int64_t>(call.sends)}});
  if (call.let_go) {
    settle_let_go(instance, call, outcome.code);
    return;
  }
  if (call.idempotency == Idempotency::none) {
    park(instance, call, outcome.code);
    return;
  }
  if (call.sends <= limits::kMaxResends) {
    if (call.idempotency == Idempotency::probe) {
      probe(instance, call);
    } else {
      const Timestamp due{context_.parts.clock.now().ms + limits::resend_delay_ms(call.sends)};
      parts_.timers.add({due, instance.num, call.action.id, Timers::Kind::resend});
    }
    return;
  }
  if (call.idempotency == Idempotency::probe) {
    park(instance, call, outcome.code);
    return;
  }
  // Repeating is safe and did not help: the workflow decides; its own retry repeats with the same
  // key.
  Cause cause{.act = "action.ended",
              .result = outcome.code,
              .detail = Json::object({{"role", call.action.role},
                                      {"action", call.action.action},
                                      {"task", call.action.task},
                                      {"outcome", workflow::to_string(outcome.kind)},
                                      {"sends", call.sends}})};
  look_at_side(instance, call, outcome, cause);
  take_turn(instance,
            input_of(workflow::ActionEnded{call.action.id, std::move(outcome), call.paused_ms}),
            std::move(cause));
}

bool Worker::hold(ResidentInstance& instance, OpenCall& call, const ActionOutcome& outcome) {
  const bool untouched = outcome.kind == workflow::OutcomeKind::transient;
  const bool repeatable =
      call.idempotency == Idempotency::native || call.idempotency == Idempotency::key;
  const bool unsettled = outcome.kind == workflow::OutcomeKind::ambiguous && repeatable;
  if (call.let_go || !plugin::means_no_room(outcome.code) || !(untouched || unsettled)) {
    call.holds = 0;
    call.held = nullptr;
    return false;
  }
  call.doubtful = call.doubtful || unsettled;
  // 0 would mean that the call was never sent.
  if (call.sends > 1) --call.sends;
  ++call.holds;
  if (call.held == nullptr) {
    call.held =
        context_.held.add(instance.id, call.action.role + "/" + call.action.action + ": " +
                                           outcome.code + ", sent again until there is room");
    context_.parts.log.warn("action.held", {{"instance", instance.id},
                                            {"role", call.action.role},
                                            {"action", call.action.action},
                                            {"code", outcome.code},
                                            {"message", outcome.message}});
  }
  const Timestamp due{context_.parts.clock.now().ms + limits::resend_delay_ms(call.holds)};
  parts_.timers.add({due, instance.num, call.action.id, Timers::Kind::resend});
  return true;
}

bool Worker::hold_paused(const ResidentInstance& instance, OpenCall& call, PausedCall::Next next) {
  if (!context_.pauses.any()) return false;
  auto held = context_.pauses.hold({.instance = instance.id,
                                    .num = instance.num,
                                    .id = call.action.id,
                                    .role = call.action.role,
                                    .action = call.action.action,
                                    .reference = call.action.reference,
                                    .deadline = deadline_of(instance, call.action.role)});
  if (!held) return false;
  call.paused = {
      .next = next, .from = std::max(held->since, call.made_at), .listed = std::move(held->listed)};
  return true;
}

void Worker::go_on(ResidentInstance& instance, OpenCall& call) {
  if (!call.paused) return;
  const Timestamp now = context_.parts.clock.now();
  const PausedCall::Next next = call.paused->next;
  // Also after a restart: it was made while the role was paused.
  const bool unsent = next == PausedCall::Next::dispatch ||
                      (next == PausedCall::Next::settle && call.paused->from == call.made_at);
  call.paused_ms += now.ms - call.paused->from.ms;
  call.paused.reset();
  if (unsent && instance.execution.useless_at(now, call.action.id)) {
    end_without_effect(instance, call, "engine.paused_late",
                       "the role was paused until the call was of no use any more");
    return;
  }
  if (call.let_go && next != PausedCall::Next::probe) {
    settle_let_go(instance, call, {});
    return;
  }
  switch (next) {
    case PausedCall::Next::dispatch:
      dispatch(instance, call);
      return;
    case PausedCall::Next::settle:
      settle_unknown(instance, call);
      return;
    case PausedCall::Next::send:
      send_call(instance, call);
      return;
    case PausedCall::Next::probe:
      probe(instance, call);
      return;
  }
}

void Worker::probe(ResidentInstance& instance, OpenCall& call) {
  if (hold_paused(instance, call, PausedCall::Next::probe)) return;
  ++call.sends;
  context_.parts.actions.probe(request_of(instance, call),
                               [&router = parts_.router, num = instance.num, id = call.action.id,
                                work = WorkToken(context_.work)](plugin::ProbeAnswer answer) {
                                 router.send(CallProbed{num, id, std::move(answer)});
                               });
}

void Worker::probed(const CallProbed& message) {
  const auto at = residents_.find(message.num);
  if (at == residents_.end()) return;
  ResidentInstance& instance = *at->second;
  const auto found = instance.calls.find(message.call);
  if (found == instance.calls.end()) return;
  OpenCall& call = found->second;
  switch (message.answer.effect) {
    case plugin::ProbeAnswer::Effect::yes: {
      CallEnded ended{message.num, message.call, {}};
      ended.outcome.kind = workflow::OutcomeKind::done;
      ended.outcome.output = message.answer.output;
      call_ended(ended);
      return;
    }
    case plugin::ProbeAnswer::Effect::no:
      if (call.let_go) {
        end_without_effect(instance, call, "engine.let_go",
                           "the outside system says that it did not do it");
        return;
      }
      call.doubtful = false;
      if (!hold_paused(instance, call, PausedCall::Next::send)) send_call(instance, call);
      return;
    case plugin::ProbeAnswer::Effect::unknown:
      if (call.sends <= limits::kMaxResends) {
        const Timestamp due{context_.parts.clock.now().ms + limits::resend_delay_ms(call.sends)};
        parts_.timers.add({due, instance.num, call.action.id, Timers::Kind::probe});
      } else {
        park(instance, call);
      }
      return;
  }
}

audit::Entry Worker::parked_entry(const ResidentInstance& instance,
                                  const workflow::CallAction& action,
                                  std::string_view result) const {
  return {.tenant = context_.options.tenant,
          .actor = "node:engine",
          .act = "action.parked",
          .object = "instance:" + instance.id,
          .result = std::string(result),
          .detail = Json::object(
              {{"role", action.role}, {"action", action.action}, {"task", action.task}}),
          .patient = to_hex(as_bytes(instance.patient))};
}

// Calls of several branches may be parked; they are decided one after the other, this one when its
// turn comes.
void Worker::park(ResidentInstance& instance, OpenCall& call, const std::string& code) {
  call.parked = true;
  call.parked_at = context_.parts.clock.now();
  call.parked_code = code;
  const bool shown = instance.parked_call == 0;
  if (shown) instance.parked_call = call.action.id;
  ++context_.counters.parked;
  context_.parts.log.warn(
      "action.parked",
      {{"instance", instance.id}, {"role", call.action.role}, {"action", call.action.action}});
  const std::int64_t num = instance.num;
  const Parked parked = shown ? parked_of(call) : Parked{};
  const std::int64_t now = call.parked_at.ms;
  audit::AuditLog& audit = context_.parts.audit;
  const auto entry = audit.prepare(parked_entry(instance, call.action, "ambiguous"));
  context_.parts.store.submit(
      store::Store::Need::required, num,
      [&audit, num, parked, now, entry](store::Transaction& transaction) -> Status {
        if (!parked.call.empty()) {
          transaction.put(sql::kParkInstance, {parked.call, parked.question, now, num});
          transaction.put(sql::kCodeOfInstance, {parked.code, num});
        }
        return audit.append(transaction, entry);
      },
      [&context = context_, &router = parts_.router, num,
       work = WorkToken(context_.work)](const Status& status) {
        if (status.ok()) return;
        // Nothing says durably that a person has to decide: memory forgets it as well.
        context.parts.log.error("action.not_parked",
                                {{"instance", num}, {"code", status.error().code}});
        router.send(Reload{num, false});
      },
      store::Store::Caller::goes_on);
}

}  // namespace rabt::engine
