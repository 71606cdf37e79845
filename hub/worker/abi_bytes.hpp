#pragma once

#include <string_view>

#include "hub/base/bytes.hpp"
#include "rabt/abi.h"

// Bytes as they cross the line to a plugin. They point to what the caller owns.
namespace rabt::worker {

// A null pointer is the empty text.
[[nodiscard]] inline std::string_view view(rabt_bytes bytes) {
  if (bytes.ptr == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes.ptr), static_cast<std::size_t>(bytes.len)};
}
[[nodiscard]] inline rabt_bytes bytes(ByteView content) {
  return {content.data(), static_cast<std::uint64_t>(content.size())};
}
[[nodiscard]] inline rabt_bytes bytes(std::string_view text) {
  return bytes(as_bytes(text));
}

}  // namespace rabt::worker
