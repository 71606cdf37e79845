#include "hl7.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "rabt/text.hpp"

namespace rabt::hl7v2 {

namespace {

constexpr std::string_view kUtf8 = "UNICODE UTF-8";

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find(by);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}
std::string_view nth(std::string_view text, char by, int number) {
  for (int i = 1; i < number; ++i) {
    const auto end = text.find(by);
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find(by));
}

bool is_utf8(std::string_view text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

// The code point of a byte above 0x7F in a character set of one byte each; 0 if it has none.
unsigned code_point(std::string_view charset, unsigned char byte) {
  if (charset == "8859/1") return byte >= 0xa0 ? byte : 0;
  if (charset != "8859/6") return 0;
  if (byte == 0xa0 || byte == 0xa4 || byte == 0xad) return byte;
  const bool arabic = byte == 0xac || byte == 0xbb || byte == 0xbf ||
                      (byte >= 0xc1 && byte <= 0xda) || (byte >= 0xe0 && byte <= 0xf2);
  return arabic ? 0x0600U + byte - 0xa0U : 0;
}

// What an escape sequence stands for, given between its two escape characters.
void unescape(std::string_view sequence, const Delimiters& d, std::string_view charset,
              std::string& out) {
  if (sequence == "F") {
    out.push_back(d.field);
  } else if (sequence == "S") {
    out.push_back(d.component);
  } else if (sequence == "T") {
    out.push_back(d.subcomponent);
  } else if (sequence == "R") {
    out.push_back(d.repetition);
  } else if (sequence == "E") {
    out.push_back(d.escape);
  } else if (sequence == ".br" || sequence.starts_with(".sp")) {
    out.push_back('\n');
  } else if (sequence.starts_with('X')) {
    std::string encoded;
    for (std::size_t i = 1; i + 1 < sequence.size(); i += 2) {
      encoded.push_back('%');
      encoded.append(sequence.substr(i, 2));
    }
    const std::string bytes = sdk::percent_decode(encoded);
    std::string text;
    if (to_utf8(charset, bytes, text)) out.append(text);
  }
  // Highlighting, indents and sequences of the sender's own are no text.
}

std::string unescaped(std::string_view raw, const Delimiters& d, std::string_view charset) {
  std::string out;
  while (!raw.empty()) {
    const auto begin = raw.find(d.escape);
    out.append(raw.substr(0, begin));
    if (begin == std::string_view::npos) break;
    raw.remove_prefix(begin + 1);
    const auto end = raw.find(d.escape);
    if (end == std::string_view::npos) {  // the character itself is meant
      out.push_back(d.escape);
      continue;
    }
    unescape(raw.substr(0, end), d, charset, out);
    raw.remove_prefix(end + 1);
  }
  // Control characters would end up in names and texts.
  std::erase_if(out, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
  });
  return out;
}

Delimiters delimiters_of(std::string_view bytes) {
  if (!bytes.starts_with("MSH") || bytes.size() < 8)
    throw Fault(kSequence, "MSH", 0, "the message does not begin with MSH");
  const std::string_view chars = bytes.substr(3, 5);
  for (std::size_t i = 0; i < chars.size(); ++i) {
    const auto c = static_cast<unsigned char>(chars[i]);
    const bool good = c > 0x20 && c < 0x7f && !std::isalnum(c) && c != '"' && c != '.';
    if (!good || chars.find(chars[i], i + 1) != std::string_view::npos)
      throw Fault(kDataType, "MSH", 2, "MSH-1 and MSH-2 must be five different delimiters");
  }
  return {chars[0], chars[1], chars[2], chars[3], chars[4]};
}

std::string_view without_frame(std::string_view bytes) {
  if (bytes.starts_with('\x0b')) bytes.remove_prefix(1);
  while (bytes.ends_with('\r') || bytes.ends_with('\x1c')) bytes.remove_suffix(1);
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  return bytes;
}

}  // namespace

