#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "hub/phi/policy.hpp"
#include "support.hpp"

// Several versions of one plugin, side by side, while calls run.
namespace rabt::plugin::test::versions_test {
namespace {

class PluginVersions : public BothWays {
 protected:
  Status load(const std::string& version) {
    PluginConfig config = hub_.config("desk-" + version);
    config.id = "desk";
    return hub_.host->load(std::move(config));
  }
  CallRequest ask(const std::string& version, const char* how = "quick") {
    CallRequest out = request("desk", "ask", Json::object({{"how", how}}));
    out.version = version;
    return out;
  }
  std::string answer(const std::string& version, const char* how = "quick") {
    Waiter waiter;
    (void)hub_.host->invoke(ask(version, how), waiter.sink());
    EXPECT_TRUE(waiter.wait());
    const auto outcome = waiter.outcome();
    return outcome.kind == workflow::OutcomeKind::done ? outcome.output.string_or("answered", "")
                                                       : outcome.code;
  }
  // "version" or "version draining", newest first.
  std::vector<std::string> serving() {
    std::vector<std::string> out;
    for (const auto& state : hub_.host->plugins())
      out.push_back(state.version + (state.draining ? " draining" : ""));
    return out;
  }
  Hub hub_;
  using Names = std::vector<std::string>;
};
RABT_BOTH_WAYS(PluginVersions);

TEST_P(PluginVersions, TheNewestThatServesTakesTheCall) {
  ASSERT_TRUE(load("1.0.0").ok());
  ASSERT_TRUE(hub_.host->bind_role("desk", "plugin://desk").ok());
  EXPECT_EQ(answer("1.0.0"), "1.0.0");
  EXPECT_EQ(answer("2.0.0"), "plugin.unknown_action");
  ASSERT_TRUE(load("2.0.0").ok());
  EXPECT_EQ(answer("1.0.0"), "1.0.0");
  EXPECT_EQ(answer("2.0.0"), "2.0.0");
  ASSERT_TRUE(load("1.1.0").ok());  // later, and in its place
  EXPECT_EQ(answer("1.0.0"), "1.1.0");
  EXPECT_EQ(answer("1.1.0"), "1.1.0");
  EXPECT_EQ(serving(), (Names{"2.0.0", "1.1.0", "1.0.0"}));
  EXPECT_EQ(hub_.host->versions("desk", "ask"), (Names{"1.0.0", "1.1.0", "2.0.0"}));
  EXPECT_EQ(hub_.host->recipient("desk", "ask", "1.0.0")->version, "1.1.0");
  const Status again = load("1.1.0");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, "plugin.loaded");
}

TEST_P(PluginVersions, WhatSomebodyNeedsStaysAndTheRestGoes) {
  for (const char* version : {"1.0.0", "1.1.0", "2.0.0"}) ASSERT_TRUE(load(version).ok());
  ASSERT_TRUE(hub_.host->bind_role("desk", "plugin://desk").ok());
  const Need old{"plugin://desk", "ask", "1.0.0", "a workflow"};
  const auto first = hub_.host->retire({old}, 5000);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, Names{"desk 1.0.0"});  // 1.1.0 serves its contract
  EXPECT_EQ(answer("1.0.0"), "1.1.0");
  const auto second = hub_.host->retire({}, 5000);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*second, Names{"desk 1.1.0"});
  EXPECT_EQ(answer("1.0.0"), "plugin.unknown_action");
  EXPECT_EQ(answer("2.0.0"), "2.0.0");
  EXPECT_TRUE(eventually([&] { return serving() == Names{"2.0.0"}; }));
  const Status lost = check_served({old}, *hub_.host);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code, "engine.unserved");
  EXPECT_EQ(lost.error().message,
            "a workflow calls ask:1.0.0: `plugin://desk` does not offer `ask` in version 1.0.0 or "
            "newer (it offers 2.0.0)");
}

