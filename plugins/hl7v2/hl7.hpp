#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// HL7 v2 in its own encoding (ER7, "vertical bars"): messages as they are read and written. Texts
// are UTF-8 inside. No input and output here.
namespace rabt::hl7v2 {

// Bytes of a message that is read, its segments, and the fields of one.
inline constexpr std::size_t kMaxMessage = 1U << 20U;
inline constexpr std::size_t kMaxSegments = 1000;
inline constexpr std::size_t kMaxFields = 200;

// What is wrong with a message, and where. The text quotes no value.
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

// The character set that a name means: UNICODE UTF-8, ASCII, 8859/1, 8859/6 (table 0211),
// WINDOWS-1256 or WINDOWS-1252. Other spellings are known, such as CP1256 or ISO-8859-6. "" for a
// name that is not known.
[[nodiscard]] std::string_view charset_of(std::string_view name);
// UTF-8 from a character set and back. False if the text is none of this set.
[[nodiscard]] bool to_utf8(std::string_view charset, std::string_view text, std::string& out);
[[nodiscard]] bool from_utf8(std::string_view charset, std::string_view text, std::string& out);

struct Delimiters {
  char field = '|';
  char component = '^';
  char repetition = '~';
  char escape = '\\';
  char subcomponent = '&';
};

// One repetition of a field.
class Value {
 public:
  Value() = default;
  Value(std::string_view raw, const Delimiters& delimiters, std::string_view charset)
      : raw_(raw), delimiters_(delimiters), charset_(charset) {}
  // The text of a component, counted from 1; without a subcomponent of the first one. Escape
  // sequences are resolved; "" for what is absent and for HL7's null ("").
  [[nodiscard]] std::string part(int component, int subcomponent = 1) const;
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
  // The repetitions of a field that say something, counted as the standard does: MSH-1 is the
  // field separator.
  [[nodiscard]] std::vector<Value> all(std::size_t field) const;
  // The first of them; an empty one if there is none.
  [[nodiscard]] Value first(std::size_t field) const;
  [[nodiscard]] std::string text(std::size_t field, int component = 1) const {
    return first(field).part(component);
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
// A text as it stands in a field: delimiters, line ends and control characters escaped.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace rabt::hl7v2
