#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "tools/sandbox/service.hpp"

namespace rabt::sandbox::nphies_test {
namespace {

const std::string kProfiles = "http://nphies.sa/fhir/ksa/nphies-fs/StructureDefinition/";
const std::string kCodes = "http://nphies.sa/terminology/CodeSystem/";
const std::string kHl7 = "http://terminology.hl7.org/CodeSystem/";
const std::string kBase = "https://clinic.example.sa/";
const std::string kProviders = "http://nphies.sa/license/provider-license";
const std::string kPayers = "http://nphies.sa/license/payer-license";

struct NoCallbacks final : Callbacks {
  void post(std::string url, std::vector<std::pair<std::string, std::string>>, std::string,
            std::uint32_t) override {
    calls.push_back(std::move(url));
  }
  std::vector<std::string> calls;
};

Json coding(const std::string& system, const std::string& code) {
  return {{"coding", Json::array({{{"system", system}, {"code", code}}})}};
}
Json profile(const std::string& name) {
  return {{"profile", Json::array({kProfiles + name + "|1.0.0"})}};
}
Json ext(const std::string& name, const std::string& type, Json value) {
  return {{"url", kProfiles + name}, {type, std::move(value)}};
}
Json sar(double value) {
  return {{"value", value}, {"currency", "SAR"}};
}
Json link_to(const std::string& local) {
  return {{"reference", kBase + local}};
}
Json id_of(const std::string& system, const std::string& value) {
  return {{"system", system}, {"value", value}};
}
Json party(const std::string& system, const std::string& value) {
  return {{"type", "Organization"}, {"identifier", id_of(system, value)}};
}
std::string guid(int kind, int number) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%08x-0000-4000-8000-%012x",
                static_cast<unsigned>(kind), static_cast<unsigned>(number));
  return buffer.data();
}

// One telemedicine visit of a fictional clinic, as messages.
struct Clinic {
  std::string licence = "PR-FHIR";
  std::string iqama = "2000000006";
  int next = 0;

  Json patient() const {
    return {{"resourceType", "Patient"},
            {"id", "p1"},
            {"meta", profile("patient")},
            {"extension", Json::array({ext("extension-occupation", "valueCodeableConcept",
                                           coding(kCodes + "occupation", "education"))})},
            {"identifier", Json::array({{{"type", coding(kHl7 + "v2-0203", "PRC")},
                                         {"system", "http://nphies.sa/identifier/iqama"},
                                         {"value", iqama}}})},
            {"active", true},
            {"name", Json::array({{{"text", "Fictional Person"}}})},
            {"gender", "female"},
            {"_gender",
             {{"extension",
               Json::array({ext("extension-ksa-administrative-gender", "valueCodeableConcept",
                                coding(kCodes + "ksa-administrative-gender", "female"))})}}},
            {"birthDate", "1990-05-17"},
            {"maritalStatus", coding(kHl7 + "v3-MaritalStatus", "M")}};
  }
  Json provider() const {
    return {{"resourceType", "Organization"},
            {"id", "prov"},
            {"meta", profile("provider-organization")},
            {"identifier", Json::array({id_of(kProviders, licence)})},
            {"active", true},
            {"type", Json::array({coding(kCodes + "organization-type", "prov")})},
            {"name", "Fictional Clinic"}};
  }
  static Json insurer() {
    return {{"resourceType", "Organization"},
            {"id", "ins"},
            {"meta", profile("insurer-organization")},
            {"identifier", Json::array({id_of(kPayers, "INS-FHIR")})},
            {"active", true},
            {"type", Json::array({coding(kCodes + "organization-type", "ins")})},
            {"name", "Fictional Insurer"}};
  }
  static Json coverage() {
    return {{"resourceType", "Coverage"},
            {"id", "cov"},
            {"meta", profile("coverage")},
            {"identifier", Json::array({id_of("http://insurer.example.sa/memberid", "MB-1")})},
            {"status", "active"},
            {"type", coding(kCodes + "coverage-type", "EHCPOL")},
            {"policyHolder", link_to("Organization/ins")},
            {"beneficiary", link_to("Patient/p1")},
            {"relationship", coding(kHl7 + "subscriber-relationship", "self")},
            {"payor", Json::array({link_to("Organization/ins")})},
            {"class",
             Json::array({{{"type", coding(kHl7 + "coverage-class", "plan")}, {"value", "P1"}}})}};
  }

  Json message(const std::string& event, const Json& focal, const std::vector<Json>& others,
               bool to_nphies = false) {
    const int number = ++next;
    const auto receiver =
        to_nphies ? party("http://nphies.sa/license/nphies", "NPHIES") : party(kPayers, "INS-FHIR");
    const auto type = focal.at("resourceType").get<std::string>();
    Json header{{"resourceType", "MessageHeader"},
                {"id", guid(2, number)},
                {"meta", profile("message-header")},
                {"eventCoding", {{"system", kCodes + "ksa-message-events"}, {"code", event}}},
                {"destination",
                 Json::array({{{"endpoint", "http://payer.example.sa"}, {"receiver", receiver}}})},
                {"sender", party(kProviders, licence)},
                {"source", {{"endpoint", "http://clinic.example.sa"}}},
                {"focus", Json::array({link_to(type + "/" + focal.at("id").get<std::string>())})}};
    auto entries = Json::array();
    entries.push_back({{"fullUrl", "urn:uuid:" + guid(2, number)}, {"resource", header}});
    auto all = others;
    all.insert(all.begin(), focal);
    for (const auto& one : all) {
      entries.push_back({{"fullUrl", kBase + one.at("resourceType").get<std::string>() + "/" +
                                         one.at("id").get<std::string>()},
                         {"resource", one}});
    }
    return {{"resourceType", "Bundle"},
            {"id", guid(1, number)},
            {"meta", profile("bundle")},
            {"type", "message"},
            {"timestamp", "2026-03-10T09:30:00+03:00"},
            {"entry", entries}};
  }

  static Json vital(const std::string& category, const std::string& unit,
                    const std::string& reason) {
    Json info{{"category", coding(kCodes + "claim-information-category", category)},
              {"timingPeriod",
               {{"start", "2026-03-10T09:00:00+03:00"}, {"end", "2026-03-10T09:20:00+03:00"}}}};
    if (reason.empty()) {
      info["valueQuantity"] = {
          {"value", 70}, {"system", "http://unitsofmeasure.org"}, {"code", unit}};
    } else {
      info["reason"] = coding(kCodes + reason, "999");
    }
    return info;
  }

