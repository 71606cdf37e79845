#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// URI templates. The DSL takes Simple String Expansion only (RFC 6570 section 3.2.2; DSL reference,
// "URI Template").
namespace rabt::workflow {

// Returns the fault of a template; empty when it can be expanded. names: when given, gets the names
// in braces, in order.
[[nodiscard]] std::string uri_template_fault(std::string_view text,
                                             std::vector<std::string>* names = nullptr);

// Names are looked up verbatim among the members of values; what is missing or null gives nothing.
// Characters outside braces that a URI may not hold are escaped. Error expression.uri_template: a
// value is an array or object, or a whole path segment would become `.` or `..`, which leads to
// another path. The message holds names, no values.
[[nodiscard]] Result<std::string> expand_uri_template(std::string_view text, const Json& values);

// The value of a scalar as text, which is empty for null. nullopt for an array or object.
[[nodiscard]] std::optional<std::string> scalar_text(const Json& value);

}  // namespace rabt::workflow