std::string_view words_of(int code) {
  static constexpr std::array<std::pair<int, std::string_view>, 13> kWords{
      {{0, "Message accepted"},
       {kSequence, "Segment sequence error"},
       {kRequired, "Required field missing"},
       {kDataType, "Data type error"},
       {kTable, "Table value not found"},
       {kUnsupportedMessage, "Unsupported message type"},
       {kUnsupportedEvent, "Unsupported event code"},
       {kUnsupportedProcessing, "Unsupported processing id"},
       {kUnsupportedVersion, "Unsupported version id"},
       {204, "Unknown key identifier"},
       {kDuplicate, "Duplicate key identifier"},
       {206, "Application record locked"},
       {kInternal, "Application internal error"}}};
  for (const auto& [number, words] : kWords) {
    if (number == code) return words;
  }
  return {};
}

bool is_charset(std::string_view name) {
  return name == kUtf8 || name == "ASCII" || name == "8859/1" || name == "8859/6";
}

bool to_utf8(std::string_view charset, std::string_view text, std::string& out) {
  out.clear();
  if (charset == kUtf8) {
    out = text;
    return is_utf8(text);
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
      continue;
    }
    const unsigned point = code_point(charset, byte);
    if (point == 0) return false;
    out.push_back(static_cast<char>(0xc0U | point >> 6U));
    out.push_back(static_cast<char>(0x80U | (point & 0x3fU)));
  }
  return true;
}

bool from_utf8(std::string_view charset, std::string_view text, std::string& out) {
  out.clear();
  if (charset == kUtf8) {
    out = text;
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      out.push_back(text[i]);
      continue;
    }
    // What the sets of one byte have lies below U+0800.
    if ((lead & 0xe0U) != 0xc0U || i + 1 == text.size()) return false;
    const unsigned point = (lead & 0x1fU) << 6U | (static_cast<unsigned char>(text[++i]) & 0x3fU);
    unsigned byte = 0xa0;
    while (byte < 0x100 && code_point(charset, static_cast<unsigned char>(byte)) != point) ++byte;
    if (byte == 0x100) return false;
    out.push_back(static_cast<char>(byte));
  }
  return true;
}

std::string Value::part(int component, int subcomponent) const {
  if (empty()) return {};
  const std::string_view raw =
      nth(nth(raw_, delimiters_.component, component), delimiters_.subcomponent, subcomponent);
  if (raw == "\"\"") return {};
  return std::string(sdk::trim(unescaped(raw, delimiters_, charset_)));
}

std::string Value::encoded() const {
  std::string out;
  for (const std::string_view component : split(raw_, delimiters_.component)) {
    if (component.data() != raw_.data()) out.push_back('^');
    for (const std::string_view sub : split(component, delimiters_.subcomponent)) {
      if (sub.data() != component.data()) out.push_back('&');
      out.append(escaped(unescaped(sub, delimiters_, charset_)));
    }
  }
  return out;
}

Segment::Segment(std::string_view line, const Delimiters& delimiters, std::string_view charset)
    : fields_(split(line, delimiters.field)), delimiters_(delimiters), charset_(charset) {
  if (fields_.front() == "MSH") fields_.insert(fields_.begin() + 1, line.substr(3, 1));
}

std::vector<Value> Segment::all(std::size_t field) const {
  std::vector<Value> out;
  if (field == 0 || field >= fields_.size()) return out;
  for (const std::string_view raw : split(fields_[field], delimiters_.repetition)) {
    Value value(raw, delimiters_, charset_);
    if (!value.empty()) out.push_back(value);
  }
  return out;
}

Value Segment::first(std::size_t field) const {
  const std::vector<Value> values = all(field);
  return values.empty() ? Value() : values.front();
}

