#include "hub/engine/worker.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "hub/base/check.hpp"
#include "hub/base/overloaded.hpp"
#include "hub/engine/statements.hpp"
#include "hub/engine/stopwatch.hpp"
#include "hub/plugin/room.hpp"

namespace rabt::engine {

namespace {

// Messages for which a worker keeps room. Many more come at once when a partition is taken.
constexpr std::size_t kKeptRoom = 4096;

}  // namespace

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  parts_.inbox.close();
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  while (parts_.inbox.take(batch_)) {
    // A message stays in the batch while it is handled: answer_requests looks there.
    for (next_ = 0; next_ < batch_.size(); ++next_) {
      handle(batch_[next_].message);
      // With the last message, so that nothing is under way when its work is over.
      const bool last = next_ + 1 == batch_.size();
      if (last && residents_.size() > context_.options.max_resident_per_worker) evict();
      const QueuedMessage over = std::move(batch_[next_]);
    }
    batch_.clear();
    if (batch_.capacity() > kKeptRoom) batch_ = std::vector<QueuedMessage>();
  }
}

void Worker::answer_requests(const Error& error) {
  const auto look = [&](Message& message) {
    const auto answer = [&](std::shared_ptr<std::promise<Status>>& waiting) {
      if (waiting != nullptr) waiting->set_value(error);
      waiting.reset();
    };
    if (auto* cancelled = std::get_if<CancelRequest>(&message)) answer(cancelled->answer);
    if (auto* resolved = std::get_if<ResolveRequest>(&message)) answer(resolved->answer);
    if (auto* retried = std::get_if<RetryRequest>(&message)) answer(retried->answer);
  };
  for (std::size_t i = next_; i < batch_.size(); ++i) look(batch_[i].message);
  parts_.inbox.for_each(look);
}

bool Worker::wait_for_keys() {
  for (bool first = true;; first = false) {
    auto lease = KeyLease::take(context_.parts.keys, context_.options.tenant);
    if (lease.ok()) {
      lease_ = std::move(*lease);
      return true;
    }
    if (first) context_.parts.log.warn("engine.waits_for_keys", {{"code", lease.error().code}});
    answer_requests(lease.error());
    if (!parts_.inbox.pause(kKeyRetryMs)) return false;
  }
}

void Worker::handle(Message& message) {
  const bool needs_keys = !std::holds_alternative<TurnCommitted>(message) &&
                          !std::holds_alternative<DispatchRecorded>(message) &&
                          !std::holds_alternative<ReleasePartition>(message);
  if (needs_keys && !wait_for_keys()) return;
  dispatch_message(message);
  lease_.reset();
}

void Worker::dispatch_message(Message& message) {
  std::visit(Overloaded{
                 [this](BeginInstance& m) { begin(m); },
                 [this](EventMatch& m) { event_matched(m); },
                 [this](CallEnded& m) { call_ended(m); },
                 [this](CallProbed& m) { probed(m); },
                 [this](ChildEnded& m) { child_ended(m); },
                 [this](TimerFired& m) { timer_fired(m.entry); },
                 [this](TurnCommitted& m) { committed(m); },
                 [this](Reload& m) { reload(m); },
                 [this](DispatchRecorded& m) { dispatch_recorded(m); },
                 [this](RecoverInstance& m) { recover(m.num); },
                 [this](SettleChildren& m) { settle_children(m.num); },
                 [this](CancelChild& m) { cancel_child(m); },
                 [this](CancelRequest& m) { cancel(m); },
                 [this](ResolveRequest& m) { resolve(m); },
                 [this](RetryRequest& m) { retry(m); },
                 [this](SweepResidents&) { sweep(); },
                 [this](ReleasePartition& m) { release(m); },
             },
             message);
}

// ---- instances in memory

ResidentInstance* Worker::add(std::unique_ptr<ResidentInstance> instance) {
  ++context_.counters.resident;
  const std::int64_t num = instance->num;
  return residents_.emplace(num, std::move(instance)).first->second.get();
}

void Worker::forget(std::int64_t num) {
  if (residents_.erase(num) != 0) --context_.counters.resident;
}

void Worker::evict() {
  const std::size_t wanted = context_.options.max_resident_per_worker / 4 * 3;
  for (auto at = residents_.begin(); at != residents_.end() && residents_.size() > wanted;) {
    const ResidentInstance& instance = *at->second;
    const bool idle = instance.begun && instance.calls.empty() && instance.commits_in_flight == 0 &&
                      !instance.look_again;
    at = idle ? residents_.erase(at) : std::next(at);
    if (idle) --context_.counters.resident;
  }
}

ResidentInstance* Worker::find_or_load(std::int64_t num) {
  const auto at = residents_.find(num);
  if (at != residents_.end()) return at->second.get();
  // Messages sent before the partition was given away belong to the new owner.
  return parts_.partitions.has_instance(num) ? load(num) : nullptr;
}

