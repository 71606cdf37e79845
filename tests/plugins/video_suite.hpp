#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/plugin/package/manifest.hpp"
#include "rabt/time.hpp"
#include "tests/eventually.hpp"
#include "tests/must.hpp"
#include "tests/plugins/test_host.hpp"
#include "tests/sandbox/client.hpp"
#include "tools/sandbox/server.hpp"

// Contract of every plugin of the role `video`, tested against the stand-in of its provider or the
// provider's own server. The plugin's sources are linked into the test; its HTTP goes to the other
// side over loopback.
//
//   struct Mine { using World = StandInWorld<Mine>; ... };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, VideoSuite, Mine);
//
// A provider gives: name() of its plugin; kGone: the status of a room that ended without being
// asked; kOtherRoom: what is in the refusal of a token of another room; heard(body), which does
// what a topic wants before it tells anything; and its World. One with StandInWorld also gives
// options(callback) of the stand-in and make; config(url, callback) and secrets() of the plugin.
//
// A plugin's manifest omits functions that its provider lacks: that alone decides what is skipped.
namespace rabt::testing {

using Json = nlohmann::json;
using sdk::Kind;

// The other side as its stand-in. People come and go because the test says so.
template <typename Provider>
class StandInWorld {
 public:
  // Longest wait for events that come from this machine.
  static constexpr std::chrono::seconds kPatience{20};
  // Why nothing can be played here; empty when all that is needed is installed.
  static std::string missing() { return {}; }

  explicit StandInWorld(const sandbox::testing::Receiver& hub)
      : callback_(hub.url() + "/hooks/video"),
        sandbox_(sandbox::Settings{.port_base = 0,
                                   .hub = {},
                                   .ledger_file = {},
                                   .options = {{Provider::name(), Provider::options(callback_)}}},
                 std::vector<sandbox::StandIn>{{Provider::name(), Provider::make}}) {}

  [[nodiscard]] Json config() const {
    return Provider::config(sandbox_.url(Provider::name()), callback_);
  }
  [[nodiscard]] std::map<std::string, std::string> secrets() const { return Provider::secrets(); }

  // join {room, token}, leave {room, identity}, end {room}, line {room, identity, lost, slow}:
  // returns an HTTP status.
  int control(const std::string& what, const Json& body) { return asked(what, body).status; }
  // As the provider's client does it, with what issue-token gave.
  int join(const std::string& room, const std::string& /*identity*/, const Json& issued) {
    const auto reply = asked("join", {{"room", room}, {"token", issued.value("token", "")}});
    said_ = reply.body;
    return reply.status;
  }
  // Answer of the other side to the last attempt to join.
  [[nodiscard]] const std::string& said() const { return said_; }
  bool hears(const std::string& room, const std::string& listener, const std::string& speaker) {
    const auto reply =
        asked("hears", {{"room", room}, {"listener", listener}, {"speaker", speaker}});
    const auto body = sandbox::parse_json(reply.body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return body && body->value("hears", false);
  }
  // Returns when everybody in the room has heard and seen something new.
  void let_them_talk(const std::string& /*room*/) {}
  // Number of acts of the other side: room.created, participant.disconnected, ...
  std::size_t ledger(std::string_view kind) { return sandbox_.ledger().count(kind); }
  [[nodiscard]] Json entries() { return sandbox_.ledger().entries(); }

 private:
  sandbox::testing::Reply asked(const std::string& what, const Json& body) {
    return sandbox::testing::call_json(
        "POST", sandbox_.url("control") + "/control/" + Provider::name() + "/" + what, body);
  }

  std::string callback_;
  std::string said_;
  sandbox::Sandbox sandbox_;
};

template <typename Provider>
class VideoSuite : public ::testing::Test {
 protected:
  using World = typename Provider::World;

  VideoSuite() {
    if (!World::missing().empty()) return;
    world_ = std::make_unique<World>(hub_);
    host_ = std::make_unique<TestHost>(world_->config().dump());
    host_->secrets = world_->secrets();
    host_->clock.set_unix_ms(sandbox::system_now_ms());
    host_->outside = [this](const Request& request) { return ask(request); };
    EXPECT_TRUE(host_->started()) << host_->problem;
    const char* const source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    manifest_ =
        test::must(plugin::read_manifest(std::string(source) + "/plugins/" + Provider::name()));
  }
  ~VideoSuite() override { host_.reset(); }
  void SetUp() override {
    if (world_ == nullptr) GTEST_SKIP() << World::missing();
  }

