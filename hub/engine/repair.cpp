#include <algorithm>
#include <map>
#include <optional>

#include "hub/engine/answer_fits.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/state_text.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/action_catalog.hpp"

// Questions that jobs of many acts ask the engine before they act.
namespace rabt::engine {

Result<InstanceState> read_state(store::Connection& connection, std::string_view tenant,
                                 std::string_view id) {
  std::optional<InstanceState> found;
  const auto text = [](const store::Row& row, int column) {
    return row.is_null(column) ? std::string() : std::string(row.text(column));
  };
  RABT_TRY_STATUS(connection.query(sql::kStateOfInstance, {id, tenant}, [&](const store::Row& row) {
    found = InstanceState{.num = row.integer(sql::kStateOfInstance["num"]),
                          .status = static_cast<int>(row.integer(sql::kStateOfInstance["status"])),
                          .busy = row.integer(sql::kStateOfInstance["busy"]) != 0,
                          .parked = row.integer(sql::kStateOfInstance["is_parked"]) != 0,
                          .code = text(row, sql::kStateOfInstance["code"]),
                          .about = text(row, sql::kStateOfInstance["about"]),
                          .mark = {.turns = row.integer(sql::kStateOfInstance["journal_end"]),
                                   .updated = {row.integer(sql::kStateOfInstance["updated_ms"])}},
                          .restarted_as = text(row, sql::kStateOfInstance["restarted_as"])};
    return false;
  }));
  if (!found) return not_found("engine.instance", "there is no instance with this id");
  return *found;
}

namespace {

// ActionInfo::idempotency of an action whose repeat is not recognised.
constexpr std::string_view kNoKey = "none";

Repairable to_repairable(const store::Row& row) {
  const bool parked = !row.is_null(sql::kRepairableById["parked"]);
  Repairable repairable{
      .id = std::string(row.text(sql::kRepairableById["id"])),
      .status = state_text(static_cast<int>(row.integer(sql::kRepairableById["status"])), parked),
      .created = {row.integer(sql::kRepairableById["created_ms"])},
      .mark = {.turns = row.integer(sql::kRepairableById["journal_end"]),
               .updated = {row.integer(sql::kRepairableById["updated_ms"])}},
      .subject = row.is_null(sql::kRepairableById["first_patient"])
                     ? std::string(row.text(sql::kRepairableById["id"]))
                     : std::string(row.blob(sql::kRepairableById["first_patient"])),
      .restarted = row.integer(sql::kRepairableById["restarts"]) != 0};
  if (!parked) return repairable;
  const ParkedName name = parked_name(row.text(sql::kRepairableById["parked"]));
  repairable.call = name.call;
  repairable.role = name.role;
  repairable.action = name.action;
  const auto question = row.is_null(sql::kRepairableById["question"])
                            ? Result<Json>(Json::object())
                            : Json::parse(row.text(sql::kRepairableById["question"]));
  if (question.ok()) repairable.failure = question->string_or("code", "");
  return repairable;
}

// The call whose end is row `to` of the journal.
std::optional<workflow::CallAction> call_ended_by(const InstanceReader::Materials& from,
                                                  std::uint64_t to) {
  const auto* const ended =
      to < from.inputs.size() ? std::get_if<workflow::ActionEnded>(&from.inputs[to].what) : nullptr;
  if (ended == nullptr) return std::nullopt;
  workflow::History history(from.versions);
  std::optional<workflow::CallAction> out;
  for (std::uint64_t row = 0; row < to; ++row) {
    for (const workflow::Effect& effect : history.apply(from.inputs[row])) {
      const auto* call = std::get_if<workflow::CallAction>(&effect);
      if (const auto* const ask = std::get_if<workflow::Ask>(&effect)) call = &ask->call;
      if (call != nullptr && call->id == ended->call) out = *call;
    }
  }
  return out;
}

// The call that waits for a person's decision. asked: its workflow asks.
struct ParkedAction {
  workflow::CallAction call;
  CallEnd end;
};
std::optional<ParkedAction> parked_in(const InstanceReader::Materials& from,
                                      const InstanceRow& row) {
  const std::uint64_t number = parked_name(row.parked).call;
  workflow::History history(from.versions);
  for (const workflow::Input& input : from.inputs) (void)history.apply(input);
  for (const workflow::Effect& effect : history.execution().open()) {
    const auto* call = std::get_if<workflow::CallAction>(&effect);
    const auto* const ask = std::get_if<workflow::Ask>(&effect);
    if (ask != nullptr) call = &ask->call;
    if (call != nullptr && call->id == number) return ParkedAction{*call, end_of(ask)};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Repairable>> Engine::repairable(const InstanceFilter& filter,
                                                   std::size_t limit) {
  const std::string& tenant = impl_->context.options.tenant;
  const auto most = static_cast<std::int64_t>(limit);
  const auto wants = [&filter](std::string_view state) {
    return filter.states.empty() ||
           std::find(filter.states.begin(), filter.states.end(), state) != filter.states.end();
  };
  const std::int64_t from = filter.since ? filter.since->ms : INT64_MIN;
  const std::int64_t to = filter.until ? filter.until->ms : INT64_MAX;
  std::vector<Repairable> out;
  const auto add = [&out](const store::Row& row) {
    out.push_back(to_repairable(row));
    return true;
  };
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) -> Status {
    out.clear();
    if (wants(kParkedState)) {
      RABT_TRY_STATUS(connection.query(
          sql::kOldestParked,
          {tenant, kNoPlace, filter.workflow, filter.version, filter.code, from, to, most}, add));
    }
    for (int status = 0; status <= as_int(workflow::InstanceStatus::cancelled); ++status) {
      if (!wants(state_text(status, false))) continue;
      RABT_TRY_STATUS(connection.query(
          sql::kOldestInstances,
          {tenant, kNoPlace, filter.workflow, filter.version, filter.code, from, to, most, status},
          add));
    }
    return ok_status();
  }));
  std::sort(out.begin(), out.end(),
            [](const auto& one, const auto& other) { return one.id < other.id; });
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<Repairable> Engine::repairable(std::string_view id) {
  std::optional<Repairable> found;
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kRepairableById, {id, impl_->context.options.tenant},
                            [&](const store::Row& row) {
                              found = to_repairable(row);
                              return false;
                            });
  }));
  if (!found)
    return not_found("engine.instance", "there is no instance with the id " + std::string(id));
  return *found;
}

