#pragma once

// Character sets of messages: UTF-8, ASCII and those of one byte that systems of hospitals use.
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rabt/text.hpp"

namespace rabt::sdk {

namespace detail {

inline constexpr std::string_view kUtf8 = "UNICODE UTF-8";
inline constexpr std::string_view kAscii = "ASCII";
inline constexpr std::string_view kLatin = "8859/1";
inline constexpr std::string_view kArabic = "8859/6";
inline constexpr std::string_view kWindowsArabic = "WINDOWS-1256";
inline constexpr std::string_view kWindowsLatin = "WINDOWS-1252";

// True if the text is UTF-8 (RFC 3629).
inline bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || i + more >= text.size()) return false;
    unsigned point = lead & (0x3fU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0U) != 0x80U) return false;
      point = point << 6U | (next & 0x3fU);
    }
    const bool shortest = point >= (more == 1 ? 0x80U : more == 2 ? 0x800U : 0x10000U);
    if (!shortest || point > 0x10ffffU || (point >= 0xd800U && point < 0xe000U)) return false;
    i += more + 1;
  }
  return true;
}

// Character sets, by the names that MSH-18 (table 0211) and its senders have for them: without
// blanks and signs, in lower case.
struct Charset {
  std::string_view spelt;
  std::string_view name;
};
inline constexpr std::array<Charset, 22> kCharsets{{
    {"unicodeutf8", kUtf8},
    {"utf8", kUtf8},
    {"unicode", kUtf8},
    {"ascii", kAscii},
    {"usascii", kAscii},
    {"isoir6", kAscii},
    {"88591", kLatin},
    {"iso88591", kLatin},
    {"latin1", kLatin},
    {"isoir100", kLatin},
    {"88596", kArabic},
    {"iso88596", kArabic},
    {"isoir127", kArabic},
    {"arabic", kArabic},
    {"windows1256", kWindowsArabic},
    {"cp1256", kWindowsArabic},
    {"win1256", kWindowsArabic},
    {"ms1256", kWindowsArabic},
    {"windows1252", kWindowsLatin},
    {"cp1252", kWindowsLatin},
    {"win1252", kWindowsLatin},
    {"ms1252", kWindowsLatin},
}};

// The code points of the bytes 0x80 to 0xFF; 0 for a byte that has none.
inline constexpr std::array<std::uint16_t, 128> kCp1256{
    0x20ac, 0x067e, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0679, 0x2039,
    0x0152, 0x0686, 0x0698, 0x0688, 0x06af, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x06a9, 0x2122, 0x0691, 0x203a, 0x0153, 0x200c, 0x200d, 0x06ba, 0x00a0, 0x060c, 0x00a2, 0x00a3,
    0x00a4, 0x00a5, 0x00a6, 0x00a7, 0x00a8, 0x00a9, 0x06be, 0x00ab, 0x00ac, 0x00ad, 0x00ae, 0x00af,
    0x00b0, 0x00b1, 0x00b2, 0x00b3, 0x00b4, 0x00b5, 0x00b6, 0x00b7, 0x00b8, 0x00b9, 0x061b, 0x00bb,
    0x00bc, 0x00bd, 0x00be, 0x061f, 0x06c1, 0x0621, 0x0622, 0x0623, 0x0624, 0x0625, 0x0626, 0x0627,
    0x0628, 0x0629, 0x062a, 0x062b, 0x062c, 0x062d, 0x062e, 0x062f, 0x0630, 0x0631, 0x0632, 0x0633,
    0x0634, 0x0635, 0x0636, 0x00d7, 0x0637, 0x0638, 0x0639, 0x063a, 0x0640, 0x0641, 0x0642, 0x0643,
    0x00e0, 0x0644, 0x00e2, 0x0645, 0x0646, 0x0647, 0x0648, 0x00e7, 0x00e8, 0x00e9, 0x00ea, 0x00eb,
    0x0649, 0x064a, 0x00ee, 0x00ef, 0x064b, 0x064c, 0x064d, 0x064e, 0x00f4, 0x064f, 0x0650, 0x00f7,
    0x0651, 0x00f9, 0x0652, 0x00fb, 0x00fc, 0x200e, 0x200f, 0x06d2};
