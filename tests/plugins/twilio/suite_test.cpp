#include "tests/plugins/browser_check.hpp"
#include "tests/plugins/metered_visit.hpp"
#include "tests/plugins/video_suite.hpp"

namespace rabt::testing::suite_test {
namespace {

struct Twilio {
  using World = StandInWorld<Twilio>;
  static const char* name() { return "twilio"; }
  static constexpr auto make = sandbox::make_twilio;
  static Json options(const std::string& /*callback*/) {
    return {{"media_bytes", 5000},
            {"processing_ms", 10},
            {"callback_delay_ms", 0},
            {"api_key_secret", "an-example-of-a-secret-of-32-bytes"}};
  }
  static Json config(const std::string& url, const std::string& callback) {
    return {{"account_sid", "AC00000000000000000000000000005a4d"},
            {"api_key_sid", "SK00000000000000000000000000005a4d"},
            {"base_url", url},
            {"callback_url", callback},
            {"transcription_languages", {"en-US"}},
            {"transcription_engine", "deepgram"},
            {"transcription_model", "nova-3-medical"}};
  }
  static std::map<std::string, std::string> secrets() {
    return {{"api_key_secret", "an-example-of-a-secret-of-32-bytes"}};
  }
  static constexpr const char* kBilled = "participant_seconds";
  static constexpr const char* kOtherRoom = "Invalid Access Token grants: another room";
  static constexpr const char* kGone = "completed";
  static void heard(const std::string& /*body*/) {}
};
INSTANTIATE_TYPED_TEST_SUITE_P(Twilio, VideoSuite, Twilio);
INSTANTIATE_TYPED_TEST_SUITE_P(Twilio, MeteredVisit, Twilio);

class TwilioTokens : public VideoSuite<Twilio> {};

// The page of a call names the room that it comes into as the token does.
TEST_F(TwilioTokens, NameTheRoomThatTheyOpen) {
  const std::string room = opened();
  const Json issued =
      done("issue-token", {{"sessionId", room}, {"identity", "patient"}, {"role", "patient"}});
  EXPECT_EQ(issued["room"], room);
}

class SlowTwilioClient : public VideoSuite<Twilio> {};
TEST_F(SlowTwilioClient, OfTwilioTakesWhatTheHubHandsOut) {
  const Json issued =
      done("issue-token", {{"sessionId", opened()}, {"identity", "patient"}, {"role", "patient"}});
  check_in_browser("twilio", {{"token", issued["token"]}});
}

}  // namespace
}  // namespace rabt::testing::suite_test
