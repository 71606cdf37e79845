#include "hub/engine/answer_fits.hpp"

#include "hub/schema/schema.hpp"

namespace rabt::engine {

Status answer_fits(const workflow::ActionCatalog& actions, const std::string& target,
                   const workflow::CallAction& action, bool asked,
                   const workflow::ActionOutcome& outcome) {
  if (asked && outcome.kind == workflow::OutcomeKind::transient) {
    return invalid("engine.answer",
                   "the action failed, and its workflow tries it no more: answer again, done or "
                   "permanent");
  }
  if (outcome.kind != workflow::OutcomeKind::done) return ok_status();
  if (action.role == workflow::kHttpRole && outcome.output.int_or("status", 0) == 0) {
    return invalid(
        "engine.answer",
        "output must be an HTTP answer: {\"status\": 200, \"headers\": {}, \"body\": ...}; "
        "the action still waits for its answer");
  }
  const auto info = actions.find(target, action.action, action.version);
  if (!info || info->output_schema.is_null()) return ok_status();
  RABT_TRY(schema, Schema::compile(workflow::asked_of(info->output_schema, action.arguments)));
  const auto fault = schema.check(outcome.output);
  if (!fault) return ok_status();
  return invalid("engine.answer", "output" + fault->instance_path + " " + fault->message +
                                      "; the action still waits for its answer");
}

}  // namespace rabt::engine
