#include <algorithm>
#include <utility>

#include "hub/base/semver.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/error_types.hpp"
#include "hub/workflow/execution.hpp"
#include "hub/workflow/parse/parser.hpp"

// The kinds of tasks: what stands under `set`, `call`, `switch`, `for`, `fork`, `emit`, `raise` and
// `try`.
namespace rabt::workflow {

namespace {

using Names = std::vector<std::string>;

template <typename Map>
Names keys_of(const Map& map) {
  Names out;
  for (const auto& [key, value] : map) out.push_back(key);
  return out;
}

std::string unsupported_call(std::string_view name) {
  if (name == "grpc" || name == "asyncapi" || name == "a2a" || name == "mcp")
    return "this profile calls plugins, HTTP and OpenAPI only";
  return {};
}

// Labels with dots between: an action, or a capability such as video.session.create.
bool is_action(std::string_view text) {
  constexpr std::size_t kMaxName = 127;
  if (text.size() > kMaxName) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

void Parser::body_set(const YamlNode& written, Task& task, const Scope& scope) {
  if (written.is_text()) newer(written, 1, "an expression as the whole of `set`");
  if (written.kind != YamlNode::Kind::mapping &&
      !(written.is_text() && enclosed(written.text()).kind != Enclosed::Kind::literal)) {
    error(written, "workflow.type", "`set` is a mapping or one expression", "write ${ ... }");
  }
  task.body = SetBody{value(written, Place::task, scope, false)};
  set_shape_ = written.is_text() ? facts_.shape : ObjectShape{};
}

void Parser::body_call(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& call = *node.find("call");
  const YamlEntry* arguments = node.find("with");
  const std::string name = text_of(call, "call");
  if (name.empty()) return;
  if (name == "http" || name == "openapi") return body_http(node, task, scope);
  if (const std::string reason = unsupported_call(name);
      !reason.empty() && !functions_.contains(name)) {
    error(*call.value, "workflow.not_supported", "call: " + name + " is not supported: " + reason,
          "call a plugin's action, such as create-session:1.0.0@video");
    return;
  }
  std::optional<Template> passed;
  if (arguments != nullptr) {
    const YamlNode& given = *arguments->value;
    if (given.kind != YamlNode::Kind::mapping &&
        !(given.is_text() && enclosed(given.text()).kind == Enclosed::Kind::expression)) {
      error(given, "workflow.type", "`with` is a mapping or one expression ${ ... }");
    }
    passed = value(given, Place::call_with, scope, false);
  }
  if (const auto function = functions_.find(name); function != functions_.end()) {
    if (!scope.function.empty()) functions_[scope.function].uses.insert(name);
    if (scope.in_retry) function->second.called_in_retry = true;
    task.body = FunctionBody{name, function->second.index, std::move(passed)};
    return;
  }
  if (name.find("://") != std::string::npos) {
    error(*call.value, "workflow.not_supported",
          "functions from outside the file are not supported");
    return;
  }
  if (name.find_first_of(":@") == std::string::npos) {
    Names names = keys_of(functions_);
    names.insert(names.end(), {"http", "openapi", "grpc"});
    const std::string near = did_you_mean(name, names);
    error(*call.value, "workflow.unknown_function",
          "no function `" + name +
              "` in use.functions; an action is called <action>:<version>@<role>",
          near);
    return;
  }
  std::optional<CallBody> action = action_name(call, name);
  if (!action.has_value()) return;
  CallBody body = std::move(*action);
  body.arguments = std::move(passed);
  check_action(call, arguments, body, scope);
  model_->calls.push_back({body.role, body.action, body.version, call.value->line});
  task.body = std::move(body);
}

std::optional<CallBody> Parser::action_name(const YamlEntry& call, const std::string& name) {
  CallBody body;
  const std::size_t colon = name.find(':');
  const std::size_t at = name.rfind('@');
  if (colon != std::string::npos && at != std::string::npos && colon < at) {
    body.action = name.substr(0, colon);
    body.version = name.substr(colon + 1, at - colon - 1);
    body.role = name.substr(at + 1);
  }
  if (!is_action(body.action) || !is_semver(body.version) || !is_label(body.role)) {
    error(*call.value, "workflow.value",
          "`" + name + "` is not an action: write <action>:<version>@<role>",
          "such as create-session:1.0.0@video");
    return std::nullopt;
  }
  if (body.role == kHttpRole) {
    error(*call.value, "workflow.value", "the role `http` belongs to the hub",
          "write call: http with method and endpoint");
    return std::nullopt;
  }
  body.title = name;
  return body;
}

void Parser::check_action(const YamlEntry& call, const YamlEntry* arguments, CallBody& body,
                          const Scope& scope) {
  if (catalog_ == nullptr) return;
  const Names roles = catalog_->roles();
  // use.catalogs goes before the role of the same name.
  std::string target = body.role;
  for (const auto& [name, uri] : model_->catalogs) {
    if (name == body.role) target = uri;
  }
  if (target == body.role && std::find(roles.begin(), roles.end(), body.role) == roles.end()) {
    Names names = roles;
    for (const auto& [name, uri] : model_->catalogs) names.push_back(name);
    error(*call.value, "workflow.unknown_role",
          "no plugin is bound to the role `" + body.role + "`" +
              (names.empty() ? std::string() : "; the known roles are " + listed(names)),
          did_you_mean(body.role, names));
    return;
  }
  if (target != body.role && catalog_->actions(target).empty()) {
    error(*call.value, "workflow.unknown_role",
          "the catalog `" + body.role + "` is " + target + ", which is not there",
          "load it in the configuration, or name another endpoint");
    return;
  }
  const std::optional<ActionInfo> info = catalog_->find(target, body.action, body.version);
  if (!info.has_value()) {
    const NotOffered why = not_offered(*catalog_, target, body.action, body.version);
    error(*call.value, "workflow.unknown_action", why.what, why.advice);
    return;
  }
  if (info->idempotency == "none") {
    if (!scope.function.empty())
      functions_[scope.function].unsafe_calls.emplace_back(&call, body.title);
    if (scope.in_retry) {
      warning(call.value->line, call.value->column, "workflow.retry_not_idempotent",
              "`" + body.action +
                  "` is retried here, but the plugin cannot tell a repeated call from a new one",
              "let a person decide, or make the action idempotent");
    }
  }
  if (scope.let_go && !info->reads) {
    warning(call.value->line, call.value->column, "workflow.let_go",
            "`" + body.action +
                "` may have left when the timeout or the fork around it ends, and nothing "
                "undoes it",
            "say how it is undone: metadata.rabt.compensate");
  }
  check_arguments(body.action, info->input_schema, call, arguments);
}

void Parser::body_switch(const YamlNode& node, Task& task, ListNames& list, const Scope& scope) {
  const YamlNode& cases = *node.find("switch")->value;
  SwitchBody body;
  if (cases.kind != YamlNode::Kind::sequence || cases.items.empty()) {
    error(cases, cases.kind == YamlNode::Kind::sequence ? "workflow.empty" : "workflow.type",
          "`switch` needs a list of at least one case: `- name: {when: ..., then: ...}`");
    return;
  }
  std::set<std::string> seen;
  std::string standard;  // the case without `when`
  for (const YamlPtr& item : cases.items) {
    if (item->kind != YamlNode::Kind::mapping || item->entries.size() != 1) {
      error(*item, "workflow.type", "a case is written `- name: {when: ..., then: ...}`");
      continue;
    }
    const YamlEntry& entry = item->entries.front();
    if (!seen.insert(entry.key).second) {
      error(entry, "workflow.duplicate_task",
            "case `" + entry.key + "` stands twice in this switch");
    }
    if (!check_keys(*entry.value, "case `" + entry.key + "`", {"when", "then"}, {"then"},
                    entry.line, entry.column)) {
      continue;
    }
    SwitchCase switch_case;
    switch_case.name = entry.key;
    if (const YamlEntry* when = entry.value->find("when")) {
      switch_case.when = expression(*when->value, "when", Place::task, scope);
    } else if (!standard.empty()) {
      error(entry, "workflow.value",
            "case `" + entry.key + "` has no `when`, and `" + standard +
                "` has none either: only one case can be taken when no other holds");
    } else {
      standard = entry.key;
    }
    switch_case.then = then(*entry.value->find("then"), list);
    body.cases.push_back(std::move(switch_case));
  }
  task.body = std::move(body);
}

void Parser::body_for(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("for");
  ForBody body;
  if (!check_keys(*entry.value, "for", {"each", "in", "at"}, {"in"}, entry.line, entry.column))
    return;
  Scope inner = scope;
  const auto name_of = [&](const char* key, std::string fallback) {
    const YamlEntry* found = entry.value->find(key);
    if (found != nullptr) {
      fallback = text_of(*found, std::string("for.") + key);
      if (!check_local_name(*found->value, fallback)) return std::uint32_t{0};
    }
    inner.locals.push_back(fallback);
    return local_number(fallback);
  };
  body.each = name_of("each", "item");
  body.at = name_of("at", "index");
  body.in = value(*entry.value->find("in")->value, Place::task, scope, true);
  if (const YamlEntry* found = node.find("while"))
    body.while_ = expression(*found->value, "while", Place::task, inner);
  if (const YamlEntry* found = node.find("do")) body.list = list(*found->value, "do", inner);
  task.body = std::move(body);
}

void Parser::body_fork(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("fork");
  ForkBody body;
  if (!check_keys(*entry.value, "fork", {"compete", "branches"}, {"branches"}, entry.line,
                  entry.column))
    return;
  if (const YamlEntry* compete = entry.value->find("compete")) {
    if (compete->value->kind != YamlNode::Kind::boolean) {
      error(*compete->value, "workflow.type", "fork.compete is true or false",
            boolean_hint(*compete->value));
    } else {
      body.compete = compete->value->scalar.as_bool();
    }
  }
  const YamlNode& branches = *entry.value->find("branches")->value;
  if (branches.items.size() > limits::kMaxForkBranches) {
    error(branches, "workflow.limit",
          "a fork has at most " + std::to_string(limits::kMaxForkBranches) + " branches");
    return;
  }
  Scope inner = scope;
  if (body.compete && branches.items.size() > 1) inner.bounded = true;
  if (branches.items.size() > 1) inner.let_go = true;
  body.branches = list(branches, "fork/branches", inner, false, body.compete);
  task.body = std::move(body);
}

void Parser::body_emit(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("emit");
  if (!check_keys(*entry.value, "emit", {"event"}, {"event"}, entry.line, entry.column)) return;
  const YamlEntry& event = *entry.value->find("event");
  if (!check_keys(*event.value, "emit.event", {"with"}, {"with"}, event.line, event.column)) return;
  const YamlEntry& attributes = *event.value->find("with");
  if (!check_mapping(*attributes.value, "with")) return;
  if (attributes.value->find("type") == nullptr) {
    error(attributes, "workflow.event_type", "an emitted event needs `type`");
    return;
  }
  if (const YamlNode& type = *attributes.value->find("type")->value; type.is_text())
    emitted_.push_back(type.text());
  static const Names event_keys = {"id",         "source",      "type",
                                   "subject",    "time",        "datacontenttype",
                                   "dataschema", "specversion", "data"};
  for (const YamlEntry& member : attributes.value->entries) {
    if (std::find(event_keys.begin(), event_keys.end(), member.key) != event_keys.end()) continue;
    const std::string near = nearest(member.key, event_keys);
    if (!near.empty()) {
      error(member, "workflow.unknown_key", "`" + member.key + "` is not an attribute of an event",
            "did you mean `" + near + "`?");
    }
  }
  task.body = EmitBody{value(*attributes.value, Place::task, scope, false)};
}

Template Parser::error_value(const YamlNode& node, const Scope& scope, bool& fixed_title) {
  if (!check_keys(node, "an error", {"type", "status", "title", "detail", "instance"},
                  {"type", "status"}, node.line, node.column)) {
    return {};
  }
  check_error_type(*node.find("type")->value);
  const YamlNode& status = *node.find("status")->value;
  if (!status.is_text() || enclosed(status.text()).kind != Enclosed::Kind::expression) {
    const std::optional<std::int64_t> code = status.scalar.as_int64();
    if (!code.has_value() || *code < 100 || *code > 599) {
      error(status, "workflow.value", "an error's status is an HTTP status code: 400 to 599");
    }
  }
  const YamlEntry* title = node.find("title");
  fixed_title = title == nullptr || !title->value->is_text() ||
                enclosed(title->value->text()).kind == Enclosed::Kind::literal;
  return value(node, Place::task, scope, false);
}

void Parser::body_raise(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("raise");
  if (!check_keys(*entry.value, "raise", {"error"}, {"error"}, entry.line, entry.column)) return;
  const YamlNode* raised = entry.value->find("error")->value.get();
  RaiseBody body;
  if (raised->is_text()) {
    if (enclosed(raised->text()).kind ==
        Enclosed::Kind::expression) {  // raise a caught error again
      body.fixed_title = false;
      body.error = value(*raised, Place::task, scope, false);
      task.body = std::move(body);
      return;
    }
    const auto found = errors_.find(raised->text());
    if (found == errors_.end()) {
      error(*raised, "workflow.unknown_error", "no error `" + raised->text() + "` in use.errors",
            did_you_mean(raised->text(), keys_of(errors_)));
      return;
    }
    const YamlNode& named = *found->second->value;
    const std::size_t count = diagnostics_.size();
    body.error = error_value(named, Scope{}, body.fixed_title);
    diagnostics_.resize(count);  // reported once, where the error is defined
  } else {
    body.error = error_value(*raised, scope, body.fixed_title);
  }
  task.body = std::move(body);
}

std::shared_ptr<const RetryPolicy> Parser::retry(const YamlEntry& entry, const Scope& scope) {
  if (!entry.value->is_text()) return retry_policy(*entry.value, scope);
  const auto found = built_retries_.find(entry.value->text());
  if (found == built_retries_.end()) {
    error(*entry.value, "workflow.unknown_retry",
          "no retry policy `" + entry.value->text() + "` in use.retries",
          did_you_mean(entry.value->text(), keys_of(retries_)));
    return nullptr;
  }
  return found->second;
}

std::shared_ptr<const RetryPolicy> Parser::retry_policy(const YamlNode& node, const Scope& scope) {
  auto out = std::make_shared<RetryPolicy>();
  check_keys(node, "a retry policy", {"when", "exceptWhen", "delay", "backoff", "jitter", "limit"},
             {}, node.line, node.column);
  if (node.kind != YamlNode::Kind::mapping) return out;
  if (const YamlEntry* when = node.find("when"))
    out->when = expression(*when->value, "when", Place::caught, scope);
  if (const YamlEntry* when = node.find("exceptWhen")) {
    out->except_when = expression(*when->value, "exceptWhen", Place::caught, scope);
  }
  if (const YamlEntry* delay = node.find("delay"))
    out->delay = duration(*delay->value, Place::caught, scope);
  if (const YamlEntry* backoff = node.find("backoff")) {
    check_keys(*backoff->value, "backoff", {"constant", "linear", "exponential"}, {}, backoff->line,
               backoff->column);
    if (backoff->value->entries.size() != 1) {
      error(*backoff, "workflow.value",
            "backoff takes one of `constant: {}`, `linear: {}`, `exponential: {}`");
    } else {
      const YamlEntry& kind = backoff->value->entries.front();
      if (kind.value->kind != YamlNode::Kind::null && kind.value->kind != YamlNode::Kind::mapping) {
        error(*kind.value, "workflow.type",
              "write `" + kind.key + ": {}`: the specification gives it no settings");
      }
      for (const YamlEntry& extra : kind.value->entries) {
        error(extra, "workflow.unknown_key",
              "the specification gives `" + kind.key + "` no settings");
      }
      out->backoff = kind.key == "linear"        ? RetryPolicy::Backoff::linear
                     : kind.key == "exponential" ? RetryPolicy::Backoff::exponential
                                                 : RetryPolicy::Backoff::constant;
    }
  }
  if (const YamlEntry* jitter = node.find("jitter")) {
    if (check_keys(*jitter->value, "jitter", {"from", "to"}, {"from", "to"}, jitter->line,
                   jitter->column)) {
      out->has_jitter = true;
      out->jitter_from = duration(*jitter->value->find("from")->value, Place::caught, scope);
      out->jitter_to = duration(*jitter->value->find("to")->value, Place::caught, scope);
      if (!out->jitter_from.expression && !out->jitter_to.expression &&
          out->jitter_from.ms > out->jitter_to.ms) {
        error(*jitter, "workflow.value", "jitter.from is longer than jitter.to");
      }
    }
  }
  bool limited = false;
  if (const YamlEntry* limit = node.find("limit")) {
    // A misspelt limit was meant as one.
    limited = !check_keys(*limit->value, "limit", {"attempt", "duration"}, {}, limit->line,
                          limit->column);
    if (const YamlEntry* attempt = limit->value->find("attempt")) {
      check_keys(*attempt->value, "limit.attempt", {"count", "duration"}, {}, attempt->line,
                 attempt->column);
      if (const YamlEntry* count = attempt->value->find("count")) {
        out->attempt_count = count->value->scalar.as_int64();
        limited = true;
        if (!out->attempt_count.has_value() || *out->attempt_count < 0 ||
            *out->attempt_count > 10'000) {
          error(*count->value, "workflow.value",
                "limit.attempt.count is a whole number from 0 to 10000");
        }
      }
      if (const YamlEntry* most = attempt->value->find("duration")) {
        out->attempt_duration = duration(*most->value, Place::caught, scope);
      }
    }
    if (const YamlEntry* most = limit->value->find("duration")) {
      out->total_duration = duration(*most->value, Place::caught, scope);
      limited = true;
    }
  }
  if (!limited) {
    warning(node.line, node.column, "workflow.retry_without_limit",
            "this retry policy never gives up", "add limit: {attempt: {count: 5}}");
  }
  return out;
}

void Parser::body_try(const YamlNode& node, Task& task, ListNames& list, const Scope& scope) {
  TryBody body;
  Scope inner = scope;
  const YamlEntry* handler = node.find("catch");
  if (handler != nullptr &&
      check_keys(*handler->value, "catch",
                 {"errors", "as", "when", "exceptWhen", "retry", "do", "then"}, {}, handler->line,
                 handler->column)) {
    const YamlNode& clause = *handler->value;
    std::string name = "error";
    if (const YamlEntry* as = clause.find("as")) {
      const std::string given = text_of(*as, "catch.as");
      if (check_local_name(*as->value, given)) name = given;
    }
    body.as = local_number(name);
    Scope caught = scope;
    caught.caught = name;
    if (const YamlEntry* errors = clause.find("errors")) {
      if (check_keys(*errors->value, "catch.errors", {"with"}, {"with"}, errors->line,
                     errors->column)) {
        const YamlEntry& match = *errors->value->find("with");
        check_keys(*match.value, "catch.errors.with",
                   {"type", "status", "title", "detail", "details", "instance"}, {}, match.line,
                   match.column);
        for (const YamlEntry& entry : match.value->entries) {
          if (entry.value->is_text() &&
              enclosed(entry.value->text()).kind != Enclosed::Kind::literal) {
            error(*entry.value, "workflow.value",
                  "errors.with compares with fixed values; use `when` for expressions");
          }
          if (entry.key == "type") check_error_type(*entry.value);
          // The schema of DSL 1.0.3 (errorFilter) calls `detail` so.
          body.match.emplace_back(entry.key == "details" ? "detail" : entry.key,
                                  to_json(*entry.value));
        }
      }
    }
    if (const YamlEntry* when = clause.find("when"))
      body.when = expression(*when->value, "when", Place::caught, caught);
    if (const YamlEntry* when = clause.find("exceptWhen")) {
      body.except_when = expression(*when->value, "exceptWhen", Place::caught, caught);
    }
    if (const YamlEntry* found = clause.find("retry")) {
      body.retry = retry(*found, caught);
      inner.in_retry = true;
      if (const YamlEntry* both = clause.find("do")) {
        warning(both->line, both->column, "workflow.retry_and_do",
                "`do` runs only after the last retry failed; runtimes differ here",
                "nest two try tasks");
      }
    }
    if (const YamlEntry* found = clause.find("then")) body.then = then(*found, list);
    if (const YamlEntry* found = clause.find("do")) {
      Scope handled = scope;
      handled.locals.push_back(name);
      body.has_handler = true;
      body.handler = this->list(*found->value, "catch/do", handled);
    }
  }
  body.list = this->list(*node.find("try")->value, "try", inner);
  task.body = std::move(body);
}

}  // namespace rabt::workflow
