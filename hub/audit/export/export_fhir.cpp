#include "hub/audit/export/acts.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/audit/tree.hpp"
#include "hub/base/bytes.hpp"

// Profiles: https://profiles.ihe.net/ITI/BALP (IHE ITI.BasicAudit 1.1). Their rules are written as
// tests in tests/audit/fhir_test.cpp.
namespace rabt::audit {

namespace {

constexpr std::string_view kDcm = "http://dicom.nema.org/resources/ontology/DCM";
constexpr std::string_view kProfiles =
    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
constexpr std::string_view kBalpEntity =
    "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
constexpr std::string_view kBalpAgent =
    "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes";
constexpr std::string_view kInteraction = "http://hl7.org/fhir/restful-interaction";
constexpr std::string_view kEntityType = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
constexpr std::string_view kObjectRole = "http://terminology.hl7.org/CodeSystem/object-role";
constexpr std::string_view kActReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

Json coding(std::string_view system, std::string_view code, std::string_view display = {}) {
  Json out = Json::object({{"system", system}, {"code", code}});
  if (!display.empty()) out.set("display", display);
  return out;
}
Json concept_of(Json code) {
  return Json::object({{"coding", Json::array({std::move(code)})}});
}
Json identified(std::string_view system, std::string_view value) {
  Json identifier = Json::object();
  if (!system.empty()) identifier.set("system", system);
  identifier.set("value", value);
  return Json::object({{"identifier", std::move(identifier)}});
}

// http://hl7.org/fhir/network-type: 1 machine name, 2 IP address, 5 URI.
Json network(const std::string& address) {
  const bool uri = address.find("://") != std::string::npos;
  const bool v4 = !address.empty() && address.find_first_not_of("0123456789.") == std::string::npos;
  const bool v6 = !uri &&
                  address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos &&
                  address.find(':') != address.rfind(':');
  return Json::object({{"address", address}, {"type", uri ? "5" : v4 || v6 ? "2" : "1"}});
}

struct Parts {
  std::string_view subtype_system;
  std::string_view subtype_code;
  std::string_view subtype_text;
  std::string_view client_role;  // DCM
  std::string_view server_role;
  std::string_view profile;  // of BALP, without "Patient"
};

// In BALP the client of a query or a creation is the source of what flows (the question, the new
// data) and the server its destination; in a read it is the other way round.
Parts parts_of(Pattern pattern) {
  switch (pattern) {
    case Pattern::read:
      return {kInteraction, "read", "read", "110152", "110153", "Read"};
    case Pattern::query:
      return {kInteraction, "search-type", "search-type", "110153", "110152", "Query"};
    case Pattern::create:
      return {kInteraction, "create", "create", "110153", "110152", "Create"};
    case Pattern::disclosure:
      return {"http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle",
              "disclose",
              "Disclose Record Lifecycle Event",
              "110152",
              "110153",
              "PrivacyDisclosure.Source"};
    case Pattern::general:
      break;
  }
  return {};
}

std::string_view role_text(std::string_view code) {
  return code == "110152" ? "Destination Role ID" : "Source Role ID";
}

// What the entry is about; `object` is "kind:id".
Json data_entity(const Logged& logged, bool query) {
  const Entry& entry = logged.entry;
  Json out = Json::object();
  if (!query) {
    const auto colon = entry.object.find(':');
    const std::string kind = colon == std::string::npos ? "act" : entry.object.substr(0, colon);
    const std::string id = colon == std::string::npos ? entry.act : entry.object.substr(colon + 1);
    out.set("what", identified("https://rabt.health/id/" + kind, id));
  }
  out.set("type", coding(kEntityType, "2", "System Object"));
  out.set("role",
          query ? coding(kObjectRole, "24", "Query") : coding(kObjectRole, "4", "Domain Resource"));
  if (query) {
    out.set("query", to_base64(as_bytes(entry.detail.string_or("query", entry.object))));
    return out;
  }
  Json detail = Json::array();
  const auto add = [&](std::string_view type, std::string_view kind, std::string value) {
    if (!value.empty()) detail.push_back(Json::object({{"type", type}, {kind, std::move(value)}}));
  };
  if (entry.detail.is_object()) {
    for (const auto& [key, value] : entry.detail.as_object())
      add(key, "valueString", value.is_string() ? value.as_string() : value.dump());
  }
  if (!entry.sealed.empty()) add("sealed", "valueBase64Binary", to_base64(as_bytes(entry.sealed)));
  if (detail.size() != 0) out.set("detail", std::move(detail));
  return out;
}

}  // namespace

std::string leaf_hex(const Logged& entry) {
  return to_hex(leaf_hash(entry.canonical));
}

Json to_fhir(const Logged& logged, const ExportSource& source) {
  const Entry& entry = logged.entry;
  const Act& act = act_of(entry.act);
  const bool good = entry.result == "ok";
  const bool about_patient = !entry.patient.empty();
  const std::string recipient = entry.detail.string_or("recipient", "");
  const std::string recipient_host = entry.detail.string_or("host", "");
  Pattern pattern = act.pattern;
  // What the profile asks for and this entry does not have makes it a plain event.
  if (pattern == Pattern::disclosure &&
      (!about_patient || recipient.empty() || recipient_host.empty()))
    pattern = Pattern::general;
  if (pattern != Pattern::general && pattern != Pattern::disclosure && entry.client.empty())
    pattern = Pattern::general;
  const Parts parts = parts_of(pattern);
  const bool rest = pattern != Pattern::general && pattern != Pattern::disclosure;
  const std::string token = entry.detail.string_or("token", "");

  Json out = Json::object({{"resourceType", "AuditEvent"}, {"id", leaf_hex(logged)}});
  if (good && pattern != Pattern::general) {
    Json profiles = Json::array();
    profiles.push_back(std::string(kProfiles) + (rest && about_patient ? "Patient" : "") +
                       std::string(parts.profile));
    if (!token.empty()) profiles.push_back(std::string(kProfiles) + "OAUTHaccessTokenUse.Opaque");
    out.set("meta", Json::object({{"profile", std::move(profiles)}}));
  }
  const Json observer = [&] {
    Json who = identified("https://rabt.health/id/log", source.observer);
    who.set("display", "Rabt");
    return who;
  }();
  if (rest) {
    out.set("type", coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest",
                           "Restful Operation"));
  } else if (!act.event.empty() && (about_patient || act.event != "110110")) {
    out.set("type", coding(kDcm, act.event, act.event_text));
  } else {
    out.set("type", about_patient ? coding(kDcm, "110110", "Patient Record")
                                  : coding(kDcm, "110100", "Application Activity"));
  }
  Json subtypes = Json::array();
  if (!parts.subtype_code.empty())
    subtypes.push_back(coding(parts.subtype_system, parts.subtype_code, parts.subtype_text));
  if (!act.type.empty()) subtypes.push_back(coding(kDcm, act.type, act.type_text));
  subtypes.push_back(coding("https://rabt.health/audit-act", entry.act));
  out.set("subtype", std::move(subtypes));
  out.set("action", std::string(1, act.action));
  out.set("recorded", to_iso8601({logged.at_ms}));
  out.set("outcome", good ? "0" : "4");
  if (!good && !entry.result.empty()) out.set("outcomeDesc", entry.result);
  Json purpose;
  if (!entry.purpose.empty()) {
    purpose = Json::array({concept_of(coding(kActReason, entry.purpose))});
    out.set("purposeOfEvent", purpose);
  }

