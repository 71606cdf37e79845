#include <algorithm>

#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/cron.hpp"
#include "hub/workflow/error_types.hpp"
#include "hub/workflow/model.hpp"

// Instances that no event starts: those of run.workflow, and those of the clock.
namespace rabt::engine {

namespace {

using workflow::Definition;
using Schedule = Definition::Schedule;

bool same(const std::optional<Schedule>& a, const std::optional<Schedule>& b) {
  return a && b && a->every_ms == b->every_ms && a->cron == b->cron && a->after_ms == b->after_ms &&
         a->time_zone == b->time_zone;
}

// The next due time after the one at `due`, on the schedule's own grid and in the future: what was
// missed meanwhile is made up for by the one start that is happening. nullopt: only the end of an
// instance makes it due.
std::optional<Timestamp> following(const Schedule& schedule, Timestamp due, Timestamp now) {
  const Timestamp from{std::max(due.ms, now.ms)};
  Schedule cron = schedule;
  cron.every_ms = 0;
  std::optional<Timestamp> next;
  if (!schedule.cron.empty()) next = workflow::next_due(cron, from);
  if (schedule.every_ms > 0) {
    const std::int64_t steps = (from.ms - due.ms) / schedule.every_ms + 1;
    const Timestamp grid{due.ms + steps * schedule.every_ms};
    if (!next || grid < *next) next = grid;
  }
  return next;
}

std::optional<Timestamp> first_due(const Schedule& schedule, Timestamp now) {
  if (schedule.every_ms > 0 || !schedule.cron.empty()) return workflow::next_due(schedule, now);
  return Timestamp{now.ms + std::max<std::int64_t>(0, schedule.after_ms)};
}

store::Value value_of(const std::optional<Timestamp>& time) {
  return time ? store::Value(time->ms) : store::Value(store::Null{});
}

}  // namespace

// ---- a start
// -----------------------------------------------------------------------------------------------------

ActionOutcome refused_outcome(const std::string& code) {
  ActionOutcome outcome;
  outcome.kind = workflow::OutcomeKind::permanent;
  outcome.code = code;
  Json error = Json::object();
  if (code == kBusinessKeyTaken) {
    outcome.message = "another instance of the workflow lives for this business key";
    error.set("type", "https://rabt.health/errors/conflict");
    error.set("status", 409);
    error.set("title", "Another instance lives for this business key");
  } else if (code == kNestingTooDeep) {
    outcome.message = "workflows start each other more than " +
                      std::to_string(limits::kMaxWorkflowNesting) + " deep";
    error.set("type", workflow::error_type("runtime"));
    error.set("status", 500);
    error.set("title", "Workflows start each other too deep");
  } else {
    outcome.message = "the workflow was not bound when this one was deployed";
    error.set("type", workflow::error_type("configuration"));
    error.set("status", 400);
    error.set("title", "The workflow is not deployed");
  }
  outcome.detail = Json::object({{"error", error}});
  return outcome;
}

Result<PreparedStart> Engine::Impl::prepare_start(std::int64_t definition_id, Origin origin,
                                                  const Act& act) {
  PreparedStart start;
  start.definition = definition_id;
  const auto found = definition(definition_id);
  if (found == nullptr) {
    start.refused = kNotBound;
  } else if (origin.depth > limits::kMaxWorkflowNesting) {
    start.refused = kNestingTooDeep;
  } else {
    const std::string& tenant = options.tenant;
    start.id = parts.ids.next().text();
    const auto business_key = found->business_key(origin.input);
    if (business_key.ok() && business_key->has_value()) {
      start.business_key =
          act.lease.blind_index("instance.business_key", found->name() + "\n" + **business_key);
    }
    RABT_TRY(patients, patients_of(*found, origin.input, act));
    start.patients = std::move(patients);
    RABT_TRY(key, act.lease.make(keys::kConsultation));
    start.sealed_input =
        key.key->seal(input_context(tenant, start.id), origin.input.dump(), parts.random);
    start.key = std::move(key);
  }
  start.origin = std::make_shared<const Origin>(std::move(origin));
  return start;
}

Result<std::string> Engine::Impl::store_start(store::Transaction& transaction,
                                              const PreparedStart& start, std::int64_t start_event,
                                              Routing& routing) {
  if (!start.refused.empty()) return start.refused;
  const std::string& tenant = options.tenant;
  if (!start.business_key.empty()) {
    bool taken = false;
    RABT_TRY_STATUS(transaction.query(
        sql::kLiveByBusinessKey, {tenant, store::Blob{start.business_key}}, [&](const store::Row&) {
          taken = true;
          return false;
        }));
    if (taken) return std::string(kBusinessKeyTaken);
  }
  const store::Value business_key = start.business_key.empty()
                                        ? store::Value(store::Null{})
                                        : store::Value(store::Blob{start.business_key});
  const std::int64_t now = parts.clock.now().ms;
  RABT_TRY_STATUS(keys::insert(transaction, start.key));
  RABT_TRY(num, transaction.next(sql::kInstanceNumbers));
  RABT_TRY_STATUS(run(transaction, sql::kInsertInstance,
                      {num, start.id, tenant, start.definition, business_key, start_event,
                       store::Blob{start.key.id}, now, now, binding}));
  const Origin& origin = *start.origin;
  const bool child = origin.parent != 0;
  RABT_TRY_STATUS(run(
      transaction, sql::kInsertOrigin,
      {num, store::Blob{start.sealed_input},
       child ? store::Value(origin.parent) : store::Value(store::Null{}),
       child ? store::Value(static_cast<std::int64_t>(origin.call)) : store::Value(store::Null{}),
       origin.awaited ? 1 : 0, origin.depth}));
  RABT_TRY(patient, store_patients(transaction, num, start.patients, origin.parent));
  routing.begins.push_back({num, start.id, start.definition, start_event, start.key.id, Json(),
                            start.origin, std::move(patient)});
  return std::string();
}

Result<std::shared_ptr<const Origin>> Engine::Impl::load_origin(const InstanceRow& row,
                                                                const crypto::DataKey& key) {
  std::shared_ptr<Origin> origin;
  std::string sealed;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kLoadOrigin, {row.num}, [&](const store::Row& found) {
      origin = std::make_shared<Origin>();
      sealed = std::string(found.blob(0));
      if (!found.is_null(1)) {
        origin->parent = found.integer(1);
        origin->call = static_cast<std::uint64_t>(found.integer(2));
        if (!found.is_null(5)) origin->parent_id = std::string(found.text(5));
      }
      origin->awaited = found.integer(3) != 0;
      origin->depth = static_cast<int>(found.integer(4));
      return false;
    });
  }));
  if (origin == nullptr) return std::shared_ptr<const Origin>();
  RABT_TRY(plain, key.open(input_context(row.tenant, row.id), sealed));
  RABT_TRY(input, Json::parse(plain));
  origin->input = std::move(input);
  return std::shared_ptr<const Origin>(std::move(origin));
}

