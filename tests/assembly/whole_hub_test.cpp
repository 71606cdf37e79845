#include "tests/assembly/whole_hub.hpp"

// Webhooks to other systems, and calls between browsers.
namespace rabt::assembly::whole_hub_test {
namespace {

TEST_F(WholeHub, K79TellsWebhooksWhatHappensInSessionsAndOutside) {
  Receiver receiver;
  SystemRandom random;
  const std::string text = webhooks::SigningSecret::make_shared_text(random);
  config_.webhooks.push_back({.name = "his",
                              .url = receiver.url(),
                              .events = {"*"},
                              .types = {},
                              .clinics = {},
                              .secrets = {{.file = secret("his", text), .env = {}}}});
  receiver.answer(500);
  start();
  enter("doctor", "doctor");
  const std::string patient = enter("patient", "patient");
  const Answer answer = call("doctor", "POST", "/api/v1/sessions",
                             Json::object({{"type", "doctor_patient"}, {"patient", patient}}));
  ASSERT_EQ(answer.status, 201) << answer.json.dump();
  ASSERT_TRUE(receiver.about("session.created").has_value());
  // Nothing is lost with the process: what was refused is sent again by the next one.
  hub_.reset();
  receiver.answer(204);
  receiver.forget();
  start();
  const Json list = call("operator", "GET", "/api/v1/webhooks").json["items"];
  ASSERT_EQ(list.size(), 1U);
  const std::string path = "/api/v1/webhooks/" + list.item(0).string_or("id", "");
  const Json refused = call("operator", "GET", path + "/deliveries").json["items"];
  EXPECT_GE(refused.size(), 1U);
  for (const Json& item : refused.as_array()) {
    const Answer again = call("operator", "POST", path + "/replay",
                              Json::object({{"delivery", item.string_or("id", "")}}));
    EXPECT_EQ(again.status, 200) << again.json.dump();
  }
  const auto created = receiver.about("session.created");
  ASSERT_TRUE(created.has_value());
  http::SignatureConfig signature;
  signature.secrets.push_back(http::parse_whsec(text).value());
  EXPECT_TRUE(http::verify(signature, *created, clock_.now()).ok());
  const Json body = Json::parse(created->body).value();
  EXPECT_EQ(body["data"].string_or("session", ""), answer.json.string_or("id", ""));
  EXPECT_EQ(created->body.find(patient), std::string::npos) << "the patient is a pseudonym";

  // Events of entries in a session, and events outside any session.
  const std::string session = "/api/v1/sessions/" + answer.json.string_or("id", "");
  EXPECT_EQ(call("doctor", "POST", session + "/messages", Json::object({{"text", "hello"}})).status,
            201);
  const auto said = receiver.about("session.message-sent");
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->body.find("hello"), std::string::npos);
  Line nurse(hub_->port(), (enter("nurse", "nurse"), tokens_["nurse"]));
  EXPECT_EQ(nurse.ask(Json::object({{"type", "sub"}, {"topic", "hub"}})).string_or("type", ""),
            "ok");
  Line patient_line(hub_->port(), tokens_["patient"]);
  EXPECT_EQ(
      patient_line.ask(Json::object({{"type", "sub"}, {"topic", "hub"}})).string_or("code", ""),
      "authorisation.denied");
  EXPECT_EQ(
      call("doctor", "PUT", "/api/v1/me/presence", Json::object({{"status", "online"}})).status,
      200);
  EXPECT_TRUE(receiver.about("provider.presence-changed").has_value());
  EXPECT_EQ(nurse.event("provider.presence-changed")["data"].string_or("status", ""), "online");
  EXPECT_EQ(call("operator", "POST", path + "/ping").status, 202);
  EXPECT_TRUE(receiver.about("ping").has_value());
  EXPECT_EQ(call("doctor", "GET", "/api/v1/webhooks").status, 403);
}

// The trace of who proves who he is goes on to receivers that may know it; a stranger's is
// nobody's.
TEST_F(WholeHub, ACallersTraceGoesOnWithWhatHeCauses) {
  Receiver receiver;
  Receiver stranger;
  SystemRandom random;
  const auto host_of = [](const Receiver& one) {
    return one.url().substr(7, one.url().rfind('/') - 7);
  };
  for (const auto& [name, url] :
       {std::pair{"his", receiver.url()}, std::pair{"other", stranger.url()}}) {
    const std::string text = webhooks::SigningSecret::make_shared_text(random);
    config_.webhooks.push_back({.name = name,
                                .url = url,
                                .events = {"*"},
                                .types = {},
                                .clinics = {},
                                .secrets = {{.file = secret(name, text), .env = {}}}});
  }
  config_.http.patient_data = {host_of(receiver)};
  start();
  enter("doctor", "doctor");
  const std::string patient = enter("patient", "patient");
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  more_ = {{"traceparent", "00-" + trace + "-00f067aa0ba902b7-01"}};
  const Answer answer = call("doctor", "POST", "/api/v1/sessions",
                             Json::object({{"type", "doctor_patient"}, {"patient", patient}}));
  ASSERT_EQ(answer.status, 201) << answer.json.dump();
  EXPECT_EQ(
      call("doctor", "PUT", "/api/v1/me/presence", Json::object({{"status", "online"}})).status,
      200);
  more_.clear();
  const std::string session = "/api/v1/sessions/" + answer.json.string_or("id", "");
  EXPECT_EQ(call("doctor", "POST", session + "/messages", Json::object({{"text", "hello"}})).status,
            201);
  for (const char* const event : {"session.created", "provider.presence-changed"}) {
    const auto told = receiver.about(event);
    ASSERT_TRUE(told.has_value()) << event;
    const std::string sent(told->header("traceparent"));
    EXPECT_TRUE(sent.starts_with("00-" + trace + "-")) << event << ": " << sent;
    EXPECT_EQ(sent.find("00f067aa0ba902b7"), std::string::npos) << event;
    EXPECT_EQ(told->body.find(trace), std::string::npos) << event;
    const auto apart = stranger.about(event);
    ASSERT_TRUE(apart.has_value()) << event;
    EXPECT_EQ(apart->header("traceparent"), "") << event;
  }
  const auto said = receiver.about("session.message-sent");
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->header("traceparent"), "") << "a request without one";
}

