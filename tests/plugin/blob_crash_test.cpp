#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "hub/base/bytes.hpp"
#include "tests/audit_and_keys.hpp"
#include "tests/keyring.hpp"
#include "tests/plugin/support.hpp"
#include "tests/store_under_test.hpp"

// An upload whose process dies goes on in the next one.
namespace rabt::plugin::test::blob_crash_test {
namespace {

// A blob store on a folder that outlives it.
struct Blobs {
  Blobs(const rabt::test::StoreUnderTest& database, const std::string& folder)
      : ids(clock, random) {
    store = database.open(folder, log);
    keyring = rabt::test::open_keyring(folder, clock, random);
    keys = rabt::test::open_data_keys(*keyring, *store, clock, random, ids);
    blobs =
        blob::make_blob_store(folder + "/blobs", *store, *keys, clock, random, ids, log).value();
  }
  RecordingLogger log;
  SystemClock clock;
  SystemRandom random;
  UlidSource ids;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<crypto::Keyring> keyring;
  std::unique_ptr<keys::DataKeys> keys;
  std::unique_ptr<blob::BlobStore> blobs;
};

// The content at any place, so that a test of any length needs no memory for it.
std::string content(std::uint64_t from, std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t at = from + i;
    out[i] = static_cast<char>(at * 2654435761U >> 11U ^ at >> 20U);
  }
  return out;
}

constexpr std::size_t kPiece = 50'000;
constexpr std::uint64_t kBytes = 20'000'000;

// Writes the content from where it stands, piece by piece, until it is killed. Tells each length on
// the pipe before the next piece is written. Never returns.
[[noreturn]] void child(const rabt::test::StoreUnderTest& database, const std::string& folder,
                        std::string id, int pipe) {
  Blobs hub(database, folder);
  auto writer = id.empty() ? hub.blobs->create("t1", "video/webm") : hub.blobs->resume("t1", id);
  if (!writer.ok()) ::_exit(3);
  id = (*writer)->id();
  if (::write(pipe, id.data(), id.size()) != static_cast<ssize_t>(id.size())) ::_exit(4);
  while (true) {
    const std::uint64_t at = (*writer)->bytes();
    if (::write(pipe, &at, sizeof at) != sizeof at) ::_exit(4);
    if (at < kBytes) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, kBytes - at));
      if (!(*writer)->write(content(at, size)).ok()) ::_exit(5);
    } else {
      ::pause();  // all is written, nothing is finished
    }
  }
}

TEST(BlobsAfterACrash, GoOnWhereTheyWereKilled) {
  const TempFolder folder;
  const rabt::test::StoreUnderTest database;
  std::string id;
  std::uint64_t reached = 0;
  int kills = 0;
  // Each child dies about 2.3 MB further on, in the middle of a segment.
  while (reached < kBytes) {
    const std::uint64_t goal = reached + 2'300'000;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      ::close(ends[0]);
      child(database, folder.path(), id, ends[1]);
    }
    ::close(ends[1]);
    std::string name(26, '\0');
    ASSERT_EQ(::read(ends[0], name.data(), name.size()), 26);
    ASSERT_TRUE(id.empty() || id == name);
    id = name;
    std::uint64_t first = UINT64_MAX;
    std::uint64_t at = 0;
    while (::read(ends[0], &at, sizeof at) == sizeof at) {
      if (first == UINT64_MAX) first = at;
      if (at >= goal || at >= kBytes) break;
    }
    ::kill(pid, SIGKILL);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
    EXPECT_EQ(first % crypto::kStreamSegment, 0U);
    // No more than the segment that was open, and the one that waits to be known as not the last,
    // is sent again.
    EXPECT_GE(first + 2 * crypto::kStreamSegment + kPiece, reached);
    reached = at;
    ++kills;
  }
  EXPECT_GE(kills, 8);

  Blobs hub(database, folder.path());
  hub.blobs->sweep();
  auto writer = hub.blobs->resume("t1", id);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  const std::uint64_t from = (*writer)->bytes();
  ASSERT_TRUE((*writer)->write(content(from, static_cast<std::size_t>(kBytes - from))).ok());
  const auto info = (*writer)->finish();
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(info->bytes, kBytes);
  EXPECT_EQ(info->sha256, to_hex(crypto::sha256(content(0, kBytes))));
  auto reader = hub.blobs->open("t1", id);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  std::uint64_t seen = 0;
  ASSERT_TRUE((*reader)
                  ->read(0, kBytes,
                         [&seen](std::string_view piece) -> Status {
                           if (piece != content(seen, piece.size()))
                             return corrupt("test.content", "differs");
                           seen += piece.size();
                           return ok_status();
                         })
                  .ok());
  EXPECT_EQ(seen, kBytes);
}

// Crash between the rename and the commit.
TEST(BlobsAfterACrash, GoOnWhenOnlyTheCommitWasMissing) {
  const TempFolder folder;
  const rabt::test::StoreUnderTest database;
  Blobs hub(database, folder.path());
  auto writer = hub.blobs->create("t1", "");
  ASSERT_TRUE(writer.ok());
  const std::string id = (*writer)->id();
  ASSERT_TRUE((*writer)->write(content(0, 1'500'000)).ok());
  (*writer)->suspend();
  writer->reset();
  const std::string file = folder.path() + "/blobs/" + id;
  std::filesystem::rename(file + ".part", file);
  auto again = hub.blobs->resume("t1", id);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ((*again)->bytes(), crypto::kStreamSegment);
  ASSERT_TRUE((*again)->finish().ok());
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
}

}  // namespace
}  // namespace rabt::plugin::test::blob_crash_test
