#include "hub/workflow/definition.hpp"

#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/workflow/model.hpp"
#include "hub/workflow/run/evaluate.hpp"
namespace rabt::workflow {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      return "note";
  }
  return "";
}

std::string to_string(const Diagnostic& diagnostic, std::string_view file) {
  std::string out(file);
  out += ':' + std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column) + ": ";
  out += std::string(to_string(diagnostic.severity)) + ": ";
  out += diagnostic.message;
  if (!diagnostic.suggestion.empty()) out += " (" + diagnostic.suggestion + ')';
  out += " [" + diagnostic.code + ']';
  return out;
}

// ---- what the file says ----

const std::string& Definition::name_space() const {
  return model_->name_space;
}
const std::string& Definition::name() const {
  return model_->name;
}
const std::string& Definition::version() const {
  return model_->version;
}
std::string Definition::title() const {
  return model_->title;
}
const std::vector<Definition::Child>& Definition::children() const {
  return model_->children;
}
const std::vector<std::string>& Definition::secrets() const {
  return model_->secrets;
}
const std::optional<Definition::Schedule>& Definition::schedule() const {
  return model_->schedule;
}
std::string Definition::catalog(std::string_view name) const {
  for (const auto& [role, target] : model_->catalogs) {
    if (role == name) return target;
  }
  return {};
}
const std::vector<Definition::Call>& Definition::calls() const {
  return model_->calls;
}

// ---- events that start an instance ----

std::vector<std::string> Definition::start_types() const {
  std::vector<std::string> out;
  for (const EventFilter& filter : model_->start) {
    if (std::find(out.begin(), out.end(), filter.type) == out.end()) out.push_back(filter.type);
  }
  return out;
}

bool Definition::starts_on(const Json& event) const {
  if (model_->start_on_all) return false;
  const NoVariables none;
  return std::any_of(model_->start.begin(), model_->start.end(), [&](const EventFilter& filter) {
    return filter_matches(filter, event, none);
  });
}

// schedule.on.all (dsl-reference.md: Schedule, Event Consumption Strategy).

namespace {

// Sets of events that are not complete, for one definition.
constexpr std::size_t kMaxPendingStarts = 256;

// The correlated values after the event joined, or nullopt when it does not belong there.
std::optional<Json> join(const EventFilter& filter, const Json& event, Json values) {
  const NoVariables none;
  for (const Correlation& correlation : filter.correlate) {
    const Result<Json> value = evaluate(correlation.from, event, none);
    if (!value || value.value().is_null()) return std::nullopt;
    std::optional<Json> expected;
    if (correlation.expect.has_value()) {
      const Result<Json> fixed = evaluate(*correlation.expect, Json(), none);
      if (!fixed) return std::nullopt;
      expected = fixed.value();
    } else if (const Json* bound = values.find(correlation.name); bound != nullptr) {
      expected = *bound;
    } else {
      values.set(correlation.name, value.value());
      continue;
    }
    if (value.value().dump_sorted() != expected->dump_sorted()) return std::nullopt;
  }
  return values;
}

}  // namespace

bool Definition::starts_on_all() const {
  return model_->start_on_all;
}

Definition::StartStep Definition::collect_start(const Json& pending, const Json& event,
                                                Timestamp at) const {
  StartStep out;
  const std::vector<EventFilter>& filters = model_->start;
  const NoVariables none;
  std::vector<std::size_t> matching;
  for (std::size_t i = 0; model_->start_on_all && i < filters.size(); ++i) {
    if (filter_matches(filters[i], event, none)) matching.push_back(i);
  }
  constexpr std::int64_t kRetentionMs =
      std::chrono::duration_cast<std::chrono::milliseconds>(limits::kEventRetention).count();
  Json::Array sets;
  if (pending.is_array()) {
    for (const Json& set : pending.as_array()) {
      if (set.int_or("since", 0) + kRetentionMs >= at.ms) sets.push_back(set);
    }
  }
  const auto add = [&](Json& set, std::size_t filter, Json values) {
    Json::Array events = set["events"].as_array();
    events[filter] = event;
    const bool whole =
        std::none_of(events.begin(), events.end(), [](const Json& item) { return item.is_null(); });
    set.set("values", std::move(values));
    if (whole) out.start = Json(events);
    set.set("events", Json(std::move(events)));
    return whole;
  };
  bool placed = matching.empty();
  for (std::size_t s = 0; s < sets.size() && !placed; ++s) {
    for (const std::size_t filter : matching) {
      if (!sets[s]["events"][filter].is_null()) continue;
      std::optional<Json> values = join(filters[filter], event, sets[s]["values"]);
      if (!values.has_value()) continue;
      placed = true;
      if (add(sets[s], filter, std::move(*values)))
        sets.erase(sets.begin() + static_cast<std::ptrdiff_t>(s));
      break;
    }
  }
  for (std::size_t i = 0; i < matching.size() && !placed; ++i) {
    std::optional<Json> values = join(filters[matching[i]], event, Json::object());
    if (!values.has_value()) continue;
    placed = true;
    Json set = Json::object({{"since", at.ms}, {"events", Json(Json::Array(filters.size()))}});
    if (!add(set, matching[i], std::move(*values))) sets.push_back(std::move(set));
  }
  if (sets.size() > kMaxPendingStarts) sets.erase(sets.begin());
  if (!sets.empty()) out.pending = Json(std::move(sets));
  return out;
}

