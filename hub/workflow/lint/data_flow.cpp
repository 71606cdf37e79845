#include "hub/workflow/lint/data_flow.hpp"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "hub/workflow/expression/expression_ast.hpp"
#include "hub/workflow/lint/phi_paths.hpp"
#include "hub/workflow/run/uri_template.hpp"

namespace rabt::workflow {

namespace {

// Paths longer than this are cut: a loop that nests a value in itself would grow for ever. A cut
// place stands for all that is below it.
constexpr std::size_t kMaxPath = 160;
// How deep the walk goes into expressions and tasks.
constexpr int kMaxDepth = 200;
// Loops, jumps and functions bring later values to earlier tasks. Ordinary files need three or four
// passes.
constexpr int kMaxPasses = 40;
// A value with more parts is taken as one.
constexpr std::size_t kMaxParts = 256;
// A value with more origins may be anything.
constexpr std::size_t kMaxOrigins = 500;
constexpr std::string_view kAnything = "anything";
// The segment of a place that stands for what .[] gives.
constexpr std::string_view kSome = "[]";

std::string below(const std::string& origin, std::string_view key) {
  if (origin.size() + key.size() > kMaxPath || origin == kAnything) return origin;
  return origin + '.' + std::string(key);
}

// Whether into has grown.
bool join(FlowValue& into, const FlowValue& from) {
  bool grown = false;
  for (const auto& one : from.origins) {
    const auto [found, fresh] = into.origins.try_emplace(one.first, one.second);
    grown = grown || fresh;
    if (fresh) continue;
    // What only one of the two hides may still be there.
    const std::size_t gone = std::erase_if(
        found->second, [&one](const std::string& key) { return !one.second.contains(key); });
    grown = grown || gone > 0;
  }
  for (const std::string& origin : from.inside) grown = into.inside.insert(origin).second || grown;
  for (const auto& [key, value] : from.members) {
    const auto [found, fresh] = into.members.try_emplace(key);
    grown = join(found->second, value) || fresh || grown;
  }
  return grown;
}

FlowValue joined(FlowValue a, const FlowValue& b) {
  join(a, b);
  return a;
}

void collect(const FlowValue& value, std::set<std::string>& out) {
  for (const auto& [origin, hidden] : value.origins) out.insert(origin);
  out.insert(value.inside.begin(), value.inside.end());
  for (const auto& [key, part] : value.members) collect(part, out);
}

// One value made of all of it: nothing is known about its parts.
FlowValue mixed(const FlowValue& value) {
  FlowValue out;
  collect(value, out.inside);
  if (out.inside.size() > kMaxOrigins) out.inside = {std::string(kAnything)};
  return out;
}

std::size_t parts(const FlowValue& value) {
  std::size_t count = 1 + value.origins.size() + value.inside.size();
  for (const auto& [key, part] : value.members) count += parts(part);
  return count;
}

FlowValue bounded(FlowValue value) {
  return parts(value) > kMaxParts ? mixed(value) : std::move(value);
}

FlowValue member(const FlowValue& value, const std::string& key) {
  FlowValue out;
  if (const auto found = value.members.find(key); found != value.members.end()) out = found->second;
  if (const auto some = value.members.find("*"); some != value.members.end())
    join(out, some->second);
  out.inside.insert(value.inside.begin(), value.inside.end());
  for (const auto& [origin, hidden] : value.origins) {
    if (!hidden.contains(key)) out.origins[below(origin, key)].clear();
  }
  return out;
}

// A list with these items.
FlowValue list_of(FlowValue items) {
  FlowValue out;
  out.members[std::string(kSome)] = std::move(items);
  return out;
}

// What .[2] gives.
FlowValue numbered(const FlowValue& value) {
  FlowValue out = value;
  out.members.clear();
  if (const auto items = value.members.find(std::string(kSome)); items != value.members.end())
    join(out, items->second);
  return out;
}

// What .[] gives.
FlowValue item(const FlowValue& value) {
  FlowValue out;
  out.inside = value.inside;
  for (const auto& [key, part] : value.members) join(out, part);
  for (const auto& [origin, hidden] : value.origins) out.origins[below(origin, kSome)].clear();
  return out;
}

// value with `key` replaced by part, for certain.
FlowValue with_member(FlowValue value, const std::string& key, FlowValue part) {
  for (auto& [origin, hidden] : value.origins) hidden.insert(key);
  value.members[key] = std::move(part);
  return value;
}

// value with what stands at the names replaced by part.
FlowValue with_path(const FlowValue& value, const std::vector<PathKey>& names, std::size_t at,
                    const FlowValue& part) {
  if (at == names.size()) return part;
  const std::string& key = names[at].name;
  return with_member(value, key, with_path(member(value, key), names, at + 1, part));
}

// Adds a second name for a place: what lies below one lies below the other.
void also(FlowValue& value, const std::string& origin) {
  for (auto& [key, part] : value.members) also(part, key == "*" ? origin : below(origin, key));
  value.origins[origin].clear();
}

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