void Message::read(std::string_view bytes, std::string_view charset) {
  segments_.clear();
  bytes = without_frame(bytes);
  if (bytes.size() > kMaxMessage)
    throw Fault(kInternal, "", 0,
                "the message is longer than " + std::to_string(kMaxMessage) + " bytes");
  const Delimiters d = delimiters_of(bytes);
  // Without a CR, LF ends the segments; with one, it may stand in a text.
  const char end = bytes.find('\r') == std::string_view::npos ? '\n' : '\r';
  const std::string_view head = bytes.substr(0, bytes.find(end));
  charset_ = std::string(nth(nth(head, d.field, 18), d.repetition, 1));
  if (charset_.empty()) charset_ = charset;
  const bool known = is_charset(charset_);
  // The header is ASCII in every character set: whoever sent it can be answered.
  const bool readable = known && to_utf8(charset_, bytes, text_);
  if (!readable) {
    std::string plain(head);
    std::replace_if(
        plain.begin(), plain.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7e; },
        '?');
    text_ = std::move(plain);
  }
  const std::vector<std::string_view> lines = split(text_, end);
  for (std::string_view line : lines) {
    if (line.starts_with('\n')) line.remove_prefix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::string_view name = line.substr(0, 3);
    const bool named = name.size() == 3 && name[0] >= 'A' && name[0] <= 'Z' &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                         return (c >= 'A' && c <= 'Z') || sdk::is_digit(c);
                       });
    if (!named || (line.size() > 3 && line[3] != d.field) || (!segments_.empty() && name == "MSH"))
      throw Fault(kSequence, "", 0,
                  "segment " + std::to_string(segments_.size() + 1) +
                      " does not begin with a name of three letters and the field separator, or "
                      "is a second MSH");
    if (segments_.size() == kMaxSegments)
      throw Fault(kSequence, std::string(name), 0,
                  "the message has more than " + std::to_string(kMaxSegments) + " segments");
    if (static_cast<std::size_t>(std::count(line.begin(), line.end(), d.field)) > kMaxFields)
      throw Fault(kDataType, std::string(name), 0,
                  "a segment has more than " + std::to_string(kMaxFields) + " fields");
    segments_.emplace_back(line, d, charset_);
  }
  if (!known)
    throw Fault(kTable, "MSH", 18,
                "the character set is not known; use UNICODE UTF-8, ASCII, 8859/1 or 8859/6");
  if (!readable)
    throw Fault(kDataType, "MSH", 18, "the message is not in the character set that MSH-18 says");
}

const Segment* Message::find(std::string_view name) const {
  for (const Segment& segment : segments_) {
    if (segment.name() == name) return &segment;
  }
  return nullptr;
}

std::string escaped(std::string_view text) {
  std::string out;
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
        if ((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t') out.push_back(c);
    }
  }
  return out;
}

Writer& Writer::segment(std::string_view name) {
  segments_.push_back({std::string(name)});
  return *this;
}

Writer& Writer::encoded(std::size_t field, std::string value) {
  std::vector<std::string>& fields = segments_.back();
  if (value.empty()) return *this;
  if (fields.size() <= field) fields.resize(field + 1);
  fields[field] = std::move(value);
  return *this;
}

Writer& Writer::text(std::size_t field, std::string_view value) {
  return encoded(field, escaped(value));
}

Writer& Writer::parts(std::size_t field, const std::vector<std::string>& components) {
  std::string joined;
  for (std::size_t i = 0; i < components.size(); ++i) {
    if (i > 0) joined.push_back('^');
    joined.append(escaped(components[i]));
  }
  while (joined.ends_with('^')) joined.pop_back();
  return encoded(field, std::move(joined));
}

std::string Writer::str() const {
  std::string out;
  for (const std::vector<std::string>& fields : segments_) {
    // MSH-1 is the separator itself.
    const bool head = fields.front() == "MSH";
    out.append(head ? "MSH|^~\\&" : fields.front());
    for (std::size_t i = head ? 3 : 1; i < fields.size(); ++i) {
      out.push_back('|');
      out.append(fields[i]);
    }
    out.push_back('\r');
  }
  return out;
}

}  // namespace rabt::hl7v2
