#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

// Runs one instance by hand: inputs in, effects out, in virtual time.
namespace rabt::workflow {

// A workflow from its body: the document stands on line 1, the body starts on line 2.
inline std::string document(std::string_view body) {
  return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n" +
         std::string(body);
}

inline Json json(std::string_view text) {
  Result<Json> value = Json::parse(text);
  EXPECT_TRUE(value.ok()) << "not JSON in a test";
  return value.ok() ? value.value() : Json();
}

inline std::string all_text(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) out += to_string(diagnostic, "test.yaml") + '\n';
  return out;
}

inline std::shared_ptr<const Definition> parsed(std::string_view body,
                                                const ActionCatalog* catalog = nullptr) {
  ParsedDefinition result = parse_definition(document(body), catalog);
  if (result.definition == nullptr)
    throw std::runtime_error(all_text(result.diagnostics));  // fails the test
  return result.definition;
}

inline Json event(std::string_view type, Json data, std::string_view id = "e1") {
  return Json::object({{"specversion", "1.0"},
                       {"id", id},
                       {"source", "/test"},
                       {"type", type},
                       {"data", std::move(data)}});
}

class Play {
 public:
  // rules: Start::rules.
  explicit Play(std::string_view body, const Json& input = {}, int rules = 0)
      : Play(parsed(body), input, rules) {}
  Play(std::shared_ptr<const Definition> definition, const Json& input, int rules = 0)
      : execution(std::move(definition)) {
    send(Start{"01J0000000000000000000TEST", input, rules});
  }

  template <typename What>
  const std::vector<Effect>& send(What what) {
    Input& input = inputs.emplace_back();
    input.at = now;
    input.what.template emplace<What>(std::move(what));
    input.harmless = harmless;
    last = execution.apply(input);
    all.insert(all.end(), last.begin(), last.end());
    return last;
  }
  void done(const CallAction& call, Json output = Json::object()) {
    send(ActionEnded{call.id, {OutcomeKind::done, std::move(output), "", "", {}, 0}});
  }
  void failed(const CallAction& call, OutcomeKind kind, std::string code = "vendor.down",
              Json detail = {}, std::int64_t retry_after_ms = 0) {
    send(ActionEnded{
        call.id,
        {kind, {}, std::move(code), "the vendor said no", std::move(detail), retry_after_ms}});
  }
  // Moves the clock to the timer's time and fires it.
  void fire(const StartTimer& timer) {
    now = timer.due;
    send(TimerFired{timer.id});
  }
  bool offer(const Json& given) {
    for (const Effect& effect : execution.open()) {
      const auto* subscribe = std::get_if<Subscribe>(&effect);
      if (subscribe == nullptr || !execution.wants(subscribe->id, given)) continue;
      send(EventArrived{subscribe->id, given});
      return true;
    }
    return false;
  }

  template <typename T>
  [[nodiscard]] std::vector<T> opened() const {
    std::vector<T> out;
    for (const Effect& effect : execution.open()) {
      if (const auto* found = std::get_if<T>(&effect)) out.push_back(*found);
    }
    return out;
  }
  // The only open call, timer or subscription of its type.
  template <typename T>
  [[nodiscard]] T only() const {
    const std::vector<T> found = opened<T>();
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? T{} : found.front();
  }
  template <typename T>
  [[nodiscard]] std::vector<T> effects() const {
    std::vector<T> out;
    for (const Effect& effect : all) {
      if (const auto* found = std::get_if<T>(&effect)) out.push_back(*found);
    }
    return out;
  }
  [[nodiscard]] Finished result() const {
    const std::vector<Finished> found = effects<Finished>();
    EXPECT_EQ(found.size(), 1U) << "the instance has not ended";
    return found.empty() ? Finished{InstanceStatus::running, {}, {}} : found.front();
  }
  [[nodiscard]] Json output() const {
    const Finished finished = result();
    EXPECT_EQ(finished.status, InstanceStatus::completed) << finished.error.dump();
    return finished.output;
  }
  [[nodiscard]] Json error() const {
    const Finished finished = result();
    EXPECT_EQ(finished.status, InstanceStatus::faulted);
    return finished.error;
  }
  // "task:state" of every trace, in order.
  [[nodiscard]] std::vector<std::string> traces() const {
    std::vector<std::string> out;
    for (const TaskTrace& trace : effects<TaskTrace>())
      out.push_back(trace.task + ':' + trace.state);
    return out;
  }

  Timestamp now{1'773'000'000'000};
  Execution execution;
  // Input::harmless of what is sent.
  std::vector<std::uint64_t> harmless;
  std::vector<Input> inputs;
  std::vector<Effect> last;
  std::vector<Effect> all;
};

// One line for each effect: enough to compare two runs.
inline std::string text_of(const Effect& effect) {
  struct Visitor {
    std::string operator()(const CallAction& e) const {
      return "call " + std::to_string(e.id) + ' ' + e.reference + ' ' + e.role + ' ' + e.action +
             ' ' + e.version + ' ' + e.arguments.dump() + ' ' + std::to_string(e.attempt);
    }
    std::string operator()(const Ask& e) const {
      return "ask " + std::to_string(e.call.id) + ' ' + e.call.reference;
    }
    std::string operator()(const StartWorkflow& e) const {
      return "start-workflow " + std::to_string(e.id) + ' ' + e.reference + ' ' + e.name_space +
             '/' + e.name + ' ' + e.version + ' ' + e.input.dump() + (e.await ? " await" : "");
    }
    std::string operator()(const CancelCall& e) const {
      return "cancel-call " + std::to_string(e.id);
    }
    std::string operator()(const LetGo& e) const { return "let-go " + std::to_string(e.id); }
    std::string operator()(const StartTimer& e) const {
      return "timer " + std::to_string(e.id) + ' ' + std::to_string(e.due.ms) + ' ' + e.purpose;
    }
    std::string operator()(const CancelTimer& e) const {
      return "cancel-timer " + std::to_string(e.id);
    }
    std::string operator()(const Subscribe& e) const {
      std::string out = "subscribe " + std::to_string(e.id);
      for (const std::string& key : e.keys) out += ' ' + key;
      return out;
    }
    std::string operator()(const Unsubscribe& e) const {
      return "unsubscribe " + std::to_string(e.id);
    }
    std::string operator()(const Emit& e) const { return "emit " + e.event.dump(); }
    std::string operator()(const TaskTrace& e) const {
      return "trace " + e.reference + ' ' + e.task + ' ' + e.kind + ' ' + e.state + ' ' + e.detail;
    }
    std::string operator()(const Finished& e) const {
      return "finished " + std::string(to_string(e.status)) + ' ' + e.output.dump() + ' ' +
             e.error.dump();
    }
  };
  return std::visit(Visitor{}, effect);
}

}  // namespace rabt::workflow
