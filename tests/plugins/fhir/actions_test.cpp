#include <gtest/gtest.h>

#include <string>

#include "client.hpp"
#include "rabt/json_nlohmann.hpp"
#include "tests/plugins/test_host.hpp"

namespace rabt::fhir::actions_test {
namespace {

using sdk::Kind;
using sdk::text_of;
using testing::Answer;
using testing::Request;
using testing::TestHost;

constexpr const char* kConfig =
    R"({"base_url": "https://ehr.example.sa/fhir", "organization": {"reference": "Organization/o1"}})";

Json visit() {
  return Json::parse(R"({
    "consultation": "01ABC",
    "appointment": {"reference": "Appointment/a1", "patientReference": "Patient/p1", "practitionerReference": "Practitioner/d1",
                    "identifier": {"system": "https://his.example.sa/appointment", "value": "A-1"},
                    "reasons": [{"system": "http://snomed.info/sct", "code": "25064002", "text": "Headache"}]},
    "patient": {"identifier": {"system": "http://nphies.sa/identifier/nationalid", "value": "1000000008", "type": "NI"},
                "name": "Canaryname"},
    "practitioner": {"licence": "N-P-00001", "licenceSystem": "http://nphies.sa/license/practitioner-license",
                     "name": "Dr. Noura"},
    "start": "2026-03-10T06:00:00Z", "end": "2026-03-10T06:20:00Z"})");
}
Json recordings() {
  return Json::parse(R"({
    "consultation": "01ABC",
    "patient": {"identifier": {"value": "1000000008", "type": "NI"}, "name": "Canaryname"},
    "practitioner": {"licence": "N-P-00001"},
    "encounter": {"id": "e1", "reference": "Encounter/e1", "patientReference": "Patient/p1", "start": "2026-03-10T06:00:00Z"},
    "recordings": [{"id": "R1", "kind": "video", "bytes": 3145728, "sha256": "ab12", "contentType": "video/x-matroska"},
                   {"id": "R2", "kind": "audio", "bytes": 3000000000, "sha256": "cd34", "contentType": "audio/x-matroska"}]})");
}

Answer created(const Request& request, const std::string& id) {
  Json body = Json::parse(request.body);
  body["id"] = id;
  body["meta"]["versionId"] = "1";
  return {.status = 201, .body = body.dump()};
}

TEST(WriteEncounter, CreatesConditionallyOnTheConsultation) {
  TestHost host(kConfig);
  host.outside = [](const Request& request) { return created(request, "e1"); };
  const auto outcome = host.call("write-encounter", visit());
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_EQ(
      Json::parse(outcome.output),
      Json::parse(
          R"({"id": "e1", "reference": "Encounter/e1", "versionId": "1", "patientReference": "Patient/p1",
                            "practitionerReference": "Practitioner/d1", "start": "2026-03-10T06:00:00Z",
                            "end": "2026-03-10T06:20:00Z"})"));
  ASSERT_EQ(host.requests.size(), 1U);
  const Request& sent = host.requests[0];
  EXPECT_EQ(sent.method(), "POST");
  EXPECT_EQ(sent.url(), "https://ehr.example.sa/fhir/Encounter");
  EXPECT_EQ(sent.header("If-None-Exist"),
            "identifier=https%3A%2F%2Frabt.health%2Fconsultation%7C01ABC");
  EXPECT_EQ(sent.header("Authorization"), "Bearer {access_token}");
  EXPECT_EQ(sent.header("Content-Type"), "application/fhir+json");
  EXPECT_EQ(Json::parse(sent.body), Json::parse(R"({
    "resourceType": "Encounter", "status": "finished",
    "identifier": [{"system": "https://rabt.health/consultation", "value": "01ABC"}],
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR", "display": "virtual"},
    "subject": {"reference": "Patient/p1", "type": "Patient", "identifier": {
      "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "NI"}]},
      "system": "http://nphies.sa/identifier/nationalid", "value": "1000000008"}},
    "participant": [{"individual": {"reference": "Practitioner/d1", "type": "Practitioner", "identifier": {
      "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MD"}]},
      "system": "http://nphies.sa/license/practitioner-license", "value": "N-P-00001"}}}],
    "reasonCode": [{"coding": [{"system": "http://snomed.info/sct", "code": "25064002"}], "text": "Headache"}],
    "appointment": [{"reference": "Appointment/a1", "type": "Appointment",
                     "identifier": {"system": "https://his.example.sa/appointment", "value": "A-1"}}],
    "period": {"start": "2026-03-10T06:00:00Z", "end": "2026-03-10T06:20:00Z"},
    "serviceProvider": {"reference": "Organization/o1"}})"));
  EXPECT_EQ(sent.body.find("Canaryname"), std::string::npos)
      << "names do not belong into the encounter";
}

