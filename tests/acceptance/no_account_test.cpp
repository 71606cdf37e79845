#include "hub/base/bytes.hpp"
#include "hub/crypto/jws.hpp"
#include "tests/acceptance/hospital.hpp"

// Promises of the five systems to a participant without an account. BrainSAIT hands his media token
// to the application that calls its library. The other four ask for a user's token at every call,
// so their APIs answer 401 to him: he comes by the link of an invitation, as in every session.
namespace rabt::acceptance::no_account_test {
namespace {

class NoAccount : public testing::Test {
 protected:
  static constexpr const char* kGuest = "somebody without an account";

  // Code of the link of the session's patient, as D sends it.
  std::string link_of(const std::string& session) {
    const Answer answer = h_.get("D", "/api/v1/sessions/" + session);
    RABT_EXPECT_STATUS(answer, 200);
    std::string patient;
    for (const Json& item : answer["participants"].as_array()) {
      if (item.string_or("role", "") == "patient") patient = item.string_or("id", "");
    }
    const Answer link = h_.post("D", "/api/v1/sessions/" + answer.text("id") + "/invitations",
                                Json::object({{"participant", patient}}));
    RABT_EXPECT_STATUS(link, 201);
    return link.text("code");
  }
  // A patient of the hub's own records, who cannot sign in.
  Answer recorded() {
    Answer entered = h_.post("AD", "/api/v1/patients", Json::object({{"name", "Layla"}}));
    RABT_EXPECT_STATUS(entered, 201);
    return entered;
  }
  // Opens the code in a browser. The guest gets a media token once D has let him in, and is no host
  // and no clinician then.
  void come(const std::string& code) {
    const Answer accepted = h_.come_by_link(kGuest, code);
    RABT_EXPECT_STATUS(accepted, 200);
    id_ = accepted.text("session");
    at_ = "/api/v1/sessions/" + id_;
    const std::string own = accepted["participant"].string_or("id", "");
    EXPECT_EQ(h_.post(kGuest, at_ + "/join").text("tokenUse"), "waiting");
    EXPECT_EQ(h_.post(kGuest, at_ + "/token").text("code"), "participant.waiting");
    const std::string admit = "/participants/" + own + "/admit";
    EXPECT_EQ(h_.post(kGuest, at_ + admit).status, 403) << "nobody admits himself";
    RABT_EXPECT_STATUS(h_.post("D", at_ + admit), 200);
    EXPECT_EQ(h_.post(kGuest, at_ + "/join").text("tokenUse"), "media");
    RABT_EXPECT_STATUS(h_.post(kGuest, at_ + "/token"), 200);
    for (const char* act : {"/start", "/end", "/cancel", "/participants", "/invitations", "/notes",
                            "/vitals", "/prescriptions", "/recording/start"})
      EXPECT_EQ(h_.post(kGuest, at_ + act).status, 403) << act;
  }
  // The API of the other system refuses the browser that has the visit.
  void expect_no_way(const std::string& method, const std::string& path, const Json& body = {}) {
    const Answer refused = h_.call(kGuest, method, path, body, {{"X-Rabt-Visit", id_}});
    EXPECT_EQ(refused.status, 401) << method << " " << path << ": " << refused.body;
    EXPECT_EQ(refused.header("WWW-Authenticate"), "Bearer") << path;
  }

