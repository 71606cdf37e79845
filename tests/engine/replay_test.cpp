#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/engine/rig.hpp"
#include "tests/eventually.hpp"

// Replays of past instances on a new file, from the journals of a real store.
namespace rabt::engine::replay_test {
namespace {

using workflow::OutcomeKind;

// Stands for patient data: as a value, and as the name of a member.
constexpr const char* kCanary = "canary-4711";

constexpr std::int64_t kRest = 300'000;
const std::string kTasks =
    "  - note: {set: {id: '${ .id }', tags: '${ .tags }'}}\n"
    "  - first:\n"
    "      try:\n"
    "        - ask: {call: 'do-key:1.0.0@script', with: {id: '${ .id }', tags: '${ .tags }'}}\n"
    "      catch: {errors: {with: {status: 503}}, retry: {delay: PT1M, limit: {attempt: {count: "
    "2}}}}\n"
    "  - paid:\n"
    "      listen: {to: {one: {with: {type: test.paid.v1}, correlate: {id: {from: .data.id, "
    "expect: "
    "'${ $workflow.input[0].data.id }'}}}}, read: data}\n"
    "  - tell: {emit: {event: {with: {type: test.told.v1, source: /test, data: {id: '${ .[0].id "
    "}'}}}}}\n"
    "  - rest: {wait: PT5M}\n"
    "  - last: {call: 'do-none:1.0.0@script', with: {id: '${ $workflow.input[0].data.id }'}}\n";

std::string file_of(const std::string& tasks, const std::string& version = "1.0.0") {
  return "document: {dsl: '1.0.3', namespace: test, name: visit, version: '" + version +
         "'}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ninput: {from: '${ .[0].data "
         "}'}\ndo:\n" +
         tasks;
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class ReplayOfJournals : public testing::Test {
 protected:
  void SetUp() override { rig_.deploy(file_of(kTasks)); }

  // The data of one visit, which a replay must never show.
  static Json data_of(const std::string& id) {
    return Json::object({{"id", id}, {"tags", Json::object({{kCanary, kCanary}})}});
  }
  std::string begin(const std::string& id) { return rig_.send("test.start.v1", data_of(id)).at(0); }
  void pay(const std::string& id) {
    (void)rig_.send("test.paid.v1", data_of(id));
    rig_.settle();
  }
  // From its start to its end.
  std::string visit(const std::string& id) {
    std::string instance = begin(id);
    EXPECT_EQ(rig_.wait_status(instance, "waiting"), "waiting");
    rig_.advance_ms(1'000);
    pay(id);
    rig_.advance_ms(kRest);
    EXPECT_EQ(rig_.wait_status(instance, "completed"), "completed");
    return instance;
  }
  Json replay(const std::string& yaml, const ReplayFilter& filter = {}) {
    const auto made = rig_.engine().replay({"new.yaml", yaml}, filter,
                                           [this](const std::string& object, const Json& detail) {
                                             admitted_.emplace_back(object, detail);
                                             return ok_status();
                                           });
    EXPECT_TRUE(made.ok()) << made.error().message;
    if (!made.ok()) return {};
    EXPECT_EQ(made->dump().find(kCanary), std::string::npos) << "patient data in the answer";
    return *made;
  }
  static std::map<std::string, std::int64_t> classes(const Json& node) {
    std::map<std::string, std::int64_t> out;
    for (const Json& item : node["classes"].as_array())
      out[item.string_or("class", "")] = item.int_or("count", 0);
    return out;
  }
  using Counts = std::map<std::string, std::int64_t>;

  // Replays that were to be admitted: object and detail of the entry.
  std::vector<std::pair<std::string, Json>> admitted_;
  Rig rig_;
};

TEST_F(ReplayOfJournals, EverythingIsTheSameOnTheSameFile) {
  (void)visit("1");
  // A call that is tried again.
  auto calls = std::make_shared<int>(0);
  rig_.script().on("do-key", [calls](const ScriptedService::Call& call) {
    if ((*calls)++ == 0) return call.done(failed(OutcomeKind::transient, "vendor.away"));
    call.done(done(call.arguments));
  });
  const std::string again = begin("2");
  rig_.settle();
  rig_.advance_ms(60'000);
  EXPECT_EQ(rig_.wait_status(again, "waiting"), "waiting");
  // A crash while it waits.
  rig_.crash();
  rig_.start();
  pay("2");
  rig_.advance_ms(kRest);
  EXPECT_EQ(rig_.wait_status(again, "completed"), "completed");
  // One that failed, and that a person had go on.
  rig_.script().on("do-none", [](const ScriptedService::Call& call) {
    call.done(failed(OutcomeKind::permanent, "vendor.no"));
  });
  const std::string faulted = begin("3");
  EXPECT_EQ(rig_.wait_status(faulted, "waiting"), "waiting");
  pay("3");
  rig_.advance_ms(kRest);
  EXPECT_EQ(rig_.wait_status(faulted, "faulted"), "faulted");
  rig_.settle();
  EXPECT_EQ(classes(replay(file_of(kTasks))), (Counts{{"same", 3}}));
  rig_.script().on("do-none", {});
  ASSERT_TRUE(rig_.engine().retry(faulted, "user:o1", "the vendor is back").ok());
  EXPECT_EQ(rig_.wait_status(faulted, "completed"), "completed");
  rig_.settle();
  // One that was cancelled, and one that still waits.
  const std::string cancelled = begin("4");
  EXPECT_EQ(rig_.wait_status(cancelled, "waiting"), "waiting");
  ASSERT_TRUE(rig_.engine().cancel(cancelled, "user:o1", "booked twice").ok());
  EXPECT_EQ(rig_.wait_status(cancelled, "cancelled"), "cancelled");
  const std::string waits = begin("5");
  EXPECT_EQ(rig_.wait_status(waits, "waiting"), "waiting");
  rig_.settle();
  EXPECT_EQ(classes(replay(file_of(kTasks))), (Counts{{"same", 4}}));
  const Json all = replay(file_of(kTasks), {.instances = {.states = {"waiting", "completed"}}});
  EXPECT_EQ(classes(all), (Counts{{"same", 4}}));
  EXPECT_EQ(all["differences"].size(), 0U);
}

TEST_F(ReplayOfJournals, ADifferenceHasItsPlaceItsExamplesAndNoValue) {
  for (const char* id : {"1", "2", "3", "4"}) (void)visit(id);
  const Json node =
      replay(file_of(replaced(kTasks, "with: {id: '${ .id }', tags: '${ .tags }'}",
                              "with: {id: '${ .id }', tags: '${ .tags }', urgent: true}"),
                     "2.0.0"));
  EXPECT_EQ(node.int_or("instances", 0), 4);
  EXPECT_EQ(node.string_or("version", ""), "2.0.0");
  EXPECT_EQ(classes(node), (Counts{{"other-arguments", 4}}));
  ASSERT_EQ(node["differences"].size(), 1U) << node.dump_pretty();
  const Json& item = node["differences"][0];
  EXPECT_EQ(item.int_or("count", 0), 4);
  EXPECT_EQ(item["examples"].size(), 3U);
  EXPECT_EQ(item.string_or("reference", ""), "/do/1/first/try/0/ask") << item.dump();
  EXPECT_EQ(item.string_or("role", ""), "script");
  EXPECT_EQ(item.string_or("action", ""), "do-key");
  EXPECT_EQ(item["members"].dump(), R"(["urgent"])");
  // Members that data has named are not shown.
  const Json by_data = replay(file_of(
      replaced(kTasks, "with: {id: '${ .id }', tags: '${ .tags }'}", "with: '${ .tags }'")));
  EXPECT_EQ(classes(by_data), (Counts{{"other-arguments", 4}}));
  EXPECT_EQ(by_data["differences"][0]["members"].dump(), R"(["id","tags"])");
}

TEST_F(ReplayOfJournals, NothingIsCalledOrWritten) {
  (void)visit("1");
  const std::size_t calls = rig_.script().count();
  const auto before = rig_.engine().stats();
  (void)replay(file_of(kTasks));
  (void)replay(file_of("  - first: {call: 'do-key:1.0.0@script', with: {id: 9}}\n"));
  rig_.settle();
  EXPECT_EQ(rig_.script().count(), calls);
  EXPECT_EQ(rig_.engine().stats().turns, before.turns);
  EXPECT_EQ(rig_.engine().stats().started, before.started);
  EXPECT_EQ(rig_.engine().workflows()->size(), 1U);
}

TEST_F(ReplayOfJournals, NothingIsReadThatIsNotAdmitted) {
  (void)visit("1");
  (void)replay(file_of(kTasks));
  ASSERT_EQ(admitted_.size(), 1U);
  EXPECT_EQ(admitted_[0].first, "workflow:visit@1.0.0");
  EXPECT_EQ(admitted_[0].second.int_or("instances", 0), 1);
  EXPECT_EQ(admitted_[0].second.string_or("sha256", ""), to_hex(crypto::sha256(file_of(kTasks))));
  const auto refused = rig_.engine().replay(
      {"new.yaml", file_of(kTasks)}, {},
      [](const std::string&, const Json&) -> Status { return denied("phi.break_glass", "no"); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "phi.break_glass");
}

// Symptom: a replay showed telephones beside ids of instances. Cause: names that data made were
// shown where they stood anywhere in the new file, such as in a list of candidates.
TEST_F(ReplayOfJournals, ANameThatDataMadeIsNotShownBecauseTheNewFileHasIt) {
  (void)visit("1");
  const std::string key = "($workflow.input[0].data.tags | keys | .[0])";
  const Json output =
      replay(file_of(kTasks + "  - shape: {set: '${ {" + key + ": 1} }'}\n# " + kCanary + " id\n"));
  EXPECT_EQ(classes(output), (Counts{{"other-output", 1}}));
  const Json arguments =
      replay(file_of(replaced(kTasks, "with: {id: '${ .id }', tags: '${ .tags }'}",
                              "with: '${ {" + key + ": 1, id: .id, canary: 2} }'") +
                     "# " + kCanary + " canary\n"));
  EXPECT_EQ(classes(arguments), (Counts{{"other-arguments", 1}}));
  EXPECT_EQ(arguments["differences"][0]["members"].dump(), R"(["tags"])");
}

// The same by the type, the status and the place of an error.
TEST_F(ReplayOfJournals, AnErrorThatDataMadeIsNotShown) {
  (void)visit("1");
  const std::string key = "($workflow.input[0].data.tags | keys | .[0])";
  const std::string errors = std::string("use: {errors: {one: {type: 'https://example.org/") +
                             kCanary + "', status: 500}}}\ndo:\n";
  const Json item = replay(
      replaced(file_of(kTasks + "  - boo: {raise: {error: {type: '${ \"https://example.org/\" + " +
                       key + " }', status: '${ " + key + " | .[7:] | tonumber }'}}}\n"),
               "do:\n", errors));
  EXPECT_EQ(classes(item), (Counts{{"faults", 1}}));
  EXPECT_EQ(item["differences"][0].string_or("task", ""), "boo");
  const Json& error = item["differences"][0]["error"];
  EXPECT_EQ(error.string_or("code", ""), "error");
  EXPECT_EQ(error.find("status"), nullptr) << error.dump();
  // Number of the iteration: 47, by the data.
  const Json loop = replay(file_of(
      kTasks + "  - spin: {for: {each: i, in: '${ [range(60)] }'}, do: [{boo: {if: '${ $i == (" +
      key +
      " | .[7:9] | tonumber) }', raise: {error: {type: 'https://example.org/no', status: "
      "422}}}}]}\n"));
  EXPECT_EQ(classes(loop), (Counts{{"faults", 1}}));
  const Json& difference = loop["differences"][0];
  EXPECT_EQ(difference["error"].string_or("code", ""), "no");
  EXPECT_EQ(difference["error"].int_or("status", 0), 422);
  for (const std::string& text :
       {difference.string_or("reference", ""), difference["error"].string_or("reference", ""),
        difference["error"].string_or("task", "")}) {
    EXPECT_EQ(text.find("47"), std::string::npos) << text;
    EXPECT_NE(text.find("boo"), std::string::npos) << text;
  }
}

// Symptom: a replay told the values of workflow_secrets. Cause: the new file was given them.
TEST_F(ReplayOfJournals, SecretsArePlaceholdersInBothFiles) {
  rig_.crash();
  rig_.secrets["gw"] = std::make_shared<SecretBytes>(std::string_view(kCanary));
  rig_.start();
  const auto keyed = [](const std::string& tasks, const std::string& more = {}) {
    return "document: {dsl: '1.0.3', namespace: test, name: keyed, version: '1.0.0'}\nuse: "
           "{secrets: [gw]}\nschedule: {on: {one: {with: {type: test.keyed.v1}}}}\n" +
           more + "do:\n" + tasks;
  };
  const std::string ask =
      "  - ask: {call: 'do-key:1.0.0@script', with: {key: '${ \"key \" + $secrets.gw }'}}\n";
  rig_.deploy(keyed(ask));
  // The other side sends it back.
  rig_.script().on("do-key",
                   [](const ScriptedService::Call& call) { call.done(done(call.arguments)); });
  const std::string instance = rig_.send("test.keyed.v1", Json::object()).at(0);
  EXPECT_EQ(rig_.wait_status(instance, "completed"), "completed");
  rig_.settle();
  EXPECT_EQ(classes(replay(keyed(ask))), (Counts{{"same", 1}}));
  const std::string asks_it =
      "      switch:\n        - yes: {when: '${ tostring | contains(\"canary\") }', then: boo}\n"
      "        - no: {then: end}\n"
      "  - boo: {raise: {error: {type: 'https://example.org/no', status: 422}}}\n";
  const Json of_journal = replay(keyed(ask + "  - is:\n" + asks_it));
  EXPECT_EQ(classes(of_journal), (Counts{{"same", 1}}));
  const Json of_new =
      replay(keyed("  - is:\n" + asks_it, "input: {from: '${ {s: $secrets.gw} }'}\n"));
  EXPECT_EQ(classes(of_new), (Counts{{"fewer-calls", 1}}));
}

// Symptom: one instance ran for 106 s, and everybody else was told to wait. Cause: the time was
// looked at between instances alone.
TEST_F(ReplayOfJournals, TheTimeOfAnInstanceAndOfAllIsLimited) {
  (void)visit("1");
  const std::string heavy = file_of(
      "  - b: {for: {each: i, in: '${ [range(1;1900)] }'}, do: [{c: {set: {x: '${ "
      "[range(1;200000)] | length }'}}}]}\n");
  const auto timed = [&](std::int64_t step) {
    std::atomic<bool> over = false;
    std::thread passes([&] {
      while (!test::eventually([&] { return over.load(); }, std::chrono::milliseconds(1'500)))
        rig_.clock().advance_ms(step);
    });
    const auto begun = std::chrono::steady_clock::now();
    const Json node = replay(heavy);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60));
    over = true;
    passes.join();
    return node;
  };
  const Json item = timed(2'100);
  EXPECT_EQ(classes(item), (Counts{{"cut", 1}}));
  EXPECT_EQ(item["differences"][0].string_or("code", ""), "engine.replay_time");
  const Json all = timed(8'000);
  EXPECT_EQ(all.int_or("instances", -1), 0);
  EXPECT_TRUE(all.bool_or("more", false));
}

TEST_F(ReplayOfJournals, TheFilterAndTheLimitSayWhichInstances) {
  for (const char* id : {"1", "2", "3"}) (void)visit(id);
  const Json two = replay(file_of(kTasks), {.instances = {}, .limit = 2});
  EXPECT_EQ(two.int_or("instances", 0), 2);
  EXPECT_TRUE(two.bool_or("more", false));
  const Json later =
      replay(file_of(kTasks), {.instances = {.since = Timestamp{rig_.clock().now().ms + 1}}});
  EXPECT_EQ(later.int_or("instances", -1), 0);
  EXPECT_FALSE(later.bool_or("more", true));
  // A workflow that has another name now.
  const std::string renamed = replaced(file_of(kTasks), "name: visit", "name: consultation");
  EXPECT_EQ(replay(renamed).int_or("instances", -1), 0);
  EXPECT_EQ(classes(replay(renamed, {.instances = {.workflow = "visit"}})), (Counts{{"same", 3}}));
  EXPECT_EQ(classes(replay(replaced(file_of(kTasks), "test.start.v1", "test.begin.v1"))),
            (Counts{{"not-started", 3}}));
}

TEST_F(ReplayOfJournals, AFileThatApplyRefusesIsRefused) {
  const auto refused =
      rig_.engine().replay({"new.yaml", file_of("  - x: {call: 'missing:1.0.0@script'}\n")}, {},
                           [](const std::string&, const Json&) { return ok_status(); });
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(refused.error().message.starts_with("new.yaml:")) << refused.error().message;
}

TEST_F(ReplayOfJournals, AnInstanceWhoseKeyIsGoneIsCounted) {
  const std::string gone = visit("1");
  (void)visit("2");
  const Status removed = rig_.store().write([](store::Transaction& transaction) {
    static constexpr store::Statement kRemove{
        "DELETE FROM journal WHERE instance = (SELECT MIN(num) FROM instance)"};
    transaction.put(kRemove, {});
    return ok_status();
  });
  ASSERT_TRUE(removed.ok());
  const Json item = replay(file_of(kTasks));
  EXPECT_EQ(classes(item), (Counts{{"same", 1}, {"cut", 1}}));
  EXPECT_EQ(item["differences"][0].string_or("code", ""), "engine.journal_gone");
  EXPECT_EQ(item["differences"][0]["examples"][0].as_string(), gone);
}

}  // namespace
}  // namespace rabt::engine::replay_test
