#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "tests/acceptance/hospital.hpp"
#include "tests/identity/line_program.hpp"
#include "tests/npm.hpp"
#include "tests/web_socket_client.hpp"

// The live channel: ClinicVault's WebSocket, and /api/v1/stream.
namespace rabt::acceptance::live_test {
namespace {

Hospital& h() {
  return Hospital::get();
}

std::string number(std::string_view who) {
  return std::to_string(h().number(who));
}

// A connection that has sent a handshake.
class Line {
 public:
  Line(const std::string& path, const std::vector<std::pair<std::string, std::string>>& headers)
      : client_(h().site.config.port) {
    std::string request = "GET " + path +
                          " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
    client_.send(request + "\r\n");
    head_ = client_.head();
  }
  [[nodiscard]] std::string status() const { return head_.substr(9, 3); }
  [[nodiscard]] const std::string& head() const { return head_; }
  void send(const Json& frame) { client_.send(test::text_frame(frame.dump())); }
  // The next message that is `wanted`: others are passed over. Null when none comes.
  Json next(const std::function<bool(const Json&)>& wanted) {
    for (int i = 0; i < 50; ++i) {
      const auto frame = client_.next();
      if (!frame || frame->opcode != 1) {
        if (frame) closed_ = frame->close_code();
        return {};
      }
      const auto json = Json::parse(frame->payload);
      if (json.ok() && wanted(*json)) return *json;
    }
    return {};
  }
  Json typed(std::string_view type) {
    return next([type](const Json& json) { return json.string_or("type", "") == type; });
  }
  Json event(std::string_view kind) {
    return next([kind](const Json& json) { return json.string_or("kind", "") == kind; });
  }
  int close_code() {
    (void)next([](const Json&) { return false; });
    return closed_;
  }

