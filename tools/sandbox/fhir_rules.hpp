#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/sandbox/service.hpp"

// Rules of R4 in the FHIR stand-in: types, required elements, search parameters. Pure.
namespace rabt::sandbox::fhir {

// Thrown inside the FHIR stand-in; becomes an OperationOutcome. diagnostics names elements and
// parameters, never values of patients.
struct Failure {
  int status;
  std::string code;  // http://hl7.org/fhir/issue-type
  std::string diagnostics;
};

[[nodiscard]] bool is_resource_type(const std::string& type);
[[nodiscard]] bool is_id(std::string_view text);  // [A-Za-z0-9\-\.]{1,64}

// "" or which required element is missing or has a value outside its required binding.
[[nodiscard]] std::string check_required(const Json& resource);

// "system|value" of every identifier ("|value" without system).
[[nodiscard]] std::vector<std::string> identifier_tokens(const Json& resource);

enum class Kind { token, reference, date, string, uri };

// One search parameter with its alternatives (the comma is OR).
struct Criterion {
  std::string parameter;
  std::string modifier;  // "", not, missing, exact, contains, identifier, or a resource type
  Kind kind = Kind::token;
  std::vector<std::string> paths;
  std::vector<std::string> values;
  std::shared_ptr<Criterion>
      chained;  // subject.identifier=: what the referenced resource must match
};

// Throws Failure 400 for an unknown parameter, modifier or a malformed value: a filter that is
// silently ignored would make a conditional create dangerous.
[[nodiscard]] Criterion read_criterion(const std::string& type, const std::string& parameter,
                                       const std::string& value);

using Lookup = std::function<const Json*(const std::string& type, const std::string& id)>;
[[nodiscard]] bool matches(const Criterion& criterion, const Json& resource,
                           const std::string& base_url, const Lookup& lookup);

// The token when the criterion is one exact system|value of `identifier`: it can use an index.
[[nodiscard]] std::optional<std::string> exact_identifier(const Criterion& criterion);

// Returns the references that an _include, "Type:parameter", adds to a match. Throws Failure 400
// for an unknown one.
[[nodiscard]] std::vector<std::string> included(const std::string& include, const Json& resource);

// Text that sorts like the parameter's first value; "" when the resource has none.
[[nodiscard]] std::string sort_key(const std::string& type, const std::string& parameter,
                                   const Json& resource);

[[nodiscard]] Json capability_statement(const std::string& base_url, const std::string& date);

}  // namespace rabt::sandbox::fhir
