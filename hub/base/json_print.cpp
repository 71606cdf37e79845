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

// True if one of the eight bytes of a word needs an escape. Each test sets the high bit of a byte
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

// Copies at least four bytes, in words of which the last two may overlap. Returns false, with an
// unfinished copy, if one of the bytes needs an escape.
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

// Sixteen bytes, of which the compiler tests all at once.
using Block [[gnu::vector_size(16)]] = std::uint8_t;

Block load_block(const char* from) {
  Block block;
  std::memcpy(&block, from, sizeof block);
  return block;
}

// Copies at least sixteen bytes, in blocks of which the last two may overlap. Returns false if one
// of the bytes needs an escape.
bool copy_blocks(const char* from, std::size_t size, char* to) {
  Block escapes{};
  const auto copy = [&](std::size_t at) {
    const Block block = load_block(from + at);
    std::memcpy(to + at, &block, sizeof block);
    escapes |= reinterpret_cast<Block>((block < 0x20) | (block == '"') | (block == '\\') |
                                       (block == 0x7f));
  };
  for (std::size_t at = 0; at + sizeof(Block) <= size; at += sizeof(Block)) copy(at);
  copy(size - sizeof(Block));
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), &escapes, sizeof escapes);
  return (halves[0] | halves[1]) == 0;
}

bool copy_plain(std::string_view text, char* to) {
  if (text.size() >= sizeof(Block)) return copy_blocks(text.data(), text.size(), to);
  if (text.size() >= 8) return copy_words<8>(text.data(), text.size(), to);
  if (text.size() >= 4) return copy_words<4>(text.data(), text.size(), to);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (needs_escape(text[i])) return false;
    to[i] = text[i];
  }
  return true;
}

std::string_view escape_of(char c, std::array<char, 6>& room) {
  static constexpr std::string_view kHexDigits = "0123456789abcdef";
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
      room = {'\\', 'u', '0', '0', kHexDigits[byte >> 4U], kHexDigits[byte & 0xfU]};
      return {room.data(), room.size()};
    }
  }
}

// Collects pieces of text. Confined to its thread.
class Buffer {
 public:
  explicit Buffer(std::string& out) : out_(out) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { flush(); }

  void put(char c) {
    if (used_ == kBuffer) flush();
    bytes_[used_++] = c;
  }
  void put(std::string_view text) {
    if (text.size() > kBuffer - used_) {
      flush();
      if (text.size() > kBuffer) {
        out_.append(text);
        return;
      }
    }
    std::memcpy(bytes_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  void put_integer(std::int64_t value) {
    if (kBuffer - used_ < kLongestInteger) flush();
    char* const begin = bytes_.data() + used_;
    const char* const end = std::to_chars(begin, begin + kLongestInteger, value).ptr;
    used_ += static_cast<std::size_t>(end - begin);
  }
  void put_quoted(std::string_view text) {
    if (text.size() + 2 > kBuffer - used_) flush();
    if (text.size() + 2 <= kBuffer) {
      char* const to = bytes_.data() + used_;
      if (copy_plain(text, to + 1)) {
        to[0] = to[text.size() + 1] = '"';
        used_ += text.size() + 2;
        return;
      }
    }
    put_escaped(text);
  }

 private:
  void put_escaped(std::string_view text) {
    put('"');
    for (auto at = text.begin(); at != text.end();) {
      const auto plain_end = std::find_if(at, text.end(), needs_escape);
      put(std::string_view(at, plain_end));
      at = plain_end;
      if (at == text.end()) break;
      std::array<char, 6> room{};
      put(escape_of(*at++, room));
    }
    put('"');
  }
  void flush() {
    out_.append(bytes_.data(), used_);
    used_ = 0;
  }

  std::string& out_;
  std::size_t used_ = 0;
  std::array<char, kBuffer> bytes_;
};

}  // namespace

// Prints one value. Confined to its thread.
class Json::Node::Printer {
 public:
  Printer(std::string& out, Layout layout) : out_(out), layout_(layout) {}

  void print(const Json& json, std::size_t depth = 0) {
    switch (json.tag_) {
      case Tag::null:
        return out_.put("null");
      case Tag::boolean:
        return out_.put(json.payload_.boolean ? "true" : "false");
      case Tag::integer:
        return out_.put_integer(json.payload_.integer);
      case Tag::real:
      case Tag::decimal:
        return out_.put(json.number_text());
      case Tag::string:
        return out_.put_quoted(static_cast<const StringNode*>(json.payload_.node)->value);
      case Tag::array:
        return print(static_cast<const ArrayNode*>(json.payload_.node)->value, depth);
      case Tag::object:
        return print(static_cast<const ObjectNode*>(json.payload_.node)->value, depth);
    }
  }

 private:
  void print(const Array& items, std::size_t depth) {
    out_.put('[');
    bool first = true;
    for (const Json& item : items) {
      begin_item(first, depth);
      print(item, depth + 1);
    }
    end_items(first, depth);
    out_.put(']');
  }

  void print(const JsonObject& members, std::size_t depth) {
    out_.put('{');
    bool first = true;
    const auto print_member = [&](const JsonObject::Member& member) {
      begin_item(first, depth);
      out_.put_quoted(member.first);
      out_.put(':');
      if (layout_ == Layout::pretty) out_.put(' ');
      print(member.second, depth + 1);
    };
    if (layout_ == Layout::sorted) {
      std::vector<const JsonObject::Member*> order;
      order.reserve(members.size());
      for (const auto& member : members) order.push_back(&member);
      std::sort(order.begin(), order.end(),
                [](const auto* a, const auto* b) { return a->first < b->first; });
      for (const auto* member : order) print_member(*member);
    } else {
      for (const auto& member : members) print_member(member);
    }
    end_items(first, depth);
    out_.put('}');
  }

  void begin_item(bool& first, std::size_t depth) {
    if (!first) out_.put(',');
    first = false;
    if (layout_ == Layout::pretty) new_line(depth + 1);
  }
  void end_items(bool none, std::size_t depth) {
    if (layout_ == Layout::pretty && !none) new_line(depth);
  }
  void new_line(std::size_t depth) {
    out_.put('\n');
    for (std::size_t i = 0; i < depth; ++i) out_.put("  ");
  }

  Buffer out_;
  Layout layout_;
};

void append_json_string(std::string& out, std::string_view text) {
  Buffer(out).put_quoted(text);
}

void Json::dump_to(std::string& out) const {
  Node::Printer(out, Layout::compact).print(*this);
}
std::string Json::dump() const {
  std::string out;
  dump_to(out);
  return out;
}
std::string Json::dump_pretty() const {
  std::string out;
  Node::Printer(out, Layout::pretty).print(*this);
  return out;
}
std::string Json::dump_sorted() const {
  std::string out;
  Node::Printer(out, Layout::sorted).print(*this);
  return out;
}

}  // namespace rabt
