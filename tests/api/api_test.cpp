#include <Poco/DeflatingStream.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <set>
#include <sstream>
#include <tuple>

#include "hub/api/health.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/limits.hpp"
#include "hub/http/problem.hpp"
#include "hub/plugin/package/library.hpp"
#include "tests/api/anchored_log.hpp"
#include "tests/api/rig.hpp"

// The API over a real store, engine and keyring, without sockets. tests/e2e covers the same over
// HTTP, with plugins.
namespace rabt::api::api_test {
namespace {

using engine::ScriptedService;
using http::Request;
using http::Response;
using workflow::OutcomeKind;

constexpr std::string_view kSender = "a static token of a sender";

class ApiTest : public testing::Test {
 protected:
  static std::vector<Source> sources() {
    std::vector<Source> list(1);
    list[0].name = "his";
    list[0].plugin = "echo";
    list[0].signature.scheme = http::SignatureScheme::static_token;
    list[0].signature.secrets.emplace_back(kSender);
    return list;
  }
  // The plugin of the source, built for the tests of the plugin host; false when this build lacks
  // it.
  bool load_echo() {
    const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string folder = std::string(build != nullptr ? build : ".") + "/fixtures/echo";
    if (!std::filesystem::exists(plugin::library_path(folder))) return false;
    plugin::PluginConfig config;
    config.id = "echo";
    config.folder = folder;
    config.tenant = "t1";
    config.config = Json::object({{"greeting", "hello"}});
    config.config.set("base_url", "https://a.example");
    config.secrets.emplace("token", std::make_shared<SecretBytes>(std::string_view("secret")));
    const Status loaded = rig_.host().load(std::move(config));
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    return true;
  }
  Response api(std::string method, const std::string& path, std::string body = {},
               std::vector<std::pair<std::string, std::string>> headers = {}) {
    return api_.api(std::move(method), path, std::move(body), std::move(headers));
  }
  Response handle(const Request& request) { return api_.handle(request); }
  Response hook(const std::string& body, std::string_view token = kSender) {
    Request made = request("POST", "/hooks/his", body);
    made.headers = {{"authorization", "Bearer " + std::string(token)},
                    {"content-type", "application/json"}};
    return handle(made);
  }
  // One instance whose only action waits for the test.
  std::string waiting_instance(const std::string& action) {
    rig_.script().on(action,
                     [this](ScriptedService::Call call) { open_.set_value(std::move(call)); });
    rig_.deploy(
        "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
        "schedule: {on: {one: {with: {type: test.start.v1}}}}\ninput: {from: '${ .[0].data "
        "}'}\ndo:\n"
        "  - work:\n      call: " +
        action + ":1.0.0@script\n      with: {n: '${ .n }'}\n");
    const auto started = rig_.send("test.start.v1", Json::object({{"n", "Layla"}}));
    EXPECT_EQ(started.size(), 1U);
    EXPECT_TRUE(rig_.script().wait_for(action, 1));
    return started.empty() ? "" : started[0];
  }
  std::string measures() {
    Request made = request("GET", "/metrics");
    made.headers = {{"authorization", "Bearer " + std::string(kToken)}};
    return handle(made).body;
  }
  std::uint64_t audited() { return must(audit::verify(rig_.store(), rig_.folder())).entries; }

  // Outlives the rig, whose workers answer through it, also after the test has seen enough.
  std::promise<ScriptedService::Call> open_;
  ApiRig api_{{.sources = sources()}};
  engine::Rig& rig_ = api_.hub;
};

TEST_F(ApiTest, TheApiNeedsExactlyTheToken) {
  EXPECT_EQ(api("GET", "instances").status, 200);
  for (const std::string value : {"", "Bearer", "Bearer ", "Basic rabt_0123456789abcdef",
                                  "Bearer rabt_0123456789abcde", "rabt_0123456789abcdef"}) {
    Request made = request("GET", "/api/v1/instances");
    if (!value.empty()) made.headers = {{"authorization", value}};
    const Response answer = handle(made);
    EXPECT_EQ(answer.status, 401) << value;
    EXPECT_EQ(header(answer, "WWW-Authenticate"), "Bearer");
    EXPECT_EQ(answer.body.find(kToken), std::string::npos);
  }
  // An unknown path below the API tells nothing to somebody without the token.
  EXPECT_EQ(handle(request("GET", "/api/v1/nothing")).status, 401);
  EXPECT_EQ(api("GET", "nothing").status, 404);
}

constexpr std::string_view kShared = "b8Zq-41Xw_0pLm7!tRk2vNs9cYd5uEa3";

// Each route against each role: who may not is refused before anything is read, and written down.
TEST_F(ApiTest, RolesOpenTheirRoutesAndNoOthers) {
  identity::IssuerOptions issuer;
  issuer.name = "idp";
  issuer.subject_system = "idp";
  issuer.secret = std::make_shared<const SecretBytes>(kShared);
  issuer.may_grant = {};
  constexpr std::array kRoles{identity::Role::admin,    identity::Role::security_officer,
                              identity::Role::engineer, identity::Role::operator_,
                              identity::Role::auditor,  identity::Role::integration,
                              identity::Role::doctor,   identity::Role::specialist,
                              identity::Role::nurse,    identity::Role::patient,
                              identity::Role::guest};
  for (const identity::Role role : kRoles) issuer.may_grant.add(role);
  api_.open({.sources = sources(), .issuers = {issuer}});
  const std::int64_t now = rig_.clock().now().ms / 1000;
  int refused = 0;
  for (const identity::Role role : kRoles) {
    const std::string name(identity::to_string(role));
    const std::string token = must(crypto::sign_jwt(
        as_bytes(kShared), "HS256", "{}",
        Json::object({{"sub", "u-" + name}, {"role", name}, {"iat", now}, {"exp", now + 60}})
            .dump()));
    for (const Route& route : routes()) {
      if (route.permission.to != Permission::To::roles) continue;
      std::string path(route.pattern);
      for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
        path.replace(at, path.find('}') - at + 1, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
      Request made = request(std::string(route.method), path);
      EXPECT_EQ(handle(made).status, 401) << route.operation;
      made.headers = {{"authorization", "Bearer " + token}};
      const bool allowed = route.permission.roles.has(role) && route.permission.besides.empty();
      const Response answer = handle(made);
      EXPECT_EQ(code(answer) == "authorisation.denied" && answer.status == 403, !allowed)
          << route.operation << " " << name << " " << answer.body;
      if (!allowed) ++refused;
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_EQ(code(api("GET", "instances", {}, {{"x-rabt-actor", "999"}})), "authorisation.actor");
}

TEST_F(ApiTest, AGrantIsGoodForWhoOpenedItAlone) {
  const auto doctor = must(
      api_.people->create({.who = {.kind = identity::Kind::client, .tenant = "t1", .id = "test"}},
                          {.profile = Json::object(), .roles = {identity::Role::doctor}}));
  const auto other = must(
      api_.people->create({.who = {.kind = identity::Kind::client, .tenant = "t1", .id = "test"}},
                          {.profile = Json::object(), .roles = {identity::Role::doctor}}));
  const std::string id = waiting_instance("do-key");
  const auto read = [&](const std::string& as) {
    return api("GET", "instances/" + id + "?data=true", {},
               {{"x-rabt-actor", as}, {"x-rabt-reason", "care"}});
  };
  EXPECT_EQ(code(read(doctor.id)), "phi.break_glass") << "a reason is not enough";
  EXPECT_EQ(api("POST", "break-glass", R"({"instance": ")" + id + R"(", "reason": "no pulse"})",
                {{"x-rabt-actor", doctor.id}})
                .status,
            201);
  EXPECT_EQ(read(doctor.id).status, 200);
  EXPECT_EQ(code(read(other.id)), "phi.break_glass") << "trap 46";
  open_.get_future().get().done(engine::done(Json::object()));
}

TEST_F(ApiTest, ThePageSizeHasLimits) {
  for (const char* good : {"1", "200"})
    EXPECT_EQ(api("GET", std::string("instances?limit=") + good).status, 200) << good;
  for (const char* bad : {"0", "201", "", "-1", "1e2", "99999999999999999999999"}) {
    const Response answer = api("GET", std::string("instances?limit=") + bad);
    EXPECT_EQ(answer.status, 422) << bad;
    EXPECT_EQ(wrong_member(answer), "limit");
  }
  EXPECT_EQ(wrong_member(api("GET", "instances?status=sleeping")), "status");
}

TEST_F(ApiTest, AListIsPagedNewestFirstWithoutGaps) {
  rig_.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.start.v1}}}}\ndo:\n  - work:\n      call: "
      "do-key:1.0.0@script\n");
  std::vector<std::string> wanted;
  for (int i = 0; i < 5; ++i) {
    rig_.clock().advance_ms(1);
    wanted.insert(wanted.begin(), rig_.send("test.start.v1", Json::object()).at(0));
  }
  std::vector<std::string> seen;
  std::string path = "instances?limit=2";
  for (int page = 0; page < 5 && !path.empty(); ++page) {
    const auto body = Json::parse(api("GET", path).body);
    ASSERT_TRUE(body.ok());
    EXPECT_LE((*body)["items"].size(), 2U);
    for (const Json& item : (*body)["items"].as_array()) seen.push_back(item.string_or("id", ""));
    path = body->string_or("next", "");
    if (!path.empty()) path.erase(0, std::string_view("/api/v1/").size());
  }
  EXPECT_EQ(seen, wanted);
}

