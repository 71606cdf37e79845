#include "hub/http/routes.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "hub/base/bytes.hpp"
#include "hub/consultation/register.hpp"
#include "hub/http/gate.hpp"
#include "hub/http/problem.hpp"
#include "tests/engine/rig.cpp"  // NOLINT(bugprone-suspicious-include): the rig is built into this program

// The router over a real store, engine and keyring, without sockets. tests/e2e covers the same over
// HTTP, with plugins.
namespace rabt::http {
namespace {

using engine::ScriptedService;
using workflow::OutcomeKind;

constexpr std::string_view kToken = "rabt_0123456789abcdef";
constexpr std::string_view kSender = "a static token of a sender";

class RoutesTest : public testing::Test {
 protected:
  RoutesTest()
      : keyring_(must(crypto::Keyring::open_or_create(rig_.folder() + "/keyring", random_))),
        blobs_(must(plugin::make_blob_store(rig_.folder() + "/blobs", rig_.store(), *keyring_,
                                            rig_.clock(), random_, ids_, null_logger()))),
        routes_({.engine = rig_.engine(),
                 .plugins = rig_.host(),
                 .blobs = *blobs_,
                 .store = rig_.store(),
                 .audit = rig_.audit(),
                 .clock = rig_.clock(),
                 .log = null_logger()},
                "t1", crypto::sha256(kToken), sources()) {}

