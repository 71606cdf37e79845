#include "tests/plugins/metered_visit.hpp"
#include "tests/plugins/video_suite.hpp"

namespace rabt::testing::suite_test {
namespace {

struct Janus {
  using World = StandInWorld<Janus>;
  static const char* name() { return "janus"; }
  static constexpr auto make = sandbox::make_janus;
  static Json options(const std::string& callback) {
    Json out{{"emitter", "a"},
             {"report_to", callback},
             {"media_bytes", 5000},
             {"processing_ms", 10},
             {"callback_delay_ms", 0}};
    for (const auto& [key, value] : secrets()) {
      if (key != "turn_secret") out[key] = value;
    }
    return out;
  }
  static Json config(const std::string& url, const std::string& /*callback*/) {
    return {{"instances",
             {{{"name", "a"},
               {"admin_url", url + "/admin"},
               {"client_url", "ws://127.0.0.1:8188"},
               {"shelf_url", url},
               {"recordings_dir", "/var/rec"}}}}};
  }
  static std::map<std::string, std::string> secrets() {
    return {{"admin_secret", "admin-secret-0123"},
            {"admin_key", "admin-key-0123456"},
            {"token_secret", "token-secret-0123"},
            {"turn_secret", "turn-secret-01234"},
            {"shelf_secret", "shelf-secret-0123"}};
  }
  static constexpr const char* kBilled = "attendee_seconds";
  static constexpr const char* kOtherRoom = "433";
  // A room that is gone without having been ended was lost.
  static constexpr const char* kGone = "failed";
  static void heard(const std::string& /*body*/) {}
};
INSTANTIATE_TYPED_TEST_SUITE_P(Janus, VideoSuite, Janus);
INSTANTIATE_TYPED_TEST_SUITE_P(Janus, MeteredVisit, Janus);

}  // namespace
}  // namespace rabt::testing::suite_test
