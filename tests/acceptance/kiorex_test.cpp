#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/acceptance/hospital.hpp"

// Rows K-01 to K-72 of the catalogue of calls, each as its own test.
namespace rabt::acceptance {
namespace {

Hospital& h() {
  return Hospital::get();
}

Json booking(Json more = Json::object()) {
  Json body = Json::object({{"patientId", h().uuid("P")}, {"providerId", h().uuid("D")}});
  for (const auto& [name, value] : more.as_object()) body.set(name, value);
  return body;
}

// A session just made: its id.
std::string made() {
  const Answer answer = h().post("D", "/video/sessions", booking());
  RABT_EXPECT_STATUS(answer, 201);
  return answer.text("id");
}
std::string path(const std::string& id, const std::string& act = "") {
  return "/video/sessions/" + id + (act.empty() ? "" : "/" + act);
}
std::string active() {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 201);
  return id;
}
std::string ended() {
  const std::string id = active();
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 201);
  return id;
}
bool holds(const Json& list, const std::string& id) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i]["id"] == Json(id)) return true;
  }
  return false;
}

TEST(Kiorex, K01ListsSessionsOfTheCaller) {
  const std::string id = made();
  const Answer all = h().get("AD", "/video/sessions");
  RABT_EXPECT_STATUS(all, 200);
  EXPECT_TRUE(holds(all["data"], id)) << all.body;
  EXPECT_EQ(all["page"], Json(1));
  EXPECT_EQ(all["limit"], Json(20));
  EXPECT_FALSE(holds(h().get("P2", "/video/sessions")["data"], id));
  EXPECT_TRUE(holds(h().get("P", "/video/sessions")["data"], id));
  RABT_EXPECT_STATUS(h().get("D", "/video/sessions?limit=101"), 400);
}

TEST(Kiorex, K02GetsASession) {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().get("D", path(id)), 200);
  RABT_EXPECT_STATUS(h().get("P", path(id)), 200);
  const int stranger = h().get("P2", path(id)).status;
  EXPECT_TRUE(stranger == 403 || stranger == 404) << stranger;
  RABT_EXPECT_STATUS(h().get("D", path("7b0c9d4e-0000-4000-8000-000000000000")), 404);
}

TEST(Kiorex, K03CreatesASession) {
  const Answer one = h().post("D", "/video/sessions",
                              booking(Json::object({{"startTime", "2026-12-25T10:00:00Z"},
                                                    {"durationMinutes", 20},
                                                    {"notes", "first visit"}})));
  RABT_EXPECT_STATUS(one, 201);
  EXPECT_EQ(one["status"], Json("scheduled"));
  RABT_EXPECT_STATUS(h().post("P", "/video/sessions", booking()), 403);
  const Answer none =
      h().post("D", "/video/sessions", Json::object({{"providerId", h().uuid("D")}}));
  RABT_EXPECT_STATUS(none, 400);
  EXPECT_TRUE(none["message"].is_array()) << none.body;
  EXPECT_EQ(none["statusCode"], Json(400));
  EXPECT_EQ(none.header("X-Rabt-Code"), "api.invalid");
  const Answer snake =
      h().post("D", "/video/sessions",
               Json::object({{"patient_id", h().uuid("P")}, {"provider_id", h().uuid("D")}}));
  RABT_EXPECT_STATUS(snake, 201);
}

TEST(Kiorex, K04UpdatesASessionUntilItsEnd) {
  const std::string id = made();
  const Answer before = h().get("D", path(id));
  const Answer changed = h().call("D", "PUT", path(id), Json::object({{"durationMinutes", 45}}));
  RABT_EXPECT_STATUS(changed, 200);
  EXPECT_GE(changed.text("updatedAt"), before.text("updatedAt"));
  RABT_EXPECT_STATUS(h().call("D", "PUT", path(id), Json::object({{"status", "active"}})), 400);
  RABT_EXPECT_STATUS(h().call("D", "PUT", path(ended()), Json::object({{"durationMinutes", 45}})),
                     409);
}

