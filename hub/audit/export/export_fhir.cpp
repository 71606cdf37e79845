#include "hub/audit/export/acts.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/audit/tree.hpp"
#include "hub/base/bytes.hpp"

// Profiles: https://profiles.ihe.net/ITI/BALP (IHE ITI.BasicAudit 1.1). Their rules are written as
// tests in tests/audit/export_test.cpp.
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
  // DCM codes.
  std::string_view client_role;
  std::string_view server_role;
  // BALP's profile, without "Patient".
  std::string_view profile;
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

// Entity that the entry is about; `object` is "kind:id".
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

// One entry and what its export follows from.
struct Event {
  const Logged& logged;
  const Entry& entry;
  const ExportSource& source;
  const Act& act;
  Pattern pattern = Pattern::general;
  Parts parts;
  bool good = false;
  bool about_patient = false;
  // A REST interaction, not a disclosure or a plain event.
  bool rest = false;
  std::string token;
  std::string recipient;
  std::string recipient_host;
  // Null when the entry names no purpose.
  Json purpose;
  // The hub itself.
  Json observer;
};

Event event_of(const Logged& logged, const ExportSource& source) {
  const Entry& entry = logged.entry;
  Event event{.logged = logged, .entry = entry, .source = source, .act = act_of(entry.act)};
  event.good = entry.result == "ok";
  event.about_patient = !entry.patient.empty();
  event.token = entry.detail.string_or("token", "");
  event.recipient = entry.detail.string_or("recipient", "");
  event.recipient_host = entry.detail.string_or("host", "");
  event.pattern = event.act.pattern;
  // An entry without all that the profile asks for becomes a plain event.
  const bool disclosed =
      event.about_patient && !event.recipient.empty() && !event.recipient_host.empty();
  if (event.pattern == Pattern::disclosure ? !disclosed : entry.client.empty())
    event.pattern = Pattern::general;
  event.parts = parts_of(event.pattern);
  event.rest = event.pattern != Pattern::general && event.pattern != Pattern::disclosure;
  if (!entry.purpose.empty())
    event.purpose = Json::array({concept_of(coding(kActReason, entry.purpose))});
  event.observer = identified("https://rabt.health/id/log", source.observer);
  event.observer.set("display", "Rabt");
  return event;
}

// The profiles that the event follows; BALP has profiles of successes only.
Json profiles_of(const Event& event) {
  Json profiles = Json::array();
  profiles.push_back(std::string(kProfiles) + (event.rest && event.about_patient ? "Patient" : "") +
                     std::string(event.parts.profile));
  if (!event.token.empty())
    profiles.push_back(std::string(kProfiles) + "OAUTHaccessTokenUse.Opaque");
  return profiles;
}

Json type_of(const Event& event) {
  if (event.rest) {
    return coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest",
                  "Restful Operation");
  }
  if (!event.act.event.empty() && (event.about_patient || event.act.event != "110110"))
    return coding(kDcm, event.act.event, event.act.event_text);
  return event.about_patient ? coding(kDcm, "110110", "Patient Record")
                             : coding(kDcm, "110100", "Application Activity");
}

Json subtypes_of(const Event& event) {
  Json subtypes = Json::array();
  const Parts& parts = event.parts;
  if (!parts.subtype_code.empty())
    subtypes.push_back(coding(parts.subtype_system, parts.subtype_code, parts.subtype_text));
  if (!event.act.type.empty())
    subtypes.push_back(coding(kDcm, event.act.type, event.act.type_text));
  subtypes.push_back(coding("https://rabt.health/audit-act", event.entry.act));
  return subtypes;
}

// role is a DCM code.
Json agent(std::string_view role, Json who, bool requestor, const std::string& address) {
  return Json::object({{"type", concept_of(coding(kDcm, role, role_text(role)))},
                       {"who", std::move(who)},
                       {"requestor", requestor},
                       {"network", network(address)}});
}