  // Features and actions that the manifest declares.
  [[nodiscard]] bool has(std::string_view feature) const {
    return std::find(manifest_.features.begin(), manifest_.features.end(), feature) !=
           manifest_.features.end();
  }
  [[nodiscard]] bool serves(std::string_view action) const {
    return std::any_of(manifest_.actions.begin(), manifest_.actions.end(),
                       [&](const auto& one) { return one.name == action; });
  }
  [[nodiscard]] bool tells(std::string_view event) const {
    return std::any_of(manifest_.events.begin(), manifest_.events.end(),
                       [&](const auto& one) { return one.type == event; });
  }

  Answer ask(const Request& request) {
    sandbox::Pairs headers;
    for (const auto& pair : request.head["headers"].items()) {
      const auto& value = pair[1];
      if (value.is_string()) {
        headers.emplace_back(pair[0].text(), value.text());
        continue;
      }
      const std::string secret = host_->secrets[value["secret"].text()];
      const std::string user = value["basic_user"].text();
      headers.emplace_back(pair[0].text(), user.empty()
                                               ? value["prefix"].text() + secret
                                               : "Basic " + sandbox::base64(user + ":" + secret));
    }
    const auto reply =
        sandbox::testing::call(request.method(), request.url(), headers, request.body);
    if (reply.status == 0) return lost();
    Json answered = Json::array();
    for (const auto& [name, value] : reply.headers) answered.push_back(Json::array({name, value}));
    const bool media =
        !reply.body.empty() && cut_ > 0 && request.text.find("\"blob\"") != std::string::npos;
    return {.status = reply.status,
            .body = media ? reply.body.substr(0, reply.body.size() - cut_) : reply.body,
            .headers = answered.dump()};
  }

  Json done(const std::string& action, const Json& input, const std::string& key = "visit-1-abc") {
    host_->clock.set_unix_ms(sandbox::system_now_ms());
    const sdk::Outcome outcome = host_->call(action, input, key);
    EXPECT_EQ(outcome.kind, Kind::done) << action << " " << outcome.code << " " << outcome.message;
    return outcome.kind == Kind::done ? Json::parse(outcome.output) : Json::object();
  }
  std::string opened(const std::string& key = "visit-1-abc") {
    return done("create-session",
                {{"reference", key},
                 {"participants",
                  {{{"role", "patient"}, {"identity", "patient"}},
                   {{"role", "practitioner"}, {"identity", "practitioner"}}}}},
                key)
        .value("sessionId", "");
  }
  int control(const std::string& what, const Json& body) { return world_->control(what, body); }
  // As the provider's client does it, with what issue-token gave.
  int join(const std::string& session, const std::string& identity, bool receive_only = false) {
    Json ask{{"sessionId", session}, {"identity", identity}};
    if (receive_only) ask["receiveOnly"] = true;
    return world_->join(session, identity, done("issue-token", ask));
  }
  bool hears(const std::string& session, const std::string& listener, const std::string& speaker) {
    return world_->hears(session, listener, speaker);
  }
  // True as soon as it holds, false when it never did.
  static bool eventually(const std::function<bool()>& holds) {
    return test::eventually(holds, World::kPatience);
  }
  // The last answer of list-recordings, when everything is ready or nobody waits any longer.
  Json listed(const std::string& session) {
    Json list;
    (void)eventually([&] {
      list = done("list-recordings", {{"sessionId", session}});
      return list.value("ready", false);
    });
    return list;
  }
  // A session in which two people were recorded, and the recordings.
  Json recorded(std::string& session) {
    session = opened();
    join(session, "patient");
    join(session, "practitioner");
    world_->let_them_talk(session);
    EXPECT_EQ(done("start-recording", {{"sessionId", session}})["recording"], true);
    world_->let_them_talk(session);
    EXPECT_EQ(done("stop-recording", {{"sessionId", session}})["recording"], false);
    return listed(session);
  }
  [[nodiscard]] std::size_t ledger(std::string_view kind) const { return world_->ledger(kind); }
  // Number of acts of the other side, once it is `at_least` or the wait ends.
  [[nodiscard]] std::size_t ledger(std::string_view kind, std::size_t at_least) const {
    (void)eventually([&] { return ledger(kind) >= at_least; });
    return ledger(kind);
  }
  // Events that the provider has told since the last call, as the plugin passes them on.
  std::vector<Json> told() {
    std::vector<Json> out;
    const auto all = hub_.all();
    for (; taken_ < all.size(); ++taken_) {
      const std::string& body = all[taken_].body;
      Provider::heard(body);
      const auto [events, problem] = host_->deliver(body);
      EXPECT_EQ(problem, "") << body;
      out.insert(out.end(), events.begin(), events.end());
    }
    return out;
  }

