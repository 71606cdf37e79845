#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include "tests/e2e/janus_site.hpp"
#include "tests/eventually.hpp"

// A visit over a real Janus that dies in the middle.
namespace rabt::e2e::janus_test {
namespace {

constexpr std::chrono::milliseconds kPatience{120'000};
// Files of a Janus that died count as closed after two minutes, and are converted then.
constexpr std::chrono::minutes kSealed{10};
// A file that holds its first words and no sound is smaller.
constexpr std::uintmax_t kSome = 4096;

bool hears_and_sees(const Json& seen) {
  return seen.int_or("frames", 0) > 5 && seen.int_or("audio", 0) > 20;
}

TEST(SlowJanusVisit, AJanusThatDiesTakesNoVisitWithIt) {
  if (!JanusSite::installed())
    GTEST_SKIP() << "janus, janus-tools, coturn, chromium and ffmpeg are not installed; "
                    "`./dev test --slow` installs them";
  JanusSite site;
  ASSERT_NO_FATAL_FAILURE(site.start());
  for (const char* who : {"doctor", "patient"}) site.call(who, site.credentials(who));
  for (const char* who : {"doctor", "patient"})
    ASSERT_TRUE(site.page(who).wait(kPatience.count(), hears_and_sees))
        << site.page(who).seen().dump();
  EXPECT_EQ(site.as("doctor", "POST", "/start").string_or("status", ""), "active");
  site.as("doctor", "POST", "/recording/start");
  ASSERT_TRUE(test::eventually([&] { return site.recorded_bytes() > kSome; }, kPatience));

  site.servers().kill_janus();
  ASSERT_TRUE(site.servers().restart_janus().ok());
  // People are told: by their line to Janus, and by the hub.
  for (const char* who : {"doctor", "patient"})
    EXPECT_TRUE(site.page(who).wait(kPatience.count(),
                                    [](const Json& seen) { return !seen.bool_or("open", true); }));
  EXPECT_TRUE(test::eventually(
      [&] {
        return site.as("doctor", "GET", "/events").dump().find("room-lost") != std::string::npos;
      },
      kPatience))
      << site.as("doctor", "GET", "/events").dump();
  const std::uintmax_t before = site.recorded_bytes();
  EXPECT_EQ(site.as("doctor", "GET", "").string_or("status", ""), "active");

  // Each asks for a token, and meets the other in the same room, which goes on recording.
  site.hang_up();
  for (const char* who : {"doctor", "patient"}) site.call(who, site.credentials(who));
  for (const char* who : {"doctor", "patient"})
    ASSERT_TRUE(site.page(who).wait(kPatience.count(), hears_and_sees))
        << site.page(who).seen().dump();
  EXPECT_TRUE(site.as("doctor", "GET", "").bool_or("recordingActive", false));
  EXPECT_TRUE(test::eventually([&] { return site.recorded_bytes() > before + kSome; }, kPatience));

  const std::string folder = site.folder_of_room();
  site.as("doctor", "POST", "/recording/stop");
  EXPECT_EQ(site.as("doctor", "POST", "/end", Json::object({{"reason", "consultation_completed"}}))
                .string_or("status", ""),
            "completed");
  site.hang_up();
  // Both stretches are sealed, and neither stays beside Janus.
  Json list;
  EXPECT_TRUE(test::eventually(
      [&] {
        list = site.as("doctor", "GET", "/recordings")["items"];
        if (!list.is_array() || list.size() != 2) return false;
        for (const Json& node : list.as_array()) {
          if (node.string_or("providerCopy", "") != "deleted") return false;
        }
        return true;
      },
      kSealed))
      << list.dump();
  for (const Json& item : list.as_array()) EXPECT_EQ(item.string_or("status", ""), "ready");
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace rabt::e2e::janus_test
