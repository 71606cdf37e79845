#include "feature_runner.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "hub/workflow/error_types.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::workflow {

namespace {

const Json* at_path(const Json& value, const std::string& path) {
  const Json* found = &value;
  std::istringstream parts(path);
  std::string part;
  while (std::getline(parts, part, '.')) {
    found = found->find(part);
    if (found == nullptr) return nullptr;
  }
  return found;
}

std::vector<std::string> quoted(const std::string& text) {
  std::vector<std::string> out;
  std::string word;
  re2::StringPiece rest(text);
  while (re2::RE2::FindAndConsume(&rest, "'([^']*)'", &word)) out.push_back(word);
  return out;
}

// Every member of `wanted` is in `value`; error types compare by their families.
std::string differs(const Json& wanted, const Json& value) {
  if (!wanted.is_object()) return "expected a mapping";
  for (const auto& [key, member] : wanted.as_object()) {
    const Json& found = value[key];
    if (key == "type" && member.is_string() && found.is_string() &&
        same_error_type(member.as_string(), found.as_string())) {
      continue;
    }
    if (!(found == member)) return key + " is " + found.dump() + ", expected " + member.dump();
  }
  return {};
}

// The task with this name and everything after it cut off: `then: end`.
bool end_after(Json& node, const std::string& task) {
  if (node.is_array()) {
    for (Json& item : node.mutable_array()) {
      if (item.is_object() && item.size() == 1 && item.find(task) != nullptr &&
          item[task].is_object()) {
        Json body = item[task];
        body.set("then", "end");
        item.set(task, std::move(body));
        return true;
      }
      if (end_after(item, task)) return true;
    }
    return false;
  }
  if (!node.is_object()) return false;
  const Json members = node;
  for (const auto& [key, unused] : members.as_object()) {
    Json member = node[key];
    if (!end_after(member, task)) continue;
    node.set(key, std::move(member));
    return true;
  }
  return false;
}

class World {
 public:
  explicit World(const HttpResponder& http) : http_(http) {}

