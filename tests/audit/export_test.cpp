#include <gtest/gtest.h>
#include <pugixml.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>

#include "hub/audit/export/export.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

// Exports against the rules of others, written here from their sources: the FSH profiles of IHE
// BALP 1.1.5 (ITI.BasicAudit, input/fsh), FHIR R4 AuditEvent, DICOM PS3.15 section A.5.1, RFC 5424.
namespace rabt::audit::export_test {
namespace {

const ExportSource kSource{"acme", "rabt.health/audit/acme", "hub.example.sa"};
constexpr const char* kPatient = "00112233445566778899aabbccddeeff";
constexpr const char* kDcm = "http://dicom.nema.org/resources/ontology/DCM";

Logged logged(Entry entry, std::int64_t seq = 7) {
  Logged out;
  out.seq = seq;
  out.at_ms = 1'773'000'000'123;
  if (entry.result.empty()) entry.result = "ok";
  entry.tenant = "acme";
  out.canonical = "{\"act\":\"" + entry.act + "\"}";
  out.entry = std::move(entry);
  return out;
}
Entry read_entry() {
  return {.actor = "api",
          .act = "instance.read",
          .object = "instance:01J8Z3YV6Q5X7T2M4N6P8R0S1T",
          .detail = Json::object({{"token", "0123456789abcdef"}, {"grant", "01J"}}),
          .patient = kPatient,
          .purpose = "BTG",
          .client = "203.0.113.7",
          .request = "req-1",
          .sealed = "aa.bb"};
}
Entry disclosure_entry() {
  return {.actor = "node:engine",
          .act = "action.sent",
          .object = "instance:01J8Z3YV6Q5X7T2M4N6P8R0S1T",
          .detail = Json::object({{"role", "payer"},
                                  {"recipient", "nphies"},
                                  {"version", "1.0.0"},
                                  {"host", "https://hsb.nphies.sa"},
                                  {"capability", "check-eligibility:1.0.0"},
                                  {"fields", Json::array({"patient", "coverage"})}}),
          .patient = kPatient,
          .purpose = "HPAYMT"};
}
Entry create_entry() {
  return {.actor = "source:his",
          .act = "webhook.accepted",
          .object = "instance:01J8Z3YV6Q5X7T2M4N6P8R0S1T",
          .detail = Json::object({{"events", 1}}),
          .patient = kPatient,
          .client = "2001:db8::7",
          .request = "req-2"};
}
Entry search_entry() {
  return {.actor = "api",
          .act = "instance.search",
          .detail = Json::object({{"query", std::string("patient=") + kPatient}}),
          .patient = kPatient,
          .client = "hub-client.example.sa",
          .request = "req-3"};
}

// Every act that the hub writes, with and without a patient, good and failed.
std::vector<Logged> many() {
  std::vector<Logged> out;
  for (const char* act :
       {"hub.started",        "hub.stopped",        "plugin.loaded",       "workflow.deployed",
        "workflow.removed",   "webhook.accepted",   "webhook.refused",     "instance.started",
        "instance.read",      "instance.search",    "instance.cancel",     "instance.retry",
        "instance.start",     "instance.restart",   "event.consumed",      "timer.fired",
        "action.sent",        "action.ended",       "action.parked",       "action.resolved",
        "child.ended",        "child.refused",      "schedule.started",    "recording.stored",
        "recording.read",     "consultation.state", "audit.report",        "audit.exported",
        "break_glass.opened", "break_glass.closed", "break_glass.expired", "break_glass.reviewed",
        "access.refused",     "keys.rotated",       "plugin.added",        "plugin.removed",
        "plugin.key_added",   "plugin.key_removed", "plugin.migrated",     "map.changed",
        "map.removed",        "something.new"}) {
    for (const char* patient : {"", kPatient}) {
      for (const char* result : {"ok", "engine.failed"}) {
        for (const char* client : {"", "203.0.113.7"}) {
          Entry entry{.actor = "api",
                      .act = act,
                      .object = "instance:01J8Z3YV6Q5X7T2M4N6P8R0S1T",
                      .result = result,
                      .detail = Json::object({{"recipient", "nphies"}, {"host", "hsb.nphies.sa"}}),
                      .patient = patient,
                      .client = client,
                      .request = "req-9"};
          out.push_back(logged(entry, static_cast<std::int64_t>(out.size()) + 1));
        }
      }
    }
  }
  for (auto make : {read_entry, disclosure_entry, create_entry, search_entry})
    out.push_back(logged(make(), static_cast<std::int64_t>(out.size()) + 1));
  return out;
}

// ---- FHIR
// ---------------------------------------------------------------------------------------------

bool is_coding(const Json& coding, std::string_view system, std::string_view code) {
  return coding.string_or("system", "") == system && coding.string_or("code", "") == code;
}
bool is_concept(const Json& concept_json, std::string_view system, std::string_view code) {
  for (const Json& coding : concept_json["coding"].size() == 0
                                ? Json::array().as_array()
                                : concept_json["coding"].as_array()) {
    if (is_coding(coding, system, code)) return true;
  }
  return false;
}
std::vector<Json> where(const Json& list, const std::function<bool(const Json&)>& holds) {
  std::vector<Json> out;
  if (!list.is_array()) return out;
  for (const Json& item : list.as_array()) {
    if (holds(item)) out.push_back(item);
  }
  return out;
}
std::vector<Json> agents(const Json& event, std::string_view system, std::string_view code) {
  return where(event["agent"],
               [&](const Json& item) { return is_concept(item["type"], system, code); });
}
std::vector<Json> entities(const Json& event, std::string_view system, std::string_view code) {
  return where(event["entity"],
               [&](const Json& item) { return is_coding(item["type"], system, code); });
}

// FHIR R4 4.0.1 AuditEvent: members, cardinalities and the codes of required bindings.
void check_r4(const Json& event) {
  const std::string text = event.dump();
  const std::set<std::string> members{
      "resourceType", "id",      "meta",        "type",           "subtype", "action", "period",
      "recorded",     "outcome", "outcomeDesc", "purposeOfEvent", "agent",   "source", "entity"};
  for (const auto& [key, value] : event.as_object()) {
    EXPECT_TRUE(members.contains(key)) << key;
    EXPECT_FALSE(value.is_null() || (value.is_string() && value.as_string().empty()) ||
                 ((value.is_array() || value.is_object()) && value.size() == 0))
        << key << " is empty: " << text;
  }
  EXPECT_EQ(event.string_or("resourceType", ""), "AuditEvent");
  EXPECT_TRUE(std::regex_match(event.string_or("id", ""), std::regex("[A-Za-z0-9\\-.]{1,64}")));
  EXPECT_FALSE(event["type"].string_or("code", "").empty());
  EXPECT_TRUE(std::regex_match(event.string_or("action", ""), std::regex("[CRUDE]")));
  EXPECT_TRUE(std::regex_match(event.string_or("recorded", ""),
                               std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z")));
  EXPECT_TRUE(
      std::set<std::string>({"0", "4", "8", "12"}).contains(event.string_or("outcome", "")));
  ASSERT_GE(event["agent"].size(), 1U);
  for (const Json& agent : event["agent"].as_array()) {
    const std::set<std::string> known{"type",  "role",      "who",         "altId",
                                      "name",  "requestor", "location",    "policy",
                                      "media", "network",   "purposeOfUse"};
    for (const auto& [key, value] : agent.as_object()) EXPECT_TRUE(known.contains(key)) << key;
    EXPECT_TRUE(agent["requestor"].is_bool()) << text;
    if (agent.find("network") != nullptr) {
      EXPECT_TRUE(std::regex_match(agent["network"].string_or("type", ""), std::regex("[1-5]")));
      EXPECT_FALSE(agent["network"].string_or("address", "").empty());
    }
  }
  EXPECT_TRUE(event["source"]["observer"].is_object());
  for (const Json& entity : event["entity"].as_array()) {
    const std::set<std::string> known{"what", "type",        "role",  "lifecycle", "securityLabel",
                                      "name", "description", "query", "detail"};
    for (const auto& [key, value] : entity.as_object()) EXPECT_TRUE(known.contains(key)) << key;
    // sev-1: either a name or a query, not both.
    EXPECT_FALSE(entity.find("name") != nullptr && entity.find("query") != nullptr);
    if (entity.find("detail") != nullptr) {
      for (const Json& detail : entity["detail"].as_array()) {
        EXPECT_FALSE(detail.string_or("type", "").empty());
        EXPECT_EQ(
            (detail.find("valueString") != nullptr) + (detail.find("valueBase64Binary") != nullptr),
            1);
      }
    }
  }
}

// Members that the profiles of RESTful acts have in common.
void check_rest(const Json& event, std::string_view client_code, std::string_view server_code,
                std::string_view action, const std::set<std::string>& interactions) {
  EXPECT_TRUE(
      is_coding(event["type"], "http://terminology.hl7.org/CodeSystem/audit-event-type", "rest"));
  EXPECT_EQ(where(event["subtype"],
                  [&](const Json& node) {
                    return node.string_or("system", "") ==
                               "http://hl7.org/fhir/restful-interaction" &&
                           interactions.contains(node.string_or("code", ""));
                  })
                .size(),
            1U);
  EXPECT_EQ(event.string_or("action", ""), action);
  EXPECT_EQ(event.string_or("outcome", ""), "0");
  EXPECT_GE(event["agent"].size(), 2U);
  for (const std::string_view code : {client_code, server_code}) {
    const auto found = agents(event, kDcm, code);
    ASSERT_EQ(found.size(), 1U) << code << " " << event.dump();
    EXPECT_TRUE(found[0]["who"].is_object());
    EXPECT_TRUE(found[0]["network"].is_object());
    EXPECT_EQ(found[0].find("media"), nullptr);
  }
  const auto transaction = entities(
      event, "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId");
  EXPECT_LE(transaction.size(), 1U);
  for (const Json& item : transaction)
    EXPECT_FALSE(item["what"]["identifier"].string_or("value", "").empty());
}

void check_patient(const Json& event) {
  const auto found =
      entities(event, "http://terminology.hl7.org/CodeSystem/audit-entity-type", "1");
  ASSERT_EQ(found.size(), 1U) << event.dump();
  EXPECT_TRUE(
      is_coding(found[0]["role"], "http://terminology.hl7.org/CodeSystem/object-role", "1"));
  // Reference(Patient): a logical reference says its type.
  EXPECT_EQ(found[0]["what"].string_or("type", ""), "Patient");
  EXPECT_EQ(found[0]["what"]["identifier"].string_or("value", ""), kPatient);
}

void check_data(const Json& event) {
  const auto data = entities(event, "http://terminology.hl7.org/CodeSystem/audit-entity-type", "2");
  ASSERT_EQ(data.size(), 1U);
  EXPECT_TRUE(data[0]["what"].is_object());
  EXPECT_TRUE(
      std::set<std::string>({"3", "4", "20"}).contains(data[0]["role"].string_or("code", "")));
}

// profile, without the common beginning
void check_profile(const Json& event, std::string_view profile) {
  SCOPED_TRACE(profile);
  if (profile == "Read" || profile == "PatientRead") {
    check_rest(event, "110152", "110153", "R", {"read", "vread"});
    check_data(event);
  } else if (profile == "Create" || profile == "PatientCreate") {
    check_rest(event, "110153", "110152", "C", {"create"});
    check_data(event);
  } else if (profile == "Query" || profile == "PatientQuery") {
    check_rest(event, "110153", "110152", "E", {"search", "search-type", "search-system"});
    const auto query =
        entities(event, "http://terminology.hl7.org/CodeSystem/audit-entity-type", "2");
    ASSERT_EQ(query.size(), 1U);
    EXPECT_TRUE(
        is_coding(query[0]["role"], "http://terminology.hl7.org/CodeSystem/object-role", "24"));
    EXPECT_TRUE(from_base64(query[0].string_or("query", "")).has_value());
    for (const char* none : {"what", "lifecycle", "detail"})
      EXPECT_EQ(query[0].find(none), nullptr) << none;
  } else if (profile == "PrivacyDisclosure.Source") {
    EXPECT_TRUE(is_coding(event["type"], kDcm, "110106"));
    EXPECT_EQ(event.string_or("action", ""), "R");
    EXPECT_EQ(where(event["subtype"],
                    [](const Json& item) {
                      return is_coding(item,
                                       "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle",
                                       "disclose");
                    })
                  .size(),
              1U);
    EXPECT_TRUE(event["outcome"].is_string());
    const auto source = agents(event, kDcm, "110153");
    const auto recipient = agents(event, kDcm, "110152");
    ASSERT_EQ(source.size(), 1U);
    ASSERT_EQ(recipient.size(), 1U);
    EXPECT_TRUE(source[0]["network"].is_object() && recipient[0]["network"].is_object());
    EXPECT_TRUE(recipient[0]["who"].is_object());
    EXPECT_EQ(source[0]["who"], event["source"]["observer"]) << "val-audit-source";
    EXPECT_GE(event["entity"].size(), 2U);
    check_patient(event);
  } else if (profile == "OAUTHaccessTokenUse.Opaque") {
    const auto user = agents(event, "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes",
                             "UserOauthAgent");
    ASSERT_EQ(user.size(), 1U);
    EXPECT_TRUE(user[0].bool_or("requestor", false));
    EXPECT_EQ(user[0]["policy"].size(), 1U);
  } else {
    FAIL() << "no rules for this profile";
  }
  if (profile.starts_with("Patient")) {
    EXPECT_GE(event["entity"].size(), 2U);
    check_patient(event);
  }
}

std::set<std::string> profiles_of(const Json& event) {
  std::set<std::string> out;
  constexpr std::string_view kStart =
      "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
  if (!event["meta"]["profile"].is_array()) return out;
  for (const Json& profile : event["meta"]["profile"].as_array()) {
    EXPECT_TRUE(profile.as_string().starts_with(kStart));
    out.insert(profile.as_string().substr(kStart.size()));
  }
  return out;
}

TEST(Fhir, EveryActIsAnAuditEventThatKeepsTheProfilesItNames) {
  std::size_t with_profile = 0;
  for (const Logged& logged : many()) {
    const Json event = to_fhir(logged, kSource);
    SCOPED_TRACE(event.dump());
    check_r4(event);
    for (const std::string& profile : profiles_of(event)) {
      check_profile(event, profile);
      ++with_profile;
    }
    if (logged.entry.result != "ok") {
      EXPECT_TRUE(profiles_of(event).empty()) << "BALP's profiles are of successes";
      EXPECT_EQ(event.string_or("outcome", ""), "4");
    }
    EXPECT_EQ(event.string_or("id", ""), leaf_hex(logged));
  }
  EXPECT_GT(with_profile, 10U);
}

TEST(Fhir, ActsOnPatientDataNameTheProfileOfTheirPattern) {
  EXPECT_EQ(profiles_of(to_fhir(logged(read_entry()), kSource)),
            (std::set<std::string>{"PatientRead", "OAUTHaccessTokenUse.Opaque"}));
  EXPECT_EQ(profiles_of(to_fhir(logged(disclosure_entry()), kSource)),
            (std::set<std::string>{"PrivacyDisclosure.Source"}));
  EXPECT_EQ(profiles_of(to_fhir(logged(create_entry()), kSource)),
            (std::set<std::string>{"PatientCreate"}));
  EXPECT_EQ(profiles_of(to_fhir(logged(search_entry()), kSource)),
            (std::set<std::string>{"PatientQuery"}));
  Entry nobody = read_entry();
  nobody.patient.clear();
  EXPECT_TRUE(profiles_of(to_fhir(logged(nobody), kSource)).contains("Read"));
  // Without an address a network agent cannot be written, so no profile is claimed.
  Entry unknown = read_entry();
  unknown.client.clear();
  EXPECT_TRUE(profiles_of(to_fhir(logged(unknown), kSource)).empty());
}

TEST(Fhir, PurposeTokenAndAddressesStandWhereTheProfilesHaveThem) {
  const Json event = to_fhir(logged(read_entry()), kSource);
  EXPECT_TRUE(is_concept(event["purposeOfEvent"][0],
                         "http://terminology.hl7.org/CodeSystem/v3-ActReason", "BTG"));
  const std::string text = event.dump();
  EXPECT_NE(text.find("token-sha256-prefix/0123456789abcdef"), std::string::npos);
  EXPECT_EQ(agents(event, kDcm, "110152")[0]["network"].dump(),
            R"({"address":"203.0.113.7","type":"2"})");
  EXPECT_EQ(agents(event, kDcm, "110153")[0]["network"].dump(),
            R"({"address":"hub.example.sa","type":"1"})");
  EXPECT_EQ(agents(to_fhir(logged(create_entry()), kSource), kDcm, "110153")[0]["network"].dump(),
            R"({"address":"2001:db8::7","type":"2"})");
  EXPECT_EQ(
      agents(to_fhir(logged(disclosure_entry()), kSource), kDcm, "110152")[0]["network"].dump(),
      R"({"address":"https://hsb.nphies.sa","type":"5"})");
}

// An independent checker: the npm package `fhir`, which has R4's own structure definitions. It is
// fetched once by npm into the build folder.
TEST(Fhir, AValidatorOfOthersFindsNoError) {
  const char* build = std::getenv("RABT_BUILD_DIR");
  if (build == nullptr || std::system("command -v node >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "node is absent, or RABT_BUILD_DIR is not set";
  const std::string folder = std::string(build) + "/npm-fhir";
  std::filesystem::create_directories(folder);
  if (!std::filesystem::exists(folder + "/node_modules/fhir") &&
      std::system(("cd " + folder +
                   " && timeout 120 npm install --no-audit --no-fund --silent fhir@4.12.0 "
                   ">/dev/null 2>&1")
                      .c_str()) != 0)
    GTEST_SKIP() << "npm cannot fetch the package fhir";
  {
    std::ofstream lines(folder + "/events.ndjson");
    for (const Logged& logged : many()) lines << to_fhir(logged, kSource).dump() << "\n";
    // Three that are wrong, so that a checker that finds nothing is found out.
    lines
        << R"({"resourceType":"AuditEvent","recorded":"yesterday"})"
        << "\n"
        << R"({"resourceType":"AuditEvent","type":{"code":"x"},"recorded":"2026-01-01T00:00:00Z","agent":[],"source":{"observer":{"display":"x"}}})"
        << "\n"
        << R"({"resourceType":"AuditEvent","type":{"code":"x"},"recorded":"2026-01-01T00:00:00Z","agent":[{"requestor":true}],"source":{"observer":{"display":"x"}},"actor":1})"
        << "\n";
  }
  std::ofstream(folder + "/check.js") << R"js(
const { Fhir } = require('fhir');
const fs = require('fs');
const checker = new Fhir();
const lines = fs.readFileSync('events.ndjson', 'utf8').trim().split('\n');
let good = 0, bad = 0;
for (const line of lines) {
  const result = checker.validate(JSON.parse(line), { errorOnUnexpected: true });
  const errors = result.messages.filter(m => m.severity === 'error' || m.severity === 'fatal');
  if (errors.length === 0 && result.valid) { good++; continue; }
  bad++;
  if (bad <= 3 + 3) console.log(JSON.stringify(errors).slice(0, 400));
}
console.log(good + ' good, ' + bad + ' bad');
)js";
  ASSERT_EQ(std::system(("cd " + folder + " && node check.js > out.txt 2>&1").c_str()), 0)
      << std::ifstream(folder + "/out.txt").rdbuf();
  std::ifstream out(folder + "/out.txt");
  const std::string text((std::istreambuf_iterator<char>(out)), {});
  EXPECT_TRUE(text.ends_with(std::to_string(many().size()) + " good, 3 bad\n")) << text;
}

// ---- DICOM
// --------------------------------------------------------------------------------------------

const std::set<std::string> kLife{"1", "2",  "3",  "4",  "5",  "6",  "7", "8",
                                  "9", "10", "11", "12", "13", "14", "15"};

void only_attributes(const pugi::xml_node& node, const std::set<std::string>& known) {
  for (const pugi::xml_attribute& attribute : node.attributes())
    EXPECT_TRUE(known.contains(attribute.name())) << node.name() << "/@" << attribute.name();
}
void only_children(const pugi::xml_node& node, const std::vector<std::string>& order) {
  std::size_t at = 0;
  for (const pugi::xml_node& child : node.children()) {
    while (at < order.size() && order[at] != child.name()) ++at;
    EXPECT_LT(at, order.size()) << node.name() << "/" << child.name() << " is not allowed here";
  }
}
void coded_value(const pugi::xml_node& node) {
  only_attributes(node, {"csd-code", "codeSystemName", "displayName", "originalText"});
  for (const char* name : {"csd-code", "codeSystemName", "originalText"})
    EXPECT_STRNE(node.attribute(name).value(), "") << node.name() << "/@" << name;
  EXPECT_TRUE(node.first_child().empty());
}

// PS3.15 A.5.1: the schema's rules, element by element.
void check_dicom(const std::string& xml) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(xml.c_str())) << xml;
  const pugi::xml_node message = document.child("AuditMessage");
  ASSERT_TRUE(message);
  only_attributes(message, {});
  only_children(message, {"EventIdentification", "ActiveParticipant", "AuditSourceIdentification",
                          "ParticipantObjectIdentification"});
  const pugi::xml_node event = message.child("EventIdentification");
  ASSERT_TRUE(event);
  only_attributes(event, {"EventActionCode", "EventDateTime", "EventOutcomeIndicator"});
  only_children(event, {"EventID", "EventTypeCode", "EventOutcomeDescription"});
  EXPECT_TRUE(std::set<std::string>({"C", "R", "U", "D", "E"})
                  .contains(event.attribute("EventActionCode").value()));
  EXPECT_TRUE(std::set<std::string>({"0", "4", "8", "12"})
                  .contains(event.attribute("EventOutcomeIndicator").value()));
  EXPECT_TRUE(std::regex_match(
      std::string(event.attribute("EventDateTime").value()),
      std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)")));
  coded_value(event.child("EventID"));
  for (const pugi::xml_node& type : event.children("EventTypeCode")) coded_value(type);

  std::size_t participants = 0;
  for (const pugi::xml_node& one : message.children("ActiveParticipant")) {
    ++participants;
    only_attributes(one, {"UserID", "AlternativeUserID", "UserName", "UserIsRequestor",
                          "NetworkAccessPointID", "NetworkAccessPointTypeCode"});
    only_children(one, {"RoleIDCode", "MediaIdentifier"});
    EXPECT_STRNE(one.attribute("UserID").value(), "");
    EXPECT_TRUE(std::set<std::string>({"true", "false"})
                    .contains(one.attribute("UserIsRequestor").value()));
    EXPECT_EQ(one.attribute("NetworkAccessPointID").empty(),
              one.attribute("NetworkAccessPointTypeCode").empty());
    if (!one.attribute("NetworkAccessPointTypeCode").empty()) {
      EXPECT_TRUE(std::set<std::string>({"1", "2", "3", "4", "5"})
                      .contains(one.attribute("NetworkAccessPointTypeCode").value()));
    }
    for (const pugi::xml_node& role : one.children("RoleIDCode")) coded_value(role);
  }
  EXPECT_GE(participants, 1U);

  std::size_t sources = 0;
  for (const pugi::xml_node& source : message.children("AuditSourceIdentification")) {
    ++sources;
    only_attributes(source, {"AuditEnterpriseSiteID", "AuditSourceID"});
    only_children(source, {"AuditSourceTypeCode"});
    EXPECT_STRNE(source.attribute("AuditSourceID").value(), "");
    for (const pugi::xml_node& type : source.children("AuditSourceTypeCode"))
      EXPECT_TRUE(
          std::regex_match(std::string(type.attribute("csd-code").value()), std::regex("[1-9]")));
  }
  EXPECT_EQ(sources, 1U);

  for (const pugi::xml_node& object : message.children("ParticipantObjectIdentification")) {
    only_attributes(object, {"ParticipantObjectID", "ParticipantObjectTypeCode",
                             "ParticipantObjectTypeCodeRole", "ParticipantObjectDataLifeCycle",
                             "ParticipantObjectSensitivity"});
    only_children(object,
                  {"ParticipantObjectIDTypeCode", "ParticipantObjectName", "ParticipantObjectQuery",
                   "ParticipantObjectDetail", "ParticipantObjectDescription"});
    EXPECT_STRNE(object.attribute("ParticipantObjectID").value(), "");
    EXPECT_TRUE(std::regex_match(std::string(object.attribute("ParticipantObjectTypeCode").value()),
                                 std::regex("[1-4]")));
    const int role = object.attribute("ParticipantObjectTypeCodeRole").as_int();
    EXPECT_TRUE(role >= 1 && role <= 26);
    // A.5.1.2.2: a patient is a person; reports, jobs and queries are system objects.
    EXPECT_EQ(role == 1, object.attribute("ParticipantObjectTypeCode").as_int() == 1);
    if (const auto life = object.attribute("ParticipantObjectDataLifeCycle"); !life.empty()) {
      EXPECT_TRUE(kLife.contains(life.value()));
    }
    coded_value(object.child("ParticipantObjectIDTypeCode"));
    EXPECT_NE(object.child("ParticipantObjectName").empty(),
              object.child("ParticipantObjectQuery").empty())
        << "a name or a query, one of them";
    if (const auto query = object.child("ParticipantObjectQuery"); query) {
      EXPECT_TRUE(from_base64(query.text().get()).has_value());
    }
    for (const pugi::xml_node& detail : object.children("ParticipantObjectDetail")) {
      only_attributes(detail, {"type", "value"});
      EXPECT_STRNE(detail.attribute("type").value(), "");
      EXPECT_TRUE(from_base64(detail.attribute("value").value()).has_value());
    }
  }
}

TEST(Dicom, EveryActIsAnAuditMessageThatKeepsTheSchema) {
  for (const Logged& logged : many()) {
    const std::string xml = to_dicom(logged, kSource);
    SCOPED_TRACE(xml);
    check_dicom(xml);
  }
}

TEST(Dicom, CodesAndRolesOfActsOnPatientData) {
  pugi::xml_document read;
  ASSERT_TRUE(read.load_string(to_dicom(logged(read_entry()), kSource).c_str()));
  const auto path = [](const pugi::xml_document& document, const char* expression) {
    return std::string(document.select_node(expression).attribute().value());
  };
  EXPECT_EQ(path(read, "//EventID/@csd-code"), "110110");
  EXPECT_EQ(path(read, "//ActiveParticipant[@UserIsRequestor='true']/RoleIDCode/@csd-code"),
            "110152");
  EXPECT_EQ(path(read,
                 "//ParticipantObjectIdentification[@ParticipantObjectTypeCode='1']"
                 "/@ParticipantObjectID"),
            kPatient);
  pugi::xml_document sent;
  ASSERT_TRUE(sent.load_string(to_dicom(logged(disclosure_entry()), kSource).c_str()));
  EXPECT_EQ(path(sent, "//EventID/@csd-code"), "110106");
  EXPECT_EQ(path(sent, "//ActiveParticipant[RoleIDCode/@csd-code='110152']/@UserID"), "nphies");
  EXPECT_EQ(path(sent, "//@ParticipantObjectDataLifeCycle"), "11");
  pugi::xml_document opened;
  ASSERT_TRUE(opened.load_string(
      to_dicom(logged({.actor = "api", .act = "break_glass.opened", .patient = kPatient}), kSource)
          .c_str()));
  EXPECT_EQ(path(opened, "//EventTypeCode/@csd-code"), "110127");
}

TEST(Dicom, HostileTextStaysInsideItsAttribute) {
  Entry entry = read_entry();
  entry.request = "x\" NetworkAccessPointID=\"y\"><ActiveParticipant/>\x01\x1f";
  entry.object = "instance:<&>\"'\n";
  const std::string xml = to_dicom(logged(entry), kSource);
  check_dicom(xml);
  EXPECT_EQ(xml.find('\x01'), std::string::npos);
}

// ---- syslog, JSON lines
// -------------------------------------------------------------------------------

TEST(SyslogMessage, TheHeaderIsRfc5424) {
  // PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP SD SP BOM UTF-8
  const std::regex form(
      "<(\\d{1,3})>1 \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{1,6}Z [!-~]{1,255} "
      "[!-~]{1,48} [!-~]{1,128} [!-~]{1,32} (-|(\\[[!-~]{1,32}( [!-~]{1,32}=\"[^\"]*\")*\\])+) "
      "\xEF\xBB\xBF<AuditMessage>.*");
  for (const Logged& one : many()) {
    const std::string message = to_syslog(one, kSource);
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(message, parts, form)) << message;
    EXPECT_EQ(parts[1].str(), one.entry.result == "ok" ? "85" : "84");
    EXPECT_NE(message.find("[meta sequenceId=\"" + std::to_string(one.seq) + "\"]"),
              std::string::npos);
  }
  EXPECT_NE(to_syslog(logged(read_entry(), 2147483648), kSource).find("sequenceId=\"1\""),
            std::string::npos);
  const ExportSource strange{"t", "o", "a host\xC3\xA9"};
  EXPECT_NE(to_syslog(logged(read_entry()), strange).find(" a-host-- rabt "), std::string::npos);
}

TEST(JsonLines, AnEntryIsOneLineWithItsLeaf) {
  Logged one = logged(read_entry());
  one.canonical = R"({"act":"instance.read","at_ms":1773000000123,"n":7,"patient":")" +
                  one.entry.patient + R"(","sealed":"aa.bb","stream":1,"v":1})";
  const std::string line = to_json_line(one);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Json json = Json::parse(line).value();
  EXPECT_EQ(json.int_or("seq", 0), 7);
  EXPECT_EQ(json.string_or("time", ""), "2026-03-08T20:00:00.123Z");
  EXPECT_EQ(json.string_or("patient", ""), kPatient);
  EXPECT_EQ(json.string_or("leaf", ""),
            to_hex(crypto::sha256(std::string(1, '\0') + one.canonical)));
  EXPECT_EQ(json.string_or("sealed", ""), "aa.bb");
  EXPECT_TRUE(line.ends_with(one.canonical.substr(1))) << "the bytes that are hashed";
}

}  // namespace
}  // namespace rabt::audit::export_test
