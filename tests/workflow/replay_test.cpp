#include "hub/workflow/simulate/replay.hpp"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "files.hpp"
#include "harness.hpp"
#include "hub/workflow/simulate/simulator.hpp"
#include "hub/workflow/simulate/test_file.hpp"

// Replays of past instances. The journals are those of the test cases of the shipped workflows,
// which reach every task and branch.
namespace rabt::workflow::replay_test {
namespace {

namespace fs = std::filesystem;

fs::path shipped() {
  return fs::path(variable("RABT_SOURCE_DIR")) / "workflows";
}

std::shared_ptr<const Definition> read_definition(const std::string& yaml) {
  const ParsedDefinition read = parse_definition(yaml, nullptr);
  EXPECT_NE(read.definition, nullptr) << all_text(read.diagnostics);
  return read.definition;
}

bool is_events(const Json& input) {
  return input.is_array() && input.size() != 0 &&
         input.as_array().front().find("specversion") != nullptr;
}

// Every instance that the cases of a test file make, by the name of the case.
using Pasts = std::multimap<std::string, PastInstance>;
Pasts play(const fs::path& tests) {
  Pasts out;
  const ParsedTestFile file = parse_test_file(read(tests));
  EXPECT_NE(file.file, nullptr) << tests << all_text(file.diagnostics);
  if (file.file == nullptr) return out;
  std::vector<std::shared_ptr<const Definition>> definitions{
      read_definition(read(tests.parent_path() / file.file->workflow()))};
  for (const std::string& more : file.file->definitions())
    definitions.push_back(read_definition(read(tests.parent_path() / more)));
  TestOptions options;
  options.played = [&out](const std::string& name, const Simulator& simulator) {
    for (const SimulatedInstance& instance : simulator.instances()) {
      const std::vector<Input>& journal = simulator.inputs(instance.index);
      if (journal.empty()) continue;
      out.emplace(name,
                  PastInstance{.definition = instance.definition,
                               .secrets = {},
                               .journal = journal,
                               .started_by_events = !instance.parent && is_events(instance.input)});
    }
  };
  EXPECT_TRUE(run_tests(*file.file, definitions, options).ok()) << tests;
  return out;
}

const Pasts& consultations() {
  static const Pasts kPasts = play(shipped() / "consultation.test.yaml");
  return kPasts;
}

std::string words_of(const Replayed& replayed) {
  std::string out(to_string(replayed.result));
  out +=
      " at " + replayed.first.reference + " " + replayed.first.role + "/" + replayed.first.action;
  for (const std::string& member : replayed.first.members) out += " " + member;
  return out;
}

TEST(Replay, EveryInstanceOfTheShippedWorkflowsIsTheSameOnItsOwnFile) {
  std::size_t played = 0;
  for (const fs::path& tests : files_in(shipped(), ".yaml")) {
    if (!tests.string().ends_with(".test.yaml")) continue;
    for (const auto& [name, past] : play(tests)) {
      const Replayed replayed = replay_past(past, past.definition, past.secrets);
      EXPECT_EQ(replayed.result, ReplayResult::same)
          << tests.filename() << ", " << name << ": " << words_of(replayed);
      ++played;
    }
  }
  EXPECT_GT(played, 200U);
}

// A change of consultation.yaml, and what it makes of the instances of one case.
struct Mutation {
  const char* what;
  const char* instance;
  std::vector<std::pair<std::string, std::string>> edits;
  ReplayResult result;
  // Task, then role/action, then members.
  std::string first;
};

constexpr const char* kWhole = "a visit from booking to report";
constexpr const char* kLost =
    "the room of a booking that names no payer is lost, and no claim is looked for";
const std::string kDocumented =
    "        - documented:\n"
    "            metadata: *ask\n"
    "            call: advance:1.0.0@register\n"
    "            with: {consultation: '${ $context.consultation }', to: documented}\n";

std::vector<Mutation> mutations() {
  using enum ReplayResult;
  return {
      {"another version", kWhole, {{"version: '2.31.0'", "version: '9.0.0'"}}, same, ""},
      {"a task with another name", kWhole, {{"- documented:", "- filed:"}}, same, ""},
      {"a longer wait", kWhole, {{"wait: {seconds: 2}", "wait: {seconds: 3}"}}, same, ""},
      {"another member of the output",
       kWhole,
       {{"encounter: ${ $context.encounter.reference }", "encounter: ${ $context.encounter.id }"}},
       other_output,
       " / encounter"},
      {"an event with other data",
       kWhole,
       {{"session: ${ $context.session }\n                    patient: {",
         "session: none\n                    patient: {"}},
       other_events,
       " /"},
      {"two calls that change places",
       kWhole,
       {{kDocumented, ""}, {"        - encounter:\n", kDocumented + "        - encounter:\n"}},
       other_order,
       "documented register/advance"},
      {"a call that is left out",
       kWhole,
       {{kDocumented, "        - documented: {set: {}}\n"}},
       fewer_calls,
       "documented register/advance"},
      {"an argument with another value",
       kWhole,
       {{"recording: auto", "recording: never"}},
       other_arguments,
       "create session/create recording"},
      {"one argument more",
       kWhole,
       {{"call: recordings:1.0.0@session\n                  with: {session:",
         "call: recordings:1.0.0@session\n                  with: {kind: video, session:"}},
       other_arguments,
       "listRecordings session/recordings kind"},
      {"a call that nobody made",
       kWhole,
       {{"        - encounter:\n",
         "        - again:\n            call: participants:1.0.0@session\n            with: "
         "{session: "
         "'${ $context.session }'}\n        - encounter:\n"}},
       new_call,
       "again session/participants"},
      {"an event that never came",
       kWhole,
       {{"org.rabt.hub.session.completed.v1", "org.rabt.hub.session.cancelled.v1"}},
       unanswered,
       "over /"},
      {"an error that is not raised",
       kLost,
       {{"              raise: {error: {type: '${ $failure.type }', status: '${ $failure.status "
         "}', title: '${ $failure.title }'}}",
         "              set: {}"}},
       completes,
       "lost /"},
      {"an expression that fails",
       kWhole,
       {{"outcome: ${ $context.outcome // \"held\" }", "outcome: ${ error(\"no\") }"}},
       faults,
       " /"},
      {"another error",
       kLost,
       {{"status: '${ $failure.status }', title", "status: 418, title"}},
       other_end,
       "lost /"},
      {"another event that starts it",
       kWhole,
       {{"data: ${ .modality == \"video\" }\n      - with",
         "data: ${ .modality == \"audio\" }\n      - with"}},
       not_started,
       " /"},
      {"an input that lacks a member",
       kWhole,
       {{"required: [appointment, patient, practitioner]",
         "required: [appointment, patient, practitioner, clinic]"}},
       not_started,
       " /"},
      {"a wait without end",
       kWhole,
       {{"        - sessionEnded:\n",
         "        - spin: {wait: {seconds: 1}, then: spin}\n        - sessionEnded:\n"}},
       cut,
       " /"},
  };
}

std::string edited(std::string text, const Mutation& mutation) {
  for (const auto& [from, to] : mutation.edits) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << mutation.what << ": " << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
  }
  return text;
}

TEST(Replay, EachChangeOfTheShippedWorkflowIsSeenInItsClass) {
  const std::string yaml = read(shipped() / "consultation.yaml");
  for (const Mutation& mutation : mutations()) {
    const auto definition = read_definition(edited(yaml, mutation));
    ASSERT_NE(definition, nullptr) << mutation.what;
    const auto past = consultations().find(mutation.instance);
    ASSERT_NE(past, consultations().end()) << mutation.instance;
    const Replayed replayed = replay_past(past->second, definition, {});
    EXPECT_EQ(to_string(replayed.result), to_string(mutation.result))
        << mutation.what << ": " << words_of(replayed);
    std::string first =
        replayed.first.task + " " + replayed.first.role + "/" + replayed.first.action;
    for (const std::string& member : replayed.first.members) first += " " + member;
    if (!mutation.first.empty()) {
      EXPECT_EQ(first, mutation.first) << mutation.what;
    }
  }
}

// ---- small workflows, by hand

Replayed replayed(const Play& past, std::string_view before, std::string_view after) {
  return replay_past({.definition = parsed(before),
                      .secrets = {},
                      .journal = past.inputs,
                      .started_by_events = false},
                     parsed(after), {});
}

TEST(Replay, AnAnswerIsFoundAtAnotherPlaceAndGivenOnce) {
  const std::string before = "do:\n  - ask: {call: 'check:1.0.0@payer', with: {id: 7}}\n";
  Play past(before);
  past.done(past.only<CallAction>(), json(R"({"ok": true})"));
  const std::string moved =
      "do:\n  - first: {set: {}}\n  - other: {call: 'check:1.0.0@payer', with: {id: 7}}\n";
  EXPECT_EQ(replayed(past, before, moved).result, ReplayResult::same);
  const Replayed twice =
      replayed(past, before, moved + "  - more: {call: 'check:1.0.0@payer', with: {id: 7}}\n");
  EXPECT_EQ(twice.result, ReplayResult::new_call);
  EXPECT_EQ(twice.first.task, "more");
}

TEST(Replay, ATaskThatIsReachedLaterFindsTheEventThatCame) {
  const std::string listen =
      "  - wait: {listen: {to: {one: {with: {type: test.paid.v1}}}, read: data}}\n";
  const std::string before = "do:\n" + listen;
  Play past(before);
  ASSERT_TRUE(past.offer(event("test.paid.v1", json(R"({"sum": 5})"))));
  EXPECT_EQ(replayed(past, before, "do:\n  - rest: {wait: PT1H}\n" + listen).result,
            ReplayResult::same);
}

TEST(Replay, AnInstanceThatStillRunsIsComparedAsFarAsItCame) {
  const std::string before =
      "do:\n  - ask: {call: 'check:1.0.0@payer', with: {id: 7}}\n  - rest: {wait: P30D}\n";
  Play past(before);
  past.done(past.only<CallAction>(), {});
  EXPECT_EQ(replayed(past, before, before).result, ReplayResult::same);
  const Replayed without = replayed(past, before, "do:\n  - rest: {wait: P30D}\n");
  EXPECT_EQ(without.result, ReplayResult::fewer_calls);
  EXPECT_EQ(without.first.task, "ask");
}

// Symptom: a file that loops without end came as `not-started`. Cause: its error has no place, like
// that of a refused input. A file that is refused before any task starts none.
TEST(Replay, AnEndlessLoopFaults) {
  const std::string before = "do:\n  - a: {set: {x: 1}}\n";
  Play past(before);
  const Replayed loops =
      replayed(past, before, "do:\n  - a: {set: {x: 1}, then: b}\n  - b: {set: {x: 2}, then: a}\n");
  EXPECT_EQ(loops.result, ReplayResult::faults);
  EXPECT_EQ(loops.first.error.string_or("title", ""), "the workflow runs without ever waiting");
  const Replayed refused =
      replayed(past, before, "input: {schema: {document: {type: object}}}\n" + before);
  EXPECT_EQ(refused.result, ReplayResult::not_started);
}

// Symptom: one instance kept the hub at work for minutes. Cause: the time was looked at between
// instances alone. Here it ends within a task list, and within the arguments of one task.
TEST(Replay, IsStoppedWithinAnInstanceOfEitherFile) {
  const std::string quick = "do:\n  - a: {set: {x: 1}}\n";
  const std::string heavy =
      "do:\n  - b: {for: {each: i, in: '${ [range(1;1900)] }'}, do: [{c: {set: {x: '${ "
      "[range(1;200000)] | length }'}}}]}\n";
  std::string wide = "do:\n  - a:\n      set:\n";
  for (int i = 0; i < 1'900; ++i)
    wide += "        x" + std::to_string(i) + ": '${ [range(1;200000)] | length }'\n";
  const auto past = [&](std::string_view definition) {
    return PastInstance{.definition = parsed(definition),
                        .secrets = {},
                        .journal = {{Timestamp{1'773'000'000'000}, Start{"01J0", Json()}}},
                        .started_by_events = false};
  };
  for (const auto& [before, after] : {std::pair(quick, heavy), std::pair(quick, wide),
                                      std::pair(heavy, quick), std::pair(wide, quick)}) {
    int asked = 0;
    const Replayed replayed =
        replay_past(past(before), parsed(after), {}, [&asked] { return ++asked > 20; });
    EXPECT_EQ(replayed.result, ReplayResult::cut);
    EXPECT_LT(asked, 60);
  }
}

}  // namespace
}  // namespace rabt::workflow::replay_test
