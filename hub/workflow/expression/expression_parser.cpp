#include "hub/workflow/expression/expression_parser.hpp"

#include <algorithm>
#include <array>

namespace rabt::workflow {

namespace {

// Recursion of the parser. A parenthesis costs three (pipe, operator, term), so about 100 may be
// open at once; the parser then uses well below a megabyte of stack, with sanitizers too.
constexpr std::size_t kMaxNesting = 300;
// Nodes of one expression, the prelude definitions it uses included.
constexpr std::size_t kMaxNodes = 50'000;

}  // namespace

ExpressionParser::Nesting::Nesting(ExpressionParser& parser) : p(parser) {
  if (++p.nesting_ > kMaxNesting) {
    p.fail("nested too deeply (about 100 levels are allowed); split it with `as $name |`");
  }
}

const Node* ExpressionParser::program() {
  advance();
  if (token_ == Token::end && !failed_)
    return fail("the expression is empty; write `.` for the input");
  const Node* node = parse_pipe();
  if (node != nullptr && token_ != Token::end) return unexpected("the end of the expression");
  return failed_ ? nullptr : node;
}

bool ExpressionParser::prelude(std::string_view name, FunctionDef& def) {
  in_prelude_ = true;
  advance();
  advance();  // def
  def.name = std::string(name);
  advance();
  return parse_definition_rest(def);
}

// ---- nodes ----

Node* ExpressionParser::make(Kind kind, std::size_t offset) {
  if (out_.nodes.size() >= kMaxNodes) fail("the expression is too long");
  Node& node = out_.nodes.emplace_back();
  node.kind = kind;
  node.offset = in_prelude_ ? kNoOffset : offset;
  return &node;
}

Node* ExpressionParser::literal(Json value, std::size_t offset) {
  Node* node = make(Kind::literal, offset);
  node->value = std::move(value);
  node->single = node->in_place = true;
  return node;
}

bool ExpressionParser::all_single(const std::vector<const Node*>& list) {
  return std::all_of(list.begin(), list.end(), [](const Node* n) { return n->single; });
}

Node* ExpressionParser::two(Kind kind, const Node* a, const Node* b, std::size_t offset) {
  if (a == nullptr || b == nullptr) return nullptr;
  Node* node = make(kind, offset);
  node->a = a;
  node->b = b;
  node->single = a->single && b->single;
  return node;
}

Node* ExpressionParser::add_key(Node* base, const Json& key, std::size_t offset) {
  PathKey entry;
  entry.json = key;
  if (key.is_string()) {
    entry.name = key.as_string();
  } else {
    entry.is_name = false;
    entry.index = key.as_int64().value_or(0);
  }
  Node* node = base;
  if (base->kind != Kind::path) {
    node = make(Kind::path, offset);
    node->a = base->kind == Kind::identity ? nullptr : base;
    node->single = base->single;
    node->in_place = base->in_place;
  }
  node->keys.push_back(std::move(entry));
  return node;
}

Node* ExpressionParser::index(Node* base, const Node* key, std::size_t offset) {
  if (key->kind == Kind::literal &&
      (key->value.is_string() ||
       (key->value.is_number() && !key->value.has_digits() && key->value.as_int64().has_value()))) {
    return add_key(base, key->value, offset);
  }
  return two(Kind::index, base, key, offset);
}

Node* ExpressionParser::identity(std::size_t offset) {
  Node* node = make(Kind::identity, offset);
  node->single = node->in_place = true;
  return node;
}

Node* ExpressionParser::attempt(const Node* body, const Node* handler, std::size_t offset) {
  if (body == nullptr) return nullptr;
  Node* node = make(Kind::attempt, offset);
  node->a = body;
  node->b = handler;
  node->single = handler != nullptr && body->single && handler->single;
  return node;
}

// ---- pipes and operators ----

const Node* ExpressionParser::parse_pipe() {
  const Nesting nesting(*this);
  if (failed_) return nullptr;
  std::vector<const Node*> stages;
  for (;;) {
    const Node* stage = parse_comma();
    if (stage == nullptr) return nullptr;
    stages.push_back(stage);
    if (!op("|")) break;
    advance();
    if (failed_) return nullptr;
  }
  const Node* node = stages.back();
  for (std::size_t i = stages.size() - 1; i-- > 0;) {
    node = two(Kind::pipe, stages[i], node, stages[i]->offset);
  }
  return failed_ ? nullptr : node;
}

const Node* ExpressionParser::parse_comma() {
  const std::size_t offset = start_;
  const Node* first = parse_binary(1);
  if (first == nullptr || !op(",")) return first;
  Node* node = make(Kind::comma, offset);
  node->list.push_back(first);
  while (op(",")) {
    advance();
    const Node* next = parse_binary(1);
    if (next == nullptr) return nullptr;
    node->list.push_back(next);
  }
  return failed_ ? nullptr : node;
}

std::optional<ExpressionParser::Operator> ExpressionParser::binary_operator() const {
  if (token_ == Token::identifier) {
    if (word_ == "or") return Operator{3, Kind::logic_or, Op::add};
    if (word_ == "and") return Operator{4, Kind::logic_and, Op::add};
    return std::nullopt;
  }
  if (token_ != Token::op) return std::nullopt;
  struct Entry {
    std::string_view word;
    Operator value;
  };
  static constexpr std::array<Entry, 20> kOperators = {
      {{"//", {1, Kind::alternative, Op::add}},     {"=", {2, Kind::assign, Op::add}},
       {"|=", {2, Kind::modify, Op::add}},          {"+=", {2, Kind::update, Op::add}},
       {"-=", {2, Kind::update, Op::sub}},          {"*=", {2, Kind::update, Op::mul}},
       {"/=", {2, Kind::update, Op::div}},          {"%=", {2, Kind::update, Op::mod}},
       {"//=", {2, Kind::update, Op::alternative}}, {"==", {5, Kind::binary, Op::eq}},
       {"!=", {5, Kind::binary, Op::ne}},           {"<", {5, Kind::binary, Op::lt}},
       {"<=", {5, Kind::binary, Op::le}},           {">", {5, Kind::binary, Op::gt}},
       {">=", {5, Kind::binary, Op::ge}},           {"+", {6, Kind::binary, Op::add}},
       {"-", {6, Kind::binary, Op::sub}},           {"*", {7, Kind::binary, Op::mul}},
       {"/", {7, Kind::binary, Op::div}},           {"%", {7, Kind::binary, Op::mod}}}};
  for (const Entry& entry : kOperators) {
    if (entry.word == word_) return entry.value;
  }
  return std::nullopt;
}

bool ExpressionParser::number_literal(const Node* node) {
  return node->kind == Kind::literal && node->value.is_number();
}

const Node* ExpressionParser::parse_binary(int minimum) {
  const Nesting nesting(*this);
  if (failed_) return nullptr;
  const Node* left = parse_operand();
  int last_level = 0;
  while (left != nullptr) {
    const auto next = binary_operator();
    if (!next || next->level < minimum) break;
    const std::size_t offset = start_;
    if ((next->level == 2 || next->level == 5) && next->level == last_level) {
      return fail("`" + std::string(word_) +
                  "` cannot follow another operator of its kind; use parentheses");
    }
    advance();
    // Level 1 is right associative, the others left or not at all.
    const Node* right = parse_binary(next->level == 1 ? 1 : next->level + 1);
    if (right == nullptr) return nullptr;
    if (next->kind == Kind::binary && next->op == Op::div && number_literal(left) &&
        number_literal(right) && right->value.as_double() == 0) {
      return fail("expression.syntax", "division by zero", offset);
    }
    Node* node = two(next->kind, left, right, offset);
    node->op = next->op;
    if (next->kind == Kind::modify) node->single = true;
    if (next->kind == Kind::assign || next->kind == Kind::update) node->single = right->single;
    left = node;
    last_level = next->level;
  }
  return failed_ ? nullptr : left;
}

const Node* ExpressionParser::parse_operand() {
  const std::size_t offset = start_;
  if (op("-")) {
    advance();
    const Node* operand = parse_binary(7);
    if (operand == nullptr) return nullptr;
    if (operand->kind == Kind::literal && operand->value.is_number()) {
      const std::string digits = operand->value.number_text();
      if (digits == "0") return literal(Json(0), offset);
      // The operand may be a negated literal itself: two signs are no number.
      return literal(Json::number(digits.front() == '-' ? digits.substr(1) : "-" + digits), offset);
    }
    Node* node = make(Kind::negate, offset);
    node->a = operand;
    node->single = operand->single;
    return node;
  }
  if (keyword("def")) return parse_def();
  if (keyword("label")) return parse_label();
  Node* term = parse_postfix();
  if (term == nullptr || !keyword("as")) return term;
  return parse_bind(term, offset);
}

// ---- definitions and bindings ----

const Node* ExpressionParser::parse_def() {
  const std::size_t offset = start_;
  advance();
  if (token_ != Token::identifier) return unexpected("the name of the function after `def`");
  FunctionDef& def = out_.functions.emplace_back();
  def.name = std::string(word_);
  const std::size_t outer = scope_.size();
  advance();
  if (!parse_definition_rest(def)) return nullptr;
  scope_.push_back({Visible::What::function, def.name, def.parameters, &def});
  const Node* rest = parse_pipe();
  scope_.resize(outer);
  if (rest == nullptr) return nullptr;
  Node* node = make(Kind::define, offset);
  node->def = &def;
  node->a = rest;
  node->single = rest->single;
  return node;
}

bool ExpressionParser::parse_parameters(std::vector<Parameter>& parameters) {
  if (!op("(")) return true;
  const std::size_t opening = start_;
  do {
    advance();
    if (token_ != Token::identifier && token_ != Token::variable) {
      unexpected("a parameter name");
      return false;
    }
    parameters.push_back({std::string(word_), token_ == Token::variable});
    advance();
  } while (op(";"));
  return expect_op(")", "after the parameters", opening);
}

// A body without parameters is taken for single while it is parsed, so that calls of itself may be.
// If it turns out not to be single, it is parsed once more.
const Node* ExpressionParser::parse_body(FunctionDef& def) {
  const std::size_t at = at_;
  const std::size_t start = start_;
  const Token token = token_;
  const std::string_view word = word_;
  const std::size_t inside = scope_.size();
  def.single = def.parameters == 0;
  const Node* body = parse_pipe();
  if (body == nullptr || !def.single || body->single) return body;
  def.single = false;
  if (!def.recursive) return body;
  at_ = at;
  start_ = start;
  token_ = token;
  word_ = word;
  scope_.resize(inside);
  return parse_pipe();
}

bool ExpressionParser::parse_definition_rest(FunctionDef& def) {
  std::vector<Parameter> parameters;
  if (!parse_parameters(parameters)) return false;
  if (!expect_op(":", "before the function's body")) return false;
  def.parameters = parameters.size();
  const std::size_t outer = scope_.size();
  scope_.push_back({Visible::What::function, def.name, def.parameters, &def});
  for (const Parameter& parameter : parameters) {
    scope_.push_back({Visible::What::parameter, parameter.name, 0, nullptr});
  }
  // def f($x): body is def f(x): x as $x | body. The first parameter is the outermost loop.
  struct Bound {
    std::size_t parameter;
    std::size_t cells;
  };
  std::vector<Bound> bound;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].value) continue;
    bound.push_back({i, parameters.size() - 1 - i + bound.size()});
    scope_.push_back({Visible::What::variable, parameters[i].name, 0, nullptr});
  }
  const std::size_t offset = start_;
  const Node* body = parse_body(def);
  scope_.resize(outer);
  if (body == nullptr) return false;
  for (std::size_t i = bound.size(); i-- > 0;) {
    Node* source = make(Kind::call_param, offset);
    source->index = bound[i].cells;
    Node* bind = make(Kind::bind, offset);
    bind->a = source;
    bind->b = body;
    Pattern& pattern = out_.patterns.emplace_back();
    pattern.variable = 0;
    Patterns& list = out_.pattern_lists.emplace_back();
    list.alternatives.push_back(&pattern);
    list.variables.push_back(parameters[bound[i].parameter].name);
    bind->patterns = &list;
    body = bind;
  }
  def.body = body;
  return expect_op(";", "after the function's body");
}

