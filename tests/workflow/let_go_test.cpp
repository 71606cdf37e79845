#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "hub/workflow/run/rewind.hpp"
#include "tests/workflow/harness.hpp"

// Calls for which no task waits any more (docs/workflow.md, "A call that is let go"): what lets
// them go, and how they end.
namespace rabt::workflow::let_go_test {
namespace {

using Texts = std::vector<std::string>;

// The call, in each place that can let it go. COMPENSATE stands for how it is undone, or nothing.
constexpr const char* kCall = "call: claim:1.0.0@payer\n";
constexpr const char* kUndo =
    "metadata: {rabt: {compensate: {call: cancel:1.0.0@payer, with: {id: '${ .id }', was: '${ "
    "$input.visit }', of: '${ $context.patient }'}}}}\n";

std::string indented(const std::string& text, std::size_t columns) {
  std::string out;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from) + 1;
    out += std::string(columns, ' ') + text.substr(from, end - from);
    from = end;
  }
  return out;
}

struct Place {
  const char* name;
  // The workflow with this call in it.
  std::function<std::string(const std::string& call)> file;
  // Lets it go.
  std::function<void(Play&)> let_go;
  InstanceStatus end;
};

const std::string kHead = "do:\n  - keep: {set: '${ . }', export: {as: '{patient: .visit}'}}\n";

StartTimer timer_of(Play& run, std::string_view purpose) {
  for (const StartTimer& timer : run.opened<StartTimer>()) {
    if (timer.purpose == purpose) return timer;
  }
  ADD_FAILURE() << "no timer for " << purpose;
  return {};
}

CallAction call_of(const Play& run, std::string_view role) {
  for (const CallAction& action : run.opened<CallAction>()) {
    if (action.role == role) return action;
  }
  ADD_FAILURE() << "no call of " << role;
  return {};
}

const std::vector<Place>& places() {
  static const std::vector<Place> all{
      {"fork",
       [](const std::string& call) {
         return kHead + "  - both:\n      fork:\n        branches:\n          - a:\n" +
                indented(call, 14) + "          - b: {call: send:1.0.0@notify}\n";
       },
       [](Play& run) { run.failed(call_of(run, "notify"), OutcomeKind::permanent); },
       InstanceStatus::faulted},
      {"compete",
       [](const std::string& call) {
         return kHead +
                "  - first:\n      fork:\n        compete: true\n        branches:\n"
                "          - a:\n" +
                indented(call, 14) + "          - b: {call: send:1.0.0@notify}\n";
       },
       [](Play& run) { run.done(call_of(run, "notify")); }, InstanceStatus::completed},
      {"timeout",
       [](const std::string& call) {
         return kHead + "  - a:\n      timeout: {after: PT1M}\n" + indented(call, 6);
       },
       [](Play& run) { run.fire(timer_of(run, "timeout")); }, InstanceStatus::faulted},
      {"catch",
       [](const std::string& call) {
         return kHead +
                "  - t:\n      try:\n        - group:\n            timeout: {after: PT1M}\n"
                "            do:\n              - a:\n" +
                indented(call, 18) + "      catch: {}\n";
       },
       [](Play& run) { run.fire(timer_of(run, "timeout")); }, InstanceStatus::completed},
      {"cancel", [](const std::string& call) { return kHead + "  - a:\n" + indented(call, 6); },
       [](Play& run) { run.send(Cancel{"enough"}); }, InstanceStatus::cancelled}};
  return all;
}

Play begin(const Place& place, const std::string& call) {
  return Play(place.file(call), json(R"({"visit": 7})"), kRules);
}

// Effects of the call, as the traces report them.
Texts effects_of(const Play& run) {
  Texts out;
  for (const TaskTrace& trace : run.effects<TaskTrace>()) {
    if (trace.state.starts_with("effect-")) out.push_back(trace.state.substr(7));
  }
  return out;
}

