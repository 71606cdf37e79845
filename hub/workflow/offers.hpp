#pragma once

#include <string>
#include <string_view>

#include "hub/workflow/definition.hpp"

namespace rabt::workflow {

// Why a role does not serve a call, and what would: two parts of a message, for a call that
// ActionCatalog::find does not find.
struct NotOffered {
  std::string what;    // "role `video` does not offer ..."
  std::string advice;  // "it offers 1.0.0", "bind the role to plugin://chime", "did you mean ...?"
};
[[nodiscard]] NotOffered not_offered(const ActionCatalog& catalog, std::string_view role,
                                     std::string_view action, std::string_view version);

}  // namespace rabt::workflow