TEST(WriteEncounter, ReadsIdAndVersionFromHeadersWhenTheBodyIsEmpty) {
  TestHost host(kConfig);
  host.outside = [](const Request&) {
    return Answer{
        .status = 201,
        .headers =
            R"([["location","https://ehr.example.sa/fhir/Encounter/e7/_history/3"],["etag","W/\"3\""]])"};
  };
  const Json output = Json::parse(host.call("write-encounter", visit()).output);
  EXPECT_EQ(output["reference"], "Encounter/e7");
  EXPECT_EQ(output["versionId"], "3");
}

TEST(WriteEncounter, SendsNoCredentialWithBearerFalse) {
  TestHost host(R"({"base_url": "https://ehr.example.sa/fhir", "bearer": false})");
  host.outside = [](const Request& request) { return created(request, "e1"); };
  EXPECT_EQ(host.call("write-encounter", visit()).kind, Kind::done);
  EXPECT_EQ(host.requests.at(0).header("Authorization"), "");
}

// Symptom: another patient's Encounter was taken for the one of the consultation. Cause: a server
// that ignores the condition of a creation answers 200 with the only Encounter that it has.
TEST(WriteEncounter, TakesNoResourceOfOthersForItsOwn) {
  const auto answered = [](const Json& node, bool whole) {
    TestHost host(kConfig);
    host.outside = [&](const Request& request) {
      if (request.method() == "GET") return Answer{.status = 200, .body = node.dump()};
      return Answer{.status = 200,
                    .body = whole ? node.dump() : "",
                    .headers = R"([["location","https://ehr.example.sa/fhir/Encounter/e9"]])"};
    };
    const auto outcome = host.call("write-encounter", visit());
    return outcome.kind == Kind::done ? text_of(Json::parse(outcome.output), "reference")
                                      : outcome.code;
  };
  Json item = Json::parse(R"({"resourceType": "Encounter", "id": "e9",
      "identifier": [{"system": "urn:ehr", "value": "7"}, {"system": "https://rabt.health/consultation", "value": "01ABC"}],
      "subject": {"reference": "https://ehr.example.sa/fhir/Patient/p1/_history/2"}})");
  for (const bool whole : {true, false}) {
    EXPECT_EQ(answered(item, whole), "Encounter/e9");
    Json other = item;
    other["subject"]["reference"] = "Patient/p2";
    EXPECT_EQ(answered(other, whole), "fhir.other_subject");
    other = item;
    other["identifier"].erase(1);
    EXPECT_EQ(answered(other, whole), "fhir.other");
  }
}

TEST(WriteDocument, ListsEveryRecordingWithItsDigest) {
  TestHost host(kConfig);
  host.outside = [](const Request& request) { return created(request, "d1"); };
  const auto outcome = host.call("write-document", recordings());
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_EQ(Json::parse(outcome.output)["reference"], "DocumentReference/d1");
  const Request& sent = host.requests.at(0);
  EXPECT_EQ(sent.header("If-None-Exist"),
            "identifier=https%3A%2F%2Frabt.health%2Fconsultation%7C01ABC");
  const Json body = Json::parse(sent.body);
  EXPECT_EQ(body["status"], "current");
  EXPECT_EQ(body["date"], "2026-04-01T06:00:01Z");
  EXPECT_EQ(body["subject"]["reference"], "Patient/p1");
  EXPECT_EQ(body["securityLabel"][0]["coding"][0]["code"], "R");
  EXPECT_EQ(body["context"]["encounter"][0]["reference"], "Encounter/e1");
  EXPECT_EQ(body["context"]["period"]["start"], "2026-03-10T06:00:00Z");
  ASSERT_EQ(body["content"].size(), 2U);
  const Json first = body["content"][0]["attachment"];
  EXPECT_EQ(first["url"], "urn:rabt:recording:R1");
  EXPECT_EQ(first["size"], 3'145'728);
  EXPECT_EQ(first["contentType"], "video/x-matroska");
  EXPECT_EQ(first["extension"][0]["valueString"], "ab12");
  EXPECT_FALSE(first.contains("hash")) << "hash is a SHA-1 in R4";
  EXPECT_FALSE(body["content"][1]["attachment"].contains("size")) << "R4 sizes have 31 bits";
}

TEST(WriteDocument, WritesNothingWithoutARecording) {
  TestHost host(kConfig);
  Json input = recordings();
  input["recordings"] = Json::array();
  const auto outcome = host.call("write-document", input);
  EXPECT_EQ(outcome.kind, Kind::done);
  EXPECT_EQ(Json::parse(outcome.output)["written"], false);
  EXPECT_TRUE(host.requests.empty());
}

TEST(UpdateEncounter, ChangesTheStatusAndNothingElse) {
  TestHost host(kConfig);
  const std::string stored =
      R"({"resourceType":"Encounter","contained":[{"status":"x"}],"id":"e1","meta":{"versionId":"2"},)"
      R"("text":{"status":"generated"}, "status" : "finished","length":{"value":1.10}})";
  host.outside = [&](const Request& request) {
    if (request.method() == "GET") return Answer{.status = 200, .body = stored};
    return Answer{.status = 200, .headers = R"([["etag","W/\"3\""]])"};
  };
  const auto outcome = host.call("update-encounter", {{"id", "e1"}, {"status", "cancelled"}});
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_EQ(Json::parse(outcome.output)["versionId"], "3");
  ASSERT_EQ(host.requests.size(), 2U);
  EXPECT_EQ(host.requests[1].header("If-Match"), "W/\"2\"");
  std::string wanted = stored;
  wanted.replace(wanted.find("finished"), 8, "cancelled");
  EXPECT_EQ(host.requests[1].body, wanted) << "decimals keep their digits";
}

TEST(UpdateEncounter, ReadsAgainAfterAConflictAndGivesUpAfterThree) {
  TestHost host(kConfig);
  int version = 0;
  int refusals = 2;
  host.outside = [&](const Request& request) {
    if (request.method() == "GET") {
      return Answer{
          .status = 200,
          .body =
              R"({"resourceType":"Encounter","id":"e1","status":"finished","meta":{"versionId":")" +
              std::to_string(++version) + R"("}})"};
    }
    return Answer{.status = refusals-- > 0 ? 412 : 200};
  };
  EXPECT_EQ(host.call("update-encounter", {{"id", "e1"}, {"status", "cancelled"}}).kind,
            Kind::done);
  EXPECT_EQ(host.requests.back().header("If-Match"), "W/\"3\"");

  refusals = 1000;
  host.requests.clear();
  const auto outcome = host.call("update-encounter", {{"id", "e1"}, {"status", "cancelled"}});
  EXPECT_EQ(outcome.kind, Kind::transient);
  EXPECT_EQ(outcome.code, "fhir.conflict");
  EXPECT_EQ(host.requests.size(), 8U) << "the first time and three more, each a read and a write";
}

TEST(UpdateEncounter, DoesNotWriteAStatusThatIsThereAlready) {
  TestHost host(kConfig);
  host.outside = [](const Request&) {
    return Answer{.status = 200,
                  .body = R"({"resourceType":"Encounter","id":"e1","status":"finished"})"};
  };
  const auto outcome = host.call("update-encounter", {{"id", "e1"}, {"status", "finished"}});
  EXPECT_EQ(Json::parse(outcome.output)["changed"], false);
  EXPECT_EQ(host.requests.size(), 1U);
  EXPECT_EQ(host.call("update-encounter", {{"id", "e1"}, {"status", "cancelled"}}).code,
            "fhir.no_version");
}

