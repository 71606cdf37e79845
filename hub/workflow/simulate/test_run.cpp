#include <algorithm>
#include <set>

#include "hub/base/suggest.hpp"
#include "hub/base/utf8.hpp"
#include "hub/workflow/explain/task_parts.hpp"
#include "hub/workflow/run/evaluate.hpp"
#include "hub/workflow/simulate/test_model.hpp"

// Runs the cases of a test file in the simulator and compares.
namespace rabt::workflow {

namespace {

class TestVariables final : public Variables {
 public:
  TestVariables(const std::string& instance, std::int64_t call)
      : instance_(instance), call_(call) {}
  [[nodiscard]] Json get(const VariableSlot& slot) const override {
    return slot.local == static_cast<std::uint32_t>(TestVariable::call) ? Json(call_)
                                                                        : Json(instance_);
  }

 private:
  std::string instance_;
  std::int64_t call_;
};

std::string short_text(const Json& value) {
  constexpr std::size_t kLongest = 200;
  std::string text = value.dump();
  if (text.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && continues_utf8(text[end])) --end;
    text = text.substr(0, end) + "...";
  }
  return text;
}

std::string quoted_list(const std::vector<std::string>& names, std::size_t mark,
                        std::string_view marker) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += "\n    ";
    out += i == mark ? marker : "  ";
    out += std::to_string(i + 1) + ". " + names[i];
  }
  return out.empty() ? "\n      (nothing)" : out;
}

std::string text_of(const SchemaFault& fault) {
  return (fault.instance_path.empty() ? std::string("it") : fault.instance_path) + ' ' +
         fault.message;
}

// `ask` also stands for `ask (yes)`.
bool same_step(const std::string& expected, const std::string& actual) {
  return expected == actual ||
         (actual.size() > expected.size() + 2 && actual.starts_with(expected) &&
          actual.substr(expected.size(), 2) == " (");
}

// Compares entries with those expected in order. exactly: no other entries are allowed.
template <typename Expected, typename Fits>
void in_order(std::string_view what, const std::vector<Expected>& expected,
              const std::vector<std::string>& actual, bool exactly, const Fits& fits,
              const std::function<std::string(const Expected&)>& name,
              std::vector<std::string>& differences) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (exactly) {
      if (at < actual.size() && fits(expected[i], at)) {
        ++at;
        continue;
      }
    } else {
      while (at < actual.size() && !fits(expected[i], at)) ++at;
      if (at < actual.size()) {
        ++at;
        continue;
      }
    }
    differences.push_back(std::string(what) + ": expected " + name(expected[i]) +
                          (exactly  ? " as number " + std::to_string(i + 1)
                           : i == 0 ? std::string()
                                    : " after " + name(expected[i - 1])) +
                          "; there were" + quoted_list(actual, exactly ? at : actual.size(), "> "));
    return;
  }
  if (exactly && at < actual.size()) {
    differences.push_back(std::string(what) + ": nothing more was expected after number " +
                          std::to_string(at) + "; there were" + quoted_list(actual, at, "> "));
  }
}

class CaseRun {
 public:
  CaseRun(const TestCase& test, const std::vector<std::shared_ptr<const Definition>>& definitions,
          const TestOptions& options, Coverage& coverage)
      : test_(test),
        definitions_(definitions),
        options_(options),
        coverage_(coverage),
        simulator_(simulator_options(), callbacks()) {}

  TestedCase run();

 private:
  void differ(std::string text) { out_.differences.push_back(std::move(text)); }

  Simulator::Options simulator_options() const;
  Simulator::Callbacks callbacks();

  // ---- start

  Json event_of(const Json& content);
  void begin();

  // ---- replies

  CallReply reply_to(const SimulatedCall& call);
  void check_schema(const SimulatedCall& call, const std::string& name);
  void check_output(const SimulatedCall& call, const std::string& name, const Json& output);

  CallReply answer(const Script& script, const std::string& name, const std::string& task,
                   const Json& arguments);

  // ---- events and cancellation

  void reached(std::string_view what, const std::string& name, const std::string& state);
  void post(std::size_t index, Timestamp at);

  // Posts the events and answers that the last turns made due.
  void post_due();
  [[nodiscard]] Timestamp time_of(const Moment& moment) const;
  void play();

