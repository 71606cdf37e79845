#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>
#include <vector>

#include "tests/acceptance/hospital.hpp"

// Calls of KioRex. Those that need a hub of their own stand in apart_test.cpp.
namespace rabt::acceptance::kiorex_test {
namespace {

using namespace kiorex;

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
  const Answer answer = h().post("D", "/video/sessions",
                                 booking(Json::object({{"startTime", "2026-12-25T10:00:00Z"},
                                                       {"durationMinutes", 20},
                                                       {"notes", "first visit"}})));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["status"], Json("scheduled"));
  RABT_EXPECT_STATUS(h().post("P", "/video/sessions", booking()), 403);
  const Answer none =
      h().post("D", "/video/sessions", Json::object({{"providerId", h().uuid("D")}}));
  RABT_EXPECT_STATUS(none, 400);
  EXPECT_TRUE(none["message"].is_array()) << none.body;
  EXPECT_EQ(none["statusCode"], Json(400));
  EXPECT_EQ(none.header("X-Rabt-Code"), "api.invalid");
  const Answer wrong = h().post("D", "/video/sessions",
                                booking(Json::object({{"durationMinutes", 3}, {"reason", 7}})));
  RABT_EXPECT_STATUS(wrong, 400);
  EXPECT_EQ(wrong["message"],
            Json::array({"durationMinutes: it must be a whole number from 5 to 480",
                         "reason: it must be a text"}))
      << wrong.body;
  const Answer snake =
      h().post("D", "/video/sessions",
               Json::object({{"patient_id", h().uuid("P")}, {"provider_id", h().uuid("D")}}));
  RABT_EXPECT_STATUS(snake, 201);
}

// Kiorex' people have UUIDs, which the hub has never seen until their first token.
TEST(Kiorex, K63PeopleAreNamedByTheUuidsOfTheirTokens) {
  const std::string provider = "8450cc70-ced0-4d94-9e2f-7847a42eefd2";
  const std::string patient = "eaca19b8-b9fe-40ab-92a7-b5b9085e7564";
  const auto as = [](const std::string& subject, const std::string& role, const std::string& method,
                     const std::string& at, const Json& body = Json()) {
    return h().call("-", method, at, body,
                    {{"Authorization", "Bearer " + h().mint(subject, role)}});
  };
  RABT_EXPECT_STATUS(as(patient, "patient", "GET", "/video/sessions"), 200);
  const Answer answer = as(provider, "provider", "POST", "/video/sessions",
                           Json::object({{"patientId", patient}, {"providerId", provider}}));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["patientId"], Json(patient));
  EXPECT_EQ(answer["providerId"], Json(provider));
  RABT_EXPECT_STATUS(
      as(patient, "patient", "POST", path(answer.text("id"), "join"), Json::object()), 201);
  const Answer there = as(provider, "provider", "GET", path(answer.text("id"), "participants"));
  ASSERT_EQ(there.json.size(), 2U) << there.body;
  EXPECT_EQ(there.json[1]["userId"], Json(patient)) << there.body;
  for (const std::string& filter : {"patientId=" + patient, "providerId=" + provider}) {
    const Answer found = as(provider, "provider", "GET", "/video/sessions?" + filter);
    EXPECT_EQ(found["total"], Json(1)) << filter << found.body;
  }
  EXPECT_EQ(as(provider, "provider", "GET", "/video/sessions?patientId=" + h().uuid("P2"))["total"],
            Json(0));
  const std::string own = "/video/patients/" + patient;
  EXPECT_TRUE(holds(as(patient, "patient", "GET", own + "/sessions")["data"], answer.text("id")));
  EXPECT_EQ(as(patient, "patient", "GET", own + "/history")["patientId"], Json(patient));
  RABT_EXPECT_STATUS(as(patient, "patient", "POST", own + "/join-session",
                        Json::object({{"sessionId", answer["id"]}})),
                     201);
}

// The call of somebody who shows a token of Kiorex.
Answer by(const std::string& subject, const std::string& role, const std::string& method,
          const std::string& at, const Json& body = Json()) {
  return h().call("-", method, at, body, {{"Authorization", "Bearer " + h().mint(subject, role)}});
}
// Number of audit entries patient.created.
Json entered() {
  return h().get("AD", "/admin/logs?action=patient.created")["total"];
}