// Events outside sessions are sent again from the last one that the listener saw.
TEST_F(WholeHub, TheTopicHubGoesOnBehindTheEventThatWasSeen) {
  start();
  enter("doctor", "doctor");
  enter("nurse", "nurse");
  const auto says = [&](const char* status) {
    const Answer set =
        call("doctor", "PUT", "/api/v1/me/presence", Json::object({{"status", status}}));
    EXPECT_EQ(set.status, 200) << set.json.dump();
  };
  const auto sub = [](const Json& after) {
    return Json::object({{"type", "sub"}, {"topic", "hub"}, {"after", after}});
  };
  Json seen;
  {
    Line before(hub_->port(), tokens_["nurse"]);
    ASSERT_EQ(before.ask(sub({})).string_or("type", ""), "ok");
    says("online");
    seen = before.event("provider.presence-changed");
    ASSERT_FALSE(seen["id"].is_null()) << seen.dump();
  }
  says("busy");
  says("offline");
  Line after(hub_->port(), tokens_["nurse"]);
  ASSERT_EQ(after.ask(sub(seen["id"])).string_or("type", ""), "ok");
  std::vector<std::string> heard;
  while (heard.size() < 2) {
    const Json next = after.event("provider.presence-changed");
    ASSERT_FALSE(next.is_null());
    // The one that was seen may come again; it is known by its id.
    if (next["id"] != seen["id"]) heard.push_back(next["data"].string_or("status", ""));
  }
  EXPECT_EQ(heard, (std::vector<std::string>{"busy", "offline"}));
  Line other(hub_->port(), tokens_["nurse"]);
  EXPECT_EQ(other.ask(sub("01BX5ZZKBKACTAV9WEVGEMMVRZ")).string_or("code", ""), "stream.after");
}

TEST_F(WholeHub, OneOfTwoDoctorsWhoAcceptAtOnceHasTheRequest) {
  start();
  const std::string first = enter("doctor", "doctor");
  const std::string second = enter("doctor2", "doctor");
  enter("patient", "patient");
  for (int round = 0; round < 5; ++round) {
    const Answer asked =
        call("patient", "POST", "/api/v1/sessions", Json::object({{"type", "doctor_patient"}}));
    ASSERT_EQ(asked.status, 201) << asked.json.dump();
    const std::string session = "/api/v1/sessions/" + asked.json.string_or("id", "");
    auto other = std::async(std::launch::async,
                            [&] { return call("doctor2", "POST", session + "/accept"); });
    const Answer answer = call("doctor", "POST", session + "/accept");
    const Answer two = other.get();
    EXPECT_EQ((answer.status == 200 ? 1 : 0) + (two.status == 200 ? 1 : 0), 1)
        << answer.json.dump() << two.json.dump();
    const Answer& refused = answer.status == 200 ? two : answer;
    EXPECT_TRUE(refused.status == 409 || refused.status == 403) << refused.json.dump();
    const std::string winner = answer.status == 200 ? first : second;
    EXPECT_EQ(call("patient", "GET", session).json.string_or("provider", ""), winner);
  }
}

