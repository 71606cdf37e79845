#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "client.hpp"
#include "tests/plugins/test_host.hpp"

namespace rabt::janus::room_test {
namespace {

using sdk::Kind;
using testing::Answer;
using testing::Request;
using testing::TestHost;
using testing::unreachable;

constexpr const char* kOne =
    R"({"instances": [{"name": "a", "admin_url": "http://a.example.sa/admin",
                       "client_url": "wss://a.example.sa/janus",
                       "shelf_url": "http://a.example.sa:7090",
                       "recordings_dir": "/var/rec"}],
        "turn_urls": ["turn:t.example.sa:3478", "stun:t.example.sa:3478"]})";
constexpr const char* kTwo =
    R"({"instances": [{"name": "a", "admin_url": "http://a.example.sa/admin",
                       "client_url": "wss://a.example.sa/janus"},
                      {"name": "b", "admin_url": "http://b.example.sa/admin",
                       "client_url": "wss://b.example.sa/janus"}]})";

// Janus servers, by the host of their Admin API, as far as the plugin speaks with them.
class Servers {
 public:
  struct Room {
    std::string secret;
    std::vector<std::string> allowed;
    std::set<std::string> people;
    bool record = false;
    Json made;
  };
  // Name of a person, by session.
  std::map<std::int64_t, std::pair<std::string, std::string>> sessions;
  std::map<std::string, std::map<std::string, Room>> rooms;
  std::set<std::string> down;
  // Admin key that a new room needs; "" if none.
  std::string admin_key;
  std::vector<std::string> said;

  Answer operator()(const Request& request) {
    const std::string host = request.url().substr(7, 1);
    if (down.contains(host)) return unreachable();
    if (request.url().ends_with("/space")) return {.status = 200, .body = "{}"};
    const Json body = Json::parse(request.body);
    if (body.value("admin_secret", "") != "admin-secret-0123") return error(403);
    const std::string janus = body.at("janus");
    if (janus != "message_plugin") {
      said.push_back(janus);
      return core(janus, body);
    }
    said.push_back(host + " " + body.at("request").at("request").get<std::string>());
    return {
        .status = 200,
        .body =
            Json{{"janus", "success"}, {"response", video_room(host, body.at("request"))}}.dump()};
  }

 private:
  static Answer error(int code) {
    return {.status = 200, .body = Json{{"janus", "error"}, {"error", {{"code", code}}}}.dump()};
  }
  Answer core(const std::string& what, const Json& body) {
    Json out{{"janus", "success"}};
    if (what == "list_sessions") {
      out["sessions"] = Json::array();
      for (const auto& [id, person] : sessions) out["sessions"].push_back(id);
    } else if (what == "list_handles") {
      out["handles"] = Json::array({body.at("session_id").get<std::int64_t>() + 1000});
    } else if (what == "handle_info") {
      const auto& [room, who] = sessions.at(body.at("session_id").get<std::int64_t>());
      out["info"] = {{"plugin_specific", {{"room", room}, {"id", who}}}};
    } else if (what == "destroy_session") {
      sessions.erase(body.at("session_id").get<std::int64_t>());
    }
    return {.status = 200, .body = out.dump()};
  }
  static Json refusal(int code) {
    return {{"videoroom", "event"}, {"error_code", code}, {"error", "no"}};
  }
  Json video_room(const std::string& host, const Json& request) {
    const std::string what = request.at("request");
    auto& here = rooms[host];
    if (what == "list") {
      Json list = Json::array();
      for (const auto& [name, room] : here)
        list.push_back({{"room", name}, {"num_participants", room.people.size()}});
      return {{"videoroom", "success"}, {"list", list}};
    }
    const std::string name = request.at("room");
    const auto found = here.find(name);
    if (what == "exists") return {{"videoroom", "success"}, {"exists", found != here.end()}};
    if (what == "create") {
      if (!admin_key.empty() && request.value("admin_key", "") != admin_key) return refusal(433);
      if (found != here.end()) return refusal(427);
      here[name] = {.secret = request.at("secret"),
                    .allowed = request.at("allowed"),
                    .people = {},
                    .made = request};
      return {{"videoroom", "created"}, {"room", name}};
    }
    if (found == here.end()) return refusal(426);
    Room& room = found->second;
    if (request.value("secret", "") != room.secret) return refusal(433);
    if (what == "allowed") return allowed(room, request);
    if (what == "kick") {
      return room.people.erase(request.at("id")) == 1 ? Json{{"videoroom", "success"}}
                                                      : refusal(428);
    }
    if (what == "enable_recording") room.record = request.at("record");
    if (what == "listparticipants") {
      Json list = Json::array();
      for (const std::string& who : room.people) list.push_back({{"id", who}});
      return {{"videoroom", "participants"}, {"participants", list}};
    }
    if (what == "destroy") here.erase(found);
    return {{"videoroom", "success"}};
  }
  static Json allowed(Room& room, const Json& request) {
    for (const Json& token : request.value("allowed", Json::array())) {
      std::erase(room.allowed, token.get<std::string>());
      if (request.at("action") == "add") room.allowed.push_back(token);
    }
    return {{"videoroom", "success"}, {"allowed", room.allowed}};
  }
};