  Json claim(const std::string& identifier, const std::string& use = "claim",
             const std::string& priority = "normal") {
    auto infos = Json::array();
    infos.push_back(vital("vital-sign-systolic", "", "blood-pressure-absence-reason"));
    infos.push_back(vital("vital-sign-diastolic", "mm[Hg]", ""));
    infos.push_back(vital("vital-sign-height", "cm", ""));
    infos.push_back(vital("vital-sign-weight", "kg", ""));
    infos.push_back(vital("pulse", "/min", ""));
    infos.push_back(vital("temperature", "", "tempurature-absence-reason"));
    infos.push_back(vital("oxygen-saturation", "%", ""));
    infos.push_back(vital("respiratory-rate", "/min", ""));
    for (const auto* name : {"history-of-present-illness", "physical-examination",
                             "patient-history", "treatment-plan"}) {
      infos.push_back({{"category", coding(kCodes + "claim-information-category", name)},
                       {"valueString", "text"}});
    }
    infos.push_back({{"category", coding(kCodes + "claim-information-category", "chief-complaint")},
                     {"code", {{"text", "cough"}}}});
    infos.push_back(
        {{"category", coding(kCodes + "claim-information-category", "investigation-result")},
         {"code", coding(kCodes + "investigation-result", "INP")}});
    auto sequences = Json::array();
    for (std::size_t i = 0; i < infos.size(); ++i) {
      infos[i]["sequence"] = i + 1;
      sequences.push_back(i + 1);
    }
    Json item{{"extension", Json::array({ext("extension-patient-share", "valueMoney", sar(20)),
                                         ext("extension-tax", "valueMoney", sar(15)),
                                         ext("extension-maternity", "valueBoolean", false),
                                         ext("extension-patientInvoice", "valueIdentifier",
                                             id_of(kBase + "invoice", "INV-1"))})},
              {"sequence", 1},
              {"careTeamSequence", Json::array({1})},
              {"diagnosisSequence", Json::array({1})},
              {"informationSequence", sequences},
              {"productOrService", coding(kCodes + "services", "83600-00-10")},
              {"servicedDate", "2026-03-10"},
              {"quantity", {{"value", 1}}},
              {"unitPrice", sar(100)},
              {"net", sar(115)}};
    Json focal{
        {"resourceType", "Claim"},
        {"id", "c1"},
        {"meta", profile(use == "claim" ? "professional-claim" : "professional-priorauth")},
        {"extension",
         Json::array({ext("extension-encounter", "valueReference", link_to("Encounter/e1")),
                      ext("extension-episode", "valueIdentifier", id_of(kBase + "episode", "EP-1")),
                      ext("extension-eligibility-response", "valueReference",
                          {{"identifier",
                            id_of("http://insurer.example.sa/eligibilityresponse", "R-1")}})})},
        {"identifier", Json::array({id_of(kBase + "claim", identifier)})},
        {"status", "active"},
        {"type", coding(kHl7 + "claim-type", "professional")},
        {"subType", coding(kCodes + "claim-subtype", "op")},
        {"use", use},
        {"patient", link_to("Patient/p1")},
        {"created", "2026-03-10T09:30:00+03:00"},
        {"insurer", link_to("Organization/ins")},
        {"provider", link_to("Organization/prov")},
        {"priority", coding(kHl7 + "processpriority", priority)},
        {"payee", {{"type", coding(kHl7 + "payeetype", "provider")}}},
        {"facility", link_to("Location/l1")},
        {"careTeam",
         Json::array({{{"sequence", 1},
                       {"provider", link_to("Practitioner/d1")},
                       {"role", coding(kHl7 + "claimcareteamrole", "primary")},
                       {"qualification", coding(kCodes + "practice-codes", "08.00")}}})},
        {"supportingInfo", infos},
        {"diagnosis",
         Json::array(
             {{{"sequence", 1},
               {"diagnosisCodeableConcept", coding("http://hl7.org/fhir/sid/icd-10-am", "J02.9")},
               {"type", Json::array({coding(kCodes + "diagnosis-type", "principal")})}}})},
        {"insurance",
         Json::array({{{"sequence", 1}, {"focal", true}, {"coverage", link_to("Coverage/cov")}}})},
        {"item", Json::array({item})},
        {"total", sar(115)}};
    Json encounter{
        {"resourceType", "Encounter"},
        {"id", "e1"},
        {"meta", profile("encounter")},
        {"extension", Json::array({ext("extension-serviceEventType", "valueCodeableConcept",
                                       coding(kCodes + "service-event-type", "ICSE"))})},
        {"identifier", Json::array({id_of(kBase + "encounter", "ENC-1")})},
        {"status", "finished"},
        {"class", {{"system", kHl7 + "v3-ActCode"}, {"code", "VR"}}},
        {"subject", link_to("Patient/p1")},
        {"period", {{"start", "2026-03-10T09:00:00+03:00"}, {"end", "2026-03-10T09:20:00+03:00"}}},
        {"serviceProvider", link_to("Organization/prov")}};
    Json doctor{{"resourceType", "Practitioner"},
                {"id", "d1"},
                {"meta", profile("practitioner")},
                {"identifier",
                 Json::array({id_of("http://nphies.sa/license/practitioner-license", "N-P-1")})},
                {"active", true},
                {"name", Json::array({{{"text", "Fictional Doctor"}}})}};
    Json location{
        {"resourceType", "Location"},
        {"id", "l1"},
        {"meta", profile("location")},
        {"identifier", Json::array({id_of("http://nphies.sa/license/location-license", "GACH")})},
        {"status", "active"},
        {"type", Json::array({coding(kCodes + "clinic-specialty", "P01-02")})},
        {"managingOrganization", link_to("Organization/prov")}};
    return message(use == "claim" ? "claim-request" : "priorauth-request", focal,
                   {patient(), provider(), insurer(), coverage(), doctor, encounter, location});
  }

  Json eligibility(const std::string& identifier, const std::string& purpose = "benefits") {
    Json focal{{"resourceType", "CoverageEligibilityRequest"},
               {"id", "er1"},
               {"meta", profile("eligibility-request")},
               {"identifier", Json::array({id_of(kBase + "eligibility", identifier)})},
               {"status", "active"},
               {"priority", coding(kHl7 + "processpriority", "normal")},
               {"purpose", Json::array({purpose})},
               {"patient", link_to("Patient/p1")},
               {"servicedDate", "2026-03-10"},
               {"created", "2026-03-10T09:30:00+03:00"},
               {"provider", link_to("Organization/prov")},
               {"insurer", link_to("Organization/ins")}};
    std::vector<Json> others{patient(), provider(), insurer()};
    if (purpose != "discovery") {
      focal["insurance"] = Json::array({{{"coverage", link_to("Coverage/cov")}}});
      others.push_back(coverage());
    }
    return message("eligibility-request", focal, others);
  }

  Json task(const std::string& event, const std::string& code, const std::string& about,
            bool to_nphies) {
    Json focal{{"resourceType", "Task"},
               {"id", "t1"},
               {"meta", profile("task")},
               {"identifier", Json::array({id_of(kBase + "task", "T-" + std::to_string(next))})},
               {"status", "requested"},
               {"intent", "order"},
               {"priority", "routine"},
               {"code", coding(kCodes + "task-code", code)},
               {"authoredOn", "2026-03-10T09:30:00+03:00"},
               {"lastModified", "2026-03-10T09:30:00+03:00"},
               {"requester", link_to("Organization/prov")},
               {"owner", to_nphies ? party("http://nphies.sa/license/nphies", "NPHIES")
                                   : link_to("Organization/ins")}};
    if (!about.empty())
      focal["focus"] = {{"type", "Claim"}, {"identifier", id_of(kBase + "claim", about)}};
    if (code == "cancel") focal["reasonCode"] = coding(kCodes + "task-reason-code", "WI");
    std::vector<Json> others{provider()};
    if (!to_nphies) others.push_back(insurer());
    return message(event, focal, others, to_nphies);
  }

  static Json input(const std::string& name, const std::string& type, Json value) {
    Json result{{"type", coding(kCodes + "task-input-type", name)}};
    result[type] = std::move(value);
    return result;
  }
  Json poll(const Json& inputs = Json::array(), const std::string& about = "") {
    auto result = task("poll-request", "poll", about, true);
    if (!inputs.empty()) result["entry"][1]["resource"]["input"] = inputs;
    return result;
  }
  Json poll_many(int count) {
    return poll(Json::array({input("count", "valuePositiveInt", count)}));
  }
  Json cancel(const std::string& about) { return task("cancel-request", "cancel", about, false); }
  Json status(const std::string& about) { return task("status-check", "status", about, false); }
};

