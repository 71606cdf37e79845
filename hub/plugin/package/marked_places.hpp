#pragma once

#include <set>
#include <string>

#include "hub/base/json.hpp"

// Looks in values for what their schemas mark as patient data (x-phi).
namespace rabt::plugin {

// True if something lies at one of the places (Schema::phi_places; null, and an empty text, list or
// object, are nothing), or under one of the names at any depth.
[[nodiscard]] bool holds_marked(const Json& value, const std::set<std::string>& places,
                                const std::set<std::string>& names);

}  // namespace rabt::plugin
