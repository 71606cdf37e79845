#include <algorithm>
#include <cmath>
#include <limits>

#include "hub/workflow/expression/expression_evaluation.hpp"

namespace rabt::workflow {

namespace {

const Json kNull;
const Json kNoPath;  // the path of a value that stands nowhere in the input
// Cells that one environment may chain; reached only by endless recursion in tail position.
constexpr std::uint32_t kMaxChain = 10'000;
// Above so many arrays and objects in one evaluation, each new one is measured: see wrap().
constexpr std::size_t kFreeWraps = 1'000;
constexpr std::size_t kMaxValueDepth = 1'000;  // copying, comparing and freeing values recurses
constexpr std::size_t kMaxVisits = std::size_t{1} << 24U;  // as many parts as bytes may be built
constexpr std::size_t kVisitsPerStep = 64;
// So few references let a value grow by a factor of 20 at most; its text need not be measured.
constexpr std::size_t kHarmlessWraps = 8;

// Each visit of a shared part counts again. false: too deep or too many visits.
bool within(const Json& value, std::size_t levels, std::size_t& visits) {
  if (visits == 0) return false;
  --visits;
  if (value.is_array()) {
    if (levels == 0) return false;
    for (const Json& item : value.as_array()) {
      if (!within(item, levels - 1, visits)) return false;
    }
  } else if (value.is_object()) {
    if (levels == 0) return false;
    for (const auto& [key, member] : value.as_object()) {
      if (!within(member, levels - 1, visits)) return false;
    }
  }
  return true;
}

// Takes the bytes of the value's text, roughly, from left. false: not enough.
bool take(const Json& value, std::size_t& left) {
  std::size_t own = 2;
  if (value.is_string()) own += value.as_string().size();
  if (own > left) return false;
  left -= own;
  if (value.is_array()) {
    for (const Json& item : value.as_array()) {
      if (!take(item, left)) return false;
    }
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.as_object()) {
      if (key.size() + 3 > left) return false;
      left -= key.size() + 3;
      if (!take(member, left)) return false;
    }
  }
  return true;
}

void make_finite(Json& value) {
  if (value.is_number()) {
    if (value.has_digits()) return;
    const double number = value.as_double();
    if (std::isnan(number)) {
      value = Json();
    } else if (std::isinf(number)) {
      value = Json(std::copysign(std::numeric_limits<double>::max(), number));
    }
  } else if (value.is_array()) {
    for (Json& item : value.mutable_array()) make_finite(item);
  } else if (value.is_object()) {
    JsonObject& object = value.mutable_object();
    std::vector<std::string> keys;
    for (const auto& [key, member] : object) keys.push_back(key);
    for (const std::string& key : keys) make_finite(*object.find(key));
  }
}

constexpr std::string_view kInvalidPath =
    "Invalid path expression: the value was computed, it stands nowhere in the input";
bool invalid_path(Evaluation& evaluation, const Json& result) {
  return evaluation.fail("Invalid path expression with result " + excerpt(result),
                         std::string(kInvalidPath));
}
bool invalid_path(Evaluation& evaluation, const Json& base, const Json& key) {
  return evaluation.fail("Invalid path expression near attempt to access element " + excerpt(key) +
                             " of " + excerpt(base, 30),
                         std::string(kInvalidPath));
}

}  // namespace