class NphiesTest : public ::testing::Test {
 protected:
  void start(const Json& options = Json::object()) {
    service =
        make_nphies({ledger, callbacks, "http://127.0.0.1:1", [this] { return now; }}, options);
  }
  void SetUp() override { start(); }

  Response send_text(const std::string& body, const std::string& type = "application/fhir+json") {
    Request request;
    request.method = "POST";
    request.path = "/api/fs/fhir/$process-message";
    request.headers.emplace("content-type", type);
    request.body = body;
    return service->handle(request);
  }
  Json send(const Json& message) {
    const auto response = send_text(message.dump());
    EXPECT_EQ(response.status, 200) << response.body;
    return Json::parse(response.body);
  }
  static Json& focal(Json& bundle) { return bundle["entry"][1]["resource"]; }
  static const Json& focal(const Json& bundle) { return bundle.at("entry").at(1).at("resource"); }
  static const Json& header(const Json& bundle) { return bundle.at("entry").at(0).at("resource"); }
  static Json& of_type(Json& bundle, const std::string& type) {
    for (auto& entry : bundle["entry"]) {
      if (entry["resource"]["resourceType"] == type) return entry["resource"];
    }
    throw std::runtime_error("no " + type);
  }

  static std::vector<std::string> rules(const Json& node) {
    std::vector<std::string> result;
    const std::function<void(const Json&)> walk = [&](const Json& value) {
      if (value.is_object() && value.contains("system") &&
          value.at("system") == kCodes + "adjudication-error") {
        result.push_back(value.at("code").get<std::string>());
      }
      if (value.is_structured()) {
        for (const auto& child : value) walk(child);
      }
    };
    walk(node);
    return result;
  }
  static bool has_rule(const Json& node, const std::string& rule) {
    const auto list = rules(node);
    return std::find(list.begin(), list.end(), rule) != list.end();
  }

  // Rules that every message bundle of the gateway keeps.
  static void expect_sound(const Json& bundle) {
    ASSERT_EQ(bundle.at("resourceType"), "Bundle");
    EXPECT_EQ(bundle.at("type"), "message");
    EXPECT_EQ(bundle.at("id").get<std::string>().size(), 36U);
    std::set<std::string> urls;
    for (const auto& entry : bundle.at("entry")) {
      EXPECT_TRUE(urls.insert(entry.at("fullUrl").get<std::string>()).second)
          << entry.at("fullUrl");
    }
    EXPECT_EQ(header(bundle).at("resourceType"), "MessageHeader");
    const std::function<void(const Json&)> walk = [&](const Json& value) {
      if (value.is_object() && value.contains("resourceType") &&
          value.at("resourceType") == "Bundle")
        return;
      if (value.is_object() && value.contains("reference")) {
        EXPECT_TRUE(urls.contains(value.at("reference").get<std::string>())) << value;
      }
      if (value.is_null() || (value.is_structured() && value.empty()))
        ADD_FAILURE() << "empty element";
      if (value.is_structured()) {
        for (const auto& child : value) walk(child);
      }
    };
    for (const auto& entry : bundle.at("entry")) walk(entry.at("resource"));
  }

  static std::int64_t amount(const Json& list, const std::string& category) {
    for (const auto& one : list) {
      if (one.at("category").at("coding").at(0).at("code") == category) {
        return std::llround(one.at("amount").at("value").get<double>() * 100);
      }
    }
    return -1;
  }
  static std::string adjudication(const Json& response) {
    return response.at("extension").at(0).at("valueCodeableConcept").at("coding").at(0).at("code");
  }
  static std::vector<Json> delivered(const Json& poll_response) {
    std::vector<Json> result;
    for (const auto& entry : poll_response.at("entry")) {
      if (entry.at("resource").at("resourceType") == "Bundle")
        result.push_back(entry.at("resource"));
    }
    return result;
  }
  static bool more(const Json& poll_response) {
    const auto& meta = header(poll_response).at("meta");
    return meta.contains("tag") && meta.at("tag").at(0).at("code") == "queued-messages";
  }

  std::int64_t now = 1'795'244'400'000;  // 2026-11-21T07:00:00Z
  Ledger ledger;
  NoCallbacks callbacks;
  std::unique_ptr<Service> service;
  Clinic clinic;
};

// ---- conformance data ----

class NphiesSamples : public NphiesTest {
 protected:
  std::map<std::string, Json> samples() {
    std::map<std::string, Json> result;
    const char* root = std::getenv("RABT_CONFORMANCE_DATA");
    if (root == nullptr) return result;
    const auto folder = std::filesystem::path(root) / "nphies" / "synthetic";
    if (!std::filesystem::is_directory(folder)) return result;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      if (file.path().extension() != ".json") continue;
      std::ifstream stream(file.path());
      result[file.path().stem().string()] = Json::parse(stream);
    }
    return result;
  }
};

TEST_F(NphiesSamples, EveryRequestSampleIsAccepted) {
  auto all = samples();
  if (all.empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  const std::set<std::string> requests{"eligibility-request", "priorauth-request", "claim-request",
                                       "poll-request",        "cancel-request",    "status-check",
                                       "communication",       "payment-notice"};
  // A cancellation and a status check need the claim they are about.
  std::vector<std::string> order{"claim-request-vr"};
  for (const auto& [name, sample] : all) {
    if (name != "claim-request-vr") order.push_back(name);
  }
  int accepted = 0;
  for (const auto& name : order) {
    if (name.starts_with("neg-") || !all[name].contains("entry")) continue;
    if (!requests.contains(header(all[name]).at("eventCoding").at("code").get<std::string>()))
      continue;
    const auto response = send(all[name]);
    EXPECT_TRUE(rules(response).empty()) << name << ": " << Json(rules(response));
    EXPECT_EQ(header(response).at("response").at("code"), "ok") << name;
    EXPECT_EQ(header(response).at("response").at("identifier"), header(all[name]).at("id")) << name;
    expect_sound(response);
    ++accepted;
  }
  EXPECT_GE(accepted, 9);
}

TEST_F(NphiesSamples, EveryNegativeSampleIsRefusedWithItsRule) {
  auto all = samples();
  if (all.empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  const auto& expected = all.at("EXPECTED_RULES");
  ASSERT_GE(expected.size(), 16U);
  for (const auto& [name, rule] : expected.items()) {
    start();  // the samples share their message ids
    const auto response = send(all.at(name));
    const auto wanted = rule.get<std::string>();
    const auto found = rules(response);
    // "BV-00742/808" allows both ids, "RE" every reference rule.
    std::vector<std::string> allowed;
    std::stringstream parts(wanted);
    for (std::string part; std::getline(parts, part, '/');) {
      allowed.push_back(part.size() == 3 && !allowed.empty() ? allowed[0].substr(0, 5) + part
                                                             : part);
    }
    const bool hit = std::any_of(found.begin(), found.end(), [&](const std::string& code) {
      return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& text) {
        return text == "RE" ? code.starts_with("RE-") : code == text;
      });
    });
    EXPECT_TRUE(hit) << name << " wants " << wanted << ", got " << Json(found);
    EXPECT_EQ(focal(response).at("resourceType"), "ClaimResponse") << name;
    EXPECT_EQ(focal(response).at("outcome"), "error") << name;
    // One change breaks one rule, but a strange licence is no credential either, an institutional
    // claim has no virtual encounter, and another net makes another total.
    const std::size_t most = name == "neg-sender-not-provider"                               ? 3
                             : name == "neg-inst-type-with-vr" || name == "neg-net-mismatch" ? 2
                                                                                             : 1;
    EXPECT_LE(found.size(), most) << name << ": " << Json(found);
    EXPECT_EQ(ledger.count("claim.accepted"), 0U) << name;
  }
  EXPECT_EQ(ledger.count("claim.refused"), expected.size());
}