TEST_F(ApiTest, DataOfAnInstanceNeedsAReasonAndIsAuditedFirst) {
  const std::string id = waiting_instance("do-key");
  const Response plain = api("GET", "instances/" + id);
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.body.find("Layla"), std::string::npos);
  EXPECT_EQ(code(api("GET", "instances/" + id + "?data=true")), "phi.reason");
  open_.get_future().get().done(engine::done(Json::object({{"name", "Layla"}})));
  ASSERT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(api("GET", "instances/" + id).body.find("Layla"), std::string::npos);
  const auto before = audited();
  const Response data =
      api("GET", "instances/" + id + "?data=true", {}, {{"x-rabt-reason", "care"}});
  EXPECT_EQ(data.status, 200);
  EXPECT_NE(data.body.find("Layla"), std::string::npos) << data.body;
  EXPECT_EQ(audited(), before + 1);
}

// The caller's request id stands beside the hub's id in the audit log, if the caller is
// authenticated.
TEST_F(ApiTest, TheCallersIdsStandBesideTheHubsOwn) {
  const std::string own = "01M7YJZDHKYXFKBBS9MA1HJMZC";
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string id = "0f8fad5b-d9cb-469f-a165-70867728950e";
  const auto written = [&](std::vector<std::pair<std::string, std::string>> headers) {
    Request made = request("GET", "/api/v1/audit/entries?limit=1");
    made.headers = {{"authorization", "Bearer " + std::string(kToken)},
                    {"x-rabt-reason", "a look"}};
    made.headers.insert(made.headers.end(), headers.begin(), headers.end());
    made.request_id = own;
    EXPECT_EQ(handle(made).status, 200);
    // The newest entry is the one that the look itself left.
    const Json page = json(api("GET", "audit/entries?limit=1", {}, {{"x-rabt-reason", "a look"}}));
    return page["items"][std::size_t{0}].string_or("request", page.dump());
  };
  const std::pair<std::string, std::string> parent{"traceparent",
                                                   "00-" + trace + "-00f067aa0ba902b7-01"};
  EXPECT_EQ(written({}), own);
  EXPECT_EQ(written({{"x-request-id", id}}), own + " id:" + id);
  EXPECT_EQ(written({parent, {"tracestate", "vendor=Layla"}}), own + " trace:" + trace);
  EXPECT_EQ(written({{"x-request-id", id}, parent}), own + " id:" + id + " trace:" + trace);
  EXPECT_EQ(written({{"x-request-id", "1089341267"}}), own);
  EXPECT_EQ(written({parent, parent}), own) << "twice";
  for (const std::string& bad : {"ff-" + trace + "-00f067aa0ba902b7-01",
                                 "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01",
                                 "00-" + trace + "-00f067aa0ba902b7-01-1"})
    EXPECT_EQ(written({{"traceparent", bad}}), own) << bad;
}

TEST_F(ApiTest, AStrangersIdsAreNotWrittenDown) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const auto send = [&](std::string_view token) {
    Request made = request("POST", "/hooks/his", "{}");
    made.headers = {{"authorization", "Bearer " + std::string(token)},
                    {"x-request-id", trace},
                    {"traceparent", "00-" + trace + "-00f067aa0ba902b7-01"}};
    made.request_id = "01M7YJZDHKYXFKBBS9MA1HJMZC";
    return handle(made).status;
  };
  EXPECT_EQ(send("not this one"), 401);
  must(rig_.store().write([](store::Transaction&) { return ok_status(); }));
  EXPECT_NE(api("GET", "audit/entries?limit=200").body.find("webhook.refused"), std::string::npos);
  EXPECT_EQ(api("GET", "audit/entries?limit=200").body.find(trace), std::string::npos);
}

TEST_F(ApiTest, AnInstanceIsCancelledOnce) {
  const std::string id = waiting_instance("do-key");
  const std::string long_reason = R"({"reason": ")" + std::string(1'001, 'x') + R"("})";
  const Response refused = api("POST", "instances/" + id + "/cancel", long_reason);
  EXPECT_EQ(code(refused), "api.invalid");
  EXPECT_NE(refused.body.find("reason: it must be at most 1000 bytes"), std::string::npos)
      << refused.body;
  EXPECT_EQ(api("POST", "instances/" + id + "/cancel", R"({"reason": "no longer needed"})").status,
            202);
  // The call that has left is let go: the instance ends after it.
  open_.get_future().get().done(engine::done());
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(code(api("POST", "instances/" + id + "/cancel", "{}")), "engine.ended");
  EXPECT_EQ(api("POST", "instances/01ARZ3NDEKTSV4RRFFQ69G5FAV/cancel", "{}").status, 404);
  EXPECT_EQ(api("GET", "instances/" + id + "/cancel").status, 405);
}

TEST_F(ApiTest, AFaultedInstanceIsRetriedWithAReason) {
  const std::string id = waiting_instance("do-key");
  const auto retry = [&](const char* body) {
    return api("POST", "instances/" + id + "/retry", body);
  };
  EXPECT_EQ(code(retry(R"({"reason": "early"})")), "engine.not_faulted");
  open_.get_future().get().done(engine::failed(OutcomeKind::transient, "vendor.away"));
  ASSERT_EQ(rig_.wait_status(id, "faulted"), "faulted");
  EXPECT_EQ(wrong_member(retry("{}")), "reason");
  EXPECT_EQ(wrong_member(retry(R"({"reason": "r", "version": 2})")), "version");
  EXPECT_EQ(code(retry(R"({"reason": "r", "version": "9.0.0"})")), "engine.workflow");
  ASSERT_EQ(rig_.status(id), "faulted");
  rig_.script().on("do-key", [](engine::ScriptedService::Call call) { call.done(engine::done()); });
  EXPECT_EQ(retry(R"({"reason": "the vendor is back"})").status, 202);
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  const std::string log =
      api("GET", "audit/entries?limit=200", {}, {{"x-rabt-reason", "a look"}}).body;
  EXPECT_NE(log.find("instance.retry"), std::string::npos);
  EXPECT_EQ(log.find("the vendor is back"), std::string::npos) << "the reason is sealed";
  EXPECT_EQ(api("POST", "instances/01ARZ3NDEKTSV4RRFFQ69G5FAV/retry", R"({"reason": "r"})").status,
            404);
}

TEST_F(ApiTest, AParkedCallIsMadeOnceMore) {
  const std::string id = waiting_instance("do-none");
  open_.get_future().get().done(engine::failed(OutcomeKind::ambiguous, "vendor.silent"));
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  rig_.script().on("do-none",
                   [](engine::ScriptedService::Call call) { call.done(engine::done()); });
  EXPECT_EQ(
      api("POST", "instances/" + id + "/resolve", R"({"outcome": "again", "reason": "r"})").status,
      202);
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig_.script().count("do-none"), 2U);
}

TEST_F(ApiTest, AParkedCallWaitsForADecisionThatIsChecked) {
  const std::string id = waiting_instance("do-none");
  EXPECT_EQ(code(api("POST", "instances/" + id + "/resolve", R"({"outcome": "done"})")),
            "engine.not_parked");
  open_.get_future().get().done(engine::failed(OutcomeKind::ambiguous, "vendor.silent"));
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  EXPECT_EQ(wrong_member(api("POST", "instances/" + id + "/resolve", R"({"outcome": "maybe"})")),
            "outcome");
  EXPECT_EQ(code(api("POST", "instances/" + id + "/resolve", "[]")), "api.body");
  EXPECT_EQ(api("POST", "instances/" + id + "/resolve", "{").status, 400);
  EXPECT_EQ(rig_.status(id), "parked");
  EXPECT_EQ(api("POST", "instances/" + id + "/resolve",
                R"({"outcome": "done", "output": {"n": 5}, "reason": "seen"})")
                .status,
            202);
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig_.output(id), Json::object({{"n", 5}}));
}

TEST_F(ApiTest, B34ARecordingWhoseBucketWasDestroyedIsGone) {
  const std::string id = api_.store_recording(api_.ids.next().text(), "moving pictures", "video/x");
  const auto read = [&] {
    return api("GET", "recordings/" + id + "/content", {}, {{"x-rabt-reason", "care"}});
  };
  EXPECT_EQ(read().status, 200);
  // Its retention is over; maintenance destroys the key of the month.
  std::string bucket;
  static constexpr store::Statement kBucket{
      "SELECT k.bucket FROM data_key k JOIN blob b ON b.data_key = k.id WHERE b.id = $1"};
  ASSERT_TRUE(rig_.store()
                  .read([&](store::Connection& connection) {
                    return connection.query(kBucket, {api_.last_blob()},
                                            [&](const store::Row& row) {
                                              bucket = std::string(row.text(0));
                                              return true;
                                            });
                  })
                  .ok());
  ASSERT_TRUE(rig_.keyring().destroy_bucket("t1", bucket, "test").ok()) << bucket;
  rig_.keys().forget();
  const Response gone = read();
  EXPECT_EQ(gone.status, 410) << gone.body;
  EXPECT_EQ(code(gone), "recording.expired");
  EXPECT_EQ(api("GET", "recordings/" + id).status, 200) << "what it was stays known";
}

