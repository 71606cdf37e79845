#include <gtest/gtest.h>

#include "tests/config/read.hpp"

// `server.rates` and `server.trusted_proxies` of the configuration.
namespace rabt::config {
namespace {

Result<Config> read(const std::string& server) {
  return read_with("server: {port: 8480, " + server + "}\n");
}

TEST(ConfigServer, RatesAreWrittenWithTheirTime) {
  const auto config = read(
      "rates: {read: 20/s, write: 'off', rare: 30/min, concurrent: 8, bodies_mib: 16},\n"
      "  trusted_proxies: [192.0.2.1, '10.0.0.0/8', '2001:db8::/32']");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->rates.read.count, 20);
  EXPECT_EQ(config->rates.read.burst, 40);
  EXPECT_EQ(config->rates.write.count, 0);
  EXPECT_EQ(config->rates.rare.seconds, 60);
  EXPECT_EQ(config->rates.rare.burst, 15);
  EXPECT_EQ(config->rates.concurrent, 8);
  EXPECT_EQ(config->rates.bodies, 16LL << 20U);
  EXPECT_EQ(config->rates.hook.count, api::RateOptions{}.hook.count);
}

TEST(ConfigServer, WhatIsWrongIsNamed) {
  for (const auto& [server, part] : {std::pair{"rates: {read: 20}", "read"},
                                     {"rates: {read: 20/d}", "50/s"},
                                     {"rates: {read: 0/s}", "read"},
                                     {"rates: {reads: 20/s}", "did you mean"},
                                     {"rates: {concurrent: -1}", "concurrent"},
                                     {"rates: {bodies_mib: -1}", "bodies_mib"},
                                     {"trusted_proxies: ['*']", "trusted_proxies"},
                                     {"trusted_proxies: [proxy.example]", "trusted_proxies"}}) {
    const auto config = read(server);
    ASSERT_FALSE(config.ok()) << server;
    EXPECT_NE(config.error().message.find(part), std::string::npos) << config.error().message;
  }
}

}  // namespace
}  // namespace rabt::config
