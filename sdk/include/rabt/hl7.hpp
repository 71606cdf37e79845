#pragma once

// HL7 v2 in its own encoding (ER7, "vertical bars"): messages as they are read and written. Texts
// are UTF-8 inside. No input and output here. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/charset.hpp"
#include "rabt/hl7_text.hpp"
#include "rabt/text.hpp"

namespace rabt::sdk::hl7 {

// Bytes of a message that is read, its segments, and the fields of one.
inline constexpr std::size_t kMaxMessage = 1U << 20U;
inline constexpr std::size_t kMaxSegments = 1000;
inline constexpr std::size_t kMaxFields = 200;

// Mistake in a message, and its place. The text quotes no value.
class Fault : public std::runtime_error {
 public:
  // code: of table 0357. segment: "" if it cannot be told. field: 0 for the whole segment.
  Fault(int code, std::string segment, int field, const std::string& text)
      : std::runtime_error(text), code_(code), segment_(std::move(segment)), field_(field) {}
  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] const std::string& segment() const { return segment_; }
  [[nodiscard]] int field() const { return field_; }

 private:
  int code_;
  std::string segment_;
  int field_;
};

// Codes of table 0357.
inline constexpr int kSequence = 100;
inline constexpr int kRequired = 101;
inline constexpr int kDataType = 102;
inline constexpr int kTable = 103;
inline constexpr int kUnsupportedMessage = 200;
inline constexpr int kUnsupportedEvent = 201;
inline constexpr int kUnsupportedProcessing = 202;
inline constexpr int kUnsupportedVersion = 203;
inline constexpr int kDuplicate = 205;
inline constexpr int kInternal = 207;
// The words of the table; "" for a code that it does not have.
[[nodiscard]] std::string_view words_of(int code);

// One repetition of a field.
class Value {
 public:
  Value() = default;
  Value(std::string_view raw, const Delimiters& delimiters, std::string_view charset)
      : raw_(raw), delimiters_(delimiters), charset_(charset) {}
  // The text of a component, counted from 1; without a subcomponent of the first one. Escape
  // sequences are resolved; "" for what is absent and for HL7's null ("").
  [[nodiscard]] std::string part(int component, int subcomponent = 1) const;
  // Numbers of components in the value, and of subcomponents in a component.
  [[nodiscard]] int components() const;
  [[nodiscard]] int subcomponents(int component) const;
  // Calls visit(component, subcomponent, subcomponents of the component, text) for each part in
  // turn, counted from 1, with the texts of part(), until it returns false. Takes time in
  // proportion to the value, which part() for each of them does not.
  template <typename Visit>
  void each_part(const Visit& visit) const;
  // With the delimiters that a Writer uses.
  [[nodiscard]] std::string encoded() const;
  [[nodiscard]] bool empty() const { return raw_.empty() || raw_ == "\"\""; }

 private:
  std::string_view raw_;
  Delimiters delimiters_;
  std::string_view charset_;
};

class Segment {
 public:
  Segment(std::string_view line, const Delimiters& delimiters, std::string_view charset);
  [[nodiscard]] std::string_view name() const { return fields_.front(); }
  // The number of the last field.
  [[nodiscard]] std::size_t last_field() const { return fields_.size() - 1; }
  // The repetitions of a field that say something, counted as the standard does: MSH-1 is the
  // field separator.
  [[nodiscard]] std::vector<Value> all(std::size_t field) const;
  // The first of them; an empty one if there is none.
  [[nodiscard]] Value first(std::size_t field) const;
  [[nodiscard]] std::string text(std::size_t field, int component = 1) const {
    return first(field).part(component);
  }
  // True for HL7's null (""): the sender takes back what the field said. What is absent says
  // nothing.
  [[nodiscard]] bool is_null(std::size_t field) const {
    return field < fields_.size() && fields_[field] == "\"\"";
  }

 private:
  std::vector<std::string_view> fields_;
  Delimiters delimiters_;
  std::string_view charset_;
};

