#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <set>

#include "tests/e2e/support.hpp"
#include "tests/engine/loopback_http.hpp"
#include "tests/eventually.hpp"

// Workflows without plugins, and their deployment, at a hub that runs as a process.
namespace rabt::e2e::workflows_test {
namespace {

using engine::LoopbackHttp;
using engine::LoopbackRequest;
using engine::LoopbackResponse;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

void pause_ms(std::int64_t ms) {
  test::let_pass(std::chrono::milliseconds(ms));
}

// A workflow that a booking starts. input: an expression on the list of events.
std::string booked(const std::string& name, const std::string& version, const std::string& tasks,
                   const std::string& input = ".[0].data", const std::string& more = {}) {
  return "document: {dsl: '1.0.3', namespace: test, name: " + name + ", version: '" + version +
         "'}\nschedule: {on: {one: {with: {type: org.rabt.appointment.booked.v1}}}}\n"
         "input: {from: '${ " +
         input + " }'}\n" + more + "do:\n" + tasks;
}
// One that nothing starts but another.
std::string plain(const std::string& name, const std::string& version, const std::string& tasks) {
  return "document: {dsl: '1.0.3', namespace: test, name: " + name + ", version: '" + version +
         "'}\ndo:\n" + tasks;
}

class Workflows : public testing::Test {
 protected:
  // Writes a workflow file; returns its path.
  std::string file(const std::string& name, const std::string& yaml) {
    std::string path = site_.folder() / name;
    write_file(path, yaml);
    return path;
  }
  // Posts a booking; returns the instances that it started.
  std::vector<std::string> book() {
    booking_ = site_.booking(bookings_++);
    const net::Response accepted = site_.post(booking_.id, booking_.body);
    EXPECT_EQ(accepted.status, 202) << accepted.body;
    std::vector<std::string> ids;
    const auto answer = Json::parse(accepted.body);
    if (!answer.ok()) return ids;
    for (std::size_t i = 0; i < (*answer)["instances"].size(); ++i)
      ids.push_back((*answer)["instances"][i].as_string());
    return ids;
  }
  std::string book_one() {
    const auto ids = book();
    EXPECT_EQ(ids.size(), 1U);
    return ids.empty() ? "none" : ids[0];
  }
  // Waits for the end; the last status that was seen.
  std::string ended(const std::string& id, std::int64_t limit_ms = 15'000) {
    std::string status;
    (void)test::eventually(
        [&] {
          status = site_.api("instances/" + id).string_or("status", status);
          return status == "completed" || status == "faulted" || status == "cancelled";
        },
        std::chrono::milliseconds(limit_ms));
    return status;
  }
  // The active versions as "name version", and all rows as the API gives them.
  std::set<std::string> active() {
    std::set<std::string> out;
    const Json list = site_.api("workflows")["items"];
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i].bool_or("active", false))
        out.insert(list[i].string_or("name", "") + " " + list[i].string_or("version", ""));
    }
    return out;
  }
  // The audit entries of one act, in order. The hub must not run.
  std::vector<Json> audited(const std::string& act) {
    std::vector<Json> out;
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open((site_.config.data + "/rabt.db").c_str(), &db), SQLITE_OK);
    sqlite3_stmt* rows = nullptr;
    EXPECT_EQ(
        sqlite3_prepare_v2(db, "SELECT canonical FROM audit ORDER BY seq", -1, &rows, nullptr),
        SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
      const std::string text(static_cast<const char*>(sqlite3_column_blob(rows, 0)),
                             static_cast<std::size_t>(sqlite3_column_bytes(rows, 0)));
      const auto entry = Json::parse(text);
      EXPECT_TRUE(entry.ok());
      if (entry.ok() && entry->string_or("act", "") == act) out.push_back(*entry);
    }
    sqlite3_finalize(rows);
    sqlite3_close(db);
    return out;
  }

  // The first number of a query; also beside a running hub.
  std::int64_t number(const std::string& query) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open_v2((site_.config.data + "/rabt.db").c_str(), &db, SQLITE_OPEN_READONLY,
                              nullptr),
              SQLITE_OK);
    sqlite3_busy_timeout(db, 10'000);
    sqlite3_stmt* rows = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db, query.c_str(), -1, &rows, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(rows), SQLITE_ROW);
    const std::int64_t found = sqlite3_column_int64(rows, 0);
    sqlite3_finalize(rows);
    sqlite3_close(db);
    return found;
  }

  Site site_{Kind::edge};
  demo::Booking booking_;
  int bookings_ = 0;
};

