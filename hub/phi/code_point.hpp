#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rabt::phi {

// The code point at `at`, which moves behind it; -1 and one byte on where there is no UTF-8
// (RFC 3629). at is inside the text.
inline std::int32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::int32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::int32_t first = byte(at);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + size > text.size()) {
    ++at;
    return -1;
  }
  std::int32_t code = first & (size == 4 ? 0x07 : size == 3 ? 0x0F : 0x1F);
  for (std::size_t i = 1; i < size; ++i) {
    const std::int32_t next = byte(at + i);
    if ((next & 0xC0) != 0x80) {
      ++at;
      return -1;
    }
    code = (code << 6) | (next & 0x3F);
  }
  const bool good = size == 2 || (size == 3 && code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) ||
                    (size == 4 && code >= 0x10000 && code <= 0x10FFFF);
  at += good ? size : 1;
  return good ? code : -1;
}

}  // namespace rabt::phi