// ---- schedule.on.all
// -------------------------------------------------------------------------------------------------

Status Engine::Impl::collect_start(store::Transaction& transaction, const PreparedEvent& event,
                                   std::int64_t definition_id, std::int64_t seq, Routing& routing,
                                   std::vector<std::string>& instances) {
  const std::string& tenant = options.tenant;
  const auto active = definition(definition_id);
  if (active == nullptr) return ok_status();
  const std::string row_name = active->name_space() + "/" + active->name();
  const crypto::SealContext context{tenant, "start_set", row_name, "pending"};
  std::int64_t of = 0;
  std::string sealed;
  std::string data_key;
  RABT_TRY_STATUS(transaction.query(sql::kFindStartSet,
                                    {tenant, active->name_space(), active->name()},
                                    [&](const store::Row& row) {
                                      of = row.integer(0);
                                      sealed = std::string(row.blob(1));
                                      data_key = std::string(row.blob(2));
                                      return false;
                                    }));
  // Sets of another version go on when it starts on the same events.
  const auto of_definition = of == 0 ? nullptr : definition(of);
  Json pending;
  if (of_definition != nullptr && of_definition->model().document["schedule"]["on"] ==
                                      active->model().document["schedule"]["on"]) {
    // Events whose retention is over are gone from the set as well.
    const auto key = event.act->lease.open(transaction, data_key);
    if (!key.ok() && key.error().code != "keys.shredded") return key.error();
    if (key.ok()) {
      RABT_TRY(plain, (*key)->open(context, sealed));
      RABT_TRY(stored, Json::parse(plain));
      pending = std::move(stored);
    }
  }
  auto step = active->collect_start(pending, event.envelope, parts.clock.now());
  if (!(step.pending == pending)) {
    const crypto::DataKey& key = *event.act->event_key;
    const std::string kept = key.seal(context, step.pending.dump(), parts.random);
    RABT_TRY_STATUS(run(transaction, sql::kPutStartSet,
                        {tenant, active->name_space(), active->name(), definition_id,
                         store::Blob{key.id()}, store::Blob{kept}}));
  }
  if (!step.start) return ok_status();
  RABT_TRY(start, prepare_start(definition_id, {.parent_id = {}, .input = std::move(*step.start)},
                                *event.act));
  RABT_TRY(refused, store_start(transaction, start, seq, routing));
  if (refused.empty()) instances.push_back(start.id);
  return ok_status();
}