  void step(const gherkin::Step& step) {
    line_ = step.line;
    const std::string& text = step.text;
    std::string a;
    std::string b;
    int number = 0;
    const auto is = [&](const char* pattern, auto*... out) {
      return re2::RE2::FullMatch(text, pattern, out...);
    };

    // ---- arrange
    if (text == "a workflow with definition:") {
      definition_text_ = block(step);
      return;
    }
    // Without the document, which is the same everywhere.
    if (text == "a workflow that does:") {
      definition_text_ =
          "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n" +
          block(step);
      return;
    }
    if (is("(?:given )?the workflow input is:")) {
      input_ = yaml(step);
      return;
    }
    if (is("(?:given )?the secrets are:")) {
      secrets_ = yaml(step);
      return;
    }
    // yaml: status (200), headers, body; or outcome (transient, permanent, ambiguous) with code.
    if (is("(?:given )?the request (\\S+ \\S+) answers:", &a)) {
      answers_[a].push_back(yaml(step));
      return;
    }

    // ---- act
    if (text == "the workflow is executed") return execute();
    if (is("the event is received:")) return receive(yaml(step), true);
    if (is("the event is received, but not taken:")) return receive(yaml(step), false);
    if (is("the time passes (\\S+)", &a)) return pass(a);
    if (is("the action (\\S+) answers:", &a))
      return answer(a, {OutcomeKind::done, yaml(step), "", "", {}, 0});
    if (is("the action (\\S+) fails with:", &a)) return answer(a, failure(yaml(step)));
    // Ends the child that run.workflow started, by the child's name.
    if (is("the child (\\S+) completes with output:", &a))
      return child_ends(a, {OutcomeKind::done, yaml(step), "", "", {}, 0});
    if (is("the child (\\S+) faults with error:", &a)) {
      return child_ends(a, {OutcomeKind::permanent,
                            {},
                            "workflow.faulted",
                            "",
                            Json::object({{"error", yaml(step)}}),
                            0});
    }
    if (is("the child (\\S+) is cancelled", &a))
      return child_ends(a, {OutcomeKind::cancelled, {}, "workflow.cancelled", "", {}, 0});
    if (text == "the workflow is cancelled") {
      send(Cancel{"asked for"});
      return;
    }

    // ---- assert: refusals
    if (is("the workflow should be refused with (\\S+)", &a)) {
      const ParsedDefinition parsed = parse_definition(definition_text_, nullptr);
      if (parsed.definition != nullptr) return fail("it was accepted");
      if (std::none_of(parsed.diagnostics.begin(), parsed.diagnostics.end(),
                       [&](const Diagnostic& one) {
                         return one.severity == Severity::error && one.code == a;
                       })) {
        fail("it was refused, but otherwise:\n" + texts(parsed));
      }
      return;
    }
    if (is("the workflow should be accepted with the warning (\\S+)", &a)) {
      const ParsedDefinition parsed = parse_definition(definition_text_, nullptr);
      if (parsed.definition == nullptr) return fail("it was refused:\n" + texts(parsed));
      if (std::none_of(parsed.diagnostics.begin(), parsed.diagnostics.end(),
                       [&](const Diagnostic& diagnostic) { return diagnostic.code == a; })) {
        fail("there is no such warning:\n" + texts(parsed));
      }
      return;
    }
    if (text == "the workflow should be accepted without warnings") {
      const ParsedDefinition parsed = parse_definition(definition_text_, nullptr);
      if (parsed.definition == nullptr || !parsed.diagnostics.empty()) fail(texts(parsed));
      return;
    }
    if (!execution_) return fail("the workflow was not executed before: " + text);

    // ---- assert: the workflow
    if (text == "the workflow should cancel") return ended(InstanceStatus::cancelled);
    if (text == "the workflow should complete") return ended(InstanceStatus::completed);
    if (text == "the workflow should complete with output:") {
      ended(InstanceStatus::completed);
      return equal(output(), yaml(step), "the output");
    }
    if (text == "the workflow should fault") return ended(InstanceStatus::faulted);
    if (text == "the workflow should fault with error:") {
      ended(InstanceStatus::faulted);
      if (const std::string what = differs(yaml(step), error()); !what.empty())
        fail("the error's " + what);
      return;
    }
    if (text == "the workflow should be waiting") return is_now(InstanceStatus::waiting);
    if (text == "the workflow should be running") return is_now(InstanceStatus::running);
    if (text.starts_with("the workflow output should have properties ")) {
      for (const std::string& path : quoted(text)) {
        if (at_path(output(), path) == nullptr) fail("the output has no " + path);
      }
      return;
    }
    if (is("the workflow output should have an? '(.+)' property with value:", &a)) {
      const Json* found = at_path(output(), a);
      if (found == nullptr) return fail("the output has no " + a);
      return equal(*found, yaml(step), a);
    }
    if (is("the workflow output should have an? '(.+)' property containing (\\d+) items", &a,
           &number)) {
      const Json* found = at_path(output(), a);
      if (found == nullptr) return fail("the output has no " + a);
      if (found->size() != static_cast<std::size_t>(number))
        fail(a + " has " + std::to_string(found->size()) + " items");
      return;
    }
    if (text == "the context should be:")
      return equal(execution_->context(), yaml(step), "the context");

    // ---- assert: calls, timers, events
    if (is("the call (\\d+) to (\\S+) should have arguments:", &number, &a)) {
      const CallAction* call = call_to(a, number);
      if (call == nullptr) return fail("there is no such call");
      return equal(call->arguments, yaml(step), "the arguments");
    }
    if (is("the call (\\d+) to (\\S+) should be attempt (\\d+)", &number, &a, &b)) {
      const CallAction* call = call_to(a, number);
      if (call == nullptr) return fail("there is no such call");
      if (std::to_string(call->attempt) != b) fail("it is " + std::to_string(call->attempt));
      return;
    }
    if (is("the call (\\d+) to (\\S+) should have reference (\\S+)", &number, &a, &b)) {
      const CallAction* call = call_to(a, number);
      if (call == nullptr) return fail("there is no such call");
      if (call->reference != b) fail("it is " + call->reference);
      return;
    }
    if (is("there should be (\\d+) calls? to (\\S+)", &number, &a)) {
      const auto calls = effects<CallAction>();
      const auto count = std::count_if(calls.begin(), calls.end(),
                                       [&](const CallAction* call) { return call->action == a; });
      if (count != number) fail("there are " + std::to_string(count));
      return;
    }
    // yaml: namespace, version, input, await; those that are given are compared
    if (is("the child (\\S+) should be started with:", &a)) {
      for (const StartWorkflow* start : effects<StartWorkflow>()) {
        if (start->name != a) continue;
        const Json found = Json::object({{"namespace", start->name_space},
                                         {"version", start->version},
                                         {"input", start->input},
                                         {"await", start->await}});
        if (const std::string what = differs(yaml(step), found); !what.empty())
          fail("the child's " + what);
        return;
      }
      return fail("it was not started");
    }
    if (is("(\\d+) child(?:ren)? should be cancelled", &number)) {
      std::set<std::uint64_t> cancelled;
      for (const CancelCall* cancel : effects<CancelCall>()) cancelled.insert(cancel->id);
      const auto starts = effects<StartWorkflow>();
      const auto count =
          std::count_if(starts.begin(), starts.end(),
                        [&](const StartWorkflow* start) { return cancelled.contains(start->id); });
      if (count != number) fail("there are " + std::to_string(count));
      return;
    }
    if (is("(\\d+) calls? should be cancelled", &number)) {
      const std::size_t count = effects<CancelCall>().size();
      if (count != static_cast<std::size_t>(number)) fail("there are " + std::to_string(count));
      return;
    }
    if (is("a timer should be due in (\\S+)", &a)) {
      const Result<std::int64_t> length = parse_duration_ms(a);
      if (!length) return fail(a + " is no duration");
      std::string due;
      for (const Effect& effect : execution_->open()) {
        const auto* timer = std::get_if<StartTimer>(&effect);
        if (timer == nullptr) continue;
        if (timer->due.ms - now_.ms == *length) return;
        due += ' ' + std::to_string(timer->due.ms - now_.ms) + " ms";
      }
      return fail("due are:" + due);
    }
    if (is("the event (\\S+) should be emitted with:", &a)) {
      for (const Emit* emit : effects<Emit>()) {
        if (emit->event["type"] != Json(a)) continue;
        if (const std::string what = differs(yaml(step), emit->event); !what.empty())
          fail("the event's " + what);
        return;
      }
      return fail("no such event");
    }

    // ---- assert: tasks
    if (is("(\\S+) should run first", &a)) return first(a);
    if (is("(\\S+) should run last", &a)) return last(a);
    if (is("(\\S+) should run before (\\S+)", &a, &b)) return order(a, b);
    if (is("(\\S+) should run after (\\S+)", &a, &b)) return order(b, a);
    if (is("(\\S+) should run (\\d+) times?", &a, &number)) {
      if (count(a, "started") != number) fail("it ran " + std::to_string(count(a, "started")));
      return;
    }
    if (is("(\\S+) should not run", &a)) {
      if (count(a, "started") != 0) fail("it did");
      return;
    }
    if (is("(\\S+) should be skipped", &a)) return reached(a, "skipped");
    if (is("(\\S+) should be retried (\\d+) times?", &a, &number)) {
      if (count(a, "retried") != number) fail("it was " + std::to_string(count(a, "retried")));
      return;
    }
    if (is("(\\S+) should complete", &a)) return reached(a, "completed");
    if (is("(\\S+) should complete with output:", &a)) {
      reached(a, "completed");
      return task_output(a, yaml(step));
    }
    if (is("(\\S+) should cancel", &a)) return reached(a, "cancelled");
    if (is("(\\S+) should fault", &a)) return reached(a, "faulted");
    if (is("(\\S+) should fault with error:", &a)) {
      reached(a, "faulted");
      return task_error(a, yaml(step));
    }
    fail("a step this runner does not know: " + text);
  }

