#include "hub/base/printable.hpp"

#include <algorithm>
#include <cstdio>

#include "hub/base/utf8.hpp"

namespace rabt {

namespace {

// The number of bytes at the front of a text that cannot be shown; 0 if the first character can.
std::size_t hidden(std::string_view text) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  if (byte(0) < 0x20 || byte(0) == 0x7f) return 1;
  if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) < 0xa0) return 2;  // U+0080 to U+009F
  if (byte(0) == 0xf3)                                                 // U+E0000 to U+E007F
    return byte(1) == 0xa0 && (byte(2) == 0x80 || byte(2) == 0x81) ? 4 : 0;
  if (byte(0) != 0xe2) return 0;
  const bool separator_or_turn = byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae;
  const bool isolate = byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9;
  return separator_or_turn || isolate ? 3 : 0;
}

std::string shown(std::string_view text, bool keep_lines) {
  std::string out;
  while (!text.empty()) {
    const std::size_t good = std::min(find_bad_utf8(text), text.size());
    for (std::size_t i = 0; i < good;) {
      const std::size_t bytes =
          keep_lines && text[i] == '\n' ? 0 : hidden(text.substr(i, good - i));
      out.push_back(bytes == 0 ? text[i] : '?');
      i += std::max<std::size_t>(bytes, 1);
    }
    if (good == text.size()) break;
    out.push_back('?');
    text.remove_prefix(good + 1);
  }
  return out;
}

bool is_space(char c) {
  return c == '\n' || c == '\r' || c == '\t';
}

// lines: whether line ends and tabs stay.
std::string tidied(std::string_view text, bool lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const bool separator = text.starts_with("\xe2\x80\xa8") || text.starts_with("\xe2\x80\xa9");
    const std::size_t bytes = hidden(text);
    if (separator) {
      out.push_back(lines ? '\n' : ' ');
    } else if (is_space(text.front())) {
      out.push_back(lines ? text.front() : ' ');
    } else if (bytes == 0) {
      out.push_back(text.front());
    }
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

}  // namespace

std::string tidy_line(std::string_view text) {
  return tidied(text, false);
}

bool is_tidy_line(std::string_view text) {
  return tidy_line(text) == text;
}

std::string tidy_text(std::string_view text) {
  return tidied(text, true);
}

std::string printable(std::string_view text) {
  return shown(text, false);
}

std::string printable_lines(std::string_view text) {
  return shown(text, true);
}

bool is_printable(std::string_view text) {
  if (!is_utf8(text)) return false;
  for (; !text.empty(); text.remove_prefix(1)) {
    if (text.front() != '\t' && hidden(text) != 0) return false;
  }
  return true;
}

int complain(const Error& error) {
  std::fprintf(stderr, "%s [%s]\n", printable_lines(error.message).c_str(), error.code.c_str());
  return error.kind == ErrorKind::invalid ? 2 : 1;
}

}  // namespace rabt