TEST(UpdateAppointment, AddsTheSessionAndTheStatusAndNothingElse) {
  TestHost host(kConfig);
  std::string stored =
      R"({"resourceType":"Appointment","id":"a1","meta":{"versionId":"4"},"status":"booked",)"
      R"("identifier" : [{"system":"urn:his","value":"A-7"}],"extension":[{"valueDecimal":1.10}]})";
  host.outside = [&](const Request& request) {
    if (request.method() == "PUT") {
      stored = request.body;
      if (const auto at = stored.find("\"4\""); at != std::string::npos) stored[at + 1] = '5';
      return Answer{.status = 200, .headers = R"([["etag","W/\"5\""]])"};
    }
    return Answer{.status = 200, .body = stored};
  };
  const Json input = {{"appointment", {{"value", "a1"}}},
                      {"session", {{"id", "S-1"}, {"room", "RM1"}}},
                      {"status", "fulfilled"}};
  const auto outcome = host.call("update-appointment", input);
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_EQ(Json::parse(outcome.output)["changed"], true);
  ASSERT_EQ(host.requests.size(), 3U);
  EXPECT_EQ(host.requests[2].header("If-Match"), "W/\"4\"");
  EXPECT_EQ(
      host.requests[2].body,
      R"({"resourceType":"Appointment","id":"a1","meta":{"versionId":"4"},"status":"fulfilled",)"
      R"("identifier" : [{"system":"urn:his","value":"A-7"},)"
      R"({"system":"https://rabt.health/session","value":"S-1"},)"
      R"({"system":"https://rabt.health/session-room","value":"RM1"}],"extension":[{"valueDecimal":1.10}]})");
  // Again changes nothing; another room replaces the first.
  EXPECT_EQ(Json::parse(host.call("update-appointment", input).output)["changed"], false);
  Json moved = input;
  moved["session"]["room"] = "RM2";
  EXPECT_EQ(Json::parse(host.call("update-appointment", moved).output)["changed"], true);
  const Json now = Json::parse(stored);
  ASSERT_EQ(now["identifier"].size(), 3U) << stored;
  EXPECT_EQ(now["identifier"][2]["value"], "RM2");
  EXPECT_NE(stored.find("1.10"), std::string::npos);
}

TEST(UpdateAppointment, LeavesOneInErrorSo) {
  TestHost host(kConfig);
  std::string sent;
  host.outside = [&](const Request& request) {
    if (request.method() == "PUT") sent = request.body;
    return Answer{.status = 200,
                  .body = R"({"resourceType":"Appointment","id":"a1","status":"entered-in-error",)"
                          R"("meta":{"versionId":"1"}})"};
  };
  const auto outcome = host.call(
      "update-appointment",
      {{"appointment", {{"value", "a1"}}}, {"session", {{"id", "S-1"}}}, {"status", "arrived"}});
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_NE(sent.find("entered-in-error"), std::string::npos) << sent;
  EXPECT_EQ(sent.find("arrived"), std::string::npos);
}

