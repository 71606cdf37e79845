#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "hub/base/json.hpp"
#include "hub/base/json_node.hpp"

// Printing: into a buffer on the stack, which is appended to the text when it is full.
namespace rabt {

namespace {

constexpr std::size_t kBuffer = 4096;
constexpr std::size_t kLongestInteger = 20;  // -9223372036854775808

enum class Layout : std::uint8_t { compact, pretty, sorted };

constexpr bool needs_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f;
}

// Whether one of the eight bytes of a word needs an escape. Each test sets the high bit of a byte
// that it finds; a byte above 0x7f is never found.
constexpr bool any_needs_escape(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = 0x8080808080808080U;
  const auto has_zero = [](std::uint64_t value) { return (value - kOnes) & ~value; };
  const std::uint64_t control = (word - kOnes * 0x20U) & ~word;
  const std::uint64_t quote = has_zero(word ^ (kOnes * '"'));
  const std::uint64_t backslash = has_zero(word ^ (kOnes * '\\'));
  const std::uint64_t del = has_zero(word ^ (kOnes * 0x7fU));
  return ((control | quote | backslash | del) & kHigh) != 0;
}

std::uint64_t load(const char* from, std::size_t bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, bytes);
  return word;
}

// Copies at least four bytes, in words of which the last two may overlap. False, and an unfinished
// copy, if one of the bytes needs an escape.
template <std::size_t kWord>
bool copy_words(const char* from, std::size_t size, char* to) {
  constexpr std::uint64_t kFill = kWord == 8 ? 0 : 0x2020202000000000U;
  for (std::size_t at = 0; at + kWord <= size; at += kWord) {
    const std::uint64_t word = load(from + at, kWord);
    if (any_needs_escape(word | kFill)) return false;
    std::memcpy(to + at, &word, kWord);
  }
  const std::uint64_t last = load(from + size - kWord, kWord);
  std::memcpy(to + size - kWord, &last, kWord);
  return !any_needs_escape(last | kFill);
}

bool copy_plain(std::string_view text, char* to) {
  if (text.size() >= 8) return copy_words<8>(text.data(), text.size(), to);
  if (text.size() >= 4) return copy_words<4>(text.data(), text.size(), to);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (needs_escape(text[i])) return false;
    to[i] = text[i];
  }
  return true;
}

std::string_view escape_of(char c, std::array<char, 6>& room) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default: {
      const auto byte = static_cast<unsigned char>(c);
      room = {'\\', 'u', '0', '0', kHex[byte >> 4U], kHex[byte & 0xfU]};
      return {room.data(), room.size()};
    }
  }
}

}  // namespace

// Confined to its thread.
class JsonPrinter {
 public:
  JsonPrinter(std::string& out, Layout layout) : out_(out), layout_(layout) {}
  JsonPrinter(const JsonPrinter&) = delete;
  JsonPrinter& operator=(const JsonPrinter&) = delete;
  ~JsonPrinter() { flush(); }

  void value(const Json& json, std::size_t depth) {
    using Tag = Json::Tag;
    switch (json.tag_) {
      case Tag::null:
        return text("null");
      case Tag::boolean:
        return text(json.payload_.boolean ? "true" : "false");
      case Tag::integer:
        return integer(json.payload_.integer);
      case Tag::real:
      case Tag::decimal:
        return text(json.number_text());
      case Tag::string:
        return string(static_cast<const Json::StringNode*>(json.payload_.node)->value);
      case Tag::array:
        return array(static_cast<const Json::ArrayNode*>(json.payload_.node)->value, depth);
      case Tag::object:
        return object(static_cast<const Json::ObjectNode*>(json.payload_.node)->value, depth);
    }
  }

  void string(std::string_view value) {
    if (value.size() + 2 > kBuffer - used_) flush();
    if (value.size() + 2 <= kBuffer) {
      char* const to = buffer_.data() + used_;
      if (copy_plain(value, to + 1)) {
        to[0] = to[value.size() + 1] = '"';
        used_ += value.size() + 2;
        return;
      }
    }
    escaped(value);
  }

 private:
  void escaped(std::string_view value) {
    put('"');
    for (std::size_t at = 0;;) {
      const auto end =
          std::find_if(value.begin() + static_cast<std::ptrdiff_t>(at), value.end(), needs_escape);
      const auto plain = static_cast<std::size_t>(end - value.begin()) - at;
      text(value.substr(at, plain));
      at += plain;
      if (at == value.size()) break;
      std::array<char, 6> room{};
      text(escape_of(value[at++], room));
    }
    put('"');
  }

  void array(const Json::Array& items, std::size_t depth) {
    put('[');
    bool first = true;
    for (const Json& item : items) {
      begin_item(first, depth);
      value(item, depth + 1);
    }
    end_items(items.empty(), depth);
    put(']');
  }

  void object(const JsonObject& members, std::size_t depth) {
    put('{');
    bool first = true;
    const auto print = [&](const JsonObject::Member& member) {
      begin_item(first, depth);
      string(member.first);
      put(':');
      if (layout_ == Layout::pretty) put(' ');
      value(member.second, depth + 1);
    };
    if (layout_ == Layout::sorted) {
      std::vector<const JsonObject::Member*> order;
      order.reserve(members.size());
      for (const auto& member : members) order.push_back(&member);
      std::sort(order.begin(), order.end(),
                [](const auto* a, const auto* b) { return a->first < b->first; });
      for (const auto* member : order) print(*member);
    } else {
      for (const auto& member : members) print(member);
    }
    end_items(members.empty(), depth);
    put('}');
  }

  void integer(std::int64_t value) {
    if (kBuffer - used_ < kLongestInteger) flush();
    char* const begin = buffer_.data() + used_;
    used_ +=
        static_cast<std::size_t>(std::to_chars(begin, begin + kLongestInteger, value).ptr - begin);
  }

  void begin_item(bool& first, std::size_t depth) {
    if (!first) put(',');
    first = false;
    if (layout_ == Layout::pretty) new_line(depth + 1);
  }
  void end_items(bool none, std::size_t depth) {
    if (layout_ == Layout::pretty && !none) new_line(depth);
  }
  void new_line(std::size_t depth) {
    put('\n');
    for (std::size_t i = 0; i < depth; ++i) text("  ");
  }

  void put(char c) {
    if (used_ == kBuffer) flush();
    buffer_[used_++] = c;
  }
  void text(std::string_view bytes) {
    if (bytes.size() > kBuffer - used_) {
      flush();
      if (bytes.size() > kBuffer) {
        out_.append(bytes);
        return;
      }
    }
    std::memcpy(buffer_.data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }
  void flush() {
    out_.append(buffer_.data(), used_);
    used_ = 0;
  }

  std::string& out_;
  Layout layout_;
  std::size_t used_ = 0;
  std::array<char, kBuffer> buffer_;
};

namespace {

std::string print(const Json& json, Layout layout) {
  std::string out;
  JsonPrinter(out, layout).value(json, 0);
  return out;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  JsonPrinter(out, Layout::compact).string(text);
}

std::string Json::dump() const {
  return print(*this, Layout::compact);
}
void Json::dump_to(std::string& out) const {
  JsonPrinter(out, Layout::compact).value(*this, 0);
}
std::string Json::dump_pretty() const {
  return print(*this, Layout::pretty);
}
std::string Json::dump_sorted() const {
  return print(*this, Layout::sorted);
}

}  // namespace rabt
