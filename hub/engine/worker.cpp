#include <algorithm>

#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

#include "hub/base/limits.hpp"
#include "hub/base/overloaded.hpp"

namespace rabt::engine {

namespace {

constexpr int as_int(workflow::InstanceStatus status) {
  return static_cast<int>(status);
}
constexpr workflow::InstanceStatus kFirstEnded = workflow::InstanceStatus::completed;

// What the end of a child answers to its parent.
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

}  // namespace

void Engine::Impl::send(std::int64_t num, Message message) {
  worker(num).push(std::move(message));
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Worker::push(Message message) {
  ++engine_.counters.open_work;
  bool was_empty = false;
  {
    const std::scoped_lock lock(mutex_);
    was_empty = queue_.empty();
    queue_.push_back(std::move(message));
  }
  if (was_empty) wake_.notify_one();
}

void Worker::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      batch_.swap(queue_);
    }
    for (Message& message : batch_) {
      handle(message);
      --engine_.counters.open_work;
    }
    batch_.clear();
    if (live_.size() > engine_.options.max_live_per_worker) evict();
  }
}

void Worker::answer_requests(const Error& error) {
  const auto answer = [&](std::shared_ptr<std::promise<Status>>& waiting) {
    if (waiting != nullptr) waiting->set_value(error);
    waiting.reset();
  };
  const auto look = [&](std::deque<Message>& messages) {
    for (Message& message : messages) {
      if (auto* cancelled = std::get_if<CancelRequest>(&message)) answer(cancelled->answer);
      if (auto* resolved = std::get_if<ResolveRequest>(&message)) answer(resolved->answer);
    }
  };
  look(batch_);
  const std::scoped_lock lock(mutex_);
  look(queue_);
}

bool Worker::wait_for_keys() {
  for (bool first = true;; first = false) {
    auto act = engine_.take_act();
    if (act.ok()) {
      act_ = std::move(*act);
      return true;
    }
    if (first) engine_.parts.log.warn("engine.waits_for_keys", {{"code", act.error().code}});
    answer_requests(act.error());
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, std::chrono::milliseconds(kKeyRetryMs),
                       [this] { return stopping_; })) {
      return false;
    }
  }
}

void Worker::handle(Message& message) {
  const bool needs_keys =
      !std::holds_alternative<Committed>(message) && !std::holds_alternative<Noted>(message);
  if (needs_keys && !wait_for_keys()) return;
  std::visit(Overloaded{
                 [this](Begin& m) { begin(m); },
                 [this](Offer& m) { offer(m); },
                 [this](CallEnded& m) { call_ended(m); },
                 [this](CallProbed& m) { probed(m); },
                 [this](ChildEnded& m) { child_ended(m); },
                 [this](Rang& m) { rang(m.entry); },
                 [this](Committed& m) { committed(m); },
                 [this](Reload& m) {
                   forget(m.num);
                   if (m.at_once) recover(m.num);
                 },
                 [this](Noted& m) { noted(m); },
                 [this](Recover& m) { recover(m.num); },
                 [this](SettleChildren& m) { settle_children(m.num); },
                 [this](CancelChild& m) { cancel_child(m); },
                 [this](CancelRequest& m) { cancel(m); },
                 [this](ResolveRequest& m) { resolve(m); },
             },
             message);
  act_.reset();
}

void Worker::forget(std::int64_t num) {
  if (live_.erase(num) != 0) --engine_.counters.live;
}

void Worker::evict() {
  const std::size_t wanted = engine_.options.max_live_per_worker / 4 * 3;
  for (auto at = live_.begin(); at != live_.end() && live_.size() > wanted;) {
    const Live& live = *at->second;
    const bool idle = live.begun && live.calls.empty() && live.commits_in_flight == 0;
    at = idle ? live_.erase(at) : std::next(at);
    if (idle) --engine_.counters.live;
  }
}

Live* Worker::find_or_load(std::int64_t num) {
  const auto at = live_.find(num);
  return at != live_.end() ? at->second.get() : load(num);
}