  std::vector<std::string> failures;

 private:
  void fail(const std::string& what) {
    failures.push_back("line " + std::to_string(line_) + ": " + what);
  }
  static std::string texts(const ParsedDefinition& parsed) {
    std::string out;
    for (const Diagnostic& diagnostic : parsed.diagnostics)
      out += to_string(diagnostic, "definition") + '\n';
    return out;
  }
  std::string block(const gherkin::Step& step) {
    if (!step.block) fail("the step needs a doc string");
    return step.block.value_or("");
  }
  Json yaml(const gherkin::Step& step) {
    const YamlOutcome tree = parse_yaml(block(step));
    if (tree.root == nullptr) {
      fail("the doc string is no YAML: " + tree.fault.message);
      return {};
    }
    return to_json(*tree.root);
  }

  void execute() {
    ParsedDefinition parsed = parse_definition(definition_text_, nullptr);
    if (parsed.definition == nullptr) return fail("the definition is refused:\n" + texts(parsed));
    execution_.emplace(parsed.definition, secrets_);
    send(Start{"01J0000000000000000000TEST", input_});
  }

  template <typename What>
  void send(What what) {
    if (!execution_) return fail("the workflow was not executed before");
    Input& input = inputs_.emplace_back();
    input.at = now_;
    input.what.template emplace<What>(std::move(what));
    const std::vector<Effect> effects = execution_->apply(input);
    all_.insert(all_.end(), effects.begin(), effects.end());
    if (effects.empty()) return;
    for (const Effect& effect : execution_->open()) {
      const auto* call = std::get_if<CallAction>(&effect);
      if (call == nullptr || call->role != kHttpRole) continue;
      const CallAction copy = *call;
      const std::optional<ActionOutcome> outcome = http_answer(copy);
      if (!outcome) continue;  // the scenario answers it by `the action request answers:`
      return send(ActionEnded{copy.id, *outcome});
    }
  }

