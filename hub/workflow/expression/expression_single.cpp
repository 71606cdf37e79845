#include "hub/workflow/expression/expression_evaluation.hpp"

#include <array>

// Nodes with exactly one result.
namespace rabt::workflow {

namespace {

const Json kNull;

}  // namespace

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
  return apply(node, input, std::span(arguments).first(node.list.size()), out);
}

bool Evaluation::apply(const Node& node, const Json& input, std::span<const Json> arguments,
                       Json& out) {
  if (node.regex != nullptr) {
    return match_regex(*this, input, arguments[0], arguments[1], truthy(arguments[2]), false,
                       node.regex.get(), out);
  }
  if (node.extra == nullptr) return node.builtin->function(*this, input, arguments.data(), out);
  Result<Json> given = node.extra->call(input, arguments);
  if (!given.ok()) return fail(std::move(given).error().message);
  out = *std::move(given);
  return charge(sizeof(Json) * (1 + out.size()) + (out.is_string() ? out.as_string().size() : 0));
}

// A table of the kinds that are never in tail position. Inlined into value(), the hottest function.
inline bool Evaluation::value_by_kind(const Node& node, Cell* environment, const Json& input,
                                      Json& out) {
  const auto only = [&](const Json& v, const Json*) {
    out = Json(v);
    return true;
  };
  switch (node.kind) {
    case Kind::path:
      return path_value(node, environment, input, out);
    case Kind::index:
      return index_of(node, environment, input, out);
    case Kind::slice:
      return slice_of(node, environment, input, out);
    case Kind::negate:
      return negated(node, environment, input, out);
    case Kind::binary:
      return binary_value(node, environment, input, out);
    case Kind::logic_and:
    case Kind::logic_or:
      return logic_value(node, environment, input, out);
    case Kind::array:
      return array_value(node, environment, input, out);
    case Kind::object:
      return object_value(node, environment, input, out);
    case Kind::text:
      return compose_text(node, node.list.size(), environment, input, {},
                          [&](const Json& composed) { return only(composed, nullptr); });
    case Kind::format:
      return formatted(node, input, out);
    case Kind::builtin:
      return builtin_value(node, environment, input, out);
    case Kind::reduce: {
      Json start;
      return value(*node.b, environment, input, start) &&
             reduce_value(node, environment, input, std::move(start), nullptr, only);
    }
    case Kind::assign:
    case Kind::modify:
    case Kind::update: {
      Json state(input);
      if (!consume(node, environment, state)) return false;
      out = std::move(state);
      return true;
    }
    case Kind::special:
      return run_special(node, environment, input, nullptr, only);
    default:
      break;
  }
  RABT_BUG("an expression node was taken for a single one");
  return fail("internal error in the expression evaluator");
}

// Nodes in tail position continue here, so that a recursion in tail position runs long; each of the
// others is a function below.
bool Evaluation::value(const Node& first, Cell* outer, const Json& input, Json& out) {
  const Depth depth(*this);
  if (!depth.ok) return false;
  Frame at(first, outer, input);
  Json scratch;
  for (;;) {
    const Node& node = *at.node;
    if (node.in_place) {
      const Json* found = refer(node, at.environment, *at.in);
      if (found == nullptr) return false;
      out = Json(*found);
      return true;
    }
    if (!step()) return false;
    switch (node.kind) {
      case Kind::pipe:
        if (!value(*node.a, at.environment, *at.in, scratch)) return false;
        at.feed(std::move(scratch));
        at.node = node.b;
        continue;
      case Kind::condition: {
        const Json* when = operand(*node.a, at.environment, *at.in, scratch);
        if (when == nullptr) return false;
        at.node = truthy(*when) ? node.b : node.c;
        if (at.node != nullptr) continue;
        out = Json(*at.in);
        return true;
      }
      case Kind::bind:
        if (!value(*node.a, at.environment, *at.in, scratch)) return false;
        at.enter(bind_value(at.environment, std::move(scratch)));
        at.node = node.b;
        continue;
      case Kind::define:
        at.enter(make_cell(at.environment));
        at.node = node.a;
        continue;
      case Kind::call:
      case Kind::call_global:
        if (!enter_call(at)) return false;
        continue;
      case Kind::call_param:
        enter_closure(at);
        continue;
      case Kind::alternative: {
        const Json* left_side = operand(*node.a, at.environment, *at.in, scratch);
        if (left_side == nullptr) return false;
        at.node = node.b;
        if (!truthy(*left_side)) continue;
        out = Json(*left_side);
        return true;
      }
      case Kind::attempt:
        if (value(*node.a, at.environment, *at.in, out)) return true;
        if (pending_ != Pending::error) return false;
        pending_ = Pending::none;
        at.feed(std::move(error_));
        at.node = node.b;
        continue;
      default:
        return value_by_kind(node, at.environment, *at.in, out);
    }
  }
}

