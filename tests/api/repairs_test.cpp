#include <gtest/gtest.h>

#include "tests/api/rig.hpp"

// Jobs of many acts over the API: what is refused, and what a job says.
namespace rabt::api::repairs_test {
namespace {

using engine::ScriptedService;
using http::Response;
using workflow::OutcomeKind;

class RepairsTest : public testing::Test {
 protected:
  Response post(const std::string& path, const std::string& body) {
    return api_.api("POST", path, body);
  }
  Json get(const std::string& path) {
    const Response answer = api_.api("GET", path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return json(answer);
  }
  // Instances that a dead vendor left faulted.
  void fault(int count) {
    rig_.script().on("do-key", [](ScriptedService::Call call) {
      call.done(engine::failed(OutcomeKind::permanent, "vendor.away"));
    });
    rig_.deploy(
        "document: {dsl: '1.0.3', namespace: test, name: claim, version: '1.0.0'}\n"
        "schedule: {on: {one: {with: {type: test.claim.v1}}}}\ninput: {from: '${ .[0].data }'}\n"
        "do:\n  - send: {call: 'do-key:1.0.0@script', with: {name: '${ .name }'}}\n");
    for (int i = 0; i < count; ++i) {
      ids_.push_back(rig_.send("test.claim.v1", Json::object({{"name", "Layla"}})).at(0));
      ASSERT_EQ(rig_.wait_status(ids_.back(), "faulted"), "faulted");
    }
    rig_.settle();
    rig_.script().on("do-key", [](ScriptedService::Call call) { call.done(engine::done()); });
  }
  Json preview() {
    const Response response =
        post("repairs", R"({"verb":"retry","filter":{"code":"vendor.away"}})");
    EXPECT_EQ(response.status, 201) << response.body;
    return json(response);
  }
  Response run(const Json& job, const std::string& more = {}) {
    return post(
        "repairs/" + job.string_or("id", "") + "/run",
        R"({"digest":")" + job.string_or("digest", "") + R"(","reason":"it is back")" + more + "}");
  }
  void work(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      rig_.clock().advance_ms(1'000);
      (void)api_.repair_runner->turn();
      rig_.engine().drain(5'000);
    }
  }

  ApiRig api_;
  engine::Rig& rig_ = api_.hub;
  std::vector<std::string> ids_;
};

TEST_F(RepairsTest, AJobIsPreviewedRunAndWatchedAndHoldsNoPatientData) {
  fault(5);
  const Json job = preview();
  EXPECT_EQ(job.string_or("state", ""), "previewed");
  EXPECT_EQ(job.int_or("count", 0), 5);
  EXPECT_EQ(job["filter"].dump(), R"({"code":"vendor.away"})");
  const std::string path = "repairs/" + job.string_or("id", "");
  const Response begun = run(job);
  ASSERT_EQ(begun.status, 202) << begun.body;
  EXPECT_EQ(json(begun).int_or("perMinute", 0), 60);
  EXPECT_EQ(json(begun).int_or("first", 0), 3);
  work(6);
  EXPECT_EQ(get(path).string_or("state", ""), "waiting");
  EXPECT_EQ(post(path + "/go", R"({"reason":"three are paid"})").status, 202);
  work(6);
  const Json done = get(path);
  EXPECT_EQ(done.string_or("state", ""), "done") << done.dump();
  EXPECT_EQ(done["counts"].int_or("well", 0), 5);
  const Json first = get(path + "/items?limit=2");
  ASSERT_EQ(first["items"].size(), 2U);
  EXPECT_EQ(first["items"][0].string_or("instance", ""), ids_[0]);
  std::string next = first.string_or("next", "");
  ASSERT_FALSE(next.empty());
  const Json second = get(next.substr(std::string_view("/api/v1/").size()));
  EXPECT_EQ(second["items"][0].int_or("n", 0), 2);
  EXPECT_EQ(get(path + "/items?state=failed")["items"].size(), 0U);
  EXPECT_EQ(get("repairs")["items"].size(), 1U);
  for (const std::string& page : {std::string("repairs"), path, path + "/items"})
    EXPECT_EQ(api_.api("GET", page).body.find("Layla"), std::string::npos);
}

TEST_F(RepairsTest, BodiesThatAreWrongAreRefusedByTheNameOfTheMember) {
  fault(1);
  const auto wrong = [&](const std::string& body) { return wrong_member(post("repairs", body)); };
  EXPECT_EQ(wrong("{}"), "verb");
  EXPECT_EQ(wrong(R"({"verb":"mend","filter":{"status":"faulted"}})"), "verb");
  EXPECT_EQ(wrong(R"({"verb":"retry"})"), "filter");
  EXPECT_EQ(wrong(R"({"verb":"cancel","filter":{}})"), "filter") << "everything has to be said";
  EXPECT_EQ(wrong(R"({"verb":"retry","filter":{"status":"asleep"}})"), "status");
  EXPECT_EQ(wrong(R"({"verb":"retry","filter":{"status":"completed"}})"), "status");
  EXPECT_EQ(wrong(R"({"verb":"retry","filter":{"since":"yesterday"}})"), "since");
  EXPECT_EQ(wrong(R"({"verb":"retry","filter":{"code":7}})"), "filter.code");
  EXPECT_EQ(wrong(R"({"verb":"retry","ids":[]})"), "ids");
  EXPECT_EQ(wrong(R"({"verb":"retry","ids":["x"]})"), "ids");
  EXPECT_EQ(wrong(R"({"verb":"retry","ids":[")" + ids_[0] + R"("],"filter":{"code":"x"}})"),
            "filter");
  EXPECT_EQ(wrong(R"({"verb":"answer","filter":{"status":"parked"}})"), "answer");
  EXPECT_EQ(wrong(R"({"verb":"answer","filter":{"status":"parked"},"answer":{"outcome":"x"}})"),
            "outcome");
  EXPECT_EQ(wrong(R"({"verb":"retry","answer":{"outcome":"done"},"filter":{"code":"x"}})"),
            "answer");
  EXPECT_EQ(wrong(R"({"verb":"retry","filter":{"failure":"x"}})"), "filter.failure");
  EXPECT_EQ(wrong(R"({"verb":"retry","version":"","filter":{"code":"x"}})"), "version");
  EXPECT_EQ(wrong(R"({"verb":"retry","version":7,"filter":{"code":"x"}})"), "version");
  EXPECT_EQ(wrong(R"({"verb":"cancel","version":"newest","filter":{"code":"x"}})"), "version");
  EXPECT_EQ(wrong(R"({"verb":"retry","filter":{"code":"nothing"}})"), "repair.nothing");
  EXPECT_EQ(wrong(R"({"verb":"retry","ids":["01K00000000000000000000000"]})"), "engine.instance");

  const Json job = preview();
  const std::string path = "repairs/" + job.string_or("id", "") + "/run";
  const std::string digest = job.string_or("digest", "");
  EXPECT_EQ(wrong_member(post(path, "{}")), "digest");
  EXPECT_EQ(wrong_member(post(path, R"({"digest":")" + digest + "\"}")), "reason");
  EXPECT_EQ(wrong_member(run(job, R"(,"perMinute":0)")), "perMinute");
  EXPECT_EQ(wrong_member(run(job, R"(,"perMinute":1201)")), "perMinute");
  EXPECT_EQ(wrong_member(run(job, R"(,"first":101)")), "first");
  EXPECT_EQ(wrong_member(run(job, R"(,"first":-1)")), "first");
  EXPECT_EQ(api_.api("GET", "repairs/" + job.string_or("id", "") + "/items?state=odd").status, 422);
}

TEST_F(RepairsTest, ARestartNeedsTheNumberOfTheCallsThatItMakesAnew) {
  fault(0);
  for (int i = 0; i < 2; ++i) {
    ids_.push_back(rig_.send("test.claim.v1", Json::object({{"name", "Layla"}})).at(0));
    ASSERT_EQ(rig_.wait_status(ids_.back(), "completed"), "completed");
  }
  rig_.settle();
  const auto plan = [&] {
    const Response response =
        post("repairs", R"({"verb":"restart","filter":{"status":"completed"}})");
    EXPECT_EQ(response.status, 201) << response.body;
    return json(response);
  };
  const Json job = plan();
  EXPECT_EQ(job.int_or("effects", 0), 2);
  EXPECT_EQ(job["sent"][0].int_or("withoutKey", 0), 2) << "no new key is recognised";
  for (const char* more : {"", R"(,"effects":1)"}) {
    const Response refused = run(job, more);
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(code(refused), "engine.restart_effects");
    EXPECT_NE(refused.body.find("under new keys: 2;"), std::string::npos) << refused.body;
  }
  ASSERT_EQ(run(job, R"(,"effects":2)").status, 202);
  work(6);
  EXPECT_EQ(get("repairs/" + job.string_or("id", "")).string_or("state", ""), "done");
  const Json again = plan();
  EXPECT_EQ(again.int_or("count", 0), 2) << "the new ones";
  EXPECT_EQ(again["leftOut"].dump(), R"([{"code":"engine.restarted","count":2}])");
}

TEST_F(RepairsTest, ARetryTakesAVersionAndShowsIt) {
  fault(1);
  rig_.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: claim, version: '1.1.0'}\n"
      "schedule: {on: {one: {with: {type: test.claim.v1}}}}\ninput: {from: '${ .[0].data }'}\n"
      "do:\n  - send: {call: 'do-key:1.0.0@script', with: {name: '${ .name }', code: A}}\n");
  const Response response =
      post("repairs", R"({"verb":"retry","version":"1.1.0","filter":{"code":"vendor.away"}})");
  ASSERT_EQ(response.status, 201) << response.body;
  const Json job = json(response);
  EXPECT_EQ(job.string_or("version", ""), "1.1.0");
  EXPECT_EQ(preview().find("version"), nullptr);
  ASSERT_EQ(run(job).status, 202);
  work(6);
  EXPECT_EQ(get("repairs/" + job.string_or("id", ""))["counts"].int_or("well", 0), 1);
  EXPECT_EQ(get("instances/" + ids_[0]).string_or("version", ""), "1.1.0");
}

TEST_F(RepairsTest, ADigestOfAnotherListIsAConflict) {
  fault(1);
  Json job = preview();
  job.set("digest", std::string(64, 'a'));
  const Response refused = run(job);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(code(refused), "repair.digest");
  EXPECT_EQ(get("repairs/" + job.string_or("id", "")).string_or("state", ""), "previewed");
}

TEST_F(RepairsTest, AJobInAnotherStateIsAConflictAndAnUnknownOneIsNotThere) {
  fault(1);
  const Json job = preview();
  const std::string path = "repairs/" + job.string_or("id", "");
  EXPECT_EQ(code(post(path + "/go", "{}")), "repair.state");
  EXPECT_EQ(code(post(path + "/stop", "{}")), "repair.state");
  EXPECT_EQ(run(job).status, 202);
  EXPECT_EQ(code(run(job)), "repair.state");
  EXPECT_EQ(post(path + "/stop", R"({"reason":"wrong list"})").status, 200);
  EXPECT_EQ(get(path).string_or("why", ""), "person");
  for (const char* act : {"", "/items"})
    EXPECT_EQ(api_.api("GET", "repairs/01K00000000000000000000000" + std::string(act)).status, 404);
  EXPECT_EQ(code(post("repairs/01K00000000000000000000000/go", "{}")), "repair.unknown");
}

}  // namespace
}  // namespace rabt::api::repairs_test