// Whoever names the appointment of somebody else changes nothing.
TEST(UpdateAppointment, ChangesThatOfThePatientAlone) {
  TestHost host(kConfig);
  std::string participants;
  int written = 0;
  host.outside = [&](const Request& request) {
    if (request.method() == "PUT") ++written;
    const auto answer = [](const std::string& body) { return Answer{.status = 200, .body = body}; };
    if (request.url().ends_with("/Patient/p1"))
      return answer(
          R"({"resourceType":"Patient","id":"p1","identifier":[{"system":"urn:ids","value":"1"}]})");
    if (request.url().ends_with("/Patient/old"))
      return answer(R"({"resourceType":"Patient","id":"old","link":[{"type":"replaced-by",)"
                    R"("other":{"reference":"Patient/p1"}}]})");
    if (request.url().ends_with("/Patient/p2"))
      return answer(
          R"({"resourceType":"Patient","id":"p2","identifier":[{"system":"urn:ids","value":"2"}]})");
    if (request.url().ends_with("/Patient/gone")) return Answer{.status = 410};
    return answer(R"({"resourceType":"Appointment","id":"a1","status":"booked",)"
                  R"("meta":{"versionId":"1"},"participant":[)" +
                  participants + "]}");
  };
  const auto code = [&](const std::string& named, const char* value = "1") {
    participants = named;
    written = 0;
    const auto outcome =
        host.call("update-appointment", {{"appointment", {{"value", "a1"}}},
                                         {"patient", {{"system", "urn:ids"}, {"value", value}}},
                                         {"session", {{"id", "S-1"}}},
                                         {"status", "cancelled"}});
    EXPECT_EQ(written, outcome.kind == Kind::done ? 1 : 0) << named;
    return outcome.code;
  };
  const std::string doctor = R"({"actor":{"reference":"Practitioner/d1"}},)";
  EXPECT_EQ(code(doctor + R"({"actor":{"reference":"Patient/p1"}})"), "");
  EXPECT_EQ(code(R"({"actor":{"reference":"https://ehr.example.sa/fhir/Patient/p1/_history/2"}})"),
            "");
  EXPECT_EQ(code(R"({"actor":{"reference":"Patient/old"}})"), "");
  EXPECT_EQ(code(R"({"actor":{"type":"Patient","identifier":{"system":"urn:ids","value":"1"}}})"),
            "");
  EXPECT_EQ(code(R"({"actor":{"reference":"Practitioner/d1"}})"), "") << "it names no patient";
  EXPECT_EQ(code(doctor + R"({"actor":{"reference":"Patient/p2"}})"), "fhir.other_patient");
  EXPECT_EQ(code(R"({"actor":{"reference":"Patient/gone"}})"), "fhir.other_patient");
  EXPECT_EQ(code(R"({"actor":{"type":"Patient","identifier":{"system":"urn:ids","value":"2"}}})"),
            "fhir.other_patient");
  EXPECT_EQ(code(R"({"actor":{"reference":"Patient/p1"}})", "2"), "fhir.other_patient");
}

TEST(UpdateAppointment, FindsItByIdentifierAndSaysWhenThereIsNone) {
  TestHost host(kConfig);
  int found = 1;
  host.outside = [&](const Request& request) {
    Json bundle = Json::parse(R"({"resourceType":"Bundle","type":"searchset","entry":[]})");
    for (int i = 0; i < found; ++i)
      bundle["entry"].push_back(
          {{"resource", Json::parse(R"({"resourceType": "Appointment", "id": "a1",
                            "identifier": [{"system": "urn:his", "value": "A_7"}]})")}});
    // A server may ignore the parameter and answer with what was not asked for.
    bundle["entry"].push_back(
        {{"resource", Json::parse(R"({"resourceType": "Appointment", "id": "a9",
                                      "identifier": [{"system": "urn:his", "value": "A_8"}]})")}});
    if (request.method() == "POST") return Answer{.status = 200, .body = bundle.dump()};
    if (request.url().ends_with("/Appointment/A_7")) return Answer{.status = 404};
    if (request.method() == "GET")
      return Answer{.status = 200,
                    .body = R"({"resourceType":"Appointment","id":"a1","status":"booked",)"
                            R"("meta":{"versionId":"1"}})"};
    return Answer{.status = 200};
  };
  const auto update = [&](Json appointment) {
    return host.call("update-appointment",
                     {{"appointment", std::move(appointment)}, {"session", {{"id", "S-1"}}}});
  };
  EXPECT_EQ(Json::parse(update({{"system", "urn:his"}, {"value", "A_7"}}).output)["id"], "a1");
  EXPECT_EQ(host.requests[0].body, "identifier=urn%3Ahis%7CA_7&_count=100");
  EXPECT_NE(host.requests.back().body.find(R"(,"identifier":[{"system":)"), std::string::npos);
  found = 0;
  EXPECT_EQ(Json::parse(update({{"value", "A_7"}}).output)["found"], false);
  // The key of a booking whose Appointment has no identifier.
  EXPECT_EQ(Json::parse(update({{"value", "Appointment/a1"}}).output)["id"], "a1");
  found = 2;
  EXPECT_EQ(update({{"system", "urn:his"}, {"value", "A_7"}}).code, "fhir.several");
}

TEST(Search, FollowsPagesUpToTheLimitAndKeepsIdentifiersOutOfAddresses) {
  TestHost host(kConfig);
  int page = 0;
  host.outside = [&](const Request&) {
    ++page;
    Json bundle = Json::parse(R"({"resourceType": "Bundle", "type": "searchset", "entry": []})");
    for (int i = 0; i < 2; ++i) {
      bundle["entry"].push_back(
          {{"resource", {{"resourceType", "Patient"}, {"id", std::to_string(page * 10 + i)}}}});
    }
    if (page < 3) {
      Json link = {
          {"relation", "next"},
          {"url", "https://ehr.example.sa/fhir/Patient?_offset=" + std::to_string(page * 2)}};
      bundle["link"] = Json::array();
      bundle["link"].push_back(link);
    }
    return Answer{.status = 200, .body = bundle.dump()};
  };
  Json input{{"type", "Patient"}, {"parameters", {{"identifier", "urn:ids|1"}}}};
  Json output = Json::parse(host.call("search", input).output);
  EXPECT_EQ(output["resources"].size(), 6U);
  EXPECT_EQ(output["complete"], true);
  EXPECT_EQ(host.requests[0].url(), "https://ehr.example.sa/fhir/Patient/_search");
  EXPECT_EQ(host.requests[0].body, "identifier=urn%3Aids%7C1&_count=100");

  page = 0;
  input["limit"] = 3;
  output = Json::parse(host.call("search", input).output);
  EXPECT_EQ(output["resources"].size(), 3U);
  EXPECT_EQ(output["complete"], false);
}

TEST(Search, DoesNotFollowALinkToAnotherServer) {
  for (const char* link : {"https://evil.example/fhir?page=2",
                           "https://ehr.example.sa/fhirx?page=2", "//evil.example/x"}) {
    TestHost host(kConfig);
    host.outside = [link](const Request&) {
      Json bundle = Json::parse(R"({"resourceType": "Bundle", "link": [{"relation": "next"}]})");
      bundle["link"][0]["url"] = link;
      return Answer{.status = 200, .body = bundle.dump()};
    };
    const auto outcome = host.call("search", {{"type", "Patient"}});
    EXPECT_EQ(outcome.code, "fhir.foreign_link") << link;
    EXPECT_EQ(host.requests.size(), 1U) << link;
  }
}

TEST(Read, GivesTheResource) {
  TestHost host(kConfig);
  host.outside = [](const Request&) {
    return Answer{.status = 200,
                  .body = R"({"resourceType":"Patient","id":"p1","meta":{"versionId":"9"}})"};
  };
  const Json output = Json::parse(host.call("read", {{"type", "Patient"}, {"id", "p1"}}).output);
  EXPECT_EQ(output["resource"]["id"], "p1");
  EXPECT_EQ(output["versionId"], "9");
  EXPECT_EQ(host.requests[0].url(), "https://ehr.example.sa/fhir/Patient/p1");
}

// The patients with the identifier that is asked for, unless they have one.
std::string identified(const std::string& patients) {
  Json out = Json::parse(patients);
  for (Json& item : out) {
    if (!item.contains("identifier"))
      item["identifier"] = Json::parse(R"([{"system": "urn:ni", "value": "1000000008"}])");
  }
  return out.dump();
}

Json bundle_of(const std::string& resources) {
  Json bundle = Json::parse(R"({"resourceType": "Bundle", "type": "searchset", "entry": []})");
  for (const Json& item : Json::parse(resources)) bundle["entry"].push_back({{"resource", item}});
  return bundle;
}

TEST(ReadPatient, GivesThePatientAndTheCoverageThatCountsFirst) {
  TestHost host(kConfig);
  host.outside = [](const Request& request) {
    const bool patient = request.url().find("/Patient/") != std::string::npos;
    return Answer{
        .status = 200,
        .body =
            (patient
                 ? bundle_of(R"([{"resourceType": "Patient", "id": "p1",
                   "identifier": [{"type": {"coding": [{"code": "NI"}]}, "system": "urn:ni", "value": "1000000008"}],
                   "name": [{"family": "Canaryfamily", "given": ["Sami"]}], "gender": "male", "birthDate": "1985-04-12"}])")
                 : bundle_of(
                       R"([{"resourceType": "Coverage", "id": "c2", "status": "active", "order": 2,
                   "beneficiary": {"reference": "Patient/p1"}, "identifier": [{"system": "urn:m", "value": "M-2"}]},
                  {"resourceType": "Coverage", "id": "c1", "status": "active", "order": 1,
                   "beneficiary": {"reference": "Patient/p1"}, "identifier": [{"system": "urn:m", "value": "M-1"}]},
                  {"resourceType": "Coverage", "id": "c3", "status": "active", "order": 0,
                   "beneficiary": {"reference": "Patient/other"}, "identifier": [{"system": "urn:m", "value": "M-3"}]}])"))
                .dump()};
  };
  const auto outcome =
      host.call("read-patient", {{"identifier", {{"system", "urn:ni"}, {"value", "1000000008"}}}});
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_EQ(Json::parse(outcome.output), Json::parse(R"({
    "found": true, "patientReference": "Patient/p1",
    "patient": {"identifier": {"system": "urn:ni", "value": "1000000008", "type": "NI"}, "name": "Sami Canaryfamily",
                "family": "Canaryfamily", "given": ["Sami"], "gender": "male", "birthDate": "1985-04-12"},
    "coverage": {"memberId": "M-1", "memberSystem": "urn:m"}})"));
  ASSERT_EQ(host.requests.size(), 2U);
  EXPECT_EQ(host.requests[0].body, "identifier=urn%3Ani%7C1000000008&_count=100");
  EXPECT_EQ(host.requests[1].url().substr(host.requests[1].url().find("/Coverage")),
            "/Coverage?beneficiary=Patient%2Fp1&_include=Coverage%3Apayor&_count=100");
}

// A record system with these patients, coverages and organisations. asked: the paths of GET.
struct RecordSystem {
  std::string patients;
  std::string coverages;
  std::string organization;
  std::vector<std::string> asked;

  // at: the time of the visit; null for now.
  Json read(const Json& at = nullptr) {
    TestHost host(kConfig);
    host.outside = [this](const Request& request) {
      const std::string url = request.url();
      const std::string path = url.substr(url.find("/fhir/") + 5);
      if (request.method() != "POST") asked.push_back(path.substr(0, path.find('?')));
      const auto answer = [](const Json& body) {
        return Answer{.status = 200, .body = body.dump()};
      };
      if (path.starts_with("/Patient/_search")) return answer(bundle_of(identified(patients)));
      if (path.starts_with("/Coverage")) return answer(bundle_of(coverages));
      if (path.starts_with("/Organization/") && !organization.empty())
        return answer(Json::parse(organization));
      for (const Json& item : Json::parse(patients)) {
        for (const Json& link : item.value("contained", Json::array())) {
          if (path == "/Patient/" + link["id"].get<std::string>()) return answer(link);
        }
      }
      return Answer{.status = 404};
    };
    const auto outcome =
        host.call("read-patient", {{"identifier", {{"value", "1000000008"}}}, {"at", at}});
    return outcome.kind == Kind::done ? Json::parse(outcome.output) : Json(outcome.code);
  }
};

constexpr const char* kPatient =
    R"([{"resourceType": "Patient", "id": "p1", "name": [{"text": "Sami"}]}])";
std::string cover(const std::string& payor, const std::string& more = "") {
  return R"([{"resourceType": "Coverage", "id": "c1", "status": "active", "beneficiary": {"reference": "Patient/p1"},
              "identifier": [{"value": "M-1"}], "payor": [)" +
         payor + "]" + more + "}]";
}

TEST(ReadPatient, ReadsWhoPays) {
  constexpr const char* kOther = R"({"resourceType": "Organization", "id": "o2", "name": "Other",
      "identifier": [{"system": "http://nphies.sa/license/payer-license", "value": "INS-2"}]})";
  const std::string by_reference = cover(R"({"reference": "Organization/o2"})");
  const auto payer = [](const RecordSystem& system) {
    RecordSystem own = system;
    const Json output = own.read();
    return output.contains("coverage") ? output["coverage"].value("payerLicence", "none")
                                       : "no insurer";
  };
  RecordSystem reads{kPatient, by_reference, kOther, {}};
  EXPECT_EQ(reads.read()["coverage"]["payerLicence"], "INS-2");
  EXPECT_EQ(reads.asked, (std::vector<std::string>{"/Coverage", "/Organization/o2"}));
  RecordSystem included{
      kPatient, by_reference.substr(0, by_reference.size() - 1) + "," + kOther + "]", "", {}};
  EXPECT_EQ(included.read()["coverage"]["payerName"], "Other");
  EXPECT_EQ(included.asked, (std::vector<std::string>{"/Coverage"}));
  EXPECT_EQ(
      payer({kPatient,
             cover(R"({"reference": "https://ehr.example.sa/fhir/Organization/o2/_history/3"})"),
             kOther,
             {}}),
      "INS-2");
  EXPECT_EQ(
      payer({kPatient,
             cover(R"({"reference": "#o2"})", std::string(R"(, "contained": [)") + kOther + "]"),
             "",
             {}}),
      "INS-2");
  EXPECT_EQ(payer({kPatient, cover(R"({"identifier": {"value": "INS-3"}})"), kOther, {}}), "none");
  // A payer that cannot be read is named all the same: no default takes the place.
  RecordSystem gone{kPatient, by_reference, "", {}};
  EXPECT_EQ(gone.read()["coverage"],
            Json::parse(R"({"memberId": "M-1", "payerName": "Organization/o2"})"));
  RecordSystem foreign{kPatient,
                       cover(R"({"reference": "https://other.example.sa/fhir/Organization/o2"})"),
                       kOther,
                       {}};
  EXPECT_FALSE(foreign.read()["coverage"].contains("payerLicence"));
  EXPECT_EQ(foreign.asked, (std::vector<std::string>{"/Coverage"}));
  EXPECT_EQ(payer({kPatient, cover(R"({"display": "Other"})"), kOther, {}}), "none");
  EXPECT_EQ(payer({kPatient, cover(R"({"reference": "Patient/p1"})"), kOther, {}}), "no insurer");
}

TEST(ReadPatient, TakesACoverageThatIsInForceNow) {
  RecordSystem system{kPatient, cover("{}", R"(, "period": {"end": "2001-12-31"})"), "", {}};
  EXPECT_FALSE(system.read().contains("coverage"));
  system.coverages = cover("{}", R"(, "period": {"start": "2001-12-31"})");
  EXPECT_TRUE(system.read().contains("coverage"));
}

// Symptom: a visit was billed to the patient since his coverage ended between visit and claim.
// Cause: the coverage of now was read. Caught by: the time of the visit.
TEST(ReadPatient, TakesTheCoverageOfTheTimeOfTheVisit) {
  RecordSystem system{kPatient, cover("{}", R"(, "period": {"end": "2001-12-31"})"), "", {}};
  EXPECT_TRUE(system.read("2001-12-31T23:30:00+03:00").contains("coverage"));
  EXPECT_TRUE(system.read("2001-12-31T20:30:00.125Z").contains("coverage"));
  EXPECT_TRUE(system.read(1'000'000'000).contains("coverage"));
  EXPECT_FALSE(system.read("2002-01-01T00:30:00+03:00").contains("coverage"));
  EXPECT_EQ(system.read("yesterday"), Json("fhir.input"));
}

// Symptom: an insured patient got a bill and nobody was asked. Cause: a coverage that cannot be
// used looked like none. Caught by: the warnings of a reading.
TEST(ReadPatient, SaysWhyThereIsNoCoverage) {
  const auto warnings = [](std::string coverages) {
    RecordSystem system{kPatient, std::move(coverages), "", {}};
    const Json out = system.read();
    EXPECT_FALSE(out.contains("coverage")) << out;
    return out.value("warnings", Json::array()).dump();
  };
  constexpr const char* kOver = R"(, "period": {"end": "2001-12-31"})";
  constexpr const char* kNotInForce = R"(["coverage.not_in_force"])";
  const auto without = [](std::string text, const std::string& part, const std::string& other) {
    return text.replace(text.find(part), part.size(), other);
  };
  EXPECT_EQ(warnings("[]"), "[]");
  EXPECT_EQ(warnings(cover("{}", kOver)), kNotInForce);
  EXPECT_EQ(warnings(without(cover("{}"), R"("identifier": [{"value": "M-1"}],)", "")),
            R"(["coverage.no_member_id"])");
  // Another's, one that was entered in error, and one that a person pays are none.
  EXPECT_EQ(warnings(without(cover("{}", kOver), "Patient/p1", "Patient/p2")), "[]");
  EXPECT_EQ(warnings(without(cover("{}"), "active", "entered-in-error")), "[]");
  EXPECT_EQ(warnings(cover(R"({"reference": "Patient/p1"})", kOver)), "[]");
  // It was called off or is a draft, and says no end, or one to come.
  for (const char* status : {"cancelled", "draft"}) {
    EXPECT_EQ(warnings(without(cover("{}"), "active", status)), kNotInForce) << status;
    EXPECT_EQ(
        warnings(without(cover("{}", R"(, "period": {"end": "2999-12-31"})"), "active", status)),
        kNotInForce)
        << status;
    EXPECT_EQ(warnings(without(cover("{}", kOver), "active", status)), "[]") << status;
    EXPECT_EQ(warnings(without(cover(R"({"reference": "Patient/p1"})"), "active", status)), "[]")
        << status;
  }
}

// Symptom: an insured patient got the bill of a visit over the API. Cause: a coverage that a person
// pays came first, and hid the insurer. Caught by: both on the record, in each order.
TEST(ReadPatient, AnInsurerInForceComesBeforeAPersonWhoPays) {
  const std::string self = cover(R"({"reference": "Patient/p1"})", R"(, "order": 1)");
  const std::string insurer = cover(R"({"display": "Other"})");
  const auto both = [](const std::string& text, const std::string& other) {
    return text.substr(0, text.size() - 1) + "," + other.substr(1);
  };
  for (const std::string& coverages : {both(self, insurer), both(insurer, self)}) {
    RecordSystem system{kPatient, coverages, "", {}};
    EXPECT_EQ(system.read()["coverage"]["payerName"], "Other");
  }
  RecordSystem alone{kPatient, self, "", {}};
  EXPECT_FALSE(alone.read().contains("coverage"));
}

// Symptom: an insurer got the claim that another one pays, and nobody was asked. Cause: of two
// coverages without an order the first that the server lists was taken. Caught by: each order.
TEST(ReadPatient, TwoInsurersOfWhichNoneComesFirstAreAskedAbout) {
  const auto both = [](const std::string& word, const std::string& other) {
    return word.substr(0, word.size() - 1) + "," + other.substr(1);
  };
  const std::string text = cover(R"({"display": "One"})");
  const std::string two = cover(R"({"display": "Two"})");
  for (const std::string& coverages : {both(text, two), both(two, text)}) {
    RecordSystem system{kPatient, coverages, "", {}};
    const Json out = system.read();
    EXPECT_FALSE(out.contains("coverage")) << out;
    EXPECT_EQ(out.value("warnings", Json()), Json::array({"coverage.not_in_force"}));
  }
  RecordSystem ordered{
      kPatient, both(text, cover(R"({"display": "Two"})", R"(, "order": 1)")), "", {}};
  EXPECT_EQ(ordered.read()["coverage"]["payerName"], "Two");
  RecordSystem same{kPatient, both(text, text), "", {}};
  EXPECT_EQ(same.read()["coverage"]["payerName"], "One");
}

// Symptom: a patient whose records were merged got a bill. Cause: the coverage names the record
// that was replaced. Caught by: a coverage of each record.
TEST(ReadPatient, TheCoverageOfARecordThatWasMergedIsHis) {
  const auto reads = [](const std::string& other, const std::string& of = "p0") {
    std::string coverages = cover("{}");
    coverages.replace(coverages.find("Patient/p1"), 10, "Patient/" + of);
    RecordSystem system{R"([{"resourceType": "Patient", "id": "p1",
        "link": [{"type": "replaces", "other": {"reference": "Patient/p0"}}],
        "contained": [)" + other +
                            "]}]",
                        coverages,
                        "",
                        {}};
    return system.read().contains("coverage");
  };
  const auto record = [](const std::string& more) {
    return R"({"resourceType": "Patient", "id": "p0")" + more + "}";
  };
  const auto into = [](const std::string& id) {
    return R"(, "active": false, "link": [{"type": "replaced-by", "other": {"reference": "Patient/)" +
           id + R"("}}])";
  };
  EXPECT_TRUE(reads(record(into("p1"))));
  EXPECT_TRUE(reads(record(R"(, "active": false)")));
  EXPECT_TRUE(reads("")) << "the record is gone";
  // The other record says otherwise.
  EXPECT_FALSE(reads(record(R"(, "active": true)")));
  EXPECT_FALSE(reads(record(into("p9"))));
  // One that replaced the replaced one.
  const std::string older = record(into("p1"));
  EXPECT_TRUE(reads(older.substr(0, older.size() - 2) +
                        R"(, {"type": "replaces", "other": {"reference": "Patient/p00"}}]},
                    {"resourceType": "Patient", "id": "p00", "active": false})",
                    "p00"));
  // Only the record that was merged has the identifier.
  RecordSystem system{
      "[" + record(into("p1") + R"(, "contained": [{"resourceType": "Patient", "id": "p1"}])") +
          "]",
      cover("{}"),
      "",
      {}};
  system.coverages.replace(system.coverages.find("Patient/p1"), 10, "Patient/p0");
  EXPECT_TRUE(system.read().contains("coverage"));
  EXPECT_EQ(system.asked, (std::vector<std::string>{"/Patient/p1", "/Coverage", "/Coverage"}));
}