TEST_F(NphiesSamples, MessagesOfPayersAreNotTakenFromProviders) {
  auto all = samples();
  if (all.empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  int seen = 0;
  for (const auto& [name, sample] : all) {
    if (!sample.contains("entry") || name.starts_with("neg-")) continue;
    const auto event = header(sample).at("eventCoding").at("code").get<std::string>();
    if (!event.ends_with("-response") && event != "communication-request" &&
        event != "payment-reconciliation")
      continue;
    const auto response = send_text(sample.dump());
    EXPECT_EQ(response.status, 400) << name;
    EXPECT_TRUE(has_rule(Json::parse(response.body), "BV-00545")) << name;
    ++seen;
  }
  EXPECT_GE(seen, 15);
}

// ---- transport ----

TEST_F(NphiesTest, BrokenRequestsGetAnOperationOutcome) {
  const auto expect = [](const Response& response, int status, const std::string& rule) {
    EXPECT_EQ(response.status, status);
    const auto body = Json::parse(response.body);
    EXPECT_EQ(body.at("resourceType"), "OperationOutcome");
    EXPECT_EQ(body.at("issue").at(0).at("severity"), "fatal");
    EXPECT_TRUE(has_rule(body, rule)) << response.body;
  };
  expect(send_text("{\"resourceType\":"), 400, "GE-00013");
  expect(send_text("[]"), 400, "GE-00013");
  expect(send_text(std::string(5000, '[')), 400, "GE-00013");
  expect(send_text(R"({"resourceType":"Patient"})"), 400, "GE-00013");
  expect(send_text(R"({"resourceType":"Bundle","entry":[]})"), 400, "BV-00126");
  expect(
      send_text(R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]})"),
      400, "BV-00126");
  expect(send_text(clinic.claim("C-1").dump(), "application/json"), 415, "GE-00013");
  auto unknown = clinic.claim("C-1");
  unknown["entry"][0]["resource"]["eventCoding"]["code"] = "make-coffee";
  expect(send_text(unknown.dump()), 400, "GE-00018");
  auto no_focus = clinic.claim("C-1");
  no_focus["entry"][0]["resource"]["focus"][0]["reference"] = kBase + "Claim/other";
  expect(send_text(no_focus.dump()), 400, "BV-00167");
  Request request;
  request.method = "GET";
  request.path = "/$process-message";
  expect(service->handle(request), 405, "GE-00009");
  request.method = "POST";
  request.path = "/Claim";
  expect(service->handle(request), 404, "GE-00009");
  EXPECT_EQ(ledger.entries().size(), 0U);
}

TEST_F(NphiesTest, ContentTypeMayCarryACharset) {
  EXPECT_EQ(send_text(clinic.claim("C-1").dump(), "application/fhir+json; charset=utf-8").status,
            200);
}

// ---- life of a claim ----

TEST_F(NphiesTest, ClaimIsQueuedThenDeliveredOnceByPoll) {
  const auto request = clinic.claim("C-1");
  const auto queued = send(request);
  expect_sound(queued);
  EXPECT_EQ(header(queued).at("eventCoding").at("code"), "claim-response");
  EXPECT_EQ(header(queued).at("response").at("identifier"), header(request).at("id"));
  EXPECT_EQ(header(queued).at("sender").at("identifier").at("value"), "NPHIES");
  EXPECT_NE(queued.at("id"), request.at("id"));
  EXPECT_EQ(focal(queued).at("outcome"), "queued");
  EXPECT_EQ(focal(queued).at("request").at("identifier").at("value"), "C-1");
  EXPECT_EQ(focal(queued).at("meta").at("tag").at(0).at("code"), "nphies-generated");

  now += 1499;
  const auto early = send(clinic.poll());
  EXPECT_TRUE(delivered(early).empty());
  EXPECT_EQ(focal(early).at("status"), "completed");
  EXPECT_FALSE(focal(early).contains("output"));
  EXPECT_EQ(ledger.count("claim.adjudicated"), 0U);

  now += 1;
  const auto answer = send(clinic.poll());
  expect_sound(answer);
  const auto messages = delivered(answer);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_FALSE(more(answer));
  EXPECT_EQ(focal(answer).at("output").at(0).at("valueReference").at("reference"),
            "urn:uuid:" + messages[0].at("id").get<std::string>());
  expect_sound(messages[0]);
  EXPECT_FALSE(header(messages[0]).contains("response")) << "BV-00248";
  EXPECT_EQ(header(messages[0]).at("sender").at("identifier").at("value"), "INS-FHIR");
  const auto& decision = focal(messages[0]);
  EXPECT_EQ(decision.at("outcome"), "complete");
  EXPECT_EQ(adjudication(decision), "approved");
  EXPECT_EQ(decision.at("request").at("identifier").at("value"), "C-1");
  const auto& item = decision.at("item").at(0);
  EXPECT_EQ(amount(item.at("adjudication"), "eligible"), 11500);
  EXPECT_EQ(amount(item.at("adjudication"), "tax"), 1500);
  EXPECT_EQ(amount(item.at("adjudication"), "copay"), 2000);
  EXPECT_EQ(amount(item.at("adjudication"), "benefit"), 9500);
  EXPECT_EQ(amount(decision.at("total"), "benefit"), 9500);
  EXPECT_EQ(item.at("extension").at(1).at("valueIdentifier").at("value"), "INV-1") << "BV-00537";

  EXPECT_TRUE(delivered(send(clinic.poll())).empty());
  EXPECT_EQ(ledger.count("claim.accepted", "C-1"), 1U);
  EXPECT_EQ(ledger.count("claim.adjudicated", "C-1"), 1U);
  EXPECT_EQ(ledger.count("poll.delivered", "C-1"), 1U);
}

TEST_F(NphiesTest, NormalPriorityIsDecidedAtOnceWhenClaimsAreNotQueued) {
  start({{"queue_all_claims", false}});
  const auto response = send(clinic.claim("C-1"));
  EXPECT_EQ(focal(response).at("outcome"), "complete");
  EXPECT_EQ(header(response).at("response").at("code"), "ok");
  const auto deferred = send(clinic.claim("C-2", "claim", "deferred"));
  EXPECT_EQ(focal(deferred).at("outcome"), "queued");
}

TEST_F(NphiesTest, AuthorizationGetsItsNumberAndPeriod) {
  const auto response = send(clinic.claim("A-1", "preauthorization"));
  expect_sound(response);
  EXPECT_EQ(header(response).at("eventCoding").at("code"), "priorauth-response");
  EXPECT_EQ(focal(response).at("use"), "preauthorization");
  EXPECT_TRUE(focal(response).at("preAuthRef").get<std::string>().starts_with("AUTH-"));
  EXPECT_TRUE(focal(response).contains("preAuthPeriod"));
  send(clinic.claim("A-2", "preauthorization", "deferred"));
  now += 2000;
  const auto messages = delivered(send(clinic.poll()));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(header(messages[0]).at("eventCoding").at("code"), "priorauth-response");
}

TEST_F(NphiesTest, PartialAndRejectedDecisionsAddUp) {
  start({{"queue_all_claims", false}, {"outcome", "partial"}});
  const auto partial = send(clinic.claim("C-1"));
  EXPECT_EQ(adjudication(focal(partial)), "partial");
  const auto& list = focal(partial).at("item").at(0).at("adjudication");
  EXPECT_EQ(amount(list, "benefit") + amount(list, "rejected") + amount(list, "copay"), 11500);
  EXPECT_EQ(amount(list, "benefit"), 4750);

  EXPECT_EQ(service->control("settings", {{"outcome", "rejected"}}).status, 200);
  const auto rejected = send(clinic.claim("C-2"));
  EXPECT_EQ(adjudication(focal(rejected)), "rejected");
  EXPECT_EQ(amount(focal(rejected).at("total"), "benefit"), 0);
  EXPECT_EQ(amount(focal(rejected).at("total"), "rejected"), 11500);
  EXPECT_FALSE(focal(send(clinic.claim("A-1", "preauthorization"))).contains("preAuthRef"));
}

