#include "hub/workflow/lint/data_flow.hpp"

#include <utility>

#include "hub/workflow/lint/flow_expression.hpp"
#include "hub/workflow/lint/flow_value.hpp"
#include "hub/workflow/lint/phi_paths.hpp"
#include "hub/workflow/run/uri_template.hpp"

// Flow of data between tasks.
namespace rabt::workflow {

namespace {

using namespace flow;

// Loops, jumps and functions bring later values to earlier tasks. Ordinary files need three or four
// passes.
constexpr int kMaxPasses = 40;

FlowValue from(std::string origin) {
  FlowValue out;
  out.origins[std::move(origin)];
  return out;
}

class Walk {
 public:
  explicit Walk(const Definition::Model& model) : model_(model) {
    source_ = model.start.empty() ? "input" : "event";
    input_.origins[source_];
  }

  DataFlow run();

 private:
  // Joins into what the next pass starts from.
  void grow(FlowValue& state, const FlowValue& with);

  // Notes what the schema beside a value marks, as places below this one.
  bool marks(const Json& holder, const std::string& place);
  void marked(const Task& task, const char* word, const Json& holder, FlowValue& value);
  FlowValue evaluate(const Expr& expr, const FlowValue& dot, const FlowValue& input,
                     const FlowValue& output);
  FlowValue value(const Template& given, const FlowValue& dot, const Task& task,
                  const FlowValue& output);

  // Returns the output of the list, for every way that the tasks may jump.
  FlowValue list(const TaskList& tasks, const FlowValue& dot);
  FlowValue run(const Task& task, const FlowValue& given);

  bool extends(const Extension& extension, const Task& task) const {
    return extended_ == nullptr && ((extension.kinds >> task.body.index()) & 1U) != 0;
  }
  void extension(std::size_t i);
  void called(const Task& task, const FlowValue& arguments);
  FlowValue http(const HttpBody& http, const Task& task, const FlowValue& dot);
  FlowValue each(const ForBody& loop, const Task& task, const FlowValue& dot);
  FlowValue heard(const ListenBody& listen, const Task& task);
  FlowValue body(const Task& task, const FlowValue& dot);

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
  // Inputs of a task, from the one before and by jumps.
  std::map<const Task*, FlowValue> entries_;
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

DataFlow Walk::run() {
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

void Walk::grow(FlowValue& state, const FlowValue& with) {
  // A value that was too large once stays one value, or the passes would never end.
  if (!join(state, flat_.contains(&state) ? mixed(with) : with)) return;
  grown_ = true;
  if (parts(state) <= kMaxParts) return;
  flat_.insert(&state);
  state = mixed(state);
}

bool Walk::marks(const Json& holder, const std::string& place) {
  const Json& schema = holder["schema"]["document"];
  if (!schema.is_object()) return false;
  const auto [found, fresh] = schemas_.try_emplace(&schema);
  if (fresh) found->second = phi_paths(schema);
  const std::set<std::string>& paths = found->second;
  for (const std::string& path : paths)
    out_.marked.insert(path.empty() ? place : place + '.' + path);
  return !paths.empty();
}

void Walk::marked(const Task& task, const char* word, const Json& holder, FlowValue& value) {
  const std::string place = std::string(word) + " of " + task.name;
  if (marks(holder, place)) also(value, place);
}

FlowValue Walk::evaluate(const Expr& expr, const FlowValue& dot, const FlowValue& input,
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
  FlowValue out = flow::evaluate(expr.expression.compiled().root, dot, variables, raised_);
  grow(error_, raised_);
  return out;
}

FlowValue Walk::value(const Template& given, const FlowValue& dot, const Task& task,
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
      for (const Template& item : given.items)
        join(out.members[std::string(kSome)], value(item, dot, task, output));
      break;
  }
  return out;
}

FlowValue Walk::list(const TaskList& tasks, const FlowValue& dot) {
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
      for (const SwitchCase& switch_case : choice->cases) lead(switch_case.then);
    }
    if (const auto* attempt = std::get_if<TryBody>(&task.body); attempt != nullptr && attempt->then)
      lead(*attempt->then);
  }
  return count == 0 ? dot : bounded(std::move(out));
}

FlowValue Walk::run(const Task& task, const FlowValue& given) {
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

void Walk::extension(std::size_t i) {
  Extended& state = extensions_[i];
  extended_ = &state;
  exits_ = {};
  (void)list(model_.extensions[i].before, state.raw);
  grow(state.instead, exits_);
  (void)list(model_.extensions[i].after, state.output);
  extended_ = nullptr;
}

void Walk::called(const Task& task, const FlowValue& arguments) {
  const auto [found, fresh] = positions_.try_emplace(&task, out_.calls.size());
  if (fresh) out_.calls.push_back({&task, {}});
  grow(out_.calls[found->second].arguments, arguments);
}

FlowValue Walk::http(const HttpBody& http, const Task& task, const FlowValue& dot) {
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

FlowValue Walk::each(const ForBody& loop, const Task& task, const FlowValue& dot) {
  grow(locals_[loop.each], item(value(loop.in, dot, task, {})));
  FlowValue out = list(loop.list, dot);
  join(out, dot);
  if (!loop.list.tasks.empty()) grow(entries_[loop.list.tasks[0].get()], out);
  return out;
}

FlowValue Walk::heard(const ListenBody& listen, const Task& task) {
  FlowValue out;
  for (const EventFilter& filter : listen.filters)
    out.origins[filter.every ? "any event" : "event " + filter.type];
  if (listen.foreach.has_value()) {
    grow(locals_[listen.foreach->item], out);
    join(out, list(listen.foreach->list, out));
    FlowValue result = out;
    if (listen.foreach->output_as)
      join(out, value(*listen.foreach->output_as, result, task, result));
    if (listen.foreach->export_as)
      grow(context_, value(*listen.foreach->export_as, out, task, out));
  }
  return out;
}

FlowValue Walk::body(const Task& task, const FlowValue& dot) {
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
  if (const auto* loop = std::get_if<ForBody>(&task.body)) return each(*loop, task, dot);
  if (const auto* fork = std::get_if<ForkBody>(&task.body)) {
    FlowValue out;
    for (const auto& branch : fork->branches.tasks) {
      const FlowValue result = run(*branch, dot);
      join(out, result);
    }
    return fork->compete ? joined(std::move(out), dot) : list_of(std::move(out));
  }
  if (const auto* listen = std::get_if<ListenBody>(&task.body)) return heard(*listen, task);
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

}  // namespace

DataFlow data_flow(const Definition::Model& model) {
  return Walk(model).run();
}

}  // namespace rabt::workflow
