#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "hub/base/bytes.hpp"
#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"
#include "tests/tls_files.hpp"

// One whole consultation, and what the hub says afterwards of who saw what of its patient.
namespace rabt::e2e::patient_test {
namespace {

std::string national_id(const std::string& booking_body) {
  const Json bundle = Json::parse(booking_body).value();
  for (const Json& entry : bundle["entry"].as_array()) {
    const Json& resource = entry["resource"];
    if (resource.string_or("resourceType", "") == "Patient")
      return resource["identifier"][0].string_or("value", "");
  }
  return {};
}

TEST(PatientReport, AConsultationIsDisclosedToWhomItWentAndToNobodyElse) {
  Site site(Kind::whole);
  site.start_sandbox();
  site.start_hub();
  const demo::Booking booking = site.booking();
  ASSERT_EQ(site.play(booking, 60'000), "completed");
  const std::string id = national_id(booking.body);
  ASSERT_EQ(id.size(), 10U);

  const Finished listed =
      site.rabt({"instances", "--patient", "identifier:" + id, "--reason", "test"});
  EXPECT_EQ(listed.code, 0) << listed.said;
  EXPECT_NE(listed.said.find(site.instance()), std::string::npos) << listed.said;

  const Finished reported = site.rabt({"audit", "report", "--patient", "identifier:" + id,
                                       "--reason", "the patient asks", "--json"});
  ASSERT_EQ(reported.code, 0) << reported.said;
  const Json report = Json::parse(reported.said).value();
  std::map<std::string, std::set<std::string>> purposes;  // recipient: purposes
  for (const Json& row : report["disclosures"].as_array()) {
    purposes[row.string_or("recipient", "")].insert(row.string_or("purpose", ""));
    // The room of the session, which the hub itself asked for: the same patient, though her record
    // has the number among its outside ids.
    if (row.string_or("recipient", "") == "twilio") continue;
    EXPECT_EQ(row.string_or("instance", ""), site.instance());
    EXPECT_TRUE(row["outcome"].is_string()) << row.dump();
  }
  EXPECT_EQ(purposes["nphies"], std::set<std::string>{"HPAYMT"});
  EXPECT_EQ(purposes["fhir"], std::set<std::string>{"TREAT"});
  EXPECT_EQ(purposes["moh"], std::set<std::string>{"PUBHLTH"});
  EXPECT_EQ(purposes["twilio"], std::set<std::string>{"TREAT"});
  EXPECT_EQ(purposes.size(), 4U) << reported.said;
  // The video provider is told room names and random identities: it did its work and knows nothing
  // of the patient.
  const std::string text = site.control("GET", "/ledger?service=twilio").dump();
  EXPECT_NE(text.find("room.created"), std::string::npos);
  for (const std::string& value : private_values(booking.body))
    EXPECT_EQ(text.find(value), std::string::npos);
  EXPECT_EQ(report["accesses"][0].string_or("reason", ""), "test") << reported.said;
  // No page of the log has a value of the booking in it.
  for (const char* format : {"fhir", "fhir-bundle", "syslog", "jsonl"}) {
    const Finished exported =
        site.rabt({"audit", "export", "--format", format, "--reason", "archive"});
    EXPECT_EQ(exported.code, 0) << exported.said;
    write_file(site.folder() / "export", exported.said);
    EXPECT_EQ(search({site.folder() / "export"}, private_values(booking.body)),
              std::vector<std::string>{})
        << format;
  }
}

TEST(OperatorsCancel, CallsTheVisitOffThatHasNotBegun) {
  Site site(Kind::whole);
  site.start_sandbox();
  site.start_hub();
  const demo::Booking booking = site.booking();
  site.enter(booking);
  ASSERT_EQ(site.post(booking.id, booking.body).status, 202);
  Json item;
  ASSERT_TRUE(test::eventually([&] {
    const Json list = site.api("instances")["items"];
    for (std::size_t at = 0; at < list.size(); ++at) {
      if (list[at].string_or("workflow", "") == "consultation")
        item = site.api("instances/" + list[at].string_or("id", ""), true);
    }
    return item["context"]["session"].is_string();
  })) << item.dump_pretty();
  const std::string session = item["context"].string_or("session", "");
  const std::string id = item.string_or("id", "");
  const Finished cancelled = site.rabt({"instances", id, "--cancel", "--reason", "booked twice"});
  EXPECT_EQ(cancelled.code, 0) << cancelled.said;
  EXPECT_TRUE(test::eventually([&] {
    item = site.api("instances/" + id);
    return item.string_or("status", "") == "cancelled";
  })) << item.dump_pretty();
  EXPECT_EQ(site.api("sessions/" + session).string_or("status", ""), "cancelled");
  std::size_t undone = 0;
  for (const Json& row : item["timeline"].as_array())
    undone += row.string_or("state", "") == "compensated" ? 1 : 0;
  EXPECT_EQ(undone, 2U) << "session and register: " << item["timeline"].dump_pretty();
}

TEST(SyslogOfAHub, HasEveryEntryAfterTheHubWasKilledAgainAndAgain) {
  if (!test::have_program("openssl")) GTEST_SKIP() << "the openssl command is absent";
  Site site(Kind::edge);
  const std::string folder = site.folder() / "tls";
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(test::make_certificates(folder));
  const int port = demo::free_port().value();
  site.config.more = "audit:\n  anchors:\n    - {syslog: '127.0.0.1:" + std::to_string(port) +
                     "', ca: " + folder + "/ca.pem}\n";
  // The server is a process of its own, that loses every connection after a while at first.
  demo::ChildProcess sink;
  ASSERT_TRUE(sink.start({"/usr/bin/env", "python3", source_dir() + "/tests/audit/tls_sink.py",
                          folder + "/server.pem", folder + "/server.key", std::to_string(port),
                          folder + "/got", "20000", "3"},
                         folder + "/sink.log")
                  .ok());
  std::int64_t last = 0;
  for (int round = 0; round < 4; ++round) {
    site.start_hub();
    for (int i = 0; i < 5; ++i) {
      const demo::Booking booking = site.booking(round * 5 + i);
      EXPECT_EQ(site.post(booking.id, booking.body).status, 202);
    }
    if (round < 3) site.kill_hub();
  }
  const auto received = [&] {
    std::set<std::int64_t> numbers;
    std::ifstream file(folder + "/got");
    for (std::string line; std::getline(file, line);) {
      const auto bytes = from_base64(line);
      if (!bytes) continue;
      const std::string text(as_text(*bytes));
      const auto at = text.find("sequenceId=\"");
      if (at != std::string::npos) numbers.insert(std::stoll(text.substr(at + 12)));
    }
    return numbers;
  };
  ASSERT_TRUE(test::eventually(
      [&] {
        const Finished exported =
            site.rabt({"audit", "export", "--format", "jsonl", "--reason", "count"});
        last = std::count(exported.said.begin(), exported.said.end(), '\n');
        return last > 0 && static_cast<std::int64_t>(received().size()) >= last;
      },
      std::chrono::minutes(1)))
      << received().size() << " of " << last;
  const auto numbers = received();
  EXPECT_EQ(*numbers.begin(), 1);
  EXPECT_EQ(*numbers.rbegin(), static_cast<std::int64_t>(numbers.size())) << "no number is missing";
}

}  // namespace
}  // namespace rabt::e2e::patient_test
