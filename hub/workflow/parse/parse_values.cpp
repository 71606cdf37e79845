#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/parse/parser.hpp"

namespace rabt::workflow {

namespace {

bool is_letter(char c) {
  return is_alpha(c) || c == '_';
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c);
}

struct Named {
  std::string_view name;
  Variable variable;
};

std::vector<Named> variables_of(Place place) {
  switch (place) {
    case Place::workflow_input:
      return {{"workflow", Variable::workflow}, {"runtime", Variable::runtime}};
    case Place::workflow_from:
      return {{"secrets", Variable::secrets},
              {"workflow", Variable::workflow},
              {"runtime", Variable::runtime}};
    case Place::workflow_output:
      return {{"context", Variable::context},
              {"workflow", Variable::workflow},
              {"runtime", Variable::runtime}};
    case Place::task_before:
      return {{"context", Variable::context},
              {"task", Variable::task},
              {"workflow", Variable::workflow},
              {"runtime", Variable::runtime}};
    case Place::task_from:
    case Place::task:
    case Place::caught:
    case Place::call_with:
    case Place::task_export: {
      std::vector<Named> out = {{"context", Variable::context},
                                {"task", Variable::task},
                                {"workflow", Variable::workflow},
                                {"runtime", Variable::runtime}};
      if (place == Place::task_from || place == Place::call_with)
        out.push_back({"secrets", Variable::secrets});
      if (place == Place::task_from) return out;
      out.push_back({"input", Variable::input});
      if (place != Place::caught) out.push_back({"authorization", Variable::authorization});
      if (place == Place::task_export) out.push_back({"output", Variable::output});
      return out;
    }
    case Place::event:
      return {};
  }
  return {};
}

// A text in a place of literals that was surely meant as an expression: `.a.b`, `$context.x`.
bool looks_like_expression(std::string_view text) {
  if (text.starts_with("{{") && text.ends_with("}}")) return true;  // of other tools
  if (text.starts_with("$")) {
    constexpr std::array<std::string_view, 8> kNames = {"context",  "input",   "output", "task",
                                                        "workflow", "runtime", "error",  "secrets"};
    return std::any_of(kNames.begin(), kNames.end(), [&](std::string_view name) {
      return text.substr(1).starts_with(name) &&
             (text.size() == name.size() + 1 || text[name.size() + 1] == '.');
    });
  }
  if (text.size() < 2 || text[0] != '.' || std::islower(static_cast<unsigned char>(text[1])) == 0)
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_word(c) || c == '.' || c == '[' || c == ']'; });
}

// `{ $context.x }` is YAML for a mapping with the key `$context.x` and no value.
bool is_forgotten_expression(const YamlEntry& entry) {
  const bool empty = entry.value->kind == YamlNode::Kind::null;
  if (entry.key.starts_with('$')) return empty || looks_like_expression(entry.key);
  return empty && looks_like_expression(entry.key);
}

// The variables that an expression may use at the place, with those of the tasks around it.
std::vector<Named> known_in(Place place, const Scope& scope) {
  std::vector<Named> variables = variables_of(place);
  if (place == Place::caught) {
    variables.push_back({"error", Variable::error});
    if (scope.caught != "error") variables.push_back({scope.caught, Variable::error});
  }
  if (place != Place::workflow_input && place != Place::workflow_from &&
      place != Place::workflow_output && place != Place::event) {
    for (const std::string& local : scope.locals) {
      if (std::none_of(variables.begin(), variables.end(),
                       [&](const Named& n) { return n.name == local; })) {
        variables.push_back({local, Variable::local});
      }
    }
  }
  return variables;
}

