#include "hub/engine/turn_store.hpp"

#include <algorithm>
#include <chrono>

#include "hub/engine/instance_reader.hpp"
#include "hub/engine/statements.hpp"
#include "hub/engine/stopwatch.hpp"

namespace rabt::engine {

namespace {

std::int64_t column(std::uint64_t id) {
  return static_cast<std::int64_t>(id);
}

void put_waits(store::Transaction& transaction, const std::string& tenant,
               const PreparedTurn& prepared) {
  const Turn& turn = prepared.turn;
  const std::int64_t num = prepared.num;
  for (const std::uint64_t timer : turn.timers_done)
    transaction.put(sql::kDeleteTimer, {num, column(timer)});
  for (const std::uint64_t listen : turn.listens_done)
    transaction.put(sql::kDeleteSubscription, {num, column(listen)});
  for (const workflow::StartTimer& timer : turn.timers)
    transaction.put(sql::kInsertTimer, {num, column(timer.id), timer.due.ms});
  for (const PreparedListen& listen : prepared.listens) {
    for (const std::string& key : listen.keys)
      transaction.put(sql::kInsertSubscription, {tenant, store::Blob{key}, num, column(listen.id)});
  }
}

// A rewound instance lives again: nobody else may have its business key or do its work.
Status check_alone(store::Transaction& transaction, std::int64_t num) {
  std::string holder;
  RABT_TRY_STATUS(transaction.query(sql::kHolderOfBusinessKey, {num}, [&](const store::Row& row) {
    holder = std::string(row.text(sql::kHolderOfBusinessKey["id"]));
    return false;
  }));
  if (!holder.empty()) {
    return conflict(std::string(kRetryKeyTaken),
                    "instance " + holder + " lives for the same business key");
  }
  RABT_TRY_STATUS(transaction.query(sql::kRestartedAs, {num}, [&](const store::Row& row) {
    holder = std::string(row.text(sql::kRestartedAs["id"]));
    return false;
  }));
  if (holder.empty()) return ok_status();
  return conflict(std::string(kRestarted), "the instance was started again as " + holder);
}

store::Value text_or_null(const std::string& text) {
  return text.empty() ? store::Value(store::Null{}) : store::Value(text);
}

void put_instance(store::Transaction& transaction, const PreparedTurn& prepared) {
  const Turn& turn = prepared.turn;
  const std::int64_t num = prepared.num;
  const std::int64_t now = turn.input.at.ms;
  for (const auto& [was, new_id] : turn.renamed_calls)
    transaction.put(sql::kRenameDispatched, {num, column(was), column(new_id)});
  if (turn.answered_call != 0)
    transaction.put(sql::kDeleteDispatched, {num, column(turn.answered_call)});
  if (turn.unpark)
    transaction.put(sql::kParkInstance, {text_or_null(turn.parked_next.call),
                                         text_or_null(turn.parked_next.question), now, num});
  if (turn.update_instance)
    transaction.put(sql::kUpdateInstance,
                    {turn.status, turn.busy ? 1 : 0, now, num, text_or_null(turn.about)});
  if (const auto* const rewound = std::get_if<workflow::Rewound>(&turn.input.what);
      rewound != nullptr && !rewound->version.empty())
    transaction.put(sql::kDefinitionOfInstance, {prepared.definition, num});
  if (turn.update_code) transaction.put(sql::kCodeOfInstance, {text_or_null(turn.code), num});
  if (turn.finished) {
    transaction.put(sql::kDeleteTimers, {num});
    transaction.put(sql::kDeleteSubscriptions, {num});
  }
}

Status store_child(store::Transaction& transaction, const TurnTools& tools,
                   const PreparedStart& start, PreparedTurn& prepared) {
  const Origin& origin = *start.origin;
  RABT_TRY(stored,
           tools.starts.store(transaction, start, prepared.start_event, Json(), prepared.after));
  if (stored.num == 0) {
    audit::AuditLog& audit = tools.context.parts.audit;
    RABT_TRY_STATUS(
        audit.append(transaction, audit.prepare({.tenant = tools.context.options.tenant,
                                                 .actor = "node:engine",
                                                 .act = "child.refused",
                                                 .object = "instance:" + origin.parent_id,
                                                 .result = stored.refused,
                                                 .detail = Json(),
                                                 .patient = to_hex(as_bytes(prepared.patient))})));
  }
  if (!origin.awaited) return ok_status();
  const store::Value refused = stored.num != 0 ? store::Value(store::Null{})
                                               : store::Value(std::string_view(stored.refused));
  transaction.put(sql::kInsertChild, {prepared.num, column(origin.call), stored.num, refused});
  if (stored.num == 0)
    prepared.after.answers.push_back(
        {prepared.num, origin.call, refused_outcome(stored.refused), {}});
  return ok_status();
}

Status cancel_children(store::Transaction& transaction, PreparedTurn& prepared) {
  struct Row {
    std::int64_t call;
    std::int64_t instance;
    bool runs;
  };
  std::vector<Row> rows;
  RABT_TRY_STATUS(transaction.query(sql::kChildrenOf, {prepared.num}, [&](const store::Row& row) {
    rows.push_back({row.integer(sql::kChildrenOf["call"]),
                    row.integer(sql::kChildrenOf["instance"]),
                    !row.is_null(sql::kChildrenOf["num"])});
    return true;
  }));
  const std::vector<std::uint64_t>& cancelled = prepared.turn.cancelled_children;
  for (const Row& row : rows) {
    if (std::find(cancelled.begin(), cancelled.end(), static_cast<std::uint64_t>(row.call)) ==
        cancelled.end())
      continue;
    transaction.put(row.runs ? sql::kCancelChild : sql::kDeleteChild, {prepared.num, row.call});
    if (row.runs) prepared.after.cancels.push_back({row.instance});
  }
  return ok_status();
}

Status store_children(store::Transaction& transaction, const TurnTools& tools,
                      PreparedTurn& prepared) {
  const Turn& turn = prepared.turn;
  for (const PreparedStart& start : prepared.starts)
    RABT_TRY_STATUS(store_child(transaction, tools, start, prepared));
  if (turn.answered_child != 0)
    transaction.put(sql::kDeleteChild, {prepared.num, column(turn.answered_child)});
  if (!turn.cancelled_children.empty()) RABT_TRY_STATUS(cancel_children(transaction, prepared));
  if (!turn.finished || prepared.origin == nullptr) return ok_status();
  if (prepared.origin->parent == 0)
    return Schedules::instance_ended(transaction, tools.definitions, {prepared.num, turn.input.at},
                                     prepared.after);
  if (prepared.origin->awaited) transaction.put(sql::kDeleteCancelledChild, {prepared.num});
  return ok_status();
}

}  // namespace

Result<std::shared_ptr<PreparedTurn>> prepare_turn(const TurnTools& tools,
                                                   const ResidentInstance& instance, Turn turn,
                                                   const crypto::DataKey& key,
                                                   const std::shared_ptr<const KeyLease>& lease,
                                                   std::vector<audit::Prepared> disclosures) {
  Context& context = tools.context;
  const std::string& tenant = context.options.tenant;
  auto prepared = std::make_shared<PreparedTurn>();
  prepared->num = instance.num;
  prepared->definition = instance.definition_id;
  prepared->patient = instance.patient;
  prepared->start_event = instance.start_event;
  prepared->origin = instance.origin;
  prepared->disclosures = std::move(disclosures);
  for (workflow::StartWorkflow& start : turn.starts) {
    const std::int64_t child = tools.definitions.child_of(instance.definition_id, start.name_space,
                                                          start.name, start.version);
    RABT_TRY(child_start,
             tools.starts.prepare(
                 child,
                 Origin{.parent = instance.num,
                        .parent_id = instance.id,
                        .call = start.id,
                        .awaited = start.await,
                        .depth = instance.origin == nullptr ? 1 : instance.origin->depth + 1,
                        .trace = instance.trace,
                        .input = std::move(start.input)},
                 *lease));
    prepared->starts.push_back(std::move(child_start));
  }
  for (const workflow::Subscribe& listen : turn.listens) {
    PreparedListen& listen_row = prepared->listens.emplace_back(PreparedListen{.id = listen.id});
    for (const std::string& correlation : listen.keys)
      listen_row.keys.push_back(lease->keys.blind_index(kCorrelationField, correlation));
  }
  for (Json& event : turn.events) {
    RABT_TRY(prepared_event, tools.events.prepare(std::move(event), lease));
    prepared->events.push_back(std::move(prepared_event));
  }
  {
    const Stopwatch watch(context.times.seal);
    prepared->journal =
        key.seal(journal_context(tenant, instance.id + "/" + std::to_string(turn.n)),
                 workflow::to_json(turn.input).dump(), context.parts.random);
  }
  {
    const Stopwatch watch(context.times.audit);
    const Cause& cause = turn.cause;
    prepared->audit_entry =
        context.parts.audit.prepare({.tenant = tenant,
                                     .actor = cause.actor,
                                     .act = cause.act,
                                     .object = "instance:" + instance.id,
                                     .result = cause.result,
                                     .detail = cause.detail,
                                     .patient = to_hex(as_bytes(instance.patient)),
                                     .sealed = cause.reason ? cause.reason->text : std::string()});
  }
  prepared->turn = std::move(turn);
  return prepared;
}

Status store_turn(store::Transaction& transaction, const TurnTools& tools, PreparedTurn& prepared) {
  prepared.after = {};
  const Turn& turn = prepared.turn;
  if (prepared.first) RABT_TRY_STATUS(prepared.first(transaction));
  if (turn.rewound) {
    tools.wanted.lives(transaction, prepared.definition);
    RABT_TRY_STATUS(check_alone(transaction, prepared.num));
  }
  transaction.put(sql::kInsertJournal,
                  {prepared.num, column(turn.n), store::Blob{prepared.journal}});
  put_waits(transaction, tools.context.options.tenant, prepared);
  for (const PreparedListen& listen : prepared.listens)
    prepared.after.listens.push_back({prepared.num, listen.id, prepared.start_event, listen.keys});
  for (const PreparedEvent& event : prepared.events) {
    std::vector<std::string> instances;
    RABT_TRY_STATUS(tools.events.store(transaction, event, prepared.after, instances));
  }
  put_instance(transaction, prepared);
  RABT_TRY_STATUS(store_children(transaction, tools, prepared));
  if (turn.cause.reason)
    RABT_TRY_STATUS(access::PatientDetail::store(transaction, *turn.cause.reason));
  audit::AuditLog& audit = tools.context.parts.audit;
  RABT_TRY_STATUS(audit.append(transaction, prepared.audit_entry));
  for (const audit::Prepared& disclosure : prepared.disclosures)
    RABT_TRY_STATUS(audit.append(transaction, disclosure));
  return ok_status();
}

}  // namespace rabt::engine
