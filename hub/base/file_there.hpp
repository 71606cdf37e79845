#pragma once

#include <string>

#include "hub/base/result.hpp"

namespace rabt {

// True if there is a file or folder of this name. Error unavailable file.unread when the system
// does not say: the text names the file and what to do.
[[nodiscard]] Result<bool> is_there(const std::string& path);

}  // namespace rabt
