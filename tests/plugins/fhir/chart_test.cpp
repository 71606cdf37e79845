#include <gtest/gtest.h>

#include <string>

#include "tests/plugins/fhir/record_system_fake.hpp"

namespace rabt::fhir::chart_test {
namespace {

using sdk::Kind;
using test::entries_of;
using test::RecordSystem;
using test::visit;

TEST(WriteRecord, FilesWhatTheCliniciansWroteAboutTheEncountersPatient) {
  RecordSystem ehr;
  const Json output = ehr.write(visit());
  EXPECT_EQ(output["written"], 7);
  EXPECT_EQ(output["refused"], Json::array());
  const Json& principal = ehr.the("Condition", "G43.9");
  EXPECT_EQ(principal["subject"]["reference"], "Patient/p1");
  EXPECT_EQ(principal["encounter"]["reference"], "Encounter/e1");
  EXPECT_EQ(principal["recorder"]["reference"], "Practitioner/d1");
  EXPECT_EQ(principal["category"][0]["coding"][0]["code"], "encounter-diagnosis");
  EXPECT_EQ(principal["code"]["coding"][0]["system"], "http://hl7.org/fhir/sid/icd-10-am");
  EXPECT_EQ(principal["recordedDate"], "2026-03-10T06:18:00Z");
  EXPECT_EQ(ehr.the("Condition", "I10")["recordedDate"], "2026-03-10T06:20:00Z");
  const Json& pressure = ehr.the("Observation", "85354-9");
  EXPECT_EQ(pressure["component"][0]["valueQuantity"]["value"], 138);
  EXPECT_EQ(pressure["component"][1]["valueQuantity"]["code"], "mm[Hg]");
  const Json& pulse = ehr.the("Observation", "8867-4");
  EXPECT_EQ(pulse["category"][0]["coding"][0]["code"], "vital-signs");
  EXPECT_EQ(pulse["effectiveDateTime"], "2026-03-10T06:05:00Z");
  EXPECT_EQ(ehr.the("Observation", "8310-5")["valueQuantity"]["code"], "Cel");
  const Json& drug = ehr.the("MedicationRequest", "RX-2026-1");
  EXPECT_EQ(drug["intent"], "order");
  EXPECT_EQ(drug["medicationCodeableConcept"]["text"], "Sumatriptan");
  EXPECT_EQ(drug["dosageInstruction"][0]["text"], "50 mg, once");
  const Json& note = ehr.the("Composition", "11488-4");
  EXPECT_EQ(output["reference"], "Composition/" + note["id"].get<std::string>());
  EXPECT_EQ(note["status"], "final");
  EXPECT_EQ(note["author"][0]["reference"], "Practitioner/d1");
  EXPECT_EQ(entries_of(note).size(), 6U);
  const std::string text = note.dump();
  EXPECT_NE(text.find("Rest &lt;b&gt;&amp;<br/>water"), std::string::npos);
  EXPECT_NE(text.find("صداع منذ يومين"), std::string::npos);
  EXPECT_NE(text.find("138/88 mmHg"), std::string::npos);
}

TEST(WriteRecord, TheEncounterNamesItsConditionsThePrincipalOneFirst) {
  RecordSystem ehr;
  ehr.write(visit());
  const Json& encounter = ehr.resources["Encounter"][0];
  const std::string migraine =
      "Condition/" + ehr.the("Condition", "G43.9")["id"].get<std::string>();
  const std::string pressure = "Condition/" + ehr.the("Condition", "I10")["id"].get<std::string>();
  EXPECT_EQ(encounter["diagnosis"], Json::parse(R"([
      {"condition": {"reference": ")" + migraine +
                                                R"("}, "rank": 1, "use": {"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/diagnosis-role", "code": "DD",
         "display": "Discharge diagnosis"}]}},
      {"condition": {"reference": ")" + pressure +
                                                R"("}, "rank": 2, "use": {"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/diagnosis-role", "code": "DD",
         "display": "Discharge diagnosis"}]}}])"));
  EXPECT_EQ(encounter["status"], "finished");
  EXPECT_EQ(encounter["participant"][0]["individual"]["reference"], "Practitioner/d1");
}

