#pragma once

#include <functional>
#include <optional>
#include <string>

#include "hub/base/json.hpp"
#include "hub/schema/schema.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::workflow {

// A schema in a workflow file: rabt::Schema, with the place of a mistake as line and column.
// Called with the first mistake: workflow.schema (a wrong value), workflow.not_supported (a
// keyword, a dialect, a reference to another document).
using SchemaReport = std::function<void(int line, int column, std::string code, std::string message,
                                        std::string suggestion)>;
// nullopt after a report.
[[nodiscard]] std::optional<Schema> compile_schema(const YamlNode& node,
                                                   const SchemaReport& report);

// Empty when the value conforms; else what is wrong and where, without the value.
[[nodiscard]] std::string violation(const Schema& schema, const Json& value);

}  // namespace rabt::workflow
