#include "tools/sandbox/twilio.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "tests/eventually.hpp"
#include "tests/sandbox/client.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/server.hpp"

namespace rabt::sandbox::twilio_test {
namespace {

using testing::call;
using testing::call_json;
using testing::Received;
using testing::Receiver;
using testing::Reply;

constexpr const char* kAccount = "AC00000000000000000000000000005a4d";
constexpr const char* kToken = "sandbox-auth-token";
const TwilioKeys kKeys{.account_sid = kAccount,
                       .api_key_sid = "SK00000000000000000000000000005a4d",
                       .api_key_secret = "sandbox-api-key-secret"};

std::string basic(const std::string& user, const std::string& password) {
  return "Basic " + base64(user + ":" + password);
}

std::string base64url(std::string_view bytes) {
  std::string out = base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string token(const Json& header, const Json& claims, const std::string& secret) {
  const std::string text = base64url(header.dump()) + "." + base64url(claims.dump());
  return text + "." + base64url(hmac_sha256(secret, text));
}

Json good_header() {
  return {{"alg", "HS256"}, {"typ", "JWT"}, {"cty", "twilio-fpa;v=1"}};
}
Json good_claims(const std::string& identity, const std::string& room) {
  const std::int64_t now = system_now_ms() / 1000;
  return {{"jti", kKeys.api_key_sid + "-1"},
          {"iss", kKeys.api_key_sid},
          {"sub", kAccount},
          {"iat", now},
          {"exp", now + 3600},
          {"grants", {{"identity", identity}, {"video", {{"room", room}}}}}};
}

class Twilio : public ::testing::Test {
 protected:
  Twilio() { start({{"media_bytes", 100'000}, {"processing_ms", 10}, {"callback_delay_ms", 0}}); }

  void start(const Json& options) {
    sandbox_.reset();
    sandbox_ = std::make_unique<Sandbox>(
        Settings{.port_base = 0, .hub = {}, .ledger_file = {}, .options = {{"twilio", options}}},
        std::vector<StandIn>{{"twilio", make_twilio}});
  }
  [[nodiscard]] std::string url(const std::string& path) const {
    return path.starts_with("http") ? path : sandbox_->url("twilio") + path;
  }
  Reply get(const std::string& path) {
    return call("GET", url(path), {{"Authorization", basic(kAccount, kToken)}});
  }
  Reply post(const std::string& path, const Pairs& form) {
    return call("POST", url(path),
                {{"Authorization", basic(kKeys.api_key_sid, kKeys.api_key_secret)},
                 {"Content-Type", "application/x-www-form-urlencoded"}},
                join_pairs(form));
  }
  Reply control(const std::string& what, const Json& body) {
    return call_json("POST", sandbox_->url("control") + "/control/twilio/" + what, body);
  }
  std::string create(const std::string& name, Pairs more = {}) {
    more.emplace_back("UniqueName", name);
    const Reply reply = post("/v1/Rooms", more);
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.json().value("sid", "");
  }
  // Until the room has this many finished recordings, but not for ever.
  Json finished_recordings(const std::string& room, std::size_t count) {
    Json list;
    (void)test::eventually([&] {
      list = get("/v1/Recordings?Status=completed&GroupingSid=" + room).json()["recordings"];
      return list.size() >= count;
    });
    return list;
  }
  [[nodiscard]] Ledger& ledger() { return sandbox_->ledger(); }

  std::unique_ptr<Sandbox> sandbox_;
};

TEST(TwilioSignature, ReproducesThePublishedVectors) {
  EXPECT_EQ(twilio_signature("12345", "https://example.com/myapp.php?foo=1&bar=2",
                             {{"CallSid", "CA1234567890ABCDE"},
                              {"To", "+18005551212"},
                              {"Digits", "1234"},
                              {"From", "+14158675310"},
                              {"Caller", "+14158675310"}}),
            "L/OH5YylLD5NRKLltdqwSvS0BnU=");
}

TEST_F(Twilio, RefusesWrongCredentialsWithCode20003) {
  for (const std::string& header :
       {std::string(), basic(kAccount, "wrong"), std::string("Bearer x"), std::string("Basic ?")}) {
    const Reply reply = call("GET", url("/v1/Rooms"), {{"Authorization", header}});
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.json()["code"], 20003);
    EXPECT_EQ(reply.json()["status"], 401);
  }
}

TEST_F(Twilio, RoomHasTheFieldsAndFormatsOfTheApiDescription) {
  const Json room = post("/v1/Rooms", {{"UniqueName", "r-1"},
                                       {"MaxParticipants", "4"},
                                       {"MediaRegion", "de1"},
                                       {"EmptyRoomTimeout", "10"}})
                        .json();
  const std::set<std::string> expected = {"sid",
                                          "status",
                                          "date_created",
                                          "date_updated",
                                          "account_sid",
                                          "enable_turn",
                                          "unique_name",
                                          "status_callback",
                                          "status_callback_method",
                                          "end_time",
                                          "duration",
                                          "type",
                                          "max_participants",
                                          "max_participant_duration",
                                          "max_concurrent_published_tracks",
                                          "record_participants_on_connect",
                                          "video_codecs",
                                          "media_region",
                                          "audio_only",
                                          "empty_room_timeout",
                                          "unused_room_timeout",
                                          "large_room",
                                          "url",
                                          "links"};
  std::set<std::string> names;
  for (const auto& [name, value] : room.items()) names.insert(name);
  EXPECT_EQ(names, expected);
  EXPECT_TRUE(std::regex_match(room["sid"].get<std::string>(), std::regex("RM[0-9a-f]{32}")));
  EXPECT_TRUE(std::regex_match(room["date_created"].get<std::string>(),
                               std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
  EXPECT_EQ(room["max_participants"], 4);
  EXPECT_EQ(room["media_region"], "de1");
  EXPECT_TRUE(room["end_time"].is_null());
  EXPECT_EQ(get(room["url"].get<std::string>()).json()["sid"], room["sid"]);
  EXPECT_EQ(get("/v1/Rooms/r-1").json()["sid"], room["sid"]);
  EXPECT_EQ(ledger().count("room.created", "r-1"), 1U);
}

TEST_F(Twilio, InvalidRoomFieldsGiveTheirCodes) {
  const std::vector<std::pair<Pairs, int>> cases = {
      {{{"UniqueName", std::string(129, 'x')}}, 53101},
      {{{"MaxParticipants", "51"}}, 53107},
      {{{"Type", "party"}}, 53108},
      {{{"StatusCallback", "ftp://x"}}, 53110},
      {{{"StatusCallbackMethod", "PUT"}}, 53111},
      {{{"MediaRegion", "moon"}}, 53115},
      {{{"EmptyRoomTimeout", "61"}}, 20001},
      {{{"RecordingRules", "[]"}}, 20001}};
  for (const auto& [form, code] : cases) {
    const Reply reply = post("/v1/Rooms", form);
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.json()["code"], code) << form[0].first;
  }
  EXPECT_EQ(ledger().count("room.created"), 0U);
}

TEST_F(Twilio, ANameIsUniqueOnlyWhileItsRoomIsInProgress) {
  const std::string first = create("same");
  const Reply second = post("/v1/Rooms", {{"UniqueName", "same"}});
  EXPECT_EQ(second.status, 400);
  EXPECT_EQ(second.json()["code"], 53113);
  EXPECT_EQ(second.json()["more_info"], "https://www.twilio.com/docs/errors/53113");
  EXPECT_EQ(ledger().count("room.created", "same"), 1U);

  const Reply completed = post("/v1/Rooms/same", {{"Status", "completed"}});
  EXPECT_EQ(completed.status, 202);
  EXPECT_EQ(completed.json()["status"], "completed");
  EXPECT_EQ(get("/v1/Rooms/same").status, 404);
  EXPECT_EQ(get("/v1/Rooms/same").json()["code"], 20404);
  EXPECT_EQ(get("/v1/Rooms/" + first).json()["status"], "completed");
  EXPECT_EQ(post("/v1/Rooms/" + first, {{"Status", "completed"}}).json()["code"], 53112);
  EXPECT_EQ(ledger().count("room.completed", "same"), 1U);
  EXPECT_NE(create("same"), first);
}

TEST_F(Twilio, LifecycleSendsSignedCallbacksAndRecordsEveryTrack) {
  Receiver receiver;
  const std::string callback = receiver.url() + "/hooks/twilio?tenant=a";
  const std::string room =
      create("visit", {{"StatusCallback", callback}, {"RecordParticipantsOnConnect", "true"}});
  ASSERT_EQ(control("join", {{"room", "visit"}, {"identity", "patient"}}).status, 200);
  ASSERT_EQ(control("join", {{"room", room}, {"identity", "practitioner"}}).status, 200);
  EXPECT_EQ(get("/v1/Rooms/" + room + "/Participants").json()["participants"].size(), 2U);
  ASSERT_EQ(post("/v1/Rooms/visit/Participants/patient", {{"Status", "disconnected"}}).status, 202);
  EXPECT_EQ(get("/v1/Rooms/" + room + "/Participants").json()["participants"].size(), 1U);
  ASSERT_EQ(post("/v1/Rooms/" + room, {{"Status", "completed"}}).status, 202);
  EXPECT_EQ(finished_recordings(room, 4).size(), 4U);

  // created, 2 connected, 4 tracks, 4 started, 4 completed, 2 disconnected, ended
  ASSERT_TRUE(receiver.wait_for(18));
  std::map<std::string, int> events;
  std::set<std::string> idempotency;
  for (const Received& each : receiver.all()) {
    ++events[each.field("StatusCallbackEvent")];
    EXPECT_EQ(each.path, "/hooks/twilio?tenant=a");
    EXPECT_EQ(each.field("RoomSid"), room);
    EXPECT_EQ(each.field("AccountSid"), kAccount);
    EXPECT_EQ(each.headers.at("x-twilio-signature"),
              twilio_signature(kToken, callback, parse_pairs(each.body)));
    idempotency.insert(each.headers.at("i-twilio-idempotency-token"));
  }
  EXPECT_EQ(events, (std::map<std::string, int>{{"participant-connected", 2},
                                                {"participant-disconnected", 2},
                                                {"recording-completed", 4},
                                                {"recording-started", 4},
                                                {"room-created", 1},
                                                {"room-ended", 1},
                                                {"track-added", 4}}));
  EXPECT_EQ(idempotency.size(), 18U);
  for (const Received& each : receiver.of("recording-completed")) {
    const std::string sid = each.field("RecordingSid");
    EXPECT_EQ(each.field("MediaUri"), "/v1/Recordings/" + sid + "/Media");
    EXPECT_EQ(each.field("Size"), "100000");
    EXPECT_FALSE(each.field("Duration").empty());
    EXPECT_EQ(each.field("Container"), each.field("Type") == "audio" ? "mka" : "mkv");
    EXPECT_EQ(ledger().count("recording.completed", sid), 1U);
  }
  EXPECT_EQ(ledger().count("recording.started"), 4U);
  EXPECT_EQ(ledger().count("participant.disconnected", "visit/patient"), 1U);
  EXPECT_EQ(receiver.of("participant-disconnected")[0].field("ParticipantStatus"), "disconnected");
}

TEST_F(Twilio, RulesStartAndStopRecordingsOfThoseConnected) {
  const std::string room = create("rules");
  control("join", {{"room", room}, {"identity", "patient"}});
  EXPECT_EQ(ledger().count("recording.started"), 0U);
  const Reply set =
      post("/v1/Rooms/rules/RecordingRules", {{"Rules", R"([{"type":"include","all":true},
                                        {"type":"exclude","kind":"video"}])"}});
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.json()["room_sid"], room);
  EXPECT_EQ(get("/v1/Rooms/rules/RecordingRules").json()["rules"].size(), 2U);
  EXPECT_EQ(ledger().count("recording.started"), 1U);
  post("/v1/Rooms/rules/RecordingRules", {{"Rules", R"([{"type":"include","all":true}])"}});
  EXPECT_EQ(ledger().count("recording.started"), 2U);
  post("/v1/Rooms/rules/RecordingRules", {{"Rules", R"([{"type":"exclude","all":true}])"}});
  EXPECT_EQ(finished_recordings(room, 2).size(), 2U);
  EXPECT_EQ(post("/v1/Rooms/rules/RecordingRules", {{"Rules", R"([{"type":"include"}])"}}).status,
            400);
}

TEST_F(Twilio, MediaRedirectsToAUrlThatRefusesAuthorization) {
  const std::string room = create("media", {{"RecordParticipantsOnConnect", "true"}});
  control("join", {{"room", room}, {"identity", "patient"}});
  const Json running = get("/v1/Rooms/media/Recordings").json()["recordings"];
  ASSERT_EQ(running.size(), 2U);
  EXPECT_EQ(running[0]["status"], "processing");
  EXPECT_EQ(get(running[0]["links"]["media"].get<std::string>()).status, 404);
  control("end", {{"room", room}});
  const Json done = finished_recordings(room, 2);
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0]["size"], 100'000);
  EXPECT_TRUE(done[0]["codec"] == "OPUS" || done[0]["codec"] == "VP8");
  EXPECT_EQ(done[0]["grouping_sids"]["room_sid"], room);

  const Reply redirect = get(done[0]["links"]["media"].get<std::string>());
  ASSERT_EQ(redirect.status, 302);
  const std::string location = redirect.header("location");
  EXPECT_EQ(redirect.json()["redirect_to"], location);
  const Reply refused = get(location);  // with Authorization
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("InvalidArgument"), std::string::npos);
  const Reply media = call("GET", location);
  ASSERT_EQ(media.status, 200);
  EXPECT_EQ(media.body.size(), 100'000U);
  EXPECT_EQ(media.body.substr(0, 4), "\x1A\x45\xDF\xA3");
  EXPECT_NE(media.body.find("matroska"), std::string::npos);
  EXPECT_EQ(call("GET", location).body, media.body);
  const Reply part = call("GET", location, {{"Range", "bytes=70003-"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, media.body.substr(70003));
  EXPECT_EQ(call("GET", location + "0").status, 403);

  const std::string other = done[1]["links"]["media"].get<std::string>();
  EXPECT_NE(call("GET", get(other).header("location")).body, media.body);
  const Reply gone = call("DELETE", done[0]["url"].get<std::string>(),
                          {{"Authorization", basic(kAccount, kToken)}});
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(get(done[0]["url"].get<std::string>()).json()["status"], "deleted");
  EXPECT_EQ(call("GET", location).status, 404);
  EXPECT_EQ(get("/v1/Recordings?GroupingSid=" + room).json()["recordings"].size(), 1U);
}

TEST_F(Twilio, PagesFollowTheNextUrlWithoutGapsOrRepeats) {
  for (int i = 0; i < 7; ++i) create("p-" + std::to_string(i));
  std::vector<std::string> seen;
  std::string next = "/v1/Rooms?Status=in-progress&PageSize=3";
  int pages = 0;
  while (!next.empty() && pages < 10) {
    const Json page = get(next).json();
    if (pages == 0) create("late");  // must not shift the pages that follow
    EXPECT_EQ(page["meta"]["page"], pages);
    EXPECT_EQ(page["meta"]["key"], "rooms");
    for (const Json& room : page["rooms"]) seen.push_back(room["unique_name"]);
    next = page["meta"]["next_page_url"].is_null()
               ? ""
               : page["meta"]["next_page_url"].get<std::string>();
    ++pages;
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, (std::vector<std::string>{"p-6", "p-5", "p-4", "p-3", "p-2", "p-1", "p-0"}));
  EXPECT_EQ(get("/v1/Rooms?UniqueName=p-3").json()["rooms"].size(), 1U);
}

TEST_F(Twilio, JoinLimitsAndDuplicateIdentities) {
  const std::string room = create("full", {{"MaxParticipants", "2"}});
  control("join", {{"room", room}, {"identity", "a"}});
  control("join", {{"room", room}, {"identity", "b"}});
  EXPECT_EQ(control("join", {{"room", room}, {"identity", "c"}}).json()["code"], 53105);
  EXPECT_EQ(control("join", {{"room", room}, {"identity", "a"}}).status,
            200);  // replaces the first a
  EXPECT_EQ(ledger().count("participant.disconnected", "full/a"), 1U);
  EXPECT_EQ(control("join", {{"room", "nowhere"}, {"identity", "a"}}).json()["code"], 53106);
  EXPECT_EQ(control("leave", {{"room", room}, {"identity", "b"}}).json()["status"], "disconnected");
  control("end", {{"room", room}});
  EXPECT_EQ(control("join", {{"room", room}, {"identity", "d"}}).json()["code"], 53118);
}

TEST_F(Twilio, AutomationRunsAConsultationByItself) {
  start({{"processing_ms", 5},
         {"callback_delay_ms", 0},
         {"auto",
          {{"join_after_ms", 5},
           {"end_after_ms", 20},
           {"identities", {"patient-{unique_name}", "practitioner"}}}}});
  Receiver receiver;
  const std::string room = create("v7", {{"StatusCallback", receiver.url() + "/cb"},
                                         {"RecordingRules", R"([{"type":"include","all":true}])"}});
  ASSERT_TRUE(receiver.wait_for(18));
  EXPECT_EQ(ledger().count("participant.connected", "v7/patient-v7"), 1U);
  EXPECT_EQ(get("/v1/Rooms/" + room).json()["status"], "completed");
  EXPECT_EQ(receiver.of("room-ended").size(), 1U);
  EXPECT_EQ(receiver.of("recording-completed").size(), 4U);
}

TEST_F(Twilio, AnUnusedRoomAndAnEmptyRoomEndAfterTheirTimeouts) {
  start({{"minute_ms", 20}});
  const std::string unused = create("unused", {{"UnusedRoomTimeout", "1"}});
  const std::string empty =
      create("empty", {{"EmptyRoomTimeout", "1"}, {"UnusedRoomTimeout", "60"}});
  control("join", {{"room", empty}, {"identity", "a"}});
  control("leave", {{"room", empty}, {"identity", "a"}});
  EXPECT_TRUE(test::eventually([&] { return ledger().count("room.completed") >= 2; }));
  EXPECT_EQ(get("/v1/Rooms/" + unused).json()["status"], "completed");
  EXPECT_EQ(get("/v1/Rooms/" + empty).json()["status"], "completed");
}

TEST_F(Twilio, FaultsSpeakTwilio) {
  call_json("PUT", sandbox_->url("control") + "/faults/twilio",
            Json::parse(R"([{"fault":"status","status":429,"times":1,"match":{"method":"POST"}},
                            {"fault":"drop-reply","times":1,
                             "match":{"method":"POST","path":"/Rooms$"}}])"));
  const Reply limited = post("/v1/Rooms", {{"UniqueName", "f"}});
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.json(), Json::parse(R"({"code":20429,"message":"Too Many Requests",
      "more_info":"https://www.twilio.com/docs/errors/20429","status":429})"));
  EXPECT_EQ(post("/v1/Rooms", {{"UniqueName", "f"}}).status, 0);
  EXPECT_EQ(ledger().count("room.created", "f"), 1U);
  EXPECT_EQ(post("/v1/Rooms", {{"UniqueName", "f"}}).json()["code"], 53113);
}

TEST_F(Twilio, DuplicateCallbackFaultSendsTheSameDeliveryTwice) {
  Receiver receiver;
  call_json("PUT", sandbox_->url("control") + "/faults/twilio",
            Json::parse(R"([{"fault":"duplicate-callback",
                             "match":{"body":"StatusCallbackEvent=room-created"}}])"));
  create("dup", {{"StatusCallback", receiver.url() + "/cb"}});
  ASSERT_TRUE(receiver.wait_for(2));
  const auto both = receiver.of("room-created");
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].body, both[1].body);
  EXPECT_EQ(both[0].headers.at("i-twilio-idempotency-token"),
            both[1].headers.at("i-twilio-idempotency-token"));
}

TEST_F(Twilio, AccessTokensAreCheckedFieldByField) {
  const std::int64_t now = system_now_ms();
  const auto code = [&](const std::string& text) {
    return check_access_token(text, kKeys, now)["code"].get<int>();
  };
  const Json good = check_access_token(
      token(good_header(), good_claims("patient-1", "r"), kKeys.api_key_secret), kKeys, now);
  EXPECT_EQ(good, Json::parse(
                      R"({"valid":true,"identity":"patient-1","room":"r","code":0,"message":""})"));
  const auto with = [&](const char* field, const Json& value) {
    Json claims = good_claims("p", "r");
    claims[field] = value;
    return token(good_header(), claims, kKeys.api_key_secret);
  };
  EXPECT_EQ(code("nonsense"), 20101);
  EXPECT_EQ(code("a.b.c"), 20101);
  Json header = good_header();
  header.erase("cty");
  EXPECT_EQ(code(token(header, good_claims("p", "r"), kKeys.api_key_secret)), 20102);
  header = good_header();
  header["alg"] = "none";
  EXPECT_EQ(code(token(header, good_claims("p", "r"), kKeys.api_key_secret)), 20102);
  EXPECT_EQ(code(with("sub", "ACother")), 20103);
  EXPECT_EQ(code(with("iss", kAccount)), 20103);
  EXPECT_EQ(code(with("exp", now / 1000)), 20104);
  EXPECT_EQ(code(with("exp", "later")), 20104);
  EXPECT_EQ(code(with("exp", now / 1000 + 24 * 3600 + 60)), 20104);
  EXPECT_EQ(code(with("nbf", now / 1000 + 60)), 20105);
  EXPECT_EQ(code(with("grants", {{"identity", "p"}})), 20106);
  EXPECT_EQ(code(with("grants", {{"video", Json::object()}})), 20106);
  EXPECT_EQ(code(token(good_header(), good_claims("p", "r"), kToken)), 20107);
}

TEST_F(Twilio, JoinWithATokenTakesItsIdentityAndHonoursItsRoom) {
  create("mine");
  create("other");
  const std::string mine =
      token(good_header(), good_claims("patient-9", "mine"), kKeys.api_key_secret);
  EXPECT_EQ(control("verify-token", {{"token", mine}}).json()["identity"], "patient-9");
  EXPECT_EQ(control("join", {{"room", "mine"}, {"token", mine}}).json()["identity"], "patient-9");
  const Reply wrong = control("join", {{"room", "other"}, {"token", mine}});
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.json()["code"], 20106);
  EXPECT_EQ(ledger().count("participant.connected"), 1U);
}

}  // namespace
}  // namespace rabt::sandbox::twilio_test
