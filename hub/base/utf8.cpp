#include "hub/base/utf8.hpp"

#include <algorithm>

namespace rabt {

std::size_t find_bad_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      ++at;
      continue;
    }
    const std::size_t length = byte >= 0xf0 ? 4U : byte >= 0xe0 ? 3U : 2U;
    if (byte < 0xc2 || byte > 0xf4 || at + length > text.size()) return at;
    for (std::size_t i = 1; i < length; ++i) {
      if (!continues_utf8(text[at + i])) return at;
    }
    const auto second = static_cast<unsigned char>(text[at + 1]);
    if ((byte == 0xe0 && second < 0xa0) || (byte == 0xed && second > 0x9f) ||
        (byte == 0xf0 && second < 0x90) || (byte == 0xf4 && second > 0x8f)) {
      return at;
    }
    at += length;
  }
  return std::string_view::npos;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_utf8(c); }));
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
  const auto rest = [&](unsigned shift) { byte(0x80U | ((code >> shift) & 0x3fU)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0U | (code >> 6U));
    rest(0);
  } else if (code < 0x10000) {
    byte(0xe0U | (code >> 12U));
    rest(6);
    rest(0);
  } else {
    byte(0xf0U | (code >> 18U));
    rest(12);
    rest(6);
    rest(0);
  }
}

}  // namespace rabt
