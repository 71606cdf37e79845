#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/execution.hpp"

// Workflows and inputs made from a seed, over the whole language. For the property test and the
// fuzz target.
namespace rabt::workflow {

// The same numbers on every machine: no distribution of the standard library is used.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <typename T>
  const T& of(const std::vector<T>& items) {
    return items[below(items.size())];
  }

 private:
  std::mt19937_64 engine_;
};

class RandomWorkflow {
 public:
  explicit RandomWorkflow(Dice& dice) : dice_(dice) {}

  // A whole file, in the JSON that is YAML too.
  std::string text() {
    Json use =
        Json::object({{"functions", Json::object({{"helper", task(2, false)}})},
                      {"errors", Json::object({{"late", raised()}})},
                      {"retries", Json::object({{"again", retry()}})},
                      {"timeouts", Json::object({{"short", Json::object({{"after", "PT5M"}})}})}});
    if (dice_.one_in(3)) use.set("extensions", extensions());
    Json file = Json::object(
        {{"document",
          Json::object(
              {{"dsl", "1.0.3"}, {"namespace", "test"}, {"name", "random"}, {"version", "1.0.0"}})},
         {"use", std::move(use)},
         {"do", list(3, 4, true)}});
    if (dice_.one_in(4)) file.set("timeout", Json::object({{"after", "PT2H"}}));
    return file.dump();
  }

 private:
  Json list(int depth, std::size_t most, bool calls) {
    Json::Array tasks;
    const std::size_t count = 1 + dice_.below(most);
    for (std::size_t i = 0; i < count; ++i) {
      Json item = task(depth, calls);
      if (dice_.one_in(8)) item.set("then", dice_.one_in(3) ? "end" : "exit");
      tasks.push_back(Json::object({{"t" + std::to_string(i), std::move(item)}}));
    }
    return Json(std::move(tasks));
  }

  // calls: a function may be called, so this is no function itself.
  Json task(int depth, bool calls) {
    Json out = body(depth, calls);
    if (dice_.one_in(6))
      out.set("if", dice_.one_in(2) ? "${ . != null }" : "${ $context.n == null }");
    if (dice_.one_in(6)) out.set("input", Json::object({{"from", "{a: .}"}}));
    if (dice_.one_in(6)) out.set("output", Json::object({{"as", "{o: ., n: ($context.n // 0)}"}}));
    if (dice_.one_in(4)) {
      out.set("export",
              Json::object({{"as", dice_.one_in(2) ? "$context + {n: (($context.n // 0) + 1)}"
                                                   : "$context + {k: $task.reference}"}}));
    }
    if (dice_.one_in(6)) {
      out.set("timeout", dice_.one_in(2) ? Json("short") : Json::object({{"after", "PT10M"}}));
    }
    return out;
  }

  Json compensable(Json call) {
    if (dice_.one_in(2)) {
      Json rabt = Json::object(
          {{"compensate", Json::object({{"call", "undo:1.0.0@r"},
                                        {"with", Json::object({{"what", "${ . }"},
                                                               {"n", "${ $context.n }"}})}})}});
      if (dice_.one_in(6)) rabt.set("commit", true);
      if (dice_.one_in(6)) rabt.set("usefulUntil", "2026-03-08T20:30:00Z");
      call.set("metadata", Json::object({{"rabt", std::move(rabt)}}));
    }
    return call;
  }

  Json filter() {
    Json item =
        Json::object({{"with", Json::object({{"type", "e" + std::to_string(dice_.below(3))}})}});
    if (dice_.one_in(3)) {
      Json correlation = Json::object({{"from", ".data.k"}});
      if (dice_.one_in(2)) correlation.set("expect", dice_.of(std::vector<std::string>{"a", "b"}));
      item.set("correlate", Json::object({{"k", std::move(correlation)}}));
    }
    return item;
  }
  Json strategy() {
    if (dice_.one_in(3)) return Json::object({{"one", filter()}});
    return Json::object({{dice_.one_in(2) ? "any" : "all", Json::array({filter(), filter()})}});
  }