  std::optional<ActionOutcome> http_answer(const CallAction& call) {
    const auto found = answers_.find(call.arguments.string_or("method", "") + " " +
                                     call.arguments.string_or("uri", ""));
    if (found == answers_.end()) {
      if (http_) return http_(call);
      return std::nullopt;
    }
    const Json given = found->second.front();
    if (found->second.size() > 1) found->second.erase(found->second.begin());
    if (given.find("outcome") != nullptr) return failure(given);
    Json headers = given["headers"].is_null() ? Json::object() : given["headers"];
    const Json& body = given["body"];
    if (headers.find("content-type") == nullptr)
      headers.set("content-type", body.is_string() ? "text/plain" : "application/json");
    return ActionOutcome{
        OutcomeKind::done,
        Json::object(
            {{"status", given.int_or("status", 200)}, {"headers", headers}, {"body", body}}),
        "",
        "",
        {},
        0};
  }

  static ActionOutcome failure(const Json& given) {
    ActionOutcome out;
    const std::string kind = given.string_or("outcome", "permanent");
    out.kind = kind == "transient"   ? OutcomeKind::transient
               : kind == "ambiguous" ? OutcomeKind::ambiguous
               : kind == "cancelled" ? OutcomeKind::cancelled
                                     : OutcomeKind::permanent;
    out.code = given.string_or("code", "vendor.failed");
    out.message = given.string_or("message", "the vendor said no");
    if (given.find("status") != nullptr) out.detail = Json::object({{"status", given["status"]}});
    out.retry_after_ms = given.int_or("retry_after_ms", 0);
    return out;
  }