TEST(LetGo, ACallThatWasDoneAndHasNoUndoingStandsAndTheInstanceEndsAfterIt) {
  for (const Place& place : places()) {
    SCOPED_TRACE(place.name);
    Play run = begin(place, kCall);
    const CallAction call = call_of(run, "payer");
    place.let_go(run);
    EXPECT_TRUE(run.effects<Finished>().empty()) << "it waits for the call";
    EXPECT_EQ(run.execution.status(), InstanceStatus::running);
    ASSERT_EQ(run.effects<LetGo>().size(), 1U);
    EXPECT_EQ(run.effects<LetGo>()[0].id, call.id);
    for (const CancelCall& cancel_call : run.effects<CancelCall>())
      EXPECT_NE(cancel_call.id, call.id);
    ASSERT_EQ(run.opened<CallAction>().size(), 1U);
    EXPECT_TRUE(run.opened<CallAction>()[0].let_go);
    EXPECT_EQ(run.execution.ending(), place.end);
    EXPECT_EQ(effects_of(run), Texts{"unknown"});
    run.done(call, json(R"({"id": "C-1"})"));
    EXPECT_EQ(effects_of(run), (Texts{"unknown", "stands"}));
    EXPECT_EQ(run.result().status, place.end);
    EXPECT_EQ(run.effects<CallAction>().size(),
              place.name == std::string_view("fork") || place.name == std::string_view("compete")
                  ? 2U
                  : 1U)
        << "nothing is called again";
  }
}

TEST(LetGo, ACallThatWasDoneAndCanBeUndoneIsUndone) {
  for (const Place& place : places()) {
    SCOPED_TRACE(place.name);
    Play run = begin(place, std::string(kCall) + kUndo);
    const CallAction call = call_of(run, "payer");
    place.let_go(run);
    run.done(call, json(R"({"id": "C-1"})"));
    EXPECT_TRUE(run.effects<Finished>().empty()) << "it is undone first";
    EXPECT_EQ(effects_of(run), (Texts{"unknown", "undone"}));
    const CallAction undo = run.only<CallAction>();
    EXPECT_EQ(undo.action, "cancel");
    EXPECT_EQ(undo.reference, call.reference + "/compensate");
    EXPECT_TRUE(undo.undoes);
    EXPECT_EQ(undo.arguments.dump(), R"({"id":"C-1","was":7,"of":7})")
        << "it sees input and context as the task did";
    run.done(undo);
    EXPECT_EQ(run.result().status, place.end);
    const std::vector<TaskTrace> traces = run.effects<TaskTrace>();
    EXPECT_TRUE(std::any_of(traces.begin(), traces.end(),
                            [](const TaskTrace& trace) { return trace.state == "compensated"; }));
  }
}

TEST(LetGo, ACallThatWasRefusedLeavesNothing) {
  for (const Place& place : places()) {
    for (const OutcomeKind kind :
         {OutcomeKind::permanent, OutcomeKind::transient, OutcomeKind::cancelled}) {
      SCOPED_TRACE(place.name);
      Play run = begin(place, std::string(kCall) + kUndo);
      const CallAction call = call_of(run, "payer");
      place.let_go(run);
      run.failed(call, kind);
      EXPECT_EQ(effects_of(run), (Texts{"unknown", "none"}));
      EXPECT_EQ(run.result().status, place.end);
      EXPECT_TRUE(run.opened<CallAction>().empty());
    }
  }
}

// It only reads, or has surely not left: the hub says which when the input comes.
TEST(LetGo, ACallThatLeavesNothingBehindIsDropped) {
  for (const Place& place : places()) {
    SCOPED_TRACE(place.name);
    Play run = begin(place, std::string(kCall) + kUndo);
    const CallAction call = call_of(run, "payer");
    run.harmless = {call.id};
    place.let_go(run);
    EXPECT_TRUE(run.effects<LetGo>().empty());
    EXPECT_TRUE(effects_of(run).empty());
    EXPECT_EQ(run.result().status, place.end);
    const std::vector<CancelCall> cancelled = run.effects<CancelCall>();
    EXPECT_TRUE(std::any_of(cancelled.begin(), cancelled.end(), [&](const CancelCall& cancel_call) {
      return cancel_call.id == call.id;
    }));
    // The journal keeps it.
    const Json row = to_json(run.inputs.back());
    EXPECT_EQ(row["harmless"].dump(), '[' + std::to_string(call.id) + ']');
    EXPECT_EQ(to_json(input_from_json(row).value()).dump(), row.dump());
  }
}

TEST(LetGo, ACallOfTheSameTurnHasNotLeft) {
  Play run(
      "do:\n  - both:\n      fork:\n        branches:\n          - a: {call: claim:1.0.0@payer}\n"
      "          - b: {raise: {error: {type: https://x.example/no, status: 418}}}\n",
      {}, kRules);
  EXPECT_TRUE(run.effects<LetGo>().empty());
  EXPECT_EQ(run.result().status, InstanceStatus::faulted);
}

