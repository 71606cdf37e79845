#include <map>
#include <set>

#include "tests/acceptance/hospital.hpp"

// Rows of the catalogue as a client plays them that nobody here has written: the documents' own
// bodies, other members, other spellings, what is left out and what is wrong.
namespace rabt::acceptance::stranger_test {
namespace {

using namespace kiorex;

std::set<std::string> keys_of(const Json& object) {
  std::set<std::string> out;
  for (const auto& [name, value] : object.as_object()) out.insert(name);
  return out;
}
std::int64_t number_of(const Answer& answer, std::string_view name) {
  return answer.json.int_or(name, 0);
}

// ---- BrainSAIT

// The quick start of its document: people and patient under ids that only its own system knows.
TEST(Stranger, B01B02B08B09TheQuickStartIsTakenAsItStands) {
  const Json doctor = *Json::parse(R"({
    "participant_id": "doctor_001", "user_id": "dr_ahmed_hassan", "name": "د. أحمد حسن",
    "role": "DOCTOR", "phone_number": "+966501234567", "license_number": "DOC-2024-001",
    "department": "Cardiology", "is_saudi_resident": true, "preferred_language": "ar"})");
  const Json context = *Json::parse(R"({
    "patient_id": "PAT-2024-001", "medical_record_number": "MRN-12345678",
    "appointment_id": "APT-2024-001", "diagnosis_codes": ["I25.10"], "specialty": "Cardiology",
    "urgency_level": "routine", "consultation_type": "general",
    "saudi_health_id": "1234567890", "family_consent": true,
    "cultural_considerations": ["arabic_language_primary"]})");
  const Answer answer = h().post("D", "/api/v1/sessions",
                                 Json::object({{"session_type", "DOCTOR_PATIENT"},
                                               {"organizer", doctor},
                                               {"healthcare_context", context},
                                               {"user_id", "admin_001"}}));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_GE(answer["tokens"].size(), 1U) << answer.body;
  const Json shown = h().get("D", "/api/v1/sessions/" + answer.text("id"))["context"];
  const std::map<std::string, Json> wanted = {
      {"patient", "PAT-2024-001"},
      {"medicalRecordNumber", "MRN-12345678"},
      {"appointment", "APT-2024-001"},
      {"diagnosisCodes", Json::array({Json("I25.10")})},
      {"specialty", "Cardiology"},
      {"urgency", "routine"},
      {"consultationKind", "general"},
      {"saudiHealthId", "1234567890"},
      {"familyConsent", true},
      {"culturalConsiderations", Json::array({Json("arabic_language_primary")})}};
  for (const auto& [name, value] : wanted) EXPECT_EQ(shown[name], value) << name;

  const Json patient = *Json::parse(R"({
    "participant_id": "patient_001", "user_id": "patient_sara", "name": "سارة علي",
    "role": "PATIENT", "is_saudi_resident": true, "preferred_language": "ar",
    "gender_preference": "female"})");
  const Answer added =
      h().post("D", "/api/v1/sessions/" + answer.text("id") + "/participants", patient);
  RABT_EXPECT_STATUS(added, 201);
  EXPECT_EQ(added["tokenUse"], Json("waiting"));
  EXPECT_EQ(added["participant"]["externalId"], Json("patient_001")) << added.body;
  EXPECT_EQ(added["participant"]["name"], Json("سارة علي"));
  EXPECT_EQ(added["participant"]["genderPreference"], Json("female"));
}

TEST(Stranger, B09AnIdOfThisHubThatNamesNobodyIsAMistake) {
  const Answer none = h().post(
      "D", "/api/v1/sessions",
      *Json::parse(
          R"({"type": "doctor_patient", "patient": "7b0c9d4e-0000-4000-8000-000000000000"})"));
  RABT_EXPECT_STATUS(none, 422);
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/sessions",
                              *Json::parse(R"({"type": "doctor_patient", "patient": "nobody"})")),
                     422);
}

TEST(Stranger, B25AGuestShowsHisLicence) {
  const auto with = [](Json organizer) {
    organizer.set("role", "doctor");
    return h().post(
        "AD", "/api/v1/sessions",
        Json::object({{"type", "second_opinion"}, {"organizer", std::move(organizer)}}));
  };
  const Answer none = with(Json::object({{"externalId", "guest-1"}, {"name", "Dr. Guest"}}));
  RABT_EXPECT_STATUS(none, 201);
  EXPECT_NE(none["warnings"].dump().find("licence.missing"), std::string::npos) << none.body;
  const Answer shown = with(Json::object(
      {{"externalId", "guest-2"}, {"name", "Dr. Guest"}, {"licenseNumber", "DOC-2024-001"}}));
  RABT_EXPECT_STATUS(shown, 201);
  EXPECT_EQ(shown["warnings"].dump().find("licence.missing"), std::string::npos) << shown.body;
}

