#include "tools/shelf/shelf.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/net/local_http.hpp"
#include "tests/eventually.hpp"
#include "tools/shelf/segments.hpp"
#include "tools/shelf/server.hpp"

namespace rabt::shelf::shelf_test {
namespace {

namespace fs = std::filesystem;

using test::eventually;

constexpr const char* kRoom = "demo.0f8fad5b-d9cb-469f-a165-70867728950e";
constexpr std::int64_t kBegun = 1'795'223'354'248'771;
constexpr std::uint64_t kMuch = 1ULL << 40U;

class JanusShelf : public ::testing::Test {
 protected:
  JanusShelf() {
    std::string pattern = (fs::temp_directory_path() / "rabt-shelf-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::create_directories(folder());
    clock_.set(SystemClock().now());
  }
  ~JanusShelf() override { fs::remove_all(root_); }

  [[nodiscard]] fs::path folder() const { return root_ / kRoom; }
  fs::path write(const std::string& name, const std::string& content) {
    std::ofstream(folder() / name, std::ios::binary) << content;
    return folder() / name;
  }
  // As Janus writes it: a header, and what follows it.
  static std::string mjr(const std::string& frames = "MEET and some packets") {
    const std::string header = R"({"t":"a","c":"opus","s":1795223354248771,"u":1795223354300000})";
    std::string out = "MJR00002";
    out.push_back(static_cast<char>(header.size() >> 8U));
    out.push_back(static_cast<char>(header.size() & 0xffU));
    return out + header + frames;
  }
  static std::string name_of(const std::string& person, std::int64_t begun,
                             const std::string& kind = "audio",
                             const std::string& extension = ".mjr") {
    return std::string("videoroom-") + kRoom + "-user-" + person + "-" + std::to_string(begun) +
           "-" + kind + "-0" + extension;
  }
  // A recording that is ready, made of these files. Returns its id.
  std::string made(const std::string& content, const std::string& files = "[]",
                   const std::string& more = "") {
    std::string id = std::string(kRoom) + "." + std::to_string(kBegun);
    write(id + ".webm", content);
    write(id + ".json", R"({"bytes": )" + std::to_string(content.size()) +
                            R"(, "ms": 1000, "sha256": "abc", "files": )" + files + more + "}");
    return id;
  }
  std::vector<Track> tracks() {
    return tracks_of(folder(), kRoom, clock_.now().ms * 1000, 120'000'000);
  }
  Shelf shelf() {
    return {root_, clock_, [this](const fs::path& /*folder*/) { return free_.load(); }};
  }

  FakeClock clock_;
  fs::path root_;
  std::atomic<std::uint64_t> free_ = kMuch;
};

// ---- Names

TEST(JanusShelfNames, OnlyNamesOfThePluginAreTaken) {
  EXPECT_TRUE(is_room(kRoom));
  EXPECT_TRUE(is_recording(std::string(kRoom) + ".1795223354248771"));
  EXPECT_EQ(room_of(std::string(kRoom) + ".1795223354248771"), kRoom);
  for (const char* wrong :
       {"", ".", "..", "demo", "../0f8fad5b-d9cb-469f-a165-70867728950e",
        ".0f8fad5b-d9cb-469f-a165-70867728950e", "Demo.0f8fad5b-d9cb-469f-a165-70867728950e",
        "demo.0f8fad5b-d9cb-469f-a165-70867728950", "demo.0F8FAD5B-D9CB-469F-A165-70867728950E",
        "demo.0f8fad5b-d9cb-469f-a165-70867728950e/", "demo.0f8fad5b/d9cb-469f-a165-70867728950e",
        "a/b.0f8fad5b-d9cb-469f-a165-70867728950e", "demo.0f8fad5b-d9cb-469f-a165-7086772895%2e"})
    EXPECT_FALSE(is_room(wrong)) << wrong;
  for (const char* wrong : {"", ".1", "..1", "demo.1", "x/..", "1795223354248771"})
    EXPECT_FALSE(is_recording(wrong)) << wrong;
  EXPECT_FALSE(is_recording(std::string(kRoom) + "."));
  EXPECT_FALSE(is_recording(std::string(kRoom) + ".12a"));
  EXPECT_FALSE(is_recording(std::string(kRoom) + ".1/../2"));
  EXPECT_FALSE(is_recording(std::string(kRoom) + ".123456789012345678"));
}

// ---- Tracks and segments

TEST_F(JanusShelf, TracksAreFilesOfJanusThatHoldPackets) {
  write(name_of("patient-1", kBegun), mjr());
  write(name_of("patient-1", kBegun, "video"), mjr());
  // Nothing ever came.
  write(name_of("doctor", kBegun), "MJR00002");
  // The header says more than is there.
  write(name_of("guest", kBegun), std::string("MJR00002\x7f\xff{\"u\":1", 16));
  write(name_of("guest", kBegun, "data"), mjr());
  write(name_of("guest", kBegun, "audio", ".txt"), mjr());
  write("videoroom-other-user-x-" + std::to_string(kBegun) + "-audio-0.mjr", mjr());
  fs::create_symlink("/etc/passwd", folder() / name_of("eve", kBegun));
  fs::create_directory(folder() / name_of("mallory", kBegun));

  const std::vector<Track> found = tracks();
  ASSERT_EQ(found.size(), 2U);
  for (const Track& track : found) {
    EXPECT_EQ(track.person, "patient-1");
    EXPECT_EQ(track.begun_us, kBegun);
    EXPECT_EQ(track.first_us, 1'795'223'354'300'000);
    EXPECT_EQ(track.codec, "opus");
    EXPECT_TRUE(track.closed);
  }
}

// A frame as Janus writes it.
std::string frame(const std::string& packet) {
  std::string out = "MEET";
  out += std::string("\0\0\0\7", 4);
  out.push_back(static_cast<char>(packet.size() >> 8U));
  out.push_back(static_cast<char>(packet.size() & 0xffU));
  return out + packet;
}

TEST_F(JanusShelf, AFrameOfWhichAPartIsMissingIsNoticedWhereverItStands) {
  const std::string text = frame(std::string(300, 'a'));
  const std::string two = frame(std::string(400, 'b'));
  const std::string three = frame(std::string(20, 'c'));
  const fs::path file = folder() / "a.mjr";
  const fs::path mended = folder() / "b.mjr";
  const auto left_of = [&](const std::string& frames) {
    write("a.mjr", mjr(frames));
    const bool whole = is_whole(file);
    EXPECT_TRUE(copy_whole_frames(file, mended));
    std::ifstream in(mended, std::ios::binary);
    const std::string kept((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    EXPECT_TRUE(kept.starts_with(mjr("")));
    return std::pair(whole, kept.substr(mjr("").size()));
  };
  EXPECT_EQ(left_of(""), std::pair(true, std::string()));
  EXPECT_EQ(left_of(text + two + three), std::pair(true, text + two + three));
  // At the end, at any byte of it.
  for (std::size_t cut = 1; cut < two.size(); ++cut)
    EXPECT_EQ(left_of(text + two.substr(0, cut)), std::pair(false, text)) << cut;
  // In the middle: the bytes before and after are kept. If less than the letters of a frame is
  // left, nothing shows that the frame before is whole.
  for (std::size_t cut = 4; cut < two.size(); ++cut) {
    // The remaining bytes have, by chance, the length of one frame.
    if (cut + three.size() == two.size()) continue;
    EXPECT_EQ(left_of(text + two.substr(0, cut) + three), std::pair(false, text + three)) << cut;
  }
  // The header itself.
  for (std::size_t cut = 0; cut < mjr("").size(); ++cut) {
    if (cut == 0) continue;  // nothing to map
    write("a.mjr", mjr("").substr(0, cut));
    EXPECT_FALSE(is_whole(file)) << cut;
  }
}

// Janus begins each file with eight letters, also where nothing ever came.
TEST_F(JanusShelf, AFileThatEvenItsBeginningIsMissingOfWasLost) {
  write(name_of("patient", kBegun), "");
  write(name_of("doctor", kBegun), "MJR00002");
  const std::vector<Track> found = tracks();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().person, "patient");
  EXPECT_TRUE(found.front().lost);
  Shelf shelf = this->shelf();
  Json failed;
  EXPECT_TRUE(eventually([&] {
    failed = (*shelf.list(kRoom))["failed"];
    return failed.size() == 1;
  }));
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].string_or("why", ""), "cut");
  EXPECT_TRUE(shelf.remove(failed[0].string_or("id", "")).ok());
  EXPECT_FALSE(fs::exists(folder()));
}

// The packaged converter reads a header of any length into 1,500 bytes, and a participant chooses
// what stands in it: such a file is not shown to it.
TEST_F(JanusShelf, AHeaderThatIsTooLongForTheConverterIsNotShownToIt) {
  const std::string text = R"({"t":"a","c":"opus","d":")" + std::string(1600, 'd') +
                           R"(","s":1795223354248771,"u":1795223354300000})";
  std::string file = "MJR00002";
  file.push_back(static_cast<char>(text.size() >> 8U));
  file.push_back(static_cast<char>(text.size() & 0xffU));
  write(name_of("eve", kBegun), file + text + frame(std::string(300, 'a')));
  const std::vector<Track> found = tracks();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().codec, "");
}