  Json agents = Json::array();
  const auto role = [&](std::string_view code) {
    return concept_of(coding(kDcm, code, role_text(code)));
  };
  const Json actor = identified("https://rabt.health/id/actor", entry.actor);
  if (rest) {
    agents.push_back(Json::object({{"type", role(parts.client_role)},
                                   {"who", actor},
                                   {"requestor", token.empty()},
                                   {"network", network(entry.client)}}));
    agents.push_back(Json::object({{"type", role(parts.server_role)},
                                   {"who", observer},
                                   {"requestor", false},
                                   {"network", network(source.host)}}));
    if (!token.empty()) {
      Json user = Json::object(
          {{"type", concept_of(coding(kBalpAgent, "UserOauthAgent"))},
           {"who", actor},
           {"requestor", true},
           {"policy", Json::array({"https://rabt.health/id/token-sha256-prefix/" + token})}});
      if (!purpose.is_null()) user.set("purposeOfUse", purpose);
      agents.push_back(std::move(user));
    }
  } else if (pattern == Pattern::disclosure) {
    agents.push_back(Json::object({{"type", role("110153")},
                                   {"who", observer},
                                   {"requestor", true},
                                   {"network", network(source.host)}}));
    agents.push_back(Json::object({{"type", role("110152")},
                                   {"who", identified("https://rabt.health/id/system", recipient)},
                                   {"requestor", false},
                                   {"network", network(recipient_host)}}));
  } else {
    Json one = Json::object({{"who", actor}, {"requestor", true}});
    if (!entry.client.empty()) one.set("network", network(entry.client));
    if (!purpose.is_null()) one.set("purposeOfUse", purpose);
    agents.push_back(std::move(one));
  }
  out.set("agent", std::move(agents));

  out.set("source",
          Json::object({{"site", source.site},
                        {"observer", observer},
                        {"type", Json::array({coding(
                                     "http://terminology.hl7.org/CodeSystem/security-source-type",
                                     "4", "Application Server")})}}));

  Json entities = Json::array();
  if (about_patient) {
    Json what = identified("https://rabt.health/id/patient-pseudonym", entry.patient);
    what.set("type", "Patient");
    entities.push_back(Json::object({{"what", std::move(what)},
                                     {"type", coding(kEntityType, "1", "Person")},
                                     {"role", coding(kObjectRole, "1", "Patient")}}));
  }
  entities.push_back(data_entity(logged, pattern == Pattern::query));
  if (!entry.request.empty()) {
    entities.push_back(Json::object(
        {{"what", identified("", entry.request)}, {"type", coding(kBalpEntity, "XrequestId")}}));
  }
  out.set("entity", std::move(entities));
  return out;
}

std::string to_json_line(const Logged& logged) {
  const Entry& entry = logged.entry;
  Json out = Json::object(
      {{"seq", logged.seq}, {"time", to_iso8601({logged.at_ms})}, {"leaf", leaf_hex(logged)}});
  const auto field = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) out.set(key, value);
  };
  field("tenant", entry.tenant);
  field("actor", entry.actor);
  field("act", entry.act);
  field("object", entry.object);
  field("result", entry.result);
  field("patient", entry.patient);
  field("purpose", entry.purpose);
  field("client", entry.client);
  field("request", entry.request);
  if (!entry.detail.is_null()) out.set("detail", entry.detail);
  field("sealed", entry.sealed);
  return out.dump();
}

}  // namespace rabt::audit