TEST(Kiorex, K05DeleteEndsOrCancels) {
  const std::string id = active();
  const Answer gone = h().call("D", "DELETE", path(id));
  RABT_EXPECT_STATUS(gone, 200);
  EXPECT_EQ(gone["status"], Json("completed"));
  RABT_EXPECT_STATUS(h().get("D", path(id)), 200);
  RABT_EXPECT_STATUS(h().call("D", "DELETE", path(id)), 409);
  EXPECT_EQ(h().call("D", "DELETE", path(made()))["status"], Json("cancelled"));
}

TEST(Kiorex, K06JoinsASession) {
  const std::string id = active();
  const Answer in = h().post("P", path(id, "join"), Json::object({{"deviceType", "web"}}));
  RABT_EXPECT_STATUS(in, 201);
  EXPECT_FALSE(in.text("token").empty()) << in.body;
  EXPECT_FALSE(in.text("roomName").empty());
  EXPECT_EQ(in["participant"]["userId"], Json(h().uuid("P")));
  RABT_EXPECT_STATUS(h().post("P2", path(id, "join")), 403);
}

TEST(Kiorex, K07InvitesPeople) {
  const std::string id = active();
  const Json whom =
      Json::object({{"participants",
                     Json::array({Json::object({{"userId", h().uuid("N")}, {"role", "nurse"}})})}});
  const Answer asked = h().post("D", path(id, "invite"), whom);
  RABT_EXPECT_STATUS(asked, 201);
  EXPECT_EQ(asked["invitations"].size(), 1U) << asked.body;
  RABT_EXPECT_STATUS(h().post("N", path(id, "join")), 201);
  RABT_EXPECT_STATUS(h().post("P", path(id, "invite"), whom), 403);
}

TEST(Kiorex, K08RemovesAParticipant) {
  const std::string id = active();
  RABT_EXPECT_STATUS(h().post("D", path(id, "invite"),
                              Json::object({{"userId", h().uuid("N")}, {"role", "nurse"}})),
                     201);
  const Answer in = h().post("N", path(id, "join"));
  RABT_EXPECT_STATUS(in, 201);
  const std::string participant = in["participant"].string_or("id", "");
  const Answer gone = h().call("D", "DELETE", path(id, "participants/" + participant));
  RABT_EXPECT_STATUS(gone, 200);
  EXPECT_TRUE(gone["leftAt"].is_string()) << gone.body;
  RABT_EXPECT_STATUS(h().post("N", path(id, "join")), 403);
}

TEST(Kiorex, K09ListsParticipants) {
  const std::string id = active();
  (void)h().post("D", path(id, "join"));
  (void)h().post("P", path(id, "join"));
  const Answer all = h().get("D", path(id, "participants"));
  RABT_EXPECT_STATUS(all, 200);
  ASSERT_EQ(all.json.size(), 2U) << all.body;
  for (const char* key : {"id", "sessionId", "userId", "participantSid", "role", "joinedAt",
                          "leftAt", "durationMinutes", "createdAt"})
    EXPECT_NE(all.json[0].find(key), nullptr) << key;
}

TEST(Kiorex, K10StartsASession) {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().post("P", path(id, "start")), 403);
  const Answer first = h().post("D", path(id, "start"));
  RABT_EXPECT_STATUS(first, 201);
  EXPECT_EQ(first["status"], Json("active"));
  const Answer second = h().post("D", path(id, "start"));
  RABT_EXPECT_STATUS(second, 201);
  EXPECT_EQ(second["startTime"], first["startTime"]);
}

TEST(Kiorex, K11EndsASession) {
  const std::string id = active();
  const Answer over = h().post("D", path(id, "end"), Json::object({{"reason", "normal"}}));
  RABT_EXPECT_STATUS(over, 201);
  EXPECT_EQ(over["status"], Json("completed"));
  EXPECT_TRUE(over["endTime"].is_string());
  EXPECT_TRUE(over["durationMinutes"].is_number()) << over.body;
  RABT_EXPECT_STATUS(h().post("P", path(id, "join")), 409);
}

