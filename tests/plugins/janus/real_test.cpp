#include <gtest/gtest.h>
#include <sys/mount.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/net/local_http.hpp"
#include "tests/eventually.hpp"
#include "tests/plugins/test_host.hpp"
#include "tests/sandbox/client.hpp"
#include "tools/demo/janus.hpp"

// The plugin, a real Janus with a real TURN server, and people whose browsers really call.
namespace rabt::janus::real_test {
namespace {

namespace fs = std::filesystem;
using Plain = nlohmann::json;
using sdk::Kind;
using testing::Answer;
using testing::Request;
using testing::TestHost;

std::string run(const std::string& command) {
  std::string said;
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return said;
  std::array<char, 4096> piece{};
  for (std::size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    said.append(piece.data(), n);
  ::pclose(pipe);
  return said;
}

class SlowRealJanus : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists("/usr/bin/janus") || !fs::exists("/usr/bin/chromium") ||
        !fs::exists("/usr/bin/turnserver"))
      GTEST_SKIP() << "janus, janus-tools, coturn, chromium and ffmpeg are not installed; "
                      "`./dev test --slow` installs them";
    std::string pattern = (fs::temp_directory_path() / "rabt-janus-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const auto started = servers_.start({.folder = folder_ + "/janus",
                                         .root = std::getenv("RABT_SOURCE_DIR"),
                                         .bin = std::string(std::getenv("RABT_BUILD_DIR")) + "/bin",
                                         .hook = hub_.url() + "/hooks/janus"},
                                        random_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    host_ = std::make_unique<TestHost>(servers_.plugin().dump());
    // Tokens are for Janus' clock.
    host_->clock.set_unix_ms(SystemClock().now().ms);
    for (const char* name :
         {"admin_secret", "admin_key", "token_secret", "turn_secret", "shelf_secret"})
      host_->secrets[name] = servers_.secret(name);
    host_->outside = [this](const Request& request) { return ask(request); };
  }
  void TearDown() override {
    patient_.close();
    doctor_.close();
    servers_.stop();
    host_.reset();
    if (!HasFailure() && !folder_.empty()) fs::remove_all(folder_);
  }

  Answer ask(const Request& request) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (request.header("Authorization") == "Bearer {shelf_secret}")
      headers.emplace_back("Authorization", "Bearer " + servers_.secret("shelf_secret"));
    if (const std::string type = request.header("Content-Type"); !type.empty())
      headers.emplace_back("Content-Type", type);
    const auto answer = http_.send(request.method(), request.url(), headers, request.body);
    if (!answer.ok()) return testing::unreachable();
    Plain said = Plain::array();
    for (const auto& [name, value] : answer->headers) said.push_back({name, value});
    return {.status = answer->status, .body = answer->body, .headers = said.dump()};
  }
  Plain done(const std::string& action, const Plain& input) {
    const sdk::Outcome outcome = host_->call(action, input, "key-" + std::to_string(++calls_));
    EXPECT_EQ(outcome.kind, Kind::done) << action << ": " << outcome.code << outcome.message;
    return outcome.kind == Kind::done ? Plain::parse(outcome.output) : Plain::object();
  }
  // Values that a page needs, as the hub hands them out.
  rabt::Json joining(const Plain& session, const std::string& who) {
    Plain issued = done("issue-token", {{"sessionId", session.at("sessionId")}, {"identity", who}});
    issued["id"] = who;
    // One of them sits behind a firewall that lets only the TURN server through.
    issued["relayOnly"] = who == "practitioner";
    return *rabt::Json::parse(issued.dump());
  }
  void bring(demo::CallPage& page, const Plain& session, const std::string& who) {
    const auto started = page.start(folder_, joining(session, who));
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  static bool hears_and_sees(const rabt::Json& seen) {
    return seen.int_or("frames", 0) > 5 && seen.int_or("audio", 0) > 20;
  }
  static std::int64_t packets(const demo::CallPage& page) {
    const rabt::Json seen = page.seen();
    return seen.int_or("audio", 0) + seen.int_or("video", 0);
  }
  // A call goes on for so long: media take the time that they last.
  static void wait_ms(int ms) { rabt::test::let_pass(std::chrono::milliseconds(ms)); }

  // Events that Janus has told since the last call, through the plugin, of this type.
  std::vector<Plain> told(const std::string& type) {
    const auto all = hub_.all();
    for (; taken_ < all.size(); ++taken_) {
      const auto [events, error] = host_->deliver(all[taken_].body);
      EXPECT_EQ(error, "") << all[taken_].body;
      for (const Plain& event : events) told_.push_back(event);
    }
    std::vector<Plain> out;
    for (const Plain& plain : told_) {
      if (plain.at("type") == "org.rabt.session." + type + ".v1") out.push_back(plain.at("data"));
    }
    return out;
  }
  // Waits until one event of the type is as it must be.
  bool hears(const std::string& type, int limit_ms,
             const std::function<bool(const Plain&)>& holds) {
    return rabt::test::eventually(
        [&] {
          const auto all = told(type);
          return std::any_of(all.begin(), all.end(), holds);
        },
        std::chrono::milliseconds(limit_ms));
  }
  bool line_of(const std::string& who, const std::string& direction) {
    return hears("quality", 60'000, [&](const Plain& line) {
      return line.at("identity") == who && line.at("direction") == direction &&
             line.at("lossPercent") < 50;
    });
  }

  sandbox::testing::Receiver hub_;
  std::size_t taken_ = 0;
  std::vector<Plain> told_;
  std::string folder_;
  SystemRandom random_;
  net::LocalHttp http_;
  demo::JanusServers servers_;
  std::unique_ptr<TestHost> host_;
  demo::CallPage patient_;
  demo::CallPage doctor_;
  int calls_ = 0;
};