// Says in the fault what a name of the language lacks here, and gives a suggestion. names: the
// known variables.
std::string explain_fault(ExpressionFault& fault, std::string_view text,
                          const std::vector<std::string_view>& names) {
  std::string suggestion;
  const std::string_view rest = text.substr(std::min(fault.offset, text.size()));
  const std::string_view name =
      rest.substr(0, std::min(rest.find_first_of(".[ )|,}", 1), rest.size()));
  if (name == "$secrets") {
    fault.code = "expression.unknown_variable";
    fault.message =
        "$secrets has no value here: what this expression gives is kept with the instance";
    suggestion = "use it in the `with` of a call, in an authentication, or in input.from";
  } else if (name == "$authorization") {
    fault.code = "expression.unknown_variable";
    fault.message = "$authorization has no value here";
    suggestion = "it is known inside a task that has an authentication";
  } else if (name == "$context" || name == "$input" || name == "$output" || name == "$task") {
    // A name of the language, but without a value in this place.
    fault.code = "expression.unknown_variable";
    fault.message = std::string(name) + " has no value here";
  }
  if (fault.code == "expression.unknown_variable" && suggestion.empty()) {
    suggestion = names.empty() ? "no variable is known here" : "known here:";
    for (const std::string_view word : names) suggestion += " $" + std::string(word);
  }
  return suggestion;
}

}  // namespace

Enclosed enclosed(std::string_view text) {
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (begin < end && is_blank(text[begin])) ++begin;
  while (end > begin && is_blank(text[end - 1])) --end;
  const std::string_view body = text.substr(begin, end - begin);
  if (!body.starts_with("${")) {
    return {text.find("${") == std::string_view::npos ? Enclosed::Kind::literal
                                                      : Enclosed::Kind::partial,
            text, 0};
  }
  if (!body.ends_with('}')) return {Enclosed::Kind::unclosed, text, 0};
  return {Enclosed::Kind::expression, body.substr(2, body.size() - 3), begin + 2};
}

void Parser::error(int line, int column, std::string code, std::string message,
                   std::string suggestion) {
  failed_ = true;
  diagnostics_.push_back(
      {Severity::error, std::move(code), std::move(message), std::move(suggestion), line, column});
}
void Parser::warning(int line, int column, std::string code, std::string message,
                     std::string suggestion) {
  diagnostics_.push_back({Severity::warning, std::move(code), std::move(message),
                          std::move(suggestion), line, column});
}
void Parser::note(int line, int column, std::string code, std::string message,
                  std::string suggestion) {
  diagnostics_.push_back(
      {Severity::note, std::move(code), std::move(message), std::move(suggestion), line, column});
}
void Parser::error(const YamlNode& at, std::string code, std::string message,
                   std::string suggestion) {
  error(at.line, at.column, std::move(code), std::move(message), std::move(suggestion));
}
void Parser::error(const YamlEntry& at, std::string code, std::string message,
                   std::string suggestion) {
  error(at.line, at.column, std::move(code), std::move(message), std::move(suggestion));
}

bool Parser::check_mapping(const YamlNode& node, std::string_view where) {
  if (node.kind == YamlNode::Kind::mapping) return true;
  error(node, "workflow.type", std::string(where) + " must be a mapping (`key: value` lines)");
  return false;
}

bool Parser::check_keys(const YamlNode& node, std::string_view where, const Names& allowed,
                        const Names& required, int line, int column) {
  if (!check_mapping(node, where)) return false;
  bool good = true;
  Names misspelt;
  for (const YamlEntry& entry : node.entries) {
    if (std::find(allowed.begin(), allowed.end(), entry.key) != allowed.end()) continue;
    good = false;
    const std::string near = nearest(entry.key, allowed);
    if (!near.empty()) misspelt.push_back(near);
    error(entry, "workflow.unknown_key", "unknown key `" + entry.key + "` in " + std::string(where),
          near.empty() ? std::string() : "did you mean `" + near + "`?");
  }
  for (const std::string& key : required) {
    if (node.find(key) != nullptr) continue;
    good = false;
    // A misspelt key was reported already; saying that it is missing too would only be noise.
    if (std::find(misspelt.begin(), misspelt.end(), key) != misspelt.end()) continue;
    error(line, column, "workflow.missing_key",
          std::string(where) + " needs the key `" + key + "`");
  }
  return good;
}

std::string Parser::text_of(const YamlEntry& entry, std::string_view what) {
  if (entry.value->is_text() && !entry.value->text().empty()) return entry.value->text();
  const bool number = entry.value->kind == YamlNode::Kind::number;
  error(*entry.value, "workflow.type", std::string(what) + " must be a text",
        number ? "put it in quotes" : std::string());
  return {};
}