TEST_F(JanusShelf, AnOpenFileIsWaitedForUntilItsJanusIsTakenForDead) {
  write(name_of("patient", kBegun, "audio", ".mjr.tmp"), mjr());
  write(name_of("doctor", kBegun, "audio", ".mjr.tmp"), "MJR00002");
  ASSERT_EQ(tracks().size(), 2U) << "an open file without packets may get some";
  EXPECT_FALSE(tracks().front().closed);
  clock_.advance_ms(121'000);
  const std::vector<Track> found = tracks();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().person, "patient");
  EXPECT_TRUE(found.front().closed);
  EXPECT_TRUE(found.front().left);
}

TEST(JanusShelfSegments, TracksWhoseTimesOverlapBelongTogether) {
  const auto track = [](const char* person, std::int64_t begun, std::int64_t last) {
    return Track{.file = std::string(person) + std::to_string(begun),
                 .person = person,
                 .kind = "video",
                 .codec = "vp8",
                 .begun_us = begun,
                 .first_us = begun + 5,
                 .last_us = last,
                 .closed = true,
                 .bytes = 1};
  };
  const auto segments =
      segments_of(kRoom, {track("patient", 5000, 6000), track("doctor", 1000, 3000),
                          track("patient", 2000, 4000), track("doctor", 3500, 4500)});
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_EQ(segments[0].id, std::string(kRoom) + ".1000");
  ASSERT_EQ(segments[0].tracks.size(), 3U);
  EXPECT_EQ(segments[0].first_us(), 1005);
  EXPECT_EQ(segments[0].last_us(), 4500);
  EXPECT_EQ(segments[1].id, std::string(kRoom) + ".5000");

  // A person who comes back has the same place: two people, two places.
  const auto arguments = arguments_of_ffmpeg(segments[0], {"a", "b", "c"}, "out.webm");
  std::string all;
  for (const std::string& argument : arguments) all += argument + " ";
  EXPECT_NE(all.find("s=1280x480"), std::string::npos) << all;
  EXPECT_EQ(arguments.back(), "out.webm");
}

