#include <set>

#include "hub/base/check.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/workflow/service.hpp"

// Actions of hub://session: their arguments and answers.
namespace rabt::consultation {

namespace {

Json open_schema(std::initializer_list<std::string_view> required, Json properties = {}) {
  Json names = Json::array();
  for (const std::string_view name : required) names.push_back(name);
  Json schema = Json::object({{"type", "object"}, {"required", names}});
  if (properties.is_object()) schema.set("properties", std::move(properties));
  return schema;
}

Json marked() {
  return Json::object({{"x-phi", true}});
}
Json marked(std::initializer_list<std::string_view> names) {
  Json out = Json::object();
  for (const std::string_view name : names) out.set(name, marked());
  return out;
}

constexpr std::string_view kReason = R"({"reason": {"type": ["string", "null"]}})";
constexpr std::string_view kPurpose = R"({"purpose": {"enum": ["care", "training", null]}})";

// One of the rules that a tenant may have for a visit that no payer covers.
std::string coverage_rules() {
  Json words = Json::array();
  for (const std::string_view word : CoveragePolicy::kWords) words.push_back(word);
  return Json::object({{"policy", Json::object({{"enum", std::move(words)}})}}).dump();
}

// Arguments and no others. `required` are texts unless `properties`, which are JSON, say otherwise.
Json closed(std::initializer_list<std::string_view> required, std::string_view properties = "{}") {
  auto members = Json::parse(properties);
  RABT_CHECK(members.ok());
  for (const std::string_view name : required) {
    if (members->find(name) == nullptr) members->set(name, typed("string"));
  }
  Json schema = open_schema(required, *std::move(members));
  schema.set("additionalProperties", false);
  return schema;
}

// As POST /sessions/{id}/participants: ParticipantInput of docs/openapi.yaml.
constexpr std::string_view kParticipant = R"({
  "person": {"type": ["string", "integer", "object", "null"]},
  "role": {"enum": ["doctor", "specialist", "nurse", "patient", "family_member", "observer",
                    "admin"]},
  "name": {"type": ["string", "null"], "x-phi": true},
  "phone": {"type": ["string", "null"], "x-phi": true},
  "email": {"type": ["string", "null"], "x-phi": true},
  "externalId": {"type": ["string", "null"], "x-phi": true},
  "licenceNumber": {"type": ["string", "null"]},
  "department": {"type": ["string", "null"]},
  "organization": {"type": ["string", "null"]},
  "saudiResident": {"type": ["boolean", "null"]},
  "preferredLanguage": {"type": ["string", "null"]},
  "gender": {"enum": ["male", "female", null]},
  "birthDate": {"type": ["string", "null"], "maxLength": 10, "x-phi": true},
  "genderPreference": {"enum": ["male", "female", null]},
  "bypassWaitingRoom": {"type": ["boolean", "null"]}
})";

Json participant_schema() {
  return closed({"session", "role"}, kParticipant);
}

// SessionContext of docs/openapi.yaml, where each member may be null. It is closed: read_session()
// does not look at other members.
constexpr std::string_view kContext = R"({
  "patient": {"type": ["string", "integer", "object", "null"]},
  "appointment": {"type": ["string", "integer", "object", "null"]},
  "medicalRecordNumber": {"type": ["string", "null"]},
  "specialty": {"type": ["string", "null"]},
  "consultationKind": {"type": ["string", "null"]},
  "saudiHealthId": {"type": ["string", "null"]},
  "urgency": {"type": ["string", "null"]},
  "familyConsent": {"type": ["boolean", "null"]},
  "diagnosisCodes": {"type": ["array", "null"]},
  "culturalConsiderations": {"type": ["array", "null"]}
})";

