#include <gtest/gtest.h>
#include <stdlib.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "hub/assembly/database.hpp"
#include "hub/assembly/hub.hpp"
#include "hub/net/local_http.hpp"
#include "hub/phi/policy.hpp"
#include "hub/store/store.hpp"
#include "tests/eventually.hpp"
#include "tests/must.hpp"
#include "tests/recording_logger.hpp"
#include "tools/demo/signed_store.hpp"

// Health, list of what needs a person, and alerts of a running hub about its plugins.
namespace rabt::assembly::plugin_health_test {
namespace {

namespace fs = std::filesystem;
using test::eventually;

// A value of the plugin, of $1 bytes.
constexpr store::Statement kKept{
    "INSERT OR REPLACE INTO plugin_kv (tenant, plugin, key, data_key, value, version, expires_ms) "
    "VALUES ('t1', 'bell', x'01', x'', zeroblob($1), 1, 0)"};

class PluginHealth : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "rabt-health-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config_.tenant = "t1";
    config_.server.port = 0;
    config_.data = (folder_ / "data").string();
    config_.plugins = (folder_ / "plugins").string();
    config_.migrations = RABT_MIGRATIONS;
    config_.plugin["bell"].config = Json::object({{"hello", "ding"}});
    config_.roles["ring"] = "plugin://bell";
    const Status status = demo::make_signed_store({std::string(RABT_FIXTURES) + "/bell-1.0.0"},
                                                  (folder_ / "work").string(), config_.plugins);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  void TearDown() override {
    stop();
    fs::remove_all(folder_);
  }
  void start(const Clock& clock) {
    auto hub = Hub::start(config_, clock, log_, phi::strict_policy());
    ASSERT_TRUE(hub.ok()) << hub.error().code << ": " << hub.error().message;
    hub_ = *std::move(hub);
    http_ = std::make_unique<net::LocalHttp>(config_.data + "/hub.sock");
  }
  void stop() {
    http_.reset();
    if (hub_ != nullptr) hub_->stop(0);
    hub_.reset();
  }
  // Has the plugin keep so many bytes, while the hub is stopped.
  void keep(std::int64_t bytes) {
    auto store = test::must(open_database(config_, null_logger()));
    const Status written = store->write([bytes](store::Transaction& transaction) {
      return store::run(transaction, kKept, {bytes});
    });
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  net::Response get(const std::string& path) {
    auto answer = http_->send("GET", "http://localhost" + path);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer.ok() ? *std::move(answer) : net::Response{};
  }
  Json json(const std::string& path) {
    auto body = Json::parse(get(path).body);
    return body.ok() ? *std::move(body) : Json();
  }
  // The first of the items with this value of a member. Null if there is none.
  Json item(const std::string& path, std::string_view member, std::string_view value) {
    const Json body = json(path);
    for (const Json& node : body["items"].as_array()) {
      if (node.string_or(member, "") == value) return node;
    }
    return {};
  }
  bool measured(const std::string& line) {
    return get("/metrics").body.find("\n" + line + "\n") != std::string::npos;
  }

  // The clocks outlive the hub.
  const SystemClock system_clock_;
  FakeClock clock_{Timestamp{1'795'676'400'000}};
  test::RecordingLogger log_;
  fs::path folder_;
  config::Config config_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<net::LocalHttp> http_;
};

// Symptom: a plugin's storage filled for good, and accepted bookings stood still.
// Cause: neither health nor an alert said how full it was.
// This test compares all three at the limits that docs/operations.md and docs/alerts.md name.
TEST_F(PluginHealth, StorageIsToldFrom70PercentAndIsAPageFrom90) {
  constexpr std::int64_t kQuota = 1 << 20;
  constexpr std::int64_t kBelow = 734'003;  // the last byte below 70 %
  constexpr std::int64_t kNearlyFull = 943'719;
  config_.plugin["bell"].storage = kQuota;
  const auto start_with = [&](std::int64_t bytes) {
    stop();
    keep(bytes);
    start(clock_);
    EXPECT_TRUE(eventually([&] {
      clock_.advance_ms(5000);
      return measured("rabt_plugin_storage_bytes{plugin=\"bell\"} " + std::to_string(bytes));
    })) << get("/metrics").body;
  };
  const auto alerted = [&](std::string_view severity) {
    return eventually([&] {
      clock_.advance_ms(20'000);
      const Json alert = item("/api/v1/alerts", "rule", "plugin_storage");
      return alert.string_or("object", "") == "bell" && alert.string_or("severity", "") == severity;
    });
  };
  start(clock_);
  start_with(kBelow);
  EXPECT_EQ(json("/health").string_or("status", ""), "pass");
  EXPECT_TRUE(item("/api/v1/todo", "kind", "storage").is_null());

  start_with(kBelow + 1);
  EXPECT_EQ(get("/health").status, 200) << "it stops nothing yet";
  const Json health = json("/health");
  EXPECT_EQ(health.string_or("status", ""), "warn") << health.dump();
  EXPECT_EQ(health["plugins"].item(0)["storage"],
            Json::object({{"bytes", kBelow + 1}, {"quota", kQuota}}));
  const Json todo = item("/api/v1/todo", "kind", "storage");
  EXPECT_EQ(todo.string_or("plugin", ""), "bell") << json("/api/v1/todo").dump();
  EXPECT_TRUE(alerted("warn")) << json("/api/v1/alerts").dump();

  start_with(kNearlyFull);
  EXPECT_TRUE(alerted("page")) << json("/api/v1/alerts").dump();
}

// Symptom: /health passed while the plugin of a role was in quarantine.
// Cause: health looked at the store and the keys only.
// This test kills the process of a bound plugin until it is not started again.
TEST_F(PluginHealth, FailsWithTheNameOfTheRoleWhosePluginIsInQuarantine) {
  start(system_clock_);
  std::int64_t killed = 0;
  for (int i = 0; i < 5; ++i) {
    std::int64_t process = 0;
    ASSERT_TRUE(eventually([&] {
      const Json plugin = json("/health")["plugins"].item(0);
      process = plugin.int_or("pid", 0);
      return plugin.string_or("state", "") == "up" && process > 0 && process != killed;
    })) << json("/health").dump();
    EXPECT_EQ(get("/health").status, 200) << "after " << i << " deaths";
    ASSERT_EQ(::kill(static_cast<pid_t>(process), SIGKILL), 0);
    killed = process;
  }
  ASSERT_TRUE(eventually([&] { return get("/health").status == 503; })) << json("/health").dump();
  const Json failed = json("/health");
  EXPECT_EQ(failed.string_or("status", ""), "fail");
  EXPECT_EQ(failed["rolesUnserved"], Json::object({{"ring", "plugin://bell quarantined"}}));
  EXPECT_EQ(item("/api/v1/todo", "kind", "plugin").string_or("plugin", ""), "bell")
      << json("/api/v1/todo").dump();
  const auto released = http_->json("POST", "http://localhost/api/v1/plugins/bell/release");
  ASSERT_TRUE(released.ok()) << released.error().message;
  EXPECT_TRUE(eventually([&] { return get("/health").status == 200; })) << json("/health").dump();
  EXPECT_TRUE(json("/health")["rolesUnserved"].is_null());
}

}  // namespace
}  // namespace rabt::assembly::plugin_health_test
