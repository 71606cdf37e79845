#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Runtime expressions: a declared core of jq 1.6 on the hub's JSON. See docs/expressions.md.
namespace rabt::workflow {

// Why a text is not an expression, or why an evaluation ended. offset: byte position in the text.
struct ExpressionFault {
  // expression.syntax, expression.unknown_variable, expression.unknown_function,
  // expression.forbidden; of an evaluation: expression.runtime, expression.budget
  std::string code;
  std::string message;  // what is wrong and, where one is near, "did you mean ...?"
  std::size_t offset = 0;
};

// Limits of one evaluation. Beyond them it ends with expression.budget.
struct ExpressionBudget {
  std::uint64_t steps;
  std::size_t depth;
  std::size_t bytes;
};
[[nodiscard]] ExpressionBudget default_expression_budget();  // from hub/base/limits.hpp

// A function that another language than that of workflows adds: pure, safe from any thread. It gets
// the input and one value for each argument. The message of an error holds no values.
struct ExtraFunction {
  std::string name;
  // At most kMaxExtraArguments.
  std::size_t arity = 0;
  std::function<Result<Json>(const Json& input, std::span<const Json> arguments)> call;
};
inline constexpr std::size_t kMaxExtraArguments = 4;
using ExtraFunctions = std::vector<ExtraFunction>;

// A compiled expression. Immutable; evaluation is const and safe from any thread. No I/O, no clock,
// no environment.
class Expression {
 public:
  struct Compiled;
  // variables: the names (without $) that may be used; values are later passed in the same order.
  // Anything else after $ that is not bound inside the expression is an error here, not later.
  struct Outcome;
  [[nodiscard]] static Outcome compile(std::string_view text,
                                       std::span<const std::string_view> variables);
  // With functions beside those of the language, before which they are found. Never null.
  [[nodiscard]] static Outcome compile(std::string_view text,
                                       std::span<const std::string_view> variables,
                                       std::shared_ptr<const ExtraFunctions> extra);

  // As compile(), but of the variables only those are passed to an evaluation that the expression
  // uses: values[i] is that of used_variables()[i].
  [[nodiscard]] static Outcome compile_used(std::string_view text,
                                            std::span<const std::string_view> variables);

  // Every result, in order. Error kind invalid, code expression.runtime or expression.budget; the
  // message names the operation and the types involved, never values (they may be patient data).
  // values.size() is the number of variables.
  [[nodiscard]] Result<std::vector<Json>> all(const Json& input, std::span<const Json> values,
                                              const ExpressionBudget& budget) const;
  // As all(), but hands over each result as it comes; false from the receiver ends the evaluation
  // without a fault. What was handed over before a fault stays handed over.
  [[nodiscard]] std::optional<ExpressionFault> each(
      const Json& input, std::span<const Json> values, const ExpressionBudget& budget,
      const std::function<bool(const Json&)>& receiver) const;
  // Exactly one result: none gives null, several are the error expression.several_results.
  [[nodiscard]] Result<Json> one(const Json& input, std::span<const Json> values,
                                 const ExpressionBudget& budget) const;

  [[nodiscard]] const std::string& text() const;
  // The variables it really uses, as indices into the list given to compile.
  [[nodiscard]] const std::vector<std::size_t>& used_variables() const;
  // The syntax tree, for the language's own analyses (hub/workflow/expression/expression_ast.hpp).
  [[nodiscard]] const Compiled& compiled() const { return *compiled_; }

 private:
  static Outcome make(std::string_view text, std::span<const std::string_view> variables,
                      bool used_only, std::shared_ptr<const ExtraFunctions> extra = nullptr);
  std::shared_ptr<const Compiled> compiled_;
};

struct Expression::Outcome {
  std::optional<Expression> expression;  // set, or
  ExpressionFault fault;                 // says why not
};

// null and false are false, everything else is true.
[[nodiscard]] bool truthy(const Json& value);

}  // namespace rabt::workflow
