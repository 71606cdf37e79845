#include "rabt/text.hpp"
#include "engine.hpp"

namespace rabt::asr {

namespace {

// Bytes; so many characters are no more.
constexpr std::size_t kMostText = 4'000;

// Returns the number of bytes of the character at the beginning; 0 when there is none.
std::size_t character(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  const std::size_t size = first < 0x80                    ? 1
                           : first >= 0xC2 && first < 0xE0 ? 2
                           : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xF0 && first < 0xF5 ? 4
                                                           : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xC0U) != 0x80U) return 0;
  }
  // RFC 3629: no longer than needed, no surrogates, nothing beyond U+10FFFF.
  if ((first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) >= 0xA0) ||
      (first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) >= 0x90))
    return 0;
  return size;
}

}  // namespace

std::string fit_text(std::string_view said) {
  std::string out;
  said = sdk::trim(said);
  while (!said.empty()) {
    const std::size_t size = character(said);
    if (out.size() + size > kMostText) break;
    // A byte of a character that the engine cut, or one that steers a terminal.
    const bool kept = size > 1 || (size == 1 && static_cast<unsigned char>(said[0]) >= 0x20);
    if (kept) out.append(said.substr(0, size));
    said.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return std::string(sdk::trim(out));
}

}  // namespace rabt::asr
