#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "hub/assembly/hub.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/server.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"
#include "tests/eventually.hpp"
#include "tests/recording_logger.hpp"

// Over the sockets of a whole hub: sound and pictures go only where the tenant allows.
namespace rabt::assembly::residency_test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIssuer = "kq3Yw0bTzR8uN5vXc1LmPd7hJg2sFa9E";

struct Answer {
  int status = 0;
  Json json;
};

using test::eventually;

class Residency : public ::testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    std::string pattern = (fs::temp_directory_path() / "rabt-regions-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    secret("issuer", kIssuer);
    secret("key", kIssuer);
    secret("token", kIssuer);
    auto server = http::Server::start(
        {},
        [this](const http::Request&) -> http::Admission {
          return http::Handler([this](const http::Request& request) { return twilio(request); });
        },
        null_logger());
    ASSERT_TRUE(server.ok());
    provider_ = *std::move(server);
  }
  void TearDown() override {
    hub_.reset();
    provider_.reset();
    fs::remove_all(folder_);
  }
  static fs::path build() {
    const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
    EXPECT_NE(build, nullptr);
    return build == nullptr ? "." : build;
  }
  void secret(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
    fs::permissions(folder_ / name, fs::perms::owner_read | fs::perms::owner_write);
  }
  // Rooms as Twilio's REST API shows them, in the region that it chose.
  http::Response twilio(const http::Request& request) {
    constexpr std::string_view kRooms = "/v1/Rooms/";
    const bool makes = request.path == "/v1/Rooms" && request.method == "POST";
    const std::string text = std::to_string(makes ? ++rooms_ : rooms_.load());
    const std::string sid = makes ? "RM" + std::string(32 - text.size(), '0') + text
                                  : request.path.substr(kRooms.size(), 34);
    const std::scoped_lock lock(mutex_);
    http::Response response{.status = makes ? 201 : 200};
    response.headers.emplace_back("Content-Type", "application/json");
    response.body = Json::object({{"sid", sid},
                                  {"unique_name", "name"},
                                  {"status", makes ? "in-progress" : "completed"},
                                  {"media_region", chosen_},
                                  {"participants", Json::array()}})
                        .dump();
    return response;
  }
  // plugin: YAML of its section, and where it was built.
  void start(const std::string& id, const fs::path& built, const std::string& plugin,
             const std::string& allowed) {
    fs::create_directories(folder_ / "plugins");
    fs::create_directory_symlink(built, folder_ / "plugins" / id);
    std::ofstream(folder_ / "rabt.yaml")
        << "tenant: t1\nserver: {port: 0, public_url: 'https://hub.example.sa'}\ndata: data\n"
        << "plugins: plugins\nmigrations: " << RABT_MIGRATIONS << "\nroles: {video: 'plugin://"
        << id << "'}\nplugin:\n  " << id << ":\n"
        << plugin << "compliance: {allowed_regions: [" << allowed << "]}\n"
        << "identity: {issuers: {app: {kind: shared-secret, secret: {file: issuer}, issuer: "
           "absent, "
        << "audience: absent, may_grant: [doctor, patient]}}}\n";
    const auto config = config::load_config((folder_ / "rabt.yaml").string());
    ASSERT_TRUE(config.ok()) << config.error().message;
    auto hub = Hub::start(*config, clock_, log_, phi::strict_policy(), {.dev = true});
    ASSERT_TRUE(hub.ok()) << hub.error().code << ": " << hub.error().message;
    hub_ = *std::move(hub);
    enter("doctor");
    enter("patient");
  }
  void enter(const std::string& role) {
    const std::int64_t now = clock_.now().ms / 1000;
    const auto token = crypto::sign_jwt(
        as_bytes(kIssuer), "HS256", R"({"typ":"JWT"})",
        Json::object(
            {{"sub", role}, {"role", role}, {"name", role}, {"iat", now}, {"exp", now + 600}})
            .dump());
    ASSERT_TRUE(token.ok());
    tokens_[role] = *token;
    ids_[role] = call(role, "GET", "/api/v1/me").json.string_or("id", "");
    ASSERT_NE(ids_[role], "");
  }
  Answer call(const std::string& who, const std::string& method, const std::string& path,
              const Json& body = {}) {
    const auto client = net::make_curl_client(clock_, null_logger());
    net::Request request;
    request.method = method;
    request.url = hub_->url() + path;
    request.headers = {{"Authorization", "Bearer " + tokens_.at(who)},
                       {"Content-Type", "application/json"}};
    if (!body.is_null()) request.body = body.dump();
    std::promise<net::Response> done;
    client->start(std::move(request),
                  std::make_shared<const net::AllowList>(net::AllowList::anything()),
                  [&](net::Response response) { done.set_value(std::move(response)); });
    const net::Response response = done.get_future().get();
    auto json = Json::parse(response.body);
    return {response.status, json.ok() ? *std::move(json) : Json()};
  }
  Answer create() {
    return call(
        "doctor", "POST", "/api/v1/sessions",
        Json::object(
            {{"type", "doctor_patient"}, {"patient", ids_.at("patient")}, {"waitingRoom", false}}));
  }

  SystemClock clock_;
  test::RecordingLogger log_;
  fs::path folder_;
  std::atomic<int> rooms_{0};
  std::mutex mutex_;
  std::string chosen_ = "de1";
  std::unique_ptr<http::Server> provider_;
  std::unique_ptr<Hub> hub_;
  std::map<std::string, std::string> tokens_;
  std::map<std::string, std::string> ids_;
};