  template <typename T>
  static T must(Result<T> result) {
    if (!result.ok()) {
      std::fprintf(stderr, "%s: %s\n", result.error().code.c_str(), result.error().message.c_str());
      std::abort();
    }
    return std::move(result).value();
  }
  static std::vector<Source> sources() {
    std::vector<Source> list(1);
    list[0].name = "his";
    list[0].plugin = "echo";
    list[0].signature.scheme = SignatureScheme::static_token;
    list[0].signature.secrets.emplace_back(kSender);
    return list;
  }
  // The plugin of the source, built for the tests of the plugin host; false when this build lacks
  // it.
  bool load_echo() {
    const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string folder = std::string(build != nullptr ? build : ".") + "/fixtures/echo";
    if (!std::filesystem::exists(folder + "/plugin.so")) return false;
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
  static Request request(std::string method, std::string path, std::string body = {}) {
    Request made;
    made.method = std::move(method);
    made.target = path;
    const auto mark = path.find('?');
    if (mark != std::string::npos) made.query = parse_query(path.substr(mark + 1)).value();
    made.path = path.substr(0, mark);
    made.body = std::move(body);
    return made;
  }
  Response api(std::string method, const std::string& path, std::string body = {},
               std::vector<std::pair<std::string, std::string>> headers = {}) {
    Request made = request(std::move(method), "/api/v1/" + path, std::move(body));
    made.headers = std::move(headers);
    made.headers.emplace_back("authorization", "Bearer " + std::string(kToken));
    return routes_.handle(made);
  }
  Response hook(const std::string& body, std::string_view token = kSender) {
    Request made = request("POST", "/hooks/his", body);
    made.headers = {{"authorization", "Bearer " + std::string(token)},
                    {"content-type", "application/json"}};
    return routes_.handle(made);
  }
  static std::string code(const Response& response) {
    const auto body = Json::parse(response.body);
    return body.ok() ? body->string_or("code", "") : "no JSON";
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return {};
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
  std::uint64_t audited() { return must(audit::verify(rig_.store(), rig_.folder())).entries; }

  engine::Rig rig_;
  SystemRandom random_;
  UlidSource ids_{rig_.clock(), random_};
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<plugin::BlobStore> blobs_;
  Routes routes_;
  std::promise<ScriptedService::Call> open_;
};

TEST_F(RoutesTest, the_api_needs_exactly_the_token) {
  EXPECT_EQ(api("GET", "instances").status, 200);
  for (const std::string value : {"", "Bearer", "Bearer ", "bearer rabt_0123456789abcdef",
                                  "Bearer rabt_0123456789abcde", "rabt_0123456789abcdef"}) {
    Request made = request("GET", "/api/v1/instances");
    if (!value.empty()) made.headers = {{"authorization", value}};
    const Response answer = routes_.handle(made);
    EXPECT_EQ(answer.status, 401) << value;
    EXPECT_EQ(header(answer, "WWW-Authenticate"), "Bearer");
    EXPECT_EQ(answer.body.find(kToken), std::string::npos);
  }
  // An unknown path below the API tells nothing to somebody without the token.
  EXPECT_EQ(routes_.handle(request("GET", "/api/v1/nothing")).status, 401);
  EXPECT_EQ(api("GET", "nothing").status, 404);
}

TEST_F(RoutesTest, the_page_size_has_limits) {
  for (const char* good : {"1", "200"})
    EXPECT_EQ(api("GET", std::string("instances?limit=") + good).status, 200) << good;
  for (const char* bad : {"0", "201", "", "-1", "1e2", "99999999999999999999999"}) {
    const Response answer = api("GET", std::string("instances?limit=") + bad);
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(code(answer), "api.limit");
  }
  EXPECT_EQ(code(api("GET", "instances?status=sleeping")), "engine.status");
}

TEST_F(RoutesTest, a_list_is_paged_newest_first_without_gaps) {
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
    EXPECT_LE((*body)["instances"].size(), 2U);
    for (const Json& one : (*body)["instances"].as_array()) seen.push_back(one.string_or("id", ""));
    path = body->string_or("next", "");
    if (!path.empty()) path.erase(0, std::string_view("/api/v1/").size());
  }
  EXPECT_EQ(seen, wanted);
}

TEST_F(RoutesTest, data_of_an_instance_needs_a_reason_and_is_audited_first) {
  const std::string id = waiting_instance("do-key");
  const Response plain = api("GET", "instances/" + id);
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.body.find("Layla"), std::string::npos);
  EXPECT_EQ(code(api("GET", "instances/" + id + "?data=true")), "engine.reason");
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

TEST_F(RoutesTest, an_instance_is_cancelled_once) {
  const std::string id = waiting_instance("do-key");
  EXPECT_EQ(api("POST", "instances/" + id + "/cancel", R"({"reason": "no longer needed"})").status,
            202);
  EXPECT_EQ(rig_.wait_status(id, "cancelled"), "cancelled");
  EXPECT_EQ(code(api("POST", "instances/" + id + "/cancel", "{}")), "engine.ended");
  EXPECT_EQ(api("POST", "instances/01ARZ3NDEKTSV4RRFFQ69G5FAV/cancel", "{}").status, 404);
  EXPECT_EQ(api("GET", "instances/" + id + "/cancel").status, 405);
}

TEST_F(RoutesTest, a_parked_call_waits_for_a_decision_that_is_checked) {
  const std::string id = waiting_instance("do-none");
  EXPECT_EQ(code(api("POST", "instances/" + id + "/resolve", R"({"outcome": "done"})")),
            "engine.not_parked");
  open_.get_future().get().done(engine::failed(OutcomeKind::ambiguous, "vendor.silent"));
  ASSERT_EQ(rig_.wait_status(id, "parked"), "parked");
  EXPECT_EQ(code(api("POST", "instances/" + id + "/resolve", R"({"outcome": "maybe"})")),
            "api.outcome");
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

TEST_F(RoutesTest, a_recording_is_described_freely_and_read_only_with_a_reason) {
  const std::string content(300'000, 'v');
  auto writer = must(blobs_->create("t1", "video/x-matroska"));
  ASSERT_TRUE(writer->write(content).ok());
  const std::string blob = must(writer->finish()).id;
  const auto service =
      consultation::make_recordings({rig_.store(), rig_.audit(), *blobs_, rig_.clock(), ids_});
  plugin::CallRequest call;
  call.tenant = "t1";
  call.action = "store";
  call.arguments = Json::object(
      {{"consultation", "c1"}, {"recordingId", "RT1"}, {"kind", "audio"}, {"blob", blob}});
  std::promise<workflow::ActionOutcome> ended;
  service->invoke(
      call, [&ended](workflow::ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
  const std::string id = ended.get_future().get().output.string_or("id", "");

  const auto description = Json::parse(api("GET", "recordings/" + id).body);
  ASSERT_TRUE(description.ok());
  EXPECT_EQ(description->int_or("bytes", 0), 300'000);
  EXPECT_EQ(description->string_or("sha256", ""), to_hex(crypto::sha256(content)));
  EXPECT_EQ(code(api("GET", "recordings/" + id + "/content")), "api.reason");
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
  EXPECT_EQ(code(api("GET", "recordings/01ARZ3NDEKTSV4RRFFQ69G5FAV")), "recording.unknown");
}

TEST_F(RoutesTest, nothing_of_a_delivery_is_read_before_its_credential_holds) {
  const Response refused = hook("this is no JSON", "a wrong token, long enough");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(code(refused), "http.signature");
  EXPECT_EQ(routes_.handle(request("POST", "/hooks/nobody", "{}")).status, 404);
  EXPECT_EQ(routes_.handle(request("GET", "/hooks/his")).status, 405);
}

TEST_F(RoutesTest, a_flood_of_forged_deliveries_is_no_flood_of_audit_entries) {
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
  EXPECT_NE(
      routes_.handle(request("GET", "/metrics")).body.find("\nrabt_deliveries_refused_total 51\n"),
      std::string::npos);
}

TEST_F(RoutesTest, a_delivery_is_accepted_repeated_and_refused_through_its_plugin) {
  if (!load_echo()) GTEST_SKIP() << "the fixture echo is not built";
  const Response first = hook(R"({"n": 1})");
  ASSERT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(header(first, "X-Rabt-Repeated"), "");
  const Response again = hook(R"({"n": 1})");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header(again, "X-Rabt-Repeated"), "true");
  const Response unwanted = hook(R"({"refuse": true})");
  EXPECT_EQ(unwanted.status, 422) << unwanted.body;
  EXPECT_EQ(code(unwanted), "plugin.delivery");
  EXPECT_NE(unwanted.body.find("not for us"), std::string::npos);
}

TEST_F(RoutesTest, health_and_metrics_need_no_token_and_hold_no_data) {
  const std::string id = waiting_instance("do-key");
  for (const char* path : {"/health", "/metrics"}) {
    const Response answer = routes_.handle(request("GET", path));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.find("Layla"), std::string::npos);
    EXPECT_EQ(answer.body.find(id), std::string::npos);
    EXPECT_EQ(routes_.handle(request("POST", path)).status, 405);
  }
}

}  // namespace
}  // namespace rabt::http
