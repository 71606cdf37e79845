#include "hub/base/file_there.hpp"

#include <filesystem>
#include <system_error>

namespace rabt {

Result<bool> is_there(const std::string& path) {
  std::error_code failure;
  const auto found = std::filesystem::status(path, failure);
  // A name that is not there sets the failure, too.
  if (found.type() == std::filesystem::file_type::not_found) return false;
  if (found.type() != std::filesystem::file_type::none) return true;
  const bool denied = failure == std::errc::permission_denied;
  return unavailable("file.unread", path + " cannot be read: " + failure.message() +
                                        (denied ? "; run it as the user of the hub" : ""));
}

}  // namespace rabt
