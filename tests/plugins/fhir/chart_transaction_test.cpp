#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/plugins/fhir/record_system_fake.hpp"

// A chart that a record system takes as one transaction.
namespace rabt::fhir::chart_transaction_test {
namespace {

using sdk::Kind;
using test::Answer;
using test::RecordSystem;
using test::Request;
using test::visit;

const std::set<std::string> kAll{"Condition",          "Observation",       "MedicationRequest",
                                 "MedicationDispense", "DocumentReference", "Composition"};

// A record system that takes transactions.
std::unique_ptr<RecordSystem> able() {
  auto out = std::make_unique<RecordSystem>();
  out->together = kAll;
  return out;
}

// The visit with a drug that was handed over, and with its note as PDF.
Json whole_visit(RecordSystem& ehr) {
  ehr.host.blobs["b-1"] = {.content_type = "application/pdf", .content = "%PDF-1.5 one"};
  Json out = visit();
  out["prescriptions"][0]["dispensings"] =
      Json::parse(R"([{"id": "01DISP", "items": [{"item": 1, "quantity": 6}],
                       "handedOverAt": "2026-03-10T09:00:00Z"}])");
  out["documents"] = Json::parse(R"([{"id": "N1", "blob": "b-1", "sha1": "aGFzaA==",
                                      "at": "2026-03-10T06:18:00Z", "status": "final"}])");
  return out;
}

bool is_transaction(const Request& request) {
  return request.url() == "https://ehr.example.sa/fhir";
}
// Changes that went alone: "POST Condition".
std::vector<std::string> alone(const RecordSystem& ehr) {
  std::vector<std::string> out;
  for (const Request& request : ehr.host.requests) {
    if (request.method() != "GET" && !request.url().ends_with("_search") &&
        !is_transaction(request))
      out.push_back(request.method() + " " +
                    request.url().substr(std::string("https://ehr.example.sa/fhir/").size()));
  }
  return out;
}
Json sent(const RecordSystem& ehr) {
  const auto found =
      std::find_if(ehr.host.requests.rbegin(), ehr.host.requests.rend(), is_transaction);
  return found == ehr.host.requests.rend() ? Json() : Json::parse(found->body);
}
std::ptrdiff_t asked(const RecordSystem& ehr, const std::string& what) {
  return std::count_if(ehr.host.requests.begin(), ehr.host.requests.end(),
                       [&](const Request& request) { return request.url().ends_with(what); });
}

TEST(Together, TheWholeChartGoesInOneTransactionAndIsWhatOneAfterAnotherWouldBe) {
  const auto ehr = able();
  const Json output = ehr->write(whole_visit(*ehr));
  EXPECT_EQ(ehr->transactions, 1);
  EXPECT_EQ(alone(*ehr), std::vector<std::string>{});
  RecordSystem other;
  EXPECT_EQ(other.write(whole_visit(other)), output);
  EXPECT_EQ(ehr->resources, other.resources);
  EXPECT_EQ(output["written"], 9);
  EXPECT_EQ(output["reference"],
            "Composition/" + ehr->the("Composition", "11488-4")["id"].get<std::string>());
}

TEST(Together, EntriesAreMadeByTheirIdentifierAndNamedByTheirFullUrl) {
  const auto ehr = able();
  ehr->write(whole_visit(*ehr));
  const Json bundle = sent(*ehr);
  EXPECT_EQ(bundle["type"], "transaction");
  std::set<std::string> names;
  for (const Json& entry : bundle["entry"]) {
    const Json& request = entry["request"];
    EXPECT_TRUE(names.insert(entry["fullUrl"].get<std::string>()).second) << entry;
    if (entry["resource"]["resourceType"] == "Encounter") {
      EXPECT_EQ(entry["fullUrl"], "https://ehr.example.sa/fhir/Encounter/e1");
      EXPECT_EQ(request, Json::parse(R"({"method": "PUT", "url": "Encounter/e1",
                                         "ifMatch": "W/\"1\""})"));
      continue;
    }
    EXPECT_TRUE(entry["fullUrl"].get<std::string>().starts_with("urn:uuid:")) << entry;
    EXPECT_EQ(request["method"], "POST");
    EXPECT_EQ(request["url"], entry["resource"]["resourceType"]);
    EXPECT_TRUE(request["ifNoneExist"].get<std::string>().starts_with(
        "identifier=https%3A%2F%2Frabt.health%2Frecord%7C01ABC%2F"))
        << request;
  }
  EXPECT_EQ(bundle["entry"].size(), 10U);
  EXPECT_EQ(bundle["entry"].back()["resource"]["resourceType"], "Encounter");
}