  [[nodiscard]] Timestamp last_time() const {
    return {start_.ms + Simulator::Options{}.max_virtual_ms};
  }

  // One due time after the other, so that what a turn makes due can be posted in time.
  Simulator::Stop step_until(Timestamp until);
  [[nodiscard]] bool stays_parked() const;
  void count_answers();

  // ---- comparing

  void collect();
  void compare_all();
  [[nodiscard]] std::string waits_for() const;
  void compare_calls();
  void compare_emitted();

  const TestCase& test_;
  const std::vector<std::shared_ptr<const Definition>>& definitions_;
  const TestOptions& options_;
  Coverage& coverage_;
  Simulator simulator_;
  TestedCase out_;
  std::optional<std::size_t> main_;
  std::string instance_;
  Timestamp start_;
  Simulator::Stop stop_ = Simulator::Stop::ended;
  std::optional<Timestamp> cancel_at_;
  bool waits_for_calls_ = false;
  std::uint64_t events_ = 0;
  std::map<std::string, std::int64_t> numbers_;  // calls by name
  std::map<const ScriptedReply*, std::int64_t> used_;
  bool again_ = false;  // the last decision was to make the call once more
  std::map<std::string, std::int64_t> reached_;
  std::set<std::string> unanswered_;
  std::vector<std::size_t> due_;
  std::set<std::size_t> posted_;
  std::set<std::size_t> counted_;
};

TestedCase CaseRun::run() {
  out_.name = test_.name;
  out_.line = test_.line;
  for (const auto& definition : definitions_) simulator_.deploy(definition);
  begin();
  if (main_.has_value()) {
    play();
    compare_all();
    coverage_.add(simulator_);
    if (options_.played) options_.played(test_.name, simulator_);
  }
  return std::move(out_);
}

Simulator::Options CaseRun::simulator_options() const {
  Simulator::Options options;
  if (test_.start.at_ms) options.start = {*test_.start.at_ms};
  options.secrets = Json::object();
  for (const auto& [name, value] : test_.given.secrets) options.secrets.set(name, value);
  return options;
}

Simulator::Callbacks CaseRun::callbacks() {
  Simulator::Callbacks out;
  out.call = [this](const SimulatedCall& call) { return reply_to(call); };
  out.idempotency = [this](const CallAction& action) {
    const auto found = test_.given.idempotency.find(action.role + '/' + action.action);
    if (found != test_.given.idempotency.end()) return found->second;
    if (options_.catalog != nullptr) {
      if (const auto info = options_.catalog->find(action.role, action.action, action.version))
        return info->idempotency;
    }
    return std::string("key");
  };
  out.reads = [this](const CallAction& action) {
    if (test_.given.reads.contains(action.role + '/' + action.action)) return true;
    if (options_.catalog == nullptr) return false;
    const auto info = options_.catalog->find(action.role, action.action, action.version);
    return info.has_value() && info->reads;
  };
  out.child = [this](std::size_t, const StartWorkflow& start) -> std::optional<CallReply> {
    const std::string name = start.name_space + '/' + start.name;
    const auto script = test_.given.workflows.find(name);
    if (script == test_.given.workflows.end()) return std::nullopt;
    return answer(script->second, "workflow " + name, start.task, start.input);
  };
  out.decide = [this](std::size_t, const CallAction& call) -> std::optional<Decision> {
    const std::string name = call.role + '/' + call.action;
    const auto script = test_.given.decisions.find(name);
    if (script == test_.given.decisions.end()) return std::nullopt;
    again_ = false;
    CallReply reply = answer(script->second, "decision " + name, call.task, call.arguments);
    if (reply.kind != CallReply::Kind::after) return std::nullopt;
    return Decision{again_, std::move(reply.outcome), reply.after_ms};
  };
  out.effect = [this](const SimulatedInstance& instance, const Effect& effect) {
    if (instance.index != main_) return;
    if (const auto* trace = std::get_if<TaskTrace>(&effect))
      reached("task", trace->task, trace->state);
  };
  return out;
}

// ---- start

Json CaseRun::event_of(const Json& content) {
  JsonObject event;
  event.append_new("specversion", "1.0");
  event.append_new("id", "test-" + std::to_string(++events_));
  event.append_new("source", "/test");
  event.append_new("time", to_iso8601(simulator_.now()));
  if (content.is_object()) {
    for (const auto& [key, value] : content.as_object()) event.set(key, value);
  }
  return Json(std::move(event));
}

