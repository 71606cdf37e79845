// Limits of the memory and time that one plugin costs the hub: in its own process and inline.
#include <chrono>
#include <future>
#include <thread>

#include "hub/base/limits.hpp"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::limits_test {
namespace {

using workflow::OutcomeKind;

constexpr std::int64_t kTenMiB = 10 << 20;

// Blobs whose operations take as long as the test says. Lives until the hub is gone.
class SlowDisk {
 public:
  explicit SlowDisk(Hub& hub) {
    auto slow = std::make_unique<Slow>(std::move(hub.blobs));
    slow_ = slow.get();
    hub.blobs = std::move(slow);
    hub.restart_host();
  }
  void hold_finds() { slow_->set(true, false, {}); }
  void hold_creates() { slow_->set(false, true, {}); }
  void release() { slow_->set(false, false, {}); }
  void each_takes(std::chrono::milliseconds time) { slow_->set(false, false, time); }
  [[nodiscard]] bool holds() const { return slow_->waiting > 0; }

 private:
  struct Slow final : blob::BlobStore {
    explicit Slow(std::unique_ptr<blob::BlobStore> real_store) : real(std::move(real_store)) {}
    void set(bool holds_finds, bool holds_creates, std::chrono::milliseconds each) {
      const std::scoped_lock lock(mutex);
      finds = holds_finds;
      creates = holds_creates;
      pause = each;
      changed.notify_all();
    }
    void stop_at(const bool& held) {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.wait(lock, [&] { return !held; });
      --waiting;
      const auto time = pause;
      lock.unlock();
      std::this_thread::sleep_for(time);
    }
    void discard(std::string_view tenant, std::string_view id) override {
      real->discard(tenant, id);
    }
    Result<std::unique_ptr<blob::BlobWriter>> create(std::string_view tenant,
                                                     std::string_view type) override {
      stop_at(creates);
      return real->create(tenant, type);
    }
    Result<std::unique_ptr<blob::BlobWriter>> resume(std::string_view tenant,
                                                     std::string_view id) override {
      return real->resume(tenant, id);
    }
    Result<blob::BlobInfo> find(std::string_view tenant, std::string_view id) override {
      stop_at(finds);
      return real->find(tenant, id);
    }
    Result<std::unique_ptr<blob::BlobReader>> open(std::string_view tenant,
                                                   std::string_view id) override {
      stop_at(finds);
      return real->open(tenant, id);
    }
    Status adopt(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                 std::string_view owner) override {
      return real->adopt(transaction, tenant, id, owner);
    }
    void sweep() override { real->sweep(); }

