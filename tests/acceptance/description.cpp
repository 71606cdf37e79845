#include "tests/acceptance/description.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "hub/workflow/yaml/yaml.hpp"
#include "tests/e2e/support.hpp"

namespace rabt::acceptance {

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// Number of the pattern's words that the path repeats; nothing if the path does not match.
std::optional<int> fit(std::string_view pattern, std::string_view path) {
  int words = 0;
  while (!pattern.empty() || !path.empty()) {
    const std::string_view want = pattern.substr(0, pattern.find('/'));
    const std::string_view have = path.substr(0, path.find('/'));
    if (want == have) {
      ++words;
    } else if (!want.starts_with('{') || have.empty()) {
      return std::nullopt;
    }
    if ((want.size() == pattern.size()) != (have.size() == path.size())) return std::nullopt;
    pattern.remove_prefix(std::min(pattern.size(), want.size() + 1));
    path.remove_prefix(std::min(path.size(), have.size() + 1));
  }
  return words;
}

// One document, not one a line.
bool is_json(const std::string& type) {
  return type.find("json") != std::string::npos && type.find("ndjson") == std::string::npos;
}

// True if `name` is a form of JSON, and the answer's own where the forms have that.
bool is_form(const Json& forms, const std::string& name, std::string_view type) {
  return is_json(name) && (name == type || forms.find(type) == nullptr);
}

bool has_json(const Json& content) {
  const Json& forms = content["content"];
  if (!forms.is_object()) return false;
  const auto& all = forms.as_object();
  return std::any_of(all.begin(), all.end(), [](const auto& one) {
    return is_json(one.first) && one.second["schema"].is_object();
  });
}

std::map<std::string, Json> examples_of(const Json& content) {
  std::map<std::string, Json> out;
  const Json& forms = content["content"];
  if (!forms.is_object()) return out;
  for (const auto& [type, media] : forms.as_object()) {
    if (!is_json(type)) continue;
    if (const Json* item = media.find("example")) out[""] = *item;
    const Json* const named = media.find("examples");
    if (named == nullptr) continue;
    for (const auto& [name, one] : named->as_object()) out[name] = one["value"];
  }
  return out;
}

}  // namespace

Description& Description::get() {
  static Description description([] {
    workflow::YamlLimits limits;
    limits.max_bytes = 4U << 20U;
    const auto read =
        workflow::parse_yaml(e2e::read_file(e2e::source_dir() + "/docs/openapi.yaml"), limits);
    EXPECT_NE(read.root, nullptr) << read.fault.line << ": " << read.fault.message;
    return read.root == nullptr ? Json::object({{"paths", Json::object()}})
                                : workflow::to_json(*read.root);
  }());
  return description;
}

Description::Description(Json document) : document_(std::move(document)) {
  for (const auto& [pattern, methods] : document_["paths"].as_object()) {
    for (const auto& [method, described] : methods.as_object()) {
      if (!described.is_object()) continue;
      Operation operation{.method = upper(method),
                          .pattern = pattern,
                          .id = described.string_or("operationId", ""),
                          .described = described,
                          .parameters = {}};
      for (const Json* list : {methods.find("parameters"), described.find("parameters")}) {
        if (list == nullptr) continue;
        for (const Json& parameter : list->as_array())
          operation.parameters.push_back(follow(parameter));
      }
      operations_.push_back(std::move(operation));
    }
  }
}

const Operation* Description::find(std::string_view method, std::string_view path) const {
  path = path.substr(0, path.find('?'));
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const Operation* best = nullptr;
  int most = -1;
  for (const Operation& operation : operations_) {
    const auto words = operation.method == method ? fit(operation.pattern, path) : std::nullopt;
    if (!words || *words <= most) continue;
    best = &operation;
    most = *words;
  }
  return best;
}

Json Description::body_schema(const Operation& operation) const {
  const Json* body = operation.described.find("requestBody");
  return body == nullptr ? Json() : schema_of(follow(*body));
}

std::map<std::string, Json> Description::body_examples(const Operation& operation) const {
  const Json* body = operation.described.find("requestBody");
  return body == nullptr ? std::map<std::string, Json>() : examples_of(follow(*body));
}

std::map<std::string, Json> Description::answer_examples(const Operation& operation,
                                                         int status) const {
  const Json* const described = answer(operation, status);
  return described == nullptr ? std::map<std::string, Json>() : examples_of(*described);
}