  sandbox::testing::Receiver hub_;
  std::unique_ptr<World> world_;
  std::unique_ptr<TestHost> host_;
  plugin::Manifest manifest_;
  // So many bytes at the end of a file do not come.
  std::size_t cut_ = 0;

 private:
  std::size_t taken_ = 0;
};
TYPED_TEST_SUITE_P(VideoSuite);

TYPED_TEST_P(VideoSuite, TheSameKeyIsTheSameRoom) {
  const std::string first = this->opened();
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(this->opened(), first);
  EXPECT_NE(this->opened("visit-2-abc"), first);
  EXPECT_EQ(this->ledger("room.created", 2), 2U);
}

TYPED_TEST_P(VideoSuite, ATokenOpensItsRoomAndNoOther) {
  const std::string session = this->opened();
  const std::string other = this->opened("visit-2-abc");
  const Json token = this->done("issue-token", {{"sessionId", session}, {"identity", "patient"}});
  EXPECT_GT(token.value("expiresAt", std::int64_t{0}), sandbox::system_now_ms() / 1000);
  EXPECT_EQ(this->world_->join(session, "patient", token), 200);
  EXPECT_GE(this->world_->join(other, "patient", token), 400);
  EXPECT_NE(this->world_->said().find(TypeParam::kOtherRoom), std::string::npos)
      << this->world_->said();
}

// A repeated call acts once, and the hub gets the same answer.
TYPED_TEST_P(VideoSuite, ARepeatEndsAsTheFirstAttempt) {
  const std::string session = this->opened();
  // Somebody to talk to: who is alone with a real provider sees nobody.
  this->join(session, "patient");
  this->join(session, "practitioner");
  this->world_->let_them_talk(session);
  const Json which{{"sessionId", session}};
  const auto twice = [&](const char* action, const char* key) {
    const Json first = this->done(action, which, key);
    EXPECT_EQ(this->done(action, which, key), first) << action;
    return first;
  };
  twice("start-recording", "visit-1-abc/3");
  this->world_->let_them_talk(session);
  twice("stop-recording", "visit-1-abc/4");
  // One stretch: of nobody two files of a kind.
  std::set<std::string> files;
  const Json list = this->listed(session);
  EXPECT_FALSE(list["recordings"].empty());
  for (const Json& item : list["recordings"])
    EXPECT_TRUE(files.insert(item.value("kind", "") + item.value("participantId", "")).second)
        << item;
  twice("get-session", "visit-1-abc/5");
  const Json ended = twice("end-session", "visit-1-abc/6");
  EXPECT_EQ(ended["status"], "completed");
}

TYPED_TEST_P(VideoSuite, WhoIsRemovedIsOut) {
  const std::string session = this->opened();
  this->join(session, "patient");
  const Json who{{"sessionId", session}, {"identity", "patient"}};
  EXPECT_EQ(this->done("remove-participant", who)["removed"], true);
  EXPECT_EQ(this->ledger("participant.disconnected", 1), 1U);
  this->done("remove-participant", who);
  const Json nobody{{"sessionId", session}, {"identity", "guest-9"}};
  EXPECT_EQ(this->done("remove-participant", nobody)["removed"], false);
}

TYPED_TEST_P(VideoSuite, RolesAreTaken) {
  const std::string session = this->opened();
  EXPECT_FALSE(this->done("issue-token", {{"sessionId", session},
                                          {"identity", "guest-1"},
                                          {"role", "guest"},
                                          {"ttlSeconds", 600}})
                   .value("token", "")
                   .empty());
}

TYPED_TEST_P(VideoSuite, WhoCannotBeHeldToReceivingGetsNoSuchToken) {
  if (this->has("receive-only")) GTEST_SKIP() << "the manifest declares receive-only";
  const Json ask{{"sessionId", this->opened()}, {"identity", "guest-1"}, {"receiveOnly", true}};
  const sdk::Outcome outcome = this->host_->call("issue-token", ask);
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_TRUE(outcome.code.ends_with(".receive_only")) << outcome.code;
}

TYPED_TEST_P(VideoSuite, WhoOnlyReceivesHearsAndIsNotHeard) {
  if (!this->has("receive-only")) GTEST_SKIP() << "the manifest does not declare receive-only";
  const bool holds = this->serves("hold-receivers");
  const std::string session = this->opened();
  const Json ask{{"sessionId", session}, {"receivers", {"guest-1"}}};
  this->join(session, "guest-1", true);
  for (const char* const who : {"patient", "practitioner"}) {
    this->join(session, who);
    // The hub asks whenever somebody came.
    if (holds) this->done("hold-receivers", ask);
  }
  EXPECT_TRUE(this->hears(session, "guest-1", "patient"));
  EXPECT_TRUE(this->hears(session, "practitioner", "patient"));
  EXPECT_FALSE(this->hears(session, "patient", "guest-1"));
  EXPECT_FALSE(this->hears(session, "practitioner", "guest-1"));
  if (!holds) return;
  // The same again, with somebody who has left meanwhile, and in a room that is over.
  this->control("leave", {{"room", session}, {"identity", "patient"}});
  EXPECT_EQ(this->done("hold-receivers", ask)["held"], 2);
  this->done("end-session", {{"sessionId", session}});
  EXPECT_EQ(this->done("hold-receivers", ask)["held"], 0);
}

TYPED_TEST_P(VideoSuite, WhoOnlyReceivesMayBeHeardWhenHisRoleChanges) {
  if (!this->has("receive-only")) GTEST_SKIP() << "the manifest does not declare receive-only";
  const std::string session = this->opened();
  this->join(session, "patient");
  this->join(session, "guest-1", true);
  this->control("leave", {{"room", session}, {"identity", "guest-1"}});
  this->join(session, "guest-1", false);
  EXPECT_TRUE(this->hears(session, "patient", "guest-1"));
}

// News that were lost are found by asking: who is there, or that the room is over.
TYPED_TEST_P(VideoSuite, WhatWasLostIsFoundByAsking) {
  const std::string session = this->opened();
  const Json which{{"sessionId", session}};
  this->join(session, "patient");
  this->join(session, "practitioner");
  this->control("leave", {{"room", session}, {"identity", "patient"}});
  const Json people = this->done("get-session", which)["participants"];
  if (this->has("presence")) {
    // Some tell of those who have left, too.
    ASSERT_FALSE(people.empty());
    int there = 0;
    for (const Json& person : people) {
      EXPECT_EQ(person["leftAt"].is_null(), person["identity"] == "practitioner");
      there += person["leftAt"].is_null() ? 1 : 0;
    }
    EXPECT_EQ(there, 1);
  } else {
    EXPECT_TRUE(people.empty());
  }
  this->control("end", {{"room", session}});
  EXPECT_EQ(this->done("get-session", which)["status"], TypeParam::kGone);
}

// A room that is gone: acts that must end well do, and one that cannot says so.
TYPED_TEST_P(VideoSuite, ARoomThatIsGoneIsNoRiddle) {
  const std::string session = this->opened();
  this->join(session, "patient");
  const Json which{{"sessionId", session}};
  this->control("end", {{"room", session}});
  EXPECT_EQ(this->done("stop-recording", which)["recording"], false);
  EXPECT_EQ(this->done("end-session", which)["status"], "completed");
  EXPECT_TRUE(this->listed(session)["recordings"].empty());
  this->done("remove-participant", {{"sessionId", session}, {"identity", "patient"}});
  std::string unknown = session;
  for (char& c : unknown) {
    if (c >= '1' && c <= '9') c = '0';
  }
  const sdk::Outcome outcome = this->host_->call("start-recording", {{"sessionId", unknown}});
  // Either an unknown room counts as ended and nothing is recorded, or the call is refused.
  if (outcome.kind == Kind::done) {
    EXPECT_EQ(Json::parse(outcome.output)["recording"], false);
  } else {
    EXPECT_EQ(outcome.kind, Kind::permanent);
    EXPECT_FALSE(outcome.message.empty());
  }
}

TYPED_TEST_P(VideoSuite, WhatIsSaidIsWrittenDownWhileTheHubSaysSo) {
  if (!this->serves("start-transcription")) GTEST_SKIP() << "the manifest serves no transcription";
  const std::string session = this->opened();
  this->join(session, "patient");
  const Json which{{"sessionId", session}};
  const Json of_english{{"sessionId", session}, {"language", "en"}};
  for (int twice = 0; twice < 2; ++twice)
    EXPECT_EQ(this->done("start-transcription", of_english)["transcribing"], true);
  EXPECT_EQ(this->ledger("transcription.started", 1), 1U);
  for (int twice = 0; twice < 2; ++twice)
    EXPECT_EQ(this->done("stop-transcription", which)["transcribing"], false);
  EXPECT_EQ(this->ledger("transcription.stopped", 1), 1U);
  // A language that the operator has not named is refused, and nothing is heard in it.
  const sdk::Outcome refused =
      this->host_->call("start-transcription", {{"sessionId", session}, {"language", "ko"}});
  EXPECT_EQ(refused.kind, Kind::permanent);
  EXPECT_TRUE(refused.code.ends_with(".language")) << refused.code;
  this->done("end-session", which);
  EXPECT_EQ(this->done("start-transcription", of_english)["transcribing"], false);
  EXPECT_EQ(this->done("stop-transcription", which)["transcribing"], false);
  EXPECT_EQ(this->ledger("transcription.started"), 1U);
}

// Some tell it by themselves, and some when they are asked about the room.
TYPED_TEST_P(VideoSuite, WhoHearsNothingAnyMoreSaysSo) {
  if (!this->serves("start-transcription")) GTEST_SKIP() << "the manifest serves no transcription";
  constexpr std::string_view kFailed = "org.rabt.session.transcription-failed.v1";
  const std::string session = this->opened();
  this->join(session, "patient");
  const Json of_english{{"sessionId", session}, {"language", "en"}};
  EXPECT_EQ(this->done("start-transcription", of_english)["transcribing"], true);
  EXPECT_LT(this->control("deaf", {{"room", session}}), 300);
  EXPECT_TRUE(this->eventually([&] {
    for (const Json& event : this->told()) {
      if (event["type"] == kFailed) return event["data"]["sessionId"] == session;
    }
    return this->done("get-session", {{"sessionId", session}}).value("transcription", "") ==
           "failed";
  }));
  EXPECT_EQ(this->done("stop-transcription", {{"sessionId", session}})["transcribing"], false);
}

// Another file of the same provider cannot be asked for by an id that is none.
TYPED_TEST_P(VideoSuite, AnIdThatIsNoneAsksForNothing) {
  for (const char* const id : {"", "..", "../../secrets", "x?y=1", "a/b"}) {
    for (const char* const action : {"get-session", "end-session", "start-recording"}) {
      const sdk::Outcome outcome = this->host_->call(action, {{"sessionId", id}});
      EXPECT_EQ(outcome.kind, Kind::permanent) << action << " " << id;
    }
    EXPECT_EQ(this->host_->call("fetch-recording", {{"recordingId", id}}).kind, Kind::permanent);
  }
}

TYPED_TEST_P(VideoSuite, ARecordingIsListedFetchedAndDeleted) {
  std::string session;
  const std::int64_t before = sandbox::system_now_ms() / 1000;
  const Json list = this->recorded(session);
  ASSERT_EQ(list.value("ready", false), true);
  ASSERT_FALSE(list["recordings"].empty());
  for (const Json& item : list["recordings"]) {
    // Says which of several stretches it is of.
    const auto began = sdk::read_instant(item.value("startedAt", ""));
    ASSERT_TRUE(began.has_value()) << item;
    EXPECT_GE(*began, before);
    EXPECT_LE(*began, sandbox::system_now_ms() / 1000);
    const Json which{{"recordingId", item["recordingId"]}};
    const Json fetched = this->done("fetch-recording", which);
    EXPECT_EQ(fetched["bytes"], item["bytes"]);
    EXPECT_EQ(fetched.value("sha256", "").size(), 64U);
    EXPECT_EQ(this->done("delete-recording", which)["deleted"], true);
    EXPECT_EQ(this->done("delete-recording", which)["deleted"], true);
  }
  EXPECT_TRUE(this->listed(session)["recordings"].empty());
}

TYPED_TEST_P(VideoSuite, ATruncatedFileIsNoticed) {
  std::string session;
  const Json list = this->recorded(session);
  ASSERT_FALSE(list["recordings"].empty());
  const Json which{{"recordingId", list["recordings"][0]["recordingId"]}};
  this->cut_ = 1;
  const sdk::Outcome outcome = this->host_->call("fetch-recording", which);
  EXPECT_EQ(outcome.kind, Kind::transient);
  EXPECT_TRUE(outcome.code.ends_with(".truncated")) << outcome.code;
  this->cut_ = 0;
  this->done("fetch-recording", which);
}

TYPED_TEST_P(VideoSuite, TheEndIsTheEndHoweverOften) {
  const std::string session = this->opened();
  this->join(session, "patient");
  const Json which{{"sessionId", session}};
  EXPECT_EQ(this->done("get-session", which)["status"], "in-progress");
  EXPECT_EQ(this->done("end-session", which)["status"], "completed");
  EXPECT_EQ(this->done("end-session", which)["status"], "completed");
  EXPECT_EQ(this->done("get-session", which)["status"], "completed");
  EXPECT_EQ(this->ledger("room.completed", 1), 1U);
  EXPECT_EQ(this->done("start-recording", which)["recording"], false);
}

// Line quality of each person, if the provider measures it.
TYPED_TEST_P(VideoSuite, ALineIsToldAsItIs) {
  constexpr std::string_view kQuality = "org.rabt.session.quality.v1";
  if (!this->tells(kQuality)) GTEST_SKIP() << "the manifest has no event " << kQuality;
  const std::string session = this->opened();
  this->join(session, "patient");
  EXPECT_EQ(this->control("line", {{"room", session}, {"identity", "patient"}, {"lost", 20}}), 200);
  EXPECT_EQ(this->control(
                "line", {{"room", session}, {"identity", "patient"}, {"lost", 50}, {"slow", true}}),
            200);
  // Figures that were taken before the line got bad may come first. Some say that it got bad, and
  // some how it is.
  std::size_t bad = 0;
  bool measured = false;
  EXPECT_TRUE(this->eventually([&] {
    for (const Json& event : this->told()) {
      if (event["type"] != kQuality) continue;
      const Json& line = event["data"];
      EXPECT_EQ(line["sessionId"], session);
      EXPECT_EQ(line["identity"], "patient");
      EXPECT_EQ(line["direction"], "up");
      if (line["lossPercent"] < 20.0) continue;
      ++bad;
      measured = measured || line.contains("jitterMs");
    }
    return measured && bad >= 2;
  }));
}

TYPED_TEST_P(VideoSuite, NewsBecomeEventsOfTheRole) {
  const std::string session = this->opened();
  this->join(session, "patient");
  // Not every provider tells who leaves by the end of the room.
  this->control("leave", {{"room", session}, {"identity", "patient"}});
  this->done("end-session", {{"sessionId", session}});
  std::set<std::string> missing{"org.rabt.session.ended.v1",
                                "org.rabt.session.participant-joined.v1",
                                "org.rabt.session.participant-left.v1"};
  EXPECT_TRUE(this->eventually([&] {
    for (const Json& event : this->told()) {
      EXPECT_EQ(event["data"]["sessionId"], session);
      const std::string type = event["type"];
      if (type.find("participant") != std::string::npos) {
        EXPECT_EQ(event["data"]["identity"], "patient");
        EXPECT_EQ(event["data"]["role"], "patient");
      }
      missing.erase(type);
    }
    return missing.empty();
  })) << *missing.begin();
}

REGISTER_TYPED_TEST_SUITE_P(VideoSuite, TheSameKeyIsTheSameRoom, ATokenOpensItsRoomAndNoOther,
                            ARepeatEndsAsTheFirstAttempt, WhoIsRemovedIsOut, RolesAreTaken,
                            WhoCannotBeHeldToReceivingGetsNoSuchToken,
                            WhoOnlyReceivesHearsAndIsNotHeard, ALineIsToldAsItIs,
                            WhoOnlyReceivesMayBeHeardWhenHisRoleChanges, WhatWasLostIsFoundByAsking,
                            ARoomThatIsGoneIsNoRiddle, AnIdThatIsNoneAsksForNothing,
                            ARecordingIsListedFetchedAndDeleted, ATruncatedFileIsNoticed,
                            WhatIsSaidIsWrittenDownWhileTheHubSaysSo, WhoHearsNothingAnyMoreSaysSo,
                            TheEndIsTheEndHoweverOften, NewsBecomeEventsOfTheRole);

}  // namespace rabt::testing
