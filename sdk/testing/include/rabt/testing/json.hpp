#pragma once

// A small JSON reader for tests: no library needed. SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/text.hpp"

namespace rabt::sdk::testing {

inline constexpr int kMaxJsonDepth = 128;

// One value. A member or element that is not there is null.
class Json {
 public:
  enum class Type : std::uint8_t { null, boolean, number, string, array, object };

  // Nothing when text is not exactly one value of RFC 8259.
  static std::optional<Json> parse(std::string_view text) {
    Reader reader{text};
    std::optional<Json> out = reader.value(0);
    reader.space();
    if (!reader.rest.empty()) return std::nullopt;
    return out;
  }

  [[nodiscard]] Type type() const { return type_; }
  [[nodiscard]] bool is_null() const { return type_ == Type::null; }
  [[nodiscard]] bool is_string() const { return type_ == Type::string; }
  [[nodiscard]] bool is_array() const { return type_ == Type::array; }
  [[nodiscard]] bool is_object() const { return type_ == Type::object; }
  // A string's text, a number's or boolean's spelling, else "".
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] double number() const { return std::strtod(text_.c_str(), nullptr); }
  [[nodiscard]] const std::vector<Json>& items() const { return items_; }
  [[nodiscard]] const std::vector<std::pair<std::string, Json>>& members() const {
    return members_;
  }
  [[nodiscard]] std::size_t size() const { return is_object() ? members_.size() : items_.size(); }
  [[nodiscard]] const Json& operator[](std::string_view name) const {
    for (const auto& [key, value] : members_) {
      if (key == name) return value;
    }
    return none();
  }
  [[nodiscard]] const Json& operator[](std::size_t at) const {
    return at < items_.size() ? items_[at] : none();
  }

 private:
  static const Json& none() {
    static const Json kNull;
    return kNull;
  }

  struct Reader {
    std::string_view rest;

    void space() {
      const auto first = rest.find_first_not_of(" \t\r\n");
      rest.remove_prefix(first == std::string_view::npos ? rest.size() : first);
    }
    bool take(std::string_view text) {
      space();
      if (!rest.starts_with(text)) return false;
      rest.remove_prefix(text.size());
      return true;
    }
    static void append_utf8(std::string& out, std::uint32_t code) {
      const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
      if (code < 0x80) {
        put(code);
      } else if (code < 0x800) {
        put(0xc0U | code >> 6U);
        put(0x80U | (code & 0x3fU));
      } else if (code < 0x10000) {
        put(0xe0U | code >> 12U);
        put(0x80U | (code >> 6U & 0x3fU));
        put(0x80U | (code & 0x3fU));
      } else {
        put(0xf0U | code >> 18U);
        put(0x80U | (code >> 12U & 0x3fU));
        put(0x80U | (code >> 6U & 0x3fU));
        put(0x80U | (code & 0x3fU));
      }
    }
    std::optional<std::uint32_t> unit() {
      if (rest.size() < 4) return std::nullopt;
      std::uint32_t out = 0;
      for (const char c : rest.substr(0, 4)) {
        static constexpr std::string_view kDigits = "0123456789abcdef";
        const auto at = kDigits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c | 0x20 : c));
        if (at == std::string_view::npos) return std::nullopt;
        out = out * 16 + static_cast<std::uint32_t>(at);
      }
      rest.remove_prefix(4);
      return out;
    }
    // After the opening quotation mark.
    std::optional<std::string> string() {
      std::string out;
      while (!rest.empty()) {
        const char c = rest.front();
        rest.remove_prefix(1);
        if (c == '"') return out;
        if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
        if (c != '\\') {
          out.push_back(c);
          continue;
        }
        if (rest.empty()) return std::nullopt;
        const char escape = rest.front();
        rest.remove_prefix(1);
        static constexpr std::string_view kEscapes = "\"\\/bfnrt";
        static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
        if (const auto at = kEscapes.find(escape); at != std::string_view::npos) {
          out.push_back(kMeanings[at]);
          continue;
        }
        if (escape != 'u') return std::nullopt;
        auto code = unit();
        if (!code || (*code >= 0xdc00 && *code < 0xe000)) return std::nullopt;
        if (*code >= 0xd800 && *code < 0xdc00) {
          if (!rest.starts_with("\\u")) return std::nullopt;
          rest.remove_prefix(2);
          const auto low = unit();
          if (!low || *low < 0xdc00 || *low >= 0xe000) return std::nullopt;
          code = 0x10000 + ((*code - 0xd800) << 10U) + (*low - 0xdc00);
        }
        append_utf8(out, *code);
      }
      return std::nullopt;
    }
    bool digits() {
      const auto end = rest.find_first_not_of("0123456789");
      const std::size_t count = end == std::string_view::npos ? rest.size() : end;
      rest.remove_prefix(count);
      return count > 0;
    }
    std::optional<Json> number() {
      const std::string_view whole = rest;
      if (rest.starts_with('-')) rest.remove_prefix(1);
      const bool zero = rest.starts_with('0');
      const std::size_t before = rest.size();
      if (!digits() || (zero && before - rest.size() > 1)) return std::nullopt;
      if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        if (!digits()) return std::nullopt;
      }
      if (rest.starts_with('e') || rest.starts_with('E')) {
        rest.remove_prefix(1);
        if (rest.starts_with('+') || rest.starts_with('-')) rest.remove_prefix(1);
        if (!digits()) return std::nullopt;
      }
      return scalar(Type::number, whole.substr(0, whole.size() - rest.size()));
    }
    static Json scalar(Type type, std::string_view text) {
      Json out;
      out.type_ = type;
      out.text_ = text;
      return out;
    }
    std::optional<Json> value(int depth) {
      if (depth > kMaxJsonDepth) return std::nullopt;
      if (take("null")) return Json();
      if (take("true")) return scalar(Type::boolean, "true");
      if (take("false")) return scalar(Type::boolean, "false");
      if (take("\"")) {
        auto text = string();
        if (!text) return std::nullopt;
        return scalar(Type::string, *text);
      }
      if (take("[")) return array(depth);
      if (take("{")) return object(depth);
      return number();
    }
    std::optional<Json> array(int depth) {
      Json out = scalar(Type::array, {});
      if (take("]")) return out;
      do {
        auto item = value(depth + 1);
        if (!item) return std::nullopt;
        out.items_.push_back(std::move(*item));
      } while (take(","));
      if (!take("]")) return std::nullopt;
      return out;
    }
    std::optional<Json> object(int depth) {
      Json out = scalar(Type::object, {});
      if (take("}")) return out;
      do {
        if (!take("\"")) return std::nullopt;
        auto key = string();
        if (!key || !take(":")) return std::nullopt;
        auto item = value(depth + 1);
        if (!item) return std::nullopt;
        out.members_.emplace_back(std::move(*key), std::move(*item));
      } while (take(","));
      if (!take("}")) return std::nullopt;
      return out;
    }
  };

  Type type_ = Type::null;
  std::string text_;
  std::vector<Json> items_;
  std::vector<std::pair<std::string, Json>> members_;
};

}  // namespace rabt::sdk::testing
