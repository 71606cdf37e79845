#include <gtest/gtest.h>

#include <algorithm>

#include "hub/audit/reader.hpp"
#include "tests/api/rig.hpp"

// Alerts over the API: the list, who may see it, acknowledging, snoozing, and the list of what
// needs a person.
namespace rabt::api::alerts_test {
namespace {

using http::Response;

constexpr std::int64_t kSweepMs = 15'000;

class AlertsApi : public testing::Test {
 protected:
  void sweep_minutes(int minutes, const std::vector<alerts::Readings::One>& values) {
    for (int i = 0; i < minutes * 4; ++i) {
      api_.alerts->sweep({.values = values});
      api_.hub.clock().advance_ms(kSweepMs);
    }
  }
  // A dead letter of the webhook `his`, and a disk that is nearly full.
  void open_two() { sweep_minutes(9, {{"dead_letters", "his", 3}, {"disk_free", "/data", 3}}); }
  Json list(const std::string& query = {}) {
    const Response response = api_.api("GET", "alerts" + query);
    EXPECT_EQ(response.status, 200) << response.body;
    return json(response);
  }
  ApiRig api_;
};

TEST_F(AlertsApi, OpenOnesAreListedInBothLanguagesWithTheCommandThatHelps) {
  EXPECT_EQ(list().dump(), R"({"items":[],"open":0,"snoozes":[]})");
  open_two();
  const Json all = list();
  EXPECT_EQ(all.int_or("open", 0), 2);
  ASSERT_EQ(all["items"].size(), 2U);
  const Json item = list("?rule=disk_free")["items"].item(0);
  EXPECT_EQ(item.string_or("severity", ""), "page");
  EXPECT_EQ(item.string_or("object", ""), "/data");
  EXPECT_EQ(item.string_or("value", ""), "3 %");
  EXPECT_EQ(item["text"].string_or("en", ""), "The disk of the folder /data has 3 % free");
  EXPECT_NE(item["text"].string_or("ar", "").find("/data"), std::string::npos);
  EXPECT_EQ(list("?rule=dead_letters")["items"].item(0).string_or("command", ""),
            "rabt webhooks replay his --dead");
  sweep_minutes(11, {{"dead_letters", "his", 3}});
  EXPECT_EQ(list().int_or("open", 0), 1);
  EXPECT_EQ(list("?state=all")["items"].size(), 2U);
  EXPECT_TRUE(list("?state=all&rule=disk_free")["items"].item(0)["closed"].is_string());
}

TEST_F(AlertsApi, ALongListHasPages) {
  std::vector<alerts::Readings::One> many;
  for (int i = 0; i < 5; ++i) many.push_back({"dead_letters", "w" + std::to_string(i), 1});
  sweep_minutes(3, many);
  const Json first = list("?limit=3");
  ASSERT_EQ(first["items"].size(), 3U);
  const std::string next = first.string_or("next", "");
  ASSERT_TRUE(next.starts_with("/api/v1/alerts?")) << next;
  EXPECT_EQ(list(next.substr(std::string("/api/v1/alerts").size()))["items"].size(), 2U);
}

TEST_F(AlertsApi, WhatIsAskedWronglyIsRefused) {
  open_two();
  const std::string id = list()["items"].item(0).string_or("id", "");
  struct Case {
    const char* method;
    std::string path;
    std::string body;
    int status;
    const char* code;
  };
  for (const Case& one :
       {Case{"GET", "alerts?state=closed", "", 422, "api.invalid"},
        Case{"GET", "alerts?rule=nonsense", "", 400, "alert.rule"},
        Case{"GET", "alerts?cursor=made-up", "", 400, "cursor.invalid"},
        Case{"POST", "alerts/01K00000000000000000000000/ack", "{}", 404, "alert.unknown"},
        Case{"POST", "alerts/" + id + "/ack", R"({"notes":"x"})", 422, "api.invalid"},
        Case{"POST", "alerts/" + id + "/snooze", R"({"for":"long"})", 422, "api.invalid"},
        Case{"POST", "alerts/" + id + "/snooze", R"({"for":"31d"})", 400, "alert.snooze"},
        Case{"POST", "alerts/01K00000000000000000000000/snooze", R"({"for":"1h"})", 404,
             "alert.unknown"},
        Case{"POST", "alerts/snooze", R"({"rule":"nonsense","for":"1h"})", 400, "alert.rule"},
        Case{"POST", "alerts/snooze", R"({"for":"1h"})", 422, "api.invalid"},
        Case{"POST", "alerts/test", R"({"channel":"pigeon"})", 422, "api.invalid"},
        Case{"POST", "alerts/test", R"({"channel":"mail"})", 404, "alert.channel"}}) {
    const Response response = api_.api(one.method, one.path, one.body);
    EXPECT_EQ(response.status, one.status) << one.path << " " << response.body;
    EXPECT_EQ(code(response), one.code) << one.path;
  }
  // Without a credential neither rows nor a count.
  const Response nobody = api_.handle(request("GET", "/api/v1/alerts"));
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.body.find("disk_free"), std::string::npos);
}

TEST_F(AlertsApi, AcksAndSnoozesAreInTheAuditLogWithoutTheNote) {
  open_two();
  const std::string id = list("?rule=disk_free")["items"].item(0).string_or("id", "");
  const Response acked =
      api_.api("POST", "alerts/" + id + "/ack", R"({"note":"asked Layla Canary to make room"})");
  ASSERT_EQ(acked.status, 200) << acked.body;
  EXPECT_EQ(json(acked)["acknowledged"].string_or("note", ""), "asked Layla Canary to make room");
  EXPECT_EQ(list("?rule=disk_free")["items"].item(0)["acknowledged"].string_or("by", ""),
            "client:api-token");
  ASSERT_EQ(api_.api("POST", "alerts/" + id + "/snooze", R"({"for":"4h"})").status, 200);
  EXPECT_TRUE(list("?rule=disk_free")["items"].item(0)["snoozed"].is_string());
  ASSERT_EQ(api_.api("POST", "alerts/snooze", R"({"rule":"parked","for":"1h"})").status, 200);
  EXPECT_EQ(list()["snoozes"].size(), 2U);
  ASSERT_EQ(api_.api("POST", "alerts/snooze", R"({"rule":"parked","for":"0s"})").status, 200);
  EXPECT_EQ(list()["snoozes"].size(), 1U);
  const Response unheard = api_.api("POST", "alerts/test", R"({"channel":"webhook"})");
  EXPECT_EQ(unheard.status, 409) << "no webhook wants the event";
  EXPECT_NE(unheard.body.find("alert.no_receiver"), std::string::npos) << unheard.body;
  std::vector<std::string> acts;
  must(audit::read_each(api_.hub.audit(), {}, [&](const audit::Logged& logged) {
    if (logged.entry.act.starts_with("alert."))
      acts.push_back(logged.entry.act + " " + logged.entry.object);
    EXPECT_EQ(logged.canonical.find("Canary"), std::string::npos);
    return true;
  }));
  EXPECT_EQ(acts,
            (std::vector<std::string>{"alert.acked alert:" + id, "alert.snoozed rule:disk_free",
                                      "alert.snoozed rule:parked", "alert.woken rule:parked",
                                      "alert.tested channel:webhook"}));
}

TEST_F(AlertsApi, OpenAlertsStandAmongWhatNeedsAPerson) {
  EXPECT_TRUE(json(api_.api("GET", "todo")).bool_or("ok", false));
  open_two();
  const Json todo = json(api_.api("GET", "todo"));
  EXPECT_FALSE(todo.bool_or("ok", true));
  ASSERT_EQ(todo["items"].size(), 2U) << todo.dump_pretty();
  const Json first = todo["items"].item(0);
  EXPECT_EQ(first.string_or("kind", ""), "alert");
  EXPECT_EQ(first.string_or("severity", ""), "page");
  EXPECT_EQ(first.string_or("what", ""), "The disk of the folder /data has 3 % free");
  EXPECT_EQ(first.string_or("link", ""), "/console/alerts");
}

// Symptom: `rabt status` said to replay what a webhook that is gone has not got, which was refused.
// Cause: the state of the webhook was not asked for.
TEST_F(AlertsApi, WhatAWebhookThatIsGoneHasNotGotIsToBeDiscarded) {
  const auto run = [&](const char* sql) {
    must(api_.hub.store().write([&](store::Transaction& transaction) {
      return store::run(transaction, store::Statement{sql}, {});
    }));
  };
  run("INSERT INTO webhook (tenant, id, name, origin, url, wants, state, version, created_ms, "
      "updated_ms, data_key, sealed) VALUES ('t1', 'w1', 'his', 'api', 'https://his.example', "
      "'{}', 'active', 1, 1, 1, x'', x'')");
  run("INSERT INTO webhook_delivery (tenant, id, webhook, event, type, body, state, attempts, "
      "created_ms, opened_ms, status, code) VALUES ('t1', 'd1', 'w1', 'e1', 't', '{}', "
      "'dead', 10, 1, 1, 410, 'http.410')");
  const auto item = [&] { return json(api_.api("GET", "todo"))["items"].item(0); };
  EXPECT_EQ(item().string_or("command", ""), "rabt webhooks replay his --dead");
  run("UPDATE webhook SET state = 'gone' WHERE id = 'w1'");
  EXPECT_EQ(item().string_or("what", ""), "1 event could not be delivered to his, which is gone");
  EXPECT_EQ(item().string_or("command", ""), "rabt webhooks discard his --dead --reason TEXT");
}

TEST_F(AlertsApi, AnAlertAboutWhatStandsThereIsNamedThere) {
  api_.hub.script().on("do-none", [](engine::ScriptedService::Call call) {
    call.done(engine::failed(workflow::OutcomeKind::ambiguous, "vendor.silent"));
  });
  api_.hub.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.start.v1}}}}\ndo:\n  - work:\n      call: "
      "do-none:1.0.0@script\n");
  const auto started = api_.hub.send("test.start.v1", Json::object());
  ASSERT_EQ(api_.hub.wait_status(started.at(0), "parked"), "parked");
  sweep_minutes(3, {{"parked", "script", 5 * 3600}});
  const Json todo = json(api_.api("GET", "todo"));
  ASSERT_EQ(todo["items"].size(), 1U) << todo.dump_pretty();
  EXPECT_EQ(todo["items"].item(0).string_or("kind", ""), "decision");
  EXPECT_EQ(todo["items"].item(0).string_or("alert", ""),
            list()["items"].item(0).string_or("id", ""));
}

}  // namespace
}  // namespace rabt::api::alerts_test
