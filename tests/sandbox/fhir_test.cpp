#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/sandbox/client.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/fhir_rules.hpp"
#include "tools/sandbox/server.hpp"

namespace rabt::sandbox::fhir_test {
namespace {

using testing::call;
using testing::Reply;

Json patient(const std::string& value) {
  return {{"resourceType", "Patient"},
          {"identifier", Json::array({{{"system", "urn:ids"}, {"value", value}}})},
          {"name", Json::array({{{"family", "Example"}, {"given", {"Test"}}}})}};
}

Json appointment(const std::string& reference, const std::string& start, const std::string& end) {
  return {{"resourceType", "Appointment"},
          {"status", "booked"},
          {"start", start},
          {"end", end},
          {"participant",
           Json::array({{{"actor", {{"reference", reference}}}, {"status", "accepted"}}})}};
}

class FhirServer : public ::testing::Test {
 protected:
  FhirServer() { start(Json::object()); }
  void start(const Json& options) {
    sandbox_.reset();
    sandbox_ = std::make_unique<Sandbox>(
        Settings{.port_base = 0, .hub = {}, .ledger_file = {}, .options = {{"fhir", options}}},
        std::vector<StandIn>{{"fhir", make_fhir}});
  }
  [[nodiscard]] std::string url(const std::string& path) const {
    return path.starts_with("http") ? path : sandbox_->url("fhir") + "/fhir" + path;
  }
  Reply get(const std::string& path, const Pairs& headers = {}) {
    return call("GET", url(path), headers);
  }
  Reply send(const std::string& method, const std::string& path, const Json& body,
             Pairs headers = {}) {
    headers.emplace_back("Content-Type", "application/fhir+json");
    return call(method, url(path), headers, body.dump());
  }
  std::string create(const Json& resource) {
    const Reply reply = send("POST", "/" + resource["resourceType"].get<std::string>(), resource);
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.json().value("id", "");
  }
  std::size_t total(const std::string& path) {
    const Reply reply = get(path);
    EXPECT_EQ(reply.status, 200) << path << " " << reply.body;
    return reply.json().value("total", std::size_t{999});
  }
  static void expect_outcome(const Reply& reply, int status, const std::string& code) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.json()["resourceType"], "OperationOutcome");
    EXPECT_EQ(reply.json()["issue"][0]["code"], code) << reply.body;
  }
  [[nodiscard]] std::size_t created() { return sandbox_->ledger().count("resource.created"); }

  std::unique_ptr<Sandbox> sandbox_;
};

TEST_F(FhirServer, CreateAnswersLocationAndVersionAndCanBeRead) {
  const Reply reply = send("POST", "/Patient", patient("1"));
  ASSERT_EQ(reply.status, 201);
  const std::string id = reply.json()["id"];
  EXPECT_EQ(reply.header("etag"), "W/\"1\"");
  EXPECT_EQ(reply.header("location"), url("/Patient/" + id + "/_history/1"));
  EXPECT_EQ(reply.header("content-type"), "application/fhir+json; charset=utf-8");
  const Reply read = get("/Patient/" + id);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.header("etag"), "W/\"1\"");
  EXPECT_TRUE(read.header("last-modified").ends_with(" GMT"));
  EXPECT_EQ(read.json()["meta"]["versionId"], "1");
  EXPECT_EQ(read.json()["name"], patient("1")["name"]);
  EXPECT_EQ(get("/Patient/" + id, {{"If-None-Match", "W/\"1\""}}).status, 304);
  EXPECT_EQ(get(reply.header("location")).json(), read.json());
  EXPECT_EQ(sandbox_->ledger().count("resource.created", "Patient/urn:ids|1"), 1U);
}

