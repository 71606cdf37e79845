#include "hub/consultation/workflow/session_calls.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "hub/consultation/workflow/service.hpp"
#include "hub/schema/schema.hpp"

// Arguments of hub://session, member by member, in the requests of the services.
namespace rabt::consultation::session_calls_test {
namespace {

constexpr const char* kInstance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

plugin::CallRequest call_with(std::string_view arguments) {
  plugin::CallRequest call;
  call.tenant = "t1";
  call.instance = kInstance;
  call.trace = "0af7651916cd43dd8448eb211c80319c";
  call.idempotency_key = "step-1";
  auto read = Json::parse(arguments);
  EXPECT_TRUE(read.ok()) << arguments;
  if (read.ok()) call.arguments = *std::move(read);
  return call;
}

template <typename Request>
std::string mistake_of(const Asked<Request>& asked) {
  return asked.ok() ? "" : asked.error().message;
}

TEST(CallsOfSessions, NameTheWorkflowThatCalls) {
  const Caller caller = caller_of(call_with("{}"));
  EXPECT_EQ(caller.who.tenant, "t1");
  EXPECT_EQ(caller.who.id, "workflow");
  EXPECT_TRUE(caller.system);
  EXPECT_EQ(caller.request, kInstance);
  EXPECT_EQ(caller.trace, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(caller.key, "step-1");
}

TEST(CallsOfSessions, HaveTheSessionAndTheParticipant) {
  const auto call = call_with(R"({"session": "S-1", "participant": "P-1"})");
  EXPECT_EQ(of_session(call).session, "S-1");
  EXPECT_EQ(of_participant(call).session, "S-1");
  EXPECT_EQ(of_participant(call).participant, "P-1");
}

TEST(CallsOfSessions, EveryArgumentOfANewSessionIsAMemberOfTheRequest) {
  const auto asked = create_session_of(call_with(R"({
      "type": "second_opinion", "bookingType": "clinic", "provider": 7, "patient": "0198",
      "clinic": 3, "clinicSession": 4, "visit": 5, "appointment": {"system": "urn:his", "value": "A"},
      "consultation": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "followUpOf": "12",
      "scheduledStart": "2027-03-10T06:00:00Z", "plannedMinutes": 40, "maxParticipants": 5,
      "quality": "hd", "waitingRoom": false, "recording": "manual", "language": "en",
      "chiefComplaint": "cough", "notes": "n", "context": {"urgency": "urgent"}, "e2ee": true,
      "request": true, "refused": true, "organizer": {"role": "doctor", "person": 8},
      "participants": [{"role": "patient", "name": "Aisha",
                        "identifiers": [{"system": "urn:his", "value": "7"}],
                        "guardians": [{"name": "Mona"}]}]})"));
  ASSERT_TRUE(asked.ok()) << mistake_of(asked);
  EXPECT_EQ(asked->type, SessionType::second_opinion);
  EXPECT_EQ(asked->booking, "clinic");
  EXPECT_EQ(asked->provider, Json(7));
  EXPECT_EQ(asked->patient, Json("0198"));
  EXPECT_EQ(asked->clinic, Json(3));
  EXPECT_EQ(asked->clinic_session, Json(4));
  EXPECT_EQ(asked->visit, Json(5));
  EXPECT_EQ(asked->appointment.dump(), R"({"system":"urn:his","value":"A"})");
  EXPECT_EQ(asked->consultation, kInstance);
  EXPECT_EQ(asked->follow_up_of, "12");
  EXPECT_EQ(asked->scheduled_ms, parse_iso8601("2027-03-10T06:00:00Z")->ms);
  EXPECT_EQ(asked->planned_minutes, 40);
  EXPECT_EQ(asked->max_participants, 5);
  EXPECT_EQ(asked->quality, "hd");
  EXPECT_EQ(asked->waiting_room, false);
  EXPECT_EQ(asked->recording, "manual");
  EXPECT_EQ(asked->language, "en");
  EXPECT_EQ(asked->chief_complaint, "cough");
  EXPECT_EQ(asked->notes, "n");
  EXPECT_EQ(asked->context.dump(), R"({"urgency":"urgent"})");
  EXPECT_TRUE(asked->e2ee);
  EXPECT_TRUE(asked->request);
  EXPECT_TRUE(asked->refused);
  ASSERT_TRUE(asked->organizer);
  EXPECT_EQ(asked->organizer->person, Json(8));
  ASSERT_EQ(asked->participants.size(), 1U);
  EXPECT_EQ(asked->participants[0].role, PartRole::patient);
  EXPECT_EQ(asked->participants[0].guest.string_or("name", ""), "Aisha");
  EXPECT_EQ(asked->participants[0].identifiers.size(), 1U);
  EXPECT_EQ(asked->participants[0].guardians.size(), 1U);
  EXPECT_FALSE(create_session_of(call_with(R"({"type": "second_opinion"})"))->refused);
}

// Otherwise a misspelt urgency of a visit would be lost without a word.
TEST(CallsOfSessions, TheContextOfANewSessionHasNoMembersThatNobodyReads) {
  const auto actions = session_actions();
  const auto create = std::find_if(actions.begin(), actions.end(),
                                   [](const auto& action) { return action.name == "create"; });
  ASSERT_NE(create, actions.end());
  const auto schema = Schema::compile(create->input_schema);
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  const auto fits = [&](std::string_view context) {
    const auto call =
        call_with(R"({"type": "doctor_patient", "context": )" + std::string(context) + "}");
    return !schema->check(call.arguments);
  };
  EXPECT_TRUE(fits("null"));
  // As `get` gives it.
  constexpr std::string_view kWhole =
      R"({"medicalRecordNumber": "MRN-1", "specialty": "cardiology", "consultationKind": "new",
          "saudiHealthId": "SH-1", "urgency": "URGENT", "familyConsent": true,
          "diagnosisCodes": ["I10"], "culturalConsiderations": ["x"], "patient": null,
          "appointment": {"system": "urn:his", "value": "A-1"}})";
  EXPECT_TRUE(fits(kWhole));
  const auto asked = create_session_of(
      call_with(R"({"type": "doctor_patient", "context": )" + std::string(kWhole) + "}"));
  ASSERT_TRUE(asked.ok()) << mistake_of(asked);
  EXPECT_EQ(asked->context.size(), 8U) << "each member is read";
  EXPECT_EQ(asked->appointment.dump(), R"({"system":"urn:his","value":"A-1"})");
  EXPECT_FALSE(fits(R"({"urgency_level": "urgent"})"));
  EXPECT_FALSE(fits(R"({"urgancy": "urgent"})"));
}

TEST(CallsOfSessions, AChangeHasWhatTheCallNames) {
  const auto asked = change_session_of(call_with(
      R"({"session": "S-1", "scheduledStart": null, "plannedMinutes": 40,
          "chiefComplaint": "cough", "notes": "n", "appointmentChanged": true})"));
  ASSERT_TRUE(asked.ok()) << mistake_of(asked);
  EXPECT_EQ(asked->session, "S-1");
  ASSERT_TRUE(asked->members.start_ms);
  EXPECT_FALSE(*asked->members.start_ms) << "it has no planned start any more";
  EXPECT_EQ(asked->members.planned_minutes, 40);
  EXPECT_EQ(asked->members.chief_complaint, "cough");
  EXPECT_EQ(asked->members.notes, "n");
  EXPECT_TRUE(asked->appointment_changed);
  const auto nothing = change_session_of(call_with(R"({"session": "S-1"})"));
  ASSERT_TRUE(nothing.ok());
  EXPECT_TRUE(nothing->members.names().empty());
  EXPECT_FALSE(nothing->appointment_changed);
}

TEST(CallsOfSessions, EndsHaveTheirReasons) {
  const auto call = call_with(
      R"({"session": "S-1", "participant": "P-1", "reason": "late", "cause": "in_person"})");
  EXPECT_EQ(end_session_of(call)->session, "S-1");
  EXPECT_EQ(end_session_of(call)->reason, "late");
  EXPECT_EQ(cancel_session_of(call)->session, "S-1");
  EXPECT_EQ(cancel_session_of(call)->reason, "late");
  EXPECT_EQ(cancel_session_of(call)->cause, "in_person");
  EXPECT_EQ(deny_participant_of(call).session, "S-1");
  EXPECT_EQ(deny_participant_of(call).participant, "P-1");
  EXPECT_EQ(deny_participant_of(call).reason, "late");
  const auto number = call_with(R"({"session": "S-1", "reason": 7})");
  EXPECT_EQ(mistake_of(end_session_of(number)), "reason: it must be a text");
  EXPECT_EQ(mistake_of(cancel_session_of(number)), "reason: it must be a text");
}

TEST(CallsOfSessions, APayersAnswerHasReferenceAndQuestion) {
  const auto asked = note_insurance_of(call_with(
      R"({"session": "S-1", "status": "eligible", "reference": "E-1", "asked": {"payer": "I"}})"));
  ASSERT_TRUE(asked.ok()) << mistake_of(asked);
  EXPECT_EQ(asked->session, "S-1");
  EXPECT_EQ(asked->status, "eligible");
  EXPECT_EQ(asked->reference, "E-1");
  EXPECT_EQ(asked->asked.dump(), R"({"payer":"I"})");
  EXPECT_EQ(mistake_of(note_insurance_of(call_with(R"({"session": "S-1"})"))),
            "status: it is needed");
  const auto billing = call_with(R"({"session": "S-1", "billing": {"paid": true}})");
  EXPECT_EQ(note_billing_of(billing)->session, "S-1");
  EXPECT_EQ(note_billing_of(billing)->billing.dump(), R"({"paid":true})");
}

TEST(CallsOfSessions, LinksNameTheOtherSide) {
  const auto appointment = call_with(R"({"session": "S-1", "appointment": 12})");
  EXPECT_EQ(link_appointment_of(appointment)->session, "S-1");
  EXPECT_EQ(link_appointment_of(appointment)->appointment, Json("12"));
  EXPECT_TRUE(link_appointment_of(call_with(R"({"appointment": null})"))->appointment.is_null());
  EXPECT_EQ(mistake_of(link_appointment_of(call_with(R"({"appointment": true})"))),
            "appointment: it must be a text of at most 200 bytes, or {system, value}");
  const auto instance =
      call_with(R"({"session": "S-1", "consultation": "01ARZ3NDEKTSV4RRFFQ69G5FAV"})");
  EXPECT_EQ(link_instance_of(instance)->session, "S-1");
  EXPECT_EQ(link_instance_of(instance)->consultation, kInstance);
  EXPECT_EQ(mistake_of(link_instance_of(call_with(R"({"consultation": "Aisha"})"))),
            "consultation: must be the id of a workflow instance");
}

TEST(CallsOfSessions, AnAppointmentIsFoundByEachNumberOfItsPatientOnce) {
  const FindByAppointment request = find_by_appointment_of(call_with(
      R"({"appointment": "A-1", "patient": {"system": "urn:his", "value": "7"},
          "gender": null, "birthDate": "1985-04-12",
          "identifiers": [{"system": "urn:his", "value": "7"}, {"value": "8"}, {"value": 9}]})"));
  EXPECT_EQ(request.appointment, Json("A-1"));
  EXPECT_EQ(request.said.dump(), R"({"birthDate":"1985-04-12"})");
  ASSERT_EQ(request.numbers.size(), 2U);
  EXPECT_EQ(request.numbers[0].dump(), R"({"system":"urn:his","value":"7"})");
  EXPECT_EQ(request.numbers[1].dump(), R"({"system":null,"value":"8"})");
}

TEST(CallsOfSessions, AParticipantIsWhomTheCallDescribes) {
  const auto asked = add_participant_of(call_with(
      R"({"session": "S-1", "role": "nurse", "person": 9, "phone": "0551", "email": "a@b.sa",
          "externalId": "x", "licenceNumber": "L", "department": "d", "organization": "o",
          "saudiResident": true, "preferredLanguage": "ar", "gender": "female",
          "birthDate": "1990-05-17", "genderPreference": "female", "name": "Nora",
          "bypassWaitingRoom": true})"));
  ASSERT_TRUE(asked.ok()) << mistake_of(asked);
  EXPECT_EQ(asked->session, "S-1");
  EXPECT_EQ(asked->input.role, PartRole::nurse);
  EXPECT_EQ(asked->input.person, Json(9));
  EXPECT_TRUE(asked->input.bypass);
  for (const char* name :
       {"phone", "email", "externalId", "licenceNumber", "department", "organization",
        "saudiResident", "preferredLanguage", "gender", "birthDate", "genderPreference", "name"})
    EXPECT_FALSE(asked->input.guest[name].is_null()) << name;
}

TEST(CallsOfSessions, RecordingsHaveTheirPurposeAndTheirWords) {
  const auto call = call_with(
      R"({"session": "S-1", "recording": "R-1", "purpose": "training", "language": "ar",
          "segments": [{"startMs": 5, "endMs": 2, "text": "hello", "speaker": "A",
                        "confidence": 0.5}]})");
  EXPECT_EQ(begin_recording_of(call)->session, "S-1");
  EXPECT_EQ(begin_recording_of(call)->purpose, "training");
  EXPECT_EQ(begin_recording_of(call_with("{}"))->purpose, "care");
  EXPECT_EQ(transcribe_recording_of(call).session, "S-1");
  EXPECT_EQ(transcribe_recording_of(call).recording, "R-1");
  RecordedSpeech speech;
  speech.recording = kInstance;
  speech.started_ms = 1'000;
  speech.offset_ms = 20;
  const auto words = add_transcript_of(call, speech);
  ASSERT_TRUE(words.ok()) << mistake_of(words);
  EXPECT_EQ(words->session, "S-1");
  EXPECT_EQ(words->recording, kInstance);
  EXPECT_EQ(words->language, "ar");
  EXPECT_EQ(words->started_ms, 1'000);
  EXPECT_EQ(words->offset_ms, 20);
  ASSERT_EQ(words->segments.size(), 1U);
  EXPECT_EQ(words->segments[0].start_ms, 5);
  EXPECT_EQ(words->segments[0].end_ms, 5) << "no segment ends before its start";
  EXPECT_EQ(words->segments[0].text, "hello");
  EXPECT_EQ(words->segments[0].speaker, "A");
  EXPECT_EQ(words->segments[0].confidence.dump(), "0.5");
  EXPECT_EQ(mistake_of(add_transcript_of(call_with(R"({"segments": 7})"), speech)),
            "segments: it must be a list of at most 10000");
}

TEST(CallsOfSessions, RecordsHaveAllThatTheCallSays) {
  const auto document = share_document_of(call_with(
      R"({"session": "S-1", "documentType": "text", "contentType": "text/plain", "data": "aGk=",
          "title": "referral", "shownTo": ["doctor"]})"));
  ASSERT_TRUE(document.ok()) << mistake_of(document);
  EXPECT_EQ(document->document.session, "S-1");
  EXPECT_EQ(document->document.type, "TEXT");
  EXPECT_EQ(document->document.content_type, "text/plain");
  EXPECT_EQ(document->document.title, "referral");
  EXPECT_EQ(document->document.shown_to, std::vector<std::string>{"doctor"});
  EXPECT_EQ(document->data, "aGk=");
  const auto note = write_note_of(call_with(
      R"({"session": "S-1", "kind": "progress", "template": "soap", "status": "draft",
          "content": "c", "sections": {"plan": "rest"}, "diagnoses": [{"code": "i10"}]})"));
  ASSERT_TRUE(note.ok()) << mistake_of(note);
  EXPECT_EQ(note->session, "S-1");
  EXPECT_EQ(note->kind, "progress");
  EXPECT_EQ(note->template_id, "soap");
  EXPECT_EQ(note->status, "draft");
  EXPECT_EQ(note->content, "c");
  EXPECT_EQ(to_json(note->sections).dump(), R"({"plan":"rest"})");
  ASSERT_EQ(note->diagnoses.size(), 1U);
  EXPECT_EQ(note->diagnoses[0].code, "I10");
  EXPECT_EQ(mistake_of(write_note_of(call_with(R"({"session": "S-1", "content": " "})"))),
            "content: a note needs content or sections");
  const auto facts = call_with(R"({"session": "S-1", "anyLength": true, "whole": true})");
  EXPECT_EQ(read_clinical_facts_of(facts).session, "S-1");
  EXPECT_TRUE(read_clinical_facts_of(facts).any_length);
  EXPECT_TRUE(read_clinical_facts_of(facts).whole);
}

TEST(CallsOfSessions, MessagesNameWhomTheyTellWhat) {
  const auto call = call_with(
      R"({"session": "S-1", "person": "D-1", "message": "emergency", "patienceSeconds": 300})");
  EXPECT_EQ(tell_at_once_of(call).session, "S-1");
  EXPECT_EQ(tell_at_once_of(call).message, "emergency");
  EXPECT_EQ(tell_staff_of(call).session, "S-1");
  EXPECT_EQ(tell_staff_of(call).person, "D-1");
  EXPECT_EQ(tell_staff_of(call).message, "emergency");
  EXPECT_EQ(tell_doctors_of(call).session, "S-1");
  EXPECT_EQ(tell_doctors_of(call).patience_seconds, 300);
}

TEST(CallsOfSessions, UsageIsOfAMonth) {
  EXPECT_FALSE(get_usage_of(call_with("{}"))->month);
  EXPECT_EQ(get_usage_of(call_with(R"({"month": "2026-02"})"))->year, 2026);
  EXPECT_EQ(get_usage_of(call_with(R"({"month": "2026-02"})"))->month, 2);
  for (const char* wrong : {"soon", "2026-13", "2026-0x", "1999-01", "202x-01", "2026/01"})
    EXPECT_FALSE(get_usage_of(call_with(Json::object({{"month", wrong}}).dump())).ok()) << wrong;
}

}  // namespace
}  // namespace rabt::consultation::session_calls_test
