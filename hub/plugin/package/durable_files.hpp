#pragma once

#include <dirent.h>

#include <functional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

// Files that are there whole or not at all, below a folder that is open. Names have no '/'. Errors:
// unavailable plugin.store_io, with the name and the system's words.
namespace rabt::plugin {

inline constexpr unsigned kFileMode = 0644;

// Closes what fdopendir gave.
struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// A new file; an existing one is an error. Durable with the folder's next sync_folder.
[[nodiscard]] Status write_new_file(
    int folder, const std::string& name,
    const std::function<Status(const std::function<Status(std::string_view)>&)>& content);
// The old content or the new one, whatever happens; durable when ok.
[[nodiscard]] Status replace_file(int folder, const std::string& name, std::string_view content,
                                  unsigned mode = kFileMode);
// Removes what a crash inside replace_file left beside the file.
[[nodiscard]] Status forget_replacement(int folder, const std::string& name);
[[nodiscard]] Status sync_folder(int folder, const std::string& name);
// A file or folder with everything below it; links are removed, not followed. Absent is ok.
[[nodiscard]] Status remove_tree(int folder, const std::string& name);
// Reads a regular file; a link is an error. Empty when there is none.
[[nodiscard]] Result<std::string> read_small_file(int folder, const std::string& name,
                                                  std::size_t max_bytes);

[[nodiscard]] Error store_error(const std::string& doing);  // says errno

}  // namespace rabt::plugin
