#pragma once

#include <string>
#include <string_view>
#include <vector>

// The standard error types of the Open Workflow DSL. Three families of URIs name the same errors:
// two hosts (open-workflow-specification.org, serverlessworkflow.io) and two paths
// (/spec/1.0.0/errors/, /dsl/errors/types/).
namespace rabt::workflow {

inline constexpr std::string_view kErrorTypePrefix =
    "https://open-workflow-specification.org/spec/1.0.0/errors/";

// The URI of one standard type: error_type("timeout").
[[nodiscard]] std::string error_type(std::string_view name);

// The name behind a URI of any of the families; empty for every other URI. The name need not be a
// standard one.
[[nodiscard]] std::string_view standard_error_name(std::string_view uri);

// True if two type URIs name the same error.
[[nodiscard]] bool same_error_type(std::string_view a, std::string_view b);

// configuration, validation, expression, authentication, authorization, timeout, communication,
// runtime
[[nodiscard]] const std::vector<std::string>& standard_error_names();

}  // namespace rabt::workflow