// ---- children and the clock, under kills

TEST_F(Workflows, AChildRunsOnceAndADueTimeStartsOnceWhileTheHubIsKilled) {
  constexpr int kKills = 5;
  constexpr std::int64_t kEveryMs = 1000;  // the shortest
  // The answers come late, so that kills fall between request and answer as well.
  LoopbackHttp outside([](const LoopbackRequest& request) {
    pause_ms(40);
    return LoopbackResponse{.headers = {{"Content-Type", "application/json"}},
                            .body = request.body};
  });
  const auto put = [&](const std::string& task, const std::string& path) {
    return "  - " + task + ": {call: http, with: {method: put, endpoint: '" + outside.origin() +
           path + "', headers: {Content-Type: application/json}, body: '${ . }'}}\n";
  };
  const std::string parent = file(
      "parent.yaml",
      booked(
          "parent", "1.0.0",
          "  - sub: {run: {workflow: {namespace: test, name: child, version: '1.0.0', input: '${ "
          ". }'}}}\n" +
              put("tell", "/told"),
          "{booking: .[0].id}"));
  const std::string child =
      file("child.yaml", plain("child", "1.0.0",
                               put("work", "/work") + "  - rest: {wait: {milliseconds: 60}}\n" +
                                   "  - answer: {set: '${ {booking: .booking, from: "
                                   "$workflow.id} }'}\n"));
  const std::string ticking =
      file("ticking.yaml",
           "document: {dsl: '1.0.3', namespace: test, name: ticking, version: '1.0.0'}\n"
           "schedule: {every: {milliseconds: " +
               std::to_string(kEveryMs) + "}}\ndo:\n  - mark: {set: {a: 1}}\n");
  site_.config.workflows = {parent, child, ticking};
  site_.config.more = "http: {allow: ['" + outside.origin() + "']}\n";

  std::vector<std::string> parents;
  for (int i = 0; i < kKills; ++i) {
    ASSERT_NO_FATAL_FAILURE(site_.start_hub());
    parents.push_back(book_one());
    pause_ms(i * 30);
    parents.push_back(book_one());
    // Kills around a due time.
    const std::int64_t due = number("SELECT due_ms FROM schedule");
    ASSERT_GT(due, 0);
    pause_ms(due - SystemClock().now().ms + i * 3 - 4);
    parents.push_back(book_one());
    site_.kill_hub();
  }
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  for (const std::string& id : parents) ASSERT_EQ(ended(id), "completed") << id;
  // The clock ends here; what it started comes to its end.
  const Finished pruned = site_.rabt({"workflow", "apply", "--prune", parent, child});
  ASSERT_EQ(pruned.code, 0) << pruned.said;
  std::map<std::string, int> instances;
  const Json list = site_.api("instances?limit=200")["items"];
  ASSERT_LT(list.size(), 200U);
  for (std::size_t i = 0; i < list.size(); ++i) {
    ++instances[list[i].string_or("workflow", "")];
    EXPECT_EQ(ended(list[i].string_or("id", "")), "completed");
  }

  std::set<std::string> children;
  for (const std::string& id : parents) {
    const Json view = site_.api("instances/" + id, true);
    ASSERT_EQ(view["children"].size(), 1U) << view.dump_pretty();
    const std::string only = view["children"][0].as_string();
    EXPECT_TRUE(children.insert(only).second);
    EXPECT_EQ(site_.api("instances/" + only).string_or("parent", ""), id);
    EXPECT_EQ(view["output"].string_or("from", ""), only) << view.dump_pretty();
  }
  EXPECT_EQ(instances["child"], static_cast<int>(parents.size()));
  site_.stop_hub();

  // Requests may be repeated after a kill, under the same key: each piece of work has one.
  std::map<std::string, std::set<std::string>> keys;
  for (const LoopbackRequest& request : outside.requests())
    keys[request.target].insert(request.header("idempotency-key"));
  EXPECT_EQ(keys["/work"].size(), parents.size());
  EXPECT_EQ(keys["/told"].size(), parents.size());

  std::set<std::string> answered;
  for (const Json& entry : audited("child.ended"))
    EXPECT_TRUE(answered.insert(entry.string_or("object", "")).second) << entry.dump();
  EXPECT_EQ(answered.size(), parents.size());

  std::set<std::int64_t> dues;
  std::set<std::string> by_the_clock;
  for (const Json& entry : audited("schedule.started")) {
    const auto due = parse_iso8601(entry["detail"].string_or("due", ""));
    ASSERT_TRUE(due) << entry.dump();
    EXPECT_TRUE(dues.insert(due->ms).second) << "a due time was taken twice: " << entry.dump();
    EXPECT_TRUE(by_the_clock.insert(entry["detail"].string_or("instance", "")).second);
  }
  EXPECT_EQ(by_the_clock.size(), static_cast<std::size_t>(instances["ticking"]));
  EXPECT_GE(dues.size(), 4U);
  for (const std::int64_t due : dues) EXPECT_EQ((due - *dues.begin()) % kEveryMs, 0);
  EXPECT_EQ(site_.rabt({"audit", "verify"}).code, 0);
}