  Json listen(int depth, bool calls) {
    Json to = strategy();
    if (dice_.one_in(4)) to = Json::object({{"any", Json(Json::Array())}});
    if (to.find("any") != nullptr && dice_.one_in(2)) {
      to.set("until", dice_.one_in(2) ? Json("length > 2") : strategy());
    }
    Json out =
        Json::object({{"listen", Json::object({{"to", std::move(to)},
                                               {"read", dice_.of(std::vector<std::string>{
                                                            "data", "envelope", "raw"})}})}});
    if (dice_.one_in(2)) {
      Json each = Json::object({{"output", Json::object({{"as", "{i: $index, o: .}"}})}});
      if (!dice_.one_in(4)) each.set("do", list(depth - 1, 2, calls));
      if (dice_.one_in(2)) each.set("export", Json::object({{"as", "$context + {last: $index}"}}));
      out.set("foreach", std::move(each));
    }
    return out;
  }

  Json raised() {
    return Json::object({{"type", "https://x/late"}, {"status", 410}, {"title", "late"}});
  }
  Json retry() {
    return Json::object(
        {{"delay", "PT1S"},
         {"backoff",
          Json::object({{dice_.of(std::vector<std::string>{"constant", "linear", "exponential"}),
                         Json::object()}})},
         {"jitter", Json::object({{"from", "PT0S"}, {"to", "PT2S"}})},
         {"limit", Json::object({{"attempt", Json::object({{"count", dice_.below(3)},
                                                           {"duration", "PT20S"}})}})}});
  }

  Json extensions() {
    Json::Array out;
    const std::vector<std::string> kinds = {"all", "call", "composite", "emit", "for", "listen",
                                            "run", "set",  "switch",    "try",  "wait"};
    for (std::size_t i = 0; i < 1 + dice_.below(2); ++i) {
      Json item = Json::object({{"extend", dice_.of(kinds)}});
      if (dice_.one_in(2)) item.set("when", "$task.name != \"t1\"");
      Json before = Json::object({{"set", Json::object({{"mock", "${ $task.reference }"}})}});
      if (dice_.one_in(4)) before.set("then", "exit");
      item.set("before", Json::array({Json::object({{"b", std::move(before)}})}));
      if (dice_.one_in(2)) item.set("after", Json::array({Json::object({{"a", body(0, false)}})}));
      out.push_back(Json::object({{"x" + std::to_string(i), std::move(item)}}));
    }
    return Json(std::move(out));
  }

  Json body(int depth, bool calls) {
    const std::size_t kind = dice_.below(depth > 0 ? 17 : 10);
    switch (kind) {
      case 0:
        return Json::object(
            {{"set", Json::object({{"v", "${ . }"}, {"id", "${ $workflow.id }"}})}});
      case 1:
      case 2: {
        Json call = Json::object({{"call", dice_.one_in(3) ? "other:1.0.0@s" : "act:1.0.0@r"},
                                  {"with", Json::object({{"in", "${ . }"}})}});
        return compensable(std::move(call));
      }
      case 3:
        return Json::object(
            {{"call", "http"},
             {"with", Json::object({{"method", "get"}, {"endpoint", "https://example.test/x"}})}});
      case 4: {
        Json run = Json::object({{"workflow", Json::object({{"namespace", "test"},
                                                            {"name", "child"},
                                                            {"version", "1.0.0"},
                                                            {"input", "${ . }"}})}});
        if (dice_.one_in(3)) run.set("await", false);
        return Json::object({{"run", std::move(run)}});
      }
      case 5:
        if (dice_.one_in(2)) return Json::object({{"wait", "PT1M"}});
        return Json::object(
            {{"wait", "PT0S"},
             {"metadata",
              Json::object({{"rabt", Json::object({{"until", "2026-03-08T20:10:00Z"}})}})}});
      case 6:
        return Json::object(
            {{"emit", Json::object({{"event", Json::object({{"with", Json::object({
                                                                         {"type", "out"},
                                                                         {"data", "${ . }"},
                                                                     })}})}})}});
      case 7:
        if (dice_.one_in(2)) return Json::object({{"raise", Json::object({{"error", "late"}})}});
        return listen(0, calls);
      case 8:
        return Json::object(
            {{"switch",
              Json::array({Json::object({{"c", Json::object({{"when", "$context.n > 1"},
                                                             {"then", "exit"}})}}),
                           Json::object({{"d", Json::object({{"then", "continue"}})}})})}});
      case 9:
        if (calls)
          return Json::object({{"call", "helper"}, {"with", Json::object({{"x", "${ . }"}})}});
        return Json::object({{"set", "${ {kept: .} }"}});
      case 10:
        return Json::object({{"do", list(depth - 1, 3, calls)}});
      case 11:
        return Json::object({{"for", Json::object({{"in", "[1, 2, 3]"}})},
                             {"while", "$index < 2"},
                             {"do", list(depth - 1, 2, calls)}});
      case 12:
      case 13: {
        Json fork = Json::object({{"branches", list(depth - 1, 3, calls)}});
        Json::Array branches;
        for (const Json& item : fork["branches"].as_array()) {
          Json copy = item;
          const std::string name = copy.as_object().begin()->first;
          Json inner = copy[name];
          branches.push_back(Json::object({{name, std::move(inner)}}));
        }
        fork.set("branches", Json(std::move(branches)));
        if (dice_.one_in(2)) fork.set("compete", true);
        return Json::object({{"fork", std::move(fork)}});
      }
      case 14:
        return listen(depth, calls);
      default: {
        Json handler = Json::object({{"as", "e"}});
        if (dice_.one_in(2)) handler.set("retry", dice_.one_in(2) ? Json("again") : retry());
        if (dice_.one_in(2)) handler.set("do", list(depth - 1, 2, calls));
        if (dice_.one_in(4)) handler.set("when", "${ .status != 410 }");
        return Json::object({{"try", list(depth - 1, 3, calls)}, {"catch", std::move(handler)}});
      }
    }
  }

