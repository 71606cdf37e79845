#include "hub/api/instances.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/check.hpp"
#include "hub/base/number.hpp"
#include "hub/engine/state_text.hpp"
#include "hub/repair/answer.hpp"

namespace rabt::api {

using http::Response;

namespace {

constexpr std::int64_t kPage = 50;
constexpr std::int64_t kMaxPage = 200;

Json summaries_json(const std::vector<engine::InstanceSummary>& list) {
  Json items = Json::array();
  for (const engine::InstanceSummary& summary : list) {
    Json item = Json::object({{"id", summary.id},
                              {"workflow", summary.workflow},
                              {"version", summary.version},
                              {"status", summary.status},
                              {"created", to_iso8601(summary.created)},
                              {"updated", to_iso8601(summary.updated)}});
    if (!summary.held.empty()) item.set("held", summary.held);
    if (!summary.paused.empty()) item.set("paused", summary.paused);
    if (!summary.error.is_null()) item.set("error", summary.error);
    if (!summary.waits.is_null()) item.set("waits", summary.waits);
    items.push_back(std::move(item));
  }
  return items;
}

Result<std::size_t> checked_limit(std::int64_t limit) {
  if (limit < 1 || limit > kMaxPage)
    return invalid("api.invalid", "limit: must be a number from 1 to 200");
  return static_cast<std::size_t>(limit);
}

std::optional<std::string> place_of(const std::string& cursor) {
  return cursor.empty() ? std::nullopt : std::optional(cursor);
}

// No name of a workflow, version or code is longer.
constexpr std::size_t kMaxName = 256;

Error wrong(std::string_view name, std::string_view must) {
  return invalid("api.invalid", std::string(name) + ": must be " + std::string(must));
}

Status check_state(std::string_view state) {
  if (std::find(engine::kStates.begin(), engine::kStates.end(), state) != engine::kStates.end())
    return ok_status();
  return wrong("status",
               "running, waiting, parked, completed, faulted or cancelled, or several of them with "
               "commas");
}

Result<std::vector<std::string>> states_in(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    const std::string_view state = text.substr(from, comma - from);
    RABT_TRY_STATUS(check_state(state));
    out.emplace_back(state);
    from = comma + 1;
  }
  return out;
}

Status read_name(const Given& of, std::string_view name, std::string& into) {
  const auto given = of(name);
  if (!given) return ok_status();
  if (given->empty() || given->size() > kMaxName)
    return wrong(name, "a text of 1 to 256 bytes, as the list shows it");
  into = *given;
  return ok_status();
}

Status read_time(const Given& of, std::string_view name, std::optional<Timestamp>& into) {
  const auto given = of(name);
  if (!given) return ok_status();
  const auto time = parse_iso8601(*given);
  if (!time.ok()) return wrong(name, "a time, such as 2026-03-10T06:00:00Z");
  into = *time;
  return ok_status();
}

// Filters that may stand in an address. A business key may be a person's number: searches take it
// in their body.
Result<engine::InstanceFilter> filter_in(const http::Request& request) {
  return instance_filter([&request](std::string_view name) -> std::optional<std::string> {
    const auto given = request.parameter(name);
    return given ? std::optional(std::string(*given)) : std::nullopt;
  });
}

// States that no instance has are left out of the counts of one workflow.
Json states_json(const engine::InstanceCounts::States& states, bool all) {
  Json out = Json::object();
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (all || states.at(i) != 0) out.set(std::string(engine::kStates.at(i)), states.at(i));
  }
  return out;
}

}  // namespace

Result<engine::InstanceFilter> instance_filter(const Given& given) {
  engine::InstanceFilter filter;
  if (const auto status = given("status")) {
    RABT_TRY(states, states_in(*status));
    filter.states = std::move(states);
  }
  RABT_TRY_STATUS(read_name(given, "workflow", filter.workflow));
  RABT_TRY_STATUS(read_name(given, "version", filter.version));
  RABT_TRY_STATUS(read_name(given, "code", filter.code));
  RABT_TRY_STATUS(read_time(given, "since", filter.since));
  RABT_TRY_STATUS(read_time(given, "until", filter.until));
  if (filter.since && filter.until && filter.until->ms < filter.since->ms)
    return wrong("since", "no later than `until`");
  return filter;
}

// Adds `calls` to each that goes on with some. A journal that cannot be read, as without its keys,
// leaves them out.
void Instances::add_calls(Json& items) const {
  Json out = Json::array();
  for (Json item : items.as_array()) {
    const auto calls = engine.pending_calls(item.string_or("id", ""));
    if (calls.ok()) {
      Json list = Json::array();
      for (const engine::PendingCall& call : *calls) {
        list.push_back(Json::object({{"role", call.role},
                                     {"action", call.action},
                                     {"task", call.task},
                                     {"reference", call.reference},
                                     {"since", to_iso8601(call.since)}}));
      }
      item.set("calls", std::move(list));
    }
    out.push_back(std::move(item));
  }
  items = std::move(out);
}

