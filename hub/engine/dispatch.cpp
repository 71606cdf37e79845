#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

#include "hub/base/limits.hpp"

// From a committed turn to the plugin host, and what happens when an outcome stays ambiguous.
namespace rabt::engine {

std::string Worker::idempotency_of(const workflow::CallAction& action) const {
  if (action.role == workflow::kHttpRole) return std::string(HttpCalls::idempotency(action));
  std::string name = action.role + "/" + action.action + ":" + action.version;
  const auto known = idempotency_.find(name);
  if (known != idempotency_.end()) return known->second;
  const auto info = engine_.parts.actions.find(action.role, action.action, action.version);
  // An action that is not there any more was not sent by us either: the host refuses it.
  std::string idempotency = info ? info->idempotency : "none";
  idempotency_.emplace(std::move(name), idempotency);
  return idempotency;
}

plugin::CallRequest Worker::request_of(const Live& live, const OpenCall& call) const {
  plugin::CallRequest request;
  request.tenant = engine_.options.tenant;
  request.instance = live.id;
  request.patient = to_hex(as_bytes(live.patient));
  request.role = call.action.role;
  request.action = call.action.action;
  request.version = call.action.version;
  request.arguments = call.action.arguments;
  // The same over retries and restarts, different between steps and instances; safe in URLs and
  // header fields.
  const crypto::Digest digest = crypto::sha256(call.action.reference);
  request.idempotency_key = live.id + "-" + to_hex(ByteView(digest).first(8));
  request.deadline_unix_ms = 0;  // the action's own time limit
  request.attempt = static_cast<std::uint32_t>(call.sends);
  return request;
}

void Worker::dispatch(Live& live, OpenCall& call) {
  if (idempotency_of(call.action) != "none") {
    send_call(live, call);
    return;
  }
  // Not safe to repeat: note durably that it leaves, so that a start after a crash knows.
  const std::int64_t num = live.num;
  const std::uint64_t id = call.action.id;
  Engine::Impl& engine = engine_;
  ++engine.counters.open_work;
  engine.parts.store.submit(
      store::Store::Need::required,
      [num, id](store::Transaction& transaction) -> Status {
        return store::run(transaction, sql::kInsertDispatched,
                          {num, static_cast<std::int64_t>(id)});
      },
      [&engine, num, id](const Status& status) {
        if (status.ok()) {
          engine.send(num, Noted{num, id});
        } else {
          engine.parts.log.error("action.not_noted",
                                 {{"instance", num}, {"code", status.error().code}});
        }
        --engine.counters.open_work;
      });
}

void Worker::noted(const Noted& message) {
  const auto live = live_.find(message.num);
  if (live == live_.end()) return;
  const auto call = live->second->calls.find(message.call);
  if (call != live->second->calls.end()) send_call(*live->second, call->second);
}

void Worker::send_call(Live& live, OpenCall& call) {
  ++call.sends;
  ++engine_.counters.actions;
  if (call.sends > 1) ++engine_.counters.resends;
  Engine::Impl& engine = engine_;
  const std::int64_t num = live.num;
  const std::uint64_t id = call.action.id;
  ++engine.counters.open_work;
  // The answer may come before invoke returns; it is a message to this worker and waits its turn.
  auto ended = [&engine, num, id](ActionOutcome outcome) {
    engine.send(num, CallEnded{num, id, std::move(outcome)});
    --engine.counters.open_work;
  };
  plugin::CallRequest request = request_of(live, call);
  call.token =
      call.action.role == workflow::kHttpRole
          ? engine_.http->invoke(call.action, std::move(request.idempotency_key), std::move(ended))
          : engine_.parts.actions.invoke(std::move(request), std::move(ended));
}

void Worker::cancel_call(const OpenCall& call) {
  if (call.token == 0) return;
  if (call.action.role == workflow::kHttpRole) {
    engine_.http->cancel(call.token);
  } else {
    engine_.parts.actions.cancel(call.token);
  }
}

void Worker::settle_ambiguous(Live& live, OpenCall& call, ActionOutcome outcome) {
  const std::string idempotency = idempotency_of(call.action);
  engine_.parts.log.warn("action.ambiguous", {{"instance", live.id},
                                              {"role", call.action.role},
                                              {"action", call.action.action},
                                              {"code", outcome.code},
                                              {"sends", static_cast<std::int64_t>(call.sends)}});
  if (idempotency == "none") {
    park(live, call);
    return;
  }
  if (call.sends <= limits::kMaxResends) {
    if (idempotency == "probe") {
      probe(live, call);
    } else {
      const Timestamp due{engine_.parts.clock.now().ms + limits::resend_delay_ms(call.sends)};
      engine_.timers.add({due, live.num, call.action.id, Timers::Kind::resend});
    }
    return;
  }
  if (idempotency == "probe") {
    park(live, call);
    return;
  }
  // Repeating is safe and did not help: the workflow decides; its own retry repeats with the same
  // key.
  Json detail = Json::object({{"action", call.action.action},
                              {"task", call.action.task},
                              {"outcome", workflow::to_string(outcome.kind)},
                              {"sends", call.sends}});
  std::string actor = "role:" + call.action.role;
  std::string code = outcome.code;
  run_turn(live,
           {engine_.parts.clock.now(), workflow::ActionEnded{call.action.id, std::move(outcome)}},
           std::move(actor), "action.ended", std::move(code), std::move(detail));
}

void Worker::probe(Live& live, OpenCall& call) {
  Engine::Impl& engine = engine_;
  const std::int64_t num = live.num;
  const std::uint64_t id = call.action.id;
  ++call.sends;
  ++engine.counters.open_work;
  engine_.parts.actions.probe(request_of(live, call),
                              [&engine, num, id](plugin::ProbeAnswer answer) {
                                engine.send(num, CallProbed{num, id, std::move(answer)});
                                --engine.counters.open_work;
                              });
}

void Worker::probed(const CallProbed& message) {
  const auto at = live_.find(message.num);
  if (at == live_.end()) return;
  Live& live = *at->second;
  const auto found = live.calls.find(message.call);
  if (found == live.calls.end()) return;
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
      send_call(live, call);
      return;
    case plugin::ProbeAnswer::Effect::unknown:
      if (call.sends <= limits::kMaxResends) {
        const Timestamp due{engine_.parts.clock.now().ms + limits::resend_delay_ms(call.sends)};
        engine_.timers.add({due, live.num, call.action.id, Timers::Kind::probe});
      } else {
        park(live, call);
      }
      return;
  }
}

