#pragma once

#include <string>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt::cli {

// A form in YAML of a value that fits a JSON Schema: above each member a comment with its type, its
// rules and its description. Members that may be left out stand behind "#", so that a filled-in
// form is a value. Holds names and rules of the schema alone, no value.
[[nodiscard]] std::string answer_form(const Json& schema);

// The value that a filled-in form holds, in YAML or JSON; an empty one is {}. name: the file, for
// messages. Error cli.output: it cannot be read, with line and column.
[[nodiscard]] Result<Json> read_answer(const std::string& name, const std::string& text);

}  // namespace rabt::cli
