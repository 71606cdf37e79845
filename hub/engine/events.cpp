#include "hub/engine/events.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "hub/base/event_names.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/model.hpp"
#include "hub/workflow/said.hpp"

namespace rabt::engine {

namespace {

// Stored events of one key that a listen is offered: the newest.
constexpr std::int64_t kMaxEventsOfKey = 1'000;
// Patience with an event whose order against the start is not known, because a source gave no time:
// it meets an instance that starts so much later at most.
constexpr std::int64_t kUnorderedMs = 60LL * 60 * 1000;

crypto::SealContext event_context(const std::string& tenant, const std::string& uid) {
  return {tenant, "event", uid, "envelope"};
}

}  // namespace

Result<PreparedEvent> Events::prepare(Json envelope,
                                      const std::shared_ptr<const KeyLease>& lease) const {
  PreparedEvent event;
  const std::string type = envelope.string_or("type", "");
  event.uid = std::string(context_.parts.ids.next().view());
  event.origin = lease->keys.blind_index(
      "event.origin", envelope.string_or("source", "") + "\n" + envelope.string_or("id", ""));
  event.data_key = lease->event_key->id();
  event.sealed = lease->event_key->seal(event_context(context_.options.tenant, event.uid),
                                        envelope.dump(), context_.parts.random);
  std::set<std::string> correlations;
  const auto all = definitions_.all();
  for (const DeployedDefinition& definition : *all) {
    for (const std::string& key : definition.definition->correlation_keys(envelope))
      correlations.insert(lease->keys.blind_index(kCorrelationField, key));
    if (definition.active && definition.definition->starts_on_all()) {
      const auto types = definition.definition->start_types();
      if (std::find(types.begin(), types.end(), type) != types.end())
        event.collecting.push_back(definition.id);
    }
    if (!definition.active || !definition.definition->starts_on(envelope)) continue;
    RABT_TRY(start, starts_.prepare(definition.id, *definition.definition, envelope, *lease));
    event.starts.push_back(std::move(start));
  }
  if (!event.collecting.empty()) event.lease = lease;
  if (!event.collecting.empty() || !event.starts.empty()) event.definitions = all;
  event.keys.assign(correlations.begin(), correlations.end());
  event.envelope = std::move(envelope);
  return event;
}

Status Events::store(store::Transaction& transaction, const PreparedEvent& event,
                     AfterCommit& after, std::vector<std::string>& instances) const {
  const std::string& tenant = context_.options.tenant;
  const std::int64_t now = context_.parts.clock.now().ms;
  RABT_TRY(number, transaction.next(sql::kEventNumbers));
  RABT_TRY(fresh,
           transaction.execute(sql::kInsertEvent,
                               {number, store::Blob{event.uid}, tenant, store::Blob{event.origin},
                                store::Blob{event.data_key}, store::Blob{event.sealed}, now,
                                now + std::chrono::milliseconds(limits::kEventRetention).count()}));
  if (fresh == 0) {
    ++after.known_events;
    return ok_status();
  }
  for (const std::string& key : event.keys)
    transaction.put(sql::kInsertEventKey, {tenant, store::Blob{key}, number});
  if (!event.keys.empty()) after.events.push_back({number, event.keys, event.envelope});
  std::set<std::string> begun;
  for (const PreparedStart& start : event.starts) {
    RABT_TRY(stored, starts_.store(transaction, start, number, event.envelope, after));
    instances.push_back(stored.num != 0 ? start.id : stored.existing);
    if (stored.num != 0) begun.insert(start.business_key);
    // An instance of this event took the key for another workflow of the name.
    if (stored.refused != kBusinessKeyTaken || begun.contains(start.business_key)) continue;
    const auto definition = definitions_.find(start.definition);
    if (definition == nullptr || !definition->unheard_starts()) continue;
    RABT_TRY_STATUS(store::compare_and_set(transaction, sql::kInsertUnheardStart,
                                           {tenant, store::Blob{start.business_key}, number}));
    after.unheard = true;
  }
  for (const std::int64_t collecting : event.collecting)
    RABT_TRY_STATUS(collect(transaction, event, collecting, number, after, instances));
  return ok_status();
}

Result<std::vector<UnheardStart>> Events::unheard() const {
  std::vector<UnheardStart> found;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::kUnheardStarts, {context_.options.tenant}, [&](const store::Row& row) {
          found.push_back({std::string(row.blob(sql::kUnheardStarts["business_key"])),
                           row.integer(sql::kUnheardStarts["event"]),
                           row.integer(sql::kUnheardStarts["instance"])});
          return true;
        });
  }));
  return found;
}