TEST(LetGo, ARequestThatReadsIsDropped) {
  for (const auto& [method, left] : {std::pair("get", 0U), std::pair("post", 1U)}) {
    Play run("do:\n  - a:\n      timeout: {after: PT1M}\n      call: http\n      with: {method: " +
                 std::string(method) + ", endpoint: 'https://x.example/a'}\n",
             {}, kRules);
    run.fire(timer_of(run, "timeout"));
    EXPECT_EQ(run.effects<LetGo>().size(), left) << method;
  }
}

TEST(LetGo, AnAnswerOfHttpThatIsAnErrorLeavesNothing) {
  for (const auto& [status, effect] : {std::pair(201, "stands"), std::pair(422, "none")}) {
    Play run(
        "do:\n  - a:\n      timeout: {after: PT1M}\n      call: http\n"
        "      with: {method: post, endpoint: 'https://x.example/a'}\n",
        {}, kRules);
    const CallAction call = run.only<CallAction>();
    run.fire(timer_of(run, "timeout"));
    run.done(call, Json::object({{"status", status}, {"headers", Json::object()}}));
    EXPECT_EQ(effects_of(run), (Texts{"unknown", effect}));
    EXPECT_EQ(run.result().status, InstanceStatus::faulted);
  }
}

TEST(LetGo, ARaceGoesOnWhileTheLoserIsOpenAndOnlyTheEndWaits) {
  Play run(
      "do:\n  - first:\n      fork:\n        compete: true\n        branches:\n"
      "          - a: {call: claim:1.0.0@payer}\n          - b: {call: send:1.0.0@notify}\n"
      "  - after: {call: note:1.0.0@desk}\n",
      {}, kRules);
  const CallAction lost = call_of(run, "payer");
  run.done(call_of(run, "notify"));
  const CallAction after = call_of(run, "desk");
  run.done(after, Json("noted"));
  EXPECT_TRUE(run.effects<Finished>().empty());
  run.done(lost);
  EXPECT_EQ(run.output().dump(), "\"noted\"");
}

TEST(LetGo, ASecondCancelChangesNothingAndTheCallIsNotMadeAgain) {
  Play run("do:\n  - a: {call: claim:1.0.0@payer}\n", {}, kRules);
  const CallAction call = run.only<CallAction>();
  run.send(Cancel{"enough"});
  EXPECT_TRUE(run.send(Cancel{"impatient"}).empty());
  EXPECT_TRUE(run.send(Again{call.id}).empty());
  EXPECT_TRUE(run.send(TimerFired{call.id}).empty());
  EXPECT_EQ(run.only<CallAction>().id, call.id);
  run.failed(call, OutcomeKind::permanent);
  EXPECT_EQ(run.result().status, InstanceStatus::cancelled);
}

// ---- a retry reaches the same place

constexpr const char* kRetried =
    "do:\n  - t:\n      try:\n        - a: {call: claim:1.0.0@payer, metadata: {rabt: {compensate: "
    "{call: cancel:1.0.0@payer}}}}\n"
    "      catch: {retry: {delay: PT10S, limit: {attempt: {count: 2, duration: PT1M}}}}\n"
    "  - after: {set: '${ . }'}\n";

// The first try was let go, and the retry has reached its place.
CallAction waiting(Play& run) {
  const CallAction call = run.only<CallAction>();
  run.fire(timer_of(run, "timeout"));
  EXPECT_EQ(run.effects<LetGo>().size(), 1U);
  EXPECT_TRUE(run.execution.is_made_again(call.reference));
  run.fire(timer_of(run, "retry"));
  EXPECT_EQ(run.effects<CallAction>().size(), 1U) << "the same key is not used twice at a time";
  return call;
}

TEST(LetGo, ARetryWaitsForTheCallOfItsPlaceAndTakesItsAnswer) {
  Play run(kRetried, {}, kRules);
  run.done(waiting(run), Json("C-1"));
  EXPECT_EQ(run.output().dump(), "\"C-1\"");
  EXPECT_EQ(run.effects<CallAction>().size(), 1U) << "it was done once, and nothing undoes it";
}

