#pragma once

// Texts of HL7 v2: delimiters and escape sequences (section 2.7 of the standard).
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/charset.hpp"
#include "rabt/text.hpp"

namespace rabt::sdk::hl7 {

struct Delimiters {
  char field = '|';
  char component = '^';
  char repetition = '~';
  char escape = '\\';
  char subcomponent = '&';
};

namespace detail {

inline std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find(by);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}
inline std::string_view nth(std::string_view text, char by, int number) {
  for (int i = 1; i < number; ++i) {
    const auto end = text.find(by);
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find(by));
}

inline bool is_hex(std::string_view text) {
  return !text.empty() && text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
    return sdk::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

// Blanks and line ends that a formatting command writes at most.
inline constexpr std::size_t kMaxSkipped = 80;

// A formatting command (.sp+2, .br, .sk3 ...): false if it is none. No command may join the words
// before and behind it.
inline bool format(std::string_view sequence, std::string& out) {
  const std::string name = sdk::lower(sequence.substr(0, 3));
  std::string_view number = sequence.substr(std::min<std::size_t>(3, sequence.size()));
  if (number.starts_with('+') || number.starts_with('-')) number.remove_prefix(1);
  if (number.size() > 3 || !std::all_of(number.begin(), number.end(), sdk::is_digit)) return false;
  std::size_t count = 0;
  for (const char c : number) count = count * 10 + static_cast<std::size_t>(c - '0');
  count = std::clamp<std::size_t>(count, 1, kMaxSkipped);
  if (name == ".br" || name == ".ce") {
    out.push_back('\n');
  } else if (name == ".sp") {
    out.append(count, '\n');
  } else if (name == ".sk") {
    out.append(count, ' ');
  } else if (name == ".fi" || name == ".nf" || name == ".in" || name == ".ti") {
    if (!out.empty() && out.back() != '\n' && out.back() != ' ') out.push_back(' ');
  } else {
    return false;
  }
  return true;
}

// Characters of a text as they are read: one kind of line end, and no other control characters,
// which would end up in names and texts.
inline void add_plain(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\r' || c == '\v' || c == '\f') {
      out.push_back('\n');
    } else if ((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\n' || c == '\t') {
      out.push_back(c);
    }
  }
}

// Appends the text that an escape sequence of section 2.7.1 stands for, given between its two
// escape characters; false if it is none.
inline bool unescape(std::string_view sequence, const Delimiters& d, std::string_view charset,
                     std::string& out) {
  if (sequence.empty()) return false;
  const std::string_view rest = sequence.substr(1);
  if (sequence.size() == 1) {
    for (const auto& [letter, meant] : {std::pair{'F', d.field},
                                        {'S', d.component},
                                        {'T', d.subcomponent},
                                        {'R', d.repetition},
                                        {'E', d.escape}}) {
      if (sequence.front() != letter) continue;
      out.push_back(meant);
      return true;
    }
  }
  // Highlighting has no text.
  if (sequence == "H" || sequence == "N") return true;
  if (sequence.starts_with('.')) return format(sequence, out);
  if (!is_hex(rest)) return false;
  // Changes of the character set and sequences of the sender's own.
  if (sequence.front() == 'C') return rest.size() == 4;
  if (sequence.front() == 'M') return rest.size() == 4 || rest.size() == 6;
  if (sequence.front() == 'Z') return true;
  if (sequence.front() != 'X') return false;
  std::string encoded;
  for (std::size_t i = 0; i < rest.size(); i += 2) {
    encoded.push_back('%');
    encoded.append(rest.substr(i, 2));
  }
  std::string text;
  if (!to_utf8(charset, sdk::percent_decode(encoded), text)) return false;
  add_plain(text, out);
  return true;
}

inline std::string unescaped(std::string_view raw, const Delimiters& d, std::string_view charset) {
  std::string out;
  while (!raw.empty()) {
    const auto begin = raw.find(d.escape);
    add_plain(raw.substr(0, begin), out);
    if (begin == std::string_view::npos) break;
    raw.remove_prefix(begin + 1);
    const auto end = raw.find(d.escape);
    // The character itself is meant where no sequence begins, and what follows is text.
    if (end == std::string_view::npos || !unescape(raw.substr(0, end), d, charset, out)) {
      out.push_back(d.escape);
      continue;
    }
    raw.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace detail

// A text as it stands in a field: delimiters, line ends and control characters escaped.
[[nodiscard]] inline std::string escaped(std::string_view raw) {
  std::string out;
  std::string text;
  detail::add_plain(raw, text);
  for (const char c : text) {
    switch (c) {
      case '|':
        out.append("\\F\\");
        break;
      case '^':
        out.append("\\S\\");
        break;
      case '&':
        out.append("\\T\\");
        break;
      case '~':
        out.append("\\R\\");
        break;
      case '\\':
        out.append("\\E\\");
        break;
      case '\n':
        out.append("\\.br\\");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

}  // namespace rabt::sdk::hl7
