#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "hub/workflow/expression/expression_ast.hpp"

// One evaluation of a compiled expression: a tree walker that hands every result to a sink.
// Internal to hub/workflow.
namespace rabt::workflow {

// A reference to a callable; lives no longer than the call it is passed to.
template <typename... Arguments>
class Callback {
 public:
  template <typename F>
  requires(!std::same_as<std::remove_cvref_t<F>, Callback>)
      Callback(F&& function)  // NOLINT: implicit by design
      : object_(const_cast<void*>(static_cast<const void*>(&function))),
        call_([](void* object, Arguments... arguments) -> bool {
          return (*static_cast<std::remove_reference_t<F>*>(object))(arguments...);
        }) {}
  bool operator()(Arguments... arguments) const { return call_(object_, arguments...); }

 private:
  void* object_;
  bool (*call_)(void*, Arguments...);
};

// Takes one result; false ends the evaluation (an error is pending, or a break is on its way).
// path: null outside path expressions; else the path of the value, JSON null when it has none.
using Sink = Callback<const Json&, const Json*>;

// One name of the environment. Cells are immutable and shared; the newest comes first.
struct Cell {
  mutable std::uint32_t references = 1;
  std::uint32_t chain = 0;  // longest way to the end: bounds what one environment keeps alive
  Cell* parent = nullptr;
  Cell* closure = nullptr;  // the environment of node
  const Node* node = nullptr;
  std::uint64_t label = 0;
  Json value;
};

class Environment {
 public:
  Environment() = default;
  explicit Environment(Cell* cell) : cell_(cell) { retain(cell); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { release(cell_); }
  // Takes over a cell whose reference is the caller's.
  void adopt(Cell* cell) {
    Cell* old = cell_;
    cell_ = cell;
    release(old);
  }
  [[nodiscard]] Cell* get() const { return cell_; }
  static void retain(Cell* cell) {
    if (cell != nullptr) ++cell->references;
  }
  static void release(Cell* cell);

 private:
  Cell* cell_ = nullptr;
};

class Evaluation final {
 public:
  Evaluation(std::span<const Json> values, const ExpressionBudget& budget)
      : values_(values), budget_(budget) {}

  // Every result of the node.
  bool run(const Node& node, Cell* environment, const Json& input, const Json* path, Sink out);
  // The one result of a node that is `single`.
  bool value(const Node& node, Cell* environment, const Json& input, Json& out);
  // The result of a node that is `in_place`; null after an error.
  const Json* refer(const Node& node, Cell* environment, const Json& input);

  // For operations and builtins. All return false, so that `return evaluation.fail(...)` reads
  // well.
  // An error that try can catch. shown leaves the evaluation and never holds values; caught is what
  // `catch` gets, in the words of jq, which show the beginning of values.
  bool fail(std::string caught, std::string shown);
  bool fail(std::string shown);
  bool raise(const Json& value, bool written);  // error(value)
  bool over_budget(std::string message);        // cannot be caught
  bool spend(std::size_t steps) {
    steps_ += steps;
    return steps_ <= budget_.steps ||
           over_budget("more than " + std::to_string(budget_.steps) + " steps");
  }
  bool charge(std::size_t bytes) {
    bytes_ += bytes;
    return bytes_ <= budget_.bytes ||
           over_budget("it built more than " + std::to_string(budget_.bytes) + " bytes of values");
  }
  // Called where a value is put into a new array or object: keeps recursion over values safe.
  bool wrap(const Json& inner);
  // Counts one more reference to parts that exist already.
  void shared() { ++wraps_; }
  // Would the value, written out, fit into what is left of the byte budget? Values share parts, so
  // a few of them can stand for a text without end.
  bool affordable(const Json& value);
  // Results leave the evaluation: as affordable(), where enough was shared for it to matter.
  bool leaves(const Json& result);
  [[nodiscard]] bool stopped() const { return pending_ == Pending::budget; }
  Json number(double value);
  // Sets the place of an error; the definitions of the prelude have no place in the text.
  void mark(std::size_t offset) {
    if (offset != kNoOffset) offset_ = offset;
  }

  // Compiled once an evaluation. Returns null after it has set error.
  const Regex* regex(const std::string& pattern, const std::string& flags, std::string& error);