class Janus : public ::testing::Test {
 protected:
  explicit Janus(const char* config = kOne) : host_(config) {
    host_.secrets = {{"admin_secret", "admin-secret-0123"},
                     {"admin_key", "admin-key-0123456"},
                     {"token_secret", "token-secret-0123"},
                     {"turn_secret", "turn-secret-01234"},
                     {"shelf_secret", "shelf-secret-0123"}};
    host_.outside = [this](const Request& request) { return servers_(request); };
  }
  static Json people() {
    return Json::parse(R"({"reference": "C-1", "participants": [
        {"role": "patient", "identity": "patient"},
        {"role": "practitioner", "identity": "practitioner"}]})");
  }
  Json create(const std::string& key = "key-1") {
    const sdk::Outcome outcome = host_.call("create-session", people(), key);
    EXPECT_EQ(outcome.kind, Kind::done) << outcome.code << ": " << outcome.message;
    return outcome.kind == Kind::done ? Json::parse(outcome.output) : Json{{"sessionId", ""}};
  }
  Servers::Room& room(const Json& session) {
    const std::string name = session.at("sessionId");
    return servers_.rooms.at(name.substr(0, 1)).at(name);
  }
  Json done(const std::string& action, const Json& input, const std::string& key = "key-2") {
    const sdk::Outcome outcome = host_.call(action, input, key);
    EXPECT_EQ(outcome.kind, Kind::done) << outcome.code << ": " << outcome.message;
    return outcome.kind == Kind::done ? Json::parse(outcome.output) : Json::object();
  }

  Servers servers_;
  TestHost host_;
};
class TwoJanuses : public Janus {
 protected:
  TwoJanuses() : Janus(kTwo) {}
};

TEST_F(Janus, ARoomIsMadeThatKeepsWhoWasPutOutFromReceiving) {
  const Json session = create();
  const Servers::Room& made = room(session);
  for (const char* must : {"is_private", "require_pvtid", "lock_record", "notify_joining"})
    EXPECT_EQ(made.made.at(must), true) << must;
  EXPECT_EQ(made.made.at("record"), false);
  EXPECT_EQ(made.made.at("rec_dir"), "/var/rec/" + session.at("sessionId").get<std::string>());
  EXPECT_EQ(made.made.at("admin_key"), "admin-key-0123456");
  EXPECT_EQ(made.secret.size(), 64U);
  ASSERT_EQ(session.at("participants").size(), 2U);
  const std::string patient = session.at("participants")[0].at("token");
  EXPECT_EQ(made.allowed[0], patient);
  EXPECT_NE(made.allowed[0], made.allowed[1]);
  const auto claims = claims_of(patient);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->identity, "patient");
  EXPECT_EQ(claims->room, session.at("sessionId"));
}