  void receive(Json event, bool taken) {
    if (!execution_) return fail("the workflow was not executed before");
    const auto standard = [&](const char* key, const Json& value) {
      if (event.find(key) == nullptr) event.set(key, value);
    };
    standard("specversion", "1.0");
    standard("id", "event-" + std::to_string(++events_));
    standard("source", "/test");
    bool any = false;
    // Offered to every listen that waits, as the engine does.
    std::set<std::uint64_t> offered;
    for (bool more = true; more;) {
      more = false;
      for (const Effect& effect : execution_->open()) {
        const auto* subscribe = std::get_if<Subscribe>(&effect);
        if (subscribe == nullptr || !offered.insert(subscribe->id).second ||
            !execution_->wants(subscribe->id, event)) {
          continue;
        }
        any = true;
        more = true;
        send(EventArrived{subscribe->id, event});
        break;
      }
    }
    if (any != taken) fail(taken ? "no listen took the event" : "a listen took the event");
  }

  void pass(const std::string& duration) {
    const Result<std::int64_t> length = parse_duration_ms(duration);
    if (!length) return fail(duration + " is no duration");
    const Timestamp until{now_.ms + *length};
    while (execution_) {
      std::optional<StartTimer> next;
      for (const Effect& effect : execution_->open()) {
        const auto* timer = std::get_if<StartTimer>(&effect);
        if (timer == nullptr || timer->due > until) continue;
        if (!next || timer->due < next->due) next = *timer;
      }
      if (!next) break;
      now_ = std::max(now_, next->due);
      send(TimerFired{next->id});
    }
    now_ = until;
  }

  void answer(const std::string& action, ActionOutcome outcome) {
    if (!execution_) return fail("the workflow was not executed before");
    for (const Effect& effect : execution_->open()) {
      const auto* call = std::get_if<CallAction>(&effect);
      if (call == nullptr || call->action != action) continue;
      return send(ActionEnded{call->id, std::move(outcome)});
    }
    fail("no call to " + action + " is open");
  }

  void child_ends(const std::string& name, ActionOutcome outcome) {
    if (!execution_) return fail("the workflow was not executed before");
    for (const Effect& effect : execution_->open()) {
      const auto* start = std::get_if<StartWorkflow>(&effect);
      if (start == nullptr || start->name != name) continue;
      return send(ActionEnded{start->id, std::move(outcome)});
    }
    fail("no child " + name + " is awaited");
  }

  template <typename T>
  [[nodiscard]] std::vector<const T*> effects() const {
    std::vector<const T*> out;
    for (const Effect& effect : all_) {
      if (const auto* found = std::get_if<T>(&effect)) out.push_back(found);
    }
    return out;
  }
  [[nodiscard]] const CallAction* call_to(const std::string& action, int number) const {
    for (const CallAction* call : effects<CallAction>()) {
      if (call->action == action && --number == 0) return call;
    }
    return nullptr;
  }
  [[nodiscard]] const Finished* finished() const {
    const auto found = effects<Finished>();
    return found.empty() ? nullptr : found.front();
  }
  [[nodiscard]] Json output() const { return finished() == nullptr ? Json() : finished()->output; }
  [[nodiscard]] Json error() const { return finished() == nullptr ? Json() : finished()->error; }

  void ended(InstanceStatus status) {
    if (finished() == nullptr) {
      return fail("it is " + std::string(to_string(execution_->status())) + ", not " +
                  std::string(to_string(status)));
    }
    if (finished()->status != status)
      fail("it is " + std::string(to_string(finished()->status)) + ": " + error().dump());
  }
  void is_now(InstanceStatus status) {
    if (execution_->status() != status) {
      fail("it is " + std::string(to_string(execution_->status())) +
           (finished() == nullptr ? "" : ": " + error().dump() + output().dump()));
    }
  }
  void equal(const Json& found, const Json& wanted, const std::string& what) {
    if (!(found == wanted)) fail(what + " is " + found.dump() + ", expected " + wanted.dump());
  }