TEST_F(ApiTest, ARecordingIsDescribedFreelyAndReadOnlyWithAReason) {
  const std::string content(300'000, 'v');
  const std::string id = api_.store_recording(api_.ids.next().text(), content, "video/x-matroska");
  const auto description = Json::parse(api("GET", "recordings/" + id).body);
  ASSERT_TRUE(description.ok());
  EXPECT_EQ(description->int_or("bytes", 0), 300'000);
  EXPECT_EQ(description->string_or("sha256", ""), to_hex(crypto::sha256(content)));
  EXPECT_EQ(code(api("GET", "recordings/" + id + "/content")), "phi.reason");
  const auto before = audited();
  const Response answer =
      api("GET", "recordings/" + id + "/content", {}, {{"x-rabt-reason", "care"}});
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(audited(), before + 1) << "audited before the first byte";
  ASSERT_TRUE(answer.stream);
  EXPECT_EQ(answer.stream_length, content.size());
  std::string read;
  ASSERT_TRUE(answer
                  .stream([&read](std::string_view piece) {
                    read.append(piece);
                    return ok_status();
                  })
                  .ok());
  EXPECT_EQ(read, content);
  EXPECT_EQ(header(answer, "Accept-Ranges"), "bytes");
  const std::string tag = header(answer, "ETag");
  EXPECT_EQ(tag, "\"" + to_hex(crypto::sha256(content)) + "\"");

  // A part: RFC 9110 section 14. One audit entry for each.
  const auto get = [&](std::string range, std::string if_range = {}) {
    std::vector<std::pair<std::string, std::string>> headers = {{"x-rabt-reason", "care"},
                                                                {"range", std::move(range)}};
    if (!if_range.empty()) headers.emplace_back("if-range", std::move(if_range));
    return api("GET", "recordings/" + id + "/content", {}, headers);
  };
  const auto body = [](const Response& response) {
    std::string out;
    EXPECT_TRUE(response
                    .stream([&out](std::string_view piece) {
                      out.append(piece);
                      return ok_status();
                    })
                    .ok());
    EXPECT_EQ(out.size(), response.stream_length);
    return out;
  };
  const auto entries = audited();
  const Response part = get("bytes=299990-400000");
  ASSERT_EQ(part.status, 206);
  EXPECT_EQ(audited(), entries + 1);
  EXPECT_EQ(header(part, "Content-Range"), "bytes 299990-299999/300000");
  EXPECT_EQ(body(part), content.substr(299'990));
  EXPECT_EQ(get("bytes=-1").status, 206);
  EXPECT_EQ(header(get("bytes=0-0"), "Content-Range"), "bytes 0-0/300000");
  const Response beyond = get("bytes=300000-");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(header(beyond, "Content-Range"), "bytes */300000");
  EXPECT_EQ(get("bytes=0-1,5-6").status, 200) << "several ranges: the whole";
  EXPECT_EQ(get("lines=0-1").status, 200);
  EXPECT_EQ(get("bytes=0-9", tag).status, 206);
  const Response other = get("bytes=0-9", "\"another\"");
  EXPECT_EQ(other.status, 200);
  EXPECT_EQ(other.stream_length, content.size());

  // A caller that has this version gets 304 and no bytes: RFC 9110 section 13.1.2.
  const auto unless = [&](std::string held) {
    return api(
        "GET", "recordings/" + id + "/content", {},
        {{"x-rabt-reason", "care"}, {"range", "bytes=0-9"}, {"if-none-match", std::move(held)}});
  };
  const auto before_304 = audited();
  for (const std::string& held : {tag, "\"another\", W/" + tag, std::string("*")}) {
    const Response same = unless(held);
    EXPECT_EQ(same.status, 304) << held;
    EXPECT_EQ(header(same, "ETag"), tag);
    EXPECT_FALSE(same.stream);
  }
  EXPECT_EQ(audited(), before_304 + 3) << "who asks is audited as who reads";
  EXPECT_EQ(unless("\"another\"").status, 206);
  EXPECT_EQ(code(api("GET", "recordings/" + id + "/content", {}, {{"if-none-match", tag}})),
            "phi.reason");

  // Its file was cut: found before the answer begins, and audited.
  std::filesystem::resize_file(rig_.folder() + "/blobs/" + api_.last_blob(), 200'000);
  const auto failures = audited();
  const Response cut = get("bytes=0-9");
  EXPECT_EQ(cut.status, 500);
  EXPECT_EQ(code(cut), "crypto.open");
  EXPECT_EQ(audited(), failures + 2) << "the reading, and that nothing could be read";

  EXPECT_EQ(code(api("GET", "recordings/01ARZ3NDEKTSV4RRFFQ69G5FAV")), "recording.unknown");
}

// Symptom: messages that came while a required server was behind stood in no list and no log.
// Cause: they were turned away before the source was known. No test asked for the list.
TEST_F(ApiTest, ADeliveryThatARequiredServerHoldsUpStandsInTheList) {
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  api_.senders_ready = unavailable("audit.sink_behind", "a server that is required is behind");
  const std::string body = R"({"id": "s1", "n": 1})";
  EXPECT_EQ(code(hook(body)), "audit.sink_behind");
  rig_.store().flush();
  const Json listed = json(api("GET", "deliveries?source=his"));
  ASSERT_EQ(listed["items"].size(), 1U) << listed.dump();
  EXPECT_EQ(listed["items"][std::size_t{0}].string_or("code", ""), "audit.sink_behind");
  api_.senders_ready = ok_status();
  EXPECT_EQ(hook(body).status, 202);
}

TEST_F(ApiTest, NothingOfADeliveryIsReadBeforeItsCredentialHolds) {
  const Response refused = hook("this is no JSON", "a wrong token, long enough");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(code(refused), "http.signature");
  EXPECT_EQ(handle(request("POST", "/hooks/nobody", "{}")).status, 404);
  EXPECT_EQ(handle(request("GET", "/hooks/his")).status, 405);
}

TEST_F(ApiTest, AFloodOfForgedDeliveriesIsNoFloodOfAuditEntries) {
  const auto before = audited();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(hook("{}", "a wrong token, long enough").status, 401);
  must(rig_.store().write([](store::Transaction&) {
    return ok_status();
  }));  // all that was submitted before is committed
  EXPECT_EQ(audited(), before + 1);
  rig_.clock().advance_ms(1001);
  (void)hook("{}", "a wrong token, long enough");
  must(rig_.store().write([](store::Transaction&) { return ok_status(); }));
  EXPECT_EQ(audited(), before + 2);
  EXPECT_NE(measures().find("\nrabt_deliveries_refused_total 51\n"), std::string::npos);
}

TEST_F(ApiTest, ADeliveryIsAcceptedRepeatedAndRefusedThroughItsPlugin) {
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  const Response first = hook(R"({"n": 1})");
  ASSERT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(header(first, "X-Rabt-Repeated"), "");
  EXPECT_EQ(header(first, "X-Rabt-Unused"), "event.unused");
  const Response again = hook(R"({"n": 1})");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header(again, "X-Rabt-Repeated"), "true");
  const Response unwanted = hook(R"({"refuse": true})");
  EXPECT_EQ(unwanted.status, 422) << unwanted.body;
  EXPECT_EQ(code(unwanted), "plugin.delivery");
  EXPECT_NE(unwanted.body.find("not for us"), std::string::npos);
}

TEST_F(ApiTest, DeliveriesThatCameToNothingAreListedWithTheirReason) {
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  EXPECT_EQ(hook(R"({"n": 1})").status, 202);
  EXPECT_EQ(hook(R"({"refuse": true})").status, 422);
  EXPECT_EQ(hook("{}", "a wrong token, long enough").status, 401);
  EXPECT_EQ(hook(R"({"heartbeat": true})").status, 202) << "it holds no event, and is no loss";
  rig_.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: used, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.arrived}}}}\n"
      "do:\n  - note: {set: {n: 1}}\n");
  const Response used = hook(R"({"n": 2})");
  EXPECT_EQ(used.status, 202);
  EXPECT_EQ(header(used, "X-Rabt-Unused"), "") << "it starts an instance, and is no loss";
  must(rig_.store().write([](store::Transaction&) { return ok_status(); }));
  const Json items = json(api("GET", "deliveries"))["items"];
  ASSERT_EQ(items.size(), 3U) << items.dump();
  const auto told = [&](std::size_t at) {
    return items[at].string_or("outcome", "") + " " + items[at].string_or("code", "") + ": " +
           items[at].string_or("reason", "");
  };
  EXPECT_EQ(told(0), "signature http.signature: the token fits none of the configured ones");
  EXPECT_EQ(told(1).rfind("unreadable plugin.delivery: ", 0), 0U) << told(1);
  EXPECT_EQ(
      told(2),
      "unused event.unused: test.arrived: no workflow starts with it, and no instance waits for "
      "it");
  EXPECT_TRUE(items[std::size_t{1}].bool_or("bodyKept", false));
  EXPECT_EQ(api("GET", "deliveries?limit=1001").status, 422);
}

