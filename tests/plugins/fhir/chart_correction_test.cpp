#include <gtest/gtest.h>

#include <string>

#include "tests/plugins/fhir/record_system_fake.hpp"

// A chart that is written once more: what the hub takes back, and what others own in the record
// system.
namespace rabt::fhir::chart_correction_test {
namespace {

using sdk::Kind;
using test::diagnoses_of;
using test::entries_of;
using test::RecordSystem;
using test::Request;
using test::visit;

Json without_drug() {
  Json out = visit();
  out["prescriptions"] = Json::array();
  return out;
}
Json with_two_drugs() {
  Json out = visit();
  out["prescriptions"].push_back(
      Json::parse(R"({"number": "RX-2026-2", "issuedAt": "2026-03-10T06:16:00Z",
                      "items": [{"name": "Paracetamol", "dosage": "1 g"}]})"));
  return out;
}
// Answers `status` to the next `times` requests of a method for a type.
auto failing(const std::string& method, const std::string& type, int status, int times = 1) {
  return [=](const Request& request) mutable -> std::optional<int> {
    const bool meant = request.method() == method && times > 0 &&
                       request.url().find("/fhir/" + type) != std::string::npos &&
                       !request.url().ends_with("_search");
    if (!meant) return std::nullopt;
    --times;
    return status;
  };
}

// Symptom: a cancelled drug stayed active for good. Cause: the new note was written first, and a
// repeat took it for the old one. The record system fails here between the two.
TEST(TakenBack, ADrugWhoseCancellationFailedOnceIsCancelledByTheRepeat) {
  RecordSystem ehr;
  ehr.write(visit());
  ehr.fails = failing("PUT", "MedicationRequest", 503);
  EXPECT_EQ(ehr.host.call("write-record", without_drug()).kind, Kind::transient);
  EXPECT_EQ(ehr.write(without_drug())["refused"], Json::array());
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "cancelled");
}

TEST(TakenBack, IsFoundWithoutANoteThatNamesIt) {
  RecordSystem ehr;
  ehr.fails = failing("POST", "Composition", 503);
  EXPECT_EQ(ehr.host.call("write-record", visit()).kind, Kind::transient);
  ehr.write(without_drug());
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "cancelled");
}

TEST(TakenBack, IsFoundByTheNoteWhenOthersMovedItToAnotherEncounter) {
  for (const char* form : {"%", "%/_history/2", "https://ehr.example.sa/fhir/%",
                           "https://ehr.example.sa/fhir/%/_history/2"}) {
    RecordSystem ehr;
    ehr.write(visit());
    Json& drug = ehr.the("MedicationRequest", "RX-2026-1");
    drug["encounter"]["reference"] = "Encounter/e9";
    const std::string plain = "MedicationRequest/" + drug["id"].get<std::string>();
    std::string stored = form;
    stored.replace(stored.find('%'), 1, plain);
    Json& note = ehr.the("Composition", "11488-4");
    std::string text = note.dump();
    text.replace(text.find('"' + plain + '"'), plain.size() + 2, '"' + stored + '"');
    note = Json::parse(text);
    ehr.write(without_drug());
    EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "cancelled") << form;
    EXPECT_EQ(ehr.the("Composition", "11488-4").dump().find("MedicationRequest/"),
              std::string::npos)
        << form;
  }
}

// Symptom: a drug that is valid was cancelled. Cause: what the record system refused once was taken
// for withdrawn. The input still holds it here.
TEST(TakenBack, IsNothingThatTheInputHoldsThoughItIsRefused) {
  RecordSystem ehr;
  ehr.write(with_two_drugs());
  Json more = with_two_drugs();
  more["prescriptions"].erase(1);
  more["diagnoses"][0]["display"] = "Migraine";
  more["vitals"]["pulse"] = 90;
  for (const char* type : {"Condition", "Observation"}) ehr.refused[type] = 422;
  const Json encounter = ehr.resources["Encounter"][0];
  const Json output = ehr.write(more);
  EXPECT_EQ(output["refused"].size(), 2U) << output;
  EXPECT_EQ(ehr.resources["Encounter"][0], encounter);
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "active");
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-2")["status"], "cancelled");
  EXPECT_EQ(ehr.the("Condition", "G43.9")["verificationStatus"]["coding"][0]["code"], "confirmed");
  EXPECT_EQ(ehr.the("Observation", "8867-4")["status"], "final");
}

