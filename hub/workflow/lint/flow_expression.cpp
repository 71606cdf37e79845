#include "hub/workflow/lint/flow_expression.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "hub/workflow/lint/flow_value.hpp"

namespace rabt::workflow::flow {

namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Functions whose results tell of a value no more than a condition could.
bool gives_no_content(std::string_view name) {
  return is_one_of(name, {"length",
                          "utf8bytelength",
                          "not",
                          "has",
                          "contains",
                          "any",
                          "all",
                          "type",
                          "startswith",
                          "endswith",
                          "isinfinite",
                          "isnan",
                          "isnormal",
                          "builtins",
                          "infinite",
                          "nan",
                          "have_literal_numbers",
                          "have_decnum",
                          "isempty",
                          "isvalid",
                          "isfinite",
                          "test",
                          "in",
                          "inside"});
}
// Functions that give the list they get, in another order or shorter, or what is inside.
bool keeps_items(std::string_view name) {
  return is_one_of(name, {"sort", "_sort_by", "sort_by", "reverse", "unique", "_unique_by",
                          "unique_by", "toarray"});
}
bool filters_itself(std::string_view name) {
  return is_one_of(name, {"values", "nulls", "booleans", "numbers", "strings", "arrays", "objects",
                          "iterables", "scalars", "finites", "normals"});
}

class Evaluator {
 public:
  // variables: by slot of the expression. raised: what error() was given, in this and others.
  Evaluator(const std::vector<FlowValue>& variables, FlowValue& raised)
      : variables_(variables), raised_(raised) {}

  FlowValue run(const Node* node, const FlowValue& dot);

 private:
  // Some part of anything that the expression can reach.
  FlowValue everything(const FlowValue& dot) const;
  FlowValue several(const std::vector<const Node*>& nodes, const FlowValue& dot);

  // a + b. Of two objects the right one's keys win: its own when it is written out here.
  FlowValue sum(const Node& node, const FlowValue& dot);

  // a = b, a |= b, a op= b
  FlowValue assigned(const Node& node, const FlowValue& dot);

  // One kind of node after the other.
  FlowValue of(const Node& node, const FlowValue& dot);
  FlowValue path(const Node& node, const FlowValue& dot);
  FlowValue indexed(const Node& node, const FlowValue& dot);
  FlowValue binary(const Node& node, const FlowValue& dot);
  // reduce and foreach
  FlowValue rounds(const Node& node, const FlowValue& dot);
  // Runs `a as patterns` and brings the names into scope; the caller takes them out again.
  void bind(const Node& node, const FlowValue& dot);
  // Runs what stands behind a name that holds no data, of a function or a label.
  FlowValue beyond(const Node& node, const FlowValue& dot);
  const FlowValue& named(const Node& node) const {
    return node.index < names_.size() ? names_[names_.size() - 1 - node.index] : bound_;
  }
  FlowValue object(const Node& node, const FlowValue& dot);
  FlowValue prelude(const Node& node, const FlowValue& dot);
  FlowValue builtin(const Node& node, const FlowValue& dot);
  FlowValue special(const Node& node, const FlowValue& dot);

