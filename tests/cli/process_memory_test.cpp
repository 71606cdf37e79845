#include "hub/cli/process_memory.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rabt::cli {
namespace {

TEST(ProcessMemory, leaves_no_core_and_lets_no_debugger_attach) {
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

}  // namespace
}  // namespace rabt::cli