TEST(TakenBack, ARefusedCancellationIsNamedAndMadeByALaterWrite) {
  RecordSystem ehr;
  ehr.write(visit());
  ehr.refused["MedicationRequest"] = 422;
  const Json output = ehr.write(without_drug());
  ASSERT_EQ(output["refused"].size(), 1U) << output;
  EXPECT_EQ(output["refused"][0]["code"], "fhir.422");
  EXPECT_EQ(output["refused"][0]["of"],
            "withdrawn/MedicationRequest/" +
                ehr.the("MedicationRequest", "RX-2026-1")["id"].get<std::string>());
  ehr.refused.clear();
  EXPECT_EQ(ehr.write(without_drug())["refused"], Json::array());
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "cancelled");
}

TEST(TakenBack, TheOnlyEntryIsCancelledAndNoNoteIsMadeOfNothing) {
  RecordSystem ehr;
  const Json drug_alone = {{"consultation", "01ABC"}, {"prescriptions", visit()["prescriptions"]}};
  ehr.write(drug_alone);
  EXPECT_EQ(ehr.write({{"consultation", "01ABC"}})["refused"], Json::array());
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "cancelled");
  const Json& note = ehr.resources["Composition"].at(0);
  EXPECT_TRUE(entries_of(note).empty());
  EXPECT_EQ(note["status"], "entered-in-error");
  EXPECT_EQ(note["identifier"]["use"], "old");
  const int writes = ehr.writes;
  ehr.write({{"consultation", "01ABC"}});
  EXPECT_EQ(ehr.writes, writes);
  ehr.write(drug_alone);
  EXPECT_EQ(note["status"], "amended") << "there is something to say again";
  EXPECT_FALSE(note["identifier"].contains("use"));
  RecordSystem silent;
  EXPECT_EQ(silent.write({{"consultation", "01ABC"}})["written"], 0);
  EXPECT_EQ(silent.writes, 0);
}

// Of two notes one was entered in error: its words go, and the Composition says that it was
// changed.
TEST(TakenBack, WordsOfANoteInErrorLeaveTheCompositionAmended) {
  RecordSystem ehr;
  Json both = visit();
  both["notes"]["assessment"] = "of another patient";
  ehr.write(both);
  EXPECT_EQ(ehr.the("Composition", "11488-4")["status"], "final");
  Json item = both;
  item["notes"].erase("assessment");
  item["diagnoses"].erase(1);
  ehr.write(item);
  const Json& now = ehr.the("Composition", "11488-4");
  EXPECT_EQ(now["status"], "amended");
  EXPECT_EQ(now.dump().find("of another patient"), std::string::npos);
  EXPECT_EQ(ehr.the("Condition", "I10")["verificationStatus"]["coding"][0]["code"],
            "entered-in-error");
  EXPECT_EQ(ehr.the("Condition", "G43.9")["verificationStatus"]["coding"][0]["code"], "confirmed");
}

TEST(TakenBack, ADiagnosisInErrorLeavesTheEncounterAndTheNextOneIsPrincipal) {
  RecordSystem ehr;
  ehr.write(visit());
  const Json& encounter = ehr.resources["Encounter"][0];
  const std::string pressure = "Condition/" + ehr.the("Condition", "I10")["id"].get<std::string>();
  Json item = visit();
  item["diagnoses"].erase(0);
  ehr.write(item);
  EXPECT_EQ(diagnoses_of(encounter), std::vector<std::string>{"1 " + pressure});
  // An addendum codes another one, and it is the principal one.
  item["diagnoses"].insert(item["diagnoses"].begin(), Json({{"code", "I16.0"}}));
  ehr.write(item);
  const std::string crisis = "Condition/" + ehr.the("Condition", "I16.0")["id"].get<std::string>();
  EXPECT_EQ(diagnoses_of(encounter), (std::vector<std::string>{"1 " + crisis, "2 " + pressure}));
  item["diagnoses"] = Json::array();
  ehr.write(item);
  EXPECT_FALSE(encounter.contains("diagnosis")) << "FHIR has no empty lists";
}

TEST(TakenBack, ADiagnosisThatOthersMovedLeavesTheEncounterThatNamesIt) {
  RecordSystem ehr;
  ehr.refused["Composition"] = 403;
  ehr.write(visit());
  ehr.the("Condition", "I10")["encounter"]["reference"] = "Encounter/e9";
  Json item = visit();
  item["diagnoses"].erase(1);
  ehr.write(item);
  EXPECT_EQ(diagnoses_of(ehr.resources["Encounter"][0]).size(), 1U);
  EXPECT_EQ(ehr.the("Condition", "I10")["verificationStatus"]["coding"][0]["code"],
            "entered-in-error");
}

