#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "tests/e2e/support.hpp"
#include "tools/demo/janus.hpp"

// A hub whose role `video` is a real Janus on this machine, and people who call through it with
// browsers. Not thread-safe.
namespace rabt::e2e {

class JanusSite {
 public:
  [[nodiscard]] static bool installed() {
    for (const char* program : {"janus", "janus-pp-rec", "turnserver", "chromium", "ffmpeg"}) {
      if (!std::filesystem::exists("/usr/bin/" + std::string(program))) return false;
    }
    return true;
  }

  // A failed expectation when it does not start.
  void start() {
    const auto started = servers_.start({.folder = site_.folder() / "janus",
                                         .root = source_dir(),
                                         .bin = build_dir() + "/bin",
                                         .hook = site_.url() + "/hooks/janus"},
                                        random_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    site_.config.plugins = signed_store(site_.folder() / "store", {build_dir() + "/plugins/janus"});
    site_.config.video = "janus";
    const std::string admin = servers_.admin_url();
    site_.config.video_words = {{"janus", servers_.secrets()},
                                {"janus_config", servers_.plugin().dump()},
                                {"janus_admin", admin.substr(0, admin.rfind('/'))},
                                {"janus_shelf", servers_.shelf_url()}};
    ASSERT_NO_FATAL_FAILURE(site_.start_hub());
    people_ = std::make_unique<demo::People>(
        site_.url(), site_.token(), read_file(site_.config.issuer_secret), clock_, random_);
    const Status entered = people_->enter();
    ASSERT_TRUE(entered.ok()) << entered.error().message;
    const auto made = people_->as("doctor", "POST", "/sessions",
                                  Json::object({{"type", "doctor_patient"},
                                                {"patient", people_->of("patient")["id"]},
                                                {"waitingRoom", false}}));
    ASSERT_TRUE(made.ok()) << made.error().message;
    session_ = made->string_or("id", "");
  }

  // Null, and a failed expectation, when the answer is an error.
  Json as(const std::string& who, const std::string& method, const std::string& path,
          const Json& body = {}) {
    auto answer = people_->as(who, method, "/sessions/" + session_ + path, body);
    if (answer.ok()) return std::move(*answer);
    ADD_FAILURE() << who << ", " << method << " " << path << ": " << answer.error().message;
    return {};
  }
  // Asks the hub for admission and a token: the values that a participant's page needs.
  Json credentials(const std::string& who) {
    as(who, "POST", "/join", Json::object({{"deviceType", "web"}}));
    const Json token = as(who, "POST", "/token");
    const Json& media = token["media"];
    return Json::object({{"url", media["url"]},
                         {"token", media["token"]},
                         {"room", media["room"]},
                         {"id", media["identity"]},
                         {"iceServers", media["iceServers"]}});
  }
  void call(const std::string& who, const Json& given) {
    pages_[who] = std::make_unique<demo::CallPage>();
    const Status begun = pages_[who]->start(site_.folder().path().string(), given);
    EXPECT_TRUE(begun.ok()) << begun.error().message;
  }
  demo::CallPage& page(const std::string& who) { return *pages_.at(who); }
  void hang_up() { pages_.clear(); }

  // Bytes that Janus has recorded of the session's room.
  std::uintmax_t recorded_bytes() {
    std::error_code failure;
    std::uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder_of_room(), failure)) {
      const std::uintmax_t size = file.file_size(failure);
      if (!failure) bytes += size;
    }
    return bytes;
  }
  [[nodiscard]] std::string folder_of_room() {
    return servers_.recordings() + "/" + as("doctor", "GET", "").string_or("roomSid", "none");
  }
  demo::JanusServers& servers() { return servers_; }

 private:
  Site site_{Kind::whole};
  SystemClock clock_;
  SystemRandom random_;
  demo::JanusServers servers_;
  std::unique_ptr<demo::People> people_;
  std::string session_;
  std::map<std::string, std::unique_ptr<demo::CallPage>> pages_;
};

}  // namespace rabt::e2e