// ---- The shelf

TEST_F(JanusShelf, ARoomWithoutFilesHasNoRecordings) {
  Shelf shelf = this->shelf();
  for (const char* room : {kRoom, "demo.00000000-d9cb-469f-a165-70867728950e"}) {
    const auto listed = shelf.list(room);
    ASSERT_TRUE(listed.ok());
    EXPECT_TRUE(listed->bool_or("ready", false));
    EXPECT_EQ((*listed)["recordings"].size(), 0U);
  }
  EXPECT_FALSE(shelf.find(std::string(kRoom) + ".1").has_value());
  EXPECT_EQ(shelf.remove(std::string(kRoom) + ".1").error().code, "shelf.unknown");
}

TEST_F(JanusShelf, AFullDiskIsSaidAndTheRecordingIsTriedAgain) {
  write(name_of("patient", kBegun), mjr());
  free_ = 1024;
  Shelf shelf = this->shelf();
  EXPECT_FALSE(shelf.list(kRoom)->bool_or("ready", true));
  EXPECT_TRUE(eventually([&] { return !shelf.list(kRoom).ok(); }));
  EXPECT_EQ(shelf.list(kRoom).error().code, "shelf.disk_full");
  EXPECT_TRUE(fs::exists(folder() / name_of("patient", kBegun)));
  // The file of Janus holds no sound: the converter fails, and the wait for it ends.
  free_ = kMuch;
  EXPECT_TRUE(eventually([&] {
    const auto listed = shelf.list(kRoom);
    return listed.ok() && listed->bool_or("ready", false);
  }));
  EXPECT_EQ((*shelf.list(kRoom))["recordings"].size(), 0U);
  EXPECT_TRUE(fs::exists(folder() / name_of("patient", kBegun)));
  // It is said, and stays until it is removed.
  const Json failed = (*shelf.list(kRoom))["failed"];
  ASSERT_EQ(failed.size(), 1U);
  const std::string id = std::string(kRoom) + "." + std::to_string(kBegun);
  EXPECT_EQ(failed[0].string_or("id", ""), id);
  EXPECT_TRUE(shelf.remove(id).ok());
  EXPECT_FALSE(fs::exists(folder()));
  EXPECT_EQ((*shelf.list(kRoom))["failed"].size(), 0U);
}

