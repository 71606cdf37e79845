#include <algorithm>

#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

#include "hub/base/limits.hpp"

namespace rabt::engine {

namespace {

constexpr std::string_view kCorrelationField = "event.correlation";

crypto::SealContext event_context(const std::string& tenant, const std::string& uid_text) {
  return {tenant, "event", uid_text, "envelope"};
}

}  // namespace

Result<std::shared_ptr<const Act>> Engine::Impl::take_act() {
  RABT_TRY(lease, parts.keys.lease(options.tenant));
  RABT_TRY(event_key, lease.shared(keys::kEvent));
  return std::make_shared<const Act>(Act{std::move(lease), std::move(event_key)});
}

Result<PreparedEvent> Engine::Impl::prepare_event(Json envelope,
                                                  const std::shared_ptr<const Act>& act) {
  PreparedEvent event;
  const std::string& tenant = options.tenant;
  event.type = envelope.string_or("type", "");
  const Ulid uid = parts.ids.next();
  event.uid = std::string(uid.view());
  event.origin = act->lease.blind_index(
      "event.origin", envelope.string_or("source", "") + "\n" + envelope.string_or("id", ""));
  event.data_key = act->event_key->id();
  event.sealed =
      act->event_key->seal(event_context(tenant, event.uid), envelope.dump(), parts.random);

  std::set<std::string> correlations;
  const auto all = definitions();
  for (const DeployedDefinition& one : *all) {
    for (const std::string& key : one.definition->correlation_keys(envelope)) {
      correlations.insert(act->lease.blind_index(kCorrelationField, key));
    }
    if (one.active && one.definition->starts_on_all()) {
      const auto types = one.definition->start_types();
      if (std::find(types.begin(), types.end(), event.type) != types.end())
        event.collecting.push_back(one.id);
    }
    if (!one.active || !one.definition->starts_on(envelope)) continue;
    PreparedEvent::StartOf start;
    start.definition = one.id;
    start.id = parts.ids.next().text();
    const auto business_key = one.definition->business_key(Json::array({envelope}));
    if (business_key.ok() && business_key->has_value()) {
      start.business_key = act->lease.blind_index("instance.business_key",
                                                  one.definition->name() + "\n" + **business_key);
    }
    RABT_TRY(patients, patients_of(*one.definition, Json::array({envelope}), *act));
    start.patients = std::move(patients);
    RABT_TRY(key, act->lease.make(keys::kConsultation));
    start.key = std::move(key);
    event.starts.push_back(std::move(start));
  }
  if (!event.collecting.empty()) event.act = act;
  event.keys.assign(correlations.begin(), correlations.end());
  event.envelope = std::move(envelope);
  return event;
}

Status Engine::Impl::store_event(store::Transaction& transaction, const PreparedEvent& event,
                                 Routing& routing, std::vector<std::string>& instances) {
  const std::string& tenant = options.tenant;
  bool known = false;
  RABT_TRY_STATUS(transaction.query(sql::kFindEvent, {tenant, store::Blob{event.origin}},
                                    [&](const store::Row&) {
                                      known = true;
                                      return false;
                                    }));
  if (known) return ok_status();

  const std::int64_t now = parts.clock.now().ms;
  RABT_TRY(seq, transaction.next(sql::kEventNumbers));
  RABT_TRY_STATUS(run(transaction, sql::kInsertEvent,
                      {seq, store::Blob{event.uid}, tenant, store::Blob{event.origin},
                       store::Blob{event.data_key}, store::Blob{event.sealed}, now,
                       now + std::chrono::milliseconds(limits::kEventRetention).count()}));
  std::set<std::pair<std::int64_t, std::int64_t>> told;
  for (const std::string& key : event.keys) {
    RABT_TRY_STATUS(run(transaction, sql::kInsertEventKey, {tenant, store::Blob{key}, seq}));
    RABT_TRY_STATUS(transaction.query(
        sql::kSubscribersOfKey, {tenant, store::Blob{key}}, [&](const store::Row& row) {
          if (told.emplace(row.integer(0), row.integer(1)).second) {
            routing.offers.push_back(
                {row.integer(0), static_cast<std::uint64_t>(row.integer(1)), seq, event.envelope});
          }
          return true;
        }));
  }
  for (const PreparedEvent::StartOf& start : event.starts) {
    if (!start.business_key.empty()) {
      std::string existing;
      RABT_TRY_STATUS(transaction.query(sql::kLiveByBusinessKey,
                                        {tenant, store::Blob{start.business_key}},
                                        [&](const store::Row& row) {
                                          existing = std::string(row.text(0));
                                          return false;
                                        }));
      if (!existing.empty()) {
        instances.push_back(std::move(existing));
        continue;
      }
    }
    const store::Value business_key = start.business_key.empty()
                                          ? store::Value(store::Null{})
                                          : store::Value(store::Blob{start.business_key});
    RABT_TRY_STATUS(keys::insert(transaction, start.key));
    RABT_TRY(num, transaction.next(sql::kInstanceNumbers));
    RABT_TRY_STATUS(run(transaction, sql::kInsertInstance,
                        {num, start.id, tenant, start.definition, business_key, seq,
                         store::Blob{start.key.id}, now, now, binding}));
    RABT_TRY(patient, store_patients(transaction, num, start.patients, 0));
    instances.push_back(start.id);
    routing.begins.push_back({num, start.id, start.definition, seq, start.key.id, event.envelope,
                              nullptr, std::move(patient)});
  }
  for (const std::int64_t collecting : event.collecting)
    RABT_TRY_STATUS(collect_start(transaction, event, collecting, seq, routing, instances));
  return ok_status();
}

void Engine::Impl::route(Routing&& routing) {
  for (Begin& begin : routing.begins) {
    const std::int64_t num = begin.num;
    send(num, std::move(begin));
  }
  for (Offer& offer : routing.offers) {
    const std::int64_t num = offer.num;
    send(num, std::move(offer));
  }
  for (ChildEnded& answer : routing.answers) {
    const std::int64_t num = answer.parent;
    send(num, std::move(answer));
  }
  for (const CancelChild& cancel : routing.cancels) send(cancel.num, cancel);
  for (const Timers::Entry& timer : routing.timers) timers.add(timer);
}

Result<Json> Engine::Impl::read_event(std::int64_t seq) {
  std::string uid;
  std::string sealed;
  std::string data_key;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kReadEvent, {seq}, [&](const store::Row& row) {
      uid = std::string(row.blob(0));
      sealed = std::string(row.blob(1));
      data_key = std::string(row.blob(2));
      return false;
    });
  }));
  if (sealed.empty()) return not_found("engine.event", "the event is no longer stored");
  RABT_TRY(key, parts.keys.open(options.tenant, data_key));
  RABT_TRY(plain, key->open(event_context(options.tenant, uid), sealed));
  return Json::parse(plain);
}

