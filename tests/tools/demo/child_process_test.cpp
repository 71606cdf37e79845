#include "tools/demo/child_process.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/eventually.hpp"

namespace rabt::demo::child_process_test {
namespace {

namespace fs = std::filesystem;

bool exists(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

TEST(ChildProcess, OutputGoesToTheFileAndTheEndIsSeen) {
  std::string folder = (fs::temp_directory_path() / "rabt-child-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ChildProcess child;
  ASSERT_TRUE(child.start({"/bin/sh", "-c", "echo out; echo err >&2"}, folder + "/out").ok());
  EXPECT_TRUE(test::eventually([&] { return !child.running(); }));
  std::ifstream in(folder + "/out");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "out\nerr\n");
  fs::remove_all(folder);
}

TEST(ChildProcess, KillAndDestructionEndIt) {
  pid_t pid = -1;
  {
    ChildProcess child;
    ASSERT_TRUE(child.start({"/bin/sleep", "60"}, "").ok());
    pid = child.pid();
    EXPECT_TRUE(child.running());
  }
  EXPECT_FALSE(exists(pid));
  ChildProcess second;
  ASSERT_TRUE(second.start({"/bin/sleep", "60"}, "").ok());
  pid = second.pid();
  second.kill();
  EXPECT_FALSE(exists(pid));
  EXPECT_FALSE(second.running());
  second.kill();  // twice is allowed
}

TEST(ChildProcess, WhatDoesNotExistIsNamed) {
  ChildProcess child;
  const Status status = child.start({"/nowhere/program"}, "");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "demo.spawn");
  EXPECT_NE(status.error().message.find("/nowhere/program"), std::string::npos);
  EXPECT_FALSE(child.running());
}

// Symptom: a server that was started while its starter waited for signals could only be killed.
TEST(ChildProcess, SignalsThatItsStarterBlocksReachIt) {
  sigset_t mine;
  sigset_t before;
  sigemptyset(&mine);
  sigaddset(&mine, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &mine, &before);
  ChildProcess child;
  const bool started = child.start({"/bin/sleep", "60"}, "").ok();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_TRUE(started);
  ASSERT_EQ(::kill(child.pid(), SIGTERM), 0);
  child.wait(5'000);
  EXPECT_FALSE(child.running());
}

}  // namespace
}  // namespace rabt::demo::child_process_test
