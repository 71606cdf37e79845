#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>

#include "tests/api/rig.hpp"

// Instances as an operator sees them: lists, counts, pages of a timeline, graphs.
namespace rabt::api::instances_test {
namespace {

using engine::ScriptedService;
using http::Response;
using workflow::OutcomeKind;

std::string file_of(const std::string& name, const std::string& version, const std::string& tasks) {
  return "document: {dsl: '1.0.3', namespace: test, name: " + name + ", version: '" + version +
         "'}\nschedule: {on: {one: {with: {type: test." + name +
         ".v1}}}}\ninput: {from: '${ .[0].data }'}\ndo:\n" + tasks;
}

class InstancesTest : public testing::Test {
 protected:
  Response get(const std::string& path) { return api_.api("GET", path); }
  Json body(const std::string& path) {
    const Response answer = get(path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return answer.status == 200
               ? json(answer)
               : Json::object({{"items", Json::array()}, {"timeline", Json::array()}});
  }
  std::set<std::string> ids(const std::string& query) {
    std::set<std::string> out;
    const Json page = body("instances" + query);
    for (const Json& item : page["items"].as_array()) out.insert(item.string_or("id", ""));
    return out;
  }
  Json item(const std::string& id) {
    const Json page = body("instances?limit=200");
    for (const Json& node : page["items"].as_array()) {
      if (node.string_or("id", "") == id) return node;
    }
    return {};
  }
  // Time passes, so that the next instance has a time of its own.
  std::string start(const std::string& workflow, const std::string& wanted,
                    Json data = Json::object({{"name", "Layla"}})) {
    rig_.clock().advance_ms(60'000);
    const std::string id = rig_.send("test." + workflow + ".v1", std::move(data)).at(0);
    EXPECT_EQ(rig_.wait_status(id, wanted), wanted);
    rig_.settle();
    return id;
  }
  // One instance of each state but running.
  void start_all() {
    rig_.script().on("do-none", [](ScriptedService::Call call) {
      call.done(engine::failed(OutcomeKind::ambiguous, "vendor.silent"));
    });
    rig_.script().on("do-key", [](ScriptedService::Call call) {
      call.done(engine::failed(OutcomeKind::permanent, "vendor.refused"));
    });
    rig_.deploy(file_of("claim", "1.0.0", "  - send: {call: 'do-key:1.0.0@script'}\n"));
    rig_.deploy(file_of("ask", "1.0.0", "  - decide: {call: 'do-none:1.0.0@script'}\n"));
    rig_.deploy(file_of("none", "1.0.0", "  - nothing: {set: {a: 1}}\n"));
    faulted_ = start("claim", "faulted");
    parked_ = start("ask", "parked");
    completed_ = start("none", "completed");
    rig_.deploy(file_of("none", "1.1.0", "  - nothing: {set: {a: 2}}\n"));
    newer_ = start("none", "completed");
    rig_.deploy(file_of("stay", "1.0.0",
                        "  - both:\n      fork:\n        branches:\n"
                        "          - come: {listen: {to: {any: [{with: {type: test.came.v1}}, "
                        "{with: {type: test.left.v1}}]}}}\n"
                        "          - late: {wait: {hours: 1}}\n"));
    waiting_ = start("stay", "waiting");
    cancelled_ = start("stay", "waiting");
    must(rig_.engine().cancel(cancelled_, "user:test", "enough"));
    ASSERT_EQ(rig_.wait_status(cancelled_, "cancelled"), "cancelled");
  }

  ApiRig api_;
  engine::Rig& rig_ = api_.hub;
  std::string faulted_, parked_, completed_, newer_, waiting_, cancelled_;
};

TEST_F(InstancesTest, AreListedByStateWorkflowVersionAndCode) {
  start_all();
  using Ids = std::set<std::string>;
  EXPECT_EQ(ids("?status=faulted"), Ids{faulted_});
  EXPECT_EQ(ids("?status=parked,faulted"), (Ids{faulted_, parked_}));
  EXPECT_EQ(ids("?status=running"), Ids{}) << "the parked one is no running one";
  EXPECT_EQ(ids("?status=waiting"), Ids{waiting_});
  EXPECT_EQ(ids("?status=cancelled"), Ids{cancelled_});
  EXPECT_EQ(ids("?workflow=none"), (Ids{completed_, newer_}));
  EXPECT_EQ(ids("?workflow=none&version=1.1.0"), Ids{newer_});
  EXPECT_EQ(ids("?version=1.1.0"), Ids{newer_});
  EXPECT_EQ(ids("?workflow=nobody"), Ids{});
  EXPECT_EQ(ids("?code=vendor.refused"), Ids{faulted_});
  EXPECT_EQ(ids("?code=script/do-none"), Ids{parked_});
  EXPECT_EQ(ids("?code=script/do-none&status=faulted"), Ids{});
  EXPECT_EQ(ids("").size(), 6U);
}

TEST_F(InstancesTest, AreListedByTheTimeOfTheirLastChange) {
  start_all();
  const std::string at = item(completed_).string_or("updated", "");
  ASSERT_FALSE(at.empty());
  using Ids = std::set<std::string>;
  EXPECT_EQ(ids("?until=" + at), (Ids{faulted_, parked_})) << "until does not count itself";
  EXPECT_EQ(ids("?since=" + at), (Ids{completed_, newer_, waiting_, cancelled_}));
  EXPECT_EQ(ids("?since=" + at + "&until=" + item(newer_).string_or("updated", "")),
            Ids{completed_});
}

TEST_F(InstancesTest, AreListedInPagesThatKeepTheirFilters) {
  start_all();
  std::vector<std::string> seen;
  std::string path = "instances?limit=1&status=faulted,parked,completed";
  for (int page = 0; page < 9 && !path.empty(); ++page) {
    const Json item = body(path);
    for (const Json& each : item["items"].as_array()) seen.push_back(each.string_or("id", ""));
    path = item.string_or("next", "");
    if (!path.empty()) path.erase(0, std::string_view("/api/v1/").size());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{newer_, completed_, parked_, faulted_}));
}

TEST_F(InstancesTest, SayWhatFailedAndWhatTheyWaitForWithoutPatientData) {
  start_all();
  const Json error = item(faulted_)["error"];
  EXPECT_EQ(error.string_or("code", ""), "vendor.refused") << item(faulted_).dump();
  EXPECT_EQ(error.string_or("task", ""), "send");
  EXPECT_EQ(error.string_or("reference", ""), "/do/0/send");
  EXPECT_GT(error.int_or("status", 0), 0);
  EXPECT_EQ(item(faulted_).find("waits"), nullptr);

  const Json asked = item(parked_)["waits"];
  EXPECT_EQ(asked.string_or("role", ""), "script") << item(parked_).dump();
  EXPECT_EQ(asked.string_or("action", ""), "do-none");
  EXPECT_EQ(asked.string_or("task", ""), "decide");
  EXPECT_EQ(asked.string_or("code", ""), "vendor.silent");
  EXPECT_EQ(asked.string_or("since", ""), item(parked_).string_or("updated", "-"));

  const Json waits = item(waiting_)["waits"];
  EXPECT_EQ(waits["events"].dump(), R"(["test.came.v1","test.left.v1"])") << item(waiting_).dump();
  const Timestamp from = must(parse_iso8601(item(waiting_).string_or("created", "")));
  EXPECT_EQ(waits.string_or("until", ""), to_iso8601({from.ms + 3'600'000}));

  for (const std::string& ended : {completed_, cancelled_}) {
    EXPECT_EQ(item(ended).find("waits"), nullptr);
    EXPECT_EQ(item(ended).find("error"), nullptr);
  }
  EXPECT_EQ(get("instances").body.find("Layla"), std::string::npos);
  rig_.crash();
  rig_.start();
}

TEST_F(InstancesTest, SayNoMoreWhatIsOver) {
  start_all();
  must(rig_.engine().resolve(parked_, engine::done(), "user:test", "seen"));
  ASSERT_EQ(rig_.wait_status(parked_, "completed"), "completed");
  EXPECT_EQ(item(parked_).find("waits"), nullptr) << item(parked_).dump();
  EXPECT_EQ(ids("?code=script/do-none").size(), 0U);
  rig_.script().on("do-key", [](ScriptedService::Call call) { call.done(engine::done()); });
  must(rig_.engine().retry(faulted_, "user:test", "again"));
  ASSERT_EQ(rig_.wait_status(faulted_, "completed"), "completed");
  EXPECT_EQ(item(faulted_).find("error"), nullptr) << item(faulted_).dump();
  EXPECT_EQ(ids("?code=vendor.refused").size(), 0U);
  (void)rig_.send("test.came.v1", Json::object());
  ASSERT_EQ(rig_.wait_status(waiting_, "waiting"), "waiting");
  rig_.settle();
  EXPECT_EQ(item(waiting_)["waits"].find("events"), nullptr) << item(waiting_).dump();
  EXPECT_EQ(item(waiting_)["waits"].string_or("timer", ""), "wait");
}

TEST_F(InstancesTest, AFilterThatIsWrongIsRefusedAndSaysWhatIsRight) {
  const auto told = [&](const std::string& query) {
    const Response answer = get("instances" + query);
    EXPECT_EQ(answer.status, 422) << query << answer.body;
    return json(answer).string_or("detail", "");
  };
  EXPECT_NE(told("?status=parked,asleep").find("status: must be"), std::string::npos);
  EXPECT_NE(told("?status=").find("status: must be"), std::string::npos);
  EXPECT_NE(told("?since=yesterday").find("since: must be a time"), std::string::npos);
  EXPECT_NE(told("?until=2026-13-01").find("until: must be a time"), std::string::npos);
  EXPECT_NE(told("?since=2026-03-11T00:00:00Z&until=2026-03-10T00:00:00Z")
                .find("since: must be no later than `until`"),
            std::string::npos);
  EXPECT_NE(told("?limit=0").find("limit: must be"), std::string::npos);
  EXPECT_NE(told("?state=parked").find("`status`"), std::string::npos) << "known names are told";
  EXPECT_NE(told("?workflow=" + std::string(300, 'x')).find("workflow: must be"),
            std::string::npos);
  EXPECT_NE(told("?code=").find("code: must be"), std::string::npos);
  EXPECT_EQ(get("instances?key=4711").status, 422) << "a business key stands in no address";
}

TEST_F(InstancesTest, AreFoundByTheirBusinessKeyInABody) {
  rig_.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: keyed, version: '1.0.0', metadata: {rabt: "
      "{businessKey: '${ .visit }'}}}\nschedule: {on: {one: {with: {type: test.keyed.v1}}}}\n"
      "input: {from: '${ .[0].data }'}\ndo:\n  - late: {wait: {hours: 1}}\n");
  const std::string text = start("keyed", "waiting", Json::object({{"visit", "V-1"}}));
  (void)start("keyed", "waiting", Json::object({{"visit", "V-2"}}));
  const auto found = [&](Json wanted) {
    return api_.api("POST", "instances/search", wanted.dump(), {{"x-rabt-reason", "a call"}});
  };
  const Json list = json(found(Json::object({{"key", "V-1"}})));
  ASSERT_EQ(list["items"].size(), 1U) << list.dump();
  EXPECT_EQ(list["items"][0].string_or("id", ""), text);
  EXPECT_EQ(list.dump().find("V-1"), std::string::npos) << "a list shows no business key";
  const auto all = get("instances");
  EXPECT_NE(all.body.find(text), std::string::npos) << all.body;
  EXPECT_EQ(all.body.find("V-1"), std::string::npos);
  EXPECT_EQ(json(found(Json::object({{"key", "V-3"}})))["items"].size(), 0U);
  EXPECT_EQ(json(found(Json::object({{"key", "V-1"}, {"workflow", "keyed"}})))["items"].size(), 1U);
  EXPECT_EQ(json(found(Json::object({{"key", "V-1"}, {"workflow", "other"}})))["items"].size(), 0U);
  EXPECT_EQ(json(found(Json::object({{"key", "V-1"}, {"status", "parked"}})))["items"].size(), 0U);
  EXPECT_EQ(wrong_member(found(Json::object())), "patient");
  EXPECT_EQ(wrong_member(found(Json::object({{"key", "V"}, {"patient", "mrn:1"}}))), "key");
  EXPECT_EQ(code(api_.api("POST", "instances/search", R"({"key": "V-1"})")), "phi.reason");
}

TEST_F(InstancesTest, AreCountedByStateWorkflowAndCode) {
  start_all();
  const std::string second = start("claim", "faulted");
  const Json all = body("instances/counts");
  EXPECT_EQ(all.int_or("total", 0), 7) << all.dump();
  EXPECT_EQ(all["byStatus"].dump(),
            R"({"running":0,"waiting":1,"parked":1,"completed":2,"faulted":2,"cancelled":1})");
  std::map<std::string, std::string> workflows;
  for (const Json& node : all["byWorkflow"].as_array())
    workflows[node.string_or("workflow", "") + " " + node.string_or("version", "")] =
        node["byStatus"].dump();
  EXPECT_EQ(workflows["stay 1.0.0"], R"({"waiting":1,"cancelled":1})");
  EXPECT_EQ(workflows["none 1.1.0"], R"({"completed":1})");
  EXPECT_EQ(workflows.size(), 5U);
  ASSERT_EQ(all["byCode"].size(), 2U) << all.dump();
  EXPECT_EQ(all["byCode"][0].string_or("code", ""), "vendor.refused") << "the most first";
  EXPECT_EQ(all["byCode"][0].int_or("count", 0), 2);
  EXPECT_EQ(all["byCode"][0].string_or("status", ""), "faulted");
  EXPECT_EQ(all["byCode"][0].string_or("oldest", ""), item(faulted_).string_or("updated", "-"));
  EXPECT_EQ(all["byCode"][1].string_or("code", ""), "script/do-none");
  EXPECT_EQ(body("instances/counts?workflow=none").int_or("total", 0), 2);
  EXPECT_EQ(body("instances/counts?code=vendor.refused").int_or("total", 0), 2);
  EXPECT_EQ(
      body("instances/counts?since=" + item(second).string_or("updated", "")).int_or("total", 0),
      1);
  EXPECT_EQ(get("instances/counts?status=parked").status, 422) << "each state is counted";
  EXPECT_EQ(get("instances/counts?limit=3").status, 422);
}

// ---- timeline

// A loop of `rounds` tasks, after which the instance ends.
std::string loop_of(int rounds) {
  return file_of("loop", "1.0.0",
                 "  - many:\n      for: {each: n, in: '${ [range(" + std::to_string(rounds) +
                     ")] }'}\n      do: [{one: {set: {n: 1}}}]\n");
}

TEST_F(InstancesTest, ATimelineComesInPagesFromItsEnd) {
  rig_.deploy(loop_of(450));
  const std::string id = start("loop", "completed");
  const Json last = body("instances/" + id);
  EXPECT_EQ(last.int_or("timelineTotal", 0), 451) << "the loop and its rounds";
  ASSERT_EQ(last["timeline"].size(), 200U);
  EXPECT_EQ(last["timeline"][199].string_or("reference", ""), "/do/0/many/for/449/do/0/one");
  EXPECT_EQ(last["timeline"][199].string_or("node", ""), "/do/0/many/do/0/one");
  EXPECT_EQ(last.string_or("earlier", ""), "/api/v1/instances/" + id + "?before=251");
  const Json middle = body("instances/" + id + "?before=251");
  ASSERT_EQ(middle["timeline"].size(), 200U);
  EXPECT_EQ(middle["timeline"][199].string_or("reference", ""), "/do/0/many/for/249/do/0/one");
  const Json first = body("instances/" + id + "?before=51");
  ASSERT_EQ(first["timeline"].size(), 51U);
  EXPECT_EQ(first["timeline"][0].string_or("reference", ""), "/do/0/many");
  EXPECT_EQ(first.find("earlier"), nullptr);
  for (const char* bad : {"0", "-1", "x", ""})
    EXPECT_EQ(wrong_member(get("instances/" + id + "?before=" + bad)), "before") << bad;
}

// Long ones are kept between two looks.
TEST_F(InstancesTest, ALongTimelineThatSomebodyLookedAtGoesOnWithItsInstance) {
  std::string yaml = loop_of(600);
  yaml += "  - rest: {wait: PT1M}\n  - last: {set: {n: secret-of-the-patient}}\n";
  rig_.deploy(yaml);
  const std::string id = start("loop", "waiting");
  const std::string path = "instances/" + id;
  for (int look = 0; look < 3; ++look) {
    const Json shown = body(path);
    EXPECT_EQ(shown.int_or("timelineTotal", 0), 602) << look;
    EXPECT_EQ(shown.string_or("status", ""), "waiting");
    EXPECT_EQ(shown.find("context"), nullptr);
  }
  rig_.advance_ms(60'000);
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  for (int look = 0; look < 2; ++look) {
    const Json shown = body(path);
    EXPECT_EQ(shown.int_or("timelineTotal", 0), 603) << look;
    EXPECT_EQ(shown.string_or("status", ""), "completed");
    EXPECT_EQ(shown["timeline"][199].string_or("state", ""), "completed");
    EXPECT_EQ(shown.dump().find("secret-of"), std::string::npos);
  }
  const auto whole = rig_.engine().instance(id, engine::admitted);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_NE(whole->dump().find("secret-of-the-patient"), std::string::npos);
}

TEST_F(InstancesTest, ATaskSaysWhatBecameOfItsCallAndWhenItIsTriedAgain) {
  int tries = 0;
  rig_.script().on("do-key", [&tries](ScriptedService::Call call) {
    if (++tries == 1) return call.done(engine::failed(OutcomeKind::transient, "vendor.away"));
    call.done(engine::done());
  });
  rig_.deploy(
      file_of("again", "1.0.0",
              "  - attempt:\n      try: [{send: {call: 'do-key:1.0.0@script'}}]\n"
              "      catch: {retry: {delay: {minutes: 5}, limit: {attempt: {count: 3}}}}\n"));
  const std::string id = start("again", "waiting");
  const auto entry = [&](const std::string& task) {
    const Json page = body("instances/" + id);
    for (const Json& node : page["timeline"].as_array()) {
      if (node.string_or("task", "") == task) return node;
    }
    return Json();
  };
  EXPECT_EQ(entry("send")["call"].string_or("outcome", ""), "transient") << entry("send").dump();
  EXPECT_EQ(entry("send")["call"].string_or("code", ""), "vendor.away");
  EXPECT_EQ(entry("send")["call"].string_or("key", "-"), rig_.script().keys("do-key").at(0));
  EXPECT_EQ(entry("attempt").string_or("nextTry", ""), item(id)["waits"].string_or("until", "-"));
  EXPECT_EQ(item(id)["waits"].string_or("timer", ""), "retry");
  rig_.advance_ms(300'001);
  ASSERT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(entry("attempt").find("nextTry"), nullptr) << entry("attempt").dump();
  EXPECT_EQ(entry("send")["call"].string_or("outcome", ""), "done");
  EXPECT_EQ(entry("send")["call"].find("code"), nullptr);
  EXPECT_EQ(entry("send").int_or("attempts", 0), 2);
}

TEST_F(InstancesTest, ATaskNamesTheInstancesThatItStarted) {
  rig_.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: child, version: '1.0.0'}\ndo:\n"
      "  - nothing: {set: {a: 1}}\n");
  rig_.deploy(file_of("mother", "1.0.0",
                      "  - first: {set: {a: 1}}\n"
                      "  - birth: {run: {workflow: {namespace: test, name: child, version: "
                      "'1.0.0'}}}\n"));
  const std::string id = start("mother", "completed");
  const Json shown = body("instances/" + id);
  ASSERT_EQ(shown["timeline"].size(), 2U) << shown.dump();
  EXPECT_EQ(shown["timeline"][1]["children"].dump(), shown["children"].dump());
  EXPECT_EQ(shown["timeline"][1]["children"].size(), 1U);
  EXPECT_EQ(shown["timeline"][0].find("children"), nullptr);
}

// ---- graphs

Json node_of(const Json& graph, const std::string& id) {
  for (const Json& item : graph["nodes"].as_array()) {
    if (item.string_or("id", "") == id) return item;
  }
  return {};
}

TEST_F(InstancesTest, AGraphShowsHowFarAnInstanceHasCome) {
  start_all();
  const Json parked = body("instances/" + parked_ + "/graph");
  EXPECT_EQ(parked.string_or("workflow", ""), "ask");
  EXPECT_EQ(node_of(parked, "/do/0/decide").string_or("state", ""), "parked") << parked.dump();
  EXPECT_EQ(node_of(parked, "/do/0/decide").int_or("attempts", 0), 1);
  EXPECT_EQ(node_of(parked, "end").find("state"), nullptr);
  EXPECT_EQ(node_of(body("instances/" + faulted_ + "/graph"), "/do/0/send").string_or("state", ""),
            "faulted");
  EXPECT_EQ(node_of(body("instances/" + completed_ + "/graph"), "end").string_or("state", ""),
            "completed");
  const Json waits = body("instances/" + waiting_ + "/graph");
  EXPECT_EQ(node_of(waits, "/do/0/both").string_or("state", ""), "running");
  EXPECT_EQ(node_of(waits, "/do/0/both/fork/branches/0/come").string_or("parent", ""), "/do/0/both")
      << waits.dump_pretty();
  EXPECT_EQ(node_of(waits, "/do/0/both/fork/branches/0/come").string_or("state", ""), "waiting");
  rig_.deploy(loop_of(3));
  const Json loop = body("instances/" + start("loop", "completed") + "/graph");
  EXPECT_EQ(node_of(loop, "/do/0/many/do/0/one").int_or("attempts", 0), 3) << loop.dump();
  EXPECT_EQ(get("instances/01ARZ3NDEKTSV4RRFFQ69G5FAV/graph").status, 404);
}

TEST_F(InstancesTest, AWorkflowHasTheSameGraphWithoutStates) {
  start_all();
  const Json graph = body("workflows/none/graph");
  EXPECT_EQ(graph.string_or("version", ""), "1.1.0") << "the active one";
  EXPECT_EQ(body("workflows/none/graph?version=1.0.0").string_or("version", ""), "1.0.0");
  EXPECT_EQ(node_of(graph, "/do/0/nothing").string_or("kind", ""), "set") << graph.dump();
  EXPECT_EQ(node_of(graph, "/do/0/nothing").find("state"), nullptr);
  EXPECT_EQ(graph["edges"].dump(),
            R"([{"from":"start","to":"/do/0/nothing","label":"test.none.v1"},)"
            R"({"from":"/do/0/nothing","to":"end"}])");
  EXPECT_EQ(code(get("workflows/nobody/graph")), "engine.workflow");
}

// ---- what needs a person

TEST_F(InstancesTest, NothingNeedsAPersonInAHubWhereAllIsWell) {
  const Json all = body("todo");
  EXPECT_EQ(all.dump(), R"({"ok":true,"items":[]})");
}

TEST_F(InstancesTest, WhatNeedsAPersonIsListedWithTheCommandThatHelps) {
  start_all();
  const auto of = [&](std::string_view kind) {
    const Json page = body("todo");
    for (const Json& node : page["items"].as_array()) {
      if (node.string_or("kind", "") == kind) return node;
    }
    return Json();
  };
  EXPECT_FALSE(body("todo").bool_or("ok", true));
  EXPECT_EQ(of("decision").int_or("count", 0), 1) << body("todo").dump_pretty();
  EXPECT_EQ(of("decision").string_or("role", ""), "script");
  EXPECT_EQ(of("decision").string_or("oldest", ""), item(parked_).string_or("updated", "-"));
  EXPECT_EQ(of("decision").string_or("command", ""),
            "rabt instances --status parked --code script/do-none");
  EXPECT_EQ(of("faulted").string_or("code", ""), "vendor.refused");
  EXPECT_EQ(of("faulted").string_or("link", ""),
            "/console/instances?status=faulted&code=vendor.refused");
  // Somebody looked into a record in an emergency.
  ASSERT_EQ(api_.api("POST", "break-glass",
                     R"({"instance": ")" + waiting_ + R"(", "reason": "no pulse"})")
                .status,
            201);
  EXPECT_EQ(of("grant").int_or("count", 0), 1);
  must(rig_.engine().resolve(parked_, engine::done(), "user:test", "seen"));
  ASSERT_EQ(rig_.wait_status(parked_, "completed"), "completed");
  EXPECT_TRUE(of("decision").is_null());
  rig_.clock().advance_ms(8LL * 24 * 3600 * 1000);
  EXPECT_TRUE(of("faulted").is_null()) << "after 7 days a failed run is history";
}

TEST_F(InstancesTest, CallsOfAnInstanceAreThoseThatNoPersonHasToDecide) {
  std::promise<ScriptedService::Call> asked;
  rig_.script().on("do-none", [](ScriptedService::Call call) {
    call.done(engine::failed(OutcomeKind::ambiguous, "vendor.silent"));
  });
  rig_.script().on("do-key",
                   [&asked](ScriptedService::Call call) { asked.set_value(std::move(call)); });
  rig_.deploy(
      file_of("two", "1.0.0",
              "  - both:\n      fork:\n        branches:\n"
              "          - decide: {call: 'do-none:1.0.0@script'}\n"
              "          - send: {call: 'do-key:1.0.0@script', with: {n: '${ .name }'}}\n"));
  const std::string id = rig_.send("test.two.v1", Json::object({{"name", "Layla"}})).at(0);
  const ScriptedService::Call open = asked.get_future().get();
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  const Response answer = get("instances?status=running,parked&calls=true");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body.find("Layla"), std::string::npos);
  const Json page = json(answer);
  ASSERT_EQ(page["items"].size(), 1U) << answer.body;
  ASSERT_EQ(page["items"][0]["calls"].size(), 1U) << answer.body;
  const Json& call = page["items"][0]["calls"][0];
  EXPECT_EQ(call.string_or("role", "") + "/" + call.string_or("action", ""), "script/do-key");
  EXPECT_EQ(call.string_or("task", ""), "send");
  EXPECT_EQ(call.string_or("since", ""), to_iso8601(rig_.clock().now()));
  EXPECT_EQ(item(id).find("calls"), nullptr) << "journals are read only where that is asked for";

  open.done(engine::done());
  must(rig_.engine().resolve(id, engine::done(), "user:test", "seen"));
  ASSERT_EQ(rig_.wait_status(id, "completed"), "completed");
  const Json ended = body("instances?calls=true");
  EXPECT_EQ(ended["items"][0]["calls"], Json::array());
}

TEST_F(InstancesTest, AListOfWhatNeedsAPersonHoldsNoPatientData) {
  start_all();
  EXPECT_EQ(get("todo").body.find("Layla"), std::string::npos);
  EXPECT_EQ(get("instances/counts").body.find("Layla"), std::string::npos);
  EXPECT_EQ(get("instances/" + waiting_ + "/graph").body.find("Layla"), std::string::npos);
}

}  // namespace
}  // namespace rabt::api::instances_test