 private:
  test::WebSocketClient client_;
  std::string head_;
  int closed_ = 0;
};

std::vector<std::pair<std::string, std::string>> shows(std::string_view who) {
  return {{"Authorization", "Bearer " + h().person(who).token}};
}

// An active consultation of D with a patient: its number.
std::string active(std::string_view patient) {
  const Answer answer = h().get("D", "/consultation/start/" + number(patient));
  RABT_EXPECT_STATUS(answer, 200);
  return answer["consultation_id"].is_number() ? answer["consultation_id"].number_text() : "0";
}

TEST(Clinicvault, C09C17ChatSignalsAndTheEndGoOverTheSocket) {
  // Others have open consultations with D, where they may wait.
  h().enter("C9", "patient");
  const std::string id = active("C9");
  Line doctor("/ws/" + id + "/" + number("D"), shows("D"));
  ASSERT_EQ(doctor.status(), "101") << doctor.head();
  const Json connected = doctor.typed("connected");
  EXPECT_EQ(connected["consultation_id"].number_text(), id);
  EXPECT_EQ(connected["user_id"].as_int64(), h().number("D"));
  Line patient("/ws/" + id + "/" + number("C9"), shows("C9"));
  ASSERT_EQ(patient.status(), "101");
  EXPECT_FALSE(patient.typed("connected").is_null());
  EXPECT_EQ(doctor.typed("user_joined")["user_id"].as_int64(), h().number("C9"));

  patient.send(Json::object({{"type", "chat"}, {"message", "السلام عليكم 👋"}}));
  const Json heard = doctor.typed("chat");
  EXPECT_EQ(heard["message"], Json("السلام عليكم 👋"));
  EXPECT_EQ(heard["from"].as_int64(), h().number("C9"));
  EXPECT_EQ(patient.typed("chat")["message"], heard["message"]) << "the sender hears it, too";

  patient.send(Json::object({{"type", "ice-candidate"}, {"candidate", "c"}, {"sdpMid", "0"}}));
  const Json candidate = doctor.typed("ice-candidate");
  EXPECT_EQ(candidate["candidate"], Json("c"));
  EXPECT_EQ(candidate["from"].as_int64(), h().number("C9"));
  doctor.send(Json::object({{"type", "offer"}, {"sdp", "v=0"}, {"to", h().number("C9")}}));
  EXPECT_EQ(patient.typed("offer")["sdp"], Json("v=0"));

  doctor.send(Json::object({{"type", "answer"}, {"sdp", "v=0"}, {"to", 999'999'999}}));
  EXPECT_EQ(doctor.typed("error")["detail"], Json("to: nobody here has this id"));

  doctor.send(Json::object({{"type", "transcript"}}));
  EXPECT_EQ(doctor.typed("error")["detail"], Json("text: it is needed"));
  doctor.send(Json::object({{"type", "transcript"}, {"text", "take a deep breath"}}));
  const Json words = patient.typed("transcript");
  EXPECT_EQ(words["text"], Json("take a deep breath"));
  EXPECT_EQ(words["from"].as_int64(), h().number("D"));

  patient.send(Json::object({{"type", "dance"}}));
  EXPECT_FALSE(patient.typed("error")["detail"].is_null());
  RABT_EXPECT_STATUS(
      h().post("D", "/consultation/transcribe",
               Json::object({{"consultation_id", Json::number(id)}, {"text", "good morning"}})),
      200);
  EXPECT_EQ(patient.typed("transcript")["text"], Json("good morning"));

  RABT_EXPECT_STATUS(h().get("D", "/consultation/end/" + id), 200);
  EXPECT_FALSE(patient.typed("consultation_ended").is_null());
  EXPECT_EQ(patient.close_code(), 1000);
}

TEST(Clinicvault, C17AStatusArrivesAtTheOtherAsItWasSaid) {
  h().enter("C17", "patient");
  h().enter("C17doctor", "doctor");
  const Answer begun = h().get("C17doctor", "/consultation/start/" + number("C17"));
  RABT_EXPECT_STATUS(begun, 200);
  const std::string id = begun["consultation_id"].number_text();
  Line doctor("/ws/" + id + "/" + number("C17doctor"), shows("C17doctor"));
  Line patient("/ws/" + id + "/" + number("C17"), shows("C17"));
  EXPECT_FALSE(doctor.typed("connected").is_null());
  EXPECT_FALSE(patient.typed("connected").is_null());

  patient.send(Json::object({{"type", "status"}, {"status", "online"}}));
  const Json heard = doctor.next([](const Json& json) {
    const std::string type = json.string_or("type", "");
    return type == "status" || type == "error";
  });
  EXPECT_EQ(heard["status"], Json("online")) << heard.dump();
  EXPECT_EQ(heard["from"].as_int64(), h().number("C17")) << heard.dump();
  EXPECT_TRUE(heard["timestamp"].is_string());

  // Words since it began count.
  doctor.send(Json::object({{"type", "status"}, {"status", "busy"}}));
  const Json of_doctor = patient.typed("status");
  EXPECT_EQ(of_doctor["status"], Json("busy")) << of_doctor.dump();
  EXPECT_EQ(of_doctor["from"].as_int64(), h().number("C17doctor")) << of_doctor.dump();

  patient.send(Json::object({{"type", "status"}, {"status", "asleep"}}));
  EXPECT_TRUE(patient.typed("error").string_or("detail", "").starts_with("status: "));
  patient.send(Json::object({{"type", "chat"}}));
  EXPECT_EQ(patient.typed("error")["detail"], Json("message: it is needed"));

  RABT_EXPECT_STATUS(h().get("C17doctor", "/consultation/end/" + id), 200);
  // That of the consultation is nobody's.
  const Json last = patient.next([](const Json& json) {
    const std::string type = json.string_or("type", "");
    return (type == "status" && json["from"].is_null()) || type == "consultation_ended";
  });
  EXPECT_EQ(last["type"], Json("consultation_ended")) << last.dump();

  // Nothing opens for somebody who comes back when it is over.
  Line late("/ws/" + id + "/" + number("C17"), shows("C17"));
  EXPECT_EQ(late.status(), "409");
}

// A session of D's with the waiting room on, as the hub's own API makes it: the answer.
Answer with_waiting_room(std::string_view doctor, std::string_view patient) {
  h().enter(std::string(patient) + "nurse", "nurse");
  const Json nurse = Json::object(
      {{"person", h().person(std::string(patient) + "nurse").id}, {"role", "observer"}});
  const Answer answer = h().post(doctor, "/api/v1/sessions",
                                 Json::object({{"type", "doctor_patient"},
                                               {"provider", h().person(doctor).id},
                                               {"patient", h().person(patient).id},
                                               {"waitingRoom", true},
                                               {"participants", Json::array({nurse})}}));
  RABT_EXPECT_STATUS(answer, 201);
  return answer;
}
// Admission of the participant of a role.
std::string admission(std::string_view doctor, const std::string& session, std::string_view role) {
  const Answer answer = h().get(doctor, "/api/v1/sessions/" + session);
  for (std::size_t i = 0; i < answer["participants"].size(); ++i) {
    if (answer["participants"][i]["role"] == Json(role))
      return answer["participants"][i].string_or("admission", "");
  }
  return {};
}

// Symptom: a session of /api/v1 that ClinicVault's doctor started left its patient in the waiting
// room for ever. Cause: ClinicVault has no call that admits. The patient comes before the start
// here, and after it below.
TEST(Clinicvault, C05WhoStartsAConsultationLetsItsPatientIn) {
  h().enter("C05waits", "patient");
  h().enter("C05doctor", "doctor");
  const Answer answer = with_waiting_room("C05doctor", "C05waits");
  const std::string id = answer["number"].number_text();
  const std::string session = answer.text("id");
  Line doctor("/ws/" + id + "/" + number("C05doctor"), shows("C05doctor"));
  ASSERT_EQ(doctor.status(), "101") << doctor.head();
  Line patient("/ws/" + id + "/" + number("C05waits"), shows("C05waits"));
  ASSERT_EQ(patient.status(), "101") << patient.head();
  EXPECT_FALSE(patient.typed("connected").is_null());
  const Json offer = Json::object({{"type", "offer"}, {"sdp", "v=0"}});
  patient.send(offer);
  EXPECT_FALSE(patient.typed("error").is_null()) << "the patient waits";

  const Answer begun = h().get("C05doctor", "/consultation/start/" + number("C05waits"));
  RABT_EXPECT_STATUS(begun, 200);
  EXPECT_EQ(begun["consultation_id"], answer["number"]);
  EXPECT_EQ(begun["status"], Json("active"));
  EXPECT_EQ(admission("C05doctor", session, "patient"), "admitted");
  EXPECT_EQ(admission("C05doctor", session, "observer"), "waiting") << "R-05: others still wait";
  EXPECT_EQ(doctor.typed("user_joined")["user_id"].as_int64(), h().number("C05waits"));
  patient.send(offer);
  EXPECT_EQ(doctor.typed("offer")["from"].as_int64(), h().number("C05waits"));
  // It is the doctor who admitted, and nobody is admitted twice.
  RABT_EXPECT_STATUS(h().get("C05doctor", "/consultation/start/" + number("C05waits")), 200);
  const Answer events = h().get("C05doctor", "/api/v1/sessions/" + session + "/events");
  int admitted = 0;
  for (std::size_t i = 0; i < events["items"].size(); ++i) {
    if (events["items"][i]["type"] != Json("participant-admitted")) continue;
    ++admitted;
    EXPECT_EQ(events["items"][i]["actor"], Json("person:" + h().person("C05doctor").id));
  }
  EXPECT_EQ(admitted, 1) << events.body;
  RABT_EXPECT_STATUS(h().get("C05doctor", "/consultation/end/" + id), 200);
}

TEST(Clinicvault, C05WhoBeganElsewhereLetsThePatientInToo) {
  h().enter("C05late", "patient");
  h().enter("C05host", "doctor");
  const Answer answer = with_waiting_room("C05host", "C05late");
  const std::string session = answer.text("id");
  RABT_EXPECT_STATUS(h().post("C05host", "/api/v1/sessions/" + session + "/start"), 200);
  EXPECT_EQ(admission("C05host", session, "patient"), "waiting");
  const std::string start = "/consultation/start/" + number("C05late");
  RABT_EXPECT_STATUS(h().get("C05host", start), 200);
  EXPECT_EQ(admission("C05host", session, "patient"), "admitted");
  RABT_EXPECT_STATUS(h().get("C05host", "/consultation/end/" + answer["number"].number_text()),
                     200);
}

// A patient whom the doctor denied stays out when the doctor starts the session.
TEST(Clinicvault, C05APatientWhoWasDeniedStaysOut) {
  h().enter("C05denied", "patient");
  h().enter("C05denier", "doctor");
  const Answer answer = with_waiting_room("C05denier", "C05denied");
  const std::string session = answer.text("id");
  std::string part;
  for (std::size_t i = 0; i < answer["participants"].size(); ++i) {
    if (answer["participants"][i]["role"] == Json("patient"))
      part = answer["participants"][i].string_or("id", "");
  }
  RABT_EXPECT_STATUS(
      h().post("C05denier", "/api/v1/sessions/" + session + "/participants/" + part + "/deny"),
      200);
  RABT_EXPECT_STATUS(h().get("C05denier", "/consultation/start/" + number("C05denied")), 200);
  EXPECT_EQ(admission("C05denier", session, "patient"), "denied");
  RABT_EXPECT_STATUS(h().get("C05denier", "/consultation/end/" + answer["number"].number_text()),
                     200);
}

TEST(Clinicvault, C09C42TheSocketIsForItsPeopleOnly) {
  h().enter("C9", "patient");
  const std::string id = active("C9");
  EXPECT_EQ(Line("/ws/" + id + "/" + number("C9"), {}).status(), "401");
  EXPECT_EQ(Line("/ws/" + id + "/" + number("D"), shows("C9")).status(), "403");
  EXPECT_EQ(Line("/ws/" + id + "/" + number("P2"), shows("P2")).status(), "403");
  RABT_EXPECT_STATUS(h().get("D", "/consultation/end/" + id), 200);
}

// IE 5.2: a header, a ticket of a page, or the cookie where the page is the hub's own.
TEST(Clinicvault, C42EachWayToTheSocketProvesWhoComes) {
  h().enter("C42", "patient");
  const std::string id = active("C42");
  const std::string path = "/ws/" + id + "/" + number("C42");
  const std::pair<std::string, std::string> page{"Origin", "https://portal.example.sa"};
  const Answer answer = h().call("C42", "POST", "/api/v1/tickets", Json::object(), {page});
  RABT_EXPECT_STATUS(answer, 201);
  const std::pair<std::string, std::string> offer{"Sec-WebSocket-Protocol", answer.text("ticket")};
  EXPECT_EQ(Line(path, {page, offer}).status(), "101");
  EXPECT_EQ(Line(path, {page, offer}).status(), "401") << "a ticket counts once";
  RABT_EXPECT_STATUS(h().get("D", "/consultation/end/" + id), 200);

  const std::string password = "a-long-password-of-a-patient-8";
  RABT_EXPECT_STATUS(h().post("-", "/auth/register",
                              Json::object({{"username", "c42"},
                                            {"email", "c42@example.sa"},
                                            {"password", password},
                                            {"full_name", "Patient of Test"}})),
                     201);
  const std::string own = h().site.url();
  const net::Response in = h().site.send("POST", "/auth/login",
                                         {{"Content-Type", "application/x-www-form-urlencoded"},
                                          {"Accept", "text/html"},
                                          {"Origin", own}},
                                         "username=c42&password=" + password);
  std::pair<std::string, std::string> cookie{"Cookie", ""};
  for (const auto& [name, value] : in.headers) {
    if (value.starts_with("__Host-rabt=")) cookie.second = value.substr(0, value.find(';'));
  }
  const auto as = [&](const std::string& where) {
    return h().call("-", "GET", where, {}, {cookie, {"Sec-Fetch-Site", "same-origin"}});
  };
  const std::string me = as("/dashboard")["user"]["id"].number_text();
  const Answer asked = as("/consultation/start/" + me);
  RABT_EXPECT_STATUS(asked, 200);
  const std::string socket = asked.text("websocket_url");
  EXPECT_EQ(socket, "/ws/" + asked["consultation_id"].number_text() + "/" + me);
  EXPECT_EQ(Line(socket, {cookie, {"Origin", own}}).status(), "101");
  EXPECT_EQ(Line(socket, {cookie, page}).status(), "403");
  EXPECT_EQ(Line(socket, {cookie}).status(), "403");
}

class Stream : public ::testing::Test {
 protected:
  void SetUp() override {
    const Answer answer =
        h().post("D", "/api/v1/sessions",
                 Json::object({{"type", "doctor_patient"}, {"patient", h().person("P").id}}));
    RABT_EXPECT_STATUS(answer, 201);
    session_ = answer.text("id");
  }
  [[nodiscard]] std::string topic() const { return "session:" + session_; }
  [[nodiscard]] Json sub(Json more = Json::object()) const {
    more.set("type", "sub");
    more.set("id", 1);
    more.set("topic", topic());
    return more;
  }
  std::string session_;
};

TEST_F(Stream, K74TellsWhatHappensAndIsSpokenIn) {
  Line doctor("/api/v1/stream", shows("D"));
  ASSERT_EQ(doctor.status(), "101") << doctor.head();
  doctor.send(sub());
  const Json subscribed = doctor.typed("ok");
  EXPECT_EQ(subscribed["session"], Json(session_));
  EXPECT_EQ(subscribed["role"], Json("doctor"));
  EXPECT_FALSE(doctor.typed("live").is_null());

  // The patient waits; the doctor hears of it, the patient of the admission.
  RABT_EXPECT_STATUS(h().post("P", "/api/v1/sessions/" + session_ + "/join"), 200);
  Line patient("/api/v1/stream", shows("P"));
  patient.send(sub());
  EXPECT_EQ(patient.typed("ok")["admission"], Json("waiting"));
  const Json waits = doctor.event("waiting");
  ASSERT_FALSE(waits.is_null());
  patient.send(Json::object({{"type", "say"},
                             {"id", 2},
                             {"topic", topic()},
                             {"kind", "signal"},
                             {"signal", "offer"},
                             {"payload", Json::object()}}));
  EXPECT_EQ(patient.typed("no")["code"], Json("participant.waiting"));
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/sessions/" + session_ + "/participants/" +
                                       waits["data"].string_or("participant", "") + "/admit"),
                     200);
  const Json admitted = patient.event("admitted");
  EXPECT_FALSE(admitted["data"]["accessToken"].is_null()) << admitted.dump();

