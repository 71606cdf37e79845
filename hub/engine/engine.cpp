#include "hub/engine/engine.hpp"

#include <chrono>

#include "hub/base/limits.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

namespace rabt::engine {

// ---- definitions
// --------------------------------------------------------------------------------------------------

std::shared_ptr<const std::vector<DeployedDefinition>> Engine::Impl::definitions() const {
  const std::shared_lock lock(definitions_mutex);
  return deployed;
}

std::shared_ptr<const workflow::Definition> Engine::Impl::definition(std::int64_t id) const {
  const auto all = definitions();
  for (const DeployedDefinition& one : *all) {
    if (one.id == id) return one.definition;
  }
  return nullptr;
}

Status Engine::Impl::load_definitions() {
  struct Row {
    std::int64_t id;
    std::string name;
    std::string source;
    bool active;
  };
  std::vector<Row> rows;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kAllDefinitions, {options.tenant}, [&](const store::Row& row) {
      rows.push_back({row.integer(0), std::string(row.text(1)), std::string(row.blob(3)),
                      row.integer(4) != 0});
      return true;
    });
  }));
  auto loaded = std::make_shared<std::vector<DeployedDefinition>>();
  for (Row& row : rows) {
    // Without the catalogue: what runs was checked when it was deployed, and must go on although a
    // plugin is missing today.
    auto parsed = workflow::parse_definition(row.source, nullptr);
    if (parsed.definition == nullptr) {
      return corrupt(
          "engine.definition",
          "the stored definition of workflow " + row.name + " no longer parses: " +
              (parsed.diagnostics.empty() ? std::string("unknown reason")
                                          : to_string(parsed.diagnostics.front(), row.name)));
    }
    loaded->push_back({row.id, parsed.definition, row.active});
  }
  const std::unique_lock lock(definitions_mutex);
  deployed = std::move(loaded);
  return ok_status();
}

Result<Deployed> Engine::deploy(std::string_view yaml, std::string_view file) {
  Impl& engine = *impl_;
  const std::scoped_lock serial(engine.deploy_mutex);
  const auto parsed = workflow::parse_definition(yaml, &engine.parts.actions);
  if (parsed.definition == nullptr) {
    std::string message;
    for (const auto& diagnostic : parsed.diagnostics) {
      if (diagnostic.severity != workflow::Severity::error) continue;
      if (!message.empty()) message.push_back('\n');
      message.append(to_string(diagnostic, file));
    }
    return invalid("engine.definition", std::move(message));
  }
  const workflow::Definition& definition = *parsed.definition;
  const std::string sha256 = to_hex(crypto::sha256(yaml));
  const std::string& tenant = engine.options.tenant;
  Deployed deployed{
      .id = 0, .name = definition.name(), .version = definition.version(), .changed = true};
  RABT_TRY_STATUS(engine.parts.store.write([&](store::Transaction& transaction) -> Status {
    std::string stored;
    bool active = false;
    RABT_TRY_STATUS(transaction.query(
        sql::kFindDefinition,
        {tenant, definition.name_space(), definition.name(), definition.version()},
        [&](const store::Row& row) {
          deployed.id = row.integer(0);
          stored = std::string(row.text(1));
          active = row.integer(2) != 0;
          return false;
        }));
    if (!stored.empty() && stored != sha256) {
      return conflict("engine.version_taken",
                      "workflow " + definition.name() + " " + definition.version() +
                          " is deployed with other content; raise document.version");
    }
    if (!stored.empty() && active) {
      deployed.changed = false;
      return ok_status();
    }
    RABT_TRY(rows, transaction.execute(sql::kDeactivateDefinitions,
                                       {tenant, definition.name_space(), definition.name()}));
    (void)rows;
    if (!stored.empty()) {
      RABT_TRY(activated, transaction.execute(sql::kActivateDefinition, {deployed.id}));
      (void)activated;
    } else {
      RABT_TRY(inserted, transaction.execute(sql::kInsertDefinition,
                                             {tenant, definition.name_space(), definition.name(),
                                              definition.version(), sha256, store::Blob{yaml},
                                              engine.parts.clock.now().ms}));
      (void)inserted;
      deployed.id = transaction.last_insert_id();
    }
    return engine.parts.audit.append(
        transaction, engine.parts.audit.prepare(
                         {.tenant = tenant,
                          .actor = "operator",
                          .act = "workflow.deployed",
                          .object = "workflow:" + definition.name() + "@" + definition.version(),
                          .result = "ok",
                          .detail = Json::object({{"sha256", sha256}})}));
  }));
  if (!deployed.changed) return deployed;
  RABT_TRY_STATUS(engine.load_definitions());
  return deployed;
}

// ---- life
// ---------------------------------------------------------------------------------------------------------

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  if (impl_ != nullptr) stop();
}

Result<std::unique_ptr<Engine>> Engine::recover(Parts parts, Options options) {
  auto impl = std::make_unique<Impl>(parts, std::move(options));
  Impl& engine = *impl;
  engine.event_key = std::make_shared<const crypto::DataKey>(
      parts.keyring.purpose_key(engine.options.tenant, "event"));
  RABT_TRY_STATUS(engine.load_definitions());

  // Old events go first, so that recovery does not offer them.
  while (true) {
    std::int64_t removed = 0;
    const std::int64_t now = parts.clock.now().ms;
    RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(keys, transaction.execute(sql::kExpireEventKeys, {now}));
      (void)keys;
      RABT_TRY(events, transaction.execute(sql::kExpireEvents, {now}));
      removed = events;
      return ok_status();
    }));
    if (removed == 0) break;
  }

  std::vector<std::int64_t> busy;
  std::vector<Timers::Entry> timers;
  std::vector<Offer> offers;
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
  engine.timers.start(
      [&engine](const Timers::Entry& entry) { engine.send(entry.instance, Rang{entry}); });
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
