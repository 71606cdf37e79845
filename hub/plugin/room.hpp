#pragma once

#include <algorithm>
#include <array>
#include <string_view>

// Codes of outcomes that say nothing about the outside system: the hub itself could not write.
namespace rabt::plugin {

// A plugin's storage has no room for what it is to keep.
inline constexpr std::string_view kStorageFull = "plugin.storage_full";

// True if an error or outcome with this code means that the hub could not write, though the act was
// right: the act is to be repeated when there is room, and it is not ended.
[[nodiscard]] inline bool means_no_room(std::string_view code) {
  constexpr std::array<std::string_view, 7> kCodes{
      "store.full", "store.busy",        "store.moved",        "blob.full",
      kStorageFull, "audit.unavailable", "crypto.keyring_full"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

}  // namespace rabt::plugin
