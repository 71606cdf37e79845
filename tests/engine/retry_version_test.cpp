#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/engine/rig.hpp"

// A faulted instance that goes on with another version of its workflow.
namespace rabt::engine::retry_version_test {
namespace {

using workflow::OutcomeKind;

std::string workflow_of(const std::string& version, const std::string& tasks) {
  return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '" + version +
         "'}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ninput: {from: '${ .[0].data "
         "}'}\ndo:\n" +
         tasks;
}
const std::string kFirst = "  - first: {call: 'do-native:1.0.0@script', with: {n: '${ .n }'}}\n";
const std::string kBroken =
    kFirst + "  - second: {call: 'do-key:1.0.0@script', with: {n: '${ .n }'}}\n";
const std::string kMended =
    kFirst + "  - second: {call: 'do-key:1.0.0@script', with: {n: '${ .n }', code: A}}\n" +
    "  - third: {call: 'do-none:1.0.0@script', with: {n: 1}}\n  - close: {set: {n: 99}}\n";
const std::string kInserted =
    kFirst + "  - extra: {call: 'look:1.0.0@script', with: {n: 1}}\n" +
    "  - second: {call: 'do-key:1.0.0@script', with: {n: '${ .n }', code: A}}\n";

class RetryVersion : public testing::Test {
 protected:
  // The outside system takes a call of `second` only if it has a code.
  void SetUp() override {
    needs_code();
    rig_.deploy(workflow_of("1.0.0", kBroken));
    id_ = rig_.send("test.start.v1", Json::object({{"n", 4711}})).at(0);
    ASSERT_EQ(rig_.wait_status(id_, "faulted"), "faulted");
    rig_.settle();
  }
  void needs_code() {
    rig_.script().on("do-key", [](const ScriptedService::Call& call) {
      if (call.arguments.find("code") == nullptr)
        return call.done(failed(OutcomeKind::permanent, "vendor.no_code"));
      call.done(done(call.arguments));
    });
  }
  Status retry(const std::string& version) {
    return rig_.engine().retry(id_, "user:test", "the file was mended", {}, version);
  }
  std::string refusal(const std::string& version) {
    const Status retried = retry(version);
    return retried.ok() ? "" : retried.error().code;
  }
  std::string version() { return rig_.engine().instance(id_).value().string_or("version", ""); }
  std::size_t listed(const std::string& version) {
    return rig_.engine().instances({.version = version}, 10).value().size();
  }
  // Classes of a replay of all instances on a file.
  std::map<std::string, std::int64_t> replayed(const std::string& yaml) {
    const auto made = rig_.engine().replay(
        {"new.yaml", yaml}, {}, [](const std::string&, const Json&) { return ok_status(); });
    EXPECT_TRUE(made.ok()) << made.error().message;
    std::map<std::string, std::int64_t> out;
    if (!made.ok()) return out;
    for (const Json& item : (*made)["classes"].as_array())
      out[item.string_or("class", "")] = item.int_or("count", 0);
    return out;
  }
  using Classes = std::map<std::string, std::int64_t>;

