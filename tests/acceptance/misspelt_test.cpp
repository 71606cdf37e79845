#include <set>

#include "hub/consultation/workflow/register.hpp"
#include "tests/acceptance/description.hpp"
#include "tests/acceptance/hospital.hpp"

// Misspelt members are refused with the word that was meant; none is ignored silently.
namespace rabt::acceptance::misspelt_test {
namespace {

Hospital& h() {
  return Hospital::get();
}

Json session(const Json& more = Json::object()) {
  Json body = Json::object({{"type", "doctor_patient"}, {"patient", h().person("P").id}});
  for (const auto& [name, value] : more.as_object()) body.set(name, value);
  return body;
}

std::string made() {
  const Answer answer = h().post("D", "/api/v1/sessions", session());
  RABT_EXPECT_STATUS(answer, 201);
  return "/api/v1/sessions/" + answer.text("id");
}

// Refused, and the detail has these words.
void refused(const Answer& answer, std::initializer_list<std::string_view> words) {
  RABT_EXPECT_STATUS(answer, 422);
  EXPECT_EQ(answer.text("code"), "api.invalid");
  for (const std::string_view word : words)
    EXPECT_NE(answer.text("detail").find(word), std::string::npos) << answer.body;
}

TEST(Misspelt, MembersOfABodyAreNamedWithTheNearest) {
  refused(h().post("D", "/api/v1/sessions", session(Json::object({{"waitingroom", false}}))),
          {"waitingroom: is no member; did you mean `waitingRoom`?"});
  refused(h().post("D", "/api/v1/sessions",
                   session(Json::object({{"context", Json::object({{"urgancy", "urgent"}})}}))),
          {"context: urgancy: is no member; did you mean `urgency`?"});
  const Json guest = Json::object({{"role", "observer"}, {"nmae", "Layla"}});
  refused(h().post("D", "/api/v1/sessions",
                   session(Json::object({{"participants", Json::array({guest})}}))),
          {"participants[0]: nmae: is no member; did you mean `name`?"});
  const std::string at = made();
  refused(h().post("D", at + "/participants", guest), {"did you mean `name`?"});
  refused(h().post("D", at + "/cancel", Json::object({{"reasons", "ill"}})),
          {"did you mean `reason`?"});
  refused(
      h().call("D", "PATCH", at, Json::object({{"planedMinutes", 20}}), {{"If-Match", "\"1\""}}),
      {"did you mean `plannedMinutes`?"});
  EXPECT_EQ(h().get("D", at).text("status"), "scheduled");
}

// It may be anything, patient data too.
TEST(Misspelt, ANameThatIsLikeNoneIsNotRepeated) {
  const Answer answer =
      h().post("D", made() + "/cancel", Json::object({{"Noura Alqahtani 0551234567", "ill"}}));
  refused(answer, {"body: it has an unknown member; known are: `reason`"});
  EXPECT_EQ(answer.body.find("Noura"), std::string::npos);
}

// All that are near to none stand in one line; what may be written stands behind it, once.
TEST(Misspelt, ANameThatIsLikeNoneIsNamedWithThoseThatAreKnown) {
  refused(h().post("D", made() + "/cancel", Json::object({{"colour", 1}})),
          {"body: colour: is no member; known are: `reason`"});
  const Answer two = h().post("D", "/api/v1/sessions",
                              session(Json::object({{"colour", 1}, {"referralOfTheHis", "x"}})));
  refused(two, {"body: colour, referralOfTheHis: none is a member; known are: `appointment`, "
                "`bookingType`, `chiefComplaint`, `clinic`, ",
                "`organizer`, `participants`, `patient`, `plannedMinutes`, `provider`, "});
  const std::string detail = two.text("detail");
  EXPECT_EQ(detail.find("known are"), detail.rfind("known are"));
  // Other names of members are taken, and not taught.
  EXPECT_EQ(detail.find("appointment_id"), std::string::npos) << detail;
  EXPECT_EQ(detail.find('['), std::string::npos) << "nothing is masked: " << detail;
}

TEST(Misspelt, TheMemberThatIsWrongIsNamed) {
  refused(h().post("D", "/api/v1/patients/search", Json::object({{"identifier", "1000000008"}})),
          {"identifier: must be KIND:VALUE"});
  refused(h().post("D", "/api/v1/break-glass",
                   Json::object({{"patient", "1000000008"}, {"reason", "no pulse"}})),
          {"patient: must be KIND:VALUE"});
}

TEST(Misspelt, ParametersOfTheQueryAreNamedWithTheNearest) {
  refused(h().get("D", "/api/v1/sessions?statuss=scheduled"),
          {"statuss: is no parameter of the query; did you mean `status`?"});
  refused(h().get("D", "/api/v1/visits?patent=1"), {"did you mean `patient`?"});
  refused(h().get("D", made() + "?expand=all"),
          {"expand: is no parameter of the query; it takes none"});
  RABT_EXPECT_STATUS(h().get("D", "/api/v1/sessions?status=scheduled&limit=1"), 200);
}

TEST(Misspelt, WhoMayNotActLearnsNothingAboutTheBody) {
  const Answer answer = h().post("D2", made() + "/end", Json::object({{"raeson", "x"}}));
  RABT_EXPECT_STATUS(answer, 403);
}

// The library of BrainSAIT writes them so.
TEST(Misspelt, TheOtherNamesOfMembersAreTaken) {
  RABT_EXPECT_STATUS(
      h().post(
          "D", "/api/v1/sessions",
          Json::object({{"session_type", "doctor_patient"},
                        {"scheduled_start", "2026-12-01T10:00:00Z"},
                        {"max_participants", 4},
                        {"waiting_room", false},
                        {"chief_complaint", "x"},
                        {"planned_minutes", 20},
                        {"patient_id", h().person("P").id},
                        {"healthcare_context", Json::object({{"medical_record_number", "1"},
                                                             {"urgency_level", "routine"},
                                                             {"consultation_type", "x"},
                                                             {"diagnosis_codes", Json::array()},
                                                             {"family_consent", true}})}})),
      201);
}

TEST(Misspelt, AnAppointmentIsFoundAsItWasGiven) {
  const auto link = [](const Json& appointment) {
    const Answer answer =
        h().post("D", "/api/v1/sessions", session(Json::object({{"appointment", appointment}})));
    RABT_EXPECT_STATUS(answer, 201);
    return answer.text("id");
  };
  const auto found = [](const std::string& appointment) {
    const Answer answer = h().get("D", "/api/v1/sessions?appointment=" + appointment);
    RABT_EXPECT_STATUS(answer, 200);
    return answer["items"].size() == 1 ? answer["items"][0].string_or("id", "") : "";
  };
  const std::string text = link("A-9911");
  EXPECT_EQ(found("A-9911"), text);
  const std::string pair = link(Json::object({{"system", "urn:his"}, {"value", "9912"}}));
  EXPECT_EQ(found("urn:his%7C9912"), pair);
}

TEST(Misspelt, APatientAndAProviderHaveAName) {
  refused(h().post("AD", "/api/v1/patients", Json::object({{"gender", "female"}})),
          {"name: it is needed"});
  refused(h().post("AD", "/api/v1/providers", Json::object({{"name", " "}})),
          {"name: it is needed"});
  RABT_EXPECT_STATUS(h().post("AD", "/api/v1/patients", Json::object({{"name", "نورة"}})), 201);
}

TEST(Misspelt, NobodyIsHisOwnPatient) {
  const Answer own =
      h().post("D", "/api/v1/sessions",
               Json::object({{"type", "doctor_patient"}, {"patient", h().person("D").id}}));
  RABT_EXPECT_STATUS(own, 409);
  EXPECT_EQ(own.text("code"), "session.own_patient");
  // Another doctor may see him.
  const Answer other = h().post("AD", "/api/v1/sessions",
                                Json::object({{"type", "doctor_patient"},
                                              {"provider", h().person("D2").id},
                                              {"patient", h().person("D").id}}));
  RABT_EXPECT_STATUS(other, 201);
  const Answer assigned = h().post("AD", "/api/v1/sessions/" + other.text("id") + "/assign",
                                   Json::object({{"provider", h().person("D").id}}));
  RABT_EXPECT_STATUS(assigned, 409);
  EXPECT_EQ(assigned.text("code"), "session.own_patient");
}

void members_of(const Json& schema, std::set<std::string>& out) {
  for (const auto& [name, type] : schema["properties"].as_object()) out.insert(name);
}

// A workflow's call takes what the API takes.
TEST(Misspelt, TheArgumentsOfCreateAreTheMembersOfASession) {
  Description& description = Description::get();
  const Operation* const create = description.find("POST", "/api/v1/sessions");
  const Operation* const add = description.find("POST", "/api/v1/sessions/x/participants");
  ASSERT_NE(create, nullptr);
  ASSERT_NE(add, nullptr);
  const Json body = description.body_schema(*create);
  std::set<std::string> of_api{"consultation"};
  members_of(body["$defs"]["SessionPatch"], of_api);
  members_of(body["$defs"]["SessionInput"]["allOf"][1], of_api);
  std::set<std::string> people{"session"};
  members_of(body["$defs"]["ParticipantInput"], people);
  for (const plugin::ActionSpec& action : consultation::service_actions("session")) {
    std::set<std::string> of_action;
    members_of(action.input_schema, of_action);
    if (action.name == "create") {
      // A workflow alone opens a session to call it off.
      EXPECT_EQ(of_action.erase("refused"), 1U);
      EXPECT_EQ(of_action, of_api);
    }
    if (action.name == "add-participant") {
      EXPECT_EQ(of_action, people);
    }
    EXPECT_EQ(action.input_schema["additionalProperties"], Json(false)) << action.name;
  }
}

}  // namespace
}  // namespace rabt::acceptance::misspelt_test
