#include <algorithm>
#include <map>

#include "hub/base/limits.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

// Intake of deliveries of events.
namespace rabt::engine {

namespace {

// A delivery made ready outside of the job, and what storing it gave.
struct Intake {
  const Delivery& delivery;
  // Blind indexes of the delivery's id and of its body. A digest of the body alone would let
  // whoever has the database try what a body may have said.
  std::string dedupe;
  std::string body;
  std::vector<PreparedEvent> events;
  Accepted accepted;
  AfterCommit after;
};

std::string answer_of(const Intake& intake, const std::vector<std::string>& instances) {
  Json ids = Json::array();
  for (const std::string& id : instances) ids.push_back(id);
  return Json::object({{"accepted", true},
                       {"events", static_cast<std::int64_t>(intake.events.size())},
                       {"instances", ids}})
      .dump();
}

// The answer when every event is new and every instance can start.
std::string expected_answer(const Intake& intake) {
  std::vector<std::string> instances;
  for (const PreparedEvent& event : intake.events) {
    for (const PreparedStart& start : event.starts) instances.push_back(start.id);
  }
  return answer_of(intake, instances);
}

Status find_repeated(store::Transaction& transaction, Intake& intake) {
  bool conflicting = false;
  RABT_TRY_STATUS(transaction.query(
      sql::kFindDelivery,
      {intake.delivery.tenant, intake.delivery.source, store::Blob{intake.dedupe}},
      [&](const store::Row& row) {
        intake.accepted.repeated = true;
        conflicting = row.blob(sql::kFindDelivery["body_index"]) != intake.body;
        intake.accepted.status = static_cast<int>(row.integer(sql::kFindDelivery["status"]));
        intake.accepted.answer = std::string(row.text(sql::kFindDelivery["answer"]));
        return false;
      }));
  if (conflicting) {
    return conflict("engine.delivery_conflict",
                    "a delivery with this id was accepted before with another body; use a new id "
                    "for new content");
  }
  if (!intake.accepted.repeated)
    return conflict(std::string(store::kRaced), "the delivery has just been removed");
  return ok_status();
}

// One entry for each patient, so that each has a record of the delivery.
Status append_entries(store::Transaction& transaction, audit::AuditLog& audit, const Intake& intake,
                      const std::vector<std::string>& instances) {
  const Delivery& delivery = intake.delivery;
  const std::vector<BeginInstance>& begins = intake.after.begins;
  std::map<std::string, std::int64_t> started;
  for (const BeginInstance& begin : begins) ++started[begin.patient];
  if (started.empty()) started[std::string()] = 0;
  for (const auto& one : started) {
    const std::string& patient = one.first;
    const auto of_patient =
        std::find_if(begins.begin(), begins.end(),
                     [&](const BeginInstance& begin) { return begin.patient == patient; });
    const std::string instance = of_patient != begins.end() ? of_patient->id
                                 : instances.empty()        ? std::string()
                                                            : instances.front();
    RABT_TRY_STATUS(audit.append(
        transaction,
        audit.prepare(
            {.tenant = delivery.tenant,
             .actor = "source:" + delivery.source,
             .act = "webhook.accepted",
             .object = instance.empty() ? "" : "instance:" + instance,
             .result = "ok",
             .detail = Json::object({{"events", static_cast<std::int64_t>(intake.events.size())},
                                     {"started", one.second}}),
             .patient = to_hex(as_bytes(patient)),
             .client = delivery.client,
             .request = delivery.request})));
  }
  return ok_status();
}

Status store_delivery(store::Transaction& transaction, Engine::Impl& engine, Intake& intake) {
  const Delivery& delivery = intake.delivery;
  intake.after = {};
  if (delivery.first) RABT_TRY_STATUS(delivery.first(transaction));
  intake.accepted = {.answer = expected_answer(intake)};
  RABT_TRY(fresh,
           transaction.execute(sql::kInsertDelivery,
                               {delivery.tenant, delivery.source, store::Blob{intake.dedupe},
                                store::Blob{intake.body}, intake.accepted.status,
                                intake.accepted.answer, engine.context.parts.clock.now().ms}));
  if (fresh == 0) return find_repeated(transaction, intake);
  std::vector<std::string> instances;
  for (const PreparedEvent& event : intake.events)
    RABT_TRY_STATUS(engine.events.store(transaction, event, intake.after, instances));
  if (std::string answer = answer_of(intake, instances); answer != intake.accepted.answer) {
    intake.accepted.answer = std::move(answer);
    transaction.put(sql::kUpdateDelivery, {delivery.tenant, delivery.source,
                                           store::Blob{intake.dedupe}, intake.accepted.answer});
  }
  return append_entries(transaction, engine.context.parts.audit, intake, instances);
}

// begun: instances that the events started; repeated: events that had come before; unheard: one
// starts an instance later; routed: an instance was told of one of the events. An event that came
// before in another delivery counts as used: a loss that may be none is not reported.
Accepted::Use use_of(const Intake& intake, std::size_t begun, std::size_t repeated, bool unheard,
                     bool routed) {
  using Use = Accepted::Use;
  if (routed || begun > 0 || repeated > 0) return Use::used;
  bool would_start = false;
  bool kept = unheard;
  for (const PreparedEvent& event : intake.events) {
    if (!event.collecting.empty()) return Use::used;
    would_start = would_start || !event.starts.empty();
    kept = kept || !event.keys.empty();
  }
  // An instance of the key that does other work now may wait for the event later.
  if (kept) return Use::kept;
  return would_start ? Use::key_taken : Use::none;
}

// Blind indexes of the delivery's id and of its body.
void add_indexes(Intake& intake, const KeyLease& lease) {
  const Delivery& delivery = intake.delivery;
  intake.dedupe = lease.keys.blind_index("delivery", delivery.source + "\n" + delivery.dedupe_id);
  intake.body = lease.keys.blind_index("delivery_body", delivery.body_sha256);
}

}  // namespace

Status Engine::Impl::takes_events() const {
  if (stopping) return unavailable("engine.stopping", "the hub is shutting down; deliver again");
  if (partitions.any() < 0) {
    return unavailable("engine.no_partition",
                       "this hub runs no instances now; deliver to another, or again");
  }
  return ok_status();
}

bool Engine::wants(std::string_view type) const {
  return impl_->wanted.has(type);
}

Status Engine::tell(const std::vector<Json>& events, const store::Store::Job& also) {
  Impl& engine = *impl_;
  Context& context = engine.context;
  RABT_TRY_STATUS(engine.takes_events());
  RABT_TRY(lease, KeyLease::take(context.parts.keys, context.options.tenant));
  std::vector<PreparedEvent> prepared;
  for (const Json& envelope : events) {
    if (!wants(envelope.string_or("type", ""))) continue;
    RABT_TRY(event, engine.events.prepare(envelope, lease));
    prepared.push_back(std::move(event));
  }
  AfterCommit after;
  RABT_TRY_STATUS(context.parts.store.write([&](store::Transaction& transaction) -> Status {
    after = {};
    std::vector<std::string> instances;
    for (const PreparedEvent& event : prepared)
      RABT_TRY_STATUS(engine.events.store(transaction, event, after, instances));
    return also(transaction);
  }));
  context.counters.events += prepared.size() - after.known_events;
  engine.router.route(std::move(after));
  return ok_status();
}

Result<Known> Engine::known(const Delivery& delivery) {
  Context& context = impl_->context;
  RABT_TRY(lease, KeyLease::take(context.parts.keys, context.options.tenant));
  Intake intake{.delivery = delivery};
  add_indexes(intake, *lease);
  Known out = Known::nothing;
  RABT_TRY_STATUS(context.parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::kFindDelivery, {delivery.tenant, delivery.source, store::Blob{intake.dedupe}},
        [&](const store::Row& row) {
          out = row.blob(sql::kFindDelivery["body_index"]) == intake.body ? Known::same
                                                                          : Known::changed;
          return false;
        });
  }));
  return out;
}

