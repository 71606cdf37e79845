#include "hub/workflow/expression/expression_evaluation.hpp"

// Nodes with any number of results.
namespace rabt::workflow {

// ---- generators ----

bool Evaluation::run(const Node& first, Cell* outer, const Json& input, const Json* first_path,
                     Sink out) {
  const Depth depth(*this);
  if (!depth.ok) return false;
  PathFrame at(first, outer, input, first_path);
  for (;;) {
    const Node& node = *at.node;
    if (at.path == nullptr && single_now(node, at.environment)) {
      Json scratch;
      const Json* found = operand(node, at.environment, *at.in, scratch);
      return found != nullptr && out(*found, nullptr);
    }
    if (!step()) return false;
    Next next = Next::go_on;
    switch (node.kind) {
      case Kind::pipe:
        next = run_pipe(at, out);
        break;
      case Kind::comma:
        next = run_comma(at, out);
        break;
      case Kind::alternative:
        next = run_alternative(at, out);
        break;
      case Kind::condition:
        next = run_condition(at, out);
        break;
      case Kind::attempt:
        next = run_attempt(at, out);
        break;
      case Kind::bind:
        next = run_bind(at, out);
        break;
      case Kind::define:
        at.enter(make_cell(at.environment));
        at.node = node.a;
        break;
      case Kind::call:
      case Kind::call_global:
        if (!enter_call(at)) return false;
        break;
      case Kind::call_param:
        enter_closure(at);
        break;
      default:
        return run_by_kind(node, at.environment, *at.in, at.path, out);
    }
    if (next != Next::go_on) return next == Next::done;
  }
}

// The kinds that are never in tail position.
bool Evaluation::run_by_kind(const Node& node, Cell* environment, const Json& input,
                             const Json* path, Sink out) {
  const Computed computed{out, path != nullptr};
  switch (node.kind) {
    case Kind::identity:
      return out(input, path);
    case Kind::path:
      if (node.a == nullptr) return run_keys(node, input, path, out);
      return run(*node.a, environment, input, path,
                 [&](const Json& base, const Json* p) { return run_keys(node, base, p, out); });
    case Kind::index:
      return run_index(node, environment, input, path, out);
    case Kind::slice:
      return run_slice(node, environment, input, path, out);
    case Kind::iterate:
      return run(*node.a, environment, input, path, [&](const Json& base, const Json* p) {
        mark(node.offset);
        return iterate(base, p, out);
      });
    case Kind::descend:
      return descend(Json(input), path, out);
    case Kind::negate:
    case Kind::binary:
    case Kind::logic_and:
    case Kind::logic_or:
      return run_operator(node, environment, input, computed);
    case Kind::assign:
    case Kind::update:
      return change_all(node, environment, input, computed);
    case Kind::reduce:
    case Kind::foreach:
      return loop(node, environment, input, path, out);
    case Kind::label: {
      Environment scope;
      Cell* cell = make_cell(environment);
      cell->label = ++labels_;
      const std::uint64_t label = cell->label;
      scope.adopt(cell);
      return run(*node.a, cell, input, path, out) || left(label);
    }
    case Kind::leave:
      return leave(walk(environment, node.index)->label);
    case Kind::object:
      return compose_object(node, 0, environment, input, {}, computed);
    case Kind::text:
      return compose_text(node, node.list.size(), environment, input, {}, computed);
    case Kind::builtin: {
      std::vector<Json> arguments(node.list.size());
      return call_builtin(node, arguments.size(), environment, input, arguments, computed);
    }
    case Kind::special:
      return run_special(node, environment, input, path, out);
    default: {
      // In path mode: values that are computed have no path.
      Json result;
      return value(node, environment, input, result) && computed(result);
    }
  }
}

Evaluation::Next Evaluation::run_pipe(PathFrame& at, Sink out) {
  const Node& node = *at.node;
  if (at.path == nullptr && single_now(*node.a, at.environment)) {
    Json middle;
    if (!value(*node.a, at.environment, *at.in, middle)) return Next::failed;
    at.feed(std::move(middle));
    at.node = node.b;
    return Next::go_on;
  }
  if (node.a->kind == Kind::call_param) return run_pipe_held_back(at, out);
  return ended(run(*node.a, at.environment, *at.in, at.path, [&](const Json& v, const Json* p) {
    return run(*node.b, at.environment, v, p, out);
  }));
}

// One result of the left side is held back, so that the last one continues in this frame:
// `def r: ., (f | r);` may then run long where f gives one result at most.
Evaluation::Next Evaluation::run_pipe_held_back(PathFrame& at, Sink out) {
  const Node& node = *at.node;
  bool any = false;
  bool downstream = false;
  Json last;
  Json last_path;
  const auto hand_on = [&] {
    const Json current = std::move(last);
    const Json current_path = std::move(last_path);
    return run(*node.b, at.environment, current, at.path == nullptr ? nullptr : &current_path, out);
  };
  const bool ok = run(*node.a, at.environment, *at.in, at.path, [&](const Json& v, const Json* p) {
    Json following(v);
    Json following_path = p == nullptr ? Json() : Json(*p);
    if (any && !hand_on()) {
      downstream = true;
      return false;
    }
    any = true;
    last = std::move(following);
    last_path = std::move(following_path);
    return true;
  });
  if (!ok) {
    if (downstream || !any || pending_ == Pending::budget) return Next::failed;
    // The value that was held back comes before the error or break.
    const Failure failure = set_aside();
    if (hand_on()) (void)fail_again(failure);
    return Next::failed;
  }
  if (!any) return Next::done;
  at.feed(std::move(last));
  if (at.path != nullptr) {
    at.hold_path = std::move(last_path);
    at.path = &at.hold_path;
  }
  at.node = node.b;
  return Next::go_on;
}

Evaluation::Next Evaluation::run_comma(PathFrame& at, Sink out) {
  const auto& list = at.node->list;
  for (std::size_t i = 0; i + 1 < list.size(); ++i) {
    if (!run(*list[i], at.environment, *at.in, at.path, out)) return Next::failed;
  }
  at.node = list.back();
  return Next::go_on;
}

Evaluation::Next Evaluation::run_alternative(PathFrame& at, Sink out) {
  const Node& node = *at.node;
  bool any = false;
  if (!run(*node.a, at.environment, *at.in, at.path, [&](const Json& v, const Json* p) {
        if (!truthy(v)) return true;
        any = true;
        return out(v, p);
      })) {
    return Next::failed;
  }
  if (any) return Next::done;
  at.node = node.b;
  return Next::go_on;
}

Evaluation::Next Evaluation::run_condition(PathFrame& at, Sink out) {
  const Node& node = *at.node;
  if (single_now(*node.a, at.environment)) {
    Json scratch;
    const Json* when = operand(*node.a, at.environment, *at.in, scratch);
    if (when == nullptr) return Next::failed;
    at.node = truthy(*when) ? node.b : node.c;
    return at.node != nullptr ? Next::go_on : ended(out(*at.in, at.path));
  }
  return ended(plain(*node.a, at.environment, *at.in, [&](const Json& when) {
    const Node* branch = truthy(when) ? node.b : node.c;
    return branch == nullptr ? out(*at.in, at.path)
                             : run(*branch, at.environment, *at.in, at.path, out);
  }));
}

Evaluation::Next Evaluation::run_attempt(PathFrame& at, Sink out) {
  const Node& node = *at.node;
  bool downstream = false;
  if (run(*node.a, at.environment, *at.in, at.path, [&](const Json& v, const Json* p) {
        if (out(v, p)) return true;
        downstream = true;
        return false;
      })) {
    return Next::done;
  }
  if (downstream || pending_ != Pending::error) return Next::failed;
  pending_ = Pending::none;
  if (node.b == nullptr) return Next::done;
  at.feed(std::move(error_));
  if (at.path != nullptr) at.path = &kNoPath;
  at.node = node.b;
  return Next::go_on;
}

Evaluation::Next Evaluation::run_bind(PathFrame& at, Sink out) {
  const Node& node = *at.node;
  if (node.patterns->plain() && single_now(*node.a, at.environment)) {
    Json bound;
    if (!value(*node.a, at.environment, *at.in, bound)) return Next::failed;
    at.enter(bind_value(at.environment, std::move(bound)));
    if (at.environment->chain > kMaxChain)
      return ended(over_budget("too many variables in one recursion"));
    at.node = node.b;
    return Next::go_on;
  }
  bool downstream = false;
  return ended(plain(*node.a, at.environment, *at.in, [&](const Json& source) {
    return each_binding(*node.patterns, at.environment, source, downstream, [&](Cell* scope) {
      return run(*node.b, scope, *at.in, at.path, [&](const Json& v, const Json* p) {
        if (out(v, p)) return true;
        downstream = true;
        return false;
      });
    });
  }));
}

bool Evaluation::run_index(const Node& node, Cell* environment, const Json& input, const Json* path,
                           Sink out) {
  return plain(*node.b, environment, input, [&](const Json& key) {
    return run(*node.a, environment, input, path, [&](const Json& base, const Json* p) {
      Json found;
      mark(node.offset);
      if (p != nullptr && !p->is_array()) return invalid_path(*this, base, key);
      if (!index_value(*this, base, key, found)) return false;
      if (p == nullptr) return out(found, nullptr);
      Json longer;
      return extend(*p, key, longer) && out(found, &longer);
    });
  });
}

bool Evaluation::run_slice(const Node& node, Cell* environment, const Json& input, const Json* path,
                           Sink out) {
  static const Node kNothing = [] {
    Node none;
    none.kind = Kind::literal;
    none.single = none.in_place = true;
    return none;
  }();
  const Node& start = node.b == nullptr ? kNothing : *node.b;
  const Node& end = node.c == nullptr ? kNothing : *node.c;
  return plain(start, environment, input, [&](const Json& from) {
    return plain(end, environment, input, [&](const Json& to) {
      return run(*node.a, environment, input, path, [&](const Json& base, const Json* p) {
        Json found;
        mark(node.offset);
        if (p == nullptr) return slice_value(*this, base, from, to, found) && out(found, nullptr);
        const Json key = Json::object({{"start", from}, {"end", to}});
        if (!p->is_array()) return invalid_path(*this, base, key);
        Json longer;
        return slice_value(*this, base, from, to, found) && extend(*p, key, longer) &&
               out(found, &longer);
      });
    });
  });
}

bool Evaluation::run_operator(const Node& node, Cell* environment, const Json& input,
                              Callback<const Json&> out) {
  if (node.kind == Kind::negate) {
    return plain(*node.a, environment, input, [&](const Json& v) {
      Json result;
      mark(node.offset);
      if (!v.is_number()) return type_error(*this, v, "cannot be negated");
      return arithmetic(*this, Op::sub, Json(0), v, result) && out(result);
    });
  }
  if (node.kind == Kind::binary) {
    return plain(*node.b, environment, input, [&](const Json& right) {
      return plain(*node.a, environment, input, [&](const Json& left_side) {
        Json result;
        mark(node.offset);
        return arithmetic(*this, node.op, left_side, right, result) && out(result);
      });
    });
  }
  const bool decides = node.kind == Kind::logic_or;
  return plain(*node.a, environment, input, [&](const Json& left_side) {
    if (truthy(left_side) == decides) return out(Json(decides));
    return plain(*node.b, environment, input,
                 [&](const Json& right) { return out(Json(truthy(right))); });
  });
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
  return apply(node, input, arguments, result) && out(result);
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

}  // namespace rabt::workflow