TEST(LetGo, ARetryMakesTheCallWhenTheOneBeforeDidNothing) {
  for (const OutcomeKind kind : {OutcomeKind::transient, OutcomeKind::ambiguous}) {
    Play run(kRetried, {}, kRules);
    const CallAction first = waiting(run);
    run.failed(first, kind);
    const CallAction second = run.only<CallAction>();
    EXPECT_NE(second.id, first.id);
    EXPECT_EQ(second.reference, first.reference);
    EXPECT_EQ(second.attempt, 2);
    run.done(second, Json("C-2"));
    EXPECT_EQ(run.output().dump(), "\"C-2\"");
  }
}

TEST(LetGo, AnAnswerThatComesBeforeTheRetryIsKeptForIt) {
  Play run(kRetried, {}, kRules);
  const CallAction call = run.only<CallAction>();
  run.fire(timer_of(run, "timeout"));
  run.done(call, Json("C-1"));
  EXPECT_TRUE(run.opened<CallAction>().empty()) << "it is not undone";
  run.fire(timer_of(run, "retry"));
  EXPECT_EQ(run.output().dump(), "\"C-1\"");
  EXPECT_EQ(run.effects<CallAction>().size(), 1U);
}

TEST(LetGo, AnAnswerThatNoRetryTookIsUndoneWhenTheRetriesAreOver) {
  Play run(
      "do:\n  - t:\n      try:\n"
      "        - a: {if: '$task.startedAt.epoch.milliseconds < 1773000060000', call: "
      "claim:1.0.0@payer, metadata: {rabt: {compensate: {call: cancel:1.0.0@payer}}}}\n"
      "      catch: {retry: {delay: PT10S, limit: {attempt: {count: 2, duration: PT1M}}}}\n",
      {}, kRules);
  const CallAction call = run.only<CallAction>();
  run.fire(timer_of(run, "timeout"));
  run.done(call);
  EXPECT_TRUE(run.opened<CallAction>().empty());
  run.fire(timer_of(run, "retry"));  // the place is not reached again
  EXPECT_EQ(run.only<CallAction>().action, "cancel");
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.result().status, InstanceStatus::completed);
}

// A retry would have found it out, and does not come.
TEST(LetGo, AnUnknownEffectIsAskedAboutWhenNoRetryMakesTheCallAnyMore) {
  Play run(kRetried, {}, kRules);
  const CallAction call = run.only<CallAction>();
  run.fire(timer_of(run, "timeout"));
  run.failed(call, OutcomeKind::ambiguous);
  EXPECT_TRUE(run.opened<CallAction>().empty());
  run.send(Cancel{"enough"});
  EXPECT_TRUE(run.effects<Finished>().empty());
  const CallAction asked = run.effects<CallAction>().back();
  EXPECT_TRUE(asked.let_go) << "it is not sent";
  EXPECT_EQ(asked.was, call.id);
  EXPECT_EQ(run.only<CallAction>().id, asked.id);
  EXPECT_FALSE(run.execution.is_made_again(call.reference));
  run.done(asked);
  EXPECT_EQ(effects_of(run), (Texts{"unknown", "undone"}));
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.result().status, InstanceStatus::cancelled);
}

TEST(LetGo, ARetryMakesTheCallWhoseUnknownEndCameBeforeIt) {
  Play run(kRetried, {}, kRules);
  const CallAction call = run.only<CallAction>();
  run.fire(timer_of(run, "timeout"));
  run.failed(call, OutcomeKind::ambiguous);
  run.fire(timer_of(run, "retry"));
  const CallAction again = run.only<CallAction>();
  EXPECT_FALSE(again.let_go);
  EXPECT_EQ(again.reference, call.reference);
  run.done(again, Json("C-2"));
  EXPECT_EQ(run.output().dump(), "\"C-2\"");
}

TEST(LetGo, ATaskThatWaitedForItsPlaceAndIsCancelledTooGetsNoAnswer) {
  Play run(kRetried, {}, kRules);
  const CallAction call = waiting(run);
  run.send(Cancel{"enough"});
  EXPECT_TRUE(run.effects<Finished>().empty());
  run.done(call, Json("C-1"));
  EXPECT_EQ(effects_of(run).back(), "undone");
  run.done(run.only<CallAction>());
  EXPECT_EQ(run.result().status, InstanceStatus::cancelled);
}

// ---- journals

