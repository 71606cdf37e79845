#include "hub/workflow/explain/endpoints.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace rabt::workflow {

namespace {

// Data and expressions: no task is below them.
bool is_data(std::string_view key) {
  constexpr std::array<std::string_view, 8> kData = {"set",    "emit",   "raise",    "input",
                                                     "output", "export", "document", "schedule"};
  return std::find(kData.begin(), kData.end(), key) != kData.end();
}

const YamlNode* entry(const YamlNode& node, std::string_view key) {
  const YamlEntry* entry = node.find(key);
  return entry == nullptr ? nullptr : entry->value.get();
}

class Search {
 public:
  std::vector<Literal> found;

  void walk(const YamlNode& node) {
    for (const YamlPtr& item : node.items) walk(*item);
    const YamlNode* call = entry(node, "call");
    const YamlNode* with = entry(node, "with");
    const bool is_http =
        call != nullptr && call->is_text() && (call->text() == "http" || call->text() == "openapi");
    if (is_http && with != nullptr) {
      endpoint(entry(*with, "endpoint"));
      if (const YamlNode* document = entry(*with, "document"); document != nullptr)
        endpoint(entry(*document, "endpoint"));
      authentication(entry(*with, "authentication"));
    }
    for (const YamlEntry& entry : node.entries) {
      if (entry.key == "authentications") {
        for (const YamlEntry& named : entry.value->entries) authentication(named.value.get());
      } else if (entry.key != "with" && !is_data(entry.key)) {
        walk(*entry.value);
      }
    }
  }

 private:
  void endpoint(const YamlNode* node) {
    if (node == nullptr) return;
    if (node->is_text()) {
      url(*node);
      return;
    }
    endpoint(entry(*node, "uri"));
    authentication(entry(*node, "authentication"));
  }
  void authentication(const YamlNode* node) {
    if (node == nullptr) return;
    for (const char* scheme : {"oauth2", "oidc"}) {
      const YamlNode* policy = entry(*node, scheme);
      if (policy != nullptr) endpoint(entry(*policy, "authority"));
    }
  }
  void url(const YamlNode& node) {
    const std::string& text = node.text();
    if (!text.starts_with("http://") && !text.starts_with("https://")) return;
    const auto host = text.find("://") + 3;
    const std::string origin = text.substr(0, text.find_first_of("/?#", host));
    if (origin.size() == host || origin.find('{') != std::string::npos) return;
    found.push_back({origin, node.line, node.column});
  }
};

}  // namespace

std::vector<Literal> declared_secrets(const YamlNode& root) {
  std::vector<Literal> names;
  const YamlNode* use = entry(root, "use");
  const YamlNode* secrets = use == nullptr ? nullptr : entry(*use, "secrets");
  if (secrets == nullptr) return names;
  for (const YamlPtr& item : secrets->items) {
    if (item->is_text()) names.push_back({item->text(), item->line, item->column});
  }
  return names;
}

std::vector<Literal> literal_origins(const YamlNode& root) {
  Search search;
  search.walk(root);
  return std::move(search.found);
}

}  // namespace rabt::workflow