void CaseRun::begin() {
  const auto& workflow = definitions_.front();
  if (test_.start.event) {
    const Json event = event_of(*test_.start.event);
    if (workflow->starts_on_all()) {
      out_.status = "not_started";
      differ("start: no single event starts " + workflow->name() +
             " (schedule.on.all): write the list of events as `input`");
      return;
    }
    if (!workflow->starts_on(event)) {
      out_.status = "not_started";
      if (test_.expect.status != out_.status) {
        differ("start: the event starts no instance of " + workflow->name() +
               ": its type or its data do not fit schedule.on");
      }
      return;
    }
    simulator_.post(event, simulator_.now());
    main_ = 0;
  } else {
    main_ = simulator_.start(workflow, test_.start.input.value_or(Json()));
  }
  instance_ = "00000000000000000000000001";
}

// ---- replies

CallReply CaseRun::reply_to(const SimulatedCall& call) {
  const std::string name = call.action.role + '/' + call.action.action;
  check_schema(call, name);
  const auto script = test_.given.replies.find(name);
  if (script == test_.given.replies.end()) {
    if (options_.answer) {
      if (auto outcome = options_.answer(call.action))
        return {CallReply::Kind::after, *std::move(outcome), 0};
    }
    if (unanswered_.insert(name).second) {
      differ("given.replies: " + name + " was called by task `" + call.action.task +
             "` and has no reply; arguments " + short_text(call.action.arguments));
    }
    return {CallReply::Kind::silent, {}, 0};
  }
  CallReply reply = answer(script->second, name, call.action.task, call.action.arguments);
  if (reply.kind == CallReply::Kind::after && reply.outcome.kind == OutcomeKind::done)
    check_output(call, name, reply.outcome.output);
  return reply;
}

void CaseRun::check_schema(const SimulatedCall& call, const std::string& name) {
  if (options_.catalog == nullptr) return;
  const auto info =
      options_.catalog->find(call.action.role, call.action.action, call.action.version);
  if (!info) return;
  if (const auto schema = Schema::compile(info->input_schema); schema.ok()) {
    if (const auto fault = schema->check(call.action.arguments)) {
      differ("call " + name + " of task `" + call.action.task +
             "`: the arguments do not fit the action's input schema: " + text_of(*fault));
    }
  }
}

void CaseRun::check_output(const SimulatedCall& call, const std::string& name, const Json& output) {
  if (options_.catalog == nullptr) return;
  const auto info =
      options_.catalog->find(call.action.role, call.action.action, call.action.version);
  if (!info || info->output_schema.is_null()) return;
  if (const auto schema = Schema::compile(info->output_schema); schema.ok()) {
    if (const auto fault = schema->check(output)) {
      differ("given.replies: the output of " + name +
             " does not fit the action's output schema: " + text_of(*fault));
    }
  }
}

CallReply CaseRun::answer(const Script& script, const std::string& name, const std::string& task,
                          const Json& arguments) {
  const std::int64_t number = ++numbers_[name];
  const TestVariables variables(instance_, number);
  const ScriptedReply* chosen = nullptr;
  const ScriptedReply* last = nullptr;
  for (const ScriptedReply& scripted_reply : script) {
    if (number < scripted_reply.from ||
        (!scripted_reply.task.empty() && scripted_reply.task != task))
      continue;
    if (scripted_reply.when.has_value()) {
      std::vector<std::string> differences;
      compare(*scripted_reply.when, arguments, false, "", instance_, differences);
      if (!differences.empty()) continue;
    }
    last = &scripted_reply;
    if (used_[&scripted_reply] < scripted_reply.times.value_or(1)) {
      chosen = &scripted_reply;
      break;
    }
  }
  if (chosen == nullptr) chosen = last;  // the last that fits repeats
  if (chosen == nullptr) {
    differ("given.replies: no reply of " + name + " fits call number " + std::to_string(number) +
           " with " + short_text(arguments));
    return {CallReply::Kind::silent, {}, 0};
  }
  ++used_[chosen];
  again_ = chosen->kind == ScriptedReply::Kind::again;
  if (chosen->kind == ScriptedReply::Kind::never) return {CallReply::Kind::silent, {}, 0};
  CallReply reply;
  reply.after_ms = chosen->delay_ms;
  reply.outcome = {chosen->outcome,       {}, chosen->code, chosen->message, chosen->detail,
                   chosen->retry_after_ms};
  if (chosen->outcome == OutcomeKind::done && !again_) {
    const Result<Json> output = evaluate(chosen->output, arguments, variables);
    if (output.ok()) {
      reply.outcome.output = output.value();
      const std::int64_t status = output.value().int_or("status", 0);
      if (name == kHttpCallName && (status < 100 || status > 599)) {
        differ("given.replies: line " + std::to_string(chosen->line) + ": the answer of " + name +
               " must have a `status`, such as " + std::string(kHttpAnswerExample) + "; got " +
               short_text(output.value()));
      }
    } else {
      differ("given.replies: line " + std::to_string(chosen->line) + ": the output of " + name +
             " cannot be made: " + output.error().message);
    }
  }
  return reply;
}