Result<std::vector<SentAgain>> Engine::sent_by(SentBy act, std::string_view id) {
  Impl& engine = *impl_;
  RABT_TRY(row, engine.reader.row(id));
  const auto keyless = [&](const workflow::Definition& definition,
                           const workflow::CallAction& call) {
    if (call.role == workflow::kHttpRole) return HttpCalls::idempotency(call) == kNoKey;
    const std::string target = engine.definitions.target_of(definition, row.binding, call.role);
    const auto info = engine.context.parts.actions.find(target, call.action, call.version);
    return info && info->idempotency == kNoKey;
  };
  RABT_TRY(lease, engine.context.parts.keys.lease(row.tenant));
  RABT_TRY(from, engine.reader.kept_materials(row, lease));
  if (act == SentBy::restart) {
    std::vector<SentAgain> out;
    for (const workflow::Standing& standing :
         workflow::standing_effects(from.versions, from.inputs))
      out.push_back({.role = standing.role, .action = standing.action, .without_key = true});
    return out;
  }
  std::optional<workflow::CallAction> call;
  if (act == SentBy::again) {
    if (auto parked = parked_in(from, row)) call = std::move(parked->call);
  } else {
    RABT_TRY(rewinding, engine.reader.rewind(row, lease));
    call = call_ended_by(from, rewinding.input.to);
  }
  if (!call) return std::vector<SentAgain>();
  return std::vector<SentAgain>{{call->role, call->action, keyless(*from.definition, *call)}};
}

Status Engine::may_answer(std::string_view id, const workflow::ActionOutcome& outcome) {
  Impl& engine = *impl_;
  RABT_TRY(row, engine.reader.row(id));
  RABT_TRY(lease, engine.context.parts.keys.lease(row.tenant));
  RABT_TRY(from, engine.reader.kept_materials(row, lease));
  const auto parked = parked_in(from, row);
  if (!parked) return ok_status();
  const std::string target =
      engine.definitions.target_of(*from.definition, row.binding, parked->call.role);
  return answer_fits(engine.context.parts.actions, target, parked->call, parked->end, outcome);
}

}  // namespace rabt::engine
