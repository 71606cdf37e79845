#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/limits.hpp"

// YAML 1.2 with positions. Plain scalars follow the core schema (YAML 1.2.2 section 10.3): null,
// true/false, integers and floats are typed, everything else, also `on`, `yes` and `no`, is text;
// quoted and block scalars are always text.
namespace rabt::workflow {

struct YamlLimits {
  std::size_t max_bytes = limits::kMaxWorkflowBytes;
  std::size_t max_depth = limits::kMaxWorkflowDepth;
  std::size_t max_nodes = 100'000;  // after aliases are expanded
};

struct YamlEntry;

// Immutable after parsing; an anchor's node is shared by its aliases. line and column count from 1;
// column counts characters (code points), offset bytes of the text without its BOM.
struct YamlNode {
  enum class Kind : std::uint8_t { null, boolean, number, string, sequence, mapping };
  Kind kind = Kind::null;
  bool quoted = false;  // a quoted or block scalar
  int line = 1;
  int column = 1;
  std::size_t offset = 0;
  Json scalar;  // set for the first four kinds; numbers keep their digits
  std::vector<std::shared_ptr<const YamlNode>> items;
  std::vector<YamlEntry> entries;  // in the order of the file
  std::size_t nodes = 1;           // with aliases expanded
  std::size_t height = 1;

  [[nodiscard]] const YamlEntry* find(std::string_view key) const;
  [[nodiscard]] bool is_text() const { return kind == Kind::string; }
  [[nodiscard]] const std::string& text() const { return scalar.as_string(); }
};
using YamlPtr = std::shared_ptr<const YamlNode>;

struct YamlEntry {
  std::string key;
  // Place of the key.
  int line = 1;
  int column = 1;
  YamlPtr value;
};

// Codes: yaml.syntax, yaml.encoding, yaml.duplicate_key, yaml.depth, yaml.size, yaml.key, yaml.tag,
// yaml.number, yaml.unknown_anchor, yaml.merge_key, yaml.documents.
struct YamlFault {
  std::string code;
  std::string message;
  std::string suggestion;  // what to do; may be empty
  int line = 1;
  int column = 1;
};

struct YamlOutcome {
  // Null if the text has a fault.
  YamlPtr root;
  YamlFault fault;
};

// One document. An empty text gives a null node. Never throws.
[[nodiscard]] YamlOutcome parse_yaml(std::string_view text, const YamlLimits& limits = {});

[[nodiscard]] Json to_json(const YamlNode& node);

// Target of a JSON pointer, as far as the tree goes: the key, when the last step was one, and the
// node.
struct YamlPlace {
  const YamlEntry* entry = nullptr;
  const YamlNode* node = nullptr;
};
[[nodiscard]] YamlPlace yaml_at(const YamlNode& root, std::string_view pointer);

}  // namespace rabt::workflow