  FlowValue run(const Node* node, const FlowValue& dot) {
    if (node == nullptr) return dot;
    if (++depth_ > kMaxDepth) {
      --depth_;
      return everything(dot);
    }
    FlowValue out = bounded(of(*node, dot));
    --depth_;
    return out;
  }

 private:
  // Some part of anything that the expression can reach.
  FlowValue everything(const FlowValue& dot) const {
    FlowValue out = mixed(joined(dot, bound_));
    for (const FlowValue& variable : variables_) join(out, mixed(variable));
    return mixed(out);
  }

  FlowValue several(const std::vector<const Node*>& nodes, const FlowValue& dot) {
    FlowValue out;
    for (const Node* node : nodes) join(out, run(node, dot));
    return out;
  }

  // a + b. Of two objects the right one's keys win: its own when it is written out here.
  FlowValue sum(const Node& node, const FlowValue& dot) {
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

  // a = b, a |= b, a op= b
  FlowValue assigned(const Node& node, const FlowValue& dot) {
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

  // A table of the kinds of nodes.
  FlowValue of(const Node& node, const FlowValue& dot) {
    switch (node.kind) {
      case Kind::identity:
        return dot;
      case Kind::literal:
        return {};
      case Kind::variable:
        return node.index < variables_.size() ? variables_[node.index] : FlowValue{};
      case Kind::local:
        return bound_;
      case Kind::path: {
        FlowValue value = run(node.a, dot);
        for (const PathKey& key : node.keys)
          value = key.is_name ? member(value, key.name) : numbered(value);
        return value;
      }
      case Kind::index: {
        const FlowValue value = run(node.a, dot);
        if (node.b != nullptr && node.b->kind == Kind::literal)
          return node.b->value.is_string() ? member(value, node.b->value.as_string())
                                           : numbered(value);
        return mixed(value);
      }
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
      case Kind::bind:
        bind(node, dot);
        return run(node.b, dot);
      case Kind::reduce:
      case Kind::foreach: {
        bind(node, dot);
        FlowValue state = run(node.b, dot);
        join(state, run(node.c, state));
        state = mixed(state);  // of any number of rounds
        join(state, mixed(run(node.c, state)));
        return node.d == nullptr ? state : mixed(run(node.d, state));
      }
      case Kind::define:
      case Kind::label:
        return run(node.a, dot);
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

  void bind(const Node& node, const FlowValue& dot) {
    FlowValue value = run(node.a, dot);
    const bool plain = node.patterns != nullptr && node.patterns->plain();
    join(bound_, plain ? value : mixed(value));
    bound_ = bounded(std::move(bound_));
  }

  FlowValue object(const Node& node, const FlowValue& dot) {
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

  FlowValue prelude(const Node& node, const FlowValue& dot) {
    const std::string_view name = node.def == nullptr ? std::string_view() : node.def->name;
    if (gives_no_content(name)) return {};
    if (filters_itself(name) || keeps_items(name)) return dot;
    if (name == "map" && node.list.size() == 1) return list_of(run(node.list[0], item(dot)));
    if (name == "now") return {};
    return mixed(joined(joined(dot, several(node.list, dot)), several(node.list, item(dot))));
  }

  FlowValue builtin(const Node& node, const FlowValue& dot) {
    const std::string_view name = node.builtin == nullptr ? std::string_view() : node.builtin->name;
    if (gives_no_content(name)) return {};
    if (keeps_items(name)) return dot;
    if (name == "error") join(raised_, mixed(dot));
    return mixed(joined(dot, several(node.list, dot)));
  }

  FlowValue special(const Node& node, const FlowValue& dot) {
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

  const std::vector<FlowValue>& variables_;
  FlowValue& raised_;
  FlowValue bound_;  // what every `as` of the expression has bound
  int depth_ = 0;
};

class Walk {
 public:
  explicit Walk(const Definition::Model& model) : model_(model) {
    source_ = model.start.empty() ? "input" : "event";
    input_.origins[source_];
  }

  DataFlow run() {
    for (int pass = 0; pass < kMaxPasses && std::exchange(grown_, false); ++pass) {
      const Task& root = *model_.root;
      marks(model_.document["input"], source_);
      FlowValue dot = input_;
      if (root.input_from.has_value()) dot = value(*root.input_from, dot, root, {});
      (void)list(std::get<DoBody>(root.body).list, dot);
      for (std::size_t i = 0; i < model_.functions.size(); ++i) {
        if (functions_.contains(i))
          grow(functions_[i].output, run(*model_.functions[i], functions_[i].input));
      }
      for (std::size_t i = 0; i < model_.extensions.size(); ++i) extension(i);
    }
    return std::move(out_);
  }

 private:
  // Joins into what the next pass starts from.
  void grow(FlowValue& state, const FlowValue& with) {
    // What was too large once stays one value, or the passes would never end.
    if (!join(state, flat_.contains(&state) ? mixed(with) : with)) return;
    grown_ = true;
    if (parts(state) <= kMaxParts) return;
    flat_.insert(&state);
    state = mixed(state);
  }

  // Notes what the schema beside a value marks, as places below this one.
  bool marks(const Json& holder, const std::string& place) {
    const Json& schema = holder["schema"]["document"];
    if (!schema.is_object()) return false;
    const auto [found, fresh] = schemas_.try_emplace(&schema);
    if (fresh) found->second = phi_paths(schema);
    const std::set<std::string>& paths = found->second;
    for (const std::string& path : paths)
      out_.marked.insert(path.empty() ? place : place + '.' + path);
    return !paths.empty();
  }
  void marked(const Task& task, const char* word, const Json& holder, FlowValue& value) {
    const std::string place = std::string(word) + " of " + task.name;
    if (marks(holder, place)) also(value, place);
  }

  FlowValue evaluate(const Expr& expr, const FlowValue& dot, const FlowValue& input,
                     const FlowValue& output) {
    std::vector<FlowValue> variables;
    for (const VariableSlot& slot : expr.variables) {
      switch (slot.variable) {
        case Variable::context:
          variables.push_back(context_);
          break;
        case Variable::input:
          variables.push_back(input);
          break;
        case Variable::output:
          variables.push_back(output);
          break;
        case Variable::local:
          variables.push_back(locals_[slot.local]);
          break;
        case Variable::error:
          variables.push_back(error_);
          break;
        case Variable::workflow: {
          // $workflow.input is the raw input; the rest is no data.
          FlowValue workflow;
          workflow.members["input"] = input_;
          variables.push_back(std::move(workflow));
          break;
        }
        case Variable::task: {
          FlowValue task;
          task.members["input"] = extended_ == nullptr ? input : extended_->raw;
          task.members["output"] = extended_ == nullptr ? output : extended_->output;
          variables.push_back(std::move(task));
          break;
        }
        case Variable::secrets:
        case Variable::authorization:
          variables.push_back({{{"secrets", {}}}, {}, {}});
          break;
        default:
          variables.emplace_back();
      }
    }
    FlowValue out = Evaluator(variables, raised_).run(expr.expression.compiled().root, dot);
    grow(error_, raised_);
    return out;
  }

  FlowValue value(const Template& given, const FlowValue& dot, const Task& task,
                  const FlowValue& output) {
    FlowValue out;
    switch (given.kind) {
      case Template::Kind::constant:
        break;
      case Template::Kind::expression:
        return evaluate(*given.expression, dot, inputs_[&task], output);
      case Template::Kind::object:
        for (std::size_t i = 0; i < given.keys.size(); ++i)
          out.members[given.keys[i]] = value(given.items[i], dot, task, output);
        break;
      case Template::Kind::array:
        for (const Template& one : given.items)
          join(out.members[std::string(kSome)], value(one, dot, task, output));
        break;
    }
    return out;
  }

  // What comes out at the end, wherever the tasks jump.
  FlowValue list(const TaskList& tasks, const FlowValue& dot) {
    const std::size_t count = tasks.tasks.size();
    FlowValue out;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == 0) grow(entries_[tasks.tasks[0].get()], dot);
      const Task& task = *tasks.tasks[i];
      const FlowValue result = run(task, entries_[&task]);
      const auto lead = [&](const Then& then) {
        const std::size_t next = then.kind == Then::Kind::next ? i + 1 : then.target;
        const bool inside = then.kind == Then::Kind::next || then.kind == Then::Kind::jump;
        if (inside && next < count) {
          grow(entries_[tasks.tasks[next].get()], result);
        } else {
          join(out, result);
        }
      };
      lead(task.then);
      if (task.condition.has_value()) lead({});
      if (const auto* choice = std::get_if<SwitchBody>(&task.body)) {
        for (const SwitchCase& one : choice->cases) lead(one.then);
      }
      if (const auto* attempt = std::get_if<TryBody>(&task.body);
          attempt != nullptr && attempt->then)
        lead(*attempt->then);
    }
    return count == 0 ? dot : bounded(std::move(out));
  }

  FlowValue run(const Task& task, const FlowValue& given) {
    if (++depth_ > kMaxDepth) {
      --depth_;
      return {};
    }
    FlowValue raw = given;
    for (std::size_t i = 0; i < model_.extensions.size(); ++i) {
      if (!extends(model_.extensions[i], task)) continue;
      grow(extensions_[i].raw, raw);
    }
    marked(task, "input", task.definition["input"], raw);
    FlowValue dot = raw;
    if (task.input_from.has_value()) dot = value(*task.input_from, raw, task, {});
    grow(inputs_[&task], dot);
    FlowValue output = body(task, dot);
    for (std::size_t i = 0; i < model_.extensions.size(); ++i) {
      if (extends(model_.extensions[i], task)) join(output, extensions_[i].instead);
    }
    if (task.output_as.has_value()) output = value(*task.output_as, output, task, output);
    for (std::size_t i = 0; i < model_.extensions.size(); ++i) {
      if (!extends(model_.extensions[i], task)) continue;
      grow(extensions_[i].output, output);
    }
    marked(task, "output", task.definition["output"], output);
    if (task.export_as.has_value()) {
      // A task may be jumped over, so what was there before may still be there.
      FlowValue exported = value(*task.export_as, output, task, output);
      marked(task, "export", task.definition["export"], exported);
      grow(context_, exported);
    }
    if (extended_ != nullptr && task.then.kind == Then::Kind::exit) join(exits_, output);
    if (task.condition.has_value()) join(output, raw);
    --depth_;
    return bounded(std::move(output));
  }

  bool extends(const Extension& extension, const Task& task) const {
    return extended_ == nullptr && ((extension.kinds >> task.body.index()) & 1U) != 0;
  }
  void extension(std::size_t i) {
    Extended& state = extensions_[i];
    extended_ = &state;
    exits_ = {};
    (void)list(model_.extensions[i].before, state.raw);
    grow(state.instead, exits_);
    (void)list(model_.extensions[i].after, state.output);
    extended_ = nullptr;
  }

  void called(const Task& task, const FlowValue& arguments) {
    const auto [found, fresh] = positions_.try_emplace(&task, out_.calls.size());
    if (fresh) out_.calls.push_back({&task, {}});
    grow(out_.calls[found->second].arguments, arguments);
  }

  FlowValue http(const HttpBody& http, const Task& task, const FlowValue& dot) {
    FlowValue out;
    out.members["uri"] = value(http.endpoint.uri, dot, task, {});
    if (http.endpoint.uri.constant.is_string()) {  // a template: {name} is a member of the input
      std::vector<std::string> names;
      (void)uri_template_fault(http.endpoint.uri.constant.as_string(), &names);
      for (const std::string& name : names) join(out.members["uri"], member(dot, name));
    }
    const auto add = [&](const char* name, const std::optional<Template>& given) {
      if (given) out.members[name] = value(*given, dot, task, {});
    };
    add("headers", http.headers);
    add("query", http.query);
    add("body", http.body);
    if (http.operation.kind != Template::Kind::constant) add("operation", http.operation);
    for (const auto& one : {http.endpoint.authentication, http.authentication}) {
      if (one != nullptr && one->settings && one->settings->kind != Template::Kind::constant)
        join(out.members["authentication"], value(*one->settings, dot, task, {}));
    }
    return out;
  }

  static FlowValue from(std::string origin) {
    FlowValue out;
    out.origins[std::move(origin)];
    return out;
  }

  FlowValue body(const Task& task, const FlowValue& dot) {
    if (const auto* call = std::get_if<CallBody>(&task.body)) {
      called(task, call->arguments ? value(*call->arguments, dot, task, {}) : FlowValue{});
      return from("answer of " + call->role + '/' + call->action);
    }
    if (const auto* request = std::get_if<HttpBody>(&task.body)) {
      called(task, http(*request, task, dot));
      return from("answer of " + request->title);
    }
    if (const auto* child = std::get_if<RunBody>(&task.body)) {
      called(task, child->input ? value(*child->input, dot, task, {}) : FlowValue{});
      return from("output of " + child->name_space + '/' + child->name);
    }
    if (const auto* function = std::get_if<FunctionBody>(&task.body)) {
      Function& state = functions_[function->function];
      grow(state.input,
           function->arguments ? value(*function->arguments, dot, task, {}) : FlowValue{});
      return state.output;
    }
    if (const auto* list_body = std::get_if<DoBody>(&task.body)) return list(list_body->list, dot);
    if (const auto* set = std::get_if<SetBody>(&task.body)) return value(set->value, dot, task, {});
    if (const auto* loop = std::get_if<ForBody>(&task.body)) {
      grow(locals_[loop->each], item(value(loop->in, dot, task, {})));
      FlowValue out = list(loop->list, dot);
      join(out, dot);
      if (!loop->list.tasks.empty()) grow(entries_[loop->list.tasks[0].get()], out);
      return out;
    }
    if (const auto* fork = std::get_if<ForkBody>(&task.body)) {
      FlowValue out;
      for (const auto& branch : fork->branches.tasks) {
        const FlowValue result = run(*branch, dot);
        join(out, result);
      }
      return fork->compete ? joined(std::move(out), dot) : list_of(std::move(out));
    }
    if (const auto* listen = std::get_if<ListenBody>(&task.body)) {
      FlowValue out;
      for (const EventFilter& filter : listen->filters)
        out.origins[filter.every ? "any event" : "event " + filter.type];
      if (listen->foreach.has_value()) {
        grow(locals_[listen->foreach->item], out);
        join(out, list(listen->foreach->list, out));
        FlowValue result = out;
        if (listen->foreach->output_as)
          join(out, value(*listen->foreach->output_as, result, task, result));
        if (listen->foreach->export_as)
          grow(context_, value(*listen->foreach->export_as, out, task, out));
      }
      return out;
    }
    if (const auto* emit = std::get_if<EmitBody>(&task.body)) {
      FlowValue event = value(emit->event, dot, task, {});
      called(task, event);
      return event;
    }
    if (const auto* raise = std::get_if<RaiseBody>(&task.body)) {
      const FlowValue error = value(raise->error, dot, task, {});
      called(task, error);
      grow(error_, error);
      return {};
    }
    if (const auto* attempt = std::get_if<TryBody>(&task.body)) {
      FlowValue out = list(attempt->list, dot);
      grow(locals_[attempt->as], error_);
      if (attempt->has_handler) join(out, list(attempt->handler, joined(dot, out)));
      return joined(std::move(out), dot);
    }
    return dot;
  }

  struct Function {
    FlowValue input;  // of all callers
    FlowValue output;
  };
  struct Extended {
    FlowValue raw;  // of all tasks that it extends
    FlowValue output;
    FlowValue instead;  // what a `then: exit` in `before` gives in place of the body
  };
  const Definition::Model& model_;
  std::string source_;
  FlowValue input_;
  FlowValue context_;
  FlowValue raised_;  // what expressions gave to error()
  FlowValue error_ = from("error");
  std::map<std::uint32_t, FlowValue> locals_;
  std::map<const Task*, FlowValue> inputs_;
  std::map<const Task*, FlowValue>
      entries_;  // what reaches a task, from the one before and by jumps
  std::map<std::size_t, Function> functions_;
  std::map<std::size_t, Extended> extensions_;
  const Extended* extended_ = nullptr;  // while an extension's tasks are walked
  FlowValue exits_;                     // what its tasks with `then: exit` gave
  std::map<const Task*, std::size_t> positions_;
  std::map<const Json*, std::set<std::string>> schemas_;
  DataFlow out_;
  std::set<const FlowValue*> flat_;
  bool grown_ = true;  // the last pass has found something new
  int depth_ = 0;
};

std::vector<std::string_view> segments(std::string_view place) {
  std::vector<std::string_view> out;
  for (std::size_t point = place.find('.'); point != std::string_view::npos;
       point = place.find('.')) {
    out.push_back(place.substr(0, point));
    place.remove_prefix(point + 1);
  }
  out.push_back(place);
  return out;
}

// One inside the other, or the same. "[]" of an origin is "[]" of the mark, or the name of a
// member;
// "[]" of the mark is nothing where an item was taken by its number.
bool overlap(std::span<const std::string_view> origin, std::span<const std::string_view> marked,
             const std::set<std::string>& hidden) {
  if (marked.empty()) return true;
  if (origin.empty()) return !hidden.contains(std::string(marked.front()));
  if (origin.front() == kSome || origin.front() == marked.front())
    return overlap(origin.subspan(1), marked.subspan(1), hidden);
  return marked.front() == kSome && overlap(origin, marked.subspan(1), hidden);
}

bool touched(const FlowValue& value, std::span<const std::string_view> marked) {
  const auto at = [&](const std::string& origin, const std::set<std::string>& hidden) {
    return origin == kAnything || overlap(segments(origin), marked, hidden);
  };
  return std::any_of(value.origins.begin(), value.origins.end(),
                     [&](const auto& one) { return at(one.first, one.second); }) ||
         std::any_of(value.inside.begin(), value.inside.end(),
                     [&](const std::string& one) { return at(one, {}); }) ||
         std::any_of(value.members.begin(), value.members.end(),
                     [&](const auto& one) { return touched(one.second, marked); });
}

}  // namespace

std::set<std::string> FlowValue::all() const {
  std::set<std::string> found;
  collect(*this, found);
  std::set<std::string> out;
  for (const std::string& place : found) out.insert(without_items(place));
  return out;
}

bool FlowValue::touches(const std::string& marked) const {
  return touched(*this, segments(marked));
}

DataFlow data_flow(const Definition::Model& model) {
  return Walk(model).run();
}

}  // namespace rabt::workflow