TEST_F(JanusShelf, FilesIntoWhichNothingCameGoWithTheLastRecording) {
  const std::string own = name_of("patient", kBegun);
  write(own, mjr());
  // A Janus that was killed leaves such a file.
  write(name_of("patient", kBegun, "video", ".mjr.tmp"), "");
  const std::string id = made("picture and sound", "[\"" + own + "\"]");
  clock_.advance_ms(121'000);
  Shelf shelf = this->shelf();
  EXPECT_TRUE(shelf.remove(id).ok());
  EXPECT_FALSE(fs::exists(folder()));
}

TEST_F(JanusShelf, AFileThatNobodyCanReadIsSaidAndStays) {
  const std::string broken = name_of("patient", kBegun);
  write(broken, "MJR00002" + std::string(2000, 'x'));
  Shelf shelf = this->shelf();
  Json failed;
  ASSERT_TRUE(eventually([&] {
    failed = (*shelf.list(kRoom))["failed"];
    return failed.size() > 0;
  }));
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].string_or("why", ""), "broken");
  EXPECT_TRUE(fs::exists(folder() / broken));
}

TEST_F(JanusShelf, WithoutRoomOrRightsItIsSaidBeforeJanusRecords) {
  Shelf shelf = this->shelf();
  EXPECT_TRUE(shelf.may_record().ok());
  EXPECT_TRUE(fs::is_empty(folder()));
  free_ = 1024;
  EXPECT_EQ(shelf.may_record().error().code, "shelf.disk_full");
  free_ = kMuch;
  // As root, nothing else keeps a file from being written.
  fs::create_directories(root_ / ".may-record");
  EXPECT_EQ(shelf.may_record().error().code, "shelf.not_writable");
}

TEST_F(JanusShelf, WhatIsStillToBePutTogetherIsNotRemoved) {
  write(name_of("patient", kBegun), mjr());
  write(name_of("doctor", kBegun + 5, "audio", ".mjr.tmp"), mjr());
  Shelf shelf = this->shelf();
  const std::string id = std::string(kRoom) + "." + std::to_string(kBegun);
  EXPECT_EQ(shelf.remove(id).error().code, "shelf.busy");
  EXPECT_TRUE(fs::exists(folder() / name_of("patient", kBegun)));
}

TEST_F(JanusShelf, ARecordingGoesWithWhatItWasMadeOfAndWithNothingElse) {
  const std::string own = name_of("patient", kBegun);
  const std::string other = name_of("patient", kBegun + 900'000'000);
  write(own, mjr());
  write(other, mjr());
  fs::create_directory(root_ / "beside");
  const std::string id =
      made("picture and sound", "[\"" + own + R"(", "../beside", "..", ".", "/etc"])");
  Shelf shelf = this->shelf();
  EXPECT_EQ((*shelf.list(kRoom))["recordings"].size(), 1U);
  EXPECT_TRUE(shelf.remove(id).ok());
  EXPECT_FALSE(fs::exists(folder() / own));
  EXPECT_FALSE(fs::exists(folder() / (id + ".webm")));
  EXPECT_TRUE(fs::exists(folder() / other));
  EXPECT_TRUE(fs::exists(root_ / "beside"));
  EXPECT_EQ(shelf.remove(id).error().code, "shelf.unknown");
}

// ---- Over HTTP

class JanusShelfServer : public JanusShelf {
 protected:
  JanusShelfServer() : shelf_(shelf()), server_("127.0.0.1", 0, secret(), shelf_) {}
  static SecretBytes secret() { return SecretBytes(std::string_view("sixteen bytes or more")); }
  net::Response ask(const std::string& method, const std::string& path,
                    const std::string& credential = "Bearer sixteen bytes or more") {
    const auto answer =
        http_.send(method, "http://127.0.0.1:" + std::to_string(server_.port()) + path,
                   {{"Authorization", credential}});
    if (answer.ok()) return *answer;
    net::Response lost;
    lost.status = 0;
    return lost;
  }