Result<Response> Instances::list(const Call& call) const {
  const http::Request& request = call.request;
  if (request.parameter("patient")) {
    return invalid("api.patient_in_address",
                   "name the patient in the body of POST /api/v1/instances/search: "
                   "addresses are kept by proxies and histories");
  }
  RABT_TRY(window, window_of(call));
  RABT_TRY(filter, filter_in(request));
  RABT_TRY(list, engine.instances(filter, window.limit, place_of(window.cursor)));
  Json items = summaries_json(list);
  if (request.parameter("calls") == std::optional<std::string_view>("true")) add_calls(items);
  Json body = Json::object({{"items", std::move(items)}});
  if (list.size() == window.limit) {
    RABT_TRY(next, path_behind(call, list.back().id));
    body.set("next", next);
  }
  return json_response(200, body);
}

Result<Response> Instances::counts(const Call& call) const {
  RABT_TRY(filter, filter_in(call.request));
  RABT_TRY(counts, engine.counts(filter));
  Json workflows = Json::array();
  for (const auto& workflow : counts.workflows) {
    workflows.push_back(Json::object({{"workflow", workflow.name},
                                      {"version", workflow.version},
                                      {"byStatus", states_json(workflow.states, false)}}));
  }
  Json codes = Json::array();
  for (const auto& code : counts.codes) {
    codes.push_back(Json::object({{"status", code.status},
                                  {"code", code.code},
                                  {"count", code.count},
                                  {"oldest", to_iso8601(code.oldest)}}));
  }
  return json_response(200, Json::object({{"total", counts.total},
                                          {"byStatus", states_json(counts.states, true)},
                                          {"byWorkflow", std::move(workflows)},
                                          {"byCode", std::move(codes)}}));
}

namespace {

// Subject of a search: one person, or one business key.
Result<engine::InstanceFilter> wanted_of(const Patients& patients, const Json& body) {
  engine::InstanceFilter filter;
  const auto text = [&](std::string_view name, std::string& into) {
    into = body.string_or(name, "");
    if (const Json* const given = body.find(name);
        given != nullptr && (into.empty() || into.size() > kMaxName))
      return Status(wrong(name, "a text of 1 to 256 bytes"));
    return ok_status();
  };
  std::string status;
  std::string key;
  RABT_TRY_STATUS(text("status", status));
  RABT_TRY_STATUS(text("workflow", filter.workflow));
  RABT_TRY_STATUS(text("key", key));
  if (!status.empty()) {
    RABT_TRY(states, states_in(status));
    filter.states = std::move(states);
  }
  if (!key.empty()) {
    if (body.find("patient") != nullptr)
      return wrong("key", "left out where `patient` is given; name one of both");
    filter.key = std::move(key);
    return filter;
  }
  RABT_TRY(patient, patients.index_of(body.string_or("patient", "")));
  filter.patient = std::move(patient);
  return filter;
}

}  // namespace

// The log has that somebody looked for this person before the hub knows whether it has anything
// about the person.
Status Instances::admit_person(const Call& call, const std::string& patient) const {
  return patients.access.admit(
      reader_of(call),
      {.act = "instance.search",
       .object = "search:instances",
       .patients = {patient},
       .detail = Json::object({{"query", "patient=" + to_hex(as_bytes(patient))}})});
}

// A business key names no person by itself: it is one of those whose instances have it. Where a
// grant is needed, one of theirs opens the list.
Status Instances::admit_key(const Call& call,
                            const std::vector<engine::InstanceSummary>& list) const {
  std::vector<std::string> people;
  for (const engine::InstanceSummary& summary : list) {
    RABT_TRY(of, patients.index.patients_of(summary.id));
    people.insert(people.end(), of.begin(), of.end());
  }
  return patients.access.admit(
      reader_of(call),
      {.act = "instance.search",
       .object = "search:instances",
       .patients = std::move(people),
       .detail =
           Json::object({{"query", "key"}, {"found", static_cast<std::int64_t>(list.size())}})});
}

