#include "hub/consultation/request/fields.hpp"

#include <gtest/gtest.h>

#include "hub/consultation/request/reference.hpp"
#include "hub/consultation/session/input.hpp"

namespace rabt::consultation::fields_test {
namespace {

TEST(Fields, KeepNoCharacterThatHidesOrForgesText) {
  const Json body = Json::object({{"title",
                                   "one\r\ntwo\x1b[2J \xe2\x80\xae"
                                   "x"},
                                  {"text", "one\ntwo\x1b[2J\xe2\x80\xa8three"},
                                  {"blank", "\xe2\x80\xae\x1b "},
                                  {"list", Json::array({"a\xf3\xa0\x81\x87z", "b"})}});
  Fields fields(body);
  EXPECT_EQ(fields.text("title", 200), "one  two[2J x");
  EXPECT_EQ(fields.text("text"), "one\ntwo[2J\nthree");
  EXPECT_EQ(fields.texts("list"), Json::array({"az", "b"}));
  EXPECT_TRUE(fields.good());
  (void)fields.needed_text("blank", 200);
  EXPECT_FALSE(fields.good()) << "nothing of it can be seen";
}

// Control characters of another system's names went through to pages and to other systems.
TEST(NamesFromOutside, AreOneLineWithoutWhatNobodySees) {
  const auto named = [](const char* value) {
    return reference_in(Json::object({{"system", "his"}, {"value", value}}));
  };
  EXPECT_TRUE(named("A-7 \xd8\xb3").external);
  EXPECT_TRUE(named("A\x1b[31m").none());
  EXPECT_TRUE(named("A\r\nB").none());
  EXPECT_TRUE(named("A\xe2\x80\xae").none()) << "U+202E turns round what follows";
  Mistakes mistakes;
  const ParticipantInput guest = read_participant(
      Json::object({{"role", "nurse"}, {"person", "x\xe2\x80\xa8y"}}), mistakes, "");
  EXPECT_FALSE(mistakes.none());
  EXPECT_TRUE(guest.person.is_null());
  for (const Json& given :
       {Json("A\x1b-\r\n7"), Json::object({{"system", "h\x1bis"}, {"value", "A-\r\n7"}})}) {
    const auto session =
        read_session(Json::object({{"type", "doctor_patient"}, {"appointment", given}}), 0);
    ASSERT_TRUE(session.ok());
    const std::string kept = session->appointment.dump();
    EXPECT_EQ(kept.find("\\u001b"), std::string::npos) << kept;
    EXPECT_EQ(kept.find("\\n"), std::string::npos) << kept;
  }
}

// A compatibility API has its own name for a member, and the one check of its value.
TEST(MembersUnderOtherNames, HaveTheChecksOfTheirOwnAndMistakesInTheNameOfTheBody) {
  const Json body = Json::object(
      {{"durationMinutes", 481}, {"providerId", ""}, {"appointmentId", 7}, {"type", "DOCTOR"}});
  Fields theirs(body);
  EXPECT_EQ(type_in(theirs, "type", "FAMILY_consultation"), SessionType::family_consultation);
  EXPECT_EQ(named_in(theirs, "patientId", Json()), Json());
  EXPECT_EQ(appointment_in(theirs, "appointmentId", body["appointmentId"]), Json("7"));
  EXPECT_TRUE(theirs.good());
  EXPECT_FALSE(type_in(theirs, "type", body["type"]));
  EXPECT_EQ(named_in(theirs, "providerId", body["providerId"]), Json());
  EXPECT_FALSE(planned_minutes_in(theirs, "durationMinutes"));
  EXPECT_EQ(theirs.done().error().message,
            "type: it must be doctor_patient, medical_team, family_consultation, second_opinion, "
            "emergency_consultation, remote_monitoring or training_session\n"
            "providerId: it must be an id, a number, or {system, value}\n"
            "durationMinutes: it must be a whole number from 5 to 480");
}

}  // namespace
}  // namespace rabt::consultation::fields_test