  Shelf shelf_;
  Server server_;
  net::LocalHttp http_;
};

TEST_F(JanusShelfServer, WithoutTheSecretNothingIsSaid) {
  const std::string id = made("content");
  for (const char* credential :
       {"", "Bearer ", "Bearer sixteen bytes or mor", "Basic sixteen bytes or more"}) {
    EXPECT_EQ(ask("GET", "/recordings/" + id, credential).status, 401) << credential;
    EXPECT_EQ(ask("GET", std::string("/rooms/") + kRoom, credential).status, 401) << credential;
    EXPECT_EQ(ask("DELETE", "/recordings/" + id, credential).status, 401) << credential;
  }
  EXPECT_TRUE(fs::exists(folder() / (id + ".webm")));
}

TEST_F(JanusShelfServer, OtherPathsAreNotThere) {
  const std::string id = made("content");
  for (const std::string& path :
       {std::string("/"), std::string("/rooms/"), std::string("/rooms/..%2f"),
        "/recordings/" + id + "/", "/recordings/" + id + ".webm", "/recordings/" + id + "?x",
        "/rooms/%2e%2e/" + std::string(kRoom), std::string("/recordings/") + kRoom + "%2f..%2f.1"})
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  EXPECT_EQ(ask("PUT", "/recordings/" + id).status, 405);
  EXPECT_EQ(ask("POST", std::string("/rooms/") + kRoom).status, 404);
}

TEST_F(JanusShelfServer, ARecordingIsHandedOutAndDeletedOnce) {
  const std::string content(700'000, 'x');
  const std::string id = made(content);
  const net::Response listed = ask("GET", std::string("/rooms/") + kRoom);
  EXPECT_EQ(listed.status, 200);
  EXPECT_NE(listed.body.find(id), std::string::npos) << listed.body;
  const net::Response got = ask("GET", "/recordings/" + id);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, content);
  EXPECT_EQ(ask("DELETE", "/recordings/" + id).status, 204);
  EXPECT_EQ(ask("DELETE", "/recordings/" + id).status, 404);
  EXPECT_EQ(ask("GET", "/recordings/" + id).status, 404);
}

TEST_F(JanusShelfServer, ARecordingOfWhichSomethingIsMissingSaysSo) {
  const std::string id = made("picture and sound", "[]", R"(, "incomplete": "cut")");
  EXPECT_EQ(
      (*Json::parse(ask("GET", std::string("/rooms/") + kRoom).body))["recordings"][0].string_or(
          "incomplete", ""),
      "cut");
  const auto headers = ask("GET", "/recordings/" + id).headers;
  EXPECT_TRUE(std::any_of(headers.begin(), headers.end(), [](const auto& one) {
    return one.first == "x-rabt-incomplete" && one.second == "cut";
  }));
}

TEST_F(JanusShelfServer, WhetherThereIsSpaceIsAsked) {
  EXPECT_EQ(ask("GET", "/space").status, 200);
  EXPECT_EQ(ask("GET", "/space", "Bearer wrong").status, 401);
  free_ = 0;
  const net::Response full = ask("GET", "/space");
  EXPECT_EQ(full.status, 507);
  EXPECT_EQ((*Json::parse(full.body)).string_or("code", ""), "shelf.disk_full");
}

// Symptom: a file that was longer than its description ran on into the next answer.
TEST_F(JanusShelfServer, AFileThatIsNotWhatItsDescriptionSaysIsNotHandedOut) {
  const std::string id = made("picture and sound");
  write(id + ".webm", "picture");
  EXPECT_EQ(ask("GET", "/recordings/" + id).status, 500);
  write(id + ".webm", "picture and sound and more");
  EXPECT_EQ(ask("GET", "/recordings/" + id).status, 500);
  fs::remove(folder() / (id + ".webm"));
  EXPECT_EQ(ask("GET", "/recordings/" + id).status, 404);
}

TEST_F(JanusShelfServer, AFullDiskIs507) {
  write(name_of("patient", kBegun), mjr());
  free_ = 0;
  int status = 200;
  EXPECT_TRUE(eventually([&] {
    status = ask("GET", std::string("/rooms/") + kRoom).status;
    return status != 200;
  }));
  EXPECT_EQ(status, 507);
}

}  // namespace
}  // namespace rabt::shelf::shelf_test