  [[nodiscard]] ExpressionFault fault() const;
  [[nodiscard]] Error error() const;  // the fault, with its place in the message
  void finish(Json& result);          // makes nan and infinities representable

 private:
  enum class Pending : std::uint8_t { none, error, leave, budget };
  struct Depth;
  struct Frame;
  struct PathFrame;
  // Result of a step of run(): failed, done, or the frame goes on.
  enum class Next : std::uint8_t { failed, done, go_on };
  static Next ended(bool ok) { return ok ? Next::done : Next::failed; }

  // An error or break that waits while another branch is tried.
  struct Failure {
    Pending pending;
    bool raised;
    bool written;
    std::uint64_t label;
    std::size_t offset;
    Json error;
    std::string shown;
  };
  Failure set_aside();
  bool fail_again(const Failure& failure);  // false

  Cell* make_cell(Cell* parent);
  Cell* bind_value(Cell* parent, Json bound);
  static Cell* walk(Cell* environment, std::size_t steps) {
    while (steps-- > 0) environment = environment->parent;
    return environment;
  }
  // True if the node has exactly one result in this environment.
  static bool single_now(const Node& node, Cell* environment) {
    return node.single || single_argument(node, environment);
  }
  static bool single_argument(const Node& node, Cell* environment);
  const Json* operand(const Node& node, Cell* environment, const Json& input, Json& scratch);
  bool enter(const Node& call, Cell* environment, Environment& callee);
  bool enter_call(Frame& at);
  static void enter_closure(Frame& at);

  // The one result of a node, by its kind.
  [[gnu::always_inline]] inline bool value_by_kind(const Node& node, Cell* environment,
                                                   const Json& input, Json& out);
  bool path_value(const Node& node, Cell* environment, const Json& input, Json& out);
  bool index_of(const Node& node, Cell* environment, const Json& input, Json& out);
  bool slice_of(const Node& node, Cell* environment, const Json& input, Json& out);
  bool negated(const Node& node, Cell* environment, const Json& input, Json& out);
  bool binary_value(const Node& node, Cell* environment, const Json& input, Json& out);
  bool logic_value(const Node& node, Cell* environment, const Json& input, Json& out);
  bool array_value(const Node& node, Cell* environment, const Json& input, Json& out);
  bool object_value(const Node& node, Cell* environment, const Json& input, Json& out);
  bool formatted(const Node& node, const Json& input, Json& out);

  // All results of a node, by its kind. Those that take a frame may go on in it.
  Next run_pipe(PathFrame& at, Sink out);
  Next run_pipe_held_back(PathFrame& at, Sink out);
  Next run_comma(PathFrame& at, Sink out);
  Next run_alternative(PathFrame& at, Sink out);
  Next run_condition(PathFrame& at, Sink out);
  Next run_attempt(PathFrame& at, Sink out);
  Next run_bind(PathFrame& at, Sink out);
  bool run_by_kind(const Node& node, Cell* environment, const Json& input, const Json* path,
                   Sink out);
  bool run_index(const Node& node, Cell* environment, const Json& input, const Json* path,
                 Sink out);
  bool run_slice(const Node& node, Cell* environment, const Json& input, const Json* path,
                 Sink out);
  bool run_operator(const Node& node, Cell* environment, const Json& input,
                    Callback<const Json&> out);