Result<AfterCommit> Events::start_unheard(const UnheardStart& unheard, const Json& envelope) const {
  const std::string& tenant = context_.options.tenant;
  std::vector<PreparedStart> starts;
  // Held until the job has run, as in a PreparedEvent.
  const auto all = definitions_.all();
  if (!envelope.is_null()) {
    RABT_TRY(lease, KeyLease::take(context_.parts.keys, tenant));
    for (const DeployedDefinition& definition : *all) {
      if (!definition.active || !definition.definition->unheard_starts() ||
          !definition.definition->starts_on(envelope))
        continue;
      RABT_TRY(start, starts_.prepare(definition.id, *definition.definition, envelope, *lease));
      if (start.business_key == unheard.business_key) starts.push_back(std::move(start));
    }
  }
  const store::Value key = store::Blob{unheard.business_key};
  AfterCommit after;
  RABT_TRY_STATUS(context_.parts.store.write([&](store::Transaction& transaction) -> Status {
    after = {};
    RABT_TRY(rows, transaction.execute(sql::kDeleteUnheardStart, {tenant, key, unheard.event}));
    // Somebody else was quicker.
    if (rows == 0) return ok_status();
    for (const PreparedStart& start : starts) {
      RABT_TRY(stored, starts_.store(transaction, start, unheard.event, envelope, after));
      if (stored.num != 0) transaction.put(sql::kUnheardBy, {tenant, key, stored.num});
    }
    if (starts.empty() || !after.begins.empty()) return ok_status();
    // Another event has taken the key meanwhile.
    return store::compare_and_set(transaction, sql::kInsertUnheardStart,
                                  {tenant, key, unheard.event});
  }));
  return after;
}

Result<Json> Events::read(std::int64_t event) const {
  std::string uid;
  std::string sealed;
  std::string data_key;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kReadEvent, {event}, [&](const store::Row& row) {
      uid = std::string(row.blob(sql::kReadEvent["uid"]));
      sealed = std::string(row.blob(sql::kReadEvent["sealed"]));
      data_key = std::string(row.blob(sql::kReadEvent["data_key"]));
      return false;
    });
  }));
  if (sealed.empty()) return not_found("engine.event", "the event is no longer stored");
  RABT_TRY(key, context_.parts.keys.open(context_.options.tenant, data_key));
  RABT_TRY(plain, key->open(event_context(context_.options.tenant, uid), sealed));
  return Json::parse(plain);
}

Result<Timestamp> Events::received_at(std::int64_t event) const {
  Timestamp received;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kEventReceived, {event}, [&](const store::Row& row) {
      received.ms = row.integer(sql::kEventReceived["received_ms"]);
      return false;
    });
  }));
  return received;
}

Result<Events::Order> Events::order_of(std::int64_t event, const Json& envelope) const {
  Order order;
  RABT_TRY(received, received_at(event));
  order.received_ms = received.ms;
  if (const auto said = workflow::said_at(envelope)) order.said_ms = said->ms;
  return order;
}

Result<bool> Events::overtook(std::int64_t num, std::int64_t start_event, std::int64_t event,
                              const Json& envelope) const {
  // The hub tells its own events in their order.
  if (is_hub_type(envelope.string_or("type", ""))) return false;
  RABT_TRY(start, read(start_event));
  RABT_TRY(of_start, order_of(start_event, start));
  RABT_TRY(of_event, order_of(event, envelope));
  // The sources tell the order, unless both happened at once.
  if (of_start.said_ms && of_event.said_ms && *of_event.said_ms != *of_start.said_ms)
    return *of_event.said_ms > *of_start.said_ms;
  if (of_start.received_ms - of_event.received_ms > kUnorderedMs) return false;
  // Without an order the event belongs to the instance that was there when it came.
  bool present = false;
  bool earlier = false;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kEarlierOfBusinessKey, {num, event}, [&](const store::Row& row) {
      present = true;
      earlier = row.integer(sql::kEarlierOfBusinessKey["has_earlier"]) != 0;
      return false;
    });
  }));
  return present && !earlier;
}