// ---- Kiorex

TEST(Stranger, K04ChangesAllThatTheDocumentNames) {
  const std::string id = made();
  const Answer changed =
      h().call("D", "PUT", path(id),
               Json::object({{"startTime", "2026-12-24T10:00:00Z"},
                             {"durationMinutes", 45},
                             {"appointmentId", "0e0d2c3b-1111-4000-8000-000000000002"},
                             {"type", "emergency"}}));
  RABT_EXPECT_STATUS(changed, 200);
  EXPECT_EQ(changed["type"], Json("emergency_consultation"));
  EXPECT_EQ(changed["appointmentId"], Json("0e0d2c3b-1111-4000-8000-000000000002"));
  EXPECT_EQ(h().call("D", "PUT", path(id), Json::object({{"type", "standard"}}))["type"],
            Json("doctor_patient"));
  // A patient has no place in a conference of the team.
  RABT_EXPECT_STATUS(h().call("D", "PUT", path(id), Json::object({{"type", "medical_team"}})), 409);
  RABT_EXPECT_STATUS(h().call("D", "PUT", path(id), Json::object({{"type", "other"}})), 400);
}

TEST(Stranger, K01FiltersByDays) {
  const std::string id = made(Json::object({{"startTime", "2027-03-05T10:00:00Z"}}));
  const auto found = [&](const std::string& query) {
    const Answer list = h().get("D", "/video/sessions?" + query);
    RABT_EXPECT_STATUS(list, 200);
    for (std::size_t i = 0; i < list["data"].size(); ++i) {
      if (list["data"][i]["id"] == Json(id)) return true;
    }
    return false;
  };
  EXPECT_TRUE(found("from=2027-03-05&to=2027-03-05"));
  EXPECT_FALSE(found("from=2027-03-06"));
  EXPECT_TRUE(found("from=2027-03-05T00:00:00&to=2027-03-06T00:00:00"));
}

TEST(Stranger, K06K16TakesDevicesThatTheHubHasNoWordFor) {
  const std::string id = active();
  const Answer in = h().post(
      "P", path(id, "join"),
      *Json::parse(R"({"deviceType": "tablet", "browserInfo": {"name": "Chrome", "os": "iPad"}})"));
  RABT_EXPECT_STATUS(in, 201);
  EXPECT_TRUE(in["participant"]["joinedAt"].is_string()) << in.body;
}

TEST(Stranger, K20TimesOfSlotsMayBeOfATimeZone) {
  const std::string at = "/video/providers/" + h().uuid("D2") + "/availability";
  const Json body = *Json::parse(R"({"timeZone": "Asia/Riyadh", "slots": [
      {"startTime": "2027-01-10T09:00:00", "endTime": "2027-01-10T09:30:00"},
      {"startTime": "2027-01-11T09:00:00+03:00", "endTime": "2027-01-11T09:30:00+03:00"}]})");
  const Answer set = h().post("D2", at, body);
  RABT_EXPECT_STATUS(set, 201);
  EXPECT_EQ(set["timeZone"], Json("Asia/Riyadh"));
  const Answer shown = h().get("P", at + "?from=2027-01-10&to=2027-01-12");
  ASSERT_EQ(shown["slots"].size(), 2U) << shown.body;
  EXPECT_EQ(shown["slots"][0]["startTime"], Json("2027-01-10T06:00:00.000Z"));
  EXPECT_EQ(shown["slots"][1]["startTime"], Json("2027-01-11T06:00:00.000Z"));
  // Said once more, they are the same slots.
  RABT_EXPECT_STATUS(h().post("D2", at, body), 201);
  EXPECT_EQ(h().get("P", at + "?from=2027-01-10&to=2027-01-12")["slots"].size(), 2U);
  RABT_EXPECT_STATUS(h().post("D2", at, *Json::parse(R"({"timeZone": "Mars/Olympus", "slots": [
          {"startTime": "2027-01-12T09:00:00", "endTime": "2027-01-12T09:30:00"}]})")),
                     400);
}

