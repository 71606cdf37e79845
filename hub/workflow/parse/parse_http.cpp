#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/execution.hpp"
#include "hub/workflow/parse/parser.hpp"
#include "hub/workflow/run/uri_template.hpp"

// call: http, call: openapi, use.authentications and use.secrets (DSL reference: "HTTP Call",
// "OpenAPI Call", "Authentication", "Endpoint", "External Resource").
namespace rabt::workflow {

namespace {

using Names = std::vector<std::string>;

const Names& methods() {
  static const Names names = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  return names;
}

bool is_expression(const YamlNode& node) {
  return node.is_text() && enclosed(node.text()).kind == Enclosed::Kind::expression;
}

struct SchemeKeys {
  Names names;
  Names required;
};
const SchemeKeys* keys_of_scheme(std::string_view scheme) {
  static const SchemeKeys password = {{"username", "password"}, {"username", "password"}};
  static const SchemeKeys bearer = {{"token"}, {"token"}};
  static const Names token_keys = {"authority", "grant",   "client",    "request",
                                   "issuers",   "scopes",  "audiences", "username",
                                   "password",  "subject", "actor"};
  static const SchemeKeys oidc = {token_keys, {"authority", "grant"}};
  static const SchemeKeys oauth2 = [] {
    SchemeKeys keys = {token_keys, {"authority", "grant"}};
    keys.names.emplace_back("endpoints");
    return keys;
  }();
  if (scheme == "basic" || scheme == "digest") return &password;
  if (scheme == "bearer") return &bearer;
  if (scheme == "oauth2") return &oauth2;
  if (scheme == "oidc") return &oidc;
  return nullptr;
}

// The text in front of a query, for traces.
std::string without_query(std::string_view uri) {
  return std::string(uri.substr(0, uri.find('?')));
}

}  // namespace

void Parser::read_secrets(const YamlEntry& entry) {
  if (entry.value->kind != YamlNode::Kind::sequence) {
    error(*entry.value, "workflow.type", "use.secrets is a list of names: `- name`");
    return;
  }
  for (const YamlPtr& item : entry.value->items) {
    if (!item->is_text() || item->text().empty()) {
      error(*item, "workflow.type", "a secret's name must be a text");
      continue;
    }
    if (std::find(model_->secrets.begin(), model_->secrets.end(), item->text()) !=
        model_->secrets.end()) {
      error(*item, "workflow.value", "secret `" + item->text() + "` stands twice in use.secrets");
      continue;
    }
    model_->secrets.push_back(item->text());
  }
}

void Parser::check_secret(int line, int column, const std::string& name) {
  if (std::find(model_->secrets.begin(), model_->secrets.end(), name) != model_->secrets.end())
    return;
  std::string suggestion = did_you_mean(name, model_->secrets);
  if (suggestion.empty()) suggestion = "add it to use.secrets";
  error(line, column, "workflow.unknown_secret", "no secret `" + name + "` in use.secrets",
        std::move(suggestion));
}

void Parser::read_authentications(const YamlEntry& entry) {
  if (!check_mapping(*entry.value, "use.authentications")) return;
  for (const YamlEntry& yaml_entry : entry.value->entries) {
    authentications_[yaml_entry.key] = authentication(yaml_entry, Scope{}, true);
  }
}

bool Parser::check_authentication(const YamlEntry& scheme) {
  const SchemeKeys& keys = *keys_of_scheme(scheme.key);
  const YamlNode& node = *scheme.value;
  if (!check_keys(node, "`" + scheme.key + "` authentication", keys.names, keys.required,
                  scheme.line, scheme.column)) {
    return false;
  }
  const std::size_t count = diagnostics_.size();
  const auto one_of = [&](const YamlEntry* found, const Names& good, const Names& refused,
                          std::string_view reason) {
    if (found == nullptr || is_expression(*found->value)) return;
    const std::string given = text_of(*found, found->key);
    if (given.empty() || std::find(good.begin(), good.end(), given) != good.end()) return;
    if (std::find(refused.begin(), refused.end(), given) != refused.end()) {
      error(*found->value, "workflow.not_supported",
            "`" + given + "` is not supported: " + std::string(reason));
      return;
    }
    error(*found->value, "workflow.value", "`" + found->key + "` is one of " + listed(good),
          did_you_mean(given, good));
  };
  one_of(node.find("grant"), {"client_credentials", "password"},
         {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"},
         "it needs a person or a token from outside; a workflow runs without either");
  if (const YamlEntry* client = node.find("client")) {
    if (check_keys(*client->value, "client", {"id", "secret", "assertion", "authentication"}, {},
                   client->line, client->column)) {
      one_of(client->value->find("authentication"),
             {"client_secret_post", "client_secret_basic", "none"},
             {"client_secret_jwt", "private_key_jwt"},
             "the hub signs no assertions for workflows; use a plugin, which can");
    }
  }
  if (const YamlEntry* request = node.find("request")) {
    if (check_keys(*request->value, "request", {"encoding"}, {}, request->line, request->column)) {
      one_of(request->value->find("encoding"),
             {"application/x-www-form-urlencoded", "application/json"}, {}, "");
    }
  }
  if (const YamlEntry* endpoints = node.find("endpoints")) {
    check_keys(*endpoints->value, "endpoints", {"token", "revocation", "introspection"}, {},
               endpoints->line, endpoints->column);
  }
  for (const char* key : {"scopes", "audiences", "issuers"}) {
    const YamlEntry* list = node.find(key);
    if (list != nullptr && list->value->kind != YamlNode::Kind::sequence &&
        !is_expression(*list->value)) {
      error(*list->value, "workflow.type", std::string(key) + " is a list of texts");
    }
  }
  for (const char* key : {"subject", "actor"}) {
    if (const YamlEntry* found = node.find(key)) {
      error(*found, "workflow.not_supported",
            std::string(key) + " belongs to token exchange, which is not supported");
    }
  }
  const YamlEntry* grant = node.find("grant");
  if (grant != nullptr && grant->value->is_text() && grant->value->text() == "password") {
    for (const char* key : {"username", "password"}) {
      if (node.find(key) == nullptr) {
        error(scheme, "workflow.missing_key",
              "the grant `password` needs the key `" + std::string(key) + "`");
      }
    }
  }
  return std::none_of(
      diagnostics_.begin() + static_cast<std::ptrdiff_t>(count), diagnostics_.end(),
      [](const Diagnostic& diagnostic) { return diagnostic.severity == Severity::error; });
}

std::shared_ptr<const Authentication> Parser::authentication(const YamlEntry& entry,
                                                             const Scope& scope, bool top) {
  const YamlNode& node = *entry.value;
  static const Names schemes = {"basic", "bearer", "digest", "oauth2", "oidc"};
  if (!check_mapping(node, "an authentication")) return nullptr;
  if (const YamlEntry* certificate = node.find("certificate")) {
    error(*certificate, "workflow.not_supported",
          "`certificate` authentication is not supported: the specification defines no settings "
          "for it",
          "client certificates belong to a plugin's configuration");
    return nullptr;
  }
  Names allowed = schemes;
  if (!top) allowed.emplace_back("use");
  if (!check_keys(node, "an authentication", allowed, {}, entry.line, entry.column)) return nullptr;
  if (node.entries.size() != 1) {
    error(entry, "workflow.value",
          std::string("an authentication takes one of ") + (top ? "" : "`use`, ") +
              "`basic`, `bearer`, `digest`, `oauth2`, `oidc`");
    return nullptr;
  }
  const YamlEntry& scheme = node.entries.front();
  if (scheme.key == "use") {
    const std::string name = text_of(scheme, "use");
    if (name.empty()) return nullptr;
    const auto found = authentications_.find(name);
    if (found == authentications_.end()) {
      Names names;
      for (const auto& [key, unused] : authentications_) names.push_back(key);
      error(*scheme.value, "workflow.unknown_authentication",
            "no authentication `" + name + "` in use.authentications", did_you_mean(name, names));
      return nullptr;
    }
    return found->second;
  }
  auto out = std::make_shared<Authentication>();
  out->scheme = scheme.key;
  if (!check_mapping(*scheme.value, "`" + scheme.key + "` authentication")) return nullptr;
  if (const YamlEntry* use = scheme.value->find("use")) {
    if (scheme.value->entries.size() != 1) {
      error(*use, "workflow.value",
            "`use` takes the whole configuration from a secret; nothing may stand beside it");
      return nullptr;
    }
    out->secret = text_of(*use, "use");
    if (!out->secret.empty()) check_secret(use->value->line, use->value->column, out->secret);
    return out;
  }
  if (!check_authentication(scheme)) return nullptr;
  out->settings = value(*scheme.value, Place::call_with, scope, false);
  return out;
}

bool Parser::endpoint(const YamlEntry& entry, Endpoint& out, const Scope& scope) {
  const YamlEntry* uri = &entry;
  if (!entry.value->is_text()) {
    if (!check_keys(*entry.value, "an endpoint", {"uri", "authentication"}, {"uri"}, entry.line,
                    entry.column)) {
      return false;
    }
    uri = entry.value->find("uri");
    if (const YamlEntry* found = entry.value->find("authentication")) {
      out.authentication = authentication(*found, scope, false);
    }
  }
  const std::string text = text_of(*uri, "an endpoint's uri");
  if (text.empty()) return false;
  out.uri = value(*uri->value, Place::call_with, scope, false);
  if (out.uri.kind != Template::Kind::constant) return true;
  if (enclosed(text).kind != Enclosed::Kind::literal) return false;  // reported by value()
  if (const std::string fault = uri_template_fault(text); !fault.empty()) {
    error(*uri->value, "workflow.uri_template", fault,
          "write ${ ... } for anything but {name} of a top-level member of the input");
    return false;
  }
  // A template may also give the whole of it: {baseUri}/pets.
  if (!text.starts_with('{')) {
    const bool web = text.starts_with("http://") || text.starts_with("https://");
    if (!web) {
      error(*uri->value, "workflow.value", "an endpoint starts with https:// or http://",
            text.find("://") == std::string::npos ? "write https://" + text : std::string());
      return false;
    }
    const std::size_t host = text.find("://") + 3;
    const std::string_view authority =
        std::string_view(text).substr(host, text.find_first_of("/?#", host) - host);
    if (authority.find('@') != std::string_view::npos) {
      error(*uri->value, "workflow.value", "credentials do not belong into a URI",
            "use authentication: {basic: {username: ..., password: ...}}");
      return false;
    }
    if (authority.empty()) {
      error(*uri->value, "workflow.value", "the endpoint names no host");
      return false;
    }
    if (text.find('#') != std::string::npos) {
      error(*uri->value, "workflow.value", "a fragment (`#...`) is never sent to a server",
            "leave it out");
      return false;
    }
  }
  return true;
}

void Parser::check_headers(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::mapping) {
    if (!is_expression(node))
      error(node, "workflow.type", "`headers` is a mapping or one expression ${ ... }");
    return;
  }
  static const Names own = {"host",
                            "content-length",
                            "transfer-encoding",
                            "connection",
                            "te",
                            "trailer",
                            "upgrade",
                            "expect",
                            "keep-alive",
                            "proxy-authorization",
                            "proxy-connection"};
  for (const YamlEntry& entry : node.entries) {
    // RFC 9110 section 5.6.2.
    const bool token =
        !entry.key.empty() && std::all_of(entry.key.begin(), entry.key.end(), [](char c) {
          return is_alnum(c) ||
                 std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
        });
    if (!token) {
      error(entry, "workflow.value", "`" + entry.key + "` is not the name of a header");
    } else if (std::find(own.begin(), own.end(), lower(entry.key)) != own.end()) {
      error(entry, "workflow.value", "the header `" + entry.key + "` is set by the hub");
    }
  }
}

void Parser::warn_in_clear(const YamlEntry& at, const Endpoint& parsed, const YamlNode& with) {
  if (parsed.uri.kind != Template::Kind::constant || !parsed.uri.constant.is_string()) return;
  const std::string& text = parsed.uri.constant.as_string();
  if (!text.starts_with("http://")) return;
  for (const char* loopback : {"http://127.", "http://localhost", "http://[::1]"}) {
    if (text.starts_with(loopback)) return;
  }
  bool credentials = parsed.authentication != nullptr || with.find("authentication") != nullptr;
  if (const YamlEntry* headers = with.find("headers")) {
    for (const YamlEntry& entry : headers->value->entries)
      credentials = credentials || lower(entry.key) == "authorization";
  }
  if (!credentials) return;
  warning(at.value->line, at.value->column, "workflow.credentials_in_clear",
          "the credentials of this call travel without encryption", "write https://");
}

void Parser::warn_stored_credentials(const YamlNode& node) {
  for (const auto& [outer, inner] : {std::pair{"output", "as"}, std::pair{"export", "as"}}) {
    const YamlEntry* found = node.find(outer);
    const YamlEntry* as = found == nullptr ? nullptr : found->value->find(inner);
    if (as == nullptr || !as->value->is_text() ||
        as->value->text().find("$authorization") == std::string::npos) {
      continue;
    }
    warning(
        as->value->line, as->value->column, "workflow.credential_stored",
        std::string("$authorization in ") + outer + ".as keeps the credential with the instance",
        "leave it out, or take $authorization.scheme only in a condition");
  }
}

void Parser::http_output(const YamlNode& with, HttpBody& body) {
  if (const YamlEntry* output = with.find("output")) {
    static const Names forms = {"content", "response", "raw"};
    const std::string form = text_of(*output, "output");
    if (!form.empty() && std::find(forms.begin(), forms.end(), form) == forms.end()) {
      error(*output->value, "workflow.value", "`output` is content, response or raw",
            did_you_mean(form, forms));
    }
    body.output = form == "response" ? HttpBody::Output::response
                  : form == "raw"    ? HttpBody::Output::raw
                                     : HttpBody::Output::content;
  }
  if (const YamlEntry* redirect = with.find("redirect")) {
    if (redirect->value->kind != YamlNode::Kind::boolean) {
      error(*redirect->value, "workflow.type", "`redirect` is true or false");
    } else {
      body.redirect = redirect->value->scalar.as_bool();
    }
  }
}

void Parser::http_idempotency(const YamlNode& node, HttpBody& body) {
  const YamlEntry* metadata = node.find("metadata");
  if (metadata == nullptr || metadata->value->kind != YamlNode::Kind::mapping) return;
  const YamlEntry* rabt = metadata->value->find("rabt");
  const YamlEntry* found = rabt == nullptr ? nullptr : rabt->value->find("idempotency");
  if (found == nullptr) return;
  const std::string how = text_of(*found, "idempotency");
  if (how != "key" && how != "none" && !how.empty()) {
    error(*found->value, "workflow.value",
          "metadata.rabt.idempotency is `key` (the other side knows a repeated "
          "Idempotency-Key) or `none`",
          did_you_mean(how, {"key", "none"}));
  }
  body.repeatable = how == "key";
}

void Parser::http_mapping(const YamlNode& with, const char* key, std::optional<Template>& out,
                          const Scope& scope) {
  const YamlEntry* found = with.find(key);
  if (found == nullptr) return;
  if (found->value->kind != YamlNode::Kind::mapping && !is_expression(*found->value)) {
    error(*found->value, "workflow.type",
          std::string("`") + key + "` is a mapping or one expression ${ ... }");
    return;
  }
  if (found->value->is_text())
    newer(*found->value, 1, std::string("an expression as `") + key + "`");
  out = value(*found->value, Place::call_with, scope, false);
}

bool Parser::openapi_operation(const YamlNode& with, HttpBody& body, std::string& title,
                               const Scope& scope) {
  bool ready = true;
  if (const YamlEntry* document = with.find("document")) {
    if (!check_keys(*document->value, "an OpenAPI document", {"endpoint", "name"}, {"endpoint"},
                    document->line, document->column)) {
      return false;
    }
    const YamlEntry& at = *document->value->find("endpoint");
    ready = endpoint(at, body.endpoint, scope);
    if (ready) warn_in_clear(at, body.endpoint, with);
  }
  if (const YamlEntry* operation = with.find("operationId")) {
    const std::string id = text_of(*operation, "operationId");
    body.operation = value(*operation->value, Place::call_with, scope, false);
    if (body.operation.kind == Template::Kind::constant) title += " " + id;
  }
  http_mapping(with, "parameters", body.query, scope);
  if (const YamlEntry* found = with.find("authentication"))
    body.authentication = authentication(*found, scope, false);
  return ready;
}

void Parser::http_method(const YamlNode& with, HttpBody& body, std::string& title,
                         const Scope& scope) {
  const YamlEntry* method = with.find("method");
  if (method == nullptr) return;
  const std::string text = text_of(*method, "method");
  if (is_expression(*method->value)) {
    body.operation = value(*method->value, Place::call_with, scope, false);
    return;
  }
  if (text.empty()) return;
  const std::string big = upper(text);
  if (std::find(methods().begin(), methods().end(), big) == methods().end()) {
    std::string hint = did_you_mean(big, methods());
    if (hint.empty()) hint = "one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    error(*method->value, "workflow.value", "`" + text + "` is not an HTTP method",
          std::move(hint));
  }
  body.operation.constant = Json(big);
  title += " " + big;
}