TEST(Kiorex, K12K13K14K15RecordAndShowTheRecording) {
  RABT_EXPECT_STATUS(h().post("D", path(made(), "start-recording")), 409);
  const std::string id = active();
  RABT_EXPECT_STATUS(h().post("P", path(id, "start-recording")), 403);
  const Answer begun = h().post("D", path(id, "start-recording"));
  RABT_EXPECT_STATUS(begun, 201);
  EXPECT_EQ(begun["status"], Json("recording"));
  const Answer halted = h().post("D", path(id, "stop-recording"));
  RABT_EXPECT_STATUS(halted, 201);
  EXPECT_EQ(halted["status"], Json("processing"));
  const Answer own = h().get("D", "/video/recordings?sessionId=" + id);
  RABT_EXPECT_STATUS(own, 200);
  EXPECT_TRUE(holds(own["data"], begun.text("id"))) << own.body;
  const Answer other = h().get("P2", "/video/recordings");
  RABT_EXPECT_STATUS(other, 200);
  EXPECT_FALSE(holds(other["data"], begun.text("id")));
  const Answer one = h().get("D", "/video/recordings/" + begun.text("id"));
  RABT_EXPECT_STATUS(one, 200);
  for (const char* key : {"id", "sessionId", "recordingSid", "status", "durationSeconds",
                          "fileSizeBytes", "downloadUrl", "expiresAt", "createdAt"})
    EXPECT_NE(one.json.find(key), nullptr) << key;
}

// What the status of a recording becomes, at last.
std::string settled(const std::string& recording) {
  std::string status;
  for (int i = 0; i < 100; ++i) {
    status = h().get("D", "/video/recordings/" + recording).text("status");
    if (status == "ready" || status == "failed") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return status;
}

TEST(Kiorex, K16K17ARecordingIsReadAndWithdrawn) {
  const std::string id = active();
  // Both enter the room of the stand-in, which records who is there.
  for (const char* who : {"D", "P"}) {
    const Answer joined = h().post(who, path(id, "join"));
    RABT_EXPECT_STATUS(joined, 201);
    const std::string room = h().get("D", "/api/v1/sessions/" + id).text("roomSid");
    (void)h().site.control("POST", "/control/twilio/join",
                           Json::object({{"room", room}, {"token", joined["token"]}}).dump());
  }
  const std::string recording = h().post("D", path(id, "start-recording")).text("id");
  (void)h().post("D", path(id, "stop-recording"));
  RABT_EXPECT_STATUS(h().get("D", "/video/recordings/" + recording + "/download"), 409);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 201);
  const std::string at = "/video/recordings/" + recording;
  RABT_EXPECT_STATUS(h().call("D", "DELETE", at), 403);
  ASSERT_EQ(settled(recording), "ready");
  const Answer content = h().get("D", at + "/download");
  RABT_EXPECT_STATUS(content, 200);
  EXPECT_EQ(Json(content.body.size()), h().get("D", at)["fileSizeBytes"]);
  RABT_EXPECT_STATUS(h().get("P2", at + "/download"), 403);
  const Answer gone = h().call("AD", "DELETE", at);
  RABT_EXPECT_STATUS(gone, 200);
  EXPECT_EQ(gone["status"], Json("deleted"));
  RABT_EXPECT_STATUS(h().get("D", at + "/download"), 410);
}

TEST(Kiorex, K18ListsProviders) {
  const Answer all = h().get("P", "/video/providers");
  RABT_EXPECT_STATUS(all, 200);
  bool found = false;
  for (std::size_t i = 0; i < all["data"].size(); ++i) {
    const Json& one = all["data"][i];
    if (one["id"] != Json(h().uuid("D"))) continue;
    found = true;
    const std::string status = one.string_or("status", "");
    EXPECT_TRUE(status == "online" || status == "offline" || status == "busy") << status;
  }
  EXPECT_TRUE(found) << all.body;
}