TEST_F(Janus, ARepeatFindsTheRoomOfTheFirstAttempt) {
  const Json first = create();
  EXPECT_EQ(create().at("sessionId"), first.at("sessionId"));
  EXPECT_EQ(servers_.rooms["a"].size(), 1U);
  EXPECT_NE(create("key-2").at("sessionId"), first.at("sessionId"));
}

TEST_F(Janus, ARoomWithAnotherSecretIsNotOurs) {
  room(create()).secret = "somebody else's";
  const sdk::Outcome again = host_.call("create-session", people(), "key-1");
  EXPECT_EQ(again.kind, Kind::permanent);
  EXPECT_EQ(again.code, "janus.foreign_room");
  EXPECT_FALSE(again.message.empty());
}

TEST_F(Janus, NobodyGetsATokenThatShouldOnlyReceive) {
  Json input = people();
  input["participants"][1]["receiveOnly"] = true;
  EXPECT_EQ(host_.call("create-session", input).code, "janus.receive_only");
  EXPECT_TRUE(servers_.said.empty());
  const sdk::Outcome outcome = host_.call(
      "issue-token",
      {{"sessionId", create().at("sessionId")}, {"identity", "guest"}, {"receiveOnly", true}});
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "janus.receive_only");
}

TEST_F(Janus, ATokenComesWithAddressRoomAndTurnCredential) {
  const Json session = create();
  const Json issued = done(
      "issue-token",
      {{"sessionId", session.at("sessionId")}, {"identity", "guest-ü,:/2"}, {"ttlSeconds", 600}});
  EXPECT_EQ(issued.at("url"), "wss://a.example.sa/janus");
  EXPECT_EQ(issued.at("room"), session.at("sessionId"));
  const std::string token = issued.at("token");
  EXPECT_EQ(room(session).allowed.back(), token);
  const auto claims = claims_of(token);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->identity, "guest-ü,:/2");
  EXPECT_EQ(claims->expires, issued.at("expiresAt"));
  EXPECT_EQ(std::count(token.begin(), token.end(), ':'), 1);
  const Json& ice = issued.at("iceServers");
  ASSERT_EQ(ice.size(), 2U);
  EXPECT_EQ(ice[0].at("username"),
            std::to_string(issued.at("expiresAt").get<std::int64_t>()) + ":rabt");
  EXPECT_EQ(ice[0].at("credential").get<std::string>().size(), 28U);
  EXPECT_FALSE(ice[1].contains("username"));
}

TEST_F(Janus, ExpiredTokensLeaveTheList) {
  const Json session = create();
  room(session).allowed.insert(room(session).allowed.begin(),
                               "1,janus,janus.plugin.videoroom," +
                                   session.at("sessionId").get<std::string>() + ",patient,00:eA==");
  (void)done("issue-token", {{"sessionId", session.at("sessionId")}, {"identity", "practitioner"}});
  EXPECT_FALSE(room(session).allowed.front().starts_with("1,"));
  EXPECT_EQ(room(session).allowed.size(), 3U);
}

TEST_F(Janus, WhoIsPutOutLosesTokensPlaceAndConnection) {
  const Json session = create();
  const std::string name = session.at("sessionId");
  room(session).people = {"patient", "practitioner"};
  servers_.sessions = {{1, {name, "patient"}}, {2, {name, "practitioner"}}, {3, {"x", "patient"}}};
  servers_.said.clear();
  const Json removed =
      done("remove-participant", {{"sessionId", name}, {"identity", "practitioner"}});
  EXPECT_EQ(removed, (Json{{"sessionId", name}, {"removed", true}}));
  EXPECT_EQ(room(session).people, std::set<std::string>{"patient"});
  ASSERT_EQ(room(session).allowed.size(), 1U);
  EXPECT_EQ(claims_of(room(session).allowed[0])->identity, "patient");
  EXPECT_TRUE(servers_.sessions.contains(1));
  EXPECT_FALSE(servers_.sessions.contains(2));
  EXPECT_TRUE(servers_.sessions.contains(3));
  // The tokens go first: who has a good one is back at once.
  EXPECT_EQ(servers_.said[1], "a allowed");
  EXPECT_EQ(servers_.said[2], "a kick");
  const Json nobody = done("remove-participant", {{"sessionId", name}, {"identity", "guest"}});
  EXPECT_EQ(nobody.at("removed"), false);
}

