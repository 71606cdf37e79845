#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "hub/assembly/database.hpp"
#include "hub/assembly/hub.hpp"
#include "hub/net/local_http.hpp"
#include "hub/phi/policy.hpp"
#include "hub/store/store.hpp"
#include "tests/eventually.hpp"
#include "tests/must.hpp"
#include "tests/net/mail_relay.hpp"
#include "tests/recording_logger.hpp"

// A running hub measures itself and tells people.
namespace rabt::assembly::alert_hub_test {
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

// A visit whose room could not be opened an hour ago, and is asked for again tomorrow.
constexpr store::Statement kSession{
    "INSERT INTO session (tenant, id, number, version, events, status, type, booking, provider, "
    "patient, visit, clinic, consultation, follow_up_of, appointment, room_sid, door, at_ms, "
    "scheduled_ms, planned_minutes, created_ms, updated_ms, data_key, patient_by, booked_by) "
    "VALUES ('t1', 'S', 1, 1, 0, 'scheduled', 'doctor_patient', '', '', '', '', '', '', '', '', "
    "'', 'api', $1, $1, 30, $1, $1, x'', '', '')"};
constexpr store::Statement kRoom{
    "INSERT INTO session_effect (tenant, session, n, kind, subject, state, attempts, code) VALUES "
    "('t1', 'S', 1, 'open-room', '', 'open', 3, 'http.503')"};
constexpr store::Statement kWork{
    "INSERT INTO outbox (n, tenant, shard, kind, target, subject, ref, ref_n, put_ms, due_ms, "
    "attempts) VALUES (1, 't1', 0, 'video', '', 'S', 'S', 1, $1, $1 + 90000000, 3)"};

TEST(AlertHub, WorkThatStandsStillIsToldAndListed) {
  std::string folder = (fs::temp_directory_path() / "rabt-alert-hub-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/rabt.yaml")
      << "tenant: t1\nserver: {port: 0}\ndata: data\nplugins: plugins\nmigrations: "
      << RABT_MIGRATIONS << "\n";
  const auto config = config::load_config(folder + "/rabt.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  constexpr std::int64_t kNow = 1'795'676'400'000;
  FakeClock clock{Timestamp{kNow}};
  test::RecordingLogger log;
  {
    auto hub = Hub::start(*config, clock, log, phi::strict_policy());
    ASSERT_TRUE(hub.ok()) << hub.error().message;
    (*hub)->stop(0);
  }
  {
    auto store = test::must(open_database(*config, null_logger()));
    const Status written = store->write([&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(store::run(transaction, kSession, {kNow - 3'600'000}));
      RABT_TRY_STATUS(store::run(transaction, kRoom, {}));
      return store::run(transaction, kWork, {kNow - 3'600'000});
    });
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  {
    auto hub = Hub::start(*config, clock, log, phi::strict_policy());
    ASSERT_TRUE(hub.ok()) << hub.error().message;
    net::LocalHttp http(config->data + "/hub.sock");
    const auto listed = [&] {
      clock.advance_ms(20'000);
      const auto todo = http.json("GET", "http://localhost/api/v1/todo");
      if (!todo.ok()) return false;
      for (const Json& item : (*todo)["items"].as_array()) {
        if (item.string_or("code", "") == "work_waiting")
          return item["text"].string_or("en", "").find("waiting for video") != std::string::npos;
      }
      return false;
    };
    EXPECT_TRUE(test::eventually(listed));
    (*hub)->stop(0);
  }
  EXPECT_TRUE(log.has("alert.opened rule=work_waiting"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace rabt::assembly::alert_hub_test