bool Description::describes(const Operation& operation, int status) const {
  return answer(operation, status) != nullptr;
}

std::string Description::misfit(const Operation& operation, int status, const std::string& body,
                                std::string_view type) {
  type = type.substr(0, type.find(';'));
  const Json* const described = answer(operation, status);
  if (described == nullptr)
    return "the status " + std::to_string(status) + " is not described: " + body.substr(0, 200);
  auto& schema = compiled_[operation.id + std::to_string(status) + std::string(type)];
  if (schema == nullptr) {
    const Json document = schema_of(*described, type);
    auto made = document.is_object() ? Schema::compile(document) : Result<Schema>(Schema());
    if (!made.ok()) return "the description's schema: " + made.error().message;
    schema = std::make_unique<Schema>(document.is_object() ? *std::move(made) : Schema());
  }
  if (body.empty() || !has_json(*described)) return {};
  const auto json = Json::parse(body);
  if (!json.ok()) return "this is not JSON";
  const auto wrong = schema->check(*json);
  if (!wrong) return {};
  return "the answer does not fit the description: " + wrong->instance_path + " " + wrong->message;
}

std::set<std::string> Description::untold(const Operation& operation, int status, const Json& body,
                                          std::string_view type) const {
  std::set<std::string> out;
  type = type.substr(0, type.find(';'));
  const Json* const described = answer(operation, status);
  if (described == nullptr) return out;
  const Json& forms = (*described)["content"];
  if (!forms.is_object()) return out;
  for (const auto& [name, media] : forms.as_object()) {
    if (is_form(forms, name, type)) look({&media["schema"]}, body, "", out);
  }
  return out;
}

// Several schemas: what one says in parts, and alternatives.
void Description::look(const std::vector<const Json*>& schemas, const Json& value,
                       const std::string& path, std::set<std::string>& untold) const {
  std::vector<const Json*> all = schemas;
  std::map<std::string, std::vector<const Json*>> members;
  std::vector<const Json*> items;
  bool open = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Json& node = follow(*all[i]);
    for (const char* parts : {"allOf", "anyOf", "oneOf"}) {
      if (const Json* list = node.find(parts))
        for (const Json& part : list->as_array()) all.push_back(&part);
    }
    if (const Json* item = node.find("items")) items.push_back(item);
    if (const Json* rest = node.find("additionalProperties")) open = open || *rest != Json(false);
    if (const Json* member_value = node.find("properties")) {
      for (const auto& [name, schema] : member_value->as_object()) members[name].push_back(&schema);
    }
  }
  if (value.is_array() && !items.empty()) {
    for (const Json& item : value.as_array()) look(items, item, path + "[]", untold);
  }
  if (!value.is_object() || members.empty() || open) return;
  for (const auto& [name, member] : value.as_object()) {
    const std::string at = path + "/" + name;
    if (const auto known = members.find(name); known != members.end()) {
      look(known->second, member, at, untold);
    } else {
      untold.insert(at);
    }
  }
}

const Json* Description::answer(const Operation& operation, int status) const {
  const Json& answers = operation.described["responses"];
  for (const std::string& name :
       {std::to_string(status), std::to_string(status / 100) + "XX", std::string("default")}) {
    if (const Json* found = answers.find(name)) return &follow(*found);
  }
  return nullptr;
}

const Json& Description::follow(const Json& json) const {
  static const Json none;
  const Json* reference = json.find("$ref");
  if (reference == nullptr) return json;
  const Json* at = &document_;
  std::string_view rest = reference->as_string();
  rest.remove_prefix(2);
  while (at != nullptr && !rest.empty()) {
    const auto slash = rest.find('/');
    at = at->find(rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  return at == nullptr ? none : *at;
}

Json Description::schema_of(const Json& content, std::string_view type) const {
  const Json& forms = content["content"];
  if (!forms.is_object()) return {};
  for (const auto& [name, media] : forms.as_object()) {
    if (!is_form(forms, name, type)) continue;
    Json schema = media["schema"];
    if (!schema.is_object()) return {};
    schema.set("$defs", document_["components"]["schemas"]);
    // The schemas of the document are the definitions of this one.
    constexpr std::string_view kThere = "#/components/schemas/";
    std::string text = schema.dump();
    for (auto at = text.find(kThere); at != std::string::npos; at = text.find(kThere, at))
      text.replace(at, kThere.size(), "#/$defs/");
    return *Json::parse(text);
  }
  return {};
}

}  // namespace rabt::acceptance
