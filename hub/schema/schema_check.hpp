#pragma once

#include "hub/schema/schema_model.hpp"

namespace rabt::schema {

// True when the value conforms; needs no memory of its own as long as the schema uses neither
// unevaluated* nor $dynamicRef nor uniqueItems on long arrays, and numbers are short.
[[nodiscard]] bool conforms(const Schema::Model& model, const Json& value);
// Faults of a value that conforms() refuses: at least one, at most `limit`.
[[nodiscard]] std::vector<SchemaFault> faults(const Schema::Model& model, const Json& value,
                                              std::size_t limit);

}  // namespace rabt::schema
