#include "hub/consultation/session/input.hpp"

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/printable.hpp"
#include "hub/consultation/request/reference.hpp"

namespace rabt::consultation {

namespace {

constexpr std::string_view kTypeWords =
    "it must be doctor_patient, medical_team, family_consultation, second_opinion, "
    "emergency_consultation, remote_monitoring or training_session";

Json named_in(Fields& members, std::string_view name) {
  return named_in(members, name, members.raw(name));
}

Json appointment_in(Fields& members) {
  return appointment_in(members, "appointment", members.raw("appointment"));
}

// A line about somebody who is described.
void read_line(Fields& members, std::string_view name, ParticipantInput& out) {
  if (members.has(name)) out.guest.set(name, members.text(name, kMaxLine));
}

Json read_context(Fields& members) {
  Json out = Json::object();
  for (const std::string_view name :
       {"medicalRecordNumber", "specialty", "consultationKind", "saudiHealthId"}) {
    if (members.has(name)) out.set(name, members.text(name, kMaxLine));
  }
  const std::string urgency = members.word("urgency", {"routine", "urgent", "emergency"});
  if (!urgency.empty()) out.set("urgency", urgency);
  if (const auto consent = members.boolean("familyConsent")) out.set("familyConsent", *consent);
  for (const std::string_view name : {"diagnosisCodes", "culturalConsiderations"}) {
    if (members.has(name)) out.set(name, members.texts(name));
  }
  return out;
}

}  // namespace

std::optional<SessionType> type_in(Fields& members, std::string_view name, const Json& value) {
  const auto type = value.is_string() ? parse_session_type(value.as_string()) : std::nullopt;
  if (!type) members.wrong(name, kTypeWords);
  return type;
}

// One that would have to be tidied names nothing.
Json named_in(Fields& members, std::string_view name, const Json& value) {
  if (value.is_null()) return {};
  const bool good = (value.is_string() && !value.as_string().empty() &&
                     value.as_string().size() <= kMaxLine && is_tidy_line(value.as_string())) ||
                    (value.is_number() && value.as_int64()) ||
                    (value.is_object() && reference_in(value).external);
  if (good) return value;
  members.wrong(name, "it must be an id, a number, or {system, value}");
  return {};
}

Json appointment_in(Fields& members, std::string_view name, const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string() && value.as_string().size() <= kMaxLine)
    return tidy_line(value.as_string());
  if (value.is_number() && value.as_int64()) return value.number_text();
  if (value.is_object() && value["system"].is_string() && value["value"].is_string() &&
      value.as_object().size() <= 4)
    return Json::object({{"system", tidy_line(value["system"].as_string())},
                         {"value", tidy_line(value["value"].as_string())}});
  members.wrong(name, "it must be a text of at most 200 bytes, or {system, value}");
  return {};
}

std::optional<std::int64_t> planned_minutes_in(Fields& members, std::string_view name) {
  return members.integer(name, 5, kMostPlannedMinutes);
}

std::optional<PartRole> role_in(Fields& members, std::string_view name, const Json& value) {
  const auto role = value.is_string() ? parse_part_role(value.as_string()) : std::nullopt;
  if (!role)
    members.wrong(
        name, "it must be doctor, specialist, nurse, patient, family_member, observer or admin");
  return role;
}

void read_phone(Fields& members, ParticipantInput& out) {
  read_line(members, "phone", out);
}
void read_email(Fields& members, ParticipantInput& out) {
  read_line(members, "email", out);
}

ParticipantInput read_participant(const Json& body, Mistakes& mistakes, const std::string& prefix) {
  ParticipantInput out;
  Fields members(body, mistakes, prefix);
  if (!body.is_object() && !body.is_null()) return out;
  out.person = named_in(members, "person");
  if (const Json& more = body["identifiers"]; more.is_array()) {
    for (const Json& item : more.as_array()) {
      if (!item["system"].is_string() || !item["value"].is_string()) continue;
      if (out.identifiers.size() == kMostNumbers) break;
      out.identifiers.push_back(
          Json::object({{"system", item["system"]}, {"value", item["value"]}}));
    }
  }
  if (const Json& named = body["guardians"]; named.is_array()) out.guardians = named;
  out.role = role_in(members, "role", members.raw("role"));
  out.bypass = members.boolean("bypassWaitingRoom").value_or(false);
  for (const std::string_view name : {"externalId", "name"}) read_line(members, name, out);
  read_phone(members, out);
  read_email(members, out);
  for (const std::string_view name :
       {"licenceNumber", "department", "organization", "preferredLanguage"})
    read_line(members, name, out);
  for (const std::string_view name : {"gender", "genderPreference"}) {
    const std::string word = members.word(name, {"male", "female"});
    if (!word.empty()) out.guest.set(name, word);
  }
  const std::string born = members.text("birthDate", std::string_view("2026-11-26").size());
  if (!born.empty()) out.guest.set("birthDate", born);
  if (const auto resident = members.boolean("saudiResident"))
    out.guest.set("saudiResident", *resident);
  return out;
}