TEST_F(FhirServer, ConditionalCreateMakesOneResourceHoweverOftenItIsSent) {
  const Pairs condition = {{"If-None-Exist", "identifier=urn:ids%7C5"}};
  const Reply first = send("POST", "/Patient", patient("5"), condition);
  EXPECT_EQ(first.status, 201);
  const Reply second = send("POST", "/Patient", patient("5"), condition);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.json()["id"], first.json()["id"]);
  EXPECT_EQ(second.header("location"), first.header("location"));
  EXPECT_EQ(created(), 1U);
  create(patient("5"));  // unconditional: now there are two
  expect_outcome(send("POST", "/Patient", patient("5"), condition), 412, "multiple-matches");
  EXPECT_EQ(created(), 2U);
  expect_outcome(send("POST", "/Patient", patient("6"), {{"If-None-Exist", "shoe-size=44"}}), 400,
                 "not-supported");
}

TEST_F(FhirServer, UpdateNeedsTheCurrentVersionWhenIfMatchIsGiven) {
  const std::string id = create(patient("1"));
  Json changed = patient("1");
  changed["id"] = id;
  changed["gender"] = "female";
  const Reply updated = send("PUT", "/Patient/" + id, changed, {{"If-Match", "W/\"1\""}});
  EXPECT_EQ(updated.status, 200);
  EXPECT_EQ(updated.header("etag"), "W/\"2\"");
  expect_outcome(send("PUT", "/Patient/" + id, changed, {{"If-Match", "W/\"1\""}}), 412,
                 "conflict");
  EXPECT_EQ(get("/Patient/" + id).json()["meta"]["versionId"], "2");
  EXPECT_FALSE(get("/Patient/" + id + "/_history/1").json().contains("gender"));
  expect_outcome(get("/Patient/" + id + "/_history/9"), 404, "not-found");
  EXPECT_EQ(get("/Patient/" + id + "/_history").json()["entry"].size(), 2U);
  EXPECT_EQ(sandbox_->ledger().count("resource.updated"), 1U);
}

TEST_F(FhirServer, PutCreatesAndChecksTheId) {
  Json resource = patient("1");
  resource["id"] = "pat-1";
  EXPECT_EQ(send("PUT", "/Patient/pat-1", resource).status, 201);
  EXPECT_EQ(send("PUT", "/Patient/pat-1", resource).status, 200);
  expect_outcome(send("PUT", "/Patient/pat-2", resource), 400, "invalid");
  expect_outcome(send("PUT", "/Patient/pat-3", resource, {{"If-Match", "W/\"1\""}}), 400,
                 "invalid");
  resource["id"] = "pat-3";
  expect_outcome(send("PUT", "/Patient/pat-3", resource, {{"If-Match", "W/\"1\""}}), 412,
                 "conflict");
}

TEST_F(FhirServer, ConditionalUpdateCreatesThenUpdatesThenRefusesSeveral) {
  EXPECT_EQ(send("PUT", "/Patient?identifier=urn:ids%7C1", patient("1")).status, 201);
  const Reply updated = send("PUT", "/Patient?identifier=urn:ids%7C1", patient("1"));
  EXPECT_EQ(updated.status, 200);
  EXPECT_EQ(updated.json()["meta"]["versionId"], "2");
  create(patient("1"));
  expect_outcome(send("PUT", "/Patient?identifier=urn:ids%7C1", patient("1")), 412,
                 "multiple-matches");
}

TEST_F(FhirServer, DeletedResourcesAnswer410AndLeaveTheSearches) {
  const std::string id = create(patient("1"));
  EXPECT_EQ(call("DELETE", url("/Patient/" + id)).status, 204);
  expect_outcome(get("/Patient/" + id), 410, "deleted");
  expect_outcome(get("/Patient/never"), 404, "not-found");
  EXPECT_EQ(total("/Patient?identifier=urn:ids%7C1"), 0U);
  EXPECT_EQ(call("DELETE", url("/Patient/" + id)).status, 204);
  EXPECT_EQ(sandbox_->ledger().count("resource.deleted"), 1U);
  Json again = patient("1");
  again["id"] = id;
  EXPECT_EQ(send("PUT", "/Patient/" + id, again).status, 201);
  EXPECT_EQ(get("/Patient/" + id).json()["meta"]["versionId"], "3");
}