// A message. Values point into it.
class Message {
 public:
  // Segments end with CR, or CR LF, or all with LF; a frame of MLLP around the message is taken
  // off. charset: of messages whose MSH-18 is empty. Throws Fault; the header may be read then if
  // it is good (see header()).
  void read(std::string_view bytes, std::string_view charset);
  // For codes and ids only, which are ASCII in every character set: other characters become '?',
  // and MSH-18 says nothing. Throws as read() does.
  void read_codes(std::string_view bytes);
  // Null until read() has found a good MSH.
  [[nodiscard]] const Segment* header() const {
    return segments_.empty() ? nullptr : &segments_.front();
  }
  // The first segment of this name, or null.
  [[nodiscard]] const Segment* find(std::string_view name) const;
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }

 private:
  void parse(std::string_view bytes, std::string_view charset, bool is_named);
  std::string text_;
  std::string charset_;
  std::vector<Segment> segments_;
};

// Writes a message with the usual delimiters. Fields are set in any order.
class Writer {
 public:
  // Begins a segment.
  Writer& segment(std::string_view name);
  // A field of one text, which is escaped.
  Writer& text(std::size_t field, std::string_view value);
  // A field of components, each of which is escaped; empty ones at the end are left out.
  Writer& parts(std::size_t field, const std::vector<std::string>& components);
  // A field that is encoded already, by Value::encoded().
  Writer& encoded(std::size_t field, std::string value);
  // The message in UTF-8.
  [[nodiscard]] std::string str() const;

 private:
  std::vector<std::vector<std::string>> segments_;
};
namespace detail {

using namespace sdk::detail;

inline Delimiters delimiters_of(std::string_view bytes) {
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

// The delimiters of a message of which only codes are read: the field separator is enough.
inline Delimiters code_delimiters(std::string_view bytes) {
  try {
    return delimiters_of(bytes);
  } catch (const Fault&) {
    if (!bytes.starts_with("MSH") || bytes.size() < 8 || std::isalnum(bytes[3]) != 0) throw;
    return {.field = bytes[3]};
  }
}

inline std::string_view without_frame(std::string_view bytes) {
  if (bytes.starts_with('\x0b')) bytes.remove_prefix(1);
  while (bytes.ends_with('\r') || bytes.ends_with('\x1c')) bytes.remove_suffix(1);
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  return bytes;
}

}  // namespace detail

inline std::string_view words_of(int code) {
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

inline std::string Value::part(int component, int subcomponent) const {
  if (empty()) return {};
  const std::string_view raw = detail::nth(detail::nth(raw_, delimiters_.component, component),
                                           delimiters_.subcomponent, subcomponent);
  if (raw == "\"\"") return {};
  return std::string(sdk::trim(detail::unescaped(raw, delimiters_, charset_)));
}

template <typename Visit>
void Value::each_part(const Visit& visit) const {
  if (empty()) return;
  int component = 0;
  for (std::string_view rest = raw_;;) {
    const auto end = rest.find(delimiters_.component);
    std::string_view inner = rest.substr(0, end);
    const int parts =
        1 + static_cast<int>(std::count(inner.begin(), inner.end(), delimiters_.subcomponent));
    ++component;
    for (int part = 1;; ++part) {
      const auto stop = inner.find(delimiters_.subcomponent);
      const std::string_view raw = inner.substr(0, stop);
      std::string text;
      if (!raw.empty() && raw != "\"\"")
        text = sdk::trim(detail::unescaped(raw, delimiters_, charset_));
      if (!visit(component, part, parts, std::move(text))) return;
      if (stop == std::string_view::npos) break;
      inner.remove_prefix(stop + 1);
    }
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + 1);
  }
}

inline int Value::components() const {
  if (empty()) return 0;
  return 1 + static_cast<int>(std::count(raw_.begin(), raw_.end(), delimiters_.component));
}

inline int Value::subcomponents(int component) const {
  const std::string_view raw = detail::nth(raw_, delimiters_.component, component);
  return 1 + static_cast<int>(std::count(raw.begin(), raw.end(), delimiters_.subcomponent));
}

inline std::string Value::encoded() const {
  std::string out;
  for (const std::string_view component : detail::split(raw_, delimiters_.component)) {
    if (component.data() != raw_.data()) out.push_back('^');
    for (const std::string_view sub : detail::split(component, delimiters_.subcomponent)) {
      if (sub.data() != component.data()) out.push_back('&');
      out.append(escaped(detail::unescaped(sub, delimiters_, charset_)));
    }
  }
  return out;
}

inline Segment::Segment(std::string_view line, const Delimiters& delimiters,
                        std::string_view charset)
    : fields_(detail::split(line, delimiters.field)), delimiters_(delimiters), charset_(charset) {
  if (fields_.front() == "MSH") fields_.insert(fields_.begin() + 1, line.substr(3, 1));
}

inline std::vector<Value> Segment::all(std::size_t field) const {
  std::vector<Value> out;
  if (field == 0 || field >= fields_.size()) return out;
  for (const std::string_view raw : detail::split(fields_[field], delimiters_.repetition)) {
    Value value(raw, delimiters_, charset_);
    if (!value.empty()) out.push_back(value);
  }
  return out;
}

inline Value Segment::first(std::size_t field) const {
  const std::vector<Value> values = all(field);
  return values.empty() ? Value() : values.front();
}

inline void Message::read_codes(std::string_view bytes) {
  std::string plain(sdk::trim(detail::without_frame(bytes)));
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7e; }, '?');
  parse(plain, detail::kAscii, false);
}

