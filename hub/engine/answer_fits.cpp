#include "hub/engine/answer_fits.hpp"

#include <algorithm>
#include <array>

#include "hub/schema/schema.hpp"

namespace rabt::engine {

namespace {

// Faults of one answer that are named.
constexpr std::size_t kMaxFaults = 20;

constexpr std::array<std::string_view, 3> kOnlyTheirs{"payer", "identity", "consent"};

bool is_theirs(std::string_view name) {
  return std::find(kOnlyTheirs.begin(), kOnlyTheirs.end(), name) != kOnlyTheirs.end();
}

// Answer of a request of `call: http` (hub/engine/http).
Json http_schema() {
  const Json status = Json::object({{"type", "integer"},
                                    {"minimum", 100},
                                    {"maximum", 599},
                                    {"description", "status of the HTTP answer"}});
  const Json headers = Json::object({{"type", "object"}});
  const Json body = Json::object({{"description", "body of the answer: JSON, or text"}});
  return Json::object(
      {{"type", "object"},
       {"properties", Json::object({{"status", status}, {"headers", headers}, {"body", body}})},
       {"required", Json::array({"status"})}});
}

}  // namespace

CallEnd end_of(const workflow::Ask* ask) {
  return ask == nullptr ? CallEnd{} : CallEnd{.asked = true, .doubtful = ask->doubtful};
}

bool person_may_answer(const workflow::CallAction& call, CallEnd end) {
  return !end.asked || end.doubtful ||
         (!is_theirs(call.role) && !is_theirs(call.action.substr(0, call.action.find('.'))));
}

Json answer_schema(const workflow::ActionCatalog& actions, const std::string& target,
                   const workflow::CallAction& call) {
  if (call.role == workflow::kHttpRole) return http_schema();
  const auto info = actions.find(target, call.action, call.version);
  if (!info || info->output_schema.is_null()) return {};
  return workflow::asked_of(info->output_schema, call.arguments);
}

Status answer_fits(const workflow::ActionCatalog& actions, const std::string& target,
                   const workflow::CallAction& action, CallEnd end,
                   const workflow::ActionOutcome& outcome) {
  if (end.asked && outcome.kind == workflow::OutcomeKind::transient) {
    return invalid("engine.answer",
                   "the action failed, and its workflow tries it no more: answer again, " +
                       std::string(person_may_answer(action, end) ? "done or " : "or ") +
                       "permanent");
  }
  if (outcome.kind != workflow::OutcomeKind::done) return ok_status();
  if (!person_may_answer(action, end)) return invalid("engine.answer", std::string(kNotByPerson));
  const Json document = answer_schema(actions, target, action);
  if (document.is_null()) return ok_status();
  RABT_TRY(schema, Schema::compile(document));
  std::string faults;
  for (const SchemaFault& fault : schema.check_all(outcome.output, kMaxFaults)) {
    faults += (faults.empty() ? "output" : "; output") + fault.instance_path + " " + fault.message;
  }
  if (faults.empty()) return ok_status();
  return invalid("engine.answer", faults + "; the action still waits for its answer");
}

}  // namespace rabt::engine