Result<Accepted> Engine::accept(const Delivery& delivery) {
  Impl& engine = *impl_;
  if (engine.stopping)
    return unavailable("engine.stopping", "the hub is shutting down; deliver again");
  if (delivery.events.size() > static_cast<std::size_t>(limits::kMaxEventsPerDelivery)) {
    return invalid("engine.too_many_events", "one delivery may carry at most " +
                                                 std::to_string(limits::kMaxEventsPerDelivery) +
                                                 " events");
  }
  RABT_TRY(act, engine.take_act());
  std::vector<PreparedEvent> events;
  events.reserve(delivery.events.size());
  for (const Json& envelope : delivery.events) {
    RABT_TRY(event, engine.prepare_event(envelope, act));
    events.push_back(std::move(event));
  }

  const std::string dedupe =
      act->lease.blind_index("delivery", delivery.source + "\n" + delivery.dedupe_id);
  // A digest alone would let whoever has the database try what a body may have said.
  const std::string body = act->lease.blind_index("delivery_body", delivery.body_sha256);
  Accepted accepted;
  Routing routing;
  const Status written = engine.parts.store.write(
      [&](store::Transaction& transaction) -> Status {
        accepted = {};
        routing = {};
        bool conflicting = false;
        RABT_TRY_STATUS(transaction.query(sql::kFindDelivery,
                                          {delivery.tenant, delivery.source, store::Blob{dedupe}},
                                          [&](const store::Row& row) {
                                            accepted.repeated = true;
                                            conflicting = row.blob(0) != body;
                                            accepted.status = static_cast<int>(row.integer(1));
                                            accepted.answer = std::string(row.text(2));
                                            return false;
                                          }));
        if (conflicting) {
          return conflict("engine.delivery_conflict",
                          "a delivery with this id was accepted before with another body; use a "
                          "new id for new content");
        }
        if (accepted.repeated) return ok_status();

        std::vector<std::string> instances;
        for (const PreparedEvent& event : events) {
          RABT_TRY_STATUS(engine.store_event(transaction, event, routing, instances));
        }
        Json ids = Json::array();
        for (const std::string& id : instances) ids.push_back(id);
        accepted.answer = Json::object({{"accepted", true},
                                        {"events", static_cast<std::int64_t>(events.size())},
                                        {"instances", ids}})
                              .dump();
        const std::int64_t now = engine.parts.clock.now().ms;
        RABT_TRY_STATUS(run(transaction, sql::kInsertDelivery,
                            {delivery.tenant, delivery.source, store::Blob{dedupe},
                             store::Blob{body}, accepted.status, accepted.answer, now}));
        // One entry a patient, so that each has their own record of it.
        std::map<std::string, std::int64_t> started;
        for (const Begin& begin : routing.begins) ++started[begin.patient];
        if (started.empty()) started[std::string()] = 0;
        for (const auto& [patient, count] : started) {
          const auto of_patient =
              std::find_if(routing.begins.begin(), routing.begins.end(),
                           [&](const Begin& begin) { return begin.patient == patient; });
          const std::string instance = of_patient != routing.begins.end() ? of_patient->id
                                       : instances.empty()                ? std::string()
                                                                          : instances.front();
          RABT_TRY_STATUS(engine.parts.audit.append(
              transaction,
              engine.parts.audit.prepare(
                  {.tenant = delivery.tenant,
                   .actor = "source:" + delivery.source,
                   .act = "webhook.accepted",
                   .object = instance.empty() ? "" : "instance:" + instance,
                   .result = "ok",
                   .detail = Json::object(
                       {{"events", static_cast<std::int64_t>(events.size())}, {"started", count}}),
                   .patient = to_hex(as_bytes(patient)),
                   .client = delivery.client,
                   .request = delivery.request})));
        }
        return ok_status();
      },
      store::Store::Need::droppable);
  if (!written.ok()) return written.error();
  ++engine.counters.deliveries;
  if (accepted.repeated) {
    ++engine.counters.repeated;
    return accepted;
  }
  engine.counters.events += events.size();
  engine.route(std::move(routing));
  return accepted;
}

}  // namespace rabt::engine
