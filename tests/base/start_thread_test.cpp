#include "hub/base/start_thread.hpp"

#include <gtest/gtest.h>

#include "tests/no_threads.hpp"

namespace rabt::start_thread_test {
namespace {

TEST(StartThread, RunsTheWork) {
  bool ran = false;
  auto thread = start_thread([&ran] { ran = true; });
  ASSERT_TRUE(thread.ok());
  thread->join();
  EXPECT_TRUE(ran);
}

TEST(StartThread, IsAnErrorWhereTheSystemGivesNoThread) {
  const test::NoThreads none;
  const auto thread = start_thread([] {});
  ASSERT_FALSE(thread.ok());
  EXPECT_EQ(thread.error().code, "process.threads");
}

}  // namespace
}  // namespace rabt::start_thread_test