ResidentInstance* Worker::load(std::int64_t num) {
  const auto row = parts_.reader.row(num);
  if (!row.ok()) {
    context_.parts.log.error("engine.load_failed", {{"instance", num}, {"code", row.error().code}});
    return nullptr;
  }
  if (has_ended(row->status)) return nullptr;
  auto instance = parts_.reader.replay(*row, lease_->keys);
  if (!instance.ok()) {
    context_.parts.log.error("engine.load_failed",
                             {{"instance", row->id}, {"code", instance.error().code}});
    return nullptr;
  }
  for (auto& [id, call] : (*instance)->calls) look_up(**instance, call);
  return add(std::move(*instance));
}

Error Worker::why_not_resident(std::int64_t num, const Error& ended) const {
  const auto row = parts_.reader.row(num);
  if (!row.ok()) return row.error();
  if (has_ended(row->status)) return ended;
  const auto definition = parts_.definitions.find(row->definition);
  if (definition == nullptr)
    return corrupt("engine.definition", "the instance's definition is not loaded");
  if (const auto secrets = parts_.definitions.secrets_of(*definition); !secrets.ok())
    return secrets.error();
  const auto read = parts_.reader.replay(*row, lease_->keys);
  const std::string why = read.ok() ? "engine.load_failed" : read.error().code;
  context_.parts.log.error("engine.load_failed", {{"instance", row->id}, {"code", why}});
  if (why == "engine.unknown_input") return read.error();
  return corrupt("engine.load_failed", "the instance cannot be read (" + why +
                                           "); `rabt keys status` shows keys that are lost");
}

// ---- a turn, from its input to its effects

void Worker::take_turn(ResidentInstance& instance, workflow::Input input, Cause cause,
                       std::shared_ptr<std::promise<Status>> answer, FirstInCommit first) {
  const auto fail = [&](const Error& error) {
    context_.parts.log.error("engine.turn_failed",
                             {{"instance", instance.id}, {"code", error.code}});
    if (answer != nullptr) answer->set_value(error);
  };
  // Everything that can fail for want of a key comes before the instance moves.
  const auto key = lease_->keys.open(instance.data_key);
  if (!key.ok()) {
    fail(key.error());
    return;
  }
  std::optional<Turn> turn;
  {
    const Stopwatch watch(context_.times.interpreter);
    turn = make_turn(instance, std::move(input), std::move(cause));
  }
  for (const OpenCall& call : turn->cancelled_calls) cancel_call(call);
  std::vector<audit::Prepared> disclosures;
  for (const std::uint64_t id : turn->calls) {
    OpenCall& call = instance.calls.at(id);
    look_up(instance, call);
    if (call.let_go) continue;
    const Stopwatch watch(context_.times.audit);
    if (const auto entry = disclosure_of(instance, call))
      disclosures.push_back(context_.parts.audit.prepare(*entry));
  }
  for (const workflow::CallAction& asked : turn->asked) {
    look_up(instance, instance.calls.at(asked.id));
    disclosures.push_back(context_.parts.audit.prepare(parked_entry(instance, asked, "failed")));
  }
  auto prepared =
      prepare_turn(tools(), instance, std::move(*turn), **key, lease_, std::move(disclosures));
  if (!prepared.ok()) {
    // A key is damaged: the instance is read again when something comes for it.
    fail(prepared.error());
    forget(instance.num);
    return;
  }
  (*prepared)->first = std::move(first);
  ++context_.counters.turns;
  ++instance.commits_in_flight;
  submit(*prepared, std::move(answer));
}

void Worker::submit(const std::shared_ptr<PreparedTurn>& turn,
                    std::shared_ptr<std::promise<Status>> answer) {
  const Stopwatch watch(context_.times.submit);
  const std::int64_t num = turn->num;
  context_.parts.store.submit(
      store::Store::Need::required, num,
      [tools = tools(), turn](store::Transaction& transaction) {
        return store_turn(transaction, tools, *turn);
      },
      [&context = context_, &router = parts_.router, turn, answer = std::move(answer),
       work = WorkToken(context_.work)](const Status& status) {
        if (status.ok()) {
          router.send(TurnCommitted{turn->num, turn});
        } else {
          context.parts.log.error("engine.turn_refused",
                                  {{"instance", turn->num}, {"code", status.error().code}});
          // Without its audit entry a turn does not happen; the journal still has all before it.
          const bool unaudited = status.error().code == "audit.unavailable";
          const bool rotated = status.error().code == "keys.changed";
          // A hub that stops on a full disk gives the turn up; the next start makes it again.
          const bool no_room = plugin::means_no_room(status.error().code);
          // A retry that came too late: the instance stays as it ended. Or a job of many whose
          // preview no longer holds.
          const bool taken = status.error().code == kRetryKeyTaken ||
                             status.error().code == kRestarted ||
                             (turn->first != nullptr && status.error().kind == ErrorKind::conflict);
          if (!no_room && !rotated && !taken) RABT_BUG("a turn was refused by the store");
          router.send(Reload{turn->num, !unaudited});
        }
        if (answer != nullptr) answer->set_value(status);
      },
      caller());
}