TEST(Together, WithoutTheAbilityOfEachTypeChangesGoOneAfterAnother) {
  RecordSystem none;
  none.write(whole_visit(none));
  EXPECT_EQ(none.transactions, 0);
  EXPECT_EQ(alone(none).size(), 10U);
  const auto some = able();
  some->together.erase("MedicationDispense");
  some->write(whole_visit(*some));
  EXPECT_EQ(some->transactions, 0);
  EXPECT_EQ(some->resources, none.resources);
  // A visit without one needs the ability of no other.
  const auto plain = able();
  plain->together.erase("MedicationDispense");
  plain->write(visit());
  EXPECT_EQ(plain->transactions, 1);
}

TEST(Together, ARepeatAfterALostAnswerMakesNothingTwice) {
  const auto ehr = able();
  bool lose = true;
  ehr->host.outside = [&](const Request& request) {
    const Answer answer = ehr->answer(request);
    if (!lose || !is_transaction(request)) return answer;
    lose = false;
    return testing::lost();
  };
  const Json input = whole_visit(*ehr);
  EXPECT_EQ(ehr->host.call("write-record", input).kind, Kind::transient);
  EXPECT_EQ(ehr->resources["Composition"].size(), 1U);
  const auto before = ehr->resources;
  const Json output = ehr->write(input);
  EXPECT_EQ(output["written"], 9);
  EXPECT_EQ(output["reference"],
            "Composition/" + ehr->the("Composition", "11488-4")["id"].get<std::string>());
  EXPECT_EQ(ehr->resources, before);
  EXPECT_EQ(ehr->transactions, 1) << "there is nothing to change";
  EXPECT_EQ(alone(*ehr), std::vector<std::string>{});
}

TEST(Together, ARefusedEntryIsFoundOneAfterAnotherAndHoldsNothingBack) {
  const auto ehr = able();
  ehr->refused["MedicationRequest"] = 422;
  const Json output = ehr->write(visit());
  EXPECT_EQ(ehr->transactions, 1);
  EXPECT_EQ(output["written"], 6);
  EXPECT_EQ(output["refused"],
            Json::parse(R"([{"of": "prescriptions/0/items/0", "code": "fhir.422"}])"));
  EXPECT_EQ(ehr->resources["Condition"].size(), 2U);
  EXPECT_EQ(ehr->resources["Observation"].size(), 3U);
  ASSERT_EQ(ehr->resources["Composition"].size(), 1U);
  EXPECT_NE(ehr->the("Composition", "11488-4").dump().find("Sumatriptan: 50 mg"),
            std::string::npos);
  EXPECT_EQ(test::diagnoses_of(ehr->resources["Encounter"][0]).size(), 2U);
  ehr->refused.clear();
  EXPECT_EQ(ehr->write(visit())["refused"], Json::array());
  EXPECT_EQ(ehr->transactions, 2);
  EXPECT_EQ(ehr->resources["MedicationRequest"].size(), 1U);
}

TEST(Together, AnAnswerThatSaysNoForOneEntryIsNotBelievedForTheOthers) {
  const auto ehr = able();
  ehr->atomic = false;
  ehr->refused["DocumentReference"] = 422;
  const Json output = ehr->write(whole_visit(*ehr));
  EXPECT_EQ(output["written"], 8);
  EXPECT_EQ(output["refused"], Json::parse(R"([{"of": "documents/0", "code": "fhir.422"}])"));
  EXPECT_EQ(alone(*ehr), std::vector<std::string>{"POST DocumentReference"});
  for (const char* type : {"MedicationRequest", "MedicationDispense", "Composition"})
    EXPECT_EQ(ehr->resources[type].size(), 1U) << type;
}

