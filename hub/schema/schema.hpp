#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt {

// One fault of a value against its schema. instance_path is a JSON pointer in which a key that the
// schema does not name appears as "*". schema_path is a JSON pointer into the compiled document;
// inside a metaschema it is that document's URI, "#" and the pointer. message never holds values,
// so it may be logged.
struct SchemaFault {
  std::string instance_path;
  std::string schema_path;
  std::string message;
};

// One mistake in a schema. pointer: JSON pointer to the keyword (or schema) in the document.
// message: a sentence without the place. suggestion: "did you mean `x`?", or what to write, or
// empty.
struct SchemaMistake {
  std::string pointer;
  std::string message;
  std::string suggestion;
};

// assert: a text must have its format; a format outside of docs/schemas.md does not compile.
enum class FormatMode : std::uint8_t { annotate, assert };
// refuse: a keyword that the dialect does not know is a mistake, unless it starts with "x-": a rule
// that is not enforced must not look enforced. ignore: what the specification says (Core, 6.5).
enum class UnknownKeywords : std::uint8_t { refuse, ignore };

struct SchemaOptions {
  FormatMode formats = FormatMode::annotate;
  UnknownKeywords unknown = UnknownKeywords::refuse;
};

// A property of the root object, as the schema tells it.
struct PropertyInfo {
  std::string name;
  bool required = false;
  // "string", "integer or null"; empty if any type is allowed.
  std::string type;
  std::string description;
  bool phi = false;  // see phi_names
};

// A compiled JSON Schema 2020-12 (Core and Validation, all vocabularies), without references to
// other documents; the metaschemas are built in. Patterns are ECMA-262, run by RE2. Numbers are
// compared exactly. docs/schemas.md has the details. Immutable after compile; safe from any thread.
class Schema {
 public:
  struct Model;
  Schema() = default;  // accepts everything

  // Error codes: schema.unsupported (a keyword, dialect or reference that cannot be followed),
  // schema.invalid (a wrong value, or a schema past the limits); the message names the place.
  // mistake, when given, is filled on failure.
  static Result<Schema> compile(const Json& document, const SchemaOptions& options,
                                SchemaMistake* mistake = nullptr);
  // The same with default options; place gets mistake.pointer.
  static Result<Schema> compile(const Json& document, std::string* place = nullptr);

  // The first fault, or nothing. A check that takes more than limits::kSchemaSteps steps, or nests
  // too deeply, ends with a fault that says so.
  [[nodiscard]] std::optional<SchemaFault> check(const Json& value) const;
  // All faults, at most `limit`; empty if the value conforms. A value that fits no alternative of
  // anyOf or oneOf has one fault that says so and names the first fault of the alternative that
  // came nearest; that alternative's other faults follow.
  [[nodiscard]] std::vector<SchemaFault> check_all(const Json& value, std::size_t limit) const;

  // Names of properties that the schema marks with "x-phi": true, at any depth: at the property, at
  // what it refers to or is combined from ($ref, allOf, anyOf, oneOf, not, if, dependentSchemas),
  // at its items or at its names.
  [[nodiscard]] std::set<std::string> phi_names() const;
  // All places in a value that the schema marks so, however it comes there: JSON pointers, '*' for
  // any item or any name; "/" is the whole value. A mark is never left out, so a place may be wider
  // than the mark: one where a schema comes again below itself, and the whole value where there are
  // more than a thousand places or the search would take too long. A place stands for all that is
  // below it, which is not listed.
  [[nodiscard]] std::set<std::string> phi_places() const;
  // Properties of the root object that every value may have: those named by the root schema and by
  // what it pulls in through $ref and allOf. In the order of the document; a name appears once.
  [[nodiscard]] std::vector<PropertyInfo> properties() const;

 private:
  std::shared_ptr<const Model> model_;
};

}  // namespace rabt
