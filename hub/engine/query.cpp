#include <map>

#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/run/lifecycle.hpp"

// Looking at instances. Everything is made by replaying the journal: there is no second copy of the
// truth.
namespace rabt::engine {

namespace {

std::string status_text(int status, bool parked) {
  if (parked) return "parked";
  return std::string(workflow::to_string(static_cast<workflow::InstanceStatus>(status)));
}

constexpr std::int64_t kMaxShownChildren = 1000;

// A workflow may have put a secret into its data, or an outside system may have sent it back.
Json without_secrets(const Json& value, const Json& secrets) {
  if (!secrets.is_object()) return value;
  if (value.is_string()) {
    std::string text = value.as_string();
    for (const auto& [name, secret] : secrets.as_object()) {
      const std::string& hidden = secret.as_string();
      for (auto at = text.find(hidden); at != std::string::npos; at = text.find(hidden, at + 1))
        text.replace(at, hidden.size(), "*");
    }
    return text;
  }
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.as_array()) out.push_back(without_secrets(item, secrets));
    return out;
  }
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, item] : value.as_object()) out.set(key, without_secrets(item, secrets));
    return out;
  }
  return value;
}

// One task in the timeline, from its traces.
struct TimelineEntry {
  Json json;
  std::int64_t started = 0;
};

class Timeline {
 public:
  void add(const workflow::TaskTrace& trace, Timestamp at) {
    if (trace.state == "started" || trace.state == "skipped") {
      Json& entry = begin(trace, at).json;
      if (!trace.detail.empty()) entry.set("detail", trace.detail);
      return;
    }
    auto found = entries_.find(trace.reference);
    if (found == entries_.end()) {
      if (trace.kind != "compensate") return;
      // What undoes a task is no task of the file: nothing tells its start, only its answers.
      (void)begin(trace, at);
      found = entries_.find(trace.reference);
    }
    Json& entry = found->second.json;
    if (trace.state == "retried" || trace.state == "resumed") {
      entry.mutable_object().erase("ended");
      entry.mutable_object().erase("ms");
    }
    if (trace.state == "retried") {
      entry.set("attempts", entry.int_or("attempts", 1) + 1);
    } else if (trace.state == "resumed") {
      entry.set("state", "started");
      return;
    } else if (trace.state != "waiting" && trace.state != "parked") {
      entry.set("ended", to_iso8601(at));
      if (trace.kind != "compensate") entry.set("ms", at.ms - found->second.started);
    }
    entry.set("state", trace.state);
    if (!trace.detail.empty()) entry.set("detail", trace.detail);
  }
  // What became of the last call of a task. whole: with what may hold patient data.
  void add(const std::string& reference, const workflow::ActionOutcome& outcome, bool whole) {
    const auto found = entries_.find(reference);
    if (found == entries_.end()) return;
    Json& entry = found->second.json;
    if (outcome.kind == workflow::OutcomeKind::done) {
      if (!outcome.codes.is_null()) entry.set("codes", outcome.codes);
      return;
    }
    Json failure = Json::object({{"outcome", workflow::to_string(outcome.kind)},
                                 {"code", outcome.code},
                                 {"message", whole ? outcome.whole_message() : outcome.message}});
    if (whole && !outcome.detail.is_null()) failure.set("detail", outcome.detail);
    entry.set("failure", std::move(failure));
  }
  [[nodiscard]] Json json() const {
    Json list = Json::array();
    std::set<std::string> seen;
    for (const std::string& reference : order_) {
      if (seen.insert(reference).second) list.push_back(entries_.at(reference).json);
    }
    return list;
  }

 private:
  // The entry of a task of which nothing was told yet, or which is run again.
  TimelineEntry& begin(const workflow::TaskTrace& trace, Timestamp at) {
    order_.push_back(trace.reference);
    TimelineEntry& entry = entries_[trace.reference];
    entry = {Json::object({{"task", trace.task},
                           {"kind", trace.kind},
                           {"reference", trace.reference},
                           {"state", trace.state},
                           {"started", to_iso8601(at)},
                           {"attempts", 1}}),
             at.ms};
    return entry;
  }

  std::vector<std::string> order_;
  std::map<std::string, TimelineEntry> entries_;
};

}  // namespace

Result<std::vector<InstanceSummary>> Engine::instances(std::size_t limit,
                                                       std::optional<std::string> before,
                                                       std::optional<std::string> status,
                                                       std::optional<std::string> patient) {
  int low = 0;
  int high = static_cast<int>(workflow::InstanceStatus::cancelled);
  if (status && *status != "parked") {
    bool known = false;
    for (int i = low; i <= static_cast<int>(workflow::InstanceStatus::cancelled) && !known; ++i) {
      if (status_text(i, false) == *status) {
        low = high = i;
        known = true;
      }
    }
    if (!known) {
      return invalid("api.invalid",
                     "status: must be running, waiting, completed, faulted, cancelled or parked");
    }
  }
  std::vector<InstanceSummary> list;
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) {
    const auto add = [&](const store::Row& row) {
      const bool parked = !row.is_null(4);
      list.push_back({.id = std::string(row.text(0)),
                      .workflow = std::string(row.text(1)),
                      .version = std::string(row.text(2)),
                      .status = status_text(static_cast<int>(row.integer(3)), parked),
                      .created = Timestamp{row.integer(5)},
                      .updated = Timestamp{row.integer(6)},
                      .held = impl_->context.held.of(row.text(0))});
      return true;
    };
    const std::string& tenant = impl_->context.options.tenant;
    const std::string start = before.value_or("~");
    const std::int64_t only_parked = status == "parked" ? 1 : 0;
    const auto most = static_cast<std::int64_t>(limit);
    if (patient) {
      return connection.query(sql::kListInstancesOfPatient,
                              {tenant, start, low, high, only_parked, most, store::Blob{*patient}},
                              add);
    }
    return connection.query(sql::kListInstances, {tenant, start, low, high, only_parked, most},
                            add);
  }));
  return list;
}

