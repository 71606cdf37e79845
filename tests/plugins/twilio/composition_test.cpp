#include "tests/plugins/video_suite.hpp"

// One file of all tracks, which Twilio composes when the room is over.
namespace rabt::testing::composition_test {
namespace {

template <bool kFails>
struct Composing {
  using World = StandInWorld<Composing>;
  static const char* name() { return "twilio"; }
  static constexpr auto make = sandbox::make_twilio;
  static Json options(const std::string& /*callback*/) {
    return {{"media_bytes", 5000},
            {"processing_ms", 10},
            {"callback_delay_ms", 0},
            {"composition_fails", kFails},
            {"api_key_secret", "an-example-of-a-secret-of-32-bytes"}};
  }
  static Json config(const std::string& url, const std::string& callback) {
    return {{"account_sid", "AC00000000000000000000000000005a4d"},
            {"api_key_sid", "SK00000000000000000000000000005a4d"},
            {"base_url", url},
            {"callback_url", callback},
            {"composition", {{"format", "webm"}, {"resolution", "640x480"}}}};
  }
  static std::map<std::string, std::string> secrets() {
    return {{"api_key_secret", "an-example-of-a-secret-of-32-bytes"}};
  }
  static void heard(const std::string& /*body*/) {}
};

template <typename Provider>
class Visit : public VideoSuite<Provider> {
 protected:
  // A room that is over, in which two people were recorded.
  std::string over() {
    std::string session = this->opened();
    this->join(session, "patient");
    this->join(session, "practitioner");
    this->done("start-recording", {{"sessionId", session}});
    this->done("stop-recording", {{"sessionId", session}});
    EXPECT_TRUE(this->eventually(
        [&] { return this->ledger("recording.completed") >= this->ledger("recording.started"); }));
    // As long as people may come back, nothing is composed.
    EXPECT_EQ(this->done("list-recordings", {{"sessionId", session}})["ready"], false);
    EXPECT_EQ(this->ledger("composition.enqueued"), 0U);
    this->done("end-session", {{"sessionId", session}});
    return session;
  }
};
class TwilioComposition : public Visit<Composing<false>> {};
class TwilioWithoutComposition : public Visit<Composing<true>> {};

TEST_F(TwilioComposition, OneFileStandsForAllTracks) {
  const std::string session = over();
  const Json list = listed(session);
  ASSERT_EQ(list["recordings"].size(), 1U);
  const Json& item = list["recordings"][0];
  EXPECT_EQ(item["kind"], "composition");
  EXPECT_EQ(ledger("composition.enqueued"), 1U) << "it is asked for once, however often is looked";
  const Json which{{"recordingId", item["recordingId"]}};
  const Json fetched = done("fetch-recording", which);
  EXPECT_EQ(fetched["bytes"], item["bytes"]);
  EXPECT_EQ(fetched["contentType"], "video/webm");
  cut_ = 1;
  EXPECT_EQ(host_->call("fetch-recording", which).code, "twilio.truncated");
  cut_ = 0;
  // Its tracks go with it.
  EXPECT_EQ(done("delete-recording", which)["deleted"], true);
  EXPECT_EQ(done("delete-recording", which)["deleted"], true);
  EXPECT_EQ(ledger("composition.deleted"), 1U);
  EXPECT_EQ(ledger("recording.deleted"), ledger("recording.completed"));
  const Json after = listed(session);
  EXPECT_EQ(after["ready"], true);
  EXPECT_TRUE(after["recordings"].empty());
  EXPECT_EQ(ledger("composition.enqueued"), 1U);
}

TEST_F(TwilioComposition, TellsWhenTheFileIsThere) {
  const std::string session = over();
  const Json list = listed(session);
  ASSERT_EQ(list["recordings"].size(), 1U);
  ASSERT_TRUE(eventually([&] { return !hub_.of("composition-available").empty(); }));
  const auto told = hub_.of("composition-available")[0];
  const auto [events, error] = host_->deliver(told.body);
  EXPECT_EQ(error, "");
  ASSERT_EQ(events.size(), 1U) << events;
  EXPECT_EQ(events[0]["type"], "org.rabt.session.recording-ready.v1");
  EXPECT_EQ(events[0]["data"]["sessionId"], session);
  EXPECT_EQ(events[0]["data"]["kind"], "composition");
  EXPECT_EQ(events[0]["data"]["recordingId"], list["recordings"][0]["recordingId"]);
  for (const char* event :
       {"composition-enqueued", "composition-started", "composition-progress"}) {
    ASSERT_TRUE(eventually([&] { return !hub_.of(event).empty(); })) << event;
    const auto [none, wrong] = host_->deliver(hub_.of(event)[0].body);
    EXPECT_EQ(wrong, "");
    EXPECT_EQ(none, Json::array());
  }
  EXPECT_NE(host_->deliver("StatusCallbackEvent=composition-available&RoomSid=RM1").second, "");
}

TEST_F(TwilioWithoutComposition, TheTracksStandInItsPlace) {
  const std::string session = over();
  const Json list = listed(session);
  EXPECT_EQ(list["recordings"].size(), ledger("recording.completed"));
  for (const Json& item : list["recordings"]) EXPECT_NE(item["kind"], "composition");
  ASSERT_EQ(list["failed"].size(), 1U);
  EXPECT_EQ(list["failed"][0]["kind"], "composition");
  EXPECT_EQ(listed(session)["recordings"].size(), ledger("recording.completed"));
  EXPECT_EQ(ledger("composition.enqueued"), 1U);
}

}  // namespace
}  // namespace rabt::testing::composition_test
