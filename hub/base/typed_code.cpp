#include "hub/base/typed_code.hpp"

#include <array>

#include "hub/base/ascii.hpp"

namespace rabt {

namespace {

// No-break spaces, those that typesetters use, and marks of direction, in UTF-8.
constexpr std::array<std::string_view, 13> kNothing{
    "\xc2\xa0",     "\xe2\x80\x87", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\x8b",
    "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xaf", "\xe2\x80\x90", "\xe2\x80\x91",
    "\xe2\x81\xa0", "\xd8\x9c",     "\xef\xbb\xbf"};

}  // namespace

std::string typed_code(std::string_view typed) {
  std::string out;
  while (!typed.empty()) {
    const char c = typed.front();
    const auto lead = static_cast<unsigned char>(c);
    const auto next = typed.size() > 1 ? static_cast<unsigned char>(typed[1]) : 0U;
    std::size_t taken = 1;
    if (lead == 0xD9 && next >= 0xA0 && next <= 0xA9) {
      // U+0660 to U+0669.
      out.push_back(static_cast<char>('0' + (next - 0xA0)));
      taken = 2;
    } else if (lead == 0xDB && next >= 0xB0 && next <= 0xB9) {
      // U+06F0 to U+06F9.
      out.push_back(static_cast<char>('0' + (next - 0xB0)));
      taken = 2;
    } else if (!is_blank(c) && c != '-') {
      for (const std::string_view mark : kNothing) {
        if (typed.starts_with(mark)) taken = mark.size();
      }
      if (taken == 1) out.push_back(lower(c));
    }
    typed.remove_prefix(taken);
  }
  return out;
}

}  // namespace rabt