TEST(ReadPatient, APatientWhoWasMergedIsTheOneWhoReplacesHim) {
  const std::string living = R"({"resourceType": "Patient", "id": "p1", "active": true})";
  const std::string merged = R"({"resourceType": "Patient", "id": "p0", "active": false,
      "link": [{"type": "replaced-by", "other": {"reference": "Patient/p1"}}])";
  const auto patient = [](const std::string& patients) {
    RecordSystem system{patients, "[]", "", {}};
    const Json out = system.read();
    return out.is_object() ? out.value("patientReference", "none") : out.get<std::string>();
  };
  EXPECT_EQ(patient("[" + merged + "}," + living + "]"), "Patient/p1");
  EXPECT_EQ(patient("[" + living + "," + merged + "}]"), "Patient/p1");
  EXPECT_EQ(patient(R"([{"resourceType": "Patient", "id": "p0", "active": false},)" + living + "]"),
            "Patient/p1");
  EXPECT_EQ(patient("[" + merged + R"(, "contained": [)" + living + "]}]"), "Patient/p1");
  EXPECT_EQ(patient("[" + merged + "}," + merged + R"(, "contained": [)" + living + "]}]"),
            "Patient/p1");
  EXPECT_EQ(patient("[" + merged + "}]"), "none");
  EXPECT_EQ(patient(R"([{"resourceType": "Patient", "id": "p0", "active": false}])"), "Patient/p0");
  EXPECT_EQ(patient("[" + living + R"(, {"resourceType": "Patient", "id": "p2"}])"),
            "fhir.several");
}