TEST_F(NphiesTest, DeferredAnswersMayCarryAResponseElementLikeSomePayers) {
  start({{"deferred_response", true}});
  const auto request = clinic.claim("C-1");
  send(request);
  now += 2000;
  const auto messages = delivered(send(clinic.poll()));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(header(messages[0]).at("response").at("identifier"), header(request).at("id"));
}

// ---- rules ----

TEST_F(NphiesTest, EachBrokenRuleIsNamedWithItsPlace) {
  struct Case {
    std::string rule;
    std::string path;
    std::function<void(Json&)> change;
  };
  const auto claim_of = [](Json& bundle) -> Json& { return bundle["entry"][1]["resource"]; };
  const auto header_of = [](Json& bundle) -> Json& { return bundle["entry"][0]["resource"]; };
  const auto at = [&](Json& bundle, std::size_t entry) -> Json& {
    return bundle["entry"][entry]["resource"];
  };
  const std::string claim = "Bundle.entry[1].resource";
  // Entries: 2 patient, 3 provider, 4 insurer, 5 coverage, 6 practitioner, 7 encounter, 8 location.
  const std::vector<Case> cases{
      {"BV-00130", "Bundle.type", [](Json& b) { b["type"] = "collection"; }},
      {"BV-00168", "Bundle.entry[0].resource.id", [&](Json& b) { header_of(b)["id"] = "17"; }},
      {"FR-00007", "Bundle.entry[8].fullUrl",
       [](Json& b) { b["entry"][8]["fullUrl"] = b["entry"][7]["fullUrl"]; }},
      {"GE-00031", "Bundle.entry[0].resource.sender.identifier",
       [&](Json& b) { at(b, 3)["identifier"][0]["value"] = "PR-OTHER"; }},
      {"GE-00034", "Bundle.entry[0].resource.destination[0].receiver.identifier",
       [&](Json& b) { at(b, 4)["identifier"][0]["value"] = "INS-OTHER"; }},
      {"BV-00248", "Bundle.entry[0].resource.response",
       [&](Json& b) {
         header_of(b)["response"] = {{"identifier", "x"}, {"code", "ok"}};
       }},
      {"BV-00165", claim + ".use", [&](Json& b) { claim_of(b)["use"] = "preauthorization"; }},
      {"BV-00457", "", nullptr},  // tested below
      {"RE-00015", claim + ".patient",
       [&](Json& b) { claim_of(b)["patient"] = link_to("Patient/none"); }},
      {"FR-00006", claim + ".status", [&](Json& b) { claim_of(b)["status"] = ""; }},
      {"FR-00006", claim + ".related", [&](Json& b) { claim_of(b)["related"] = Json::array(); }},
      {"BV-00379", claim + ".extension", [&](Json& b) { claim_of(b)["extension"].erase(2); }},
      {"BV-00056", claim + ".payee.party",
       [&](Json& b) { claim_of(b)["payee"]["type"] = coding(kHl7 + "payeetype", "other"); }},
      {"BV-00779", claim + ".supportingInfo",
       [&](Json& b) {
         claim_of(b)["supportingInfo"][12]["category"]["coding"][0]["code"] = "info";
       }},
      {"P-Claim-SI-5", claim + ".supportingInfo[5]",
       [&](Json& b) {
         claim_of(b)["supportingInfo"][5]["valueQuantity"] = {
             {"value", 37}, {"system", "http://unitsofmeasure.org"}, {"code", "Cel"}};
       }},
      {"BV-00821", claim + ".supportingInfo[0].reason",
       [&](Json& b) {
         claim_of(b)["supportingInfo"][0]["reason"]["coding"][0]["system"] = "http://example.org";
       }},
      {"BV-00813", claim + ".supportingInfo[0]",
       [&](Json& b) { claim_of(b)["supportingInfo"][0].erase("reason"); }},
      {"BV-00316", claim + ".supportingInfo[8].valueString",
       [&](Json& b) { claim_of(b)["supportingInfo"][8]["valueString"] = std::string(251, 'a'); }},
      {"BV-00501", claim + ".item[0].informationSequence",
       [&](Json& b) { claim_of(b)["item"][0].erase("informationSequence"); }},
      {"BV-00443", claim + ".item[0].informationSequence[0]",
       [&](Json& b) { claim_of(b)["item"][0]["informationSequence"][0] = 99; }},
      {"BV-00442", claim + ".item[0].careTeamSequence[0]",
       [&](Json& b) { claim_of(b)["item"][0]["careTeamSequence"][0] = 9; }},
      {"BV-00041", claim + ".item[0].serviced",
       [&](Json& b) { claim_of(b)["item"][0]["servicedDate"] = "2026-03-11"; }},
      {"IC-01333", claim + ".item[0].extension",
       [&](Json& b) { claim_of(b)["item"][0]["extension"].erase(0); }},
      {"IC-01454", claim + ".item[0].extension",
       [&](Json& b) { claim_of(b)["item"][0]["extension"].erase(3); }},
      {"BV-00474", claim + ".item[0].extension",
       [&](Json& b) { claim_of(b)["item"][0]["extension"][0]["valueMoney"]["value"] = 116; }},
      {"BV-00096", claim + ".total.currency",
       [&](Json& b) { claim_of(b)["total"]["currency"] = "EUR"; }},
      {"GE-00028", claim + ".item[0].extension[0].valueMoney.value",
       [&](Json& b) { claim_of(b)["item"][0]["extension"][0]["valueMoney"]["value"] = 20.005; }},
      {"BV-00848", "Bundle.entry[2].resource.birthDate",
       [&](Json& b) { at(b, 2)["birthDate"] = "2027-01-01"; }},
      {"BV-00729", "Bundle.entry[5].resource.class",
       [&](Json& b) { at(b, 5)["class"].push_back(at(b, 5)["class"][0]); }},
      {"BV-00811", "Bundle.entry[7].resource.period",
       [&](Json& b) { at(b, 7)["period"]["start"] = "2026-03-10T09:00+03:00"; }},
      {"BV-00850", "Bundle.entry[7].resource.period.start",
       [&](Json& b) {
         at(b, 7)["period"] = {{"start", "2027-03-10T09:00:00+03:00"}};
         claim_of(b)["item"][0]["servicedDate"] = "2027-03-10";
       }},
      {"BV-00742", "Bundle.entry[7].resource.class",
       [&](Json& b) { at(b, 7)["class"]["code"] = "IMP"; }},
      {"BV-00899", "Bundle.entry[8].resource.managingOrganization",
       [&](Json& b) { at(b, 8)["managingOrganization"] = link_to("Organization/ins"); }},
  };
  for (const auto& one : cases) {
    if (!one.change) continue;
    auto message = clinic.claim("C-" + one.rule);
    one.change(message);
    const auto response = send(message);
    EXPECT_TRUE(has_rule(response, one.rule)) << one.rule << ": " << Json(rules(response));
    bool placed = false;
    for (const auto& error : focal(response).at("error")) {
      const auto& code = error.at("code").at("coding").at(0);
      EXPECT_EQ(code.at("extension").at(0).at("url"), kProfiles + "extension-error-expression");
      placed = placed || (code.at("code") == one.rule &&
                          code.at("extension").at(0).at("valueString") == one.path);
    }
    EXPECT_TRUE(placed) << one.rule << " " << focal(response).at("error");
    EXPECT_EQ(ledger.count("claim.refused", "C-" + one.rule) > 0, true) << one.rule;
  }
  EXPECT_EQ(ledger.count("claim.accepted"), 0U);
}