TEST(WriteRecord, ARefusedConditionIsLeftOutOfTheEncounterUntilItIsTaken) {
  RecordSystem ehr;
  ehr.fails = [](const test::Request& request) -> std::optional<int> {
    const bool principal = request.method() == "POST" && request.url().ends_with("/Condition") &&
                           request.body.find("\"G43.9\"") != std::string::npos;
    return principal ? std::optional<int>(422) : std::nullopt;
  };
  EXPECT_EQ(ehr.write(visit())["refused"],
            Json::parse(R"([{"of": "diagnoses/0", "code": "fhir.422"}])"));
  const Json& encounter = ehr.resources["Encounter"][0];
  const std::string pressure = "Condition/" + ehr.the("Condition", "I10")["id"].get<std::string>();
  EXPECT_EQ(test::diagnoses_of(encounter), std::vector<std::string>{"2 " + pressure});
  ehr.fails = nullptr;
  EXPECT_EQ(ehr.write(visit())["refused"], Json::array());
  const std::string migraine =
      "Condition/" + ehr.the("Condition", "G43.9")["id"].get<std::string>();
  EXPECT_EQ(test::diagnoses_of(encounter),
            (std::vector<std::string>{"1 " + migraine, "2 " + pressure}));
}

TEST(WriteRecord, AnEncounterThatTakesNoDiagnosesIsNamedAndHoldsNothingBack) {
  RecordSystem ehr;
  ehr.refused["Encounter"] = 403;
  const Json output = ehr.write(visit());
  EXPECT_EQ(output["written"], 7);
  EXPECT_EQ(output["refused"],
            Json::parse(R"([{"of": "encounter/diagnosis", "code": "fhir.403"}])"));
  EXPECT_EQ(ehr.resources["Composition"].size(), 1U);
  // Somebody else changes it at the same time: the call is made again.
  ehr.refused["Encounter"] = 412;
  EXPECT_EQ(ehr.host.call("write-record", visit()).kind, Kind::transient);
  ehr.refused.clear();
  EXPECT_EQ(ehr.write(visit())["refused"], Json::array());
  EXPECT_EQ(test::diagnoses_of(ehr.resources["Encounter"][0]).size(), 2U);
}

TEST(WriteRecord, WhatIsTakenBackIsDoneWhereTheEncounterTakesNoDiagnoses) {
  RecordSystem ehr;
  ehr.refused["Composition"] = 403;
  Json item = visit();
  for (const char* of : {"vitals", "prescriptions", "notes"}) item.erase(of);
  ehr.write(item);
  ehr.refused["Encounter"] = 405;
  item["diagnoses"] = Json::array();
  const Json output = ehr.write(item);
  EXPECT_EQ(output["written"], 0);
  EXPECT_EQ(output["refused"],
            Json::parse(R"([{"of": "encounter/diagnosis", "code": "fhir.405"}])"));
}

TEST(WriteRecord, ARepeatWritesNothing) {
  RecordSystem ehr;
  ehr.write(visit());
  const int writes = ehr.writes;
  EXPECT_EQ(ehr.write(visit())["written"], 7);
  EXPECT_EQ(ehr.writes, writes);
}

TEST(WriteRecord, ACorrectionIsFoundAgainAndWhatDoesNotHoldIsWithdrawn) {
  RecordSystem ehr;
  ehr.write(visit());
  ehr.the("Condition", "G43.9")["note"] = Json::array({{{"text", "of others"}}});
  Json corrected = visit();
  corrected["diagnoses"].erase(1);
  corrected["diagnoses"][0]["display"] = "Migraine";
  corrected["prescriptions"] = Json::array();
  corrected["addenda"] =
      Json::parse(R"([{"at": "2026-03-11T08:00:00Z", "text": "No hypertension"}])");
  EXPECT_EQ(ehr.write(corrected)["written"], 5);
  EXPECT_EQ(ehr.resources["Condition"].size(), 2U);
  const Json& kept = ehr.the("Condition", "G43.9");
  EXPECT_EQ(kept["code"]["text"], "Migraine");
  EXPECT_EQ(kept["note"][0]["text"], "of others");
  const Json& gone = ehr.the("Condition", "I10");
  EXPECT_EQ(gone["verificationStatus"]["coding"][0]["code"], "entered-in-error");
  EXPECT_FALSE(gone.contains("clinicalStatus"));
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "cancelled");
  const Json& note = ehr.the("Composition", "11488-4");
  EXPECT_EQ(ehr.resources["Composition"].size(), 1U);
  EXPECT_EQ(note["status"], "amended");
  EXPECT_NE(note.dump().find("No hypertension"), std::string::npos);
}

