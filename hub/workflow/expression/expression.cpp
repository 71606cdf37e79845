#include "hub/workflow/expression.hpp"

#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/workflow/expression/expression_evaluation.hpp"

namespace rabt::workflow {

ExpressionBudget default_expression_budget() {
  return {.steps = limits::kExpressionSteps,
          .depth = limits::kExpressionDepth,
          .bytes = limits::kExpressionBytes};
}

bool truthy(const Json& value) {
  return !value.is_null() && (!value.is_bool() || value.as_bool());
}

namespace {

// Variables are counted as in used_variables.
void number_by_use(Expression::Compiled& compiled) {
  const auto& used = compiled.used_variables;  // sorted
  for (Node& node : compiled.nodes) {
    if (node.kind != Kind::variable) continue;
    node.index = static_cast<std::size_t>(std::lower_bound(used.begin(), used.end(), node.index) -
                                          used.begin());
  }
  compiled.variables = used.size();
}

}  // namespace

Expression::Outcome Expression::make(std::string_view text,
                                     std::span<const std::string_view> variables, bool used_only,
                                     std::shared_ptr<const ExtraFunctions> extra) {
  Outcome outcome;
  if (text.size() > limits::kMaxWorkflowBytes) {
    outcome.fault = {"expression.syntax", "the expression is larger than a workflow may be", 0};
    return outcome;
  }
  auto compiled = std::make_shared<Compiled>();
  compiled->extra = std::move(extra);
  if (!parse_expression(text, variables, *compiled, outcome.fault)) return outcome;
  if (used_only) number_by_use(*compiled);
  Expression expression;
  expression.compiled_ = std::move(compiled);
  outcome.expression = std::move(expression);
  return outcome;
}

Expression::Outcome Expression::compile(std::string_view text,
                                        std::span<const std::string_view> variables) {
  return make(text, variables, false);
}
Expression::Outcome Expression::compile(std::string_view text,
                                        std::span<const std::string_view> variables,
                                        std::shared_ptr<const ExtraFunctions> extra) {
  return make(text, variables, false, std::move(extra));
}
Expression::Outcome Expression::compile_used(std::string_view text,
                                             std::span<const std::string_view> variables) {
  return make(text, variables, true);
}

Result<std::vector<Json>> Expression::all(const Json& input, std::span<const Json> values,
                                          const ExpressionBudget& budget) const {
  RABT_CHECK(values.size() == compiled_->variables);
  Evaluation evaluation(values, budget);
  std::vector<Json> results;
  const bool done = evaluation.run(
      *compiled_->root, nullptr, input, nullptr, [&](const Json& value, const Json*) {
        if (!evaluation.charge(sizeof(Json)) || !evaluation.leaves(value)) return false;
        results.push_back(value);
        return true;
      });
  if (!done) return evaluation.error();
  for (Json& result : results) evaluation.finish(result);
  return results;
}

std::optional<ExpressionFault> Expression::each(
    const Json& input, std::span<const Json> values, const ExpressionBudget& budget,
    const std::function<bool(const Json&)>& receiver) const {
  RABT_CHECK(values.size() == compiled_->variables);
  Evaluation evaluation(values, budget);
  bool ended = false;
  const bool done = evaluation.run(*compiled_->root, nullptr, input, nullptr,
                                   [&](const Json& value, const Json*) {
                                     if (!evaluation.leaves(value)) return false;
                                     Json result(value);
                                     evaluation.finish(result);
                                     ended = !receiver(result);
                                     return !ended;
                                   });
  if (done || ended) return std::nullopt;
  return evaluation.fault();
}

Result<Json> Expression::one(const Json& input, std::span<const Json> values,
                             const ExpressionBudget& budget) const {
  RABT_CHECK(values.size() == compiled_->variables);
  Evaluation evaluation(values, budget);
  const Node& root = *compiled_->root;
  if (root.in_place) {
    const Json* found = evaluation.refer(root, nullptr, input);
    if (found == nullptr) return evaluation.error();
    return *found;
  }
  Json result;
  if (root.single) {
    if (!evaluation.value(root, nullptr, input, result) || !evaluation.leaves(result))
      return evaluation.error();
    evaluation.finish(result);
    return result;
  }
  std::size_t count = 0;
  const bool done =
      evaluation.run(root, nullptr, input, nullptr, [&](const Json& value, const Json*) {
        if (++count > 1) return false;
        result = value;
        return true;
      });
  if (count > 1) {
    return invalid("expression.several_results",
                   "the expression has several results where one is needed; put [ ] around it or "
                   "use first(...)");
  }
  if (!done || !evaluation.leaves(result)) return evaluation.error();
  evaluation.finish(result);
  return result;
}

const std::string& Expression::text() const {
  return compiled_->text;
}
const std::vector<std::size_t>& Expression::used_variables() const {
  return compiled_->used_variables;
}

}  // namespace rabt::workflow
