#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hub/base/json.hpp"
#include "hub/workflow/yaml.hpp"

// The part of JSON Schema 2020-12 that workflow files may use: type, required, properties, items,
// enum, const, minItems, maxItems, minimum, maximum, minLength, maxLength, pattern (RE2),
// additionalProperties, and annotations (title, description, default, examples, $schema, $id,
// $comment, x-*).
namespace rabt::workflow {

// Immutable; safe from any thread.
class Schema final {
 public:
  struct Node;
  // Called for each mistake in the schema itself.
  using Report = std::function<void(int line, int column, std::string code, std::string message,
                                    std::string suggestion)>;
  // nullopt after at least one report.
  [[nodiscard]] static std::optional<Schema> compile(const YamlNode& node, const Report& report);

  // Empty when the value conforms; else what is wrong and where, without the value.
  [[nodiscard]] std::string validate(const Json& value) const;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace rabt::workflow
