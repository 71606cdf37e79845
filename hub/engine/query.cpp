#include <algorithm>
#include <map>
#include <set>

#include "hub/engine/impl.hpp"
#include "hub/engine/state_text.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/explain/graph.hpp"
#include "hub/workflow/run/lifecycle.hpp"

// Looking at instances. Everything is made by replaying the journal: there is no second copy of the
// truth.
namespace rabt::engine {

namespace {

constexpr std::int64_t kMaxShownChildren = 1000;

// The members of `to`, and those of `more` that it lacks.
Json with_members(Json to, const Json& more) {
  for (const auto& [name, value] : more.as_object()) {
    if (to.find(name) == nullptr) to.set(name, value);
  }
  return to;
}

// The cause of waiting, as the row has it; null for none.
Json waits_of(const InstanceRow& row) {
  const std::string& text = !row.parked.empty()      ? row.question
                            : !has_ended(row.status) ? row.about
                                                     : std::string();
  auto waits = Json::parse(text);
  return !text.empty() && waits.ok() ? std::move(*waits) : Json();
}

}  // namespace

Result<std::string> Engine::patient_of(std::string_view id) {
  RABT_TRY(row, impl_->reader.row(id));
  return impl_->reader.patient(row.num);
}

// An instance as its journal makes it.
Result<Engine::Impl::Replayed> Engine::Impl::replay(std::string_view id, bool whole) const {
  Replayed out;
  RABT_TRY(found, reader.row(id));
  out.row = std::move(found);
  const InstanceRow& row = out.row;
  Timeline::Children by_call;
  PastMark mark{.instance = row.num};
  RABT_TRY_STATUS(context.parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(
        sql::kStartedBy, {row.num, kMaxShownChildren}, [&](const store::Row& child) {
          out.children.emplace_back(child.text(sql::kStartedBy["id"]));
          by_call.emplace(static_cast<std::uint64_t>(child.integer(sql::kStartedBy["call"])),
                          child.text(sql::kStartedBy["id"]));
          return true;
        }));
    RABT_TRY_STATUS(connection.query(sql::kJournalEnd, {row.num}, [&](const store::Row& end) {
      mark.turns = end.integer(sql::kJournalEnd["journal_end"]);
      return false;
    }));
    const auto into = [](std::string& text) {
      return [&text](const store::Row& other) {
        text = std::string(other.text(0));
        return false;
      };
    };
    RABT_TRY_STATUS(connection.query(sql::kRestartOf, {row.num}, into(out.restart_of)));
    return connection.query(sql::kRestartedAs, {row.num}, into(out.restarted_as));
  }));
  mark.children = out.children.size();
  RABT_TRY(lease, context.parts.keys.lease(row.tenant));
  // Data that was erased with its key is not shown from memory either.
  RABT_TRY_STATUS(lease.open(row.data_key));
  if (!whole) {
    out.past = pasts.find(mark);
    if (out.past != nullptr) return out;
  }
  RABT_TRY(from, reader.materials(row, lease));
  auto past = std::make_shared<Past>();
  past->definition = from.definition;
  workflow::History history(std::move(from.versions));
  auto timeline = std::make_unique<Timeline>(row.id, std::move(by_call), whole);
  for (const workflow::Input& input : from.inputs) {
    if (std::holds_alternative<workflow::Rewound>(input.what)) past->end = {};
    std::vector<workflow::Effect> effects = history.apply(input);
    timeline->take(input, effects);
    for (workflow::Effect& effect : effects) {
      if (auto* const finished = std::get_if<workflow::Finished>(&effect))
        past->end = std::move(*finished);
    }
  }
  past->timeline = std::move(timeline);
  past->turns = from.inputs.size();
  if (from.origin != nullptr && from.origin->parent != 0) past->parent = from.origin->parent_id;
  if (whole) {
    past->context = history.execution().context();
    past->secrets = std::move(from.secrets);
  } else {
    past->end.output = {};
    if (!past->end.error.is_null()) past->end.error = true;
    // A turn that came meanwhile makes the mark older than what was read: it is replayed again.
    pasts.keep(mark, past);
  }
  out.past = std::move(past);
  return out;
}

