#include <gtest/gtest.h>

#include "hub/config/tenants.hpp"
#include "tests/config/read.hpp"

// Ports that two listeners of one process have.
namespace rabt::config::config_ports_test {
namespace {

std::string source(const std::string& name, const std::string& listen) {
  return "  " + name + ": {scheme: mllp, plugin: lab, listen: {" + listen + "}}\n";
}
std::string sources(const std::string& more) {
  return "plugin: {lab: {}}\nsources:\n" + more;
}

TEST(ConfigPorts, APortThatTwoListenersHaveIsNamedWithBothKeys) {
  const std::string tls = "server: {port: 8480, tls: {cert: a, key: b}, mtls: {ca: c, ";
  for (const auto& [lines, said] : std::vector<std::pair<std::string, std::string>>{
           {"doors: {metrics: {listen: 8480}}\n",
            ":5:9: `doors.metrics.listen` and `server.port` are both 8480; give each a port of its "
            "own"},
           {"doors: {emr: {listen: 3009}, kiorex: {listen: 3009}}\n",
            ":5:30: `doors.kiorex.listen` and `doors.emr.listen` are both 3009"},
           {tls + "port: 8480}}\n", "`server.mtls.port` and `server.port` are both 8480"},
           {tls + "port: 9443}}\ndoors: {metrics: {listen: 9443}}\n",
            "`doors.metrics.listen` and `server.mtls.port` are both 9443"},
           {sources(source("x-ray", "") + source("lab", "port: 2575")),
            ":8:3: `sources.lab.listen.port` and `sources.x-ray.listen.port` are both 2575"},
           {sources(source("lab", "port: 8480")),
            "`sources.lab.listen.port` and `server.port` are both 8480"},
           {"doors: {metrics: {listen: 2575}}\n" + sources(source("lab", "")),
            "`sources.lab.listen.port` and `doors.metrics.listen` are both 2575"},
           // An address that stands for others.
           {sources(source("lab", "port: 8480, address: 0.0.0.0, from: [10.1.0.0/16]")),
            "`server.port` are both 8480"},
           {sources(source("lab", "port: 8480, address: '::', from: [10.1.0.0/16]")),
            "`server.port` are both 8480"},
           {sources(source("lab", "address: '::1'") +
                    source("x-ray", "address: '0:0::1', from: ['::1']")),
            "are both 2575"}}) {
    const auto config = read_with(lines);
    ASSERT_FALSE(config.ok()) << lines;
    EXPECT_EQ(config.error().code, "config.invalid");
    EXPECT_NE(config.error().message.find(said), std::string::npos)
        << lines << config.error().message;
    EXPECT_EQ(config.error().message.find('\n'), std::string::npos) << config.error().message;
  }
}

TEST(ConfigPorts, ListenersThatCanBothOpenAreNoMistake) {
  for (const std::string& lines :
       {// The system gives each a free one.
        "server: {port: 0}\ndoors: {emr: {listen: 0}, kiorex: {listen: 0}}\n" +
            sources(source("lab", "port: 0")),
        // A door that is shut.
        std::string("doors: {emr: {enabled: false, listen: 8480}}\n"),
        // Other addresses.
        sources(source("lab", "port: 8480, address: 127.0.0.2")),
        sources(source("lab", "port: 8480, address: '::1'")),
        "server: {address: '::1'}\n" +
            sources(source("lab", "port: 8480, address: 0.0.0.0, from: [10.1.0.0/16]"))}) {
    const auto config = read_with(lines);
    EXPECT_TRUE(config.ok()) << lines << (config.ok() ? "" : config.error().message);
  }
}

TEST(ConfigPorts, TwoTenantsHaveNoPortInCommon) {
  const auto north = read_with("audit: {origin: rabt.health/audit/north}\n" +
                               std::string("doors: {kiorex: {listen: 3009}}\n"));
  const auto south = read_with("audit: {origin: rabt.health/audit/south}\n" +
                               sources(source("lab", "port: 3009")));
  const auto other = read_with("audit: {origin: rabt.health/audit/other}\n" +
                               sources(source("lab", "port: 3010")));
  ASSERT_TRUE(north.ok()) << north.error().message;
  ASSERT_TRUE(south.ok()) << south.error().message;
  ASSERT_TRUE(other.ok()) << other.error().message;
  const Status shared = apart(*north, *south);
  ASSERT_FALSE(shared.ok());
  EXPECT_EQ(shared.error().code, "config.shared");
  EXPECT_NE(shared.error().message.find("the same port, 3009 (`doors.kiorex.listen` and "
                                        "`sources.lab.listen.port`)"),
            std::string::npos)
      << shared.error().message;
  const Status own = apart(*north, *other);
  EXPECT_TRUE(own.ok()) << own.error().message;
}

}  // namespace
}  // namespace rabt::config::config_ports_test
