#include <gtest/gtest.h>

#include "tests/config/read.hpp"
#include "tests/must.hpp"

// `server.rates`, `server.trusted_proxies` and `server.cors` of the configuration.
namespace rabt::config::config_server_test {
namespace {

using test::must;

Result<Config> read(const std::string& server) {
  return read_with("server: {port: 8480, " + server + "}\n");
}

TEST(ConfigServer, RatesAreWrittenWithTheirTime) {
  const auto config = read(
      "rates: {read: 20/s, write: 'off', rare: 30/min, enter: 10/min, concurrent: 8, bodies_mib: "
      "16},\n"
      "  trusted_proxies: [192.0.2.1, '10.0.0.0/8', '2001:db8::/32']");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->rates.read.count, 20);
  EXPECT_EQ(config->rates.read.burst, 40);
  EXPECT_EQ(config->rates.write.count, 0);
  EXPECT_EQ(config->rates.rare.seconds, 60);
  EXPECT_EQ(config->rates.rare.burst, 15);
  EXPECT_EQ(config->rates.enter.count, 10);
  EXPECT_EQ(config->rates.concurrent, 8);
  EXPECT_EQ(config->rates.bodies, 16LL << 20U);
  EXPECT_EQ(config->rates.hook.count, api::RateOptions{}.hook.count);
}

TEST(ConfigServer, PagesOfOtherOriginsAreListedOneByOne) {
  EXPECT_TRUE(must(read("public_url: 'https://hub.example.sa'")).cors.empty());
  const std::vector<std::string> origins{"https://app.example.sa", "http://localhost:8080"};
  EXPECT_EQ(must(read("cors: ['https://app.example.sa', 'http://localhost:8080']")).cors, origins);
}

TEST(ConfigServer, TheAddressOfTheHubIsOne) {
  for (const char* const good : {"https://rabt.example.sa", "https://rabt.example.sa/",
                                 "http://127.0.0.1:8480", "https://rabt.example.sa:8443/hub"}) {
    const auto config = read("public_url: '" + std::string(good) + "'");
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_FALSE(config->public_url.ends_with('/'));
  }
  for (const char* const bad :
       {"rabt.example.sa", "a.b", "http:/x", "https://", "ftp://a.example", "https://a b.example",
        "https://u:p@a.example", "https://a.example?x=1", "https://a.example:70000"}) {
    const auto config = read("public_url: '" + std::string(bad) + "'");
    ASSERT_FALSE(config.ok()) << bad;
    EXPECT_EQ(config.error().code, "config.invalid");
    EXPECT_NE(config.error().message.find("rabt.yaml:5:22: `public_url` "), std::string::npos)
        << config.error().message;
  }
  EXPECT_NE(read("public_url: rabt.example.sa")
                .error()
                .message.find("must be an address such as https://rabt.example.sa: the URL is "
                              "refused: it does not start with http:// or https://"),
            std::string::npos);
}

TEST(ConfigServer, WhatIsWrongIsNamed) {
  for (const auto& [server, part] : {std::pair{"rates: {read: 20}", "read"},
                                     {"rates: {read: 20/d}", "50/s"},
                                     {"rates: {read: 0/s}", "read"},
                                     {"rates: {reads: 20/s}", "did you mean"},
                                     {"rates: {concurrent: -1}", "concurrent"},
                                     {"rates: {bodies_mib: -1}", "bodies_mib"},
                                     {"trusted_proxies: ['*']", "trusted_proxies"},
                                     {"cors: 'https://app.example.sa'", "list"},
                                     {"cors: ['*']", "origins"},
                                     {"cors: ['null']", "origins"},
                                     {"cors: ['https://*.example.sa']", "origins"},
                                     {"cors: ['https://app.example.sa/']", "origins"},
                                     {"cors: ['https://App.example.sa']", "origins"},
                                     {"cors: ['https://']", "origins"},
                                     {"cors: ['https://:::']", "origins"},
                                     {"cors: [app.example.sa]", "origins"},
                                     {"trusted_proxies: [proxy.example]", "trusted_proxies"}}) {
    const auto config = read(server);
    ASSERT_FALSE(config.ok()) << server;
    EXPECT_NE(config.error().message.find(part), std::string::npos) << config.error().message;
  }
}

}  // namespace
}  // namespace rabt::config::config_server_test
