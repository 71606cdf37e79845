#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <deque>
#include <memory>

#include "hub/base/ascii.hpp"
#include "hub/base/json.hpp"
#include "hub/base/json_fault.hpp"
#include "hub/base/json_node.hpp"
#include "hub/base/utf8.hpp"

// Parsing in two steps. simdjson finds where every token begins, and on the way checks that the
// text is UTF-8, that strings end and that they hold no control characters. The reader then walks
// the tokens and builds our values, which keep digits and order and have no key twice. A text that
// either step refuses is read a third time, slowly, to say what is wrong and where
// (json_fault.hpp).
namespace rabt {

namespace {

// Bytes of text for which the smallest index has room.
constexpr std::size_t kSmallestIndex = 4U << 10U;
// A longer text gets a reader of its own, whose memory is freed afterwards.
constexpr std::size_t kMostKept = 64U << 10U;
// Whole numbers of at most this many digits surely fit 64 bits.
constexpr std::size_t kFastDigits = 18;

// The places of a text's tokens: brackets, colons, commas, and the first byte of each scalar.
class TokenIndex {
 public:
  // Returns false if the text is empty, is no UTF-8 or has a fault in one of its strings. The
  // tokens live until the next call.
  bool find(std::string_view text) {
    if (text.empty() || (text.size() > capacity_ && !grow(text.size()))) return false;
    return implementation_->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                   simdjson::stage1_mode::regular) == simdjson::SUCCESS;
  }
  [[nodiscard]] std::span<const std::uint32_t> tokens() const {
    return {implementation_->structural_indexes.get(), implementation_->n_structural_indexes};
  }

 private:
  bool grow(std::size_t size) {
    capacity_ = 0;
    const std::size_t capacity = std::bit_ceil(std::max(size, kSmallestIndex));
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(
            capacity, 1, implementation_) != simdjson::SUCCESS) {
      return false;
    }
    capacity_ = capacity;
    return true;
  }

  std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation_;
  std::size_t capacity_ = 0;
};

constexpr bool ends_scalar(char c) {
  return is_blank(c) || c == ',' || c == ']' || c == '}' || c == ':' || c == '[' || c == '{';
}

// Takes four hexadecimal digits at `at`; -1 if they are not there.
int take_code_unit(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Appends the character of the \u escape whose digits begin at `at`, and moves `at` behind them.
// Half a surrogate pair is refused.
bool unescape_unicode(std::string_view text, std::size_t& at, std::string& out) {
  const int first = take_code_unit(text, at);
  if (first < 0 || (first >= 0xdc00 && first <= 0xdfff)) return false;
  at += 4;
  auto code = static_cast<std::uint32_t>(first);
  if (first >= 0xd800 && first <= 0xdbff) {
    if (!text.substr(at).starts_with("\\u")) return false;
    const int second = take_code_unit(text, at + 2);
    if (second < 0xdc00 || second > 0xdfff) return false;
    code = 0x10000U + ((code - 0xd800U) << 10U) + (static_cast<std::uint32_t>(second) - 0xdc00U);
    at += 6;
  }
  append_utf8(out, code);
  return true;
}

// Appends what the inside of a string says.
bool unescape(std::string_view text, std::string& out) {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  std::size_t at = 0;
  for (;;) {
    const std::size_t escape = std::min(text.find('\\', at), text.size());
    out.append(text, at, escape - at);
    if (escape == text.size()) return true;
    if (escape + 1 == text.size()) return false;
    at = escape + 2;
    const char c = text[escape + 1];
    if (c == 'u') {
      if (!unescape_unicode(text, at, out)) return false;
      continue;
    }
    const std::size_t which = kEscapes.find(c);
    if (which == std::string_view::npos) return false;
    out.push_back(kMeanings[which]);
  }
}

}  // namespace

// Builds a value from a text. Confined to its thread.
class Json::Node::Reader {
 public:
  // Returns false if the text is not valid JSON, is nested too deep, or names a key of an object
  // twice.
  bool read(std::string_view text, std::size_t max_depth, Json& out) {
    if (!index_.find(text)) return false;
    text_ = text;
    tokens_ = index_.tokens();
    max_depth_ = max_depth;
    next_ = 0;
    slots_.emplace_back();
    const bool good = read_all() && next_ == tokens_.size();
    if (good) out = std::move(slots_.front().value);
    slots_.clear();
    containers_.clear();
    unescaped_keys_.clear();
    return good;
  }

 private:
  // A member or an item of a container that is being read; the last one awaits its value.
  struct Slot {
    std::string_view key;
    Json value;
  };
  struct Container {
    std::size_t first_slot;
    bool is_object;
  };

  // The first byte of the next token, which is taken; NUL if there is none.
  char take() { return next_ < tokens_.size() ? text_[tokens_[next_++]] : '\0'; }
  [[nodiscard]] char peek() const { return next_ < tokens_.size() ? text_[tokens_[next_]] : '\0'; }

  bool read_all() {
    for (bool more = true; more;) {
      if (!read_value() || !read_until_value(more)) return false;
    }
    return true;
  }

  // Reads a scalar into the open slot, or enters containers until there is one.
  bool read_value() {
    for (;;) {
      const char c = take();
      if (c != '{' && c != '[') return read_scalar(c);
      if (containers_.size() >= max_depth_) return false;
      const bool is_object = c == '{';
      containers_.push_back({.first_slot = slots_.size(), .is_object = is_object});
      if (peek() == (is_object ? '}' : ']')) {
        ++next_;
        return close();
      }
      if (!open_slot(is_object)) return false;
    }
  }

  // Behind a value: closes containers, and opens the slot of the next value. more: there is one.
  bool read_until_value(bool& more) {
    while (!containers_.empty()) {
      const bool is_object = containers_.back().is_object;
      const char c = take();
      if (c == ',') return open_slot(is_object);
      if (c != (is_object ? '}' : ']') || !close()) return false;
    }
    more = false;
    return true;
  }