inline void Message::read(std::string_view bytes, std::string_view charset) {
  parse(bytes, charset, true);
}

inline void Message::parse(std::string_view bytes, std::string_view charset, bool is_named) {
  segments_.clear();
  bytes = detail::without_frame(bytes);
  if (bytes.size() > kMaxMessage)
    throw Fault(kInternal, "", 0,
                "the message is longer than " + std::to_string(kMaxMessage) + " bytes");
  const Delimiters d = is_named ? detail::delimiters_of(bytes) : detail::code_delimiters(bytes);
  // Without a CR, LF ends the segments; with one, it may stand in a text.
  const char end = bytes.find('\r') == std::string_view::npos ? '\n' : '\r';
  const std::string_view head = bytes.substr(0, bytes.find(end));
  std::string_view said = detail::nth(detail::nth(head, d.field, 18), d.repetition, 1);
  if (!is_named || sdk::trim(said).empty()) said = charset;
  charset_ = charset_of(said);
  const bool known = !charset_.empty();
  // The header is ASCII in every character set: whoever sent it can be answered.
  const bool readable = known && to_utf8(charset_, bytes, text_);
  if (!readable) {
    std::string plain(head);
    std::replace_if(
        plain.begin(), plain.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7e; },
        '?');
    text_ = std::move(plain);
  }
  const std::vector<std::string_view> lines = detail::split(text_, end);
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
                "the character set is not known; use UNICODE UTF-8, ASCII, 8859/1, 8859/6, "
                "WINDOWS-1256 or WINDOWS-1252");
  if (!readable)
    throw Fault(kDataType, "MSH", 18, "the message is not in the character set that MSH-18 says");
}

inline const Segment* Message::find(std::string_view name) const {
  for (const Segment& segment : segments_) {
    if (segment.name() == name) return &segment;
  }
  return nullptr;
}

inline Writer& Writer::segment(std::string_view name) {
  segments_.push_back({std::string(name)});
  return *this;
}

inline Writer& Writer::encoded(std::size_t field, std::string value) {
  std::vector<std::string>& fields = segments_.back();
  if (value.empty()) return *this;
  if (fields.size() <= field) fields.resize(field + 1);
  fields[field] = std::move(value);
  return *this;
}

inline Writer& Writer::text(std::size_t field, std::string_view value) {
  return encoded(field, escaped(value));
}

inline Writer& Writer::parts(std::size_t field, const std::vector<std::string>& components) {
  std::string joined;
  for (std::size_t i = 0; i < components.size(); ++i) {
    if (i > 0) joined.push_back('^');
    joined.append(escaped(components[i]));
  }
  while (joined.ends_with('^')) joined.pop_back();
  return encoded(field, std::move(joined));
}

inline std::string Writer::str() const {
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

}  // namespace rabt::sdk::hl7
