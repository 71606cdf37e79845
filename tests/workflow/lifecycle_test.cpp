#include "hub/workflow/run/lifecycle.hpp"

#include <gtest/gtest.h>

#include <set>

#include "harness.hpp"

namespace rabt::workflow::lifecycle_test {
namespace {

using Texts = std::vector<std::string>;

// Plays and collects the lifecycle events of every turn.
struct Watch {
  explicit Watch(std::string_view body, const Json& input = {})
      : definition(parsed(body)), run(definition, input) {
    look();
  }
  void look() {
    const std::vector<Json> more = lifecycle_events(
        *definition, {"01J0000000000000000000TEST", turn++, run.inputs.back(), run.last});
    events.insert(events.end(), more.begin(), more.end());
  }
  // "workflow.started", "task.created /do/0/a", in order
  [[nodiscard]] Texts sequence() const {
    Texts out;
    for (const Json& event : events) {
      std::string type = event["type"].as_string();
      EXPECT_TRUE(type.starts_with("io.serverlessworkflow.") && type.ends_with(".v1")) << type;
      type = type.substr(22, type.size() - 25);
      const Json& task = event["data"]["task"];
      out.push_back(task.is_string() ? type + ' ' + task.as_string() : type);
    }
    return out;
  }
  std::shared_ptr<const Definition> definition;
  Play run;
  std::uint64_t turn = 0;
  std::vector<Json> events;
};

TEST(Lifecycle, AWorkflowThatCompletes) {
  Watch watch(
      "do:\n  - a: {call: x:1.0.0@r}\n  - no: {if: false, set: {c: 1}}\n  - b: {set: {c: 1}}\n");
  watch.run.done(watch.run.only<CallAction>());
  watch.look();
  EXPECT_EQ(watch.sequence(),
            (Texts{"workflow.started", "task.created /do/0/a", "task.started /do/0/a",
                   "task.completed /do/0/a", "task.created /do/2/b", "task.started /do/2/b",
                   "task.completed /do/2/b", "workflow.completed"}));
  EXPECT_EQ(
      watch.events[0].dump(),
      R"({"specversion":"1.0","id":"01J0000000000000000000TEST/0/0","source":"/test/sample/1.0.0",)"
      R"("type":"io.serverlessworkflow.workflow.started.v1","subject":"01J0000000000000000000TEST",)"
      R"("time":"2026-03-08T20:00:00.000Z","datacontenttype":"application/json","data":{)"
      R"("name":"sample-01J0000000000000000000TEST.test","definition":{"name":"sample",)"
      R"("namespace":"test","version":"1.0.0"},"startedAt":"2026-03-08T20:00:00.000Z"}})");
  EXPECT_EQ(
      watch.events[3]["data"].dump(),
      R"({"workflow":"sample-01J0000000000000000000TEST.test","task":"/do/0/a","completedAt":"2026-03-08T20:00:00.000Z"})");
  EXPECT_EQ(watch.events[3]["id"].as_string(), "01J0000000000000000000TEST/1/0");
  EXPECT_EQ(watch.events.back()["data"]["outputUri"].as_string(),
            "/api/v1/instances/01J0000000000000000000TEST");
  std::set<std::string> ids;
  for (const Json& event : watch.events) ids.insert(event["id"].as_string());
  EXPECT_EQ(ids.size(), watch.events.size());
}

TEST(Lifecycle, CorrelationRetryTimeoutAndFault) {
  Watch watch(R"(
do:
  - told: {listen: {to: {one: {with: {type: t}}}}}
  - safe:
      try: [{c: {call: c:1.0.0@r}}]
      catch: {retry: {delay: PT1S, limit: {attempt: {count: 1}}}}
)");
  watch.run.offer(event("t", Json("patient name")));
  watch.look();
  watch.run.failed(watch.run.only<CallAction>(), OutcomeKind::transient);
  watch.look();
  watch.run.fire(watch.run.only<StartTimer>());
  watch.look();
  watch.run.failed(watch.run.only<CallAction>(), OutcomeKind::transient);
  watch.look();
  EXPECT_EQ(
      watch.sequence(),
      (Texts{"workflow.started", "task.created /do/0/told", "task.started /do/0/told",
             "workflow.correlation-started", "workflow.correlation-completed",
             "task.completed /do/0/told", "task.created /do/1/safe", "task.started /do/1/safe",
             "task.created /do/1/safe/try/0/c", "task.started /do/1/safe/try/0/c",
             "task.faulted /do/1/safe/try/0/c", "task.retried /do/1/safe",
             "task.created /do/1/safe/try/0/c", "task.started /do/1/safe/try/0/c",
             "task.faulted /do/1/safe/try/0/c", "task.faulted /do/1/safe", "workflow.faulted"}));
  EXPECT_EQ(
      watch.events.back()["data"].dump(),
      R"({"name":"sample-01J0000000000000000000TEST.test","error":{)"
      R"("type":"https://open-workflow-specification.org/spec/1.0.0/errors/communication","status":503,)"
      R"("title":"vendor.down","instance":"/do/1/safe/try/0/c"},"faultedAt":"2026-03-08T20:00:01.000Z"})");
}

TEST(Lifecycle, ARaceAndACancellation) {
  Watch watch(R"(
do:
  - race:
      fork:
        compete: true
        branches: [{l: {wait: PT1H}}, {r: {call: r:1.0.0@r}}]
  - w: {wait: PT1H}
)");
  watch.run.done(watch.run.only<CallAction>());
  watch.look();
  watch.run.send(Cancel{"a reason with a patient's name"});
  watch.look();
  EXPECT_EQ(
      watch.sequence(),
      (Texts{
          "workflow.started", "task.created /do/0/race", "task.started /do/0/race",
          "task.created /do/0/race/fork/branches/0/l", "task.started /do/0/race/fork/branches/0/l",
          "task.created /do/0/race/fork/branches/1/r", "task.started /do/0/race/fork/branches/1/r",
          "task.completed /do/0/race/fork/branches/1/r",
          "task.cancelled /do/0/race/fork/branches/0/l", "task.completed /do/0/race",
          "task.created /do/1/w", "task.started /do/1/w", "task.cancelled /do/1/w",
          "workflow.cancelled"}));
}

TEST(Lifecycle, NoEventHoldsData) {
  Watch watch(R"(
do:
  - a: {call: a:1.0.0@r, with: {name: '${ .name }'}, metadata: {rabt: {compensate: {call: u:1.0.0@r, with: {n: '${ .out }'}}}}}
  - told: {listen: {to: {one: {with: {type: t}, correlate: {k: {from: .data, expect: '${ $input.out }'}}}}}}
  - b: {raise: {error: {type: https://x/y, status: 500, title: '${ $workflow.input.name }', detail: SECRET}}}
)",
              json(R"({"name":"SECRET"})"));
  watch.run.done(watch.run.only<CallAction>(), json(R"({"out":"SECRET"})"));
  watch.look();
  watch.run.offer(event("t", Json("SECRET")));
  watch.look();
  watch.run.done(watch.run.only<CallAction>());
  watch.look();
  EXPECT_EQ(watch.sequence().back(), "workflow.faulted");
  EXPECT_EQ(watch.events.back()["data"]["error"].dump(),
            R"({"type":"https://x/y","status":500,"instance":"/do/2/b"})");
  for (const Json& item : watch.events)
    EXPECT_EQ(item.dump().find("SECRET"), std::string::npos) << item.dump();
}

TEST(Lifecycle, ALateInputMakesNoEvents) {
  Watch watch("do:\n  - a: {wait: PT1H}\n");
  const std::size_t before = watch.events.size();
  watch.run.send(TimerFired{99});
  watch.look();
  EXPECT_EQ(watch.events.size(), before);
}

TEST(Lifecycle, SuspensionNamesTheTasks) {
  const auto definition = parsed("do:\n  - a: {wait: PT1H}\n");
  const std::vector<Json> events =
      suspension_events(*definition, "X", 4, {1'773'000'000'000}, true, {"/do/0/a"});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["type"].as_string(), "io.serverlessworkflow.workflow.suspended.v1");
  EXPECT_EQ(events[0]["data"].dump(),
            R"({"name":"sample-X.test","suspendedAt":"2026-03-08T20:00:00.000Z"})");
  EXPECT_EQ(
      events[1]["data"].dump(),
      R"({"workflow":"sample-X.test","task":"/do/0/a","suspendedAt":"2026-03-08T20:00:00.000Z"})");
  EXPECT_EQ(suspension_events(*definition, "X", 5, {0}, false, {})[0]["type"].as_string(),
            "io.serverlessworkflow.workflow.resumed.v1");
}

}  // namespace
}  // namespace rabt::workflow::lifecycle_test