TEST(OfOthers, DiagnosesOfTheEncounterStayAndTheHubsFollowTheInput) {
  RecordSystem ehr;
  Json& encounter = ehr.resources["Encounter"][0];
  const Json admission = Json::parse(R"({"condition": {"reference": "Condition/ward-1"}, "rank": 1,
                      "use": {"coding": [{"code": "AD"}]}})");
  encounter["diagnosis"] = Json::array({admission});
  encounter["length"] = {{"value", 20}, {"code", "min"}};
  ehr.write(visit());
  ASSERT_EQ(encounter["diagnosis"].size(), 3U) << encounter;
  EXPECT_EQ(encounter["diagnosis"][0], admission);
  EXPECT_EQ(encounter["length"]["value"], 20);
  // Changes by the ward in the hub's entries stay; the order is the clinicians'.
  encounter["diagnosis"][1]["use"] = {{"text", "billing"}};
  encounter["diagnosis"][2]["condition"]["reference"] =
      "https://ehr.example.sa/fhir/" +
      encounter["diagnosis"][2]["condition"]["reference"].get<std::string>();
  const int writes = ehr.writes;
  ehr.write(visit());
  EXPECT_EQ(ehr.writes, writes) << encounter;
  Json other = visit();
  std::swap(other["diagnoses"][0], other["diagnoses"][1]);
  ehr.write(other);
  ASSERT_EQ(encounter["diagnosis"].size(), 3U) << encounter;
  EXPECT_EQ(encounter["diagnosis"][1]["rank"], 1);
  EXPECT_EQ(encounter["diagnosis"][1]["use"]["coding"][0]["code"], "DD");
  EXPECT_EQ(encounter["diagnosis"][2]["rank"], 2);
  EXPECT_EQ(encounter["diagnosis"][2]["use"]["text"], "billing");
  EXPECT_EQ(encounter["diagnosis"][0], admission);
}

TEST(OfOthers, ADiagnosisThatOthersSetInErrorLeavesTheEncounter) {
  RecordSystem ehr;
  ehr.write(visit());
  const Json& encounter = ehr.resources["Encounter"][0];
  const std::string migraine =
      "Condition/" + ehr.the("Condition", "G43.9")["id"].get<std::string>();
  ehr.the("Condition", "I10")["verificationStatus"]["coding"][0]["code"] = "entered-in-error";
  EXPECT_EQ(ehr.write(visit())["refused"], Json::array());
  EXPECT_EQ(diagnoses_of(encounter), std::vector<std::string>{"1 " + migraine});
}

TEST(OfOthers, ADiagnosisThatIsInErrorThereIsNotNamedAgain) {
  RecordSystem ehr;
  ehr.write(visit());
  Json& encounter = ehr.resources["Encounter"][0];
  ehr.the("Condition", "I10")["verificationStatus"]["coding"][0]["code"] = "entered-in-error";
  encounter["diagnosis"].erase(1);
  const int writes = ehr.writes;
  ehr.write(visit());
  EXPECT_EQ(ehr.writes, writes) << encounter;
  // An Encounter that is in error there is not changed either.
  encounter["status"] = "entered-in-error";
  encounter.erase("diagnosis");
  ehr.write(visit());
  EXPECT_FALSE(encounter.contains("diagnosis"));
}