// Symptom: a doctor could plan nothing for a patient who had never signed in, 400. Cause: the hub
// knew people from their first token on. The token is that of the patient of the session.
TEST(Kiorex, K03K63APatientWhoNeverSignedInCanBeNamed) {
  const std::string patient = "0f2d4b1e-93a7-4a0c-8f5e-6d1c2b3a4f50";
  const Json before = entered();
  const Answer answer =
      h().post("D", "/video/sessions", booking(Json::object({{"patientId", patient}})));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["patientId"], Json(patient));
  EXPECT_EQ(entered().as_int64().value_or(0), before.as_int64().value_or(0) + 1);
  // The next one is about the same person.
  const Answer next =
      h().post("D", "/video/sessions", booking(Json::object({{"patientId", patient}})));
  RABT_EXPECT_STATUS(next, 201);
  const auto person_of = [](const Answer& session) {
    return h().get("D", "/api/v1/sessions/" + session.text("id"))["patient"];
  };
  EXPECT_EQ(person_of(next), person_of(answer));
  EXPECT_EQ(entered().as_int64().value_or(0), before.as_int64().value_or(0) + 1);

  const Answer me = by(patient, "patient", "GET", "/api/v1/me");
  EXPECT_EQ(me["id"], person_of(answer)) << me.body;
  RABT_EXPECT_STATUS(
      by(patient, "patient", "POST", path(answer.text("id"), "join"), Json::object()), 201);
  // Another patient still has no access.
  RABT_EXPECT_STATUS(h().get("P2", path(answer.text("id"))), 403);
}

TEST(Kiorex, K03NobodyIsEnteredForASessionThatIsRefused) {
  const std::string patient = "1c9e6a55-0d52-4a35-9f0b-3a1f0d7b2c61";
  const Json before = entered();
  const auto refused = [&](const Json& with, int status) {
    Json more = with;
    if (more["patientId"].is_null()) more.set("patientId", patient);
    const Answer answer = h().post("D", "/video/sessions", booking(more));
    RABT_EXPECT_STATUS(answer, status);
    return answer;
  };
  (void)refused(Json::object({{"startTime", "tomorrow"}}), 400);
  (void)refused(Json::object({{"type", "training_session"}}), 400);
  // A doctor plans for himself only.
  (void)refused(Json::object({{"providerId", h().uuid("D2")}}), 403);
  // A doctor whom nobody knows is entered by nobody: who treats has a licence.
  const Answer provider = refused(Json::object({{"providerId", patient}}), 400);
  EXPECT_NE(provider.body.find("providerId: no person has this identifier: no token"),
            std::string::npos)
      << provider.body;
  // A slip of the pen.
  (void)refused(Json::object({{"patientId", "0f2d4b1e-93a7"}}), 400);
  RABT_EXPECT_STATUS(
      h().post("P", "/video/sessions", booking(Json::object({{"patientId", patient}}))), 403);
  EXPECT_EQ(entered(), before);
}

