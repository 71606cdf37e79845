#include "hub/workflow/yaml/yaml_position.hpp"

#include <algorithm>
#include <string>

#include "hub/base/utf8.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::workflow {

namespace {

constexpr char kEnd = '\0';  // parse_yaml refuses NUL, so it never stands in a file

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Reads source and text side by side (YAML 1.2.2 chapters 7 and 8) and notes which byte of the one
// gave which byte of the other. What the text says decides; a difference ends the walk.
class Walk {
 public:
  Walk(std::string_view source, std::size_t at, std::string_view text)
      : source_(source), at_(at), text_(text) {
    offsets_.reserve(text.size() + 1);
  }

  std::optional<std::vector<std::size_t>> run() {
    skip_properties();
    bool good = false;
    switch (look()) {
      case '|':
      case '>':
        good = block();
        break;
      case '"':
        ++at_;
        good = flow('"');
        break;
      case '\'':
        ++at_;
        good = flow('\'');
        break;
      default:
        good = flow(kEnd);
    }
    if (!good) return std::nullopt;
    offsets_.push_back(at_);
    return std::move(offsets_);
  }

 private:
  [[nodiscard]] char look(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : kEnd;
  }
  [[nodiscard]] bool at_break() const {
    return look() == '\n' || (look() == '\r' && look(1) == '\n');
  }
  void take_break() { at_ += look() == '\r' ? 2U : 1U; }
  [[nodiscard]] bool done() const { return offsets_.size() == text_.size(); }
  bool give(char c, std::size_t from) {
    if (done() || text_[offsets_.size()] != c) return false;
    offsets_.push_back(from);
    return true;
  }

  // An anchor or a tag before the scalar.
  void skip_properties() {
    while (look() == '&' || look() == '!') {
      while (at_ < source_.size() && !is_blank(look()) && !at_break()) ++at_;
      while (is_blank(look()) || at_break() || look() == '#') {
        if (look() == '#') {
          while (at_ < source_.size() && !at_break()) ++at_;
        } else {
          ++at_;
        }
      }
    }
  }

  // Blanks and line breaks between two lines of a flow scalar: one break is a space, n breaks are
  // n - 1 line ends.
  bool fold() {
    const std::size_t from = at_;
    while (is_blank(look())) ++at_;
    std::size_t breaks = 0;
    while (at_break()) {
      take_break();
      ++breaks;
      while (is_blank(look())) ++at_;
    }
    if (breaks == 1) return give(' ', from);
    for (std::size_t i = 1; i < breaks; ++i) {
      if (!give('\n', from)) return false;
    }
    return true;
  }

  [[nodiscard]] bool line_ends_here() const {
    std::size_t i = at_;
    while (i < source_.size() && is_blank(source_[i])) ++i;
    return i < source_.size() && (source_[i] == '\n' || source_.substr(i).starts_with("\r\n"));
  }

  // Plain (quote is kEnd), single-quoted and double-quoted.
  bool flow(char quote) {
    while (!done()) {
      const char c = look();
      if (at_ >= source_.size()) return false;
      if (line_ends_here()) {
        if (!fold()) return false;
      } else if (quote == '\'' && c == '\'') {
        if (look(1) != '\'' || !give('\'', at_)) return false;
        at_ += 2;
      } else if (quote == '"' && c == '\\') {
        if (!escape()) return false;
      } else {
        if (!give(c, at_)) return false;
        ++at_;
      }
    }
    return true;
  }

  bool escape() {
    const std::size_t from = at_;
    const char kind = look(1);
    at_ += 2;
    if (kind == '\n' || kind == '\r') {  // a line break without a space
      if (kind == '\r') ++at_;
      while (is_blank(look())) ++at_;
      return true;
    }
    constexpr std::string_view kNames = "0abt\tnvfre \"/\\";
    constexpr std::string_view kValues("\0\a\b\t\t\n\v\f\r\x1B \"/\\", 14);
    if (const std::size_t found = kNames.find(kind); found != std::string_view::npos)
      return give(kValues[found], from);
    std::size_t digits = 0;
    std::string out;
    if (kind == 'x') digits = 2;
    if (kind == 'u') digits = 4;
    if (kind == 'U') digits = 8;
    if (kind == 'N') append_utf8(out, 0x85);
    if (kind == '_') append_utf8(out, 0xA0);
    if (kind == 'L') append_utf8(out, 0x2028);
    if (kind == 'P') append_utf8(out, 0x2029);
    if (digits > 0) {
      char32_t code = 0;
      for (std::size_t i = 0; i < digits; ++i, ++at_) {
        const char c = look();
        char32_t digit = 0;
        if (c >= '0' && c <= '9') {
          digit = static_cast<char32_t>(c - '0');
        } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
          digit = static_cast<char32_t>((c | 0x20) - 'a') + 10U;
        } else {
          return false;
        }
        code = code * 16U + digit;
      }
      if (code > 0x10FFFF) return false;
      append_utf8(out, code);
    }
    return !out.empty() &&
           std::all_of(out.begin(), out.end(), [&](char c) { return give(c, from); });
  }

