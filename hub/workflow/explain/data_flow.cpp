#include "hub/workflow/explain/data_flow.hpp"

#include <algorithm>

#include "hub/workflow/expression/expression_ast.hpp"

namespace rabt::workflow {

namespace {

// Paths longer than this are cut: a loop that nests a value in itself would grow for ever.
constexpr std::size_t kMaxPath = 160;
constexpr int kMaxDepth = 200;  // of the walk through expressions and functions
constexpr int kPasses = 3;      // loops and jumps bring later values to earlier tasks

std::string below(const std::string& origin, const std::string& key) {
  return origin.size() + key.size() > kMaxPath ? origin : origin + '.' + key;
}

void join(FlowValue& into, const FlowValue& from) {
  into.origins.insert(from.origins.begin(), from.origins.end());
  for (const auto& [key, value] : from.members) join(into.members[key], value);
}

FlowValue joined(FlowValue a, const FlowValue& b) {
  join(a, b);
  return a;
}

// One value made of all of it: nothing is known about its parts.
FlowValue mixed(const FlowValue& value) {
  return {value.all(), {}};
}

FlowValue member(const FlowValue& value, const std::string& key) {
  FlowValue out;
  if (const auto found = value.members.find(key); found != value.members.end()) {
    out = found->second;
  } else if (const auto some = value.members.find("*"); some != value.members.end()) {
    out = some->second;
  }
  // A part that was written here hides what the origins have under that key.
  if (!value.members.contains(key)) {
    for (const std::string& origin : value.origins) out.origins.insert(below(origin, key));
  }
  return out;
}

FlowValue item(const FlowValue& value) {
  FlowValue out;
  for (const auto& [key, part] : value.members) join(out, part);
  out.origins.insert(value.origins.begin(), value.origins.end());
  return out;
}

// jq's a + b on objects: the right side's keys win.
FlowValue sum(const FlowValue& a, const FlowValue& b) {
  FlowValue out = a;
  out.origins.insert(b.origins.begin(), b.origins.end());
  for (const auto& [key, value] : b.members) out.members[key] = value;
  return out;
}

class Evaluator {
 public:
  explicit Evaluator(const std::vector<FlowValue>& variables) : variables_(variables) {}

  FlowValue run(const Node* node, const FlowValue& dot) {
    if (node == nullptr) return dot;
    if (++depth_ > kMaxDepth) {
      --depth_;
      return mixed(dot);
    }
    FlowValue out = of(*node, dot);
    --depth_;
    return out;
  }

 private:
  FlowValue several(const std::vector<const Node*>& nodes, const FlowValue& dot) {
    FlowValue out;
    for (const Node* node : nodes) join(out, run(node, dot));
    return out;
  }

  FlowValue of(const Node& node, const FlowValue& dot) {
    switch (node.kind) {
      case Kind::identity:
        return dot;
      case Kind::literal:
        return {};
      case Kind::variable:
        return node.index < variables_.size() ? variables_[node.index] : FlowValue{};
      case Kind::local:
      case Kind::call_param:
        return bound_;
      case Kind::path: {
        FlowValue value = run(node.a, dot);
        for (const PathKey& key : node.keys)
          value = key.is_name ? member(value, key.name) : item(value);
        return value;
      }
      case Kind::index: {
        const FlowValue value = run(node.a, dot);
        if (node.b != nullptr && node.b->kind == Kind::literal && node.b->value.is_string())
          return member(value, node.b->value.as_string());
        return item(value);
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
            return sum(run(node.a, dot), run(node.b, dot));
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
      case Kind::attempt:
        return node.b == nullptr ? run(node.a, dot) : joined(run(node.a, dot), run(node.b, dot));
      case Kind::assign:
      case Kind::modify:
      case Kind::update:
        return mixed(joined(dot, run(node.b, dot)));
      case Kind::bind:
        join(bound_, mixed(run(node.a, dot)));
        return run(node.b, dot);
      case Kind::reduce:
      case Kind::foreach: {
        join(bound_, mixed(run(node.a, dot)));
        FlowValue out = run(node.b, dot);
        if (node.c != nullptr) join(out, run(node.c, joined(dot, out)));
        if (node.d != nullptr) join(out, run(node.d, joined(dot, out)));
        return mixed(joined(std::move(out), bound_));
      }
      case Kind::define:
      case Kind::label:
        return run(node.a, dot);
      case Kind::leave:
        return {};
      case Kind::object: {
        FlowValue out;
        for (std::size_t i = 0; i + 1 < node.list.size(); i += 2) {
          const Node* key = node.list[i];
          const bool plain = key->kind == Kind::literal && key->value.is_string();
          join(out.members[plain ? key->value.as_string() : "*"], run(node.list[i + 1], dot));
        }
        return out;
      }
      case Kind::array:
        return node.a == nullptr ? FlowValue{} : run(node.a, dot);
      case Kind::text:
        return mixed(several(node.list, dot));
      case Kind::format:
        return mixed(dot);
      case Kind::call:
      case Kind::call_global:
      case Kind::builtin:
      case Kind::special: {
        FlowValue out = joined(dot, several(node.list, item(dot)));
        if (node.def != nullptr && node.kind == Kind::call) join(out, bound_);
        return mixed(out);
      }
    }
    return mixed(dot);
  }

  const std::vector<FlowValue>& variables_;
  FlowValue bound_;
  int depth_ = 0;
};

class Walk {
 public:
  explicit Walk(const Definition::Model& model) : model_(model) {
    input_.origins.insert(model.start.empty() ? "input" : "event");
  }

