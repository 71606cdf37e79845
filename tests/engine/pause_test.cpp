#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

#include "tests/engine/rig.hpp"
#include "tests/must.hpp"

// A role that a person pauses while its side is down.
namespace rabt::engine::pause_test {
namespace {

using rabt::test::must;
using workflow::OutcomeKind;

std::string workflow_of(const std::string& tasks, const std::string& more = {}) {
  return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n" + more +
         "schedule: {on: {one: {with: {type: test.start.v1}}}}\ninput: {from: '${ .[0].data "
         "}'}\ndo:\n" +
         tasks;
}
constexpr const char* kOneCall =
    "  - claim: {call: 'do-none:1.0.0@script', with: {n: '${ .n }'}}\n";

class Pause : public testing::Test {
 protected:
  std::string begin(int n) { return rig_.send("test.start.v1", Json::object({{"n", n}})).at(0); }
  Result<RolePause> pause(std::optional<Timestamp> until = {}, const std::string& digest = {}) {
    return rig_.engine().pause_role("script", until, digest, {"user:test", "the payer is down"});
  }
  Result<std::int64_t> resume() {
    return rig_.engine().resume_role("script", {"user:test", "the payer is back"});
  }
  [[nodiscard]] std::int64_t held() {
    const auto all = rig_.engine().paused_roles();
    return all.empty() ? -1 : all.front().held;
  }
  [[nodiscard]] Timestamp in_hours(std::int64_t hours) {
    return {rig_.clock().now().ms + hours * 3'600'000};
  }
  [[nodiscard]] std::string state_of(const std::string& id) {
    return must(rig_.engine().instance(id))["timeline"][0].string_or("state", "");
  }

