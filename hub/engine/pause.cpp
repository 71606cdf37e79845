#include <algorithm>
#include <array>
#include <tuple>

#include "hub/access/patient_detail.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

// Roles that a person pauses while their side is down.
namespace rabt::engine {

namespace {

// Instances that a preview looks at, the oldest of each workflow.
constexpr std::size_t kMaxLooked = 5'000;

Json detail_of(const RolePause& pause) {
  Json out = Json::object({{"since", to_iso8601(pause.since)}});
  if (pause.until) out.set("until", to_iso8601(*pause.until));
  return out;
}

std::string digest_of(std::string_view role, const std::vector<LateCall>& late) {
  std::string text = "rabt-pause/1\n" + std::string(role) + "\n";
  for (const LateCall& call : late) {
    text += call.instance + " " + call.deadline.reference + " " + call.deadline.kind + " " +
            std::to_string(call.deadline.at.ms) + "\n";
  }
  return to_hex(as_bytes(as_text(crypto::sha256(text))));
}

// Roles that the hub itself needs at once, whatever a person thinks of the side: rooms, records.
constexpr std::array<std::string_view, 2> kNeverPaused{"video", "session"};

Status check_role(const plugin::ActionRunner& actions, std::string_view role) {
  if (std::find(kNeverPaused.begin(), kNeverPaused.end(), role) != kNeverPaused.end()) {
    return conflict("role.not_pausable",
                    "the role " + std::string(role) + " cannot be paused: visits need it at once");
  }
  if (actions.bindings().contains(std::string(role))) return ok_status();
  return not_found("role.unknown", "no role has this name; `roles` of the configuration has them");
}

Error not_paused() {
  return conflict("role.not_paused", "the role is not paused; `rabt status` lists those that are");
}

bool calls(const workflow::Definition& definition, std::string_view role) {
  const auto& all = definition.calls();
  return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.role == role; });
}

}  // namespace

Status Engine::Impl::load_pauses() {
  return context.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kRolePauses, {context.options.tenant}, [&](const store::Row& row) {
      RolePause pause{.role = std::string(row.text(sql::kRolePauses["role"])),
                      .since = {row.integer(sql::kRolePauses["since_ms"])}};
      if (!row.is_null(sql::kRolePauses["until_ms"]))
        pause.until = Timestamp{row.integer(sql::kRolePauses["until_ms"])};
      pause.by = std::string(row.text(sql::kRolePauses["paused_by"]));
      context.pauses.begin(std::move(pause));
      return true;
    });
  });
}

// The change of the row and the audit entry with the reason, in one commit. change: gives the
// number of rows that it changed; none is the error.
Status Engine::Impl::store_pause(
    std::string_view act, std::string_view role, Json detail, const Asked& asked,
    const std::function<Result<std::int64_t>(store::Transaction&)>& change, const Error& none) {
  std::optional<access::PatientDetail::Sealed> reason;
  if (!asked.reason.empty()) {
    RABT_TRY(sealed,
             details.seal(context.options.tenant, "", Json::object({{"reason", asked.reason}})));
    reason = std::move(sealed);
  }
  audit::AuditLog& audit = context.parts.audit;
  const audit::Prepared entry = audit.prepare({.tenant = context.options.tenant,
                                               .actor = asked.actor,
                                               .act = std::string(act),
                                               .object = "role:" + std::string(role),
                                               .result = "ok",
                                               .detail = std::move(detail),
                                               .sealed = reason ? reason->text : std::string()});
  return context.parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(rows, change(transaction));
    if (rows == 0) return none;
    if (reason) RABT_TRY_STATUS(access::PatientDetail::store(transaction, *reason));
    return audit.append(transaction, entry);
  });
}

std::vector<RolePause> Engine::paused_roles() const {
  return impl_->context.pauses.all();
}