namespace {

// The entries of a page of the timeline. A task that ran several times, or as a part of a function,
// has a reference of its own each time: `node` is its place in the flowchart. paused: references
// whose calls are held.
Json page_of(const Engine::Impl::Replayed& from, const std::set<std::string>& paused,
             std::size_t begin, std::size_t end) {
  const Past& past = *from.past;
  const workflow::Graph graph = workflow::graph_of(*past.definition);
  Json list = Json::array();
  for (std::size_t place = begin; place < end; ++place) {
    Json entry = past.timeline->entry(place);
    const std::string& reference = past.timeline->reference(place);
    const auto* const node = workflow::node_at(*past.definition, graph, reference);
    if (node != nullptr && node->reference != reference) entry.set("node", node->reference);
    if (paused.contains(reference)) entry.set("state", "paused");
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

Result<Json> Engine::instance(std::string_view id, const Admit& admit, const TimelinePage& page) {
  Impl& engine = *impl_;
  RABT_TRY(from, engine.replay(id, static_cast<bool>(admit)));
  const InstanceRow& row = from.row;
  const Past& past = *from.past;
  const std::size_t total = past.timeline->size();
  const std::size_t end = std::min(page.before.value_or(total), total);
  const std::size_t begin = end - std::min(end, page.limit);
  Json json = Json::object({{"id", row.id},
                            {"workflow", past.definition->name()},
                            {"version", past.definition->version()},
                            {"status", state_text(row.status, !row.parked.empty())},
                            {"created", to_iso8601(row.created)},
                            {"updated", to_iso8601(row.updated)},
                            {"turns", static_cast<std::int64_t>(past.turns)}});
  if (!past.parent.empty()) json.set("parent", past.parent);
  if (!from.restart_of.empty()) json.set("restartOf", from.restart_of);
  if (!from.restarted_as.empty()) json.set("restartedAs", from.restarted_as);
  if (!from.children.empty()) {
    Json children = Json::array();
    for (const std::string& child : from.children) children.push_back(child);
    json.set("children", children);
  }
  if (!row.parked.empty()) json.set("parked", row.parked.substr(row.parked.find(' ') + 1));
  if (std::string held = engine.context.held.of(row.id); !held.empty())
    json.set("held", std::move(held));
  if (std::string paused = engine.context.pauses.of(row.id); !paused.empty())
    json.set("paused", std::move(paused));
  // title and detail may have been made by an expression: without a reason only what is sure to be
  // free of data.
  const Json& error = past.end.error;
  const Json place = error.is_null() ? Json() : about_error(past.end.shown);
  if (!error.is_null()) json.set("error", with_members(past.end.shown, place));
  if (Json waits = waits_of(row); !waits.is_null()) json.set("waits", std::move(waits));
  const Json timeline = page_of(from, engine.context.pauses.references_of(row.id), begin, end);
  json.set("timeline", admit ? without_secrets(timeline, past.secrets) : timeline);
  json.set("timelineTotal", static_cast<std::int64_t>(total));
  if (begin > 0) json.set("earlier", static_cast<std::int64_t>(begin));
  if (admit) {
    RABT_TRY(patient, patient_of(row.id));
    RABT_TRY_STATUS(admit(row.id, patient));
    json.set("context", without_secrets(past.context, past.secrets));
    json.set("output", without_secrets(past.end.output, past.secrets));
    if (!error.is_null())
      json.set("error", with_members(without_secrets(error, past.secrets), place));
  }
  return json;
}

Result<std::vector<PendingCall>> Engine::pending_calls(std::string_view id) {
  const Impl& engine = *impl_;
  RABT_TRY(row, engine.reader.row(id));
  RABT_TRY(lease, engine.context.parts.keys.lease(row.tenant));
  RABT_TRY(from, engine.reader.materials(row, lease));
  workflow::History history(std::move(from.versions));
  std::map<std::uint64_t, Timestamp> asked;
  for (const workflow::Input& input : from.inputs) {
    for (const workflow::Effect& effect : history.apply(input)) {
      if (const auto* const call = std::get_if<workflow::CallAction>(&effect))
        asked.emplace(call->id, input.at);
    }
  }
  const std::uint64_t parked = parked_name(row.parked).call;
  std::vector<PendingCall> out;
  for (const workflow::Effect& effect : history.execution().open()) {
    const auto* const call = std::get_if<workflow::CallAction>(&effect);
    if (call == nullptr || (!row.parked.empty() && call->id == parked)) continue;
    const auto since = asked.find(call->id);
    out.push_back({.role = call->role,
                   .action = call->action,
                   .task = call->task,
                   .reference = call->reference,
                   .since = since == asked.end() ? row.updated : since->second});
  }
  return out;
}

Result<Json> Engine::lifecycle(std::string_view id) {
  Impl& engine = *impl_;
  RABT_TRY(row, engine.reader.row(id));
  RABT_TRY(key, engine.context.parts.keys.open(row.tenant, row.data_key));
  RABT_TRY(from, engine.reader.materials(row, *key));
  workflow::History history(std::move(from.versions));
  Json events = Json::array();
  std::uint64_t number = 0;
  for (const workflow::Input& input : from.inputs) {
    const std::vector<workflow::Effect> effects = history.apply(input);
    const workflow::Definition& definition = *history.version().definition;
    for (Json& event : workflow::lifecycle_events(definition, {row.id, number++, input, effects}))
      events.push_back(std::move(event));
  }
  return events;
}

}  // namespace rabt::engine