TEST_F(WholeHub, APatientOnTwoDevicesIsOnePersonAndHearsOnBoth) {
  config_.roles["video"] = "hub://p2p";
  start();
  enter("doctor", "doctor");
  const std::string patient = enter("patient", "patient");
  const Answer answer = call("doctor", "POST", "/api/v1/sessions",
                             Json::object({{"type", "doctor_patient"},
                                           {"patient", patient},
                                           {"maxParticipants", 2},
                                           {"waitingRoom", false}}));
  ASSERT_EQ(answer.status, 201) << answer.json.dump();
  const std::string id = answer.json.string_or("id", "");
  const std::string session = "/api/v1/sessions/" + id;
  const Answer phone =
      call("patient", "POST", session + "/join", Json::object({{"deviceType", "ios"}}));
  const Answer laptop =
      call("patient", "POST", session + "/join", Json::object({{"deviceType", "web"}}));
  ASSERT_EQ(laptop.status, 200) << laptop.json.dump();
  EXPECT_EQ(phone.json["participant"]["id"], laptop.json["participant"]["id"]);
  EXPECT_EQ(laptop.json["participant"].string_or("deviceType", ""), "web");
  // There is room for two persons: the second device took no place.
  EXPECT_EQ(call("doctor", "POST", session + "/join").status, 200);
  const Json sub = Json::object({{"type", "sub"}, {"topic", "session:" + id}});
  Line one(hub_->port(), tokens_["patient"]);
  Line two(hub_->port(), tokens_["patient"]);
  ASSERT_EQ(one.ask(sub).string_or("type", ""), "ok");
  ASSERT_EQ(two.ask(sub).string_or("type", ""), "ok");
  EXPECT_EQ(call("doctor", "POST", session + "/messages", Json::object({{"text", "مرحبا"}})).status,
            201);
  for (Line* line : {&one, &two})
    EXPECT_EQ(line->event("chat")["data"]["content"].string_or("text", ""), "مرحبا");
  EXPECT_EQ(call("doctor", "POST", session + "/end").status, 200);
}