// Symptom: a laboratory's Observation was set to entered-in-error. Cause: every reference of the
// old note was withdrawn, whoever had added it.
TEST(OfOthers, EntriesOfTheNoteStayAsTheyAre) {
  RecordSystem ehr;
  ehr.write(visit());
  const Json laboratory = Json::parse(R"({"resourceType": "Observation", "status": "final",
      "subject": {"reference": "Patient/p1"}, "code": {"text": "Troponin"}})");
  const Json allergy = Json::parse(R"({"resourceType": "AllergyIntolerance",
      "patient": {"reference": "Patient/p1"}, "code": {"text": "Penicillin"}})");
  const std::string observed = ehr.store(laboratory, "lab-1");
  const std::string allergic = ehr.store(allergy, "a-1");
  // An identifier of the hub for another visit makes it no part of this one.
  Json other_visit = laboratory;
  other_visit["identifier"] =
      Json::parse(R"([{"system": "https://rabt.health/record", "value": "01ABCD/vitals/8867-4"}])");
  other_visit["encounter"]["reference"] = "Encounter/e1";
  ehr.store(other_visit, "v-1");
  const std::string foreign = "https://other.example.sa/fhir/Observation/7";
  Json& note = ehr.the("Composition", "11488-4");
  for (Json& section : note["section"]) {
    if (section["code"]["coding"][0]["code"] != "57828-6") continue;
    for (const std::string& one : {observed, allergic, foreign})
      section["entry"].push_back({{"reference", one}});
  }
  note["section"].push_back(
      Json::parse(R"({"title": "Laboratory", "entry": [{"reference": "Observation/lab-1"}]})"));
  note["attester"] = Json::parse(R"([{"mode": "legal"}])");
  ehr.write(without_drug());
  for (const char* id : {"lab-1", "v-1"})
    EXPECT_EQ((*ehr.find("Observation", id))["status"], "final") << id;
  EXPECT_EQ((*ehr.find("Observation", "lab-1"))["meta"]["versionId"], "1");
  EXPECT_FALSE(ehr.find("AllergyIntolerance", "a-1")->contains("status"));
  const Json& now = ehr.the("Composition", "11488-4");
  const std::string text = now.dump();
  for (const std::string& word : {observed, allergic, foreign})
    EXPECT_NE(text.find('"' + word + '"'), std::string::npos) << word;
  EXPECT_EQ(text.find("Sumatriptan"), std::string::npos) << "the hub's own words follow the input";
  EXPECT_EQ(text.find("\"MedicationRequest/"), std::string::npos);
  EXPECT_EQ(now["section"].back()["title"], "Laboratory");
  EXPECT_TRUE(now.contains("attester"));
}

// Symptom: a drug that the record system had stopped became active after an addendum. Cause: every
// write put the hub's status in place. A status is set at creation and when the hub takes it back.
TEST(OfOthers, AStatusStaysAsTheRecordSystemSetIt) {
  RecordSystem ehr;
  ehr.write(visit());
  Json& drug = ehr.the("MedicationRequest", "RX-2026-1");
  drug["status"] = "stopped";
  drug["statusReason"]["text"] = "allergy";
  ehr.the("Condition", "G43.9")["clinicalStatus"]["coding"][0]["code"] = "resolved";
  ehr.the("Observation", "8867-4")["status"] = "entered-in-error";
  Json& verified = ehr.the("Condition", "I10")["verificationStatus"];
  verified["coding"][0]["code"] = "entered-in-error";
  verified["coding"].insert(verified["coding"].begin(),
                            Json({{"system", "urn:ehr"}, {"code", "x"}}));
  Json more = visit();
  more["addenda"] = Json::parse(R"([{"at": "2026-03-11T08:00:00Z", "text": "called back"}])");
  more["diagnoses"][0]["display"] = "Migraine";
  more["diagnoses"][1]["display"] = "Hypertension";
  more["vitals"]["pulse"] = 90;
  EXPECT_EQ(ehr.write(more)["refused"], Json::array());
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "stopped");
  const Json& condition = ehr.the("Condition", "G43.9");
  EXPECT_EQ(condition["clinicalStatus"]["coding"][0]["code"], "resolved");
  EXPECT_EQ(condition["code"]["text"], "Migraine");
  EXPECT_EQ(ehr.the("Observation", "8867-4")["status"], "entered-in-error");
  EXPECT_EQ(ehr.the("Condition", "I10")["verificationStatus"]["coding"][1]["code"],
            "entered-in-error");
  EXPECT_FALSE(ehr.the("Condition", "I10")["code"].contains("text"));
  EXPECT_EQ(ehr.the("Composition", "11488-4")["status"], "amended");
  // A drug that has ended there is not cancelled any more.
  ehr.write(without_drug());
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "stopped");
  // A note that is in error there is not written again.
  ehr.the("Composition", "11488-4")["status"] = "entered-in-error";
  ehr.write(visit());
  EXPECT_EQ(ehr.the("Composition", "11488-4")["status"], "entered-in-error");
}