  [[nodiscard]] std::size_t indentation_here() const {
    std::size_t count = 0;
    while (look(count) == ' ') ++count;
    return count;
  }

  // Literal and folded. Within the scalar the text decides whether a break was folded.
  bool block() {
    const bool folded = look() == '>';
    ++at_;
    std::size_t explicit_indent = 0;
    while (at_ < source_.size() && !at_break()) {
      if (look() == '#') break;
      if (look() >= '1' && look() <= '9') explicit_indent = static_cast<std::size_t>(look() - '0');
      ++at_;
    }
    while (at_ < source_.size() && !at_break()) ++at_;
    if (at_break()) take_break();
    std::size_t indent = 0;
    bool present = false;
    bool after_content = false;
    while (!done()) {
      if (at_ >= source_.size()) return false;
      std::size_t spaces = indentation_here();
      if (present) spaces = std::min(spaces, indent);
      const std::size_t line = at_;
      at_ += spaces;
      if (at_break() && (!present || spaces < indent || look() == '\n' || look() == '\r')) {
        // An empty line.
        const std::size_t from = at_;
        take_break();
        if (text_[offsets_.size()] == '\n') {
          if (!give('\n', from)) return false;
        } else if (!folded) {
          return false;
        }
        continue;
      }
      if (!present) {
        present = true;
        indent = spaces;
        if (explicit_indent > 0) {
          // The parent's indentation is not known here; the text tells how much is content.
          std::size_t extra = 0;
          while (offsets_.size() + extra < text_.size() && text_[offsets_.size() + extra] == ' ')
            ++extra;
          indent -= std::min(indent, extra);
        }
        at_ = line + indent;
      }
      while (!at_break() && at_ < source_.size()) {
        if (!give(look(), at_)) return false;
        ++at_;
        if (done()) return true;
      }
      const std::size_t from = at_;
      if (at_ < source_.size()) take_break();
      if (done()) return true;
      after_content = true;
      const char next = text_[offsets_.size()];
      if (next == '\n') {
        // Folded: with empty lines after it this break itself gives nothing.
        std::size_t wanted = 0;
        while (offsets_.size() + wanted < text_.size() && text_[offsets_.size() + wanted] == '\n')
          ++wanted;
        std::size_t there = 1;
        for (std::size_t i = at_; i < source_.size();) {
          std::size_t end = i;
          while (end < source_.size() && (source_[end] == ' ' || source_[end] == '\r')) ++end;
          if (end >= source_.size() || source_[end] != '\n') break;
          ++there;
          i = end + 1;
        }
        if (!folded || wanted >= there || after_last(wanted)) {
          if (!give('\n', from)) return false;
        }
      } else if (folded && next == ' ') {
        if (!give(' ', from)) return false;
      } else {
        return false;
      }
    }
    return after_content || done();
  }

  // True if the text ends with these line ends, so that none was folded away.
  [[nodiscard]] bool after_last(std::size_t wanted) const {
    return offsets_.size() + wanted == text_.size();
  }

  std::string_view source_;
  std::size_t at_;
  std::string_view text_;
  std::vector<std::size_t> offsets_;
};

}  // namespace

LineIndex::LineIndex(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    starts_.push_back(at + 1);
}

TextPlace LineIndex::at(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  const std::size_t start = *(after - 1);
  const std::string_view before = text_.substr(start, offset - start);
  return {static_cast<int>(after - starts_.begin()), static_cast<int>(code_points(before)) + 1};
}

std::string_view LineIndex::line(int number) const {
  if (number < 1 || static_cast<std::size_t>(number) > starts_.size()) return {};
  const std::size_t start = starts_[static_cast<std::size_t>(number) - 1];
  std::string_view found = text_.substr(start, text_.substr(start).find('\n'));
  if (found.ends_with('\r')) found.remove_suffix(1);
  return found;
}

std::optional<std::vector<std::size_t>> scalar_offsets(std::string_view source,
                                                       const YamlNode& node) {
  if (!node.is_text() || node.offset > source.size()) return std::nullopt;
  return Walk(source, node.offset, node.text()).run();
}

}  // namespace rabt::workflow
