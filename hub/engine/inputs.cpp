#include <cstdlib>

#include "hub/base/check.hpp"
#include "hub/engine/answer_fits.hpp"
#include "hub/engine/statements.hpp"
#include "hub/engine/worker.hpp"
#include "hub/workflow/model.hpp"

// From a message to the input of a turn.
namespace rabt::engine {

namespace {

// {"adjudication": "rejected", "errors.code": ["BV-00027"]} as "adjudication=rejected
// errors.code=BV-00027".
std::string codes_text(const Json& codes) {
  std::string out;
  const auto add = [&out](const std::string& name, const Json& code) {
    out.append(out.empty() ? "" : " ").append(name).append("=").append(code.as_string());
  };
  for (const auto& [name, code] : codes.as_object()) {
    if (code.is_string()) {
      add(name, code);
    } else {
      for (const Json& item : code.as_array()) add(name, item);
    }
  }
  return out;
}

// The detail of an audit entry, with the job that the act is a part of.
Json in_job(const Step& step, Json detail) {
  if (step.job.empty()) return detail;
  if (detail.is_null()) detail = Json::object();
  detail.set("repair", step.job);
  return detail;
}

}  // namespace

void Worker::begin(BeginInstance& message) {
  ResidentInstance* instance = nullptr;
  if (message.data_key.empty() || residents_.contains(message.num)) {
    instance = find_or_load(message.num);
  } else {
    const auto definition = parts_.definitions.find(message.definition);
    RABT_CHECK(definition != nullptr);
    auto secrets = parts_.definitions.secrets_of(*definition);
    if (!secrets.ok()) {
      context_.parts.log.error("engine.load_failed",
                               {{"instance", message.id}, {"code", secrets.error().code}});
      return;
    }
    instance = add(std::make_unique<ResidentInstance>(
        ResidentInstance{.num = message.num,
                         .id = message.id,
                         .definition_id = message.definition,
                         .definition = definition,
                         .start_event = message.start_event,
                         .data_key = message.data_key,
                         .execution = workflow::Execution(definition, std::move(*secrets)),
                         .origin = message.origin,
                         .patient = message.patient,
                         .binding = parts_.definitions.binding()}));
  }
  if (instance != nullptr && !instance->begun) begin(*instance, std::move(message.envelope));
}

// envelope is null when the event that started the instance has to be read from the store.
void Worker::begin(ResidentInstance& instance, Json envelope) {
  Cause cause{.act = "instance.started"};
  Json input;
  if (instance.origin != nullptr) {
    const Origin& origin = *instance.origin;
    cause.detail = Json::object();
    if (origin.parent != 0) cause.detail.set("parent", origin.parent_id);
    if (origin.parent == 0 && origin.input.is_null()) cause.actor = "node:clock";
    input = origin.input;
  } else {
    if (envelope.is_null()) {
      auto event = parts_.events.read(instance.start_event);
      if (!event.ok()) {
        context_.parts.log.error("engine.start_event_lost",
                                 {{"instance", instance.id}, {"code", event.error().code}});
        return;
      }
      envelope = std::move(*event);
    }
    input = Json::array({std::move(envelope)});
  }
  instance.begun = true;
  instance.trace = trace_of(instance.id, instance.origin.get(), input);
  ++context_.counters.started;
  take_turn(instance, input_of(workflow::Start{instance.id, std::move(input), workflow::kRules}),
            std::move(cause));
}

void Worker::event_matched(EventMatch& message) {
  ResidentInstance* instance = find_or_load(message.num);
  if (instance == nullptr || !instance->listens.contains(message.listen)) return;
  if (message.envelope.is_null()) {
    auto event = parts_.events.read(message.event);
    if (!event.ok()) return;
    message.envelope = std::move(*event);
  }
  if (!instance->execution.wants(message.listen, message.envelope)) return;
  const bool early = message.event < instance->start_event;
  if (early) {
    // It came before what started the instance: a cancellation that overtook its booking.
    const auto overtook =
        parts_.events.overtook(message.num, instance->start_event, message.event, message.envelope);
    if (!overtook.ok() || !*overtook) return;
    context_.parts.log.info("event.overtook", {{"instance", instance->id}});
  }
  Json detail = Json::object();
  const std::string type = message.envelope.string_or("type", "");
  if (instance->definition->names_event(type)) detail.set("type", type);
  if (early) detail.set("early", true);
  FirstInCommit heard;
  // A later version of the workflow may start on it.
  if (instance->definition->model().business_key) {
    heard = [tenant = context_.options.tenant, num = instance->num,
             event = message.event](store::Transaction& transaction) {
      return store::run(transaction, sql::kHeardStart, {tenant, num, event});
    };
  }
  take_turn(*instance,
            input_of(workflow::EventArrived{message.listen, std::move(message.envelope)}),
            {.act = "event.consumed", .detail = std::move(detail)}, nullptr, std::move(heard));
}

void Worker::timer_fired(const Timers::Entry& entry) {
  const bool woken = entry.kind == Timers::Kind::woken;
  if (woken && !context_.waiters.rang(entry)) return;
  ResidentInstance* instance = find_or_load(entry.instance);
  if (instance == nullptr) return;
  if (entry.kind != Timers::Kind::task && !woken) {
    const auto call = instance->calls.find(entry.id);
    if (call == instance->calls.end() || call->second.parked) return;
    if (entry.kind == Timers::Kind::held) {
      go_on(*instance, call->second);
    } else if (entry.kind == Timers::Kind::resend && call->second.let_go) {
      settle_let_go(*instance, call->second, {});
    } else if (entry.kind == Timers::Kind::resend) {
      if (!hold_paused(*instance, call->second, PausedCall::Next::send))
        send_call(*instance, call->second);
    } else {
      probe(*instance, call->second);
    }
    return;
  }
  if (!instance->timers.contains(entry.id)) return;
  take_turn(*instance, input_of(workflow::TimerFired{entry.id}), {.act = "timer.fired"});
}

void Worker::call_ended(CallEnded& message) {
  const auto at = residents_.find(message.num);
  if (at == residents_.end() || !at->second->calls.contains(message.call) ||
      at->second->calls.at(message.call).parked) {
    ++context_.counters.late;
    return;
  }
  ResidentInstance& instance = *at->second;
  OpenCall& call = instance.calls.at(message.call);
  call.token = 0;
  call.in_flight = false;
  if (hold(instance, call, message.outcome)) return;
  const workflow::OutcomeKind kind = message.outcome.kind;
  // The hub stops and did not send the call: no failure of the workflow's. It is sent again, by the
  // next start at the latest.
  const bool unsent = kind == workflow::OutcomeKind::transient &&
                      message.outcome.code == "plugin.shutdown" &&
                      call.idempotency != Idempotency::none && !call.let_go;
  // A repeat that did nothing says nothing of the call before it, which may have been done. A call
  // that a rewound instance makes again had failed, and is believed.
  const bool unknown =
      call.let_go && call.doubtful && !call.unsure && kind == workflow::OutcomeKind::transient;
  if (kind == workflow::OutcomeKind::ambiguous || unsent || unknown) {
    if (kind == workflow::OutcomeKind::ambiguous) {
      call.doubtful = true;
      call.unsure = false;
    }
    settle_ambiguous(instance, call, std::move(message.outcome));
    return;
  }
  if (kind != workflow::OutcomeKind::done) {
    // message is for operators and holds no patient data (rabt/abi.h); detail may and stays sealed.
    context_.parts.log.warn("action.failed", {{"instance", instance.id},
                                              {"role", call.action.role},
                                              {"action", call.action.action},
                                              {"outcome", workflow::to_string(kind)},
                                              {"code", message.outcome.code},
                                              {"message", message.outcome.message}});
  }
  Cause cause{.act = "action.ended",
              .result = kind == workflow::OutcomeKind::done ? "ok" : message.outcome.code,
              .detail = Json::object({{"role", call.action.role},
                                      {"action", call.action.action},
                                      {"task", call.action.task},
                                      {"outcome", workflow::to_string(kind)},
                                      {"sends", call.sends}})};
  if (const Json& codes = message.outcome.codes; !codes.is_null()) {
    context_.parts.log.info("action.answered", {{"instance", instance.id},
                                                {"role", call.action.role},
                                                {"action", call.action.action},
                                                {"codes", codes_text(codes)}});
    cause.detail.set("codes", codes);
  }
  look_at_side(instance, call, message.outcome, cause);
  take_turn(
      instance,
      input_of(workflow::ActionEnded{message.call, std::move(message.outcome), call.paused_ms}),
      std::move(cause));
}

void Worker::child_ended(ChildEnded& message) {
  ResidentInstance* instance = find_or_load(message.num);
  if (instance == nullptr) return;
  const auto child = instance->children.find(message.call);
  if (child == instance->children.end()) return;  // answered before, or nobody waits any more
  const workflow::OutcomeKind kind = message.outcome.kind;
  if (kind != workflow::OutcomeKind::done) {
    context_.parts.log.warn("child.failed", {{"instance", instance->id},
                                             {"workflow", child->second.name},
                                             {"child", message.child},
                                             {"code", message.outcome.code}});
  }
  Cause cause{.act = "child.ended",
              .result = kind == workflow::OutcomeKind::done ? "ok" : message.outcome.code,
              .detail = Json::object({{"workflow", child->second.name},
                                      {"task", child->second.task},
                                      {"outcome", workflow::to_string(kind)}})};
  if (!message.child.empty()) cause.detail.set("child", message.child);
  take_turn(*instance, input_of(workflow::ActionEnded{message.call, std::move(message.outcome)}),
            std::move(cause));
}

void Worker::cancel_child(const CancelChild& message) {
  ResidentInstance* instance = find_or_load(message.num);
  if (instance != nullptr && !instance->begun) {
    begin(*instance, Json());
    instance = find_or_load(message.num);
  }
  if (instance == nullptr || instance->finished || !instance->begun) return;
  const std::string parent = instance->origin == nullptr ? "" : instance->origin->parent_id;
  take_turn(*instance, input_of(workflow::Cancel{"the instance that started it has ended"}),
            {.act = "instance.cancel", .detail = Json::object({{"parent", parent}})});
}

// ---- what people ask for

Result<std::optional<access::PatientDetail::Sealed>> Worker::seal_reason(
    const ResidentInstance& instance, const std::string& reason) const {
  std::optional<access::PatientDetail::Sealed> none;
  if (reason.empty()) return none;
  RABT_TRY(sealed, parts_.details.seal(context_.options.tenant, instance.patient,
                                       Json::object({{"reason", reason}})));
  return std::optional(std::move(sealed));
}

void Worker::cancel(CancelRequest& message) {
  if (message.answer == nullptr) return;  // answered while the keys were waited for
  const Error ended = conflict("engine.ended", "the instance has ended already");
  ResidentInstance* instance = find_or_load(message.num);
  if (instance == nullptr || instance->finished) {
    // Its end may not be in the store yet.
    message.answer->set_value(instance == nullptr ? why_not_resident(message.num, ended) : ended);
    return;
  }
  auto reason = seal_reason(*instance, message.reason);
  if (!reason.ok()) {
    message.answer->set_value(reason.error());
    return;
  }
  take_turn(*instance, input_of(workflow::Cancel{message.reason}),
            {.actor = message.actor,
             .act = "instance.cancel",
             .detail = in_job(message.step, Json()),
             .reason = std::move(*reason)},
            message.answer, std::move(message.step.first));
}

void Worker::retry(RetryRequest& message) {
  if (message.answer == nullptr) return;  // answered while the keys were waited for
  if (const auto at = residents_.find(message.num); at != residents_.end()) {
    if (at->second->finished) {
      // Its end is on the way to this worker.
      parts_.router.send(std::move(message));
    } else {
      message.answer->set_value(conflict("engine.not_faulted",
                                         "the instance runs; only one that is faulted can be run "
                                         "again"));
    }
    return;
  }
  const auto row = parts_.reader.row(message.num);
  auto rewinding = row.ok() ? parts_.reader.rewind(*row, lease_->keys, message.version)
                            : Result<InstanceReader::Rewinding>(row.error());
  if (!rewinding.ok()) {
    message.answer->set_value(rewinding.error());
    return;
  }
  auto reason = seal_reason(*rewinding->instance, message.reason);
  if (!reason.ok()) {
    message.answer->set_value(reason.error());
    return;
  }
  rewinding->input.reason = message.reason;
  rewinding->input.by = message.actor;
  Json detail =
      in_job(message.step, Json::object({{"to", static_cast<std::int64_t>(rewinding->input.to)}}));
  if (!rewinding->input.version.empty()) {
    detail.set("version", rewinding->input.version);
    detail.set("was", rewinding->input.was);
  }
  ++context_.counters.retried;
  take_turn(*add(std::move(rewinding->instance)), input_of(std::move(rewinding->input)),
            {.actor = message.actor,
             .act = "instance.retry",
             .detail = std::move(detail),
             .reason = std::move(*reason)},
            message.answer, std::move(message.step.first));
}

void Worker::resolve(ResolveRequest& message) {
  if (message.answer == nullptr) return;  // answered while the keys were waited for
  const Error not_parked =
      conflict("engine.not_parked", "no action of this instance waits for a decision");
  ResidentInstance* instance = find_or_load(message.num);
  if (instance == nullptr) {
    message.answer->set_value(why_not_resident(message.num, not_parked));
    return;
  }
  const auto call = instance->calls.find(instance->parked_call);
  if (instance->parked_call == 0 || call == instance->calls.end() ||
      (message.call != 0 && message.call != call->first)) {
    message.answer->set_value(not_parked);
    return;
  }
  if (message.again && call->second.let_go) {
    message.answer->set_value(conflict(
        "engine.let_go",
        "no task waits for this action any more, so it is not made again; say what became of it: "
        "done, or permanent when nothing was done"));
    return;
  }
  const Status fits =
      message.again ? ok_status()
                    : answer_fits(context_.parts.actions, call->second.target, call->second.action,
                                  {call->second.asked, call->second.maybe_done}, message.outcome);
  if (!fits.ok()) {
    message.answer->set_value(fits.error());
    return;
  }
  auto reason = seal_reason(*instance, message.reason);
  if (!reason.ok()) {
    message.answer->set_value(reason.error());
    return;
  }
  Cause cause{.actor = message.actor,
              .act = "action.resolved",
              .detail = Json::object(
                  {{"role", call->second.action.role},
                   {"action", call->second.action.action},
                   {"task", call->second.action.task},
                   {"call", static_cast<std::int64_t>(call->first)},
                   {"outcome", message.again ? std::string_view("again")
                                             : workflow::to_string(message.outcome.kind)}}),
              .reason = std::move(*reason)};
  cause.detail = in_job(message.step, std::move(cause.detail));
  const std::uint64_t id = call->first;
  take_turn(*instance,
            message.again
                ? input_of(workflow::Again{id})
                : input_of(workflow::ActionEnded{
                      .call = id, .outcome = std::move(message.outcome), .by = message.actor}),
            std::move(cause), message.answer, std::move(message.step.first));
}

}  // namespace rabt::engine
