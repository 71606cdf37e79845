#include "hub/workflow/expression/expression_evaluation.hpp"

// Assignments: = |= += and their kind.
namespace rabt::workflow {

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

}  // namespace rabt::workflow