  Dice& dice_;
};

// The next input for an execution: mostly what it waits for, now and then what it does not.
class RandomInputs {
 public:
  RandomInputs(Dice& dice, Timestamp now) : dice_(dice), now_(now) {}

  Input next(const Execution& execution, const std::vector<Input>& before) {
    Input out;
    now_.ms += static_cast<std::int64_t>(dice_.below(2000));
    const std::vector<Effect> open = execution.open();
    if (before.size() > 2 && dice_.one_in(10)) {  // again, and late
      out.what = dice_.of(before).what;
      if (std::holds_alternative<Start>(out.what)) out.what = TimerFired{1};
    } else if (open.empty() || dice_.one_in(20)) {
      unknown(out);
    } else {
      answer(out, dice_.of(open));
    }
    out.at = now_;
    return out;
  }

 private:
  void unknown(Input& out) {
    switch (dice_.below(4)) {
      case 0:
        out.what = ActionEnded{10'000 + dice_.below(9), outcome()};
        break;
      case 1:
        out.what = TimerFired{dice_.below(40)};
        break;
      case 2:
        out.what = EventArrived{dice_.below(40), event()};
        break;
      default:
        if (dice_.one_in(2)) {
          out.what = Cancel{"operator"};
        } else {
          out.what = TimerFired{0};
        }
    }
  }

  Json event() {
    return Json::object({{"specversion", "1.0"},
                         {"id", std::to_string(dice_.below(30))},
                         {"source", "/random"},
                         {"type", "e" + std::to_string(dice_.below(3))},
                         {"data", Json::object({{"k", dice_.of(std::vector<std::string>{"a", "b"})},
                                                {"n", dice_.below(100)}})}});
  }

  ActionOutcome outcome() {
    ActionOutcome out;
    out.kind = dice_.one_in(2) ? OutcomeKind::done : static_cast<OutcomeKind>(dice_.below(5));
    if (out.kind == OutcomeKind::done) {
      out.output = Json::object({{"status", 200}, {"body", dice_.below(9)}});
      return out;
    }
    out.code = "vendor.code";
    out.message = "the vendor said no";
    if (dice_.one_in(2)) {
      out.detail = Json::object(
          {{"status", 500},
           {"error",
            Json::object({{"type", "https://x/child"}, {"status", 409}, {"title", "t"}})}});
    }
    if (dice_.one_in(2)) out.retry_after_ms = static_cast<std::int64_t>(dice_.below(5000));
    return out;
  }

  void answer(Input& out, const Effect& open) {
    if (const auto* call = std::get_if<CallAction>(&open)) {
      out.what = ActionEnded{call->id, outcome()};
    } else if (const auto* child = std::get_if<StartWorkflow>(&open)) {
      out.what = ActionEnded{child->id, outcome()};
    } else if (const auto* timer = std::get_if<StartTimer>(&open)) {
      if (now_ < timer->due) now_ = timer->due;
      out.what = TimerFired{timer->id};
    } else if (const auto* subscribe = std::get_if<Subscribe>(&open)) {
      out.what = EventArrived{subscribe->id, event()};
    }
  }

  Dice& dice_;
  Timestamp now_;
};

}  // namespace rabt::workflow