TEST(Stranger, K41RecordingsHaveTheColumnsOfTheirTable) {
  const std::string id = active();
  const Answer begun = h().post("D", path(id, "start-recording"));
  RABT_EXPECT_STATUS(begun, 201);
  EXPECT_EQ(keys_of(begun.json),
            (std::set<std::string>{"id", "sessionId", "recordingSid", "status", "durationSeconds",
                                   "fileSizeBytes", "downloadUrl", "expiresAt", "createdAt"}));
}

TEST(Stranger, K42ParticipantsHaveTheColumnsOfTheirTable) {
  const std::string id = active();
  RABT_EXPECT_STATUS(h().post("P", path(id, "join")), 201);
  const Answer all = h().get("D", path(id, "participants"));
  ASSERT_EQ(all.json.size(), 2U) << all.body;
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(keys_of(all.json[i]),
              (std::set<std::string>{"id", "sessionId", "userId", "participantSid", "role",
                                     "joinedAt", "leftAt", "durationMinutes", "createdAt"}));
    EXPECT_TRUE(all.json[i]["participantSid"].is_string());
  }
}

TEST(Stranger, K43ThreeOfTheStaffMeet) {
  const Answer team = h().post(
      "D", "/video/sessions",
      Json::object(
          {{"patientId", h().uuid("P")}, {"providerId", h().uuid("D")}, {"type", "medical_team"}}));
  RABT_EXPECT_STATUS(team, 201);
  EXPECT_EQ(team["type"], Json("medical_team"));
  const std::string id = team.text("id");
  RABT_EXPECT_STATUS(
      h().post("D", path(id, "invite"),
               Json::object(
                   {{"participants", Json::array({Json::object({{"userId", h().uuid("D2")}}),
                                                  Json::object({{"userId", h().uuid("N")}})})}})),
      201);
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 201);
  for (const char* who : {"D", "D2", "N"}) RABT_EXPECT_STATUS(h().post(who, path(id, "join")), 201);
  RABT_EXPECT_STATUS(h().post("P", path(id, "join")), 403);
}

TEST(Stranger, K45TrainingIsRecordedWithConsentOnly) {
  const std::string id = active();
  const Json training = Json::object({{"purpose", "training"}});
  const Answer refused = h().post("D", path(id, "start-recording"), training);
  RABT_EXPECT_STATUS(refused, 409);
  EXPECT_EQ(refused.header("X-Rabt-Code"), "consent.recording_missing");
  RABT_EXPECT_STATUS(h().post("P", "/api/v1/sessions/" + id + "/consents",
                              Json::object({{"kind", "training"}, {"given", true}})),
                     201);
  RABT_EXPECT_STATUS(h().post("D", path(id, "start-recording"), training), 201);
}

TEST(Stranger, K50AnEmergencyStartsAtOnce) {
  const Answer answer = h().post(
      "D", "/video/telehealth/consultation",
      Json::object(
          {{"providerId", h().uuid("D")}, {"type", "emergency"}, {"reason", "chest pain"}}));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["type"], Json("emergency_consultation"));
  RABT_EXPECT_STATUS(h().post("D", path(answer.text("sessionId"), "start")), 201);
}

TEST(Stranger, K51AnInvitationIsAcceptedByJoining) {
  const std::string id = active();
  const Answer asked = h().post("D", path(id, "invite"),
                                Json::object({{"userId", h().uuid("N")}, {"role", "nurse"}}));
  RABT_EXPECT_STATUS(asked, 201);
  EXPECT_EQ(asked["invitations"][0]["status"], Json("pending"));
  RABT_EXPECT_STATUS(h().post("N", path(id, "join")), 201);
  const Answer all = h().get("D", "/api/v1/sessions/" + id + "/invitations");
  RABT_EXPECT_STATUS(all, 200);
  EXPECT_EQ(all["items"][0]["status"], Json("accepted")) << all.body;
}

TEST(Stranger, K53K32MeasuredLinesAreShown) {
  const std::string id = active();
  for (const char* who : {"D", "P"}) RABT_EXPECT_STATUS(h().post(who, path(id, "join")), 201);
  const Answer sent = h().post("P", "/api/v1/sessions/" + id + "/quality",
                               *Json::parse(R"({"samples": [{"direction": "down", "lossPercent": 1,
                  "jitterMs": 10, "rttMs": 80, "kbps": 1200}]})"));
  RABT_EXPECT_STATUS(sent, 202);
  const Answer shown = h().get("D", "/video/quality/metrics?sessionId=" + id);
  RABT_EXPECT_STATUS(shown, 200);
  EXPECT_EQ(shown["sessionsMeasured"], Json(1)) << shown.body;
  EXPECT_NEAR(shown["averageQualityScore"].as_double(), 4.28, 0.01) << shown.body;
}