// ---- call: http and secrets

class HttpCalls : public Workflows {
 protected:
  HttpCalls() {
    write_file(site_.folder() / "partner", kSecret + "\n");
    site_.config.more = "http: {allow: ['" + outside_.origin() +
                        "']}\nworkflow_secrets: {partner: {file: partner}}\n";
    site_.config.workflows = {file("tell.yaml", tell("1.0.0", outside_.origin()))};
  }
  static std::string tell(const std::string& version, const std::string& origin) {
    return booked("tell", version,
                  "  - tell:\n      call: http\n      with:\n        method: post\n"
                  "        endpoint:\n          uri: " +
                      origin +
                      "/appointments\n"
                      "          authentication: {bearer: {token: '${ $secrets.partner }'}}\n"
                      "        headers: {X-Partner: '${ $secrets.partner }'}\n"
                      "        body: '${ . }'\n"
                      "        output: response\n"
                      "      export: {as: '${ {answer: $output} }'}\n",
                  ".[0].data", "use: {secrets: [partner]}\n");
  }
  const std::string kSecret = "a-secret-of-the-partner-5e2c81";
  // Sends back what it was sent, credentials and all.
  LoopbackHttp outside_{[](const LoopbackRequest& request) {
    return LoopbackResponse{
        .headers = {{"Content-Type", "application/json"}, {"X-Echo", request.header("x-partner")}},
        .body = Json::object({{"authorization", request.header("authorization")},
                              {"size", static_cast<std::int64_t>(request.body.size())}})
                    .dump()};
  }};
};

