#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "hub/audit/reader.hpp"
#include "hub/consultation/workflow/task_actions.hpp"
#include "tests/api/rig.hpp"
#include "tests/number_of.hpp"

// Tasks of people over the API: the list, who reads what, who decides, and parked calls among them.
namespace rabt::api::tasks_test {
namespace {

using engine::ScriptedService;
using http::Request;
using http::Response;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

constexpr const char* kPassword = "a password of some length 7";
constexpr const char* kInstance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
constexpr const char* kSession = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
constexpr const char* kCanary = "Layla Canary, 0501234567";

class TasksApi : public testing::Test {
 protected:
  Response as(const std::string& token, std::string method, const std::string& path,
              const std::string& body = {},
              std::vector<std::pair<std::string, std::string>> headers = {}) {
    Request made = request(std::move(method), "/api/v1/" + path, body);
    made.headers = std::move(headers);
    if (!token.empty()) made.headers.emplace_back("authorization", "Bearer " + token);
    return api_.handle(made);
  }
  // The token of a new account.
  std::string account(const std::string& username, const std::string& role, std::string& id) {
    const Response response = api_.api(
        "POST", "users",
        R"({"username": ")" + username + R"(", "roles": [")" + role + R"("], "name": "N"})");
    EXPECT_EQ(response.status, 201) << response.body;
    id = json(response).string_or("id", "");
    const Json code = json(response)["activation"];
    const auto proof = [&](Json body) {
      body.set("username", username);
      body.set("password", kPassword);
      return body.dump();
    };
    EXPECT_EQ(as("", "POST", "auth/activate", proof(Json::object({{"code", code}}))).status, 204);
    const Response in = as("", "POST", "auth/login", proof(Json::object()));
    EXPECT_EQ(in.status, 200) << in.body;
    return json(in).string_or("accessToken", "");
  }
  std::string account(const std::string& username, const std::string& role) {
    std::string id;
    return account(username, role, id);
  }
  ActionOutcome call(const std::string& action, Json arguments, const std::string& key = "k",
                     const char* instance = kInstance) {
    plugin::CallRequest request;
    request.tenant = "t1";
    request.instance = instance;
    request.action = action;
    request.arguments = std::move(arguments);
    request.idempotency_key = key;
    const auto service = consultation::make_task_actions(*api_.tasks);
    std::promise<ActionOutcome> ended;
    service->invoke(request, [&](ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
    return ended.get_future().get();
  }
  static Json coverage() {
    return Json::object({{"kind", "coverage"},
                         {"title", "coverage.not-eligible"},
                         {"role", "desk"},
                         {"session", kSession},
                         {"question", kCanary},
                         {"answers", Json::array({"go-on", "self-pay", "refuse"})}});
  }
  std::string opened(const Json& what, const std::string& key = "k") {
    const ActionOutcome outcome = call("open", what, key);
    EXPECT_EQ(outcome.kind, OutcomeKind::done) << outcome.code << outcome.message;
    return outcome.output.string_or("task", "");
  }
  static std::string decision(const std::string& outcome) {
    return Json::object({{"answer", Json::object({{"outcome", outcome}})}, {"reason", "by phone"}})
        .dump();
  }
  static std::vector<std::string> ids(const Response& list) {
    std::vector<std::string> out;
    const Json body = json(list);
    for (const Json& item : body["items"].as_array()) out.push_back(item.string_or("id", ""));
    return out;
  }
  // Acts of the audit log about a task, in order.
  std::vector<std::string> acts(const std::string& task) {
    std::vector<std::string> out;
    must(audit::read_each(api_.hub.audit(), {.object = "task:" + task},
                          [&](const audit::Logged& logged) {
                            out.push_back(logged.entry.act + " " + logged.entry.actor);
                            EXPECT_EQ(logged.canonical.find("Canary"), std::string::npos);
                            EXPECT_EQ(logged.canonical.find("by phone"), std::string::npos);
                            return true;
                          }));
    return out;
  }
  std::string parked(const std::string& action = "do-none") {
    api_.hub.script().on(action, [](ScriptedService::Call call) {
      call.done(engine::failed(OutcomeKind::ambiguous, "vendor.silent"));
    });
    api_.hub.deploy(
        "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
        "schedule: {on: {one: {with: {type: test.start.v1}}}}\ndo:\n  - work:\n      call: " +
        action + ":1.0.0@script\n");
    const auto started = api_.hub.send("test.start.v1", Json::object());
    EXPECT_EQ(api_.hub.wait_status(started.at(0), "parked"), "parked");
    return started.at(0);
  }

  ApiRig api_;
};

TEST_F(TasksApi, ATaskIsListedReadClaimedAndDecided) {
  std::string person;
  const std::string desk = account("sara", "desk", person);
  const std::string id = opened(coverage());
  const Response list = as(desk, "GET", "tasks");
  ASSERT_EQ(list.status, 200) << list.body;
  EXPECT_EQ(list.body.find("Canary"), std::string::npos);
  const Json item = json(list)["items"].item(0);
  EXPECT_EQ(item.string_or("id", ""), id);
  EXPECT_EQ(item.string_or("kind", ""), "coverage");
  EXPECT_EQ(item.string_or("title", ""), "coverage.not-eligible");
  EXPECT_EQ(item.string_or("role", ""), "desk");
  EXPECT_EQ(item.string_or("state", ""), "open");
  EXPECT_EQ(item["object"].dump(), R"({"type":"session","id":")" + std::string(kSession) + "\"}");
  const Json detail = json(as(desk, "GET", "tasks/" + id));
  EXPECT_EQ(detail.string_or("question", ""), kCanary);
  EXPECT_EQ(detail["answers"], Json::array({"go-on", "self-pay", "refuse"}));
  EXPECT_EQ(detail["schema"]["required"], Json::array({"outcome"}));
  const Json claimed = json(as(desk, "POST", "tasks/" + id + "/claim", "{}"));
  EXPECT_EQ(claimed.string_or("state", ""), "claimed");
  EXPECT_EQ(claimed.string_or("claimedBy", ""), "person:" + person);
  EXPECT_EQ(ids(as(desk, "GET", "tasks?mine=true")), std::vector{id});
  const Response decided = as(desk, "POST", "tasks/" + id + "/decide", decision("self-pay"));
  ASSERT_EQ(decided.status, 200) << decided.body;
  EXPECT_EQ(json(decided).string_or("state", ""), "done");
  EXPECT_EQ(json(decided).string_or("decidedBy", ""), "person:" + person);
  EXPECT_TRUE(ids(as(desk, "GET", "tasks")).empty());
  EXPECT_EQ(
      ids(as(desk, "GET",
             "tasks?state=done&role=desk&kind=coverage&object=session:" + std::string(kSession))),
      std::vector{id});
  const ActionOutcome outcome = call("get", Json::object({{"task", id}}));
  EXPECT_EQ(outcome.output["answer"].dump(), R"({"outcome":"self-pay"})");
  const std::string by = " person:" + person;
  EXPECT_EQ(acts(id), (std::vector<std::string>{"task.opened node:tasks", "task.read" + by,
                                                "task.claimed" + by, "task.decided" + by}));
}

TEST_F(TasksApi, WhatNeedsAPersonHasTheTasksThatWaitByKind) {
  const std::string desk = account("sara", "desk");
  const std::string id = opened(coverage());
  (void)opened(coverage(), "k2");
  const auto tasks = [&] {
    const Json all = json(api_.api("GET", "todo"));
    Json out = Json::array();
    for (const Json& item : all["items"].as_array()) {
      if (item.string_or("kind", "") == "task") out.push_back(item);
    }
    return out;
  };
  ASSERT_EQ(tasks().size(), 1U);
  EXPECT_EQ(tasks().item(0).int_or("count", 0), 2);
  EXPECT_EQ(tasks().item(0).string_or("command", ""), "rabt tasks --kind coverage");
  EXPECT_EQ(tasks().dump().find("Canary"), std::string::npos);
  ASSERT_EQ(as(desk, "POST", "tasks/" + id + "/decide", decision("self-pay")).status, 200);
  EXPECT_EQ(tasks().item(0).int_or("count", 0), 1);
}

TEST_F(TasksApi, WhoDecidesSecondIsToldWhoWasFirst) {
  std::string first;
  const std::string text = account("sara", "desk", first);
  const std::string two = account("huda", "desk");
  const std::string id = opened(coverage());
  EXPECT_EQ(as(text, "POST", "tasks/" + id + "/decide", decision("go-on")).status, 200);
  const Response second = as(two, "POST", "tasks/" + id + "/decide", decision("refuse"));
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(code(second), "task.decided");
  EXPECT_EQ(json(second).string_or("decidedBy", ""), "person:" + first) << second.body;
  EXPECT_EQ(json(second).string_or("decidedAt", ""), to_iso8601(api_.hub.clock().now()));
  EXPECT_EQ(code(as(two, "POST", "tasks/" + id + "/claim", "{}")), "task.decided");
  EXPECT_EQ(as(text, "POST", "tasks/" + id + "/decide", decision("go-on")).status, 200)
      << "a repeat";
  EXPECT_EQ(code(as(text, "POST", "tasks/" + id + "/decide", decision("refuse"))), "task.decided");
  EXPECT_EQ(acts(id).size(), 2U);
  EXPECT_EQ(call("get", Json::object({{"task", id}})).output["answer"].dump(),
            R"({"outcome":"go-on"})");
}

TEST_F(TasksApi, OfTwoAtOnceOneDecides) {
  const std::vector<std::string> who{account("sara", "desk"), account("huda", "desk")};
  for (int round = 0; round < 10; ++round) {
    const std::string id = opened(coverage(), "k" + std::to_string(round));
    std::vector<std::future<int>> answers;
    answers.reserve(who.size());
    for (const std::string& token : who) {
      answers.push_back(std::async(std::launch::async, [&, token] {
        return as(token, "POST", "tasks/" + id + "/decide", decision("go-on")).status;
      }));
    }
    std::vector<int> statuses;
    for (auto& answer : answers) statuses.push_back(answer.get());
    std::sort(statuses.begin(), statuses.end());
    EXPECT_EQ(statuses, (std::vector<int>{200, 409}));
  }
}

TEST_F(TasksApi, AClaimedTaskIsOfWhoClaimedItUntilItIsReleased) {
  const std::string text = account("sara", "desk");
  const std::string two = account("huda", "desk");
  const std::string id = opened(coverage());
  const auto act = [&](const std::string& token, const std::string& what) {
    return as(token, "POST", "tasks/" + id + "/" + what,
              what == "decide" ? decision("go-on") : "{}");
  };
  EXPECT_EQ(act(text, "claim").status, 200);
  EXPECT_EQ(act(text, "claim").status, 200) << "again";
  EXPECT_EQ(code(act(two, "claim")), "task.claimed");
  EXPECT_NE(json(act(two, "claim")).string_or("claimedAt", ""), "");
  EXPECT_EQ(code(act(two, "decide")), "task.claimed");
  EXPECT_EQ(code(act(two, "release")), "task.claimed");
  EXPECT_EQ(act(text, "release").status, 200);
  EXPECT_EQ(act(two, "claim").status, 200);
  EXPECT_EQ(api_.api("POST", "tasks/" + id + "/release", "{}").status, 200)
      << "whoever runs the hub gives it back";
  EXPECT_EQ(act(text, "decide").status, 200);
}

TEST_F(TasksApi, AnAnswerThatDoesNotFitIsRefusedWithoutItsValue) {
  const std::string desk = account("sara", "desk");
  const std::string id = opened(coverage());
  const auto answer = [&](const std::string& body) {
    return as(desk, "POST", "tasks/" + id + "/decide", body);
  };
  const Response other = answer(R"({"answer": {"outcome": "Layla Canary"}})");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(code(other), "task.answer");
  EXPECT_NE(other.body.find("answer/outcome"), std::string::npos) << other.body;
  EXPECT_EQ(other.body.find("Canary"), std::string::npos);
  EXPECT_EQ(code(answer(R"({"answer": {"outcome": "go-on", "more": 1}})")), "task.answer");
  EXPECT_EQ(wrong_member(answer("{}")), "answer");
  EXPECT_EQ(wrong_member(answer(R"({"answer": "go-on"})")), "answer");
  EXPECT_EQ(answer(decision("go-on")).status, 200);
}

TEST_F(TasksApi, ATaskIsForItsRoleAndOthersSeeItsContentForAReason) {
  const std::string nurse = account("nora", "nurse");
  const std::string patient = account("layla", "patient");
  const std::string id = opened(coverage());
  EXPECT_TRUE(ids(as(nurse, "GET", "tasks")).empty());
  EXPECT_EQ(as(nurse, "GET", "tasks/" + id).status, 403);
  EXPECT_EQ(as(nurse, "POST", "tasks/" + id + "/claim", "{}").status, 403);
  EXPECT_EQ(as(nurse, "POST", "tasks/" + id + "/decide", "[").status, 403);
  EXPECT_EQ(as(patient, "GET", "tasks").status, 403);
  const std::string operator_ = account("omar", "auditor");
  EXPECT_EQ(ids(as(operator_, "GET", "tasks")), std::vector{id});
  const Response bare = as(operator_, "GET", "tasks/" + id);
  EXPECT_EQ(bare.status, 200);
  EXPECT_TRUE(json(bare).bool_or("withheld", false));
  EXPECT_EQ(bare.body.find("Canary"), std::string::npos);
  EXPECT_EQ(json(bare).find("schema"), nullptr);
  const Response with = as(operator_, "GET", "tasks/" + id, {}, {{"x-rabt-reason", "a complaint"}});
  EXPECT_EQ(json(with).string_or("question", ""), kCanary) << with.body;
  EXPECT_EQ(as(operator_, "POST", "tasks/" + id + "/decide", decision("go-on")).status, 403);
  EXPECT_EQ(as(nurse, "GET", "tasks/01BX5ZZKBKACTAV9WEVGEMMVRZ").status, 404);
}

TEST_F(TasksApi, ATaskOfOnePersonIsHis) {
  std::string doctor_id;
  const std::string doctor = account("ahmad", "doctor", doctor_id);
  const std::string other = account("badr", "doctor");
  Json what = coverage();
  what.mutable_object().erase("role");
  what.set("assignee", doctor_id);
  const std::string id = opened(what);
  EXPECT_EQ(ids(as(doctor, "GET", "tasks?mine=true")), std::vector{id});
  EXPECT_TRUE(ids(as(other, "GET", "tasks")).empty());
  EXPECT_EQ(as(other, "GET", "tasks/" + id).status, 403);
  EXPECT_EQ(as(doctor, "POST", "tasks/" + id + "/decide", decision("refuse")).status, 200);
}

TEST_F(TasksApi, TheListIsPagedWithParkedCallsInIt) {
  const std::string instance = parked();
  std::vector<std::string> made;
  for (int i = 0; i < 4; ++i) {
    api_.hub.clock().advance_ms(10);
    made.push_back(opened(coverage(), "k" + std::to_string(i)));
  }
  std::vector<std::string> seen;
  std::string path = "tasks?limit=2";
  for (int page = 0; page < 5 && !path.empty(); ++page) {
    const Response list = api_.api("GET", path);
    ASSERT_EQ(list.status, 200) << list.body;
    for (std::string& id : ids(list)) seen.push_back(std::move(id));
    const std::string next = json(list).string_or("next", "");
    path = next.empty() ? "" : next.substr(std::string("/api/v1/").size());
  }
  ASSERT_EQ(seen.size(), 5U);
  std::reverse(made.begin(), made.end());
  EXPECT_EQ(std::vector(seen.begin(), seen.begin() + 4), made);
  EXPECT_TRUE(seen[4].starts_with("parked-" + instance)) << seen[4];
  EXPECT_EQ(ids(api_.api("GET", "tasks?kind=parked&object=" + instance)), std::vector{seen[4]});
  EXPECT_TRUE(ids(api_.api("GET", "tasks?kind=parked&object=" + std::string(kSession))).empty());
  EXPECT_EQ(wrong_member(api_.api("GET", "tasks?state=lost")), "state");
  EXPECT_EQ(wrong_member(api_.api("GET", "tasks?role=king")), "role");
  EXPECT_EQ(wrong_member(api_.api("GET", "tasks?object=7")), "object");
}

TEST_F(TasksApi, AParkedCallIsDecidedAsATaskOnceAndKeepsWhoDecided) {
  const std::string instance = parked();
  const Json item = json(api_.api("GET", "tasks?kind=parked"))["items"].item(0);
  const std::string id = item.string_or("id", "");
  EXPECT_EQ(item.string_or("role", ""), "operator");
  EXPECT_EQ(item["call"].dump(), R"({"role":"script","action":"do-none"})");
  const Json detail = json(api_.api("GET", "tasks/" + id));
  const Json& what = detail["call"];
  EXPECT_EQ(what.string_or("task", ""), "work");
  EXPECT_EQ(what.string_or("effect", ""), "unknown");
  EXPECT_EQ(what.string_or("key", ""), api_.hub.script().keys("do-none").at(0));
  EXPECT_EQ(detail["answers"], Json::array({"again", "done", "permanent", "transient"}));
  EXPECT_EQ(code(api_.api("POST", "tasks/" + id + "/claim", "{}")), "task.parked");
  const std::string desk = account("sara", "desk");
  EXPECT_EQ(as(desk, "GET", "tasks/" + id).status, 403);
  EXPECT_EQ(as(desk, "POST", "tasks/" + id + "/decide", "[").status, 403);
  EXPECT_TRUE(ids(as(desk, "GET", "tasks")).empty());
  EXPECT_EQ(wrong_member(api_.api("POST", "tasks/" + id + "/decide", decision("maybe"))),
            "outcome");
  const Response decided =
      api_.api("POST", "tasks/" + id + "/decide",
               R"({"answer": {"outcome": "done", "output": {"n": 5}}, "reason": "seen"})");
  ASSERT_EQ(decided.status, 200) << decided.body;
  EXPECT_EQ(api_.hub.wait_status(instance, "completed"), "completed");
  const Json after = json(api_.api("GET", "tasks/" + id));
  EXPECT_EQ(after.string_or("state", ""), "done");
  EXPECT_EQ(after.string_or("decidedBy", ""), "client:api-token");
  const Response second = api_.api("POST", "tasks/" + id + "/decide", decision("again"));
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(code(second), "task.decided");
  EXPECT_EQ(json(second).string_or("decidedBy", ""), "client:api-token") << second.body;
  EXPECT_EQ(json(second).string_or("decidedAt", ""), after.string_or("decidedAt", "?"));
  EXPECT_TRUE(ids(api_.api("GET", "tasks")).empty());
  EXPECT_EQ(api_.api("GET", "tasks/parked-" + instance + "-9").status, 404);
  EXPECT_EQ(api_.api("GET", "tasks/parked-x").status, 404);
}

TEST_F(TasksApi, ACallThatFailedSaysWithWhichCodeAndIsMadeAgain) {
  api_.hub.script().on("do-key", [](ScriptedService::Call call) {
    call.done(engine::failed(OutcomeKind::permanent, "vendor.refused"));
  });
  api_.hub.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0', metadata: {rabt: "
      "{onFailure: ask}}}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ndo:\n"
      "  - pay: {call: 'do-key:1.0.0@script', with: {n: 1}}\n");
  const std::string instance = api_.hub.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(api_.hub.wait_status(instance, "parked"), "parked");
  const std::string id = ids(api_.api("GET", "tasks")).at(0);
  const Json detail = json(api_.api("GET", "tasks/" + id));
  EXPECT_EQ(detail["call"].string_or("effect", ""), "none");
  EXPECT_EQ(detail["call"].string_or("code", ""), "vendor.refused");
  EXPECT_EQ(detail["answers"], Json::array({"again", "done", "permanent"}));
  api_.hub.script().on("do-key", [](ScriptedService::Call call) { call.done(engine::done()); });
  EXPECT_EQ(api_.api("POST", "tasks/" + id + "/decide", decision("again")).status, 200);
  EXPECT_EQ(api_.hub.wait_status(instance, "completed"), "completed");
  const auto keys = api_.hub.script().keys("do-key");
  EXPECT_EQ(keys, (std::vector<std::string>{detail["call"].string_or("key", ""),
                                            detail["call"].string_or("key", "")}));
}

// An answer of a payer is not made up: the form leaves `done` out and says why, and both doors
// refuse it with the same words.
TEST_F(TasksApi, ACallOfAPayerThatFailedIsNotAnsweredByAPerson) {
  must(api_.hub.host().bind_role("payer", "hub://script"));
  api_.hub.script().on("do-key", [](ScriptedService::Call call) {
    call.done(engine::failed(OutcomeKind::permanent, "vendor.refused"));
  });
  api_.hub.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0', metadata: {rabt: "
      "{onFailure: ask}}}\nschedule: {on: {one: {with: {type: test.start.v1}}}}\ndo:\n"
      "  - pay: {call: 'do-key:1.0.0@payer', with: {n: 1}}\n");
  const std::string instance = api_.hub.send("test.start.v1", Json::object()).at(0);
  ASSERT_EQ(api_.hub.wait_status(instance, "parked"), "parked");
  const std::string id = ids(api_.api("GET", "tasks")).at(0);
  const Json detail = json(api_.api("GET", "tasks/" + id));
  EXPECT_EQ(detail["answers"], Json::array({"again", "permanent"}));
  const std::string why = detail["schema"]["properties"]["outcome"].string_or("description", "");
  EXPECT_NE(why.find("payer, identity or consent"), std::string::npos) << detail.dump();
  EXPECT_EQ(detail["schema"]["properties"].find("output"), nullptr);
  for (const Response& refused :
       {api_.api("POST", "tasks/" + id + "/decide",
                 R"({"answer": {"outcome": "done", "output": {}}, "reason": "r"})"),
        api_.api("POST", "instances/" + instance + "/resolve",
                 R"({"outcome": "done", "output": {}, "reason": "r"})")}) {
    EXPECT_EQ(refused.status, 422) << refused.body;
    EXPECT_EQ(code(refused), "engine.answer");
    EXPECT_EQ(json(refused).string_or("detail", ""), why);
  }
  EXPECT_EQ(api_.hub.status(instance), "parked");
  api_.hub.script().on("do-key", [](ScriptedService::Call call) { call.done(engine::done()); });
  EXPECT_EQ(api_.api("POST", "tasks/" + id + "/decide", decision("again")).status, 200);
  EXPECT_EQ(api_.hub.wait_status(instance, "completed"), "completed");
}

TEST_F(TasksApi, WhoDecidesAParkedCallHasProvenHimselfByTwoFactors) {
  const std::string instance = parked();
  const std::string id = ids(api_.api("GET", "tasks?kind=parked")).at(0);
  const std::string weak = account("omar", "operator");
  const Response refused = as(weak, "POST", "tasks/" + id + "/decide", decision("again"));
  const Response resolve =
      as(weak, "POST", "instances/" + instance + "/resolve", R"({"outcome": "again"})");
  EXPECT_EQ(refused.status, resolve.status);
  EXPECT_EQ(code(refused), code(resolve));
  EXPECT_EQ(api_.hub.status(instance), "parked");
}

TEST_F(TasksApi, ACallOpensItsTaskOnceAndTheFormStaysAsItWasMade) {
  const std::string id = opened(coverage());
  EXPECT_EQ(opened(coverage()), id) << "a repeat";
  Json moved = coverage();
  moved.set("due", "2027-03-10T06:00:00Z");
  const std::string later = opened(moved);
  EXPECT_NE(later, id) << "the step has come again with another question";
  const std::string desk = account("sara", "desk");
  EXPECT_EQ(as(desk, "POST", "tasks/" + id + "/decide", decision("go-on")).status, 200);
  const ActionOutcome again = call("open", coverage());
  EXPECT_EQ(again.output.string_or("state", ""), "done");
  EXPECT_EQ(again.output["answer"].string_or("outcome", ""), "go-on");
}

TEST_F(TasksApi, AQuestionThatHasPassedIsClosed) {
  const std::string desk = account("sara", "desk");
  const std::string id = opened(coverage());
  const Json of = Json::object({{"task", id}});
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(call("cancel", of).output.string_or("state", ""), "cancelled");
  const Response late = as(desk, "POST", "tasks/" + id + "/decide", decision("go-on"));
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(code(late), "task.cancelled");
  EXPECT_TRUE(ids(as(desk, "GET", "tasks")).empty());
  const std::string done = opened(coverage(), "other");
  EXPECT_EQ(as(desk, "POST", "tasks/" + done + "/decide", decision("go-on")).status, 200);
  EXPECT_EQ(call("cancel", Json::object({{"task", done}})).output.string_or("state", ""), "done");
  EXPECT_EQ(call("cancel", Json::object({{"task", kSession}})).code, "task.unknown");
}

TEST_F(TasksApi, ALaterInstanceClosesAQuestionAboutItsSession) {
  const std::string id = opened(coverage());
  Json of = Json::object({{"task", id}});
  const auto later = [&] { return call("cancel", of, "k", "01CX5ZZKBKACTAV9WEVGEMMVRZ"); };
  EXPECT_EQ(later().code, "task.unknown");
  of.set("session", id);
  EXPECT_EQ(later().code, "task.unknown");
  of.set("session", kSession);
  EXPECT_EQ(later().output.string_or("state", ""), "cancelled");
}

TEST_F(TasksApi, WhatOpensNoTaskSaysWhy) {
  const auto refused = [&](const char* member, Json value) {
    Json what = coverage();
    what.set(member, std::move(value));
    const ActionOutcome outcome = call("open", what);
    EXPECT_EQ(outcome.kind, OutcomeKind::permanent) << member;
    EXPECT_EQ(outcome.code, "task.invalid") << member;
  };
  refused("kind", "Coverage of Layla");
  refused("title", "");
  refused("role", "patient");
  refused("role", "king");
  refused("escalation", "guest");
  refused("session", "7");
  refused("due", "tomorrow");
  refused("schema", Json::object({{"type", "object"}}));
  refused("question", std::string(consultation::kMaxTaskBytes, 'x'));
  Json none = coverage();
  none.mutable_object().erase("role");
  EXPECT_EQ(call("open", none).code, "task.invalid");
  none.set("assignee", kSession);
  EXPECT_EQ(call("open", none).code, "person.unknown");
  Json form = coverage();
  form.mutable_object().erase("answers");
  form.set("schema", Json::object({{"type", "nothing"}}));
  EXPECT_EQ(call("open", form).code, "task.invalid");
}

TEST_F(TasksApi, AnOverdueTaskIsToldOnceAndItsEscalationAnswers) {
  const std::string nurse = account("nora", "nurse");
  Json what = coverage();
  what.set("escalation", "nurse");
  what.set("due", to_iso8601({api_.hub.clock().now().ms + 60'000}));
  const std::string id = opened(what);
  must(api_.tasks->catch_up());
  EXPECT_TRUE(ids(as(nurse, "GET", "tasks")).empty());
  api_.hub.clock().advance_ms(61'000);
  api_.open({});
  for (int i = 0; i < 2; ++i) must(api_.tasks->catch_up());
  EXPECT_EQ(ids(as(nurse, "GET", "tasks")), std::vector{id});
  EXPECT_TRUE(json(as(nurse, "GET", "tasks"))["items"].item(0).bool_or("overdue", false));
  static constexpr store::Statement kTold{
      "SELECT COUNT(*) FROM hub_event WHERE type = 'task.overdue'"};
  EXPECT_EQ(test::number_of(api_.hub.store(), kTold), 1);
  EXPECT_EQ(as(nurse, "POST", "tasks/" + id + "/decide", decision("go-on")).status, 200);
}

TEST_F(TasksApi, AnEventOfADecisionHoldsChoicesAndNoTexts) {
  Json what = coverage();
  what.mutable_object().erase("answers");
  what.set("schema", must(Json::parse(R"({"type": "object", "properties": {
      "outcome": {"enum": ["go-on", "self-pay"]}, "amount": {"type": "number"},
      "note": {"type": "string"}, "mrn": {"type": "integer", "x-phi": true}}})")));
  const std::string id = opened(what);
  const std::string desk = account("sara", "desk");
  EXPECT_EQ(as(desk, "POST", "tasks/" + id + "/decide",
               R"({"answer": {"outcome": "self-pay", "amount": 100, "note": "Canary", "mrn": 77}})")
                .status,
            200);
  std::string data;
  static constexpr store::Statement kDecided{
      "SELECT data FROM hub_event WHERE type = 'task.decided'"};
  must(api_.hub.store().read([&](store::Connection& connection) {
    return connection.query(kDecided, {}, [&](const store::Row& row) {
      data = std::string(row.text(0));
      return false;
    });
  }));
  const Json item = must(Json::parse(data));
  EXPECT_EQ(item["answer"].dump(), R"({"outcome":"self-pay","amount":100})");
  EXPECT_EQ(item.string_or("task", ""), id);
  EXPECT_EQ(item["object"].string_or("id", ""), kSession);
  EXPECT_EQ(acts(id).size(), 2U);
}

}  // namespace
}  // namespace rabt::api::tasks_test
