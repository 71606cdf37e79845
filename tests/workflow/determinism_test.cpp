#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <set>

#include "harness.hpp"
#include "random_workflow.hpp"

// Recovery, the timeline and the simulator are all replays. So a workflow whose inputs are read
// back from the journal, from any point on, must be in the same state and do the same.
namespace rabt::workflow::determinism_test {
namespace {

std::string all_text(const std::vector<Effect>& effects) {
  std::string out;
  for (const Effect& effect : effects) out += text_of(effect) + '\n';
  return out;
}

// States and kinds of tasks that a run reached: shows whether a generator still reaches them all.
// `http` holds the references of the tasks that sent a request.
void note(const std::vector<Effect>& effects, std::set<std::string>& http,
          std::set<std::string>& reached) {
  for (const Effect& effect : effects) {
    if (const auto* trace = std::get_if<TaskTrace>(&effect)) {
      reached.insert(trace->state);
      reached.insert(trace->kind);
      reached.insert(trace->kind + ' ' + trace->state);
      if (http.contains(trace->reference)) reached.insert("http " + trace->state);
      for (const char* part :
           {"/foreach/", "/extensions/", "/for/", "/catch/", "/fork/", "/call/"}) {
        if (trace->reference.find(part) != std::string::npos) reached.insert(part);
      }
    } else if (std::holds_alternative<StartWorkflow>(effect)) {
      reached.insert("StartWorkflow");
    } else if (std::holds_alternative<CancelCall>(effect)) {
      reached.insert("CancelCall");
    } else if (std::holds_alternative<Emit>(effect)) {
      reached.insert("Emit");
    } else if (const auto* call = std::get_if<CallAction>(&effect)) {
      if (call->role != kHttpRole) continue;
      reached.insert("http");
      http.insert(call->reference);
    } else if (const auto* finished = std::get_if<Finished>(&effect)) {
      reached.insert("finished " + std::string(to_string(finished->status)));
    }
  }
}

Input journaled(const Input& input) {
  const Result<Json> text = Json::parse(to_json(input).dump());
  EXPECT_TRUE(text.ok());
  Result<Input> read = input_from_json(text.value());
  EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
  return read.ok() ? std::move(read).value() : Input{};
}

constexpr int kWorkflows = 1000;
constexpr std::size_t kInputs = 12;

// One instance, as it ran: what it was given, what it did, and its state after each input.
struct Recorded {
  std::vector<Input> inputs;
  std::vector<std::string> effects;
  std::vector<std::string> states;
};

Recorded record(const ParsedDefinition& file, Dice& dice, int n, std::set<std::string>& reached) {
  Recorded out;
  Execution live(file.definition);
  std::set<std::string> http;
  RandomInputs random(dice, {1'773'000'000'000});
  for (std::size_t i = 0; i < kInputs; ++i) {
    Input input;
    if (i == 0) {
      input.at = {1'773'000'000'000};
      // By the rules of earlier builds and by those of this one.
      input.what = Start{"01J0000000000000000000TEST", Json::object({{"n", n}}), n % (kRules + 1)};
    } else {
      input = random.next(live, out.inputs);
    }
    const std::vector<Effect> done = live.apply(input);
    note(done, http, reached);
    out.inputs.push_back(std::move(input));
    out.effects.push_back(all_text(done));
    out.states.push_back(live.state().dump());
  }
  return out;
}

// The inputs up to `cut` come back from the journal, the others as they were given.
void replay(const ParsedDefinition& file, const Recorded& live, std::size_t cut) {
  Execution restored(file.definition);
  for (std::size_t i = 0; i <= cut; ++i) {
    ASSERT_EQ(all_text(restored.apply(journaled(live.inputs[i]))), live.effects[i])
        << "input " << i;
  }
  ASSERT_EQ(restored.state().dump(), live.states[cut]);
  for (std::size_t i = cut + 1; i < live.inputs.size(); ++i) {
    ASSERT_EQ(all_text(restored.apply(live.inputs[i])), live.effects[i]) << "input " << i;
  }
  ASSERT_EQ(restored.state().dump(), live.states.back());
}

// every_cut: each workflow is cut after each of its inputs; else after one, each workflow after
// another. reached: what the workflows did.
void prove(bool every_cut, std::set<std::string>& reached) {
  const char* given = std::getenv("RABT_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20'260'310;
  std::cout << "RABT_SEED=" << seed << '\n';
  for (int n = 0; n < kWorkflows; ++n) {
    Dice dice(seed + static_cast<std::uint64_t>(n));
    const std::string text = RandomWorkflow(dice).text();
    const ParsedDefinition file = parse_definition(text, nullptr);
    ASSERT_NE(file.definition, nullptr) << text << '\n' << all_text(file.diagnostics);
    const Recorded live = record(file, dice, n, reached);
    for (std::size_t cut = 0; cut < kInputs; ++cut) {
      if (!every_cut && cut != static_cast<std::size_t>(n) % kInputs) continue;
      replay(file, live, cut);
      ASSERT_FALSE(testing::Test::HasFatalFailure())
          << "RABT_SEED=" << seed << " workflow " << n << " cut after " << cut << '\n'
          << text;
    }
  }
}

TEST(SlowDeterminism, AReplayFromEveryPointIsInTheSameStateAndDoesTheSame) {
  std::set<std::string> reached;
  prove(true, reached);
}

TEST(Determinism, AReplayFromAnyPointIsInTheSameStateAndDoesTheSame) {
  std::set<std::string> reached;
  prove(false, reached);
  ASSERT_FALSE(HasFatalFailure());
  for (const char* part : {"started",
                           "completed",
                           "faulted",
                           "retried",
                           "skipped",
                           "waiting",
                           "cancelled",
                           "compensated",
                           "compensation-failed",
                           "effect-unknown",
                           "effect-stands",
                           "call",
                           "do",
                           "set",
                           "switch",
                           "for",
                           "fork",
                           "listen",
                           "emit",
                           "raise",
                           "try",
                           "wait",
                           "run",
                           "/foreach/",
                           "/extensions/",
                           "/for/",
                           "/catch/",
                           "/fork/",
                           "/call/",
                           "StartWorkflow",
                           "CancelCall",
                           "Emit",
                           "http",
                           "http completed",
                           "http faulted",
                           "run completed",
                           "run faulted",
                           "run cancelled",
                           "call completed",
                           "listen completed",
                           "finished completed",
                           "finished faulted",
                           "finished cancelled"}) {
    EXPECT_TRUE(reached.contains(part)) << "no random workflow reached " << part;
  }
}

}  // namespace
}  // namespace rabt::workflow::determinism_test