TEST_F(ApiTest, ADeliveryFromAnotherAddressIsRefusedByItsHeadAndListed) {
  auto list = sources();
  list.resize(2);
  list[1].name = "lab";
  list[1].plugin = "echo";
  list[1].signature.scheme = http::SignatureScheme::static_token;
  list[1].signature.secrets.emplace_back(kSender);
  list[0].addresses = must(Proxies::make({"10.1.0.0/16", "2001:db8:7::/48"}));
  api_.open({.sources = std::move(list), .proxies = must(Proxies::make({"192.0.2.1"}))});
  const auto head_of = [](const std::string& source, const std::string& remote,
                          const std::string& forwarded) {
    Request made = request("POST", "/hooks/" + source, "{}");
    made.headers = {{"authorization", "Bearer " + std::string(kSender)}};
    if (!forwarded.empty()) made.headers.emplace_back("x-forwarded-for", forwarded);
    made.remote = remote;
    made.request_id = "01REQ";
    return made;
  };
  // 0: the head is admitted, and the body may come.
  const auto status = [&](const std::string& remote, const std::string& forwarded = {},
                          const std::string& source = "his") {
    const http::Admission judged = api_.admit(head_of(source, remote, forwarded));
    const auto* refused = std::get_if<Response>(&judged);
    return refused == nullptr ? 0 : refused->status;
  };
  for (const char* in : {"10.1.2.3", "::ffff:10.1.2.3", "2001:db8:7::1", "local"})
    EXPECT_EQ(status(in), 0) << in;
  for (const char* out : {"10.2.0.1", "::ffff:10.2.0.1", "2001:db8:8::1", "::1", "192.0.2.1"})
    EXPECT_EQ(status(out), 403) << out;
  EXPECT_EQ(status("192.0.2.1", "10.1.2.3"), 0) << "the word of a trusted proxy";
  EXPECT_EQ(status("192.0.2.1", "10.1.2.3, 203.0.113.5"), 403) << "the client says what it likes";
  EXPECT_EQ(status("203.0.113.5", "10.1.2.3"), 403) << "no proxy of the hub says this";
  EXPECT_EQ(status("203.0.113.5", "", "lab"), 0) << "another source takes all";
  const Response answer = handle(head_of("his", "203.0.113.9", ""));
  EXPECT_EQ(code(answer), "hooks.address");
  EXPECT_EQ(answer.body.find("10.1"), std::string::npos) << "the list is the hub's own";
  ASSERT_TRUE(answer.cause);
  EXPECT_TRUE(answer.cause->logged) << "the source has its line";
  must(rig_.store().write([](store::Transaction&) { return ok_status(); }));
  const Json listed = json(api("GET", "deliveries?source=his"))["items"];
  ASSERT_EQ(listed.size(), 8U) << listed.dump();
  EXPECT_EQ(listed[std::size_t{0}].string_or("outcome", ""), "signature");
  EXPECT_EQ(listed[std::size_t{0}].string_or("code", ""), "hooks.address");
  EXPECT_EQ(listed[std::size_t{0}].string_or("client", ""), "203.0.113.9");
  EXPECT_EQ(listed[std::size_t{0}].string_or("request", ""), "01REQ");
  EXPECT_FALSE(listed[std::size_t{0}].bool_or("bodyKept", true));
  EXPECT_NE(measures().find("\nrabt_deliveries_refused_total 8\n"), std::string::npos);
  EXPECT_NE(api("GET", "audit/entries?limit=200").body.find("webhook.refused"), std::string::npos);
}

// Symptom: the tokens of a sender stood in /health as refused ones, and kept its deliveries
// waiting. Cause: the header of a delivery was tried at the issuers of sign-ins. This test shows
// that no issuer is asked for its keys before a delivery is admitted.
TEST_F(ApiTest, TheTokenOfADeliveryIsNoSignIn) {
  identity::IssuerOptions issuer;
  issuer.name = "idp";
  issuer.subject_system = "idp";
  issuer.issuer = "https://idp.example.sa";
  issuer.audience = "hub";
  issuer.jwks_url = "https://idp.example.sa/jwks";
  issuer.algorithms = {"ES256"};
  api_.open({.sources = sources(), .issuers = {issuer}});
  const auto encoded = [](std::string_view text) { return crypto::base64url(as_bytes(text)); };
  const std::string token = encoded(R"({"alg":"ES256"})") + "." +
                            encoded(R"({"iss":"https://idp.example.sa"})") + "." + encoded("sig");
  const auto admitted = [&](const std::string& method, const std::string& path) {
    Request head = request(method, path);
    head.headers = {{"authorization", "Bearer " + token}};
    head.may_wait = false;
    return api_.admit(head);
  };
  EXPECT_TRUE(std::holds_alternative<http::Elsewhere>(admitted("GET", "/api/v1/sessions")));
  EXPECT_TRUE(std::holds_alternative<http::Intake>(admitted("POST", "/hooks/his")));
}

TEST_F(ApiTest, HealthNamesWeakSourcesToOperatorsAlone) {
  const auto health = [this](bool known) {
    Request asked = request("GET", "/health");
    if (known) asked.headers = {{"authorization", "Bearer " + std::string(kToken)}};
    return json(handle(asked));
  };
  const Json before = health(true);
  EXPECT_EQ(before.find("warnings"), nullptr);
  const std::string warning = "source his: each delivery carries the password";
  api_.open({.sources = sources(), .warnings = {warning}});
  EXPECT_EQ(health(true)["warnings"].dump(), "[\"" + warning + "\"]");
  EXPECT_EQ(health(true)["status"], before["status"]);
  EXPECT_EQ(health(false).find("warnings"), nullptr);
}

// A stranger who floods a source is closed out before each of his deliveries is written down.
TEST_F(ApiTest, AnAddressThatIsRefusedTooOftenIsHeardNoMore) {
  auto list = sources();
  list[0].addresses = must(Proxies::make({"10.1.0.0/16"}));
  RateOptions rates = RateOptions::none();
  rates.refused = per_minute("refused", 3);
  api_.open({.sources = std::move(list), .rates = rates});
  const auto from = [this](const std::string& remote) {
    Request made = request("POST", "/hooks/his", "{}");
    made.remote = remote;
    return handle(made).status;
  };
  for (int i = 0; i < 2; ++i) EXPECT_EQ(from("203.0.113.5"), 403);
  EXPECT_EQ(from("203.0.113.5"), 429);
  EXPECT_EQ(from("203.0.113.6"), 403) << "each address for itself";
}

// Symptom: an old time stamp and a wrong secret looked alike to the operator.
// Cause: the reason of a refused delivery was not kept.
// This test sends one of each, and compares what the sender and the operator are told.
TEST_F(ApiTest, AnOldTimeStampAndAWrongSecretAreRefusedAlikeAndListedApart) {
  constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  constexpr std::string_view kOther = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  auto list = sources();
  list[0].signature = {};
  list[0].signature.secrets.push_back(must(http::parse_whsec(kSecret)));
  api_.open({.sources = std::move(list)});
  const auto send = [this](std::string_view secret, Timestamp at) {
    http::SignatureConfig signs;
    signs.secrets.push_back(must(http::parse_whsec(secret)));
    Request made = request("POST", "/hooks/his", "{}");
    made.headers = must(http::sign(signs, "{}", "d1", at));
    made.headers.emplace_back("content-type", "application/json");
    return handle(made);
  };
  const std::int64_t now = rig_.clock().now().ms;
  constexpr std::int64_t kToleratedMs = 300'000;
  const Response old = send(kSecret, {now - kToleratedMs - 1000});
  rig_.clock().advance_ms(60'000);
  const Response wrong = send(kOther, rig_.clock().now());
  EXPECT_EQ(old.status, 401);
  EXPECT_EQ(wrong.status, 401);
  for (const Response& answer : {old, wrong}) {
    EXPECT_EQ(answer.body.find("seconds"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("secret"), std::string::npos) << answer.body;
  }
  must(rig_.store().write([](store::Transaction&) { return ok_status(); }));
  const Json items = json(api("GET", "deliveries"))["items"];
  ASSERT_EQ(items.size(), 2U) << items.dump();
  EXPECT_EQ(items[std::size_t{0}].string_or("reason", ""),
            "no v1 signature fits any of the configured secrets");
  EXPECT_EQ(items[std::size_t{1}].string_or("reason", ""),
            "webhook-timestamp is more than 300 seconds away from the hub's clock; check both "
            "clocks");
  EXPECT_EQ(items[std::size_t{0}].string_or("at", ""), to_iso8601({now + 60'000}));
  EXPECT_EQ(items[std::size_t{1}].string_or("at", ""), to_iso8601({now}));
}

// A source that has proved itself counts as a caller: what it starts belongs to its trace.
TEST_F(ApiTest, ADeliveryStartsARunWithinTheTraceOfItsSender) {
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  rig_.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: traced, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.arrived}}}}\n"
      "do:\n  - work: {call: 'do-key:1.0.0@script', with: {n: 1}}\n");
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string parent = "00-" + trace + "-00f067aa0ba902b7-01";
  const auto trace_after = [&](const std::string& body, std::vector<std::string> parents) {
    Request made = request("POST", "/hooks/his", body);
    made.headers = {{"authorization", "Bearer " + std::string(kSender)},
                    {"content-type", "application/json"}};
    for (std::string& text : parents) made.headers.emplace_back("traceparent", std::move(text));
    const auto before = rig_.script().count("do-key");
    EXPECT_EQ(handle(made).status, 202);
    EXPECT_TRUE(rig_.script().wait_for("do-key", before + 1));
    return rig_.script().last_trace();
  };
  EXPECT_EQ(trace_after(R"({"id": "t1", "n": 1})", {parent}), trace);
  EXPECT_NE(trace_after(R"({"id": "t2", "n": 1})", {}), trace);
  EXPECT_NE(trace_after(R"({"id": "t3", "n": 1})", {parent, parent}), trace) << "twice";
  EXPECT_NE(trace_after(R"({"id": "t4", "n": 1})", {"ff" + parent.substr(2)}), trace);
  // A traceparent inside an event belongs to its plugin; it is not the caller's.
  EXPECT_NE(trace_after(R"({"id": "t5", "n": 1, "traceparent": ")" + parent + "\"}", {}), trace);
}

