#pragma once

#include "hub/base/clock.hpp"
#include "hub/workflow/model.hpp"

// Internal to the language: values of expressions, templates and event filters.
namespace rabt::workflow {

// Source of the variables of an expression.
class Variables {
 public:
  virtual ~Variables() = default;
  [[nodiscard]] virtual Json get(const VariableSlot& slot) const = 0;
  // True if no expression is to be evaluated any more.
  [[nodiscard]] virtual bool stopped() const { return false; }
};

class NoVariables final : public Variables {
 public:
  [[nodiscard]] Json get(const VariableSlot& /*slot*/) const override { return {}; }
};

// Variables before an instance exists: $workflow without id and start time, and $runtime.
class WorkflowVariables final : public Variables {
 public:
  WorkflowVariables(const Definition::Model& model, const Json& input)
      : model_(model), input_(input) {}
  [[nodiscard]] Json get(const VariableSlot& slot) const override;

 private:
  const Definition::Model& model_;
  const Json& input_;
};

// The specification's $runtime. Its version is the profile's and not the program's: a replay after
// an upgrade must give the same values.
[[nodiscard]] const Json& runtime_value();

// The workflow's input as input.from sees it: schedule.read applied to each event.
[[nodiscard]] Json workflow_input(const Definition::Model& model, const Json& raw);

// Error denied workflow.secret. It becomes the error authorization, 403 (DSL, "Secrets").
[[nodiscard]] Error missing_secret(std::string_view name);

// Error of kind denied if a secret is missing; of every other kind if the expression failed.
[[nodiscard]] Result<Json> evaluate(const Expr& expr, const Json& input,
                                    const Variables& variables);
[[nodiscard]] Result<Json> evaluate(const Template& value, const Json& input,
                                    const Variables& variables);

// The duration in milliseconds; an expression may give a text such as PT5M or an object such as
// {"minutes": 5}.
[[nodiscard]] Result<std::int64_t> evaluate(const DurationSpec& duration, const Json& input,
                                            const Variables& variables);

[[nodiscard]] Result<Timestamp> evaluate(const InstantSpec& instant, const Json& input,
                                         const Variables& variables);

// An event as `read` wants it. raw: `data_base64` or the data's text as it is, other data as JSON
// text.
[[nodiscard]] Json read_event(ReadAs how, const Json& event);

// True if type, attributes and data match; the correlation is not compared. A filter whose
// expression fails does not match.
[[nodiscard]] bool filter_matches(const EventFilter& filter, const Json& event,
                                  const Variables& variables);

// Approximate number of bytes of the value as JSON. Counting ends past the limit.
[[nodiscard]] std::size_t json_size(const Json& value, std::size_t limit);

}  // namespace rabt::workflow