// Counts nested calls of the walker; the C++ stack grows with it.
struct Depth {
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

void Environment::release(Cell* cell) {
  // A loop with a list of its own: chains are long, and each cell can point to two others.
  std::vector<Cell*> more;
  while (cell != nullptr) {
    if (--cell->references == 0) {
      if (cell->closure != nullptr) more.push_back(cell->closure);
      Cell* parent = cell->parent;
      delete cell;
      cell = parent;
    } else {
      cell = nullptr;
    }
    if (cell == nullptr && !more.empty()) {
      cell = more.back();
      more.pop_back();
    }
  }
}

// ---- errors and budgets ----

bool Evaluation::fail(std::string caught, std::string shown) {
  pending_ = Pending::error;
  raised_ = false;
  error_ = Json(std::move(caught));
  shown_ = std::move(shown);
  return false;
}

bool Evaluation::fail(std::string shown) {
  std::string caught = shown;
  return fail(std::move(caught), std::move(shown));
}

bool Evaluation::raise(const Json& raised, bool written) {
  pending_ = Pending::error;
  raised_ = true;
  written_ = written;
  error_ = raised;
  return false;
}

bool Evaluation::over_budget(std::string message) {
  if (pending_ != Pending::budget) {
    pending_ = Pending::budget;
    budget_message_ = std::move(message);
  }
  return false;
}

Evaluation::Failure Evaluation::set_aside() {
  return {.pending = std::exchange(pending_, Pending::none),
          .raised = raised_,
          .written = written_,
          .label = label_,
          .offset = offset_,
          .error = std::move(error_),
          .shown = std::move(shown_)};
}

bool Evaluation::fail_again(const Failure& failure) {
  pending_ = failure.pending;
  raised_ = failure.raised;
  written_ = failure.written;
  label_ = failure.label;
  offset_ = failure.offset;
  error_ = failure.error;
  shown_ = failure.shown;
  return false;
}

ExpressionFault Evaluation::fault() const {
  if (pending_ == Pending::budget) {
    return {"expression.budget", "the expression was stopped: " + budget_message_, offset_};
  }
  std::string message = shown_;
  if (raised_) {
    message = written_ && error_.is_string()
                  ? "error: " + error_.as_string()
                  : std::string("error() was called with a value of type ") + type_name(error_);
  }
  return {"expression.runtime", std::move(message), offset_};
}

Error Evaluation::error() const {
  ExpressionFault found = fault();
  if (pending_ != Pending::budget) {
    found.message += " (at byte " + std::to_string(found.offset) + " of the expression)";
  }
  return invalid(std::move(found.code), std::move(found.message));
}

bool Evaluation::wrap(const Json& inner) {
  if (!inner.is_array() && !inner.is_object()) return true;
  if (++wraps_ <= kFreeWraps) return true;
  std::size_t visits = kMaxVisits;
  if (!within(inner, kMaxValueDepth, visits)) {
    return over_budget("it built a value that is too large or nested deeper than " +
                       std::to_string(kMaxValueDepth));
  }
  return spend((kMaxVisits - visits) / kVisitsPerStep);
}

bool Evaluation::affordable(const Json& written) {
  if (!written.is_array() && !written.is_object()) return true;
  std::size_t left = budget_.bytes - std::min(bytes_, budget_.bytes);
  const std::size_t before = left;
  if (!take(written, left)) {
    return over_budget("a value, written out, is larger than the " + std::to_string(budget_.bytes) +
                       " bytes it may build");
  }
  return spend((before - left) / (kVisitsPerStep * 8));
}

bool Evaluation::leaves(const Json& result) {
  if (wraps_ <= kHarmlessWraps || (!result.is_array() && !result.is_object())) return true;
  std::size_t left = budget_.bytes;
  std::size_t visits = kMaxVisits;
  return (take(result, left) && within(result, kMaxValueDepth, visits)) ||
         over_budget("a result, written out, is larger than " + std::to_string(budget_.bytes) +
                     " bytes");
}

const Regex* Evaluation::regex(const std::string& pattern, const std::string& flags,
                               std::string& error) {
  constexpr std::size_t kMaxKept = 32;  // patterns made from data must not pile up
  const std::string key = flags + "/" + pattern;
  if (const auto known = regexes_.find(key); known != regexes_.end()) return known->second.get();
  auto compiled = compile_regex(pattern, flags, error);
  if (compiled == nullptr) return nullptr;
  if (regexes_.size() >= kMaxKept) regexes_.clear();
  return regexes_.emplace(key, std::move(compiled)).first->second.get();
}

Json Evaluation::number(double result) {
  if (!std::isfinite(result)) {
    nonfinite_ = true;
    return result;
  }
  if (result == std::trunc(result) && std::fabs(result) < 9007199254740992.0 &&
      !(result == 0 && std::signbit(result))) {
    return static_cast<std::int64_t>(result);
  }
  return result;
}

void Evaluation::finish(Json& result) {
  if (nonfinite_) make_finite(result);
}

// ---- environment ----

Cell* Evaluation::make_cell(Cell* parent) {
  auto* cell = new Cell;
  cell->parent = parent;
  Environment::retain(parent);
  cell->chain = parent == nullptr ? 1 : parent->chain + 1;
  return cell;
}

Cell* Evaluation::bind_value(Cell* parent, Json bound) {
  Cell* cell = make_cell(parent);
  cell->value = std::move(bound);
  return cell;
}

Cell* Evaluation::walk(Cell* environment, std::size_t steps) {
  while (steps-- > 0) environment = environment->parent;
  return environment;
}

// The callee's environment: its definition's, then one closure a parameter.
bool Evaluation::enter(const Node& call, Cell* environment, Environment& callee) {
  Cell* scope = nullptr;
  if (call.kind == Kind::call) {
    scope = walk(environment, call.index);
    Environment::retain(scope);
  } else {
    scope = make_cell(nullptr);  // the prelude definition's own name
  }
  for (const Node* argument : call.list) {
    Cell* cell = make_cell(scope);
    Environment::release(scope);  // the cell holds it now
    const Node* node = argument;
    Cell* closure = environment;
    // A parameter that is passed on as it is stays one closure, however deep the recursion.
    if (node->kind == Kind::call_param) {
      const Cell* passed = walk(environment, node->index);
      node = passed->node;
      closure = passed->closure;
    }
    cell->node = node;
    cell->closure = closure;
    Environment::retain(closure);
    if (closure != nullptr) cell->chain = std::max(cell->chain, closure->chain + 1);
    scope = cell;
  }
  const bool fits = scope->chain <= kMaxChain;
  callee.adopt(scope);
  return fits ||
         over_budget("functions nested deeper than " + std::to_string(kMaxChain) + " closures");
}

bool Evaluation::single_now(const Node& node, Cell* environment) const {
  if (node.single) return true;
  const Node* at = &node;
  while (at->kind == Kind::call_param) {
    const Cell* closure = walk(environment, at->index);
    at = closure->node;
    environment = closure->closure;
    if (at->single) return true;
  }
  return false;
}

// ---- single values ----

namespace {

// Null (missing) is a value; nullptr is a type error.
const Json* look_up(const Json& base, const PathKey& key) {
  if (key.is_name) {
    if (const Json* found = base.find(key.name); found != nullptr) return found;
    return base.is_object() || base.is_null() ? &kNull : nullptr;
  }
  if (base.is_array()) {
    const auto& items = base.as_array();
    const std::int64_t index =
        key.index < 0 ? key.index + static_cast<std::int64_t>(items.size()) : key.index;
    if (index < 0 || index >= static_cast<std::int64_t>(items.size())) return &kNull;
    return &items[static_cast<std::size_t>(index)];
  }
  return base.is_null() ? &kNull : nullptr;
}

}  // namespace

const Json* Evaluation::refer(const Node& node, Cell* environment, const Json& input) {
  if (!step()) return nullptr;
  switch (node.kind) {
    case Kind::identity:
      return &input;
    case Kind::literal:
      return &node.value;
    case Kind::variable:
      return &values_[node.index];
    case Kind::local:
      return &walk(environment, node.index)->value;
    default:
      break;
  }
  const Json* at = node.a == nullptr ? &input : refer(*node.a, environment, input);
  if (at == nullptr) return nullptr;
  for (const PathKey& key : node.keys) {
    const Json* next = look_up(*at, key);
    if (next == nullptr) {
      mark(node.offset);
      cannot_index(*this, *at, key.json);
      return nullptr;
    }
    at = next;
  }
  return at;
}

const Json* Evaluation::operand(const Node& node, Cell* environment, const Json& input,
                                Json& scratch) {
  if (node.in_place) return refer(node, environment, input);
  return value(node, environment, input, scratch) ? &scratch : nullptr;
}

bool Evaluation::builtin_value(const Node& node, Cell* environment, const Json& input, Json& out) {
  std::array<Json, 4> arguments;
  RABT_CHECK(node.list.size() <= arguments.size());
  for (std::size_t i = 0; i < node.list.size(); ++i) {
    if (!value(*node.list[i], environment, input, arguments[i])) return false;
  }
  mark(node.offset);
  if (node.regex != nullptr) {
    return match_regex(*this, input, arguments[0], arguments[1], truthy(arguments[2]), false,
                       node.regex.get(), out);
  }
  return node.builtin->function(*this, input, arguments.data(), out);
}

bool Evaluation::value(const Node& first, Cell* outer, const Json& input, Json& out) {
  const Depth depth(*this);
  if (!depth.ok) return false;
  const Node* node = &first;
  Cell* environment = outer;
  Environment held;  // keeps environment alive once it is no longer the caller's
  Json scratch;
  Json hold;
  const Json* in = &input;
  for (;;) {
    if (node->in_place) {
      const Json* found = refer(*node, environment, *in);
      if (found == nullptr) return false;
      out = Json(*found);
      return true;
    }
    if (!step()) return false;
    switch (node->kind) {
      case Kind::pipe: {
        if (!value(*node->a, environment, *in, scratch)) return false;
        hold = std::move(scratch);
        in = &hold;
        node = node->b;
        continue;
      }
      case Kind::condition: {
        const Json* when = operand(*node->a, environment, *in, scratch);
        if (when == nullptr) return false;
        const Node* branch = truthy(*when) ? node->b : node->c;
        if (branch == nullptr) {
          out = Json(*in);
          return true;
        }
        node = branch;
        continue;
      }
      case Kind::bind: {
        if (!value(*node->a, environment, *in, scratch)) return false;
        Cell* cell = bind_value(environment, std::move(scratch));
        held.adopt(cell);
        environment = cell;
        node = node->b;
        continue;
      }
      case Kind::define: {
        Cell* cell = make_cell(environment);
        held.adopt(cell);
        environment = cell;
        node = node->a;
        continue;
      }
      case Kind::call:
      case Kind::call_global: {
        mark(node->offset);
        Environment callee;
        if (!enter(*node, environment, callee)) return false;
        hold = Json(*in);
        in = &hold;
        node = node->def->body;
        environment = callee.get();
        Environment::retain(environment);
        held.adopt(environment);
        continue;
      }
      case Kind::call_param: {
        const Cell* closure = walk(environment, node->index);
        const Node* body = closure->node;
        Cell* scope = closure->closure;
        hold = Json(*in);  // in may stand in the environment that is given up
        in = &hold;
        Environment::retain(scope);
        held.adopt(scope);
        environment = scope;
        node = body;
        continue;
      }
      case Kind::path: {
        if (!value(*node->a, environment, *in, scratch)) return false;
        const Json* at = &scratch;
        for (const PathKey& key : node->keys) {
          const Json* next = look_up(*at, key);
          if (next == nullptr) {
            mark(node->offset);
            return cannot_index(*this, *at, key.json);
          }
          at = next;
        }
        out = Json(*at);
        return true;
      }
      case Kind::index: {
        Json other;
        const Json* key = operand(*node->b, environment, *in, other);
        if (key == nullptr) return false;
        const Json* base = operand(*node->a, environment, *in, scratch);
        if (base == nullptr) return false;
        mark(node->offset);
        return index_value(*this, *base, *key, out);
      }
      case Kind::slice: {
        Json from;
        Json to;
        if (node->b != nullptr && !value(*node->b, environment, *in, from)) return false;
        if (node->c != nullptr && !value(*node->c, environment, *in, to)) return false;
        const Json* base = operand(*node->a, environment, *in, scratch);
        if (base == nullptr) return false;
        mark(node->offset);
        return slice_value(*this, *base, from, to, out);
      }
      case Kind::negate: {
        const Json* number_in = operand(*node->a, environment, *in, scratch);
        if (number_in == nullptr) return false;
        mark(node->offset);
        if (!number_in->is_number()) return type_error(*this, *number_in, "cannot be negated");
        return arithmetic(*this, Op::sub, Json(0), *number_in, out);
      }
      case Kind::binary: {
        Json other;
        const Json* right = operand(*node->b, environment, *in, other);
        if (right == nullptr) return false;
        const Json* left_side = operand(*node->a, environment, *in, scratch);
        if (left_side == nullptr) return false;
        mark(node->offset);
        return arithmetic(*this, node->op, *left_side, *right, out);
      }
      case Kind::logic_and:
      case Kind::logic_or: {
        const bool decides = node->kind == Kind::logic_or;
        const Json* left_side = operand(*node->a, environment, *in, scratch);
        if (left_side == nullptr) return false;
        if (truthy(*left_side) == decides) {
          out = Json(decides);
          return true;
        }
        const Json* right = operand(*node->b, environment, *in, scratch);
        if (right == nullptr) return false;
        out = Json(truthy(*right));
        return true;
      }
      case Kind::alternative: {
        const Json* left_side = operand(*node->a, environment, *in, scratch);
        if (left_side == nullptr) return false;
        if (truthy(*left_side)) {
          out = Json(*left_side);
          return true;
        }
        node = node->b;
        continue;
      }
      case Kind::attempt: {
        if (value(*node->a, environment, *in, out)) return true;
        if (pending_ != Pending::error) return false;
        pending_ = Pending::none;
        hold = std::move(error_);
        in = &hold;
        node = node->b;
        continue;
      }
      case Kind::array: {
        Json::Array items;
        if (node->a != nullptr &&
            !run(*node->a, environment, *in, nullptr, [&](const Json& item, const Json*) {
              if (!charge(sizeof(Json)) || !wrap(item)) return false;
              items.push_back(item);
              return true;
            })) {
          return false;
        }
        out = Json(std::move(items));
        return true;
      }
      case Kind::object: {
        JsonObject object;
        for (std::size_t i = 0; i < node->list.size(); i += 2) {
          Json other;
          const Json* key = operand(*node->list[i], environment, *in, other);
          if (key == nullptr) return false;
          const Json* member = operand(*node->list[i + 1], environment, *in, scratch);
          if (member == nullptr) return false;
          mark(node->offset);
          if (!add_member(object, *key, *member)) return false;
        }
        out = Json(std::move(object));
        return true;
      }
      case Kind::text: {
        const Node& text = *node;
        return compose_text(text, text.list.size(), environment, *in, {},
                            [&](const Json& composed) {
                              out = composed;
                              return true;
                            });
      }
      case Kind::format: {
        std::string formatted;
        mark(node->offset);
        if (!format_value(*this, node->format, *in, formatted) || !charge(formatted.size()))
          return false;
        out = Json(std::move(formatted));
        return true;
      }
      case Kind::builtin:
        return builtin_value(*node, environment, *in, out);
      case Kind::reduce: {
        if (!value(*node->b, environment, *in, scratch)) return false;
        return reduce_value(*node, environment, *in, std::move(scratch), nullptr,
                            [&](const Json& v, const Json*) {
                              out = v;
                              return true;
                            });
      }
      case Kind::assign:
      case Kind::modify:
      case Kind::update: {
        Json state(*in);
        if (!consume(*node, environment, state)) return false;
        out = std::move(state);
        return true;
      }
      case Kind::special:
        return run_special(*node, environment, *in, nullptr, [&](const Json& v, const Json*) {
          out = Json(v);
          return true;
        });
      default:
        break;
    }
    RABT_BUG("an expression node was taken for a single one");
    return fail("internal error in the expression evaluator");
  }
}

// ---- construction ----

// From the last part to the first: jq varies the first part fastest.
bool Evaluation::compose_text(const Node& node, std::size_t count, Cell* environment,
                              const Json& input, std::string tail, Callback<const Json&> out) {
  while (count > 0) {
    const Node& part = *node.list[count - 1];
    if (part.kind == Kind::literal) {
      tail.insert(0, part.value.as_string());
      --count;
      continue;
    }
    if (single_now(part, environment)) {
      Json scratch;
      const Json* inserted = operand(part, environment, input, scratch);
      if (inserted == nullptr) return false;
      std::string piece;
      mark(part.offset);
      if (!format_value(*this, node.format, *inserted, piece)) return false;
      if (!charge(piece.size())) return false;
      tail.insert(0, piece);
      --count;
      continue;
    }
    return plain(part, environment, input, [&](const Json& inserted) {
      const Depth depth(*this);
      if (!depth.ok) return false;
      std::string piece;
      mark(part.offset);
      if (!format_value(*this, node.format, inserted, piece)) return false;
      if (!charge(piece.size() + tail.size())) return false;
      return compose_text(node, count - 1, environment, input, piece + tail, out);
    });
  }
  return charge(tail.size()) && out(Json(std::move(tail)));
}

bool Evaluation::add_member(JsonObject& object, const Json& key, const Json& member) {
  if (!key.is_string()) {
    return fail(
        std::string("Cannot use ") + type_name(key) + " (" + excerpt(key) + ") as object key",
        std::string("Cannot use ") + type_name(key) + " as object key");
  }
  if (!charge(sizeof(JsonObject::Member) + key.as_string().size()) || !wrap(member)) return false;
  object.set(key.as_string(), member);
  return true;
}

bool Evaluation::compose_object(const Node& node, std::size_t at, Cell* environment,
                                const Json& input, JsonObject done, Callback<const Json&> out) {
  const Depth depth(*this);
  if (!depth.ok) return false;
  for (; at < node.list.size(); at += 2) {
    const Node& key_node = *node.list[at];
    const Node& value_node = *node.list[at + 1];
    if (!single_now(key_node, environment) || !single_now(value_node, environment)) {
      return plain(key_node, environment, input, [&](const Json& key) {
        return plain(value_node, environment, input, [&](const Json& member) {
          JsonObject copy = done;
          mark(node.offset);
          if (!charge(copy.size() * sizeof(JsonObject::Member)) || !add_member(copy, key, member))
            return false;
          return compose_object(node, at + 2, environment, input, std::move(copy), out);
        });
      });
    }
    Json key;
    Json member;
    if (!value(key_node, environment, input, key) || !value(value_node, environment, input, member))
      return false;
    mark(node.offset);
    if (!add_member(done, key, member)) return false;
  }
  return out(Json(std::move(done)));
}

// From the last argument to the first: jq varies the first fastest.
bool Evaluation::call_builtin(const Node& node, std::size_t left_over, Cell* environment,
                              const Json& input, std::vector<Json>& arguments,
                              Callback<const Json&> out) {
  if (left_over > 0) {
    return plain(*node.list[left_over - 1], environment, input, [&](const Json& argument) {
      arguments[left_over - 1] = argument;
      return call_builtin(node, left_over - 1, environment, input, arguments, out);
    });
  }
  Json result;
  mark(node.offset);
  if (node.regex != nullptr) {
    if (!match_regex(*this, input, arguments[0], arguments[1], truthy(arguments[2]), false,
                     node.regex.get(), result)) {
      return false;
    }
  } else if (!node.builtin->function(*this, input, arguments.data(), result)) {
    return false;
  }
  return out(result);
}

// ---- paths ----

bool Evaluation::extend(const Json& path, const Json& key, Json& longer) {
  Json::Array keys = path.as_array();
  keys.push_back(key);
  if (!charge(keys.size() * sizeof(Json))) return false;
  longer = Json(std::move(keys));
  return true;
}

bool Evaluation::run_keys(const Node& node, const Json& base, const Json* path, Sink out) {
  const Json* at = &base;
  Json where;
  if (path != nullptr) where = *path;
  for (const PathKey& key : node.keys) {
    mark(node.offset);
    if (path != nullptr && !where.is_array()) return invalid_path(*this, *at, key.json);
    const Json* next = look_up(*at, key);
    if (next == nullptr) return cannot_index(*this, *at, key.json);
    at = next;
    if (path == nullptr) continue;
    Json longer;
    if (!extend(where, key.json, longer)) return false;
    where = std::move(longer);
  }
  return out(*at, path == nullptr ? nullptr : &where);
}

bool Evaluation::iterate(const Json& base, const Json* path, Sink out) {
  if (path != nullptr && !path->is_array()) {
    return fail("Invalid path expression near attempt to iterate through " + excerpt(base),
                std::string(kInvalidPath));
  }
  // The sink may change what base belongs to.
  const Json held(base);  // NOLINT(performance-unnecessary-copy-initialization)
  Json where;
  if (held.is_array()) {
    std::int64_t index = 0;
    for (const Json& item : held.as_array()) {
      if (path != nullptr && !extend(*path, Json(index), where)) return false;
      ++index;
      if (!step() || !out(item, path == nullptr ? nullptr : &where)) return false;
    }
    return true;
  }
  if (held.is_object()) {
    for (const auto& [key, member] : held.as_object()) {
      if (path != nullptr && !extend(*path, Json(key), where)) return false;
      if (!step() || !out(member, path == nullptr ? nullptr : &where)) return false;
    }
    return true;
  }
  return cannot_iterate(*this, held);
}

bool Evaluation::descend(const Json& base, const Json* path, Sink out) {
  const Depth depth(*this);
  if (!depth.ok || !step() || !out(base, path)) return false;
  if (!base.is_array() && !base.is_object()) return true;
  return iterate(base, path,
                 [&](const Json& item, const Json* where) { return descend(item, where, out); });
}

// ---- binding ----

bool Evaluation::destructure(const Pattern& pattern, const Json& source, Cell* environment,
                             std::vector<Json>& slots, Callback<> done) {
  const Depth depth(*this);
  if (!depth.ok || !step()) return false;
  if (pattern.shape == Pattern::Shape::variable) {
    slots[pattern.variable] = source;
    return done();
  }
  return destructure_rest(pattern, 0, source, environment, slots, done);
}

bool Evaluation::destructure_rest(const Pattern& pattern, std::size_t at, const Json& source,
                                  Cell* environment, std::vector<Json>& slots, Callback<> done) {
  if (pattern.shape == Pattern::Shape::array) {
    if (at == pattern.items.size()) return done();
    Json item;
    if (!index_value(*this, source, Json(at), item)) return false;
    return destructure(*pattern.items[at], item, environment, slots, [&] {
      return destructure_rest(pattern, at + 1, source, environment, slots, done);
    });
  }
  if (at == pattern.members.size()) return done();
  const Pattern::Member& member = pattern.members[at];
  return plain(*member.key, environment, source, [&](const Json& key) {
    if (!key.is_string()) return cannot_index(*this, source, key);
    Json found;
    if (!index_value(*this, source, key, found)) return false;
    if (member.variable != Pattern::kNone) slots[member.variable] = found;
    const auto rest = [&] {
      return destructure_rest(pattern, at + 1, source, environment, slots, done);
    };
    if (member.value == nullptr) return rest();
    return destructure(*member.value, found, environment, slots, rest);
  });
}

// body runs once a binding. downstream: set by the caller when a false came from behind the body,
// which an alternative pattern must not catch.
bool Evaluation::each_binding(const Patterns& patterns, Cell* environment, const Json& source,
                              const bool& downstream, Callback<Cell*> body) {
  if (patterns.plain()) {
    Environment scope;
    scope.adopt(bind_value(environment, source));
    return body(scope.get());
  }
  for (std::size_t i = 0; i < patterns.alternatives.size(); ++i) {
    std::vector<Json> slots(patterns.variables.size());
    const bool ok = destructure(*patterns.alternatives[i], source, environment, slots, [&] {
      Environment scope(environment);
      for (const Json& slot : slots) scope.adopt(bind_value(scope.get(), slot));
      return body(scope.get());
    });
    if (ok) return true;
    if (downstream || pending_ != Pending::error || i + 1 == patterns.alternatives.size())
      return false;
    pending_ = Pending::none;
  }
  return true;
}

// ---- loops ----

bool Evaluation::reduce_value(const Node& node, Cell* environment, const Json& input, Json state,
                              const Json* path, Sink out) {
  const bool downstream = false;
  const bool in_place = path == nullptr && node.c->single;
  Json where = path == nullptr ? Json() : *path;
  if (!plain(*node.a, environment, input, [&](const Json& item) {
        return each_binding(*node.patterns, environment, item, downstream, [&](Cell* scope) {
          if (in_place) return consume(*node.c, scope, state);
          // The last result is the next state; none makes it null.
          Json next;
          Json next_path;
          const Json before = std::move(state);
          const Json before_path = where;
          if (!run(*node.c, scope, before, path == nullptr ? nullptr : &before_path,
                   [&](const Json& v, const Json* p) {
                     next = Json(v);
                     if (p != nullptr) next_path = Json(*p);
                     return true;
                   })) {
            return false;
          }
          state = std::move(next);
          where = std::move(next_path);
          return true;
        });
      })) {
    return false;
  }
  return out(state, path == nullptr ? nullptr : &where);
}

bool Evaluation::loop(const Node& node, Cell* environment, const Json& input, const Json* path,
                      Sink out) {
  return run(*node.b, environment, input, path, [&](const Json& init, const Json* init_path) {
    if (node.kind == Kind::reduce)
      return reduce_value(node, environment, input, init, init_path, out);
    bool downstream = false;
    Json state = init;
    Json where = init_path == nullptr ? Json() : *init_path;
    const auto emit = [&](const Json& v, const Json* p) {
      if (out(v, p)) return true;
      downstream = true;
      return false;
    };
    return plain(*node.a, environment, input, [&](const Json& item) {
      return each_binding(*node.patterns, environment, item, downstream, [&](Cell* scope) {
        Json next;
        Json next_path;
        const Json before = std::move(state);
        const Json before_path = where;
        state = Json();
        const bool ok = run(*node.c, scope, before, path == nullptr ? nullptr : &before_path,
                            [&](const Json& v, const Json* p) {
                              next = Json(v);
                              if (p != nullptr) next_path = Json(*p);
                              if (node.d == nullptr) return emit(v, p);
                              return run(*node.d, scope, v, p, emit);
                            });
        state = std::move(next);
        where = std::move(next_path);
        return ok;
      });
    });
  });
}

// ---- updates ----

// Evaluates a single node whose input nobody else needs, so that arrays and objects can grow in
// place.
bool Evaluation::consume(const Node& node, Cell* environment, Json& state) {
  switch (node.kind) {
    case Kind::pipe:
      if (!node.single) break;
      return consume(*node.a, environment, state) && consume(*node.b, environment, state);
    case Kind::condition: {
      if (!step()) return false;
      bool yes = false;
      {
        Json scratch;
        const Json* when = operand(*node.a, environment, state, scratch);
        if (when == nullptr) return false;
        yes = truthy(*when);
      }
      const Node* branch = yes ? node.b : node.c;
      return branch == nullptr || consume(*branch, environment, state);
    }
    case Kind::bind: {
      Environment scope;
      {
        Json bound;
        if (!value(*node.a, environment, state, bound)) return false;
        scope.adopt(bind_value(environment, std::move(bound)));
      }
      const Depth depth(*this);
      return depth.ok && consume(*node.b, scope.get(), state);
    }
    case Kind::binary:
      if (node.op == Op::add && node.a->kind == Kind::identity) {
        Json right;
        if (!step() || !value(*node.b, environment, state, right)) return false;
        mark(node.offset);
        return add_in_place(*this, state, right);
      }
      break;
    case Kind::assign:
    case Kind::update: {
      if (!node.b->single) break;
      Json right;
      if (!step() || !value(*node.b, environment, state, right)) return false;
      return change(node, environment, state, right);
    }
    case Kind::modify:
      return step() && change(node, environment, state, Json());
    default:
      break;
  }
  Json out;
  if (!value(node, environment, state, out)) return false;
  state = std::move(out);
  return true;
}

// Applies = |= op= with one right side to every path of the left side.
bool Evaluation::change(const Node& node, Cell* environment, Json& state, const Json& right) {
  const Depth depth(*this);
  if (!depth.ok) return false;
  std::vector<Json> paths;
  const Json root_path{Json::Array{}};
  if (!run(*node.a, environment, state, &root_path, [&](const Json& v, const Json* path) {
        if (!path->is_array()) return invalid_path(*this, v);
        paths.push_back(*path);
        return charge(sizeof(Json));
      })) {
    if (pending_ == Pending::budget) return false;
    // jq changes each place before it looks for the next: those errors come first.
    const Failure failure = set_aside();
    return change_places(node, environment, state, right, paths) && fail_again(failure);
  }
  return change_places(node, environment, state, right, paths);
}

bool Evaluation::change_places(const Node& node, Cell* environment, Json& state, const Json& right,
                               const std::vector<Json>& paths) {
  std::vector<Json> removed;
  for (const Json& path : paths) {
    if (node.kind == Kind::modify && !node.b->single) {
      // The first result counts; none removes the place.
      Json before;
      Json after;
      bool any = false;
      if (!get_path(*this, state, path, before)) return false;
      const std::uint64_t label = ++labels_;
      if (!plain(*node.b, environment, before,
                 [&](const Json& v) {
                   after = Json(v);
                   any = true;
                   return leave(label);
                 }) &&
          !left(label)) {
        return false;
      }
      before = Json();
      if (!any) {
        removed.push_back(path);
      } else if (!change_path(*this, state, path.as_array(), 0, [&](Json& place) {
                   place = after;
                   return wrap(after);
                 })) {
        return false;
      }
      continue;
    }
    bool reached = false;
    const auto apply = [&](Json& place) {
      reached = true;
      mark(node.offset);
      if (node.kind == Kind::assign) {
        place = right;
        return wrap(right);
      }
      if (node.kind == Kind::update) {
        if (node.op == Op::add) return add_in_place(*this, place, right);
        if (node.op == Op::alternative) {
          if (!truthy(place)) place = right;
          return wrap(right);
        }
        Json result;
        if (!arithmetic(*this, node.op, place, right, result)) return false;
        place = std::move(result);
        return true;
      }
      return consume(*node.b, environment, place) && wrap(place);
    };
    if (change_path(*this, state, path.as_array(), 0, apply)) continue;
    if (reached || pending_ != Pending::error) return false;
    // The place cannot be written. jq computes first, so that its error comes first.
    const Failure failure = set_aside();
    Json place;
    return get_path(*this, state, path, place) && apply(place) && fail_again(failure);
  }
  return removed.empty() || delete_paths(*this, state, std::move(removed));
}

bool Evaluation::change_all(const Node& node, Cell* environment, const Json& input,
                            Callback<const Json&> out) {
  return plain(*node.b, environment, input, [&](const Json& right) {
    Json state(input);
    return change(node, environment, state, right) && out(state);
  });
}

// ---- generators ----

bool Evaluation::run(const Node& first, Cell* outer, const Json& input, const Json* first_path,
                     Sink out) {
  const Depth depth(*this);
  if (!depth.ok) return false;
  const Node* node = &first;
  Cell* environment = outer;
  Environment held;
  Json hold;
  Json hold_path;
  const Json* in = &input;
  const Json* path = first_path;
  const auto computed = [&](const Json& v) { return out(v, path == nullptr ? nullptr : &kNoPath); };
  const auto move_to = [&](Cell* cell) {  // takes over the cell
    hold = Json(*in);                     // in may stand in the environment that is given up
    in = &hold;
    held.adopt(cell);
    environment = cell;
  };
  for (;;) {
    if (path == nullptr && single_now(*node, environment)) {
      Json scratch;
      const Json* found = operand(*node, environment, *in, scratch);
      return found != nullptr && out(*found, nullptr);
    }
    if (!step()) return false;
    switch (node->kind) {
      case Kind::identity:
        return out(*in, path);
      case Kind::pipe: {
        const Node* next = node->b;
        if (path == nullptr && single_now(*node->a, environment)) {
          Json middle;
          if (!value(*node->a, environment, *in, middle)) return false;
          hold = std::move(middle);
          in = &hold;
          node = next;
          continue;
        }
        if (node->a->kind == Kind::call_param) {
          // One result is held back, so that the last one continues in this frame: `def r: ., (f |
          // r);` may then run long where f gives one result at most.
          bool any = false;
          bool downstream = false;
          Json last;
          Json last_path;
          const auto go_on = [&] {
            const Json current = std::move(last);
            const Json current_path = std::move(last_path);
            return run(*next, environment, current, path == nullptr ? nullptr : &current_path, out);
          };
          const bool ok = run(*node->a, environment, *in, path, [&](const Json& v, const Json* p) {
            Json following(v);
            Json following_path = p == nullptr ? Json() : Json(*p);
            if (any && !go_on()) {
              downstream = true;
              return false;
            }
            any = true;
            last = std::move(following);
            last_path = std::move(following_path);
            return true;
          });
          if (!ok) {
            if (downstream || !any || pending_ == Pending::budget) return false;
            // What was held back comes before the error or break.
            const Failure failure = set_aside();
            if (!go_on()) return false;
            return fail_again(failure);
          }
          if (!any) return true;
          hold = std::move(last);
          in = &hold;
          if (path != nullptr) {
            hold_path = std::move(last_path);
            path = &hold_path;
          }
          node = next;
          continue;
        }
        return run(*node->a, environment, *in, path, [&](const Json& v, const Json* p) {
          return run(*next, environment, v, p, out);
        });
      }
      case Kind::comma: {
        for (std::size_t i = 0; i + 1 < node->list.size(); ++i) {
          if (!run(*node->list[i], environment, *in, path, out)) return false;
        }
        node = node->list.back();
        continue;
      }
      case Kind::path: {
        const Node& keys = *node;
        if (keys.a == nullptr) return run_keys(keys, *in, path, out);
        return run(*keys.a, environment, *in, path,
                   [&](const Json& base, const Json* p) { return run_keys(keys, base, p, out); });
      }
      case Kind::index: {
        const Node& at = *node;
        return plain(*at.b, environment, *in, [&](const Json& key) {
          return run(*at.a, environment, *in, path, [&](const Json& base, const Json* p) {
            Json found;
            mark(at.offset);
            if (p != nullptr && !p->is_array()) return invalid_path(*this, base, key);
            if (!index_value(*this, base, key, found)) return false;
            if (p == nullptr) return out(found, nullptr);
            Json longer;
            return extend(*p, key, longer) && out(found, &longer);
          });
        });
      }
      case Kind::slice: {
        const Node& at = *node;
        static const Node kNothing = [] {
          Node none;
          none.kind = Kind::literal;
          none.single = none.in_place = true;
          return none;
        }();
        return plain(at.b == nullptr ? kNothing : *at.b, environment, *in, [&](const Json& from) {
          return plain(at.c == nullptr ? kNothing : *at.c, environment, *in, [&](const Json& to) {
            return run(*at.a, environment, *in, path, [&](const Json& base, const Json* p) {
              Json found;
              mark(at.offset);
              if (p == nullptr)
                return slice_value(*this, base, from, to, found) && out(found, nullptr);
              const Json key = Json::object({{"start", from}, {"end", to}});
              if (!p->is_array()) return invalid_path(*this, base, key);
              Json longer;
              return slice_value(*this, base, from, to, found) && extend(*p, key, longer) &&
                     out(found, &longer);
            });
          });
        });
      }
      case Kind::iterate: {
        const Node& at = *node;
        return run(*at.a, environment, *in, path, [&](const Json& base, const Json* p) {
          mark(at.offset);
          return iterate(base, p, out);
        });
      }
      case Kind::descend:
        return descend(Json(*in), path, out);
      case Kind::negate:
        return plain(*node->a, environment, *in, [&](const Json& v) {
          Json result;
          mark(node->offset);
          if (!v.is_number()) return type_error(*this, v, "cannot be negated");
          return arithmetic(*this, Op::sub, Json(0), v, result) && computed(result);
        });
      case Kind::binary:
        return plain(*node->b, environment, *in, [&](const Json& right) {
          return plain(*node->a, environment, *in, [&](const Json& left_side) {
            Json result;
            mark(node->offset);
            return arithmetic(*this, node->op, left_side, right, result) && computed(result);
          });
        });
      case Kind::logic_and:
      case Kind::logic_or: {
        const bool decides = node->kind == Kind::logic_or;
        return plain(*node->a, environment, *in, [&](const Json& left_side) {
          if (truthy(left_side) == decides) return computed(Json(decides));
          return plain(*node->b, environment, *in,
                       [&](const Json& right) { return computed(Json(truthy(right))); });
        });
      }
      case Kind::alternative: {
        bool any = false;
        if (!run(*node->a, environment, *in, path, [&](const Json& v, const Json* p) {
              if (!truthy(v)) return true;
              any = true;
              return out(v, p);
            })) {
          return false;
        }
        if (any) return true;
        node = node->b;
        continue;
      }
      case Kind::assign:
      case Kind::update:
        return change_all(*node, environment, *in, computed);
      case Kind::condition: {
        const Node& choice = *node;
        if (single_now(*choice.a, environment)) {
          Json scratch;
          const Json* when = operand(*choice.a, environment, *in, scratch);
          if (when == nullptr) return false;
          const Node* branch = truthy(*when) ? choice.b : choice.c;
          if (branch == nullptr) return out(*in, path);
          node = branch;
          continue;
        }
        return plain(*choice.a, environment, *in, [&](const Json& when) {
          const Node* branch = truthy(when) ? choice.b : choice.c;
          return branch == nullptr ? out(*in, path) : run(*branch, environment, *in, path, out);
        });
      }
      case Kind::attempt: {
        bool downstream = false;
        if (run(*node->a, environment, *in, path, [&](const Json& v, const Json* p) {
              if (out(v, p)) return true;
              downstream = true;
              return false;
            })) {
          return true;
        }
        if (downstream || pending_ != Pending::error) return false;
        pending_ = Pending::none;
        if (node->b == nullptr) return true;
        hold = std::move(error_);
        in = &hold;
        if (path != nullptr) path = &kNoPath;
        node = node->b;
        continue;
      }
      case Kind::reduce:
      case Kind::foreach:
        return loop(*node, environment, *in, path, out);
      case Kind::bind: {
        if (node->patterns->plain() && single_now(*node->a, environment)) {
          Json bound;
          if (!value(*node->a, environment, *in, bound)) return false;
          Cell* cell = bind_value(environment, std::move(bound));
          held.adopt(cell);
          environment = cell;
          if (cell->chain > kMaxChain) return over_budget("too many variables in one recursion");
          node = node->b;
          continue;
        }
        const Node& binding = *node;
        bool downstream = false;
        return plain(*binding.a, environment, *in, [&](const Json& source) {
          return each_binding(*binding.patterns, environment, source, downstream, [&](Cell* scope) {
            return run(*binding.b, scope, *in, path, [&](const Json& v, const Json* p) {
              if (out(v, p)) return true;
              downstream = true;
              return false;
            });
          });
        });
      }
      case Kind::define: {
        Cell* cell = make_cell(environment);
        held.adopt(cell);
        environment = cell;
        node = node->a;
        continue;
      }
      case Kind::call:
      case Kind::call_global: {
        mark(node->offset);
        Environment callee;
        if (!enter(*node, environment, callee)) return false;
        node = node->def->body;
        Environment::retain(callee.get());
        move_to(callee.get());
        continue;
      }
      case Kind::call_param: {
        const Cell* closure = walk(environment, node->index);
        node = closure->node;
        Environment::retain(closure->closure);
        move_to(closure->closure);
        continue;
      }
      case Kind::label: {
        Environment scope;
        Cell* cell = make_cell(environment);
        cell->label = ++labels_;
        const std::uint64_t label = cell->label;
        scope.adopt(cell);
        return run(*node->a, cell, *in, path, out) || left(label);
      }
      case Kind::leave:
        return leave(walk(environment, node->index)->label);
      case Kind::object:
        return compose_object(*node, 0, environment, *in, {}, computed);
      case Kind::text:
        return compose_text(*node, node->list.size(), environment, *in, {}, computed);
      case Kind::builtin: {
        std::vector<Json> arguments(node->list.size());
        return call_builtin(*node, arguments.size(), environment, *in, arguments, computed);
      }
      case Kind::special:
        return run_special(*node, environment, *in, path, out);
      default:
        break;
    }
    // In path mode: values that are computed have no path.
    Json result;
    if (!value(*node, environment, *in, result)) return false;
    return computed(result);
  }
}

bool Evaluation::run_special(const Node& node, Cell* environment, const Json& input,
                             const Json* path, Sink out) {
  const Depth depth(*this);
  if (!depth.ok) return false;
  const auto computed = [&](const Json& v) { return out(v, path == nullptr ? nullptr : &kNoPath); };
  const std::uint64_t label = ++labels_;
  const auto& list = node.list;
  switch (node.special) {
    case Special::empty:
      return true;
    case Special::path: {
      const Json root{Json::Array{}};
      return run(*list[0], environment, input, &root, [&](const Json& v, const Json* p) {
        if (!p->is_array()) return invalid_path(*this, v);
        return computed(*p);
      });
    }
    case Special::select:
      return plain(*list[0], environment, input,
                   [&](const Json& v) { return !truthy(v) || out(input, path); });
    case Special::first: {
      bool downstream = false;
      if (run(*list[0], environment, input, path, [&](const Json& v, const Json* p) {
            downstream = !out(v, p);
            return downstream ? false : leave(label);
          })) {
        return true;
      }
      return !downstream && left(label);
    }
    case Special::last: {
      bool any = false;
      Json last;
      Json last_path;
      if (!run(*list[0], environment, input, path, [&](const Json& v, const Json* p) {
            any = true;
            last = Json(v);
            if (p != nullptr) last_path = Json(*p);
            return true;
          })) {
        return false;
      }
      if (path != nullptr) return !any || out(last, &last_path);
      return out(last, nullptr);  // null when there was none
    }
    case Special::limit:
      return plain(*list[0], environment, input, [&](const Json& count) {
        if (!count.is_number()) return fail("limit needs a number");
        const double wanted = count.as_double();
        if (wanted < 0) return run(*list[1], environment, input, path, out);
        if (!(wanted > 0)) return true;
        double seen = 0;
        const std::uint64_t mine = ++labels_;
        return run(*list[1], environment, input, path,
                   [&](const Json& v, const Json* p) {
                     seen += 1;
                     if (!out(v, p)) return false;
                     return seen < wanted || leave(mine);
                   }) ||
               left(mine);
      });
    case Special::getpath:
      return plain(*list[0], environment, input, [&](const Json& where) {
        Json found;
        mark(node.offset);
        if (!get_path(*this, input, where, found)) return false;
        if (path == nullptr) return out(found, nullptr);
        if (!path->is_array()) return out(found, path);
        Json::Array keys = path->as_array();
        keys.insert(keys.end(), where.as_array().begin(), where.as_array().end());
        const Json longer(std::move(keys));
        return charge(longer.size() * sizeof(Json)) && out(found, &longer);
      });
    case Special::range:
      return plain(*list[0], environment, input, [&](const Json& from) {
        return plain(*list[1], environment, input, [&](const Json& to) {
          return plain(*list[2], environment, input, [&](const Json& by) {
            mark(node.offset);
            if (!from.is_number() || !to.is_number() || !by.is_number()) {
              return fail("Range bounds must be numeric");
            }
            const double end = to.as_double();
            const double width = by.as_double();
            for (double at = from.as_double(); width > 0 ? at < end : (width < 0 && at > end);
                 at += width) {
              if (!step() || !computed(number(at))) return false;
              if (at + width == at) return over_budget("range makes no progress");
            }
            return true;
          });
        });
      });
    case Special::walk:
      return walk_value(*list[0], environment, input, computed);
    case Special::tostream:
      return to_stream(input, Json(Json::Array{}), true, computed);
    case Special::fromstream:
      return from_stream(*list[0], environment, input, computed);
    case Special::substitute:
      return substitute(node, environment, input, computed);
    case Special::error:
      return plain(*list[0], environment, input, [&](const Json& v) {
        mark(node.offset);
        return raise(v, node.written);
      });
    case Special::any_of:
    case Special::all_of: {
      const bool decides = node.special == Special::any_of;
      bool found = false;
      if (!plain(*list[0], environment, input,
                 [&](const Json& item) {
                   return plain(*list[1], environment, item, [&](const Json& v) {
                     if (truthy(v) != decides) return true;
                     found = true;
                     return leave(label);
                   });
                 }) &&
          !left(label)) {
        return false;
      }
      return computed(Json(found == decides));
    }
  }
  return true;
}

// Members keep the first result for them and go when there is none; items keep all results.
bool Evaluation::walk_value(const Node& f, Cell* environment, const Json& input,
                            Callback<const Json&> out) {
  const Depth depth(*this);
  if (!depth.ok || !step()) return false;
  Json changed(input);
  if (input.is_object()) {
    JsonObject object;
    for (const JsonObject::Member& member : input.as_object()) {
      const std::uint64_t label = ++labels_;
      bool any = false;
      if (!walk_value(f, environment, member.second,
                      [&](const Json& v) {
                        any = true;
                        if (!add_member(object, Json(member.first), v)) return false;
                        return leave(label);
                      }) &&
          !left(label)) {
        return false;
      }
    }
    changed = Json(std::move(object));
  } else if (input.is_array()) {
    Json::Array items;
    for (const Json& item : input.as_array()) {
      if (!walk_value(f, environment, item, [&](const Json& v) {
            items.push_back(v);
            return charge(sizeof(Json)) && wrap(v);
          })) {
        return false;
      }
    }
    changed = Json(std::move(items));
  }
  return plain(f, environment, changed, out);
}

bool Evaluation::to_stream(const Json& streamed, const Json& path, bool top,
                           Callback<const Json&> out) {
  const Depth depth(*this);
  if (!depth.ok || !step()) return false;
  if (streamed.size() == 0) return charge(2 * sizeof(Json)) && out(Json::array({path, streamed}));
  Json last;
  if (!iterate(streamed, &path, [&](const Json& item, const Json* where) {
        last = *where;
        return to_stream(item, *where, false, out);
      })) {
    return false;
  }
  (void)top;
  return charge(sizeof(Json)) && out(Json::array({last}));
}

bool Evaluation::from_stream(const Node& f, Cell* environment, const Json& input,
                             Callback<const Json&> out) {
  Json root;
  bool open = false;
  return plain(f, environment, input, [&](const Json& event) {
    if (!event.is_array() || event.size() == 0 || event.size() > 2 ||
        !event[std::size_t{0}].is_array()) {
      return fail("fromstream needs events as tostream makes them");
    }
    const Json path = event[std::size_t{0}];
    if (event.size() == 2) {
      if (path.size() == 0) return out(event[std::size_t{1}]);
      open = true;
      return change_path(*this, root, path.as_array(), 0, [&](Json& place) {
        place = event[std::size_t{1}];
        return wrap(place);
      });
    }
    if (path.size() > 1 || !open) return true;
    const Json done = std::move(root);
    root = Json();
    open = false;
    return out(done);
  });
}

// sub and gsub: several results of the replacement give several texts.
bool Evaluation::substitute(const Node& node, Cell* environment, const Json& input,
                            Callback<const Json&> out) {
  return plain(*node.list[2], environment, input, [&](const Json& flags) {
    return plain(*node.list[0], environment, input, [&](const Json& pattern) {
      Json matches;
      mark(node.offset);
      if (!match_regex(*this, input, pattern, flags, false, false, node.regex.get(), matches))
        return false;
      // Code point offsets become byte offsets on the way.
      const std::string& text = input.as_string();
      std::vector<std::string> results(1);
      std::size_t byte = 0;
      std::int64_t point = 0;
      const auto skip_to = [&](std::int64_t target) {
        const std::size_t begin = byte;
        while (point < target && byte < text.size()) {
          ++byte;
          while (byte < text.size() && (static_cast<unsigned char>(text[byte]) & 0xc0U) == 0x80U)
            ++byte;
          ++point;
        }
        return text.substr(begin, byte - begin);
      };
      for (const Json& match : matches.as_array()) {
        const std::string before = skip_to(match.int_or("offset", 0));
        skip_to(match.int_or("offset", 0) + match.int_or("length", 0));
        JsonObject captures;
        for (const Json& capture : match["captures"].as_array()) {
          if (capture["name"].is_string())
            captures.set(capture["name"].as_string(), capture["string"]);
        }
        std::vector<std::string> next;
        const Json capture_object{std::move(captures)};
        if (!plain(*node.list[1], environment, capture_object, [&](const Json& replacement) {
              mark(node.offset);
              if (!replacement.is_string()) {
                return pair_error(*this, Json(before), replacement, "cannot be added");
              }
              for (const std::string& result : results) {
                if (!charge(result.size() + before.size() + replacement.as_string().size()))
                  return false;
                next.push_back(result + before + replacement.as_string());
              }
              return true;
            })) {
          return false;
        }
        results = std::move(next);
      }
      const std::string rest = text.substr(byte);
      for (const std::string& result : results) {
        if (!charge(result.size() + rest.size()) || !out(Json(result + rest))) return false;
      }
      return true;
    });
  });
}

}  // namespace rabt::workflow