// ---- events and cancellation

void CaseRun::reached(std::string_view what, const std::string& name, const std::string& state) {
  const std::int64_t number = ++reached_[std::string(what) + '\n' + name + '\n' + state];
  const auto is_it = [&](const Moment& moment) {
    return (what == "task" ? moment.task : moment.call) == name &&
           (what == "call" || moment.state == state) && moment.number == number;
  };
  if (test_.given.events) {
    for (std::size_t i = 0; i < test_.given.events->size(); ++i) {
      if (is_it((*test_.given.events)[i].moment)) due_.push_back(i);
    }
  }
  if (test_.given.cancel && is_it(*test_.given.cancel))
    simulator_.cancel(*main_, {simulator_.now().ms + test_.given.cancel->delay_ms});
}

void CaseRun::post(std::size_t index, Timestamp at) {
  const ScriptedEvent& scripted = (*test_.given.events)[index];
  posted_.insert(index);
  const Result<Json> event =
      evaluate(scripted.event, simulator_.context(*main_), TestVariables(instance_, 0));
  if (!event.ok()) {
    differ("given.events: line " + std::to_string(scripted.line) +
           ": the event cannot be made: " + event.error().message);
    return;
  }
  simulator_.post(event_of(event.value()), at);
}

void CaseRun::post_due() {
  while (!due_.empty()) {
    const std::size_t index = due_.front();
    due_.erase(due_.begin());
    post(index, {simulator_.now().ms + (*test_.given.events)[index].moment.delay_ms});
  }
}

Timestamp CaseRun::time_of(const Moment& moment) const {
  return moment.at_ms ? Timestamp{*moment.at_ms}
                      : Timestamp{start_.ms + moment.after_start_ms.value_or(0)};
}