// A visit with one prescription of two drugs, of which a pharmacy handed over the second.
Json dispensed(const char* more = R"({})") {
  Json out = visit();
  Json& prescription = out["prescriptions"][0];
  prescription["items"].push_back({{"name", "Metoclopramide"}, {"dosage", "10 mg"}});
  prescription["dispensings"] = Json::array({Json::parse(
      R"({"id": "01DISP", "items": [{"item": 2, "quantity": 20, "unit": "tablet"}],
          "pharmacist": "Sara Al-Harbi", "pharmacy": "Outpatient pharmacy", "notes": "brand B",
          "handedOverAt": "2026-03-10T09:00:00Z"})")});
  prescription.update(Json::parse(more));
  return out;
}
Json in_error() {
  return dispensed(R"({"dispensings": [{"id": "01DISP", "items": [{"item": 2}],
                                        "status": "entered_in_error"}]})");
}

TEST(WriteRecord, ADrugThatWasHandedOverIsADispenseOfACompletedRequest) {
  RecordSystem ehr;
  const Json output = ehr.write(dispensed());
  EXPECT_EQ(output["written"], 9);
  EXPECT_EQ(output["refused"], Json::array());
  EXPECT_EQ(ehr.the("MedicationRequest", "Sumatriptan")["status"], "active");
  const Json& request = ehr.the("MedicationRequest", "Metoclopramide");
  EXPECT_EQ(request["status"], "completed");
  ASSERT_EQ(ehr.resources["MedicationDispense"].size(), 1U);
  const Json& dispense = ehr.resources["MedicationDispense"][0];
  EXPECT_EQ(dispense["status"], "completed");
  EXPECT_EQ(dispense["identifier"][0]["value"], "01ABC/dispensing/01DISP/2");
  EXPECT_EQ(dispense["medicationCodeableConcept"]["text"], "Metoclopramide");
  EXPECT_EQ(dispense["subject"]["reference"], "Patient/p1");
  EXPECT_EQ(dispense["context"]["reference"], "Encounter/e1");
  EXPECT_FALSE(dispense.contains("encounter")) << "R4 has no such element";
  EXPECT_EQ(dispense["performer"][0]["actor"]["display"], "Sara Al-Harbi");
  EXPECT_EQ(dispense["location"]["display"], "Outpatient pharmacy");
  EXPECT_EQ(dispense["authorizingPrescription"][0]["reference"],
            "MedicationRequest/" + request["id"].get<std::string>());
  EXPECT_EQ(dispense["quantity"], Json::parse(R"({"value": 20, "unit": "tablet"})"));
  EXPECT_EQ(dispense["whenHandedOver"], "2026-03-10T09:00:00Z");
  EXPECT_EQ(dispense["note"][0]["text"], "brand B");
  const int writes = ehr.writes;
  ehr.write(dispensed());
  EXPECT_EQ(ehr.writes, writes);
}

TEST(WriteRecord, ADispensingAfterTheVisitCompletesTheRequestAndChangesNoWordOfTheNote) {
  RecordSystem ehr;
  ehr.write(dispensed(R"({"dispensings": []})"));
  EXPECT_EQ(ehr.the("MedicationRequest", "Metoclopramide")["status"], "active");
  ehr.write(dispensed());
  EXPECT_EQ(ehr.the("MedicationRequest", "Metoclopramide")["status"], "completed");
  EXPECT_EQ(ehr.the("Composition", "11488-4")["status"], "final");
}

TEST(WriteRecord, ADispensingInErrorIsTakenBackAndItsRequestIsActiveAgain) {
  RecordSystem ehr;
  ehr.write(dispensed());
  EXPECT_EQ(ehr.write(in_error())["refused"], Json::array());
  EXPECT_EQ(ehr.resources["MedicationDispense"][0]["status"], "entered-in-error");
  const Json& request = ehr.the("MedicationRequest", "Metoclopramide");
  EXPECT_EQ(request["status"], "active");
  EXPECT_FALSE(request.contains("statusReason"));
  EXPECT_EQ(ehr.the("Composition", "11488-4").dump().find("MedicationDispense/"),
            std::string::npos);
  // Cancelled while the chart still says that it was handed over.
  RecordSystem late;
  late.write(dispensed());
  Json cancelled = in_error();
  cancelled["prescriptions"][0]["status"] = "cancelled";
  late.write(cancelled);
  EXPECT_EQ(late.the("MedicationRequest", "Metoclopramide")["status"], "cancelled");
  EXPECT_EQ(late.resources["MedicationDispense"][0]["status"], "entered-in-error");
}