TEST_F(HttpCalls, ASecretReachesThePartnerAndNothingElseAndEventsHoldNoData) {
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const std::string id = book_one();
  ASSERT_EQ(ended(id), "completed") << site_.api("instances/" + id).dump_pretty();
  const auto requests = outside_.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].target, "/appointments");
  EXPECT_EQ(requests[0].header("authorization"), "Bearer " + kSecret);
  EXPECT_EQ(requests[0].header("x-partner"), kSecret);
  EXPECT_TRUE(contains(requests[0].body, booking_.patient_name)) << "the partner gets the booking";
  EXPECT_TRUE(requests[0].header("idempotency-key").starts_with(id + "-"));

  const Json view = site_.api("instances/" + id, true);
  EXPECT_EQ(view["output"]["content"].string_or("authorization", ""), "Bearer *")
      << view.dump_pretty();
  const Finished events = site_.rabt({"instances", id, "--events"});
  EXPECT_EQ(events.code, 0);
  std::string seen =
      view.dump() + site_.api("instances").dump() + site_.api("workflows").dump() +
      site_.send("GET", "/metrics", {{"Authorization", "Bearer " + site_.token()}}).body +
      events.said;
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"instances", id},
                                             {"instances"},
                                             {"workflow", "export", "tell"},
                                             {"workflow", "plan", "--format", "json"},
                                             {"workflow", "list"},
                                             {"config", "check"}}) {
    const Finished done = site_.rabt(command);
    EXPECT_EQ(done.code, 0) << command[0] << " " << done.said;
    seen += done.said;
  }
  write_file(site_.folder() / "seen", seen);
  // With the write-ahead log, as a crash would leave it.
  site_.kill_hub();
  EXPECT_EQ(search({site_.config.data, site_.folder() / "hub.log", site_.folder() / "hub.out",
                    site_.folder() / "seen"},
                   {kSecret}),
            std::vector<std::string>{});

  // The lifecycle events.
  const std::vector<std::string> values = private_values(booking_.body);
  ASSERT_GE(values.size(), 12U);
  write_file(site_.folder() / "events", events.said);
  EXPECT_EQ(
      search({site_.config.data, site_.folder() / "hub.log", site_.folder() / "events"}, values),
      std::vector<std::string>{});
  std::vector<std::string> types;
  std::set<std::string> ids;
  for (std::size_t at = 0; at < events.said.size();) {
    const std::size_t end = events.said.find('\n', at);
    const auto event = Json::parse(events.said.substr(at, end - at));
    ASSERT_TRUE(event.ok()) << events.said;
    EXPECT_EQ(event->string_or("specversion", ""), "1.0");
    EXPECT_TRUE(ids.insert(event->string_or("id", "")).second);
    types.push_back(event->string_or("type", ""));
    at = end == std::string::npos ? events.said.size() : end + 1;
  }
  EXPECT_EQ(types, (std::vector<std::string>{"io.serverlessworkflow.workflow.started.v1",
                                             "io.serverlessworkflow.task.created.v1",
                                             "io.serverlessworkflow.task.started.v1",
                                             "io.serverlessworkflow.task.completed.v1",
                                             "io.serverlessworkflow.workflow.completed.v1"}));
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  EXPECT_EQ(site_.rabt({"instances", id, "--events"}).said, events.said) << "after a restart";
  EXPECT_EQ(site_.rabt({"instances", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--events"}).code, 1);
}

TEST_F(HttpCalls, AHostThatIsNotAllowedIsRefusedByApplyAndAtTheStart) {
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const std::string other = file("other.yaml", tell("2.0.0", "https://elsewhere.example"));
  for (const char* verb : {"plan", "apply"}) {
    const Finished refused = site_.rabt({"workflow", verb, other});
    EXPECT_EQ(refused.code, 1) << verb << refused.said;
    EXPECT_TRUE(contains(refused.said, other + ":11:16: error: https://elsewhere.example is not "
                                               "allowed (add to the configuration: http: {allow: "
                                               "['https://elsewhere.example']}) [engine.host]"))
        << refused.said;
  }
  EXPECT_EQ(active(), (std::set<std::string>{"tell 1.0.0"}));
  site_.stop_hub();
  site_.config.workflows = {other};
  const Finished start = site_.serve();
  EXPECT_EQ(start.code, 2) << start.said;
  EXPECT_TRUE(contains(start.said, "engine.host")) << start.said;
}

TEST_F(HttpCalls, AnInstanceWhoseSecretIsMissingAtAStartGoesOnWhenItIsBack) {
  const std::string deployed = file("deployed.yaml", tell("1.0.0", outside_.origin()));
  const std::string other = file("idle.yaml", plain("idle", "1.0.0", "  - a: {set: {a: 1}}\n"));
  site_.config.workflows = {other};
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  ASSERT_EQ(site_.rabt({"workflow", "apply", deployed}).code, 0);
  site_.stop_hub();
  const std::string whole = site_.config.more;
  site_.config.more = "http: {allow: ['" + outside_.origin() + "']}\n";
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const std::string id = book_one();  // accepted: it is not lost
  EXPECT_FALSE(test::eventually([this] { return outside_.requests().size() > 0; },
                                std::chrono::milliseconds(100)));
  const Finished shown = site_.rabt({"instances", id});
  EXPECT_EQ(shown.code, 1);
  EXPECT_TRUE(contains(shown.said, "uses the secret `partner`")) << shown.said;
  const net::Response cancel =
      site_.send("POST", "/api/v1/instances/" + id + "/cancel",
                 {{"Authorization", "Bearer " + site_.token()}}, R"({"reason": "test"})");
  EXPECT_EQ(cancel.status, 503) << cancel.body;
  EXPECT_TRUE(contains(cancel.body, "workflow_secrets")) << cancel.body;
  site_.stop_hub();
  site_.config.more = whole;
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  EXPECT_EQ(ended(id), "completed");
  EXPECT_EQ(outside_.requests().size(), 1U);
}

// ---- plan, apply, list, export

class Deploying : public Workflows {
 protected:
  void SetUp() override {
    site_.config.workflows = {
        file("visit.yaml", visit("1.0.0", "one", "  - rest: {wait: PT1H}\n"))};
    ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  }
  static std::string visit(const std::string& version, const std::string& mark,
                           const std::string& first = {}) {
    return booked("visit", version, first + "  - mark: {set: {v: " + mark + "}}\n");
  }
  std::string listed() { return site_.rabt({"workflow", "list", "--format", "json"}).said; }
};

TEST_F(Deploying, PlanAndApplyTellByTheirExitStatusWhatIs) {
  const Finished same = site_.rabt({"workflow", "plan"});
  EXPECT_EQ(same.code, 0) << same.said;
  EXPECT_TRUE(contains(same.said, "no changes")) << same.said;

  const std::string more = file("more.yaml", plain("more", "1.0.0+b1", "  - a: {set: {a: 1}}\n"));
  const std::string before = listed();
  const Finished plan = site_.rabt({"workflow", "plan", "--format", "json", more});
  EXPECT_EQ(plan.code, 2) << plan.said;
  const auto json = Json::parse(plan.said);
  ASSERT_TRUE(json.ok()) << plan.said;
  EXPECT_TRUE(json->bool_or("changes", false));
  EXPECT_EQ((*json)["workflows"][0].string_or("change", ""), "new");
  EXPECT_EQ(listed(), before) << "plan writes nothing";

  const Finished applied = site_.rabt({"workflow", "apply", more});
  EXPECT_EQ(applied.code, 0);
  EXPECT_EQ(applied.said, "test/more 1.0.0+b1: new\n");
  EXPECT_EQ(site_.rabt({"workflow", "plan", more}).code, 0);
  EXPECT_EQ(site_.rabt({"workflow", "apply", more}).said, "test/more 1.0.0+b1: unchanged\n");
  for (const char* name : {"more", "test/more", "more@1.0.0+b1", "test/more@1.0.0+b1"}) {
    const Finished exported = site_.rabt({"workflow", "export", name});
    EXPECT_EQ(exported.code, 0) << name;
    EXPECT_EQ(exported.said, read_file(more)) << name;
  }
  EXPECT_EQ(site_.rabt({"workflow", "export", "more@9.0.0"}).code, 1);
  EXPECT_EQ(site_.rabt({"workflow", "export", "no such/thing?&"}).code, 1);

  write_file(more, plain("more", "1.0.0+b1", "  - a: {set: {a: 2}}\n"));
  for (const char* verb : {"plan", "apply"}) {
    const Finished taken = site_.rabt({"workflow", verb, more});
    EXPECT_EQ(taken.code, 1) << taken.said;
    EXPECT_TRUE(contains(taken.said, "engine.version_taken")) << taken.said;
  }
  EXPECT_TRUE(contains(site_.rabt({"workflow", "export", "more"}).said, "a: 1"));

  site_.stop_hub();
  for (const char* verb : {"plan", "apply", "list"}) {
    const Finished alone = site_.rabt({"workflow", verb});
    EXPECT_EQ(alone.code, 1) << verb;
    EXPECT_TRUE(contains(alone.said, "no hub runs with this configuration")) << alone.said;
  }
}

TEST_F(Deploying, OneBadFileAmongThreeChangesNothing) {
  const std::string before = listed();
  const std::string good = file("good.yaml", plain("good", "1.0.0", "  - a: {set: {a: 1}}\n"));
  const std::string bad = file("bad.yaml", plain("bad", "1.0.0", "  - a: {sett: {a: 1}}\n"));
  const std::string next = file("next.yaml", visit("1.1.0", "two"));
  const Finished refused = site_.rabt({"workflow", "apply", "--prune", good, bad, next});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.said, bad + ":3:")) << refused.said;
  EXPECT_FALSE(contains(refused.said, good + ":")) << refused.said;
  EXPECT_EQ(site_.rabt({"workflow", "plan", good, bad, next}).code, 1);
  EXPECT_EQ(listed(), before);
  EXPECT_EQ(site_.rabt({"workflow", "apply", good, next, site_.folder() / "none.yaml"}).code, 1);
  EXPECT_EQ(listed(), before);
  ASSERT_EQ(site_.rabt({"workflow", "apply", good, next}).code, 0);
  EXPECT_EQ(active(), (std::set<std::string>{"good 1.0.0", "visit 1.1.0"}));
  site_.stop_hub();
  EXPECT_EQ(audited("workflow.deployed").size(), 3U) << "the first start, and two files";
}

