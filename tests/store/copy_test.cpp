// A copy of a database that is in use.
#include "hub/store/sqlite/copy.hpp"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/store/support.hpp"

namespace rabt::store::test::copy_test {
namespace {

using namespace std::chrono_literals;

std::int64_t rows_of(const std::string& path) {
  const auto reader = open_sqlite_reader(path);
  EXPECT_TRUE(reader.ok());
  std::int64_t rows = -1;
  EXPECT_TRUE((*reader)
                  ->query(kCount, {},
                          [&rows](const Row& row) {
                            rows = row.integer(0);
                            return false;
                          })
                  .ok());
  return rows;
}

// Symptom: the documented `sqlite3 ".backup"` did not end beside a busy hub. Cause: it copies in
// steps and begins anew at each commit of another connection. The writer here never rests.
TEST(Copy, EndsBesideAWriterThatNeverRestsAndHoldsOneCommit) {
  const Folder folder;
  const auto store = folder.open();
  for (std::int64_t id = 0; id < 500; ++id)
    ASSERT_TRUE(store->write(insert(id, std::string(20'000, 'b'))).ok());
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> written{500};
  std::thread writer([&] {
    while (!stop) {
      if (store->write(insert(written, std::string(500, 'b'))).ok()) ++written;
    }
  });
  for (int round = 0; round < 3; ++round) {
    const std::string copy = (folder.path() / ("copy" + std::to_string(round))).string();
    const std::int64_t before = written;
    const Status copied = copy_sqlite(folder.options().path, copy);
    ASSERT_TRUE(copied.ok()) << copied.error().message;
    const std::int64_t after = written + 1;
    EXPECT_TRUE(check_sqlite(copy).ok());
    const std::int64_t rows = rows_of(copy);
    EXPECT_GE(rows, before);
    EXPECT_LE(rows, after);
    struct stat info {};
    ASSERT_EQ(::stat(copy.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    EXPECT_FALSE(std::filesystem::exists(copy + "-wal")) << "it is a file of its own";
    EXPECT_FALSE(std::filesystem::exists(copy + "-shm"));
  }
  stop = true;
  writer.join();
}

TEST(Copy, OverwritesNothingAndLeavesNothingWhenItFails) {
  const Folder folder;
  const auto store = folder.open();
  const std::string copy = (folder.path() / "copy").string();
  std::ofstream(copy) << "kept";
  EXPECT_EQ(copy_sqlite(folder.options().path, copy).error().code, "store.open");
  EXPECT_EQ(std::filesystem::file_size(copy), 4U);
  const std::string other = (folder.path() / "other").string();
  EXPECT_EQ(copy_sqlite((folder.path() / "absent").string(), other).error().code, "store.open");
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST(Copy, ADamagedCopyIsFound) {
  const Folder folder;
  const std::string copy = (folder.path() / "copy").string();
  {
    const auto store = folder.open();
    for (std::int64_t id = 0; id < 100; ++id)
      ASSERT_TRUE(store->write(insert(id, std::string(3000, 'b'))).ok());
    ASSERT_TRUE(copy_sqlite(folder.options().path, copy).ok());
  }
  ASSERT_TRUE(check_sqlite(copy).ok());
  std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
  for (int page = 3; page < 30; ++page) {
    file.seekp(page * 4096);
    file << std::string(64, '\xff');
  }
  file.close();
  EXPECT_FALSE(check_sqlite(copy).ok());
}

}  // namespace
}  // namespace rabt::store::test::copy_test
