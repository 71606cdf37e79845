#include "hub/repair/answer.hpp"

#include <string>

namespace rabt::repair {

bool asks_again(const Json& answer) {
  return answer.string_or("outcome", "") == "again";
}

Status check_answer(const Json& answer) {
  const std::string kind = answer.string_or("outcome", "");
  if (kind == "again" || kind == "done" || kind == "transient" || kind == "permanent")
    return ok_status();
  return invalid("api.invalid", "outcome: must be again, done, transient or permanent");
}

workflow::ActionOutcome outcome_of(const Json& answer) {
  workflow::ActionOutcome outcome;
  const std::string kind = answer.string_or("outcome", "");
  if (kind == "done") {
    outcome.output = answer["output"];
    return outcome;
  }
  outcome.kind =
      kind == "transient" ? workflow::OutcomeKind::transient : workflow::OutcomeKind::permanent;
  outcome.code = "operator.decision";
  outcome.message = "an operator decided that the action had no effect";
  return outcome;
}

Status resolve_call(engine::Engine& engine, std::string_view instance, std::uint64_t call,
                    const Json& answer, const engine::Asked& asked) {
  RABT_TRY_STATUS(check_answer(answer));
  if (asks_again(answer))
    return engine.send_again(instance, asked.actor, asked.reason, call, asked.step);
  return engine.resolve(instance, outcome_of(answer), asked.actor, asked.reason, call, asked.step);
}

}  // namespace rabt::repair