  const std::vector<FlowValue>& variables_;
  FlowValue& raised_;
  std::vector<FlowValue> names_;  // in scope, the innermost last: one a cell of the environment
  FlowValue bound_;               // what every `as` of the expression has bound
  int depth_ = 0;
};

FlowValue Evaluator::run(const Node* node, const FlowValue& dot) {
  if (node == nullptr) return dot;
  if (++depth_ > kMaxDepth) {
    --depth_;
    return everything(dot);
  }
  FlowValue out = bounded(of(*node, dot));
  --depth_;
  return out;
}

FlowValue Evaluator::everything(const FlowValue& dot) const {
  FlowValue out = mixed(joined(dot, bound_));
  for (const FlowValue& variable : variables_) join(out, mixed(variable));
  return mixed(out);
}

FlowValue Evaluator::several(const std::vector<const Node*>& nodes, const FlowValue& dot) {
  FlowValue out;
  for (const Node* node : nodes) join(out, run(node, dot));
  return out;
}

FlowValue Evaluator::sum(const Node& node, const FlowValue& dot) {
  FlowValue out = run(node.a, dot);
  const FlowValue right = run(node.b, dot);
  if (node.b == nullptr || node.b->kind != Kind::object) return joined(std::move(out), right);
  for (std::size_t i = 0; i + 1 < node.b->list.size(); i += 2) {
    const Node* key = node.b->list[i];
    if (key->kind != Kind::literal || !key->value.is_string()) continue;
    const std::string& name = key->value.as_string();
    out = with_member(std::move(out), name, {});
  }
  return joined(std::move(out), right);
}

FlowValue Evaluator::assigned(const Node& node, const FlowValue& dot) {
  const Node* path = node.a;
  const bool names = path != nullptr && path->kind == Kind::path &&
                     (path->a == nullptr || path->a->kind == Kind::identity) &&
                     std::all_of(path->keys.begin(), path->keys.end(),
                                 [](const PathKey& key) { return key.is_name; });
  if (!names)
    return mixed(joined(joined(dot, run(node.a, dot)), run(node.b, joined(dot, item(dot)))));
  const FlowValue old = run(path, dot);
  FlowValue part = run(node.b, node.kind == Kind::modify ? old : dot);
  if (node.kind == Kind::update) part = mixed(joined(std::move(part), old));
  return with_path(dot, path->keys, 0, part);
}

FlowValue Evaluator::of(const Node& node, const FlowValue& dot) {
  switch (node.kind) {
    case Kind::identity:
      return dot;
    case Kind::literal:
      return {};
    case Kind::variable:
      return node.index < variables_.size() ? variables_[node.index] : FlowValue{};
    case Kind::local:
      return named(node);
    case Kind::path:
      return path(node, dot);
    case Kind::index:
      return indexed(node, dot);
    case Kind::slice:
      return run(node.a, dot);
    case Kind::iterate:
      return item(run(node.a, dot));
    case Kind::descend:
      return mixed(dot);
    case Kind::pipe:
      return run(node.b, run(node.a, dot));
    case Kind::comma:
      return several(node.list, dot);
    case Kind::negate:
      return mixed(run(node.a, dot));
    case Kind::binary:
      return binary(node, dot);
    case Kind::logic_and:
    case Kind::logic_or:
      return {};
    case Kind::alternative:
      return joined(run(node.a, dot), run(node.b, dot));
    case Kind::condition:
      return joined(run(node.b, dot), run(node.c, dot));
    case Kind::attempt: {
      FlowValue out = run(node.a, dot);
      if (node.b != nullptr) join(out, run(node.b, joined(dot, raised_)));
      return out;
    }
    case Kind::assign:
    case Kind::modify:
    case Kind::update:
      return assigned(node, dot);
    case Kind::bind: {
      const std::size_t count = names_.size();
      bind(node, dot);
      FlowValue out = run(node.b, dot);
      names_.resize(count);
      return out;
    }
    case Kind::reduce:
    case Kind::foreach:
      return rounds(node, dot);
    case Kind::define:
    case Kind::label:
      return beyond(node, dot);
    case Kind::leave:
      return {};
    case Kind::object:
      return object(node, dot);
    case Kind::array:
      return node.a == nullptr ? FlowValue{} : list_of(run(node.a, dot));
    case Kind::text:
      return mixed(several(node.list, dot));
    case Kind::format:
      return mixed(dot);
    case Kind::call:  // defined in the expression, and may use all that it can reach
    case Kind::call_param:
      return everything(joined(dot, several(node.list, dot)));
    case Kind::call_global:
      return prelude(node, dot);
    case Kind::builtin:
      return builtin(node, dot);
    case Kind::special:
      return special(node, dot);
  }
  return everything(dot);
}

FlowValue Evaluator::path(const Node& node, const FlowValue& dot) {
  FlowValue value = run(node.a, dot);
  for (const PathKey& key : node.keys)
    value = key.is_name ? member(value, key.name) : numbered(value);
  return value;
}

FlowValue Evaluator::indexed(const Node& node, const FlowValue& dot) {
  const FlowValue value = run(node.a, dot);
  if (node.b != nullptr && node.b->kind == Kind::literal)
    return node.b->value.is_string() ? member(value, node.b->value.as_string()) : numbered(value);
  return mixed(value);
}

FlowValue Evaluator::binary(const Node& node, const FlowValue& dot) {
  switch (node.op) {
    case Op::add:
      return sum(node, dot);
    case Op::eq:
    case Op::ne:
    case Op::lt:
    case Op::le:
    case Op::gt:
    case Op::ge:
      return {};  // a truth value
    default:
      return mixed(joined(run(node.a, dot), run(node.b, dot)));
  }
}

FlowValue Evaluator::rounds(const Node& node, const FlowValue& dot) {
  FlowValue state = run(node.b, dot);
  const std::size_t count = names_.size();
  bind(node, dot);
  join(state, run(node.c, state));
  state = mixed(state);  // of any number of rounds
  join(state, mixed(run(node.c, state)));
  if (node.d != nullptr) state = mixed(run(node.d, state));
  names_.resize(count);
  return state;
}

FlowValue Evaluator::beyond(const Node& node, const FlowValue& dot) {
  names_.emplace_back();
  FlowValue out = run(node.a, dot);
  names_.pop_back();
  return out;
}

void Evaluator::bind(const Node& node, const FlowValue& dot) {
  FlowValue value = run(node.a, dot);
  if (!node.patterns->plain()) value = mixed(value);
  join(bound_, value);
  bound_ = bounded(std::move(bound_));
  names_.insert(names_.end(), node.patterns->variables.size(), value);
}

FlowValue Evaluator::object(const Node& node, const FlowValue& dot) {
  FlowValue out;
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < node.list.size(); i += 2) {
    const Node* key = node.list[i];
    const bool plain = key->kind == Kind::literal && key->value.is_string();
    FlowValue value = run(node.list[i + 1], dot);
    if (!plain) join(value, mixed(run(key, dot)));  // a name that is made of data is data
    count += parts(value);
    if (count > kMaxParts) {
      out = mixed(joined(std::move(out), mixed(value)));
    } else {
      join(out.members[plain ? key->value.as_string() : "*"], value);
    }
  }
  return out;
}