// ---- workflows and lifecycle events

constexpr std::string_view kPlainFile =
    "document: {dsl: '1.0.3', namespace: test, name: plain, version: '1.0.0'}\n"
    "do:\n  - a: {set: {a: 1}}\n";

std::string files_body(std::initializer_list<std::pair<std::string, std::string>> files,
                       bool prune = false) {
  Json list = Json::array();
  for (const auto& [name, source] : files)
    list.push_back(Json::object({{"name", name}, {"source", source}}));
  return Json::object({{"files", list}, {"prune", prune}}).dump();
}

TEST_F(ApiTest, PathsOfWorkflowsAndEventsNeedTheToken) {
  const std::string body = files_body({{"a.yaml", std::string(kPlainFile)}});
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
           {"GET", "workflows"},
           {"GET", "workflows/plain"},
           {"POST", "workflows/plan"},
           {"POST", "workflows/replay"},
           {"POST", "workflows/apply"},
           {"GET", "instances/01ARZ3NDEKTSV4RRFFQ69G5FAV/events"}}) {
    const Response answer = handle(request(method, "/api/v1/" + path, body));
    EXPECT_EQ(answer.status, 401) << method << " " << path;
    EXPECT_EQ(code(answer), "http.unauthenticated");
  }
  EXPECT_EQ(Json::parse(api("GET", "workflows").body)->find("items")->size(), 0U)
      << "nothing was applied";
}

TEST_F(ApiTest, EachPathAnswersToItsMethodsOnly) {
  for (const auto& [method, path, allowed] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"POST", "workflows", "GET"},
           {"POST", "workflows/plain", "GET"},
           {"DELETE", "workflows/plain", "GET"},
           {"OPTIONS", "break-glass", "GET, POST"},
           {"GET", "instances/search", "POST"},
           {"POST", "instances/01ARZ3NDEKTSV4RRFFQ69G5FAV/events", "GET"}}) {
    const Response answer = api(method, path, "{}");
    EXPECT_EQ(answer.status, 405) << method << " " << path;
    EXPECT_EQ(header(answer, "Allow"), allowed);
  }
  // A workflow may have the name of a verb: reading is no deploying.
  EXPECT_EQ(code(api("GET", "workflows/plan")), "engine.workflow");
  EXPECT_EQ(code(api("GET", "workflows/apply")), "engine.workflow");
  EXPECT_EQ(api("GET", "workflows/plain/more").status, 404);
}

TEST_F(ApiTest, ABodyThatIsNoListOfFilesIsRefusedAndNothingIsDeployed) {
  for (const char* verb : {"workflows/plan", "workflows/apply"}) {
    for (const char* bad :
         {"", "{}", R"({"files": []})", R"({"files": {}})", R"({"files": ["a.yaml"]})",
          R"({"files": [{"name": "a.yaml"}]})", R"({"files": [{"source": "a"}]})",
          R"({"files": [{"name": 1, "source": "a"}]})",
          R"({"files": [{"name": "a", "source": null}]})"}) {
      const Response answer = api("POST", verb, bad);
      EXPECT_EQ(answer.status, 422) << verb << " " << bad;
      EXPECT_EQ(wrong_member(answer), "files") << verb << " " << bad;
    }
    EXPECT_EQ(code(api("POST", verb, "[]")), "api.body");
    EXPECT_EQ(api("POST", verb, "{").status, 400);
    // A text in the place of true is no wish to prune, and no wish to be ignored either.
    Json body = *Json::parse(files_body({{"a.yaml", std::string(kPlainFile)}}));
    body.set("prune", "yes");
    EXPECT_EQ(wrong_member(api("POST", verb, body.dump())), "prune") << verb;
  }
  EXPECT_EQ(rig_.engine().workflows()->size(), 0U);
}

TEST_F(ApiTest, AReplayTakesAFileAndTheFiltersOfTheList) {
  const Json file = Json::object({{"name", "a.yaml"}, {"source", std::string(kPlainFile)}});
  for (const auto& [member, value] :
       std::vector<std::pair<std::string, Json>>{{"file", Json()},
                                                 {"file", Json::object({{"name", "a.yaml"}})},
                                                 {"limit", 0},
                                                 {"limit", 501},
                                                 {"status", "asleep"},
                                                 {"status", 7},
                                                 {"since", "yesterday"},
                                                 {"workflow", ""}}) {
    Json body = Json::object({{"file", file}});
    body.set(member, value);
    const Response answer = api("POST", "workflows/replay", body.dump());
    EXPECT_EQ(answer.status, 422) << member << value.dump();
    EXPECT_EQ(wrong_member(answer), member) << value.dump();
  }
}