const Node* ExpressionParser::parse_label() {
  const std::size_t offset = start_;
  advance();
  if (token_ != Token::variable) return unexpected("$name after `label`");
  scope_.push_back({Visible::What::label, std::string(word_), 0, nullptr});
  advance();
  if (!expect_op("|", "after the label")) return nullptr;
  const Node* body = parse_pipe();
  scope_.pop_back();
  if (body == nullptr) return nullptr;
  Node* node = make(Kind::label, offset);
  node->a = body;
  return node;
}

const Node* ExpressionParser::parse_bind(const Node* source, std::size_t offset) {
  const Patterns* patterns = parse_patterns();
  if (patterns == nullptr || !expect_op("|", "after the pattern")) return nullptr;
  const std::size_t outer = push_variables(*patterns);
  const Node* body = parse_pipe();
  scope_.resize(outer);
  Node* node = two(Kind::bind, source, body, offset);
  if (node == nullptr) return nullptr;
  node->patterns = patterns;
  node->single = node->single && patterns->plain();
  return node;
}

std::size_t ExpressionParser::push_variables(const Patterns& patterns) {
  const std::size_t outer = scope_.size();
  for (const std::string& name : patterns.variables) {
    scope_.push_back({Visible::What::variable, name, 0, nullptr});
  }
  return outer;
}