TEST_F(Janus, ARoomThatARestartTookComesBackWithTheNextToken) {
  const Json session = create();
  const Json input{{"sessionId", session.at("sessionId")}, {"identity", "patient"}};
  servers_.rooms.clear();
  const Json state = done("get-session", {{"sessionId", session.at("sessionId")}});
  EXPECT_EQ(state.at("status"), "failed");
  (void)done("issue-token", input);
  EXPECT_EQ(room(session).allowed.size(), 1U);
  // One that was ended stays away.
  (void)done("end-session", {{"sessionId", session.at("sessionId")}});
  const sdk::Outcome refused = host_.call("issue-token", input, "key-9");
  EXPECT_EQ(refused.code, "janus.426");
  EXPECT_EQ(Json::parse(refused.detail).at("status"), 404);
}

// Symptom: what people said after a restart in a recorded visit was not recorded.
TEST_F(Janus, ARoomThatComesBackGoesOnRecording) {
  const Json session = create();
  const Json input{{"sessionId", session.at("sessionId")}};
  const Json person{{"sessionId", session.at("sessionId")}, {"identity", "patient"}};
  EXPECT_EQ(done("start-recording", input).at("recording"), true);
  servers_.rooms.clear();
  (void)done("issue-token", person);
  EXPECT_EQ(room(session).made.at("record"), true);
  EXPECT_EQ(done("stop-recording", input).at("recording"), false);
  servers_.rooms.clear();
  (void)done("issue-token", person);
  EXPECT_EQ(room(session).made.at("record"), false);
}

TEST_F(Janus, AnEndedRoomIsOverAndEndingItAgainIsDone) {
  const Json session = create();
  const Json input{{"sessionId", session.at("sessionId")}};
  room(session).people = {"patient"};
  EXPECT_EQ(done("get-session", input).at("participants")[0].at("identity"), "patient");
  room(session).people = {"patient", "patient#screen"};
  EXPECT_EQ(done("get-session", input).at("participants").size(), 1U);
  host_.clock.advance(90'000);
  const Json over = done("end-session", input);
  EXPECT_EQ(over.at("status"), "completed");
  EXPECT_EQ(over.at("durationSeconds"), 90);
  EXPECT_EQ(done("end-session", input), over);
  EXPECT_EQ(done("get-session", input), over);
  EXPECT_EQ(done("start-recording", input).at("recording"), false);
}

TEST_F(Janus, AWrongAdminSecretIsSaidInWords) {
  host_.secrets["admin_secret"] = "another-secret-01";
  const sdk::Outcome outcome = host_.call("create-session", people());
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "janus.admin_403");
  EXPECT_EQ(Json::parse(outcome.detail).at("reason"), "credentials");
}

TEST_F(Janus, AWrongAdminKeyMakesNoRoomAndIsSaidInWords) {
  servers_.admin_key = "another-key-0001";
  const sdk::Outcome outcome = host_.call("create-session", people());
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "janus.admin_key");
  EXPECT_EQ(Json::parse(outcome.detail).at("reason"), "credentials");
}

// Janus itself never says so: what stands before it does, and the secrets are not at fault.
TEST_F(Janus, A403OfAProxyIsNotTheSecret) {
  host_.outside = [](const Request&) -> Answer { return {.status = 403, .body = "Forbidden"}; };
  const sdk::Outcome outcome = host_.call("create-session", people());
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "janus.http_403");
  EXPECT_EQ(Json::parse(outcome.detail).count("reason"), 0U);
  EXPECT_NE(outcome.message.find("admin_url"), std::string::npos);
}