// A person's role comes from the issuer's token, not from a booking that named the person first.
TEST(Kiorex, K63WhoWasNamedAsAPatientMayBeADoctor) {
  const std::string subject = "2b7a1f3c-5e61-4c0f-8a9d-7f6e5d4c3b2a";
  RABT_EXPECT_STATUS(
      h().post("D", "/video/sessions", booking(Json::object({{"patientId", subject}}))), 201);
  const Answer me = by(subject, "provider", "GET", "/api/v1/me");
  EXPECT_EQ(me["roles"], Json::array({"doctor"})) << me.body;
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

// An invitation gives nobody a role: neither whom it names, nor who comes by its code.
TEST(Kiorex, K07InvitesNobodyIntoARoleThatHeHasNot) {
  const std::string id = active();
  h().enter("HK", "patient");
  h().enter("NK", "nurse");
  const auto invite = [&id](const Json& whom) {
    return h().post("D", path(id, "invite"), Json::object({{"participants", Json::array({whom})}}));
  };
  const Answer named = invite(Json::object({{"userId", h().uuid("HK")}, {"role", "nurse"}}));
  RABT_EXPECT_STATUS(named, 400);
  EXPECT_EQ(named.header("X-Rabt-Code"), "api.invalid");
  EXPECT_NE(named.body.find("it has no role in the tenant that fits nurse"), std::string::npos)
      << named.body;

  const Answer guest = invite(Json::object({{"email", "guest@example.sa"}, {"role", "nurse"}}));
  RABT_EXPECT_STATUS(guest, 201);
  const Json with_code = Json::object({{"code", guest["invitations"][0]["code"]}});
  const Answer refused = h().post("HK", "/api/v1/invitations/accept", with_code);
  RABT_EXPECT_STATUS(refused, 409);
  EXPECT_EQ(refused.text("code"), "participant.role_not_held");
  RABT_EXPECT_STATUS(h().post("NK", "/api/v1/invitations/accept", with_code), 200);
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
  const Answer answer = h().get("D", "/video/recordings/" + begun.text("id"));
  RABT_EXPECT_STATUS(answer, 200);
  for (const char* key : {"id", "sessionId", "recordingSid", "status", "durationSeconds",
                          "fileSizeBytes", "downloadUrl", "expiresAt", "createdAt"})
    EXPECT_NE(answer.json.find(key), nullptr) << key;
}

// Final status of a recording.
std::string settled(const std::string& recording) {
  std::string status;
  (void)eventually([&] {
    status = h().get("D", "/video/recordings/" + recording).text("status");
    return status == "ready" || status == "failed";
  });
  return status;
}

// Audit entries of accesses to a recording, oldest first.
std::vector<Json> readings_of(const std::string& recording) {
  const auto log =
      h().site.rabt({"audit", "export", "--format", "jsonl", "--reason", "what the test reads"});
  EXPECT_EQ(log.code, 0) << log.said;
  std::vector<Json> out;
  std::istringstream lines(log.said);
  for (std::string line; std::getline(lines, line);) {
    auto entry = Json::parse(line);
    if (!entry.ok() || (*entry)["act"] != Json("recording.read")) continue;
    if ((*entry)["object"] == Json("recording:" + recording)) out.push_back(*std::move(entry));
  }
  return out;
}

// Whether a piece of some content stands in a file below the folder.
bool stands_in(const std::string& folder, std::string_view piece) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    if (e2e::read_file(entry.path()).find(piece) != std::string::npos) return true;
  }
  return false;
}

