#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "chart.hpp"
#include "hub/net/local_http.hpp"
#include "tests/identity/line_program.hpp"
#include "tests/npm.hpp"
#include "tests/plugins/test_host.hpp"

// The record system is one of others: Medplum's FHIR router, which checks every resource against
// the definitions of R4. It knows conditional creates in bundles alone.
namespace rabt::fhir::slow_medplum_test {
namespace {

namespace fs = std::filesystem;
using sdk::Kind;
using testing::Answer;
using testing::Request;
using testing::TestHost;

class SlowMedplum : public ::testing::Test {
 protected:
  // argument: of server.cjs.
  void start(const std::string& argument) {
    const std::string folder = rabt::test::npm_folder("medplum");
    if (folder.empty()) return;
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string script = folder + "/server.cjs";
    fs::copy_file(std::string(source) + "/tests/npm/medplum/server.cjs", script,
                  fs::copy_options::overwrite_existing);
    server_ = std::make_unique<identity::test::LineProgram>(script, argument);
    address_ = "http://127.0.0.1:" + std::to_string(server_->read().int_or("port", 0));
    ehr_ = std::make_unique<TestHost>(Json({{"base_url", address_}, {"bearer", false}}).dump());
    ehr_->outside = [this](const Request& request) { return pass_on(request); };
  }
  Answer pass_on(const Request& request) {
    if (request.url() == address_) ++transactions_;
    std::vector<std::pair<std::string, std::string>> headers;
    for (const char* name : {"Content-Type", "If-Match", "If-None-Exist", "Prefer", "Accept"}) {
      if (const std::string value = request.header(name); !value.empty())
        headers.emplace_back(name, value);
    }
    const auto came = http_.send(request.method(), request.url(), headers, request.body);
    if (!came.ok()) return testing::unreachable();
    Json kept = Json::array();
    for (const auto& [name, value] : came->headers) kept.push_back({name, value});
    return {.status = came->status, .body = came->body, .headers = kept.dump()};
  }
  Json call(const std::string& action, const Json& input) {
    const auto outcome = ehr_->call(action, input);
    EXPECT_EQ(outcome.kind, Kind::done) << action << ": " << outcome.code;
    return outcome.kind == Kind::done ? Json::parse(outcome.output) : Json();
  }
  Json store(const Json& resource) {
    const auto made =
        http_.send("POST", address_ + "/" + resource["resourceType"].get<std::string>(),
                   {{"Content-Type", "application/fhir+json"}}, resource.dump());
    EXPECT_TRUE(made.ok() && made->status == 201) << (made.ok() ? made->body : "");
    return Json::parse(made->body);
  }

  net::LocalHttp http_;
  std::unique_ptr<identity::test::LineProgram> server_;
  std::string address_;
  std::unique_ptr<TestHost> ehr_;
  int transactions_ = 0;

  void write_a_visit();
};

void SlowMedplum::write_a_visit() {
  ASSERT_NE(ehr_, nullptr);
  const Json appointment = store(Json::parse(R"({"resourceType": "Appointment", "status": "booked",
      "identifier": [{"system": "urn:his", "value": "A-7"}],
      "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}]})"));
  const Json node =
      call("update-appointment", {{"appointment", {{"system", "urn:his"}, {"value", "A-7"}}},
                                  {"session", {{"id", "S-1"}, {"room", "RM1"}}},
                                  {"status", "fulfilled"}});
  EXPECT_EQ(node["id"], appointment["id"]);

  const Json people = Json::parse(R"({"consultation": "01ABC",
      "patient": {"identifier": {"system": "http://nphies.sa/identifier/nationalid", "value": "1000000008", "type": "NI"}},
      "practitioner": {"licence": "P-1", "licenceSystem": "http://nphies.sa/license/practitioner-license"}})");
  Json visit = people;
  visit["appointment"] = {{"reference", "Appointment/" + appointment["id"].get<std::string>()},
                          {"patientReference", "Patient/p1"},
                          {"reasons", Json::parse(R"([{"code": "R51", "text": "Headache"}])")}};
  visit["start"] = "2026-03-10T06:00:00Z";
  visit["end"] = "2026-03-10T06:20:00Z";
  const Json encounter = call("write-encounter", visit);
  Json document = people;
  document["encounter"] = encounter;
  document["recordings"] = Json::parse(
      R"([{"id": "R1", "kind": "video", "bytes": 10, "sha256": "ab", "contentType": "video/webm"}])");
  EXPECT_EQ(call("write-document", document)["written"], true);