// A plugin whose manifest names regions does not even start; that of another vendor may be silent.
TEST_F(Residency, B32ASessionWhoseProviderWorksElsewhereIsRefused) {
  ASSERT_NO_FATAL_FAILURE(start("desk", build() / "fixtures/desk-1.0.0",
                                "    config: {media_region: de1}\n", "me-south-1"));
  const Answer refused = create();
  EXPECT_EQ(refused.status, 409) << refused.json.dump();
  EXPECT_EQ(refused.json["code"], Json("residency.region"));
  EXPECT_EQ(refused.json["detail"],
            Json("the video provider works in the region de1; compliance.allowed_regions allows: "
                 "me-south-1"));
  EXPECT_EQ(rooms_, 0);
}

TEST_F(Residency, B32NobodyGetsATokenForARoomThatTheProviderOpenedElsewhere) {
  chosen_ = "ie1";
  const std::string url = "http://127.0.0.1:" + std::to_string(provider_->port());
  ASSERT_NO_FATAL_FAILURE(start(
      "twilio", build() / "plugins/twilio",
      "    hosts: ['" + url +
          "']\n    secrets: {api_key_secret: {file: key}}\n    config: {base_url: '" + url +
          "', account_sid: AC00000000000000000000000000005a4d, media_region: de1, api_key_sid: "
          "SK00000000000000000000000000005a4d, callback_url: "
          "'https://hub.example.sa/hooks/twilio'}\n"
          "sources: {twilio: {scheme: twilio, secrets: [{file: token}], plugin: twilio}}\n",
      "us1, de1"));
  const Answer answer = create();
  ASSERT_EQ(answer.status, 201) << answer.json.dump();
  const std::string at = "/api/v1/sessions/" + answer.json.string_or("id", "");
  ASSERT_EQ(call("doctor", "POST", at + "/start").status, 200);
  EXPECT_TRUE(eventually([&] {
    return call("doctor", "GET", at).json["warnings"] == Json::array({Json("residency.region")});
  }));
  EXPECT_EQ(call("doctor", "GET", at).json["region"], Json("ie1"));
  const Answer refused = call("doctor", "POST", at + "/token");
  EXPECT_EQ(refused.status, 409) << refused.json.dump();
  EXPECT_EQ(refused.json["code"], Json("residency.region"));
  // The next room is where it may be.
  {
    const std::scoped_lock lock(mutex_);
    chosen_ = "de1";
  }
  EXPECT_EQ(call("patient", "POST", at + "/join").status, 200);
  EXPECT_TRUE(eventually([&] { return call("doctor", "GET", at).json["region"] == Json("de1"); }));
  EXPECT_EQ(call("doctor", "POST", at + "/token").status, 200);
}

}  // namespace
}  // namespace rabt::assembly::residency_test
