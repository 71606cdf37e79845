#include "hub/consultation/tasks/task.hpp"

#include <algorithm>

#include "hub/base/clock.hpp"
#include "hub/schema/schema.hpp"

namespace rabt::consultation {

namespace {

using identity::Principal;
using identity::Role;

constexpr std::size_t kMaxCode = 64;
// Mistakes of an answer that are told at once.
constexpr std::size_t kMaxFaults = 10;

bool has_role(const Principal& who, std::string_view name) {
  const auto role = identity::parse_role(name);
  return role && who.is(*role);
}

// True if a value of the schema is a choice, a number or a truth.
bool is_plain(const Json& schema) {
  if (!schema.is_object() || schema.bool_or("x-phi", false)) return false;
  if (schema.find("enum") != nullptr || schema.find("const") != nullptr) return true;
  const std::string type = schema.string_or("type", "");
  return type == "boolean" || type == "integer" || type == "number";
}

}  // namespace

std::string task_name_of(const Principal& who) {
  return who.person.empty() ? who.actor() : "person:" + who.person;
}

bool is_for(const Task& task, const Principal& who) {
  if (!task.assignee.empty() && task.assignee == who.person) return true;
  if (has_role(who, task.role)) return true;
  return task.overdue && has_role(who, task.escalation);
}

bool may_see(const Task& task, const Principal& who) {
  return who.roles.has_any(kTaskOverseers) || is_for(task, who);
}

bool may_answer(const Task& task, const Principal& who) {
  return is_for(task, who);
}

bool is_task_code(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCode &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
         });
}

Json form_of(const std::vector<std::string>& answers) {
  Json choices = Json::array();
  for (const std::string& answer : answers) choices.push_back(answer);
  return Json::object(
      {{"type", "object"},
       {"properties", Json::object({{"outcome", Json::object({{"enum", std::move(choices)}})}})},
       {"required", Json::array({"outcome"})},
       {"additionalProperties", false}});
}

Status check_answer(const Json& schema, const Json& answer) {
  RABT_TRY(compiled, Schema::compile(schema));
  const std::vector<SchemaFault> faults = compiled.check_all(answer, kMaxFaults);
  if (faults.empty()) return ok_status();
  std::string message;
  for (const SchemaFault& fault : faults) {
    if (!message.empty()) message += "\n";
    message += "answer" + fault.instance_path + ": " + fault.message;
  }
  return invalid("task.answer", message);
}

Json plain_answer(const Json& schema, const Json& answer) {
  Json out = Json::object();
  if (!answer.is_object() || !schema["properties"].is_object()) return out;
  for (const auto& [name, value] : answer.as_object()) {
    const Json* const member = schema["properties"].find(name);
    if (member != nullptr && is_plain(*member)) out.set(name, value);
  }
  return out;
}

Json task_json(const Task& task) {
  Json out = Json::object({{"id", task.id}, {"kind", task.kind}, {"title", task.title}});
  const auto add = [&out](std::string_view name, const std::string& value) {
    if (!value.empty()) out.set(name, value);
  };
  const auto add_time = [&out](std::string_view name, const std::optional<std::int64_t>& ms) {
    if (ms) out.set(name, to_iso8601({*ms}));
  };
  add("role", task.role);
  add("assignee", task.assignee);
  add("escalation", task.escalation);
  out.set("state", task.state);
  out.set("object", Json::object({{"type", task.object_type}, {"id", task.object}}));
  out.set("opened", to_iso8601({task.opened_ms}));
  add_time("due", task.due_ms);
  if (task.overdue) out.set("overdue", true);
  add("claimedBy", task.claimed_by);
  add_time("claimedAt", task.claimed_ms);
  add("decidedBy", task.decided_by);
  add_time("decidedAt", task.decided_ms);
  return out;
}

}  // namespace rabt::consultation
