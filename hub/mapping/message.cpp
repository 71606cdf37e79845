#include "hub/mapping/message.hpp"

#include <array>

#include "hub/formats/formats.hpp"
#include "hub/mapping/limits.hpp"
#include "rabt/charset.hpp"
#include "rabt/text.hpp"

namespace rabt::mapping {

namespace {

using formats::check_size;
using formats::check_text;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Counts the values of a document and looks at its texts. Its depth is bounded by the parser.
struct Census {
  std::size_t values = 0;

  Status look(const Json& value, const std::string& place) {
    ++values;
    RABT_TRY_STATUS(check_size(values));
    if (value.is_string()) return check_text(value.as_string(), place);
    if (value.is_array()) {
      for (const Json& item : value.as_array()) RABT_TRY_STATUS(look(item, place));
    } else if (value.is_object()) {
      for (const auto& [key, member] : value.as_object()) {
        RABT_TRY_STATUS(check_text(key, place));
        RABT_TRY_STATUS(look(member, place));
      }
    }
    return ok_status();
  }
};

Result<Json> read_json(std::string_view text) {
  auto parsed = Json::parse(
      text, {.max_bytes = limits::kMaxRequestBody, .max_depth = limits::kMaxMappedDepth});
  if (!parsed.ok()) {
    const Error& error = parsed.error();
    const bool deep = error.code == "json.depth";
    return invalid(deep ? "mapping.depth" : "mapping.syntax",
                   "the message is no JSON: " + error.message);
  }
  Census census;
  RABT_TRY_STATUS(census.look(*parsed, "the message"));
  return parsed;
}

Result<Json> read_form(std::string_view charset, std::string_view body) {
  Json out = Json::object();
  std::size_t values = 0;
  for (const auto& [raw_name, raw_value] : sdk::decode_form(body)) {
    RABT_TRY_STATUS(check_size(++values));
    RABT_TRY(name, decoded(charset, raw_name));
    RABT_TRY(value, decoded(charset, raw_value));
    RABT_TRY_STATUS(check_text(name, "a field's name"));
    RABT_TRY_STATUS(check_text(value, "field " + std::to_string(values)));
    const Json* before = out.find(name);
    if (before == nullptr) {
      out.set(name, Json(std::move(value)));
      continue;
    }
    Json list = before->is_array() ? *before : Json::array({*before});
    list.push_back(Json(std::move(value)));
    out.set(name, std::move(list));
  }
  return out;
}

}  // namespace

std::string_view type_of(const Json& value) {
  static constexpr std::array<std::string_view, 6> kNames{"null",   "boolean", "number",
                                                          "string", "array",   "object"};
  return kNames.at(static_cast<std::size_t>(value.type()));
}

Result<std::string> decoded(std::string_view charset, std::string_view bytes) {
  std::string text;
  if (!sdk::to_utf8(charset, bytes, text))
    return invalid("mapping.charset", "the message is not in the character set " +
                                          std::string(sdk::charset_of(charset)));
  return text;
}

Result<Json> read_message(const Reading& reading, std::string_view body) {
  if (body.size() > limits::kMaxRequestBody)
    return invalid("mapping.body", "the message is longer than " +
                                       std::to_string(limits::kMaxRequestBody >> 20U) + " MiB");
  switch (reading.format) {
    case Format::form:
      return read_form(reading.charset, body);
    case Format::csv: {
      RABT_TRY(text, decoded(reading.charset, body));
      return formats::read_csv({reading.separator, reading.columns}, text);
    }
    case Format::xml:
      return read_xml(reading, body);
    case Format::hl7v2:
      return formats::read_hl7(reading.charset, body);
    case Format::json:
    case Format::fhir:
      break;
  }
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  RABT_TRY(message, read_json(body));
  if (reading.format == Format::fhir && !message["resourceType"].is_string())
    return invalid("mapping.syntax", "the message is no FHIR resource: resourceType is missing");
  return message;
}

}  // namespace rabt::mapping