// ---- run.workflow
// ------------------------------------------------------------------------------------------------

Status Engine::Impl::store_children(store::Transaction& transaction, Turn& turn) {
  for (const PreparedStart& start : turn.starts) {
    const Origin& origin = *start.origin;
    const std::size_t begun = turn.routing.begins.size();
    RABT_TRY(refused, store_start(transaction, start, turn.start_event, turn.routing));
    if (!refused.empty()) {
      RABT_TRY_STATUS(parts.audit.append(
          transaction, parts.audit.prepare({.tenant = options.tenant,
                                            .actor = "hub",
                                            .act = "child.refused",
                                            .object = "instance:" + origin.parent_id,
                                            .result = refused,
                                            .detail = Json(),
                                            .patient = to_hex(as_bytes(turn.patient))})));
    }
    if (!origin.awaited) continue;
    RABT_TRY_STATUS(run(
        transaction, sql::kInsertChild,
        {turn.num, static_cast<std::int64_t>(origin.call),
         refused.empty() ? turn.routing.begins[begun].num : 0,
         refused.empty() ? store::Value(store::Null{}) : store::Value(std::string_view(refused))}));
    if (!refused.empty())
      turn.routing.answers.push_back({turn.num, origin.call, refused_outcome(refused), {}});
  }
  if (turn.answered_child != 0) {
    RABT_TRY_STATUS(run(transaction, sql::kDeleteChild,
                        {turn.num, static_cast<std::int64_t>(turn.answered_child)}));
  }
  if (!turn.children_cancelled.empty()) {
    struct Row {
      std::int64_t call;
      std::int64_t instance;
      bool lives;
    };
    std::vector<Row> rows;
    RABT_TRY_STATUS(transaction.query(sql::kChildrenOf, {turn.num}, [&](const store::Row& row) {
      rows.push_back({row.integer(0), row.integer(1), !row.is_null(3) && row.integer(3) < 2});
      return true;
    }));
    for (const Row& row : rows) {
      if (std::find(turn.children_cancelled.begin(), turn.children_cancelled.end(),
                    static_cast<std::uint64_t>(row.call)) == turn.children_cancelled.end())
        continue;
      RABT_TRY_STATUS(run(transaction, row.lives ? sql::kCancelChild : sql::kDeleteChild,
                          {turn.num, row.call}));
      if (row.lives) turn.routing.cancels.push_back({row.instance});
    }
  }
  if (!turn.finished || turn.origin == nullptr) return ok_status();
  if (turn.origin->parent != 0) {
    return turn.origin->awaited ? run(transaction, sql::kDeleteCancelledChild, {turn.num})
                                : ok_status();
  }
  // The instance was the clock's: `after` counts from here.
  std::int64_t of = 0;
  std::optional<Timestamp> due;
  RABT_TRY_STATUS(
      transaction.query(sql::kScheduleOfInstance, {turn.num}, [&](const store::Row& row) {
        of = row.integer(0);
        if (!row.is_null(1)) due = Timestamp{row.integer(1)};
        return false;
      }));
  const auto active = of == 0 ? nullptr : definition(of);
  if (active == nullptr || !active->schedule() || active->schedule()->after_ms < 0)
    return ok_status();
  const Timestamp after{turn.at.ms + active->schedule()->after_ms};
  if (due && *due <= after) return ok_status();
  turn.routing.timers.push_back({after, 0, static_cast<std::uint64_t>(of), Timers::Kind::schedule});
  return run(transaction, sql::kScheduleAfter, {turn.num, after.ms});
}

// ---- the clock
// ----------------------------------------------------------------------------------------------------

