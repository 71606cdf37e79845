#include "hub/workflow/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_set>
#include <utility>

namespace rabt::workflow {

namespace {

struct Refused {
  YamlFault fault;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The position of the first byte that is no UTF-8 text, or npos. NUL counts as none: it is no YAML
// character.
std::size_t find_bad_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == 0) return at;
    if (byte < 0x80) {
      ++at;
      continue;
    }
    const std::size_t length = byte >= 0xF0 ? 4U : byte >= 0xE0 ? 3U : 2U;
    if (byte < 0xC2 || byte > 0xF4 || at + length > text.size()) return at;
    for (std::size_t i = 1; i < length; ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xC0U) != 0x80U) return at;
    }
    const auto second = static_cast<unsigned char>(text[at + 1]);
    if ((byte == 0xE0 && second < 0xA0) || (byte == 0xED && second > 0x9F) ||
        (byte == 0xF0 && second < 0x90) || (byte == 0xF4 && second > 0x8F)) {
      return at;
    }
    at += length;
  }
  return std::string_view::npos;
}

std::optional<Json> radix_number(std::string_view digits, unsigned radix) {
  std::uint64_t value = 0;
  if (digits.empty()) return std::nullopt;
  for (const char c : digits) {
    unsigned digit = 99;
    if (is_digit(c)) digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10U;
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A') + 10U;
    if (digit >= radix) return std::nullopt;
    if (value > (UINT64_MAX - digit) / radix) return std::nullopt;
    value = value * radix + digit;
  }
  return Json(value);
}

// The core schema's numbers as JSON text: no plus sign, no leading zeros, a digit on both sides of
// the point.
std::optional<Json> core_number(std::string_view text) {
  if (text.starts_with("0o")) return radix_number(text.substr(2), 8);
  if (text.starts_with("0x")) return radix_number(text.substr(2), 16);
  std::size_t at = 0;
  std::string out;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    if (text[0] == '-') out += '-';
    at = 1;
  }
  const auto take_digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return text.substr(from, at - from);
  };
  std::string_view whole = take_digits();
  std::string_view fraction;
  bool is_float = false;
  if (at < text.size() && text[at] == '.') {
    is_float = true;
    ++at;
    fraction = take_digits();
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  std::string exponent;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    is_float = true;
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) exponent = text.substr(at++, 1);
    const std::string_view digits = take_digits();
    if (digits.empty()) return std::nullopt;
    exponent = "e" + exponent + std::string(digits);
  }
  if (at != text.size()) return std::nullopt;
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  out += whole.empty() ? std::string_view("0") : whole;
  if (is_float) {
    if (!fraction.empty()) {
      out += '.';
      out += fraction;
    }
    out += exponent;
    return Json::number(std::move(out));
  }
  constexpr std::size_t kSafeDigits = 18;  // always fits std::int64_t
  if (whole.size() <= kSafeDigits) return Json(static_cast<std::int64_t>(std::stoll(out)));
  return Json::number(std::move(out));
}

bool is_infinity_or_nan(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
         text == ".NAN";
}