TEST_F(FhirServer, TokensMatchBySystemAndValue) {
  create(patient("1"));
  create(patient("2"));
  Json bare = patient("1");
  bare["identifier"][0].erase("system");
  create(bare);
  EXPECT_EQ(total("/Patient?identifier=urn:ids%7C1"), 1U);
  EXPECT_EQ(total("/Patient?identifier=%7C1"), 1U);
  EXPECT_EQ(total("/Patient?identifier=1"), 2U);
  EXPECT_EQ(total("/Patient?identifier=urn:ids%7C"), 2U);
  EXPECT_EQ(total("/Patient?identifier=urn:ids%7C1,urn:ids%7C2"), 2U);
  EXPECT_EQ(total("/Patient?identifier:not=urn:ids%7C1"), 2U);
  EXPECT_EQ(total("/Patient?gender:missing=true"), 3U);
  EXPECT_EQ(total("/Patient?family=exam&given=Test"), 3U);
  EXPECT_EQ(total("/Patient?family:exact=exam"), 0U);
  const Reply posted =
      call("POST", url("/Patient/_search"), {{"Content-Type", "application/x-www-form-urlencoded"}},
           "identifier=urn%3Aids%7C2");
  EXPECT_EQ(posted.json()["total"], 1);
}

TEST_F(FhirServer, ReferencesAndChains) {
  const std::string text = create(patient("1"));
  const std::string two = create(patient("2"));
  create(appointment("Patient/" + text, "2026-03-10T09:00:00+03:00", "2026-03-10T09:20:00+03:00"));
  create(appointment(url("/Patient/" + two), "2026-03-11T09:00:00Z", "2026-03-11T09:20:00Z"));
  EXPECT_EQ(total("/Appointment?patient=Patient/" + text), 1U);
  EXPECT_EQ(total("/Appointment?patient=" + two), 1U);
  EXPECT_EQ(total("/Appointment?actor=Patient/" + two), 1U);
  EXPECT_EQ(total("/Appointment?practitioner=Practitioner/" + text), 0U);
  EXPECT_EQ(total("/Appointment?patient.identifier=urn:ids%7C1"), 1U);
  EXPECT_EQ(total("/Appointment?patient.identifier=urn:ids%7C3"), 0U);
  EXPECT_EQ(total("/Appointment?status=booked&_id=none"), 0U);
  expect_outcome(get("/Appointment?patient:sideways=1"), 400, "not-supported");
}

TEST_F(FhirServer, DatesComparePrecisionAndZone) {
  create(appointment("Patient/x", "2026-03-10T01:00:00+03:00", "2026-03-10T01:20:00+03:00"));
  EXPECT_EQ(total("/Appointment?date=2026-03-09"), 1U);  // 22:00 UTC the day before
  EXPECT_EQ(total("/Appointment?date=2026-03-10"), 0U);
  EXPECT_EQ(total("/Appointment?date=2026-03"), 1U);
  EXPECT_EQ(total("/Appointment?date=ge2026-03-09&date=lt2026-03-10"), 1U);
  EXPECT_EQ(total("/Appointment?date=gt2026-03-09"), 0U);
  EXPECT_EQ(total("/Appointment?date=le2026-03-08"), 0U);
  EXPECT_EQ(total("/Appointment?date=2026-03-10T01:00:00%2B03:00"), 1U);
  EXPECT_EQ(total("/Appointment?date=ne2026"), 0U);
  expect_outcome(get("/Appointment?date=yesterday"), 400, "not-supported");
}

