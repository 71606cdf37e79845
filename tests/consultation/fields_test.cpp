#include "hub/consultation/request/fields.hpp"

#include <gtest/gtest.h>

#include "hub/consultation/request/reference.hpp"
#include "hub/consultation/session/input.hpp"

namespace rabt::consultation {
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
      Json::object({{"role", "nurse"}, {"user_id", "x\xe2\x80\xa8y"}}), mistakes, "");
  EXPECT_FALSE(mistakes.none());
  EXPECT_EQ(guest.guest.find("userId"), nullptr);
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

}  // namespace
}  // namespace rabt::consultation
