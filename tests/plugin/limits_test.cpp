// What one plugin may make the hub keep, and how long: in a process of its own and inline.
#include <chrono>

#include "hub/base/limits.hpp"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test {
namespace {

using workflow::OutcomeKind;

constexpr std::int64_t kTenMiB = 10 << 20;

class Limits : public BothWays {
 protected:
  Status load(const std::string& version = "1.0.0", const std::string& at = {}) {
    PluginConfig config = hub_.config("flood-" + version);
    config.id = "flood";
    if (!at.empty()) {
      config.config.set("at", at);
      config.allow_private_addresses = true;
    }
    RABT_TRY_STATUS(hub_.host->load(std::move(config)));
    return hub_.host->bind_role("flood", "plugin://flood");
  }
  // "[good,bad]" of the operations.
  std::string run(const char* action, Json arguments = Json::object(),
                  const char* version = "1.0.0") {
    CallRequest call = request("flood", action, std::move(arguments));
    call.version = version;
    Waiter waiter;
    hub_.host->invoke(std::move(call), waiter.sink());
    EXPECT_TRUE(waiter.wait(30'000)) << action << " has no outcome";
    const auto outcome = waiter.outcome();
    return outcome.kind == OutcomeKind::done ? outcome.output.dump() : outcome.code;
  }
  static Json many(int count, std::int64_t bytes = 0, int until = 0) {
    return Json::object({{"count", count}, {"bytes", bytes}, {"until", until}, {"key", "k"}});
  }
  Hub hub_;
};
RABT_BOTH_WAYS(Limits);

// The callbacks come one after the other, on one lane: until the first has returned all wait.
TEST_P(Limits, ValuesThatWaitForTheirCallbacksAreCountedInBytes) {
  ASSERT_TRUE(load().ok());
  EXPECT_EQ(run("gets", many(30, kTenMiB)), "[6,24]") << "64 MiB";
  EXPECT_EQ(run("gets", many(6, kTenMiB)), "[6,0]") << "what was answered is given back";
}

TEST_P(Limits, ValuesThatWaitForTheDiskAreCountedInBytesAndNumber) {
  ASSERT_TRUE(load().ok());
  EXPECT_EQ(run("puts", many(20, kTenMiB)), "[6,14]");
  EXPECT_EQ(run("puts", many(1500, 10)), "[1024,476]");
  EXPECT_EQ(run("puts", many(1024, 10)), "[1024,0]");
}

TEST_P(Limits, PiecesThatWaitForTheirCallbacksAreCountedInBytes) {
  ASSERT_TRUE(load().ok());
  EXPECT_EQ(run("reads", many(100, 1 << 20)), "[64,36]");
  EXPECT_EQ(run("reads", many(64, 1 << 20)), "[64,0]");
}

TEST_P(Limits, BodiesOfRequestsAreCountedInBytes) {
  const TinyServer server(TinyServer::Mode::answer);
  ASSERT_TRUE(load("1.0.0", server.url()).ok());
  const auto requests = [&](int count) {
    Json all = many(count, kTenMiB);
    all.set("url", server.url());
    return run("requests", std::move(all));
  };
  EXPECT_EQ(requests(10), "[6,4]");
  EXPECT_TRUE(eventually([&] { return requests(6) == "[6,0]"; }));
}

TEST_P(Limits, BodiesOfAnswersAreCountedInBytes) {
  const TinyServer server(TinyServer::Mode::answer, std::string(11 << 20, 'y'));
  ASSERT_TRUE(load("1.0.0", server.url()).ok());
  Json all = many(10);
  all.set("url", server.url());
  all.set("slow", 2500);  // no callback comes before: all answers wait
  const std::string came = run("requests", all);
  EXPECT_EQ(came, "[5,5]") << "5 times 11 MiB";
}

}  // namespace
}  // namespace rabt::plugin::test