std::uint32_t Parser::local_number(const std::string& name) {
  return local_numbers_.emplace(name, static_cast<std::uint32_t>(local_numbers_.size() + 1))
      .first->second;
}

bool Parser::check_local_name(const YamlNode& node, const std::string& name) {
  if (name.empty()) return false;
  const bool word = is_letter(name[0]) && std::all_of(name.begin(), name.end(), is_word);
  if (!word) {
    error(node, "workflow.value",
          "`" + name + "` cannot be a variable's name: letters, digits and _ only");
    return false;
  }
  constexpr std::array<std::string_view, 8> kReserved = {
      "context", "input", "output", "secrets", "task", "workflow", "runtime", "authorization"};
  if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
    error(node, "workflow.reserved_name",
          "`$" + name + "` has a meaning of its own; take another name");
    return false;
  }
  return true;
}

std::optional<Expr> Parser::compile(const YamlNode& at, std::string_view text, std::size_t offset,
                                    Place place, const Scope& scope) {
  const std::vector<Named> variables = known_in(place, scope);
  // Places of the text's bytes in the file. Worked out only when a place is needed.
  std::optional<std::vector<std::size_t>> offsets;
  const auto place_of = [&](std::size_t inside) {
    if (!offsets) offsets = scalar_offsets(source_, at).value_or(std::vector<std::size_t>{});
    if (offset + inside >= offsets->size()) return TextPlace{at.line, at.column};
    return index_.at((*offsets)[offset + inside]);
  };

  std::vector<std::string_view> names;
  names.reserve(variables.size());
  for (const Named& n : variables) names.push_back(n.name);
  facts_ = {};
  facts_.shape.known = false;
  Expression::Outcome outcome = Expression::compile_used(text, names);
  if (!outcome.expression.has_value()) {
    ExpressionFault& fault = outcome.fault;
    std::string suggestion = explain_fault(fault, text, names);
    const TextPlace where = place_of(fault.offset);
    error(where.line, where.column, fault.code, fault.message, std::move(suggestion));
    return std::nullopt;
  }
  Expr expr;
  std::vector<std::string_view> used;
  for (const std::size_t index : outcome.expression->used_variables()) {
    used.push_back(variables[index].name);
    VariableSlot slot{variables[index].variable, 0};
    if (slot.variable == Variable::local)
      slot.local = local_number(std::string(variables[index].name));
    expr.variables.push_back(slot);
  }
  facts_ = expression_facts(*outcome.expression, used);
  for (const auto& [key, at_byte] : facts_.context_reads) {
    const TextPlace where = place_of(at_byte);
    reads_.push_back({key, where.line, where.column, current_task_,
                      place == Place::task_export || place == Place::caught});
  }
  check_error_text(facts_, place_of);
  if (facts_.whole_secrets) expr.secrets = model_->secrets;
  for (const auto& [key, at_byte] : facts_.secret_reads) {
    const TextPlace where = place_of(at_byte);
    check_secret(where.line, where.column, key);
    read_secrets_.insert(key);
    if (std::find(expr.secrets.begin(), expr.secrets.end(), key) == expr.secrets.end())
      expr.secrets.push_back(key);
  }
  whole_secrets_ = whole_secrets_ || facts_.whole_secrets;
  if (used.size() > kMaxVariables) {
    error(at, "workflow.limit",
          "an expression may use at most " + std::to_string(kMaxVariables) + " variables");
    return std::nullopt;
  }
  expr.expression = std::move(*outcome.expression);
  return expr;
}

TextPlace Parser::place_in(const YamlNode& node, std::size_t byte) const {
  const auto offsets = scalar_offsets(source_, node);
  if (!offsets || byte >= offsets->size()) return {node.line, node.column};
  return index_.at((*offsets)[byte]);
}

void Parser::unclosed(const YamlNode& node) {
  const auto offsets = scalar_offsets(source_, node);
  const std::string_view rest =
      offsets ? source_.substr(std::min(offsets->back(), source_.size())) : std::string_view();
  const std::size_t next = rest.find_first_not_of(' ');
  const bool comment = !node.quoted && next != std::string_view::npos && rest[next] == '#';
  error(
      node, "workflow.interpolation", "this expression starts with `${` but does not end with `}`",
      comment ? "` #` starts a comment in YAML: put the expression in quotes" : "end it with `}`");
}