TEST(Kiorex, K19K20SlotsAreAddedAndShown) {
  const std::string at = "/video/providers/" + h().uuid("D") + "/availability";
  const auto slots = [](const char* from, const char* to) {
    return Json::object(
        {{"slots", Json::array({Json::object({{"startTime", from}, {"endTime", to}})})}});
  };
  const Json good = slots("2026-12-25T08:00:00Z", "2026-12-25T09:00:00Z");
  RABT_EXPECT_STATUS(h().post("D", at, good), 201);
  RABT_EXPECT_STATUS(h().post("P", at, good), 403);
  RABT_EXPECT_STATUS(h().post("D", at, slots("2026-12-25T10:00:00Z", "2026-12-25T09:00:00Z")), 400);
  const Answer shown = h().get("P", at + "?from=2026-12-25T00:00:00Z&to=2026-12-26T00:00:00Z");
  RABT_EXPECT_STATUS(shown, 200);
  ASSERT_EQ(shown["slots"].size(), 1U) << shown.body;
  EXPECT_EQ(shown["slots"][0]["available"], Json(true));
}

TEST(Kiorex, K21ListsAProvidersSessions) {
  const std::string id = made();
  const Answer own = h().get("D", "/video/providers/" + h().uuid("D") + "/sessions");
  RABT_EXPECT_STATUS(own, 200);
  EXPECT_TRUE(holds(own["data"], id));
  RABT_EXPECT_STATUS(h().get("P", "/video/providers/" + h().uuid("D") + "/sessions"), 403);
}

TEST(Kiorex, K22SetsTheStatusOfAProvider) {
  const std::string at = "/video/providers/" + h().uuid("D2") + "/status";
  const Answer set = h().post("D2", at, Json::object({{"status", "online"}}));
  RABT_EXPECT_STATUS(set, 201);
  EXPECT_EQ(set["status"], Json("online"));
  RABT_EXPECT_STATUS(h().post("D2", at, Json::object({{"status", "asleep"}})), 400);
}

TEST(Kiorex, K23ListsAPatientsSessions) {
  const std::string at = "/video/patients/" + h().uuid("P") + "/sessions";
  const std::string id = made();
  const Answer own = h().get("P", at);
  RABT_EXPECT_STATUS(own, 200);
  EXPECT_TRUE(holds(own["data"], id));
  RABT_EXPECT_STATUS(h().get("P2", at), 403);
}

TEST(Kiorex, K24APatientJoinsUnderHisOwnId) {
  const Json body = Json::object({{"sessionId", active()}});
  RABT_EXPECT_STATUS(h().post("P", "/video/patients/" + h().uuid("P") + "/join-session", body),
                     201);
  RABT_EXPECT_STATUS(h().post("P", "/video/patients/" + h().uuid("P2") + "/join-session", body),
                     403);
}

TEST(Kiorex, K25ShowsAPatientsHistory) {
  (void)ended();
  const Answer own = h().get("P", "/video/patients/" + h().uuid("P") + "/history");
  RABT_EXPECT_STATUS(own, 200);
  EXPECT_GE(own.json.int_or("completedSessions", 0), 1) << own.body;
  EXPECT_EQ(own["patientId"], Json(h().uuid("P")));
}

TEST(Kiorex, K26TakesFeedback) {
  const std::string id = ended();
  const std::string at = "/video/patients/" + h().uuid("P") + "/feedback";
  const auto rate = [&id](int rating) {
    return Json::object({{"sessionId", id}, {"rating", rating}, {"comments", "good"}});
  };
  const Answer given = h().post("P", at, rate(5));
  RABT_EXPECT_STATUS(given, 201);
  EXPECT_EQ(given["rating"], Json(5));
  RABT_EXPECT_STATUS(h().post("P", at, rate(6)), 400);
  RABT_EXPECT_STATUS(h().post("P2", at, rate(5)), 403);
}

