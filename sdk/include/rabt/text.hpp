#pragma once

// Small texts of protocols: letters of ASCII, strings of JSON, percent-encoding, forms.
// SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rabt::sdk {

// The text with the ASCII letters A to Z as a to z; all other bytes stay.
inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// The text without spaces, tabs and line ends at its ends. It points into the given one.
inline std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
// True also for an empty text.
inline bool all_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Appends text as a JSON string.
inline void append_json(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (u < 0x20) {
      out.append("\\u00");
      out.push_back(kHex[u >> 4U]);
      out.push_back(kHex[u & 0xfU]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

// 16 digits for a text: FNV-1a of 64 bits. Against accidents, not against attackers.
inline std::string fingerprint(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4)
    out.push_back("0123456789abcdef"[(hash >> static_cast<unsigned>(shift)) & 0xFU]);
  return out;
}

// RFC 4648 section 4, with padding.
inline std::string to_base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out.push_back(k <= count ? kDigits[group >> (18 - 6 * k) & 63U] : '=');
  }
  return out;
}

// RFC 3986 section 2.1: everything but unreserved characters becomes %XX. The characters of `keep`
// stay as well.
inline std::string percent_encode(std::string_view text, std::string_view keep = {}) {
  static constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (kUnreserved.find(c) != std::string_view::npos || keep.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[u >> 4U]);
      out.push_back(kHex[u & 0xfU]);
    }
  }
  return out;
}

// A '%' that two hexadecimal digits do not follow stays as it is.
inline std::string percent_decode(std::string_view text) {
  const auto digit = [](char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// The fields of application/x-www-form-urlencoded, in order.
using Form = std::vector<std::pair<std::string, std::string>>;

inline std::string encode_form(const Form& form) {
  std::string out;
  for (const auto& [name, value] : form) {
    if (!out.empty()) out.push_back('&');
    out.append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return out;
}

// Every text is a form: a field without '=' has the value "".
inline Form decode_form(std::string_view body) {
  const auto decoded = [](std::string_view text) {
    std::string spaced(text);
    for (char& c : spaced) {
      if (c == '+') c = ' ';
    }
    return percent_decode(spaced);
  };
  Form form;
  while (!body.empty()) {
    const auto end = body.find('&');
    const std::string_view field = body.substr(0, end);
    const auto equals = field.find('=');
    if (!field.empty()) {
      form.emplace_back(decoded(field.substr(0, equals)), equals == std::string_view::npos
                                                              ? std::string()
                                                              : decoded(field.substr(equals + 1)));
    }
    if (end == std::string_view::npos) break;
    body.remove_prefix(end + 1);
  }
  return form;
}

// The value of the first field with this name, or "".
inline std::string field_of(const Form& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace rabt::sdk
