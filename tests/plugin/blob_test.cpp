#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "hub/base/bytes.hpp"
#include "hub/base/limits.hpp"
#include "tests/must.hpp"
#include "tests/number_of.hpp"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::blob_test {
namespace {

using rabt::test::must;

blob::BlobInfo store_blob(Hub& hub, const std::string& content) {
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
  RABT_TRY(reader, hub.blobs->open("t1", id));
  RABT_TRY_STATUS(reader->read(0, reader->info().bytes, [&out](std::string_view piece) {
    out += piece;
    return ok_status();
  }));
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
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, crypto::kStreamSegment - 1,
                                 crypto::kStreamSegment, crypto::kStreamSegment * 2 + 17}) {
    std::string content(size, 'a');
    for (std::size_t i = 0; i < size; i += 977) content[i] = static_cast<char>('b' + i % 23);
    const blob::BlobInfo info = store_blob(hub, content);
    EXPECT_EQ(info.bytes, size);
    EXPECT_EQ(info.sha256, to_hex(crypto::sha256(content)));
    const auto read = read_blob(hub, info.id);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, content);
  }
}

// The most memory that this process has held since the last call, in KiB.
std::int64_t peak_kib() {
  std::int64_t peak = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) peak = std::stoll(line.substr(6));
  }
  std::ofstream("/proc/self/clear_refs") << "5";
  return peak;
}