TEST(Stranger, K54OptimisingNamesTheBitrate) {
  const std::string id = active();
  const Answer low = h().post("D", "/video/quality/optimize",
                              Json::object({{"sessionId", id}, {"quality", "low"}}));
  RABT_EXPECT_STATUS(low, 201);
  EXPECT_EQ(low["maxBitrateKbps"], Json(150));
  const Answer wrong = h().post("D", "/video/quality/optimize",
                                Json::object({{"sessionId", id}, {"quality", "ultra"}}));
  RABT_EXPECT_STATUS(wrong, 400);
  EXPECT_NE(wrong.body.find("quality: "), std::string::npos) << wrong.body;
}

TEST(Stranger, K38TheMetricsOfTheHubAreThere) {
  const Answer text = h().get("AD", "/metrics");
  RABT_EXPECT_STATUS(text, 200);
  for (const char* name :
       {"rabt_sessions_total", "rabt_sessions_active", "rabt_session_duration_seconds",
        "rabt_session_success_ratio", "rabt_session_quality_score", "rabt_recordings_total",
        "rabt_session_bandwidth_bytes_total", "rabt_door_requests_total"})
    EXPECT_NE(text.body.find(name), std::string::npos) << name;
}

TEST(Stranger, K71WrongInputNamesTheFieldInTheWordsOfTheDoor) {
  const std::string id = active();
  RABT_EXPECT_STATUS(h().get("D", path("not-a-uuid")), 400);
  RABT_EXPECT_STATUS(h().get("D", "/video/recordings/17"), 400);
  RABT_EXPECT_STATUS(h().post("P", "/video/patients/" + h().uuid("P") + "/join-session",
                              Json::object({{"sessionId", "zz"}})),
                     400);
  const Answer empty = h().post("D", "/video/telehealth/consultations/" + id + "/prescription",
                                *Json::parse(R"({"medications": [{"dosage": "1 g"}]})"));
  RABT_EXPECT_STATUS(empty, 400);
  EXPECT_NE(empty.body.find("medications[0].name"), std::string::npos) << empty.body;
  const Answer kind = h().post("D", "/video/telehealth/consultations/" + id + "/notes",
                               Json::object({{"content", "x"}, {"type", "poem"}}));
  RABT_EXPECT_STATUS(kind, 400);
  EXPECT_EQ(kind["message"][0].as_string().substr(0, 6), "type: ") << kind.body;
  const Answer slot = h().post("D", "/video/providers/" + h().uuid("D") + "/availability",
                               *Json::parse(R"({"slots": [{"startTime": "2027-05-01T10:00:00Z",
                                  "endTime": "2027-05-01T09:00:00Z"}]})"));
  RABT_EXPECT_STATUS(slot, 400);
  EXPECT_NE(slot.body.find("slots[0].endTime"), std::string::npos) << slot.body;
}

TEST(Stranger, K63TokensOfTheOldSystemAreTakenAndOthersAreNot) {
  const std::string wrong = h().mint("user-D", "provider", "another secret of 32 bytes or more");
  const auto shows = [](const std::string& token) {
    return h().site.send("GET", "/video/sessions", {{"Authorization", "Bearer " + token}}).status;
  };
  EXPECT_EQ(shows(h().person("D").token), 200);
  EXPECT_EQ(shows(wrong), 401);
  // JWT_EXPIRES_IN of that system is a day.
  constexpr std::int64_t kDay = 86'400;
  EXPECT_EQ(shows(h().mint("user-D", "provider", Hospital::kSecret, kDay)), 200);
  EXPECT_EQ(shows(h().mint("user-D", "provider", Hospital::kSecret, 2 * kDay)), 401);
}

// ---- The EMR

