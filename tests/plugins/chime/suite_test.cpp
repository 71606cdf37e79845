#include "tests/plugins/browser_check.hpp"
#include "tests/plugins/metered_visit.hpp"
#include "tests/plugins/video_suite.hpp"

namespace rabt::testing::suite_test {
namespace {

struct Chime {
  using World = StandInWorld<Chime>;
  static const char* name() { return "chime"; }
  static constexpr auto make = sandbox::make_chime;
  static Json options(const std::string& callback) {
    return {{"media_bytes", 5000},
            {"processing_ms", 10},
            {"callback_delay_ms", 0},
            {"subscribe", callback}};
  }
  static Json config(const std::string& url, const std::string& /*callback*/) {
    return {{"access_key_id", "AKIDEXAMPLEEXAMPLE"},
            {"region", "eu-central-1"},
            {"media_region", "eu-west-1"},
            {"meetings_url", url},
            {"pipelines_url", url},
            {"s3_url", url},
            {"sns_topic_arn", "arn:aws:sns:eu-central-1:111122223333:chime"},
            {"transcription_languages", {"en-US"}},
            {"bucket", "visits"},
            {"prefix", "recordings"}};
  }
  static std::map<std::string, std::string> secrets() {
    return {{"secret_access_key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}};
  }
  static constexpr const char* kBilled = "attendee_seconds";
  static constexpr const char* kOtherRoom = "The token opens nothing";
  static constexpr const char* kGone = "completed";
  // The topic tells nothing before its subscription is confirmed.
  static void heard(const std::string& body) {
    const auto message = sandbox::parse_json(body);
    if (message && message->value("Type", "") == "SubscriptionConfirmation")
      sandbox::testing::call("GET", message->value("SubscribeURL", ""));
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Chime, VideoSuite, Chime);
INSTANTIATE_TYPED_TEST_SUITE_P(Chime, MeteredVisit, Chime);

// A secret that is not the account's opens nothing.
class ChimeSignature : public VideoSuite<Chime> {};
TEST_F(ChimeSignature, IsCheckedByTheOtherSide) {
  host_->secrets["secret_access_key"] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEX";
  const sdk::Outcome outcome =
      host_->call("get-session", {{"sessionId", "0b1c2d3e-0000-4000-8000-000000000001"}});
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "chime.InvalidSignatureException");
}

// The stand-in remembers with which parameters a token was used, as Amazon does.
class ChimeTokens : public VideoSuite<Chime> {};
TEST_F(ChimeTokens, ATokenWithOtherParametersIsAConflict) {
  Json input{{"reference", "visit-1"}, {"participants", Json::array()}};
  EXPECT_EQ(host_->call("create-session", input, "one-token").kind, Kind::done);
  EXPECT_EQ(host_->call("create-session", input, "one-token").kind, Kind::done);
  input["maxParticipants"] = 249;
  EXPECT_EQ(host_->call("create-session", input, "one-token").code, "chime.ConflictException");
}

// Amazon's region, or the hospital's rule.
TEST(ChimeRegion, ThatIsNotAllowedIsRefusedBeforeThePluginStarts) {
  const char* const source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  const plugin::Package package =
      test::must(plugin::read_package(std::string(source) + "/plugins/chime"));
  const auto config = [](const char* region, const char* media) {
    return *rabt::Json::parse(Json{
        {"access_key_id", "AKIDEXAMPLEEXAMPLE"},
        {"region", region},
        {"media_region", media}}.dump());
  };
  EXPECT_TRUE(plugin::check_config(package, config("eu-central-1", "eu-west-1"), "chime").ok());
  for (const rabt::Json& item : {config("mars-1", "eu-west-1"), config("eu-central-1", "mars-1")}) {
    const Status fits = plugin::check_config(package, item, "chime");
    ASSERT_FALSE(fits.ok());
    EXPECT_EQ(fits.error().code, "plugin.config");
    EXPECT_NE(fits.error().message.find("the configuration of chime does not fit its schema"),
              std::string::npos)
        << fits.error().message;
    EXPECT_NE(fits.error().message.find("region"), std::string::npos) << fits.error().message;
  }
  const Status allowed = plugin::check_regions(
      package.manifest, config("eu-central-1", "us-east-1"), {"eu-central-1", "eu-west-1"});
  ASSERT_FALSE(allowed.ok());
  EXPECT_EQ(allowed.error().code, "residency.region");
  EXPECT_EQ(allowed.error().message,
            "chime keeps or handles data in the region us-east-1; compliance.allowed_regions "
            "allows: eu-central-1, eu-west-1");
}

class SlowChimeClient : public VideoSuite<Chime> {};
TEST_F(SlowChimeClient, OfAmazonTakesWhatTheHubHandsOut) {
  const Json issued =
      done("issue-token", {{"sessionId", opened()}, {"identity", "patient"}, {"role", "patient"}});
  check_in_browser("chime", {{"meeting", issued["meeting"]}, {"attendee", issued["attendee"]}});
}

}  // namespace
}  // namespace rabt::testing::suite_test