// A gateway meets everything. Each element of a good claim in turn becomes something else.
TEST_F(NphiesTest, NoElementOfTheWrongTypeBreaksTheGateway) {
  const auto claim = clinic.claim("C-1");
  std::vector<Json::json_pointer> places;
  const std::function<void(const Json&, const Json::json_pointer&)> collect =
      [&](const Json& value, const Json::json_pointer& place) {
        places.push_back(place);
        if (value.is_object()) {
          for (const auto& [key, child] : value.items()) collect(child, place / key);
        } else if (value.is_array()) {
          for (std::size_t i = 0; i < value.size(); ++i) collect(value[i], place / i);
        }
      };
  collect(claim, Json::json_pointer());
  const std::vector<Json> others{
      nullptr, 7, "x", Json::array(), Json::object({{"a", Json::array({1})}}), -1e300, true};
  std::size_t turn = 0;
  for (const auto& place : places) {
    if (turn++ % 2 != 0) continue;  // every second one keeps the test short
    auto message = claim;
    message["id"] = guid(3, static_cast<int>(turn));
    message["entry"][0]["resource"]["id"] = guid(4, static_cast<int>(turn));
    message[place] = others[turn / 2 % others.size()];
    const auto response = send_text(message.dump());
    ASSERT_TRUE(response.status == 200 || response.status == 400) << place.to_string();
    const auto body = Json::parse(response.body);
    if (response.status == 400) {
      EXPECT_EQ(body.at("resourceType"), "OperationOutcome");
    }
  }
  for (const auto& place : {"/entry/1/resource/input", "/entry/1/resource/focus"}) {
    for (const auto& other : others) {
      auto poll = clinic.poll_many(5);
      poll[Json::json_pointer(place)] = other;
      EXPECT_EQ(send_text(poll.dump()).status, 200) << place;
    }
  }
}

TEST_F(NphiesTest, MoneyIsRoundedHalfUpInWholeHalalas) {
  const auto price = [&](double quantity, double unit, double factor, double tax, double net) {
    auto message = clinic.claim("M-" + std::to_string(clinic.next));
    auto& item = focal(message)["item"][0];
    item["quantity"]["value"] = quantity;
    item["unitPrice"]["value"] = unit;
    item["factor"] = factor;
    item["extension"][0]["valueMoney"]["value"] = 0;
    item["extension"][1]["valueMoney"]["value"] = tax;
    item["net"]["value"] = net;
    focal(message)["total"]["value"] = net;
    return rules(send(message));
  };
  EXPECT_TRUE(price(1, 0.15, 0.1, 0, 0.02).empty());  // 0.015 goes up
  EXPECT_TRUE(
      price(3, 0.1, 1, 0.2, 0.5).empty());  // binary fractions would give 0.5000000000000001
  EXPECT_TRUE(price(2.5, 1.01, 1, 0, 2.53).empty());
  EXPECT_EQ(price(2.5, 1.01, 1, 0, 2.52), std::vector<std::string>{"BV-00251"});
  EXPECT_EQ(price(1, 1e12, 1, 0, 1e12), std::vector<std::string>{"IB-00349"});
}

TEST_F(NphiesTest, RelativeReferencesResolveInsideTheBundle) {
  auto text = clinic.claim("C-1").dump();
  const std::string absolute = "\"reference\":\"" + kBase;
  for (auto position = text.find(absolute); position != std::string::npos;
       position = text.find(absolute)) {
    text.replace(position, absolute.size(), "\"reference\":\"");
  }
  const auto response = Json::parse(send_text(text).body);
  EXPECT_TRUE(rules(response).empty()) << Json(rules(response));
}

TEST_F(NphiesTest, SenderMustBeTheCertifiedLicence) {
  Clinic other;
  other.licence = "DC-FHIR";
  EXPECT_TRUE(has_rule(send(other.claim("C-1")), "GE-00020"));
  start({{"licence", ""}});
  EXPECT_EQ(focal(send(other.claim("C-2"))).at("outcome"), "queued");
}

// ---- duplicates ----

TEST_F(NphiesTest, SameBytesGetTheStoredAnswerAndNoSecondClaim) {
  const auto request = clinic.claim("C-1").dump();
  const auto first = send_text(request).body;
  EXPECT_EQ(send_text(request).body, first);
  now += 2000;
  const auto after = Json::parse(send_text(request).body);
  EXPECT_EQ(focal(after).at("outcome"), "complete") << "the last answer counts";
  EXPECT_EQ(delivered(send(clinic.poll())).size(), 1U);
  EXPECT_EQ(ledger.count("claim.accepted", "C-1"), 1U);
  EXPECT_EQ(ledger.count("claim.adjudicated", "C-1"), 1U);
}

TEST_F(NphiesTest, ReusedIdsWithOtherContentAreRefused) {
  const auto original = clinic.claim("C-1");
  send(original);

  auto other_header = original;
  other_header["entry"][0]["resource"]["id"] = guid(2, 900);
  other_header["entry"][0]["fullUrl"] = "urn:uuid:" + guid(2, 900);
  EXPECT_EQ(rules(send(other_header)), std::vector<std::string>{"BV-00540"});

  auto changed = original;
  changed["entry"][1]["resource"]["created"] = "2026-03-10T09:31:00+03:00";
  EXPECT_TRUE(has_rule(send(changed), "BV-00533"));
  EXPECT_TRUE(has_rule(send(changed), "BV-00532"));

  auto other_bundle = changed;
  other_bundle["id"] = guid(1, 900);
  EXPECT_EQ(rules(send(other_bundle)), std::vector<std::string>{"BV-00532"});
  EXPECT_EQ(ledger.count("claim.accepted"), 1U);
}

TEST_F(NphiesTest, SameIdentifierWithSameContentIsAnsweredAgain) {
  const auto first = send(clinic.claim("C-1"));
  const auto again = clinic.claim("C-1");  // new message ids, same content
  const auto second = send(again);
  EXPECT_EQ(focal(second).at("id"), focal(first).at("id"));
  EXPECT_EQ(header(second).at("response").at("identifier"), header(again).at("id"));
  EXPECT_EQ(ledger.count("claim.accepted", "C-1"), 1U);
}

TEST_F(NphiesTest, SameIdentifierWithOtherContentIsRefused) {
  send(clinic.claim("C-1"));
  auto other = clinic.claim("C-1");
  focal(other)["item"][0]["productOrService"]["coding"][0]["code"] = "83600-00-20";
  EXPECT_EQ(rules(send(other)), std::vector<std::string>{"BV-00457"});
  send(clinic.eligibility("E-1"));
  auto eligibility = clinic.eligibility("E-1");
  focal(eligibility)["servicedDate"] = "2026-03-11";
  EXPECT_EQ(rules(send(eligibility)), std::vector<std::string>{"BV-00163"});
  EXPECT_EQ(ledger.count("claim.accepted"), 1U);
  EXPECT_EQ(ledger.count("eligibility.checked"), 1U);
}