struct Visit {
  std::int64_t number = 0;
  Json body() const {
    return Json::object({{"visit", number},
                         {"appointment", Json()},
                         {"scheduled_start", "2024-12-25T10:00:00Z"},
                         {"recording_enabled", false},
                         {"notes", "Follow-up consultation"}});
  }
};
Visit visit() {
  const Answer opened =
      h().post("D", "/api/v1/visits", Json::object({{"patient", h().number("P")}}));
  RABT_EXPECT_STATUS(opened, 201);
  return {number_of(opened, "number")};
}
constexpr const char* kTelemedicine = "/api/v1/telemedicine/";
std::string telemedicine(std::int64_t id, const std::string& act = "") {
  return kTelemedicine + std::to_string(id) + "/" + (act.empty() ? "" : act + "/");
}

TEST(Stranger, E02TheSampleComesBackAsItWasSent) {
  const Answer answer = h().post("D", kTelemedicine, visit().body());
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["scheduled_start"], Json("2024-12-25T10:00:00Z"));
  EXPECT_EQ(h().get("D", telemedicine(number_of(answer, "id")))["scheduled_start"],
            Json("2024-12-25T10:00:00Z"));
  Json wrong = visit().body();
  wrong.set("recording_enabled", "perhaps");
  const Answer refused = h().post("D", kTelemedicine, wrong);
  RABT_EXPECT_STATUS(refused, 400);
  EXPECT_TRUE(refused["recording_enabled"].is_array()) << refused.body;
}

TEST(Stranger, E01FiltersAndPages) {
  const Visit of = visit();
  for (int i = 0; i < 3; ++i) RABT_EXPECT_STATUS(h().post("D", kTelemedicine, of.body()), 201);
  const std::string list = std::string(kTelemedicine) + "?visit_id=" + std::to_string(of.number);
  const Answer page = h().get("D", list + "&page_size=2");
  RABT_EXPECT_STATUS(page, 200);
  EXPECT_EQ(page["count"], Json(3));
  EXPECT_EQ(page["results"].size(), 2U);
  EXPECT_NE(page.text("next").find("page_size=2"), std::string::npos) << page.body;
  RABT_EXPECT_STATUS(h().get("D", std::string(kTelemedicine) + "?status=BOGUS"), 400);
  EXPECT_EQ(h().get("D", list + "&status=COMPLETED")["count"], Json(0));
}

TEST(Stranger, E07E14E15E18E19E20ASessionFromItsPlanToItsEnd) {
  const Answer answer = h().post("D", kTelemedicine, visit().body());
  RABT_EXPECT_STATUS(answer, 201);
  const std::int64_t id = number_of(answer, "id");
  EXPECT_EQ(answer["status"], Json("SCHEDULED"));
  const Answer begun = h().post("D", telemedicine(id, "start"));
  EXPECT_EQ(begun["status"], Json("IN_PROGRESS"));
  const Json whose = Json::object({{"session_id", id}});
  for (const char* who : {"D", "P"}) {
    const Answer token = h().post(who, std::string(kTelemedicine) + "token/", whose);
    RABT_EXPECT_STATUS(token, 200);
    EXPECT_EQ(token["room_name"], begun["room_name"]);
    EXPECT_EQ(keys_of(token.json), (std::set<std::string>{"token", "room_name", "session_id"}));
  }
  const Answer left = h().post("P", telemedicine(id, "leave"));
  RABT_EXPECT_STATUS(left, 200);
  const Answer seen = h().get("D", telemedicine(id));
  bool gone = false;
  for (std::size_t i = 0; i < seen["participants"].size(); ++i) {
    const Json& part = seen["participants"][i];
    if (part["user"] == Json(h().number("P"))) gone = part["left_at"].is_string();
  }
  EXPECT_TRUE(gone) << seen.body;
  RABT_EXPECT_STATUS(h().post("D2", telemedicine(id, "end")), 403);
  const Answer over = h().post("D", telemedicine(id, "end"));
  EXPECT_EQ(over["status"], Json("COMPLETED"));
  // A minute that has begun counts whole.
  EXPECT_EQ(over["duration_minutes"], Json(over["started_at"] == over["ended_at"] ? 0 : 1))
      << over.body;
  for (const char* act : {"session.created", "session.started", "session.ended"}) {
    const Answer log = h().get("AD", std::string("/admin/logs?action=") + act);
    EXPECT_GE(number_of(log, "total"), 1) << act;
  }
}

// ---- PulseOne

Json direct() {
  return Json::object({{"booking_type", "DIRECT_DOCTOR"},
                       {"doctor_id", h().uuid("D")},
                       {"patient_id", h().uuid("P")},
                       {"scheduled_start_time", "2026-01-25T14:00:00"},
                       {"consultation_duration_minutes", 30},
                       {"chief_complaint", "Follow-up consultation"}});
}
constexpr const char* kVideo = "/api/video/sessions";

