#include "hub/api/described.hpp"

#include <algorithm>
#include <vector>

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

std::string unknown(std::string_view what, std::string_view name,
                    const std::vector<std::string>& known) {
  const std::string near = nearest(name, known);
  if (!near.empty())
    return std::string(name) + ": is no " + std::string(what) + "; did you mean `" + near + "`?";
  if (known.empty()) return "it takes no " + std::string(what);
  return "it has an unknown " + std::string(what) + "; known are: " + listed(known);
}

// Whether the body may be JSON: programs that are written in a hurry name no type, or curl's.
bool may_be_json(std::string_view type) {
  const std::string form = lower(type);
  return form.empty() || form.find("json") != std::string::npos ||
         form.starts_with("application/x-www-form-urlencoded");
}

}  // namespace

struct Described::Members {
  std::map<std::string, std::vector<const Json*>, std::less<>> named;
  // Something is said about members.
  bool told = false;
  // Any other member is welcome.
  bool open = false;
};

Described::Described() {
  workflow::YamlLimits limits;
  limits.max_bytes = 4U << 20U;
  const auto read = workflow::parse_yaml(embedded::openapi, limits);
  RABT_CHECK(read.root != nullptr);
  document_ = workflow::to_json(*read.root);
  for (const auto& [pattern, methods] : document_["paths"].as_object()) {
    for (const std::string_view method : kMethods) {
      const Json* const described = methods.find(method);
      if (described == nullptr) continue;
      Operation& one = operations_[described->string_or("operationId", "")];
      for (const Json* list : {methods.find("parameters"), described->find("parameters")}) {
        if (list == nullptr) continue;
        for (const Json& given : list->as_array()) {
          const Json& parameter = follow(given);
          if (parameter.string_or("in", "") == "query")
            one.parameters.insert(parameter.string_or("name", ""));
        }
      }
      const Json& body = follow((*described)["requestBody"]);
      one.body = body["content"]["application/json"]["schema"];
    }
  }
}

Status Described::check(std::string_view operation, const http::Request& request) const {
  const auto found = operations_.find(operation);
  if (found == operations_.end()) return ok_status();
  const Operation& described = found->second;
  std::vector<std::string> mistakes;
  for (const auto& [name, value] : request.query) {
    if (described.parameters.contains(name)) continue;
    const std::vector<std::string> known(described.parameters.begin(), described.parameters.end());
    mistakes.push_back(unknown("parameter of the query", name, known));
  }
  const bool has_json = described.body.is_object() && may_be_json(request.header("content-type"));
  if (has_json && !request.body.empty()) {
    // What is no JSON, the operation refuses.
    if (const auto body = Json::parse(request.body); body.ok())
      look({&described.body}, *body, "", 0, mistakes);
  }
  if (mistakes.empty()) return ok_status();
  std::string text;
  for (const std::string& one : mistakes) text.append(text.empty() ? "" : "\n").append(one);
  return invalid("api.invalid", std::move(text));
}

void Described::look(const std::vector<const Json*>& schemas, const Json& value,
                     const std::string& path, int depth, std::vector<std::string>& mistakes) const {
  if (depth > kMaxDepth) return;
  if (value.is_array()) {
    std::vector<const Json*> items;
    for (const Json* schema : schemas) {
      const Json& list = follow(*schema);
      if (list["items"].is_object()) items.push_back(&list["items"]);
    }
    if (items.empty()) return;
    for (std::size_t i = 0; i < value.size(); ++i)
      look(items, value.item(i), path + "[" + std::to_string(i) + "]", depth + 1, mistakes);
    return;
  }
  if (!value.is_object()) return;
  Members members;
  for (const Json* schema : schemas) gather(*schema, 0, members);
  if (!members.told) return;
  for (const auto& [name, member] : value.as_object()) {
    const auto known = members.named.find(name);
    if (known != members.named.end()) {
      look(known->second, member, path.empty() ? name : path + "." + name, depth + 1, mistakes);
    } else if (!members.open) {
      std::vector<std::string> names;
      for (const auto& [one, types] : members.named) names.push_back(one);
      mistakes.push_back((path.empty() ? std::string("body") : path) + ": " +
                         unknown("member", name, names));
    }
  }
}

void Described::gather(const Json& schema, int depth, Members& out) const {
  if (depth > kMaxDepth) return;
  const Json& here = follow(schema);
  if (here["properties"].is_object()) {
    out.told = true;
    for (const auto& [name, type] : here["properties"].as_object())
      out.named[name].push_back(&type);
  }
  // Other names of members, which are read where they stand.
  if (const Json& others = here["x-also"]; others.is_array()) {
    for (const Json& name : others.as_array()) out.named[name.as_string()];
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
    for (const Json& part : parts.as_array()) gather(part, depth + 1, out);
  }
}

const Json& Described::follow(const Json& json) const {
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

}  // namespace rabt::api
