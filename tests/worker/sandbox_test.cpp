#include "hub/worker/sandbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

namespace rabt::worker {
namespace {

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}
bool put(const char* path, const std::string& text) {
  const Descriptor file(::open(path, O_WRONLY | O_CLOEXEC));
  return file.open() && write_all(file.get(), text);
}

// A process in the sandbox, which waits to be looked at.
struct Boxed {
  // prepare: runs in it before; false when the system does not allow that.
  template <typename Prepare>
  explicit Boxed(const Prepare& prepare) {
    int told[2];
    EXPECT_EQ(::pipe2(told, O_CLOEXEC), 0);
    pid = ::fork();
    if (pid == 0) {
      if (prepare()) {
        const Applied applied = enter_sandbox(Limits{}, 1);
        if (::write(told[1], &applied.parts, sizeof applied.parts) < 0) ::_exit(1);
        while (true) ::sleep(1000);
      }
      ::_exit(0);
    }
    EXPECT_GT(pid, 0) << "no process";
    ::close(told[1]);
    stands = ::read(told[0], &parts, sizeof parts) == static_cast<ssize_t>(sizeof parts);
    ::close(told[0]);
  }
  ~Boxed() {
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  Boxed(const Boxed&) = delete;
  Boxed& operator=(const Boxed&) = delete;
  [[nodiscard]] std::string proc(const char* name) const {
    return content("/proc/" + std::to_string(pid) + "/" + name);
  }
  [[nodiscard]] bool has(Part part) const {
    return (parts & static_cast<std::uint32_t>(part)) != 0;
  }

  pid_t pid = -1;
  bool stands = false;
  std::uint32_t parts = 0;
};

void expect_no_capabilities(const Boxed& boxed) {
  const std::string status = boxed.proc("status");
  for (const char* const set : {"CapPrm", "CapEff", "CapInh", "CapAmb"})
    EXPECT_NE(status.find(std::string(set) + ":\t0000000000000000"), std::string::npos) << status;
}

TEST(Sandbox, LeavesNoCapabilityAndIsTheFirstToGoWhenMemoryIsShort) {
  const Boxed boxed([] { return true; });
  ASSERT_TRUE(boxed.stands);
  EXPECT_TRUE(boxed.has(Part::identity)) << missing_parts(boxed.parts);
  expect_no_capabilities(boxed);
  EXPECT_EQ(boxed.proc("oom_score_adj"), "1000\n");
}

// A container whose only user is root: it cannot become anybody else.
TEST(Sandbox, OfARootThatCannotBecomeNobodyLeavesNoCapabilityAndSaysSo) {
  const auto user = std::to_string(::geteuid());
  const auto group = std::to_string(::getegid());
  const Boxed boxed([&] {
    return ::unshare(CLONE_NEWUSER) == 0 && put("/proc/self/setgroups", "deny") &&
           put("/proc/self/uid_map", "0 " + user + " 1") &&
           put("/proc/self/gid_map", "0 " + group + " 1") && ::geteuid() == 0;
  });
  if (!boxed.stands) GTEST_SKIP() << "this system lets nobody make a user namespace";
  EXPECT_FALSE(boxed.has(Part::identity));
  EXPECT_NE(missing_parts(boxed.parts).find("identity"), std::string::npos);
  EXPECT_NE(boxed.parts & kRequiredParts, kRequiredParts);
  expect_no_capabilities(boxed);
}

}  // namespace
}  // namespace rabt::worker