std::string consultation() {
  const Answer answer =
      h().post("D", "/video/telehealth/consultation", booking(Json::object({{"reason", "cough"}})));
  RABT_EXPECT_STATUS(answer, 201);
  return answer.text("id");
}
std::string consultation_path(const std::string& id, const std::string& act) {
  return "/video/telehealth/consultations/" + id + "/" + act;
}

TEST(Kiorex, K27K28PlansAndListsConsultations) {
  const std::string id = consultation();
  RABT_EXPECT_STATUS(h().post("P", "/video/telehealth/consultation", booking()), 403);
  const Answer all = h().get("D", "/video/telehealth/consultations");
  RABT_EXPECT_STATUS(all, 200);
  EXPECT_TRUE(holds(all["data"], id)) << all.body;
  const Answer urgent = h().post("D", "/video/telehealth/consultation",
                                 booking(Json::object({{"type", "emergency"}})));
  RABT_EXPECT_STATUS(urgent, 201);
  EXPECT_EQ(urgent["type"], Json("emergency_consultation"));
}

TEST(Kiorex, K29K30K31PrescribesWritesAndSumsUp) {
  const std::string id = consultation();
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 201);
  const Json medicine = Json::object({{"name", "Amoxicillin"},
                                      {"dosage", "500 mg"},
                                      {"frequency", "3 a day"},
                                      {"duration", "7 days"}});
  const Json prescription = Json::object({{"medications", Json::array({medicine})}});
  const Answer issued = h().post("D", consultation_path(id, "prescription"), prescription);
  RABT_EXPECT_STATUS(issued, 201);
  EXPECT_EQ(issued["medications"].size(), 1U) << issued.body;
  RABT_EXPECT_STATUS(h().post("P", consultation_path(id, "prescription"), prescription), 403);
  RABT_EXPECT_STATUS(h().post("N", consultation_path(id, "prescription"), prescription), 403);
  RABT_EXPECT_STATUS(h().post("D", consultation_path(id, "prescription"),
                              Json::object({{"medications", Json::array()}})),
                     400);
  const Json note = Json::object({{"content", "Chest is clear."}});
  RABT_EXPECT_STATUS(h().post("D", consultation_path(id, "notes"), note), 201);
  for (const char* who : {"D", "P"}) {
    const Answer whole = h().get(who, consultation_path(id, "summary"));
    RABT_EXPECT_STATUS(whole, 200);
    EXPECT_NE(whole.body.find("Chest is clear."), std::string::npos) << who << whole.body;
  }
  EXPECT_EQ(h().get("P2", consultation_path(id, "summary")).status, 403);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 201);
  RABT_EXPECT_STATUS(h().post("D", consultation_path(id, "notes"), note), 409);
}

TEST(Kiorex, K32K33K35ShowFigures) {
  (void)ended();
  for (const char* who : {"AD", "D"}) {
    const Answer lines = h().get(who, "/video/quality/metrics");
    RABT_EXPECT_STATUS(lines, 200);
    EXPECT_NE(lines.json.find("averageQualityScore"), nullptr) << lines.body;
  }
  RABT_EXPECT_STATUS(h().get("P", "/video/quality/metrics"), 403);
  const Answer speed = h().get("AD", "/video/performance/stats");
  RABT_EXPECT_STATUS(speed, 200);
  EXPECT_GE(speed.json.int_or("completedSessions", 0), 1) << speed.body;
  const Answer bytes = h().get("AD", "/video/bandwidth/usage");
  RABT_EXPECT_STATUS(bytes, 200);
  EXPECT_TRUE(bytes["totalBytes"].is_number()) << bytes.body;
}