TEST_F(Janus, AForeignIdReachesNoServer) {
  for (const char* id : {"RM00", "b.0f8fad5b-d9cb-469f-a165-70867728950e", "a.../../etc", ""}) {
    const sdk::Outcome outcome = host_.call("get-session", {{"sessionId", id}});
    EXPECT_EQ(outcome.code, "janus.unknown_id") << id;
  }
  EXPECT_TRUE(servers_.said.empty());
}

TEST_F(TwoJanuses, ANewRoomGoesWhereFewestPeopleAre) {
  EXPECT_EQ(create("k1").at("sessionId").get<std::string>().substr(0, 2), "a.");
  EXPECT_EQ(create("k2").at("sessionId").get<std::string>().substr(0, 2), "b.");
  servers_.rooms["a"].begin()->second.people = {"patient", "practitioner"};
  EXPECT_EQ(create("k3").at("sessionId").get<std::string>().substr(0, 2), "b.");
  // A repeat goes where the first attempt went.
  EXPECT_EQ(create("k1").at("sessionId").get<std::string>().substr(0, 2), "a.");
  servers_.down = {"b"};
  EXPECT_EQ(create("k4").at("sessionId").get<std::string>().substr(0, 2), "a.");
  servers_.down = {"a", "b"};
  const sdk::Outcome nowhere = host_.call("create-session", people(), "k5");
  EXPECT_EQ(nowhere.kind, Kind::transient);
  EXPECT_EQ(nowhere.code, "janus.no_instance");
}

TEST(JanusDrain, ADrainingServerKeepsItsRoomsAndGetsNoOthers) {
  Json config = Json::parse(kTwo);
  config["instances"][0]["drain"] = true;
  Servers servers;
  TestHost host(config.dump());
  host.secrets = {{"admin_secret", "admin-secret-0123"},
                  {"admin_key", "admin-key-0123456"},
                  {"token_secret", "token-secret-0123"}};
  host.outside = [&](const Request& request) { return servers(request); };
  const Json input = Json::parse(
      R"({"reference": "C-1", "participants": [{"role": "patient", "identity": "patient"}]})");
  const sdk::Outcome outcome = host.call("create-session", input);
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_TRUE(Json::parse(outcome.output).at("sessionId").get<std::string>().starts_with("b."));
  const std::string old = "a.0f8fad5b-d9cb-469f-a165-70867728950e";
  (void)host.call("end-session", {{"sessionId", old}});
  EXPECT_EQ(servers.said.back(), "a destroy");
}

TEST_F(Janus, ARecordingWhoseBytesAreNotThoseOfTheShelfIsNotTaken) {
  const std::string id = "a.0f8fad5b-d9cb-469f-a165-70867728950e.1795223354248771";
  std::string digest;
  std::string length = "16";
  host_.outside = [&](const Request& request) -> Answer {
    EXPECT_EQ(request.header("Authorization"), "Bearer {shelf_secret}");
    EXPECT_EQ(request.url(), "http://a.example.sa:7090/recordings/" + id);
    return {.status = 200,
            .body = "recorded content",
            .headers = Json::array({Json::array({"x-rabt-sha256", digest}),
                                    Json::array({"x-rabt-bytes", length})})
                           .dump()};
  };
  sdk::Outcome outcome = host_.call("fetch-recording", {{"recordingId", id}});
  EXPECT_EQ(outcome.kind, Kind::transient);
  EXPECT_EQ(outcome.code, "janus.truncated");
  digest = "072ba1e2df03663434c7145ea1289eb4052adc49c3b2dd3966d04ccf1ff944b0";
  outcome = host_.call("fetch-recording", {{"recordingId", id}}, "key-2");
  EXPECT_EQ(outcome.kind, Kind::done) << outcome.code;
  length = "17";
  outcome = host_.call("fetch-recording", {{"recordingId", id}}, "key-3");
  EXPECT_EQ(outcome.code, "janus.truncated");
}

