#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "hub/assembly/hub.hpp"
#include "hub/net/local_http.hpp"
#include "hub/phi/policy.hpp"
#include "tests/net/mail_relay.hpp"
#include "tests/recording_logger.hpp"

// A running hub measures itself and tells people.
namespace rabt::assembly {
namespace {

namespace fs = std::filesystem;

TEST(AlertHub, ADiskThatIsNearlyFullIsToldByMail) {
  if (!net::Relay::can_run()) GTEST_SKIP() << "install python3-aiosmtpd to run this";
  net::Relay relay("");
  std::string folder = (fs::temp_directory_path() / "rabt-alert-hub-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/rabt.yaml")
      << "tenant: t1\nserver: {port: 0}\ndata: data\nplugins: plugins\nmigrations: "
      << RABT_MIGRATIONS << "\nalerts:\n  tell: {warn: [mail], page: [mail, webhook]}\n"
      << "  mail: {url: 'smtp://127.0.0.1:" << relay.port()
      << "', from: rabt@example.sa, to: [it@example.sa]}\n"
      // Every disk has less than all of its room free.
      << "  rules: {disk_free: {open: 99, close: 100, page: 0, for: 0s}}\n";
  const auto config = config::load_config(folder + "/rabt.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  FakeClock clock{Timestamp{1'795'676'400'000}};
  test::RecordingLogger log;
  {
    auto hub = Hub::start(*config, clock, log, phi::strict_policy());
    ASSERT_TRUE(hub.ok()) << hub.error().message;
    clock.advance_ms(3 * 60'000);
    const Json mail = relay.mail();
    EXPECT_NE(
        mail["headers"].string_or("Subject", "").find("Rabt t1: warn: The disk of the folder"),
        std::string::npos)
        << mail.dump();
    net::LocalHttp http(config->data + "/hub.sock");
    const auto answer = http.json("GET", "http://localhost/api/v1/alerts");
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ((*answer)["items"].item(0).string_or("rule", ""), "disk_free") << answer->dump();
    (*hub)->stop(0);
  }
  EXPECT_TRUE(log.has("alert.opened rule=disk_free"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace rabt::assembly