// Reads the instance and replays its journal. Null when it has ended, or cannot be read (logged;
// the next start tries again).
Live* Worker::load(std::int64_t num) {
  auto row = engine_.load_row(num);
  if (!row.ok()) {
    engine_.parts.log.error("engine.load_failed", {{"instance", num}, {"code", row.error().code}});
    return nullptr;
  }
  if (row->status >= as_int(workflow::InstanceStatus::completed)) return nullptr;
  const auto definition = engine_.definition(row->definition);
  auto key = act_->lease.open(row->data_key);
  if (definition == nullptr || !key.ok()) {
    const std::string code = definition == nullptr ? "engine.definition" : key.error().code;
    engine_.parts.log.error("engine.load_failed", {{"instance", row->id}, {"code", code}});
    return nullptr;
  }
  auto secrets = engine_.secrets_of(*definition);
  auto origin = engine_.load_origin(*row, **key);
  auto inputs = engine_.read_journal(*row, **key);
  Result<std::string> patient = std::string();
  const Status asked = engine_.parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, Engine::Impl::patient_of(connection, num));
    patient = std::move(found);
    return ok_status();
  });
  if (!asked.ok()) patient = asked.error();
  if (!inputs.ok() || !secrets.ok() || !origin.ok() || !patient.ok()) {
    const Error& error = !inputs.ok()    ? inputs.error()
                         : !secrets.ok() ? secrets.error()
                         : !origin.ok()  ? origin.error()
                                         : patient.error();
    engine_.parts.log.error("engine.load_failed", {{"instance", row->id}, {"code", error.code}});
    return nullptr;
  }
  auto live = std::make_unique<Live>(Live{.num = num,
                                          .id = row->id,
                                          .definition = row->definition,
                                          .start_event = row->start_event,
                                          .data_key = row->data_key,
                                          .execution = workflow::Execution(definition, *secrets),
                                          .origin = *origin,
                                          .patient = std::move(*patient),
                                          .binding = row->binding});
  for (const workflow::Input& input : *inputs) (void)live->execution.apply(input);
  live->turns = inputs->size();
  live->begun = !inputs->empty();
  live->stored_status = row->status;
  live->stored_busy = row->busy;
  for (const Effect& effect : live->execution.open()) {
    if (const auto* call = std::get_if<workflow::CallAction>(&effect)) {
      live->calls.emplace(call->id, OpenCall{.action = *call});
    } else if (const auto* child = std::get_if<workflow::StartWorkflow>(&effect)) {
      live->children.emplace(child->id, *child);
    } else if (const auto* timer = std::get_if<workflow::StartTimer>(&effect)) {
      live->timers.insert(timer->id);
    } else if (const auto* listen = std::get_if<workflow::Subscribe>(&effect)) {
      live->listens.insert(listen->id);
    }
  }
  if (!row->parked.empty()) {
    live->parked_call = std::strtoull(row->parked.c_str(), nullptr, 10);
    if (const auto call = live->calls.find(live->parked_call); call != live->calls.end())
      call->second.parked = true;
  }
  ++engine_.counters.live;
  return live_.emplace(num, std::move(live)).first->second.get();
}

// Of an instance that is not in memory: it cannot be read, it lacks a secret, or it has ended.
Error Worker::why_not_live(std::int64_t num, const Error& ended) const {
  const auto row = engine_.load_row(num);
  if (!row.ok()) return row.error();
  if (row->status >= as_int(kFirstEnded)) return ended;
  const auto definition = engine_.definition(row->definition);
  if (definition == nullptr)
    return corrupt("engine.definition", "the instance's definition is not loaded");
  if (const auto secrets = engine_.secrets_of(*definition); !secrets.ok()) return secrets.error();
  return corrupt("engine.load_failed", "the instance cannot be read; the log says why");
}