TEST_F(NphiesTest, RefusedClaimLeavesItsIdentifierFree) {
  auto broken = clinic.claim("C-1");
  focal(broken)["total"]["value"] = 1;
  const auto refusal = send_text(broken.dump()).body;
  EXPECT_TRUE(has_rule(Json::parse(refusal), "BV-00059"));
  EXPECT_EQ(focal(send(clinic.claim("C-1"))).at("outcome"), "queued");
  EXPECT_EQ(send_text(broken.dump()).body, refusal)
      << "its own content still leads to its own answer";
  EXPECT_EQ(ledger.count("claim.refused", "C-1"), 1U);
}

TEST_F(NphiesTest, ManyThreadsWithOneMessageMakeOneClaim) {
  const auto request = clinic.claim("C-1").dump();
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10; ++j) {
        if (send_text(request).status == 200) ++answered;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 80);
  EXPECT_EQ(ledger.count("claim.accepted", "C-1"), 1U);
}

// ---- eligibility ----

TEST_F(NphiesTest, EligibleMemberGetsTheTelemedicineBenefit) {
  const auto response = send(clinic.eligibility("E-1"));
  expect_sound(response);
  EXPECT_EQ(header(response).at("eventCoding").at("code"), "eligibility-response");
  EXPECT_EQ(focal(response).at("outcome"), "complete");
  EXPECT_EQ(adjudication(focal(response)), "eligible");
  const auto& insurance = focal(response).at("insurance").at(0);
  EXPECT_EQ(insurance.at("inforce"), true);
  EXPECT_EQ(insurance.at("item").at(0).at("category").at("coding").at(0).at("code"), "84");
  EXPECT_EQ(ledger.count("eligibility.checked", "E-1"), 1U);
}

TEST_F(NphiesTest, TestMembersOfThePseudoPayer) {
  clinic.iqama = "2555555550";
  const auto inactive = send(clinic.eligibility("E-1"));
  EXPECT_EQ(adjudication(focal(inactive)), "not-active");
  EXPECT_EQ(focal(inactive).at("insurance").at(0).at("inforce"), false);
  EXPECT_FALSE(focal(inactive).at("insurance").at(0).contains("item"));

  clinic.iqama = "2333333333";
  const auto unknown = send(clinic.eligibility("E-2"));
  EXPECT_EQ(focal(unknown).at("outcome"), "error");
  EXPECT_EQ(rules(unknown), std::vector<std::string>{"1658"});
  EXPECT_FALSE(focal(unknown).contains("insurance"));

  clinic.iqama = "2555555559";
  const auto several = send(clinic.eligibility("E-3"));
  EXPECT_GT(focal(several).at("insurance").size(), 1U);
  expect_sound(several);
}

TEST_F(NphiesTest, DiscoveryFindsAPolicyWithoutCoverage) {
  const auto response = send(clinic.eligibility("E-1", "discovery"));
  EXPECT_EQ(focal(response).at("insurance").size(), 1U);
  expect_sound(response);
  auto missing = clinic.eligibility("E-2");
  focal(missing).erase("insurance");
  EXPECT_TRUE(has_rule(send(missing), "RE-00179"));
}

TEST_F(NphiesTest, EligibilityRulesAreChecked) {
  auto message = clinic.eligibility("E-1");
  focal(message)["servicedPeriod"] = {{"start", "2026-03-10"}};
  EXPECT_TRUE(has_rule(send(message), "BV-00437"));
  message = clinic.eligibility("E-2");
  focal(message)["status"] = "draft";
  EXPECT_TRUE(has_rule(send(message), "BV-00538"));
  message = clinic.eligibility("E-3");
  focal(message)["provider"] = link_to("Organization/ins");
  EXPECT_TRUE(has_rule(send(message), "BV-00541"));
  EXPECT_EQ(ledger.count("eligibility.checked"), 0U);
}

// ---- polling ----

TEST_F(NphiesTest, PollIsFirstInFirstOutAndTellsWhenMoreIsQueued) {
  for (const auto* name : {"C-1", "C-2", "C-3"}) {
    send(clinic.claim(name));
    now += 10;
  }
  now += 2000;
  const auto first = send(clinic.poll());  // count is 1 unless told
  ASSERT_EQ(delivered(first).size(), 1U);
  EXPECT_EQ(focal(delivered(first)[0]).at("request").at("identifier").at("value"), "C-1");
  EXPECT_TRUE(more(first));
  const auto rest = send(clinic.poll_many(10));
  ASSERT_EQ(delivered(rest).size(), 2U);
  EXPECT_EQ(focal(delivered(rest)[1]).at("request").at("identifier").at("value"), "C-3");
  EXPECT_FALSE(more(rest));
}

TEST_F(NphiesTest, RepeatedPollReturnsTheStoredAnswer) {
  send(clinic.claim("C-1"));
  send(clinic.claim("C-2"));
  now += 2000;
  const auto poll = clinic.poll().dump();
  const auto first = send_text(poll).body;
  EXPECT_EQ(delivered(Json::parse(first)).size(), 1U);
  EXPECT_EQ(send_text(poll).body, first) << "a poll whose answer was lost is sent again";
  EXPECT_EQ(delivered(send(clinic.poll())).size(), 1U);
  EXPECT_EQ(ledger.count("poll.delivered"), 2U);
}

TEST_F(NphiesTest, PollFiltersByEventAndByRequest) {
  send(clinic.claim("C-1"));
  send(clinic.claim("A-1", "preauthorization", "deferred"));
  send(clinic.claim("C-2"));
  now += 2000;
  EXPECT_TRUE(delivered(send(clinic.poll(Json::array({Clinic::input(
                            "include-message-type", "valueCode", "payment-reconciliation")}))))
                  .empty());
  const auto authorization = delivered(send(
      clinic.poll(Json::array({Clinic::input("exclude-message-type", "valueCode", "claim-response"),
                               Clinic::input("count", "valuePositiveInt", 10)}))));
  ASSERT_EQ(authorization.size(), 1U);
  EXPECT_EQ(focal(authorization[0]).at("request").at("identifier").at("value"), "A-1");
  const auto one = delivered(send(clinic.poll(Json::array(), "C-2")));
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(focal(one[0]).at("request").at("identifier").at("value"), "C-2");
  EXPECT_EQ(delivered(send(clinic.poll_many(10))).size(), 1U);
}

TEST_F(NphiesTest, QueuesBelongToOneLicence) {
  start({{"licence", ""}});
  Clinic other;
  other.licence = "DC-FHIR";
  send(clinic.claim("C-1"));
  now += 2000;
  EXPECT_TRUE(delivered(send(other.poll_many(10))).empty());
  EXPECT_EQ(delivered(send(clinic.poll_many(10))).size(), 1U);
}

TEST_F(NphiesTest, BrokenPollFailsFatallyAndKeepsTheQueue) {
  send(clinic.claim("C-1"));
  now += 2000;
  for (const int count : {0, 101, -1}) {
    const auto response = send(clinic.poll_many(count));
    EXPECT_EQ(header(response).at("response").at("code"), "fatal-error");
    EXPECT_EQ(focal(response).at("status"), "failed");
    EXPECT_EQ(rules(response), std::vector<std::string>{"DT-01303"});
    EXPECT_EQ(focal(response).at("output").at(0).at("type").at("coding").at(0).at("code"), "error");
    expect_sound(response);
  }
  auto to_payer = clinic.task("poll-request", "poll", "", false);
  EXPECT_TRUE(has_rule(send(to_payer), "BV-00456"));
  EXPECT_EQ(delivered(send(clinic.poll_many(100))).size(), 1U);
}

