// A plugin that takes memory through every door that it finds has what its limit says.
#include "hub/worker/sandbox.hpp"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::memory_test {
namespace {

using workflow::OutcomeKind;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kLimit = 64 * kMiB;
// Memory beside the limit: parts that the program did not need, and pipes.
constexpr std::int64_t kBeside = 5 * kMiB;
// Memory that the plugin can make unwritable while its library is mapped.
constexpr std::int64_t kWhileMapped = 8 * kMiB;

// Bytes that the plugin had, with what the heap gave it in the end.
std::int64_t hoarded(const std::string& fixture, const std::string& door) {
  Hub hub;
  PluginConfig config = hub.config(fixture);
  config.id = "beast";
  config.limits.memory = kLimit;
  const Status loaded = hub.host->load(std::move(config));
  EXPECT_TRUE(loaded.ok()) << loaded.error().message;
  if (!loaded.ok()) return -1;
  EXPECT_TRUE(hub.host->bind_role("beast", "plugin://beast").ok());
  const auto outcome = hub.call("beast", "hoard", Json::object({{"door", door}}), 20'000);
  EXPECT_EQ(outcome.kind, OutcomeKind::done) << outcome.code;
  return outcome.output.as_int64().value_or(-1);
}

// Symptom: a plugin with a limit of 64 MiB had 1.5 GiB in memory files, and 300 MiB of private
// memory. Cause: the limit counts private memory that can be written now, and neither files nor
// stacks nor what was made unwritable after it had been written. This test tries each.
TEST(Memory, OfAPluginIsWhatItsLimitSaysWhateverDoorItTakes) {
  if (worker::sanitized()) GTEST_SKIP() << "builds with a sanitizer have no limit on memory";
  for (const char* const door :
       {"heap", "files", "read-only", "none", "shared", "grows-down", "stack", "pipes"}) {
    const std::int64_t had = hoarded("beast", door);
    EXPECT_LE(had, kLimit + kBeside) << door;
    EXPECT_GE(had, kLimit - kBeside) << door;
  }
}

TEST(Memory, ThatIsMadeUnwritableWhileTheLibraryIsMappedIsCounted) {
  if (worker::sanitized()) GTEST_SKIP() << "builds with a sanitizer have no limit on memory";
  const std::int64_t had = hoarded("beast-hoard", "heap");
  EXPECT_GE(had, kLimit - kBeside);
  EXPECT_LE(had, kLimit + kBeside + kWhileMapped);
}

}  // namespace
}  // namespace rabt::plugin::test::memory_test