void Worker::begin(Begin& message) {
  Live* live = nullptr;
  if (!message.data_key.empty()) {
    const auto definition = engine_.definition(message.definition);
    RABT_CHECK(definition != nullptr);
    auto secrets = engine_.secrets_of(*definition);
    if (!secrets.ok()) {
      engine_.parts.log.error("engine.load_failed",
                              {{"instance", message.id}, {"code", secrets.error().code}});
      return;
    }
    auto made = std::make_unique<Live>(Live{.num = message.num,
                                            .id = message.id,
                                            .definition = message.definition,
                                            .start_event = message.start_event,
                                            .data_key = message.data_key,
                                            .execution = workflow::Execution(definition, *secrets),
                                            .origin = message.origin,
                                            .patient = message.patient,
                                            .binding = engine_.binding});
    ++engine_.counters.live;
    live = live_.emplace(message.num, std::move(made)).first->second.get();
  } else {
    live = find_or_load(message.num);
  }
  if (live == nullptr || live->begun) return;
  if (live->origin != nullptr) {
    const Origin& origin = *live->origin;
    Json detail = Json::object();
    if (origin.parent != 0) detail.set("parent", origin.parent_id);
    live->begun = true;
    ++engine_.counters.started;
    run_turn(*live, {engine_.parts.clock.now(), workflow::Start{live->id, origin.input}},
             origin.parent == 0 && origin.input.is_null() ? "clock" : "hub", "instance.started",
             "ok", std::move(detail));
    return;
  }
  Json envelope = std::move(message.envelope);
  if (envelope.is_null()) {
    auto event = engine_.read_event(live->start_event);
    if (!event.ok()) {
      engine_.parts.log.error("engine.start_event_lost",
                              {{"instance", live->id}, {"code", event.error().code}});
      return;
    }
    envelope = std::move(*event);
  }
  live->begun = true;
  ++engine_.counters.started;
  run_turn(*live, {engine_.parts.clock.now(), workflow::Start{live->id, Json::array({envelope})}},
           "hub", "instance.started", "ok", Json());
}

void Worker::offer(Offer& message) {
  Live* live = find_or_load(message.num);
  if (live == nullptr || !live->listens.contains(message.listen)) return;
  if (message.envelope.is_null()) {
    auto event = engine_.read_event(message.event);
    if (!event.ok()) return;
    message.envelope = std::move(*event);
  }
  if (!live->execution.wants(message.listen, message.envelope)) return;
  Json detail = Json::object();
  const std::string type = message.envelope.string_or("type", "");
  const auto definition = engine_.definition(live->definition);
  if (definition != nullptr && definition->names_event(type)) detail.set("type", type);
  run_turn(*live,
           {engine_.parts.clock.now(),
            workflow::EventArrived{message.listen, std::move(message.envelope)}},
           "hub", "event.consumed", "ok", std::move(detail));
}

void Worker::rang(const Timers::Entry& entry) {
  Live* live = find_or_load(entry.instance);
  if (live == nullptr) return;
  if (entry.kind != Timers::Kind::task) {
    const auto call = live->calls.find(entry.id);
    if (call == live->calls.end() || call->second.parked) return;
    if (entry.kind == Timers::Kind::resend) {
      send_call(*live, call->second);
    } else {
      probe(*live, call->second);
    }
    return;
  }
  if (!live->timers.contains(entry.id)) return;
  run_turn(*live, {engine_.parts.clock.now(), workflow::TimerFired{entry.id}}, "hub", "timer.fired",
           "ok", Json());
}

Result<std::optional<access::PatientDetail::Sealed>> Worker::seal_reason(
    const Live& live, const std::string& reason) const {
  std::optional<access::PatientDetail::Sealed> none;
  if (reason.empty()) return none;
  RABT_TRY(sealed, engine_.details.seal(engine_.options.tenant, live.patient,
                                        Json::object({{"reason", reason}})));
  return std::optional(std::move(sealed));
}

void Worker::cancel(CancelRequest& message) {
  if (message.answer == nullptr) return;  // answered while the keys were waited for
  Live* live = find_or_load(message.num);
  if (live == nullptr || live->finished) {
    message.answer->set_value(
        why_not_live(message.num, conflict("engine.ended", "the instance has ended already")));
    return;
  }
  auto reason = seal_reason(*live, message.reason);
  if (!reason.ok()) {
    message.answer->set_value(reason.error());
    return;
  }
  run_turn(*live, {engine_.parts.clock.now(), workflow::Cancel{message.reason}}, message.actor,
           "instance.cancel", "ok", Json(), message.answer, std::move(*reason));
}

