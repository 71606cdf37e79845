#include "hub/workflow/expression/expression_evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rabt::workflow {

namespace {

// Arrays and objects of one evaluation that are not measured; each later one is: see wrap().
constexpr std::size_t kFreeWraps = 1'000;
constexpr std::size_t kMaxValueDepth = 1'000;  // copying, comparing and freeing values recurses
constexpr std::size_t kMaxVisits = std::size_t{1} << 24U;  // as many parts as bytes may be built
constexpr std::size_t kVisitsPerStep = 64;
// So few references let a value grow by a factor of 20 at most; its text need not be measured.
constexpr std::size_t kHarmlessWraps = 8;

// Returns false if the value is too deep or takes too many visits. Each visit of a shared part
// counts again.
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

// Takes the bytes of the value's text, roughly, from `left`. Returns false if `left` has too few.
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

}  // namespace

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
    return {.code = "expression.budget",
            .message = "the expression was stopped: " + budget_message_,
            .offset = offset_};
  }
  std::string message = shown_;
  if (raised_) {
    message = written_ && error_.is_string()
                  ? "error: " + error_.as_string()
                  : std::string("error() was called with a value of type ") + type_name(error_);
  }
  return {.code = "expression.runtime", .message = std::move(message), .offset = offset_};
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
  if (const auto regex = regexes_.find(key); regex != regexes_.end()) return regex->second.get();
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

bool invalid_path(Evaluation& evaluation, const Json& result) {
  return evaluation.fail("Invalid path expression with result " + excerpt(result),
                         std::string(kInvalidPath));
}

bool invalid_path(Evaluation& evaluation, const Json& base, const Json& key) {
  return evaluation.fail("Invalid path expression near attempt to access element " + excerpt(key) +
                             " of " + excerpt(base, 30),
                         std::string(kInvalidPath));
}

// ---- environment ----

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

bool Evaluation::enter_call(Frame& at) {
  mark(at.node->offset);
  Environment callee;
  if (!enter(*at.node, at.environment, callee)) return false;
  at.node = at.node->def->body;
  at.feed(Json(*at.in));
  Environment::retain(callee.get());
  at.enter(callee.get());
  return true;
}

void Evaluation::enter_closure(Frame& at) {
  const Cell* closure = walk(at.environment, at.node->index);
  at.node = closure->node;
  at.feed(Json(*at.in));  // in may stand in the environment that is given up
  Environment::retain(closure->closure);
  at.enter(closure->closure);
}

bool Evaluation::single_argument(const Node& node, Cell* environment) {
  const Node* at = &node;
  while (at->kind == Kind::call_param) {
    const Cell* closure = walk(environment, at->index);
    at = closure->node;
    environment = closure->closure;
    if (at->single) return true;
  }
  return false;
}

}  // namespace rabt::workflow