TEST_F(SlowRealJanus, TwoPeopleCallAreRecordedAndOneIsPutOut) {
  const Plain session =
      done("create-session", Plain::parse(R"({"reference": "C-1", "participants": [
          {"role": "patient", "identity": "patient"},
          {"role": "practitioner", "identity": "practitioner"}]})"));
  const std::string room = session.at("sessionId");
  const Plain input{{"sessionId", room}};
  const rabt::Json old_token = joining(session, "practitioner");
  ASSERT_NO_FATAL_FAILURE(bring(patient_, session, "patient"));
  ASSERT_NO_FATAL_FAILURE(bring(doctor_, session, "practitioner"));
  ASSERT_TRUE(patient_.wait(60'000, hears_and_sees)) << patient_.seen().dump();
  ASSERT_TRUE(doctor_.wait(60'000, hears_and_sees)) << doctor_.seen().dump();
  EXPECT_TRUE(doctor_.seen().bool_or("relayed", false)) << doctor_.seen().dump();
  EXPECT_EQ(done("get-session", input).at("participants").size(), 2U);

  EXPECT_EQ(done("start-recording", input).at("recording"), true);
  wait_ms(4000);
  EXPECT_EQ(done("stop-recording", input).at("recording"), false);
  Plain listed;
  EXPECT_TRUE(rabt::test::eventually(
      [&] {
        listed = done("list-recordings", input);
        return listed.at("ready") == true;
      },
      std::chrono::minutes(1)))
      << listed.dump();
  ASSERT_EQ(listed.at("recordings").size(), 1U) << listed.dump();
  const Plain recording{{"recordingId", listed.at("recordings")[0].at("recordingId")}};
  const Plain fetched = done("fetch-recording", recording);
  const std::string file = folder_ + "/fetched.webm";
  std::ofstream(file, std::ios::binary) << host_->blobs.at(fetched.at("blob")).content;
  const Plain probed = Plain::parse(
      run("ffprobe -v error -print_format json -show_streams -show_format -count_frames " + file));
  int sounds = 0;
  for (const Plain& stream : probed.at("streams")) {
    sounds += stream.at("codec_type") == "audio" ? 1 : 0;
    if (stream.at("codec_type") != "video") continue;
    // Two pictures side by side.
    EXPECT_EQ(stream.at("width"), 1280);
    EXPECT_GT(std::stoi(stream.at("nb_read_frames").get<std::string>()), 30);
  }
  EXPECT_EQ(sounds, 1);
  EXPECT_GT(std::stod(probed.at("format").at("duration").get<std::string>()), 2.5);

  EXPECT_EQ(done("remove-participant", {{"sessionId", room}, {"identity", "practitioner"}}),
            (Plain{{"sessionId", room}, {"removed", true}}));
  wait_ms(1500);
  const std::int64_t then = packets(doctor_);
  const std::int64_t of_patient = packets(patient_);
  wait_ms(2500);
  EXPECT_EQ(packets(doctor_), then);
  EXPECT_EQ(packets(patient_), of_patient);
  EXPECT_EQ(done("get-session", input).at("participants").size(), 1U);
  // The token that was handed out before opens nothing any more.
  doctor_.close();
  ASSERT_TRUE(doctor_.start(folder_, old_token).ok());
  EXPECT_TRUE(doctor_.wait(20'000, [](const rabt::Json& seen) {
    return seen.string_or("failed", "").find("433") != std::string::npos;
  })) << doctor_.seen().dump();

  EXPECT_EQ(done("delete-recording", recording).at("deleted"), true);
  EXPECT_FALSE(fs::exists(servers_.recordings() + "/" + room));
  EXPECT_EQ(done("end-session", input).at("status"), "completed");
  EXPECT_EQ(done("get-session", input).at("status"), "completed");
}

TEST_F(SlowRealJanus, AfterARestartInMidCallPeopleAreToldAndMeetAgain) {
  const Plain session =
      done("create-session", Plain::parse(R"({"reference": "C-1", "participants": [
          {"role": "patient", "identity": "patient"},
          {"role": "practitioner", "identity": "practitioner"}]})"));
  const std::string room = session.at("sessionId");
  ASSERT_NO_FATAL_FAILURE(bring(patient_, session, "patient"));
  ASSERT_NO_FATAL_FAILURE(bring(doctor_, session, "practitioner"));
  ASSERT_TRUE(patient_.wait(60'000, hears_and_sees)) << patient_.seen().dump();
  ASSERT_TRUE(doctor_.wait(60'000, hears_and_sees)) << doctor_.seen().dump();
  for (const char* who : {"patient", "practitioner"}) {
    EXPECT_TRUE(hears("participant-joined", 10'000, [&](const Plain& one) {
      return one.at("identity") == who && one.at("sessionId") == room;
    })) << who;
    // Janus counts what it gets of them, and what they say that they get.
    EXPECT_TRUE(line_of(who, "up")) << who;
    EXPECT_TRUE(line_of(who, "down")) << who;
  }
  EXPECT_EQ(done("get-session", {{"sessionId", room}}).at("participants").size(), 2U);

  servers_.kill_janus();
  ASSERT_TRUE(servers_.restart_janus().ok());
  EXPECT_TRUE(hears("ended", 10'000, [&](const Plain& plain) {
    return plain.at("sessionId") == room && plain.at("reason") == "lost";
  }));
  const auto cut = [](const rabt::Json& seen) { return !seen.bool_or("open", true); };
  EXPECT_TRUE(patient_.wait(10'000, cut)) << patient_.seen().dump();
  EXPECT_TRUE(doctor_.wait(10'000, cut)) << doctor_.seen().dump();

  // Each asks for a token, and comes to the same room.
  patient_.close();
  doctor_.close();
  ASSERT_NO_FATAL_FAILURE(bring(patient_, session, "patient"));
  ASSERT_NO_FATAL_FAILURE(bring(doctor_, session, "practitioner"));
  EXPECT_TRUE(patient_.wait(60'000, hears_and_sees)) << patient_.seen().dump();
  EXPECT_TRUE(doctor_.wait(60'000, hears_and_sees)) << doctor_.seen().dump();
  const Plain again = done("get-session", {{"sessionId", room}});
  EXPECT_EQ(again.at("status"), "in-progress");
  EXPECT_EQ(again.at("participants").size(), 2U);
}

TEST_F(SlowRealJanus, ARoomThatARestartTookIsThereAgainForWhoAsksForAToken) {
  const Plain session =
      done("create-session", Plain::parse(R"({"reference": "C-1", "participants": [
          {"role": "patient", "identity": "patient"}]})"));
  const Plain input{{"sessionId", session.at("sessionId")}};
  servers_.kill_janus();
  const sdk::Outcome down = host_->call("get-session", input, "down");
  EXPECT_EQ(down.kind, Kind::transient) << down.code;
  ASSERT_TRUE(servers_.restart_janus().ok());
  EXPECT_EQ(done("get-session", input).at("status"), "failed");
  (void)joining(session, "patient");
  EXPECT_EQ(done("get-session", input).at("status"), "in-progress");
}

// Janus records to a disk of its own, which somebody else fills.
class SlowFullDisk : public SlowRealJanus {
 protected:
  void SetUp() override {
    SlowRealJanus::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (::mount("tmpfs", servers_.recordings().c_str(), "tmpfs", 0, "size=160m") != 0)
      GTEST_SKIP() << "a disk cannot be mounted here: run as root";
    mounted_ = true;
  }
  void TearDown() override {
    const std::string disk = folder_.empty() ? std::string() : servers_.recordings();
    patient_.close();
    doctor_.close();
    servers_.stop();
    if (mounted_) {
      EXPECT_EQ(::umount2(disk.c_str(), MNT_DETACH), 0);
    }
    SlowRealJanus::TearDown();
  }
  [[nodiscard]] std::string ballast() const { return servers_.recordings() + "/ballast"; }
  void fill() const {
    std::ofstream out(ballast(), std::ios::binary);
    const std::string piece(64 * 1024, 'x');
    while (out.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) {
    }
    EXPECT_EQ(fs::space(servers_.recordings()).available, 0U);
  }
  // Bytes that Janus has recorded in the room's folder.
  std::uintmax_t written(const std::string& room) const {
    std::uintmax_t bytes = 0;
    std::error_code failure;
    for (const auto& file : fs::directory_iterator(servers_.recordings() + "/" + room, failure))
      bytes += fs::file_size(file, failure);
    return bytes;
  }
  bool grows(const std::string& room, std::uintmax_t beyond) const {
    return rabt::test::eventually([&] { return written(room) > beyond; });
  }
  // Asked for again while something is put together, and while the answer is still that of a disk
  // that was full.
  Plain listed(const Plain& input) {
    Plain list{{"recordings", Plain::array()}};
    (void)rabt::test::eventually(
        [&] {
          const sdk::Outcome outcome =
              host_->call("list-recordings", input, "list-" + std::to_string(++calls_));
          if (outcome.kind != Kind::done) return false;
          list = Plain::parse(outcome.output);
          return list.at("ready") == true;
        },
        std::chrono::minutes(1));
    return list;
  }
  // Seconds of what was fetched.
  double length_of(const Plain& fetched) {
    const std::string file = folder_ + "/fetched.webm";
    std::ofstream(file, std::ios::binary) << host_->blobs.at(fetched.at("blob")).content;
    const std::string said =
        run("ffprobe -v error -show_entries format=duration -of csv=p=0 " + file);
    return said.empty() ? 0 : std::stod(said);
  }

  bool mounted_ = false;
};

TEST_F(SlowFullDisk, WhatJanusCouldNotWriteIsNoticedAndTheRestIsKept) {
  const Plain session =
      done("create-session", Plain::parse(R"({"reference": "C-1", "participants": [
          {"role": "patient", "identity": "patient"},
          {"role": "practitioner", "identity": "practitioner"}]})"));
  const std::string room = session.at("sessionId");
  const Plain input{{"sessionId", room}};
  ASSERT_NO_FATAL_FAILURE(bring(patient_, session, "patient"));
  ASSERT_NO_FATAL_FAILURE(bring(doctor_, session, "practitioner"));
  ASSERT_TRUE(patient_.wait(60'000, hears_and_sees)) << patient_.seen().dump();
  ASSERT_TRUE(doctor_.wait(60'000, hears_and_sees)) << doctor_.seen().dump();

  // The disk is full until the end.
  EXPECT_EQ(done("start-recording", input).at("recording"), true);
  ASSERT_TRUE(grows(room, 400'000));
  fill();
  wait_ms(3000);
  EXPECT_EQ(done("stop-recording", input).at("recording"), false);
  sdk::Outcome full;
  int asked = 0;
  EXPECT_TRUE(rabt::test::eventually([&] {
    full = host_->call("list-recordings", input, "full-" + std::to_string(asked++));
    return !full.code.empty();
  })) << "the shelf does not say that the disk is full";
  EXPECT_EQ(full.kind, Kind::transient);
  EXPECT_EQ(full.code, "janus.shelf_507");
  // A start while the disk is full is refused.
  const sdk::Outcome refused = host_->call("start-recording", input, "refused");
  EXPECT_EQ(refused.kind, Kind::permanent);
  EXPECT_EQ(refused.code, "janus.disk_full");
  ASSERT_TRUE(fs::remove(ballast()));
  const Plain cut = listed(input);
  ASSERT_EQ(cut.at("recordings").size(), 1U) << cut.dump();
  const Plain first =
      done("fetch-recording", {{"recordingId", cut.at("recordings")[0].at("recordingId")}});
  EXPECT_EQ(first.value("/incomplete/code"_json_pointer, ""), "janus.not_written");
  EXPECT_GT(length_of(first), 0.5);

  // Somebody makes room while the call goes on: what comes after is there, too.
  EXPECT_EQ(done("start-recording", input).at("recording"), true);
  const std::uintmax_t before = written(room);
  ASSERT_TRUE(grows(room, before + 400'000));
  fill();
  wait_ms(3000);
  ASSERT_TRUE(fs::remove(ballast()));
  const std::uintmax_t then = written(room);
  ASSERT_TRUE(grows(room, then + 1'000'000));
  EXPECT_EQ(done("stop-recording", input).at("recording"), false);
  const Plain torn = listed(input);
  ASSERT_EQ(torn.at("recordings").size(), 2U) << torn.dump();
  const Plain second =
      done("fetch-recording", {{"recordingId", torn.at("recordings")[1].at("recordingId")}});
  EXPECT_EQ(second.value("/incomplete/code"_json_pointer, ""), "janus.not_written");
  // The gap of three seconds and what lies on both sides.
  EXPECT_GT(length_of(second), 4.0);

  // A folder that Janus may not write into.
  ASSERT_EQ(
      ::mount("tmpfs", servers_.recordings().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=160m"),
      0);
  EXPECT_EQ(host_->call("start-recording", input, "read-only").code, "janus.not_writable");
}

// Nothing at all was written.
TEST_F(SlowFullDisk, ARecordingOfWhichNothingCouldBeWrittenHasFailed) {
  const Plain session = done(
      "create-session",
      Plain::parse(
          R"({"reference": "C-1", "participants": [{"role": "patient", "identity": "patient"}]})"));
  const std::string room = session.at("sessionId");
  const Plain input{{"sessionId", room}};
  EXPECT_EQ(done("start-recording", input).at("recording"), true);
  fs::create_directories(servers_.recordings() + "/" + room);
  fill();
  ASSERT_NO_FATAL_FAILURE(bring(patient_, session, "patient"));
  EXPECT_TRUE(rabt::test::eventually([&] {
    return !fs::is_empty(servers_.recordings() + "/" + room);
  })) << "Janus has opened no file";
  wait_ms(3000);
  EXPECT_EQ(done("stop-recording", input).at("recording"), false);
  ASSERT_TRUE(fs::remove(ballast()));
  const Plain list = listed(input);
  EXPECT_EQ(list.at("recordings").size(), 0U) << list.dump();
  ASSERT_GE(list.at("failed").size(), 1U) << list.dump();
  EXPECT_EQ(list.at("failed")[0].at("code"), "janus.not_written");
}

}  // namespace
}  // namespace rabt::janus::real_test
