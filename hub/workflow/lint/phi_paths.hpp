#pragma once

#include <set>
#include <string>

#include "hub/base/json.hpp"

namespace rabt::workflow {

// Places in a value that its JSON Schema marks with x-phi, with points between names and "[]" for
// the items of a list: "people.[].name"; "" is all of it. What is below a marked place is marked
// with it. Where the schema cannot be followed (it refers to itself, to an anchor, or names members
// by a pattern), the place around is given, so that nothing marked is left out.
[[nodiscard]] std::set<std::string> phi_paths(const Json& schema);

// A place as people write it, without "[]".
[[nodiscard]] std::string without_items(std::string place);

}  // namespace rabt::workflow