void CaseRun::play() {
  start_ = simulator_.now();
  std::vector<std::pair<Timestamp, std::size_t>> timed;
  waits_for_calls_ = test_.given.cancel && !test_.given.cancel->call.empty();
  if (test_.given.events) {
    for (std::size_t i = 0; i < test_.given.events->size(); ++i) {
      const Moment& moment = (*test_.given.events)[i].moment;
      if (moment.task.empty() && moment.call.empty()) timed.emplace_back(time_of(moment), i);
      waits_for_calls_ = waits_for_calls_ || !moment.call.empty();
    }
  }
  std::stable_sort(timed.begin(), timed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (test_.given.cancel && test_.given.cancel->task.empty() && test_.given.cancel->call.empty())
    cancel_at_ = time_of(*test_.given.cancel);
  std::size_t next = 0;
  while (true) {
    const bool more = next < timed.size();
    // Up to just before: an event goes before the timers of its moment.
    const Timestamp until{more ? timed[next].first.ms - 1 : last_time().ms};
    stop_ = step_until(until);
    if (stop_ == Simulator::Stop::time_limit || stop_ == Simulator::Stop::turn_limit) break;
    if (!more) break;
    post(timed[next].second, timed[next].first);
    ++next;
  }
  if (test_.given.events) {
    for (std::size_t i = 0; i < test_.given.events->size(); ++i) {
      if (posted_.contains(i)) continue;
      const ScriptedEvent& event = (*test_.given.events)[i];
      differ("given.events: line " + std::to_string(event.line) + ": the event was never sent: " +
             (event.moment.task.empty()
                  ? "call " + event.moment.call + " was not answered"
                  : "task `" + event.moment.task + "` was not " + event.moment.state) +
             (event.moment.number > 1 ? " " + std::to_string(event.moment.number) + " times" : ""));
    }
  }
}

// True if the case expects that a person is asked, and nothing of the case is left to happen.
bool CaseRun::stays_parked() const {
  const std::size_t events = test_.given.events ? test_.given.events->size() : 0;
  return test_.expect.status == "parked" && main_ && posted_.size() == events &&
         simulator_.parked(*main_);
}

Simulator::Stop CaseRun::step_until(Timestamp until) {
  while (true) {
    if (stays_parked()) return Simulator::Stop::waiting;
    const std::optional<Timestamp> next = simulator_.next_due();
    if (cancel_at_ && (!next || *cancel_at_ <= *next) && *cancel_at_ <= until) {
      simulator_.cancel(*main_, *cancel_at_);
      cancel_at_.reset();
      continue;
    }
    const Simulator::Stop stop = simulator_.run_until(next ? std::min(*next, until) : until);
    count_answers();
    post_due();
    if (stop == Simulator::Stop::until && next && *next <= until) continue;
    if (stop == Simulator::Stop::ended || stop == Simulator::Stop::waiting) {
      const std::optional<Timestamp> more = simulator_.next_due();
      if (more && *more <= until) continue;
      if (cancel_at_ && *cancel_at_ <= until) continue;
    }
    return stop;
  }
}

void CaseRun::count_answers() {
  if (!waits_for_calls_) return;
  for (const SimulatedCall& call : simulator_.calls()) {
    if (call.outcome.has_value() && counted_.insert(call.index).second)
      reached("call", call.action.role + '/' + call.action.action, "completed");
  }
}

// ---- comparing

void CaseRun::collect() {
  const auto& instances = simulator_.instances();
  const SimulatedInstance& main = instances[*main_];
  const bool over =
      main.status != InstanceStatus::running && main.status != InstanceStatus::waiting;
  out_.status = over                        ? std::string(to_string(main.status))
                : simulator_.parked(*main_) ? "parked"
                                            : "waiting";
  out_.duration_ms = (over ? main.ended : simulator_.now()).ms - main.started.ms;
  std::map<std::string, std::size_t> open;  // reference: place in the path, of switches
  for (const SimulatedTrace& simulated_trace : simulator_.traces()) {
    if (simulated_trace.instance != *main_) continue;
    const TaskTrace& trace = simulated_trace.trace;
    if (trace.state == "skipped") {
      out_.path.push_back(trace.task + " (skipped)");
    } else if (trace.state == "started") {
      const Located here = locate(main.definition->model(), trace.reference);
      if (here.task == nullptr || !parts_of(main.definition->model(), *here.task).empty()) continue;
      open[trace.reference] = out_.path.size();
      out_.path.push_back(trace.task);
    } else if (trace.state == "completed" && trace.detail.starts_with("case ")) {
      if (const auto at = open.find(trace.reference); at != open.end())
        out_.path[at->second] += " (" + trace.detail.substr(5) + ')';
    }
  }
  for (const SimulatedCall& call : simulator_.calls())
    out_.calls.push_back(call.action.role + '/' + call.action.action);
}

void CaseRun::compare_all() {
  collect();
  const ExpectSpec& expect = test_.expect;
  const SimulatedInstance& main = simulator_.instances()[*main_];
  if (stop_ == Simulator::Stop::time_limit || stop_ == Simulator::Stop::turn_limit) {
    differ(stop_ == Simulator::Stop::time_limit
               ? "the instance goes on after five years of virtual time"
               : "the instance takes more than 100,000 turns");
  }
  if (expect.status && *expect.status != out_.status) {
    std::string text = "status: expected " + *expect.status + ", got " + out_.status;
    if (out_.status == "faulted") text += " with " + short_text(main.result.error);
    if (out_.status == "waiting") text += waits_for();
    differ(std::move(text));
  }
  if (expect.output) {
    if (out_.status != "completed") {
      differ("output: there is none, the instance is " + out_.status);
    } else {
      compare(expect.output->pattern, main.result.output, expect.output->exactly, "output",
              instance_, out_.differences);
    }
  }
  if (expect.error) {
    if (out_.status != "faulted") {
      differ("error: there is none, the instance is " + out_.status);
    } else {
      compare(expect.error->pattern, main.result.error, expect.error->exactly, "error", instance_,
              out_.differences);
    }
  }
  if (expect.context) {
    compare(expect.context->pattern, simulator_.context(*main_), expect.context->exactly, "context",
            instance_, out_.differences);
  }
  if (expect.duration) {
    const auto& wanted = *expect.duration;
    if ((wanted.min_ms && out_.duration_ms < *wanted.min_ms) ||
        (wanted.max_ms && out_.duration_ms > *wanted.max_ms)) {
      const auto seconds = [](std::int64_t ms) {
        return Json::number(std::to_string(ms / 1000) + '.' +
                            std::to_string(1000 + ms % 1000).substr(1))
                   .number_text() +
               " s";
      };
      std::string text = "duration: expected ";
      if (wanted.min_ms == wanted.max_ms) {
        text += seconds(*wanted.min_ms);
      } else {
        if (wanted.min_ms) text += "at least " + seconds(*wanted.min_ms);
        if (wanted.min_ms && wanted.max_ms) text += ", ";
        if (wanted.max_ms) text += "at most " + seconds(*wanted.max_ms);
      }
      differ(text + ", got " + seconds(out_.duration_ms));
    }
  }
  compare_calls();
  if (expect.path) {
    in_order<std::string>(
        "path", *expect.path, out_.path, expect.path_exactly,
        [&](const std::string& name, std::size_t at) { return same_step(name, out_.path[at]); },
        [](const std::string& name) { return '`' + name + '`'; }, out_.differences);
  }
  if (expect.emitted) compare_emitted();
}

std::string CaseRun::waits_for() const {
  std::string out;
  for (const Effect& effect : simulator_.open(*main_)) {
    if (const auto* call = std::get_if<CallAction>(&effect))
      out += "\n      for the answer of " + call->role + '/' + call->action;
    if (const auto* listen = std::get_if<Subscribe>(&effect)) {
      for (const std::string& key : listen->keys) out += "\n      for the event " + key;
    }
  }
  return out;
}

void CaseRun::compare_calls() {
  const ExpectSpec& expect = test_.expect;
  const auto& calls = simulator_.calls();
  if (expect.calls) {
    // The arguments of the nearest candidate that did not fit, to say why.
    std::string why;
    const auto fits = [&](const ExpectedCall& wanted, std::size_t at) {
      if (wanted.action != out_.calls[at]) return false;
      if (!wanted.with) return true;
      std::vector<std::string> differences;
      compare(*wanted.with, calls[at].action.arguments, wanted.exactly,
              "call " + std::to_string(at + 1) + " (" + wanted.action + ")", instance_,
              differences);
      if (differences.empty()) {
        why.clear();
        return true;
      }
      why.clear();
      for (const std::string& difference : differences) why += "\n    " + difference;
      return false;
    };
    std::vector<std::string> found;
    in_order<ExpectedCall>(
        "calls", *expect.calls, out_.calls, expect.calls_exactly, fits,
        [](const ExpectedCall& call) {
          return call.action + (call.with ? " with these arguments" : "");
        },
        found);
    for (std::string& text : found) differ(std::move(text) + why);
  }
  if (expect.not_called) {
    for (const std::string& name : *expect.not_called) {
      const auto count = std::count(out_.calls.begin(), out_.calls.end(), name);
      if (count > 0)
        differ("not_called: " + name + " was called " + std::to_string(count) + " times");
    }
  }
  for (const auto& [name, wanted] : expect.call_count) {
    const auto count = std::count(out_.calls.begin(), out_.calls.end(), name);
    if (count != wanted) {
      differ("call_count: expected " + std::to_string(wanted) + " calls of " + name + ", got " +
             std::to_string(count));
    }
  }
}

void CaseRun::compare_emitted() {
  const ExpectSpec& expect = test_.expect;
  std::vector<std::string> actual;
  std::vector<const Json*> events;
  for (const SimulatedEvent& event : simulator_.emitted()) {
    if (event.instance != *main_) continue;
    actual.push_back(short_text(event.event));
    events.push_back(&event.event);
  }
  std::string why;
  const auto fits = [&](const Template& wanted, std::size_t at) {
    std::vector<std::string> differences;
    compare(wanted, *events[at], false, "emitted " + std::to_string(at + 1), instance_,
            differences);
    why.clear();
    for (const std::string& difference : differences) why += "\n    " + difference;
    return differences.empty();
  };
  std::vector<std::string> found;
  in_order<Template>(
      "emitted", *expect.emitted, actual, expect.emitted_exactly, fits,
      [](const Template&) { return std::string("another event"); }, found);
  for (std::string& text : found) differ(std::move(text) + why);
}

}  // namespace

