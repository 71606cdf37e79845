#include "hub/consultation/tasks/requests.hpp"

#include <algorithm>
#include <array>

#include "hub/base/check.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::consultation {

namespace {

constexpr std::string_view kTitle = "request.";

struct RequestKind {
  std::string_view name;
  // A complaint may be about the desk, so that the desk does not answer it.
  std::string_view role;
  std::string_view escalation;
  std::array<std::string_view, 3> outcomes;
};
constexpr std::array kKinds{
    RequestKind{"copy", "desk", "admin", {"given", "given-in-part", "refused"}},
    RequestKind{"correction", "desk", "admin", {"corrected", "corrected-in-part", "refused"}},
    RequestKind{"complaint", "admin", "security_officer", {"accepted", "partly", "rejected"}}};

// The form of the answer: an outcome, and the words that the patient reads.
Json answer_form(const RequestKind& kind) {
  Json outcomes = Json::array();
  for (const std::string_view outcome : kind.outcomes) outcomes.push_back(outcome);
  return Json::object(
      {{"type", "object"},
       {"properties",
        Json::object({{"outcome", Json::object({{"enum", std::move(outcomes)}})},
                      {"text", Json::object({{"type", "string"},
                                             {"minLength", 1},
                                             {"maxLength", static_cast<std::int64_t>(kMaxText)},
                                             {"x-phi", true}})}})},
       {"required", Json::array({"outcome", "text"})},
       {"additionalProperties", false}});
}

std::string_view state_of(const Task& task) {
  if (task.state == kTaskClaimed) return "in_progress";
  return task.waits() ? "received" : "answered";
}

}  // namespace

Result<NewTask> request_task(const Json& body, const identity::Person& patient, Timestamp now) {
  Fields fields(body);
  fields.only({"kind", "text"});
  const std::string name = fields.word("kind", {"copy", "correction", "complaint"});
  if (name.empty() && fields.good()) fields.wrong("kind", "is required");
  const std::string text = fields.needed_text("text");
  RABT_TRY_STATUS(fields.done());
  const auto* const kind =
      std::find_if(kKinds.begin(), kKinds.end(),
                   [&](const RequestKind& request_kind) { return request_kind.name == name; });
  RABT_CHECK(kind != kKinds.end());
  NewTask out;
  out.task.kind = kRequest;
  out.task.title = std::string(kTitle) + name;
  out.task.role = kind->role;
  out.task.escalation = kind->escalation;
  out.task.object_type = kPersonObject;
  out.task.object = patient.id;
  out.task.patient = patient.pseudonym;
  out.task.due_ms = now.ms + kRequestDueMs;
  out.content.question = text;
  out.content.schema = answer_form(*kind);
  return out;
}

Json request_json(const Task& task, const TaskContent& content) {
  Json out = Json::object({{"id", task.id},
                           {"kind", task.title.substr(kTitle.size())},
                           {"text", content.question},
                           {"state", state_of(task)},
                           {"made", to_iso8601({task.opened_ms})},
                           {"due", to_iso8601({task.due_ms.value_or(task.opened_ms)})}});
  if (task.overdue) out.set("overdue", true);
  if (content.answer.is_object()) {
    out.set("answer", content.answer);
    out.set("answeredAt", to_iso8601({task.decided_ms.value_or(task.opened_ms)}));
  }
  return out;
}

}  // namespace rabt::consultation
