#include "hub/api/tasks.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/audit/reader.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/number.hpp"
#include "hub/engine/answer_fits.hpp"
#include "hub/http/problem.hpp"
#include "hub/repair/answer.hpp"

namespace rabt::api {

using consultation::TaskContent;
using consultation::TaskFilter;
using http::Response;
using identity::Principal;
using identity::Role;

namespace {

constexpr std::string_view kParked = "parked";
constexpr std::string_view kParkedPrefix = "parked-";
// Roles that see parked calls, and that decide them, as POST /instances/{id}/resolve.
constexpr identity::Roles kSeeParked{Role::operator_, Role::engineer, Role::auditor,
                                     Role::security_officer};
// Parked calls that are looked through for one instance.
constexpr std::size_t kMaxParked = 10'000;
constexpr identity::Roles kDecideParked{Role::operator_, Role::engineer};

// The members that a parked call has in each list and state.
Json parked_head(const std::string& instance, std::uint64_t call) {
  return Json::object({{"id", std::string(kParkedPrefix) + instance + "-" + std::to_string(call)},
                       {"kind", kParked},
                       {"title", "call.parked"},
                       {"role", "operator"},
                       {"object", Json::object({{"type", "instance"}, {"id", instance}})}});
}

Json parked_json(const engine::ParkedCall& call) {
  Json out = parked_head(call.instance, call.call);
  out.set("state", "open");
  out.set("opened", to_iso8601(call.since));
  out.set("workflow", call.workflow + " " + call.workflow_version);
  out.set("call", Json::object({{"role", call.role}, {"action", call.action}}));
  return out;
}

// The choices of a form; null when it has none.
Json answers_of(const Json& schema) {
  return schema["properties"]["outcome"]["enum"];
}

// A call whose effect nobody knows may also be tried as the workflow does it; one that failed may
// not, because the workflow tries it no more. Where a person may not say that it was done, the
// form says why.
Json form_of_call(const engine::ParkedCall& call) {
  Json choices = Json::array({"again"});
  if (call.answerable) choices.push_back("done");
  choices.push_back("permanent");
  if (!call.failed) choices.push_back("transient");
  Json outcome = Json::object({{"enum", std::move(choices)}});
  if (!call.answerable) outcome.set("description", engine::kNotByPerson);
  Json members = Json::object({{"outcome", std::move(outcome)}});
  if (call.answerable)
    members.set("output", call.output_schema.is_null() ? Json::object() : call.output_schema);
  return Json::object({{"type", "object"},
                       {"properties", std::move(members)},
                       {"required", Json::array({"outcome"})},
                       {"additionalProperties", false}});
}

bool is_true(const std::optional<std::string_view>& text) {
  return text && *text == "true";
}

// Errors: api.invalid.
Result<TaskFilter> filter_of(const Call& call) {
  const auto text = [&call](std::string_view name) {
    return std::string(call.request.parameter(name).value_or(""));
  };
  TaskFilter out{.state = text("state"), .role = text("role"), .kind = text("kind")};
  if (!out.state.empty() && out.state != consultation::kTaskOpen &&
      out.state != consultation::kTaskClaimed && out.state != consultation::kTaskDone &&
      out.state != consultation::kTaskCancelled)
    return invalid("api.invalid", "state: must be open, claimed, done or cancelled");
  if (!out.role.empty() && !identity::parse_role(out.role))
    return invalid("api.invalid", "role: must be a role");
  if (const std::string object = text("object"); !object.empty()) {
    const auto id = Ulid::parse(object.substr(object.find(':') + 1));
    if (!id)
      return invalid("api.invalid",
                     "object: must be the id of a session, an instance or a person, alone or as "
                     "session:<id>, instance:<id> or person:<id>");
    out.object = id->text();
  }
  if (is_true(call.request.parameter("mine"))) {
    out.claimed_by = consultation::task_name_of(call.caller.who);
    out.assignee = call.caller.who.person;
  }
  return out;
}

bool wants_parked(const Principal& who, const TaskFilter& filter) {
  return who.roles.has_any(kSeeParked) && filter.claimed_by.empty() &&
         (filter.state.empty() || filter.state == consultation::kTaskOpen) &&
         (filter.role.empty() || filter.role == "operator") &&
         (filter.kind.empty() || filter.kind == kParked);
}

Json detail_of(const consultation::Task& task) {
  Json out = consultation::task_json(task);
  if (!task.instance.empty()) out.set("instance", task.instance);
  return out;
}

void add_content(Json& out, const TaskContent& content) {
  if (!content.question.empty()) out.set("question", content.question);
  if (!content.data.is_null()) out.set("data", content.data);
  if (const Json answers = answers_of(content.schema); answers.is_array())
    out.set("answers", answers);
  out.set("schema", content.schema);
  if (!content.answer.is_null()) out.set("answer", content.answer);
}

// The refusal with who was first and when, as members: a text with a time does not leave the hub.
Response first_was(const Error& error, const Json& task) {
  Response response = http::problem(error);
  auto problem = Json::parse(response.body);
  if (!problem.ok()) return response;
  for (const char* member : {"claimedBy", "claimedAt", "decidedBy", "decidedAt"}) {
    if (const Json* value = task.find(member); value != nullptr) problem->set(member, *value);
  }
  response.body = problem->dump();
  return response;
}

Error not_claimed() {
  return conflict("task.parked", "a parked call is not claimed; whoever looked into it decides it");
}

}  // namespace

std::optional<Tasks::ParkedName> Tasks::parked_name(std::string_view id) {
  if (!id.starts_with(kParkedPrefix)) return std::nullopt;
  id.remove_prefix(kParkedPrefix.size());
  const auto dash = id.find('-');
  const auto instance = Ulid::parse(id.substr(0, dash));
  const auto number = dash == std::string_view::npos
                          ? std::nullopt
                          : read_number<std::uint64_t>(id.substr(dash + 1));
  // No call has the number 0.
  if (!instance || !number) return ParkedName{};
  return ParkedName{instance->text(), *number};
}

Result<Response> Tasks::list(const Call& call) const {
  RABT_TRY(window, window_of(call));
  RABT_TRY(filter, filter_of(call));
  const Principal& who = call.caller.who;
  // By the id that an item stands at: of the task, or of the instance whose call is parked.
  std::vector<std::pair<std::string, Json>> items;
  if (filter.kind != kParked) {
    RABT_TRY(found, tasks.list(who, filter, window.cursor, window.limit + 1));
    for (const consultation::Task& task : found)
      items.emplace_back(task.id, consultation::task_json(task));
  }
  if (wants_parked(who, filter)) {
    RABT_TRY(calls,
             engine.parked(filter.object.empty() ? window.limit + 1 : kMaxParked, window.cursor));
    for (const engine::ParkedCall& parked_call : calls) {
      if (filter.object.empty() || filter.object == parked_call.instance)
        items.emplace_back(parked_call.instance, parked_json(parked_call));
    }
  }
  std::sort(items.begin(), items.end(),
            [](const auto& left, const auto& right) { return left.first > right.first; });
  consultation::Page page;
  if (items.size() > window.limit) {
    items.resize(window.limit);
    page.next = items.back().first;
  }
  for (auto& [place, item] : items) page.items.push_back(std::move(item));
  return answer(call, page);
}

Result<Response> Tasks::get(const Call& call) const {
  if (const auto name = parked_name(call.path[0])) {
    if (!call.caller.who.roles.has_any(kSeeParked)) return not_allowed();
    return parked(*name);
  }
  RABT_TRY(row, tasks.find(call.caller.who, call.path[0]));
  const consultation::Task& task = row.task;
  Json out = detail_of(task);
  access::Reading reading{
      .act = "task.read", .object = "task:" + task.id, .instance = task.instance};
  if (const auto patient = from_hex(task.patient); patient && !patient->empty())
    reading.patients.emplace_back(as_text(*patient));
  access::Reader reader = reader_of(call);
  if (consultation::is_for(task, call.caller.who)) {
    RABT_TRY_STATUS(note_reading(store, audit, patients, reader, reading));
  } else if (reader.reason.empty()) {
    out.set("withheld", true);
    return json_response(200, out);
  } else {
    reader.needs_grant = false;
    RABT_TRY_STATUS(patients.access.admit(reader, reading));
  }
  RABT_TRY(content, tasks.content(row));
  add_content(out, content);
  return json_response(200, out);
}

Result<Response> Tasks::claim(const Call& call) const {
  if (parked_name(call.path[0])) return not_claimed();
  RABT_TRY_STATUS(body_object(call));
  return acted(call, tasks.claim(call.caller, call.path[0]));
}

Result<Response> Tasks::release(const Call& call) const {
  if (parked_name(call.path[0])) return not_claimed();
  RABT_TRY_STATUS(body_object(call));
  return acted(call, tasks.release(call.caller, call.path[0]));
}

Result<Response> Tasks::decide(const Call& call) const {
  const auto name = parked_name(call.path[0]);
  // A caller who may not decide learns nothing about the form of the body.
  if (name) {
    if (!call.caller.who.roles.has_any(kDecideParked)) return not_allowed();
    RABT_TRY_STATUS(accounts.check_strong(call.caller.who));
  } else {
    RABT_TRY(row, tasks.find(call.caller.who, call.path[0]));
    if (!consultation::may_answer(row.task, call.caller.who)) return not_allowed();
  }
  RABT_TRY(body, body_object(call));
  const Json& answer = body["answer"];
  if (!answer.is_object()) return invalid("api.invalid", "answer: must be an object");
  RABT_TRY(reason, reason_in(body));
  if (name) return decide_parked(call, *name, answer, reason);
  return acted(call, tasks.decide(call.caller, call.path[0], answer, reason));
}

Result<Response> Tasks::acted(const Call& call, const Result<consultation::Task>& task) const {
  if (task.ok()) return json_response(200, consultation::task_json(*task));
  if (task.error().kind != ErrorKind::conflict) return task.error();
  RABT_TRY(row, tasks.find(call.caller.who, call.path[0]));
  return first_was(task.error(), consultation::task_json(row.task));
}

Result<Response> Tasks::parked(const ParkedName& name) const {
  const auto call = engine.parked_call(name.instance);
  if (!call.ok() || call->call != name.call) {
    if (!call.ok() && call.error().kind != ErrorKind::not_found &&
        call.error().code != "engine.not_parked")
      return call.error();
    RABT_TRY(before, decided(name));
    if (before) return json_response(200, *before);
    return not_found("task.unknown", "there is no task with this id");
  }
  Json out = parked_json(*call);
  Json what = Json::object({{"role", call->role},
                            {"action", call->action},
                            {"version", call->version},
                            {"task", call->task},
                            {"reference", call->reference},
                            {"key", call->key},
                            {"effect", call->failed && !call->doubtful ? "none" : "unknown"}});
  if (!call->code.empty()) what.set("code", call->code);
  out.set("call", std::move(what));
  const Json form = form_of_call(*call);
  out.set("answers", answers_of(form));
  out.set("schema", form);
  return json_response(200, out);
}

Result<Response> Tasks::decide_parked(const Call& call, const ParkedName& name, const Json& answer,
                                      const std::string& reason) const {
  const Status resolved =
      repair::resolve_call(engine, name.instance, name.call, answer,
                           {.actor = call.caller.who.actor(), .reason = reason});
  if (!resolved.ok() && resolved.error().kind != ErrorKind::not_found &&
      resolved.error().code != "engine.not_parked")
    return resolved.error();
  RABT_TRY(decision, decided(name));
  if (!decision) {
    if (!resolved.ok()) return not_found("task.unknown", "there is no task with this id");
    return json_response(200, parked_head(name.instance, name.call));
  }
  if (!resolved.ok())
    return first_was(conflict("task.decided", "decided by " + decision->string_or("decidedBy", "")),
                     *decision);
  return json_response(200, *decision);
}

Result<std::optional<Json>> Tasks::decided(const ParkedName& name) const {
  std::optional<Json> out;
  const audit::Query query{
      .tenant = patients.tenant, .object = "instance:" + name.instance, .act = "action.resolved"};
  RABT_TRY_STATUS(audit::read_each(audit, query, [&](const audit::Logged& logged) {
    if (logged.entry.detail.int_or("call", 0) != static_cast<std::int64_t>(name.call)) return true;
    out = parked_head(name.instance, name.call);
    out->set("state", "done");
    out->set("decidedBy", logged.entry.actor);
    out->set("decidedAt", to_iso8601({logged.at_ms}));
    return true;
  }));
  return out;
}

}  // namespace rabt::api
