#include "hub/base/locked_memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "hub/base/bytes.hpp"

namespace rabt::locked_memory_test {
namespace {

// The run time of the sanitizers replaces mlock by a function that does nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool system_locks = false;
#else
constexpr bool system_locks = true;
#endif

// The flags of the mapping that holds the address, from the kernel: lo locked, dd not dumped, wf
// wiped on fork.
std::string flags_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(maps, line)) {
    const auto dash = line.find('-');
    if (dash != std::string::npos && line.find(' ') > dash && dash < 17) {
      const auto from = std::stoull(line.substr(0, dash), nullptr, 16);
      const auto to = std::stoull(line.substr(dash + 1), nullptr, 16);
      inside = wanted >= from && wanted < to;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line + " ";
    }
  }
  return {};
}

TEST(LockedMemory, IsLockedLeftOutOfCoreFilesAndEmptyInAChild) {
  for (const std::size_t size : {std::size_t{32}, std::size_t{2048}, std::size_t{100'000}}) {
    SecretBytes secret = SecretBytes::of_size(size);
    std::fill(secret.fill().begin(), secret.fill().end(), std::uint8_t{0x5a});
    const std::string flags = flags_of(secret.expose().data());
    EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
    EXPECT_NE(flags.find(" wf "), std::string::npos) << flags;
    EXPECT_TRUE(!system_locks || locked_memory().error != 0 ||
                flags.find(" lo ") != std::string::npos)
        << flags;
    const pid_t child = ::fork();
    if (child == 0) {
      const auto bytes = secret.expose();
      ::_exit(std::all_of(bytes.begin(), bytes.end(), [](auto b) { return b == 0; }) ? 0 : 1);
    }
    int state = 0;
    ::waitpid(child, &state, 0);
    EXPECT_EQ(state, 0) << size;
    EXPECT_EQ(secret.expose()[size - 1], 0x5a);
  }
}

TEST(LockedMemory, IsWipedWhenItIsGivenBack) {
  // Small memory stays mapped: it can be looked at.
  auto memory = locked_allocate(32);
  std::fill(memory.begin(), memory.end(), std::uint8_t{0x5a});
  locked_free(memory);
  EXPECT_TRUE(std::all_of(memory.begin(), memory.end(), [](auto b) { return b == 0; }));
  EXPECT_TRUE(locked_allocate(0).empty());
}

TEST(LockedMemory, GivesEveryPieceToOneOwnerOnly) {
  std::vector<SecretBytes> all;
  for (int i = 0; i < 5000; ++i) {
    all.push_back(SecretBytes::of_size(static_cast<std::size_t>(1 + i % 300)));
    std::fill(all.back().fill().begin(), all.back().fill().end(), static_cast<std::uint8_t>(i));
    if (i % 3 == 0) all[static_cast<std::size_t>(i / 2)] = SecretBytes();
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const auto byte : all[i].expose()) ASSERT_EQ(byte, static_cast<std::uint8_t>(i));
  }
}

// In a process of its own, since what is locked stays locked.
TEST(LockedMemory, WorksUnlockedAndSaysSoWhenNothingMayBeLocked) {
  if (!system_locks) GTEST_SKIP() << "a sanitizer replaces mlock";
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_MEMLOCK, &none);
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);  // root may lock whatever the limit
    std::vector<SecretBytes> secrets;
    for (int i = 0; i < 40; ++i) {
      secrets.push_back(SecretBytes::of_size(65536));
      secrets.back().fill()[65535] = 7;
    }
    const LockedMemory state = locked_memory();
    ::_exit(state.unlocked_bytes >= 40 * 65536 && state.error != 0 ? 0 : 1);
  }
  int state = 0;
  ::waitpid(child, &state, 0);
  EXPECT_EQ(state, 0);
}

}  // namespace
}  // namespace rabt::locked_memory_test
