#include <cstdlib>
#include <map>

#include "hub/engine/answer_fits.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/state_text.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/action_catalog.hpp"

// Calls that wait for a person's decision, as their instances have them.
namespace rabt::engine {

namespace {

// The call with this number among what the instance waits for; null when there is none.
const workflow::CallAction* find_call(const std::vector<workflow::Effect>& open, std::uint64_t id,
                                      CallEnd& end) {
  for (const workflow::Effect& effect : open) {
    const auto* call = std::get_if<workflow::CallAction>(&effect);
    const auto* ask = std::get_if<workflow::Ask>(&effect);
    end = end_of(ask);
    if (ask != nullptr) call = &ask->call;
    if (call != nullptr && call->id == id) return call;
  }
  return nullptr;
}

}  // namespace

// The row shows "<number> <role>/<action>".
ParkedName parked_name(std::string_view text) {
  ParkedName out;
  const auto blank = text.find(' ');
  const auto slash = text.find('/', blank);
  out.call = std::strtoull(std::string(text).c_str(), nullptr, 10);
  if (blank == std::string_view::npos || slash == std::string_view::npos) return out;
  out.role = std::string(text.substr(blank + 1, slash - blank - 1));
  out.action = std::string(text.substr(slash + 1));
  return out;
}

namespace {

void read_parked(std::string_view text, ParkedCall& out) {
  ParkedName name = parked_name(text);
  out.call = name.call;
  out.role = std::move(name.role);
  out.action = std::move(name.action);
}

}  // namespace

Result<std::vector<ParkedCall>> Engine::parked(std::size_t limit, const std::string& before) {
  std::vector<ParkedCall> out;
  const std::string start = before.empty() ? "~" : before;
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(
        sql::kParkedCalls, {impl_->context.options.tenant, start, static_cast<std::int64_t>(limit)},
        [&](const store::Row& row) {
          ParkedCall call{.instance = std::string(row.text(sql::kParkedCalls["id"])),
                          .workflow = std::string(row.text(sql::kParkedCalls["name"])),
                          .workflow_version = std::string(row.text(sql::kParkedCalls["version"])),
                          .since = Timestamp{row.integer(sql::kParkedCalls["updated_ms"])}};
          read_parked(row.text(sql::kParkedCalls["parked"]), call);
          out.push_back(std::move(call));
          return true;
        });
  }));
  return out;
}

Result<ParkedCall> Engine::parked_call(std::string_view id) {
  Impl& engine = *impl_;
  const Error not_parked =
      conflict("engine.not_parked", "no action of this instance waits for a decision");
  RABT_TRY(row, engine.reader.row(id));
  if (row.parked.empty() || has_ended(row.status)) return not_parked;
  RABT_TRY(lease, engine.context.parts.keys.lease(row.tenant));
  RABT_TRY(from, engine.reader.materials(row, lease));
  const auto& definition = from.definition;
  ParkedCall out{.instance = row.id,
                 .workflow = std::string(definition->name()),
                 .workflow_version = std::string(definition->version()),
                 .since = row.updated};
  read_parked(row.parked, out);
  workflow::History history(std::move(from.versions));
  // References of calls, and the code that each reference's last call ended with.
  std::map<std::uint64_t, std::string> references;
  std::map<std::string, std::string> codes;
  for (const workflow::Input& input : from.inputs) {
    const auto* const ended = std::get_if<workflow::ActionEnded>(&input.what);
    if (ended != nullptr && references.contains(ended->call))
      codes[references[ended->call]] = ended->outcome.code;
    for (const workflow::Effect& effect : history.apply(input)) {
      if (const auto* call = std::get_if<workflow::CallAction>(&effect))
        references.insert_or_assign(call->id, call->reference);
    }
  }
  const std::vector<workflow::Effect> open = history.execution().open();
  CallEnd end;
  const workflow::CallAction* call = find_call(open, out.call, end);
  if (call == nullptr) return not_parked;
  out.version = call->version;
  out.task = call->task;
  out.reference = call->reference;
  out.key = idempotency_key(row.id, call->reference);
  out.code = codes[call->reference];
  const std::string target = engine.definitions.target_of(*definition, row.binding, call->role);
  out.failed = end.asked;
  out.doubtful = end.doubtful;
  out.answerable = person_may_answer(*call, end);
  out.output_schema = answer_schema(engine.context.parts.actions, target, *call);
  return out;
}

}  // namespace rabt::engine