  Hospital& h_ = Hospital::get();
  std::string id_;
  std::string at_;
};

// Claims of a token, unverified.
std::string claims_of(const std::string& token) {
  const auto first = token.find('.');
  const auto second = token.find('.', first + 1);
  if (first == std::string::npos || second == std::string::npos) return {};
  const auto bytes =
      crypto::from_base64url(std::string_view(token).substr(first + 1, second - first - 1));
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

// BrainSAIT, `add_participant`: "Returns: Dictionary with participant details and access token",
// and its quick start prints the tokens of a doctor and a patient who have no account here.
TEST_F(NoAccount, B01B02B03AnApplicationHasTheMediaTokensOfItsPeople) {
  const auto post = [this](const std::string& path, const Json& body) {
    return h_.call("-", "POST", path, body, {{"Authorization", "Bearer " + h_.site.token()}});
  };
  const Answer made = post("/api/v1/sessions", *Json::parse(R"({
    "session_type": "DOCTOR_PATIENT", "user_id": "admin_001",
    "organizer": {"participant_id": "doctor_101", "user_id": "dr_101", "name": "Dr. Ahmed",
                  "role": "DOCTOR", "license_number": "DOC-2024-001"}})"));
  RABT_EXPECT_STATUS(made, 201);
  ASSERT_EQ(made["tokens"].size(), 1U) << made.body;
  EXPECT_EQ(made["tokens"][0]["role"], Json("doctor"));
  const std::string at = "/api/v1/sessions/" + made.text("id");

  const auto participant = [](const char* role) {
    return Json::object({{"participant_id", std::string(role) + "_101"},
                         {"user_id", std::string(role) + "_of_brainsait"},
                         {"name", "Layla"},
                         {"license_number", "DOC-2024-002"},
                         {"role", role}});
  };
  for (const char* role : {"PATIENT", "NURSE", "OBSERVER"}) {
    const Answer added = post(at + "/participants", participant(role));
    RABT_EXPECT_STATUS(added, 201);
    EXPECT_EQ(added.text("tokenUse"), "waiting") << role;
    EXPECT_NE(claims_of(added.text("accessToken")).find(R"("use":"waiting")"), std::string::npos);
    const std::string identity = added["participant"].string_or("identity", "?");
    const Answer in =
        post(at + "/participants/" + added["participant"].string_or("id", "") + "/admit",
             Json::object());
    RABT_EXPECT_STATUS(in, 200);
    EXPECT_EQ(in.text("tokenUse"), "media") << role;
    const Answer again = post(at + "/participants", participant(role));
    for (const Answer* answer : {&in, &again}) {
      const std::string claims = claims_of(answer->text("accessToken"));
      EXPECT_NE(claims.find(identity), std::string::npos) << role << ": " << claims;
      EXPECT_EQ(claims.find(R"("use":"waiting")"), std::string::npos) << role;
    }
  }
  // A specialist has no waiting room, and no licence that nobody accepts.
  const Answer second = post(at + "/participants", participant("SPECIALIST"));
  RABT_EXPECT_STATUS(second, 201);
  EXPECT_EQ(second.text("tokenUse"), "media");
  // His token opens the room alone: no link makes him a clinician of the hub.
  const Answer link =
      post(at + "/invitations", Json::object({{"participant", second["participant"]["id"]}}));
  RABT_EXPECT_STATUS(link, 409);
  EXPECT_EQ(link.text("code"), "invitation.needs_account");
}

// Kiorex, "API Security": "Authentication: JWT token validation for all endpoints", and `user_id
// UUID NOT NULL` of its table video_participants. It promises an invitation, whose code opens the
// hub's page.
TEST_F(NoAccount, K06K07K24K68WhoIsInvitedByHisTelephoneComesByTheCodeAlone) {
  const std::string id = kiorex::active();
  const auto invite = [&](const Json& whom) {
    return h_.post("D", kiorex::path(id, "invite"),
                   Json::object({{"participants", Json::array({whom})}}));
  };
  const Answer invited = invite(Json::object({{"phone", "+966501234567"}}));
  RABT_EXPECT_STATUS(invited, 201);
  EXPECT_EQ(invited["invitations"][0]["role"], Json("observer"));
  come(invited["invitations"][0].string_or("code", ""));
  expect_no_way("POST", kiorex::path(id, "join"), Json::object());
  expect_no_way("POST", kiorex::path(id, "start"), Json::object());
  expect_no_way("GET", kiorex::path(id));
  expect_no_way("POST", "/video/patients/" + h_.uuid("P") + "/join-session",
                Json::object({{"sessionId", id}}));

  const Answer nurse = invite(Json::object({{"email", "n@example.sa"}, {"role", "nurse"}}));
  RABT_EXPECT_STATUS(nurse, 201);
  const Answer refused =
      h_.come_by_link("nurse of a link", nurse["invitations"][0].string_or("code", ""));
  RABT_EXPECT_STATUS(refused, 403);
  EXPECT_EQ(refused.text("code"), "invitation.needs_account");
}

// EMR, "Usage Flow": "Doctor or patient clicks Join Call"; "Security Features": "User identity
// verification". It describes no invitation, and no participant who is not its user.
TEST_F(NoAccount, E06E19APatientOfAVisitComesByTheLinkAlone) {
  const Answer visit =
      h_.post("AD", "/api/v1/visits",
              Json::object({{"patient", recorded()["id"]}, {"provider", h_.person("D").id}}));
  RABT_EXPECT_STATUS(visit, 201);
  const std::string root = "/api/v1/telemedicine/";
  const Answer answer = h_.post("D", root,
                                Json::object({{"visit", visit["number"]},
                                              {"appointment", Json()},
                                              {"scheduled_start", "2036-12-25T10:00:00Z"},
                                              {"recording_enabled", false},
                                              {"notes", ""}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string number = answer["id"].number_text();
  RABT_EXPECT_STATUS(h_.post("D", root + number + "/start/"), 200);
  come(link_of(number));
  expect_no_way("POST", root + "token/", Json::object({{"session_id", answer["id"]}}));
  expect_no_way("POST", root + number + "/start/", Json::object());
  expect_no_way("POST", root + number + "/leave/", Json::object());
  expect_no_way("GET", root + number + "/");
}

// PulseOne, "Authentication": "JWT tokens from auth-service", roles DOCTOR, PATIENT, ADMIN; every
// request of its README has `Authorization: Bearer`. "Only session participants can join."
TEST_F(NoAccount, P02P23P27APatientWhomNoTokenHasShownComesByTheLinkAlone) {
  const Answer answer =
      h_.post("D", "/api/video/sessions",
              Json::object({{"booking_type", "DIRECT_DOCTOR"},
                            {"doctor_id", h_.uuid("D")},
                            {"patient_id", "5f0e4b6a-3c1d-4e2f-8a7b-9c0d1e2f3a4b"},
                            {"scheduled_start_time", "2036-12-25T10:00:00Z"},
                            {"consultation_duration_minutes", 30},
                            {"chief_complaint", "cough"}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string at = "/api/video/sessions/" + answer.text("session_id");
  come(link_of(answer.text("session_id")));
  expect_no_way("POST", at + "/join", Json::object({{"device_type", "web"}}));
  expect_no_way("POST", at + "/end", Json::object());
  expect_no_way("POST", at + "/cancel", Json::object({{"cancellation_reason", "ill"}}));
  expect_no_way("GET", at);
}

// ClinicVault, "Data Flow": "Users authenticate via JWT tokens", and "WebSocket connections
// authenticated"; patients register by `POST /auth/register`. Its call is the socket of a user.
TEST_F(NoAccount, C05C09C42APatientOfAConsultationComesByTheLinkAlone) {
  const std::string number = recorded()["number"].number_text();
  const Answer begun = h_.get("D", "/consultation/start/" + number);
  RABT_EXPECT_STATUS(begun, 200);
  const std::string id = begun["consultation_id"].number_text();
  come(link_of(id));
  expect_no_way("GET", "/ws/" + id + "/" + number);
  expect_no_way("GET", "/consultation/start/" + number);
  expect_no_way("GET", "/consultation/end/" + id);
  expect_no_way("GET", "/dashboard");
  RABT_EXPECT_STATUS(h_.get("D", "/consultation/end/" + id), 200);
}

}  // namespace
}  // namespace rabt::acceptance::no_account_test