TEST_F(NphiesTest, PayersMayPutOtherMessagesIntoTheQueue) {
  auto request = clinic.claim("X");
  request["entry"][0]["resource"]["eventCoding"]["code"] = "communication-request";
  const auto queued = service->control("enqueue", {{"message", request}, {"licence", "PR-FHIR"}});
  EXPECT_EQ(queued.status, 200);
  EXPECT_EQ(service->control("enqueue", Json::object()).status, 400);
  EXPECT_EQ(Json::parse(service->control("queue", {}).body).at("queued").at("PR-FHIR").size(), 1U);
  const auto messages = delivered(send(clinic.poll()));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].at("id"), request.at("id"));
}

// ---- outage, cancellation, status, acknowledgements ----

TEST_F(NphiesTest, PayerOutageIsNotRememberedSoTheSameBytesWorkLater) {
  EXPECT_EQ(service->control("payer-offline", {{"duration_ms", 5000}}).status, 200);
  const auto request = clinic.claim("C-1").dump();
  const auto offline = Json::parse(send_text(request).body);
  EXPECT_EQ(rules(offline), std::vector<std::string>{"GE-00012"});
  EXPECT_EQ(focal(offline).at("outcome"), "error");
  EXPECT_EQ(focal(send(clinic.poll())).at("status"), "completed") << "NPHIES itself is there";
  EXPECT_EQ(ledger.entries().size(), 0U);
  now += 5000;
  EXPECT_EQ(focal(Json::parse(send_text(request).body)).at("outcome"), "queued");
  EXPECT_EQ(ledger.count("claim.accepted", "C-1"), 1U);

  service->control("payer-offline", {{"duration_ms", 5000}, {"poll", true}});
  const auto poll = send(clinic.poll());
  EXPECT_EQ(header(poll).at("response").at("code"), "fatal-error");
  EXPECT_EQ(rules(poll), std::vector<std::string>{"GE-00012"});
  EXPECT_EQ(service->control("payer-offline", {{"duration_ms", -1}}).status, 400);
}

TEST_F(NphiesTest, CancellationFollowsTheStateOfTheClaim) {
  EXPECT_EQ(rules(send(clinic.cancel("C-1"))), std::vector<std::string>{"BV-00222"});
  send(clinic.claim("C-1"));
  const auto early = send(clinic.cancel("C-1"));
  EXPECT_EQ(focal(early).at("status"), "failed");
  EXPECT_EQ(focal(early).at("statusReason").at("coding").at(0).at("code"), "in-process");
  EXPECT_FALSE(focal(early).contains("output")) << "BV-00256";
  now += 2000;
  const auto done = send(clinic.cancel("C-1"));
  expect_sound(done);
  EXPECT_EQ(focal(done).at("status"), "completed");
  EXPECT_EQ(focal(done).at("focus").at("identifier").at("value"), "C-1");
  EXPECT_EQ(rules(send(clinic.cancel("C-1"))), std::vector<std::string>{"BV-00445"});
  EXPECT_EQ(ledger.count("claim.cancelled", "C-1"), 1U);
  auto without_reason = clinic.cancel("C-1");
  focal(without_reason).erase("reasonCode");
  EXPECT_TRUE(has_rule(send(without_reason), "BV-00071"));
}

TEST_F(NphiesTest, CancelledClaimsInTheQueueAreNeverDecided) {
  start({{"cancel_queued", "completed"}});
  send(clinic.claim("C-1"));
  EXPECT_EQ(focal(send(clinic.cancel("C-1"))).at("status"), "completed");
  now += 10'000;
  EXPECT_TRUE(delivered(send(clinic.poll())).empty());
  EXPECT_EQ(ledger.count("claim.adjudicated"), 0U);
}

TEST_F(NphiesTest, UsedAuthorizationCannotBeCancelled) {
  const auto authorization = send(clinic.claim("A-1", "preauthorization"));
  auto claim = clinic.claim("C-1");
  focal(claim)["insurance"][0]["preAuthRef"] = Json::array({focal(authorization).at("preAuthRef")});
  EXPECT_TRUE(has_rule(send(claim), "BV-00462"));
  claim = clinic.claim("C-1");
  focal(claim)["insurance"][0]["preAuthRef"] = Json::array({focal(authorization).at("preAuthRef")});
  focal(claim)["extension"].push_back(
      ext("extension-priorauth-response", "valueReference",
          {{"identifier", focal(authorization).at("identifier").at(0)}}));
  EXPECT_EQ(focal(send(claim)).at("outcome"), "queued");
  EXPECT_EQ(focal(send(clinic.cancel("A-1"))).at("statusReason").at("coding").at(0).at("code"),
            "claimed");
}

TEST_F(NphiesTest, StatusCheckTellsTheState) {
  EXPECT_EQ(rules(send(clinic.status("C-1"))), std::vector<std::string>{"BV-00459"});
  send(clinic.claim("C-1"));
  const auto value = [&] {
    return focal(send(clinic.status("C-1"))).at("output").at(0).at("valueCode");
  };
  EXPECT_EQ(value(), "queued");
  now += 2000;
  EXPECT_EQ(value(), "complete");
  send(clinic.cancel("C-1"));
  EXPECT_EQ(value(), "cancelled");
}

TEST_F(NphiesTest, CommunicationIsAcknowledgedOrFailsWithDetails) {
  Json communication{
      {"resourceType", "Communication"},
      {"id", "co1"},
      {"meta", profile("communication")},
      {"identifier", Json::array({id_of(kBase + "communication", "CO-1")})},
      {"status", "completed"},
      {"about", Json::array({{{"type", "Claim"}, {"identifier", id_of(kBase + "claim", "C-1")}}})},
      {"recipient", Json::array({link_to("Organization/ins")})},
      {"sender", link_to("Organization/prov")},
      {"payload", Json::array({{{"contentString", "see report"}}})}};
  const auto request =
      clinic.message("communication", communication, {clinic.provider(), Clinic::insurer()});
  const auto ack = send(request);
  EXPECT_EQ(header(ack).at("eventCoding").at("code"), "acknowledgement");
  EXPECT_EQ(header(ack).at("response").at("identifier"), header(request).at("id"));
  EXPECT_EQ(ack.at("entry").size(), 1U);
  EXPECT_EQ(ledger.count("communication.received", "CO-1"), 1U);

  communication["payload"][0]["contentAttachment"] = {{"contentType", "text/html"},
                                                      {"data", "PGE+"}};
  communication["identifier"][0]["value"] = "CO-2";
  const auto refused =
      send(clinic.message("communication", communication, {clinic.provider(), Clinic::insurer()}));
  EXPECT_EQ(header(refused).at("response").at("code"), "fatal-error");
  EXPECT_EQ(focal(refused).at("resourceType"), "OperationOutcome");
  EXPECT_TRUE(has_rule(refused, "BV-00564"));
  expect_sound(refused);
}

TEST_F(NphiesTest, SettingsAreCheckedAndShown) {
  const auto shown = Json::parse(service->control("settings", Json::object()).body);
  EXPECT_EQ(shown.at("adjudicate_after_ms"), 1500);
  EXPECT_EQ(shown.at("queue_all_claims"), true);
  EXPECT_EQ(service->control("settings", {{"outcome", "maybe"}}).status, 400);
  EXPECT_EQ(service->control("settings", {{"adjudicate_after_ms", -1}}).status, 400);
  EXPECT_EQ(service->control("settings", {{"colour", "red"}}).status, 400);
  EXPECT_EQ(service->control("settings", {{"adjudicate_after_ms", 0}}).status, 200);
  send(clinic.claim("C-1"));
  EXPECT_EQ(delivered(send(clinic.poll())).size(), 1U);
  EXPECT_EQ(service->control("nothing", Json::object()).status, 404);
  EXPECT_TRUE(callbacks.calls.empty()) << "NPHIES never calls a provider";
}

}  // namespace
}  // namespace rabt::sandbox::nphies_test