TEST(LetGo, AnInstanceOfAnEarlierBuildKeepsItsRules) {
  for (const Place& place : places()) {
    SCOPED_TRACE(place.name);
    Play run(place.file(kCall), json(R"({"visit": 7})"));
    const CallAction call = call_of(run, "payer");
    place.let_go(run);
    EXPECT_TRUE(run.effects<LetGo>().empty());
    EXPECT_EQ(run.result().status, place.end) << "it was dropped, as it always was";
    EXPECT_EQ(to_json(run.inputs.front())["start"].find("rules"), nullptr);
    EXPECT_FALSE(run.execution.lets_go());
    run.done(call);
    EXPECT_TRUE(run.last.empty());
  }
}

TEST(LetGo, TheJournalSaysTheRulesAndAReplayIsTheSame) {
  for (const Place& place : places()) {
    SCOPED_TRACE(place.name);
    Play run = begin(place, std::string(kCall) + kUndo);
    const CallAction call = call_of(run, "payer");
    place.let_go(run);
    run.done(call, json(R"({"id": "C-1"})"));
    Execution again(parsed(place.file(std::string(kCall) + kUndo)));
    for (const Input& input : run.inputs) {
      const Result<Input> read = input_from_json(to_json(input));
      ASSERT_TRUE(read.ok());
      (void)again.apply(read.value());
    }
    EXPECT_EQ(again.state().dump_sorted(), run.execution.state().dump_sorted());
  }
  Json row = json(R"({"at": 1, "start": {"instance": "i", "input": null, "rules": 2}})");
  EXPECT_FALSE(input_from_json(row).ok()) << "rules of a later hub";
}

// A person has an instance go on whose end waited for a call of another branch.
TEST(LetGo, ARewoundInstanceMakesTheCallOfTheOtherBranchAgainWithTheSameKey) {
  const auto definition = parsed(places()[0].file(kCall));
  Play run(definition, json(R"({"visit": 7})"), kRules);
  const CallAction call = call_of(run, "payer");
  places()[0].let_go(run);
  run.done(call);
  ASSERT_EQ(run.result().status, InstanceStatus::faulted);
  const Result<Rewind> plan = plan_rewind({.first = {definition, {}}}, run.inputs, run.now);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  run.inputs.push_back({run.now, Rewound{plan.value().to, plan.value().next, "r", "p"}, {}});
  History history(definition, {});
  for (const Input& input : run.inputs) (void)history.apply(input);
  std::set<std::string> made;
  for (const Effect& effect : history.execution().open()) {
    const auto* const open = std::get_if<CallAction>(&effect);
    if (open == nullptr) continue;
    EXPECT_GE(open->id, plan.value().next);
    EXPECT_FALSE(open->let_go);
    made.insert(open->reference);
  }
  EXPECT_TRUE(made.contains(call.reference));
}

// The instance as a person has it go on, and what that asked for.
struct GoneOn {
  Execution execution;
  std::vector<Effect> effects;
};
GoneOn gone_on(const std::shared_ptr<const Definition>& definition, Play& run) {
  const Result<Rewind> plan = plan_rewind({.first = {definition, {}}}, run.inputs, run.now);
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  run.inputs.push_back({run.now, Rewound{plan.value().to, plan.value().next, "r", "p"}, {}});
  History history(definition, {});
  std::vector<Effect> last;
  for (const Input& input : run.inputs) last = history.apply(input);
  return {std::move(history).take(), std::move(last)};
}

std::vector<CallAction> calls_in(const std::vector<Effect>& effects) {
  std::vector<CallAction> out;
  for (const Effect& effect : effects) {
    if (const auto* const call = std::get_if<CallAction>(&effect)) out.push_back(*call);
  }
  return out;
}

// The outside system may have done it: the hub asks before the retry makes it once more.
TEST(LetGo, ARewoundInstanceSettlesACallThatARetryMakesAgain) {
  const auto definition = parsed(
      "do:\n  - both:\n      fork:\n        branches:\n          - a:\n              try:\n"
      "                - claim: {call: claim:1.0.0@payer}\n"
      "              catch: {retry: {delay: PT10S, limit: {attempt: {count: 2, duration: PT1M}}}}\n"
      "          - b: {call: send:1.0.0@notify}\n");
  for (const bool waits : {false, true}) {
    SCOPED_TRACE(waits ? "a task waits for it" : "the retry has not come");
    Play run(definition, {}, kRules);
    const CallAction call = call_of(run, "payer");
    run.fire(timer_of(run, "timeout"));
    if (waits) run.fire(timer_of(run, "retry"));
    run.failed(call_of(run, "notify"), OutcomeKind::permanent);
    run.done(call);
    ASSERT_EQ(run.result().status, InstanceStatus::faulted);
    GoneOn again = gone_on(definition, run);
    std::optional<CallAction> asked;
    for (const CallAction& effect : calls_in(again.effects)) {
      if (effect.role == "payer") asked = effect;
    }
    ASSERT_TRUE(asked.has_value());
    EXPECT_TRUE(asked->let_go) << "it is not sent";
    EXPECT_EQ(asked->was, call.id);
    EXPECT_TRUE(again.execution.is_made_again(call.reference));
    ActionOutcome nothing;
    nothing.kind = OutcomeKind::transient;
    const std::vector<CallAction> made =
        calls_in(again.execution.apply({run.now, ActionEnded{asked->id, nothing}, {}}));
    ASSERT_EQ(made.size(), waits ? 1U : 0U);
    if (waits) {
      EXPECT_FALSE(made[0].let_go);
      EXPECT_EQ(made[0].reference, call.reference);
    }
  }
}

