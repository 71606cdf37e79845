#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/e2e/support.hpp"

// One whole consultation, and what the hub says afterwards of who saw what of its patient.
namespace rabt::e2e {
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

TEST(PatientReport, a_consultation_is_disclosed_to_whom_it_went_and_to_nobody_else) {
  Site site(Kind::whole);
  site.start_sandbox();
  site.start_hub();
  const cli::Booking booking = site.booking();
  ASSERT_EQ(site.play(booking, 60'000), "completed");
  const std::string id = national_id(booking.body);
  ASSERT_EQ(id.size(), 10U);

  const Finished listed =
      site.rabt({"instances", "--patient", "identifier:" + id, "--reason", "test"});
  EXPECT_EQ(listed.code, 0) << listed.said;
  EXPECT_NE(listed.said.find(site.instance()), std::string::npos) << listed.said;

  const Finished reported = site.rabt(
      {"audit", "report", "--patient", "identifier:" + id, "--reason", "the patient asks",
       "--json"});
  ASSERT_EQ(reported.code, 0) << reported.said;
  const Json report = Json::parse(reported.said).value();
  std::map<std::string, std::set<std::string>> purposes;  // recipient: purposes
  for (const Json& row : report["disclosures"].as_array()) {
    purposes[row.string_or("recipient", "")].insert(row.string_or("purpose", ""));
    EXPECT_EQ(row.string_or("instance", ""), site.instance());
    EXPECT_TRUE(row["outcome"].is_string()) << row.dump();
  }
  EXPECT_EQ(purposes["nphies"], std::set<std::string>{"HPAYMT"});
  EXPECT_EQ(purposes["twilio"], std::set<std::string>{"TREAT"});
  EXPECT_EQ(purposes["fhir"], std::set<std::string>{"TREAT"});
  EXPECT_EQ(purposes["moh"], std::set<std::string>{"PUBHLTH"});
  EXPECT_EQ(purposes.size(), 4U) << reported.said;
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

}  // namespace
}  // namespace rabt::e2e
