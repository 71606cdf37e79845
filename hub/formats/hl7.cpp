#include <algorithm>
#include <map>
#include <optional>

#include "hub/base/number.hpp"
#include "hub/formats/formats.hpp"
#include "hub/formats/limits.hpp"
#include "rabt/hl7.hpp"

// HL7 v2 through the reader and the writer that the plugin hl7v2 has.
namespace rabt::formats {

namespace {

using sdk::hl7::Segment;
using sdk::hl7::Value;

// Bytes of a member beside its text.
constexpr std::size_t kFieldBytes = 80;

class Reader {
 public:
  explicit Reader(const Room& room) : room_(room) {}

  Result<Json> read(std::string_view charset, std::string_view body) {
    sdk::hl7::Message message;
    try {
      message.read(body, charset);
    } catch (const sdk::hl7::Fault& fault) {
      const std::string place = fault.segment().empty() ? "the message"
                                : fault.field() == 0
                                    ? fault.segment()
                                    : fault.segment() + "-" + std::to_string(fault.field());
      return invalid("mapping.syntax", place + ": " + fault.what());
    }
    Json out = Json::object();
    for (const Segment& segment : message.segments()) {
      const std::string name(segment.name());
      Json list = out[name].is_array() ? out[name] : Json::array();
      RABT_TRY(fields, fields_of(segment));
      list.push_back(std::move(fields));
      out.set(name, std::move(list));
    }
    return out;
  }

 private:
  Result<Json> fields_of(const Segment& segment) {
    Json out = Json::object();
    const bool head = segment.name() == "MSH";
    for (std::size_t field = head ? 3 : 1; field <= segment.last_field(); ++field) {
      Json list = Json::array();
      for (const Value& value : segment.all(field)) {
        RABT_TRY(one, repetition(value));
        if (one.size() > 0) list.push_back(std::move(one));
      }
      if (list.size() > 0) out.set(std::to_string(field), std::move(list));
    }
    return out;
  }

  Result<Json> repetition(const Value& value) {
    JsonObject out;
    Status fits = ok_status();
    value.each_part([&](int component, int part, int parts, std::string text) {
      if (text.empty()) return true;
      fits = keep(text);
      if (!fits.ok()) return false;
      const std::string name = std::to_string(component);
      if (part == 1) out.append_new(name, Json(text));
      if (parts > 1) out.append_new(name + "." + std::to_string(part), Json(std::move(text)));
      return true;
    });
    RABT_TRY_STATUS(fits);
    return Json(std::move(out));
  }

  Status keep(const std::string& text) {
    RABT_TRY_STATUS(check_size(++values_));
    if (room_ && !room_(2 * (text.size() + kFieldBytes)))
      return invalid("mapping.values", "the message has too many values");
    return ok_status();
  }

  const Room& room_;
  std::size_t values_ = 0;
};

Error wrong(const std::string& what) {
  return invalid("mapping.syntax", what);
}

Status check_length(std::size_t bytes) {
  if (bytes <= sdk::hl7::kMaxMessage) return ok_status();
  return invalid("mapping.text", "the message is longer than " +
                                     std::to_string(sdk::hl7::kMaxMessage >> 10U) + " KiB");
}

bool is_segment(std::string_view name) {
  return name.size() == 3 && name[0] >= 'A' && name[0] <= 'Z' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || sdk::is_digit(c); });
}

// A number from 1 on.
std::optional<std::size_t> number_in(std::string_view text, std::size_t most) {
  const auto number = read_number<std::size_t>(text);
  return number && *number >= 1 && *number <= most && std::to_string(*number) == text
             ? number
             : std::nullopt;
}

Result<std::string> text_of(const Json& value, const std::string& place) {
  std::string text;
  if (value.is_string()) {
    text = value.as_string();
  } else if (value.is_number()) {
    text = value.number_text();
  } else if (!value.is_null()) {
    return wrong(place + ": a component is a text or a number");
  }
  return sdk::hl7::escaped(text);
}

