#pragma once

#include "hub/schema/schema_model.hpp"

namespace rabt::schema {

// Node 0 is the root of the document.
[[nodiscard]] Result<std::shared_ptr<const Schema::Model>> compile(const Json& document,
                                                                   const SchemaOptions& options,
                                                                   SchemaMistake& mistake);

}  // namespace rabt::schema
