#include "hub/consultation/workflow/task_actions.hpp"

#include "hub/base/check.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/consultation/workflow/service.hpp"

// hub://task
namespace rabt::consultation {

namespace {

using plugin::CallRequest;
using plugin::Ended;

// Only answer of a task that a person just has to see.
constexpr const char* kSeen = "seen";

Json form_in(const Json& arguments) {
  const Json& schema = arguments["schema"];
  if (schema.is_object()) return schema;
  std::vector<std::string> answers;
  if (const Json& given = arguments["answers"]; given.is_array()) {
    for (const Json& item : given.as_array()) answers.push_back(item.as_string());
  }
  if (answers.empty()) answers.emplace_back(kSeen);
  return form_of(answers);
}

Result<NewTask> new_task(const CallRequest& call) {
  const Json& given = call.arguments;
  if (given["schema"].is_object() && given["answers"].is_array())
    return invalid("task.invalid", "answers, schema: give one of the two");
  const std::string session = given.string_or("session", "");
  NewTask out;
  out.task.kind = given.string_or("kind", "");
  out.task.title = given.string_or("title", "");
  out.task.role = given.string_or("role", "");
  out.task.assignee = given.string_or("assignee", "");
  out.task.escalation = given.string_or("escalation", "");
  out.task.object_type = session.empty() ? "instance" : "session";
  out.task.object = session.empty() ? call.instance : session;
  out.task.instance = call.instance;
  out.task.patient = call.patient;
  if (const std::string due = given.string_or("due", ""); !due.empty()) {
    const auto at = parse_iso8601(due);
    if (!at.ok()) return invalid("task.invalid", "due: must be a time as RFC 3339 has it");
    out.task.due_ms = at->ms;
  }
  out.content = {.question = given.string_or("question", ""),
                 .data = given["data"],
                 .schema = form_in(given),
                 .answer = {}};
  out.call = call.idempotency_key;
  out.trace = call.trace;
  return out;
}

Json output_of(const Tasks::Opened& opened) {
  return Json::object(
      {{"task", opened.task.id}, {"state", opened.task.state}, {"answer", opened.answer}});
}

class TaskActions final : public plugin::HubService {
 public:
  explicit TaskActions(const Tasks& tasks) : tasks_(tasks) {}
  [[nodiscard]] std::string name() const override { return "task"; }
  [[nodiscard]] std::vector<plugin::ActionSpec> actions() const override { return task_actions(); }
  void invoke(const CallRequest& call, Ended ended) override {
    const auto opened = act(call);
    ended(opened.ok() ? done(output_of(*opened)) : failed(opened.error()));
  }

 private:
  [[nodiscard]] Result<Tasks::Opened> act(const CallRequest& call) const {
    if (call.action == "open") {
      RABT_TRY(wanted, new_task(call));
      return tasks_.open(wanted);
    }
    const std::string id = call.arguments.string_or("task", "");
    if (call.action == "get") return tasks_.look(id, call.instance);
    return tasks_.cancel(id, call.instance, call.arguments.string_or("session", ""));
  }

  const Tasks& tasks_;
};

Json parsed(std::string_view text) {
  auto json = Json::parse(text);
  RABT_CHECK(json.ok());
  return *std::move(json);
}

}  // namespace

std::vector<plugin::ActionSpec> task_actions() {
  static const Json open = parsed(R"({
    "type": "object",
    "required": ["kind", "title"],
    "additionalProperties": false,
    "properties": {
      "kind": {"type": "string"},
      "title": {"type": "string"},
      "role": {"type": ["string", "null"]},
      "assignee": {"type": ["string", "null"]},
      "escalation": {"type": ["string", "null"]},
      "session": {"type": ["string", "null"]},
      "due": {"type": ["string", "null"]},
      "question": {"type": ["string", "null"], "maxLength": 4000, "x-phi": true},
      "data": {"type": ["object", "null"], "x-phi": true},
      "answers": {"type": ["array", "null"], "minItems": 1, "maxItems": 20, "uniqueItems": true,
                  "items": {"type": "string", "pattern": "^[a-z0-9.-]{1,64}$"}},
      "schema": {"type": ["object", "null"]}
    }
  })");
  static const Json output = parsed(R"({
    "type": "object",
    "required": ["task", "state"],
    "properties": {
      "task": {"type": "string"},
      "state": {"enum": ["open", "claimed", "done", "cancelled"]},
      "answer": {"x-phi": true}
    }
  })");
  const Json named = schema_of({"task"}, Json::object({{"task", typed("string")}}));
  const Json passed =
      schema_of({"task"}, Json::object({{"task", typed("string")}, {"session", typed("string")}}));
  const auto action = [](const char* name, const char* title, const Json& input,
                         bool reads = false) {
    return plugin::ActionSpec{.name = name,
                              .version = "1.0.0",
                              .title = title,
                              .idempotency = "key",
                              .timeout_ms = 30'000,
                              .input_schema = input,
                              .output_schema = output,
                              .reads = reads};
  };
  return {action("open", "Ask a person", open), action("cancel", "Close a task", passed),
          action("get", "Read what became of a task", named, true)};
}

std::shared_ptr<plugin::HubService> make_task_actions(const Tasks& tasks) {
  return std::make_shared<TaskActions>(tasks);
}

}  // namespace rabt::consultation