TEST(Stranger, P01ATimeWithoutZoneStaysOne) {
  const Answer answer = h().post("P", kVideo, direct());
  RABT_EXPECT_STATUS(answer, 201);
  const Json wanted("2026-01-25T14:00:00");
  EXPECT_EQ(answer["scheduled_start_time"], wanted);
  const std::string at = std::string(kVideo) + "/" + answer.text("session_id");
  EXPECT_EQ(h().get("P", at)["scheduled_start_time"], wanted);
  EXPECT_EQ(
      h().get("P", std::string(kVideo) + "?page_size=1")["sessions"][0]["scheduled_start_time"],
      wanted);
  // The hub itself has the moment: Riyadh is three hours ahead.
  EXPECT_EQ(h().get("D", "/api/v1/sessions/" + answer.text("session_id"))["scheduledStart"],
            Json("2026-01-25T11:00:00.000Z"));
}

// Its document names people by the ids of its own users.
TEST(Stranger, P01P23P24PeopleAreNamedAsTheirTokensNameThem) {
  h().enter("new-doctor", "DOCTOR");
  h().enter("new-patient", "PATIENT");
  Json body = direct();
  body.set("doctor_id", "user-new-doctor");
  body.set("patient_id", "user-new-patient");
  const Answer answer = h().post("new-patient", kVideo, body);
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["doctor_id"], Json("user-new-doctor"));
  EXPECT_EQ(answer["patient_id"], Json("user-new-patient"));
  const std::string own = std::string(kVideo) + "/patient/user-new-patient";
  const Answer list = h().get("new-patient", own);
  RABT_EXPECT_STATUS(list, 200);
  EXPECT_EQ(list["sessions"][0]["doctor_id"], Json("user-new-doctor")) << list.body;
  RABT_EXPECT_STATUS(h().get("P2", own), 403);
  RABT_EXPECT_STATUS(h().get("new-doctor", std::string(kVideo) + "/doctor/user-new-doctor"), 200);
}

TEST(Stranger, P01P13WhatIsMissingIsNamedWhereItBelongs) {
  for (const char* name : {"booking_type", "doctor_id", "patient_id"}) {
    Json body = direct();
    body.mutable_object().erase(name);
    const Answer refused = h().post("P", kVideo, body);
    RABT_EXPECT_STATUS(refused, 422);
    EXPECT_EQ(refused["detail"][0]["loc"], Json::array({Json("body"), Json(name)})) << refused.body;
  }
  const Answer page = h().get("P", std::string(kVideo) + "?page_size=101");
  RABT_EXPECT_STATUS(page, 422);
  EXPECT_EQ(page["detail"][0]["loc"], Json::array({Json("query"), Json("page_size")}));
}

TEST(Stranger, P02P14P16JoiningIsSeenAtOnce) {
  const std::string id = h().post("P", kVideo, direct()).text("session_id");
  const std::string at = std::string(kVideo) + "/" + id;
  const Answer in = h().post(
      "P", at + "/join", Json::object({{"device_type", "web"}, {"browser_info", "Chrome 120"}}));
  RABT_EXPECT_STATUS(in, 200);
  EXPECT_EQ(keys_of(in.json),
            (std::set<std::string>{"session", "meeting", "attendee", "provider", "room_name"}));
  const Json& seen = in["session"]["attendees"][0];
  EXPECT_EQ(seen["device_type"], Json("web")) << in.body;
  EXPECT_EQ(seen["browser_info"], Json("Chrome 120"));
  EXPECT_TRUE(seen["joined_at"].is_string()) << in.body;
  EXPECT_EQ(in["session"]["status"], Json("WAITING"));
  const Answer both = h().post("D", at + "/join", Json::object({{"device_type", "smart-tv"}}));
  RABT_EXPECT_STATUS(both, 200);
  EXPECT_EQ(both["session"]["status"], Json("ACTIVE"));
}

TEST(Stranger, P04WhatWasCalledOffNeverRan) {
  const std::string id = h().post("P", kVideo, direct()).text("session_id");
  const Answer gone = h().post("P", std::string(kVideo) + "/" + id + "/cancel",
                               Json::object({{"cancellation_reason", "another time"}}));
  RABT_EXPECT_STATUS(gone, 200);
  EXPECT_TRUE(gone["actual_start_time"].is_null());
  EXPECT_TRUE(gone["actual_end_time"].is_null()) << gone.body;
  EXPECT_EQ(gone["cancelled_by"], Json(h().uuid("P")));
}

