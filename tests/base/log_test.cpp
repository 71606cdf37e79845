#include "hub/base/log.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/must.hpp"

namespace rabt::log_test {
namespace {

// Lines of one logger on standard error, where $JOURNAL_STREAM names `stream` or, if that is
// empty, standard error itself.
std::string written(std::string stream) {
  char name[] = "/tmp/rabt-log-XXXXXX";
  const int file = ::mkstemp(name);
  EXPECT_GE(file, 0);
  ::unlink(name);
  struct stat at {};
  EXPECT_EQ(::fstat(file, &at), 0);
  if (stream.empty()) stream = std::to_string(at.st_dev) + ":" + std::to_string(at.st_ino);
  const int before = ::dup(STDERR_FILENO);
  ::dup2(file, STDERR_FILENO);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  const auto log = test::must(make_logger(LogLevel::debug));
  log->error("an.error", {});
  log->warn("a.warning", {});
  log->info("a.note", {});
  log->debug("a.detail", {});
  ::unsetenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe)
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  std::string text(4096, '\0');
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  ::close(file);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

TEST(Log, GivesTheJournalTheLevelOfEachLine) {
  const std::string text = written({});
  for (const char* begin : {"<3>{", "\n<4>{", "\n<6>{", "\n<7>{"})
    EXPECT_NE(text.find(begin), std::string::npos) << begin << " in " << text;
}

TEST(Log, AFileThatCannotBeWrittenIsAnErrorThatNamesIt) {
  const auto log = make_logger(LogLevel::info, "/proc/rabt/hub.log");
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().code, "log.file");
  EXPECT_NE(log.error().message.find("/proc/rabt/hub.log"), std::string::npos);
}

TEST(Log, WritesNoLevelInFrontWhereStandardErrorIsNotTheJournal) {
  EXPECT_EQ(written("8:12345").front(), '{');
}

}  // namespace
}  // namespace rabt::log_test