  patient.send(Json::object({{"type", "say"},
                             {"id", 3},
                             {"topic", topic()},
                             {"kind", "chat"},
                             {"text", "ألم في الصدر"}}));
  EXPECT_FALSE(patient.typed("ok")["said"]["id"].is_null());
  const Json chat = doctor.event("chat");
  EXPECT_EQ(chat["data"]["content"]["text"], Json("ألم في الصدر"));

  // A reader who comes back hears exactly what he missed.
  Line again("/api/v1/stream", shows("D"));
  again.send(sub(Json::object({{"after", *chat["seq"].as_int64() - 1}})));
  const Json replay = again.typed("ev");
  EXPECT_EQ(replay["seq"], chat["seq"]);
  EXPECT_EQ(replay["kind"], Json("chat"));

  RABT_EXPECT_STATUS(h().call("D", "DELETE",
                              "/api/v1/sessions/" + session_ + "/participants/" +
                                  waits["data"].string_or("participant", "")),
                     204);
  EXPECT_FALSE(patient.typed("bye").is_null());
}

TEST_F(Stream, K47ADoctorsStatusIsSeenByThePeopleOfHisSession) {
  h().enter("K47", "doctor");
  h().enter("K47patient", "patient");
  const auto with = [](const char* doctor, const char* patient) {
    const Answer answer = h().post(doctor, "/api/v1/sessions",
                                   Json::object({{"type", "doctor_patient"},
                                                 {"patient", h().person(patient).id},
                                                 {"waitingRoom", false}}));
    RABT_EXPECT_STATUS(answer, 201);
    return "session:" + answer.text("id");
  };
  const auto listens = [](Line& line, const std::string& topic) {
    line.send(Json::object({{"type", "sub"}, {"id", 1}, {"topic", topic}}));
    EXPECT_FALSE(line.typed("live").is_null());
  };
  Line patient("/api/v1/stream", shows("K47patient"));
  listens(patient, with("K47", "K47patient"));
  Line other("/api/v1/stream", shows("P"));
  const std::string elsewhere = with("D", "P");
  listens(other, elsewhere);
  RABT_EXPECT_STATUS(h().post("K47", "/video/providers/" + h().uuid("K47") + "/status",
                              Json::object({{"status", "busy"}})),
                     201);
  const Json item = patient.event("presence");
  EXPECT_EQ(item["data"]["provider"], Json(h().person("K47").id)) << item.dump();
  EXPECT_EQ(item["data"]["status"], Json("busy"));
  EXPECT_EQ(item.find("seq"), nullptr) << "nobody keeps it";
  // In another doctor's session nothing is told of it.
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/sessions/" + elsewhere.substr(8) + "/messages",
                              Json::object({{"text", "hello"}})),
                     201);
  bool heard = false;
  EXPECT_FALSE(other
                   .next([&](const Json& frame) {
                     heard = heard || frame["data"]["provider"] == Json(h().person("K47").id);
                     return frame.string_or("kind", "") == "chat";
                   })
                   .is_null());
  EXPECT_FALSE(heard);
}