TEST(Kiorex, B20B22K16K17K52K55ARecordingIsKeptSealedReadAndWithdrawn) {
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
  h().wait_for_recording("/api/v1/sessions/" + id);
  (void)h().post("D", path(id, "stop-recording"));
  RABT_EXPECT_STATUS(h().get("D", "/video/recordings/" + recording + "/download"), 409);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 201);
  const std::string at = "/video/recordings/" + recording;
  RABT_EXPECT_STATUS(h().call("D", "DELETE", at), 403);
  ASSERT_EQ(settled(recording), "ready");
  const Answer content = h().get("D", at + "/download");
  RABT_EXPECT_STATUS(content, 200);
  EXPECT_EQ(Json(content.body.size()), h().get("D", at)["fileSizeBytes"]);
  ASSERT_GT(content.body.size(), 4'096U);
  const Answer part = h().call("D", "GET", at + "/download", {}, {{"Range", "bytes=100-199"}});
  RABT_EXPECT_STATUS(part, 206);
  EXPECT_EQ(part.body, content.body.substr(100, 100));
  // The recording is sealed on the disk.
  EXPECT_EQ(h().get("D", "/api/v1/sessions/" + id)["encryption"]["media"], Json("DTLS-SRTP"));
  EXPECT_FALSE(stands_in(h().site.config.data, std::string_view(content.body).substr(2'048, 64)));
  const Answer kept = h().get("D", "/api/v1/recordings/" + recording);
  RABT_EXPECT_STATUS(kept, 200);
  const auto stored = parse_iso8601(kept.text("storedAt"));
  const auto until = parse_iso8601(kept.text("retainUntil"));
  ASSERT_TRUE(stored.ok() && until.ok()) << kept.body;
  EXPECT_EQ(until->ms - stored->ms, 2555LL * 86'400'000);
  EXPECT_EQ(h().get("D", at)["expiresAt"], kept["retainUntil"]);
  // One decision by whichever door, and one entry.
  h().enter("KOP", "operator");
  const std::string own = "/api/v1/recordings/" + recording + "/content";
  for (const std::string& door : {at + "/download", own}) {
    RABT_EXPECT_STATUS(h().get("P2", door), 403);
    RABT_EXPECT_STATUS(h().get("P", door), 200);
    RABT_EXPECT_STATUS(h().get("KOP", door), 403);
    RABT_EXPECT_STATUS(h().call("KOP", "GET", door, {}, {{"X-Rabt-Reason", "curious"}}), 403);
    RABT_EXPECT_STATUS(h().get("AD", door), 403);
    RABT_EXPECT_STATUS(h().get("D", door), 200);
    const std::size_t before = readings_of(kept.text("id")).size();
    RABT_EXPECT_STATUS(h().call("AD", "GET", door, {},
                                {{"X-Rabt-Reason", "complaint 17"},
                                 {"X-Rabt-Purpose", "HLEGAL"},
                                 {"Range", "bytes=100-199"}}),
                       206);
    const std::vector<Json> readings = readings_of(kept.text("id"));
    ASSERT_EQ(readings.size(), before + 1) << door;
    const Json& entry = readings.back();
    EXPECT_EQ(entry["actor"], Json("person:" + h().person("AD").id));
    EXPECT_EQ(entry["purpose"], Json("HLEGAL"));
    EXPECT_FALSE(entry.string_or("patient", "").empty());
    EXPECT_FALSE(entry.string_or("sealed", "").empty()) << "no reason";
    EXPECT_EQ(entry["detail"]["from"], Json(100));
    EXPECT_EQ(entry["detail"]["bytes"], Json(100));
    EXPECT_EQ(entry["detail"]["rule"], Json("recording.read/reason"));
  }
  // A player sends no header of its own: one entry for the viewing, whatever ranges it asks for.
  RABT_EXPECT_STATUS(h().post("P2", "/api/v1/recordings/" + recording + "/views"), 403);
  RABT_EXPECT_STATUS(h().post("AD", "/api/v1/recordings/" + recording + "/views"), 403);
  const std::size_t before = readings_of(kept.text("id")).size();
  const Answer viewing = h().post("P", "/api/v1/recordings/" + recording + "/views");
  RABT_EXPECT_STATUS(viewing, 201);
  const std::string played = viewing.text("url");
  EXPECT_EQ(played.rfind("/api/v1/recordings/" + kept.text("id") + "/views/", 0), 0U) << played;
  EXPECT_EQ(viewing["playsFor"], Json(kept.json.int_or("durationSeconds", -1) + 15 * 60));
  const auto play = [&](const std::string& range) {
    return h().site.send("GET", played, {{"Range", range}}, "");
  };
  for (const std::size_t from : {std::size_t{0}, std::size_t{100}}) {
    const auto piece = play("bytes=" + std::to_string(from) + "-" + std::to_string(from + 99));
    EXPECT_EQ(piece.status, 206);
    EXPECT_EQ(piece.body, content.body.substr(from, 100));
  }
  RABT_EXPECT_STATUS(h().get("D", played), 403);
  const std::string_view ticket = std::string_view(played).substr(played.rfind('/') + 1);
  EXPECT_FALSE(stands_in(h().site.folder().path().string(), ticket)) << "in the data or a log";
  const std::vector<Json> readings = readings_of(kept.text("id"));
  ASSERT_EQ(readings.size(), before + 1);
  EXPECT_EQ(readings.back()["actor"], Json("person:" + h().person("P").id));
  EXPECT_EQ(readings.back()["purpose"], Json("PATRQT"));
  EXPECT_EQ(readings.back()["detail"]["view"], Json(true));
  for (const Json& entry : readings_of(kept.text("id"))) {
    EXPECT_FALSE(entry.string_or("patient", "").empty());
    EXPECT_FALSE(entry.string_or("purpose", "").empty());
  }
  const Answer gone = h().call("AD", "DELETE", at, Json::object({{"reason", "asked by her"}}));
  RABT_EXPECT_STATUS(gone, 200);
  const Answer why = h().get("AD", "/api/v1/recordings/" + recording);
  EXPECT_EQ(why["withdrawn"]["reason"], Json("asked by her")) << why.body;
  const Answer that = h().get("D", "/api/v1/recordings/" + recording);
  EXPECT_TRUE(that["withdrawn"]["at"].is_string()) << that.body;
  EXPECT_TRUE(that["withdrawn"]["reason"].is_null()) << that.body;
  const Answer summary = h().get("D", "/api/v1/sessions/" + id + "/summary");
  EXPECT_EQ(summary.body.find("asked by her"), std::string::npos);
  EXPECT_EQ(gone["status"], Json("deleted"));
  RABT_EXPECT_STATUS(h().get("D", at + "/download"), 410);
  EXPECT_EQ(play("bytes=0-99").status, 410);
}

TEST(Kiorex, K18ListsProviders) {
  const Answer all = h().get("P", "/video/providers");
  RABT_EXPECT_STATUS(all, 200);
  bool found = false;
  for (std::size_t i = 0; i < all["data"].size(); ++i) {
    const Json& item = all["data"][i];
    if (item["id"] != Json(h().uuid("D"))) continue;
    found = true;
    const std::string status = item.string_or("status", "");
    EXPECT_TRUE(status == "online" || status == "offline" || status == "busy") << status;
  }
  EXPECT_TRUE(found) << all.body;
  RABT_EXPECT_STATUS(h().get("P", "/video/providers?status=ONLINE"), 200);
  const Answer wrong = h().get("P", "/video/providers?status=asleep");
  RABT_EXPECT_STATUS(wrong, 400);
  EXPECT_EQ(wrong["message"][0], Json("status: it must be one of online, offline, busy"));
}

TEST(Kiorex, K19K20SlotsAreAddedAndShown) {
  const std::string at = "/video/providers/" + h().uuid("D") + "/availability";
  const auto slots = [](const char* from, const char* to) {
    return Json::object(
        {{"slots", Json::array({Json::object({{"startTime", from}, {"endTime", to}})})}});
  };
  const Json good = slots("2026-12-28T08:00:00Z", "2026-12-28T09:00:00Z");
  RABT_EXPECT_STATUS(h().post("D", at, good), 201);
  RABT_EXPECT_STATUS(h().post("P", at, good), 403);
  const Answer wrong = h().post("D", at, slots("2026-12-28T10:00:00Z", "2026-12-28T09:00:00Z"));
  RABT_EXPECT_STATUS(wrong, 400);
  EXPECT_EQ(wrong["message"][0], Json("slots[0].endTime: it must be after the start"));
  const Answer shown = h().get("P", at + "?from=2026-12-28T00:00:00Z&to=2026-12-29T00:00:00Z");
  RABT_EXPECT_STATUS(shown, 200);
  ASSERT_EQ(shown["slots"].size(), 1U) << shown.body;
  EXPECT_EQ(shown["slots"][0]["available"], Json(true));
}

// A provider with slots on the day has one visit at a time, whichever API books it.
TEST(Kiorex, K03ATimeThatIsTakenIsAConflictInTheFormOfTheApi) {
  h().enter("DS", "doctor");
  const Json hours = *Json::parse(
      R"({"slots": [{"startTime": "2027-03-15T08:00:00Z", "endTime": "2027-03-15T10:00:00Z"}]})");
  RABT_EXPECT_STATUS(h().post("DS", "/video/providers/" + h().uuid("DS") + "/availability", hours),
                     201);
  const auto book = [](const char* patient, const char* start) {
    return h().post("DS", "/video/sessions",
                    Json::object({{"patientId", h().uuid(patient)},
                                  {"providerId", h().uuid("DS")},
                                  {"startTime", start},
                                  {"durationMinutes", 30}}));
  };
  RABT_EXPECT_STATUS(book("P", "2027-03-15T08:00:00Z"), 201);
  const Answer taken = book("P2", "2027-03-15T08:15:00Z");
  RABT_EXPECT_STATUS(taken, 409);
  EXPECT_EQ(taken.header("X-Rabt-Code"), "provider.busy");
  EXPECT_EQ(taken["statusCode"], Json(409)) << taken.body;
  EXPECT_EQ(taken["error"], Json("Conflict")) << taken.body;
  EXPECT_TRUE(taken["message"].is_string()) << taken.body;
  RABT_EXPECT_STATUS(book("P2", "2027-03-15T08:30:00Z"), 201);
}

TEST(Kiorex, K21ListsAProvidersSessions) {
  const std::string id = made();
  const Answer own = h().get("D", "/video/providers/" + h().uuid("D") + "/sessions");
  RABT_EXPECT_STATUS(own, 200);
  EXPECT_TRUE(holds(own["data"], id));
  RABT_EXPECT_STATUS(h().get("P", "/video/providers/" + h().uuid("D") + "/sessions"), 403);
}

// Symptom: clients of Kiorex read `patientId` of each session in a list as a string, and broke.
// Cause: emergencies without a patient and meetings of the staff stood there with null.
TEST(Kiorex, K01K21ListsHoldSessionsWithAPatientAlone) {
  const Answer emergency =
      h().post("D", "/video/telehealth/consultation",
               Json::object({{"providerId", h().uuid("D")}, {"type", "emergency"}}));
  RABT_EXPECT_STATUS(emergency, 201);
  const std::string id = emergency.text("sessionId");
  EXPECT_TRUE(emergency["patientId"].is_null());
  const std::string own = "/video/providers/" + h().uuid("D") + "/sessions";
  const auto lists = [&](bool there) {
    const std::int64_t total = h().get("D", own)["total"].as_int64().value_or(-1);
    for (const auto& [who, at] : {std::pair<std::string, std::string>{"AD", "/video/sessions"},
                                  {"D", "/video/sessions"},
                                  {"AD", own},
                                  {"D", own}}) {
      const Answer list = h().get(who, at + "?limit=100");
      RABT_EXPECT_STATUS(list, 200);
      EXPECT_EQ(holds(list["data"], id), there) << who << " " << at;
      for (std::size_t i = 0; i < list["data"].size(); ++i)
        EXPECT_TRUE(list["data"][i]["patientId"].is_string()) << list["data"][i].dump();
    }
    return total;
  };
  const std::int64_t before = lists(false);
  // It is found by its id, and in the hub's own lists.
  RABT_EXPECT_STATUS(h().get("D", path(id)), 200);
  EXPECT_TRUE(holds(h().get("D", "/api/v1/sessions?limit=100")["items"],
                    h().get("D", "/api/v1/sessions/" + id).text("id")));
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/sessions/" + id + "/participants",
                              Json::object({{"person", h().person("P").id}, {"role", "patient"}})),
                     201);
  EXPECT_EQ(lists(true), before + 1) << "the number of all goes by the same rule";
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
  h().enter("W", "integration");
  RABT_EXPECT_STATUS(
      h().post("W", "/api/v1/prescriptions/" + issued.text("id") + "/dispensings",
               Json::object({{"reference", "PH-1"}, {"pharmacist", "S"}, {"pharmacy", "O"}})),
      201);
  RABT_EXPECT_STATUS(h().post("P", consultation_path(id, "prescription"), prescription), 403);
  RABT_EXPECT_STATUS(h().post("N", consultation_path(id, "prescription"), prescription), 403);
  RABT_EXPECT_STATUS(h().post("D", consultation_path(id, "prescription"),
                              Json::object({{"medications", Json::array()}})),
                     400);
  const Json note = Json::object({{"content", "Chest is clear."}});
  const Answer wrong = h().post("D", consultation_path(id, "notes"),
                                Json::object({{"content", "Of somebody else."}}));
  RABT_EXPECT_STATUS(wrong, 201);
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/notes/" + wrong.text("id") + "/entered-in-error",
                              Json::object({{"reason", "another patient"}})),
                     200);
  RABT_EXPECT_STATUS(h().post("D", consultation_path(id, "notes"), note), 201);
  for (const char* who : {"D", "P"}) {
    const Answer whole = h().get(who, consultation_path(id, "summary"));
    RABT_EXPECT_STATUS(whole, 200);
    EXPECT_NE(whole.body.find("Chest is clear."), std::string::npos) << who << whole.body;
    EXPECT_EQ(whole["prescriptions"].item(0).string_or("status", ""), "dispensed") << whole.body;
    EXPECT_EQ(whole.body.find("Of somebody else."), std::string::npos) << "it does not hold";
  }
  EXPECT_EQ(h().get("P2", consultation_path(id, "summary")).status, 403);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 201);
  RABT_EXPECT_STATUS(h().post("D", consultation_path(id, "notes"), note), 409);
}

