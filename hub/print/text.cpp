#include "hub/print/text.hpp"

#include <glib.h>

#include <array>
#include <cstdio>
#include <memory>

#include "hub/base/utf8.hpp"

namespace rabt::print {

namespace {

// Separators of lines and paragraphs, but for the line feed: vertical tab, form feed, carriage
// return, next line, and the two of Unicode.
bool ends_line(gunichar c) {
  return (c >= 0x0a && c <= 0x0d) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_printed(gunichar c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool overrides = c >= 0x202a && c <= 0x202e;
  return c == '\t' || (!control && !overrides && c != 0xfeff);
}

// No font of anybody has these: fonts are not searched for them, which takes long.
bool has_no_font(gunichar c) {
  const GUnicodeType type = g_unichar_type(c);
  return type == G_UNICODE_PRIVATE_USE || type == G_UNICODE_UNASSIGNED;
}

// Position after the last blank before `most`, else that of the character there.
std::size_t cut_of(const std::string& text, std::size_t most) {
  const std::size_t blank = text.rfind(' ', most - 1);
  if (blank != std::string::npos && blank > 0) return blank + 1;
  std::size_t cut = most;
  while (cut > 1 && continues_utf8(text[cut])) --cut;
  return cut;
}

}  // namespace

std::string name_of(std::uint32_t character) {
  std::array<char, 16> name{};
  (void)std::snprintf(name.data(), name.size(), "[U+%04X]", character);
  return name.data();
}

std::vector<std::string> paragraphs_of(std::string_view text, std::size_t most) {
  const std::unique_ptr<char, decltype(&g_free)> valid(
      g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())), &g_free);
  const std::string_view clean(valid.get());
  std::vector<std::string> out(1);
  const char* const end = clean.data() + clean.size();
  for (const char* at = clean.data(); at < end; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    if (ends_line(c)) {
      // CR LF is one end.
      if (c == '\r' && at + 1 < end && at[1] == '\n') ++at;
      out.emplace_back();
    } else if (has_no_font(c)) {
      out.back() += name_of(c);
    } else if (is_printed(c)) {
      out.back().append(at, static_cast<const char*>(g_utf8_next_char(at)));
    }
    while (out.back().size() > most) {
      const std::size_t cut = cut_of(out.back(), most);
      std::string rest = out.back().substr(cut);
      out.back().resize(cut);
      out.push_back(std::move(rest));
    }
  }
  while (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

std::string line_of(std::string_view text) {
  std::string out;
  for (const std::string& word : paragraphs_of(text)) {
    if (!out.empty() && !word.empty()) out += ' ';
    out += word;
  }
  return out;
}

}  // namespace rabt::print