  bool compose_text(const Node& node, std::size_t count, Cell* environment, const Json& input,
                    std::string tail, Callback<const Json&> out);
  bool compose_object(const Node& node, std::size_t at, Cell* environment, const Json& input,
                      JsonObject done, Callback<const Json&> out);
  bool add_member(JsonObject& object, const Json& key, const Json& member);
  bool call_builtin(const Node& node, std::size_t left_over, Cell* environment, const Json& input,
                    std::vector<Json>& arguments, Callback<const Json&> out);
  bool builtin_value(const Node& node, Cell* environment, const Json& input, Json& out);
  // Calls the function of a node with the values of its arguments.
  bool apply(const Node& node, const Json& input, std::span<const Json> arguments, Json& out);
  bool loop(const Node& node, Cell* environment, const Json& input, const Json* path, Sink out);
  bool reduce_value(const Node& node, Cell* environment, const Json& input, Json state,
                    const Json* path, Sink out);
  bool consume(const Node& node, Cell* environment, Json& state);
  bool change(const Node& node, Cell* environment, Json& state, const Json& right);
  bool change_places(const Node& node, Cell* environment, Json& state, const Json& right,
                     const std::vector<Json>& paths);
  bool change_all(const Node& node, Cell* environment, const Json& input,
                  Callback<const Json&> out);
  bool each_binding(const Patterns& patterns, Cell* environment, const Json& source,
                    const bool& downstream, Callback<Cell*> body);
  bool destructure(const Pattern& pattern, const Json& source, Cell* environment,
                   std::vector<Json>& slots, Callback<> done);
  bool destructure_rest(const Pattern& pattern, std::size_t at, const Json& source,
                        Cell* environment, std::vector<Json>& slots, Callback<> done);
  bool run_special(const Node& node, Cell* environment, const Json& input, const Json* path,
                   Sink out);
  bool run_first(const Node& f, Cell* environment, const Json& input, const Json* path, Sink out);
  bool run_last(const Node& f, Cell* environment, const Json& input, const Json* path, Sink out);
  bool run_limit(const Node& node, Cell* environment, const Json& input, const Json* path,
                 Sink out);
  bool run_getpath(const Node& node, Cell* environment, const Json& input, const Json* path,
                   Sink out);
  bool run_range(const Node& node, Cell* environment, const Json& input, Callback<const Json&> out);
  bool run_any_all(const Node& node, Cell* environment, const Json& input,
                   Callback<const Json&> out);
  bool run_keys(const Node& node, const Json& base, const Json* path, Sink out);
  bool iterate(const Json& base, const Json* path, Sink out);
  bool descend(const Json& base, const Json* path, Sink out);
  bool walk_value(const Node& f, Cell* environment, const Json& input, Callback<const Json&> out);
  bool to_stream(const Json& value, const Json& path, Callback<const Json&> out);
  bool from_stream(const Node& f, Cell* environment, const Json& input, Callback<const Json&> out);
  bool substitute(const Node& node, Cell* environment, const Json& input,
                  Callback<const Json&> out);
  bool extend(const Json& path, const Json& key, Json& longer);
  bool plain(const Node& node, Cell* environment, const Json& input, Callback<const Json&> out) {
    return run(node, environment, input, nullptr,
               [&](const Json& v, const Json*) { return out(v); });
  }
  bool step() { return spend(1); }
  bool leave(std::uint64_t label) {
    pending_ = Pending::leave;
    label_ = label;
    return false;
  }
  // To be asked after a false. Returns true if a break to this label caused it; the evaluation then
  // goes on.
  bool left(std::uint64_t label) {
    if (pending_ != Pending::leave || label_ != label) return false;
    pending_ = Pending::none;
    return true;
  }

  std::span<const Json> values_;
  const ExpressionBudget& budget_;
  std::uint64_t steps_ = 0;
  std::size_t depth_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t labels_ = 0;
  std::uint64_t label_ = 0;
  std::size_t wraps_ = 0;
  std::size_t offset_ = 0;
  Pending pending_ = Pending::none;
  bool raised_ = false;   // the pending error comes from error()
  bool written_ = false;  // ... with a text of the expression
  bool nonfinite_ = false;
  Json error_;         // what catch gets
  std::string shown_;  // the text that leaves, when the error is not raised_
  std::string budget_message_;
  std::map<std::string, std::shared_ptr<const Regex>> regexes_;
};

// Counts nested calls of the walker; the C++ stack grows with it.
struct Evaluation::Depth {
  explicit Depth(Evaluation& e) : evaluation(e), ok(++e.depth_ <= e.budget_.depth) {
    if (!ok) {
      e.over_budget("nested deeper than " + std::to_string(e.budget_.depth) + " evaluations");
    }
  }
  ~Depth() { --evaluation.depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;
  Evaluation& evaluation;
  bool ok;
};

// State of value(): an expression in tail position goes on here without recursion.
struct Evaluation::Frame {
  Frame(const Node& first, Cell* outer, const Json& input)
      : node(&first), environment(outer), in(&input) {}