TEST(WriteRecord, WhatWasHandedOverStaysWhenTheRestIsCancelled) {
  RecordSystem ehr;
  ehr.write(dispensed());
  ehr.write(dispensed(R"({"status": "cancelled"})"));
  EXPECT_EQ(ehr.the("MedicationRequest", "Sumatriptan")["status"], "cancelled");
  EXPECT_EQ(ehr.the("MedicationRequest", "Metoclopramide")["status"], "completed");
  EXPECT_EQ(ehr.resources["MedicationDispense"][0]["status"], "completed");
  const std::string note = ehr.the("Composition", "11488-4").dump();
  EXPECT_EQ(note.find("Sumatriptan"), std::string::npos);
  EXPECT_NE(note.find("Metoclopramide"), std::string::npos);
}

TEST(WriteRecord, ARequestThatSomebodyMadeActiveAgainStaysSo) {
  RecordSystem ehr;
  ehr.write(dispensed());
  EXPECT_EQ(ehr.the("MedicationRequest", "Metoclopramide")["status"], "completed");
  ehr.the("MedicationRequest", "Metoclopramide")["status"] = "active";
  ehr.write(dispensed());
  EXPECT_EQ(ehr.the("MedicationRequest", "Metoclopramide")["status"], "active");
}

TEST(WriteRecord, ARequestThatOthersEndedIsNotTouchedByADispensing) {
  for (const char* status : {"stopped", "completed", "on-hold"}) {
    RecordSystem ehr;
    ehr.write(dispensed(R"({"dispensings": []})"));
    ehr.the("MedicationRequest", "Metoclopramide")["status"] = status;
    ehr.write(dispensed());
    ehr.write(in_error());
    EXPECT_EQ(ehr.the("MedicationRequest", "Metoclopramide")["status"], status);
  }
}

TEST(WriteRecord, ARefusedRequestLeavesTheDispenseWithoutOneUntilItIsTaken) {
  RecordSystem ehr;
  ehr.refused["MedicationRequest"] = 422;
  ehr.write(dispensed());
  ASSERT_EQ(ehr.resources["MedicationDispense"].size(), 1U);
  EXPECT_FALSE(ehr.resources["MedicationDispense"][0].contains("authorizingPrescription"));
  ehr.refused.clear();
  ehr.write(dispensed());
  EXPECT_TRUE(ehr.resources["MedicationDispense"][0].contains("authorizingPrescription"));
  RecordSystem without;
  without.refused["MedicationDispense"] = 403;
  const Json output = without.write(dispensed());
  ASSERT_EQ(output["refused"].size(), 1U);
  EXPECT_EQ(output["refused"][0]["of"], "prescriptions/0/dispensing/01DISP/2");
}

TEST(WriteRecord, WhatIsRefusedIsNamedAndStandsInTheNote) {
  RecordSystem ehr;
  ehr.refused["MedicationRequest"] = 422;
  const Json output = ehr.write(visit());
  EXPECT_EQ(output["written"], 6);
  ASSERT_EQ(output["refused"].size(), 1U);
  EXPECT_EQ(output["refused"][0]["of"], "prescriptions/0/items/0");
  EXPECT_NE(ehr.the("Composition", "11488-4").dump().find("Sumatriptan: 50 mg, once; With water"),
            std::string::npos);
  for (const char* type : {"Condition", "Observation", "Composition"}) ehr.refused[type] = 403;
  RecordSystem closed;
  closed.refused = ehr.refused;
  const auto outcome = closed.host.call("write-record", visit());
  EXPECT_EQ(outcome.kind, Kind::permanent) << outcome.code;
}

TEST(WriteRecord, ARecordSystemThatGoesAwayIsAskedAgainAndMakesNothingTwice) {
  RecordSystem ehr;
  ehr.refused["Composition"] = 503;
  EXPECT_EQ(ehr.host.call("write-record", visit()).kind, Kind::transient);
  ehr.refused.clear();
  EXPECT_EQ(ehr.write(visit())["written"], 7);
  EXPECT_EQ(ehr.resources["Condition"].size(), 2U);
  EXPECT_EQ(ehr.resources["Observation"].size(), 3U);
}

TEST(WriteRecord, WaitsForTheEncounter) {
  RecordSystem ehr;
  ehr.resources["Encounter"].clear();
  EXPECT_EQ(ehr.write(visit())["found"], false);
  EXPECT_EQ(ehr.writes, 0);
}

}  // namespace
}  // namespace rabt::fhir::chart_test