// As POST /sessions: SessionInput of docs/openapi.yaml, and the consultation.
Json create_schema() {
  Json schema = closed({"type"}, R"({
    "type": {"enum": ["doctor_patient", "medical_team", "family_consultation", "second_opinion",
                      "emergency_consultation", "remote_monitoring", "training_session"]},
    "bookingType": {"enum": ["direct", "clinic", null]},
    "provider": {"type": ["string", "integer", "object", "null"]},
    "patient": {"type": ["string", "integer", "object", "null"], "x-phi": true},
    "clinic": {"type": ["string", "integer", "object", "null"]},
    "clinicSession": {"type": ["string", "integer", "object", "null"]},
    "visit": {"type": ["string", "integer", "object", "null"]},
    "appointment": {"type": ["string", "integer", "object", "null"]},
    "consultation": {"type": ["string", "null"]},
    "followUpOf": {"type": ["string", "null"]},
    "scheduledStart": {"type": ["string", "null"]},
    "plannedMinutes": {"type": ["integer", "null"], "minimum": 5, "maximum": 480},
    "maxParticipants": {"type": ["integer", "null"], "minimum": 2, "maximum": 15},
    "quality": {"enum": ["low", "standard", "high", "hd", null]},
    "waitingRoom": {"type": ["boolean", "null"]},
    "recording": {"enum": ["off", "manual", "auto", null]},
    "language": {"enum": ["ar", "en", null]},
    "chiefComplaint": {"type": ["string", "null"], "maxLength": 4000, "x-phi": true},
    "notes": {"type": ["string", "null"], "maxLength": 4000, "x-phi": true},
    "e2ee": {"type": ["boolean", "null"]},
    "request": {"type": ["boolean", "null"]},
    "refused": {"type": ["boolean", "null"]}
  })");
  Json participant = closed({"role"}, kParticipant);
  Json organizer = participant;
  organizer.set("type", Json::array({"object", "null"}));
  organizer.set("x-phi", true);
  // A booking of a hospital has all numbers of its patient, and a child's guardians.
  participant.mutable_object()
      .find("properties")
      ->set("identifiers", Json::object({{"type", Json::array({"array", "null"})},
                                         {"maxItems", kMostNumbers},
                                         {"items", typed("object")},
                                         {"x-phi", true}}));
  participant.mutable_object()
      .find("properties")
      ->set("guardians", Json::object({{"type", Json::array({"array", "null"})},
                                       {"maxItems", 20},
                                       {"items", typed("object")},
                                       {"x-phi", true}}));
  Json context = closed({}, kContext);
  context.set("type", Json::array({"object", "null"}));
  context.set("x-phi", true);
  Json& members = *schema.mutable_object().find("properties");
  members.set("context", std::move(context));
  members.set("organizer", std::move(organizer));
  members.set("participants", Json::object({{"type", Json::array({"array", "null"})},
                                            {"maxItems", 15},
                                            {"items", participant},
                                            {"x-phi", true}}));
  return schema;
}

// Output of `clinical`: record/clinical_facts.hpp.
Json clinical_schema() {
  Json properties = marked({"diagnoses", "notes", "addenda", "vitals", "prescriptions", "patient",
                            "patientIdentifiers", "contact"});
  properties.set("claimable", typed("boolean"));
  properties.set("missing",
                 Json::object({{"type", "array"},
                               {"items", Json::object({{"type", "string"}, {"x-code", true}})}}));
  properties.set("durationSeconds", typed("integer"));
  properties.set("acts", typed("object"));
  properties.set("sources", typed("object"));
  return open_schema({"claimable", "missing", "durationSeconds", "acts", "diagnoses", "notes"},
                     std::move(properties));
}

}  // namespace