Json agents_of(const Event& event) {
  const Entry& entry = event.entry;
  const Json actor = identified("https://rabt.health/id/actor", entry.actor);
  Json agents = Json::array();
  if (event.pattern == Pattern::disclosure) {
    agents.push_back(agent("110153", event.observer, true, event.source.host));
    agents.push_back(agent("110152", identified("https://rabt.health/id/system", event.recipient),
                           false, event.recipient_host));
    return agents;
  }
  if (!event.rest) {
    Json item = Json::object({{"who", actor}, {"requestor", true}});
    if (!entry.client.empty()) item.set("network", network(entry.client));
    if (!event.purpose.is_null()) item.set("purposeOfUse", event.purpose);
    agents.push_back(std::move(item));
    return agents;
  }
  agents.push_back(agent(event.parts.client_role, actor, event.token.empty(), entry.client));
  agents.push_back(agent(event.parts.server_role, event.observer, false, event.source.host));
  if (event.token.empty()) return agents;
  Json policy = Json::array({"https://rabt.health/id/token-sha256-prefix/" + event.token});
  Json user = Json::object({{"type", concept_of(coding(kBalpAgent, "UserOauthAgent"))},
                            {"who", actor},
                            {"requestor", true},
                            {"policy", std::move(policy)}});
  if (!event.purpose.is_null()) user.set("purposeOfUse", event.purpose);
  agents.push_back(std::move(user));
  return agents;
}

Json source_of(const Event& event) {
  Json type = coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4",
                     "Application Server");
  return Json::object({{"site", event.source.site},
                       {"observer", event.observer},
                       {"type", Json::array({std::move(type)})}});
}

Json entities_of(const Event& event) {
  const Entry& entry = event.entry;
  Json entities = Json::array();
  if (event.about_patient) {
    Json what = identified("https://rabt.health/id/patient-pseudonym", entry.patient);
    what.set("type", "Patient");
    entities.push_back(Json::object({{"what", std::move(what)},
                                     {"type", coding(kEntityType, "1", "Person")},
                                     {"role", coding(kObjectRole, "1", "Patient")}}));
  }
  entities.push_back(data_entity(event.logged, event.pattern == Pattern::query));
  if (!entry.request.empty()) {
    entities.push_back(
        Json::object({{"what", identified("", entry.request.substr(0, entry.request.find(' ')))},
                      {"type", coding(kBalpEntity, "XrequestId")}}));
  }
  return entities;
}

}  // namespace

std::string leaf_hex(const Logged& entry) {
  return to_hex(leaf_hash(entry.canonical));
}

Json to_fhir(const Logged& logged, const ExportSource& source) {
  const Event event = event_of(logged, source);
  Json out = Json::object({{"resourceType", "AuditEvent"}, {"id", leaf_hex(logged)}});
  if (event.good && event.pattern != Pattern::general)
    out.set("meta", Json::object({{"profile", profiles_of(event)}}));
  out.set("type", type_of(event));
  out.set("subtype", subtypes_of(event));
  out.set("action", std::string(1, event.act.action));
  out.set("recorded", to_iso8601({logged.at_ms}));
  out.set("outcome", event.good ? "0" : "4");
  if (!event.good && !event.entry.result.empty()) out.set("outcomeDesc", event.entry.result);
  if (!event.purpose.is_null()) out.set("purposeOfEvent", event.purpose);
  out.set("agent", agents_of(event));
  out.set("source", source_of(event));
  out.set("entity", entities_of(event));
  return out;
}

std::string to_json_line(const Logged& logged) {
  std::string out =
      Json::object(
          {{"seq", logged.seq}, {"time", to_iso8601({logged.at_ms})}, {"leaf", leaf_hex(logged)}})
          .dump();
  // The entry's own bytes, so that its hash can be computed from the line.
  out.back() = ',';
  return out.append(logged.canonical, 1);
}

}  // namespace rabt::audit
