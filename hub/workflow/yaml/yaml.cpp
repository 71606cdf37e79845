#include "hub/workflow/yaml/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/json_pointer.hpp"
#include "hub/base/suggest.hpp"
#include "hub/base/utf8.hpp"
#include "hub/workflow/yaml/yaml_position.hpp"

namespace rabt::workflow {

namespace {

struct Refused {
  YamlFault fault;
};

std::size_t offset_of(const YAML::Mark& mark) {
  return mark.pos < 0 ? 0U : static_cast<std::size_t>(mark.pos);
}

// The position of the first byte that YAML does not allow, which is one outside of UTF-8 or NUL; or
// npos.
std::size_t find_bad_byte(std::string_view text) {
  return std::min(find_bad_utf8(text), text.find('\0'));
}

std::optional<Json> radix_number(std::string_view digits, unsigned radix) {
  std::uint64_t value = 0;
  if (digits.empty()) return std::nullopt;
  for (const char c : digits) {
    if (!is_hex(c)) return std::nullopt;
    const auto digit = static_cast<unsigned>(hex_value(c));
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
  Builder(const YamlLimits& limits, const LineIndex& lines, std::string_view source)
      : limits_(limits), lines_(lines), source_(source) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& /*mark*/, const std::string& name) override {
    anchor_names_.push_back(name);
  }

  // yaml-cpp gives the place of whatever comes next, so an empty value gets the place of its key.
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = start(mark);
    if (!stack_.empty() && stack_.back().has_key) {
      check_colon(stack_.back());
      node->line = stack_.back().pending.line;
      node->column = stack_.back().pending.column;
      node->offset = stack_.back().pending_offset;
    } else if (offset_of(mark) >= source_.size() || source_[offset_of(mark)] != '~') {
      if (const auto dash = dash_before(offset_of(mark)); dash.has_value()) {
        const TextPlace place = lines_.at(*dash);
        node->line = place.line;
        node->column = place.column;
        node->offset = *dash;
      }
    }
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
      refuse_tag(mark, tag);
    }
    node->quoted = !plain;
    if (value.find('\0') != std::string::npos)
      refuse(mark, "yaml.encoding", "NUL is not allowed in a text");
    // The file is UTF-8, but yaml-cpp turns the escapes \N and \_ into single bytes.
    if (find_bad_byte(value) != std::string_view::npos)
      refuse(mark, "yaml.encoding", "an escape gives no UTF-8",
             "write \\u0085 for \\N and \\u00A0 for \\_");
    node->kind = YamlNode::Kind::string;
    if (plain) {
      if (value == "true" || value == "True" || value == "TRUE") {
        node->kind = YamlNode::Kind::boolean;
        node->scalar = true;
      } else if (value == "false" || value == "False" || value == "FALSE") {
        node->kind = YamlNode::Kind::boolean;
        node->scalar = false;
      } else if (is_infinity_or_nan(value)) {
        refuse(mark, "yaml.number", "infinity and NaN have no JSON form",
               "quote the value if it is a text");
      } else if (auto number = core_number(value); number.has_value()) {
        // JSON is sealed and parsed again: a number beyond a double's range would not parse.
        if (!Json::parse(number->number_text()).ok())
          refuse(mark, "yaml.number", "the number is too large", "quote the value if it is a text");
        node->kind = YamlNode::Kind::number;
        node->scalar = std::move(*number);
      }
    }
    if (node->kind == YamlNode::Kind::string) node->scalar = value;
    last_scalar_ = node;
    add(std::move(node), mark, anchor, &value);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::sequence, false);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(mark, tag, anchor, YamlNode::Kind::mapping, style == YAML::EmitterStyle::Flow);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] YamlPtr root() const { return root_ ? root_ : std::make_shared<const YamlNode>(); }
  [[nodiscard]] const std::vector<std::string>& anchor_names() const { return anchor_names_; }

  // yaml-cpp takes a quoted text that the file never closes: its last scalar is looked at again.
  void check_closed() const {
    if (last_scalar_ == nullptr || !last_scalar_->quoted) return;
    const auto offsets = scalar_offsets(source_, *last_scalar_);
    if (!offsets.has_value()) return;
    const std::string_view before = source_.substr(0, offsets->front());
    const char quote = before.empty() ? ' ' : before.back();
    if ((quote != '"' && quote != '\'') || last_scalar_->text().empty()) return;
    if (source_.find(quote, offsets->back()) != std::string_view::npos) return;
    throw Refused{{"yaml.syntax", "this quoted text is never closed",
                   std::string("end it with ") + quote, last_scalar_->line, last_scalar_->column}};
  }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::Mark mark;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool flow = false;  // written {...}
    bool has_key = false;
    YamlEntry pending;
    YamlPtr pending_key;
    std::size_t pending_offset = 0;
    std::unordered_set<std::string> keys;
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string code, std::string message,
                           std::string suggestion = {}) const {
    const TextPlace place = lines_.at(offset_of(mark));
    throw Refused{
        {std::move(code), std::move(message), std::move(suggestion), place.line, place.column}};
  }
  [[noreturn]] void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    refuse(mark, "yaml.tag", "YAML tags are not supported",
           "write the value without `" + tag + "`");
  }

  [[nodiscard]] std::shared_ptr<YamlNode> start(const YAML::Mark& mark) const {
    auto node = std::make_shared<YamlNode>();
    node->offset = offset_of(mark);
    const TextPlace place = lines_.at(node->offset);
    node->line = place.line;
    node->column = place.column;
    return node;
  }

  // yaml-cpp takes a line of a block mapping that has no `:` for a key without a value.
  void check_colon(const Open& mapping) const {
    if (mapping.flow || mapping.pending_key->offset != mapping.pending_offset) return;
    const std::string_view before = source_.substr(0, mapping.pending_offset);
    const std::size_t last = before.find_last_not_of(" \t\r\n");
    if (last != std::string_view::npos && before[last] == '?') return;  // ? key
    const auto offsets = scalar_offsets(source_, *mapping.pending_key);
    if (!offsets.has_value()) return;
    std::size_t end = offsets->back();
    if (end < source_.size() && mapping.pending_key->quoted) ++end;
    end = source_.find_first_not_of(" \t", end);
    if (end != std::string_view::npos && source_[end] == ':') return;
    throw Refused{{"yaml.syntax", "a `:` is missing after this", "write `key: value`",
                   mapping.pending.line, mapping.pending.column}};
  }

  // The `-` of an empty list item: the last one above that starts a line.
  [[nodiscard]] std::optional<std::size_t> dash_before(std::size_t offset) const {
    std::size_t end = std::min(offset, source_.size());
    while (end > 0) {
      const std::size_t found = source_.rfind('\n', end - 1);
      const std::size_t start = found == std::string_view::npos ? 0 : found + 1;
      const std::size_t first = source_.find_first_not_of(' ', start);
      if (first < end && source_[first] == '-') return first;
      if (start == 0) break;
      end = start - 1;
    }
    return std::nullopt;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind, bool flow) {
    if (!tag.empty() && tag != "?" && tag != "!") refuse_tag(mark, tag);
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
    entry.flow = flow;
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
      if (*text == "<<" && !(last_scalar_ != nullptr && last_scalar_->quoted)) {
        refuse(mark, "yaml.merge_key", "merge keys (`<<`) belong to YAML 1.1 and are not supported",
               "write the keys out, or name what is shared in `use`");
      }
      if (!top.keys.insert(*text).second) {
        refuse(mark, "yaml.duplicate_key", "duplicate key `" + *text + "`", "keep one of them");
      }
      top.pending.key = *text;
      const TextPlace place = lines_.at(offset_of(mark));
      top.pending.line = place.line;
      top.pending.column = place.column;
      top.pending_offset = offset_of(mark);
      top.pending_key = node;
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
  const LineIndex& lines_;
  std::string_view source_;
  std::vector<Open> stack_;
  std::vector<YamlPtr> anchors_;
  std::vector<std::string> anchor_names_;
  YamlPtr root_;
  YamlPtr last_scalar_;
};