Result<std::string> Engine::patient_of(std::string_view id) {
  RABT_TRY(row, impl_->reader.row(id));
  return impl_->reader.patient(row.num);
}

Result<Json> Engine::instance(std::string_view id, const Admit& admit) {
  Impl& engine = *impl_;
  RABT_TRY(row, engine.reader.row(id));
  const auto definition = engine.definitions.find(row.definition);
  if (definition == nullptr)
    return corrupt("engine.definition", "the instance's definition is not loaded");
  RABT_TRY(key, engine.context.parts.keys.open(row.tenant, row.data_key));
  RABT_TRY(inputs, engine.reader.journal(row, *key));

  RABT_TRY(secrets, engine.definitions.secrets_of(*definition));
  RABT_TRY(origin, engine.reader.origin(row, *key));
  std::vector<std::string> started;
  std::string restart_of;
  std::string restarted_as;
  RABT_TRY_STATUS(engine.context.parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kStartedBy, {row.num, kMaxShownChildren},
                                     [&](const store::Row& child) {
                                       started.emplace_back(child.text(0));
                                       return true;
                                     }));
    const auto into = [](std::string& found) {
      return [&found](const store::Row& other) {
        found = std::string(other.text(0));
        return false;
      };
    };
    RABT_TRY_STATUS(connection.query(sql::kRestartOf, {row.num}, into(restart_of)));
    return connection.query(sql::kRestartedAs, {row.num}, into(restarted_as));
  }));

  workflow::History history(definition, secrets);
  Timeline timeline;
  Json output;
  Json error;
  Json shown;
  // Where the open calls come from.
  std::map<std::uint64_t, std::string> callers;
  for (const workflow::Input& input : inputs) {
    const auto* const ended = std::get_if<workflow::ActionEnded>(&input.what);
    if (const auto caller = ended == nullptr ? callers.end() : callers.find(ended->call);
        caller != callers.end())
      timeline.add(caller->second, ended->outcome, static_cast<bool>(admit));
    if (std::holds_alternative<workflow::Rewound>(input.what)) output = error = shown = Json();
    for (workflow::Effect& effect : history.apply(input)) {
      if (const auto* call = std::get_if<workflow::CallAction>(&effect)) {
        callers.insert_or_assign(call->id, call->reference);
      } else if (const auto* trace = std::get_if<workflow::TaskTrace>(&effect)) {
        timeline.add(*trace, input.at);
      } else if (auto* finished = std::get_if<workflow::Finished>(&effect)) {
        output = std::move(finished->output);
        error = std::move(finished->error);
        shown = std::move(finished->shown);
      }
    }
  }
  Json json = Json::object({{"id", row.id},
                            {"workflow", definition->name()},
                            {"version", definition->version()},
                            {"status", status_text(row.status, !row.parked.empty())},
                            {"created", to_iso8601(row.created)},
                            {"updated", to_iso8601(row.updated)},
                            {"turns", static_cast<std::int64_t>(inputs.size())}});
  if (origin != nullptr && origin->parent != 0) json.set("parent", origin->parent_id);
  if (!restart_of.empty()) json.set("restartOf", restart_of);
  if (!restarted_as.empty()) json.set("restartedAs", restarted_as);
  if (!started.empty()) {
    Json children = Json::array();
    for (const std::string& child : started) children.push_back(child);
    json.set("children", children);
  }
  if (!row.parked.empty()) json.set("parked", row.parked.substr(row.parked.find(' ') + 1));
  if (std::string held = engine.context.held.of(row.id); !held.empty())
    json.set("held", std::move(held));
  // title and detail may have been made by an expression: without a reason only what is sure to be
  // free of data.
  if (!error.is_null()) json.set("error", shown);
  json.set("timeline", admit ? without_secrets(timeline.json(), secrets) : timeline.json());
  if (admit) {
    RABT_TRY(patient, patient_of(row.id));
    RABT_TRY_STATUS(admit(row.id, patient));
    json.set("context", without_secrets(history.execution().context(), secrets));
    json.set("output", without_secrets(output, secrets));
    if (!error.is_null()) json.set("error", without_secrets(error, secrets));
  }
  return json;
}

Result<Json> Engine::lifecycle(std::string_view id) {
  Impl& engine = *impl_;
  RABT_TRY(row, engine.reader.row(id));
  const auto definition = engine.definitions.find(row.definition);
  if (definition == nullptr)
    return corrupt("engine.definition", "the instance's definition is not loaded");
  RABT_TRY(key, engine.context.parts.keys.open(row.tenant, row.data_key));
  RABT_TRY(secrets, engine.definitions.secrets_of(*definition));
  RABT_TRY(inputs, engine.reader.journal(row, *key));
  workflow::History history(definition, secrets);
  Json events = Json::array();
  std::uint64_t number = 0;
  for (const workflow::Input& input : inputs) {
    const std::vector<workflow::Effect> effects = history.apply(input);
    for (Json& event : workflow::lifecycle_events(*definition, {row.id, number++, input, effects}))
      events.push_back(std::move(event));
  }
  return events;
}

}  // namespace rabt::engine
