#pragma once

#include <string_view>
#include <vector>

namespace rabt::plugin {

// A file of sdk/capabilities, compiled in: its path below that folder, and its text.
struct CapabilityFile {
  std::string_view path;
  std::string_view text;
};
// In order of path. The function is written by CMake.
[[nodiscard]] const std::vector<CapabilityFile>& capability_files();

}  // namespace rabt::plugin
