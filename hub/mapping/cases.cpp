#include "hub/mapping/cases.hpp"

#include <algorithm>

#include "hub/base/json_pointer.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::mapping {

using workflow::YamlNode;

namespace {

class CaseReader {
 public:
  explicit CaseReader(const std::string& name) : name_(name) {}

  Result<CaseFile> read(std::string_view text) {
    const auto parsed = workflow::parse_yaml(text);
    if (parsed.root == nullptr) {
      wrong(parsed.fault.line, parsed.fault.column, parsed.fault.message);
    } else if (mapping(*parsed.root)) {
      read_root(*parsed.root);
    }
    if (!mistakes_.empty()) return invalid("mapping.cases", mistakes_);
    return std::move(out_);
  }

 private:
  void wrong(int line, int column, const std::string& what) {
    mistakes_ += (mistakes_.empty() ? "" : "\n") + name_ + ":" + std::to_string(line) + ":" +
                 std::to_string(column) + ": " + what;
  }
  void wrong(const YamlNode& at, const std::string& what) { wrong(at.line, at.column, what); }
  bool mapping(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::mapping) return true;
    wrong(node, "this must be a mapping");
    return false;
  }
  std::string text(const YamlNode& node, std::string_view key) {
    const auto* entry = node.find(key);
    if (entry == nullptr) return {};
    if (entry->value->is_text()) return entry->value->text();
    wrong(*entry->value, "`" + std::string(key) + "` must be a text");
    return {};
  }
  void only(const YamlNode& node, std::initializer_list<std::string_view> keys) {
    for (const auto& entry : node.entries) {
      if (std::find(keys.begin(), keys.end(), entry.key) == keys.end())
        wrong(entry.line, entry.column, "unknown key `" + entry.key + "`");
    }
  }

  void read_root(const YamlNode& root) {
    only(root, {"mapping", "synthetic", "cases"});
    out_.mapping = text(root, "mapping");
    if (out_.mapping.empty()) wrong(root, "`mapping` must name the mapping file");
    const auto* synthetic = root.find("synthetic");
    out_.synthetic = synthetic != nullptr && synthetic->value->kind == YamlNode::Kind::boolean &&
                     synthetic->value->scalar.as_bool();
    const auto* cases = root.find("cases");
    if (cases == nullptr || cases->value->kind != YamlNode::Kind::sequence ||
        cases->value->items.empty())
      return wrong(root, "`cases` must be a list with at least one case");
    for (const auto& item : cases->value->items) {
      if (mapping(*item)) read_case(*item);
    }
  }

  void read_case(const YamlNode& node) {
    only(node, {"name", "file", "text", "becomes", "refused"});
    Case& one = out_.cases.emplace_back();
    one.line = node.line;
    one.name = text(node, "name");
    one.file = text(node, "file");
    one.text = text(node, "text");
    one.refused = text(node, "refused");
    if (one.file.empty() == (node.find("text") == nullptr))
      wrong(node, "a case has either `file` or `text`: the body");
    const auto* becomes = node.find("becomes");
    if ((becomes == nullptr) == one.refused.empty())
      return wrong(node, "a case has either `becomes`, a list of events, or `refused`");
    if (becomes == nullptr) return;
    if (becomes->value->kind != YamlNode::Kind::sequence)
      return wrong(*becomes->value, "`becomes` must be a list of events");
    one.becomes = workflow::to_json(*becomes->value);
  }

  const std::string& name_;
  CaseFile out_;
  std::string mistakes_;
};

// Compares what must be there with what is; more members may be there.
void compare(const Json& wanted, const Json* found, const std::string& place, bool shown,
             std::vector<std::string>& out) {
  if (found == nullptr) {
    if (!wanted.is_null()) out.push_back(place + ": is missing");
    return;
  }
  if (wanted.is_object() && found->is_object()) {
    for (const auto& [key, member] : wanted.as_object())
      compare(member, found->find(key), place + "/" + escape_token(key), shown, out);
    return;
  }
  if (wanted.is_array() && found->is_array() && wanted.size() == found->size()) {
    for (std::size_t i = 0; i < wanted.size(); ++i)
      compare(wanted[i], &found->item(i), place + "/" + std::to_string(i), shown, out);
    return;
  }
  if (wanted == *found) return;
  out.push_back(place + ": must be " + wanted.dump() +
                (shown ? ", is " + found->dump() : ", is something else"));
}

}  // namespace

Result<CaseFile> read_cases(std::string_view text, const std::string& name) {
  return CaseReader(name).read(text);
}

std::vector<std::string> differences(const Case& wanted, const Taken& taken, bool shown) {
  std::vector<std::string> out;
  if (!wanted.refused.empty()) {
    if (taken.refused.empty()) {
      out.emplace_back("was taken and must be refused");
    } else if (taken.refused.find(wanted.refused) == std::string::npos) {
      out.push_back("was refused with other words: " + taken.refused);
    }
    return out;
  }
  if (!taken.refused.empty()) {
    out.push_back("was refused: " + taken.refused);
    return out;
  }
  if (wanted.becomes.size() != taken.events.size())
    out.push_back("became " + std::to_string(taken.events.size()) + " events and must become " +
                  std::to_string(wanted.becomes.size()));
  for (std::size_t i = 0; i < std::min(wanted.becomes.size(), taken.events.size()); ++i)
    compare(wanted.becomes[i], &taken.events.item(i), "event " + std::to_string(i + 1) + " ", shown,
            out);
  return out;
}

}  // namespace rabt::mapping
