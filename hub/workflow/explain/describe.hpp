#pragma once

#include <string>

#include "hub/workflow/model.hpp"

// Internal to the language: parts of a definition in plain words, for graph and explain.
namespace rabt::workflow {

[[nodiscard]] std::string duration_text(std::int64_t ms);  // 2 days 3 hours
[[nodiscard]] std::string duration_text(const DurationSpec& duration);
[[nodiscard]] std::string expression_text(const Expr& expression);  // on one line
// Text of the task: "check-eligibility:1.0.0@payer", "one event a.b.c". Short or empty for a task
// that only holds other tasks.
[[nodiscard]] std::string task_text(const Definition::Model& model, const Task& task);
// track in $context.tracks
[[nodiscard]] std::string list_text(const Definition::Model& model, const Task& loop);
[[nodiscard]] std::string catch_text(const Task& attempt);  // names the errors that the try catches
[[nodiscard]] std::string retry_text(const RetryPolicy& policy);
[[nodiscard]] std::string event_text(const EventFilter& filter);
// Text of the schedule that starts instances: "a.b.c or every 5 minutes"; may be empty.
[[nodiscard]] std::string start_text(const Definition::Model& model);
// "around every call task when ..."
[[nodiscard]] std::string extension_text(const Definition::Model& model,
                                         const Extension& extension);

}  // namespace rabt::workflow
