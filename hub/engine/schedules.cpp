#include "hub/engine/schedules.hpp"

#include <algorithm>

#include "hub/engine/statements.hpp"
#include "hub/workflow/cron.hpp"

namespace rabt::engine {

namespace {

using workflow::Definition;
using Schedule = Definition::Schedule;

bool same(const std::optional<Schedule>& a, const std::optional<Schedule>& b) {
  return a && b && a->every_ms == b->every_ms && a->cron == b->cron && a->after_ms == b->after_ms &&
         a->time_zone == b->time_zone;
}

// The next due time after the one at `due`, on the schedule's own grid and in the future: what was
// missed meanwhile is made up for by the one start that is happening. nullopt if only the end of an
// instance makes the schedule due.
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

Status Schedules::store(store::Transaction& transaction, const Definition& now, std::int64_t id,
                        std::vector<Timers::Entry>& timers) const {
  const std::string& tenant = context_.options.tenant;
  const auto& schedule = now.schedule();
  if (!schedule)
    return run(transaction, sql::kDeleteSchedule, {tenant, now.name_space(), now.name()});
  bool present = false;
  std::int64_t old_definition = 0;
  std::optional<Timestamp> old_due;
  RABT_TRY_STATUS(transaction.query(
      sql::kFindSchedule, {tenant, now.name_space(), now.name()}, [&](const store::Row& row) {
        present = true;
        old_definition = row.integer(sql::kFindSchedule["definition"]);
        if (!row.is_null(sql::kFindSchedule["due_ms"]))
          old_due = Timestamp{row.integer(sql::kFindSchedule["due_ms"])};
        return false;
      }));
  const auto old = present ? definitions_.find(old_definition) : nullptr;
  const bool instance_decides = present && !old_due && schedule->after_ms >= 0;
  const bool keep = old != nullptr && old_due && same(old->schedule(), schedule);
  std::optional<Timestamp> due = old_due;
  if (!keep && !instance_decides) due = first_due(*schedule, context_.parts.clock.now());
  // Both change no row when another writer has changed the schedule since it was read.
  if (present) {
    RABT_TRY_STATUS(store::compare_and_set(transaction, sql::kUpdateSchedule,
                                           {tenant, now.name_space(), now.name(), id, value_of(due),
                                            old_definition, value_of(old_due)}));
  } else {
    RABT_TRY_STATUS(
        store::compare_and_set(transaction, sql::kInsertSchedule,
                               {tenant, now.name_space(), now.name(), id, value_of(due)}));
  }
  if (due) timers.push_back({*due, 0, static_cast<std::uint64_t>(id), Timers::Kind::schedule});
  return ok_status();
}

Status Schedules::instance_ended(store::Transaction& transaction, const Definitions& definitions,
                                 const ScheduledEnd& ended, AfterCommit& after) {
  std::int64_t of = 0;
  std::optional<Timestamp> due;
  RABT_TRY_STATUS(
      transaction.query(sql::kScheduleOfInstance, {ended.num}, [&](const store::Row& row) {
        of = row.integer(sql::kScheduleOfInstance["definition"]);
        if (!row.is_null(sql::kScheduleOfInstance["due_ms"]))
          due = Timestamp{row.integer(sql::kScheduleOfInstance["due_ms"])};
        return false;
      }));
  const auto active = of == 0 ? nullptr : definitions.find(of);
  if (active == nullptr || !active->schedule() || active->schedule()->after_ms < 0)
    return ok_status();
  const Timestamp next{ended.at.ms + active->schedule()->after_ms};
  if (due && *due <= next) return ok_status();
  RABT_TRY_STATUS(store::compare_and_set(transaction, sql::kScheduleAfter,
                                         {ended.num, next.ms, value_of(due)}));
  after.timers.push_back({next, 0, static_cast<std::uint64_t>(of), Timers::Kind::schedule});
  return ok_status();
}

struct Schedules::Due {
  Timers::Entry entry;
  std::shared_ptr<const Definition> active;
  PreparedStart start;
  AfterCommit after;
};

Status Schedules::start(store::Transaction& transaction, const Due& due, AfterCommit& after) const {
  const auto id = static_cast<std::int64_t>(due.entry.id);
  const Timestamp now = context_.parts.clock.now();
  const Schedule& schedule = *due.active->schedule();
  std::optional<Timestamp> next = following(schedule, due.entry.due, now);
  // Only one start takes a due time; a schedule that has moved on has another.
  RABT_TRY(taken, transaction.execute(sql::kTakeDueTime, {id, due.entry.due.ms, value_of(next)}));
  if (taken == 0) return ok_status();
  RABT_TRY(start_event, transaction.next(sql::kEventNumbers));
  RABT_TRY(stored, starts_.store(transaction, due.start, start_event, Json(), after));
  if (stored.num != 0) {
    transaction.put(sql::kScheduleStarted, {id, stored.num});
  } else if (!next) {
    next = Timestamp{now.ms + schedule.after_ms};
    transaction.put(sql::kScheduleAgain, {id, next->ms});
  }
  if (next) after.timers.push_back({*next, 0, due.entry.id, Timers::Kind::schedule});
  audit::AuditLog& log = context_.parts.audit;
  return log.append(
      transaction,
      log.prepare({.tenant = context_.options.tenant,
                   .actor = "node:clock",
                   .act = "schedule.started",
                   .object = "workflow:" + due.active->name() + "@" + due.active->version(),
                   .result = stored.num != 0 ? "ok" : stored.refused,
                   .detail = Json::object({{"instance", stored.num != 0 ? due.start.id : ""},
                                           {"due", to_iso8601(due.entry.due)}})}));
}

void Schedules::due(const Timers::Entry& entry) {
  const auto id = static_cast<std::int64_t>(entry.id);
  const auto active = definitions_.find(id);
  if (stopping_ || active == nullptr || !active->schedule()) return;
  const auto lease = KeyLease::take(context_.parts.keys, context_.options.tenant);
  auto instance_start =
      lease.ok() ? starts_.prepare(id, Origin{}, **lease) : Result<PreparedStart>(lease.error());
  if (!instance_start.ok()) {
    context_.parts.log.warn("schedule.waits", {{"code", instance_start.error().code}});
    timers_.add_after(entry, kKeyRetryMs);
    return;
  }
  const auto due = std::make_shared<Due>(Due{entry, active, std::move(*instance_start), {}});
  context_.parts.store.submit(
      store::Store::Need::required,
      [this, due](store::Transaction& transaction) -> Status {
        due->after = {};
        return start(transaction, *due, due->after);
      },
      [this, due, work = WorkToken(context_.work)](const Status& status) {
        if (status.ok()) {
          router_.route(std::move(due->after));
          return;
        }
        context_.parts.log.error("schedule.not_started", {{"code", status.error().code}});
        if (status.error().kind == ErrorKind::unavailable)
          timers_.add_after(due->entry, kKeyRetryMs);
      });
}

}  // namespace rabt::engine
