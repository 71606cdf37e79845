#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/e2e/support.hpp"

// Recordings go from the provider through the hub into the sealed store, and out of it again. How
// long a visit was must not show in the memory of the hub or of the plugin's process.
namespace rabt::e2e::long_recording_test {
namespace {

constexpr std::int64_t kMiB = 1024 * 1024;
// Of each track, at 2.4 Mbit a second.
constexpr std::int64_t kTwoHours = 2048 * kMiB;
constexpr std::int64_t kSeconds = kMiB;
// Two runs differ so much for other reasons: threads that happened to run, arenas of the allocator.
constexpr std::int64_t kNoise = 16 * kMiB;

struct Peak {
  std::int64_t hub = 0;
  // Of the process of the video provider's plugin.
  std::int64_t plugin = 0;
};

// The most bytes of memory that a process has held since it began.
std::int64_t peak_of(std::int64_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  ADD_FAILURE() << "there is no process " << process;
  return 0;
}

// The digest of what the hub serves as this recording, which no process has whole.
std::string digest_of(Site& site, const std::string& recording) {
  const Finished read = run(
      {"/bin/bash", "-o", "pipefail", "-c",
       R"(curl --silent --show-error --fail --header "$1" --header "X-Rabt-Reason: test" "$2" | sha256sum)",
       "read", "Authorization: Bearer " + site.token(),
       site.url() + "/api/v1/recordings/" + recording + "/content"},
      600'000);
  EXPECT_EQ(read.code, 0) << read.said;
  return read.said.substr(0, read.said.find(' '));
}

// A visit of two people whose tracks have so many bytes each; the stand-in makes them while it
// sends them.
Peak peak_of_visit(std::int64_t track, std::int64_t limit_ms) {
  Site site(Kind::whole);
  site.start_sandbox(Json::object(
      {{"twilio",
        Json::object({{"media_bytes", track}, {"api_key_secret", demo::kDemoApiKeySecret}})}}));
  site.start_hub();
  if (testing::Test::HasFatalFailure()) return {};
  EXPECT_EQ(site.play(site.booking(), limit_ms), "completed");
  const Json recordings = site.api("instances/" + site.instance(), true)["output"]["recordings"];
  EXPECT_GE(recordings.as_array().size(), 2U);
  for (const Json& node : recordings.as_array()) {
    EXPECT_EQ(node.int_or("bytes", 0), track);
    EXPECT_EQ(digest_of(site, node.string_or("id", "")), node.string_or("sha256", "?"));
  }
  Peak peak{.hub = peak_of(site.hub_pid())};
  const Json health = site.health();
  for (const Json& item : health["plugins"].as_array()) {
    if (item.string_or("id", "") == "twilio") peak.plugin = peak_of(item.int_or("pid", 0));
  }
  EXPECT_GT(peak.plugin, 0);
  std::printf("%zu tracks of %lld MiB: the hub has had %lld KiB, the plugin %lld KiB\n",
              recordings.as_array().size(), static_cast<long long>(track / kMiB),
              static_cast<long long>(peak.hub / 1024), static_cast<long long>(peak.plugin / 1024));
  return peak;
}

TEST(SlowLongRecording, TwoHoursTakeTheMemoryOfSeconds) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer keeps what was freed";
  const Peak seconds = peak_of_visit(kSeconds, 90'000);
  const Peak hours = peak_of_visit(kTwoHours, 1'200'000);
  EXPECT_LT(hours.hub, seconds.hub + kNoise);
  EXPECT_LT(hours.plugin, seconds.plugin + kNoise);
}

}  // namespace
}  // namespace rabt::e2e::long_recording_test
