#include "hub/workflow/expression/expression_parser.hpp"

#include <algorithm>
#include <array>

#include "hub/base/suggest.hpp"

namespace rabt::workflow {

namespace {

constexpr std::array<std::string_view, 18> kKeywords = {
    "def", "if",    "then",  "elif",   "else",    "end", "as", "reduce",  "foreach",
    "try", "catch", "label", "import", "include", "and", "or", "__loc__", "break"};

bool is_keyword(std::string_view name) {
  return std::find(kKeywords.begin(), kKeywords.end(), name) != kKeywords.end();
}

struct Forbidden {
  std::string_view name;
  std::string_view why;
};
constexpr std::string_view kEnvironment = "it would show the process environment, secrets included";
constexpr std::string_view kClock =
    "it reads the clock or the time zone, so a replay would differ; use $workflow.startedAt or "
    "$task.startedAt";
constexpr std::string_view kInput =
    "expressions do no input or output; data comes as `.` and $variables";
constexpr std::string_view kStop =
    "an expression cannot stop the process; use a raise task or error()";
constexpr std::string_view kModules = "expressions have no modules; write a def in the expression";
constexpr std::array<Forbidden, 21> kForbidden = {{{"env", kEnvironment},
                                                   {"now", kClock},
                                                   {"localtime", kClock},
                                                   {"strflocaltime", kClock},
                                                   {"input", kInput},
                                                   {"inputs", kInput},
                                                   {"debug", kInput},
                                                   {"stderr", kInput},
                                                   {"input_filename", kInput},
                                                   {"input_line_number", kInput},
                                                   {"halt", kStop},
                                                   {"halt_error", kStop},
                                                   {"import", kModules},
                                                   {"include", kModules},
                                                   {"modulemeta", kModules},
                                                   {"get_search_list", kModules},
                                                   {"get_jq_origin", kModules},
                                                   {"get_prog_origin", kModules},
                                                   {"ENV", kEnvironment},
                                                   {"__prog_args", kEnvironment},
                                                   {"getenv", kEnvironment}}};

const Forbidden* find_forbidden(std::string_view name) {
  const auto* at = std::find_if(kForbidden.begin(), kForbidden.end(),
                                [&](const Forbidden& entry) { return entry.name == name; });
  return at == kForbidden.end() ? nullptr : at;
}

struct SpecialForm {
  std::string_view name;
  std::size_t arity;
  Special special;
};
constexpr std::array<SpecialForm, 17> kSpecials = {{{"empty", 0, Special::empty},
                                                    {"path", 1, Special::path},
                                                    {"select", 1, Special::select},
                                                    {"first", 1, Special::first},
                                                    {"last", 1, Special::last},
                                                    {"limit", 2, Special::limit},
                                                    {"getpath", 1, Special::getpath},
                                                    {"range", 1, Special::range},
                                                    {"range", 2, Special::range},
                                                    {"range", 3, Special::range},
                                                    {"walk", 1, Special::walk},
                                                    {"tostream", 0, Special::tostream},
                                                    {"fromstream", 1, Special::fromstream},
                                                    {"_sub", 3, Special::substitute},
                                                    {"error", 1, Special::error},
                                                    {"any", 2, Special::any_of},
                                                    {"all", 2, Special::all_of}}};

struct NamedFormat {
  std::string_view name;
  Format format;
};
constexpr std::array<NamedFormat, 12> kFormats = {{{"text", Format::text},
                                                   {"json", Format::json},
                                                   {"csv", Format::csv},
                                                   {"tsv", Format::tsv},
                                                   {"html", Format::html},
                                                   {"uri", Format::uri},
                                                   {"urid", Format::urid},
                                                   {"sh", Format::sh},
                                                   {"base64", Format::base64},
                                                   {"base64d", Format::base64d},
                                                   {"base32", Format::base32},
                                                   {"base32d", Format::base32d}}};

}  // namespace

Node* ExpressionParser::resolve_variable(std::string_view name, std::size_t offset) {
  for (std::size_t i = scope_.size(); i-- > 0;) {
    if (scope_[i].what == Visible::What::variable && scope_[i].name == name) {
      Node* node = make(Kind::local, offset);
      node->index = scope_.size() - 1 - i;
      node->single = node->in_place = true;
      return node;
    }
  }
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    if (variables_[i] != name) continue;
    Node* node = make(Kind::variable, offset);
    node->index = i;
    node->single = node->in_place = true;
    auto& used = out_.used_variables;
    if (std::find(used.begin(), used.end(), i) == used.end()) used.push_back(i);
    return node;
  }
  if (const Forbidden* forbidden = find_forbidden(name); forbidden != nullptr && name != "env") {
    return fail("expression.forbidden",
                "$" + std::string(name) + " is not available: " + std::string(forbidden->why),
                offset);
  }
  std::vector<std::string> names;
  for (const std::string_view variable : variables_) names.emplace_back(variable);
  for (const Visible& entry : scope_) {
    if (entry.what == Visible::What::variable) names.push_back(entry.name);
  }
  std::string message = "$" + std::string(name) + " is not defined here";
  if (const std::string near = nearest(name, names); !near.empty()) {
    message += "; did you mean $" + near + "?";
  }
  return fail("expression.unknown_variable", message, offset);
}