TEST(Kiorex, K32K33K35K80ShowFigures) {
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
  const Answer ours = h().call("D", "PUT", "/api/v1/sessions/" + active() + "/quality/level",
                               Json::object({{"level", "low"}}));
  RABT_EXPECT_STATUS(ours, 200);
  EXPECT_EQ(ours["applied"], Json(false)) << "no provider is asked";
  EXPECT_EQ(set["applied"], ours["applied"]) << set.body;
}

TEST(Kiorex, K36TellsItsHealthToEverybody) {
  const Answer well = h().get("-", "/video/health");
  RABT_EXPECT_STATUS(well, 200);
  for (const char* key : {"status", "database", "redis", "twilio"})
    EXPECT_TRUE(well[key].is_string()) << key;
}

TEST(Kiorex, K37K66ShowsMetricsInBothForms) {
  const Answer figures = h().get("AD", "/video/metrics");
  RABT_EXPECT_STATUS(figures, 200);
  for (const char* key :
       {"sessionSuccessRate", "averageSessionDurationMinutes", "averageQualityScore",
        "totalBandwidthBytes", "recordingCount", "recordingBytes", "activeSessions"})
    EXPECT_NE(figures.json.find(key), nullptr) << key;
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
  const Answer answer = h().get("D", path(made()));
  for (const char* key :
       {"id", "sessionSid", "patientId", "providerId", "appointmentId", "status", "startTime",
        "endTime", "durationMinutes", "qualityScore", "createdAt", "updatedAt"})
    EXPECT_NE(answer.json.find(key), nullptr) << key;
  EXPECT_EQ(answer["patientId"], Json(h().uuid("P")));
  EXPECT_TRUE(answer["sessionSid"].is_string());
}