void Worker::resolve(ResolveRequest& message) {
  if (message.answer == nullptr) return;  // answered while the keys were waited for
  Live* live = find_or_load(message.num);
  const auto call = live == nullptr ? std::map<std::uint64_t, OpenCall>::iterator{}
                                    : live->calls.find(live->parked_call);
  if (live == nullptr || live->parked_call == 0 || call == live->calls.end()) {
    const Error not_parked =
        conflict("engine.not_parked", "no action of this instance waits for a decision");
    message.answer->set_value(live == nullptr ? why_not_live(message.num, not_parked) : not_parked);
    return;
  }
  const std::uint64_t id = live->parked_call;
  Json detail = Json::object({{"role", call->second.action.role},
                              {"action", call->second.action.action},
                              {"task", call->second.action.task},
                              {"outcome", workflow::to_string(message.outcome.kind)}});
  auto reason = seal_reason(*live, message.reason);
  if (!reason.ok()) {
    message.answer->set_value(reason.error());
    return;
  }
  run_turn(*live,
           {engine_.parts.clock.now(), workflow::ActionEnded{id, std::move(message.outcome)}},
           message.actor, "action.resolved", "ok", std::move(detail), message.answer,
           std::move(*reason));
}

void Worker::call_ended(CallEnded& message) {
  const auto at = live_.find(message.num);
  if (at == live_.end() || !at->second->calls.contains(message.call) ||
      at->second->calls.at(message.call).parked) {
    ++engine_.counters.late;
    return;
  }
  Live& live = *at->second;
  OpenCall& call = live.calls.at(message.call);
  call.token = 0;
  if (message.outcome.kind == workflow::OutcomeKind::ambiguous) {
    settle_ambiguous(live, call, std::move(message.outcome));
    return;
  }
  if (message.outcome.kind != workflow::OutcomeKind::done) {
    // message is for operators and holds no patient data (rabt/abi.h); detail may and stays sealed.
    engine_.parts.log.warn("action.failed", {{"instance", live.id},
                                             {"role", call.action.role},
                                             {"action", call.action.action},
                                             {"outcome", workflow::to_string(message.outcome.kind)},
                                             {"code", message.outcome.code},
                                             {"message", message.outcome.message}});
  }
  std::string actor = "role:" + call.action.role;
  std::string result =
      message.outcome.kind == workflow::OutcomeKind::done ? "ok" : message.outcome.code;
  Json detail = Json::object({{"action", call.action.action},
                              {"task", call.action.task},
                              {"outcome", workflow::to_string(message.outcome.kind)},
                              {"sends", call.sends}});
  run_turn(
      live,
      {engine_.parts.clock.now(), workflow::ActionEnded{message.call, std::move(message.outcome)}},
      std::move(actor), "action.ended", std::move(result), std::move(detail));
}