TEST(Search, FollowsLinksOfEveryFormOnItsServer) {
  const auto follows = [](const std::string& link) {
    TestHost host(R"({"base_url": "https://ehr.example.sa/fhir"})");
    host.outside = [&](const Request&) {
      Json bundle = bundle_of("[]");
      if (host.requests.size() == 1)
        bundle["link"] = Json::array({Json::object({{"relation", "next"}, {"url", link}})});
      return Answer{.status = 200, .body = bundle.dump()};
    };
    const auto outcome = host.call("search", {{"type", "Patient"}});
    return outcome.kind == Kind::done ? host.requests.back().url() : outcome.code;
  };
  const std::string next = "https://ehr.example.sa/fhir/Patient?page=2";
  for (const char* link :
       {"https://ehr.example.sa/fhir/Patient?page=2", "HTTPS://EHR.Example.SA/fhir/Patient?page=2",
        "https://ehr.example.sa:443/fhir/Patient?page=2", "//ehr.example.sa/fhir/Patient?page=2",
        "/fhir/Patient?page=2", "Patient?page=2"})
    EXPECT_EQ(follows(link), next) << link;
  EXPECT_EQ(follows("?page=2"), "https://ehr.example.sa/fhir?page=2");
  EXPECT_EQ(follows("/fhir?a=https://x/y"), "https://ehr.example.sa/fhir?a=https://x/y");
  for (const char* link :
       {"http://ehr.example.sa/fhir/Patient?page=2", "https://ehr.example.sa:8443/fhir/Patient",
        "https://ehr.example.sa.other.sa/fhir/Patient",
        "https://ehr.example.sa@other.sa/fhir/Patient", "https://a@ehr.example.sa/fhir/Patient",
        "//other.sa/fhir/Patient", "/other/Patient", "/fhirother/Patient", "/fhir/../other",
        "/fhir/%2E%2e/other", "/fhir/./x", "../other", "https://ehr.example.sa\\@other.sa/fhir",
        "ftp://ehr.example.sa/fhir"})
    EXPECT_EQ(follows(link), "fhir.foreign_link") << link;
}

TEST(Moved, ARequestIsMadeAgainWhereTheServerSays) {
  const auto reads = [](int status, const std::string& place) {
    TestHost host(R"({"base_url": "https://ehr.example.sa/fhir"})");
    host.outside = [&](const Request& request) {
      if (request.url().ends_with("/new"))
        return Answer{.status = 200, .body = R"({"resourceType": "Patient", "id": "p1"})"};
      return Answer{.status = status,
                    .headers = Json::array({Json::array({"location", place})}).dump()};
    };
    const auto outcome = host.call("read", {{"type", "Patient"}, {"id", "p1"}});
    return std::to_string(host.requests.size()) + " " +
           (outcome.kind == Kind::done ? "done" : outcome.code);
  };
  EXPECT_EQ(reads(307, "https://ehr.example.sa/new"), "2 done");
  EXPECT_EQ(reads(308, "/r4/new"), "2 done");
  EXPECT_EQ(reads(308, "https://other.example.sa/new"), "1 fhir.308");
  EXPECT_EQ(reads(308, "http://ehr.example.sa/new"), "1 fhir.308");
  EXPECT_EQ(reads(308, ""), "1 fhir.308");
  EXPECT_EQ(reads(302, "/new"), "1 fhir.302");
  EXPECT_EQ(reads(307, "/again"), "4 fhir.307");
  // The body and the method go with it.
  TestHost host(R"({"base_url": "https://ehr.example.sa/fhir"})");
  host.outside = [&](const Request&) {
    if (host.requests.size() == 1)
      return Answer{.status = 308, .headers = R"([["location", "/new"]])"};
    return Answer{.status = 200, .body = bundle_of("[]").dump()};
  };
  EXPECT_EQ(host.call("search", {{"type", "Patient"}}).kind, Kind::done);
  ASSERT_EQ(host.requests.size(), 2U);
  EXPECT_EQ(host.requests[1].method(), "POST");
  EXPECT_EQ(host.requests[1].body, host.requests[0].body);
}

TEST(ReadPatient, SaysThatNobodyOrMoreThanOneIsThere) {
  for (const auto& [found, expected] :
       {std::pair{"[]", ""},
        std::pair{
            R"([{"resourceType": "Patient", "id": "1"}, {"resourceType": "Patient", "id": "2"}])",
            "fhir.several"},
        // A server may ignore the parameter and answer with whom nobody asked for.
        std::pair{
            R"([{"resourceType": "Patient", "id": "1", "identifier": [{"value": "1000000009"}]}])",
            ""}}) {
    TestHost host(kConfig);
    host.outside = [found = std::string(found)](const Request&) {
      return Answer{.status = 200, .body = bundle_of(identified(found)).dump()};
    };
    const auto outcome = host.call("read-patient", {{"identifier", {{"value", "1000000008"}}}});
    EXPECT_EQ(outcome.code, expected);
    if (outcome.kind == Kind::done) {
      EXPECT_EQ(outcome.output, R"({"found":false})");
    }
  }
}

TEST(Failure, IsClassifiedAndQuotesNothing) {
  struct Case {
    Answer answer;
    Kind kind;
    const char* code;
    std::int64_t wait;
  };
  const std::string issue =
      R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","diagnostics":"Canaryname"},)"
      R"({"code":"Canary Name"}]})";
  const Case cases[] = {
      {{.status = 400, .body = issue}, Kind::permanent, "fhir.400", 0},
      {{.status = 401, .body = issue}, Kind::permanent, "fhir.401", 0},
      {{.status = 422, .body = issue}, Kind::permanent, "fhir.422", 0},
      {{.status = 412, .body = issue}, Kind::permanent, "fhir.several", 0},
      {{.status = 409, .body = issue}, Kind::transient, "fhir.409", 0},
      {{.status = 429, .headers = R"([["retry-after","7"]])"}, Kind::transient, "fhir.429", 7000},
      {{.status = 429}, Kind::transient, "fhir.429", 1000},
      {{.status = 503, .headers = R"([["retry-after","2"]])"}, Kind::transient, "fhir.503", 2000},
      {{.status = 201, .body = "<html>"}, Kind::transient, "fhir.unreadable", 0},
      {{.sent = RABT_SENT_NO, .status = 0, .error = "connect"},
       Kind::transient,
       "fhir.no_answer.connect",
       0},
      {{.sent = RABT_SENT_MAYBE, .status = 0, .error = "timeout"},
       Kind::transient,
       "fhir.no_answer.timeout",
       0},
      {{.sent = RABT_SENT_NO, .status = 0, .error = "no_secret"},
       Kind::permanent,
       "fhir.no_answer.no_secret",
       0},
      {{.sent = RABT_SENT_MAYBE, .status = 0, .error = "cancelled"},
       Kind::cancelled,
       "fhir.no_answer.cancelled",
       0}};
  for (const Case& each : cases) {
    TestHost host(kConfig);
    host.outside = [&](const Request&) { return each.answer; };
    const auto outcome = host.call("write-encounter", visit());
    EXPECT_EQ(outcome.kind, each.kind) << each.code;
    EXPECT_EQ(outcome.code, each.code);
    EXPECT_EQ(outcome.retry_after_ms, each.wait) << each.code;
    EXPECT_EQ((outcome.message + outcome.detail).find("Canary"), std::string::npos);
    if (outcome.code == "fhir.422") {
      EXPECT_EQ(outcome.detail, R"({"issues":["invalid"],"status":422})");
    }
  }
}

TEST(Settings, AreChecked) {
  EXPECT_FALSE(TestHost("{}").started());
  EXPECT_NE(TestHost(R"({"base_url": "ehr.example.sa"})").problem.find("base_url"),
            std::string::npos);
}

}  // namespace
}  // namespace rabt::fhir::actions_test
