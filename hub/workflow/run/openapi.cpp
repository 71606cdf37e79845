#include "hub/workflow/run/openapi.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "hub/base/ascii.hpp"
#include "hub/base/json_pointer.hpp"
#include "hub/base/suggest.hpp"
#include "hub/base/uri.hpp"
#include "hub/workflow/run/uri_template.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::workflow {

namespace {

using Names = std::vector<std::string>;

constexpr int kMaxReferences = 32;   // a $ref to a $ref to a ...; more is a circle
constexpr int kMaxSchemaDepth = 16;  // allOf inside allOf
constexpr std::string_view kReserved = ":/?#[]@!$&'()*+,;=";
constexpr std::string_view kMethods[] = {"get",     "put",  "post", "delete",
                                         "options", "head", "patch"};

Error wrong_document(std::string message) {
  return invalid("configuration", std::move(message));
}
Error wrong_argument(std::string message) {
  return invalid("validation", std::move(message));
}

// type/subtype, without parameters, in lower case.
std::string media_type(std::string_view text) {
  return lower(trim(text.substr(0, text.find(';')), " "));
}

// The value, behind its local references ({"$ref": "#/..."}) if it is one.
Result<Json> resolved(const Json& document, const Json& given) {
  Json value = given;
  for (int hops = 0; value.is_object() && value.find("$ref") != nullptr; ++hops) {
    const std::string reference = value.string_or("$ref", "");
    if (hops == kMaxReferences)
      return wrong_document("the document's reference `" + reference + "` leads in a circle");
    if (!reference.starts_with("#/")) {
      return wrong_document("the document refers to `" + reference +
                            "`; only references inside the document are followed");
    }
    const Json* at = at_pointer(document, percent_decode(std::string_view(reference).substr(1)));
    if (at == nullptr || at->is_null()) {
      return wrong_document("the document's reference `" + reference + "` leads nowhere");
    }
    value = *at;
  }
  return value;
}

struct Operation {
  std::string method;
  std::string path;
  Json item;
  Json operation;
};

Result<Operation> find_operation(const Json& document, std::string_view id) {
  Names names;
  if (!document["paths"].is_object()) {
    return wrong_document("the OpenAPI document has no paths");
  }
  for (const auto& [path, given] : document["paths"].as_object()) {
    RABT_TRY(item, resolved(document, given));
    for (const std::string_view method : kMethods) {
      const Json* operation = item.find(method);
      if (operation == nullptr) continue;
      const std::string found = operation->string_or("operationId", "");
      if (found == id) return Operation{upper(method), path, item, *operation};
      if (!found.empty()) names.push_back(found);
    }
  }
  const std::string near = did_you_mean(id, names);
  return wrong_document("the OpenAPI document has no operation `" + std::string(id) + "`" +
                        (near.empty() ? std::string() : "; " + near));
}

// Parameters of the path, replaced by parameters of the operation with the same name and place
// (OpenAPI 3.0.3, "Operation Object").
Result<std::vector<Json>> parameters_of(const Json& document, const Operation& operation) {
  std::vector<Json> out;
  for (const Json* list : {&operation.item["parameters"], &operation.operation["parameters"]}) {
    for (std::size_t i = 0; i < list->size(); ++i) {
      RABT_TRY(parameter, resolved(document, (*list)[i]));
      if (!parameter["name"].is_string() || !parameter["in"].is_string())
        return wrong_document("a parameter of the operation has no name or no `in`");
      const auto same = std::find_if(out.begin(), out.end(), [&](const Json& item) {
        return item["name"] == parameter["name"] && item["in"] == parameter["in"];
      });
      if (same == out.end()) {
        out.push_back(std::move(parameter));
      } else {
        *same = std::move(parameter);
      }
    }
  }
  return out;
}

// ---- serialization ----

struct Style {
  std::string name;  // simple, label, matrix, form, spaceDelimited, pipeDelimited, tab, deepObject
  bool explode = false;
  bool allow_reserved = false;
  bool json = false;  // `content: {application/json: ...}`
};

Style style_of(const Json& parameter, bool swagger) {
  const std::string in = parameter.string_or("in", "");
  Style out;
  if (swagger) {
    const std::string format = parameter.string_or("collectionFormat", "csv");
    const bool query = in == "query" || in == "formData";
    out.name = query ? "form" : "simple";
    if (format == "ssv") out.name = "spaceDelimited";
    if (format == "pipes") out.name = "pipeDelimited";
    if (format == "tsv") out.name = "tab";
    out.explode = format == "multi";
    return out;
  }
  out.json = parameter["content"].is_object();
  const bool form = in == "query" || in == "cookie";
  out.name = parameter.string_or("style", form ? "form" : "simple");
  out.explode = parameter.bool_or("explode", out.name == "form");
  out.allow_reserved = parameter.bool_or("allowReserved", false);
  return out;
}

// escape: for a place in a URI, where blank, tab and | are not allowed.
std::string_view separator_of(const Style& style, bool escape) {
  if (style.name == "spaceDelimited") return escape ? "%20" : " ";
  if (style.name == "pipeDelimited") return escape ? "%7C" : "|";
  if (style.name == "tab") return escape ? "%09" : "\t";
  return ",";
}

// One parameter as the operation's style writes it. Values are already escaped where the place
// needs it.
class Serializer {
 public:
  Serializer(std::string name, Style style, bool escape)
      : name_(std::move(name)), style_(std::move(style)), escape_(escape) {}