  Json chart = Json::parse(R"({"consultation": "01ABC",
      "diagnoses": [{"code": "G43.9", "display": "Migraine", "type": "principal"}, {"code": "I10", "type": "secondary"}],
      "notes": {"chiefComplaint": "صداع منذ يومين", "physicalExamination": "a < b & c", "assessment": "x\ny",
                "treatmentPlan": "Rest", "historyOfPresentIllness": "h", "patientHistory": "p"},
      "vitals": {"systolic": 138, "diastolic": 88, "pulse": 84, "temperatureCel": 36.8, "oxygenSaturation": 98,
                 "respiratoryRate": 16, "heightCm": 171, "weightKg": 70.5},
      "prescriptions": [{"number": "RX-2026-1", "issuedAt": "2026-03-10T06:15:00.000Z",
                         "items": [{"name": "Sumatriptan", "code": "N02CC01", "dosage": "50 mg", "instructions": "w"}]}],
      "sources": {"diagnoses/0": {"at": "2026-03-10T06:18:00.000Z"}}})");
  const Json written = call("write-record", chart);
  EXPECT_EQ(written["refused"], Json::array());
  EXPECT_EQ(written["written"], 11);

  EXPECT_EQ(call("read", {{"type", "Encounter"}, {"id", encounter["id"]}})["resource"]["diagnosis"]
                .size(),
            2U);

  // Additions of others to the note, and a status that they set, stay.
  const auto all = [&](const std::string& type) {
    return call("search", {{"type", type}, {"parameters", Json::object()}})["resources"];
  };
  const auto put = [&](const Json& resource) {
    const auto answer = http_.send("PUT",
                                   address_ + "/" + resource["resourceType"].get<std::string>() +
                                       "/" + resource["id"].get<std::string>(),
                                   {{"Content-Type", "application/fhir+json"}}, resource.dump());
    EXPECT_TRUE(answer.ok() && answer->status == 200) << (answer.ok() ? answer->body : "");
  };
  const Json laboratory = store(Json::parse(R"({"resourceType": "Observation", "status": "final",
      "subject": {"reference": "Patient/p1"}, "code": {"text": "Troponin"}})"));
  Json note = all("Composition").at(0);
  note["section"].back()["entry"].push_back(
      {{"reference", "Observation/" + laboratory["id"].get<std::string>()}});
  put(note);
  for (Json condition : all("Condition")) {
    if (condition.dump().find("G43.9") == std::string::npos) continue;
    condition["clinicalStatus"]["coding"][0]["code"] = "resolved";
    put(condition);
  }

  // A correction, and what it takes back, is FHIR as well.
  chart["diagnoses"].erase(1);
  chart["prescriptions"] = Json::array();
  chart["addenda"] =
      Json::parse(R"([{"at": "2026-03-11T08:00:00.000Z", "text": "No hypertension"}])");
  EXPECT_EQ(call("write-record", chart)["refused"], Json::array());
  for (const auto& [type, of_them] : {std::pair{"Encounter", 1},
                                      {"DocumentReference", 1},
                                      {"Condition", 2},
                                      {"Observation", 8},
                                      {"MedicationRequest", 1},
                                      {"Composition", 1}})
    EXPECT_EQ(all(type).size(), static_cast<std::size_t>(of_them)) << type;
  EXPECT_EQ(all("MedicationRequest").at(0)["status"], "cancelled");
  EXPECT_NE(all("Composition").dump().find(laboratory["id"].get<std::string>()), std::string::npos);
  for (const Json& item : all("Observation")) EXPECT_EQ(item["status"], "final");
  EXPECT_EQ(all("Encounter").at(0)["diagnosis"].size(), 1U);
  EXPECT_NE(all("Condition").dump().find("\"resolved\""), std::string::npos);
  const Json conditions =
      call("search", {{"type", "Condition"}, {"parameters", {{"code", "I10"}}}});
  EXPECT_NE(conditions.dump().find("entered-in-error"), std::string::npos) << conditions.dump();
}

TEST_F(SlowMedplum, TakesAllThatIsWrittenOfAVisitAndGivesItBack) {
  start("");
  write_a_visit();
  EXPECT_EQ(transactions_, 0);
}

TEST_F(SlowMedplum, TakesAChartAndItsCorrectionAsOneTransactionEach) {
  start("transaction");
  write_a_visit();
  EXPECT_EQ(transactions_, 2);
}

}  // namespace
}  // namespace rabt::fhir::slow_medplum_test