TEST(Kiorex, K46KeepsTheAppointment) {
  const Answer answer =
      h().post("D", "/video/sessions", booking(Json::object({{"appointmentId", "appointment-7"}})));
  EXPECT_EQ(answer["appointmentId"], Json("appointment-7")) << answer.body;
}

TEST(Kiorex, K48APatientIsMadeReady) {
  const std::string at = "/api/v1/patients/" + h().person("P").id + "/onboarding";
  RABT_EXPECT_STATUS(h().post("P", at, Json::object({{"deviceChecked", true}})), 201);
  const Answer answer =
      h().post("N", at, Json::object({{"consentShown", true}, {"language", "ar"}}));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["complete"], Json(true)) << answer.body;
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
  const Answer plans = h().get("D", session + "/follow-ups");
  ASSERT_EQ(plans["items"].size(), 1U) << plans.body;
  EXPECT_EQ(plans["items"][0]["bookedSession"], booked["id"]);
}

TEST(Kiorex, K58ANoteArrivesAtTheNurseWithoutItsText) {
  const std::string session = "/api/v1/sessions/" + active();
  RABT_EXPECT_STATUS(
      h().post("D", session + "/notes", Json::object({{"content", "unmistakable words"}})), 201);
  const Answer events = h().get("D", session + "/events");
  EXPECT_NE(events.body.find("note-written"), std::string::npos);
  EXPECT_EQ(events.body.find("unmistakable"), std::string::npos);
}