// yaml-cpp says where it gave up; what the author did wrong is guessed from the line.
YamlFault explain(const YAML::Exception& error, std::string_view source, const LineIndex& lines,
                  const std::vector<std::string>& anchors) {
  const std::size_t offset =
      error.mark.is_null() ? 0U : std::min(offset_of(error.mark), source.size());
  const TextPlace place = lines.at(offset);
  YamlFault fault{"yaml.syntax", error.msg, "", place.line, place.column};
  const auto says = [&](std::string_view part) {
    return error.msg.find(part) != std::string::npos;
  };
  const std::string_view line = lines.line(place.line);
  const std::size_t line_start = offset == 0 ? 0 : source.rfind('\n', offset - 1) + 1;
  const std::string_view before = source.substr(line_start, offset - line_start);
  const char here = offset < source.size() ? source[offset] : '\0';

  if (says("anchor is not defined")) {
    const std::string_view rest = source.substr(offset + 1);
    const std::string name(rest.substr(0, rest.find_first_of(" \t\r\n,[]{}")));
    fault.code = "yaml.unknown_anchor";
    fault.message = "`*" + name + "` is an alias, and no anchor `&" + name + "` stands above it";
    fault.suggestion = did_you_mean(name, anchors);
    if (fault.suggestion.empty()) fault.suggestion = "quote the value if it is a text";
    return fault;
  }
  const std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
  if (const std::size_t tab = line.substr(0, indent).find('\t'); tab != std::string_view::npos) {
    fault.message = "a tab stands in the indentation; indent with spaces";
    fault.suggestion = "indent with spaces";
    fault.column = static_cast<int>(tab) + 1;
    return fault;
  }
  const std::size_t dollar = before.rfind("${");
  if (dollar != std::string_view::npos || (before.ends_with('$') && here == '{')) {
    fault.message = says("illegal map value")
                        ? "`: ` ends a plain text, so this expression is cut here"
                        : "a `{`, `}`, `,` or `: ` cuts this unquoted expression";
    fault.suggestion = "put the whole expression in quotes: '${ ... }'";
    return fault;
  }
  if (says("illegal map value")) {
    const bool key_first = before.find_first_not_of(' ') != std::string_view::npos &&
                           before.find(':') == std::string_view::npos;
    if (key_first) {
      fault.message = "a key does not fit here: the line above has a value of its own";
      fault.suggestion = "check the indentation, and the space after `:` in the line above";
    } else {
      fault.message = "`: ` ends a plain text";
      fault.suggestion = "put the whole text in quotes";
    }
  } else if (says("unexpected character in block scalar") ||
             (says("end of map not found") &&
              before.find_first_of("\"'") != std::string_view::npos)) {
    fault.message = "something stands behind the end of this value";
    fault.suggestion = "put the whole text in quotes";
  } else if (says("end of map not found") && here != '-' && here != '\0' &&
             line.find(':') == std::string_view::npos) {
    fault.message = "a `:` is missing after this";
    fault.suggestion = "write `key: value`";
  } else if (says("end of map not found") || says("end of sequence not found") ||
             says("illegal block entry")) {
    fault.message = "the indentation of this line fits nothing above it";
    fault.suggestion = "line it up with its neighbours";
  } else if (says("end of sequence flow not found")) {
    fault.message = "a `[` above is not closed";
    fault.suggestion = "end it with `]`";
  } else if (says("end of map flow not found")) {
    fault.message = "a `{` above is not closed";
    fault.suggestion = "end it with `}`";
  } else if (says("illegal flow end") && here != '\0') {
    fault.message = std::string("`") + here + "` closes nothing that is open here";
    fault.suggestion = "check the brackets of this line: each `[` and `{` needs its own end";
  } else if (says("unknown token") && here != '\0') {
    fault.message = std::string("a plain text cannot start with `") + here + "`";
    fault.suggestion = "put the text in quotes";
  } else if (says("unknown escape character")) {
    fault.suggestion = "write \\\\ for a backslash, or use single quotes";
  }
  return fault;
}

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
            {"yaml.size", "larger than " + std::to_string(limits.max_bytes) + " bytes", "", 1, 1}};
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const LineIndex lines(text);
  if (const std::size_t bad = find_bad_byte(text); bad != std::string_view::npos) {
    const TextPlace place = lines.at(bad);
    const bool nul = text[bad] == '\0';
    return {nullptr,
            {"yaml.encoding", nul ? "a NUL byte stands here" : "this byte is not UTF-8 text",
             nul ? "remove it; UTF-16 files must be saved as UTF-8" : "save the file as UTF-8",
             place.line, place.column}};
  }
  Builder builder(limits, lines, text);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return {std::make_shared<const YamlNode>(), {}};
    builder.check_closed();
    YamlPtr root = builder.root();
    Builder rest(limits, lines, text);
    if (parser.HandleNextDocument(rest)) {
      const YamlPtr second = rest.root();
      return {nullptr,
              {"yaml.documents", "a second document starts here: a file holds one document",
               "put it into a file of its own", second->line, second->column}};
    }
    return {std::move(root), {}};
  } catch (const Refused& refused) {
    return {nullptr, refused.fault};
  } catch (const YAML::Exception& error) {
    return {nullptr, explain(error, text, lines, builder.anchor_names())};
  } catch (const std::exception&) {
    return {nullptr, {"yaml.syntax", "not readable as YAML", "", 1, 1}};
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

YamlPlace yaml_at(const YamlNode& root, std::string_view pointer) {
  YamlPlace place{nullptr, &root};
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto end = std::min(pointer.find('/'), pointer.size());
    const std::string token = unescape_token(pointer.substr(0, end)).value_or("");
    pointer.remove_prefix(end);
    if (place.node->kind == YamlNode::Kind::sequence) {
      const std::size_t index = std::strtoul(token.c_str(), nullptr, 10);
      if (index >= place.node->items.size()) break;
      place = {nullptr, place.node->items[index].get()};
    } else {
      const YamlEntry* entry = place.node->find(token);
      if (entry == nullptr) break;
      place = {entry, entry->value.get()};
    }
  }
  return place;
}

}  // namespace rabt::workflow
