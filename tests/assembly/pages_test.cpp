#include "hub/assembly/pages.hpp"

#include <gtest/gtest.h>

namespace rabt::assembly::pages_test {
namespace {

config::Config with_video(const std::string& plugin, Json settings = Json::object()) {
  config::Config config;
  config.roles["video"] = plugin;
  config.plugin["janus"].config = std::move(settings);
  return config;
}
using Sources = std::vector<std::string>;

TEST(PageOptions, OfAJanusNameItsServersAsBrowsersReachThem) {
  const Json item = Json::object({{"client_url", "wss://janus.example.sa:8989/janus"}});
  const Json other = Json::object({{"client_url", "ws://127.0.0.1:8188"}});
  const auto options = page_options(
      with_video("plugin://janus", Json::object({{"instances", Json::array({item, other})}})));
  EXPECT_EQ(options.call_sources, (Sources{"wss://janus.example.sa:8989", "ws://127.0.0.1:8188"}));
}

TEST(PageOptions, TakeNoAddressThatWouldEndADirective) {
  const Json item = Json::object({{"client_url", "wss://a;script-src *"}});
  const auto options = page_options(
      with_video("plugin://janus", Json::object({{"instances", Json::array({item})}})));
  EXPECT_TRUE(options.call_sources.empty());
}

TEST(PageOptions, OfOtherProvidersAreTheirs) {
  EXPECT_EQ(page_options(with_video("plugin://twilio")).call_sources,
            (Sources{"wss://global.vss.twilio.com"}));
  EXPECT_EQ(page_options(with_video("plugin://chime")).call_sources,
            (Sources{"wss://*.chime.aws"}));
  EXPECT_TRUE(page_options(with_video("hub://p2p")).call_sources.empty());
  EXPECT_TRUE(page_options(config::Config{}).call_sources.empty());
}

}  // namespace
}  // namespace rabt::assembly::pages_test