  [[nodiscard]] int count(const std::string& task, std::string_view state) const {
    const auto traces = effects<TaskTrace>();
    return static_cast<int>(std::count_if(
        traces.begin(), traces.end(),
        [&](const TaskTrace* trace) { return trace->task == task && trace->state == state; }));
  }
  // Positions of a task's first start and last end among all traces; -1: never.
  [[nodiscard]] std::pair<int, int> span(const std::string& task) const {
    std::pair<int, int> out{-1, -1};
    int position = 0;
    for (const TaskTrace* trace : effects<TaskTrace>()) {
      if (trace->task == task) {
        if (trace->state == "started" && out.first < 0) out.first = position;
        if (trace->state == "completed" || trace->state == "faulted" || trace->state == "cancelled")
          out.second = position;
      }
      ++position;
    }
    return out;
  }
  void reached(const std::string& task, std::string_view state) {
    if (count(task, state) == 0) fail(task + " did not reach " + std::string(state));
  }
  void first(const std::string& task) {
    for (const TaskTrace* trace : effects<TaskTrace>()) {
      if (trace->state != "started") continue;
      if (trace->task != task) fail(trace->task + " ran first");
      return;
    }
    fail("no task ran");
  }
  void last(const std::string& task) {
    const auto own = span(task);
    if (own.second < 0) return fail(task + " did not run to an end");
    for (const TaskTrace* trace : effects<TaskTrace>()) {
      if (span(trace->task).second > own.second) return fail(trace->task + " ran after it");
    }
  }
  void order(const std::string& earlier, const std::string& later) {
    const auto a = span(earlier);
    const auto b = span(later);
    if (a.second < 0) return fail(earlier + " did not run to an end");
    if (b.first < 0) return fail(later + " did not run");
    if (b.first < a.second) fail(later + " ran before " + earlier + " ended");
  }

  // The same inputs again, with the task made the last one: its output is then the workflow's.
  void task_output(const std::string& task, const Json& wanted) {
    const YamlOutcome tree = parse_yaml(definition_text_);
    Json changed = to_json(*tree.root);
    changed.mutable_object().erase("output");
    if (!end_after(changed, task)) return fail("there is no task " + task);
    const ParsedDefinition parsed = parse_definition(changed.dump(), nullptr);
    if (parsed.definition == nullptr)
      return fail("the definition that ends there is refused:\n" + texts(parsed));
    Execution again(parsed.definition, secrets_);
    for (const Input& input : inputs_) {
      for (const Effect& effect : again.apply(input)) {
        if (const auto* found = std::get_if<Finished>(&effect))
          return equal(found->output, wanted, "the output of " + task);
      }
    }
    fail(task + " did not complete when it was made the last task");
  }
  void task_error(const std::string& task, const Json& wanted) {
    for (const TaskTrace* trace : effects<TaskTrace>()) {
      if (trace->task != task || trace->state != "faulted") continue;
      // "<type> <status>: <title>"
      std::string type;
      int status = 0;
      std::string title;
      if (!re2::RE2::FullMatch(trace->detail, "(?s)(\\S+) (\\d+)(?:: (.*))?", &type, &status,
                               &title)) {
        return fail("the trace of " + task + " holds no error");
      }
      const Json found =
          Json::object({{"type", type.find("://") == std::string::npos ? error_type(type) : type},
                        {"status", status},
                        {"title", title},
                        {"instance", trace->reference}});
      if (const std::string what = differs(wanted, found); !what.empty())
        fail("the error's " + what);
      return;
    }
  }

  const HttpResponder& http_;
  int line_ = 0;
  std::string definition_text_;
  Json input_;
  Json secrets_;
  std::map<std::string, std::vector<Json>> answers_;
  std::optional<Execution> execution_;
  std::vector<Input> inputs_;
  std::vector<Effect> all_;
  Timestamp now_{1'773'000'000'000};
  int events_ = 0;
};

}  // namespace

std::vector<std::string> run_scenario(const gherkin::Scenario& scenario,
                                      const HttpResponder& http) {
  World world(http);
  for (const gherkin::Step& step : scenario.steps) {
    world.step(step);
    if (!world.failures.empty()) break;  // what follows would only repeat it
  }
  return world.failures;
}

}  // namespace rabt::workflow