// Janus answers that it records, also when it cannot write a byte.
TEST_F(Janus, NobodyIsToldThatARecordingRunsForWhichThereIsNoRoom) {
  const std::string room = create().at("sessionId");
  const struct {
    const char* said;
    const char* code;
    const char* word;
  } cases[] = {
      {R"({"code": "shelf.disk_full"})", "janus.disk_full", "make room"},
      {R"({"code": "shelf.not_writable"})", "janus.not_writable", "writable for its user"}};
  for (const auto& one : cases) {
    host_.outside = [&](const Request& request) -> Answer {
      if (request.url().ends_with("/space")) return {.status = 507, .body = one.said};
      return servers_(request);
    };
    const sdk::Outcome outcome = host_.call("start-recording", {{"sessionId", room}}, one.code);
    EXPECT_EQ(outcome.kind, Kind::permanent);
    EXPECT_EQ(outcome.code, one.code);
    EXPECT_NE(outcome.message.find(one.word), std::string::npos) << outcome.message;
    EXPECT_FALSE(servers_.rooms["a"].at(room).record);
  }
  // A shelf that does not answer keeps nobody from recording.
  host_.outside = [&](const Request& request) -> Answer {
    return request.url().ends_with("/space") ? testing::unreachable() : servers_(request);
  };
  EXPECT_EQ(done("start-recording", {{"sessionId", room}}).at("recording"), true);
}

TEST_F(Janus, WhatJanusCouldNotWriteIsSaidOfTheRecording) {
  const std::string room = "a.0f8fad5b-d9cb-469f-a165-70867728950e";
  const std::string id = room + ".1795223354248771";
  std::string why;
  host_.outside = [&](const Request& request) -> Answer {
    if (request.url().ends_with("/rooms/" + room))
      return {.status = 200,
              .body = Json{{"ready", true},
                           {"recordings", Json::array()},
                           {"failed",
                            {{{"id", room + ".1"}, {"why", "cut"}},
                             {{"id", room + ".2"}, {"why", "broken"}}}}}
                          .dump()};
    Json headers = Json::array(
        {Json::array(
             {"x-rabt-sha256", "072ba1e2df03663434c7145ea1289eb4052adc49c3b2dd3966d04ccf1ff944b0"}),
         Json::array({"x-rabt-bytes", "16"})});
    if (!why.empty()) headers.push_back(Json::array({"x-rabt-incomplete", why}));
    return {.status = 200, .body = "recorded content", .headers = headers.dump()};
  };
  const Json listed = done("list-recordings", {{"sessionId", room}});
  EXPECT_EQ(listed.at("failed")[0].at("code"), "janus.not_written");
  EXPECT_EQ(listed.at("failed")[1].at("code"), "janus.not_convertible");
  EXPECT_FALSE(done("fetch-recording", {{"recordingId", id}}).contains("incomplete"));
  why = "cut";
  const Json cut = done("fetch-recording", {{"recordingId", id}}).at("incomplete");
  EXPECT_EQ(cut.at("code"), "janus.not_written");
  EXPECT_NE(cut.at("message").get<std::string>().find("make room"), std::string::npos);
  why = "left";
  EXPECT_EQ(done("fetch-recording", {{"recordingId", id}}).at("incomplete").at("code"),
            "janus.broke_off");
}

TEST_F(Janus, AFullDiskIsWaitedFor) {
  host_.outside = [](const Request&) -> Answer { return {.status = 507}; };
  const sdk::Outcome outcome =
      host_.call("fetch-recording",
                 {{"recordingId", "a.0f8fad5b-d9cb-469f-a165-70867728950e.1795223354248771"}});
  EXPECT_EQ(outcome.kind, Kind::transient);
  EXPECT_EQ(outcome.code, "janus.shelf_507");
  EXPECT_EQ(outcome.message, "the disk beside Janus is full: the recording cannot be put together");
}

// ---- Events

constexpr const char* kRoom = "a.0f8fad5b-d9cb-469f-a165-70867728950e";

