#include "tools/demo/configuration.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hub/config/config.hpp"
#include "tools/demo/template.hpp"

namespace rabt::demo::configuration_test {
namespace {

TEST(DemoTemplate, AValueIsEscapedWhereItStandsInQuotesAndIsKeptWhereItDoesNot) {
  EXPECT_EQ(filled(R"({"a": "{{a}}", "b": {{{b}}}})", {{"a", "x\"y\\z\n{{b}}"}, {"b", "[1]"}}),
            R"({"a": "x\"y\\z\n{{b}}", "b": [1]})");
}

TEST(DemoTemplate, ATextWithoutWordsStays) {
  EXPECT_EQ(filled("a: {b: {c: 1}}\n", {}), "a: {b: {c: 1}}\n");
}

TEST(DemoTemplate, AWordWithoutAValueIsABug) {
  EXPECT_DEATH(static_cast<void>(filled("{{nobody}}", {})), "RABT_CHECK");
}

class DemoConfiguration : public testing::Test {
 protected:
  DemoConfiguration() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-demo-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    wanted_.port = 8480;
    wanted_.data = folder_ + "/a \"b\" 'c' {d}: #e \\f, ع";
    wanted_.plugins = wanted_.data + "/plugins";
    wanted_.root = wanted_.data + "/root";
    wanted_.workflows = {wanted_.data + "/one.yaml", wanted_.data + "/two.yaml"};
    wanted_.log = wanted_.data + "/hub.log";
    wanted_.secrets = wanted_.data + "/secrets";
    wanted_.stand_in = [](const char* name) { return std::string("http://") + name + ":1"; };
  }
  ~DemoConfiguration() override { std::filesystem::remove_all(folder_); }
  Result<config::Config> read() {
    std::ofstream(folder_ + "/rabt.yaml") << yaml_of(wanted_);
    return config::load_config(folder_ + "/rabt.yaml");
  }

  std::string folder_;
  Configuration wanted_;
};

TEST_F(DemoConfiguration, PathsArriveWhateverCharactersTheyHave) {
  const auto config = read();
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->server.port, 8480);
  EXPECT_EQ(config->public_url, "http://127.0.0.1:8480");
  EXPECT_EQ(config->data, wanted_.data);
  EXPECT_EQ(config->plugins, wanted_.plugins);
  EXPECT_EQ(config->migrations, wanted_.root + "/migrations/sqlite");
  EXPECT_EQ(config->workflows, wanted_.workflows);
  EXPECT_EQ(config->log_file, wanted_.log);
  EXPECT_EQ(config->plugin.at("fhir").secrets.at("access_token").file,
            wanted_.secrets + "/fhir-token");
  ASSERT_EQ(config->sources.size(), 2U);
  EXPECT_EQ(config->sources.front().secrets.front().file, wanted_.secrets + "/his");
  EXPECT_EQ(config->plugin.size(), 4U);
  EXPECT_EQ(config->roles.size(), 8U);
}

TEST_F(DemoConfiguration, TextMessagesGoToTheStandInAndHoldATimeAlone) {
  wanted_.sends_messages = true;
  const auto config = read();
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->roles.size(), 9U);
  EXPECT_EQ(config->roles.at("notify"), "plugin://notify");
  EXPECT_EQ(config->plugin.at("notify").secrets.at("sms_token").file,
            wanted_.secrets + "/sms-token");
  EXPECT_TRUE(config->house.texts.empty());
}

TEST_F(DemoConfiguration, TextsOfTheHospitalAreReadFromTheirFolder) {
  wanted_.messages = folder_ + "/a \"b\"";
  std::filesystem::create_directories(wanted_.messages);
  for (const char* language : {"ar", "en"}) {
    std::ofstream out(wanted_.messages + "/" + language + ".yaml");
    for (const char* name : {"booked", "moved", "cancelled", "reminder"})
      out << name << ": '{hospital} {time} {link}'\n";
  }
  const auto config = read();
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->house.texts.at("en").at("booked"), "{hospital} {time} {link}");
}

TEST_F(DemoConfiguration, AnotherVideoProviderTakesThePlaceOfTheFirst) {
  wanted_.video = "chime";
  const auto chime = read();
  ASSERT_TRUE(chime.ok()) << chime.error().message;
  EXPECT_EQ(chime->roles.at("video"), "plugin://chime");
  EXPECT_TRUE(chime->plugin.contains("chime"));
  EXPECT_FALSE(chime->plugin.contains("twilio"));
  EXPECT_EQ(chime->sources.back().name, "chime");
  EXPECT_EQ(chime->sources.back().endpoint, "http://chime:1");

  wanted_.video = "janus";
  wanted_.video_words = {{"janus", "/janus"},
                         {"janus_config", R"({"instances": []})"},
                         {"janus_admin", "http://127.0.0.1:7088"},
                         {"janus_shelf", "http://127.0.0.1:7090"}};
  const auto janus = read();
  ASSERT_TRUE(janus.ok()) << janus.error().message;
  EXPECT_EQ(janus->roles.at("video"), "plugin://janus");
  EXPECT_EQ(janus->plugin.at("janus").secrets.at("admin_key").file, "/janus/admin-key");
  EXPECT_EQ(janus->sources.back().secrets.front().file, "/janus/events-secret");
}

TEST_F(DemoConfiguration, AHubOfOnePluginTakesMoreRolesPluginsAndKeys) {
  wanted_.every_plugin = false;
  wanted_.fhir_secret = "{env: TOKEN}";
  wanted_.more_roles = "  echo: plugin://echo\n";
  wanted_.more_plugins = "  echo: {config: {}}\n";
  wanted_.more = "workers: 3\n";
  const auto config = read();
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->plugin.at("fhir").secrets.at("access_token").env, "TOKEN");
  EXPECT_EQ(config->plugin.size(), 2U);
  EXPECT_EQ(config->roles, (std::map<std::string, std::string>{{"register", "hub://register"},
                                                               {"echo", "plugin://echo"}}));
  EXPECT_EQ(config->sources.size(), 1U);
  EXPECT_EQ(config->workers, 3);
}

}  // namespace
}  // namespace rabt::demo::configuration_test