// Lines of the hub's log that name the session.
std::string logged(const std::string& session) {
  std::string out;
  std::istringstream log(e2e::read_file(h().site.config.log));
  for (std::string line; std::getline(log, line);) {
    if (line.find(session) != std::string::npos) out += line + "\n";
  }
  return out;
}

TEST(Kiorex, K67P39TheLogNamesSessionsAndNobody) {
  const std::string id = active();
  const std::string session = h().get("D", "/api/v1/sessions/" + id).text("id");
  const std::string at = "/api/v1/sessions/" + session;
  for (const char* who : {"D", "P"}) RABT_EXPECT_STATUS(h().post(who, path(id, "join")), 201);
  RABT_EXPECT_STATUS(h().post("P", path(id, "start-recording")), 403);
  RABT_EXPECT_STATUS(h().post("D", path(id, "start-recording")), 201);
  RABT_EXPECT_STATUS(
      h().post("D", at + "/notes", Json::object({{"content", "marzipan in the left ear"}})), 201);
  RABT_EXPECT_STATUS(h().call("D", "PUT", at + "/quality/level", Json::object({{"level", "low"}})),
                     200);
  RABT_EXPECT_STATUS(h().post("P", "/api/v1/sessions/" + id + "/leave"), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 201);
  EXPECT_TRUE(eventually(
      [&] { return logged(session).find("\"type\":\"completed\"") != std::string::npos; }));
  const std::string lines = logged(session);
  for (const char* type : {"created", "started", "recording-started", "note-written",
                           "quality-changed", "ended", "completed"})
    EXPECT_NE(lines.find("\"type\":\"" + std::string(type) + "\""), std::string::npos)
        << type << "\n"
        << lines;
  const std::string log = e2e::read_file(h().site.config.log);
  for (const char* text : {"Somebody user-P", "Somebody user-D", "marzipan"})
    EXPECT_EQ(log.find(text), std::string::npos) << text;
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

// The cells of the rows above that say 403, and those of a doctor whose session it is not.
TEST(Kiorex, K69RolesOpenWhatIsTheirs) {
  const std::string id = active();
  const std::string planned = made();
  const std::string consultation = "/video/telehealth/consultations/" + id;
  const auto provider = [](const char* what) {
    return "/video/providers/" + h().uuid("D") + "/" + what;
  };
  const auto patient = [](const char* who, const char* what) {
    return "/video/patients/" + h().uuid(who) + "/" + what;
  };
  const Json invited = Json::object({{"userId", h().uuid("N")}, {"role", "nurse"}});
  const Json slots = *Json::parse(
      R"({"slots": [{"startTime": "2027-06-01T08:00:00Z", "endTime": "2027-06-01T09:00:00Z"}]})");
  const Json drug = *Json::parse(R"({"medications": [{"name": "Aspirin", "dosage": "100 mg"}]})");
  const Json in_session = Json::object({{"sessionId", id}});
  struct Refused {
    const char* who;
    const char* method;
    std::string path;
    Json body = Json::object();
  };
  for (const Refused& refused : std::vector<Refused>{
           {"P", "POST", "/video/sessions", booking()},
           {"P", "PUT", path(id), Json::object({{"durationMinutes", 45}})},
           {"D2", "PUT", path(id), Json::object({{"durationMinutes", 45}})},
           {"P", "DELETE", path(id)},
           {"D2", "DELETE", path(id)},
           {"P2", "POST", path(id, "join")},
           {"AD", "POST", path(id, "join")},
           {"P", "POST", path(id, "invite"), invited},
           {"P", "POST", path(planned, "start")},
           {"D2", "POST", path(planned, "start")},
           {"P", "POST", path(id, "end")},
           {"D2", "POST", path(id, "end")},
           {"P", "POST", path(id, "start-recording")},
           {"P", "POST", path(id, "stop-recording")},
           {"P", "POST", provider("availability"), slots},
           {"D2", "POST", provider("availability"), slots},
           {"P", "GET", provider("sessions")},
           {"D2", "GET", provider("sessions")},
           {"P", "POST", provider("status"), Json::object({{"status", "online"}})},
           {"P2", "GET", patient("P", "sessions")},
           {"P2", "GET", patient("P", "history")},
           {"P", "POST", patient("P2", "join-session"), in_session},
           {"P2", "POST", patient("P2", "join-session"), in_session},
           {"P", "POST", "/video/telehealth/consultation", booking()},
           {"P", "POST", consultation + "/prescription", drug},
           {"N", "POST", consultation + "/prescription", drug},
           {"D2", "POST", consultation + "/prescription", drug},
           {"P", "POST", consultation + "/notes", Json::object({{"content", "x"}})},
           {"P2", "GET", consultation + "/summary"},
           {"P", "GET", "/video/quality/metrics"},
           {"P", "POST", "/video/quality/optimize", in_session}}) {
    const Answer answer =
        h().call(refused.who, refused.method, refused.path,
                 std::string_view(refused.method) == "GET" ? Json() : refused.body);
    EXPECT_EQ(answer.status, 403) << refused.who << " " << refused.method << " " << refused.path
                                  << ": " << answer.body;
    EXPECT_EQ(answer["statusCode"], Json(answer.status));
  }
  EXPECT_EQ(h().get("D", path(id))["status"], Json("active")) << "nothing was done";
  EXPECT_EQ(h().get("D", path(planned))["status"], Json("scheduled"));
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

// Metrics that a query names.
void add_metrics(const std::string& query, std::set<std::string>& names) {
  for (auto from = query.find("rabt_"); from != std::string::npos;
       from = query.find("rabt_", from + 1)) {
    const auto to = query.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", from);
    names.insert(query.substr(from, to == std::string::npos ? to : to - from));
  }
}

TEST(Kiorex, K75EveryQueryOfTheBoardsAndRulesNamesAMetric) {
  (void)ended();
  std::set<std::string> names;
  add_metrics(e2e::read_file(e2e::source_dir() + "/config/prometheus/rabt.rules.yml"), names);
  EXPECT_GT(names.size(), 10U);
  for (const auto& file :
       std::filesystem::directory_iterator(e2e::source_dir() + "/config/grafana")) {
    const auto board = Json::parse(e2e::read_file(file.path()));
    ASSERT_TRUE(board.ok()) << file.path();
    ASSERT_GT((*board)["panels"].size(), 0U) << file.path();
    for (const Json& panel : (*board)["panels"].as_array()) {
      if (!panel["targets"].is_array()) continue;
      for (const Json& target : panel["targets"].as_array()) {
        const std::string query = target.string_or("expr", "");
        EXPECT_NE(query.find("rabt_"), std::string::npos) << query;
        add_metrics(query, names);
      }
    }
  }
  EXPECT_GT(names.size(), 20U);
  const std::string page = h().get("AD", "/metrics").body;
  for (std::string name : names) {
    for (const std::string_view part : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(part)) name.resize(name.size() - part.size());
    }
    EXPECT_NE(page.find("# TYPE " + name + " "), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace rabt::acceptance::kiorex_test
