#include "hub/api/compat/brainsait.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "hub/consultation/request/reference.hpp"

namespace rabt::api::compat {

using consultation::AddParticipant;
using consultation::Asked;
using consultation::Inviting;
using consultation::ParticipantInput;
using consultation::SessionInput;

namespace {

// Names of the members in the library's data classes.
struct Alias {
  std::string_view from;
  std::string_view to;
};
constexpr Alias kAliases[] = {{"session_type", "type"},
                              {"scheduled_start", "scheduledStart"},
                              {"max_participants", "maxParticipants"},
                              {"healthcare_context", "context"},
                              {"waiting_room", "waitingRoom"},
                              {"booking_type", "bookingType"},
                              {"chief_complaint", "chiefComplaint"},
                              {"planned_minutes", "plannedMinutes"},
                              {"participant_id", "externalId"},
                              {"external_id", "externalId"},
                              {"user_id", "person"},
                              {"phone_number", "phone"},
                              {"phoneNumber", "phone"},
                              {"license_number", "licenceNumber"},
                              {"licenseNumber", "licenceNumber"},
                              {"licence_number", "licenceNumber"},
                              {"is_saudi_resident", "saudiResident"},
                              {"isSaudiResident", "saudiResident"},
                              {"saudi_resident", "saudiResident"},
                              {"preferred_language", "preferredLanguage"},
                              {"gender_preference", "genderPreference"},
                              {"bypass_waiting_room", "bypassWaitingRoom"},
                              {"patient_id", "patient"},
                              {"patientId", "patient"},
                              {"medical_record_number", "medicalRecordNumber"},
                              {"appointment_id", "appointment"},
                              {"appointmentId", "appointment"},
                              {"diagnosis_codes", "diagnosisCodes"},
                              {"urgency_level", "urgency"},
                              {"urgencyLevel", "urgency"},
                              {"consultation_type", "consultationKind"},
                              {"consultationType", "consultationKind"},
                              {"saudi_health_id", "saudiHealthId"},
                              {"family_consent", "familyConsent"},
                              {"cultural_considerations", "culturalConsiderations"},
                              {"follow_up_of", "followUpOf"}};

// The same object under the names of the API. A name of the API wins.
Json renamed(const Json& body) {
  if (!body.is_object()) return body;
  Json out = Json::object();
  for (const auto& [key, value] : body.as_object()) {
    const auto alias = std::find_if(std::begin(kAliases), std::end(kAliases),
                                    [&from = key](const Alias& one) { return one.from == from; });
    if (alias == std::end(kAliases)) {
      out.set(key, value);
    } else if (body.find(alias->to) == nullptr) {
      out.set(alias->to, value);
    }
  }
  return out;
}

// The same for the objects inside of a body, too.
Json all_renamed(const Json& given) {
  Json body = renamed(given);
  if (!body.is_object()) return body;
  for (const char* name : {"context", "organizer"}) {
    if (const Json* const inner = body.find(name)) body.set(name, renamed(*inner));
  }
  if (const Json& people = body["participants"]; people.is_array()) {
    Json named = Json::array();
    for (const Json& person : people.as_array()) named.push_back(renamed(person));
    body.set("participants", std::move(named));
  }
  return body;
}

constexpr std::string_view kSystem = "brainsait";

// True for a text that is no id of the hub.
bool is_library_id(const Json& reference) {
  if (!reference.is_string()) return false;
  const consultation::Reference read = consultation::read_reference(reference.as_string());
  return !read.id && !read.number;
}
Json in_library(Json id) {
  return Json::object({{"system", kSystem}, {"value", std::move(id)}});
}

// Whoever is named by the name of /api/v1 is a person of the hub.
void mark(const Json& given, ParticipantInput& input) {
  if (given.find("person") != nullptr || !is_library_id(input.person)) return;
  Json guest = Json::object({{"userId", input.person}});
  for (const auto& [name, value] : input.guest.as_object()) guest.set(name, value);
  input.guest = std::move(guest);
  input.foreign = true;
  input.person = in_library(std::move(input.person));
}

}  // namespace

Ask without_library_names(const Ask& ask) {
  Ask ours = ask;
  ours.body = all_renamed(ask.body);
  return ours;
}

void mark_library_ids(const Json& given, Asked<SessionInput>& asked) {
  if (!asked.ok()) return;
  if (renamed(given)["patient"].is_null() && is_library_id(asked->patient)) {
    asked->patient_foreign = true;
    asked->patient = in_library(std::move(asked->patient));
  }
  if (asked->organizer) mark(given["organizer"], *asked->organizer);
  for (std::size_t i = 0; i < asked->participants.size(); ++i)
    mark(given["participants"].item(i), asked->participants[i]);
}

void mark_library_ids(const Json& given, Asked<AddParticipant>& asked) {
  if (asked.ok()) mark(given, asked->input);
}

void mark_library_ids(const Json& given, Inviting& inviting) {
  if (auto* const newcomer = std::get_if<consultation::InviteNewcomer>(&inviting.whom))
    mark(given, newcomer->input);
}

}  // namespace rabt::api::compat
