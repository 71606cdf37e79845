// A process that lies in the memory that it shares with the hub (hostile/hostile_host.cpp). What it
// writes may make an outcome more careful, never less.
#include "hub/phi/policy.hpp"
#include "tests/eventually.hpp"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::shared_memory_test {
namespace {

using workflow::OutcomeKind;

class SharedMemoryLies : public ::testing::Test {
 protected:
  void SetUp() override {
    hub_.host = PluginHost::make({.store = *hub_.store,
                                  .keys = *hub_.keys,
                                  .audit = *hub_.audit,
                                  .http = *hub_.http,
                                  .blobs = *hub_.blobs,
                                  .clock = hub_.clock,
                                  .random = hub_.random,
                                  .log = hub_.log,
                                  .worker_program = RABT_HOSTILE_HOST});
    PluginConfig config = hub_.config("beast");
    config.config.set("at", server_.url());
    config.allow_private_addresses = true;
    const Status loaded = hub_.host->load(std::move(config));
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    ASSERT_TRUE(hub_.host->bind_role("beast", "plugin://beast").ok());
    ASSERT_EQ(hub_.call("beast", "echo", Json(7)).output.dump(), "7");
  }
  std::uint64_t start(const std::string& action, Waiter& waiter, std::int64_t deadline_ms) {
    CallRequest call = request("beast", action, Json::object({{"url", server_.url()}}));
    call.deadline_unix_ms = hub_.clock.now().ms + deadline_ms;
    return hub_.host->invoke(std::move(call), waiter.sink());
  }

  const TinyServer server_{TinyServer::Mode::hang};
  Hub hub_;
};

TEST_F(SharedMemoryLies, ACallWithARequestIsAmbiguousAlsoWhenItIsSaidNotToHaveBegun) {
  for (const char* const action : {"request", "never"}) {  // for the call, and for no call
    Waiter waiter;
    start(action, waiter, 20'000);
    ASSERT_TRUE(waiter.wait(10'000));
    EXPECT_EQ(waiter.outcome().code, "plugin.crashed") << action;
    EXPECT_EQ(waiter.outcome().kind, OutcomeKind::ambiguous) << action;
    EXPECT_EQ(waiter.count(), 1);
    ASSERT_TRUE(
        eventually([&] { return hub_.call("beast", "echo", Json(1)).kind == OutcomeKind::done; }));
  }
}

TEST_F(SharedMemoryLies, ACallThatIsSaidToHaveBegunIsNotTakenBack) {
  Waiter sleeper;
  Waiter behind;
  start("sleep", sleeper, 20'000);
  start("echo", behind, 300);
  ASSERT_TRUE(behind.wait(10'000));
  EXPECT_NE(behind.outcome().code, "plugin.not_started");
  EXPECT_TRUE(behind.outcome().code == "plugin.hung" || behind.outcome().code == "plugin.no_answer")
      << behind.outcome().code;
  ASSERT_TRUE(sleeper.wait(10'000));
  EXPECT_EQ(sleeper.outcome().code, "plugin.crashed");
}

TEST_F(SharedMemoryLies, ACallThatWasTakenBackMakesNoRequestAndHasNoSecondOutcome) {
  Waiter waiter;
  const std::uint64_t token = start("twice", waiter, 20'000);
  // The process begins with the call; it tells nobody.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  hub_.host->cancel(token);
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::cancelled);
  EXPECT_TRUE(eventually([&] { return hub_.violations("beast", "A4") == 1; }));
  EXPECT_EQ(server_.last_request(), "");
  EXPECT_EQ(waiter.count(), 1);
  EXPECT_EQ(hub_.call("beast", "echo", Json(2)).output.dump(), "2");
}

TEST_F(SharedMemoryLies, ACallThatIsSaidToBeLeftOutIsStillOwedItsAnswer) {
  Waiter waiter;
  start("late", waiter, 300);
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().code, "plugin.no_answer");
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::ambiguous);
}

TEST_F(SharedMemoryLies, PositionsOutsideOfTheRingEndTheProcess) {
  Waiter waiter;
  start("garbage", waiter, 20'000);
  ASSERT_TRUE(waiter.wait(15'000));
  EXPECT_TRUE(hub_.log.comes("reason=frame: a position outside of the ring"));
  // It never says that it has begun: the next process gets the call, until there is none.
  EXPECT_EQ(waiter.outcome().code, "plugin.quarantined");
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::transient);
  EXPECT_EQ(waiter.count(), 1);
}

TEST_F(SharedMemoryLies, AProcessThatLeavesNoRoomStopsItsOwnCallsAndNothingElse) {
  Waiter deaf;
  start("truncated", deaf, 300);
  ASSERT_TRUE(deaf.wait(10'000));
  EXPECT_EQ(deaf.outcome().code, "plugin.not_started");
  EXPECT_EQ(deaf.outcome().kind, OutcomeKind::transient);
  // A call that waits in vain has the deaf process ended; the next one serves.
  static_cast<void>(hub_.call("beast", "echo", Json(1), 300));
  EXPECT_TRUE(
      eventually([&] { return hub_.call("beast", "echo", Json(2)).kind == OutcomeKind::done; }));
  EXPECT_EQ(deaf.count(), 1);
}

}  // namespace
}  // namespace rabt::plugin::test::shared_memory_test