const Patterns* ExpressionParser::parse_patterns() {
  Patterns& list = out_.pattern_lists.emplace_back();
  do {
    advance();
    const Pattern* pattern = parse_pattern(list);
    if (pattern == nullptr) return nullptr;
    list.alternatives.push_back(pattern);
  } while (op("?//"));
  return failed_ ? nullptr : &list;
}

std::size_t ExpressionParser::variable_number(Patterns& list, std::string_view name) {
  for (std::size_t i = 0; i < list.variables.size(); ++i) {
    if (list.variables[i] == name) return i;
  }
  list.variables.emplace_back(name);
  return list.variables.size() - 1;
}

bool ExpressionParser::parse_pattern_member(Patterns& list, Pattern::Member& member) {
  const std::size_t offset = start_;
  bool needs_value = true;
  if (token_ == Token::variable) {
    member.variable = variable_number(list, word_);
    member.key = literal(word_, offset);
    advance();
    needs_value = op(":");
  } else if (token_ == Token::identifier) {
    member.key = literal(word_, offset);
    advance();
  } else if (token_ == Token::quote) {
    member.key = parse_text(Format::text);
  } else if (op("(")) {
    advance();
    member.key = parse_pipe();
    if (member.key == nullptr || !expect_op(")", "after the key", offset)) return false;
  } else {
    unexpected("a key in the pattern");
    return false;
  }
  if (member.key == nullptr) return false;
  if (needs_value) {
    if (!expect_op(":", "after the key")) return false;
    member.value = parse_pattern(list);
    if (member.value == nullptr) return false;
  }
  return true;
}

