#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// UTF-8 (RFC 3629): the shortest form, no surrogates, nothing above U+10FFFF.
namespace rabt {

// The position of the first byte that is not valid UTF-8, or npos.
[[nodiscard]] std::size_t find_bad_utf8(std::string_view text);
[[nodiscard]] inline bool is_utf8(std::string_view text) {
  return find_bad_utf8(text) == std::string_view::npos;
}

// True if a byte continues the character before it.
[[nodiscard]] constexpr bool continues_utf8(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}
// The number of characters of a text, which must be UTF-8.
[[nodiscard]] std::size_t code_points(std::string_view text);

// Appends a character. code must be at most U+10FFFF and no surrogate.
void append_utf8(std::string& out, std::uint32_t code);

}  // namespace rabt
