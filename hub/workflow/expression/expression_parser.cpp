#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "hub/base/suggest.hpp"
#include "hub/base/utf8.hpp"
#include "hub/workflow/expression/expression_ast.hpp"

namespace rabt::workflow {

namespace {

// Recursion of the parser. A parenthesis costs three (pipe, operator, term), so about 100 may be
// open at once; the parser then uses well below a megabyte of stack, with sanitizers too.
constexpr std::size_t kMaxNesting = 300;
// Nodes of one expression, the prelude definitions it uses included.
constexpr std::size_t kMaxNodes = 50'000;

enum class Token : std::uint8_t {
  end,
  identifier,
  field,
  variable,
  number,
  quote,
  format,
  op,
  bad
};

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

bool space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool name_part(char c) {
  return name_start(c) || digit(c);
}

// One name that is visible while parsing; at run time each is one cell of the environment.
struct Visible {
  enum class What : std::uint8_t { variable, function, parameter, label };
  What what;
  std::string name;
  std::size_t arity = 0;
  FunctionDef* def = nullptr;
};

// Recursive descent with precedence climbing. Every parse_* returns null after a fault; the first
// fault is kept.
class Parser final {
 public:
  Parser(std::string_view text, std::span<const std::string_view> variables,
         Expression::Compiled& out, ExpressionFault& fault)
      : text_(text), variables_(variables), out_(out), fault_(fault) {}

  const Node* program() {
    advance();
    if (token_ == Token::end && !failed_)
      return fail("the expression is empty; write `.` for the input");
    const Node* node = parse_pipe();
    if (node != nullptr && token_ != Token::end) return unexpected("the end of the expression");
    return failed_ ? nullptr : node;
  }

  // Parses one definition of the prelude, whose scope is empty.
  bool prelude(std::string_view name, FunctionDef& def) {
    in_prelude_ = true;
    advance();
    advance();  // def
    def.name = std::string(name);
    advance();
    return parse_definition_rest(def);
  }

 private:
  // ---- tokens
  // ----------------------------------------------------------------------------------------------

  void advance() {
    while (at_ < text_.size()) {
      if (space(text_[at_])) {
        ++at_;
      } else if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        break;
      }
    }
    start_ = at_;
    word_ = {};
    if (at_ >= text_.size()) {
      token_ = Token::end;
      return;
    }
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (name_start(c)) {
      token_ = Token::identifier;
      word_ = name_at(at_);
      at_ += word_.size();
      return;
    }
    if ((c == '.' || c == '$') && name_start(next)) {
      token_ = c == '.' ? Token::field : Token::variable;
      word_ = name_at(at_ + 1);
      at_ += 1 + word_.size();
      return;
    }
    if (c == '@' && name_start(next)) {
      token_ = Token::format;
      word_ = name_at(at_ + 1);
      at_ += 1 + word_.size();
      return;
    }
    if (digit(c) || (c == '.' && digit(next))) {
      token_ = Token::number;
      scan_number();
      return;
    }
    if (c == '"') {
      token_ = Token::quote;
      ++at_;
      return;
    }
    token_ = Token::op;
    static constexpr std::array<std::string_view, 14> kLong = {
        "?//", "//=", "..", "==", "!=", "<=", ">=", "|=", "+=", "-=", "*=", "/=", "%=", "//"};
    for (const std::string_view op : kLong) {
      if (text_.substr(at_).starts_with(op)) {
        word_ = text_.substr(at_, op.size());
        at_ += op.size();
        return;
      }
    }
    if (std::string_view(".[]{}()|,:;?=<>+-*/%$").find(c) != std::string_view::npos) {
      word_ = text_.substr(at_, 1);
      ++at_;
      return;
    }
    token_ = Token::bad;
    fail("a character that has no meaning in expressions");
  }

  std::string_view name_at(std::size_t at) const {
    std::size_t end = at;
    while (end < text_.size() && name_part(text_[end])) ++end;
    return text_.substr(at, end - at);
  }