TEST_F(FhirServer, PagesFollowNextToTheEnd) {
  for (int i = 0; i < 7; ++i) create(patient("p" + std::to_string(i)));
  std::vector<std::string> seen;
  std::string next = "/Patient?_count=3&family=Example";
  int pages = 0;
  while (!next.empty() && pages < 9) {
    const Json bundle = get(next).json();
    EXPECT_EQ(bundle["type"], "searchset");
    EXPECT_EQ(bundle["total"], 7);
    for (const Json& entry : bundle["entry"]) {
      seen.push_back(entry["resource"]["identifier"][0]["value"]);
      EXPECT_EQ(entry["search"]["mode"], "match");
    }
    next.clear();
    for (const Json& link : bundle["link"]) {
      if (link["relation"] == "next") next = link["url"];
    }
    ++pages;
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, (std::vector<std::string>{"p0", "p1", "p2", "p3", "p4", "p5", "p6"}));
  EXPECT_EQ(get("/Patient?_sort=-identifier&_count=1")
                .json()["entry"][0]["resource"]["identifier"][0]["value"],
            "p6");
  EXPECT_FALSE(get("/Patient?_summary=count").json().contains("entry"));
}

TEST_F(FhirServer, IncludesWhatAReferenceMeans) {
  const std::string payer =
      create(Json::parse(R"({"resourceType": "Organization", "name": "Example Insurer"})"));
  Json cover = Json::parse(
      R"({"resourceType": "Coverage", "status": "active", "beneficiary": {"reference": "Patient/1"}})");
  cover["payor"] = Json::array({Json::object({{"reference", "Organization/" + payer}})});
  create(cover);
  create(cover);
  const Json bundle = get("/Coverage?beneficiary=Patient/1&_include=Coverage:payor").json();
  EXPECT_EQ(bundle["total"], 2);
  ASSERT_EQ(bundle["entry"].size(), 3U);
  EXPECT_EQ(bundle["entry"][2]["search"]["mode"], "include");
  EXPECT_EQ(bundle["entry"][2]["resource"]["id"], payer);
  EXPECT_EQ(get("/Coverage?beneficiary=Patient/1").json()["entry"].size(), 2U);
  EXPECT_EQ(get("/Coverage?beneficiary=Patient/1&_include=Coverage:nothing").status, 400);
}

Json post_entry(const std::string& full_url, const Json& resource,
                const std::string& if_none_exist = "") {
  Json request = {{"method", "POST"}, {"url", resource["resourceType"]}};
  if (!if_none_exist.empty()) request["ifNoneExist"] = if_none_exist;
  return {{"fullUrl", full_url}, {"resource", resource}, {"request", request}};
}

Json bundle_of(const std::string& type, Json entries) {
  return {{"resourceType", "Bundle"}, {"type", type}, {"entry", std::move(entries)}};
}

TEST_F(FhirServer, TransactionResolvesUrnReferencesWhateverTheOrder) {
  const std::string urn = "urn:uuid:11111111-1111-4111-8111-111111111111";
  const Json meeting = appointment(urn, "2026-03-10T09:00:00Z", "2026-03-10T09:20:00Z");
  const Json body =
      bundle_of("transaction",
                Json::array({post_entry("urn:uuid:22222222-2222-4222-8222-222222222222", meeting),
                             post_entry(urn, patient("7"), "identifier=urn:ids|7")}));
  const Reply first = send("POST", "", body);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.json()["type"], "transaction-response");
  ASSERT_EQ(first.json()["entry"].size(), 2U);
  EXPECT_EQ(first.json()["entry"][0]["response"]["status"], "201 Created");
  const std::string id = first.json()["entry"][1]["resource"]["id"];
  EXPECT_EQ(first.json()["entry"][0]["resource"]["participant"][0]["actor"]["reference"],
            "Patient/" + id);
  EXPECT_EQ(created(), 2U);

  const Reply second = send("POST", "", body);  // the patient exists: it is found, and referred to
  EXPECT_EQ(second.json()["entry"][1]["response"]["status"], "200 OK");
  EXPECT_EQ(second.json()["entry"][0]["resource"]["participant"][0]["actor"]["reference"],
            "Patient/" + id);
  EXPECT_EQ(total("/Patient"), 1U);
}