// Symptom: an operator read data of patients by replays, without a reason.
TEST_F(ApiTest, AReplayIsAReadingOfPatientDataWithAReason) {
  const Json file = Json::object({{"name", "a.yaml"}, {"source", std::string(kPlainFile)}});
  const std::string body =
      Json::object({{"file", file}, {"limit", 500}, {"since", "2026-03-01T00:00:00Z"}}).dump();
  const auto before = audited();
  EXPECT_EQ(code(api("POST", "workflows/replay", body)), "phi.reason");
  EXPECT_EQ(audited(), before);
  const Response answer = api("POST", "workflows/replay", body, {{"x-rabt-reason", "a release"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json(answer).int_or("instances", -1), 0);
  EXPECT_EQ(audited(), before + 1);
  const Json entry =
      json(api("GET", "audit/entries?limit=1", {}, {{"x-rabt-reason", "a look"}}))["items"][0];
  EXPECT_EQ(entry.string_or("act", ""), "workflow.replayed") << entry.dump();
  EXPECT_EQ(entry.string_or("object", ""), "workflow:plain@1.0.0");
  EXPECT_EQ(entry["detail"].string_or("sha256", ""), to_hex(crypto::sha256(kPlainFile)));
  EXPECT_EQ(entry.dump().find("a release"), std::string::npos) << "the reason is sealed";
}

// No grant is for the data of many patients.
TEST(AReplay, IsRefusedWhereEveryReadingNeedsAGrant) {
  ApiRig rig{{.policy = access::ReadPolicy::break_glass}};
  const Json file = Json::object({{"name", "a.yaml"}, {"source", std::string(kPlainFile)}});
  const Response answer = rig.api("POST", "workflows/replay", Json::object({{"file", file}}).dump(),
                                  {{"x-rabt-reason", "a release"}});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(code(answer), "phi.break_glass");
}

TEST_F(ApiTest, PlanTellsApplyDeploysAndTheFileIsReadBack) {
  const std::string body = files_body({{"a.yaml", std::string(kPlainFile)}});
  const Response planned = api("POST", "workflows/plan", body);
  ASSERT_EQ(planned.status, 200) << planned.body;
  const auto plan = Json::parse(planned.body);
  EXPECT_TRUE(plan->bool_or("changes", false));
  EXPECT_EQ((*plan)["errors"].size(), 0U);
  EXPECT_EQ((*plan)["workflows"][0].string_or("file", ""), "a.yaml");
  EXPECT_EQ(code(api("GET", "workflows/plain")), "engine.workflow") << "plan writes nothing";

  const auto before = audited();
  const Response applied = api("POST", "workflows/apply", body);
  ASSERT_EQ(applied.status, 200) << applied.body;
  EXPECT_EQ(
      Json::parse(applied.body)->find("workflows")->dump(),
      Json::array(
          {Json::object(
              {{"namespace", "test"}, {"name", "plain"}, {"version", "1.0.0"}, {"change", "new"}})})
          .dump());
  EXPECT_EQ(audited(), before + 1);

  const Json row = (*Json::parse(api("GET", "workflows").body))["items"][0];
  EXPECT_EQ(row.string_or("namespace", ""), "test");
  EXPECT_EQ(row.string_or("name", ""), "plain");
  EXPECT_EQ(row.string_or("version", ""), "1.0.0");
  EXPECT_EQ(row.string_or("sha256", ""), to_hex(crypto::sha256(kPlainFile)));
  EXPECT_TRUE(row.bool_or("active", false));
  EXPECT_EQ(row.int_or("running", -1), 0);
  EXPECT_TRUE(parse_iso8601(row.string_or("deployed", "")).ok());

  for (const char* path : {"workflows/plain", "workflows/plain?namespace=test&version=1.0.0"}) {
    const Response source = api("GET", path);
    EXPECT_EQ(source.status, 200) << path;
    EXPECT_EQ(source.body, kPlainFile);
    EXPECT_EQ(header(source, "Content-Type"), "application/yaml");
  }
  for (const char* path : {"workflows/plain?version=2.0.0", "workflows/plain?namespace=other"}) {
    EXPECT_EQ(api("GET", path).status, 404) << path;
    EXPECT_EQ(code(api("GET", path)), "engine.workflow");
  }
  EXPECT_EQ(Json::parse(api("POST", "workflows/plan", body).body)->bool_or("changes", true), false);
}

TEST_F(ApiTest, ARefusedApplySaysWhichFileAndLineAndWithWhichStatus) {
  ASSERT_EQ(
      api("POST", "workflows/apply", files_body({{"a.yaml", std::string(kPlainFile)}})).status,
      200);
  std::string other(kPlainFile);
  other.replace(other.find("a: 1"), 4, "a: 2");
  const Response taken = api("POST", "workflows/apply", files_body({{"b.yaml", other}}));
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(code(taken), "engine.version_taken");
  std::string bad(kPlainFile);
  bad.replace(bad.find("set"), 3, "sett");
  const Response refused = api("POST", "workflows/apply", files_body({{"c.yaml", bad}}));
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("c.yaml:3:"), std::string::npos) << refused.body;
  // plan answers with the same, as a list.
  const auto plan = Json::parse(
      api("POST", "workflows/plan", files_body({{"b.yaml", other}, {"c.yaml", bad}})).body);
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ((*plan)["errors"].size(), 2U);
  std::set<std::string> places;
  for (const Json& error : (*plan)["errors"].as_array()) {
    EXPECT_FALSE(error.string_or("code", "").empty());
    EXPECT_FALSE(error.string_or("message", "").empty());
    EXPECT_GT(error.int_or("line", 0), 0);
    EXPECT_GT(error.int_or("column", 0), 0);
    places.insert(error.string_or("file", ""));
  }
  EXPECT_EQ(places, (std::set<std::string>{"b.yaml", "c.yaml"}));
  EXPECT_EQ(api("GET", "workflows/plain").body, kPlainFile);
}

TEST_F(ApiTest, PruneIsDoneOnlyWhenItIsAskedFor) {
  ASSERT_EQ(
      api("POST", "workflows/apply", files_body({{"a.yaml", std::string(kPlainFile)}})).status,
      200);
  std::string other(kPlainFile);
  other.replace(other.find("plain"), 5, "other");
  ASSERT_EQ(api("POST", "workflows/apply", files_body({{"b.yaml", other}})).status, 200);
  EXPECT_EQ(api("GET", "workflows/plain").status, 200);
  const Response pruned = api("POST", "workflows/apply", files_body({{"b.yaml", other}}, true));
  EXPECT_EQ(pruned.status, 200);
  EXPECT_NE(pruned.body.find("\"removed\""), std::string::npos) << pruned.body;
  EXPECT_EQ(api("GET", "workflows/plain").status, 404) << "no version is active";
  EXPECT_EQ(api("GET", "workflows/plain?version=1.0.0").body, kPlainFile) << "it is kept";
}

TEST_F(ApiTest, LifecycleEventsOfAnInstanceAreCloudEventsWithoutItsData) {
  const std::string id = waiting_instance("do-key");
  open_.get_future().get().done(engine::done(Json::object({{"name", "Layla"}})));
  ASSERT_EQ(rig_.wait_status(id, "completed"), "completed");
  const Response answer = api("GET", "instances/" + id + "/events");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.find("Layla"), std::string::npos) << answer.body;
  const auto body = Json::parse(answer.body);
  ASSERT_TRUE(body.ok());
  const Json& events = (*body)["items"];
  ASSERT_GE(events.size(), 2U);
  for (const Json& event : events.as_array()) {
    EXPECT_EQ(event.string_or("specversion", ""), "1.0");
    for (const char* needed : {"id", "source", "type", "time"})
      EXPECT_FALSE(event.string_or(needed, "").empty()) << needed;
  }
  EXPECT_EQ(events[0].string_or("type", ""), "io.serverlessworkflow.workflow.started.v1");
  const Response unknown = api("GET", "instances/01ARZ3NDEKTSV4RRFFQ69G5FAV/events");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(code(unknown), "engine.instance");
}

// The database takes no audit entry: nothing happens, and the answer says why.
TEST_F(ApiTest, NoAuditNoAct) {
  const std::string id = waiting_instance("do-key");
  const auto sql = [&](const store::Statement& statement) {
    ASSERT_TRUE(rig_.store()
                    .write([&](store::Transaction& transaction) -> Status {
                      RABT_TRY(rows, transaction.execute(statement, {}));
                      (void)rows;
                      return ok_status();
                    })
                    .ok());
  };
  static constexpr store::Statement kRefuse{
      "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"};
  static constexpr store::Statement kTake{"DROP TRIGGER no_audit"};
  const auto before = audited();
  sql(kRefuse);
  const auto deploy = [&] {
    const Json file = Json::object(
        {{"name", "other.yaml"},
         {"source",
          "document: {dsl: '1.0.3', namespace: test, name: other, version: '1.0.0'}\ndo:\n  - a:\n"
          "      set: {x: 1}\n"}});
    return api("POST", "workflows/apply", Json::object({{"files", Json::array({file})}}).dump());
  };
  const Response read =
      api("GET", "instances/" + id + "?data=true", {}, {{"x-rabt-reason", "why"}});
  for (const Response& refused : {deploy(), read}) {
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_EQ(code(refused), "audit.unavailable") << refused.body;
    const Json body = must(Json::parse(refused.body));
    EXPECT_EQ(body.string_or("type", ""), "https://rabt.health/problems/audit-unavailable");
    EXPECT_EQ(body.string_or("title", ""), "Audit unavailable");
    EXPECT_NE(body.string_or("detail", "").find("nothing was done"), std::string::npos);
    EXPECT_EQ(header(refused, "Retry-After"), "5");
    EXPECT_EQ(refused.body.find("Layla"), std::string::npos);
  }
  // A source that posts an event learns it, too.
  const auto accepted =
      rig_.engine().accept(rig_.delivery("test.start.v1", Json::object({{"n", "Omar"}}), "m9"));
  ASSERT_FALSE(accepted.ok());
  EXPECT_EQ(http::problem(accepted.error()).status, 503);
  EXPECT_EQ(accepted.error().code, "audit.unavailable");
  sql(kTake);
  EXPECT_EQ(audited(), before);
  EXPECT_EQ(api("GET", "workflows/other?namespace=test").status, 404) << "the act did not happen";
  EXPECT_EQ(deploy().status, 200);
  EXPECT_GT(audited(), before);
}

TEST_F(ApiTest, ActsOnTheStoreOfPluginsAreAuditedAsPlainWordsOnly) {
  const auto act = [this](const std::string& body) {
    Request local = request("POST", "/api/v1/plugins/acts");
    local.body = body;
    local.peer_uid = ::geteuid();
    return handle(local);
  };
  const auto before = audited();
  const Response good = act(R"({"act":"plugin.added","object":"plugin:twilio",)"
                            R"("detail":{"version":"1.0.0+b1","user":"root"}})");
  EXPECT_EQ(good.status, 200) << good.body;
  EXPECT_EQ(audited(), before + 1);
  for (const auto& [bad, member] : std::vector<std::pair<const char*, const char*>>{
           {R"({"act":"keys.shredded","object":"plugin:twilio","detail":{}})", "act"},
           {R"({"act":"plugin.loaded","object":"plugin:twilio","detail":{}})", "act"},
           {R"({"act":"plugin.added","object":7,"detail":{}})", "object"},
           {R"({"act":"plugin.added","object":"plugin:twilio"})", "detail"},
           {R"({"act":"plugin.added","object":"plugin:twilio","detail":{"version":{"a":1}}})",
            "detail"},
           {R"({"act":"plugin.added","object":"line\nbreak","detail":{}})", "object"}}) {
    EXPECT_EQ(wrong_member(act(bad)), member) << bad;
  }
  EXPECT_EQ(api("GET", "plugins/acts").status, 405);
  EXPECT_EQ(audited(), before + 1);
}

// Whoever has a token could otherwise write acts that never happened.
TEST_F(ApiTest, Trap52ActsOnTheStoreOfPluginsAreNotThereOverTcp) {
  const auto before = audited();
  EXPECT_EQ(api("POST", "plugins/acts", R"({"act":"plugin.added","object":"plugin:x","detail":{}})")
                .status,
            404);
  Request other = request("POST", "/api/v1/plugins/acts");
  other.peer_uid = ::geteuid() + 4242;
  EXPECT_NE(handle(other).status, 200);
  EXPECT_EQ(audited(), before);
}

TEST_F(ApiTest, HealthAndMetricsTellHowTheAuditLogIs) {
  Request with_token = request("GET", "/health");
  with_token.headers = {{"authorization", "Bearer " + std::string(kToken)}};
  const Json health = json(handle(with_token));
  EXPECT_TRUE(health["audit"].bool_or("appendable", false)) << health.dump();
  EXPECT_TRUE(health["audit"].bool_or("signing", false));
  EXPECT_NE(health["audit"].string_or("warning", "").find("no anchor"), std::string::npos);
  EXPECT_TRUE(health["audit"]["anchors"].is_array());
  const std::string metrics = measures();
  for (const char* name : {"rabt_audit_entries ", "rabt_audit_signed_entries ",
                           "rabt_audit_refused 0", "rabt_audit_not_signing 0"}) {
    EXPECT_NE(metrics.find(name), std::string::npos) << name;
  }
}