  bool open_slot(bool is_object) {
    Slot& slot = slots_.emplace_back();
    if (!is_object) return true;
    if (take() != '"') return false;
    std::string_view inside;
    if (!string_inside(inside)) return false;
    slot.key = inside;
    if (inside.find('\\') != std::string_view::npos) {
      std::string& key = unescaped_keys_.emplace_back();
      if (!unescape(inside, key)) return false;
      slot.key = key;
    }
    return take() == ':';
  }

  // Gets the text between the quotes of the token that was taken last.
  bool string_inside(std::string_view& inside) const {
    const std::size_t begin = tokens_[next_ - 1] + 1U;
    std::size_t end = next_ < tokens_.size() ? tokens_[next_] : text_.size();
    while (end > begin && is_blank(text_[end - 1])) --end;
    if (end <= begin || text_[end - 1] != '"') return false;
    inside = text_.substr(begin, end - 1 - begin);
    return true;
  }

  bool read_scalar(char c) {
    Json& out = slots_.back().value;
    switch (c) {
      case '"':
        return read_string(out);
      case 't':
        out = Json(true);
        return is_literal("true");
      case 'f':
        out = Json(false);
        return is_literal("false");
      case 'n':
        return is_literal("null");
      default:
        return (c == '-' || is_digit(c)) && read_number(out);
    }
  }

  bool read_string(Json& out) {
    std::string_view inside;
    if (!string_inside(inside)) return false;
    if (inside.find('\\') == std::string_view::npos) {
      out.payload_.node = new Json::StringNode(inside);
      out.tag_ = Json::Tag::string;
      return true;
    }
    std::string text;
    text.reserve(inside.size());
    if (!unescape(inside, text)) return false;
    out = Json(std::move(text));
    return true;
  }

  bool is_literal(std::string_view literal) const {
    const std::string_view rest = text_.substr(tokens_[next_ - 1]);
    return rest.starts_with(literal) &&
           (rest.size() == literal.size() || ends_scalar(rest[literal.size()]));
  }

  // A number of RFC 8259. A whole one that fits 64 bits is an integer; any other keeps its digits,
  // unless it is too large for a double.
  bool read_number(Json& out) const {
    const char* const begin = text_.data() + tokens_[next_ - 1];
    const char* const end = text_.data() + text_.size();
    const char* at = begin;
    const bool negative = *at == '-';
    if (negative) ++at;
    const char* const digits = at;
    std::uint64_t magnitude = 0;
    for (; at != end && is_digit(*at); ++at) {
      magnitude = magnitude * 10 + static_cast<std::uint64_t>(*at - '0');
    }
    if (at == digits || (*digits == '0' && at - digits > 1)) return false;
    bool whole = static_cast<std::size_t>(at - digits) <= kFastDigits;
    const auto skip_digits = [&] {
      const char* const first = at;
      while (at != end && is_digit(*at)) ++at;
      return at != first;
    };
    if (at != end && *at == '.') {
      whole = false;
      ++at;
      if (!skip_digits()) return false;
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
      whole = false;
      ++at;
      if (at != end && (*at == '+' || *at == '-')) ++at;
      if (!skip_digits()) return false;
    }
    if (at != end && !ends_scalar(*at)) return false;
    if (whole) {
      const auto value = static_cast<std::int64_t>(magnitude);
      out = Json(negative ? -value : value);
      return true;
    }
    out = Json::number(std::string(begin, at));
    return std::isfinite(out.as_double());
  }

  // Makes the innermost container a value, in the slot that awaits it.
  bool close() {
    const Container container = containers_.back();
    containers_.pop_back();
    const std::span<Slot> slots = std::span(slots_).subspan(container.first_slot);
    Json value;
    if (container.is_object) {
      JsonObject object;
      if (!fill(object, slots)) return false;
      value = Json(std::move(object));
    } else {
      Json::Array items;
      items.reserve(slots.size());
      for (Slot& slot : slots) items.push_back(std::move(slot.value));
      value = Json(std::move(items));
    }
    slots_.resize(container.first_slot);
    slots_.back().value = std::move(value);
    return true;
  }

  // False if two slots have the same key.
  static bool fill(JsonObject& object, std::span<Slot> slots) {
    object.reserve(slots.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      // Few keys are compared with their predecessors here, where they are still together.
      const std::string_view key = slots[i].key;
      const auto earlier = slots.first(i);
      const bool twice = i < JsonObject::kIndexFrom
                             ? std::any_of(earlier.begin(), earlier.end(),
                                           [&](const Slot& slot) { return slot.key == key; })
                             : object.contains(key);
      if (twice) return false;
      object.append_new(std::string(key), std::move(slots[i].value));
    }
    return true;
  }

  TokenIndex index_;
  // The text that is being read, its tokens, and the token that is taken next.
  std::string_view text_;
  std::span<const std::uint32_t> tokens_;
  std::size_t next_ = 0;
  std::size_t max_depth_ = 0;
  std::vector<Slot> slots_;
  std::vector<Container> containers_;
  std::deque<std::string> unescaped_keys_;
};

Result<Json> Json::parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return invalid("json.size",
                   "JSON document is larger than " + std::to_string(limits.max_bytes) + " bytes");
  }
  // Each thread keeps a reader, with its memory, for texts of the usual sizes.
  static thread_local Node::Reader kept;
  Json value;
  const bool good = text.size() <= kMostKept ? kept.read(text, limits.max_depth, value)
                                             : Node::Reader().read(text, limits.max_depth, value);
  if (!good) return find_json_fault(text, limits);
  return value;
}

}  // namespace rabt