Status Engine::Impl::store_schedule(store::Transaction& transaction,
                                    const workflow::Definition& definition_now, std::int64_t id,
                                    std::vector<Timers::Entry>& alarms) {
  const std::string& tenant = options.tenant;
  const auto& schedule = definition_now.schedule();
  if (!schedule) {
    return run(transaction, sql::kDeleteSchedule,
               {tenant, definition_now.name_space(), definition_now.name()});
  }
  bool known = false;
  std::int64_t old_definition = 0;
  std::optional<Timestamp> due;
  RABT_TRY_STATUS(transaction.query(sql::kFindSchedule,
                                    {tenant, definition_now.name_space(), definition_now.name()},
                                    [&](const store::Row& row) {
                                      known = true;
                                      old_definition = row.integer(0);
                                      if (!row.is_null(1)) due = Timestamp{row.integer(1)};
                                      return false;
                                    }));
  const auto old = known ? definition(old_definition) : nullptr;
  const bool instance_decides = known && !due && schedule->after_ms >= 0;
  const bool keep = old != nullptr && due && same(old->schedule(), schedule);
  if (!keep && !instance_decides) {
    due = first_due(*schedule, parts.clock.now());
  }
  RABT_TRY_STATUS(
      run(transaction, sql::kPutSchedule,
          {tenant, definition_now.name_space(), definition_now.name(), id, value_of(due)}));
  if (due) alarms.push_back({*due, 0, static_cast<std::uint64_t>(id), Timers::Kind::schedule});
  return ok_status();
}

void Engine::Impl::schedule_due(const Timers::Entry& entry) {
  const auto id = static_cast<std::int64_t>(entry.id);
  const auto active = definition(id);
  if (stopping || active == nullptr || !active->schedule()) return;
  const auto act = take_act();
  auto made = act.ok() ? prepare_start(id, Origin{}, **act) : Result<PreparedStart>(act.error());
  if (!made.ok()) {
    parts.log.warn("schedule.waits", {{"code", made.error().code}});
    timers.add_after(entry, kKeyRetryMs);
    return;
  }
  auto start = std::make_shared<const PreparedStart>(std::move(*made));
  auto routing = std::make_shared<Routing>();
  ++counters.open_work;
  parts.store.submit(
      store::Store::Need::required,
      [this, entry, id, active, start, routing](store::Transaction& transaction) -> Status {
        *routing = {};
        // Only one start takes a due time; a schedule that has moved on has another.
        bool due = false;
        RABT_TRY_STATUS(
            transaction.query(sql::kDueSchedule, {id, entry.due.ms}, [&](const store::Row&) {
              due = true;
              return false;
            }));
        if (!due) return ok_status();
        const Timestamp now = parts.clock.now();
        // Events that come after this moment have higher numbers.
        RABT_TRY(moment, transaction.next(sql::kEventNumbers));
        RABT_TRY(refused, store_start(transaction, *start, moment, *routing));
        const Schedule& schedule = *active->schedule();
        std::optional<Timestamp> next = following(schedule, entry.due, now);
        if (!refused.empty() && !next) next = Timestamp{now.ms + schedule.after_ms};
        if (refused.empty()) {
          RABT_TRY_STATUS(run(transaction, sql::kScheduleStarted,
                              {id, value_of(next), entry.due.ms, routing->begins.front().num}));
        } else {
          RABT_TRY_STATUS(
              run(transaction, sql::kScheduleSkipped, {id, value_of(next), entry.due.ms}));
        }
        if (next) routing->timers.push_back({*next, 0, entry.id, Timers::Kind::schedule});
        return parts.audit.append(
            transaction,
            parts.audit.prepare(
                {.tenant = options.tenant,
                 .actor = "clock",
                 .act = "schedule.started",
                 .object = "workflow:" + active->name() + "@" + active->version(),
                 .result = refused.empty() ? "ok" : refused,
                 .detail = Json::object({{"instance", refused.empty() ? start->id : ""},
                                         {"due", to_iso8601(entry.due)}})}));
      },
      [this, routing, entry](const Status& status) {
        if (status.ok()) {
          route(std::move(*routing));
        } else {
          parts.log.error("schedule.not_started", {{"code", status.error().code}});
          if (status.error().kind == ErrorKind::unavailable) timers.add_after(entry, kKeyRetryMs);
        }
        --counters.open_work;
      });
}

}  // namespace rabt::engine
