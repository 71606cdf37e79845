#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "tests/api/rig.hpp"

// Response times for an operator of a hub with a hundred thousand instances, one of them with a
// long timeline. Prints the times; fails from one second on, several times the wanted time.
namespace rabt::api::many_instances_test {
namespace {

using engine::ScriptedService;
using workflow::OutcomeKind;

constexpr int kInstances = 100'000;
// A turn starts as many tasks, the loop among them.
constexpr int kRows = 9'900;
constexpr double kMostMs = 1'000;

std::string file_of(const std::string& name, const std::string& tasks) {
  return "document: {dsl: '1.0.3', namespace: test, name: " + name +
         ", version: '1.0.0', metadata: {rabt: {businessKey: '${ .visit }'}}}\nschedule: {on: "
         "{one: {with: {type: test." +
         name + ".v1}}}}\ninput: {from: '${ .[0].data }'}\ndo:\n" + tasks;
}

class SlowManyInstances : public testing::Test {
 protected:
  // The median of five, in milliseconds.
  double ms_of(const std::string& method, const std::string& path, const std::string& sent = {}) {
    std::vector<double> times;
    for (int i = 0; i < 5; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      const http::Response answer = api_.api(method, path, sent, {{"x-rabt-reason", "test"}});
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begin;
      EXPECT_EQ(answer.status, 200) << path << ": " << answer.body.substr(0, 300);
      last_ = answer.status == 200 ? json(answer) : Json::object();
      times.push_back(took.count());
    }
    std::sort(times.begin(), times.end());
    std::printf("%8.1f ms  %s %s\n", times[2], method.c_str(), path.c_str());
    EXPECT_LT(times[2], kMostMs) << path;
    return times[2];
  }

  ApiRig api_;
  engine::Rig& rig_ = api_.hub;
  Json last_;
};

TEST_F(SlowManyInstances, AreListedAndFilteredAtOnce) {
  rig_.script().on("do-key", [](ScriptedService::Call call) {
    call.done(engine::failed(OutcomeKind::permanent, "vendor.refused"));
  });
  rig_.script().on("do-none", [](ScriptedService::Call call) {
    call.done(engine::failed(OutcomeKind::ambiguous, "vendor.silent"));
  });
  rig_.deploy(file_of("well", "  - nothing: {set: {a: 1}}\n"));
  rig_.deploy(file_of("claim", "  - send: {call: 'do-key:1.0.0@script'}\n"));
  rig_.deploy(file_of("ask", "  - decide: {call: 'do-none:1.0.0@script'}\n"));
  rig_.deploy(file_of("stay", "  - late: {wait: {days: 90}}\n"));
  for (int i = 0; i < kInstances; ++i) {
    const char* const type = i % 100 == 0   ? "test.claim.v1"
                             : i % 100 == 1 ? "test.ask.v1"
                             : i % 10 == 2  ? "test.stay.v1"
                                            : "test.well.v1";
    (void)rig_.send(type, Json::object({{"visit", "V-" + std::to_string(i)}}));
    if (i % 1'000 == 0) rig_.clock().advance_ms(60'000);
  }
  rig_.settle();
  const std::string middle = to_iso8601({rig_.clock().now().ms - 50 * 60'000});
  ms_of("GET", "instances");
  EXPECT_EQ(last_["items"].size(), 50U);
  const std::string next = last_.string_or("next", "").substr(8);
  ms_of("GET", next);
  for (const char* query :
       {"?status=faulted", "?status=parked", "?status=waiting", "?status=running",
        "?status=completed", "?status=cancelled", "?status=faulted,parked", "?workflow=claim",
        "?workflow=nobody", "?workflow=well&version=1.0.0", "?version=2.0.0",
        "?code=vendor.refused", "?code=nothing", "?workflow=stay&status=faulted",
        "?workflow=well&status=waiting", "?workflow=well&code=vendor.refused"}) {
    ms_of("GET", std::string("instances") + query);
  }
  ms_of("GET", "instances?since=" + middle);
  ms_of("GET", "instances?until=" + middle);
  ms_of("GET", "instances?status=faulted&until=" + middle);
  ms_of("GET", "instances?workflow=claim&since=" + middle);
  ms_of("POST", "instances/search", R"({"key": "V-4711", "workflow": "well"})");
  EXPECT_EQ(last_["items"].size(), 1U) << last_.dump();
  ms_of("GET", "instances/counts");
  EXPECT_EQ(last_.int_or("total", 0), kInstances);
  ms_of("GET", "instances/counts?workflow=claim");
}

TEST_F(SlowManyInstances, ShowTheEndOfALongTimelineAtOnce) {
  rig_.deploy(file_of("long",
                      "  - each:\n      for: {each: one, in: '${ .list }'}\n      do:\n"
                      "        - keep: {set: {a: '${ $one }'}}\n"));
  Json list = Json::array();
  for (int i = 0; i < kRows; ++i) list.push_back(i);
  const std::string id =
      rig_.send("test.long.v1", Json::object({{"visit", "V-1"}, {"list", std::move(list)}})).at(0);
  ASSERT_EQ(rig_.wait_status(id, "completed"), "completed")
      << rig_.engine().instance(id).value()["error"].dump();
  ms_of("GET", "instances/" + id);
  EXPECT_EQ(last_["timeline"].size(), 200U);
  const std::string earlier = last_.string_or("earlier", "");
  ASSERT_GT(earlier.size(), 8U) << last_.dump().substr(0, 500);
  ms_of("GET", earlier.substr(8));
  EXPECT_EQ(last_["timeline"].size(), 200U);
}

}  // namespace
}  // namespace rabt::api::many_instances_test