FlowValue Evaluator::prelude(const Node& node, const FlowValue& dot) {
  const std::string_view name = node.def == nullptr ? std::string_view() : node.def->name;
  if (gives_no_content(name)) return {};
  if (filters_itself(name) || keeps_items(name)) return dot;
  if (name == "map" && node.list.size() == 1) return list_of(run(node.list[0], item(dot)));
  if (name == "now") return {};
  return mixed(joined(joined(dot, several(node.list, dot)), several(node.list, item(dot))));
}

FlowValue Evaluator::builtin(const Node& node, const FlowValue& dot) {
  const std::string_view name = node.builtin == nullptr ? std::string_view() : node.builtin->name;
  if (gives_no_content(name)) return {};
  if (keeps_items(name)) return dot;
  if (name == "error") join(raised_, mixed(dot));
  return mixed(joined(dot, several(node.list, dot)));
}

FlowValue Evaluator::special(const Node& node, const FlowValue& dot) {
  switch (node.special) {
    case Special::empty:
    case Special::path:  // names and numbers
    case Special::any_of:
    case Special::all_of:
      return {};
    case Special::select:
      return dot;
    case Special::first:
    case Special::last:
    case Special::limit:
      return several(node.list, dot);
    case Special::error:
      join(raised_, mixed(several(node.list, dot)));
      return {};
    case Special::range:
      return mixed(several(node.list, dot));
    default:
      return mixed(joined(joined(dot, several(node.list, dot)), several(node.list, mixed(dot))));
  }
}

}  // namespace

FlowValue evaluate(const Node* root, const FlowValue& dot, const std::vector<FlowValue>& variables,
                   FlowValue& raised) {
  return Evaluator(variables, raised).run(root, dot);
}

}  // namespace rabt::workflow::flow