std::string parked_text(const workflow::CallAction& action) {
  return std::to_string(action.id) + " " + action.role + "/" + action.action;
}

// Calls of several branches may be parked; they are decided one after the other, this one when its
// turn comes.
void Worker::park(Live& live, OpenCall& call) {
  call.parked = true;
  const bool shown = live.parked_call == 0;
  if (shown) live.parked_call = call.action.id;
  ++engine_.counters.parked;
  engine_.parts.log.warn(
      "action.parked",
      {{"instance", live.id}, {"role", call.action.role}, {"action", call.action.action}});
  Engine::Impl& engine = engine_;
  const std::int64_t num = live.num;
  const std::string text = shown ? parked_text(call.action) : std::string();
  const auto entry =
      engine.parts.audit.prepare({.tenant = engine.options.tenant,
                                  .actor = "hub",
                                  .act = "action.parked",
                                  .object = "instance:" + live.id,
                                  .result = "ambiguous",
                                  .detail = Json::object({{"role", call.action.role},
                                                          {"action", call.action.action},
                                                          {"task", call.action.task}}),
                                  .patient = to_hex(as_bytes(live.patient))});
  ++engine.counters.open_work;
  engine.parts.store.submit(
      store::Store::Need::required,
      [&engine, num, text, entry](store::Transaction& transaction) -> Status {
        if (!text.empty()) {
          RABT_TRY_STATUS(store::run(transaction, sql::kParkInstance,
                                     {text, engine.parts.clock.now().ms, num}));
        }
        return engine.parts.audit.append(transaction, entry);
      },
      [&engine, num](const Status& status) {
        if (!status.ok()) {
          // Nothing says durably that a person has to decide: memory forgets it as well.
          engine.parts.log.error("action.not_parked",
                                 {{"instance", num}, {"code", status.error().code}});
          engine.send(num, Reload{num, false});
        }
        --engine.counters.open_work;
      });
}

}  // namespace rabt::engine