TEST(Together, OfWhatIsNotKnownBeforehandTheCorrectionFollows) {
  const auto ehr = able();
  ehr->write(visit());
  // Others moved it, and the note that named it is gone: no search of the encounter shows it.
  ehr->the("Condition", "G43.9")["encounter"]["reference"] = "Encounter/e9";
  ehr->resources["Composition"].clear();
  ehr->resources["Encounter"][0].erase("diagnosis");
  ehr->any_of = false;
  Json more = visit();
  more["diagnoses"][0]["display"] = "Migraine";
  EXPECT_EQ(ehr->write(more)["refused"], Json::array());
  EXPECT_EQ(ehr->transactions, 2);
  EXPECT_EQ(ehr->resources["Condition"].size(), 2U);
  EXPECT_EQ(ehr->the("Condition", "G43.9")["code"]["text"], "Migraine");
  EXPECT_EQ(ehr->resources["Composition"].size(), 1U);
}

TEST(Together, AnAddendumCorrectsByVersionAndTakesBackInTheSameTransaction) {
  const auto ehr = able();
  ehr->write(visit());
  ehr->the("Condition", "G43.9")["note"] = Json::array({{{"text", "of others"}}});
  Json corrected = visit();
  corrected["diagnoses"][0]["display"] = "Migraine";
  corrected["diagnoses"][1]["code"] = "I16.0";
  corrected["prescriptions"] = Json::array();
  corrected["addenda"] =
      Json::parse(R"([{"at": "2026-03-11T08:00:00Z", "text": "No hypertension"}])");
  EXPECT_EQ(ehr->write(corrected)["refused"], Json::array());
  EXPECT_EQ(ehr->transactions, 2);
  EXPECT_EQ(alone(*ehr), std::vector<std::string>{});
  for (const Json& entry : sent(*ehr)["entry"]) {
    const bool made = entry["request"]["method"] == "POST";
    EXPECT_EQ(made, entry["resource"].dump().find("I16.0\"") != std::string::npos &&
                        entry["resource"]["resourceType"] == "Condition")
        << entry;
    EXPECT_EQ(entry["request"].contains("ifMatch"), !made);
  }
  EXPECT_EQ(ehr->the("Condition", "G43.9")["note"][0]["text"], "of others");
  EXPECT_EQ(ehr->the("Condition", "G43.9")["code"]["text"], "Migraine");
  EXPECT_EQ(ehr->the("Condition", "I10")["verificationStatus"]["coding"][0]["code"],
            "entered-in-error");
  EXPECT_EQ(ehr->the("MedicationRequest", "RX-2026-1")["status"], "cancelled");
  const Json& note = ehr->the("Composition", "11488-4");
  EXPECT_EQ(note["status"], "amended");
  const std::string crisis = "Condition/" + ehr->the("Condition", "I16.0")["id"].get<std::string>();
  const auto named = test::entries_of(note);
  EXPECT_NE(std::find(named.begin(), named.end(), crisis), named.end());
  EXPECT_EQ(test::diagnoses_of(ehr->resources["Encounter"][0])[1], "2 " + crisis);
}

TEST(Together, AServerThatIsAwayTakesNothingAndOneThatFailsOverAnEntryIsAskedForTheOthers) {
  for (const int status : {408, 429, 502, 503, 504}) {
    const auto ehr = able();
    ehr->fails = [&](const Request& request) {
      return is_transaction(request) ? std::optional<int>(status) : std::nullopt;
    };
    EXPECT_EQ(ehr->host.call("write-record", visit()).kind, Kind::transient) << status;
    EXPECT_EQ(ehr->writes, 0) << status;
    // The repeat goes in small parts.
    const bool late = status == 408 || status == 504;
    EXPECT_EQ(ehr->host.call("write-record", visit()).kind, late ? Kind::done : Kind::transient)
        << status;
  }
  for (const int status : {400, 404, 405, 409, 412, 413, 422, 500, 501}) {
    const auto ehr = able();
    ehr->fails = [&](const Request& request) {
      return is_transaction(request) ? std::optional<int>(status) : std::nullopt;
    };
    EXPECT_EQ(ehr->write(visit())["written"], 7) << status;
  }
}

