#include "hub/workflow/expression/expression_facts.hpp"

#include "hub/workflow/expression/expression_ast.hpp"

namespace rabt::workflow {

namespace {

struct Names {
  std::span<const std::string_view> list;
  [[nodiscard]] bool is(const Node& node, std::string_view name) const {
    return node.kind == Kind::variable && node.index < list.size() && list[node.index] == name;
  }
};

ObjectShape join(ObjectShape a, const ObjectShape& b) {
  a.keys.insert(b.keys.begin(), b.keys.end());
  a.keeps_context = a.keeps_context || b.keeps_context;
  a.known = a.known && b.known && !a.is_output && !b.is_output;
  a.is_output = false;
  return a;
}

ObjectShape shape_of(const Node& node, const Names& names) {
  ObjectShape out;
  switch (node.kind) {
    case Kind::identity:
      out.is_output = true;
      return out;
    case Kind::variable:
      out.keeps_context = names.is(node, "context");
      out.is_output = names.is(node, "output");
      out.known = out.keeps_context || out.is_output;
      return out;
    case Kind::literal:
      out.known = node.value.is_object();
      if (out.known) {
        for (const auto& [key, value] : node.value.as_object()) out.keys.insert(key);
      }
      return out;
    case Kind::object:
      for (std::size_t i = 0; i + 1 < node.list.size(); i += 2) {
        const Node& key = *node.list[i];
        if (key.kind != Kind::literal || !key.value.is_string()) {
          out.known = false;  // a computed key
          return out;
        }
        out.keys.insert(key.value.as_string());
      }
      return out;
    case Kind::binary:
      if ((node.op == Op::add || node.op == Op::mul) && node.a != nullptr && node.b != nullptr)
        return join(shape_of(*node.a, names), shape_of(*node.b, names));
      break;
    case Kind::condition:
      if (node.b != nullptr && node.c != nullptr) {
        ObjectShape yes = shape_of(*node.b, names);
        const ObjectShape no = shape_of(*node.c, names);
        if (yes.is_output && no.is_output) return yes;
        return join(std::move(yes), no);
      }
      break;
    case Kind::pipe:  // $context | .key = value
      if (node.a != nullptr && node.b != nullptr && names.is(*node.a, "context") &&
          (node.b->kind == Kind::assign || node.b->kind == Kind::modify ||
           node.b->kind == Kind::update)) {
        const Node* path = node.b->a;
        if (path != nullptr && path->kind == Kind::path && !path->keys.empty() &&
            path->keys.front().is_name && (path->a == nullptr || path->a->kind == Kind::identity)) {
          out.keeps_context = true;
          out.keys.insert(path->keys.front().name);
          return out;
        }
      }
      break;
    default:
      break;
  }
  out.known = false;
  return out;
}

}  // namespace

ExpressionFacts expression_facts(const Expression& expression,
                                 std::span<const std::string_view> variables) {
  ExpressionFacts out;
  const Expression::Compiled& compiled = expression.compiled();
  const Names names{variables};
  std::set<const Node*> bases;  // variables that a key follows
  for (const Node& node : compiled.nodes) {
    if (node.kind == Kind::literal && node.value.is_string() && node.offset != kNoOffset)
      out.texts.emplace_back(node.value.as_string(), node.offset);
    if (node.kind != Kind::path || node.a == nullptr || node.a->offset == kNoOffset) continue;
    const bool context = names.is(*node.a, "context");
    const bool secrets = names.is(*node.a, "secrets");
    if ((!context && !secrets) || node.keys.empty() || !node.keys.front().is_name) continue;
    bases.insert(node.a);
    auto& reads = context ? out.context_reads : out.secret_reads;
    reads.emplace_back(node.keys.front().name, node.a->offset);
  }
  for (const Node& node : compiled.nodes) {
    if (bases.contains(&node)) continue;
    if (names.is(node, "context")) out.whole_context = true;
    if (names.is(node, "secrets")) out.whole_secrets = true;
  }
  out.shape = shape_of(*compiled.root, names);
  return out;
}

}  // namespace rabt::workflow