// A table: one line a member.
Result<SessionInput> read_session(const Json& body, int offset) {
  if (!body.is_object()) return invalid("api.invalid", "body: it must be an object");
  Mistakes mistakes;
  Fields members(body, mistakes);
  SessionInput out;
  out.type = type_in(members, "type", body["type"]).value_or(SessionType::doctor_patient);
  out.booking = members.word("bookingType", {"direct", "clinic"});
  out.provider = named_in(members, "provider");
  out.clinic = named_in(members, "clinic");
  out.clinic_session = named_in(members, "clinicSession");
  out.visit = named_in(members, "visit");
  out.follow_up_of = members.text("followUpOf", kMaxLine);
  out.consultation = members.text("consultation", kMaxLine);
  if (!out.consultation.empty() && !Ulid::parse(out.consultation))
    mistakes.add("consultation", "it must be the id of a workflow instance");
  if (const auto at = members.time("scheduledStart", offset)) out.scheduled_ms = at->ms;
  out.planned_minutes = planned_minutes_in(members, "plannedMinutes");
  out.max_participants = members.integer("maxParticipants", 2, kMostParticipants);
  out.quality = members.word("quality", {"low", "standard", "high", "hd"});
  out.waiting_room = members.boolean("waitingRoom");
  out.recording = members.word("recording", {"off", "manual", "auto"});
  out.language = members.word("language", {"ar", "en"});
  out.chief_complaint = members.text("chiefComplaint");
  out.notes = members.text("notes");
  out.e2ee = members.boolean("e2ee").value_or(false);
  out.request = members.boolean("request").value_or(false);
  Fields within(body["context"], mistakes, "context.");
  out.context = read_context(within);
  // Patient and appointment may stand in the context.
  out.patient = members.has("patient") ? named_in(members, "patient") : named_in(within, "patient");
  out.appointment = members.has("appointment") ? appointment_in(members) : appointment_in(within);
  if (members.has("organizer"))
    out.organizer = read_participant(body["organizer"], mistakes, "organizer.");
  const Json& people = body["participants"];
  if (people.is_array() && people.size() <= static_cast<std::size_t>(kMostParticipants)) {
    for (std::size_t i = 0; i < people.size(); ++i)
      out.participants.push_back(
          read_participant(people.item(i), mistakes, "participants." + std::to_string(i) + "."));
  } else if (!people.is_null()) {
    mistakes.add("participants", "it must be a list of at most 15 participants");
  }
  if (out.booking == "clinic" && (out.clinic.is_null() || out.clinic_session.is_null()))
    mistakes.add(out.clinic.is_null() ? "clinic" : "clinicSession",
                 "it is needed for a booking in a clinic");
  if (out.e2ee && out.recording == "auto")
    mistakes.add("recording", "a session that is encrypted end to end is not recorded");
  RABT_TRY_STATUS(mistakes.status());
  return out;
}

// A table: one line a member.
Result<Amendment> read_amendment(const Json& body, int offset) {
  if (!body.is_object()) return invalid("api.invalid", "body: it must be an object");
  Mistakes mistakes;
  Fields members(body, mistakes);
  Amendment out;
  if (body.find("status") != nullptr) mistakes.add("status", "it is changed by acts, not by hand");
  if (body.find("type") != nullptr) mistakes.add("type", "it is fixed at creation");
  if (members.has("scheduledStart")) {
    if (const auto at = members.time("scheduledStart", offset)) out.start_ms.emplace(at->ms);
  } else if (body.find("scheduledStart") != nullptr) {
    out.start_ms.emplace(std::nullopt);
  }
  out.planned_minutes = planned_minutes_in(members, "plannedMinutes");
  out.max_participants = members.integer("maxParticipants", 2, kMostParticipants);
  out.quality = members.word("quality", {"low", "standard", "high", "hd"});
  out.recording = members.word("recording", {"off", "manual", "auto"});
  out.waiting_room = members.boolean("waitingRoom");
  if (members.has("language")) out.language = members.word("language", {"ar", "en"});
  if (body.find("notes") != nullptr) out.notes = members.text("notes");
  if (body.find("chiefComplaint") != nullptr) out.chief_complaint = members.text("chiefComplaint");
  if (body.find("appointment") != nullptr) out.appointment = appointment_in(members);
  if (const Json* context = body.find("context"); context != nullptr && !context->is_null()) {
    Fields within(*context, mistakes, "context.");
    Json change = read_context(within);
    if (context->is_object()) {
      for (const auto& [key, value] : context->as_object()) {
        if (value.is_null()) change.set(key, value);
      }
    }
    out.context = std::move(change);
  }
  out.patient = named_in(members, "patient");
  RABT_TRY_STATUS(mistakes.status());
  return out;
}

}  // namespace rabt::consultation