void Worker::run_turn(Live& live, workflow::Input input, std::string actor, std::string act,
                      std::string result, Json detail,
                      const std::shared_ptr<std::promise<Status>>& answer,
                      std::optional<access::PatientDetail::Sealed> reason) {
  const std::string& tenant = engine_.options.tenant;
  // Everything that can fail for want of a key comes before the instance moves.
  const auto key = act_->lease.open(live.data_key);
  if (!key.ok()) {
    engine_.parts.log.error("engine.turn_failed",
                            {{"instance", live.id}, {"code", key.error().code}});
    if (answer) answer->set_value(key.error());
    return;
  }
  std::optional<Error> failed;
  auto turn = std::make_shared<Turn>();
  turn->num = live.num;
  turn->patient = live.patient;
  turn->reason = std::move(reason);
  turn->at = input.at;
  turn->start_event = live.start_event;
  turn->origin = live.origin;

  const std::string row = live.id + "/" + std::to_string(live.turns++);
  turn->journal = (*key)->seal(Engine::Impl::journal_context(tenant, row),
                               workflow::to_json(input).dump(), engine_.parts.random);

  std::vector<Effect> effects = live.execution.apply(input);
  if (const auto* ended = std::get_if<workflow::ActionEnded>(&input.what)) {
    const auto call = live.calls.find(ended->call);
    if (call != live.calls.end()) {
      if (idempotency_of(live, call->second.action) == "none") turn->answered_call = ended->call;
      live.calls.erase(call);
    } else if (live.children.erase(ended->call) != 0) {
      turn->answered_child = ended->call;
    }
    if (live.parked_call == ended->call) {
      live.parked_call = 0;
      turn->unpark = true;
    }
  } else if (const auto* fired = std::get_if<workflow::TimerFired>(&input.what)) {
    live.timers.erase(fired->timer);
    turn->timers_done.push_back(fired->timer);
  }

  std::string requested;
  for (Effect& effect : effects) {
    std::visit(
        Overloaded{
            [&](workflow::CallAction& call) {
              if (!requested.empty()) requested.push_back(' ');
              requested.append(call.role).append("/").append(call.action);
              live.calls.emplace(call.id, OpenCall{.action = call});
              turn->calls.push_back(std::move(call));
            },
            [&](workflow::StartWorkflow& start) {
              if (!requested.empty()) requested.push_back(' ');
              requested.append("workflow/").append(start.name);
              auto prepared = engine_.prepare_start(
                  engine_.child_definition(live.definition, start.name_space, start.name,
                                           start.version),
                  {.parent = live.num,
                   .parent_id = live.id,
                   .call = start.id,
                   .awaited = start.await,
                   .depth = live.origin == nullptr ? 1 : live.origin->depth + 1,
                   .input = std::move(start.input)},
                  *act_);
              if (!prepared.ok()) {
                failed = prepared.error();
                return;
              }
              turn->starts.push_back(std::move(*prepared));
              if (start.await) live.children.emplace(start.id, std::move(start));
            },
            [&](workflow::CancelCall& cancelled) {
              if (live.children.erase(cancelled.id) != 0) {
                if (std::erase_if(turn->starts, [&](const auto& start) {
                      return start.origin->call == cancelled.id;
                    }) == 0)
                  turn->children_cancelled.push_back(cancelled.id);
                return;
              }
              const auto call = live.calls.find(cancelled.id);
              if (call == live.calls.end()) return;
              cancel_call(call->second);
              if (live.parked_call == cancelled.id) {  // nobody has to decide it any more
                live.parked_call = 0;
                turn->unpark = true;
              }
              live.calls.erase(call);
              std::erase_if(turn->calls, [&](const auto& c) { return c.id == cancelled.id; });
            },
            [&](workflow::StartTimer& timer) {
              live.timers.insert(timer.id);
              turn->timers.push_back(std::move(timer));
            },
            [&](workflow::CancelTimer& timer) {
              live.timers.erase(timer.id);
              if (std::erase_if(turn->timers, [&](const auto& t) { return t.id == timer.id; }) ==
                  0) {
                turn->timers_done.push_back(timer.id);
              }
            },
            [&](workflow::Subscribe& listen) {
              live.listens.insert(listen.id);
              std::vector<std::string> keys;
              for (const std::string& correlation : listen.keys) {
                keys.push_back(act_->lease.blind_index("event.correlation", correlation));
              }
              turn->listens.emplace_back(listen.id, std::move(keys));
            },
            [&](workflow::Unsubscribe& listen) {
              live.listens.erase(listen.id);
              if (std::erase_if(turn->listens,
                                [&](const auto& l) { return l.first == listen.id; }) == 0) {
                turn->listens_done.push_back(listen.id);
              }
            },
            [&](workflow::Emit& emitted) {
              auto prepared = engine_.prepare_event(std::move(emitted.event), act_);
              if (!prepared.ok()) {
                failed = prepared.error();
                return;
              }
              turn->events.push_back(std::move(*prepared));
            },
            [](workflow::TaskTrace&) {},
            [&](workflow::Finished& finished) {
              turn->finished = true;
              turn->status = as_int(finished.status);
              live.finished = true;
              if (live.origin != nullptr && live.origin->awaited)
                turn->outcome = child_outcome(finished);
              detail.set("ended", workflow::to_string(finished.status));
              if (finished.status == workflow::InstanceStatus::faulted) {
                detail.set("error", finished.shown.string_or("type", ""));
              }
            },
        },
        effect);
  }
  if (failed) {
    // A key is damaged. Memory is ahead of the journal: the instance is read again when something
    // comes for it.
    engine_.parts.log.error("engine.turn_failed", {{"instance", live.id}, {"code", failed->code}});
    if (answer) answer->set_value(*failed);
    forget(live.num);
    return;
  }
  if (!requested.empty()) detail.set("requested", std::move(requested));
  if (turn->finished) {
    for (const auto& [id, call] : live.calls) cancel_call(call);
    std::erase_if(turn->starts, [](const auto& start) { return start.origin->awaited; });
    for (const auto& [id, child] : live.children) turn->children_cancelled.push_back(id);
    turn->unpark = turn->unpark || live.parked_call != 0;
    live.parked_call = 0;
    live.calls.clear();
    live.children.clear();
    live.timers.clear();
    live.listens.clear();
    turn->calls.clear();
    turn->timers.clear();
    turn->listens.clear();
  } else {
    turn->status =
        as_int(live.calls.empty() && live.children.empty() ? workflow::InstanceStatus::waiting
                                                           : workflow::InstanceStatus::running);
  }
  if (turn->unpark) {
    const auto next = std::find_if(live.calls.begin(), live.calls.end(),
                                   [](const auto& entry) { return entry.second.parked; });
    if (next != live.calls.end()) {
      live.parked_call = next->first;
      turn->parked_next = parked_text(next->second.action);
    }
  }
  turn->busy = !turn->finished && !live.calls.empty();
  turn->update_instance =
      turn->finished || turn->busy != live.stored_busy || turn->status != live.stored_status;
  live.stored_busy = turn->busy;
  live.stored_status = turn->status;
  turn->audit_entry =
      engine_.parts.audit.prepare({.tenant = tenant,
                                   .actor = std::move(actor),
                                   .act = std::move(act),
                                   .object = "instance:" + live.id,
                                   .result = std::move(result),
                                   .detail = std::move(detail),
                                   .patient = to_hex(as_bytes(live.patient)),
                                   .sealed = turn->reason ? turn->reason->text : std::string()});
  for (const workflow::CallAction& call : turn->calls) {
    if (const auto entry = disclosure_of(live, call))
      turn->disclosures.push_back(engine_.parts.audit.prepare(*entry));
  }
  ++engine_.counters.turns;
  ++live.commits_in_flight;
  ++engine_.counters.open_work;

  Engine::Impl& engine = engine_;
  engine_.parts.store.submit(
      store::Store::Need::required,
      [&engine, turn](store::Transaction& tx) -> Status {
        const std::string& owner = engine.options.tenant;
        turn->routing = {};
        const auto run = [&](const store::Statement& statement,
                             std::initializer_list<store::Value> values) -> Status {
          return store::run(tx, statement, values);
        };
        RABT_TRY_STATUS(run(sql::kInsertJournal, {turn->num, store::Blob{turn->journal}}));
        for (const std::uint64_t timer : turn->timers_done) {
          RABT_TRY_STATUS(run(sql::kDeleteTimer, {turn->num, static_cast<std::int64_t>(timer)}));
        }
        for (const std::uint64_t listen : turn->listens_done) {
          RABT_TRY_STATUS(
              run(sql::kDeleteSubscription, {turn->num, static_cast<std::int64_t>(listen)}));
        }
        for (const auto& timer : turn->timers) {
          RABT_TRY_STATUS(run(sql::kInsertTimer,
                              {turn->num, static_cast<std::int64_t>(timer.id), timer.due.ms}));
        }
        for (const auto& [listen, indexes] : turn->listens) {
          std::set<std::int64_t> early;
          for (const std::string& index : indexes) {
            RABT_TRY_STATUS(run(sql::kInsertSubscription, {owner, store::Blob{index}, turn->num,
                                                           static_cast<std::int64_t>(listen)}));
            // Events that came before their listen was reached.
            RABT_TRY_STATUS(tx.query(sql::kEventsOfKeySince,
                                     {owner, store::Blob{index}, turn->start_event},
                                     [&](const store::Row& found) {
                                       early.insert(found.integer(0));
                                       return true;
                                     }));
          }
          for (const std::int64_t event : early)
            turn->routing.offers.push_back({turn->num, listen, event, Json()});
        }
        for (const PreparedEvent& event : turn->events) {
          std::vector<std::string> instances;
          RABT_TRY_STATUS(engine.store_event(tx, event, turn->routing, instances));
        }
        if (turn->answered_call != 0) {
          RABT_TRY_STATUS(run(sql::kDeleteDispatched,
                              {turn->num, static_cast<std::int64_t>(turn->answered_call)}));
        }
        if (turn->unpark) {
          const store::Value next = turn->parked_next.empty() ? store::Value(store::Null{})
                                                              : store::Value(turn->parked_next);
          RABT_TRY_STATUS(run(sql::kParkInstance, {next, turn->at.ms, turn->num}));
        }
        if (turn->update_instance) {
          RABT_TRY_STATUS(run(sql::kUpdateInstance,
                              {turn->status, turn->busy ? 1 : 0, turn->at.ms, turn->num}));
        }
        RABT_TRY_STATUS(engine.store_children(tx, *turn));
        if (turn->finished) {
          RABT_TRY_STATUS(run(sql::kDeleteTimers, {turn->num}));
          RABT_TRY_STATUS(run(sql::kDeleteSubscriptions, {turn->num}));
        }
        if (turn->reason) RABT_TRY_STATUS(access::PatientDetail::store(tx, *turn->reason));
        RABT_TRY_STATUS(engine.parts.audit.append(tx, turn->audit_entry));
        for (const audit::Prepared& disclosure : turn->disclosures)
          RABT_TRY_STATUS(engine.parts.audit.append(tx, disclosure));
        return ok_status();
      },
      [&engine, turn, answer](const Status& status) {
        if (status.ok()) {
          engine.send(turn->num, Committed{turn});
        } else {
          engine.parts.log.error("engine.turn_refused",
                                 {{"instance", turn->num}, {"code", status.error().code}});
          // Without its audit entry a turn does not happen; the journal still has all before it.
          const bool unaudited = status.error().code == "audit.unavailable";
          const bool rotated = status.error().code == "keys.changed";
          if (!unaudited && !rotated) RABT_BUG("a turn was refused by the store");
          engine.send(turn->num, Reload{turn->num, !unaudited});
        }
        if (answer) answer->set_value(status);
        --engine.counters.open_work;
      });
}

