#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/keys/support.hpp"

// Keys in the memory of a process and in a core file.
namespace rabt::keys::memory_test {
namespace {

using rabt::test::must;
using test::House;

// Every key that this makes is the same 16 bytes twice. They never stand in this program's memory
// but where a key does: the search compares through a mask.
class SentinelRandom final : public Random {
 public:
  static constexpr std::uint8_t kMask = 0xa7;
  static constexpr std::array<std::uint8_t, 16> kMasked = {0x13, 0x9c, 0x71, 0xe4, 0x05, 0xd8,
                                                           0x4b, 0x26, 0xf2, 0x6a, 0x90, 0x3d,
                                                           0xb1, 0x58, 0xcf, 0x87};
  void fill(std::span<std::uint8_t> out) override {
    system_.fill(out);
    // Volatile: no vector register is to hold the sentinel and be spilled.
    volatile std::uint8_t* bytes = out.data();
    if (out.size() != 32) return;
    for (std::size_t i = 0; i < out.size(); ++i)
      bytes[i] = static_cast<std::uint8_t>(kMasked[i % 16] ^ kMask);
  }

 private:
  SystemRandom system_;
};

// Places in the bytes where a sentinel stands.
std::size_t count_in(const char* bytes, std::size_t size) {
  constexpr int kFirst = SentinelRandom::kMasked[0] ^ SentinelRandom::kMask;
  std::size_t found = 0;
  const char* const end = bytes + size;
  for (const char* at = bytes; end - at >= 16; ++at) {
    at = static_cast<const char*>(std::memchr(at, kFirst, static_cast<std::size_t>(end - at)));
    if (at == nullptr || end - at < 16) break;
    std::size_t same = 0;
    while (same < 16 && (static_cast<std::uint8_t>(at[same]) ^ SentinelRandom::kMask) ==
                            SentinelRandom::kMasked[same]) {
      ++same;
    }
    if (same == 16) ++found;
  }
  return found;
}

// In all readable memory of this process.
std::size_t count_in_memory() {
  std::ifstream maps("/proc/self/maps");
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) return 0;
  std::size_t found = 0;
  std::string line;
  std::vector<char> buffer;
  while (std::getline(maps, line)) {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    char mode[8] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %7s", &from, &to, mode) != 3 || mode[0] != 'r') continue;
    if (line.find("[v") != std::string::npos || to - from > (1ULL << 30U)) continue;
    buffer.resize(to - from);
    const ssize_t got = ::pread(memory, buffer.data(), buffer.size(), static_cast<off_t>(from));
    if (got <= 0) continue;
    // The copy in the buffer is not a place of its own: the buffer's own mapping is wiped first.
    found += count_in(buffer.data(), static_cast<std::size_t>(got));
    std::fill(buffer.begin(), buffer.end(), '\0');
  }
  ::close(memory);
  return found;
}

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() : folder_(test::make_folder()) {}
  ~MemoryTest() override { std::filesystem::remove_all(folder_); }
  const rabt::test::StoreUnderTest database_;
  std::string folder_;
  SentinelRandom random_;
};

TEST_F(MemoryTest, ShowsNoKeyOnceItsTimeHasPassed) {
  House house(folder_, database_, &random_);
  {
    // Made, stored, used, rotated and opened again: every way that a key takes.
    const NewDataKey own = house.make();
    const auto shared = must(house.keys->shared("t1", kEvent));
    SystemRandom other;  // a header's random bytes are public, and as long as a key
    const std::string sealed = own.key->seal({"t1", "x", "1", "y"}, "text", other);
    (void)must(own.key->open({"t1", "x", "1", "y"}, sealed));
    const Order order{.actor = "t", .reason = "r", .client = {}, .request = {}};
    (void)must(house.admin->rotate_root(order, true));
    (void)must(house.admin->rotate_tenant(order));
    (void)must(house.admin->rotate_bucket(order, own.bucket));
    (void)must(house.admin->rewrap_now(order, true));
    (void)must(house.keyring->blind_index("t1", "mrn", "1"));
    EXPECT_EQ(house.open(own.id), "ok");
  }
  EXPECT_GT(count_in_memory(), 0U) << "the search finds nothing even while keys are open";
  house.clock.advance_ms(DataKeys::kTtlMs);
  house.keys->sweep();
  EXPECT_EQ(count_in_memory(), 0U);
}

// A core file of a process whose keys are open, as the kernel writes it.
TEST_F(MemoryTest, ACoreFileHoldsNoKeyEvenWhileKeysAreOpen) {
  std::ifstream setting("/proc/sys/kernel/core_pattern");
  std::string pattern;
  std::getline(setting, pattern);
  if (pattern.empty() || pattern[0] == '|' || pattern[0] == '/')
    GTEST_SKIP() << "core files go elsewhere here: " << pattern;
  rlimit most{};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &most), 0);
  if (most.rlim_max == 0) GTEST_SKIP() << "core files are not allowed here";
  const pid_t child = ::fork();
  if (child == 0) {
    // A hub forbids core files: here the locked memory alone has to hold.
    most.rlim_cur = most.rlim_max;
    if (::setrlimit(RLIMIT_CORE, &most) != 0 || ::chdir(folder_.c_str()) != 0) ::_exit(1);
    ::prctl(PR_SET_DUMPABLE, 1);
    House house(folder_, database_, &random_);
    const NewDataKey own = house.make();
    const auto keys = must(house.keyring->tenant("t1"));
    ::signal(SIGABRT, SIG_DFL);
    ::abort();
  }
  int state = 0;
  ASSERT_EQ(::waitpid(child, &state, 0), child);
  ASSERT_TRUE(WIFSIGNALED(state));
  std::string bytes;
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    if (!file.path().filename().string().starts_with("core")) continue;
    std::ifstream in(file.path(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  if (bytes.empty()) GTEST_SKIP() << "the kernel wrote no core file";
  EXPECT_GT(bytes.size(), 100'000U);
  EXPECT_EQ(count_in(bytes.data(), bytes.size()), 0U);
}

}  // namespace
}  // namespace rabt::keys::memory_test