bool Parser::http_request(const YamlNode& with, HttpBody& body, std::string& title,
                          const Scope& scope) {
  bool ready = true;
  http_method(with, body, title, scope);
  if (const YamlEntry* at = with.find("endpoint")) {
    ready = endpoint(*at, body.endpoint, scope);
    body.authentication = body.endpoint.authentication;
    if (ready) {
      warn_in_clear(*at, body.endpoint, with);
      if (body.endpoint.uri.kind == Template::Kind::constant)
        title += " " + without_query(body.endpoint.uri.constant.as_string());
    }
  }
  if (const YamlEntry* found = with.find("headers")) check_headers(*found->value);
  http_mapping(with, "headers", body.headers, scope);
  http_mapping(with, "query", body.query, scope);
  if (const YamlEntry* found = with.find("body"))
    body.body = value(*found->value, Place::call_with, scope, false);
  return ready;
}

void Parser::warn_unsafe_request(const YamlEntry& call, const HttpBody& body,
                                 const std::string& title, const Scope& scope) {
  const Json& method = body.operation.constant;
  const bool safe = method.is_string() && method != Json("POST") && method != Json("PATCH");
  if (body.openapi || safe || body.repeatable) return;
  if (!scope.function.empty()) functions_[scope.function].unsafe_calls.emplace_back(&call, title);
  if (scope.in_retry) {
    warning(call.value->line, call.value->column, "workflow.retry_not_idempotent",
            "this request is retried here, but the other side cannot tell a repeated one from "
            "a new one",
            "write metadata: {rabt: {idempotency: key}} when it knows the header "
            "Idempotency-Key");
  }
}