void compare(const Template& pattern, const Json& actual, bool exactly, const std::string& path,
             const std::string& instance, std::vector<std::string>& differences) {
  const auto differ = [&](const std::string& text) {
    differences.push_back((path.empty() ? "value" : path) + ": " + text);
  };
  switch (pattern.kind) {
    case Template::Kind::expression: {
      const Result<Json> held = evaluate(pattern, actual, TestVariables(instance, 0));
      if (!held.ok()) {
        differ("expected " + pattern.expression->expression.text() + ", which fails on " +
               short_text(actual) + ": " + held.error().message);
      } else if (!truthy(held.value())) {
        differ("expected " + pattern.expression->expression.text() + ", got " + short_text(actual));
      }
      return;
    }
    case Template::Kind::object:
      if (!actual.is_object()) return differ("expected an object, got " + short_text(actual));
      for (std::size_t i = 0; i < pattern.keys.size(); ++i) {
        const Json* found = actual.find(pattern.keys[i]);
        const std::string place = path + '.' + pattern.keys[i];
        if (found == nullptr && pattern.items[i].kind != Template::Kind::expression) {
          differences.push_back(place + ": expected, but it is not there");
        } else {
          compare(pattern.items[i], found == nullptr ? Json() : *found, exactly, place, instance,
                  differences);
        }
      }
      if (exactly) {
        for (const auto& [key, value] : actual.as_object()) {
          if (std::find(pattern.keys.begin(), pattern.keys.end(), key) == pattern.keys.end())
            differences.push_back(path + '.' + key + ": not expected, got " + short_text(value));
        }
      }
      return;
    case Template::Kind::array:
      if (!actual.is_array()) return differ("expected a list, got " + short_text(actual));
      if (actual.size() != pattern.items.size()) {
        return differ("expected " + std::to_string(pattern.items.size()) + " items, got " +
                      std::to_string(actual.size()) + ": " + short_text(actual));
      }
      for (std::size_t i = 0; i < pattern.items.size(); ++i) {
        compare(pattern.items[i], actual.item(i), exactly, path + '[' + std::to_string(i) + ']',
                instance, differences);
      }
      return;
    case Template::Kind::constant:
      break;
  }
  // A constant is a pattern too: its objects may leave out members.
  const Json& wanted = pattern.constant;
  if (wanted.is_object() || (wanted.is_array() && wanted.size() > 0)) {
    Template split;
    split.kind = wanted.is_object() ? Template::Kind::object : Template::Kind::array;
    const auto add = [&](const Json& value) { split.items.emplace_back().constant = value; };
    if (wanted.is_object()) {
      for (const auto& [key, value] : wanted.as_object()) {
        split.keys.push_back(key);
        add(value);
      }
    } else {
      for (const Json& value : wanted.as_array()) add(value);
    }
    return compare(split, actual, exactly, path, instance, differences);
  }
  if (!(wanted == actual)) differ("expected " + short_text(wanted) + ", got " + short_text(actual));
}

bool TestReport::passed() const {
  return std::all_of(cases.begin(), cases.end(),
                     [](const TestedCase& tested_case) { return tested_case.passed(); });
}

Result<TestReport> run_tests(const TestFile& file,
                             const std::vector<std::shared_ptr<const Definition>>& definitions,
                             const TestOptions& options) {
  TestReport report;
  Coverage coverage(definitions.front());
  for (const TestCase& test_case : file.model().cases) {
    if (!options.only.empty() && test_case.name != options.only) continue;
    report.cases.push_back(CaseRun(test_case, definitions, options, coverage).run());
  }
  if (report.cases.empty()) {
    std::string message = "there is no case `" + options.only + '`';
    const std::string near = did_you_mean(options.only, file.case_names());
    if (!near.empty()) message += ": " + near;
    return invalid("test.unknown_case", std::move(message));
  }
  report.coverage = coverage.items();
  report.covered = coverage.covered();
  report.percent = coverage.percent();
  return report;
}

}  // namespace rabt::workflow