Result<PausePreview> Engine::preview_pause(std::string_view role, std::optional<Timestamp> until) {
  Impl& engine = *impl_;
  RABT_TRY_STATUS(check_role(engine.context.parts.actions, role));
  PausePreview out;
  RABT_TRY(lease, engine.context.parts.keys.lease(engine.context.options.tenant));
  std::size_t looked = 0;
  for (const DeployedDefinition& definition : *engine.definitions.all()) {
    if (!calls(*definition.definition, role)) continue;
    RABT_TRY(found, repairable({.states = {"running", "waiting"},
                                .workflow = definition.definition->name(),
                                .version = definition.definition->version()},
                               kMaxLooked + 1));
    for (const Repairable& instance : found) {
      if (++looked > kMaxLooked) {
        out.more = true;
        break;
      }
      RABT_TRY(row, engine.reader.row(instance.id));
      // An instance of another namespace, or one that has ended since.
      if (row.definition != definition.id || has_ended(row.status)) continue;
      RABT_TRY(from, engine.reader.materials(row, lease));
      workflow::History history(std::move(from.versions));
      for (const workflow::Input& input : from.inputs) (void)history.apply(input);
      for (workflow::Deadline& deadline : history.execution().deadlines(role)) {
        if (until && deadline.at > *until) continue;
        out.late.push_back({instance.id, definition.definition->name(),
                            definition.definition->version(), std::move(deadline)});
      }
    }
  }
  std::sort(out.late.begin(), out.late.end(), [](const LateCall& call, const LateCall& other) {
    return std::tuple(call.deadline.at.ms, std::string_view(call.instance),
                      std::string_view(call.deadline.reference)) <
           std::tuple(other.deadline.at.ms, std::string_view(other.instance),
                      std::string_view(other.deadline.reference));
  });
  out.digest = digest_of(role, out.late);
  return out;
}

Result<RolePause> Engine::pause_role(std::string_view role, std::optional<Timestamp> until,
                                     std::string_view digest, const Asked& asked) {
  Impl& engine = *impl_;
  RABT_TRY_STATUS(check_role(engine.context.parts.actions, role));
  const Error paused = conflict(
      "role.paused", "the role " + std::string(role) + " is paused already; have it resumed first");
  const auto all = paused_roles();
  if (std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.role == role; }))
    return paused;
  RABT_TRY(preview, preview_pause(role, until));
  if (!preview.late.empty() && digest != preview.digest) {
    return conflict("role.pause_late",
                    "calls of the role " + std::string(role) +
                        " would come too late: " + std::to_string(preview.late.size()) +
                        (digest.empty() ? "" : ", and the list has changed since the preview") +
                        "; look at the preview, and say its `digest` (--digest) if that is meant");
  }
  RolePause pause{.role = std::string(role),
                  .since = engine.context.parts.clock.now(),
                  .until = until,
                  .by = asked.actor};
  Json detail = detail_of(pause);
  if (!preview.late.empty()) {
    detail.set("late", static_cast<std::int64_t>(preview.late.size()));
    detail.set("digest", preview.digest);
  }
  const Lock serial(engine.pause_mutex);
  const store::Value end = until ? store::Value(until->ms) : store::Value(store::Null{});
  RABT_TRY_STATUS(engine.store_pause(
      "role.paused", role, std::move(detail), asked,
      [&](store::Transaction& transaction) {
        return transaction.execute(
            sql::kInsertRolePause,
            {engine.context.options.tenant, pause.role, pause.since.ms, end, pause.by});
      },
      paused));
  engine.context.pauses.begin(pause);
  engine.context.parts.log.warn("role.paused", {{"role", pause.role}});
  return pause;
}

Result<std::int64_t> Engine::Impl::end_pause(const RolePause& pause, const Asked& asked) {
  RABT_TRY_STATUS(store_pause(
      "role.resumed", pause.role, detail_of(pause), asked,
      [&](store::Transaction& transaction) {
        return transaction.execute(sql::kDeleteRolePause, {context.options.tenant, pause.role});
      },
      not_paused()));
  const std::vector<Pauses::Call> held = context.pauses.end(pause.role);
  const Timestamp now = context.parts.clock.now();
  std::int64_t after = 0;
  for (const Pauses::Call& call : held) {
    const std::int64_t jitter = after == 0 ? 0 : go_on_jitter_ms(call.num, call.id);
    timers.add({{now.ms + after + jitter}, call.num, call.id, Timers::Kind::held});
    after += kGoOnMs;
  }
  const auto count = static_cast<std::int64_t>(held.size());
  context.parts.log.info("role.resumed", {{"role", pause.role}, {"calls", count}});
  return count;
}

Result<std::int64_t> Engine::resume_role(std::string_view role, const Asked& asked) {
  Impl& engine = *impl_;
  const Lock serial(engine.pause_mutex);
  for (const RolePause& paused_role : paused_roles()) {
    if (paused_role.role == role) return engine.end_pause(paused_role, asked);
  }
  return not_paused();
}

void Engine::Impl::end_due_pauses() {
  const Lock serial(pause_mutex);
  for (const RolePause& pause : context.pauses.all()) {
    if (!pause.until || *pause.until > context.parts.clock.now()) continue;
    const auto ended = end_pause(pause, {.actor = "node:clock", .reason = {}});
    // Tried again at the next sweep.
    if (!ended.ok())
      context.parts.log.warn("role.not_resumed",
                             {{"role", pause.role}, {"code", ended.error().code}});
  }
}

}  // namespace rabt::engine