TEST(Together, WhatOthersChangeMeanwhileIsReadAgain) {
  const auto ehr = able();
  ehr->write(visit());
  ehr->fails = [&](const Request& request) -> std::optional<int> {
    if (is_transaction(request)) {
      Json& condition = ehr->the("Condition", "G43.9");
      condition["note"] = Json::array({{{"text", "of others"}}});
      condition["meta"]["versionId"] = "77";
    }
    return std::nullopt;
  };
  Json more = visit();
  more["diagnoses"][0]["display"] = "Migraine";
  EXPECT_EQ(ehr->write(more)["refused"], Json::array());
  const Json& condition = ehr->the("Condition", "G43.9");
  EXPECT_EQ(condition["code"]["text"], "Migraine");
  EXPECT_EQ(condition["note"][0]["text"], "of others");
}

TEST(Together, IsNothingAboutAnotherPatientAndNothingThatThereIsTwice) {
  const auto ehr = able();
  ehr->write(visit());
  ehr->the("Condition", "G43.9")["subject"]["reference"] = "Patient/other";
  ehr->store(ehr->the("Observation", "8867-4"), "o-2");
  ehr->the("Condition", "I10")["meta"].erase("versionId");
  Json more = visit();
  more["diagnoses"][0]["display"] = "Migraine";
  more["diagnoses"][1]["display"] = "Hypertension";
  more["vitals"]["temperatureCel"] = 37.2;
  EXPECT_EQ(ehr->write(more)["refused"],
            Json::parse(R"([{"of": "diagnoses/0", "code": "fhir.other_subject"},
                            {"of": "diagnoses/1", "code": "fhir.no_version"},
                            {"of": "vitals/pulse", "code": "fhir.several"}])"));
  EXPECT_EQ(ehr->transactions, 2) << "the rest goes together";
  EXPECT_EQ(alone(*ehr), std::vector<std::string>{});
  EXPECT_EQ(ehr->the("Condition", "G43.9")["code"]["text"], "Migraine, unspecified");
  EXPECT_EQ(ehr->the("Observation", "8310-5")["valueQuantity"]["value"], 37.2);
}

TEST(Together, ACodeThatWasEnteredTwiceIsOneCondition) {
  const auto ehr = able();
  Json twice = visit();
  twice["diagnoses"].push_back(twice["diagnoses"][0]);
  twice["diagnoses"][2]["display"] = "Migraine";
  EXPECT_EQ(ehr->write(twice)["written"], 8);
  EXPECT_EQ(ehr->transactions, 1);
  EXPECT_EQ(alone(*ehr), std::vector<std::string>{});
  EXPECT_EQ(ehr->resources["Condition"].size(), 2U);
  EXPECT_EQ(ehr->the("Condition", "G43.9")["code"]["text"], "Migraine");
  EXPECT_EQ(test::diagnoses_of(ehr->resources["Encounter"][0]).size(), 2U);
}

TEST(Together, WhatIsTooLargeGoesOneAfterAnother) {
  const auto ehr = able();
  Json input = visit();
  input["documents"] = Json::array();
  for (int at = 0; at < 7; ++at) {
    const std::string name = "b-" + std::to_string(at);
    ehr->host.blobs[name] = {.content_type = "application/pdf",
                             .content = std::string(kMaxPdf, 'x')};
    input["documents"].push_back({{"id", name}, {"blob", name}, {"status", "final"}});
  }
  EXPECT_EQ(ehr->write(input)["written"], 14);
  EXPECT_EQ(ehr->transactions, 0);
}

TEST(Together, TheRecordSystemIsAskedOnceAnHourForWhatItCan) {
  const auto ehr = able();
  ehr->write(visit());
  ehr->write(whole_visit(*ehr));
  EXPECT_EQ(asked(*ehr, "/metadata"), 1);
  ehr->together = {"Condition"};
  ehr->host.clock.advance(3'600'000);
  Json more = whole_visit(*ehr);
  more["vitals"]["heightCm"] = 171;
  ehr->write(more);
  EXPECT_EQ(asked(*ehr, "/metadata"), 2);
  EXPECT_EQ(ehr->transactions, 2);
  EXPECT_EQ(alone(*ehr).size(), 2U) << "the height, and the note with it";
  // One that does not say is asked again at the next chart.
  RecordSystem silent;
  silent.write(visit());
  silent.write(visit());
  EXPECT_EQ(asked(silent, "/metadata"), 2);
}

}  // namespace
}  // namespace rabt::fhir::chart_transaction_test
