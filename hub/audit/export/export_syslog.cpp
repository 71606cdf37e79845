#include <pugixml.hpp>

#include <algorithm>
#include <sstream>

#include "hub/audit/export/acts.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::audit {

namespace {

constexpr int kFacility = 10;  // RFC 5424 table 1: security/authorization messages
constexpr int kWarning = 4;
constexpr int kNotice = 5;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMaxHostname = 255;  // RFC 5424 section 6

// XML 1.0 cannot carry most control characters, not even escaped; entries hold ids and codes, so
// that none is lost.
std::string xml_text(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return out;
}

// CodedValueType of PS3.15 A.5.1: csd-code, codeSystemName, originalText.
void coded(pugi::xml_node parent, const char* name, std::string_view code, std::string_view system,
           std::string_view text) {
  pugi::xml_node node = parent.append_child(name);
  node.append_attribute("csd-code").set_value(xml_text(code).c_str());
  node.append_attribute("codeSystemName").set_value(xml_text(system).c_str());
  node.append_attribute("originalText").set_value(xml_text(text).c_str());
}

void attribute(pugi::xml_node node, const char* name, std::string_view value) {
  node.append_attribute(name).set_value(xml_text(value).c_str());
}

struct Participant {
  std::string user;
  bool requestor = false;
  std::string address;
  // A DCM code, or an empty text.
  std::string_view role;
};

void active(pugi::xml_node message, const Participant& participant) {
  pugi::xml_node node = message.append_child("ActiveParticipant");
  attribute(node, "UserID", participant.user);
  attribute(node, "UserIsRequestor", participant.requestor ? "true" : "false");
  if (!participant.address.empty()) {
    const bool uri = participant.address.find("://") != std::string::npos;
    const bool ip = participant.address.find_first_not_of("0123456789.") == std::string::npos ||
                    (!uri && participant.address.find(':') != participant.address.rfind(':'));
    attribute(node, "NetworkAccessPointID", participant.address);
    attribute(node, "NetworkAccessPointTypeCode", uri ? "5" : ip ? "2" : "1");
  }
  if (participant.role == "110150")
    coded(node, "RoleIDCode", participant.role, "DCM", "Application");
  if (participant.role == "110152")
    coded(node, "RoleIDCode", participant.role, "DCM", "Destination Role ID");
  if (participant.role == "110153")
    coded(node, "RoleIDCode", participant.role, "DCM", "Source Role ID");
}

void value_pair(pugi::xml_node object, std::string_view type, std::string_view value) {
  pugi::xml_node node = object.append_child("ParticipantObjectDetail");
  attribute(node, "type", type);
  node.append_attribute("value").set_value(to_base64(as_bytes(value)).c_str());
}

std::string_view life_cycle(Pattern pattern, char action) {
  if (pattern == Pattern::disclosure) return "11";  // disclosure
  if (pattern == Pattern::read) return "6";         // access or use
  switch (action) {
    case 'C':
      return "1";
    case 'U':
      return "3";
    case 'D':
      return "14";
    default:
      return {};
  }
}

// PRINTUSASCII of RFC 5424; what is not becomes '-'.
std::string header_field(std::string_view text, std::size_t longest) {
  std::string out(text.substr(0, longest));
  for (char& c : out) {
    if (c < 33 || c > 126) c = '-';
  }
  return out.empty() ? "-" : out;
}

std::string message(int severity, Timestamp at, const ExportSource& source, std::string_view id,
                    const std::string& structured, std::string_view body) {
  std::string out = "<" + std::to_string(kFacility * 8 + severity) + ">1 " + to_iso8601(at) + " " +
                    header_field(source.host, kMaxHostname) + " rabt - " + std::string(id) + " " +
                    structured + " ";
  out.append(kByteOrderMark).append(body);
  return out;
}

}  // namespace

