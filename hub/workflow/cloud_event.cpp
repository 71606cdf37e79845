#include "hub/workflow/cloud_event.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/schema/schema_format.hpp"

namespace rabt::workflow {

namespace {

// A text of CloudEvents holds no control characters and no non-characters (section 3.1).
bool is_event_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto at = [&](std::size_t n) {
      return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : 0U;
    };
    const unsigned first = at(0);
    if (first < 0x20 || first == 0x7f) return false;
    if (first == 0xc2 && at(1) < 0xa0) return false;  // U+0080 to U+009F
    if (first == 0xef && at(1) == 0xb7 && at(2) >= 0x90 && at(2) <= 0xaf) return false;
    if (first == 0xef && at(1) == 0xbf && at(2) >= 0xbe) return false;  // U+FFFE, U+FFFF
    if (first >= 0xf0 && (at(1) & 0x0fU) == 0x0f && at(2) == 0xbf && at(3) >= 0xbe) return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

// type/subtype, then parameters.
bool is_media_type(std::string_view text) {
  const std::string_view whole = trim(text.substr(0, text.find(';')));
  const std::size_t slash = whole.find('/');
  if (slash == std::string_view::npos || !is_token(whole.substr(0, slash)) ||
      !is_token(whole.substr(slash + 1)))
    return false;
  if (text.find(';') == std::string_view::npos) return whole.size() == text.size();
  const std::string_view parameter = trim(text.substr(text.find(';') + 1));
  const std::size_t equals = parameter.find('=');
  return equals != std::string_view::npos && is_token(parameter.substr(0, equals)) &&
         equals + 1 < parameter.size();
}

// The digits count, not the value: 1.0 is no Integer of the JSON format.
bool is_int32(const Json& value) {
  const std::string digits = value.dump();
  std::int32_t read = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), read);
  return problem == std::errc() && end == digits.data() + digits.size();
}

std::string standard_fault(std::string_view name, std::string_view text) {
  if (text.empty()) return "must not be empty";
  if (!is_event_text(text)) return "holds a control character, or what is no character";
  if (name == "specversion" && text != "1.0") return "must be 1.0";
  if (name == "source" && !schema::has_format(text, schema::Format::uri_reference))
    return "must be a URI reference (RFC 3986)";
  if (name == "dataschema" && !schema::has_format(text, schema::Format::uri))
    return "must be a URI with a scheme (RFC 3986)";
  if (name == "datacontenttype" && !is_media_type(text))
    return "must be a media type such as application/json";
  if (name == "time" && !parse_iso8601(text).ok())
    return "must be a time such as 2026-03-10T09:00:00+03:00";
  return {};
}

}  // namespace

bool is_standard_attribute(std::string_view name) {
  constexpr std::array<std::string_view, 8> kStandard{
      "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "specversion"};
  return std::find(kStandard.begin(), kStandard.end(), name) != kStandard.end();
}

std::string attribute_fault(std::string_view name, const Json& value) {
  if (name == "data" || name == "data_base64" || value.is_null()) return {};
  if (is_standard_attribute(name))
    return value.is_string() ? standard_fault(name, value.as_string()) : "must be a text";
  if (name.empty() ||
      !std::all_of(name.begin(), name.end(), [](char c) { return is_lower(c) || is_digit(c); }))
    return "is no name of an attribute: lower-case letters and digits";
  if (value.is_bool()) return {};
  if (value.is_number())
    return is_int32(value) ? std::string() : "must be a whole number of 32 bits, or a text";
  if (!value.is_string()) return "must be a text, a whole number, true or false";
  return is_event_text(value.as_string()) ? std::string()
                                          : "holds a control character, or what is no character";
}

}  // namespace rabt::workflow