TEST(Kiorex, K34SetsTheQuality) {
  const Answer set = h().post("D", "/video/quality/optimize",
                              Json::object({{"sessionId", active()}, {"quality", "low"}}));
  RABT_EXPECT_STATUS(set, 201);
  EXPECT_EQ(set["width"], Json(320)) << set.body;
}

TEST(Kiorex, K36TellsItsHealthToEverybody) {
  const Answer well = h().get("-", "/video/health");
  RABT_EXPECT_STATUS(well, 200);
  for (const char* key : {"status", "database", "redis", "twilio"})
    EXPECT_TRUE(well[key].is_string()) << key;
}

TEST(Kiorex, K37ShowsMetricsInBothForms) {
  const Answer figures = h().get("AD", "/video/metrics");
  RABT_EXPECT_STATUS(figures, 200);
  EXPECT_NE(figures.json.find("sessionSuccessRate"), nullptr) << figures.body;
  const Answer text = h().call("AD", "GET", "/video/metrics", {}, {{"Accept", "text/plain"}});
  RABT_EXPECT_STATUS(text, 200);
  EXPECT_NE(text.body.find("# HELP rabt_"), std::string::npos);
}

TEST(Kiorex, K39IsDescribed) {
  RABT_EXPECT_STATUS(h().get("-", "/api/docs"), 200);
  const Answer document = h().get("-", "/api/docs-json");
  RABT_EXPECT_STATUS(document, 200);
  std::size_t operations = 0;
  for (const auto& [name, path_item] : document["paths"].as_object())
    operations += path_item.size();
  EXPECT_EQ(operations, 37U);
}

TEST(Kiorex, K40ASessionHasAllItsColumns) {
  const Answer one = h().get("D", path(made()));
  for (const char* key :
       {"id", "sessionSid", "patientId", "providerId", "appointmentId", "status", "startTime",
        "endTime", "durationMinutes", "qualityScore", "createdAt", "updatedAt"})
    EXPECT_NE(one.json.find(key), nullptr) << key;
  EXPECT_EQ(one["patientId"], Json(h().uuid("P")));
  EXPECT_TRUE(one["sessionSid"].is_string());
}

TEST(Kiorex, K46KeepsTheAppointment) {
  const Answer one =
      h().post("D", "/video/sessions", booking(Json::object({{"appointmentId", "appointment-7"}})));
  EXPECT_EQ(one["appointmentId"], Json("appointment-7")) << one.body;
}

TEST(Kiorex, K48APatientIsMadeReady) {
  const std::string at = "/api/v1/patients/" + h().person("P").id + "/onboarding";
  RABT_EXPECT_STATUS(h().post("P", at, Json::object({{"deviceChecked", true}})), 201);
  const Answer is = h().post("N", at, Json::object({{"consentShown", true}, {"language", "ar"}}));
  RABT_EXPECT_STATUS(is, 201);
  EXPECT_EQ(is["complete"], Json(true)) << is.body;
  EXPECT_EQ(h().get("P", at)["steps"].size(), 3U);
  RABT_EXPECT_STATUS(h().get("P2", at), 403);
}

TEST(Kiorex, K49AFollowUpIsASessionThatIsLinkedBothWays) {
  const std::string session = "/api/v1/sessions/" + active();
  const Answer planned =
      h().post("D", session + "/follow-ups",
               Json::object({{"afterDays", 7}, {"plannedMinutes", 15}, {"book", true}}));
  RABT_EXPECT_STATUS(planned, 201);
  const Answer booked = h().get("D", "/api/v1/sessions/" + planned.text("bookedSession"));
  RABT_EXPECT_STATUS(booked, 200);
  EXPECT_EQ(booked["followUpOf"], h().get("D", session)["id"]);
}