TEST(SlowBlobs, ARecordingOfTwoHoursTakesNoMoreMemoryThanAShortOne) {
  Hub hub;
  const std::string piece(100'000, 'p');
  const auto kept = [&](int pieces) {
    (void)peak_kib();
    auto writer = hub.blobs->create("t1", "video/webm");
    ASSERT_TRUE(writer.ok());
    for (int i = 0; i < pieces; ++i) ASSERT_TRUE((*writer)->write(piece).ok());
    const auto info = (*writer)->finish();
    ASSERT_TRUE(info.ok()) << info.error().message;
    auto reader = hub.blobs->open("t1", info->id);
    ASSERT_TRUE(reader.ok());
    std::uint64_t read = 0;
    EXPECT_TRUE((*reader)
                    ->read(0, info->bytes,
                           [&](std::string_view part) {
                             read += part.size();
                             return ok_status();
                           })
                    .ok());
    EXPECT_EQ(read, piece.size() * static_cast<std::size_t>(pieces));
  };
  kept(160);
  const std::int64_t few = peak_kib();
  // 900 kbit a second.
  kept(8'100);
  const std::int64_t many = peak_kib();
  EXPECT_GT(few, 0);
  EXPECT_LT(many, few + 16 * 1024);
}

TEST(Blobs, AreSealedAndPrivateOnDisk) {
  Hub hub;
  std::string content(100'000, 'P');
  content += "patient";
  const blob::BlobInfo info = store_blob(hub, content);
  const std::string path = hub.folder.path() + "/blobs/" + info.id;
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  std::ifstream file(path, std::ios::binary);
  const std::string raw((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(raw.find("patient"), std::string::npos);
  EXPECT_EQ(raw.find("PPPPPPPP"), std::string::npos);
}

// Whole segments are moved too: each way leaves segments that were all sealed for this blob.
TEST(Blobs, ChangedCutDoubledOrSwappedFilesDoNotOpen) {
  Hub hub;
  std::string content(3'500'000, 'x');
  for (std::size_t i = 0; i < content.size(); i += 977) content[i] = static_cast<char>(i % 251);
  constexpr std::size_t kHeader = 75;
  constexpr std::size_t kSegment = 1U << 20U;
  const std::vector<std::pair<std::string, std::function<void(std::string&)>>> ways = {
      {"suite", [](std::string& file) { file[0] = 1; }},
      {"header", [](std::string& file) { file[20] ^= 1; }},
      {"flip", [](std::string& file) { file[1'500'000] ^= 1; }},
      {"flip at the end", [](std::string& file) { file.back() ^= 1; }},
      {"cut", [](std::string& file) { file.resize(file.size() / 2); }},
      {"cut by a byte", [](std::string& file) { file.pop_back(); }},
      {"cut at a segment", [](std::string& file) { file.resize(kHeader + 3 * kSegment); }},
      {"longer", [](std::string& file) { file += '\0'; }},
      {"doubled", [](std::string& file) { file += file; }},
      {"segment doubled",
       [](std::string& file) { file.insert(kHeader, file.substr(kHeader, kSegment)); }},
      {"segment over another",
       [](std::string& file) {
         file.replace(kHeader, kSegment, file.substr(kHeader + kSegment, kSegment));
       }},
      {"segments swapped",
       [](std::string& file) {
         const std::string first = file.substr(kHeader, kSegment);
         file.replace(kHeader, kSegment, file.substr(kHeader + kSegment, kSegment));
         file.replace(kHeader + kSegment, kSegment, first);
       }},
      {"segment dropped", [](std::string& file) { file.erase(kHeader, kSegment); }},
      {"empty", [](std::string& file) { file.clear(); }}};
  const blob::BlobInfo info = store_blob(hub, content);
  const std::string path = hub.folder.path() + "/blobs/" + info.id;
  std::ifstream in(path, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  ASSERT_EQ(good.size(), crypto::sealed_stream_size(content.size()));
  for (const auto& [how, change] : ways) {
    std::string changed = good;
    change(changed);
    ASSERT_NE(changed, good) << how;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << changed;
    const auto read = read_blob(hub, info.id);
    ASSERT_FALSE(read.ok()) << how;
    EXPECT_EQ(read.error().kind, ErrorKind::corrupt) << how;
    EXPECT_EQ(read.error().code, "crypto.open") << how;
  }
  std::filesystem::remove(path);
  EXPECT_EQ(read_blob(hub, info.id).error().code, "blob.missing");
}

TEST(Blobs, AreReadByRanges) {
  Hub hub;
  std::string content(2'500'000, 'x');
  for (std::size_t i = 0; i < content.size(); i += 977) content[i] = static_cast<char>(i % 251);
  const blob::BlobInfo info = store_blob(hub, content);
  auto reader = hub.blobs->open("t1", info.id);
  ASSERT_TRUE(reader.ok());
  for (const auto& [from, length] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 1}, {2'499'999, 1}, {1'000'000, 100'000}, {1'048'543, 2}, {0, 2'500'000}, {5, 0}}) {
    std::string got;
    ASSERT_TRUE((*reader)
                    ->read(from, length,
                           [&got](std::string_view piece) {
                             got += piece;
                             return ok_status();
                           })
                    .ok());
    EXPECT_EQ(got, content.substr(from, length));
  }
  EXPECT_EQ(
      (*reader)->read(2'499'999, 2, [](std::string_view) { return ok_status(); }).error().code,
      "crypto.range");
}

TEST(Blobs, AFileUnderAnotherIdDoesNotOpen) {
  Hub hub;
  const blob::BlobInfo a = store_blob(hub, "content of a");
  const blob::BlobInfo b = store_blob(hub, "content of b");
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
  const blob::BlobInfo info = store_blob(hub, "x");
  EXPECT_EQ(hub.blobs->find("t2", info.id).error().kind, ErrorKind::not_found);
  EXPECT_EQ(hub.blobs->find("t1", "../../etc/passwd").error().code, "blob.unknown");
  EXPECT_EQ(read_blob(hub, "01JZZZZZZZZZZZZZZZZZZZZZZZ").error().code, "blob.unknown");
}

TEST(Blobs, HaveOneOwner) {
  Hub hub;
  const blob::BlobInfo info = store_blob(hub, "x");
  EXPECT_EQ(info.owner, "");
  EXPECT_TRUE(adopt(hub, info.id, "recording:1").ok());
  EXPECT_TRUE(adopt(hub, info.id, "recording:1").ok()) << "the same again";
  EXPECT_EQ(adopt(hub, info.id, "recording:2").error().code, "blob.owned");
  EXPECT_EQ(adopt(hub, "01JZZZZZZZZZZZZZZZZZZZZZZZ", "r").error().code, "blob.unknown");
  EXPECT_EQ(hub.blobs->find("t1", info.id)->owner, "recording:1");
}

TEST(Blobs, ThatWereSuspendedGoOnFromTheirLastWholeSegment) {
  Hub hub;
  std::string content(2'500'000, 'x');
  for (std::size_t i = 0; i < content.size(); i += 977) content[i] = static_cast<char>(i % 251);
  auto writer = hub.blobs->create("t1", "video/webm");
  ASSERT_TRUE(writer.ok());
  const std::string id = (*writer)->id();
  ASSERT_TRUE((*writer)->write(std::string_view(content).substr(0, 1'500'000)).ok());
  EXPECT_EQ(hub.blobs->resume("t1", id).error().code, "blob.busy");
  (*writer)->suspend();
  EXPECT_FALSE((*writer)->write("x").ok());
  writer->reset();
  EXPECT_EQ(hub.blobs->find("t1", id).error().code, "blob.unknown") << "not before its end";
  EXPECT_EQ(hub.blobs->open("t1", id).error().code, "blob.unknown");
  EXPECT_EQ(adopt(hub, id, "recording:1").error().code, "blob.unknown");
  EXPECT_EQ(hub.blobs->resume("t2", id).error().code, "blob.unknown");
  hub.blobs->sweep();
  auto again = hub.blobs->resume("t1", id);
  ASSERT_TRUE(again.ok()) << again.error().message;
  ASSERT_EQ((*again)->bytes(), crypto::kStreamSegment);
  ASSERT_TRUE((*again)->write(std::string_view(content).substr(crypto::kStreamSegment)).ok());
  const auto info = (*again)->finish();
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->content_type, "video/webm");
  EXPECT_EQ(info->bytes, content.size());
  EXPECT_EQ(info->sha256, to_hex(crypto::sha256(content)));
  EXPECT_EQ(*read_blob(hub, id), content);
  EXPECT_EQ(hub.blobs->resume("t1", id).error().code, "blob.unknown") << "finished is finished";
}

TEST(Blobs, ThatCannotGoOnSayWhy) {
  Hub hub;
  auto writer = hub.blobs->create("t1", "");
  ASSERT_TRUE(writer.ok());
  const std::string id = (*writer)->id();
  ASSERT_TRUE((*writer)->write(std::string(1'500'000, 'x')).ok());
  (*writer)->suspend();
  writer->reset();
  const std::string part = hub.folder.path() + "/blobs/" + id + ".part";
  {
    std::fstream file(part, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(30);
    file.put('!');
  }
  EXPECT_EQ(hub.blobs->resume("t1", id).error().code, "crypto.open");
  // Nothing of it reached the disk: it begins anew.
  std::filesystem::resize_file(part, 10);
  auto again = hub.blobs->resume("t1", id);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->bytes(), 0U);
  ASSERT_TRUE((*again)->write("short").ok());
  ASSERT_TRUE((*again)->finish().ok());
  EXPECT_EQ(*read_blob(hub, id), "short");
}

TEST(Blobs, SweepRemovesWhatNobodyTookOverAndWhatACrashLeft) {
  Hub hub(true);
  const blob::BlobInfo kept = store_blob(hub, "kept");
  const blob::BlobInfo orphan = store_blob(hub, "orphan");
  auto broken = hub.blobs->create("t1", "");
  ASSERT_TRUE(broken.ok());
  const std::string broken_id = (*broken)->id();
  (*broken)->suspend();
  broken->reset();
  ASSERT_TRUE(adopt(hub, kept.id, "recording:1").ok());
  const std::string folder = hub.folder.path() + "/blobs/";
  std::ofstream(folder + hub.ids.next().text() + ".part") << "half, and no row";
  std::ofstream(folder + hub.ids.next().text()) << "no row";
  std::ofstream(folder + "notes.txt") << "not ours";
  hub.blobs->sweep();
  EXPECT_EQ(files(hub), 4U);
  hub.fake.advance_ms(std::chrono::milliseconds(limits::kOrphanBlobAge).count());
  hub.blobs->sweep();
  EXPECT_TRUE(hub.blobs->find("t1", orphan.id).ok()) << "exactly at the limit it stays";
  auto writing = hub.blobs->resume("t1", broken_id);
  ASSERT_TRUE(writing.ok());
  hub.fake.advance_ms(1);
  hub.blobs->sweep();
  EXPECT_FALSE(hub.blobs->find("t1", orphan.id).ok());
  EXPECT_EQ(files(hub), 3U) << "one that is being written is not swept";
  (*writing)->suspend();
  writing->reset();
  hub.blobs->sweep();
  EXPECT_EQ(hub.blobs->resume("t1", broken_id).error().code, "blob.unknown");
  EXPECT_TRUE(read_blob(hub, kept.id).ok());
  EXPECT_EQ(files(hub), 2U);
  // Their data keys go with them.
  EXPECT_EQ(hub.keys->open("t1", orphan.data_key).error().code, "keys.unknown");
  EXPECT_TRUE(hub.keys->open("t1", kept.data_key).ok());
  static constexpr store::Statement kCount{"SELECT COUNT(*) FROM data_key WHERE shared = 0"};
  EXPECT_EQ(rabt::test::number_of(*hub.store, kCount), 1);
}

TEST(Blobs, SweepLeavesAloneWhatAnotherIncarnationWrites) {
  Hub hub(true);
  const auto start = [&hub] {
    return must(blob::make_blob_store(hub.folder.path() + "/blobs", *hub.store, *hub.keys,
                                      hub.clock, hub.random, hub.ids, hub.log));
  };
  const auto other = start();
  auto writing = must(hub.blobs->create("t1", "video/webm"));
  const std::string id = writing->id();
  ASSERT_TRUE(writing->write("first ").ok());
  hub.fake.advance_ms(std::chrono::milliseconds(limits::kOrphanBlobAge).count() + 1);
  other->sweep();
  other->discard("t1", id);
  EXPECT_EQ(other->resume("t1", id).error().code, "blob.busy");
  EXPECT_EQ(files(hub), 1U);
  ASSERT_TRUE(writing->write("second").ok());
  ASSERT_TRUE(writing->finish().ok()) << "its row is still there";
  EXPECT_EQ(*read_blob(hub, id), "first second");
  // Its writer has gone.
  other->sweep();
  EXPECT_EQ(hub.blobs->find("t1", id).error().code, "blob.unknown");
  EXPECT_EQ(files(hub), 0U);
}

TEST(Blobs, OfAnIncarnationThatEndedGoOnOrAreSwept) {
  Hub hub(true);
  const auto start = [&hub] {
    return must(blob::make_blob_store(hub.folder.path() + "/blobs", *hub.store, *hub.keys,
                                      hub.clock, hub.random, hub.ids, hub.log));
  };
  std::string ids[2];
  for (std::string& id : ids) {
    auto broken = must(hub.blobs->create("t1", ""));
    id = broken->id();
    ASSERT_TRUE(broken->write(std::string(1'500'000, 'x')).ok());
    broken->suspend();
  }
  hub.blobs = start();
  auto writing = must(hub.blobs->resume("t1", ids[0]));
  EXPECT_EQ(writing->bytes(), crypto::kStreamSegment);
  hub.fake.advance_ms(std::chrono::milliseconds(limits::kOrphanBlobAge).count() + 1);
  hub.blobs->sweep();
  EXPECT_EQ(files(hub), 1U);
  EXPECT_EQ(hub.blobs->resume("t1", ids[1]).error().code, "blob.unknown");
  // A writer whose blob went on elsewhere does not finish it.
  const auto next = start();
  auto taken = must(next->resume("t1", ids[0]));
  EXPECT_EQ(writing->finish().error().code, "blob.unknown");
}

}  // namespace
}  // namespace rabt::plugin::test::blob_test