  // A text for path and header; for query and cookie use pairs().
  Result<std::string> text(const Json& value) const {
    if (style_.json) return escaped(value.dump());
    RABT_TRY(pieces, this->pieces(value));
    const bool members = value.is_object();
    std::string joined;
    const std::string separator = style_.name == "label" && style_.explode ? "."
                                  : style_.name == "matrix" && style_.explode
                                      ? ";"
                                      : std::string(separator_of(style_, escape_));
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0) joined += separator;
      const auto& [key, item] = pieces[i];
      if (members) {
        joined += key + (style_.explode ? "=" : ",") + item;
      } else if (style_.name == "matrix" && style_.explode && value.is_array()) {
        joined += escaped(name_) + "=" + item;
      } else {
        joined += item;
      }
    }
    if (style_.name == "label") return "." + joined;
    if (style_.name == "matrix") {
      if (style_.explode && (members || value.is_array())) return ";" + joined;
      return ";" + escaped(name_) + (joined.empty() ? "" : "=" + joined);
    }
    return joined;
  }

  Result<std::vector<std::pair<std::string, std::string>>> pairs(const Json& value) const {
    std::vector<std::pair<std::string, std::string>> out;
    const std::string name = escaped(name_);
    if (style_.json) {
      out.emplace_back(name, escaped(value.dump()));
      return out;
    }
    RABT_TRY(pieces, this->pieces(value));
    if (style_.name == "deepObject" && value.is_object()) {
      for (const auto& [key, item] : pieces) out.emplace_back(name + "%5B" + key + "%5D", item);
      return out;
    }
    if (value.is_object() && style_.explode) {
      for (auto& piece : pieces) out.push_back(std::move(piece));
      return out;
    }
    if (value.is_array() && style_.explode) {
      for (auto& [key, item] : pieces) out.emplace_back(name, std::move(item));
      return out;
    }
    std::string joined;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0) joined += separator_of(style_, escape_);
      // Names and values are joined alike (OpenAPI 3.0.4, style examples).
      if (value.is_object()) joined.append(pieces[i].first).append(separator_of(style_, escape_));
      joined += pieces[i].second;
    }
    out.emplace_back(name, std::move(joined));
    return out;
  }

 private:
  [[nodiscard]] std::string escaped(std::string_view text) const {
    if (!escape_) return std::string(text);
    return percent_encode(text, style_.allow_reserved ? kReserved : std::string_view());
  }
  // The items of an array, the members of an object, or the one value: {key, text}.
  Result<std::vector<std::pair<std::string, std::string>>> pieces(const Json& value) const {
    std::vector<std::pair<std::string, std::string>> out;
    const auto add = [&](std::string_view key, const Json& item) {
      const std::optional<std::string> text = scalar_text(item);
      if (text.has_value()) out.emplace_back(escaped(key), escaped(*text));
      return text.has_value();
    };
    bool good = true;
    if (value.is_array()) {
      for (const Json& item : value.as_array()) good = add("", item) && good;
    } else if (value.is_object()) {
      for (const auto& [key, item] : value.as_object()) good = add(key, item) && good;
    } else {
      good = add("", value);
    }
    if (good) return out;
    return wrong_argument("the parameter `" + name_ +
                          "` holds an array or object inside another; its style cannot write that");
  }

  std::string name_;
  Style style_;
  bool escape_;
};

// ---- servers ----