TEST_P(PluginVersions, AVersionThatWentLeavesNoThreadAndNoDescriptor) {
  const auto count = [](const char* folder) {
    const std::filesystem::directory_iterator all(folder);
    return std::distance(begin(all), end(all));
  };
  ASSERT_TRUE(load("1.0.0").ok());
  const auto threads = count("/proc/self/task");
  const auto descriptors = count("/proc/self/fd");
  for (const char* version : {"1.1.0", "2.0.0"}) {
    ASSERT_TRUE(load(version).ok());
    ASSERT_TRUE(hub_.host->retire({}, 5000).ok());
    ASSERT_TRUE(eventually([&] { return serving() == Names{version}; }));
    EXPECT_TRUE(eventually([&] { return count("/proc/self/task") <= threads; }));
    // A library that is mapped here stays, with its file.
    if (in_worker()) {
      EXPECT_TRUE(eventually([&] { return count("/proc/self/fd") <= descriptors; }));
    }
  }
}

TEST_P(PluginVersions, AnOpenCallEndsOnTheVersionThatHasItWhileTheNewOneServes) {
  ASSERT_TRUE(load("1.0.0").ok());
  ASSERT_TRUE(hub_.host->bind_role("desk", "plugin://desk").ok());
  Waiter held;
  (void)hub_.host->invoke(ask("1.0.0", "held"), held.sink());
  ASSERT_TRUE(load("1.1.0").ok());
  ASSERT_TRUE(hub_.host->retire({}, 10'000).ok());
  EXPECT_EQ(serving(), (Names{"1.1.0", "1.0.0 draining"}));
  EXPECT_EQ(answer("1.0.0"), "1.1.0");
  EXPECT_EQ(held.count(), 0);
  EXPECT_EQ(answer("1.0.0", "release"), "1.1.0");
  ASSERT_TRUE(held.wait());
  EXPECT_EQ(held.outcome().output.string_or("answered", ""), "1.0.0");
  EXPECT_TRUE(eventually([&] { return serving() == Names{"1.1.0"}; }));
}

TEST_P(PluginVersions, ACallThatOutlivesTheGraceIsAmbiguous) {
  ASSERT_TRUE(load("1.0.0").ok());
  ASSERT_TRUE(hub_.host->bind_role("desk", "plugin://desk").ok());
  Waiter stuck;
  (void)hub_.host->invoke(ask("1.0.0", "stuck"), stuck.sink());
  // It has reached the plugin when a later one has: what is still queued is transient.
  EXPECT_EQ(answer("1.0.0"), "1.0.0");
  ASSERT_TRUE(load("1.1.0").ok());
  ASSERT_TRUE(hub_.host->retire({}, 50).ok());
  ASSERT_TRUE(stuck.wait());
  EXPECT_EQ(stuck.outcome().kind, workflow::OutcomeKind::ambiguous);
  EXPECT_EQ(stuck.outcome().code, "plugin.shutdown");
  EXPECT_EQ(answer("1.0.0"), "1.1.0");
}

TEST_P(PluginVersions, NoCallIsLostWhileVersionsChange) {
  ASSERT_TRUE(load("1.0.0").ok());
  ASSERT_TRUE(hub_.host->bind_role("desk", "plugin://desk").ok());
  std::atomic<bool> stop{false};
  std::atomic<int> done{0};
  std::atomic<int> other{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        Waiter waiter;
        (void)hub_.host->invoke(ask("1.0.0"), waiter.sink());
        if (!waiter.wait()) ++other;
        waiter.outcome().kind == workflow::OutcomeKind::done ? ++done : ++other;
      }
    });
  }
  ASSERT_TRUE(load("1.1.0").ok());
  ASSERT_TRUE(hub_.host->retire({}, 5000).ok());
  EXPECT_TRUE(eventually([&] { return serving() == Names{"1.1.0"}; }));
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(done, 0);
  EXPECT_EQ(other, 0);
}

// Finds one word.
class FindsJane final : public phi::Detector {
 public:
  [[nodiscard]] std::vector<phi::Finding> find(std::string_view text) const override {
    const auto at = text.find("Jane");
    if (at == std::string_view::npos) return {};
    return {{phi::Class::name, at, at + 4, 1}};
  }
};

class FloodVersions : public BothWays {
 protected:
  Status load(const std::string& version) {
    PluginConfig config = hub_.config("flood-" + version);
    config.id = "flood";
    return hub_.host->load(std::move(config));
  }
  Hub hub_;
};
RABT_BOTH_WAYS(FloodVersions);