// Components and subcomponents of one repetition, each by its number.
Result<std::string> repetition_of(const Json& value, const std::string& place) {
  if (!value.is_object()) return text_of(value, place);
  std::map<std::size_t, std::map<std::size_t, std::string>> parts;
  for (const auto& [name, member] : value.as_object()) {
    const auto dot = name.find('.');
    const auto component = number_in(std::string_view(name).substr(0, dot), limits::kMaxHl7Parts);
    const auto part = dot == std::string::npos
                          ? std::optional<std::size_t>(1)
                          : number_in(std::string_view(name).substr(dot + 1), limits::kMaxHl7Parts);
    if (!component || !part)
      return wrong(place +
                   ": a component is named \"5\", or \"5.2\" with its subcomponent, at most " +
                   std::to_string(limits::kMaxHl7Parts));
    RABT_TRY(text, text_of(member, place));
    const auto [at, is_new] = parts[*component].emplace(*part, text);
    if (!is_new && at->second != text)
      return wrong(place + ": a component and its first subcomponent say different things");
  }
  std::string out;
  std::size_t component = 1;
  for (const auto& [number, texts] : parts) {
    out.append(number - component, '^');
    component = number;
    std::size_t part = 1;
    for (const auto& [sub, text] : texts) {
      out.append(sub - part, '&');
      part = sub;
      out += text;
    }
  }
  return out;
}

Result<std::string> value_of(const Json& value, const std::string& place) {
  if (!value.is_array()) return repetition_of(value, place);
  std::string out;
  bool first = true;
  for (const Json& item : value.as_array()) {
    RABT_TRY(text, repetition_of(item, place));
    if (!first) out.push_back('~');
    first = false;
    out += text;
    RABT_TRY_STATUS(check_length(out.size()));
  }
  return out;
}

class Writer {
 public:
  Status segment(std::string_view name, const Json& fields) {
    if (!is_segment(name))
      return wrong("a segment has a name of three upper-case letters and digits, such as PID");
    const std::string place(name);
    if ((place == "MSH") != (count_ == 0))
      return wrong("a message begins with the segment MSH, and has no second one");
    if (++count_ > sdk::hl7::kMaxSegments)
      return wrong("the message has more than " + std::to_string(sdk::hl7::kMaxSegments) +
                   " segments");
    if (!fields.is_object()) return wrong(place + ": a segment is an object of fields");
    writer_.segment(name);
    for (const auto& [number, value] : fields.as_object()) {
      const auto field = number_in(number, sdk::hl7::kMaxFields);
      if (!field || (place == "MSH" && *field < 3))
        return wrong(place + ": a field is named by its number, such as \"3\", up to " +
                     std::to_string(sdk::hl7::kMaxFields) + "; MSH-1 and MSH-2 are left out");
      RABT_TRY(text, value_of(value, place + "-" + number));
      RABT_TRY_STATUS(check_length(bytes_ += text.size()));
      writer_.encoded(*field, std::move(text));
    }
    return ok_status();
  }
  [[nodiscard]] std::string text() const { return writer_.str(); }
  [[nodiscard]] bool empty() const { return count_ == 0; }

 private:
  sdk::hl7::Writer writer_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

Status write_members(Writer& writer, const Json& segments) {
  for (const auto& [name, value] : segments.as_object()) {
    if (!value.is_array()) {
      RABT_TRY_STATUS(writer.segment(name, value));
      continue;
    }
    for (const Json& item : value.as_array()) RABT_TRY_STATUS(writer.segment(name, item));
  }
  return ok_status();
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Text beyond ASCII is UTF-8 here.
Status check_charset(std::string_view text) {
  if (is_ascii(text)) return ok_status();
  std::string said;
  try {
    sdk::hl7::Message message;
    message.read_codes(text);
    if (message.header() != nullptr) said = message.header()->text(18);
  } catch (const sdk::hl7::Fault&) {
    return ok_status();  // the reader says it
  }
  if (said.empty() || sdk::charset_of(said) == "UNICODE UTF-8") return ok_status();
  return wrong("MSH-18: the text is Unicode, and MSH-18 names another character set");
}

}  // namespace

Result<Json> read_hl7(std::string_view charset, std::string_view body, const Room& room) {
  return Reader(room).read(charset, body);
}

Result<Json> read_hl7_text(std::string_view text, const Room& room) {
  RABT_TRY_STATUS(check_charset(text));
  return read_hl7("UTF-8", text, room);
}

Result<std::string> write_hl7(const Json& message) {
  Writer writer;
  if (message.is_object()) {
    RABT_TRY_STATUS(write_members(writer, message));
  } else if (message.is_array()) {
    for (const Json& item : message.as_array()) {
      if (!item.is_object()) return wrong("a list of segments has objects such as {PID: {...}}");
      RABT_TRY_STATUS(write_members(writer, item));
    }
  }
  if (writer.empty()) return wrong("HL7 v2 is written of an object of segments, or a list of them");
  std::string out = writer.text();
  RABT_TRY_STATUS(check_charset(out));
  return out;
}

}  // namespace rabt::formats