bool Evaluation::path_value(const Node& node, Cell* environment, const Json& input, Json& out) {
  Json base;
  if (!value(*node.a, environment, input, base)) return false;
  const Json* at = &base;
  for (const PathKey& key : node.keys) {
    const Json* next = look_up(*at, key);
    if (next == nullptr) {
      mark(node.offset);
      return cannot_index(*this, *at, key.json);
    }
    at = next;
  }
  out = Json(*at);
  return true;
}

bool Evaluation::index_of(const Node& node, Cell* environment, const Json& input, Json& out) {
  Json key_scratch;
  const Json* key = operand(*node.b, environment, input, key_scratch);
  if (key == nullptr) return false;
  Json base_scratch;
  const Json* base = operand(*node.a, environment, input, base_scratch);
  if (base == nullptr) return false;
  mark(node.offset);
  return index_value(*this, *base, *key, out);
}

bool Evaluation::slice_of(const Node& node, Cell* environment, const Json& input, Json& out) {
  Json from;
  Json to;
  if (node.b != nullptr && !value(*node.b, environment, input, from)) return false;
  if (node.c != nullptr && !value(*node.c, environment, input, to)) return false;
  Json scratch;
  const Json* base = operand(*node.a, environment, input, scratch);
  if (base == nullptr) return false;
  mark(node.offset);
  return slice_value(*this, *base, from, to, out);
}

bool Evaluation::negated(const Node& node, Cell* environment, const Json& input, Json& out) {
  Json scratch;
  const Json* number = operand(*node.a, environment, input, scratch);
  if (number == nullptr) return false;
  mark(node.offset);
  if (!number->is_number()) return type_error(*this, *number, "cannot be negated");
  return arithmetic(*this, Op::sub, Json(0), *number, out);
}

bool Evaluation::binary_value(const Node& node, Cell* environment, const Json& input, Json& out) {
  Json right_scratch;
  const Json* right = operand(*node.b, environment, input, right_scratch);
  if (right == nullptr) return false;
  Json left_scratch;
  const Json* left_side = operand(*node.a, environment, input, left_scratch);
  if (left_side == nullptr) return false;
  mark(node.offset);
  return arithmetic(*this, node.op, *left_side, *right, out);
}

bool Evaluation::logic_value(const Node& node, Cell* environment, const Json& input, Json& out) {
  const bool decides = node.kind == Kind::logic_or;
  Json scratch;
  const Json* left_side = operand(*node.a, environment, input, scratch);
  if (left_side == nullptr) return false;
  if (truthy(*left_side) == decides) {
    out = Json(decides);
    return true;
  }
  const Json* right = operand(*node.b, environment, input, scratch);
  if (right == nullptr) return false;
  out = Json(truthy(*right));
  return true;
}

bool Evaluation::array_value(const Node& node, Cell* environment, const Json& input, Json& out) {
  Json::Array items;
  if (node.a != nullptr &&
      !run(*node.a, environment, input, nullptr, [&](const Json& item, const Json*) {
        if (!charge(sizeof(Json)) || !wrap(item)) return false;
        items.push_back(item);
        return true;
      })) {
    return false;
  }
  out = Json(std::move(items));
  return true;
}

bool Evaluation::object_value(const Node& node, Cell* environment, const Json& input, Json& out) {
  JsonObject object;
  for (std::size_t i = 0; i < node.list.size(); i += 2) {
    Json key_scratch;
    const Json* key = operand(*node.list[i], environment, input, key_scratch);
    if (key == nullptr) return false;
    Json member_scratch;
    const Json* member = operand(*node.list[i + 1], environment, input, member_scratch);
    if (member == nullptr) return false;
    mark(node.offset);
    if (!add_member(object, *key, *member)) return false;
  }
  out = Json(std::move(object));
  return true;
}

bool Evaluation::formatted(const Node& node, const Json& input, Json& out) {
  std::string text;
  mark(node.offset);
  if (!format_value(*this, node.format, input, text) || !charge(text.size())) return false;
  out = Json(std::move(text));
  return true;
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

}  // namespace rabt::workflow