void Worker::committed(const Committed& message) {
  Turn& turn = *message.turn;
  engine_.route(std::move(turn.routing));
  const auto at = live_.find(turn.num);
  if (turn.finished && turn.origin != nullptr && turn.origin->awaited) {
    engine_.send(turn.origin->parent,
                 ChildEnded{turn.origin->parent, turn.origin->call, std::move(turn.outcome),
                            at == live_.end() ? std::string() : at->second->id});
  }
  if (at == live_.end()) return;
  Live& live = *at->second;
  --live.commits_in_flight;
  for (const workflow::StartTimer& timer : turn.timers) {
    if (live.timers.contains(timer.id))
      engine_.timers.add({timer.due, live.num, timer.id, Timers::Kind::task});
  }
  for (const workflow::CallAction& action : turn.calls) {
    const auto call = live.calls.find(action.id);
    if (call != live.calls.end()) dispatch(live, call->second);
  }
  if (turn.finished) {
    switch (static_cast<workflow::InstanceStatus>(turn.status)) {
      case workflow::InstanceStatus::completed:
        ++engine_.counters.completed;
        break;
      case workflow::InstanceStatus::faulted:
        ++engine_.counters.faulted;
        break;
      case workflow::InstanceStatus::cancelled:
        ++engine_.counters.cancelled;
        break;
      case workflow::InstanceStatus::running:
      case workflow::InstanceStatus::waiting:
        break;
    }
    if (engine_.options.on_finished) {
      engine_.options.on_finished(live.id, static_cast<workflow::InstanceStatus>(turn.status));
    }
  }
  if (live.finished && live.commits_in_flight == 0) forget(turn.num);
}