Json event(Json data, std::int64_t micros = 1795223353875866) {
  data["room"] = kRoom;
  return {{"emitter", "a"},
          {"type", 64},
          {"timestamp", micros},
          {"event", {{"plugin", "janus.plugin.videoroom"}, {"data", data}}}};
}
std::string token_for(const std::string& who) {
  return text_of_claims({.expires = 1795229999, .room = kRoom, .identity = who, .nonce = "00"}) +
         ":eA==";
}

TEST_F(Janus, ABatchOfEventsIsToldInOrderAndWithoutTokens) {
  const Json batch =
      Json::array({event({{"event", "joined"}, {"id", "patient"}, {"token", token_for("patient")}}),
                   {{"emitter", "a"}, {"type", 2}, {"event", {{"token", "of the transport"}}}},
                   event({{"event", "leaving"}, {"id", "patient"}}, 1795223363000000),
                   event({{"event", "kicked"}, {"id", "guest"}}),
                   event({{"event", "destroyed"}})});
  const auto [events, error] = host_.deliver(batch.dump());
  EXPECT_EQ(error, "");
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].at("type"), "org.rabt.session.participant-joined.v1");
  EXPECT_EQ(events[0].at("time"), "2026-11-21T01:09:13.875Z");
  EXPECT_EQ(events[0].at("data").at("identity"), "patient");
  EXPECT_EQ(events[0].at("data").at("sessionId"), kRoom);
  EXPECT_EQ(events[1].at("data").at("reason"), "left");
  EXPECT_EQ(events[2].at("data").at("reason"), "removed");
  EXPECT_EQ(events[3].at("type"), "org.rabt.session.ended.v1");
  EXPECT_EQ(events.dump().find("eA=="), std::string::npos);
  EXPECT_EQ(events, host_.deliver(batch.dump()).first);
}

TEST_F(Janus, WhoJoinsUnderAnotherNameIsWhoTheTokenWasMadeFor) {
  const auto [events, error] = host_.deliver(
      event({{"event", "joined"}, {"id", "practitioner"}, {"token", token_for("patient")}}).dump());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("data").at("identity"), "patient");
}

TEST_F(Janus, ARestartTellsTheRoomsThatAreLost) {
  const std::string started =
      R"([{"emitter": "a", "type": 256, "subtype": 1, "timestamp": 1795223351641304}])";
  EXPECT_EQ(host_.deliver(started).first.size(), 0U);
  (void)host_.deliver(event({{"event", "joined"}, {"id", "patient"}}).dump());
  EXPECT_EQ(host_.deliver(R"([{"emitter": "b", "type": 256, "subtype": 1}])").first.size(), 0U);
  const auto [events, error] = host_.deliver(started);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("type"), "org.rabt.session.ended.v1");
  EXPECT_EQ(events[0].at("data").at("reason"), "lost");
  EXPECT_EQ(host_.deliver(started).first.size(), 0U);
}

// A handle's counters, as Janus sends them with combine_media_stats.
Json stats(std::int64_t handle, Json sound, Json picture, std::int64_t micros) {
  sound["media"] = "audio";
  picture["media"] = "video";
  return {{"emitter", "a"},       {"type", 32},
          {"subtype", 3},         {"timestamp", micros},
          {"session_id", 7},      {"handle_id", handle},
          {"opaque_id", "guest"}, {"event", {sound, picture}}};
}

// A page shares a screen as a second feed of the same session, whose id ends with #screen.
TEST_F(Janus, AScreenIsNoPerson) {
  Json joined = event({{"event", "joined"}, {"id", "patient"}, {"token", token_for("patient")}});
  Json screen =
      event({{"event", "joined"}, {"id", "patient#screen"}, {"token", token_for("patient")}});
  for (Json* item : {&joined, &screen}) (*item)["session_id"] = 7;
  joined["handle_id"] = 70;
  screen["handle_id"] = 72;
  EXPECT_EQ(host_.deliver(joined.dump()).first.size(), 1U);
  EXPECT_EQ(host_.deliver(screen.dump()).first.size(), 0U);
  EXPECT_EQ(host_.deliver(event({{"event", "leaving"}, {"id", "patient#screen"}}).dump()).first,
            Json::array());
  // The line of the person is still that of the camera and the microphone.
  const Json up{{"packets-received", 500}, {"lost", 0}, {"bytes-received", 40'000}};
  const Json events = host_.deliver(stats(70, up, {}, 1795223353000000).dump()).first;
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("data").at("direction"), "up");
}

TEST_F(Janus, NobodyHidesBehindAScreen) {
  Json alone =
      event({{"event", "joined"}, {"id", "patient#screen"}, {"token", token_for("patient")}});
  alone["session_id"] = 9;
  const Json events = host_.deliver(alone.dump()).first;
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("data").at("identity"), "patient");
}