TEST(OfOthers, IdentifiersCodingsAndDosagesThatWereAddedStay) {
  RecordSystem ehr;
  ehr.write(visit());
  Json& condition = ehr.the("Condition", "G43.9");
  condition["identifier"].push_back({{"system", "urn:ehr"}, {"value", "EHR-1"}});
  condition["code"]["coding"].insert(
      condition["code"]["coding"].begin(),
      Json({{"system", "http://snomed.info/sct"}, {"code", "37796009"}}));
  condition["category"].push_back({{"text", "of the ward"}});
  condition["encounter"]["reference"] = "Encounter/e9";
  Json& pressure = ehr.the("Observation", "85354-9");
  pressure["component"].push_back(Json::parse(
      R"({"code": {"coding": [{"system": "http://loinc.org", "code": "8478-0"}]}, "valueQuantity": {"value": 105}})"));
  pressure["performer"].push_back({{"reference", "Device/7"}});
  Json& drug = ehr.the("MedicationRequest", "RX-2026-1");
  drug["dosageInstruction"].push_back({{"text", "with food"}});
  Json more = visit();
  more["diagnoses"][0]["display"] = "Migraine";
  more["vitals"]["systolic"] = 140;
  more["vitals"].erase("diastolic");
  ehr.write(more);
  const Json& now = ehr.the("Condition", "G43.9");
  EXPECT_EQ(now["identifier"].size(), 2U) << now;
  ASSERT_EQ(now["code"]["coding"].size(), 2U) << now;
  EXPECT_EQ(now["code"]["coding"][0]["code"], "37796009");
  EXPECT_EQ(now["code"]["coding"][1]["display"], "Migraine");
  EXPECT_EQ(now["category"].size(), 2U);
  EXPECT_EQ(now["encounter"]["reference"], "Encounter/e9");
  const Json& components = ehr.the("Observation", "85354-9")["component"];
  ASSERT_EQ(components.size(), 2U) << components;
  EXPECT_EQ(components[0]["valueQuantity"]["value"], 140);
  EXPECT_EQ(components[1]["code"]["coding"][0]["code"], "8478-0");
  EXPECT_EQ(ehr.the("Observation", "85354-9")["performer"].size(), 2U);
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["dosageInstruction"].size(), 2U);
  const int writes = ehr.writes;
  ehr.write(more);
  EXPECT_EQ(ehr.writes, writes) << "what others added is no difference";
}

// Two writes may cross: the later one then holds again what the earlier one took back.
TEST(TakenBack, WhatComesBackIsInForceAgain) {
  RecordSystem ehr;
  ehr.write(visit());
  Json fewer = without_drug();
  fewer["diagnoses"].erase(1);
  fewer["vitals"].erase("pulse");
  ehr.write(fewer);
  EXPECT_EQ(ehr.the("Condition", "I10")["verificationStatus"]["coding"][0]["code"],
            "entered-in-error");
  EXPECT_EQ(ehr.the("Observation", "8867-4")["status"], "entered-in-error");
  ehr.write(visit());
  const Json& again = ehr.the("Condition", "I10");
  EXPECT_EQ(again["verificationStatus"]["coding"][0]["code"], "confirmed");
  EXPECT_EQ(again["clinicalStatus"]["coding"][0]["code"], "active");
  EXPECT_EQ(ehr.the("Observation", "8867-4")["status"], "final");
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "active");
  EXPECT_EQ(ehr.resources["Condition"].size(), 2U);
  EXPECT_EQ(ehr.resources["MedicationRequest"].size(), 1U);
  const int writes = ehr.writes;
  ehr.write(visit());
  EXPECT_EQ(ehr.writes, writes);
  // A prescription that others stopped after the hub withdrew it stays stopped.
  ehr.write(without_drug());
  ehr.the("MedicationRequest", "RX-2026-1")["status"] = "stopped";
  ehr.write(visit());
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "stopped");
}

TEST(OfOthers, ResourcesOfAnotherFormAreNoFault) {
  RecordSystem ehr;
  ehr.write(visit());
  ehr.the("Condition", "G43.9")["code"] = "text";
  ehr.the("Condition", "I10")["code"]["coding"] = "text";
  ehr.the("Observation", "8867-4")["valueQuantity"] = "text";
  ehr.resources["Encounter"][0]["diagnosis"] = Json::parse(R"([7, {"condition": "text"}])");
  ehr.the("Observation", "85354-9")["component"][0]["valueQuantity"] = 7;
  ehr.the("Observation", "85354-9")["component"].push_back("text");
  Json& note = ehr.the("Composition", "11488-4");
  note["section"][0]["entry"] = 7;
  note["section"].push_back("text");
  note["section"].push_back({{"entry", {7, "text", nullptr}}});
  EXPECT_EQ(ehr.write(visit())["refused"], Json::array());
  EXPECT_EQ(ehr.the("Observation", "8867-4")["valueQuantity"]["value"], 84);
  EXPECT_EQ(ehr.the("Condition", "I10")["code"]["coding"][0]["code"], "I10");
}