// A table: one line an action.
std::vector<plugin::ActionSpec> session_actions() {
  struct Row {
    std::string_view name;
    std::string_view title;
    Json input;
    Json output = {};
    // `none`: an answer that did not come is asked of a person.
    std::string_view idempotency = "key";
  };
  const auto of_session = [](std::string_view more = "{}") { return closed({"session"}, more); };
  const auto of_participant = [](std::string_view more = "{}") {
    return closed({"session", "participant"}, more);
  };
  const std::vector<Row> rows{
      {"create", "Open a video session", create_schema()},
      {"get", "Read a session", of_session(R"({"fields": {"type": ["array", "null"],
                                 "items": {"enum": ["chiefComplaint", "notes", "context",
                                                    "patientIdentifier", "asked", "billing"]}}})"),
       open_schema({}, marked({"chiefComplaint", "notes", "context", "patientIdentifier", "asked",
                               "billing"}))},
      {"of-appointment", "List the sessions that an appointment has had",
       closed({"appointment"}, R"({"appointment": {"type": "string", "minLength": 1},
                                   "patient": {"type": ["object", "null"], "x-phi": true},
                                   "gender": {"type": ["string", "null"], "x-phi": true},
                                   "birthDate": {"type": ["string", "null"], "x-phi": true},
                                   "identifiers": {"type": ["array", "null"], "maxItems": 50,
                                                   "items": {"type": "object"}, "x-phi": true}})"),
       open_schema(
           {"sessions"},
           Json::object(
               {{"sessions", Json::object({{"type", "array"},
                                           {"items", open_schema({}, marked({"billing"}))}})}}))},
      {"coverage-policy", "Read what the tenant does with a visit that no payer covers",
       closed({"answer"},
              R"({"answer": {"enum": ["not-eligible", "not-in-force", "unanswered"]}})"),
       closed({"policy"}, coverage_rules())},
      {"participants", "List who takes part", of_session()},
      {"token", "Give a participant what opens the call", of_participant(),
       open_schema({"token"}, marked({"token"}))},
      {"add-participant", "Let somebody take part", participant_schema()},
      {"remove", "Take somebody out of the session", of_participant(kReason)},
      {"admit", "Admit somebody from the waiting room", of_participant(kReason)},
      {"deny", "Turn somebody away from the waiting room", of_participant(kReason)},
      {"start", "Begin a session", of_session(kReason)},
      {"end", "End a session", of_session(kReason)},
      {"cancel", "Call a session off", of_session(R"({"reason": {"type": ["string", "null"]},
                      "cause": {"enum": ["in_person", "other_patient", null]}})")},
      {"recording-start", "Begin to record", of_session(kPurpose)},
      {"recording-stop", "Stop recording", of_session(kPurpose)},
      {"recordings", "List what was recorded", of_session()},
      {"transcribable", "Hand out a recording that everybody lets be transcribed",
       closed({"session", "recording"}), open_schema({"recording", "blob", "language"})},
      {"add-transcript", "Write down what was said in a recording",
       closed({"session", "recording", "segments"},
              R"({"language": {"type": ["string", "null"]},
                  "segments": {"type": "array", "x-phi": true}})")},
      {"update", "Change a session that has not ended",
       closed({"session"},
              R"({"scheduledStart": {"type": ["string", "null"]},
                  "plannedMinutes": {"type": ["integer", "null"], "minimum": 5, "maximum": 480},
                  "chiefComplaint": {"type": ["string", "null"], "maxLength": 4000, "x-phi": true},
                  "notes": {"type": ["string", "null"], "maxLength": 4000, "x-phi": true},
                  "appointmentChanged": {"type": ["boolean", "null"]}})")},
      {"set-insurance", "Note whether the insurance pays",
       closed({"session", "status"},
              R"({"status": {"enum": ["unknown", "pending", "eligible", "not_eligible", "error"]},
                  "reference": {"type": ["string", "null"], "maxLength": 200},
                  "asked": {"type": ["object", "null"], "x-phi": true}})")},
      {"set-billing", "Note which payers were asked for a visit",
       closed({"session", "billing"}, R"({"billing": {"type": "object", "x-phi": true}})")},
      {"set-appointment", "Link a session with an appointment",
       closed({"session", "appointment"}, R"({"appointment": true})")},
      {"link-consultation", "Link a session with a consultation",
       closed({"session", "consultation"})},
      {"attach-document", "Share a document in a session",
       closed({"session", "documentType", "contentType", "data"},
              R"({"title": {"type": ["string", "null"], "x-phi": true}, "data": {"x-phi": true},
                  "shownTo": {}})")},
      {"note", "Write a note into a session",
       closed({"session"},
              R"({"kind": {}, "template": {}, "status": {}, "content": {"x-phi": true},
                  "sections": {"x-phi": true}, "diagnoses": {"x-phi": true}})")},
      {"clinical", "Read what the clinicians of a visit wrote",
       of_session(R"({"anyLength": {"type": "boolean"}, "whole": {"type": "boolean"}})"),
       clinical_schema()},
      {"note-pdfs", "Print the notes of a visit that clinicians have signed", of_session(),
       open_schema({"documents"})},
      {"decide", "Wait for the decision of an operator",
       closed({"session", "question", "answers"},
              R"({"answers": {"type": "array", "minItems": 1, "uniqueItems": true,
                              "items": {"type": "string", "minLength": 1}},
                  "reasons": {"type": "array"}})"),
       open_schema({"decision"},
                   Json::object(
                       {{"decision", Json::object({{"type", "string"}, {"x-among", "answers"}})}})),
       "none"},
      {"messages", "Tell the patient of a visit what is due", of_session(),
       open_schema({"over", "told"}, Json::object({{"over", typed("boolean")}}))},
      {"tell", "Tell the patient of a session something at once",
       closed({"session", "message"}, R"({"message": {"enum": ["call_997"]}})"),
       open_schema({"told"})},
      {"tell-staff", "Tell a person of staff of a session",
       closed({"session", "person", "message"}, R"({"message": {"enum": ["emergency"]}})"),
       open_schema({"outcome"}, Json::object({{"outcome", typed("string")}}))},
      {"staff-messages", "Tell the doctors of a visit what is due",
       of_session(R"({"patienceSeconds": {"type": ["integer", "null"], "minimum": 0}})"),
       open_schema({"over", "told"}, Json::object({{"over", typed("boolean")}}))},
      {"ring", "Ring the next doctor for an emergency", of_session(),
       open_schema({"state", "provider", "until"}, Json::object({{"state", typed("string")}}))},
      {"usage", "Read the attendee-minutes of a month",
       closed({}, R"({"month": {"type": ["string", "null"]}})")},
      {"summary", "Read what became of a session", of_session(),
       open_schema({}, marked({"notes", "prescriptions", "vitals", "followUps", "feedback",
                               "chiefComplaint", "participants", "patient"}))}};
  // A decision changes nothing by itself.
  const std::set<std::string_view> reads{
      "get",           "of-appointment", "coverage-policy", "participants", "recordings",
      "transcribable", "clinical",       "decide",          "usage",        "summary"};
  std::vector<plugin::ActionSpec> out;
  out.reserve(rows.size());
  for (const Row& row : rows)
    out.push_back({.name = std::string(row.name),
                   .version = "1.0.0",
                   .title = std::string(row.title),
                   .idempotency = std::string(row.idempotency),
                   .timeout_ms = 30'000,
                   .input_schema = row.input,
                   .output_schema = row.output,
                   .reads = reads.contains(row.name)});
  return out;
}

}  // namespace rabt::consultation
