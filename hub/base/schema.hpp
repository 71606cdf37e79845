#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt {

// Where a value breaks its schema. Both paths are JSON pointers; a key that the schema does not
// name appears as "*". message never holds values, so it may be logged.
struct SchemaFault {
  std::string instance_path;
  std::string schema_path;
  std::string message;
};

// A compiled JSON Schema, a subset of 2020-12: true/false, type, enum, const, required, properties,
// additionalProperties, minProperties, maxProperties, items, minItems, maxItems, uniqueItems,
// minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern (RE2 syntax),
// oneOf, anyOf, allOf, not, $ref to "#" or "#/$defs/<name>", $defs. Annotations (title,
// description, default, examples, format, $comment, $schema, $id, deprecated, readOnly, writeOnly,
// x-*) are accepted and assert nothing. Any other keyword is an error: a rule that is not enforced
// must not look enforced. Immutable after compile; safe from any thread.
class Schema {
 public:
  struct Model;
  Schema() = default;  // accepts everything

  // Error codes: schema.unsupported (keyword), schema.invalid (its value); the message names the
  // schema path. place, when given, gets the JSON pointer to the keyword that is wrong.
  static Result<Schema> compile(const Json& document, std::string* place = nullptr);
  // The first fault, or nothing.
  [[nodiscard]] std::optional<SchemaFault> check(const Json& value) const;
  // Names of properties that the schema marks with "x-phi": true, at any depth.
  [[nodiscard]] std::set<std::string> phi_names() const;

 private:
  std::shared_ptr<const Model> model_;
};

}  // namespace rabt
