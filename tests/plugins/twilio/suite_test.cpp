#include "tests/plugins/video_suite.hpp"

namespace rabt::testing {
namespace {

struct Twilio {
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
            {"callback_url", callback}};
  }
  static std::map<std::string, std::string> secrets() {
    return {{"api_key_secret", "an-example-of-a-secret-of-32-bytes"}};
  }
  // Twilio holds nobody to it, and its manifest does not declare the feature.
  static bool receive_only(const Json& token) { return token.contains("token"); }
  static void heard(const std::string& /*body*/) {}
};
INSTANTIATE_TYPED_TEST_SUITE_P(Twilio, VideoSuite, Twilio);

}  // namespace
}  // namespace rabt::testing