std::string to_dicom(const Logged& logged, const ExportSource& source) {
  const Entry& entry = logged.entry;
  const Act& act = act_of(entry.act);
  const bool good = entry.result == "ok";
  const bool about_patient = !entry.patient.empty();
  pugi::xml_document document;
  pugi::xml_node message = document.append_child("AuditMessage");

  pugi::xml_node event = message.append_child("EventIdentification");
  attribute(event, "EventActionCode", std::string(1, act.action));
  attribute(event, "EventDateTime", to_iso8601({logged.at_ms}));
  attribute(event, "EventOutcomeIndicator", good ? "0" : "4");
  const bool standard = !act.event.empty() && (act.event != "110110" || about_patient) &&
                        (act.event != "110106" || about_patient);
  if (standard) {
    coded(event, "EventID", act.event, "DCM", act.event_text);
    if (!act.type.empty()) coded(event, "EventTypeCode", act.type, "DCM", act.type_text);
    coded(event, "EventTypeCode", entry.act, "rabt-act", entry.act);
  } else {
    coded(event, "EventID", entry.act, "rabt-act", entry.act);
  }
  if (!good && !entry.result.empty())
    event.append_child("EventOutcomeDescription").text().set(xml_text(entry.result).c_str());

  const std::string recipient = entry.detail.string_or("recipient", "");
  switch (act.pattern) {
    case Pattern::read:
      active(message, {entry.actor, true, entry.client, "110152"});
      active(message, {source.observer, false, source.host, "110153"});
      break;
    case Pattern::query:
    case Pattern::create:
      active(message, {entry.actor, true, entry.client, "110153"});
      active(message, {source.observer, false, source.host, "110152"});
      break;
    case Pattern::disclosure:
      active(message, {source.observer, true, source.host, "110153"});
      active(message, {recipient.empty() ? "unknown" : recipient, false,
                       entry.detail.string_or("host", ""), "110152"});
      break;
    case Pattern::general:
      active(message, {entry.actor, true, entry.client, ""});
      active(message, {source.observer, false, source.host, "110150"});
      break;
  }

  pugi::xml_node from = message.append_child("AuditSourceIdentification");
  attribute(from, "AuditEnterpriseSiteID", source.site);
  attribute(from, "AuditSourceID", source.observer);
  attribute(from.append_child("AuditSourceTypeCode"), "csd-code", "4");  // application server

  const auto object = [&](std::string_view id, std::string_view type, std::string_view role,
                          std::string_view life) {
    pugi::xml_node node = message.append_child("ParticipantObjectIdentification");
    attribute(node, "ParticipantObjectID", id);
    attribute(node, "ParticipantObjectTypeCode", type);
    attribute(node, "ParticipantObjectTypeCodeRole", role);
    if (!life.empty()) attribute(node, "ParticipantObjectDataLifeCycle", life);
    return node;
  };
  if (about_patient) {
    pugi::xml_node patient = object(entry.patient, "1", "1", "");
    // A pseudonym takes the place of the number; the type is DICOM's for a patient's number.
    coded(patient, "ParticipantObjectIDTypeCode", "2", "RFC-3881", "Patient Number");
    patient.append_child("ParticipantObjectName").text().set("pseudonym");
  }
  const bool query = act.pattern == Pattern::query;
  pugi::xml_node data = object(entry.object.empty() ? entry.act : entry.object, "2",
                               query ? "24" : "20", life_cycle(act.pattern, act.action));
  const auto colon = entry.object.find(':');
  const std::string kind = colon == std::string::npos ? "act" : entry.object.substr(0, colon);
  coded(data, "ParticipantObjectIDTypeCode", kind, "rabt-object", kind);
  if (query) {
    data.append_child("ParticipantObjectQuery")
        .text()
        .set(to_base64(as_bytes(entry.detail.string_or("query", entry.object))).c_str());
  } else {
    data.append_child("ParticipantObjectName").text().set(xml_text(kind).c_str());
  }
  value_pair(data, "rabt-seq", std::to_string(logged.seq));
  value_pair(data, "rabt-leaf", leaf_hex(logged));
  if (!entry.request.empty()) value_pair(data, "X-Request-Id", entry.request);
  if (!entry.purpose.empty()) value_pair(data, "purpose", entry.purpose);
  if (entry.detail.is_object()) {
    for (const auto& [key, value] : entry.detail.as_object())
      value_pair(data, key, value.is_string() ? value.as_string() : value.dump());
  }
  if (!entry.sealed.empty()) value_pair(data, "sealed", entry.sealed);

  std::ostringstream text;
  document.save(text, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return text.str();
}

std::string to_syslog(const Logged& logged, const ExportSource& source) {
  // sequenceId runs from 1 to 2147483647 and starts again at 1 (RFC 5424 section 7.3.1).
  constexpr std::int64_t kSequence = 2147483647;
  const std::string structured =
      "[meta sequenceId=\"" + std::to_string((logged.seq - 1) % kSequence + 1) + "\"]";
  return message(logged.entry.result == "ok" ? kNotice : kWarning, {logged.at_ms}, source,
                 "IHE+RFC-3881", structured, to_dicom(logged, source));
}

std::string checkpoint_to_syslog(std::string_view note, Timestamp at, const ExportSource& source) {
  return message(kNotice, at, source, "RABT-CHECKPOINT", "-", note);
}

}  // namespace rabt::audit