std::string Parser::forgotten_expression(const YamlNode& node) {
  const auto found =
      std::find_if(node.entries.begin(), node.entries.end(), is_forgotten_expression);
  return found == node.entries.end() ? std::string() : "write ${ " + found->key + " }";
}

std::optional<Expr> Parser::expression(const YamlNode& node, std::string_view what, Place place,
                                       const Scope& scope) {
  if (node.kind == YamlNode::Kind::boolean) {  // `if: true` is the expression `true`
    return compile(node, node.scalar.as_bool() ? "true" : "false", 0, place, scope);
  }
  if (!node.is_text()) {
    error(node, "workflow.type",
          std::string(what) + " must be an expression, such as `${ .ready }`",
          forgotten_expression(node));
    return std::nullopt;
  }
  const Enclosed found = enclosed(node.text());
  switch (found.kind) {
    case Enclosed::Kind::expression:
      return compile(node, found.inside, found.offset, place, scope);
    case Enclosed::Kind::literal:
      return compile(node, node.text(), 0, place, scope);
    case Enclosed::Kind::unclosed:
      unclosed(node);
      return std::nullopt;
    case Enclosed::Kind::partial: {
      const TextPlace where = place_in(node, node.text().find("${"));
      error(where.line, where.column, "workflow.interpolation",
            "`${` must stand at the start of an expression",
            "put `${` before the whole expression, or leave it out here");
      return std::nullopt;
    }
  }
  return std::nullopt;
}

Template Parser::value(const YamlNode& node, Place place, const Scope& scope, bool bare) {
  Template out;
  if (node.kind == YamlNode::Kind::string) {
    const Enclosed found = enclosed(node.text());
    if (found.kind == Enclosed::Kind::partial && !bare) {
      const TextPlace where = place_in(node, node.text().find("${"));
      error(
          where.line, where.column, "workflow.interpolation",
          "text around `${ }` is not supported: the whole value is an expression or none of it is",
          "write ${ \"... \\(.name) ...\" }");
    } else if (found.kind == Enclosed::Kind::unclosed) {
      unclosed(node);
    } else if (found.kind == Enclosed::Kind::expression || bare) {
      const bool whole = found.kind != Enclosed::Kind::expression;
      out.expression = compile(node, whole ? std::string_view(node.text()) : found.inside,
                               found.offset, place, scope);
      out.kind = out.expression.has_value() ? Template::Kind::expression : Template::Kind::constant;
    } else {
      if (looks_like_expression(node.text()) && (!node.quoted || node.text().starts_with("{{"))) {
        warning(node.line, node.column, "workflow.missing_expression",
                "`" + node.text() + "` is passed on as this text, not evaluated",
                node.text().starts_with("{{")
                    ? "write ${ ... }"
                    : "write ${ " + node.text() + " }, or quote the text");
      }
      out.constant = node.scalar;
    }
    return out;
  }
  if (node.kind == YamlNode::Kind::sequence || node.kind == YamlNode::Kind::mapping) {
    const bool mapping = node.kind == YamlNode::Kind::mapping;
    bool constant = true;
    const auto add = [&](const YamlNode& item) {
      out.items.push_back(value(item, place, scope, false));
      constant = constant && out.items.back().kind == Template::Kind::constant;
    };
    for (const YamlPtr& item : node.items) add(*item);
    for (const YamlEntry& entry : node.entries) {
      if (is_forgotten_expression(entry)) {
        warning(entry.line, entry.column, "workflow.missing_expression",
                "`" + entry.key + "` is the key of a mapping here, not evaluated",
                "write ${ " + entry.key + " }, or quote the key");
      }
      out.keys.push_back(entry.key);
      add(*entry.value);
    }
    if (constant) {
      out.items.clear();
      out.keys.clear();
      out.constant = to_json(node);
    } else {
      out.kind = mapping ? Template::Kind::object : Template::Kind::array;
    }
    return out;
  }
  out.constant = node.scalar;
  return out;
}

