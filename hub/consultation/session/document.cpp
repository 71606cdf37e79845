#include <algorithm>
#include <array>

#include "hub/consultation/session/session.hpp"

// The sealed document of a session.
namespace rabt::consultation {

namespace {

constexpr std::array<std::string_view, 6> kLicences{"missing",  "format_ok", "vouched",
                                                    "verified", "refused",   "expired"};

identity::Licence licence_of(std::string_view name) {
  const auto found = std::find(kLicences.begin(), kLicences.end(), name);
  if (found == kLicences.end()) return identity::Licence::missing;
  return static_cast<identity::Licence>(found - kLicences.begin());
}

Json optional_ms(const std::optional<std::int64_t>& at) {
  return at ? Json(*at) : Json();
}
std::optional<std::int64_t> ms_of(const Json& json) {
  return json.as_int64();
}

Json participant_document(const Participant& participant) {
  return Json::object({{"id", participant.id},
                       {"number", participant.number},
                       {"person", participant.person},
                       {"role", to_string(participant.role)},
                       {"broughtBy", participant.brought_by},
                       {"identity", participant.identity},
                       {"admission", to_string(participant.admission)},
                       {"since", participant.since_ms},
                       {"admittedBy", participant.admitted_by},
                       {"bypass", participant.bypass},
                       {"invitation", participant.invitation},
                       {"deviceType", participant.device_type},
                       {"browserInfo", participant.browser_info},
                       {"connection", participant.connection},
                       {"here", participant.here},
                       {"byPage", participant.by_page},
                       {"wasHere", participant.was_here},
                       {"in", optional_ms(participant.in_ms)},
                       {"reference", participant.reference},
                       {"numbers", participant.numbers},
                       {"came", optional_ms(participant.came_ms)},
                       {"went", optional_ms(participant.went_ms)},
                       {"underAccount", optional_ms(participant.account_ms)},
                       {"licence", kLicences[static_cast<std::size_t>(participant.licence)]},
                       {"guest", participant.guest},
                       {"record", participant.record},
                       {"recordOf", participant.record_of},
                       {"recordVersion", participant.record_version},
                       {"waitsAgain", participant.waits_again},
                       {"created", participant.created_ms}});
}

Participant participant_of(const Json& json) {
  Participant participant;
  participant.id = json.string_or("id", "");
  participant.number = json.int_or("number", 0);
  participant.person = json.string_or("person", "");
  participant.role = parse_part_role(json.string_or("role", "")).value_or(PartRole::observer);
  participant.brought_by = json.string_or("broughtBy", "");
  participant.identity = json.string_or("identity", "");
  participant.admission =
      parse_admission(json.string_or("admission", "")).value_or(Admission::denied);
  participant.since_ms = json.int_or("since", 0);
  participant.admitted_by = json.string_or("admittedBy", "");
  participant.bypass = json.bool_or("bypass", false);
  participant.invitation = json.string_or("invitation", "");
  participant.device_type = json.string_or("deviceType", "");
  participant.browser_info = json.string_or("browserInfo", "");
  participant.connection = json.string_or("connection", "unknown");
  participant.here = json.bool_or("here", false);
  participant.by_page = json.bool_or("byPage", false);
  participant.was_here = json.bool_or("wasHere", false);
  participant.reference = json["reference"];
  if (json["numbers"].is_array()) participant.numbers = json["numbers"];
  participant.came_ms = ms_of(json["came"]);
  participant.went_ms = ms_of(json["went"]);
  participant.account_ms = ms_of(json["underAccount"]);
  participant.in_ms = ms_of(json["in"]);
  // An older hub did not write it down.
  if (json.find("in") == nullptr && participant.was_here && participant.admitted())
    participant.in_ms = participant.came_ms;
  participant.licence = licence_of(json.string_or("licence", ""));
  participant.guest = json["guest"];
  participant.record = json["record"];
  // An older hub wrote the version of a later time down, and not whose record it was.
  participant.record_of = json.string_or("recordOf", "");
  participant.record_version = json.int_or("recordVersion", 0);
  participant.waits_again = json.bool_or("waitsAgain", false);
  participant.created_ms = json.int_or("created", 0);
  return participant;
}

Json invitation_document(const Invitation& invitation) {
  return Json::object({{"id", invitation.id},
                       {"person", invitation.person},
                       {"guest", invitation.guest},
                       {"role", to_string(invitation.role)},
                       {"status", invitation.status},
                       {"expires", invitation.expires_ms},
                       {"created", invitation.created_ms},
                       {"createdBy", invitation.created_by},
                       {"invitedBy", invitation.invited_by},
                       {"participant", invitation.participant},
                       {"generation", invitation.generation},
                       {"byLink", invitation.by_link},
                       {"opened", invitation.opened_ms},
                       {"moved", invitation.moved},
                       {"proven", invitation.proven},
                       {"provenOf", invitation.proven_of},
                       {"provenRecord", invitation.proven_record}});
}

Invitation invitation_of(const Json& json) {
  Invitation invitation;
  invitation.id = json.string_or("id", "");
  invitation.person = json.string_or("person", "");
  invitation.guest = json["guest"];
  invitation.role = parse_part_role(json.string_or("role", "")).value_or(PartRole::observer);
  invitation.status = json.string_or("status", "revoked");
  invitation.expires_ms = json.int_or("expires", 0);
  invitation.created_ms = json.int_or("created", 0);
  invitation.created_by = json.string_or("createdBy", "");
  invitation.invited_by = json.string_or("invitedBy", "");
  invitation.participant = json.string_or("participant", "");
  invitation.generation = json.int_or("generation", 0);
  invitation.by_link = json.bool_or("byLink", false);
  invitation.opened_ms = json.int_or("opened", 0);
  invitation.moved = json.int_or("moved", 0);
  invitation.proven = json.int_or("proven", 0);
  invitation.proven_of = json.string_or("provenOf", "");
  invitation.proven_record = json.int_or("provenRecord", 0);
  return invitation;
}

}  // namespace

// A table: one line a field.
Json to_document(const Session& session) {
  Json participants = Json::array();
  for (const Participant& participant : session.people.participants)
    participants.push_back(participant_document(participant));
  Json invitations = Json::array();
  for (const Invitation& invitation : session.people.invitations)
    invitations.push_back(invitation_document(invitation));
  Json warnings = Json::array();
  for (const std::string& code : session.warnings) warnings.push_back(code);
  Json rooms = Json::array();
  for (const std::string& room : session.room.earlier) rooms.push_back(room);
  Json gaps = Json::array();
  for (const TranscriptGap& gap : session.transcript.gaps)
    gaps.push_back(
        Json::object({{"from", gap.from_ms}, {"to", optional_ms(gap.to_ms)}, {"code", gap.code}}));
  return Json::object(
      {{"pseudonym", session.naming.pseudonym},
       {"wordHandedOn", session.naming.handed_on},
       {"visitNumber", session.ties.visit_number},
       {"clinicSession", session.ties.clinic_session},
       {"appointment", session.ties.appointment},
       {"appointmentOfPatient", session.ties.appointment_of_patient},
       {"organizer", session.people.organizer},
       {"scheduleVersion", session.schedule.version},
       {"scheduleSetAt", session.schedule.set_ms},
       {"scheduleSetSince", session.schedule.set_since_ms},
       {"plannedMinutes", session.schedule.minutes},
       {"createdBy", session.origin.created_by},
       {"maxParticipants", session.people.most},
       {"quality", session.options.quality},
       {"waitingRoom", session.options.waiting_room},
       {"recording", session.recording.mode},
       {"language", session.options.language},
       {"e2ee", session.options.e2ee},
       {"chiefComplaint", session.topic.chief_complaint},
       {"notes", session.topic.notes},
       {"context", session.topic.context},
       {"consents", session.consents.all},
       {"identification", session.identification.latest},
       {"identifications", session.identification.confirmations},
       {"insurance", session.payers.insurance},
       {"billing", session.payers.billing},
       {"cancellation", session.end.cancellation},
       {"endReason", session.end.reason},
       {"endedBy", session.end.by},
       {"qualityScore", session.line.quality_score ? Json(*session.line.quality_score) : Json()},
       {"ratings", session.line.ratings},
       {"roomName", session.room.name},
       {"providerPlugin", session.room.plugin},
       {"room", session.room.state},
       {"region", session.room.region},
       {"warnings", std::move(warnings)},
       {"recordingNow", session.recording.running},
       {"recordingPurpose", session.recording.purpose},
       {"recordingConfirmed", session.recording.confirmed},
       {"transcribed", session.transcript.on},
       {"transcribedAt", session.transcript.asked_ms},
       {"transcriptEndedAt", session.transcript.ended_ms},
       {"transcriptBegunAt", session.transcript.begun_ms},
       {"earlierRooms", std::move(rooms)},
       {"transcriptGaps", std::move(gaps)},
       {"recorded", session.recording.ever},
       {"emptySince", optional_ms(session.room.empty_since_ms)},
       {"roomGone", optional_ms(session.room.gone_ms)},
       {"effects", session.effects},
       {"readyTold", session.people.ready_told},
       {"takenBy", session.people.taken_by},
       {"asGiven", session.origin.as_given},
       {"beginsByCall", session.origin.begins_by_call},
       {"joinedCounts", session.origin.joined_counts},
       {"participants", std::move(participants)},
       {"invitations", std::move(invitations)}});
}

// A table: one line a field.
Status from_document(const Json& document, Session& session) {
  if (!document["participants"].is_array() || !document["consents"].is_array())
    return corrupt("session.document", "the document of a session is not readable");
  session.naming.pseudonym = document.string_or("pseudonym", "");
  // An older hub did not write it down.
  session.naming.handed_on = document.bool_or("wordHandedOn", !session.ties.follow_up_of.empty());
  session.ties.visit_number = document.int_or("visitNumber", 0);
  session.ties.clinic_session = document.string_or("clinicSession", "");
  session.ties.appointment = document["appointment"];
  session.ties.appointment_of_patient = document.bool_or("appointmentOfPatient", false);
  session.people.organizer = document.string_or("organizer", "");
  session.schedule.version = document.int_or("scheduleVersion", 1);
  session.schedule.set_ms = document.int_or("scheduleSetAt", 0);
  session.schedule.set_since_ms = document.int_or("scheduleSetSince", 0);
  session.schedule.minutes = document.int_or("plannedMinutes", 30);
  session.origin.created_by = document.string_or("createdBy", "");
  session.people.most = document.int_or("maxParticipants", 10);
  session.options.quality = document.string_or("quality", "high");
  session.options.waiting_room = document.bool_or("waitingRoom", true);
  session.recording.mode = document.string_or("recording", "manual");
  session.options.language = document.string_or("language", "ar");
  session.options.e2ee = document.bool_or("e2ee", false);
  session.topic.chief_complaint = document.string_or("chiefComplaint", "");
  session.topic.notes = document.string_or("notes", "");
  session.topic.context = document["context"];
  session.consents.all = document["consents"];
  session.identification.latest = document["identification"];
  session.identification.confirmations = document.int_or("identifications", 0);
  session.payers.insurance = document["insurance"];
  session.payers.billing = document["billing"];
  session.end.cancellation = document["cancellation"];
  session.end.reason = document.string_or("endReason", "");
  session.end.by = document.string_or("endedBy", "");
  if (document["qualityScore"].is_number())
    session.line.quality_score = document["qualityScore"].as_double();
  session.line.ratings = document["ratings"];
  session.room.name = document.string_or("roomName", "");
  session.room.plugin = document.string_or("providerPlugin", "");
  session.room.state = document.string_or("room", "none");
  session.room.region = document.string_or("region", "");
  session.warnings.clear();
  for (const Json& code : document["warnings"].as_array())
    session.warnings.push_back(code.as_string());
  session.recording.running = document.string_or("recordingNow", "");
  session.recording.purpose = document.string_or("recordingPurpose", "");
  session.recording.confirmed = document.bool_or("recordingConfirmed", false);
  session.transcript.on = document.bool_or("transcribed", false);
  session.transcript.asked_ms = document.int_or("transcribedAt", 0);
  session.transcript.ended_ms = document.int_or("transcriptEndedAt", 0);
  session.transcript.begun_ms = document.int_or("transcriptBegunAt", 0);
  session.room.earlier.clear();
  for (const Json& one : document["earlierRooms"].as_array())
    session.room.earlier.push_back(one.as_string());
  session.transcript.gaps.clear();
  for (const Json& member_value : document["transcriptGaps"].as_array())
    session.transcript.gaps.push_back({.from_ms = member_value.int_or("from", 0),
                                       .to_ms = ms_of(member_value["to"]),
                                       .code = member_value.string_or("code", "")});
  session.recording.ever = document.bool_or("recorded", false);
  session.room.empty_since_ms = ms_of(document["emptySince"]);
  session.room.gone_ms = ms_of(document["roomGone"]);
  session.effects = document.int_or("effects", 0);
  session.people.ready_told = document.bool_or("readyTold", false);
  session.people.taken_by = document.string_or("takenBy", "");
  // Written before 0057.
  if (document.bool_or("taken", false)) session.people.taken_by = session.provider;
  session.origin.as_given = document["asGiven"];
  session.origin.begins_by_call = document.bool_or("beginsByCall", false);
  session.origin.joined_counts = document.bool_or("joinedCounts", false);
  session.people.participants.clear();
  for (const Json& node : document["participants"].as_array())
    session.people.participants.push_back(participant_of(node));
  session.people.invitations.clear();
  for (const Json& item : document["invitations"].as_array())
    session.people.invitations.push_back(invitation_of(item));
  return ok_status();
}

}  // namespace rabt::consultation