Result<Accepted> Engine::accept(const Delivery& delivery) {
  Impl& engine = *impl_;
  Context& context = engine.context;
  RABT_TRY_STATUS(engine.takes_events());
  if (delivery.events.size() > static_cast<std::size_t>(limits::kMaxEventsPerDelivery)) {
    return invalid("engine.too_many_events", "one delivery may carry at most " +
                                                 std::to_string(limits::kMaxEventsPerDelivery) +
                                                 " events");
  }
  RABT_TRY(lease, KeyLease::take(context.parts.keys, context.options.tenant));
  Intake intake{.delivery = delivery};
  add_indexes(intake, *lease);
  intake.events.reserve(delivery.events.size());
  for (const Json& envelope : delivery.events) {
    RABT_TRY(event, engine.events.prepare(envelope, lease));
    if (delivery.starts_nothing) {
      event.starts.clear();
      event.collecting.clear();
    }
    intake.events.push_back(std::move(event));
  }
  RABT_TRY_STATUS(context.parts.store.write(
      [&](store::Transaction& transaction) { return store_delivery(transaction, engine, intake); },
      store::Store::Need::droppable));
  ++context.counters.deliveries;
  if (intake.accepted.repeated) {
    ++context.counters.repeated;
    return std::move(intake.accepted);
  }
  context.counters.events += intake.events.size();
  const std::size_t begun = intake.after.begins.size();
  const std::size_t repeated = intake.after.known_events;
  const bool unheard = intake.after.unheard;
  const bool routed = engine.router.route(std::move(intake.after));
  intake.accepted.use = use_of(intake, begun, repeated, unheard, routed);
  return std::move(intake.accepted);
}

}  // namespace rabt::engine