void Parser::newer(const YamlNode& at, int patch, std::string_view what) {
  if (dsl_patch_ >= patch) return;
  error(at, "workflow.version",
        std::string(what) + " needs dsl 1.0." + std::to_string(patch) +
            ", but the document declares 1.0." + std::to_string(dsl_patch_),
        "set document.dsl to '1.0." + std::to_string(patch) + "'");
}

DurationSpec Parser::duration(const YamlNode& node, Place place, const Scope& scope) {
  DurationSpec out;
  if (node.is_text()) {
    const Enclosed found = enclosed(node.text());
    if (found.kind == Enclosed::Kind::expression) {
      newer(node, 2, "an expression as a duration");
      out.expression = compile(node, found.inside, found.offset, place, scope);
      return out;
    }
    const Result<std::int64_t> parsed = parse_duration_ms(node.text());
    if (!parsed) {
      error(node, "workflow.value", "`" + node.text() + "` is not a duration",
            "write PT15M, or a mapping such as {minutes: 15}");
      return out;
    }
    out.ms = parsed.value();
    return out;
  }
  static const Names units = {"days", "hours", "minutes", "seconds", "milliseconds"};
  if (node.kind != YamlNode::Kind::mapping || node.entries.empty()) {
    error(node, "workflow.type",
          "a duration is a mapping such as {minutes: 15}, a text such as PT15M, or ${ }");
    return out;
  }
  if (!check_keys(node, "a duration", units, {}, node.line, node.column)) return out;
  constexpr std::array<std::int64_t, 5> kMs = {86'400'000, 3'600'000, 60'000, 1'000, 1};
  constexpr std::int64_t kMaxMs = 3'200'000'000'000;  // a hundred years, as parse_duration_ms
  for (const YamlEntry& entry : node.entries) {
    const auto unit =
        static_cast<std::size_t>(std::find(units.begin(), units.end(), entry.key) - units.begin());
    const std::optional<std::int64_t> amount = entry.value->scalar.as_int64();
    if (!amount.has_value() || *amount < 0 || *amount > kMaxMs / kMs[unit]) {
      error(*entry.value, "workflow.value",
            "`" + entry.key + "` must be a whole number, not negative");
      return out;
    }
    out.ms += *amount * kMs[unit];
  }
  return out;
}

std::shared_ptr<const DurationSpec> Parser::timeout(const YamlEntry& entry, Place place,
                                                    const Scope& scope) {
  const YamlNode* node = entry.value.get();
  if (node->is_text()) {
    const auto found = timeouts_.find(node->text());
    if (found == timeouts_.end()) {
      Names names;
      for (const auto& [name, unused] : timeouts_) names.push_back(name);
      error(*node, "workflow.unknown_timeout", "no timeout `" + node->text() + "` in use.timeouts",
            did_you_mean(node->text(), names));
      return nullptr;
    }
    node = found->second->value.get();
  }
  if (!check_keys(*node, "a timeout", {"after"}, {"after"}, node->line, node->column))
    return nullptr;
  return std::make_shared<const DurationSpec>(duration(*node->find("after")->value, place, scope));
}

std::optional<Schema> Parser::schema(const YamlNode& node) {
  if (!check_mapping(node, "a schema")) return std::nullopt;
  if (const YamlEntry* resource = node.find("resource")) {
    error(*resource, "workflow.not_supported", "schemas from outside the file are not supported",
          "put the schema under `document:`");
    return std::nullopt;
  }
  if (!check_keys(node, "a schema", {"format", "document"}, {"document"}, node.line, node.column))
    return std::nullopt;
  if (const YamlEntry* format = node.find("format")) {
    const std::string name = text_of(*format, "schema.format");
    if (!name.empty() && name != "json" && name != "json:2020-12") {
      error(*format->value, "workflow.not_supported", "only JSON Schema 2020-12 is supported",
            "write `json`, or leave `format` out");
      return std::nullopt;
    }
  }
  return compile_schema(
      *node.find("document")->value,
      [this](int line, int column, std::string code, std::string message, std::string suggestion) {
        error(line, column, std::move(code), std::move(message), std::move(suggestion));
      });
}

}  // namespace rabt::workflow
