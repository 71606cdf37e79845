#include <algorithm>

#include "hub/base/bytes.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/run/rewind.hpp"

// Instances that a person has started.
namespace rabt::engine {

namespace {

// One start that a person asked for.
struct ByHand {
  const Asked& asked;
  PreparedStart start;
  const workflow::Definition& definition;
  access::PatientDetail::Sealed reason;
  // Null unless an instance is started again.
  const InstanceRow* of = nullptr;
  AfterCommit after;
};

Status store_by_hand(store::Transaction& transaction, Engine::Impl& engine, ByHand& what) {
  what.after = {};
  if (what.asked.step.first) RABT_TRY_STATUS(what.asked.step.first(transaction));
  RABT_TRY(start_event, transaction.next(sql::kEventNumbers));
  RABT_TRY(stored, engine.starts.store(transaction, what.start, start_event, Json(), what.after));
  if (stored.num == 0) {
    return conflict(std::string(kBusinessKeyTaken),
                    "instance " + stored.existing + " lives for the same business key");
  }
  Json detail =
      Json::object({{"workflow", what.definition.name()}, {"version", what.definition.version()}});
  if (what.of != nullptr) {
    RABT_TRY(first, transaction.execute(sql::kInsertRestart,
                                        {stored.num, what.of->num, what.of->updated.ms}));
    if (first == 0) {
      return conflict(std::string(kRestarted),
                      "the instance was started again already, or it runs; look at it once more");
    }
    detail.set("of", what.of->id);
  }
  if (!what.asked.step.job.empty()) detail.set("repair", what.asked.step.job);
  RABT_TRY_STATUS(access::PatientDetail::store(transaction, what.reason));
  audit::AuditLog& audit = engine.context.parts.audit;
  return audit.append(
      transaction, audit.prepare({.tenant = engine.context.options.tenant,
                                  .actor = what.asked.actor,
                                  .act = what.of == nullptr ? "instance.start" : "instance.restart",
                                  .object = "instance:" + what.start.id,
                                  .result = "ok",
                                  .detail = std::move(detail),
                                  .patient = to_hex(as_bytes(what.reason.patient)),
                                  .sealed = what.reason.text}));
}

Result<std::string> begin_by_hand(Engine::Impl& engine, const DeployedDefinition& of, Json input,
                                  const Asked& asked, const InstanceRow* old) {
  Context& context = engine.context;
  if (engine.stopping) return unavailable("engine.stopping", "the hub is shutting down; ask again");
  RABT_TRY_STATUS(engine.definitions.secrets_of(*of.definition));
  RABT_TRY(lease, KeyLease::take(context.parts.keys, context.options.tenant));
  Origin origin;
  origin.input = std::move(input);
  RABT_TRY(start, engine.starts.prepare(of.id, std::move(origin), *lease));
  const std::string patient = start.patients.empty() ? std::string() : start.patients.front();
  RABT_TRY(reason, engine.details.seal(context.options.tenant, patient,
                                       Json::object({{"reason", asked.reason}})));
  ByHand what{.asked = asked,
              .start = std::move(start),
              .definition = *of.definition,
              .reason = std::move(reason),
              .of = old,
              .after = {}};
  RABT_TRY_STATUS(context.parts.store.write(
      [&](store::Transaction& transaction) { return store_by_hand(transaction, engine, what); }));
  engine.router.route(std::move(what.after));
  return what.start.id;
}

constexpr std::size_t kMaxNamed = 20;

std::string named(const std::vector<workflow::Standing>& list) {
  std::string out;
  for (std::size_t i = 0; i < std::min(list.size(), kMaxNamed); ++i) {
    const workflow::Standing& standing = list[i];
    out += (i == 0 ? "" : ", ") + standing.task;
    if (!standing.role.empty()) out += " (" + standing.role + " " + standing.action + ")";
    if (!standing.known) out += " with an unknown outcome";
  }
  if (list.size() > kMaxNamed) out += " and more";
  return out;
}

Status check_effects(const std::vector<workflow::Standing>& list, std::int64_t said) {
  const auto stand = static_cast<std::int64_t>(list.size());
  if (stand == said) return ok_status();
  return conflict("engine.restart_effects",
                  "calls of the old instance whose effects stand, and which the new one makes once "
                  "more under new keys: " +
                      std::to_string(stand) + (list.empty() ? "" : ", " + named(list)) +
                      "; say this number as `effects` (--effects) if that is meant");
}

}  // namespace

Result<std::string> Engine::start(const WorkflowName& of, Json input, const Asked& asked) {
  RABT_TRY(found, impl_->definitions.deployed(of.name_space, of.name, of.version));
  // Without any input the audit log would take the clock for who started it.
  if (input.is_null()) input = Json::object();
  return begin_by_hand(*impl_, found, std::move(input), asked, nullptr);
}

Result<std::string> Engine::restart(std::string_view id, std::string_view version,
                                    std::int64_t effects, const Asked& asked) {
  Impl& engine = *impl_;
  RABT_TRY(row, engine.reader.row(id));
  if (!has_ended(row.status))
    return conflict("engine.not_ended", "the instance lives; cancel it first, or wait for its end");
  RABT_TRY(lease, engine.context.parts.keys.lease(row.tenant));
  RABT_TRY(from, engine.reader.kept_materials(row, lease));
  const workflow::Definition& old = *from.definition;
  RABT_TRY(of, engine.definitions.deployed(old.name_space(), old.name(), version));
  if (from.origin != nullptr && from.origin->parent != 0) {
    return conflict("engine.restart_family",
                    "instance " + from.origin->parent_id + " started this one; restart that one");
  }
  const auto* const began = std::get_if<workflow::Start>(&from.inputs.front().what);
  if (began == nullptr)
    return conflict("engine.journal_gone", "nobody can read what the instance was started with");
  RABT_TRY_STATUS(check_effects(workflow::standing_effects(from.versions, from.inputs), effects));
  return begin_by_hand(engine, of, began->input, asked, &row);
}

}  // namespace rabt::engine