Node* ExpressionParser::parse_format() {
  const std::size_t offset = start_;
  const std::optional<Format> format = find_format(word_);
  if (!format) {
    std::string names;
    for (const auto& entry : kFormats) names += " @" + std::string(entry.name);
    return fail("expression.unknown_function",
                "@" + std::string(word_) + " is not a format; there are" + names, offset);
  }
  advance();
  if (token_ == Token::quote) return mutable_node(parse_text(*format));
  Node* node = make(Kind::format, offset);
  node->format = *format;
  node->single = true;
  return node;
}

// A function that is forbidden is not reserved: it gets a message of its own.
bool ExpressionParser::is_reserved(std::string_view word) {
  return find_forbidden(word) == nullptr && is_keyword(word);
}

Node* ExpressionParser::parse_call() {
  const std::size_t offset = start_;
  const std::string name(word_);
  std::vector<const Node*> arguments;
  advance();
  if (op("(")) {
    const std::size_t opening = start_;
    do {
      advance();
      const Node* argument = parse_pipe();
      if (argument == nullptr) return nullptr;
      arguments.push_back(argument);
    } while (op(";"));
    if (!expect_op(")", "after the arguments", opening)) return nullptr;
  }
  return resolve_call(name, std::move(arguments), offset);
}

Node* ExpressionParser::resolve_call(const std::string& name, std::vector<const Node*> arguments,
                                     std::size_t offset) {
  const std::size_t arity = arguments.size();
  for (std::size_t i = scope_.size(); i-- > 0;) {
    const Visible& entry = scope_[i];
    if (entry.name != name || entry.arity != arity) continue;
    if (entry.what == Visible::What::parameter || entry.what == Visible::What::function) {
      Node* node =
          make(entry.what == Visible::What::parameter ? Kind::call_param : Kind::call, offset);
      node->index = scope_.size() - 1 - i;
      node->def = entry.def;
      node->list = std::move(arguments);
      if (entry.def != nullptr) {
        node->single = entry.def->single;
        entry.def->recursive = true;
      }
      return node;
    }
  }
  if (Node* extra = extra_call(name, arguments, offset); extra != nullptr) return extra;
  if (arity == 0 && (name == "null" || name == "true" || name == "false")) {
    return literal(name == "null" ? Json() : Json(name == "true"), offset);
  }
  for (const SpecialForm& form : kSpecials) {
    if (form.name == name && form.arity == arity)
      return special(form.special, std::move(arguments), offset);
  }
  if (const Builtin* builtin = find_builtin(name, arity); builtin != nullptr) {
    Node* node = make(Kind::builtin, offset);
    node->builtin = builtin;
    node->list = std::move(arguments);
    node->single = all_single(node->list);
    if (name == "_match") {
      const Node* pattern = node->list[0];
      const Node* flags = node->list[1];
      if (!precompile(*node, pattern, flags)) return nullptr;
    }
    return node;
  }
  if (Node* matcher = literal_regex(name, arguments, offset); matcher != nullptr) return matcher;
  if (failed_) return nullptr;
  if (const std::string_view definition = find_prelude(name, arity); !definition.empty()) {
    const FunctionDef* def = prelude_function(name, arity, definition);
    if (def == nullptr) return nullptr;
    Node* node = make(Kind::call_global, offset);
    node->def = def;
    node->single = def->single;
    node->list = std::move(arguments);
    return node;
  }
  if (const Forbidden* forbidden = find_forbidden(name); forbidden != nullptr && name != "ENV") {
    return fail("expression.forbidden", name + " is not available: " + std::string(forbidden->why),
                offset);
  }
  return unknown_function(name, arity, offset);
}

Node* ExpressionParser::extra_call(std::string_view name, std::vector<const Node*>& arguments,
                                   std::size_t offset) {
  if (out_.extra == nullptr) return nullptr;
  for (const ExtraFunction& extra : *out_.extra) {
    if (extra.name != name || extra.arity != arguments.size()) continue;
    Node* node = make(Kind::builtin, offset);
    node->extra = &extra;
    node->list = std::move(arguments);
    node->single = all_single(node->list);
    return node;
  }
  return nullptr;
}

std::nullptr_t ExpressionParser::unknown_function(const std::string& name, std::size_t arity,
                                                  std::size_t offset) {
  std::string message = "there is no function " + name + "/" + std::to_string(arity);
  std::vector<std::string> names = function_table();
  for (std::string& function : names) function.resize(function.rfind('/'));
  if (out_.extra != nullptr) {
    for (const ExtraFunction& extra : *out_.extra) names.push_back(extra.name);
  }
  for (const Visible& entry : scope_) {
    if (entry.what != Visible::What::variable && entry.what != Visible::What::label)
      names.push_back(entry.name);
  }
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    message += "; it takes another number of arguments (they are separated by `;`)";
  } else if (const std::string near = nearest(name, names); !near.empty()) {
    message += "; did you mean " + near + "?";
  }
  return fail("expression.unknown_function", message, offset);
}

