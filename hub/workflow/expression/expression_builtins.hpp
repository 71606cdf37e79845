#pragma once

#include <span>
#include <string>
#include <vector>

#include "hub/workflow/expression/expression_evaluation.hpp"

// The functions that are not written in the language, one file for what they work on. Internal to
// hub/workflow.
namespace rabt::workflow {

[[nodiscard]] std::span<const Builtin> value_builtins();
[[nodiscard]] std::span<const Builtin> number_builtins();
[[nodiscard]] std::span<const Builtin> array_builtins();
[[nodiscard]] std::span<const Builtin> object_builtins();
[[nodiscard]] std::span<const Builtin> text_builtins();
[[nodiscard]] std::span<const Builtin> message_builtins();

// Gives a result that was made, and charges for its size.
bool give_text(Evaluation& evaluation, std::string value, Json& out);
bool give_array(Evaluation& evaluation, Json::Array items, Json& out);
bool length(Evaluation& evaluation, const Json& in, const Json* arguments, Json& out);
[[nodiscard]] std::vector<std::string> sorted_keys(const Json& object);

}  // namespace rabt::workflow
