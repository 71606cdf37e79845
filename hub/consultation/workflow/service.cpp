#include "hub/consultation/workflow/service.hpp"

#include "hub/base/ids.hpp"
#include "hub/consultation/workflow/map_actions.hpp"
#include "hub/consultation/workflow/register.hpp"

namespace rabt::consultation {

using plugin::ActionSpec;
using plugin::CallRequest;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

Result<std::string> consultation_of(const CallRequest& call) {
  const auto id = Ulid::parse(call.arguments.string_or("consultation", ""));
  if (id) return id->text();
  return invalid("consultation.id",
                 "`consultation` must be the id of a workflow instance, as $workflow.id gives it");
}

ActionOutcome done(Json output) {
  return {.kind = OutcomeKind::done, .output = std::move(output)};
}

ActionOutcome failed(const Error& error) {
  ActionOutcome outcome;
  outcome.kind =
      error_policy(error.kind).retry_helps ? OutcomeKind::transient : OutcomeKind::permanent;
  outcome.code = error.code;
  outcome.message = error.message;
  outcome.detail = Json::object({{"status", error_policy(error.kind).http_status}});
  return outcome;
}

Json schema_of(std::initializer_list<std::string_view> required, Json properties) {
  Json names = Json::array();
  for (const auto name : required) names.push_back(name);
  return Json::object({{"type", "object"},
                       {"required", names},
                       {"properties", std::move(properties)},
                       {"additionalProperties", false}});
}
Json typed(std::string_view type) {
  return Json::object({{"type", type}});
}

std::vector<std::string> services() {
  return {"map", "p2p", "recording", "register", "session", "task"};
}

std::vector<ActionSpec> service_actions(std::string_view service,
                                        const std::vector<std::string>& maps) {
  if (service == kMapService) return map_actions(maps);
  if (service == "register") return register_actions();
  if (service == "recording") return recording_actions();
  if (service == "session") return session_actions();
  if (service == "p2p") return p2p_actions();
  if (service == "task") return task_actions();
  return {};
}

}  // namespace rabt::consultation