TEST(Stranger, P26APatientBooksForHimselfAlone) {
  RABT_EXPECT_STATUS(h().post("P2", kVideo, direct()), 403);
}

// ---- ClinicVault

std::string form_of(const std::string& name, const std::string& password) {
  return "username=" + name + "&password=" + password;
}

TEST(Stranger, C01APageSignsItsBrowserIn) {
  const std::string password = "a-long-password-of-a-patient-8";
  RABT_EXPECT_STATUS(h().post("-", "/auth/register",
                              Json::object({{"username", "layla"},
                                            {"email", "layla@example.sa"},
                                            {"password", password},
                                            {"full_name", "Layla of Test"}})),
                     201);
  const std::pair<std::string, std::string> form{"Content-Type",
                                                 "application/x-www-form-urlencoded"};
  const std::pair<std::string, std::string> html{"Accept", "text/html,application/xhtml+xml"};
  const auto post = [&](std::vector<std::pair<std::string, std::string>> headers) {
    headers.push_back(form);
    return h().site.send("POST", "/auth/login", std::move(headers), form_of("layla", password));
  };
  const auto header = [](const net::Response& from, std::string_view name) {
    return Answer{.status = from.status, .body = {}, .json = {}, .headers = from.headers}.header(
        name);
  };
  const net::Response page = post({html});
  EXPECT_EQ(page.status, 303) << page.body;
  EXPECT_EQ(header(page, "Location"), "/dashboard");
  EXPECT_NE(header(page, "Set-Cookie").find("__Host-rabt="), std::string::npos);
  EXPECT_NE(header(page, "Set-Cookie").find("HttpOnly"), std::string::npos);
  EXPECT_EQ(post({html, {"Origin", "https://elsewhere.example"}}).status, 403);
  const net::Response program = post({});
  EXPECT_EQ(program.status, 200) << program.body;
  EXPECT_EQ(header(program, "Set-Cookie"), "");
}

TEST(Stranger, C01C02WhatIsMissingIsNamed) {
  RABT_EXPECT_STATUS(h().post("-", "/auth/login", Json::object({{"username", "layla"}})), 422);
  for (const char* name : {"username", "email", "password", "full_name"}) {
    Json body = Json::object({{"username", "someone"},
                              {"email", "someone@example.sa"},
                              {"password", "a-long-password-of-a-patient-8"},
                              {"full_name", "Some One"}});
    body.mutable_object().erase(name);
    const Answer refused = h().post("-", "/auth/register", body);
    RABT_EXPECT_STATUS(refused, 422);
    EXPECT_EQ(refused["detail"][0]["loc"], Json::array({Json("body"), Json(name)})) << refused.body;
  }
}

TEST(Stranger, C05APatientAsksThoughOthersPlannedForHim) {
  h().enter("C05", "patient");
  RABT_EXPECT_STATUS(
      h().post("D", "/video/sessions",
               Json::object({{"patientId", h().uuid("C05")}, {"providerId", h().uuid("D")}})),
      201);
  const std::string start = "/consultation/start/" + std::to_string(h().number("C05"));
  const Answer asked = h().get("C05", start);
  RABT_EXPECT_STATUS(asked, 200);
  EXPECT_EQ(asked["status"], Json("requested")) << asked.body;
  EXPECT_EQ(h().get("C05", start)["consultation_id"], asked["consultation_id"]);
  const Answer other = h().get("C05", start + "?doctor_id=" + std::to_string(h().number("D2")));
  EXPECT_EQ(other["doctor_id"], Json(h().number("D2"))) << other.body;
  EXPECT_NE(other["consultation_id"], asked["consultation_id"]);
}