inline constexpr std::array<std::uint16_t, 128> kCp1252{
    0x20ac, 0x0000, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0x0000, 0x017d, 0x0000, 0x0000, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x0000, 0x017e, 0x0178, 0x00a0, 0x00a1, 0x00a2, 0x00a3,
    0x00a4, 0x00a5, 0x00a6, 0x00a7, 0x00a8, 0x00a9, 0x00aa, 0x00ab, 0x00ac, 0x00ad, 0x00ae, 0x00af,
    0x00b0, 0x00b1, 0x00b2, 0x00b3, 0x00b4, 0x00b5, 0x00b6, 0x00b7, 0x00b8, 0x00b9, 0x00ba, 0x00bb,
    0x00bc, 0x00bd, 0x00be, 0x00bf, 0x00c0, 0x00c1, 0x00c2, 0x00c3, 0x00c4, 0x00c5, 0x00c6, 0x00c7,
    0x00c8, 0x00c9, 0x00ca, 0x00cb, 0x00cc, 0x00cd, 0x00ce, 0x00cf, 0x00d0, 0x00d1, 0x00d2, 0x00d3,
    0x00d4, 0x00d5, 0x00d6, 0x00d7, 0x00d8, 0x00d9, 0x00da, 0x00db, 0x00dc, 0x00dd, 0x00de, 0x00df,
    0x00e0, 0x00e1, 0x00e2, 0x00e3, 0x00e4, 0x00e5, 0x00e6, 0x00e7, 0x00e8, 0x00e9, 0x00ea, 0x00eb,
    0x00ec, 0x00ed, 0x00ee, 0x00ef, 0x00f0, 0x00f1, 0x00f2, 0x00f3, 0x00f4, 0x00f5, 0x00f6, 0x00f7,
    0x00f8, 0x00f9, 0x00fa, 0x00fb, 0x00fc, 0x00fd, 0x00fe, 0x00ff};

// The code point of a byte above 0x7F in a character set of one byte each; 0 if it has none.
inline unsigned code_point(std::string_view charset, unsigned char byte) {
  if (charset == kWindowsArabic) return kCp1256.at(byte - 0x80U);
  if (charset == kWindowsLatin) return kCp1252.at(byte - 0x80U);
  if (charset == kLatin) return byte >= 0xa0 ? byte : 0;
  if (charset != kArabic) return 0;
  if (byte == 0xa0 || byte == 0xa4 || byte == 0xad) return byte;
  const bool arabic = byte == 0xac || byte == 0xbb || byte == 0xbf ||
                      (byte >= 0xc1 && byte <= 0xda) || (byte >= 0xe0 && byte <= 0xf2);
  return arabic ? 0x0600U + byte - 0xa0U : 0;
}

}  // namespace detail

// The character set that a name means: UNICODE UTF-8, ASCII, 8859/1, 8859/6 (table 0211),
// WINDOWS-1256 or WINDOWS-1252. Other spellings are known, such as CP1256 or ISO-8859-6. "" for a
// name that is not known.
[[nodiscard]] inline std::string_view charset_of(std::string_view name) {
  std::string plain = lower(name);
  std::erase_if(plain, [](char c) { return !is_digit(c) && (c < 'a' || c > 'z'); });
  for (const detail::Charset& charset : detail::kCharsets) {
    if (charset.spelt == plain) return charset.name;
  }
  return {};
}

// UTF-8 from a character set and back. False if the text is none of this set.
[[nodiscard]] inline bool to_utf8(std::string_view charset, std::string_view text,
                                  std::string& out) {
  out.clear();
  charset = charset_of(charset);
  if (charset == detail::kUtf8) {
    out = text;
    return detail::is_utf8(text);
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
      continue;
    }
    const unsigned point = detail::code_point(charset, byte);
    if (point == 0) return false;
    if (point < 0x800) {
      out.push_back(static_cast<char>(0xc0U | point >> 6U));
    } else {
      out.push_back(static_cast<char>(0xe0U | point >> 12U));
      out.push_back(static_cast<char>(0x80U | (point >> 6U & 0x3fU)));
    }
    out.push_back(static_cast<char>(0x80U | (point & 0x3fU)));
  }
  return true;
}

[[nodiscard]] inline bool from_utf8(std::string_view charset, std::string_view text,
                                    std::string& out) {
  out.clear();
  charset = charset_of(charset);
  if (charset == detail::kUtf8) {
    out = text;
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      out.push_back(text[i]);
      continue;
    }
    // The sets of one byte have nothing above U+FFFF.
    const std::size_t more = (lead & 0xe0U) == 0xc0U ? 1 : (lead & 0xf0U) == 0xe0U ? 2 : 0;
    if (more == 0 || i + more >= text.size()) return false;
    unsigned point = lead & (more == 1 ? 0x1fU : 0x0fU);
    for (std::size_t left = more; left > 0; --left)
      point = point << 6U | (static_cast<unsigned char>(text[++i]) & 0x3fU);
    unsigned byte = 0x80;
    while (byte < 0x100 && detail::code_point(charset, static_cast<unsigned char>(byte)) != point)
      ++byte;
    if (byte == 0x100) return false;
    out.push_back(static_cast<char>(byte));
  }
  return true;
}

}  // namespace rabt::sdk