TEST_F(Deploying, RunningInstancesStayOnTheirVersionAndNewOnesTakeTheNew) {
  const std::string old = book_one();
  const std::string next = file("next.yaml", visit("2.0.0", "two"));
  const Finished plan = site_.rabt({"workflow", "plan", next});
  EXPECT_EQ(plan.code, 2);
  EXPECT_TRUE(contains(plan.said, "test/visit 2.0.0: new version; active now: 1.0.0")) << plan.said;
  EXPECT_TRUE(contains(plan.said, "1 running on 1.0.0; they stay on it")) << plan.said;
  ASSERT_EQ(site_.rabt({"workflow", "apply", next}).code, 0);
  const std::string fresh = book_one();
  EXPECT_EQ(ended(fresh), "completed");
  EXPECT_EQ(site_.api("instances/" + fresh, true)["output"].string_or("v", ""), "two");
  EXPECT_EQ(site_.api("instances/" + fresh).string_or("version", ""), "2.0.0");
  // A kill does not move it either. The new version is put into the configuration, as one does.
  site_.kill_hub();
  site_.config.workflows = {next};
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  EXPECT_EQ(site_.api("instances/" + old).string_or("version", ""), "1.0.0");
  EXPECT_EQ(site_.api("instances/" + old).string_or("status", ""), "waiting");
  EXPECT_EQ(site_.api("instances/" + old)["timeline"][0].string_or("task", ""), "rest");
  EXPECT_EQ(active(), (std::set<std::string>{"visit 2.0.0"}));
}

TEST_F(Deploying, PruneEndsWhatIsNotAmongTheFilesAndLeavesWhatRuns) {
  const std::string running = book_one();
  const std::string more = file("more.yaml", plain("more", "1.0.0", "  - a: {set: {a: 1}}\n"));
  const Finished plan = site_.rabt({"workflow", "plan", "--prune", more});
  EXPECT_EQ(plan.code, 2);
  EXPECT_TRUE(contains(plan.said, "test/visit 1.0.0: stops: it is not among the files"))
      << plan.said;
  ASSERT_EQ(site_.rabt({"workflow", "apply", "--prune", more}).code, 0);
  EXPECT_EQ(active(), (std::set<std::string>{"more 1.0.0"}));
  EXPECT_EQ(book().size(), 0U) << "nothing starts on a booking any more";
  EXPECT_EQ(site_.api("instances/" + running).string_or("status", ""), "waiting");
  EXPECT_EQ(site_.rabt({"workflow", "plan", "--prune", more}).code, 0);
  EXPECT_EQ(site_.rabt({"workflow", "apply"}).said, "test/visit 1.0.0: activated\n");
  EXPECT_EQ(book().size(), 1U);
}

}  // namespace
}  // namespace rabt::e2e::workflows_test