void Worker::child_ended(ChildEnded& message) {
  Live* live = find_or_load(message.parent);
  if (live == nullptr) return;
  const auto child = live->children.find(message.call);
  if (child == live->children.end()) return;  // answered before, or nobody waits any more
  if (message.outcome.kind != workflow::OutcomeKind::done) {
    engine_.parts.log.warn("child.failed", {{"instance", live->id},
                                            {"workflow", child->second.name},
                                            {"child", message.child},
                                            {"code", message.outcome.code}});
  }
  std::string actor = message.child.empty() ? "hub" : "instance:" + message.child;
  std::string result =
      message.outcome.kind == workflow::OutcomeKind::done ? "ok" : message.outcome.code;
  Json detail = Json::object({{"workflow", child->second.name},
                              {"task", child->second.task},
                              {"outcome", workflow::to_string(message.outcome.kind)}});
  run_turn(
      *live,
      {engine_.parts.clock.now(), workflow::ActionEnded{message.call, std::move(message.outcome)}},
      std::move(actor), "child.ended", std::move(result), std::move(detail));
}

// The rows of `child` that wait for an answer outlive a crash: the answer is made again, from the
// child's journal.
void Worker::settle_children(std::int64_t num) {
  Live* live = find_or_load(num);
  if (live == nullptr || live->children.empty()) return;
  struct Row {
    std::uint64_t call;
    std::int64_t instance;
    std::string refused;
    bool ended;
  };
  std::vector<Row> rows;
  const Status read = engine_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kChildrenOf, {num}, [&](const store::Row& row) {
      rows.push_back({static_cast<std::uint64_t>(row.integer(0)), row.integer(1),
                      row.is_null(2) ? std::string() : std::string(row.text(2)),
                      !row.is_null(3) && row.integer(3) >= as_int(kFirstEnded)});
      return true;
    });
  });
  if (!read.ok()) {
    engine_.parts.log.error("engine.load_failed",
                            {{"instance", live->id}, {"code", read.error().code}});
    return;
  }
  for (const Row& row : rows) {
    ChildEnded answer{num, row.call, {}, {}};
    if (row.instance == 0) {
      answer.outcome = refused_outcome(row.refused);
    } else if (row.ended) {
      const auto child = engine_.load_row(row.instance);
      const auto end =
          child.ok() ? engine_.replay_end(*child) : Result<workflow::Finished>(child.error());
      if (!end.ok()) {
        engine_.parts.log.error("engine.load_failed",
                                {{"instance", live->id}, {"code", end.error().code}});
        continue;
      }
      answer.outcome = child_outcome(*end);
      answer.child = child->id;
    } else {
      continue;
    }
    engine_.send(num, std::move(answer));
  }
}

