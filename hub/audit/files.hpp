#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

// Small files beside the audit log.
namespace rabt::audit {

// Empty when there is none. Error unavailable audit.io.
[[nodiscard]] Result<std::optional<std::string>> read_file(const std::string& path,
                                                           std::size_t max_bytes);
// Replaces the file whole: a reader sees the old content or the new one, also after a power loss;
// durable when ok. Error unavailable audit.io.
[[nodiscard]] Status replace_file(const std::string& path, std::string_view content,
                                  unsigned mode = 0600);
// The same in two steps, for many files: the content is durable when put_file is ok, its name after
// sync_folder. Error unavailable audit.io.
[[nodiscard]] Status put_file(const std::string& path, std::string_view content, unsigned mode);
[[nodiscard]] Status sync_folder(const std::string& folder);

}  // namespace rabt::audit