  void scan_number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && digit(text_[at_])) ++at_;
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      while (at_ < text_.size() && digit(text_[at_])) ++at_;
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      std::size_t end = at_ + 1;
      if (end < text_.size() && (text_[end] == '+' || text_[end] == '-')) ++end;
      if (end < text_.size() && digit(text_[end])) {
        while (end < text_.size() && digit(text_[end])) ++end;
        at_ = end;
      }
    }
    word_ = text_.substr(begin, at_ - begin);
  }

  [[nodiscard]] bool op(std::string_view word) const {
    return token_ == Token::op && word_ == word;
  }
  [[nodiscard]] bool keyword(std::string_view word) const {
    return token_ == Token::identifier && word_ == word;
  }
  // opening: where the bracket stands that word closes; a text that ends too early is shown there.
  bool expect_op(std::string_view word, std::string_view where, std::size_t opening = kNoOffset) {
    if (op(word)) {
      advance();
      return !failed_;
    }
    if (token_ == Token::end && opening != kNoOffset) {
      unclosed(opening, word);
      return false;
    }
    unexpected("`" + std::string(word) + "` " + std::string(where));
    return false;
  }
  bool expect_keyword(std::string_view word, std::string_view where) {
    if (keyword(word)) {
      advance();
      return !failed_;
    }
    unexpected("`" + std::string(word) + "` " + std::string(where));
    return false;
  }

  // ---- faults
  // ----------------------------------------------------------------------------------------------

  std::nullptr_t fail(std::string message) {
    return fail("expression.syntax", std::move(message), start_);
  }
  std::nullptr_t fail(std::string code, std::string message, std::size_t offset) {
    if (!failed_) {
      failed_ = true;
      fault_ = {std::move(code), std::move(message), offset};
    }
    return nullptr;
  }
  std::nullptr_t unexpected(const std::string& wanted) {
    std::string found = "the end";
    if (token_ == Token::quote) {
      found = "a text";
    } else if (token_ != Token::end) {
      found = "`" + std::string(text_.substr(start_, at_ - start_)) + "`";
    }
    return fail("expected " + wanted + ", found " + found);
  }

  std::nullptr_t unclosed(std::size_t opening, std::string_view closing) {
    const std::string_view word =
        name_start(text_[opening]) ? name_at(opening) : text_.substr(opening, 1);
    return fail(
        "expression.syntax",
        "the `" + std::string(word) + "` that starts here has no `" + std::string(closing) + "`",
        opening);
  }

  struct Nesting {
    explicit Nesting(Parser& parser) : p(parser) {
      if (++p.nesting_ > kMaxNesting) {
        p.fail("nested too deeply (about 100 levels are allowed); split it with `as $name |`");
      }
    }
    ~Nesting() { --p.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    Parser& p;
  };

  // ---- nodes
  // -----------------------------------------------------------------------------------------------

  Node* make(Kind kind, std::size_t offset) {
    if (out_.nodes.size() >= kMaxNodes) fail("the expression is too long");
    Node& node = out_.nodes.emplace_back();
    node.kind = kind;
    node.offset = in_prelude_ ? kNoOffset : offset;
    return &node;
  }
  Node* literal(Json value, std::size_t offset) {
    Node* node = make(Kind::literal, offset);
    node->value = std::move(value);
    node->single = node->in_place = true;
    return node;
  }
  static bool all_single(const std::vector<const Node*>& list) {
    return std::all_of(list.begin(), list.end(), [](const Node* n) { return n->single; });
  }
  Node* two(Kind kind, const Node* a, const Node* b, std::size_t offset) {
    if (a == nullptr || b == nullptr) return nullptr;
    Node* node = make(kind, offset);
    node->a = a;
    node->b = b;
    node->single = a->single && b->single;
    return node;
  }

  // base.key with a key known now: one path node collects a whole chain.
  Node* add_key(Node* base, const Json& key, std::size_t offset) {
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
  static Node* mutable_node(const Node* node) {
    return const_cast<Node*>(node);
  }  // the arena owns it

  Node* index(Node* base, const Node* key, std::size_t offset) {
    if (key->kind == Kind::literal &&
        (key->value.is_string() || (key->value.is_number() && !key->value.has_digits() &&
                                    key->value.as_int64().has_value()))) {
      return add_key(base, key->value, offset);
    }
    return two(Kind::index, base, key, offset);
  }

  Node* identity(std::size_t offset) {
    Node* node = make(Kind::identity, offset);
    node->single = node->in_place = true;
    return node;
  }

  // ---- grammar
  // ---------------------------------------------------------------------------------------------

  const Node* parse_pipe() {
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

  const Node* parse_comma() {
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

  struct Operator {
    int level;  // 1 // ; 2 assignment; 3 or; 4 and; 5 comparison; 6 + -; 7 * / %
    Kind kind;
    Op op;
  };
  [[nodiscard]] std::optional<Operator> binary_operator() const {
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

  static bool number_literal(const Node* node) {
    return node->kind == Kind::literal && node->value.is_number();
  }

  const Node* parse_binary(int minimum) {
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

  const Node* parse_operand() {
    const std::size_t offset = start_;
    if (op("-")) {
      advance();
      const Node* operand = parse_binary(7);
      if (operand == nullptr) return nullptr;
      if (operand->kind == Kind::literal && operand->value.is_number()) {
        const std::string digits = operand->value.number_text();
        if (digits == "0") return literal(Json(0), offset);
        // The operand may be a negated literal itself: two signs are no number.
        return literal(Json::number(digits.front() == '-' ? digits.substr(1) : "-" + digits),
                       offset);
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

  const Node* parse_def() {
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

  struct Place {
    std::size_t at;
    std::size_t start;
    Token token;
    std::string_view word;
  };

  // After the name: parameters, `:`, body, `;`. The scope is as before afterwards.
  bool parse_definition_rest(FunctionDef& def) {
    struct Parameter {
      std::string name;
      bool value;
    };
    std::vector<Parameter> parameters;
    if (op("(")) {
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
      if (!expect_op(")", "after the parameters", opening)) return false;
    }
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
    const Place place{at_, start_, token_, word_};
    const std::size_t inside = scope_.size();
    def.single = parameters.empty();
    const Node* body = parse_pipe();
    if (body != nullptr && def.single && !body->single) {
      def.single = false;
      if (def.recursive) {  // parsed under a wrong assumption: once more
        at_ = place.at;
        start_ = place.start;
        token_ = place.token;
        word_ = place.word;
        scope_.resize(inside);
        body = parse_pipe();
      }
    }
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

  const Node* parse_label() {
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

  const Node* parse_bind(const Node* source, std::size_t offset) {
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

  std::size_t push_variables(const Patterns& patterns) {
    const std::size_t outer = scope_.size();
    for (const std::string& name : patterns.variables) {
      scope_.push_back({Visible::What::variable, name, 0, nullptr});
    }
    return outer;
  }

  // At `as`. Keys inside patterns see what is visible outside.
  const Patterns* parse_patterns() {
    Patterns& list = out_.pattern_lists.emplace_back();
    do {
      advance();
      const Pattern* pattern = parse_pattern(list);
      if (pattern == nullptr) return nullptr;
      list.alternatives.push_back(pattern);
    } while (op("?//"));
    return failed_ ? nullptr : &list;
  }

  std::size_t variable_number(Patterns& list, std::string_view name) {
    for (std::size_t i = 0; i < list.variables.size(); ++i) {
      if (list.variables[i] == name) return i;
    }
    list.variables.emplace_back(name);
    return list.variables.size() - 1;
  }

  const Pattern* parse_pattern(Patterns& list) {
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
        if (member.key == nullptr || !expect_op(")", "after the key", offset)) return nullptr;
      } else {
        return unexpected("a key in the pattern");
      }
      if (member.key == nullptr) return nullptr;
      if (needs_value) {
        if (!expect_op(":", "after the key")) return nullptr;
        member.value = parse_pattern(list);
        if (member.value == nullptr) return nullptr;
      }
      pattern.members.push_back(member);
    } while (op(","));
    return expect_op("}", "after the pattern", opening) ? &pattern : nullptr;
  }

  Node* attempt(const Node* body, const Node* handler, std::size_t offset) {
    if (body == nullptr) return nullptr;
    Node* node = make(Kind::attempt, offset);
    node->a = body;
    node->b = handler;
    node->single = handler != nullptr && body->single && handler->single;
    return node;
  }

  Node* parse_postfix() {
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

  // At `[` behind a term.
  Node* parse_bracket(Node* base) {
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
    node->single =
        base->single && (from == nullptr || from->single) && (to == nullptr || to->single);
    return node;
  }

  Node* parse_term() {
    const std::size_t offset = start_;
    switch (token_) {
      case Token::number: {
        Node* node = literal(number(word_), offset);
        advance();
        return node;
      }
      case Token::quote:
        return mutable_node(parse_text(Format::text));
      case Token::format:
        return parse_format();
      case Token::field: {
        Node* node = add_key(identity(offset), word_, offset);
        advance();
        return node;
      }
      case Token::variable:
        return parse_variable();
      case Token::identifier:
        return parse_word();
      case Token::op:
        break;
      case Token::end:
      case Token::bad:
        return unexpected("an expression");
    }
    if (op("..")) {
      advance();
      return make(Kind::descend, offset);
    }
    if (op(".")) {
      advance();
      if (token_ == Token::quote) {
        const Node* key = parse_text(Format::text);
        return key == nullptr ? nullptr : index(identity(offset), key, offset);
      }
      return identity(offset);
    }
    if (op("(")) {
      advance();
      const Node* inner = parse_pipe();
      if (inner == nullptr || !expect_op(")", "to close the parenthesis", offset)) return nullptr;
      // A pipe in parentheses must not be extended by keys that follow, a path may.
      return mutable_node(inner);
    }
    if (op("[")) {
      advance();
      Node* node = make(Kind::array, offset);
      node->single = true;
      if (op("]")) {
        advance();
        return node;
      }
      node->a = parse_pipe();
      if (node->a == nullptr || !expect_op("]", "to close the array", offset)) return nullptr;
      return node;
    }
    if (op("{")) return parse_object();
    return unexpected("an expression");
  }

  Json number(std::string_view word) {
    std::string digits(word);
    if (digits.front() == '.') digits.insert(0, "0");
    std::size_t zeros = 0;
    while (zeros + 1 < digits.size() && digits[zeros] == '0' && digit(digits[zeros + 1])) ++zeros;
    digits.erase(0, zeros);
    if (const auto dot = digits.find('.');
        dot != std::string::npos && (dot + 1 == digits.size() || !digit(digits[dot + 1]))) {
      digits.insert(dot + 1, "0");
    }
    Json value = Json::number(std::move(digits));
    // As for computed values: past the range of a double the largest one stands, which JSON can
    // hold.
    if (std::isinf(value.as_double())) return Json(std::numeric_limits<double>::max());
    return value;
  }

  Node* parse_variable() {
    const std::size_t offset = start_;
    const std::string_view name = word_;
    if (name == "__loc__") {
      const auto line =
          1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
      advance();
      return literal(Json::object({{"file", "<top-level>"}, {"line", line}}), offset);
    }
    Node* node = resolve_variable(name, offset);
    if (node != nullptr) advance();
    return failed_ ? nullptr : node;
  }

  Node* resolve_variable(std::string_view name, std::size_t offset) {
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

  Node* parse_format() {
    const std::size_t offset = start_;
    const std::optional<Format> format = find_format(word_);
    if (!format) {
      std::string names;
      for (const auto& entry : kFormats) names += " @" + std::string(entry.name);
      return fail("expression.unknown_function",
                  "@" + std::string(word_) + " is no format; there are" + names, offset);
    }
    advance();
    if (token_ == Token::quote) return mutable_node(parse_text(*format));
    Node* node = make(Kind::format, offset);
    node->format = *format;
    node->single = true;
    return node;
  }

  // Behind the opening quote. Interpolations go through the format.
  const Node* parse_text(Format format) {
    const std::size_t offset = start_;
    std::vector<const Node*> parts;
    std::string piece;
    for (;;) {
      if (at_ >= text_.size()) {
        start_ = offset;
        return fail("the text that starts here has no closing quote");
      }
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        break;
      }
      if (c != '\\') {
        piece.push_back(c);
        ++at_;
        continue;
      }
      start_ = at_;
      const char escaped = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      at_ += 2;
      if (escaped == '(') {
        const std::size_t interpolation = start_ + 1;
        if (!piece.empty()) parts.push_back(literal(std::move(piece), start_));
        piece.clear();
        advance();
        const Node* inner = parse_pipe();
        if (inner == nullptr) return nullptr;
        if (!op(")")) {
          return token_ == Token::end ? unclosed(interpolation, ")")
                                      : unexpected("`)` to close the interpolation");
        }
        // The text goes on right behind the parenthesis.
        at_ = start_ + 1;
        if (inner->kind == Kind::literal) inner = wrap(inner);
        parts.push_back(inner);
        continue;
      }
      if (!escape(escaped, piece)) return nullptr;
    }
    advance();
    if (failed_) return nullptr;
    if (parts.empty()) return literal(std::move(piece), offset);
    if (!piece.empty()) parts.push_back(literal(std::move(piece), offset));
    Node* node = make(Kind::text, offset);
    node->format = format;
    node->list = std::move(parts);
    node->single = all_single(node->list);
    return node;
  }

  // An interpolated literal must not be taken for a piece of the text: `. | literal`.
  const Node* wrap(const Node* inner) {
    return two(Kind::pipe, identity(inner->offset), inner, inner->offset);
  }

  bool hex4(std::uint32_t& out) {
    if (at_ + 4 > text_.size()) return false;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, out, 16);
    if (error != std::errc{} || end != text_.data() + at_ + 4) return false;
    at_ += 4;
    return true;
  }

  bool escape(char c, std::string& piece) {
    switch (c) {
      case '"':
      case '\\':
      case '/':
        piece.push_back(c);
        return true;
      case 'b':
        piece.push_back('\b');
        return true;
      case 'f':
        piece.push_back('\f');
        return true;
      case 'n':
        piece.push_back('\n');
        return true;
      case 'r':
        piece.push_back('\r');
        return true;
      case 't':
        piece.push_back('\t');
        return true;
      case 'u': {
        std::uint32_t code = 0;
        if (!hex4(code)) break;
        if (code >= 0xd800 && code < 0xdc00) {
          std::uint32_t low = 0;
          if (at_ + 1 < text_.size() && text_[at_] == '\\' && text_[at_ + 1] == 'u') {
            at_ += 2;
            if (!hex4(low)) break;
          }
          code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10U) + (low - 0xdc00)
                                               : 0xfffd;
        } else if (code >= 0xdc00 && code < 0xe000) {
          code = 0xfffd;
        }
        append_utf8(piece, code);
        return true;
      }
      default:
        break;
    }
    fail("an escape that JSON texts do not have");
    return false;
  }

  Node* parse_object() {
    const std::size_t offset = start_;
    Node* node = make(Kind::object, offset);
    advance();
    while (!op("}")) {
      if (failed_) return nullptr;
      const std::size_t key_offset = start_;
      const Node* key = nullptr;
      const Node* value = nullptr;
      bool needs_value = false;
      if (token_ == Token::variable) {
        key = literal(word_, key_offset);
        value = parse_variable();
        if (value == nullptr) return nullptr;
      } else if (token_ == Token::identifier || token_ == Token::number) {
        if (token_ == Token::number) return unexpected("a key; number keys need quotes");
        key = literal(word_, key_offset);
        advance();
      } else if (token_ == Token::quote) {
        key = parse_text(Format::text);
      } else if (token_ == Token::format) {
        key = parse_format();
      } else if (op("(")) {
        advance();
        key = parse_pipe();
        if (key == nullptr || !expect_op(")", "after the key", key_offset)) return nullptr;
        needs_value = true;
      } else {
        return token_ == Token::end ? unclosed(offset, "}") : unexpected("a key or `}`");
      }
      if (key == nullptr) return nullptr;
      if (key->kind == Kind::literal && !key->value.is_string()) {
        return fail("expression.syntax", "an object's key must be a text", key_offset);
      }
      if (value == nullptr && (needs_value || op(":"))) {
        if (!expect_op(":", "after the key")) return nullptr;
        value = parse_object_value();
      } else if (value == nullptr) {
        value = index(identity(key_offset), key, key_offset);
      }
      if (value == nullptr) return nullptr;
      node->list.push_back(key);
      node->list.push_back(value);
      if (op(",")) {
        advance();
        if (op("}")) return unexpected("a key after `,`");
      } else if (!op("}")) {
        if (binary_operator()) {
          return fail("the value of a key is one term; put parentheses around `" +
                      std::string(word_) + "` and its operands");
        }
        return token_ == Token::end ? unclosed(offset, "}")
                                    : unexpected("`,` or `}` in the object");
      }
    }
    advance();
    node->single = all_single(node->list);
    return failed_ ? nullptr : node;
  }

  // jq's grammar: terms, joined by `|`, perhaps negated.
  const Node* parse_object_value() {
    const Nesting nesting(*this);
    if (failed_) return nullptr;
    const std::size_t offset = start_;
    const Node* left = nullptr;
    if (op("-")) {
      advance();
      const Node* operand = parse_postfix();
      if (operand == nullptr) return nullptr;
      Node* node = make(Kind::negate, offset);
      node->a = operand;
      node->single = operand->single;
      left = node;
    } else {
      left = parse_postfix();
    }
    if (left == nullptr || !op("|")) return left;
    advance();
    return two(Kind::pipe, left, parse_object_value(), offset);
  }

  Node* parse_word() {
    const std::size_t offset = start_;
    if (word_ == "if") return parse_if();
    if (word_ == "try") {
      advance();
      const Node* body = op("-") ? parse_operand() : parse_postfix();
      if (body == nullptr) return nullptr;
      const Node* handler = nullptr;
      if (keyword("catch")) {
        advance();
        handler = op("-") ? parse_operand() : parse_postfix();
        if (handler == nullptr) return nullptr;
      }
      return attempt(body, handler, offset);
    }
    if (word_ == "reduce" || word_ == "foreach") return parse_loop(word_ == "reduce");
    if (word_ == "break") {
      advance();
      if (token_ != Token::variable) return unexpected("$name after `break`");
      for (std::size_t i = scope_.size(); i-- > 0;) {
        if (scope_[i].what != Visible::What::label || scope_[i].name != word_) continue;
        Node* node = make(Kind::leave, offset);
        node->index = scope_.size() - 1 - i;
        advance();
        return node;
      }
      return fail("expression.unknown_variable",
                  "there is no label $" + std::string(word_) + " around this break", start_);
    }
    if (word_ == "def" || word_ == "label") {
      return mutable_node(word_ == "def" ? parse_def() : parse_label());
    }
    if (find_forbidden(word_) == nullptr && is_keyword(word_)) return unexpected("an expression");
    return parse_call();
  }

  Node* parse_if() {
    const std::size_t offset = start_;
    advance();
    const Node* when = parse_pipe();
    if (when == nullptr || !expect_keyword("then", "after the condition")) return nullptr;
    const Node* then = parse_pipe();
    if (then == nullptr) return nullptr;
    const Node* otherwise = nullptr;
    if (keyword("elif")) {
      const Nesting nesting(*this);
      if (failed_) return nullptr;
      otherwise = parse_if();
      if (otherwise == nullptr) return nullptr;
    } else {
      if (keyword("else")) {
        advance();
        otherwise = parse_pipe();
        if (otherwise == nullptr) return nullptr;
      }
      if (token_ == Token::end) return unclosed(offset, "end");
      if (!expect_keyword("end", "to close the `if`")) return nullptr;
    }
    Node* node = make(Kind::condition, offset);
    node->a = when;
    node->b = then;
    node->c = otherwise;
    node->single = when->single && then->single && (otherwise == nullptr || otherwise->single);
    return node;
  }

  Node* parse_loop(bool is_reduce) {
    const std::size_t offset = start_;
    advance();
    const Node* source = parse_postfix();
    if (source == nullptr) return nullptr;
    if (!keyword("as")) return unexpected("`as` after the source");
    const Patterns* patterns = parse_patterns();
    const std::size_t opening = start_;
    if (patterns == nullptr || !expect_op("(", "after the pattern")) return nullptr;
    const Node* init = parse_pipe();
    if (init == nullptr || !expect_op(";", "after the start value")) return nullptr;
    const std::size_t outer = push_variables(*patterns);
    const Node* update = parse_pipe();
    const Node* extract = nullptr;
    if (update != nullptr && !is_reduce && op(";")) {
      advance();
      extract = parse_pipe();
    }
    scope_.resize(outer);
    if (update == nullptr || failed_ || !expect_op(")", "to close the loop", opening))
      return nullptr;
    Node* node = make(is_reduce ? Kind::reduce : Kind::foreach, offset);
    node->a = source;
    node->b = init;
    node->c = update;
    node->d = extract;
    node->patterns = patterns;
    node->single = is_reduce && init->single;
    return node;
  }

  Node* parse_call() {
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

  Node* resolve_call(const std::string& name, std::vector<const Node*> arguments,
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
      return fail("expression.forbidden",
                  name + " is not available: " + std::string(forbidden->why), offset);
    }
    std::string message = "there is no function " + name + "/" + std::to_string(arity);
    std::vector<std::string> names = function_table();
    for (std::string& known : names) known.resize(known.rfind('/'));
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

  Node* special(Special form, std::vector<const Node*> arguments, std::size_t offset) {
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

  // A pattern that stands in the text is compiled now, so that its mistakes are found now.
  bool precompile(Node& node, const Node* pattern, const Node* flags) {
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
  // test, match, sub and gsub with a literal pattern: compiled once here, not in every evaluation.
  // Null: not such a call, or a fault. The other functions get at least their pattern checked.
  Node* literal_regex(std::string_view name, const std::vector<const Node*>& arguments,
                      std::size_t offset) {
    static constexpr std::array<std::string_view, 8> kTakers = {
        "test", "match", "sub", "gsub", "scan", "split", "splits", "capture"};
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

  const FunctionDef* prelude_function(const std::string& name, std::size_t arity,
                                      std::string_view definition) {
    const std::string key = name + "/" + std::to_string(arity);
    if (const auto known = out_.prelude.find(key); known != out_.prelude.end())
      return known->second;
    FunctionDef& def = out_.functions.emplace_back();
    out_.prelude.emplace(key, &def);
    ExpressionFault fault;
    Parser inner(definition, {}, out_, fault);
    if (!inner.prelude(name, def)) {
      fail("expression.syntax", "the definition of " + key + " is broken: " + fault.message,
           start_);
      return nullptr;
    }
    return &def;
  }

  std::string_view text_;
  std::span<const std::string_view> variables_;
  Expression::Compiled& out_;
  ExpressionFault& fault_;
  std::vector<Visible> scope_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
  std::size_t nesting_ = 0;
  Token token_ = Token::end;
  std::string_view word_;
  bool failed_ = false;
  bool in_prelude_ = false;
};

}  // namespace

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

bool parse_expression(std::string_view text, std::span<const std::string_view> variables,
                      Expression::Compiled& compiled, ExpressionFault& fault) {
  compiled.text = std::string(text);
  compiled.variables = variables.size();
  Parser parser(compiled.text, variables, compiled, fault);
  compiled.root = parser.program();
  std::sort(compiled.used_variables.begin(), compiled.used_variables.end());
  return compiled.root != nullptr;
}

}  // namespace rabt::workflow