void Worker::cancel_child(const CancelChild& message) {
  Live* live = find_or_load(message.num);
  if (live != nullptr && !live->begun) {
    Begin first;
    first.num = message.num;
    begin(first);
    live = find_or_load(message.num);
  }
  if (live == nullptr || live->finished || !live->begun) return;
  run_turn(*live,
           {engine_.parts.clock.now(), workflow::Cancel{"the instance that started it has ended"}},
           "hub", "instance.cancel", "ok",
           Json::object({{"parent", live->origin == nullptr ? "" : live->origin->parent_id}}));
}

void Worker::recover(std::int64_t num) {
  Live* live = find_or_load(num);
  if (live == nullptr) return;
  if (!live->begun) {
    Begin message;
    message.num = num;
    begin(message);
    return;
  }
  for (auto& [open_id, call] : live->calls) {
    const std::uint64_t id = open_id;
    if (call.parked) continue;
    const std::string idempotency = idempotency_of(*live, call.action);
    if (idempotency == "native" || idempotency == "key") {
      dispatch(*live, call);
    } else if (idempotency == "probe") {
      probe(*live, call);
    } else {
      bool sent = false;
      const Status read = engine_.parts.store.read([&](store::Connection& connection) {
        return connection.query(sql::kFindDispatched, {num, static_cast<std::int64_t>(id)},
                                [&](const store::Row&) {
                                  sent = true;
                                  return false;
                                });
      });
      if (read.ok() && !sent) {
        dispatch(*live, call);
      } else {
        park(*live, call);
      }
    }
  }
  settle_children(num);
}

}  // namespace rabt::engine
