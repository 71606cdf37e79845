#include <gtest/gtest.h>

#include "support.hpp"

// A section of the configuration that was written for an older version of a plugin.
namespace rabt::plugin::test::migrate_test {
namespace {

class Migrate : public BothWays {
 protected:
  Status load(const std::string& version, Json section, const std::string& written_for = {}) {
    PluginConfig config = hub_.config("bell-" + version);
    config.id = "bell";
    config.config = std::move(section);
    config.config_version = written_for;
    return hub_.host->load(std::move(config));
  }
  // The code with which the version is refused; empty: it is not.
  std::string refusal(const std::string& version, Json section,
                      const std::string& written_for = {}) {
    const Status loaded = load(version, std::move(section), written_for);
    why_ = loaded.ok() ? std::string() : loaded.error().message;
    return loaded.ok() ? std::string() : loaded.error().code;
  }
  // The configuration with which the version that serves this contract was made.
  Json config_of(const std::string& contract) {
    if (!hub_.host->bind_role("bell", "plugin://bell").ok()) return {};
    CallRequest ring = request("bell", "ring");
    ring.version = contract;
    Waiter waiter;
    (void)hub_.host->invoke(std::move(ring), waiter.sink());
    EXPECT_TRUE(waiter.wait());
    return waiter.outcome().output;
  }
  std::vector<std::string> serving() {
    std::vector<std::string> out;
    for (const auto& state : hub_.host->plugins()) out.push_back(state.version);
    return out;
  }
  // "from -> version" of each act in the audit log.
  std::vector<std::string> acts() {
    std::vector<std::string> out;
    const store::Statement all{
        "SELECT canonical FROM audit WHERE act = 'plugin.migrated' ORDER BY seq"};
    EXPECT_TRUE(hub_.store
                    ->read([&](store::Connection& connection) {
                      return connection.query(all, {}, [&](const store::Row& row) {
                        const auto entry = Json::parse(row.blob(0));
                        EXPECT_TRUE(entry.ok());
                        if (!entry.ok()) return false;
                        const Json& detail = (*entry)["detail"];
                        out.push_back(detail.string_or("from", "") + " -> " +
                                      detail.string_or("version", ""));
                        return true;
                      });
                    })
                    .ok());
    return out;
  }
  static Json hello(const char* wrong = "") {
    Json out = Json::object({{"hello", "ding"}});
    if (*wrong != 0) out.set("break", wrong);
    return out;
  }
  Hub hub_;
  std::string why_;
  using Names = std::vector<std::string>;
};
RABT_BOTH_WAYS(Migrate);

TEST_P(Migrate, ANewerVersionGetsWhatItMadeOfTheSectionAndTheOlderTheSection) {
  ASSERT_EQ(refusal("1.0.0", hello()), "") << why_;
  ASSERT_EQ(refusal("2.0.0", hello()), "") << why_;
  EXPECT_EQ(config_of("2.0.0").string_or("greeting", ""), "ding");
  EXPECT_EQ(config_of("1.0.0").dump(), R"({"hello":"ding"})");
  EXPECT_EQ(acts(), Names{"1.0.0 -> 2.0.0"});
}

TEST_P(Migrate, HappensOnceAndIsRememberedOverRestarts) {
  ASSERT_EQ(refusal("1.0.0", hello()), "") << why_;
  ASSERT_EQ(refusal("2.0.0", hello()), "") << why_;
  const std::string first = config_of("2.0.0").dump();
  for (int i = 0; i < 2; ++i) {
    hub_.restart_host();
    ASSERT_EQ(refusal("2.0.0", hello()), "") << why_;  // as at the start: the newest first
    ASSERT_EQ(refusal("1.0.0", hello()), "") << why_;
    EXPECT_EQ(config_of("2.0.0").dump(), first);
  }
  EXPECT_EQ(acts().size(), 1U);
}

TEST_P(Migrate, TheNextVersionStartsFromWhatTheLastOneMade) {
  ASSERT_EQ(refusal("1.0.0", hello()), "") << why_;
  ASSERT_EQ(refusal("2.0.0", hello()), "") << why_;
  ASSERT_EQ(refusal("2.1.0", hello()), "") << why_;  // offers no rabt.migrate/1: takes it over
  EXPECT_EQ(config_of("2.1.0").dump(), config_of("2.0.0").dump());
  ASSERT_EQ(refusal("3.0.0", hello()), "") << why_;
  const Json last = config_of("3.0.0");
  EXPECT_EQ(last.int_or("times", 0), 3);
  EXPECT_EQ(last.string_or("greeting", ""), "ding");
  EXPECT_NE(last.string_or("stamp", "").find(" 2.1.0@"), std::string::npos) << last.dump();
  EXPECT_EQ(acts(), (Names{"1.0.0 -> 2.0.0", "2.1.0 -> 3.0.0"}));
}

TEST_P(Migrate, ASectionThatFitsAndIsNewIsTakenAsItStands) {
  ASSERT_EQ(refusal("1.0.0", hello()), "") << why_;
  const Json written = Json::object({{"greeting", "dong"}});
  ASSERT_EQ(refusal("2.0.0", written), "") << why_;
  EXPECT_EQ(config_of("2.0.0").dump(), written.dump());
  EXPECT_TRUE(acts().empty());
}

TEST_P(Migrate, AnEditedSectionThatDoesNotFitIsForTheVersionThatTookSuchOnes) {
  ASSERT_EQ(refusal("1.0.0", hello()), "") << why_;
  ASSERT_EQ(refusal("2.0.0", hello()), "") << why_;
  hub_.restart_host();
  ASSERT_EQ(refusal("2.0.0", Json::object({{"hello", "dong"}})), "") << why_;
  EXPECT_EQ(config_of("2.0.0").string_or("greeting", ""), "dong");
  EXPECT_EQ(acts(), (Names{"1.0.0 -> 2.0.0", "1.0.0 -> 2.0.0"}));
}

TEST_P(Migrate, WithoutAMemoryTheOperatorSaysForWhichVersionItWasWritten) {
  EXPECT_EQ(refusal("2.0.0", hello()), "plugin.config");
  ASSERT_EQ(refusal("2.0.0", hello(), "1.0.0"), "") << why_;
  EXPECT_EQ(config_of("2.0.0").string_or("greeting", ""), "ding");
  const std::string first = config_of("2.0.0").dump();
  hub_.restart_host();
  ASSERT_EQ(refusal("2.0.0", hello(), "1.0.0"), "") << why_;
  EXPECT_EQ(config_of("2.0.0").dump(), first);
  EXPECT_EQ(acts(), Names{"1.0.0 -> 2.0.0"});
}

TEST_P(Migrate, TheOperatorsWordCountsMoreThanTheMemory) {
  ASSERT_EQ(refusal("1.0.0", hello()), "") << why_;
  EXPECT_EQ(refusal("2.0.0", hello(), "2.0.0"), "plugin.config");
  const Json both = Json::object({{"hello", "x"}, {"greeting", "y"}});
  ASSERT_EQ(refusal("2.0.0", both, "1.0.0"), "") << why_;
  EXPECT_EQ(config_of("2.0.0").string_or("greeting", ""), "x");
}

TEST_P(Migrate, AVersionThatCannotIsRefusedWithItsWordsAndTheOlderServesOn) {
  struct Wrong {
    const char* what;
    const char* words;
  };
  for (const Wrong& wrong :
       {Wrong{"refuse", "no bell rings like that"}, Wrong{"no json", "migrate gave no JSON"},
        Wrong{"schema", "does not fit the schema of the manifest"},
        Wrong{"large", "more than 1048576 bytes"}}) {
    hub_.restart_host();
    ASSERT_EQ(refusal("1.0.0", hello(wrong.what)), "") << why_;
    EXPECT_EQ(refusal("2.0.0", hello(wrong.what)), "plugin.migrate") << wrong.what;
    EXPECT_NE(why_.find(wrong.words), std::string::npos) << why_;
    EXPECT_NE(why_.find("written for 1.0.0"), std::string::npos) << why_;
    EXPECT_EQ(serving(), Names{"1.0.0"}) << wrong.what;
    EXPECT_EQ(config_of("1.0.0").string_or("hello", ""), "ding") << wrong.what;
  }
  EXPECT_TRUE(acts().empty());
}

TEST_P(Migrate, WhatIsNotFinishedIsDoneAnew) {
  // The plugin is not made with the new configuration: nothing is remembered of it.
  ASSERT_EQ(refusal("1.0.0", hello("create-later")), "") << why_;
  hub_.restart_host();
  const Json section = Json::object({{"hello", "ding"}, {"break", "create"}});
  EXPECT_EQ(refusal("2.0.0", section, "1.0.0"), "plugin.create");
  EXPECT_TRUE(acts().empty());
  EXPECT_TRUE(serving().empty());
  ASSERT_EQ(refusal("2.0.0", hello(), "1.0.0"), "") << why_;
  EXPECT_EQ(acts(), Names{"1.0.0 -> 2.0.0"});
}

TEST_P(Migrate, TheHostsThatItMayReachAreThoseOfTheNewConfiguration) {
  Json section = hello();
  section.set("base_url", "https://bell.example/api");
  ASSERT_EQ(refusal("2.0.0", section, "1.0.0"), "") << why_;
  ASSERT_TRUE(hub_.host->bind_role("bell", "plugin://bell").ok());
  EXPECT_EQ(hub_.host->recipient("bell", "ring", "2.0.0")->hosts,
            Names{"https://bell.example:443"});
}

TEST_P(Migrate, TheRememberedConfigurationIsSealed) {
  Json section = Json::object({{"hello", "distinct-canary-4711"}});
  ASSERT_EQ(refusal("2.0.0", section, "1.0.0"), "") << why_;
  const store::Statement all{"SELECT config FROM plugin_config WHERE version = '2.0.0'"};
  std::string config;
  ASSERT_TRUE(hub_.store
                  ->read([&](store::Connection& connection) {
                    return connection.query(all, {}, [&](const store::Row& row) {
                      config = row.blob(0);
                      return true;
                    });
                  })
                  .ok());
  EXPECT_FALSE(config.empty());
  EXPECT_EQ(config.find("distinct-canary"), std::string::npos);
}

// In the hub's own process these two would take the hub with them.
TEST(MigrateInAWorker, ThatEndsItsProcessIsRefused) {
  Hub hub;
  PluginConfig config = hub.config("bell-2.0.0");
  config.id = "bell";
  config.config = Json::object({{"hello", "x"}, {"break", "abort"}});
  config.config_version = "1.0.0";
  const Status loaded = hub.host->load(std::move(config));
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, "plugin.migrate");
  EXPECT_NE(loaded.error().message.find("its process ended meanwhile (signal 6)"),
            std::string::npos)
      << loaded.error().message;
  EXPECT_TRUE(hub.host->plugins().empty());
}

TEST(MigrateInAWorker, ThatHangsIsEnded) {
  Hub hub;
  PluginConfig config = hub.config("bell-2.0.0");
  config.id = "bell";
  config.config = Json::object({{"hello", "x"}, {"break", "hang"}});
  config.config_version = "1.0.0";
  const auto begun = std::chrono::steady_clock::now();
  const Status loaded = hub.host->load(std::move(config));
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, "plugin.migrate");
  EXPECT_NE(loaded.error().message.find("start takes too long"), std::string::npos)
      << loaded.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(45));
}

}  // namespace
}  // namespace rabt::plugin::test::migrate_test