// A load balancer sends nobody to a hub that cannot work, and learns no more than that.
class HealthTest : public ApiTest {
 protected:
  // Detail that operators read; expects the same of strangers, in one word.
  Json asked(const std::string& word) {
    const int status = word == "fail" ? 503 : 200;
    const Response open = handle(request("GET", "/health"));
    EXPECT_EQ(open.status, status);
    EXPECT_EQ(open.body, R"({"status":")" + word + "\"}");
    Request known = request("GET", "/health");
    known.headers = {{"authorization", "Bearer " + std::string(kToken)}};
    const Response whole = handle(known);
    EXPECT_EQ(whole.status, status);
    EXPECT_EQ(header(whole, "Content-Type"), "application/health+json");
    EXPECT_EQ(json(whole).string_or("status", ""), word);
    // Whoever is called at night asks for the list.
    if (word != "pass") {
      EXPECT_FALSE(todo().bool_or("ok", true));
    }
    return json(whole);
  }
  Json todo() {
    Request known = request("GET", "/api/v1/todo");
    known.headers = {{"authorization", "Bearer " + std::string(kToken)}};
    return json(handle(known));
  }
  // The item of this kind with this code; null if there is none.
  Json todo(std::string_view kind, std::string_view code) {
    const Json all = todo();
    for (const Json& item : all["items"].as_array()) {
      if (item.string_or("kind", "") == kind && item.string_or("code", "") == code) return item;
    }
    return {};
  }
};

TEST_F(HealthTest, FailsWhileTheDatabaseIsAway) {
  if (rabt::test::on_postgres()) GTEST_SKIP() << "a server's files are not the hub's";
  const auto write = [&] {
    return rig_.store().write([](store::Transaction&) { return ok_status(); });
  };
  EXPECT_FALSE(asked("pass")["store"].bool_or("diskFull", true));
  const std::string database = rig_.folder() + "/rabt.db";
  std::filesystem::rename(database, database + ".away");
  EXPECT_EQ(write().error().code, "store.moved");
  EXPECT_TRUE(asked("fail")["store"].bool_or("diskFull", false));
  const Json full = todo("health", "store.full");
  EXPECT_EQ(full.string_or("severity", ""), "page");
  EXPECT_EQ(full.string_or("what", ""),
            "The disk is full, so nothing is stored: make room; no restart is needed");
  EXPECT_EQ(full.string_or("command", ""), "df -h");
  EXPECT_NE(full["text"].string_or("ar", ""), "");
  api_.troubles = Json::object({{"database", "store.moved: the hub's files were taken away"}});
  EXPECT_EQ(todo("health", "store.moved").string_or("what", ""),
            "The hub can store nothing: the hub's files were taken away");
  ASSERT_TRUE(handle(request("GET", "/health")).cause.has_value());
  EXPECT_EQ(handle(request("GET", "/health")).cause->reason.find("store store.moved"), 0U);
  api_.troubles = Json::object();
  std::filesystem::rename(database + ".away", database);
  EXPECT_TRUE(write().ok());
  asked("pass");
}

TEST_F(HealthTest, FailsWhileTheKeyringCannotBeWritten) {
  // In the place of the file that is written before it becomes the keyring.
  const std::string in_the_way = rig_.folder() + "/keyring.tmp";
  ASSERT_TRUE(std::filesystem::create_directory(in_the_way));
  EXPECT_FALSE(rig_.keyring().ensure_buckets("t1", {"event/2031-01"}).ok());
  const Json keys = asked("fail")["keys"];
  EXPECT_FALSE(keys.bool_or("available", true));
  EXPECT_EQ(keys.string_or("code", ""), "crypto.keyring_io");
  EXPECT_EQ(todo("health", "crypto.keyring_io").string_or("command", ""), "rabt keys status");
  EXPECT_NE(measures().find("\nrabt_keyring_not_written 1\n"), std::string::npos);
  std::filesystem::remove(in_the_way);
  EXPECT_TRUE(rig_.keyring().ensure_buckets("t1", {"event/2031-01"}).ok());
  asked("pass");
  EXPECT_NE(measures().find("\nrabt_keyring_not_written 0\n"), std::string::npos);
}

TEST_F(HealthTest, FailsWhileARequiredAnchorDoesAndForNoOther) {
  const auto anchored = [&](bool required, bool failing) {
    return AnchoredLog(rig_.audit(),
                       {{.name = "worm", .required = required, .failing = failing, .size = 7}});
  };
  AnchoredLog other = anchored(false, true);
  api_.open({.audit = &other});
  asked("pass");
  AnchoredLog well = anchored(true, false);
  api_.open({.audit = &well});
  asked("pass");
  AnchoredLog failing = anchored(true, true);
  api_.open({.audit = &failing});
  EXPECT_TRUE(asked("fail")["audit"]["anchors"].item(0).bool_or("failing", false));
  api_.open({});
}

TEST_F(HealthTest, FailsOnceTheAuditLogTakesNothingMore) {
  rig_.audit().refuse(corrupt("audit.broken", "entry 7 was changed"));
  const Json audit = asked("fail")["audit"];
  EXPECT_FALSE(audit.bool_or("appendable", true));
  EXPECT_EQ(audit.string_or("code", ""), "audit.broken");
}

TEST_F(HealthTest, TroublesBesideItNeedAPersonToo) {
  EXPECT_TRUE(todo().bool_or("ok", false));
  api_.troubles = Json::object({{"keys", "keys.lost: 4 data keys of consultation/2036-11"},
                                {"clock", "clock.stepped: the clock was set by 900 s"},
                                {"credentials", "video.credentials: refused"},
                                {"jwt", "issuer.away: no answer"},
                                {"work", "work.waiting: has an alert of its own"}});
  EXPECT_EQ(todo()["items"].size(), 4U);
  const Json clock = todo("health", "clock.stepped");
  EXPECT_EQ(clock.string_or("what", ""),
            "Timers do not follow the clock: the clock was set by 900 s");
  EXPECT_EQ(clock.string_or("severity", ""), "warn");
  EXPECT_FALSE(todo("health", "video.credentials").is_null());
  EXPECT_EQ(todo("health", "keys.lost").string_or("what", ""),
            "What these keys sealed cannot be read: 4 data keys of consultation/2036-11");
  EXPECT_FALSE(todo("health", "issuer.away").is_null());
}

// An operator finds in the log why a hub was not well, and the log is not filled by those who ask.
TEST_F(HealthTest, SaysTheCauseOnceUntilItIsWellAgain) {
  const std::string in_the_way = rig_.folder() + "/keyring.tmp";
  const auto cause = [&] { return handle(request("GET", "/health")).cause; };
  EXPECT_FALSE(cause().has_value());
  for (const char* const bucket : {"event/2031-01", "event/2031-02"}) {
    ASSERT_TRUE(std::filesystem::create_directory(in_the_way));
    EXPECT_FALSE(rig_.keyring().ensure_buckets("t1", {bucket}).ok());
    const auto first = cause();
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->code, "health.fail");
    EXPECT_EQ(first->reason, "keys crypto.keyring_io");
    EXPECT_FALSE(first->logged);
    EXPECT_TRUE(cause()->logged) << "a line stands in the log";
    std::filesystem::remove(in_the_way);
    EXPECT_TRUE(rig_.keyring().ensure_buckets("t1", {bucket}).ok());
    EXPECT_FALSE(cause().has_value());
  }
}

// Symptom: /health passed while each booking was refused, since the clock stood in 2020.
TEST_F(HealthTest, FailsWhileTheClockStandsBeforeTheHubWasMade) {
  const Timestamp right = rig_.clock().now();
  EXPECT_EQ(asked("pass")["keys"].find("code"), nullptr);
  rig_.clock().set({1'577'836'800'000});
  EXPECT_EQ(asked("fail")["keys"].string_or("code", ""), "keys.clock");
  rig_.clock().set(right);
  asked("pass");
}

TEST_F(HealthTest, FailsWhileARoleServesNobody) {
  EXPECT_EQ(asked("pass").find("rolesUnserved"), nullptr);
  (void)must(rig_.host().bind_role("video", "hub://script"));
  EXPECT_EQ(asked("fail")["rolesUnserved"],
            Json::object({{"video", "hub://script lets nobody in"}}));
}

TEST_F(ApiTest, P37HealthNamesWhatIsWrongToWhoRunsTheHub) {
  Request with_token = request("GET", "/health");
  with_token.headers = {{"authorization", "Bearer " + std::string(kToken)}};
  EXPECT_EQ(json(handle(with_token)).find("detail"), nullptr);
  api_.troubles = Json::object({{"database", "store.full: the disk of the data folder is full"}});
  EXPECT_EQ(json(handle(with_token))["detail"], api_.troubles);
  EXPECT_EQ(handle(request("GET", "/health")).body, R"({"status":"pass"})");
}

