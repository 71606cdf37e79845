#include "hub/engine/engine.hpp"

#include <chrono>

#include "hub/base/limits.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

namespace rabt::engine {

// ---- life
// ---------------------------------------------------------------------------------------------------------

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  if (impl_ != nullptr) stop();
}

Result<std::unique_ptr<Engine>> Engine::recover(Parts parts, Options options) {
  if (options.http.allow == nullptr)
    options.http.allow = std::make_shared<const net::AllowList>();  // nothing
  auto impl = std::make_unique<Impl>(parts, std::move(options));
  Impl& engine = *impl;
  RABT_TRY_STATUS(engine.load_definitions());

  // Old events go first, so that recovery does not offer them.
  while (true) {
    std::int64_t removed = 0;
    const std::int64_t now = parts.clock.now().ms;
    RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(run(transaction, sql::kExpireEventKeys, {now}));
      RABT_TRY(events, transaction.execute(sql::kExpireEvents, {now}));
      removed = events;
      return ok_status();
    }));
    if (removed == 0) break;
  }

  std::vector<std::int64_t> busy;
  std::vector<Timers::Entry> timers;
  std::vector<Offer> offers;
  std::vector<std::int64_t> parents;
  std::vector<std::int64_t> unwanted;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kBusyInstances, {}, [&](const store::Row& row) {
      busy.push_back(row.integer(0));
      return true;
    }));
    RABT_TRY_STATUS(connection.query(sql::kAllTimers, {}, [&](const store::Row& row) {
      timers.push_back({Timestamp{row.integer(2)}, row.integer(0),
                        static_cast<std::uint64_t>(row.integer(1)), Timers::Kind::task});
      return true;
    }));
    RABT_TRY_STATUS(connection.query(sql::kParentsToAnswer, {}, [&](const store::Row& row) {
      parents.push_back(row.integer(0));
      return true;
    }));
    RABT_TRY_STATUS(connection.query(sql::kChildrenToCancel, {}, [&](const store::Row& row) {
      unwanted.push_back(row.integer(0));
      return true;
    }));
    RABT_TRY_STATUS(
        connection.query(sql::kAllSchedules, {engine.options.tenant}, [&](const store::Row& row) {
          timers.push_back({Timestamp{row.integer(1)}, 0,
                            static_cast<std::uint64_t>(row.integer(0)), Timers::Kind::schedule});
          return true;
        }));
    return connection.query(sql::kOpenOffers, {}, [&](const store::Row& row) {
      offers.push_back(
          {row.integer(0), static_cast<std::uint64_t>(row.integer(1)), row.integer(2), Json()});
      return true;
    });
  }));

  for (int i = 0; i < std::max(1, engine.options.workers); ++i) {
    engine.workers.push_back(std::make_unique<Worker>(engine));
  }
  for (const std::int64_t num : busy) engine.send(num, Recover{num});
  for (Offer& offer : offers) engine.send(offer.num, std::move(offer));
  for (const std::int64_t num : parents) engine.send(num, SettleChildren{num});
  for (const std::int64_t num : unwanted) engine.send(num, CancelChild{num});
  engine.timers.start([&engine](const Timers::Entry& entry) {
    if (entry.kind == Timers::Kind::schedule) {
      engine.schedule_due(entry);
    } else {
      engine.send(entry.instance, Rang{entry});
    }
  });
  for (const auto& worker : engine.workers) worker->start();
  for (const Timers::Entry& entry : timers) engine.timers.add(entry);
  if (!busy.empty() || !timers.empty()) {
    parts.log.info("engine.recovered", {{"instances", static_cast<std::int64_t>(busy.size())},
                                        {"timers", static_cast<std::int64_t>(timers.size())},
                                        {"offers", static_cast<std::int64_t>(offers.size())}});
  }
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

bool Engine::drain(std::int64_t timeout_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (impl_->counters.open_work.load() != 0) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void Engine::stop() {
  if (impl_->stopping.exchange(true)) return;
  impl_->timers.stop();
  for (const auto& worker : impl_->workers) worker->stop();
  impl_->http.reset();  // what is open ends now; its messages reach nobody
  impl_->parts.store.flush();
}

EngineStats Engine::stats() const {
  const Counters& c = impl_->counters;
  return {.started = c.started,
          .completed = c.completed,
          .faulted = c.faulted,
          .cancelled = c.cancelled,
          .turns = c.turns,
          .deliveries = c.deliveries,
          .repeated_deliveries = c.repeated,
          .events = c.events,
          .actions = c.actions,
          .resends = c.resends,
          .parked = c.parked,
          .late_results = c.late,
          .live = static_cast<std::uint64_t>(std::max<std::int64_t>(0, c.live))};
}

}  // namespace rabt::engine