  std::vector<FlowCall> run() {
    for (int pass = 0; pass < kPasses; ++pass) {
      const Task& root = *model_.root;
      FlowValue dot = input_;
      if (root.input_from.has_value()) dot = value(*root.input_from, dot, root, {});
      (void)list(std::get<DoBody>(root.body).list, dot, root);
    }
    return std::move(calls_);
  }

 private:
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
          variables.push_back({{"error"}, {}});
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
          task.members["input"] = input;
          task.members["output"] = output;
          variables.push_back(std::move(task));
          break;
        }
        case Variable::secrets:
          variables.push_back({{"secrets"}, {}});
          break;
        default:
          variables.emplace_back();
      }
    }
    return Evaluator(variables).run(expr.expression.compiled().root, dot);
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
        for (const Template& one : given.items) join(out, value(one, dot, task, output));
        break;
    }
    return out;
  }

  FlowValue list(const TaskList& tasks, FlowValue dot, const Task& /*holder*/) {
    for (const auto& one : tasks.tasks) dot = run(*one, dot);
    return dot;
  }

  FlowValue run(const Task& task, const FlowValue& raw) {
    if (++depth_ > kMaxDepth) {
      --depth_;
      return {};
    }
    FlowValue dot = raw;
    if (task.input_from.has_value()) dot = value(*task.input_from, raw, task, {});
    join(inputs_[&task], dot);
    FlowValue output = body(task, dot);
    if (task.output_as.has_value()) output = value(*task.output_as, output, task, {});
    if (task.export_as.has_value()) {
      // A task may be jumped over, so what was there before may still be there.
      join(context_, value(*task.export_as, output, task, output));
    }
    if (task.condition.has_value()) join(output, raw);
    --depth_;
    return output;
  }

  void called(const Task& task, const FlowValue& arguments) {
    const auto found = std::find_if(calls_.begin(), calls_.end(),
                                    [&](const FlowCall& call) { return call.task == &task; });
    FlowCall& call = found == calls_.end() ? calls_.emplace_back() : *found;
    call.task = &task;
    join(call.arguments, arguments);
  }

  FlowValue body(const Task& task, const FlowValue& dot) {
    if (const auto* call = std::get_if<CallBody>(&task.body)) {
      called(task, call->arguments ? value(*call->arguments, dot, task, {}) : FlowValue{});
      return {{"answer of " + call->role + '/' + call->action}, {}};
    }
    if (const auto* http = std::get_if<HttpBody>(&task.body)) {
      FlowValue arguments;
      arguments.members["uri"] = joined(value(http->endpoint.uri, dot, task, {}), {});
      if (http->headers) arguments.members["headers"] = value(*http->headers, dot, task, {});
      if (http->query) arguments.members["query"] = value(*http->query, dot, task, {});
      if (http->body) arguments.members["body"] = value(*http->body, dot, task, {});
      called(task, arguments);
      return {{"answer of " + http->title}, {}};
    }
    if (const auto* child = std::get_if<RunBody>(&task.body)) {
      called(task, child->input ? value(*child->input, dot, task, {}) : FlowValue{});
      return {{"output of " + child->name_space + '/' + child->name}, {}};
    }
    if (const auto* function = std::get_if<FunctionBody>(&task.body)) {
      const FlowValue arguments =
          function->arguments ? value(*function->arguments, dot, task, {}) : FlowValue{};
      return run(*model_.functions[function->function], arguments);
    }
    if (const auto* list_body = std::get_if<DoBody>(&task.body))
      return list(list_body->list, dot, task);
    if (const auto* set = std::get_if<SetBody>(&task.body)) return value(set->value, dot, task, {});
    if (const auto* loop = std::get_if<ForBody>(&task.body)) {
      join(locals_[loop->each], item(value(loop->in, dot, task, {})));
      return joined(list(loop->list, dot, task), dot);
    }
    if (const auto* fork = std::get_if<ForkBody>(&task.body)) {
      FlowValue out;
      for (const auto& branch : fork->branches.tasks) join(out, run(*branch, dot));
      return out;
    }
    if (const auto* listen = std::get_if<ListenBody>(&task.body)) {
      FlowValue out;
      for (const EventFilter& filter : listen->filters)
        out.origins.insert(filter.every ? "any event" : "event " + filter.type);
      if (listen->foreach.has_value()) {
        join(locals_[listen->foreach->item], out);
        join(out, list(listen->foreach->list, out, task));
      }
      return out;
    }
    if (const auto* emit = std::get_if<EmitBody>(&task.body))
      return value(emit->event, dot, task, {});
    if (const auto* attempt = std::get_if<TryBody>(&task.body)) {
      FlowValue out = list(attempt->list, dot, task);
      locals_[attempt->as].origins.insert("error");
      if (attempt->has_handler) join(out, list(attempt->handler, dot, task));
      return joined(std::move(out), dot);
    }
    return dot;
  }

  const Definition::Model& model_;
  FlowValue input_;
  FlowValue context_;
  std::map<std::uint32_t, FlowValue> locals_;
  std::map<const Task*, FlowValue> inputs_;
  std::vector<FlowCall> calls_;
  int depth_ = 0;
};

void collect(const FlowValue& value, std::set<std::string>& out) {
  out.insert(value.origins.begin(), value.origins.end());
  for (const auto& [key, part] : value.members) collect(part, out);
}

}  // namespace

std::set<std::string> FlowValue::all() const {
  std::set<std::string> out;
  collect(*this, out);
  return out;
}

std::vector<FlowCall> data_flow(const Definition::Model& model) {
  return Walk(model).run();
}

}  // namespace rabt::workflow