  // Goes on with another input.
  void feed(Json next) {
    hold = std::move(next);
    in = &hold;
  }
  // Goes on in another environment, whose reference the frame takes over.
  void enter(Cell* cell) {
    held.adopt(cell);
    environment = cell;
  }

  const Node* node;
  Cell* environment;
  const Json* in;
  // Owners of `environment` and `in`, once the caller no longer owns them.
  Environment held;
  Json hold;
};

// State of run(): null outside path expressions, else the path of the input.
struct Evaluation::PathFrame : Frame {
  PathFrame(const Node& first, Cell* outer, const Json& input, const Json* first_path)
      : Frame(first, outer, input), path(first_path) {}

  const Json* path;
  Json hold_path;  // keeps path alive once it is no longer the caller's
};

// The path of a value that stands nowhere in the input.
inline const Json kNoPath;

// Hands on values that were computed: in path mode they have no path.
struct Computed {
  Sink out;
  bool has_path;
  bool operator()(const Json& value) const { return out(value, has_path ? &kNoPath : nullptr); }
};

constexpr std::string_view kInvalidPath =
    "Invalid path expression: the value was computed, it stands nowhere in the input";
bool invalid_path(Evaluation& evaluation, const Json& result);
bool invalid_path(Evaluation& evaluation, const Json& base, const Json& key);

// Looks up a key. A missing member or item is null; nullptr is a type error.
[[nodiscard]] const Json* look_up(const Json& base, const PathKey& key);

// Cells that one environment may chain; reached only by endless recursion in tail position.
constexpr std::uint32_t kMaxChain = 10'000;

// ---- operations on values (expression_values.cpp) ----

[[nodiscard]] const char* type_name(const Json& value);
// The bytes of its text, or of its members or items without what they hold.
[[nodiscard]] std::size_t cost(const Json& value);
// The beginning of the value's text, as jq shows it in errors: at most length - 1 bytes.
[[nodiscard]] std::string excerpt(const Json& value, std::size_t length = 15);
// Errors that say "TYPE what", and "TYPE and TYPE what"; with excerpts for catch.
bool type_error(Evaluation& evaluation, const Json& value, std::string_view what);
bool pair_error(Evaluation& evaluation, const Json& a, const Json& b, std::string_view what);
bool cannot_index(Evaluation& evaluation, const Json& base, const Json& key);
bool cannot_iterate(Evaluation& evaluation, const Json& value);
// The order of Json::compare; nan is below every number. Spends steps on arrays and objects: see
// stopped().
[[nodiscard]] int order(Evaluation& evaluation, const Json& a, const Json& b);
bool sort_values(Evaluation& evaluation, std::vector<Json>& values);
bool arithmetic(Evaluation& evaluation, Op op, const Json& a, const Json& b, Json& out);
bool add_in_place(Evaluation& evaluation, Json& a, const Json& b);
[[nodiscard]] std::string display(const Json& value);  // tostring

// ---- what stands at a key or a path (expression_paths.cpp) ----

bool index_value(Evaluation& evaluation, const Json& base, const Json& key, Json& out);
bool slice_value(Evaluation& evaluation, const Json& base, const Json& from, const Json& to,
                 Json& out);
bool find_all(Evaluation& evaluation, const Json& input, const Json& wanted, Json& out);  // indices
bool get_path(Evaluation& evaluation, const Json& root, const Json& path, Json& out);
// Replaces or changes what stands at the path; missing places are made. change may set the value to
// anything.
bool change_path(Evaluation& evaluation, Json& root, const Json::Array& path, std::size_t at,
                 Callback<Json&> change);
bool delete_paths(Evaluation& evaluation, Json& root, std::vector<Json> paths);

// ---- formats (expression_formats.cpp) ----

bool format_value(Evaluation& evaluation, Format format, const Json& value, std::string& out);

// ---- regular expressions (expression_regex.cpp) ----

// All matches (one without g) as match objects, or a boolean in out when test is set.
bool match_regex(Evaluation& evaluation, const Json& input, const Json& pattern, const Json& flags,
                 bool test, bool global, const Regex* compiled, Json& out);

}  // namespace rabt::workflow