  Rig rig_;
};

TEST_F(Pause, CallsAreHeldAndGoOnInTheirOrder) {
  rig_.deploy(workflow_of(kOneCall));
  must(pause());
  std::vector<std::string> ids;
  for (int n = 0; n < 3; ++n) {
    ids.push_back(begin(n));
    rig_.settle();
  }
  rig_.advance_ms(120'000);
  EXPECT_EQ(rig_.script().count(), 0U);
  EXPECT_EQ(held(), 3);
  EXPECT_EQ(state_of(ids[0]), "paused");
  EXPECT_EQ(must(rig_.engine().instance(ids[0])).string_or("paused", ""), "script/do-none");
  EXPECT_EQ(must(rig_.engine().instances({}, 10)).back().paused, "script/do-none");
  EXPECT_EQ(must(resume()), 3);
  // New work comes before what was held, which goes on one by one.
  rig_.settle();
  EXPECT_EQ(rig_.script().count(), 1U);
  const std::string later = begin(7);
  ASSERT_EQ(rig_.wait_status(later, "completed"), "completed");
  EXPECT_EQ(rig_.script().count(), 2U);
  for (int n = 0; n < 3; ++n) rig_.advance_ms(kGoOnMs);
  for (const std::string& id : ids) EXPECT_EQ(rig_.status(id), "completed");
  EXPECT_EQ(rig_.engine().stats().resends, 0U) << "no try is counted";
  const auto keys = rig_.script().keys("do-none");
  ASSERT_EQ(keys.size(), 4U);
  EXPECT_TRUE(keys[0].starts_with(ids[0]) && keys[2].starts_with(ids[1]) &&
              keys[3].starts_with(ids[2]));
}

TEST_F(Pause, TheOldestDeadlineGoesOnFirst) {
  rig_.deploy(
      workflow_of("  - claim:\n      call: do-none:1.0.0@script\n      with: {n: '${ .n }'}\n"
                  "      metadata: {rabt: {usefulUntil: '${ .until }'}}\n"));
  must(pause());
  std::vector<std::string> ids;
  for (int n = 0; n < 3; ++n) {
    const Json data = Json::object({{"n", n}, {"until", to_iso8601(in_hours(9 - n))}});
    ids.push_back(rig_.send("test.start.v1", data).at(0));
    rig_.settle();
  }
  EXPECT_EQ(must(resume()), 3);
  for (int n = 0; n < 3; ++n) rig_.advance_ms(kGoOnMs);
  const auto keys = rig_.script().keys("do-none");
  ASSERT_EQ(keys.size(), 3U);
  for (std::size_t n = 0; n < 3; ++n) EXPECT_TRUE(keys[n].starts_with(ids[2 - n]));
}

TEST_F(Pause, ACallThatIsUnderWayGoesOn) {
  std::promise<ScriptedService::Call> called;
  rig_.script().on("do-none",
                   [&](ScriptedService::Call call) { called.set_value(std::move(call)); });
  rig_.deploy(workflow_of(kOneCall));
  const std::string id = begin(1);
  ScriptedService::Call open = called.get_future().get();
  must(pause());
  open.done(done());
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
}

TEST_F(Pause, OutlivesARestart) {
  rig_.deploy(workflow_of(kOneCall));
  must(pause(in_hours(5)));
  const std::string id = begin(1);
  rig_.settle();
  rig_.crash();
  rig_.start();
  rig_.settle();
  EXPECT_EQ(rig_.script().count(), 0U);
  EXPECT_EQ(held(), 1);
  EXPECT_EQ(rig_.engine().paused_roles().front().until, in_hours(5));
  EXPECT_EQ(rig_.engine().paused_roles().front().by, "user:test");
  EXPECT_EQ(rig_.status(id), "running") << "nobody is asked about a call that never left";
  EXPECT_EQ(must(resume()), 1);
  rig_.settle();
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
}

TEST_F(Pause, NoTimeOfARetryPasses) {
  rig_.script().on("do-key", [](ScriptedService::Call call) {
    call.done(failed(OutcomeKind::transient, "vendor.away"));
  });
  rig_.deploy(
      workflow_of("  - again:\n      try:\n        - claim: {call: 'do-key:1.0.0@script'}\n"
                  "      catch: {retry: {delay: PT1M, limit: {duration: PT10M}}}\n"));
  const std::string id = begin(1);
  ASSERT_TRUE(rig_.script().wait_for("do-key", 1));
  rig_.settle();
  must(pause());
  rig_.advance_ms(60'000);
  EXPECT_EQ(held(), 1) << "the retry is held";
  rig_.advance_ms(2LL * 3'600'000);
  rig_.crash();
  rig_.start();
  rig_.settle();
  must(resume());
  rig_.settle();
  ASSERT_TRUE(rig_.script().wait_for("do-key", 2));
  rig_.settle();
  EXPECT_EQ(rig_.status(id), "waiting") << "it failed again, and is tried again";
  rig_.script().on("do-key", [](ScriptedService::Call call) { call.done(done()); });
  rig_.crash();
  rig_.start();
  rig_.advance_ms(60'000);
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
}

TEST_F(Pause, EndsByItself) {
  rig_.deploy(workflow_of(kOneCall));
  must(pause(in_hours(2)));
  const std::string id = begin(1);
  rig_.settle();
  rig_.advance_ms(3'600'000);
  EXPECT_EQ(held(), 1);
  rig_.advance_ms(2LL * 3'600'000);
  rig_.settle();
  EXPECT_TRUE(rig_.engine().paused_roles().empty());
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
}

TEST_F(Pause, ListsWhatWouldComeTooLateAndAsks) {
  rig_.deploy(
      workflow_of("  - wait: {wait: PT30M}\n"
                  "  - claim: {call: 'do-none:1.0.0@script', timeout: {after: PT5M}}\n",
                  "timeout: {after: PT1H}\n"));
  const std::string id = begin(1);
  rig_.settle();
  EXPECT_TRUE(must(rig_.engine().preview_pause("script", Timestamp{rig_.clock().now().ms + 60'000}))
                  .late.empty());
  const PausePreview preview = must(rig_.engine().preview_pause("script", in_hours(2)));
  ASSERT_EQ(preview.late.size(), 1U);
  EXPECT_EQ(preview.late[0].instance, id);
  EXPECT_EQ(preview.late[0].deadline.kind, "timeout");
  const auto refused = pause(in_hours(2));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "role.pause_late");
  EXPECT_EQ(pause(in_hours(2), std::string(64, '0')).error().code, "role.pause_late");
  EXPECT_TRUE(rig_.engine().paused_roles().empty());
  EXPECT_TRUE(pause(in_hours(2), preview.digest).ok());
}

TEST_F(Pause, ACallOfNoUseAnyMoreIsNotSent) {
  rig_.deploy(
      workflow_of("  - claim:\n      call: do-none:1.0.0@script\n"
                  "      metadata: {rabt: {usefulUntil: '${ .until }'}}\n"));
  const std::string id =
      rig_.send("test.start.v1", Json::object({{"until", to_iso8601(in_hours(1))}})).at(0);
  rig_.script().wait_for("do-none", 1);
  ASSERT_EQ(rig_.wait_status(id, "completed"), "completed");
  must(pause());
  const std::string late =
      rig_.send("test.start.v1", Json::object({{"until", to_iso8601(in_hours(1))}})).at(0);
  rig_.settle();
  EXPECT_EQ(must(rig_.engine().preview_pause("script", in_hours(2))).late.size(), 1U);
  rig_.advance_ms(2LL * 3'600'000);
  must(resume());
  rig_.settle();
  EXPECT_EQ(rig_.wait_status(late, "faulted"), "faulted");
  EXPECT_EQ(rig_.script().count(), 1U);
  EXPECT_EQ(must(rig_.engine().instance(late))["error"].string_or("title", ""),
            "engine.paused_late");
}

TEST_F(Pause, RefusesWhatCannotBePaused) {
  const Asked asked{"user:test", "no reason"};
  Engine& engine = rig_.engine();
  EXPECT_EQ(engine.pause_role("video", {}, "", asked).error().code, "role.not_pausable");
  EXPECT_EQ(engine.pause_role("session", {}, "", asked).error().code, "role.not_pausable");
  EXPECT_EQ(engine.pause_role("nobody", {}, "", asked).error().code, "role.unknown");
  EXPECT_EQ(resume().error().code, "role.not_paused");
  must(pause());
  EXPECT_EQ(pause().error().code, "role.paused");
  EXPECT_EQ(must(resume()), 0);
  EXPECT_EQ(resume().error().code, "role.not_paused");
}

}  // namespace
}  // namespace rabt::engine::pause_test