TEST(Kiorex, K58ANoteArrivesAtTheNurseWithoutItsText) {
  const std::string session = "/api/v1/sessions/" + active();
  RABT_EXPECT_STATUS(
      h().post("D", session + "/notes", Json::object({{"content", "unmistakable words"}})), 201);
  const Answer events = h().get("D", session + "/events");
  EXPECT_NE(events.body.find("note-written"), std::string::npos);
  EXPECT_EQ(events.body.find("unmistakable"), std::string::npos);
}

TEST(Kiorex, K63ATokenOfAnotherSecretIsRefused) {
  const std::string token = h().mint("user-D", "provider", "Zt6Qe1Wn8Vb3Ru5Yk9Pm2Ls7Hd4Gf0Xc");
  const net::Response answer =
      h().site.send("GET", "/video/sessions", {{"Authorization", "Bearer " + token}});
  EXPECT_EQ(answer.status, 401);
}

TEST(Kiorex, K68EveryOtherPathNeedsAToken) {
  const Answer document = h().get("-", "/api/docs-json");
  for (const auto& [name, item] : document["paths"].as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      std::string verb = method;
      std::transform(verb.begin(), verb.end(), verb.begin(), ::toupper);
      std::string at = name;
      while (at.find('{') != std::string::npos)
        at.replace(at.find('{'), at.find('}') - at.find('{') + 1, "1");
      const Answer answer = h().call("-", verb, at);
      EXPECT_EQ(answer.status, name == "/video/health" ? 200 : 401) << verb << " " << name;
      if (answer.status == 401) {
        EXPECT_EQ(answer.header("WWW-Authenticate"), "Bearer");
      }
    }
  }
}

TEST(Kiorex, K71AWrongIdIsAnErrorOfTheForm) {
  const Answer wrong =
      h().post("D", "/video/sessions", booking(Json::object({{"durationMinutes", "long"}})));
  RABT_EXPECT_STATUS(wrong, 400);
  EXPECT_TRUE(wrong["message"].is_array());
  EXPECT_NE(wrong.body.find("durationMinutes"), std::string::npos) << wrong.body;
}

TEST(Kiorex, Trap58AnOriginIsAllowedInEveryLetterOrNotAtAll) {
  const auto allowed = [](const char* who, const char* method, const std::string& origin) {
    return h().call(who, method, "/video/sessions", {}, {{"Origin", origin}});
  };
  for (const char* other :
       {"https://app.example.sa.evil.example", "https://evil-app.example.sa", "null",
        "https://app.example.sa:443", "https://app.example.sa:8443", "HTTPS://APP.EXAMPLE.SA",
        "http://app.example.sa", "https://app.example.sa/", "https://app.example.s"}) {
    for (const auto& [who, method] :
         {std::pair{"-", "OPTIONS"}, {"D", "GET"}, {"-", "GET"}, {"P", "PUT"}}) {
      const Answer answer = allowed(who, method, other);
      EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "") << method << " " << other;
      EXPECT_NE(answer.header("Vary").find("Origin"), std::string::npos) << method << " " << other;
    }
  }
  // Errors, too, are for the page that asks.
  const Answer refused = allowed("-", "GET", "https://app.example.sa");
  RABT_EXPECT_STATUS(refused, 401);
  EXPECT_EQ(refused.header("Access-Control-Allow-Origin"), "https://app.example.sa");
  EXPECT_NE(refused.header("Vary").find("Origin"), std::string::npos);
  EXPECT_EQ(refused.header("Access-Control-Allow-Credentials"), "");
}

TEST(Kiorex, K72AnswersOriginsThatAreAllowed) {
  const auto preflight = [](const char* origin) {
    return h().call("-", "OPTIONS", "/video/sessions", {},
                    {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}});
  };
  const Answer good = preflight("https://app.example.sa");
  RABT_EXPECT_STATUS(good, 204);
  EXPECT_EQ(good.header("Access-Control-Allow-Origin"), "https://app.example.sa");
  EXPECT_EQ(preflight("https://evil.example").header("Access-Control-Allow-Origin"), "");
}

}  // namespace
}  // namespace rabt::acceptance