Result<Response> Instances::search(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(limit, checked_limit(body.int_or("limit", kPage)));
  RABT_TRY(filter, wanted_of(patients, body));
  if (filter.patient) RABT_TRY_STATUS(admit_person(call, *filter.patient));
  // The cursor of a search is good for the same search only.
  RABT_CHECK(call.cursors != nullptr);
  const std::string search = "search " + to_hex(as_bytes(filter.patient.value_or(""))) + " " +
                             body.string_or("status", "") + " " + filter.workflow + " " +
                             filter.key.value_or("");
  RABT_TRY(place, call.cursors->open(call.caller.who, search, body.string_or("cursor", "")));
  RABT_TRY(list, engine.instances(filter, limit, place_of(place)));
  if (filter.key) RABT_TRY_STATUS(admit_key(call, list));
  Json out = Json::object({{"items", summaries_json(list)}});
  // The next page: the same body with this as its cursor.
  if (list.size() == limit) {
    RABT_TRY(cursor, call.cursors->seal(call.caller.who, search, list.back().id));
    out.set("next", cursor);
  }
  return json_response(200, out);
}

// Roles that may see the data of an instance. Roles that only run the hub are not among them.
constexpr identity::Roles kReaders{identity::Role::doctor, identity::Role::specialist,
                                   identity::Role::nurse, identity::Role::integration};

Result<Response> Instances::get(const Call& call) const {
  engine::Engine::Admit admit;
  if (call.request.parameter("data") == std::optional<std::string_view>("true")) {
    if (!call.caller.who.roles.has_any(kReaders)) return not_allowed();
    admit = [&](std::string_view instance, std::string_view /*patient*/) -> Status {
      RABT_TRY(of, patients.index.patients_of(instance));
      return patients.access.admit(reader_of(call), {.act = "instance.read",
                                                     .object = "instance:" + std::string(instance),
                                                     .instance = std::string(instance),
                                                     .patients = std::move(of)});
    };
  }
  engine::Engine::TimelinePage page;
  if (const auto before = call.request.parameter("before")) {
    const auto place = read_number<std::int64_t>(*before);
    if (!place || *place < 1)
      return wrong("before", "a number from 1 on, as `earlier` of the page behind it has it");
    page.before = static_cast<std::size_t>(*place);
  }
  RABT_TRY(instance, engine.instance(call.path[0], admit, page));
  if (const auto earlier = instance["earlier"].as_int64()) {
    instance.set("earlier", call.request.path + "?before=" + std::to_string(*earlier) +
                                (admit ? "&data=true" : ""));
  }
  return json_response(200, instance);
}

Result<Response> Instances::graph(const Call& call) const {
  RABT_TRY(graph, engine.instance_graph(call.path[0]));
  return json_response(200, graph);
}

Result<Response> Instances::events(const Call& call) const {
  RABT_TRY(events, engine.lifecycle(call.path[0]));
  return json_response(200, Json::object({{"items", std::move(events)}}));
}

Result<Response> Instances::cancel(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(reason, reason_in(body));
  RABT_TRY_STATUS(engine.cancel(call.path[0], call.caller.who.actor(), reason));
  return json_response(202, Json::object({{"cancelled", true}}));
}

namespace {

// Actor and reason of an act: nothing is started or run again without a reason.
Result<engine::Asked> asked_by(const Call& call, const Json& body) {
  RABT_TRY(reason, needed_reason(body));
  return engine::Asked{.actor = call.caller.who.actor(), .reason = std::move(reason)};
}

}  // namespace

Result<std::string> retry_version(const Json& body) {
  const Json* const version = body.find("version");
  if (version == nullptr) return std::string();
  if (!version->is_string() || version->as_string().empty()) {
    return invalid("api.invalid",
                   "version: name a deployed version of the workflow, or `newest`; without it the "
                   "instance keeps its own");
  }
  return version->as_string();
}

Result<Response> Instances::retry(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(asked, asked_by(call, body));
  RABT_TRY(version, retry_version(body));
  RABT_TRY_STATUS(engine.retry(call.path[0], asked.actor, asked.reason, {}, version));
  return json_response(202, Json::object({{"retried", true}}));
}

Result<Response> Instances::start(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const std::string workflow = body.string_or("workflow", "");
  if (workflow.empty())
    return invalid("api.invalid", "workflow: name the workflow that is to start");
  RABT_TRY(asked, asked_by(call, body));
  RABT_TRY(id, engine.start({.name_space = body.string_or("namespace", ""),
                             .name = workflow,
                             .version = body.string_or("version", "")},
                            body["input"], asked));
  return json_response(201, Json::object({{"id", id}}));
}

Result<Response> Instances::restart(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(asked, asked_by(call, body));
  // Without a number the answer lists what stands.
  RABT_TRY(id, engine.restart(call.path[0], body.string_or("version", ""),
                              body.int_or("effects", -1), asked));
  return json_response(201, Json::object({{"id", id}}));
}

Result<Response> Instances::resolve(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(reason, reason_in(body));
  RABT_TRY_STATUS(
      repair::resolve_call(engine, call.path[0], 0, body,
                           {.actor = call.caller.who.actor(), .reason = std::move(reason)}));
  return json_response(202, Json::object({{"resolved", true}}));
}

}  // namespace rabt::api