  Rig rig_;
  std::string id_;
};

TEST_F(RetryVersion, AVersionWhoseFailingTaskWasMendedIsTaken) {
  ASSERT_TRUE(retry("").ok());
  rig_.settle();
  ASSERT_EQ(rig_.wait_status(id_, "faulted"), "faulted") << "its own version fails again";
  rig_.settle();
  rig_.deploy(workflow_of("1.1.0", kMended));
  EXPECT_EQ(listed("1.1.0"), 0U);
  const Status retried = retry("newest");
  ASSERT_TRUE(retried.ok()) << retried.error().message;
  ASSERT_EQ(rig_.wait_status(id_, "completed"), "completed");
  EXPECT_EQ(rig_.output(id_).int_or("n", 0), 99);
  EXPECT_EQ(rig_.script().count("do-native"), 1U) << "what was done is not done again";
  const auto keys = rig_.script().keys("do-key");
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 1U);
  const Json shown = rig_.engine().instance(id_).value();
  EXPECT_EQ(shown.string_or("version", ""), "1.1.0");
  ASSERT_EQ(shown["timeline"].size(), 4U) << "one timeline";
  EXPECT_EQ(shown["timeline"][1].int_or("attempts", 0), 3);
  EXPECT_EQ(listed("1.0.0"), 0U);
  EXPECT_EQ(listed("1.1.0"), 1U);
  EXPECT_EQ(replayed(workflow_of("1.1.0", kMended)), (Classes{{"same", 1}}));
  const std::string graph = rig_.engine().instance_graph(id_).value().dump();
  EXPECT_NE(graph.find("close"), std::string::npos) << "the graph of the new version";
}

TEST_F(RetryVersion, AVersionWithATaskInsertedBeforeTheFailedOneIsRefused) {
  rig_.deploy(workflow_of("1.1.0", kMended));
  rig_.deploy(workflow_of("1.2.0", kInserted));
  const Status refused = retry("newest");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "engine.retry_version");
  const std::string& message = refused.error().message;
  EXPECT_NE(message.find("version 1.2.0"), std::string::npos) << message;
  EXPECT_NE(message.find("task extra (script look) at /do/1/extra"), std::string::npos) << message;
  EXPECT_EQ(message.find("4711"), std::string::npos) << message;
  EXPECT_EQ(rig_.status(id_), "faulted");
  EXPECT_EQ(version(), "1.0.0");
  EXPECT_EQ(rig_.script().count("look"), 0U);
  EXPECT_EQ(refusal("9.0.0"), "engine.workflow");
  ASSERT_TRUE(retry("1.1.0").ok()) << "the version that is named, though another one is active";
  EXPECT_EQ(rig_.wait_status(id_, "completed"), "completed");
  EXPECT_EQ(version(), "1.1.0");
}

TEST_F(RetryVersion, TheNewVersionHoldsOverCrashesAndTheNextRetry) {
  rig_.deploy(workflow_of("1.1.0", kMended));
  rig_.script().on("do-key", [](const ScriptedService::Call& /*call*/) {});
  ASSERT_TRUE(retry("newest").ok());
  ASSERT_TRUE(rig_.script().wait_for("do-key", 2));
  rig_.crash();
  needs_code();
  rig_.script().on("do-none", [](const ScriptedService::Call& call) {
    call.done(failed(OutcomeKind::transient, "vendor.away"));
  });
  rig_.start();
  ASSERT_EQ(rig_.wait_status(id_, "faulted"), "faulted") << "at the task that 1.0.0 has not";
  rig_.settle();
  EXPECT_EQ(rig_.script().count("do-none"), 1U);
  rig_.crash();
  rig_.script().on("do-none", {});
  rig_.start();
  EXPECT_EQ(version(), "1.1.0");
  ASSERT_TRUE(retry("").ok());
  ASSERT_EQ(rig_.wait_status(id_, "completed"), "completed");
  rig_.settle();
  rig_.crash();
  rig_.start();
  EXPECT_EQ(rig_.output(id_).int_or("n", 0), 99);
  EXPECT_EQ(version(), "1.1.0");
  const Json shown = rig_.engine().instance(id_).value();
  EXPECT_EQ(shown["timeline"].size(), 4U);
  EXPECT_EQ(replayed(workflow_of("1.1.0", kMended)), (Classes{{"same", 1}}));
  std::set<std::string> ids;
  const Json events = rig_.engine().lifecycle(id_).value();
  for (const Json& event : events.as_array()) ids.insert(event.string_or("id", ""));
  EXPECT_EQ(ids.size(), events.size());
}

// The instance leaves its version as it was when the retry cannot be stored.
TEST_F(RetryVersion, ARetryThatIsNotDurableChangesNoVersion) {
  rig_.deploy(workflow_of("1.1.0", kMended));
  rig_.faults().refuse_submit(1);
  EXPECT_EQ(refusal("newest"), "store.full");
  rig_.settle();
  EXPECT_EQ(rig_.status(id_), "faulted");
  EXPECT_EQ(version(), "1.0.0");
  ASSERT_TRUE(retry("1.1.0").ok());
  EXPECT_EQ(rig_.wait_status(id_, "completed"), "completed");
}

}  // namespace
}  // namespace rabt::engine::retry_version_test
