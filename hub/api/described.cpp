#include "hub/api/described.hpp"

#include <algorithm>
#include <functional>

#include "hub/api/answers.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/check.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::embedded {
extern const std::string_view openapi;
}  // namespace rabt::embedded

namespace rabt::api {

namespace {

// A schema may refer to itself, and a body nest as deeply as it likes.
constexpr int kMaxDepth = 16;
constexpr std::string_view kMethods[] = {"get", "put", "post", "delete", "patch"};

// A longer name, or one with more digits in a row, is no name that somebody gave to a member.
constexpr std::size_t kMaxName = 40;
constexpr int kMaxDigits = 4;

bool has_form_of_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || is_digit(name.front())) return false;
  int digits = 0;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    digits = is_digit(c) ? digits + 1 : 0;
    return digits <= kMaxDigits && (is_alnum(c) || c == '_' || c == '-');
  });
}

// True if the body may be JSON: programs that are written in a hurry name no type, or curl's.
bool may_be_json(std::string_view type) {
  const std::string form = lower(type);
  return form.empty() || form.find("json") != std::string::npos ||
         form.starts_with("application/x-www-form-urlencoded");
}

}  // namespace

// Unknown names of a request. Looking for more ends with as many as are told of: each is compared
// with all known names.
class Described::Mistakes {
 public:
  [[nodiscard]] bool full() const { return names_ >= kMaxSuggestions; }
  [[nodiscard]] const std::string& text() const { return text_; }
  void add(const std::string& line) { text_.append(text_.empty() ? "" : "\n").append(line); }
  // The names of one place, which are told together.
  class Place {
   public:
    // where: what the lines begin with. what: what the names should be. known: made when needed.
    Place(Mistakes& all, std::string where, std::string_view what,
          std::function<std::vector<std::string>()> known)
        : all_(all), where_(std::move(where)), what_(what), known_(std::move(known)) {}
    void add(std::string_view name) {
      if (all_.full()) return;
      ++all_.names_;
      if (names_.empty()) names_ = known_();
      const std::string near = nearest(name, names_);
      if (!near.empty()) {
        all_.add(where_ + std::string(name) + ": is no " + what_ + "; did you mean `" + near +
                 "`?");
      } else if (has_form_of_name(name)) {
        named_.append(named_.empty() ? "" : ", ").append(name);
        ++far_;
      } else {
        nameless_ = true;
      }
    }
    // One line for all names that are near to none. also: names of which no list speaks.
    void end(const std::set<std::string, std::less<>>& also = {}) {
      if (far_ == 0 && !nameless_) return;
      std::string others;
      // A name between these is none of a person, whatever word stands before it.
      for (const std::string& name : names_) {
        if (also.contains(name)) continue;
        others.append(others.empty() ? "known are: `" : ", `").append(name).append("`");
      }
      if (others.empty()) others = "it takes none";
      if (far_ > 0)
        all_.add(where_ + named_ + (far_ == 1 ? ": is no " : ": none is a ") + what_ + "; " +
                 others);
      if (nameless_) all_.add(where_ + "it has an unknown " + what_ + "; " + others);
    }

   private:
    Mistakes& all_;
    std::string where_;
    std::string what_;
    std::function<std::vector<std::string>()> known_;
    std::vector<std::string> names_;
    std::string named_;
    int far_ = 0;
    bool nameless_ = false;
  };

 private:
  std::string text_;
  std::size_t names_ = 0;
};

// Makes nodes of the schemas of a document.
class Described::Compiler {
 public:
  Compiler(const Json& document, std::deque<Node>& nodes) : document_(document), nodes_(nodes) {}

  // The value itself, or what its $ref leads to.
  [[nodiscard]] const Json& follow(const Json& json) const {
    const Json* at = &json;
    for (int steps = 0; steps < kMaxDepth; ++steps) {
      const Json* const reference = at->find("$ref");
      if (reference == nullptr) return *at;
      const Json* to = &document_;
      std::string_view rest = reference->as_string();
      rest.remove_prefix(std::min<std::size_t>(2, rest.size()));
      while (to != nullptr && !rest.empty()) {
        const auto slash = rest.find('/');
        to = to->find(rest.substr(0, slash));
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
      }
      RABT_CHECK(to != nullptr);
      at = to;
    }
    return *at;
  }

  // Null for no schema. The same schemas share one node.
  const Node* node_of(const std::vector<const Json*>& found) {
    Schemas schemas;
    for (const Json* schema : found) schemas.insert(&follow(*schema));
    if (schemas.empty()) return nullptr;
    const auto [at, is_new] = made_.try_emplace(schemas);
    if (!is_new) return at->second;
    Node& node = nodes_.emplace_back();
    at->second = &node;
    std::vector<const Json*> items;
    Members members;
    for (const Json* schema : schemas) {
      if (const Json& list = (*schema)["items"]; list.is_object()) items.push_back(&list);
      gather(*schema, 0, node, members);
    }
    node.items = node_of(items);
    for (const auto& [name, types] : members) node.members[name] = node_of(types);
    return &node;
  }

