#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "hub/base/bytes.hpp"
#include "hub/base/limits.hpp"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test {
namespace {

BlobInfo store_blob(Hub& hub, const std::string& content) {
  auto writer = hub.blobs->create("t1", "video/webm");
  EXPECT_TRUE(writer.ok());
  for (std::size_t at = 0; at < content.size(); at += 70'000) {
    EXPECT_TRUE((*writer)->write(std::string_view(content).substr(at, 70'000)).ok());
  }
  auto info = (*writer)->finish();
  EXPECT_TRUE(info.ok()) << info.error().message;
  return *info;
}
Result<std::string> read_blob(Hub& hub, const std::string& id) {
  std::string out;
  const Status status = hub.blobs->read("t1", id, [&out](std::string_view piece) {
    out += piece;
    return ok_status();
  });
  if (!status.ok()) return status.error();
  return out;
}
Status adopt(Hub& hub, const std::string& id, const std::string& owner) {
  return hub.store->write([&](store::Transaction& transaction) {
    return hub.blobs->adopt(transaction, "t1", id, owner);
  });
}
std::size_t files(Hub& hub) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(hub.folder.path() + "/blobs"))
    ++count;
  return count;
}

TEST(Blobs, GiveBackWhatWasWritten) {
  Hub hub;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, limits::kSealSegment - 1,
                                 limits::kSealSegment, limits::kSealSegment * 2 + 17}) {
    std::string content(size, 'a');
    for (std::size_t i = 0; i < size; i += 977) content[i] = static_cast<char>('b' + i % 23);
    const BlobInfo info = store_blob(hub, content);
    EXPECT_EQ(info.bytes, size);
    EXPECT_EQ(info.sha256, to_hex(crypto::sha256(content)));
    const auto read = read_blob(hub, info.id);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, content);
  }
}

TEST(Blobs, AreSealedAndPrivateOnDisk) {
  Hub hub;
  std::string content(100'000, 'P');
  content += "patient";
  const BlobInfo info = store_blob(hub, content);
  const std::string path = hub.folder.path() + "/blobs/" + info.id;
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  std::ifstream file(path, std::ios::binary);
  const std::string raw((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(raw.find("patient"), std::string::npos);
  EXPECT_EQ(raw.find("PPPPPPPP"), std::string::npos);
}

TEST(Blobs, ChangedOrCutFilesDoNotOpen) {
  Hub hub;
  const std::string content(2'500'000, 'x');
  for (const char* how : {"flip", "cut", "gone"}) {
    const BlobInfo info = store_blob(hub, content);
    const std::string path = hub.folder.path() + "/blobs/" + info.id;
    if (std::string(how) == "flip") {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(1'500'000);
      file.put('!');
    } else if (std::string(how) == "cut") {
      std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    } else {
      std::filesystem::remove(path);
    }
    const auto read = read_blob(hub, info.id);
    ASSERT_FALSE(read.ok()) << how;
    EXPECT_EQ(read.error().kind, ErrorKind::corrupt) << how;
  }
}

TEST(Blobs, AFileUnderAnotherIdDoesNotOpen) {
  Hub hub;
  const BlobInfo a = store_blob(hub, "content of a");
  const BlobInfo b = store_blob(hub, "content of b");
  const std::string folder = hub.folder.path() + "/blobs/";
  std::filesystem::copy_file(folder + a.id, folder + b.id,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(read_blob(hub, b.id).ok());
}

TEST(Blobs, AnUnfinishedBlobLeavesNothing) {
  Hub hub;
  {
    auto writer = hub.blobs->create("t1", "");
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->write(std::string(3'000'000, 'x')).ok());
    EXPECT_EQ(files(hub), 1U);
    hub.blobs->sweep();
    EXPECT_EQ(files(hub), 1U) << "one that is being written is not swept";
  }
  EXPECT_EQ(files(hub), 0U);
}

TEST(Blobs, UnknownIdsAndForeignTenantsAreNotFound) {
  Hub hub;
  const BlobInfo info = store_blob(hub, "x");
  EXPECT_EQ(hub.blobs->find("t2", info.id).error().kind, ErrorKind::not_found);
  EXPECT_EQ(hub.blobs->find("t1", "../../etc/passwd").error().code, "blob.unknown");
  EXPECT_EQ(read_blob(hub, "01JZZZZZZZZZZZZZZZZZZZZZZZ").error().code, "blob.unknown");
}

TEST(Blobs, HaveOneOwner) {
  Hub hub;
  const BlobInfo info = store_blob(hub, "x");
  EXPECT_EQ(info.owner, "");
  EXPECT_TRUE(adopt(hub, info.id, "recording:1").ok());
  EXPECT_TRUE(adopt(hub, info.id, "recording:1").ok()) << "the same again";
  EXPECT_EQ(adopt(hub, info.id, "recording:2").error().code, "blob.owned");
  EXPECT_EQ(adopt(hub, "01JZZZZZZZZZZZZZZZZZZZZZZZ", "r").error().code, "blob.unknown");
  EXPECT_EQ(hub.blobs->find("t1", info.id)->owner, "recording:1");
}

TEST(Blobs, SweepRemovesWhatNobodyTookOverAndWhatACrashLeft) {
  Hub hub(true);
  const BlobInfo kept = store_blob(hub, "kept");
  const BlobInfo orphan = store_blob(hub, "orphan");
  ASSERT_TRUE(adopt(hub, kept.id, "recording:1").ok());
  const std::string folder = hub.folder.path() + "/blobs/";
  std::ofstream(folder + hub.ids.next().text() + ".part") << "half";
  std::ofstream(folder + hub.ids.next().text()) << "renamed, but its row was never committed";
  std::ofstream(folder + "notes.txt") << "not ours";
  hub.blobs->sweep();
  EXPECT_EQ(files(hub), 3U);
  hub.fake.advance_ms(std::chrono::milliseconds(limits::kOrphanBlobAge).count());
  hub.blobs->sweep();
  EXPECT_TRUE(hub.blobs->find("t1", orphan.id).ok()) << "exactly at the limit it stays";
  hub.fake.advance_ms(1);
  hub.blobs->sweep();
  EXPECT_FALSE(hub.blobs->find("t1", orphan.id).ok());
  EXPECT_TRUE(read_blob(hub, kept.id).ok());
  EXPECT_EQ(files(hub), 2U);
}

}  // namespace
}  // namespace rabt::plugin::test