Result<std::string> base_uri(const Json& document, const Operation& operation, bool swagger,
                             std::string_view document_uri) {
  if (swagger) {
    const std::size_t scheme_end = document_uri.find("://");
    std::string scheme(document_uri.substr(0, scheme_end));
    const Json& own = operation.operation["schemes"];
    const Json& schemes = own.is_array() ? own : document["schemes"];
    Names offered;
    for (std::size_t i = 0; i < schemes.size(); ++i) {
      if (schemes[i].is_string()) offered.push_back(lower(schemes[i].as_string()));
    }
    for (const char* wanted : {"http", "https"}) {
      if (std::find(offered.begin(), offered.end(), wanted) != offered.end()) scheme = wanted;
    }
    std::string host = document.string_or("host", "");
    if (host.empty()) {
      const std::string_view rest = document_uri.substr(scheme_end + 3);
      host = std::string(rest.substr(0, rest.find_first_of("/?#")));
    }
    std::string path = document.string_or("basePath", "");
    while (path.ends_with('/')) path.pop_back();
    if (!path.empty() && path.front() != '/') path.insert(0, "/");
    return scheme + "://" + host + path;
  }
  std::string url = "/";
  for (const Json* holder : {&document, &operation.item, &operation.operation}) {
    const Json& server = (*holder)["servers"][std::size_t{0}];
    if (!server["url"].is_string()) continue;
    url = server["url"].as_string();
    std::string filled;
    std::string_view rest = url;
    while (true) {
      const std::size_t open = rest.find('{');
      filled += rest.substr(0, open);
      if (open == std::string_view::npos) break;
      const std::size_t close = rest.find('}', open);
      if (close == std::string_view::npos)
        return wrong_document("the server's URL has a `{` without `}`");
      const std::string_view name = rest.substr(open + 1, close - open - 1);
      const std::optional<std::string> value = scalar_text(server["variables"][name]["default"]);
      if (!value.has_value() || value->empty()) {
        return wrong_document("the server's variable `" + std::string(name) + "` has no default");
      }
      filled += *value;
      rest.remove_prefix(close + 1);
    }
    url = std::move(filled);
  }
  url = resolve_uri(document_uri, url);
  url = url.substr(0, url.find_first_of("?#"));
  while (url.ends_with('/')) url.pop_back();
  return url;
}

// ---- bodies ----

// The properties that a schema names, through references and allOf. open: it may have others.
void collect_properties(const Json& document, const Json& given, int depth, Names& names,
                        bool& open) {
  if (depth > kMaxSchemaDepth) {
    open = true;
    return;
  }
  const Result<Json> schema = resolved(document, given);
  if (!schema.ok() || !schema.value().is_object()) {
    open = true;
    return;
  }
  const Json& value = schema.value();
  for (const char* key : {"oneOf", "anyOf"}) open = open || value.find(key) != nullptr;
  if (const Json* extra = value.find("additionalProperties");
      extra != nullptr && !(extra->is_bool() && !extra->as_bool())) {
    open = true;
  }
  if (value["properties"].is_object()) {
    for (const auto& [name, unused] : value["properties"].as_object()) names.push_back(name);
  }
  const Json& all = value["allOf"];
  for (std::size_t i = 0; i < all.size(); ++i)
    collect_properties(document, all[i], depth + 1, names, open);
}

struct Body {
  bool offered = false;  // the operation takes one
  bool required = false;
  std::string type;  // media type
  Json schema;
  Names properties;
  bool open = false;  // members beyond the properties are fine
};

// The first media type that can be sent: JSON, then a form, then text.
std::string choose_type(const Names& types) {
  for (const std::string& type : types) {
    if (is_json_media_type(type)) return type;
  }
  for (const std::string& type : types) {
    if (type == "application/x-www-form-urlencoded") return type;
  }
  for (const std::string& type : types) {
    if (type.starts_with("text/") || type.ends_with("xml")) return type;
  }
  for (const std::string& type : types) {
    if (type == "*/*" || type == "application/*") return "application/json";
  }
  return {};
}