// ---- whose instance it is ----

namespace {

// The input of the workflow, transformed: what the document's expressions are evaluated on.
Result<Json> shaped_input(const Definition::Model& model, const Json& start_events,
                          const WorkflowVariables& variables) {
  Json input = workflow_input(model, start_events);
  if (!model.root->input_from.has_value()) return input;
  return evaluate(*model.root->input_from, input, variables);
}

}  // namespace

Result<std::optional<std::string>> Definition::business_key(const Json& start_events) const {
  if (!model_->business_key.has_value()) return std::optional<std::string>();
  WorkflowVariables variables(*model_, start_events);
  RABT_TRY(input, shaped_input(*model_, start_events, variables));
  RABT_TRY(key, evaluate(*model_->business_key, input, variables));
  if (key.is_null())
    return invalid("workflow.business_key", "the business key is null for this input");
  return std::optional<std::string>(key.is_string() ? key.as_string() : key.dump_sorted());
}

bool Definition::unheard_starts() const {
  return model_->unheard_starts;
}

const std::vector<std::string>& patient_kinds() {
  static const std::vector<std::string> kinds{"identifier", "mrn", "phone", "email", "pseudonym"};
  return kinds;
}

Definition::PatientReference Definition::patient(const Json& start_events) const {
  PatientReference out;
  out.declared = !model_->patient.empty();
  if (!out.declared) return out;
  WorkflowVariables variables(*model_, start_events);
  const auto input = shaped_input(*model_, start_events, variables);
  if (!input.ok()) {
    out.unread = static_cast<int>(model_->patient.size());
    return out;
  }
  for (const auto& [kind, expression] : model_->patient) {
    const auto value = evaluate(expression, *input, variables);
    if (!value.ok() || !(value->is_null() || value->is_string() || value->is_number())) {
      ++out.unread;
      continue;
    }
    if (value->is_null()) continue;
    std::string text = value->is_string() ? value->as_string() : value->dump();
    if (!text.empty()) out.identifiers.push_back({kind, std::move(text)});
  }
  return out;
}

// ---- events that an instance waits for ----

std::string correlation_key(std::string_view type,
                            const std::vector<std::pair<std::string, std::string>>& names,
                            const std::vector<Json>& values) {
  if (names.empty()) return std::string(type);
  Json::Array parts;
  parts.reserve(names.size() + 1);
  parts.emplace_back(type);
  for (std::size_t i = 0; i < names.size(); ++i) {
    parts.push_back(Json::array({Json(names[i].first), Json(names[i].second), values[i]}));
  }
  return Json(std::move(parts)).dump_sorted();
}

bool Definition::names_event(std::string_view type) const {
  return model_->key_plans.contains(std::string(type));
}

std::optional<std::vector<std::string>> Definition::heard_types() const {
  if (model_->listens_to_every) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& [type, plans] : model_->key_plans) out.push_back(type);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> Definition::correlation_keys(const Json& event) const {
  std::vector<std::string> out;
  const Json& type = event["type"];
  if (!type.is_string()) return out;
  if (model_->listens_to_every) out.emplace_back(kEveryEventKey);
  const auto plans = model_->key_plans.find(type.as_string());
  if (plans == model_->key_plans.end()) return out;
  const NoVariables none;
  for (const Model::KeyPlan& plan : plans->second) {
    std::vector<Json> values;
    for (const Expr& from : plan.from) {
      Result<Json> found = evaluate(from, event, none);
      if (!found || found.value().is_null())
        break;  // an event without the value is not meant for this listen
      values.push_back(std::move(found).value());
    }
    if (values.size() == plan.from.size())
      out.push_back(correlation_key(plans->first, plan.names, values));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace rabt::workflow
