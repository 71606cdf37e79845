#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/workflow/expression/expression_ast.hpp"

// Internal to the expression parser: recursive descent with precedence climbing.
namespace rabt::workflow {

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

// One name that is visible while parsing; at run time each is one cell of the environment.
struct Visible {
  enum class What : std::uint8_t { variable, function, parameter, label };
  What what;
  std::string name;
  std::size_t arity = 0;
  FunctionDef* def = nullptr;
};

// Every parse_* starts at the current token, and returns null after a fault; the first fault is
// kept.
class ExpressionParser final {
 public:
  ExpressionParser(std::string_view text, std::span<const std::string_view> variables,
                   Expression::Compiled& out, ExpressionFault& fault)
      : text_(text), variables_(variables), out_(out), fault_(fault) {}

  const Node* program();
  // Parses one definition of the prelude, whose scope is empty.
  bool prelude(std::string_view name, FunctionDef& def);

 private:
  struct Nesting;
  struct Operator {
    int level;  // 1 // ; 2 assignment; 3 or; 4 and; 5 comparison; 6 + -; 7 * / %
    Kind kind;
    Op op;
  };
  struct Parameter {
    std::string name;
    bool value;  // written $name
  };

  // ---- tokens and faults: expression_lexer.cpp ----

  void advance();
  void advance_operator();
  std::string_view name_at(std::size_t at) const;
  void scan_number();
  [[nodiscard]] bool op(std::string_view word) const {
    return token_ == Token::op && word_ == word;
  }
  [[nodiscard]] bool keyword(std::string_view word) const {
    return token_ == Token::identifier && word_ == word;
  }
  // opening: where the bracket stands that word closes; a text that ends too early is shown there.
  bool expect_op(std::string_view word, std::string_view where, std::size_t opening = kNoOffset);
  bool expect_keyword(std::string_view word, std::string_view where);
  std::nullptr_t fail(std::string message);
  std::nullptr_t fail(std::string code, std::string message, std::size_t offset);
  std::nullptr_t unexpected(const std::string& wanted);
  std::nullptr_t unclosed(std::size_t opening, std::string_view closing);

  // ---- nodes: expression_parser.cpp ----

  Node* make(Kind kind, std::size_t offset);
  Node* literal(Json value, std::size_t offset);
  Node* identity(std::size_t offset);
  Node* two(Kind kind, const Node* a, const Node* b, std::size_t offset);
  // base.key with a key known now: one path node collects a whole chain.
  Node* add_key(Node* base, const Json& key, std::size_t offset);
  Node* index(Node* base, const Node* key, std::size_t offset);
  Node* attempt(const Node* body, const Node* handler, std::size_t offset);
  static bool all_single(const std::vector<const Node*>& list);
  // out_ owns every node, and none is constant while it is parsed.
  static Node* mutable_node(const Node* node) { return const_cast<Node*>(node); }

  // ---- pipes, operators, definitions, bindings: expression_parser.cpp ----

  const Node* parse_pipe();
  const Node* parse_comma();
  [[nodiscard]] std::optional<Operator> binary_operator() const;
  static bool number_literal(const Node* node);
  const Node* parse_binary(int minimum);
  const Node* parse_operand();
  const Node* parse_def();
  // After the name: parameters, `:`, body, `;`. The scope is as before afterwards.
  bool parse_definition_rest(FunctionDef& def);
  bool parse_parameters(std::vector<Parameter>& parameters);
  const Node* parse_body(FunctionDef& def);
  const Node* parse_label();
  const Node* parse_bind(const Node* source, std::size_t offset);
  std::size_t push_variables(const Patterns& patterns);
  // At `as`. Keys inside patterns see what is visible outside.
  const Patterns* parse_patterns();
  std::size_t variable_number(Patterns& list, std::string_view name);
  const Pattern* parse_pattern(Patterns& list);
  bool parse_pattern_member(Patterns& list, Pattern::Member& member);
  Node* parse_postfix();
  // At `[` behind a term.
  Node* parse_bracket(Node* base);

  // ---- terms: expression_terms.cpp ----

  Node* parse_term();
  Json number(std::string_view word);
  Node* parse_variable();
  // Behind the opening quote. Interpolations go through the format.
  const Node* parse_text(Format format);
  // An interpolated literal must not be taken for a piece of the text: `. | literal`.
  const Node* wrap(const Node* inner);
  bool hex4(std::uint32_t& out);
  bool escape(char c, std::string& piece);
  Node* parse_object();
  // jq's grammar: terms, joined by `|`, perhaps negated.
  const Node* parse_object_value();
  Node* parse_word();
  Node* parse_break();
  Node* parse_try();
  Node* parse_if();
  Node* parse_loop(bool is_reduce);

  // ---- what names stand for: expression_names.cpp ----

  Node* resolve_variable(std::string_view name, std::size_t offset);
  Node* parse_format();
  static bool is_reserved(std::string_view word);
  Node* parse_call();
  Node* resolve_call(const std::string& name, std::vector<const Node*> arguments,
                     std::size_t offset);
  std::nullptr_t unknown_function(const std::string& name, std::size_t arity, std::size_t offset);
  Node* special(Special form, std::vector<const Node*> arguments, std::size_t offset);
  // A pattern that stands in the text is compiled now, so that its mistakes are found now.
  bool precompile(Node& node, const Node* pattern, const Node* flags);
  // A call of a function of ExtraFunctions; null if none has this name and number of arguments.
  Node* extra_call(std::string_view name, std::vector<const Node*>& arguments, std::size_t offset);
  // test, match, sub and gsub with a literal pattern: compiled once here, not in every evaluation.
  // Returns null when the call is no such call, or after a fault. The other functions that take a
  // pattern get it checked.
  Node* literal_regex(std::string_view name, const std::vector<const Node*>& arguments,
                      std::size_t offset);
  const FunctionDef* prelude_function(const std::string& name, std::size_t arity,
                                      std::string_view definition);

  std::string_view text_;
  std::span<const std::string_view> variables_;
  Expression::Compiled& out_;
  ExpressionFault& fault_;
  std::vector<Visible> scope_;
  std::size_t start_ = 0;  // where the current token starts
  std::size_t at_ = 0;     // where it ends
  std::size_t nesting_ = 0;
  Token token_ = Token::end;
  std::string_view word_;
  bool failed_ = false;
  bool in_prelude_ = false;
};

// Counts the parser's recursion, which a limit ends with a fault.
struct ExpressionParser::Nesting {
  explicit Nesting(ExpressionParser& parser);
  ~Nesting() { --p.nesting_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ExpressionParser& p;
};

}  // namespace rabt::workflow
