#include "hub/base/plugin_address.hpp"

#include <gtest/gtest.h>

namespace rabt::plugin_address_test {
namespace {

TEST(PluginAddress, HasTheIdOfThePlugin) {
  EXPECT_EQ(plugin_address("twilio"), "plugin://twilio");
  EXPECT_EQ(plugin_at("plugin://twilio"), "twilio");
  const std::string address = plugin_address("a");
  EXPECT_EQ(plugin_at(address), "a");
}

TEST(PluginAddress, AnyOtherTargetIsNoPlugin) {
  for (const char* target :
       {"", "plugin", "plugin:/", "plugin://", "hub://p2p", "Plugin://twilio", "twilio"})
    EXPECT_EQ(plugin_at(target), "") << target;
}

}  // namespace
}  // namespace rabt::plugin_address_test