const Pattern* ExpressionParser::parse_pattern(Patterns& list) {
  const Nesting nesting(*this);
  if (failed_) return nullptr;
  const std::size_t opening = start_;
  Pattern& pattern = out_.patterns.emplace_back();
  if (token_ == Token::variable) {
    pattern.variable = variable_number(list, word_);
    advance();
    return failed_ ? nullptr : &pattern;
  }
  if (op("[")) {
    pattern.shape = Pattern::Shape::array;
    do {
      advance();
      const Pattern* item = parse_pattern(list);
      if (item == nullptr) return nullptr;
      pattern.items.push_back(item);
    } while (op(","));
    return expect_op("]", "after the pattern", opening) ? &pattern : nullptr;
  }
  if (!op("{")) return unexpected("$name, [ or { as a pattern");
  pattern.shape = Pattern::Shape::object;
  do {
    advance();
    Pattern::Member member;
    if (!parse_pattern_member(list, member)) return nullptr;
    pattern.members.push_back(member);
  } while (op(","));
  return expect_op("}", "after the pattern", opening) ? &pattern : nullptr;
}

// ---- keys behind a term ----

Node* ExpressionParser::parse_postfix() {
  const Nesting nesting(*this);
  if (failed_) return nullptr;
  Node* term = parse_term();
  while (term != nullptr && !failed_) {
    const std::size_t offset = start_;
    if (op("?")) {
      advance();
      term = attempt(term, nullptr, offset);
    } else if (op("?//")) {  // outside patterns: `a?` and then `//`
      word_.remove_prefix(1);
      ++start_;
      return attempt(term, nullptr, offset);
    } else if (token_ == Token::field) {
      term = add_key(term, word_, offset);
      advance();
    } else if (op("[")) {
      term = parse_bracket(term);
    } else if (op(".")) {
      advance();
      if (token_ == Token::quote) {
        const Node* key = parse_text(Format::text);
        term = key == nullptr ? nullptr : index(term, key, offset);
      } else if (op("[")) {
        term = parse_bracket(term);
      } else {
        return unexpected("a name, a text or [ after `.`");
      }
    } else {
      break;
    }
  }
  return failed_ ? nullptr : term;
}

Node* ExpressionParser::parse_bracket(Node* base) {
  const std::size_t offset = start_;
  advance();
  if (op("]")) {
    advance();
    Node* node = make(Kind::iterate, offset);
    node->a = base;
    return node;
  }
  const Node* from = nullptr;
  if (!op(":")) {
    from = parse_pipe();
    if (from == nullptr) return nullptr;
    if (op("]")) {
      advance();
      return index(base, from, offset);
    }
  }
  if (!op(":")) return token_ == Token::end ? unclosed(offset, "]") : unexpected("`:` or `]`");
  advance();
  if (failed_) return nullptr;
  const Node* to = nullptr;
  if (!op("]")) {
    to = parse_pipe();
    if (to == nullptr) return nullptr;
  } else if (from == nullptr) {
    return unexpected("a number before or after `:`");
  }
  if (!expect_op("]", "after the slice", offset)) return nullptr;
  Node* node = make(Kind::slice, offset);
  node->a = base;
  node->b = from;
  node->c = to;
  node->single = base->single && (from == nullptr || from->single) && (to == nullptr || to->single);
  return node;
}

bool parse_expression(std::string_view text, std::span<const std::string_view> variables,
                      Expression::Compiled& compiled, ExpressionFault& fault) {
  compiled.text = std::string(text);
  compiled.variables = variables.size();
  ExpressionParser parser(compiled.text, variables, compiled, fault);
  compiled.root = parser.program();
  std::sort(compiled.used_variables.begin(), compiled.used_variables.end());
  return compiled.root != nullptr;
}

}  // namespace rabt::workflow
