#include "hub/engine/recovery.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>

#include "hub/base/limits.hpp"
#include "hub/engine/statements.hpp"
#include "hub/keys/retention.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::engine {

static_assert(outbox::kShards == kPartitions, "the owner of a partition has the shard as well");

Result<bool> Recovery::expire_events() {
  const std::int64_t now = context_.parts.clock.now().ms;
  std::int64_t removed = 0;
  RABT_TRY_STATUS(context_.parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(run(transaction, sql::kExpireEventKeys, {now}));
    RABT_TRY(events, transaction.execute(sql::kExpireEvents, {now}));
    removed = events;
    return ok_status();
  }));
  return removed != 0;
}

Result<bool> Recovery::expire_deliveries() {
  const keys::Period& period = context_.options.delivery_period;
  const std::int64_t now = context_.parts.clock.now().ms;
  Timestamp before{2 * now - keys::after({now}, period).ms};
  // Months differ in length: rather too late.
  while (keys::after(before, period).ms > now) before.ms -= kDayMs;
  // The sweep of events may be behind.
  constexpr std::int64_t kMargin =
      std::chrono::milliseconds(limits::kEventRetention).count() + kHourMs;
  RABT_TRY_STATUS(context_.parts.store.read([&before](store::Connection& connection) {
    return connection.query(sql::kFirstExpiry, {}, [&before](const store::Row& row) {
      if (!row.is_null(sql::kFirstExpiry["first_expires_ms"]))
        before.ms =
            std::min(before.ms, row.integer(sql::kFirstExpiry["first_expires_ms"]) - kMargin);
      return false;
    });
  }));
  std::int64_t removed = 0;
  RABT_TRY_STATUS(context_.parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(rows, transaction.execute(sql::kExpireDeliveries, {before.ms}));
    removed = rows;
    return ok_status();
  }));
  return removed != 0;
}

Result<Recovery::Found> Recovery::find(int partition, Timestamp due_by, std::int64_t after_event) {
  const std::int64_t begin = range_of(partition).begin;
  const std::int64_t end = range_of(partition).end;
  Found found;
  const auto numbers = [](std::vector<std::int64_t>& into) {
    return [&into](const store::Row& row) {
      into.push_back(row.integer(sql::kListParked["id"]));
      return true;
    };
  };
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kBusyInstances, {begin, end}, numbers(found.busy)));
    RABT_TRY_STATUS(connection.query(sql::kParentsToAnswer, {begin, end}, numbers(found.parents)));
    RABT_TRY_STATUS(
        connection.query(sql::kChildrenToCancel, {begin, end}, numbers(found.unwanted_children)));
    RABT_TRY_STATUS(
        connection.query(sql::kTimersDue, {begin, end, due_by.ms}, [&](const store::Row& row) {
          found.timers.push_back({Timestamp{row.integer(sql::kTimersDue["due_ms"])},
                                  row.integer(sql::kTimersDue["instance"]),
                                  static_cast<std::uint64_t>(row.integer(sql::kTimersDue["timer"])),
                                  Timers::Kind::task});
          return true;
        }));
    if (partition == kFirstPartition) {
      RABT_TRY_STATUS(connection.query(
          sql::kSchedulesDue, {context_.options.tenant, due_by.ms}, [&](const store::Row& row) {
            found.timers.push_back(
                {Timestamp{row.integer(sql::kSchedulesDue["due_ms"])}, 0,
                 static_cast<std::uint64_t>(row.integer(sql::kSchedulesDue["definition"])),
                 Timers::Kind::schedule});
            return true;
          }));
    }
    RABT_TRY_STATUS(connection.query(sql::kNewestEvent, {}, [&](const store::Row& row) {
      found.last_event = row.integer(sql::kNewestEvent["newest_seq"]);
      return false;
    }));
    return connection.query(
        sql::kOpenMatches, {begin, end, after_event}, [&](const store::Row& row) {
          found.matches.push_back(
              {row.integer(sql::kOpenMatches["instance"]),
               static_cast<std::uint64_t>(row.integer(sql::kOpenMatches["listen"])),
               row.integer(sql::kOpenMatches["event"]), Json()});
          return true;
        });
  }));
  return found;
}

void Recovery::send(Found& found) {
  for (const std::int64_t num : found.busy) router_.send(RecoverInstance{num});
  for (EventMatch& match : found.matches) router_.send(std::move(match));
  for (const std::int64_t num : found.parents) router_.send(SettleChildren{num});
  for (const std::int64_t num : found.unwanted_children) router_.send(CancelChild{num});
  for (const Timers::Entry& entry : found.timers) timers_.add(entry);
}

Status Recovery::take(int partition) {
  RABT_TRY(found, find(partition, Timestamp{std::numeric_limits<std::int64_t>::max()}, 0));
  {
    const Lock lock(mutex_);
    seen_[partition] = {found.last_event, found.last_event};
  }
  partitions_.add(partition);
  if (!found.busy.empty() || !found.timers.empty()) {
    context_.parts.log.info("engine.recovered",
                            {{"instances", static_cast<std::int64_t>(found.busy.size())},
                             {"timers", static_cast<std::int64_t>(found.timers.size())},
                             {"offers", static_cast<std::int64_t>(found.matches.size())}});
  }
  send(found);
  return ok_status();
}

void Recovery::give(int partition) {
  partitions_.remove(partition);
  const auto release = [&] {
    std::vector<std::future<void>> done;
    router_.send_to_all([&]() -> Message {
      auto promise = std::make_shared<std::promise<void>>();
      done.push_back(promise->get_future());
      return ReleasePartition{partition, std::move(promise)};
    });
    for (std::future<void>& one : done) one.wait();
  };
  // The workers have handled what was sent before; the turns that came of it are written; then the
  // instances of these turns go, too.
  release();
  context_.parts.store.flush();
  release();
  context_.waiters.give(partition);
  const Lock lock(mutex_);
  seen_.erase(partition);
}

Status Recovery::sweep(int partition) {
  std::int64_t after_event = 0;
  {
    const Lock lock(mutex_);
    after_event = seen_[partition].before;
  }
  const Timestamp due_by{context_.parts.clock.now().ms - kSweepGraceMs};
  RABT_TRY(found, find(partition, due_by, after_event));
  {
    const Lock lock(mutex_);
    Seen& seen = seen_[partition];
    seen = {found.last_event, seen.newest};
  }
  send(found);
  return ok_status();
}

void Recovery::sweep() {
  // While the audit log takes no entry, recovering would only send calls again and again.
  if (!context_.parts.audit.state().appendable) return;
  for (int partition = 0; partition < kPartitions; ++partition) {
    if (!partitions_.has(partition)) continue;
    if (const Status done = sweep(partition); !done.ok())
      context_.parts.log.warn("engine.sweep_failed", {{"code", done.error().code}});
  }
  router_.send_to_all([]() -> Message { return SweepResidents{}; });
}

}  // namespace rabt::engine