Result<std::vector<EventMatch>> Events::listens_for(const std::vector<StoredEvent>& events) const {
  std::vector<EventMatch> matches;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) -> Status {
    for (const StoredEvent& stored : events) {
      std::set<std::pair<std::int64_t, std::int64_t>> found;
      for (const std::string& key : stored.keys) {
        RABT_TRY_STATUS(
            connection.query(sql::kSubscribersOfKey, {context_.options.tenant, store::Blob{key}},
                             [&](const store::Row& row) {
                               found.emplace(row.integer(sql::kSubscribersOfKey["instance"]),
                                             row.integer(sql::kSubscribersOfKey["listen"]));
                               return true;
                             }));
      }
      for (const auto& [num, listen] : found)
        matches.push_back({num, static_cast<std::uint64_t>(listen), stored.event, stored.envelope});
    }
    return ok_status();
  }));
  return matches;
}

Result<std::vector<EventMatch>> Events::events_for(const std::vector<StoredListen>& listens) const {
  std::vector<EventMatch> matches;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) -> Status {
    for (const StoredListen& listen : listens) {
      std::set<std::int64_t> found;
      for (const std::string& key : listen.keys) {
        RABT_TRY_STATUS(connection.query(
            sql::kEventsOfKey,
            {context_.options.tenant, store::Blob{key}, listen.start_event, kMaxEventsOfKey},
            [&](const store::Row& row) {
              found.insert(row.integer(sql::kEventsOfKey["event"]));
              return true;
            }));
      }
      for (const std::int64_t event : found)
        matches.push_back({listen.num, listen.listen, event, Json()});
    }
    return ok_status();
  }));
  return matches;
}

Status Events::collect(store::Transaction& transaction, const PreparedEvent& event,
                       std::int64_t definition_id, std::int64_t number, AfterCommit& after,
                       std::vector<std::string>& instances) const {
  const std::string& tenant = context_.options.tenant;
  const auto active = definitions_.find(definition_id);
  if (active == nullptr) return ok_status();
  const std::string row_name = active->name_space() + "/" + active->name();
  const crypto::SealContext seal_to{tenant, "start_set", row_name, "pending"};
  std::int64_t of = 0;
  std::int64_t version = 0;
  std::string sealed;
  std::string data_key;
  RABT_TRY_STATUS(
      transaction.query(sql::kFindStartSet, {tenant, active->name_space(), active->name()},
                        [&](const store::Row& row) {
                          of = row.integer(sql::kFindStartSet["definition"]);
                          sealed = std::string(row.blob(sql::kFindStartSet["sealed"]));
                          data_key = std::string(row.blob(sql::kFindStartSet["data_key"]));
                          version = row.integer(sql::kFindStartSet["version"]);
                          return false;
                        }));
  // Sets of another version go on when it starts on the same events.
  const auto of_definition = of == 0 ? nullptr : definitions_.find(of);
  Json pending;
  if (of_definition != nullptr && of_definition->model().document["schedule"]["on"] ==
                                      active->model().document["schedule"]["on"]) {
    // Events whose retention is over are gone from the set as well.
    const auto key = event.lease->keys.open(transaction, data_key);
    if (!key.ok() && key.error().code != "keys.shredded") return key.error();
    if (key.ok()) {
      RABT_TRY(plain, (*key)->open(seal_to, sealed));
      RABT_TRY(stored, Json::parse(plain));
      pending = std::move(stored);
    }
  }
  auto step = active->collect_start(pending, event.envelope, context_.parts.clock.now());
  if (!(step.pending == pending)) {
    const crypto::DataKey& key = *event.lease->event_key;
    const std::string kept = key.seal(seal_to, step.pending.dump(), context_.parts.random);
    // Both change no row when another writer has changed the set since it was read.
    RABT_TRY_STATUS(
        version == 0
            ? store::compare_and_set(transaction, sql::kInsertStartSet,
                                     {tenant, active->name_space(), active->name(), definition_id,
                                      store::Blob{key.id()}, store::Blob{kept}})
            : store::compare_and_set(transaction, sql::kUpdateStartSet,
                                     {tenant, active->name_space(), active->name(), definition_id,
                                      store::Blob{key.id()}, store::Blob{kept}, version}));
  }
  if (!step.start) return ok_status();
  RABT_TRY(start,
           starts_.prepare(definition_id, Origin{.input = std::move(*step.start)}, *event.lease));
  RABT_TRY(stored, starts_.store(transaction, start, number, Json(), after));
  if (stored.num != 0) instances.push_back(start.id);
  return ok_status();
}

}  // namespace rabt::engine