TEST_F(Stream, K58ANoteIsToldToTheNurseAndNotToThePatient) {
  const Answer answer = h().post(
      "D", "/api/v1/sessions",
      Json::object({{"type", "doctor_patient"},
                    {"patient", h().person("P").id},
                    {"waitingRoom", false},
                    {"participants", Json::array({Json::object(
                                         {{"person", h().person("N").id}, {"role", "nurse"}})})}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string at = "/api/v1/sessions/" + answer.text("id");
  RABT_EXPECT_STATUS(h().post("D", at + "/start"), 200);
  session_ = answer.text("id");
  Line nurse("/api/v1/stream", shows("N"));
  Line patient("/api/v1/stream", shows("P"));
  for (Line* line : {&nurse, &patient}) {
    line->send(sub());
    EXPECT_FALSE(line->typed("live").is_null());
  }
  RABT_EXPECT_STATUS(h().post("D", at + "/notes", Json::object({{"content", "peculiar words"}})),
                     201);
  RABT_EXPECT_STATUS(h().post("D", at + "/messages", Json::object({{"text", "hello"}})), 201);
  const Json note = nurse.event("note");
  ASSERT_FALSE(note.is_null());
  EXPECT_EQ(note.dump().find("peculiar"), std::string::npos);
  bool heard = false;
  EXPECT_FALSE(patient
                   .next([&](const Json& frame) {
                     heard = heard || frame.string_or("kind", "") == "note";
                     return frame.string_or("kind", "") == "chat";
                   })
                   .is_null());
  EXPECT_FALSE(heard);
}

TEST_F(Stream, IsForThePeopleOfTheSessionOnly) {
  EXPECT_EQ(Line("/api/v1/stream", {}).status(), "401");
  Line stranger("/api/v1/stream", shows("P2"));
  stranger.send(sub());
  EXPECT_EQ(stranger.typed("no")["code"], Json("authorisation.denied"));
  EXPECT_EQ(h().get("D", "/api/v1/stream").status, 426);
}

// Symptom: docs/stream.md has `denied` and `consent`, and nobody was ever told either.
// Cause: the acts were audited, and no event was written for them.
// Here: who waits, who is in, and a webhook's list of events agree on both.
TEST_F(Stream, ADenialAndAConsentAreTold) {
  const std::string at = "/api/v1/sessions/" + session_;
  Line doctor("/api/v1/stream", shows("D"));
  doctor.send(sub());
  EXPECT_FALSE(doctor.typed("live").is_null());
  RABT_EXPECT_STATUS(
      h().post("P", at + "/consents", Json::object({{"kind", "recording"}, {"given", true}})), 201);
  const Json consent = doctor.event("consent")["data"];
  EXPECT_EQ(consent["kind"], Json("recording"));
  EXPECT_EQ(consent["given"], Json(true));
  const Answer came = h().post("P", at + "/join");
  RABT_EXPECT_STATUS(came, 200);
  EXPECT_EQ(came.text("admission"), "waiting");
  Line patient("/api/v1/stream", shows("P"));
  patient.send(sub());
  EXPECT_EQ(patient.typed("ok")["admission"], Json("waiting"));
  const std::string id = came["participant"].string_or("id", "");
  RABT_EXPECT_STATUS(h().post("D", at + "/participants/" + id + "/deny"), 200);
  EXPECT_EQ(patient.event("denied")["data"]["participant"], Json(id));
  EXPECT_FALSE(patient.typed("bye").is_null());
  EXPECT_EQ(doctor.event("denied")["data"]["participant"], Json(id));
}

TEST_F(Stream, Trap47WhoseConsentIsWithdrawnHearsNothingMore) {
  h().enter("Brother", "patient");
  const std::string at = "/api/v1/sessions/" + session_;
  const auto consent = [&](bool given) {
    RABT_EXPECT_STATUS(
        h().post("P", at + "/consents", Json::object({{"kind", "family"}, {"given", given}})), 201);
  };
  const auto say = [&](const char* text) {
    RABT_EXPECT_STATUS(h().post("D", at + "/messages", Json::object({{"text", text}})), 201);
  };
  consent(true);
  RABT_EXPECT_STATUS(
      h().post("D", at + "/participants",
               Json::object({{"person", h().person("Brother").id}, {"role", "family_member"}})),
      201);
  RABT_EXPECT_STATUS(h().post("D", at + "/start"), 200);
  const Answer came = h().post("Brother", at + "/join");
  RABT_EXPECT_STATUS(came, 200);
  if (came.text("admission") == "waiting")
    RABT_EXPECT_STATUS(
        h().post("D", at + "/participants/" + came["participant"].string_or("id", "") + "/admit"),
        200);
  Line brother("/api/v1/stream", shows("Brother"));
  brother.send(sub());
  EXPECT_EQ(brother.typed("ok")["admission"], Json("admitted"));
  say("before");
  EXPECT_EQ(brother.event("chat")["data"]["content"]["text"], Json("before"));
  consent(false);
  // The hub looks at sessions twenty times a second; what counts is that nothing comes between.
  say("after");
  bool heard = false;
  const Json bye = brother.next([&](const Json& frame) {
    heard = heard || frame.string_or("kind", "") == "chat";
    return frame.string_or("type", "") == "bye";
  });
  EXPECT_FALSE(bye.is_null());
  EXPECT_FALSE(heard);
  brother.send(Json::object({{"type", "ping"}, {"id", 9}}));
  EXPECT_EQ(brother.next([](const Json&) { return true; })["id"], Json(9))
      << "and nothing comes behind";
  EXPECT_EQ(h().get("Brother", at + "/messages").status, 403);
}

TEST_F(Stream, WhoIsTakenInAgainSubscribesAgainOnTheSameConnection) {
  h().enter("Bystander", "nurse");
  const Answer open = h().post(
      "D", "/api/v1/sessions",
      Json::object(
          {{"type", "doctor_patient"}, {"patient", h().person("P").id}, {"waitingRoom", false}}));
  RABT_EXPECT_STATUS(open, 201);
  session_ = open.text("id");
  const std::string at = "/api/v1/sessions/" + session_ + "/participants";
  const auto add = [&] {
    const Answer added = h().post(
        "D", at, Json::object({{"person", h().person("Bystander").id}, {"role", "nurse"}}));
    RABT_EXPECT_STATUS(added, 201);
    return added["participant"].string_or("id", "");
  };
  const std::string participant = add();
  Line doctor("/api/v1/stream", shows("D"));
  doctor.send(sub());
  EXPECT_FALSE(doctor.typed("live").is_null());
  Line nurse("/api/v1/stream", shows("Bystander"));
  nurse.send(sub());
  EXPECT_FALSE(nurse.typed("live").is_null());
  RABT_EXPECT_STATUS(h().call("D", "DELETE", at + "/" + participant), 204);
  for (Line* line : {&doctor, &nurse})
    EXPECT_EQ(line->event("participant")["data"]["event"], Json("participant-removed"));
  EXPECT_FALSE(nurse.typed("bye").is_null());
  nurse.send(sub());
  EXPECT_EQ(nurse.typed("no")["code"], Json("authorisation.denied"));
  (void)add();
  nurse.send(sub());
  EXPECT_FALSE(nurse.typed("live").is_null());
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/sessions/" + session_ + "/messages",
                              Json::object({{"text", "welcome back"}})),
                     201);
  EXPECT_EQ(nurse.event("chat")["data"]["content"]["text"], Json("welcome back"));
}

TEST_F(Stream, Trap71AnEventThatIsNotThereIsNoPlaceToGoOn) {
  const auto asks = [&](const Json& after) {
    Line doctor("/api/v1/stream", shows("D"));
    doctor.send(sub(Json::object({{"after", after}})));
    return doctor.next([](const Json& frame) {
      return frame.string_or("type", "") == "no" || frame.string_or("type", "") == "ok";
    });
  };
  const std::int64_t newest = asks(0)["seq"].as_int64().value_or(-1);
  ASSERT_GT(newest, 0);
  EXPECT_EQ(asks(newest)["type"], Json("ok"));
  EXPECT_EQ(asks(newest + 1)["code"], Json("stream.after"));
  EXPECT_EQ(asks(std::int64_t{1} << 62)["code"], Json("stream.after"));
  EXPECT_EQ(asks(-1)["code"], Json("api.invalid"));
  EXPECT_EQ(asks("1")["code"], Json("api.invalid"));
}

// Sessions that talk while the hub is killed, and come back all at once.
class SlowStream : public Stream {
 protected:
  static constexpr int kSessions = 10;
  static constexpr int kLinesOfEach = 8;

  struct Talk {
    std::string doctor;
    std::string patient;
    std::string session;
    std::int64_t from = 0;
    // Messages that the hub answered with success; they must survive.
    std::vector<std::string> kept;
  };
  static Talk begin(int number) {
    Talk out{.doctor = "D72-" + std::to_string(number), .patient = "P72-" + std::to_string(number)};
    h().enter(out.doctor, "doctor");
    h().enter(out.patient, "patient");
    const Answer answer = h().post(out.doctor, "/api/v1/sessions",
                                   Json::object({{"type", "doctor_patient"},
                                                 {"patient", h().person(out.patient).id},
                                                 {"waitingRoom", false}}));
    RABT_EXPECT_STATUS(answer, 201);
    out.session = answer.text("id");
    RABT_EXPECT_STATUS(h().post(out.doctor, "/api/v1/sessions/" + out.session + "/start"), 200);
    RABT_EXPECT_STATUS(h().post(out.patient, "/api/v1/sessions/" + out.session + "/join"), 200);
    return out;
  }
  static std::unique_ptr<Line> open(const Talk& talk, const std::string& who, const Json& after) {
    auto line = std::make_unique<Line>("/api/v1/stream", shows(who));
    line->send(Json::object(
        {{"type", "sub"}, {"id", 1}, {"topic", "session:" + talk.session}, {"after", after}}));
    return line;
  }
  // The words of the chat up to the present.
  static std::vector<std::string> heard(Line& line) {
    std::vector<std::string> words;
    for (;;) {
      const Json frame = line.next([](const Json&) { return true; });
      const std::string type = frame.string_or("type", "");
      if (frame.is_null() || type == "live" || type == "no") return words;
      if (type == "ev" && frame.string_or("kind", "") == "chat")
        words.push_back(frame["data"]["content"].string_or("text", ""));
    }
  }
};

TEST_F(SlowStream, Trap72OfThoseWhoComeBackAtOnceAfterAKillNobodyMissesAWord) {
  std::vector<Talk> talks;
  std::vector<std::unique_ptr<Line>> lines;
  std::vector<Line*> speakers;
  for (int i = 0; i < kSessions; ++i) {
    talks.push_back(begin(i));
    for (const std::string& who : {talks.back().doctor, talks.back().patient}) {
      for (int n = 0; n < kLinesOfEach; ++n) lines.push_back(open(talks.back(), who, Json()));
    }
    speakers.push_back(lines[lines.size() - 1].get());
    talks.back().from = speakers.back()->typed("ok")["seq"].as_int64().value_or(0);
    EXPECT_GT(talks.back().from, 0);
  }
  std::thread killer;
  bool alive = true;
  for (int round = 0; alive; ++round) {
    if (round == 10) killer = std::thread([] { h().site.kill_hub(); });
    for (std::size_t i = 0; i < talks.size(); ++i) {
      const std::string word = "w" + std::to_string(round);
      speakers[i]->send(Json::object({{"type", "say"},
                                      {"id", 100 + round},
                                      {"topic", "session:" + talks[i].session},
                                      {"kind", "chat"},
                                      {"text", word}}));
      const Json said =
          speakers[i]->next([&](const Json& frame) { return frame["id"] == Json(100 + round); });
      if (said["type"] == Json("ok")) talks[i].kept.push_back(word);
      alive = alive && !said.is_null();
    }
  }
  killer.join();
  lines.clear();
  h().site.start_hub();
  std::vector<std::thread> all;
  for (const Talk& talk : talks) {
    EXPECT_GE(talk.kept.size(), 10U);
    all.emplace_back([&talk] {
      std::vector<std::unique_ptr<Line>> again;
      for (const std::string& who : {talk.doctor, talk.patient}) {
        for (int n = 0; n < kLinesOfEach; ++n) again.push_back(open(talk, who, Json(talk.from)));
      }
      for (const auto& line : again) {
        std::vector<std::string> words = heard(*line);
        // A message that was committed but not answered may be there, once.
        if (words.size() == talk.kept.size() + 1) words.pop_back();
        EXPECT_EQ(words, talk.kept);
      }
    });
  }
  for (std::thread& one : all) one.join();
}

// WebSocket client of another author: the package ws from
// npm.
TEST_F(SlowStream, AForeignClientSpeaksAndHears) {
  const std::string folder = rabt::test::npm_folder("ws");
  ASSERT_NE(folder, "");
  const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  const std::string script = folder + "/ws_peer.mjs";
  std::filesystem::copy_file(std::string(source) + "/tests/acceptance/ws_peer.mjs", script,
                             std::filesystem::copy_options::overwrite_existing);
  const Talk talk = begin(99);
  identity::test::LineProgram peer(script, "");
  const std::string url =
      "ws://127.0.0.1:" + std::to_string(h().site.config.port) + "/api/v1/stream";
  const auto open = [&](const Json& headers, const Json& protocols = Json::array()) {
    return peer.ask("open",
                    Json::object({{"url", url}, {"headers", headers}, {"protocols", protocols}}));
  };
  const Json bearer = Json::object({{"Authorization", "Bearer " + h().person(talk.patient).token}});
  EXPECT_EQ(open(Json::object())["status"], Json(401));
  const Json opened = open(bearer);
  EXPECT_EQ(opened["extensions"], Json("")) << "it offers compression, which is not taken";
  const std::string topic = "session:" + talk.session;
  (void)peer.ask("say", Json::object({{"type", "sub"}, {"id", 1}, {"topic", topic}}));
  EXPECT_EQ(peer.ask("wait", Json::object({{"id", 1}})).string_or("type", ""), "ok");
  (void)peer.ask("say", Json::object({{"type", "say"},
                                      {"id", 2},
                                      {"topic", topic},
                                      {"kind", "chat"},
                                      {"text", "ألم في الصدر"}}));
  EXPECT_FALSE(peer.ask("wait", Json::object({{"id", 2}}))["said"]["id"].is_null());
  RABT_EXPECT_STATUS(h().post(talk.doctor, "/api/v1/sessions/" + talk.session + "/messages",
                              Json::object({{"text", "منذ متى؟"}})),
                     201);
  const auto from_doctor = [&] {
    for (int i = 0; i < 5; ++i) {
      const Json chat = peer.ask("wait", Json::object({{"kind", "chat"}}));
      const std::string text = chat["data"]["content"].string_or("text", "");
      if (text != "ألم في الصدر") return text;
    }
    return std::string();
  };
  EXPECT_EQ(from_doctor(), "منذ متى؟");
  EXPECT_EQ(peer.ask("ping", Json("still there")).string_or("pong", ""), "still there");
  EXPECT_EQ(peer.ask("flood", Json(100'000))["closed"], Json(1009));
  // By a ticket, as a page does it; it is not said back.
  const std::string page = "https://a.example";
  const std::string ticket =
      h().call(talk.patient, "POST", "/api/v1/tickets", Json::object(), {{"Origin", page}})
          .text("ticket");
  const Json from = Json::object({{"Origin", page}});
  EXPECT_EQ(open(from, Json::array({"rabt.v1", ticket})).string_or("protocol", ""), "rabt.v1");
  EXPECT_EQ(open(from, Json::array({"rabt.v1", ticket}))["status"], Json(401)) << "once";
}

TEST_F(Stream, Trap66ATicketIsGoodOnceAndForItsPageOnly) {
  const std::vector<std::pair<std::string, std::string>> page{{"Origin", "https://a.example"}};
  const auto ticket = [&] {
    const Answer answer = h().call("P", "POST", "/api/v1/tickets", Json::object(), page);
    RABT_EXPECT_STATUS(answer, 201);
    return answer.text("ticket");
  };
  const auto offer = [](const std::string& value, const std::string& origin) {
    return std::vector<std::pair<std::string, std::string>>{
        {"Origin", origin}, {"Sec-WebSocket-Protocol", "rabt.v1, " + value}};
  };
  const std::string good = ticket();
  Line first("/api/v1/stream", offer(good, "https://a.example"));
  EXPECT_EQ(first.status(), "101");
  EXPECT_NE(first.head().find("Sec-WebSocket-Protocol: rabt.v1\r\n"), std::string::npos);
  EXPECT_EQ(first.head().find(good), std::string::npos);
  first.send(sub());
  EXPECT_EQ(first.typed("ok")["role"], Json("patient"));
  EXPECT_EQ(Line("/api/v1/stream", offer(good, "https://a.example")).status(), "401");
  EXPECT_EQ(Line("/api/v1/stream", offer(ticket(), "https://b.example")).status(), "401");
  EXPECT_EQ(Line("/api/v1/stream?ticket=" + ticket(), page).status(), "401");
}

TEST_F(Stream, Trap39WhoIsDisabledIsOutWithinASecondAndHisTicketOpensNothing) {
  h().enter("Leaver", "doctor");
  const std::string user = "/api/v1/users/" + h().person("Leaver").id;
  const auto change = [&](bool active) {
    RABT_EXPECT_STATUS(h().call("AD", "PATCH", user, Json::object({{"active", active}}),
                                {{"If-Match", h().get("AD", user).header("ETag")}}),
                       200);
  };
  Line native("/api/v1/stream", shows("Leaver"));
  ASSERT_EQ(native.status(), "101") << native.head();
  const Answer ticket = h().post("Leaver", "/api/v1/tickets");
  RABT_EXPECT_STATUS(ticket, 201);
  const auto disabled = std::chrono::steady_clock::now();
  change(false);
  EXPECT_EQ(native.close_code(), 4401);
  EXPECT_LT(std::chrono::steady_clock::now() - disabled, std::chrono::seconds(10));
  EXPECT_EQ(
      Line("/api/v1/stream", {{"Sec-WebSocket-Protocol", "rabt.v1, " + ticket.text("ticket")}})
          .status(),
      "401");
  change(true);
}

}  // namespace
}  // namespace rabt::acceptance::live_test