store::Store::Caller Worker::caller() const {
  const bool more = next_ + 1 < batch_.size() || !parts_.inbox.empty();
  return more ? store::Store::Caller::goes_on : store::Store::Caller::waits;
}

void Worker::committed(const TurnCommitted& message) {
  PreparedTurn& prepared = *message.turn;
  Turn& turn = prepared.turn;
  const std::vector<StoredListen> listens = std::move(prepared.after.listens);
  parts_.router.route(std::move(prepared.after));
  if (turn.finished) parts_.wanted.ended(prepared.definition);
  end_waits(prepared.num, turn);
  const auto at = residents_.find(prepared.num);
  if (turn.finished && prepared.origin != nullptr && prepared.origin->awaited) {
    parts_.router.send(ChildEnded{prepared.origin->parent, prepared.origin->call,
                                  std::move(turn.outcome),
                                  at == residents_.end() ? std::string() : at->second->id});
  }
  if (at == residents_.end()) return;
  ResidentInstance& instance = *at->second;
  --instance.commits_in_flight;
  // The next owner of a partition that was given away finds in the store what is to be done.
  if (!parts_.partitions.has_instance(instance.num)) return;
  for (const workflow::StartTimer& timer : turn.timers) {
    if (instance.timers.contains(timer.id))
      parts_.timers.add({timer.due, instance.num, timer.id, Timers::Kind::task});
  }
  if (turn.cause.outage) await_side(instance, turn);
  if (!listens.empty()) look_for_events(instance, listens);
  for (const std::uint64_t id : turn.calls) {
    const auto call = instance.calls.find(id);
    if (call == instance.calls.end()) continue;
    if (call->second.unsure) {
      settle_unknown(instance, call->second);
      // One that was let go may end at once (recover).
      if (!residents_.contains(prepared.num)) return;
    } else {
      dispatch(instance, call->second);
    }
  }
  offer_skipped(instance);
  tell_faults(instance, turn);
  for (const workflow::CallAction& asked : turn.asked) {
    ++context_.counters.parked;
    context_.parts.log.warn(
        "action.parked",
        {{"instance", instance.id}, {"role", asked.role}, {"action", asked.action}});
  }
  if (turn.finished) {
    count_end(instance, turn);
    if (instance.definition->unheard_starts())
      parts_.timers.add({.due = context_.parts.clock.now(), .kind = Timers::Kind::unheard});
  }
  if (instance.finished && instance.commits_in_flight == 0) forget(prepared.num);
}

// Names, codes and places: what the workflow file and the packages of plugins hold.
void Worker::tell_faults(const ResidentInstance& instance, const Turn& turn) {
  // A failed action has its own line.
  const auto* const ended = std::get_if<workflow::ActionEnded>(&turn.input.what);
  if (!turn.fault.state.empty()) ++context_.counters.task_faults;
  if (!turn.fault.state.empty() &&
      (ended == nullptr || ended->outcome.kind == workflow::OutcomeKind::done)) {
    context_.parts.log.warn(
        "task.faulted",
        {{"instance", instance.id}, {"task", turn.fault.reference}, {"error", turn.fault.detail}});
  }
  if (turn.error.is_null()) return;
  context_.parts.log.error("instance.faulted", {{"instance", instance.id},
                                                {"task", turn.error.string_or("instance", "")},
                                                {"error", turn.error.string_or("type", "")},
                                                {"status", turn.error.int_or("status", 0)},
                                                {"title", turn.error.string_or("title", "")}});
}

void Worker::count_end(const ResidentInstance& instance, const Turn& turn) {
  const auto status = static_cast<workflow::InstanceStatus>(turn.status);
  Counters& counters = context_.counters;
  if (status == workflow::InstanceStatus::completed) ++counters.completed;
  if (status == workflow::InstanceStatus::faulted) ++counters.faulted;
  if (status == workflow::InstanceStatus::cancelled) ++counters.cancelled;
  if (context_.options.on_finished) context_.options.on_finished(instance.id, status);
}

void Worker::look_for_events(ResidentInstance& instance, const std::vector<StoredListen>& listens) {
  auto matches = parts_.events.events_for(listens);
  if (!matches.ok()) {
    context_.parts.log.error("engine.look_failed",
                             {{"instance", instance.id}, {"code", matches.error().code}});
    instance.look_again = true;
    return;
  }
  for (EventMatch& match : *matches) parts_.router.send(std::move(match));
}

