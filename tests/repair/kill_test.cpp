#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "hub/base/json.hpp"
#include "hub/net/local_http.hpp"
#include "tests/engine/loopback_http.hpp"
#include "tests/eventually.hpp"
#include "tests/must.hpp"
#include "tools/demo/child_process.hpp"

// The program itself, killed on the way: a payer counts what it is asked for.
namespace rabt::repair::kill_test {
namespace {

using test::must;

constexpr int kClaims = 200;
constexpr int kKills = 5;

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "." : value;
}

class Killed : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-repair-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(folder_ / "claim.yaml")
        << "document: {dsl: '1.0.3', namespace: test, name: claim, version: '1.0.0'}\ndo:\n"
           "  - claim:\n      call: http\n      metadata: {rabt: {idempotency: key}}\n"
           "      with: {method: post, endpoint: '"
        << payer_.origin() << "/claims', body: '${ . }'}\n";
    std::ofstream(folder_ / "rabt.yaml")
        << "tenant: t1\nserver: {port: 0}\ndata: " << (folder_ / "data").string()
        << "\nplugins: " << (folder_ / "plugins").string()
        << "\nmigrations: " << variable("RABT_SOURCE_DIR")
        << "/migrations/sqlite\nroles: {video: hub://p2p, session: hub://session}\nworkflows: ["
        << (folder_ / "claim.yaml").string() << "]\nhttp: {allow: ['127.0.0.1:" << payer_.port()
        << "'], allow_private: true}\n";
    start();
  }
  void TearDown() override {
    hub_.stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void start() {
    const std::filesystem::path ready = folder_ / "ready";
    std::filesystem::remove(ready);
    must(hub_.start({variable("RABT_BUILD_DIR") + "/bin/rabt", "serve", "--config",
                     (folder_ / "rabt.yaml").string(), "--ready-file", ready.string()},
                    (folder_ / "hub.log").string()));
    ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(ready); }));
  }
  Json ask(const std::string& method, const std::string& path, const Json& body = {}) {
    net::LocalHttp http((folder_ / "data" / "hub.sock").string());
    const auto answer =
        http.json(method, "http://hub/api/v1/" + path, {{"Content-Type", "application/json"}},
                  body.is_null() ? std::string() : body.dump());
    EXPECT_TRUE(answer.ok()) << path << ": " << answer.error().message;
    return answer.ok() ? *answer : Json();
  }
  std::int64_t in_state(const std::string& state) {
    return ask("GET", "instances/counts")["byStatus"].int_or(state, 0);
  }

  std::atomic<bool> away_{true};
  engine::LoopbackHttp payer_{[this](const engine::LoopbackRequest&) {
    return engine::LoopbackResponse{.status = away_ ? 400 : 204};
  }};
  std::filesystem::path folder_;
  demo::ChildProcess hub_;
};

TEST_F(Killed, TwoHundredClaimsAreSentOnceEachThoughTheHubIsKilledFiveTimes) {
  for (int i = 0; i < kClaims; ++i) {
    (void)ask("POST", "instances",
              Json::object({{"workflow", "claim"},
                            {"reason", "a test"},
                            {"input", Json::object({{"claim", i}})}}));
  }
  ASSERT_TRUE(test::eventually([&] { return in_state("faulted") == kClaims; }));
  away_ = false;
  const std::size_t before = payer_.requests().size();
  const Json job =
      ask("POST", "repairs",
          Json::object({{"verb", "retry"}, {"filter", Json::object({{"status", "faulted"}})}}));
  EXPECT_EQ(job.int_or("count", 0), kClaims);
  EXPECT_EQ(job["sent"][0].int_or("withoutKey", -1), 0) << job.dump();
  const std::string path = "repairs/" + job.string_or("id", "");
  (void)ask("POST", path + "/run",
            Json::object({{"digest", job.string_or("digest", "")},
                          {"reason", "the payer is back"},
                          {"perMinute", 1'200},
                          {"first", 0}}));
  for (int kill = 1; kill <= kKills; ++kill) {
    ASSERT_TRUE(test::eventually(
        [&] { return ask("GET", path)["counts"].int_or("open", 0) <= kClaims - kill * 30; }));
    hub_.kill();
    start();
  }
  ASSERT_TRUE(test::eventually([&] { return ask("GET", path).string_or("state", "") == "done"; },
                               std::chrono::seconds(120)))
      << ask("GET", path).dump();
  EXPECT_EQ(ask("GET", path)["counts"].int_or("well", 0), kClaims);
  EXPECT_EQ(in_state("completed"), kClaims);
  // The payer knows a repeat by its key: one claim for each.
  const auto requests = payer_.requests();
  std::map<std::string, std::set<std::string>> claims;
  for (std::size_t i = before; i < requests.size(); ++i)
    claims[requests[i].body].insert(requests[i].header("idempotency-key"));
  EXPECT_EQ(claims.size(), static_cast<std::size_t>(kClaims));
  for (const auto& [body, keys] : claims) EXPECT_EQ(keys.size(), 1U) << body;
  // Only a call that was under way at a kill may have been sent twice.
  EXPECT_LE(requests.size() - before, static_cast<std::size_t>(kClaims + kKills * 5));
  // Each was retried once.
  std::size_t entries = 0;
  for (std::string page = "audit/entries?act=instance.retry&limit=200"; !page.empty();) {
    const Json got = ask("GET", page);
    entries += got["items"].size();
    page = got.string_or("next", "");
    if (!page.empty()) page.erase(0, std::string_view("/api/v1/").size());
  }
  EXPECT_EQ(entries, static_cast<std::size_t>(kClaims));
}

}  // namespace
}  // namespace rabt::repair::kill_test
