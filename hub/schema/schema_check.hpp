#pragma once

#include "hub/schema/schema_model.hpp"

namespace rabt::schema {

// True when the value conforms; needs no memory of its own as long as the schema uses neither
// unevaluated* nor $dynamicRef nor uniqueItems on long arrays, and numbers are short.
[[nodiscard]] bool conforms(const Schema::Model& model, const Json& value);
// What conforms found wrong; at least one fault when it returned false.
[[nodiscard]] std::vector<SchemaFault> faults(const Schema::Model& model, const Json& value,
                                              std::size_t limit);

}  // namespace rabt::schema