TEST_F(ApiTest, ARoleThatSendsNoMessageServesNobodyWhereTheHubSendsSome) {
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  must(rig_.host().bind_role("notify", "plugin://echo"));
  EXPECT_EQ(roles_unserved(rig_.host(), "hospital.messages"),
            Json::object({{"notify", "plugin://echo sends no message"}}));
  EXPECT_EQ(roles_unserved(rig_.host(), ""), Json::object());
}

TEST_F(ApiTest, HealthNeedsNoTokenAndMetricsDoAndNeitherHoldsData) {
  const std::string id = waiting_instance("do-key");
  for (const char* path : {"/health", "/metrics"}) {
    Request made = request("GET", path);
    made.headers = {{"authorization", "Bearer " + std::string(kToken)}};
    const Response answer = handle(made);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.find("Layla"), std::string::npos);
    EXPECT_EQ(answer.body.find(id), std::string::npos);
    made.method = "POST";
    EXPECT_EQ(handle(made).status, 405);
  }
  EXPECT_EQ(handle(request("GET", "/health")).body, R"({"status":"pass"})");
  const Response refused = handle(request("GET", "/metrics"));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.body.find("rabt_"), std::string::npos);
}

// `doors.metrics`: whoever reaches the port gets the figures, and nothing else.
TEST_F(ApiTest, TheListenerOfMetricsAnswersToThemAlone) {
  const auto ask = [&](std::string method, const std::string& path, bool token = false) {
    Request made = request(std::move(method), path);
    if (token) made.headers = {{"authorization", "Bearer " + std::string(kToken)}};
    auto admission = api_.admit(made, "metrics");
    if (auto* const refusal = std::get_if<Response>(&admission)) return *refusal;
    return std::get<http::Intake>(admission).handler(made);
  };
  const Response page = ask("GET", "/metrics");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("rabt_deliveries_total"), std::string::npos);
  EXPECT_EQ(ask("POST", "/metrics").status, 405);
  for (const char* path : {"/health", "/api/v1/instances", "/hooks/his", "/"})
    EXPECT_EQ(ask("GET", path, true).status, 404) << path;
}

// Symptom: a body with many unknown members took seconds before its 422. Cause: each name was
// compared with all known ones.
TEST_F(ApiTest, OnlyTheFirstUnknownNamesAreToldOf) {
  const auto body = [](int members) {
    Json out = Json::object();
    for (int i = 0; i < members; ++i) out.set("provder" + std::to_string(i), i);
    return out.dump();
  };
  const Response answer = api("POST", "sessions", body(15'000));
  EXPECT_EQ(answer.status, 422);
  const std::string detail = Json::parse(answer.body)->string_or("detail", "");
  EXPECT_EQ(std::count(detail.begin(), detail.end(), '\n') + 1,
            static_cast<std::ptrdiff_t>(kMaxSuggestions));
  EXPECT_LT(answer.body.size(), 4'096U);
}

TEST_F(ApiTest, ABodyHasSoManyMembersAndNoMore) {
  const auto items = [](std::size_t count) {
    std::string out = "[0";
    for (std::size_t i = 1; i < count; ++i) out += ",0";
    return R"({"notes":)" + out + "]}";
  };
  EXPECT_EQ(code(api("POST", "sessions", items(kMaxJsonValues - 2))), "api.invalid");
  EXPECT_EQ(code(api("POST", "sessions", items(kMaxJsonValues - 1))), "json.members");
}

TEST_F(ApiTest, ABodyThatIsCodedIsRefusedByTheNameOfItsCoding) {
  for (const std::string path : {"/hooks/his", "/api/v1/sessions"}) {
    const std::string coding = path == "/hooks/his" ? "br" : "gzip";
    Request made = request("POST", path, "{}");
    made.headers = {
        {"authorization", "Bearer " + std::string(path == "/hooks/his" ? kSender : kToken)},
        {"content-encoding", coding}};
    made.length = 2;
    const Response answer = handle(made);
    EXPECT_EQ(answer.status, 415) << path;
    EXPECT_EQ(code(answer), "http.content_coding");
    EXPECT_NE(answer.body.find(coding), std::string::npos) << answer.body;
    made.headers[1].second = "identity";
    EXPECT_NE(handle(made).status, 415);
  }
}

// FHIR R4, Subscription: channel rest-hook.
TEST_F(ApiTest, AResourceMayBePutToThePathOfItsTypeAndId) {
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  const auto put = [&](const std::string& path, std::string_view token = kSender) {
    Request made = request("PUT", path, R"({"id": "p1", "n": 1})");
    made.headers = {{"authorization", "Bearer " + std::string(token)},
                    {"content-type", "application/json"}};
    return handle(made).status;
  };
  EXPECT_EQ(put("/hooks/his/Appointment/7"), 202);
  EXPECT_EQ(put("/hooks/his/Appointment/7", "another"), 401);
  EXPECT_EQ(put("/hooks/hers/Appointment/7"), 404);
  EXPECT_NE(put("/hooks/his/Appointment"), 202);
  EXPECT_NE(put("/hooks/his/Appointment/7/_history"), 202);
}

std::string packed(const std::string& text) {
  std::ostringstream out;
  Poco::DeflatingOutputStream packing(out, Poco::DeflatingStreamBuf::STREAM_GZIP);
  packing << text;
  packing.close();
  return out.str();
}

TEST_F(ApiTest, ASignatureIsOverTheContentOrOverTheBytesThatWereSent) {
  auto signed_ones = sources();
  signed_ones[0].signature = {};
  signed_ones[0].signature.scheme = http::SignatureScheme::hmac;
  signed_ones[0].signature.proof_header = "x-signature";
  signed_ones[0].signature.secrets.emplace_back(kSender);
  api_.open({.sources = std::move(signed_ones)});
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  const std::string plain = R"({"id": "z2", "n": 1})";
  const auto send = [&](const std::string& over) {
    const std::string body = packed(plain);
    Request made = request("POST", "/hooks/his", body);
    made.headers = {{"x-signature", to_hex(crypto::hmac_sha256(as_bytes(kSender), over))},
                    {"content-encoding", "gzip"},
                    {"content-type", "application/json"}};
    made.length = body.size();
    return handle(made);
  };
  const auto repeated = [](const Response& answer) {
    return std::any_of(answer.headers.begin(), answer.headers.end(),
                       [](const auto& one) { return one.first == "X-Rabt-Repeated"; });
  };
  EXPECT_EQ(send(plain).status, 202);
  const Response over_bytes = send(packed(plain));
  EXPECT_EQ(over_bytes.status, 202) << over_bytes.body;
  EXPECT_TRUE(repeated(over_bytes)) << "the content counts, not how it came";
  EXPECT_EQ(send(plain + " ").status, 401);
}

TEST_F(ApiTest, ADeliveryMayBeCompressedAndIsTheSameDelivery) {
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  const std::string plain = R"({"id": "z1", "n": 1})";
  const auto send = [&](const std::string& body, std::string_view token = kSender) {
    Request made = request("POST", "/hooks/his", body);
    made.headers = {{"authorization", "Bearer " + std::string(token)},
                    {"content-encoding", "gzip"},
                    {"content-type", "application/json"}};
    made.length = body.size();
    return handle(made);
  };
  const auto repeated = [](const Response& answer) {
    return std::any_of(answer.headers.begin(), answer.headers.end(),
                       [](const auto& one) { return one.first == "X-Rabt-Repeated"; });
  };
  const Response first = send(packed(plain));
  EXPECT_EQ(first.status, 202) << first.body;
  EXPECT_FALSE(repeated(first));
  const Response again = hook(plain);
  EXPECT_EQ(again.status, 202);
  EXPECT_TRUE(repeated(again)) << "the content counts, not how it came";
  EXPECT_EQ(send(packed(plain), "another").status, 401);
  const Response broken = send(packed(plain).substr(0, 12));
  EXPECT_EQ(broken.status, 400);
  EXPECT_EQ(code(broken), "http.coded_body");
  const Response bomb = send(packed(std::string(limits::kMaxRequestBody + 1, ' ')));
  EXPECT_EQ(bomb.status, 413);
  EXPECT_EQ(code(bomb), "http.body_too_large");
}

TEST_F(ApiTest, TheNameOfTheSchemeCountsInAnyCase) {
  for (const std::string scheme : {"Bearer ", "bearer ", "BEARER ", "Bearer   "}) {
    Request made = request("GET", "/api/v1/workflows");
    made.headers = {{"authorization", scheme + std::string(kToken)}};
    EXPECT_EQ(handle(made).status, 200) << scheme;
  }
}

// Symptom: a page with a broken cookie could neither sign in nor read /health.
TEST_F(ApiTest, ABrokenCookieShutsNobodyOutOfWhatIsOpen) {
  for (const char* broken :
       {"__Host-rabt=nonsense", "__Host-rabt=", "__Host-rabt=a; __Host-rabt=b"}) {
    const auto status = [&](std::string method, std::string path) {
      Request made = request(std::move(method), std::move(path), "{}");
      made.headers = {{"cookie", broken}};
      return handle(made).status;
    };
    EXPECT_EQ(status("GET", "/health"), 200) << broken;
    EXPECT_EQ(status("POST", "/api/v1/auth/login"), 422) << broken;
    EXPECT_EQ(status("GET", "/api/v1/workflows"), 401) << broken;
  }
}

}  // namespace
}  // namespace rabt::api::api_test
