#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/workflow/expression/expression_evaluation.hpp"

// @csv, @base64 and the other formats. Error texts name types, never values.
namespace rabt::workflow {

namespace {

std::string csv_number(const Json& value) {
  return value.number_text();
}

bool row(Evaluation& evaluation, Format format, const Json& value, std::string& out) {
  const bool csv = format == Format::csv;
  if (!value.is_array()) {
    return type_error(
        evaluation, value,
        csv ? "cannot be csv-formatted, only array" : "cannot be tsv-formatted, only array");
  }
  bool first = true;
  for (const Json& item : value.as_array()) {
    if (!first) out.push_back(csv ? ',' : '\t');
    first = false;
    switch (item.type()) {
      case Json::Type::null:
        break;
      case Json::Type::boolean:
        out += item.as_bool() ? "true" : "false";
        break;
      case Json::Type::number:
        out += csv_number(item);
        break;
      case Json::Type::string:
        if (csv) out.push_back('"');
        for (const char c : item.as_string()) {
          if (csv) {
            if (c == '"') out.push_back('"');
            out.push_back(c);
          } else {
            switch (c) {
              case '\t':
                out += "\\t";
                break;
              case '\n':
                out += "\\n";
                break;
              case '\r':
                out += "\\r";
                break;
              case '\\':
                out += "\\\\";
                break;
              default:
                out.push_back(c);
            }
          }
        }
        if (csv) out.push_back('"');
        break;
      case Json::Type::array:
      case Json::Type::object:
        return type_error(evaluation, item, "is not valid in a csv row");
    }
  }
  return true;
}

bool shell(Evaluation& evaluation, const Json& value, std::string& out) {
  const Json items = value.is_array() ? value : Json::array({value});
  bool first = true;
  for (const Json& item : items.as_array()) {
    if (!first) out.push_back(' ');
    first = false;
    if (item.is_array() || item.is_object()) {
      return type_error(evaluation, item, "can not be escaped for shell");
    }
    if (!item.is_string()) {
      out += item.dump();
      continue;
    }
    out.push_back('\'');
    for (const char c : item.as_string()) {
      if (c == '\'') {
        out += "'\\''";
      } else {
        out.push_back(c);
      }
    }
    out.push_back('\'');
  }
  return true;
}

// Copies whole UTF-8 sequences; every other byte becomes U+FFFD.
void append_repaired(std::string_view raw, std::string& out) {
  for (std::size_t i = 0; i < raw.size();) {
    const auto lead = static_cast<unsigned char>(raw[i]);
    const std::size_t length = lead < 0x80                     ? 1
                               : (lead >= 0xc2 && lead < 0xe0) ? 2
                               : (lead >= 0xe0 && lead < 0xf0) ? 3
                               : (lead >= 0xf0 && lead < 0xf5) ? 4
                                                               : 0;
    bool good = length > 0 && i + length <= raw.size();
    for (std::size_t k = 1; good && k < length; ++k) {
      good = (static_cast<unsigned char>(raw[i + k]) & 0xc0U) == 0x80U;
    }
    if (good && length >= 3) {
      const auto second = static_cast<unsigned char>(raw[i + 1]);
      if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0) ||
          (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90)) {
        good = false;
      }
    }
    if (good) {
      out.append(raw, i, length);
      i += length;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
}

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // RFC 4648, section 6

std::string encode_base32(std::string_view raw) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : raw) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    for (count += 8; count >= 5; count -= 5) out.push_back(kBase32[(bits >> (count - 5)) & 31U]);
  }
  if (count > 0) out.push_back(kBase32[(bits << (5 - count)) & 31U]);
  while (out.size() % 8 != 0) out.push_back('=');
  return out;
}

bool decode_base32(Evaluation& evaluation, const std::string& text, std::string& out) {
  std::string raw;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const std::size_t digit = kBase32.find(c);
    if (digit == std::string_view::npos) {
      return type_error(evaluation, Json(text), "is not valid base32 data");
    }
    bits = (bits << 5U) | static_cast<std::uint32_t>(digit);
    count += 5;
    if (count >= 8) {
      count -= 8;
      raw.push_back(static_cast<char>((bits >> count) & 0xffU));
    }
  }
  append_repaired(raw, out);
  return true;
}

bool decode_uri(Evaluation& evaluation, const std::string& text, std::string& out) {
  std::string raw;
  const auto hex = [&](std::size_t at) {
    if (at >= text.size()) return 16U;
    const char c = text[at];
    if (is_digit(c)) return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
    return 16U;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      raw.push_back(text[i]);
      continue;
    }
    const unsigned high = hex(i + 1);
    const unsigned low = hex(i + 2);
    if (high > 15 || low > 15) {
      return type_error(evaluation, Json(text), "is not a valid uri encoding");
    }
    raw.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  append_repaired(raw, out);
  return true;
}

// Lenient as jq: padding may be missing. Invalid UTF-8 becomes U+FFFD.
bool decode_base64(Evaluation& evaluation, const std::string& text, std::string& out) {
  std::uint32_t bits = 0;
  int count = 0;
  std::string raw;
  std::size_t digits = 0;
  for (const char c : text) {
    std::uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (is_digit(c)) {
      digit = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      digit = c == '+' ? 62 : 63;
    } else if (c == '=') {
      break;
    } else {
      return type_error(evaluation, Json(text), "is not valid base64 data");
    }
    ++digits;
    bits = (bits << 6U) | digit;
    count += 6;
    if (count >= 8) {
      count -= 8;
      raw.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU));
    }
  }
  if (digits % 4 == 1) return type_error(evaluation, Json(text), "trailing base64 byte found");
  append_repaired(raw, out);
  return true;
}

}  // namespace

bool format_value(Evaluation& evaluation, Format format, const Json& value, std::string& out) {
  if (!evaluation.spend(1 + cost(value) / 64) || !evaluation.affordable(value)) return false;
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  switch (format) {
    case Format::text:
      out = display(value);
      return true;
    case Format::json:
      out = value.dump();
      return true;
    case Format::csv:
    case Format::tsv:
      return row(evaluation, format, value, out);
    case Format::html:
      for (const char c : display(value)) {
        switch (c) {
          case '<':
            out += "&lt;";
            break;
          case '>':
            out += "&gt;";
            break;
          case '&':
            out += "&amp;";
            break;
          case '\'':
            out += "&apos;";
            break;
          case '"':
            out += "&quot;";
            break;
          default:
            out.push_back(c);
        }
      }
      return true;
    case Format::uri:
      for (const char c : display(value)) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_alnum(c) || std::string_view("-_.!~*'()").find(c) != std::string_view::npos) {
          out.push_back(c);
        } else {
          out.push_back('%');
          out.push_back(kHex[byte >> 4U]);
          out.push_back(kHex[byte & 15U]);
        }
      }
      return true;
    case Format::urid:
      return decode_uri(evaluation, display(value), out);
    case Format::base32:
      out = encode_base32(display(value));
      return true;
    case Format::base32d:
      return decode_base32(evaluation, display(value), out);
    case Format::sh:
      return shell(evaluation, value, out);
    case Format::base64:
      out = to_base64(as_bytes(display(value)));
      return true;
    case Format::base64d:
      return decode_base64(evaluation, display(value), out);
  }
  return true;
}

}  // namespace rabt::workflow