TEST(Stranger, C06C24MistakesStandWhereTheyWereMade) {
  h().enter("C06", "patient");
  const Answer on = h().get("D2", "/consultation/start/" + std::to_string(h().number("C06")));
  RABT_EXPECT_STATUS(on, 200);
  const auto write = [&](std::string_view name, Json value) {
    Json body = Json::object({{"consultation_id", on["consultation_id"]}});
    body.set(name, std::move(value));
    return h().post("D2", "/consultation/notes", body);
  };
  const Answer vital = write("vital_signs", Json::object({{"heart_rate", 900}}));
  RABT_EXPECT_STATUS(vital, 422);
  EXPECT_EQ(vital["detail"][0]["loc"],
            Json::array({Json("body"), Json("vital_signs"), Json("heart_rate")}));
  const Answer drug = write("prescriptions", *Json::parse(R"([{"dosage": "1 g"}])"));
  RABT_EXPECT_STATUS(drug, 422);
  EXPECT_EQ(drug["detail"][0]["loc"],
            Json::array({Json("body"), Json("prescriptions"), Json(0), Json("medication")}))
      << drug.body;
  const Answer blank = write("notes", " ");
  RABT_EXPECT_STATUS(blank, 422);
  EXPECT_EQ(blank["detail"][0]["loc"], Json::array({Json("body"), Json("notes")})) << blank.body;
  RABT_EXPECT_STATUS(h().get("D2", "/consultation/end/" + on["consultation_id"].number_text()),
                     200);
}

// A consultation of D2 with somebody new: its number.
std::string with_d2(const std::string& who) {
  h().enter(who, "patient");
  const Answer on = h().get("D2", "/consultation/start/" + std::to_string(h().number(who)));
  RABT_EXPECT_STATUS(on, 200);
  return on["consultation_id"].is_number() ? on["consultation_id"].number_text() : "0";
}

TEST(Stranger, C21C22C26AConsultationAsThePatientSeesIt) {
  const std::string id = with_d2("C21");
  const auto board = [] { return h().get("C21", "/dashboard"); };
  const auto doctors = board()["doctors"];
  std::string status;
  for (std::size_t i = 0; i < doctors.size(); ++i) {
    if (doctors[i]["id"] == Json(h().number("D2"))) status = doctors[i].string_or("status", "");
  }
  EXPECT_EQ(status, "busy");
  const Answer file = h().post("C21", "/api/v1/sessions/" + id + "/documents",
                               *Json::parse(R"({"documentType": "TEXT", "title": "diary",
                                 "contentType": "text/plain", "data": "UGFpbiBzaW5jZSB5ZXN0ZXJkYXk="})"));
  RABT_EXPECT_STATUS(file, 201);
  const std::string content = "/api/v1/documents/" + file.text("id") + "/content";
  EXPECT_EQ(h().get("D2", content).body, "Pain since yesterday");
  RABT_EXPECT_STATUS(h().get("P2", content), 403);
  RABT_EXPECT_STATUS(h().get("D2", "/consultation/end/" + id), 200);
  EXPECT_EQ(board()["consultations"][0]["status"], Json("completed"));
}

TEST(Stranger, C29ADoctorDeclinesARequest) {
  h().enter("C29", "patient");
  const Answer asked = h().get("C29", "/consultation/start/" + std::to_string(h().number("C29")) +
                                          "?doctor_id=" + std::to_string(h().number("D2")));
  RABT_EXPECT_STATUS(asked, 200);
  const std::string id = asked["consultation_id"].number_text();
  const Answer declined = h().post("D2", "/api/v1/sessions/" + id + "/decline",
                                   Json::object({{"reason", "not on duty"}}));
  RABT_EXPECT_STATUS(declined, 200);
  EXPECT_EQ(declined["status"], Json("cancelled"));
  EXPECT_EQ(declined["cancellation"]["reason"], Json("not on duty"));
}

TEST(Stranger, C44WhoeverIsDisabledIsOut) {
  h().enter("C44", "patient");
  const std::string at = "/api/v1/users/" + h().person("C44").id;
  const Answer answer = h().get("AD", at);
  RABT_EXPECT_STATUS(answer, 200);
  RABT_EXPECT_STATUS(h().call("AD", "PATCH", at, Json::object({{"active", false}}),
                              {{"If-Match", answer.header("etag")}}),
                     200);
  RABT_EXPECT_STATUS(h().get("C44", "/dashboard"), 401);
}

TEST(Stranger, C11LogsOfOneDay) {
  const std::string day = to_iso8601(SystemClock().now()).substr(0, 10);
  const Answer today = h().get("AD", "/admin/logs?from=" + day + "&to=" + day);
  RABT_EXPECT_STATUS(today, 200);
  EXPECT_EQ(number_of(h().get("AD", "/admin/logs?to=2020-01-01"), "total"), 0);
}

}  // namespace
}  // namespace rabt::acceptance::stranger_test