Node* ExpressionParser::special(Special form, std::vector<const Node*> arguments,
                                std::size_t offset) {
  if (form == Special::range) {
    if (arguments.size() == 1) arguments.insert(arguments.begin(), literal(0, offset));
    if (arguments.size() == 2) arguments.push_back(literal(1, offset));
  }
  Node* node = make(Kind::special, offset);
  node->special = form;
  node->list = std::move(arguments);
  switch (form) {
    case Special::getpath:
      node->single = node->list[0]->single;
      break;
    case Special::any_of:
    case Special::all_of:
    case Special::last:
      node->single = true;
      break;
    case Special::error:
      node->written = node->list[0]->kind == Kind::literal;
      break;
    case Special::substitute:
      if (!precompile(*node, node->list[0], node->list[2])) return nullptr;
      break;
    default:
      break;
  }
  return node;
}

bool ExpressionParser::precompile(Node& node, const Node* pattern, const Node* flags) {
  if (pattern->kind != Kind::literal || !pattern->value.is_string()) return true;
  std::string_view letters;
  if (flags != nullptr) {
    if (flags->kind != Kind::literal) return true;
    if (flags->value.is_string()) letters = flags->value.as_string();
  }
  std::string error;
  node.regex = compile_regex(pattern->value.as_string(), letters, error);
  if (node.regex != nullptr) return true;
  fail("expression.syntax", error, pattern->offset);
  return false;
}

Node* ExpressionParser::literal_regex(std::string_view name,
                                      const std::vector<const Node*>& arguments,
                                      std::size_t offset) {
  static constexpr std::array<std::string_view, 8> kTakers = {"test", "match", "sub",    "gsub",
                                                              "scan", "split", "splits", "capture"};
  const auto* taker = std::find(kTakers.begin(), kTakers.end(), name);
  if (taker == kTakers.end() || arguments.empty() || (name == "split" && arguments.size() == 1))
    return nullptr;
  const bool replaces = name == "sub" || name == "gsub";
  const std::size_t flags_at = replaces ? 2 : 1;
  if (arguments.size() + 1 < flags_at + 1 || arguments.size() > flags_at + 1) return nullptr;
  const Node* pattern = arguments[0];
  const Node* flags = arguments.size() > flags_at ? arguments[flags_at] : literal(Json(), offset);
  if (pattern->kind != Kind::literal || !pattern->value.is_string() ||
      flags->kind != Kind::literal || !(flags->value.is_string() || flags->value.is_null())) {
    return nullptr;
  }
  if (name == "gsub")
    flags = literal(flags->value.is_null() ? "g" : "g" + flags->value.as_string(), offset);
  if (replaces) return special(Special::substitute, {pattern, arguments[1], flags}, offset);
  if (taker - kTakers.begin() > 1) {
    Node scratch;
    precompile(scratch, pattern, flags);
    return nullptr;
  }
  const bool test = name == "test";
  Node* node = resolve_call("_match", {pattern, flags, literal(Json(test), offset)}, offset);
  if (node == nullptr || test) return node;
  Node* each = make(Kind::iterate, offset);
  each->a = node;
  return each;
}

const FunctionDef* ExpressionParser::prelude_function(const std::string& name, std::size_t arity,
                                                      std::string_view definition) {
  const std::string key = name + "/" + std::to_string(arity);
  if (const auto entry = out_.prelude.find(key); entry != out_.prelude.end()) return entry->second;
  FunctionDef& def = out_.functions.emplace_back();
  out_.prelude.emplace(key, &def);
  ExpressionFault fault;
  ExpressionParser inner(definition, {}, out_, fault);
  if (!inner.prelude(name, def)) {
    fail("expression.syntax", "the definition of " + key + " is broken: " + fault.message, start_);
    return nullptr;
  }
  return &def;
}

// ---- the tables, for others ----

std::optional<Format> find_format(std::string_view name) {
  for (const NamedFormat& entry : kFormats) {
    if (entry.name == name) return entry.format;
  }
  return std::nullopt;
}

std::vector<std::string> function_table() {
  std::vector<std::string> names = builtin_names();
  for (const SpecialForm& form : kSpecials) {
    if (form.name.front() != '_')
      names.push_back(std::string(form.name) + "/" + std::to_string(form.arity));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> forbidden_names() {
  std::vector<std::string> names;
  names.reserve(std::size(kForbidden));
  for (const Forbidden& entry : kForbidden) names.emplace_back(entry.name);
  return names;
}

}  // namespace rabt::workflow