// Symptom: the Condition of another patient was overwritten. Cause: a server that ignores the
// parameter identifier answers with others' resources, and the first one was believed.
TEST(Believed, IsNoResourceThatDoesNotBearTheIdentifier) {
  RecordSystem ehr;
  ehr.searches = false;
  ehr.store(Json::parse(R"({"resourceType": "Condition", "subject": {"reference": "Patient/other"},
                            "code": {"text": "Diabetes"}})"),
            "c-9");
  ehr.store(Json::parse(R"({"resourceType": "Encounter", "subject": {"reference": "Patient/other"},
      "identifier": [{"system": "https://rabt.health/consultation", "value": "01XYZ"}]})"),
            "e0");
  std::swap(ehr.resources["Encounter"][0], ehr.resources["Encounter"][1]);
  const Json output = ehr.write(visit());
  EXPECT_EQ(output["refused"], Json::array());
  const Json& other = *ehr.find("Condition", "c-9");
  EXPECT_EQ(other["meta"]["versionId"], "1");
  EXPECT_EQ(other["subject"]["reference"], "Patient/other");
  EXPECT_EQ(ehr.the("Condition", "G43.9")["subject"]["reference"], "Patient/p1");
  const int writes = ehr.writes;
  ehr.write(visit());
  EXPECT_EQ(ehr.writes, writes);
  ehr.write(without_drug());
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "cancelled");
  EXPECT_EQ((*ehr.find("Condition", "c-9"))["meta"]["versionId"], "1");
}

TEST(Believed, IsNoSearchThatShowsOthersAndDoesNotEnd) {
  RecordSystem ehr;
  ehr.searches = false;
  for (int i = 0; i < 300; ++i)
    ehr.store(
        Json::parse(R"({"resourceType": "Condition", "subject": {"reference": "Patient/o"}})"),
        "c" + std::to_string(i));
  const Json output = ehr.write(visit());
  EXPECT_EQ(output["refused"][0]["code"], "fhir.search") << output;
  EXPECT_EQ(ehr.resources["Condition"].size(), 300U) << "it may be there already";
}

TEST(Believed, IsNoEntryOfAnotherPatient) {
  RecordSystem ehr;
  ehr.write(visit());
  ehr.the("Condition", "G43.9")["subject"]["reference"] = "Patient/other";
  ehr.the("Condition", "I10")["subject"]["reference"] = "https://ehr.example.sa/fhir/Patient/p1";
  ehr.the("MedicationRequest", "RX-2026-1")["subject"]["reference"] = "Patient/other";
  Json more = without_drug();
  more["diagnoses"][0]["display"] = "Migraine";
  more["diagnoses"][1]["display"] = "Hypertension";
  const Json output = ehr.write(more);
  ASSERT_EQ(output["refused"].size(), 2U) << output;
  for (const Json& item : output["refused"]) EXPECT_EQ(item["code"], "fhir.other_subject");
  EXPECT_EQ(ehr.the("Condition", "G43.9")["code"]["text"], "Migraine, unspecified");
  EXPECT_EQ(ehr.the("Condition", "I10")["code"]["text"], "Hypertension");
  EXPECT_EQ(ehr.the("MedicationRequest", "RX-2026-1")["status"], "active");
}

TEST(Believed, IsNoEncounterOfAnotherPatientAndNotOneOfSeveral) {
  RecordSystem ehr;
  ehr.resources["Encounter"][0]["subject"]["identifier"] = {{"system", "urn:mrn"}, {"value", "7"}};
  Json input = visit();
  input["patient"]["identifier"] = {{"system", "urn:mrn"}, {"value", "8"}};
  auto outcome = ehr.host.call("write-record", input);
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "fhir.other_subject");
  input["patient"]["identifier"]["system"] = "urn:national";
  EXPECT_EQ(ehr.write(input)["refused"], Json::array()) << "numbers of two kinds say nothing";
  ehr.store(ehr.resources["Encounter"][0], "e2");
  outcome = ehr.host.call("write-record", visit());
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "fhir.several");
  (*ehr.find("Encounter", "e2"))["status"] = "entered-in-error";
  EXPECT_EQ(ehr.write(visit())["found"], true);
}

}  // namespace
}  // namespace rabt::fhir::chart_correction_test