Result<Body> body_of(const Json& document, const Operation& operation) {
  Body out;
  const Json* given = operation.operation.find("requestBody");
  if (given == nullptr) return out;
  RABT_TRY(body, resolved(document, *given));
  out.offered = true;
  out.required = body.bool_or("required", false);
  Names types;
  std::vector<Json> schemas;
  if (body["content"].is_object()) {
    for (const auto& [type, media] : body["content"].as_object()) {
      types.push_back(media_type(type));
      schemas.push_back(media["schema"]);
    }
  }
  out.type = choose_type(types);
  if (out.type.empty()) {
    return wrong_document(
        "the operation takes no body of JSON, a form or text, which is what can be "
        "sent" +
        (types.empty() ? std::string() : "; it takes " + types.front()));
  }
  const auto at = std::find(types.begin(), types.end(), out.type);
  if (at != types.end()) out.schema = schemas[static_cast<std::size_t>(at - types.begin())];
  collect_properties(document, out.schema, 0, out.properties, out.open);
  if (out.properties.empty()) out.open = true;
  return out;
}

bool is_text_body(const Json& value) {
  return value.is_string();
}

Status put_body(HttpRequest& request, const std::string& type, Json value) {
  request.has_body = true;
  if (type == "application/x-www-form-urlencoded") {
    if (!value.is_object() && !value.is_string())
      return wrong_argument("the body of a form must be an object");
    request.body = value.is_object() ? Json(form_encode(value)) : std::move(value);
  } else if (is_json_media_type(type)) {
    // A text would be sent as it is, but this one is a JSON text.
    request.body = is_text_body(value) ? Json(value.dump()) : std::move(value);
  } else {
    const std::optional<std::string> text = scalar_text(value);
    if (!text.has_value()) return wrong_argument("the body of type " + type + " must be a text");
    request.body = Json(*text);
  }
  request.headers.set("content-type", type);
  return ok_status();
}

}  // namespace