void Parser::body_http(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& call = *node.find("call");
  HttpBody body;
  body.openapi = call.value->text() == "openapi";
  const std::string name = "call: " + call.value->text();
  const YamlEntry* with = node.find("with");
  if (with == nullptr) {
    error(call, "workflow.missing_key", name + " needs the key `with`");
    return;
  }
  const Names keys =
      body.openapi
          ? Names{"document", "operationId", "parameters", "authentication", "output", "redirect"}
          : Names{"method", "endpoint", "headers", "query", "body", "output", "redirect"};
  const Names required =
      body.openapi ? Names{"document", "operationId"} : Names{"method", "endpoint"};
  if (with->value->is_text()) {
    error(*with->value, "workflow.type",
          "the `with` of " + name + " is a mapping; its parts may be expressions");
    return;
  }
  const YamlNode& given = *with->value;
  bool ready = check_keys(given, "the `with` of " + name, keys, required, with->line, with->column);
  http_output(given, body);
  http_idempotency(node, body);
  std::string title = body.openapi ? "openapi" : "http";
  const bool read = body.openapi ? openapi_operation(given, body, title, scope)
                                 : http_request(given, body, title, scope);
  ready = ready && read;
  warn_unsafe_request(call, body, title, scope);
  warn_stored_credentials(node);
  body.title = std::move(title);
  if (ready) task.body = std::move(body);
}

}  // namespace rabt::workflow
