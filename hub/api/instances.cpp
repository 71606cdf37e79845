#include "hub/api/instances.hpp"

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/base/bytes.hpp"

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

std::optional<std::string> owned(std::optional<std::string_view> text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<std::string> text_member(const Json& body, std::string_view name) {
  const Json& value = body[name];
  return value.is_string() ? std::optional<std::string>(value.as_string()) : std::nullopt;
}

}  // namespace

Result<Response> Instances::list(const Call& call) const {
  const http::Request& request = call.request;
  if (request.parameter("patient")) {
    return invalid("api.patient_in_address",
                   "name the patient in the body of POST /api/v1/instances/search: "
                   "addresses are kept by proxies and histories");
  }
  RABT_TRY(window, window_of(call));
  const auto status = owned(request.parameter("status"));
  RABT_TRY(list, engine.instances(window.limit, place_of(window.cursor), status, std::nullopt));
  Json body = Json::object({{"items", summaries_json(list)}});
  if (list.size() == window.limit) {
    RABT_TRY(next, path_behind(call, list.back().id));
    body.set("next", next);
  }
  return json_response(200, body);
}

Result<Response> Instances::search(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(limit, checked_limit(body.int_or("limit", kPage)));
  RABT_TRY(patient, patients.index_of(body.string_or("patient", "")));
  // That somebody looked for this person is in the log before the hub knows whether it has
  // anything about the person.
  RABT_TRY_STATUS(patients.access.admit(
      reader_of(call),
      {.act = "instance.search",
       .object = "search:instances",
       .patients = {patient},
       .detail = Json::object({{"query", "patient=" + to_hex(as_bytes(patient))}})}));
  const auto status = text_member(body, "status");
  // The cursor of a search is good for the same person and state.
  const std::string search = "search " + to_hex(as_bytes(patient)) + " " + status.value_or("");
  RABT_CHECK(call.cursors != nullptr);
  RABT_TRY(place, call.cursors->open(call.caller.who, search, body.string_or("cursor", "")));
  RABT_TRY(list, engine.instances(limit, place_of(place), status, patient));
  Json out = Json::object({{"items", summaries_json(list)}});
  // The next page: the same body with this as its cursor.
  if (list.size() == limit) {
    RABT_TRY(cursor, call.cursors->seal(call.caller.who, search, list.back().id));
    out.set("next", cursor);
  }
  return json_response(200, out);
}

// Who may see the data of an instance: never who only runs the hub.
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
  RABT_TRY(instance, engine.instance(call.path[0], admit));
  return json_response(200, instance);
}

Result<Response> Instances::events(const Call& call) const {
  RABT_TRY(events, engine.lifecycle(call.path[0]));
  return json_response(200, Json::object({{"items", std::move(events)}}));
}

Result<Response> Instances::cancel(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY_STATUS(engine.cancel(call.path[0], call.caller.who.actor(), reason_in(body)));
  return json_response(202, Json::object({{"cancelled", true}}));
}

namespace {

// Who asks, and why: nothing is started or run again without a reason.
Result<engine::Asked> asked_by(const Call& call, const Json& body) {
  std::string reason = reason_in(body);
  if (reason.empty()) {
    return invalid("api.invalid",
                   "reason: say why the instance is run; the audit log keeps the reason");
  }
  return engine::Asked{.actor = call.caller.who.actor(), .reason = std::move(reason)};
}

}  // namespace

Result<Response> Instances::retry(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(asked, asked_by(call, body));
  RABT_TRY_STATUS(engine.retry(call.path[0], asked.actor, asked.reason));
  return json_response(202, Json::object({{"retried", true}}));
}

Result<Response> Instances::start(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const auto workflow = text_member(body, "workflow");
  if (!workflow || workflow->empty())
    return invalid("api.invalid", "workflow: name the workflow that is to start");
  RABT_TRY(asked, asked_by(call, body));
  RABT_TRY(id, engine.start({.name_space = body.string_or("namespace", ""),
                             .name = *workflow,
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

Status resolve_call(engine::Engine& engine, std::string_view instance, std::uint64_t call,
                    const Json& answer, std::string_view actor, std::string_view reason) {
  workflow::ActionOutcome outcome;
  const std::string kind = answer.string_or("outcome", "");
  if (kind == "again") return engine.send_again(instance, actor, reason, call);
  if (kind == "done") {
    outcome.output = answer["output"];
  } else if (kind == "transient" || kind == "permanent") {
    outcome.kind =
        kind == "transient" ? workflow::OutcomeKind::transient : workflow::OutcomeKind::permanent;
    outcome.code = "operator.decision";
    outcome.message = "an operator decided that the action had no effect";
  } else {
    return invalid("api.invalid", "outcome: must be again, done, transient or permanent");
  }
  return engine.resolve(instance, std::move(outcome), actor, reason, call);
}

Result<Response> Instances::resolve(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY_STATUS(
      resolve_call(engine, call.path[0], 0, body, call.caller.who.actor(), reason_in(body)));
  return json_response(202, Json::object({{"resolved", true}}));
}

}  // namespace rabt::api
