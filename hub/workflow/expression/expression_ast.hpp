#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/expression.hpp"

// The compiled form of an expression, shared by parser, evaluator and builtins. Internal to
// hub/workflow.
namespace rabt::workflow {

class Evaluation;
struct Node;
struct FunctionDef;

// A compiled regular expression; the library's header stays in expression_regex.cpp.
struct Regex;
// flags: g i x s n l p. Error text without the pattern when it or a flag is not supported.
[[nodiscard]] std::shared_ptr<const Regex> compile_regex(std::string_view pattern,
                                                         std::string_view flags,
                                                         std::string& error);

enum class Kind : std::uint8_t {
  identity,
  literal,      // value
  variable,     // index: position among the values of an evaluation
  local,        // index: cells to walk up in the environment
  path,         // a (or the input), then keys
  index,        // a, b = key
  slice,        // a, b = from or null, c = to or null
  iterate,      // a
  descend,      // ..
  pipe,         // a | b
  comma,        // list
  negate,       // a
  binary,       // op, a, b
  logic_and,    // a, b
  logic_or,     // a, b
  alternative,  // a // b
  assign,       // a = b
  modify,       // a |= b
  update,       // a op= b
  condition,    // if a then b else c; identity if c is null
  attempt,      // try a catch b; gives nothing on an error if b is null
  reduce,       // a as patterns (b; c)
  foreach,      // a as patterns (b; c; d); identity if d is null
  bind,         // a as patterns | b
  define,       // def; a = what follows
  call,         // index: cells up to the definition; def; list = arguments
  call_global,  // def (of the prelude); list = arguments
  call_param,   // index: cells up to the closure
  label,        // a
  leave,        // break; index: cells up to the label
  object,       // list: key, value, key, value
  array,        // a or null
  text,         // list of parts; op = format; literal parts are Kind::literal
  format,       // op = format
  builtin,      // function; list = arguments, evaluated as values
  special,      // special; list = arguments, evaluated by the form itself
};

enum class Op : std::uint8_t { add, sub, mul, div, mod, eq, ne, lt, le, gt, ge, alternative };
enum class Format : std::uint8_t {
  text,
  json,
  csv,
  tsv,
  html,
  uri,
  urid,
  sh,
  base64,
  base64d,
  base32,
  base32d
};

enum class Special : std::uint8_t {
  empty,
  path,     // path(f)
  select,   // select(f)
  first,    // first(f)
  limit,    // limit(n; f)
  getpath,  // getpath(p): also a path
  range,    // range(from; to; by)
  walk,     // walk(f)
  tostream,
  fromstream,
  substitute,  // sub(re; f; flags)
  error,       // error(f)
  last,        // last(f)
  any_of,      // any(generator; condition)
  all_of,      // all(generator; condition)
};

struct PathKey {
  std::string name;
  Json json;  // the same key as a value, for path()
  std::int64_t index = 0;
  bool is_name = true;
};

// Pattern of an `as`: binds variables, which are numbered within the `as`.
struct Pattern {
  enum class Shape : std::uint8_t { variable, array, object };
  struct Member {
    std::size_t variable = kNone;  // {$name: ...} and {$name} bind the member as well
    const Node* key = nullptr;
    const Pattern* value = nullptr;
  };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  Shape shape = Shape::variable;
  std::size_t variable = kNone;
  std::vector<const Pattern*> items;
  std::vector<Member> members;
};

struct Patterns {
  std::vector<const Pattern*> alternatives;
  std::vector<std::string> variables;  // over all alternatives; each is a cell, in this order
  [[nodiscard]] bool plain() const {
    return alternatives.size() == 1 && alternatives[0]->shape == Pattern::Shape::variable;
  }
};

struct FunctionDef {
  std::string name;
  std::size_t parameters = 0;
  // Exactly one result, if it ends at all. While its body is parsed this is an assumption about
  // calls of itself.
  bool single = false;
  bool recursive = false;
  const Node* body = nullptr;
};

using BuiltinFunction = bool (*)(Evaluation& evaluation, const Json& input, const Json* arguments,
                                 Json& out);
struct Builtin {
  std::string_view name;
  std::size_t arity;
  BuiltinFunction function;
};

constexpr std::size_t kNoOffset = static_cast<std::size_t>(-1);

struct Node {
  Kind kind = Kind::identity;
  bool single = false;  // exactly one result, or an error
  // Single, and the result exists already, so it can be referred to without a copy.
  bool in_place = false;
  // The argument of error() is a text of the expression and may be shown.
  bool written = false;
  Op op = Op::add;
  Format format = Format::text;
  Special special = Special::empty;
  std::size_t offset = 0;
  std::size_t index = 0;
  const Node* a = nullptr;
  const Node* b = nullptr;
  const Node* c = nullptr;
  const Node* d = nullptr;
  std::vector<const Node*> list;
  std::vector<PathKey> keys;
  Json value;
  const FunctionDef* def = nullptr;
  const Patterns* patterns = nullptr;
  const Builtin* builtin = nullptr;
  const ExtraFunction* extra = nullptr;  // instead of builtin
  std::shared_ptr<const Regex> regex;    // when pattern and flags are literals
};

// Owns everything that nodes point to. Deques keep addresses.
struct Expression::Compiled {
  std::string text;
  std::deque<Node> nodes;
  std::deque<FunctionDef> functions;
  std::deque<Pattern> patterns;
  std::deque<Patterns> pattern_lists;
  std::map<std::string, const FunctionDef*, std::less<>> prelude;  // "name/arity", as far as used
  std::shared_ptr<const ExtraFunctions> extra;                     // may be null
  std::vector<std::size_t> used_variables;
  std::size_t variables = 0;  // how many values an evaluation gets
  const Node* root = nullptr;
};

// Parses text into compiled.root. Returns false after it has set fault.
[[nodiscard]] bool parse_expression(std::string_view text,
                                    std::span<const std::string_view> variables,
                                    Expression::Compiled& compiled, ExpressionFault& fault);

[[nodiscard]] const Builtin* find_builtin(std::string_view name, std::size_t arity);
// Definitions written in the language itself; empty when there is none. "name/arity" -> "def ...;".
[[nodiscard]] std::string_view find_prelude(std::string_view name, std::size_t arity);
// The functions of both kinds, as "name/arity".
[[nodiscard]] std::vector<std::string> builtin_names();
// All functions that an expression may call, as "name/arity", sorted.
[[nodiscard]] std::vector<std::string> function_table();
// Names that are refused, without $.
[[nodiscard]] std::vector<std::string> forbidden_names();
[[nodiscard]] std::optional<Format> find_format(std::string_view name);  // without @

}  // namespace rabt::workflow
