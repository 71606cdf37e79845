#include "hub/schema/schema.hpp"

#include "hub/schema/schema_format.hpp"
#include "hub/schema/schema_regex.hpp"
#include "tests/fuzz/input.hpp"

// Input: a schema, NUL, a value, NUL, a pattern. Whatever compiles checks within its budget, the
// same way each time and in each way to ask.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  const auto given = fuzz::parts(fuzz::text(data, size), 3);
  if (auto pattern = schema::Pattern::compile(given[2]); pattern.ok()) {
    (void)(*pattern)->found_in(given[1]);
    fuzz::require(schema::is_ecma_regex(given[2]), "what runs is a regular expression");
  }
  for (const std::string& name : schema::format_names()) {
    const auto format = schema::find_format(name);
    fuzz::require(format.has_value(), "a format that is named is known");
    (void)schema::has_format(given[1], *format);
  }
  const auto document = Json::parse(given[0], {.max_bytes = 64U << 10U, .max_depth = 64});
  if (!document.ok()) return 0;
  const auto parsed = Json::parse(given[1], {.max_bytes = 64U << 10U, .max_depth = 64});
  const Json value = parsed.ok() ? *parsed : Json::array({1, "a", Json::object({{"a", 1.5}})});
  for (const auto& options :
       {SchemaOptions{}, SchemaOptions{FormatMode::assert, UnknownKeywords::ignore}}) {
    SchemaMistake mistake;
    const auto compiled = Schema::compile(*document, options, &mistake);
    if (!compiled.ok()) {
      fuzz::require(compiled.error().code == "schema.invalid" ||
                        compiled.error().code == "schema.unsupported",
                    "a refusal has a schema code");
      fuzz::require(!mistake.message.empty(), "a refusal says what is wrong");
      continue;
    }
    const auto first = compiled->check(value);
    const auto all = compiled->check_all(value, 50);
    fuzz::require(all.empty() == !first.has_value(), "check and check_all agree");
    fuzz::require(all.size() <= 50, "the limit holds");
    if (first) {
      fuzz::require(!first->message.empty(), "a fault says what is wrong");
      const auto again = compiled->check(value);
      fuzz::require(again && again->message == first->message &&
                        again->instance_path == first->instance_path &&
                        again->schema_path == first->schema_path,
                    "a check is a function");
    }
    (void)compiled->phi_names();
    (void)compiled->properties();
  }
  return 0;
}
