#include "hub/api/compat/brainsait.hpp"

#include <gtest/gtest.h>

#include "hub/api/requests/invitation_requests.hpp"
#include "hub/api/requests/life_requests.hpp"
#include "hub/api/requests/people_requests.hpp"
#include "hub/api/requests/session_requests.hpp"

// Names of BrainSAIT's library in requests of /api/v1.
namespace rabt::api::compat::brainsait_test {
namespace {

using consultation::PartRole;

Ask ask_with(std::string_view body) {
  Ask ask;
  ask.session = "S-1";
  auto read = Json::parse(body);
  EXPECT_TRUE(read.ok()) << body;
  if (read.ok()) ask.body = *std::move(read);
  return ask;
}
auto session_in(std::string_view body) {
  return from_library<create_session_of>(ask_with(body));
}
auto added_in(std::string_view body) {
  return from_library<add_participant_of>(ask_with(body));
}

TEST(NamesOfTheLibrary, AreThoseOfTheApiAlsoInside) {
  const auto asked = session_in(R"({
      "session_type": "DOCTOR_PATIENT", "booking_type": "direct", "max_participants": 4,
      "planned_minutes": 40, "chief_complaint": "cough", "waiting_room": false,
      "scheduled_start": "2027-03-10T06:00:00Z", "follow_up_of": "12",
      "healthcare_context": {"medical_record_number": "MRN-1", "urgency_level": "urgent",
          "consultation_type": "follow_up", "saudi_health_id": "SH-1", "family_consent": true,
          "diagnosis_codes": ["I10"], "cultural_considerations": ["x"], "appointment_id": "A-1"},
      "organizer": {"role": "DOCTOR", "license_number": "L-1"},
      "participants": [{"role": "patient", "phone_number": "0551", "is_saudi_resident": true,
                        "participant_id": "p", "bypass_waiting_room": true}]})");
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_EQ(asked->booking, "direct");
  EXPECT_EQ(asked->max_participants, 4);
  EXPECT_EQ(asked->planned_minutes, 40);
  EXPECT_EQ(asked->chief_complaint, "cough");
  EXPECT_EQ(asked->waiting_room, false);
  EXPECT_TRUE(asked->scheduled_ms);
  EXPECT_EQ(asked->follow_up_of, "12");
  EXPECT_EQ(asked->context.dump(),
            R"({"medicalRecordNumber":"MRN-1","consultationKind":"follow_up",)"
            R"("saudiHealthId":"SH-1","urgency":"urgent","familyConsent":true,)"
            R"("diagnosisCodes":["I10"],"culturalConsiderations":["x"]})");
  EXPECT_EQ(asked->appointment, Json("A-1"));
  ASSERT_TRUE(asked->organizer);
  EXPECT_EQ(asked->organizer->guest.string_or("licenceNumber", ""), "L-1");
  ASSERT_EQ(asked->participants.size(), 1U);
  EXPECT_EQ(asked->participants[0].guest.dump(),
            R"({"externalId":"p","phone":"0551","saudiResident":true})");
  EXPECT_TRUE(asked->participants[0].bypass);
}

TEST(NamesOfTheLibrary, GiveWayToThoseOfTheApi) {
  const auto asked = session_in(
      R"({"type": "second_opinion", "session_type": "medical_team", "plannedMinutes": 40,
          "planned_minutes": 50})");
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_EQ(asked->type, consultation::SessionType::second_opinion);
  EXPECT_EQ(asked->planned_minutes, 40);
}

TEST(NamesOfTheLibrary, ChangeASession) {
  const auto asked = in_library_names<change_session_of>(
      ask_with(R"({"scheduled_start": null, "healthcare_context": {"urgency_level": null}})"));
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_EQ(asked->session, "S-1");
  ASSERT_TRUE(asked->members.start_ms);
  EXPECT_FALSE(*asked->members.start_ms);
  ASSERT_TRUE(asked->members.context);
  EXPECT_EQ(asked->members.context->dump(), R"({"urgency":null})");
}

TEST(IdsOfTheLibrary, NameGuestsOfItsOwnSystem) {
  const auto asked = added_in(R"({"role": "nurse", "user_id": "nurse-7", "name": "Nora"})");
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_EQ(asked->session, "S-1");
  EXPECT_TRUE(asked->input.foreign);
  EXPECT_EQ(asked->input.person.dump(), R"({"system":"brainsait","value":"nurse-7"})");
  EXPECT_EQ(asked->input.guest.dump(), R"({"userId":"nurse-7","name":"Nora"})");
  // An id of the hub is one of the hub, and so is whatever the API's own name says.
  for (const char* body :
       {R"({"role": "nurse", "user_id": 7})", R"({"role": "nurse", "user_id": "7"})",
        R"({"role": "nurse", "user_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"})",
        R"({"role": "nurse", "person": "nurse-7"})",
        R"({"role": "nurse", "person": "nurse-7", "user_id": "nurse-8"})"}) {
    const auto own = added_in(body);
    ASSERT_TRUE(own.ok()) << body;
    EXPECT_FALSE(own->input.foreign) << body;
    EXPECT_EQ(own->input.guest.dump(), "{}") << body;
  }
}

TEST(IdsOfTheLibrary, NameThePatientOfTheContext) {
  const auto asked = session_in(
      R"({"type": "doctor_patient", "context": {"patient_id": "P-77"},
          "organizer": {"role": "doctor", "user_id": "dr-1"},
          "participants": [{"role": "nurse", "person": 7}, {"role": "nurse", "user_id": "n-2"}]})");
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_TRUE(asked->patient_foreign);
  EXPECT_EQ(asked->patient.dump(), R"({"system":"brainsait","value":"P-77"})");
  ASSERT_TRUE(asked->organizer);
  EXPECT_TRUE(asked->organizer->foreign);
  ASSERT_EQ(asked->participants.size(), 2U);
  EXPECT_FALSE(asked->participants[0].foreign);
  EXPECT_TRUE(asked->participants[1].foreign);
  const auto top = session_in(R"({"type": "doctor_patient", "patient_id": "P-77"})");
  ASSERT_TRUE(top.ok()) << top.error().message;
  EXPECT_FALSE(top->patient_foreign);
  EXPECT_EQ(top->patient, Json("P-77"));
}

TEST(IdsOfTheLibrary, AreInInvitationsOfNewcomersAlone) {
  const auto inviting = from_library<inviting_of>(
      ask_with(R"({"role": "observer", "user_id": "aunt-3", "phone_number": "0551"})"));
  const auto* const newcomer = std::get_if<consultation::InviteNewcomer>(&inviting.whom);
  ASSERT_NE(newcomer, nullptr);
  EXPECT_TRUE(newcomer->input.foreign);
  EXPECT_EQ(newcomer->input.guest.dump(), R"({"userId":"aunt-3","phone":"0551"})");
  const auto again =
      from_library<inviting_of>(ask_with(R"({"participant": "P-1", "phone_number": "0551"})"));
  const auto* const link = std::get_if<consultation::Asked<consultation::SendLink>>(&again.whom);
  ASSERT_NE(link, nullptr);
  EXPECT_TRUE(link->ok()) << "as it was written";
}

}  // namespace
}  // namespace rabt::api::compat::brainsait_test