TEST_F(Janus, WhatItCountsOfALineIsToldOfWhoHoldsTheToken) {
  constexpr std::int64_t kBegin = 1795223353000000;
  Json joined = event({{"event", "joined"}, {"id", "patient"}, {"token", token_for("patient")}});
  joined["session_id"] = 7;
  joined["handle_id"] = 70;
  const auto up = [](std::int64_t packets, std::int64_t lost, std::int64_t bytes) {
    return Json{{"packets-received", packets},
                {"lost", lost},
                {"jitter-local", 12},
                {"bytes-received", bytes},
                {"rtt", 0}};
  };
  // The plugin knows no person of this session yet.
  EXPECT_EQ(host_.deliver(stats(70, up(100, 0, 1), {}, kBegin).dump()).first.size(), 0U);
  (void)host_.deliver(joined.dump());
  Json events = host_.deliver(stats(70, up(500, 0, 40'000), {}, kBegin).dump()).first;
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("type"), "org.rabt.session.quality.v1");
  EXPECT_EQ(events[0].at("data").at("identity"), "patient");
  EXPECT_EQ(events[0].at("data").at("sessionId"), kRoom);
  EXPECT_EQ(events[0].at("data").at("lossPercent"), 0.0);
  EXPECT_FALSE(events[0].at("data").contains("kbps")) << "of no known time";

  // Media to this person goes over another handle, which knows the round trip.
  events = host_
               .deliver(stats(71,
                              {{"packets-sent", 400},
                               {"lost-by-remote", 40},
                               {"jitter-remote", 5},
                               {"bytes-sent", 30'000},
                               {"rtt", 38}},
                              {}, kBegin)
                            .dump())
               .first;
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("data").at("direction"), "down");
  EXPECT_EQ(events[0].at("data").at("lossPercent"), 10.0);
  EXPECT_EQ(events[0].at("data").at("rttMs"), 38);

  // Ten seconds later: 375 packets came and 125 did not; 100 kilobytes of sound and pictures.
  events = host_
               .deliver(stats(70, up(875, 125, 60'000), {{"bytes-received", 80'000}},
                              kBegin + 10'000'000)
                            .dump())
               .first;
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("data").at("direction"), "up");
  EXPECT_EQ(events[0].at("data").at("lossPercent"), 25.0);
  EXPECT_EQ(events[0].at("data").at("jitterMs"), 12);
  EXPECT_EQ(events[0].at("data").at("rttMs"), 38);
  EXPECT_EQ(events[0].at("data").at("kbps"), 80.0);
  // A new stream counts from the beginning; who has left has no line.
  EXPECT_EQ(host_.deliver(stats(70, up(3, 0, 100), {}, kBegin + 20'000'000).dump()).first.size(),
            0U);
  (void)host_.deliver(event({{"event", "leaving"}, {"id", "patient"}}).dump());
  EXPECT_EQ(
      host_.deliver(stats(70, up(500, 0, 9'000), {}, kBegin + 30'000'000).dump()).first.size(), 0U);
}

TEST_F(Janus, WhatIsNoBatchOfEventsIsRefused) {
  for (const char* body : {"", "{}", "[1]", "\"x\"", "[{\"type\":\"64\"}]"})
    EXPECT_NE(host_.deliver(body).second, "") << body;
}

}  // namespace
}  // namespace rabt::janus::room_test