 private:
  using Schemas = std::set<const Json*>;
  // By name, the schemas of what the member holds.
  using Members = std::map<std::string, std::vector<const Json*>, std::less<>>;

  // Adds what a schema says about members to `out` and `members`.
  void gather(const Json& schema, int depth, Node& out, Members& members) const {
    if (depth > kMaxDepth) return;
    const Json& here = follow(schema);
    if (here["properties"].is_object()) {
      out.told = true;
      for (const auto& [name, type] : here["properties"].as_object())
        members[name].push_back(&type);
    }
    // Other names of members, which are read where they stand.
    if (const Json& others = here["x-also"]; others.is_array()) {
      for (const Json& name : others.as_array()) {
        members[name.as_string()];
        out.also.insert(name.as_string());
      }
    }
    const Json& rest = here["additionalProperties"];
    if (rest.is_bool()) {
      out.told = true;
      out.open = out.open || rest.as_bool();
    } else if (rest.is_object()) {
      out.open = true;
    }
    for (const std::string_view combined : {"allOf", "anyOf", "oneOf"}) {
      const Json& parts = here[combined];
      if (!parts.is_array()) continue;
      for (const Json& part : parts.as_array()) gather(part, depth + 1, out, members);
    }
  }

  const Json& document_;
  std::deque<Node>& nodes_;
  std::map<Schemas, const Node*> made_;
};

Described::Described() {
  workflow::YamlLimits limits;
  limits.max_bytes = 4U << 20U;
  const auto read = workflow::parse_yaml(embedded::openapi, limits);
  RABT_CHECK(read.root != nullptr);
  const Json document = workflow::to_json(*read.root);
  Compiler compiler(document, nodes_);
  for (const auto& [pattern, methods] : document["paths"].as_object()) {
    for (const std::string_view method : kMethods) {
      const Json* const described = methods.find(method);
      if (described == nullptr) continue;
      Operation& operation = operations_[described->string_or("operationId", "")];
      for (const Json* list : {methods.find("parameters"), described->find("parameters")}) {
        if (list == nullptr) continue;
        for (const Json& given : list->as_array()) {
          const Json& parameter = compiler.follow(given);
          if (parameter.string_or("in", "") == "query")
            operation.parameters.insert(parameter.string_or("name", ""));
        }
      }
      const Json& body = compiler.follow((*described)["requestBody"]);
      const Json& schema = body["content"]["application/json"]["schema"];
      if (schema.is_object()) operation.body = compiler.node_of({&schema});
    }
  }
}

Status Described::check(std::string_view operation, const Call& call) const {
  const auto found = operations_.find(operation);
  if (found == operations_.end()) return ok_status();
  const Operation& described = found->second;
  Mistakes mistakes;
  Mistakes::Place query(mistakes, "", "parameter of the query", [&] {
    return std::vector<std::string>(described.parameters.begin(), described.parameters.end());
  });
  for (const auto& [name, value] : call.request.query) {
    if (!described.parameters.contains(name)) query.add(name);
  }
  query.end();
  if (described.body != nullptr && may_be_json(call.request.header("content-type"))) {
    // A body that is no JSON is refused by the operation itself.
    if (const auto body = body_json(call); body.ok()) look(described.body, *body, "", 0, mistakes);
  }
  if (mistakes.text().empty()) return ok_status();
  return invalid("api.invalid", mistakes.text());
}

void Described::look(const Node* node, const Json& value, const std::string& path, int depth,
                     Mistakes& mistakes) {
  if (node == nullptr || depth > kMaxDepth) return;
  if (value.is_array()) {
    if (node->items == nullptr) return;
    for (std::size_t i = 0; i < value.size() && !mistakes.full(); ++i)
      look(node->items, value.item(i), path + "[" + std::to_string(i) + "]", depth + 1, mistakes);
    return;
  }
  if (!value.is_object() || !node->told) return;
  Mistakes::Place here(mistakes, (path.empty() ? std::string("body") : path) + ": ", "member", [&] {
    std::vector<std::string> names;
    for (const auto& [one, type] : node->members) names.push_back(one);
    return names;
  });
  for (const auto& [name, member] : value.as_object()) {
    if (mistakes.full()) break;
    const auto member_type = node->members.find(name);
    if (member_type != node->members.end()) {
      look(member_type->second, member, path.empty() ? name : path + "." + name, depth + 1,
           mistakes);
    } else if (!node->open) {
      here.add(name);
    }
  }
  here.end(node->also);
}

}  // namespace rabt::api