TEST_F(WholeHub, C16TwoBrowsersCallEachOtherWithoutAProvider) {
  config_.roles["video"] = "hub://p2p";
  config_.ice.stun = {"stun:stun.example.sa:3478"};
  config_.ice.turn = {"turn:turn.example.sa:3478"};
  config_.ice.turn_secret.file = secret("turn", "north-of-the-wall");
  start();
  enter("doctor", "doctor");
  const std::string patient_id = enter("patient", "patient");
  const Answer answer = call(
      "doctor", "POST", "/api/v1/sessions",
      Json::object({{"type", "doctor_patient"}, {"patient", patient_id}, {"waitingRoom", true}}));
  ASSERT_EQ(answer.status, 201) << answer.json.dump();
  const std::string id = answer.json.string_or("id", "");
  const std::string session = "/api/v1/sessions/" + id;
  const Json topic = "session:" + id;

  const Answer in = call("doctor", "POST", session + "/join");
  ASSERT_EQ(in.status, 200) << in.json.dump();
  EXPECT_EQ(call("patient", "POST", session + "/join").json.string_or("admission", ""), "waiting");
  Line doctor(hub_->port(), tokens_["doctor"]);
  auto patient = std::make_unique<Line>(hub_->port(), tokens_["patient"]);
  const Json doctor_in = doctor.ask(Json::object({{"type", "sub"}, {"topic", topic}}));
  EXPECT_EQ(doctor_in.string_or("type", ""), "ok");
  const Json patient_in = patient->ask(Json::object({{"type", "sub"}, {"topic", topic}}));
  EXPECT_EQ(patient_in.string_or("admission", ""), "waiting");

  const auto signal = [&](const char* what, const Json& to) {
    return Json::object({{"type", "say"},
                         {"topic", topic},
                         {"kind", "signal"},
                         {"signal", what},
                         {"to", to},
                         {"payload", Json::object({{"sdp", "v=0 " + std::string(what)}})}});
  };
  EXPECT_EQ(patient->ask(signal("offer", doctor_in["me"])).string_or("code", ""),
            "participant.waiting");

  const Answer admitted = call(
      "doctor", "POST", session + "/participants/" + patient_in.string_or("me", "") + "/admit");
  ASSERT_EQ(admitted.status, 200) << admitted.json.dump();
  const Json may = patient->event("admitted");
  const Json& servers = may["data"]["media"]["iceServers"];
  ASSERT_EQ(servers.size(), 2U) << may.dump();
  const std::string user = servers.item(1).string_or("username", "");
  EXPECT_EQ(servers.item(1).string_or("credential", ""),
            to_base64(crypto::hmac_sha1(as_bytes("north-of-the-wall"), user)))
      << "as coturn computes it";

  EXPECT_EQ(patient->ask(signal("offer", doctor_in["me"])).string_or("type", ""), "ok");
  const Json offer = doctor.event("signal");
  EXPECT_EQ(offer["data"]["payload"].string_or("sdp", ""), "v=0 offer");
  EXPECT_EQ(offer["from"], patient_in["me"]);
  EXPECT_EQ(doctor.ask(signal("answer", patient_in["me"])).string_or("type", ""), "ok");
  EXPECT_EQ(patient->event("signal")["data"].string_or("signal", ""), "answer");
  EXPECT_EQ(call("doctor", "GET", session).json.string_or("status", ""), "active");

  // The same events, to read only, from the beginning.
  test::WebSocketClient reader(hub_->port());
  reader.send("GET " + session + "/events HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n" +
              "Last-Event-ID: 0\r\nAuthorization: Bearer " + tokens_["doctor"] + "\r\n\r\n");
  const std::string head = reader.head();
  EXPECT_EQ(head.substr(9, 3), "200");
  EXPECT_NE(head.find("text/event-stream"), std::string::npos);
  EXPECT_NE(head.find("X-Accel-Buffering: no"), std::string::npos);
  const std::string read = reader.until("event: live\n");
  EXPECT_NE(read.find("id: 1\nevent: session\ndata: {"), std::string::npos) << read;
  EXPECT_NE(read.find("event: admitted\n"), std::string::npos) << read;

  const Answer recording = call("doctor", "POST", session + "/recording/start");
  EXPECT_EQ(recording.status, 409);
  EXPECT_EQ(recording.json.string_or("code", ""), "capability.recording");

  // Whoever has no live channel any more has left, and comes back with his next signal.
  patient.reset();
  EXPECT_EQ(doctor.event("left")["data"].string_or("participant", ""),
            patient_in.string_or("me", ""));
  Line back(hub_->port(), tokens_["patient"]);
  EXPECT_EQ(back.ask(Json::object({{"type", "sub"}, {"topic", topic}})).string_or("type", ""),
            "ok");
  EXPECT_EQ(back.ask(signal("offer", doctor_in["me"])).string_or("type", ""), "ok");
  EXPECT_EQ(call("doctor", "POST", session + "/end").status, 200);
  std::size_t stays = 0;
  const Json events = call("doctor", "GET", session + "/events").json["items"];
  for (const Json& item : events.as_array()) {
    if (item.string_or("type", "") == "participant-joined" &&
        item["data"]["participant"] == patient_in["me"])
      ++stays;
  }
  EXPECT_EQ(stays, 2U);
}

TEST_F(WholeHub, ATimeWithoutAZoneAndAnEndBeforeTheBeginAreNoFilterOfSessions) {
  start();
  const auto asked = [&](const std::string& query) {
    return call("operator", "GET", "/api/v1/sessions?" + query);
  };
  for (const auto& [query, detail] :
       {std::pair{"from=2026-11-01T09:00:00", "from: it needs a time zone: Z, or an offset"},
        {"to=2026-11-01T09:00:00", "to: it needs a time zone: Z, or an offset"},
        {"from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "to: it is before `from`"},
        {"from=2026-11-02&to=2026-11-01", "to: it is before `from`"}}) {
    const Answer refused = asked(query);
    EXPECT_EQ(refused.status, 422) << query;
    EXPECT_EQ(refused.json.string_or("code", ""), "api.invalid") << query;
    EXPECT_EQ(refused.json.string_or("detail", "").find(detail), 0U) << refused.json.dump();
  }
  for (const char* query : {"from=2026-11-01T09:00:00Z&to=2026-11-01T12:00:00%2B03:00",
                            "from=2026-11-01&to=2026-11-01"})
    EXPECT_EQ(asked(query).status, 200) << query;
}

}  // namespace
}  // namespace rabt::assembly::whole_hub_test