// ---- recovery

void Worker::reload(const Reload& message) {
  forget(message.num);
  if (message.at_once) recover(message.num);
}

void Worker::recover(std::int64_t num) {
  ResidentInstance* instance = find_or_load(num);
  if (instance == nullptr) return;
  if (!instance->begun) {
    begin(*instance, Json());
    return;
  }
  std::vector<std::uint64_t> unsettled;
  for (const auto& [id, call] : instance->calls) {
    if (call.sends == 0 && !call.parked && !call.paused && !call.noting &&
        instance->commits_in_flight == 0)
      unsettled.push_back(id);
  }
  for (const std::uint64_t id : unsettled) {
    // A call that was let go may end at once: with that turn others may be open no more, or the
    // instance is forgotten.
    const auto at = residents_.find(num);
    if (at == residents_.end()) return;
    const auto call = at->second->calls.find(id);
    if (call != at->second->calls.end()) settle_unknown(*at->second, call->second);
  }
  const auto at = residents_.find(num);
  if (at == residents_.end()) return;
  offer_skipped(*at->second);
  settle_children(num);
}

void Worker::offer_skipped(const ResidentInstance& instance) {
  for (const Json& event : instance.skipped_events) {
    for (const std::uint64_t listen : instance.listens) {
      if (!instance.execution.wants(listen, event)) continue;
      parts_.router.send(
          EventMatch{instance.num, listen, std::numeric_limits<std::int64_t>::max(), event});
    }
  }
}

// The rows of `child` that wait for an answer outlive a crash: the answer is made again, from the
// child's journal.
void Worker::settle_children(std::int64_t num) {
  ResidentInstance* instance = find_or_load(num);
  if (instance == nullptr || instance->children.empty()) return;
  struct Row {
    std::uint64_t call;
    std::int64_t child;
    std::string refused;
    bool runs;
  };
  std::vector<Row> rows;
  const auto failed = [&](const Error& error) {
    context_.parts.log.error("engine.load_failed",
                             {{"instance", instance->id}, {"code", error.code}});
  };
  const Status read = context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kChildrenOf, {num}, [&](const store::Row& row) {
      rows.push_back({static_cast<std::uint64_t>(row.integer(sql::kChildrenOf["call"])),
                      row.integer(sql::kChildrenOf["instance"]),
                      row.is_null(sql::kChildrenOf["refused"])
                          ? std::string()
                          : std::string(row.text(sql::kChildrenOf["refused"])),
                      !row.is_null(sql::kChildrenOf["num"])});
      return true;
    });
  });
  if (!read.ok()) {
    failed(read.error());
    return;
  }
  for (const Row& row : rows) {
    ChildEnded answer{num, row.call, {}, {}};
    if (row.child == 0) {
      answer.outcome = refused_outcome(row.refused);
    } else if (!row.runs) {
      const auto child = parts_.reader.row(row.child);
      const auto end =
          child.ok() ? parts_.reader.replay_end(*child) : Result<workflow::Finished>(child.error());
      if (!end.ok()) {
        failed(end.error());
        continue;
      }
      answer.outcome = child_outcome(*end);
      answer.child = child->id;
    } else {
      continue;
    }
    parts_.router.send(std::move(answer));
  }
}

void Worker::sweep() {
  std::vector<std::int64_t> nums;
  for (const auto& [num, instance] : residents_) {
    const bool unsent =
        std::any_of(instance->calls.begin(), instance->calls.end(), [](const auto& entry) {
          return entry.second.sends == 0 && !entry.second.parked && !entry.second.paused;
        });
    if (instance->commits_in_flight == 0 && (unsent || instance->look_again)) nums.push_back(num);
  }
  for (const std::int64_t num : nums) {
    recover(num);
    const auto at = residents_.find(num);
    if (at == residents_.end() || !at->second->look_again) continue;
    ResidentInstance& instance = *at->second;
    instance.look_again = false;
    std::vector<StoredListen> listens;
    for (const workflow::Effect& effect : instance.execution.open()) {
      const auto* listen = std::get_if<workflow::Subscribe>(&effect);
      if (listen == nullptr) continue;
      StoredListen& stored_listen =
          listens.emplace_back(StoredListen{num, listen->id, instance.start_event, {}});
      for (const std::string& correlation : listen->keys)
        stored_listen.keys.push_back(lease_->keys.blind_index(kCorrelationField, correlation));
    }
    look_for_events(instance, listens);
  }
}

void Worker::release(const ReleasePartition& message) {
  std::vector<std::int64_t> nums;
  for (const auto& [num, instance] : residents_) {
    if (partition_of(num) == message.partition && instance->commits_in_flight == 0)
      nums.push_back(num);
  }
  for (const std::int64_t num : nums) forget(num);
  message.done->set_value();
}

}  // namespace rabt::engine
