#include "hub/assembly/process_memory.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cli/shell.hpp"

namespace rabt::assembly::process_memory_test {
namespace {

TEST(ProcessMemory, LeavesNoCoreAndLetsNoDebuggerAttach) {
  const pid_t child = ::fork();  // what is forbidden cannot be allowed again
  ASSERT_GE(child, 0);
  if (child == 0) {
    rlimit limit{};
    const bool forbidden = forbid_core_dumps() && ::getrlimit(RLIMIT_CORE, &limit) == 0 &&
                           limit.rlim_cur == 0 && limit.rlim_max == 0 &&
                           ::prctl(PR_GET_DUMPABLE) == 0;
    ::_exit(forbidden ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Each waits for its configuration, which is a pipe that nobody writes: by then it has forbidden
// them.
TEST(ProcessMemory, IsClosedBeforeAnyCommandReadsItsConfiguration) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &limit), 0);
  if (limit.rlim_max == 0) GTEST_SKIP() << "this shell allows no core files to begin with";
  const auto closed = [](const std::string& command) {
    const cli::Ran ran = cli::run(R"(mkfifo config
"$RABT_BUILD_DIR/bin/rabt" )" + command +
                                  R"( --config config &
pid=$!
for i in $(seq 100); do
  case $(readlink /proc/$pid/exe) in */rabt) ;; *) sleep 0.02; continue ;; esac
  grep -q '^Max core file size  *0  *0 ' /proc/$pid/limits && echo closed && break
  sleep 0.02
done
kill -9 $pid)");
    return ran.out == "closed\n";
  };
  for (const char* command :
       {"serve", "keys status", "keys shred event/2026-01 --reason r", "keys release c --reason r",
        "audit verify", "audit prove --entry 1", "audit export --format jsonl --reason r",
        "audit report --break-glass --reason r", "instances"}) {
    EXPECT_TRUE(closed(command)) << command;
  }
  EXPECT_FALSE(closed("serve --allow-debugging"));
}

}  // namespace
}  // namespace rabt::assembly::process_memory_test