    std::unique_ptr<blob::BlobStore> real;
    std::mutex mutex;
    std::condition_variable changed;
    bool finds = false;
    bool creates = false;
    std::chrono::milliseconds pause{};
    std::atomic<int> waiting{0};
  };
  Slow* slow_;
};

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
  // The disk rests until `waiting` operations wait for it and the others had time to come, so that
  // none is over before the last has come.
  std::string run_before_the_disk(const char* action, Json arguments, std::uint64_t waiting) {
    std::promise<void> rests;
    std::promise<void> go;
    std::once_flag once;
    hub_.store->submit(
        store::Store::Need::required,
        [&rests, &once, until = go.get_future().share()](store::Transaction&) {
          std::call_once(once, [&rests] { rests.set_value(); });
          until.wait();
          return ok_status();
        },
        [](const Status&) {});
    rests.get_future().wait();
    std::thread disk([&] {
      EXPECT_TRUE(eventually([&] { return hub_.store->stats().queued >= waiting; }));
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      go.set_value();
    });
    auto answer = run(action, std::move(arguments));
    disk.join();
    return answer;
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
  EXPECT_EQ(run("gets", many(9, kTenMiB)), "[6,3]") << "64 MiB";
  EXPECT_EQ(run("gets", many(6, kTenMiB)), "[6,0]") << "what was answered is given back";
}

TEST_P(Limits, ValuesThatWaitForTheDiskAreCountedInBytesAndNumber) {
  ASSERT_TRUE(load().ok());
  EXPECT_EQ(run("puts", many(1, 10)), "[1,0]") << "the plugin's data key is made, on the disk";
  EXPECT_EQ(run_before_the_disk("puts", many(9, kTenMiB), 6), "[6,3]");
  EXPECT_EQ(run_before_the_disk("puts", many(1500, 10), 1024), "[1024,476]");
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
  Json all = many(7);
  all.set("url", server.url());
  // No callback comes before: all answers wait, unless the machine is slower than that.
  for (const int slow : {1500, 9000}) {
    all.set("slow", slow);
    if (run("requests", all) == "[5,2]") return;
  }
  FAIL() << "5 times 11 MiB are what is kept";
}

TEST_P(Limits, OnePluginLeavesRequestsToTheOthers) {
  const TinyServer server(TinyServer::Mode::hang);
  ASSERT_TRUE(load("1.0.0", server.url()).ok());
  Json all = many(300, 0, 44);
  all.set("url", server.url());
  EXPECT_EQ(run("requests", std::move(all)), "[0,44]") << "256 are open";
}

TEST_P(Limits, NoMoreBlobsAreBegunThanMayBeOpen) {
  ASSERT_TRUE(load().ok());
  EXPECT_EQ(run("creates", many(500)), "[64,436]");
  EXPECT_EQ(run("creates", many(1)), "[0,1]");
  EXPECT_EQ(run("discards"), "64");
  EXPECT_TRUE(eventually([&] { return run("creates", many(1)) == "[1,0]"; }));
}

TEST_P(Limits, ABlobThatIsReceivedIsOneThatIsWritten) {
  const TinyServer server(TinyServer::Mode::hang);
  ASSERT_TRUE(load("1.0.0", server.url()).ok());
  Json all = many(70, 0, 6);
  all.set("url", server.url());
  all.set("into", "blob");
  EXPECT_EQ(run("requests", std::move(all)), "[0,6]");
  EXPECT_EQ(run("creates", many(1)), "[0,1]");
}

TEST_P(Limits, OperationsThatWaitForTheDiskAreCounted) {
  SlowDisk disk(hub_);
  ASSERT_TRUE(load().ok());
  disk.hold_finds();
  EXPECT_EQ(run("infos", many(3000, 1, 1900)), "[0,1900]") << "1024 wait";
  disk.release();
  EXPECT_TRUE(eventually([&] { return run("infos", many(1, 1)) == "[1,0]"; }));
}

TEST_P(Limits, PluginsTakeTurnsAtTheDisk) {
  SlowDisk disk(hub_);
  ASSERT_TRUE(load().ok());
  ASSERT_TRUE(load("2.0.0").ok());
  disk.hold_finds();
  Waiter first;
  CallRequest call = request("flood", "infos", many(1000, 1));
  call.version = "1.0.0";
  hub_.host->invoke(std::move(call), first.sink());
  ASSERT_TRUE(eventually([&] { return disk.holds(); }));
  EXPECT_FALSE(eventually([&] { return first.count() > 0; }, std::chrono::milliseconds(200)))
      << "all of them wait";
  disk.each_takes(std::chrono::milliseconds(5));
  EXPECT_EQ(run("infos", many(3, 1), "2.0.0"), "[3,0]");
  EXPECT_EQ(first.count(), 0) << "the other plugin's thousand take five seconds";
  disk.each_takes(std::chrono::milliseconds(0));
  EXPECT_TRUE(first.wait(20'000));
}

TEST_P(Limits, WaitsAreCounted) {
  ASSERT_TRUE(load().ok());
  EXPECT_EQ(run("wakes", many(16'383)), "\"woken\"");
  EXPECT_EQ(hub_.violations("flood", "limit"), 0U);
  EXPECT_EQ(run("wakes", many(0)), "\"woken\"") << "the first one was woken";
  CallRequest call = request("flood", "wakes", many(5));
  call.version = "1.0.0";
  call.deadline_unix_ms = hub_.clock.now().ms + 3000;
  Waiter waiter;
  hub_.host->invoke(std::move(call), waiter.sink());
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().code, "plugin.no_answer")
      << "its own wait is among those that are lost";
  EXPECT_EQ(hub_.violations("flood", "limit"), 5U);
}

// A process that has ended holds no place of the next one.
class Processes : public Limits {};
INSTANTIATE_TEST_SUITE_P(, Processes, ::testing::Values(Isolation::worker),
                         [](const auto&) { return std::string("worker"); });

TEST_P(Processes, WaitsEndWithTheProcess) {
  ASSERT_TRUE(load().ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(run("wakes", many(12'000)), "\"woken\"");
    EXPECT_EQ(run("ends"), "plugin.crashed");
  }
  EXPECT_EQ(hub_.violations("flood", "limit"), 0U);
}

// It belongs to no call, and its blob is still being opened when the process ends.
TEST_P(Processes, ARequestThatHasNotBegunNeverDoes) {
  const TinyServer server(TinyServer::Mode::answer);
  SlowDisk disk(hub_);
  ASSERT_TRUE(load("1.0.0", server.url()).ok());
  disk.hold_finds();
  Json all = many(1, 10);
  all.set("url", server.url());
  CallRequest call = request("flood", "sends", std::move(all));
  call.version = "1.0.0";
  Waiter waiter;
  hub_.host->invoke(std::move(call), waiter.sink());
  ASSERT_TRUE(eventually([&] { return disk.holds(); }));
  EXPECT_EQ(run("ends"), "plugin.crashed");
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().kind, OutcomeKind::transient) << "nothing can have happened";
  disk.release();
  EXPECT_TRUE(eventually([&] { return run("infos", many(1, 1)) == "[1,0]"; }));
  EXPECT_FALSE(
      eventually([&] { return !server.last_request().empty() || hub_.http->stats().started > 0; },
                 std::chrono::milliseconds(300)));
  EXPECT_EQ(server.last_request(), "");
  EXPECT_EQ(hub_.http->stats().started, 0U) << "not even to be cancelled at once";
}

TEST_P(Processes, BlobsThatWereAboutToBeMadeGoWithTheProcess) {
  SlowDisk disk(hub_);
  ASSERT_TRUE(load().ok());
  disk.hold_creates();
  Waiter lost;
  CallRequest call = request("flood", "creates", many(64));
  call.version = "1.0.0";
  hub_.host->invoke(std::move(call), lost.sink());
  ASSERT_TRUE(eventually([&] { return disk.holds(); }));
  EXPECT_EQ(run("ends"), "plugin.crashed");
  ASSERT_TRUE(lost.wait());
  disk.release();
  const auto all = [&] {
    if (run("creates", many(64)) == "[64,0]") return true;
    run("discards");
    return false;
  };
  EXPECT_TRUE(eventually(all));
}

}  // namespace
}  // namespace rabt::plugin::test::limits_test
