#pragma once

#include <set>
#include <string>

#include "hub/base/json.hpp"

// Where a value of a schema holds patient data: what the schema marks with x-phi.
namespace rabt::plugin {

// JSON pointers into a value; "*" stands for any member or item; "/" alone for all of it. Of a
// schema that compiled. A schema that refers to itself is followed once.
[[nodiscard]] std::set<std::string> marked_places(const Json& schema);

// Whether something lies at one of the places (null, and an empty text, list or object, are
// nothing), or under one of the names at any depth.
[[nodiscard]] bool holds_marked(const Json& value, const std::set<std::string>& places,
                                const std::set<std::string>& names);

}  // namespace rabt::plugin
