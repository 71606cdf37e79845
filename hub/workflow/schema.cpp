#include "hub/workflow/schema.hpp"

namespace rabt::workflow {

std::optional<Schema> compile_schema(const YamlNode& node, const SchemaReport& report) {
  SchemaMistake mistake;
  auto compiled = Schema::compile(to_json(node), SchemaOptions{}, &mistake);
  if (compiled.ok()) return std::move(*compiled);

  const YamlPlace place = yaml_at(node, mistake.pointer);
  const bool unsupported = compiled.error().code == "schema.unsupported";
  const bool at_key = unsupported && place.entry != nullptr;
  report(at_key ? place.entry->line : place.node->line,
         at_key ? place.entry->column : place.node->column,
         unsupported ? "workflow.not_supported" : "workflow.schema", std::move(mistake.message),
         std::move(mistake.suggestion));
  return std::nullopt;
}

std::string violation(const Schema& schema, const Json& value) {
  const auto fault = schema.check(value);
  if (!fault) return {};
  return (fault->instance_path.empty() ? std::string("the value") : fault->instance_path) + " " +
         fault->message;
}

}  // namespace rabt::workflow