TEST_F(FhirServer, AFailedTransactionLeavesNothingBehind) {
  const std::string kept = create(patient("0"));
  Json changed = patient("changed");
  changed["id"] = kept;
  const Json put = {{"resource", changed},
                    {"request", {{"method", "PUT"}, {"url", "Patient/" + kept}}}};
  Json broken = appointment("Patient/x", "2026-03-10T09:00:00Z", "2026-03-10T09:20:00Z");
  broken.erase("status");
  const Json bad_put = {{"resource", broken},
                        {"request", {{"method", "PUT"}, {"url", "Appointment/a"}}}};
  broken["id"] = "a";
  const Reply reply =
      send("POST", "",
           bundle_of("transaction",
                     Json::array({post_entry("urn:uuid:1", patient("1")), put, bad_put})));
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("Bundle.entry[2]"), std::string::npos) << reply.body;
  EXPECT_EQ(total("/Patient"), 1U);
  EXPECT_EQ(total("/Patient?identifier=urn:ids%7C1"), 0U);
  EXPECT_EQ(total("/Patient?identifier=urn:ids%7C0"), 1U);
  EXPECT_EQ(total("/Patient?identifier=urn:ids%7Cchanged"), 0U);
  EXPECT_EQ(get("/Patient/" + kept).json()["meta"]["versionId"], "1");
  EXPECT_EQ(created(), 1U);
  EXPECT_EQ(sandbox_->ledger().count("resource.updated"), 0U);

  const Json dangling = appointment("urn:uuid:9", "2026-03-10T09:00:00Z", "2026-03-10T09:20:00Z");
  expect_outcome(
      send("POST", "", bundle_of("transaction", Json::array({post_entry("urn:uuid:2", dangling)}))),
      400, "not-found");
}

TEST_F(FhirServer, ABatchKeepsWhatWorked) {
  const Json entries =
      Json::array({post_entry("urn:uuid:1", patient("1")),
                   {{"request", {{"method", "GET"}, {"url", "Patient/none"}}}},
                   {{"request", {{"method", "GET"}, {"url", "Patient?identifier=urn:ids%7C1"}}}}});
  const Json answer = send("POST", "", bundle_of("batch", entries)).json();
  EXPECT_EQ(answer["type"], "batch-response");
  EXPECT_EQ(answer["entry"][0]["response"]["status"], "201 Created");
  EXPECT_EQ(answer["entry"][1]["response"]["status"], "404");
  EXPECT_EQ(answer["entry"][1]["response"]["outcome"]["resourceType"], "OperationOutcome");
  EXPECT_EQ(answer["entry"][2]["resource"]["total"], 1);
}

TEST_F(FhirServer, BadInputGetsAnOperationOutcome) {
  const Pairs json = {{"Content-Type", "application/fhir+json"}};
  expect_outcome(call("POST", url("/Patient"), json, "{"), 400, "structure");
  expect_outcome(call("POST", url("/Patient"), json, "[]"), 400, "structure");
  expect_outcome(send("POST", "/Patient", {{"resourceType", "Encounter"}}), 400, "invalid");
  expect_outcome(call("POST", url("/Patient"), {{"Content-Type", "text/plain"}}, "{}"), 415,
                 "not-supported");
  expect_outcome(get("/Patient", {{"Accept", "application/fhir+xml"}}), 406, "not-supported");
  expect_outcome(get("/Martian/1"), 404, "not-supported");
  expect_outcome(call("POST", url("/Patient"), json, std::string(200, '[')), 400, "structure");
  EXPECT_EQ(created(), 0U);
}