// The loser's call was undone after the failure: the instance goes on without it.
TEST(LetGo, AnInstanceIsRewoundThoughALoserOfARaceWasUndoneSince) {
  const auto definition = parsed(
      "do:\n  - first:\n      fork:\n        compete: true\n        branches:\n"
      "          - a: {call: claim:1.0.0@payer, metadata: {rabt: {compensate: {call: "
      "cancel:1.0.0@payer}}}}\n          - b: {call: send:1.0.0@notify}\n"
      "  - after: {call: note:1.0.0@desk}\n");
  Play run(definition, {}, kRules);
  const CallAction lost = call_of(run, "payer");
  run.done(call_of(run, "notify"));
  run.failed(call_of(run, "desk"), OutcomeKind::permanent);
  run.done(lost);
  run.done(run.only<CallAction>());
  ASSERT_EQ(run.result().status, InstanceStatus::faulted);
  const std::vector<CallAction> made = calls_in(gone_on(definition, run).effects);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].role, "desk");

  // A branch that the failure ended needs what was undone.
  const auto needed = parsed(places()[0].file(std::string(kCall) + kUndo));
  Play other(needed, json(R"({"visit": 7})"), kRules);
  const CallAction call = call_of(other, "payer");
  places()[0].let_go(other);
  other.done(call, json(R"({"id": "C-1"})"));
  other.done(other.only<CallAction>());
  ASSERT_EQ(other.result().status, InstanceStatus::faulted);
  const Result<Rewind> refused = plan_rewind({.first = {needed, {}}}, other.inputs, other.now);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "engine.retry_undone");
}

// It was let go before the call that failed, and has ended since.
TEST(LetGo, ARewoundInstanceDoesNotWaitForACallThatEndedAfterTheFailure) {
  const auto definition = parsed(
      "do:\n  - first:\n      fork:\n        compete: true\n        branches:\n"
      "          - a: {call: claim:1.0.0@payer}\n          - b: {call: send:1.0.0@notify}\n"
      "  - after: {call: note:1.0.0@desk}\n");
  Play run(definition, {}, kRules);
  const CallAction lost = call_of(run, "payer");
  run.done(call_of(run, "notify"));
  run.failed(call_of(run, "desk"), OutcomeKind::permanent);
  EXPECT_TRUE(run.effects<Finished>().empty());
  run.done(lost);
  ASSERT_EQ(run.result().status, InstanceStatus::faulted);
  const Result<Rewind> plan = plan_rewind({.first = {definition, {}}}, run.inputs, run.now);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  run.inputs.push_back({run.now, Rewound{plan.value().to, plan.value().next, "r", "p"}, {}});
  History history(definition, {});
  for (const Input& input : run.inputs) (void)history.apply(input);
  std::vector<CallAction> open;
  for (const Effect& effect : history.execution().open()) {
    if (const auto* const call = std::get_if<CallAction>(&effect)) open.push_back(*call);
  }
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].role, "desk");
  // The late answer finds nothing.
  Execution execution = std::move(history).take();
  EXPECT_TRUE(execution.apply({run.now, ActionEnded{lost.id, {}}, {}}).empty());
  const std::vector<Standing> standing = standing_effects({.first = {definition, {}}}, run.inputs);
  EXPECT_TRUE(std::any_of(standing.begin(), standing.end(),
                          [](const Standing& one) { return one.action == "claim" && one.known; }));
}

}  // namespace
}  // namespace rabt::workflow::let_go_test