// 20 MB for all values together, whichever version stores or removes them.
TEST_P(FloodVersions, ShareTheQuotaOfTheirValues) {
  for (const char* version : {"1.0.0", "2.0.0"}) ASSERT_TRUE(load(version).ok());
  ASSERT_TRUE(hub_.host->bind_role("flood", "plugin://flood").ok());
  const auto run = [&](const char* version, const char* action, const char* key) {
    CallRequest call =
        request("flood", action, Json::object({{"count", 1}, {"bytes", 9'000'000}, {"key", key}}));
    call.version = version;
    Waiter waiter;
    (void)hub_.host->invoke(std::move(call), waiter.sink());
    EXPECT_TRUE(waiter.wait());
    return waiter.outcome().output.dump();
  };
  EXPECT_EQ(run("1.0.0", "puts", "a"), "[1,0]");
  EXPECT_EQ(run("2.0.0", "puts", "b"), "[1,0]");
  EXPECT_EQ(run("1.0.0", "puts", "c"), "[0,1]");
  EXPECT_EQ(run("2.0.0", "puts", "c"), "[0,1]");
  EXPECT_EQ(run("1.0.0", "remove", "a"), "[1,0]");
  EXPECT_EQ(run("2.0.0", "puts", "c"), "[1,0]");
  EXPECT_EQ(run("1.0.0", "puts", "a"), "[0,1]");
}

// The webhook of the version reads one delivery after the other.
TEST_P(FloodVersions, DeliveriesThatWaitAreReadBeforeTheirVersionGoes) {
  ASSERT_TRUE(load("1.0.0").ok());
  std::atomic<int> read{0};
  std::atomic<int> other{0};
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([&] {
      const auto events = hub_.host->normalise("flood", Json::object(), "800");
      events.ok() ? ++read : ++other;
    });
  }
  EXPECT_TRUE(eventually([&] { return hub_.host->plugins().front().open == 4; }));
  EXPECT_TRUE(load("2.0.0").ok());
  EXPECT_TRUE(hub_.host->retire({}, 20'000).ok());
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(read, 4);
  EXPECT_EQ(other, 0);
}

TEST_P(FloodVersions, DeliveriesThatAreDroppedFailAtOnce) {
  ASSERT_TRUE(load("1.0.0").ok());
  std::vector<std::thread> senders;
  std::mutex mutex;
  std::multiset<std::string> said;
  for (int i = 0; i < 3; ++i) {
    senders.emplace_back([&] {
      const auto events = hub_.host->normalise("flood", Json::object(), "2500");
      const std::scoped_lock lock(mutex);
      said.insert(events.ok() ? "" : events.error().code);
    });
  }
  EXPECT_TRUE(eventually([&] { return hub_.host->plugins().front().open == 3; }));
  const auto begin = std::chrono::steady_clock::now();
  hub_.host->shutdown(100);
  for (std::thread& sender : senders) sender.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  EXPECT_GE(said.count("plugin.shutdown") + said.count("plugin.crashed"), 2U);
}

// A version that is retired between the choice and the look at the role takes no patient data.
TEST_P(FloodVersions, WhatARetiredVersionSendsPassesThePolicyToo) {
  const phi::Policy policy(phi::default_rules(), std::make_shared<FindsJane>());
  hub_.host = PluginHost::make({*hub_.store, *hub_.keys, *hub_.audit, *hub_.http, *hub_.blobs,
                                hub_.clock, hub_.random, hub_.log, policy});
  ASSERT_TRUE(load("2.0.0").ok());
  ASSERT_TRUE(hub_.host->bind_role("notify", "plugin://flood").ok());
  std::atomic<bool> stop{false};
  std::atomic<int> blocked{0};
  std::atomic<int> passed{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        CallRequest call = request("notify", "echo", Json::object({{"text", "Jane"}}));
        call.version = "1.0.0";
        (void)hub_.host->invoke(std::move(call), [&](const workflow::ActionOutcome& outcome) {
          if (outcome.code == "phi.blocked") {
            ++blocked;
          } else if (outcome.code != "plugin.unknown_action") {
            ++passed;
          }
        });
      }
    });
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < until && passed == 0) {
    const bool went = load("1.0.0").ok() && hub_.host->retire({}, 1000).ok();
    EXPECT_TRUE(went);
    if (!went) break;
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  hub_.host.reset();
  EXPECT_GT(blocked, 0);
  EXPECT_EQ(passed, 0);
}

}  // namespace
}  // namespace rabt::plugin::test::versions_test