TEST_F(FhirServer, MissingRequiredElementsAre422AndNamed) {
  Json meeting = appointment("Patient/1", "2026-03-10T09:00:00Z", "2026-03-10T09:20:00Z");
  const auto refused = [&](const Json& resource, const std::string& element) {
    const Reply reply = send("POST", "/" + resource["resourceType"].get<std::string>(), resource);
    expect_outcome(reply, 422, "required");
    EXPECT_NE(reply.body.find(element), std::string::npos) << reply.body;
  };
  Json wrong = meeting;
  wrong.erase("status");
  refused(wrong, "Appointment.status");
  wrong = meeting;
  wrong["participant"][0].erase("status");
  refused(wrong, "Appointment.participant.status");
  wrong = meeting;
  wrong.erase("end");
  refused(wrong, "app-2");
  wrong = meeting;
  wrong["status"] = "done";
  refused(wrong, "Appointment.status");
  refused({{"resourceType", "Encounter"}, {"status", "finished"}}, "Encounter.class");
  refused({{"resourceType", "DocumentReference"},
           {"status", "current"},
           {"content", Json::array({Json::object({{"x", 1}})})}},
          "DocumentReference.content.attachment");
  refused({{"resourceType", "Coverage"}, {"status", "active"}}, "Coverage.beneficiary");
  refused({{"resourceType", "Organization"}}, "Organization.name");
  refused({{"resourceType", "Patient"}, {"identifier", {{"value", "1"}}}}, "must be a list");
  EXPECT_EQ(created(), 0U);
}

TEST_F(FhirServer, ABearerTokenIsRequiredWhenOneIsSet) {
  start({{"token", "secret"}});
  EXPECT_EQ(get("/metadata").status, 200);
  expect_outcome(get("/Patient"), 401, "login");
  expect_outcome(get("/Patient", {{"Authorization", "Bearer wrong"}}), 401, "login");
  EXPECT_EQ(get("/Patient", {{"Authorization", "Bearer secret"}}).status, 200);
}

TEST_F(FhirServer, PreloadedResourcesAreThereButAreNoEffects) {
  Json resource = patient("pre");
  resource["id"] = "pre-1";
  start({{"preload", Json::array({resource})}});
  EXPECT_EQ(get("/Patient/pre-1").status, 200);
  EXPECT_EQ(total("/Patient?identifier=urn:ids%7Cpre"), 1U);
  EXPECT_EQ(created(), 0U);
  EXPECT_THROW(start({{"preload", Json::array({{{"resourceType", "Encounter"}}})}}),
               std::runtime_error);
}

TEST_F(FhirServer, StatusFaultsAndTheCapabilityStatement) {
  testing::call_json("PUT", sandbox_->url("control") + "/faults/fhir",
                     Json::parse(R"([{"fault":"status","status":503,"times":1}])"));
  expect_outcome(get("/Patient"), 503, "transient");
  const Json statement = get("/metadata").json();
  EXPECT_EQ(statement["resourceType"], "CapabilityStatement");
  EXPECT_EQ(statement["fhirVersion"], "4.0.1");
  EXPECT_EQ(statement["rest"][0]["mode"], "server");
  EXPECT_GT(statement["rest"][0]["resource"].size(), 140U);
}

TEST_F(FhirServer, PreferMinimalAnswersWithoutABody) {
  const Reply reply = send("POST", "/Patient", patient("1"), {{"Prefer", "return=minimal"}});
  EXPECT_EQ(reply.status, 201);
  EXPECT_TRUE(reply.body.empty());
  EXPECT_FALSE(reply.header("location").empty());
}

TEST_F(FhirServer, TakesEveryExampleResource) {
  const char* const data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  std::size_t taken = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(data) + "/fhir/examples")) {
    if (file.path().extension() != ".json") continue;
    std::ifstream in(file.path());
    std::ostringstream text;
    text << in.rdbuf();
    const Json resource = Json::parse(text.str());
    const std::string type = resource["resourceType"];
    const Reply reply = send("POST", "/" + type, resource);
    EXPECT_EQ(reply.status, 201) << file.path().filename() << " " << reply.body;
    Json stored = get("/" + type + "/" + reply.json().value("id", "none")).json();
    stored.erase("meta");
    Json expected = resource;
    expected.erase("meta");
    expected["id"] = stored.value("id", "");
    EXPECT_EQ(stored, expected) << file.path().filename();
    ++taken;
  }
  EXPECT_GT(taken, 0U);
}

}  // namespace
}  // namespace rabt::sandbox::fhir_test