// Builds the tree from yaml-cpp's events. Exceptions of type Refused leave through the parser.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const YamlLimits& limits) : limits_(limits) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = start(mark);
    add(std::move(node), mark, anchor, nullptr);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (anchor >= anchors_.size() || anchors_[anchor] == nullptr) {
      refuse(mark, "yaml.syntax", "an alias may not stand inside the node that it names");
    }
    add(anchors_[anchor], mark, YAML::NullAnchor, nullptr);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = start(mark);
    const bool plain = tag == "?";
    const bool text_tag = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!plain && !text_tag) {
      refuse(mark, "yaml.tag",
             "tags are not supported here; write the value without `" + tag + "`");
    }
    node->quoted = !plain;
    if (value.find('\0') != std::string::npos)
      refuse(mark, "yaml.syntax", "NUL is not allowed in a text");
    // The file is UTF-8, but yaml-cpp turns the escapes \N and \_ into single bytes.
    if (find_bad_byte(value) != std::string_view::npos)
      refuse(mark, "yaml.syntax",
             "an escape gives no UTF-8; write \\u0085 for \\N and \\u00A0 for \\_");
    node->kind = YamlNode::Kind::string;
    if (plain) {
      if (value == "true" || value == "True" || value == "TRUE") {
        node->kind = YamlNode::Kind::boolean;
        node->scalar = true;
      } else if (value == "false" || value == "False" || value == "FALSE") {
        node->kind = YamlNode::Kind::boolean;
        node->scalar = false;
      } else if (is_infinity_or_nan(value)) {
        refuse(mark, "yaml.number",
               "infinity and NaN have no JSON form; quote the text if it is one");
      } else if (auto number = core_number(value); number.has_value()) {
        // What is sealed as JSON must parse again: a number beyond a double's range would not.
        if (!Json::parse(number->number_text()).ok())
          refuse(mark, "yaml.number", "the number is too large; quote the text if it is one");
        node->kind = YamlNode::Kind::number;
        node->scalar = std::move(*number);
      }
    }
    if (node->kind == YamlNode::Kind::string) node->scalar = value;
    add(std::move(node), mark, anchor, &value);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] YamlPtr root() const { return root_ ? root_ : std::make_shared<const YamlNode>(); }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::Mark mark;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;
    YamlEntry pending;
    std::unordered_set<std::string> keys;
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string code, std::string message) {
    throw Refused{{std::move(code), std::move(message), mark.line + 1, mark.column + 1}};
  }

  static std::shared_ptr<YamlNode> start(const YAML::Mark& mark) {
    auto node = std::make_shared<YamlNode>();
    node->line = mark.line + 1;
    node->column = mark.column + 1;
    return node;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(mark, "yaml.tag",
             "tags are not supported here; write the value without `" + tag + "`");
    }
    if (!stack_.empty() && stack_.back().node->kind == YamlNode::Kind::mapping &&
        !stack_.back().has_key) {
      refuse(mark, "yaml.key", "a key must be a single text, not a list or a mapping");
    }
    if (stack_.size() >= limits_.max_depth) {
      refuse(mark, "yaml.depth",
             "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    Open entry;
    entry.node = start(mark);
    entry.node->kind = kind;
    entry.mark = mark;
    entry.anchor = anchor;
    stack_.push_back(std::move(entry));
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    add(std::move(done.node), done.mark, done.anchor, nullptr);
  }

  void add(YamlPtr node, const YAML::Mark& mark, YAML::anchor_t anchor, const std::string* text) {
    if (anchor != YAML::NullAnchor) {
      if (anchors_.size() <= anchor) anchors_.resize(anchor + 1);
      anchors_[anchor] = node;
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = stack_.back();
    if (top.node->kind == YamlNode::Kind::mapping && !top.has_key) {
      if (text == nullptr && node->is_text()) text = &node->text();  // an alias to a text
      if (text == nullptr) refuse(mark, "yaml.key", "a key must be a text");
      if (!top.keys.insert(*text).second) {
        refuse(mark, "yaml.duplicate_key", "the key `" + *text + "` stands here twice");
      }
      top.pending.key = *text;
      top.pending.line = mark.line + 1;
      top.pending.column = mark.column + 1;
      top.has_key = true;
      return;
    }
    // Aliases share nodes, so the expanded size is counted and not the stored one.
    top.node->nodes += node->nodes;
    top.node->height = std::max(top.node->height, node->height + 1);
    if (top.node->nodes > limits_.max_nodes) {
      refuse(
          mark, "yaml.size",
          "more than " + std::to_string(limits_.max_nodes) + " values once aliases are expanded");
    }
    if (stack_.size() + node->height > limits_.max_depth + 1) {
      refuse(mark, "yaml.depth",
             "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    if (top.node->kind == YamlNode::Kind::mapping) {
      top.pending.value = std::move(node);
      top.node->entries.push_back(std::move(top.pending));
      top.pending = {};
      top.has_key = false;
    } else {
      top.node->items.push_back(std::move(node));
    }
  }

  const YamlLimits& limits_;
  std::vector<Open> stack_;
  std::vector<YamlPtr> anchors_;
  YamlPtr root_;
};

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

YamlOutcome parse_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return {nullptr,
            {"yaml.size", "larger than " + std::to_string(limits.max_bytes) + " bytes", 1, 1}};
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const std::size_t bad = find_bad_byte(text); bad != std::string_view::npos) {
    int line = 1;
    int column = 1;
    for (const char c : text.substr(0, bad)) {
      column = c == '\n' ? 1 : column + 1;
      if (c == '\n') ++line;
    }
    return {nullptr, {"yaml.syntax", "not UTF-8 text; save the file as UTF-8", line, column}};
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(limits);
    if (parser.HandleNextDocument(builder)) {
      YamlPtr root = builder.root();
      Builder rest(limits);
      if (parser.HandleNextDocument(rest)) {
        const YamlPtr second = rest.root();
        return {
            nullptr,
            {"yaml.documents", "only one document for each file", second->line, second->column}};
      }
      return {std::move(root), {}};
    }
    return {std::make_shared<const YamlNode>(), {}};
  } catch (const Refused& refused) {
    return {nullptr, refused.fault};
  } catch (const YAML::Exception& error) {
    const int line = error.mark.is_null() ? 1 : error.mark.line + 1;
    const int column = error.mark.is_null() ? 1 : error.mark.column + 1;
    std::string message = error.msg;
    if (message.find("illegal map value") != std::string::npos) {
      message += "; a text that holds `: ` must be quoted";
    }
    return {nullptr, {"yaml.syntax", std::move(message), line, column}};
  } catch (const std::exception&) {
    return {nullptr, {"yaml.syntax", "not readable as YAML", 1, 1}};
  }
}

Json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::sequence: {
      Json::Array items;
      items.reserve(node.items.size());
      for (const YamlPtr& item : node.items) items.push_back(to_json(*item));
      return Json(std::move(items));
    }
    case YamlNode::Kind::mapping: {
      JsonObject object;
      object.reserve(node.entries.size());
      for (const YamlEntry& entry : node.entries)
        object.append_new(entry.key, to_json(*entry.value));
      return Json(std::move(object));
    }
    default:
      return node.scalar;
  }
}

}  // namespace rabt::workflow
