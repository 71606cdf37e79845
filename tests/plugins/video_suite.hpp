#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/plugins/test_host.hpp"
#include "tests/sandbox/client.hpp"
#include "tests/sandbox/server.hpp"

// What every plugin of the role `video` must do, played against the stand-in of its provider. The
// plugin's sources are linked into the test; its HTTP goes to the stand-in over loopback.
//
//   struct Mine { ... };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, VideoSuite, Mine);
//
// A provider gives: name() of the stand-in; options(callback) of it; config(url, callback);
// secrets(); receive_only_enforced(answer of issue-token); kBytes of one recording.
namespace rabt::testing {

using Json = nlohmann::json;
using sdk::Kind;

template <typename Provider>
class VideoSuite : public ::testing::Test {
 protected:
  VideoSuite() {
    sandbox_ = std::make_unique<sandbox::Sandbox>(
        sandbox::Settings{.port_base = 0,
                          .hub = {},
                          .ledger_file = {},
                          .options = {{Provider::name(), Provider::options(callback())}}},
        std::vector<sandbox::StandIn>{{Provider::name(), Provider::make}});
    host_ = std::make_unique<TestHost>(
        Provider::config(sandbox_->url(Provider::name()), callback()).dump());
    host_->secrets = Provider::secrets();
    host_->clock.set_unix_ms(sandbox::system_now_ms());
    host_->outside = [this](const Request& request) { return ask(request); };
    EXPECT_TRUE(host_->started()) << host_->problem;
  }
  ~VideoSuite() override { host_.reset(); }

  [[nodiscard]] std::string callback() const { return hub_.url() + "/hooks/video"; }

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
  int control(const std::string& what, const Json& body) {
    return sandbox::testing::call_json(
               "POST", sandbox_->url("control") + "/control/" + Provider::name() + "/" + what, body)
        .status;
  }
  // As the provider's client does it, with what issue-token gave.
  int join(const std::string& session, const std::string& identity) {
    const Json token = done("issue-token", {{"sessionId", session}, {"identity", identity}});
    return control("join", {{"room", session}, {"token", token.value("token", "")}});
  }
  // The last answer of list-recordings, when everything is ready or five seconds are over.
  Json listed(const std::string& session) {
    Json list;
    for (int i = 0; i < 500; ++i) {
      list = done("list-recordings", {{"sessionId", session}});
      if (list.value("ready", false)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return list;
  }
  // A session in which two people were recorded, and the recordings.
  Json recorded(std::string& session) {
    session = opened();
    join(session, "patient");
    join(session, "practitioner");
    EXPECT_EQ(done("start-recording", {{"sessionId", session}})["recording"], true);
    EXPECT_EQ(done("stop-recording", {{"sessionId", session}})["recording"], false);
    return listed(session);
  }
  [[nodiscard]] std::size_t ledger(std::string_view kind) const {
    return sandbox_->ledger().count(kind);
  }

  sandbox::testing::Receiver hub_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<TestHost> host_;
  // So many bytes at the end of a file do not come.
  std::size_t cut_ = 0;
};
TYPED_TEST_SUITE_P(VideoSuite);

TYPED_TEST_P(VideoSuite, TheSameKeyIsTheSameRoom) {
  const std::string first = this->opened();
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(this->opened(), first);
  EXPECT_NE(this->opened("visit-2-abc"), first);
  EXPECT_EQ(this->ledger("room.created"), 2U);
}

TYPED_TEST_P(VideoSuite, ATokenOpensItsRoomAndNoOther) {
  const std::string session = this->opened();
  const std::string other = this->opened("visit-2-abc");
  const Json token = this->done("issue-token", {{"sessionId", session}, {"identity", "patient"}});
  EXPECT_GT(token.value("expiresAt", std::int64_t{0}), sandbox::system_now_ms() / 1000);
  const std::string text = token.value("token", "");
  EXPECT_EQ(this->control("join", {{"room", session}, {"token", text}}), 200);
  EXPECT_GE(this->control("join", {{"room", other}, {"token", text}}), 400);
}

TYPED_TEST_P(VideoSuite, WhoIsRemovedIsOut) {
  const std::string session = this->opened();
  this->join(session, "patient");
  const Json who{{"sessionId", session}, {"identity", "patient"}};
  EXPECT_EQ(this->done("remove-participant", who)["removed"], true);
  EXPECT_EQ(this->ledger("participant.disconnected"), 1U);
  this->done("remove-participant", who);
  const Json nobody{{"sessionId", session}, {"identity", "guest-9"}};
  EXPECT_EQ(this->done("remove-participant", nobody)["removed"], false);
}

TYPED_TEST_P(VideoSuite, RolesAndReceiveOnlyAreTaken) {
  const std::string session = this->opened();
  const Json token = this->done("issue-token", {{"sessionId", session},
                                                {"identity", "guest-1"},
                                                {"role", "guest"},
                                                {"receiveOnly", true},
                                                {"ttlSeconds", 600}});
  EXPECT_TRUE(TypeParam::receive_only(token));
}

TYPED_TEST_P(VideoSuite, ARecordingIsListedFetchedAndDeleted) {
  std::string session;
  const Json list = this->recorded(session);
  ASSERT_EQ(list.value("ready", false), true);
  ASSERT_FALSE(list["recordings"].empty());
  for (const Json& one : list["recordings"]) {
    const Json which{{"recordingId", one["recordingId"]}};
    const Json fetched = this->done("fetch-recording", which);
    EXPECT_EQ(fetched["bytes"], one["bytes"]);
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
  EXPECT_EQ(this->ledger("room.completed"), 1U);
  EXPECT_EQ(this->done("start-recording", which)["recording"], false);
}

TYPED_TEST_P(VideoSuite, NewsBecomeEventsOfTheRole) {
  const std::string session = this->opened();
  this->join(session, "patient");
  this->done("end-session", {{"sessionId", session}});
  std::set<std::string> types;
  for (int i = 0; i < 500 && types.size() < 3; ++i) {
    for (const auto& received : this->hub_.all()) {
      TypeParam::heard(received.body);
      const auto [events, problem] = this->host_->deliver(received.body);
      EXPECT_EQ(problem, "") << received.body;
      for (const Json& event : events) {
        EXPECT_EQ(event["data"]["sessionId"], session);
        const std::string type = event["type"];
        if (type.find("participant") != std::string::npos) {
          EXPECT_EQ(event["data"]["identity"], "patient");
          EXPECT_EQ(event["data"]["role"], "patient");
        }
        if (!type.ends_with("started.v1")) types.insert(type);
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(types, (std::set<std::string>{"org.rabt.session.ended.v1",
                                          "org.rabt.session.participant-joined.v1",
                                          "org.rabt.session.participant-left.v1"}));
}

REGISTER_TYPED_TEST_SUITE_P(VideoSuite, TheSameKeyIsTheSameRoom, ATokenOpensItsRoomAndNoOther,
                            WhoIsRemovedIsOut, RolesAndReceiveOnlyAreTaken,
                            ARecordingIsListedFetchedAndDeleted, ATruncatedFileIsNoticed,
                            TheEndIsTheEndHoweverOften, NewsBecomeEventsOfTheRole);

}  // namespace rabt::testing