bool is_json_media_type(std::string_view content_type) {
  const std::string type = media_type(content_type);
  return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

const Json* find_header(const Json& headers, std::string_view lower_case_name) {
  if (!headers.is_object()) return nullptr;
  for (const auto& [name, value] : headers.as_object()) {
    if (lower(name) == lower_case_name) return &value;
  }
  return nullptr;
}

std::string form_encode(const Json& members) {
  std::string out;
  const auto encode = [](const Json& value) {
    const std::optional<std::string> text = scalar_text(value);
    std::string escaped = percent_encode(text.has_value() ? *text : value.dump(), " ");
    std::replace(escaped.begin(), escaped.end(), ' ', '+');
    return escaped;
  };
  const auto add = [&](std::string_view name, const Json& value) {
    if (!out.empty()) out += '&';
    out += encode(Json(name)) + '=' + encode(value);
  };
  for (const auto& [name, value] : members.as_object()) {
    if (value.is_array()) {
      for (const Json& item : value.as_array()) add(name, item);
    } else if (!value.is_null()) {
      add(name, value);
    }
  }
  return out;
}

Result<Json> openapi_document(const Json& body) {
  Json document = body;
  if (body.is_string()) {
    Result<Json> parsed = Json::parse(body.as_string());
    if (parsed.ok()) {
      document = std::move(parsed).value();
    } else {
      const YamlOutcome tree = parse_yaml(body.as_string());
      if (tree.root == nullptr) {
        return wrong_document("the OpenAPI document is neither JSON nor YAML: line " +
                              std::to_string(tree.fault.line) + ": " + tree.fault.message);
      }
      document = to_json(*tree.root);
    }
  }
  if (document.string_or("swagger", "") == "2.0") return document;
  const std::string version = document.string_or("openapi", "");
  if (version.starts_with("3.0.") || version.starts_with("3.1.")) return document;
  if (!version.empty()) {
    return wrong_document("the document says openapi " + version.substr(0, 20) +
                          "; 3.0, 3.1 and swagger 2.0 are read");
  }
  return wrong_document(
      "what was fetched is not an OpenAPI document: it has neither `openapi: 3.x` nor `swagger: "
      "'2.0'`");
}

namespace {

// The parts of a request as the parameters fill them. Errors as in openapi_request.
class RequestParts {
 public:
  RequestParts(const Json& document, const Operation& operation, std::string_view id)
      : document_(document),
        operation_(operation),
        name_("the operation `" + std::string(id) + "`"),
        swagger_(document.find("swagger") != nullptr),
        path_(operation.path) {
    request_.method = operation.method;
  }

  // Places the value of a parameter that the operation declares.
  Status place(const Json& parameter, const Json& parameters);
  // Ok if each place of the path has got its parameter.
  [[nodiscard]] Status check_path() const;
  // Adds Swagger's form, after every parameter is placed.
  Status add_form();
  // Adds the parameters that the operation does not declare: the body or its members.
  Status add_body(const Json& parameters);
  Result<HttpRequest> finish(const std::string& base);

 private:
  Status place_in_path(const std::string& name, const Style& style, const Json& value);
  Status place_in_form(const std::string& name, const Style& style, const Json& value);
  Status place_as_body(Json value);
  // Appends key=text pairs, with the separator between them.
  static Status append_pairs(std::string& to, const char* separator, const std::string& name,
                             const Style& style, const Json& value);
  // The media types that Swagger's `consumes` names.
  [[nodiscard]] Names consumed() const;
  Error unknown(const std::string& name, const Body& body) const;

  const Json& document_;
  const Operation& operation_;
  std::string name_;
  bool swagger_;
  HttpRequest request_;
  std::string path_;
  std::string query_;
  std::string cookies_;
  Json form_ = Json::object();
  bool form_offered_ = false;
  std::set<std::string> used_;
};

Status RequestParts::place(const Json& parameter, const Json& parameters) {
  const std::string name = parameter["name"].as_string();
  const std::string in = parameter["in"].as_string();
  if (swagger_ && parameter.string_or("type", "") == "file") {
    return wrong_document("the operation takes a file (parameter `" + name +
                          "`), which is not supported");
  }
  used_.insert(name);
  form_offered_ = form_offered_ || in == "formData";
  const Json* given = parameters.find(name);
  Json value = given == nullptr ? Json() : *given;
  if (value.is_null()) {
    if (!parameter.bool_or("required", false) && in != "path") return ok_status();
    value = swagger_ ? parameter["default"] : parameter["schema"]["default"];
    if (value.is_null())
      return wrong_argument(name_ + " needs the parameter `" + name + "` (" + in + ")");
  }
  const Style style = style_of(parameter, swagger_);
  if (in == "path") return place_in_path(name, style, value);
  if (in == "query") return append_pairs(query_, "&", name, style, value);
  if (in == "cookie") return append_pairs(cookies_, "; ", name, style, value);
  if (in == "formData") return place_in_form(name, style, value);
  if (in == "body") return place_as_body(std::move(value));
  if (in != "header") {
    return wrong_document("the parameter `" + name + "` stands in `" + in +
                          "`, which is not a place for parameters");
  }
  // OpenAPI 3.0.3, "Parameter Object": these are described elsewhere and ignored here.
  const std::string key = lower(name);
  if (!swagger_ && (key == "accept" || key == "content-type" || key == "authorization"))
    return ok_status();
  RABT_TRY(text, Serializer(name, style, false).text(value));
  request_.headers.set(name, std::move(text));
  return ok_status();
}

Status RequestParts::place_in_path(const std::string& name, const Style& style, const Json& value) {
  RABT_TRY(text, Serializer(name, style, true).text(value));
  const std::string marker = "{" + name + "}";
  const std::size_t at = path_.find(marker);
  if (at == std::string::npos)
    return wrong_document("the path has no place for its parameter `" + name + "`");
  if (text.empty() || text == "." || text == "..") {
    return wrong_argument("the path parameter `" + name +
                          "` is empty or a dot segment, which would lead to another path");
  }
  for (std::size_t found = at; found != std::string::npos;
       found = path_.find(marker, found + text.size())) {
    path_.replace(found, marker.size(), text);
  }
  return ok_status();
}

Status RequestParts::check_path() const {
  const std::size_t left = path_.find('{');
  if (left == std::string::npos) return ok_status();
  const std::string_view rest = std::string_view(path_).substr(left);
  return wrong_document("the path needs `" + std::string(rest.substr(0, rest.find('}') + 1)) +
                        "`, but the operation declares no such parameter");
}

Status RequestParts::place_in_form(const std::string& name, const Style& style, const Json& value) {
  if (!value.is_array() || style.explode) {
    form_.set(name, value);
    return ok_status();
  }
  // No escapes here: the form's encoder writes them.
  const std::string between(separator_of(style, false));
  std::string joined;
  for (const Json& item : value.as_array()) {
    const std::optional<std::string> text = scalar_text(item);
    if (!text.has_value())
      return wrong_argument("the parameter `" + name + "` holds an array or object inside another");
    joined += (joined.empty() ? "" : between) + *text;
  }
  form_.set(name, joined);
  return ok_status();
}

Status RequestParts::place_as_body(Json value) {
  const Names types = consumed();
  const std::string type = types.empty() ? "application/json" : choose_type(types);
  if (type.empty()) {
    return wrong_document(
        "the operation takes no body of JSON, a form or text, which is what can be sent");
  }
  return put_body(request_, type, std::move(value));
}

Status RequestParts::append_pairs(std::string& to, const char* separator, const std::string& name,
                                  const Style& style, const Json& value) {
  RABT_TRY(pairs, Serializer(name, style, true).pairs(value));
  for (const auto& [key, text] : pairs) {
    to += to.empty() ? "" : separator;
    to += key + "=" + text;
  }
  return ok_status();
}

Names RequestParts::consumed() const {
  const Json& own = operation_.operation["consumes"];
  const Json& consumes = own.is_array() ? own : document_["consumes"];
  Names types;
  for (std::size_t i = 0; i < consumes.size(); ++i) {
    if (consumes[i].is_string()) types.push_back(media_type(consumes[i].as_string()));
  }
  return types;
}

Status RequestParts::add_form() {
  if (!form_offered_) return ok_status();
  constexpr const char* kForm = "application/x-www-form-urlencoded";
  const Json& own = operation_.operation["consumes"];
  const Names types = consumed();
  const bool named = (own.is_array() ? own : document_["consumes"]).size() > 0;
  if (named && std::find(types.begin(), types.end(), kForm) == types.end())
    return wrong_document("the operation takes its form as multipart only, which is not supported");
  return form_.size() > 0 ? put_body(request_, kForm, form_) : ok_status();
}

Error RequestParts::unknown(const std::string& name, const Body& body) const {
  Names names(used_.begin(), used_.end());
  names.insert(names.end(), body.properties.begin(), body.properties.end());
  if (body.offered) names.emplace_back("body");
  const std::string near = did_you_mean(name, names);
  return wrong_argument(name_ + " has no parameter `" + name + "`" +
                        (near.empty() ? std::string() : "; " + near));
}

Status RequestParts::add_body(const Json& parameters) {
  RABT_TRY(body, body_of(document_, operation_));
  Json members = Json::object();
  if (parameters.is_object()) {
    for (const auto& [name, value] : parameters.as_object()) {
      if (used_.contains(name)) continue;
      if (body.offered && name == "body") {
        RABT_TRY_STATUS(put_body(request_, body.type, value));
        continue;
      }
      const bool property =
          std::find(body.properties.begin(), body.properties.end(), name) != body.properties.end();
      if (!body.offered || !(property || body.open)) return unknown(name, body);
      members.set(name, value);
    }
  }
  if (members.size() > 0) {
    if (request_.has_body)
      return wrong_argument(
          "the parameters name the whole `body` and members of it: give one of both");
    RABT_TRY_STATUS(put_body(request_, body.type, std::move(members)));
  }
  if (body.required && !request_.has_body)
    return wrong_argument(name_ + " needs a body: give its members, or the whole as `body`");
  return ok_status();
}

Result<HttpRequest> RequestParts::finish(const std::string& base) {
  if (!cookies_.empty()) request_.headers.set("cookie", cookies_);
  if (!path_.empty() && path_.front() != '/') path_.insert(0, "/");
  // Escapes the rest of the document's path, and keeps its own escapes.
  const Result<std::string> literal = expand_uri_template(path_, Json::object());
  if (!literal.ok()) return wrong_document("the path of the operation is not the path of a URI");
  request_.uri = base + literal.value() + (query_.empty() ? "" : "?" + query_);
  return std::move(request_);
}

}  // namespace

Result<HttpRequest> openapi_request(const Json& document, std::string_view document_uri,
                                    std::string_view operation_id, const Json& parameters) {
  if (!parameters.is_null() && !parameters.is_object())
    return wrong_argument("the parameters of a call must be an object");
  RABT_TRY(operation, find_operation(document, operation_id));
  RABT_TRY(declared, parameters_of(document, operation));
  const bool swagger = document.find("swagger") != nullptr;
  RABT_TRY(base, base_uri(document, operation, swagger, document_uri));
  if (!base.starts_with("http://") && !base.starts_with("https://"))
    return wrong_document("the server of the operation is not an http or https URL");
  RequestParts parts(document, operation, operation_id);
  for (const Json& parameter : declared) RABT_TRY_STATUS(parts.place(parameter, parameters));
  RABT_TRY_STATUS(parts.check_path());
  RABT_TRY_STATUS(parts.add_form());
  RABT_TRY_STATUS(parts.add_body(parameters));
  return parts.finish(base);
}

}  // namespace rabt::workflow
