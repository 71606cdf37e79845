#include <filesystem>
#include <set>
#include <utility>

#include "hub/base/random.hpp"
#include "tests/eventually.hpp"
#include "tests/plugins/janus/lossy_line.hpp"
#include "tests/plugins/video_suite.hpp"
#include "tools/demo/janus.hpp"

// The cases of every video provider against Debian's Janus, with people whose browsers really call.
namespace rabt::testing::real_suite_test {
namespace {

namespace fs = std::filesystem;

class JanusWorld {
 public:
  // Janus counts every ten seconds; browsers on a busy machine take their time.
  static constexpr std::chrono::seconds kPatience{120};
  static std::string missing() {
    for (const char* program : {"/usr/bin/janus", "/usr/bin/chromium", "/usr/bin/turnserver",
                                "/usr/bin/ffmpeg", "/usr/bin/janus-pp-rec"}) {
      if (!fs::exists(program))
        return std::string(program) + " is not installed; `./dev test --slow` installs it";
    }
    return {};
  }

  explicit JanusWorld(const sandbox::testing::Receiver& hub) : hub_(hub) {
    std::string pattern = (fs::temp_directory_path() / "rabt-janus-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data()) == nullptr ? std::string() : pattern;
    const auto started = servers_.start({.folder = folder_ + "/janus",
                                         .root = std::getenv("RABT_SOURCE_DIR"),
                                         .bin = std::string(std::getenv("RABT_BUILD_DIR")) + "/bin",
                                         .hook = hub.url() + "/hooks/janus"},
                                        random_);
    EXPECT_TRUE(started.ok()) << started.error().message;
    line_ = std::make_unique<LossyLine>(servers_.address(), servers_.turn_port());
  }
  ~JanusWorld() {
    pages_.clear();
    servers_.stop();
    if (!::testing::Test::HasFailure() && !folder_.empty()) fs::remove_all(folder_);
  }
  JanusWorld(const JanusWorld&) = delete;
  JanusWorld& operator=(const JanusWorld&) = delete;

  // Everybody calls through the line that loses packets when it is told to.
  [[nodiscard]] Json config() const {
    Json out = Json::parse(servers_.plugin().dump());
    out["turn_urls"] = Json::array(
        {"turn:" + servers_.address() + ":" + std::to_string(line_->port()) + "?transport=udp"});
    return out;
  }
  [[nodiscard]] std::map<std::string, std::string> secrets() const {
    std::map<std::string, std::string> out;
    for (const char* name :
         {"admin_secret", "admin_key", "token_secret", "turn_secret", "shelf_secret"})
      out[name] = servers_.secret(name);
    return out;
  }

  int control(const std::string& what, const Json& body) {
    const std::string room = body.value("room", "");
    const std::string who = body.value("identity", "");
    if (what == "leave") {
      pages_.erase({room, who});
      return wait([&] { return !people(room).contains(who); }) ? 200 : 504;
    }
    if (what == "line") {
      line_->lose(body.value("lost", 0));
      return 200;
    }
    // A Janus that starts has no rooms.
    if (what != "end") return 404;
    servers_.kill_janus();
    return servers_.restart_janus().ok() ? 200 : 500;
  }
  // Returns the code with which Janus refuses.
  int join(const std::string& room, const std::string& identity, const Json& issued) {
    Json given = issued;
    given["room"] = room;
    given["id"] = identity;
    given["relayOnly"] = true;
    auto page = std::make_unique<demo::CallPage>();
    const auto started = page->start(folder_ + "/page-" + std::to_string(++opened_),
                                     *rabt::Json::parse(given.dump()));
    EXPECT_TRUE(started.ok()) << started.error().message;
    std::string refused;
    (void)wait([&] {
      refused = page->seen().string_or("failed", "");
      return !refused.empty() || people(room).contains(identity);
    });
    said_ = refused;
    if (people(room).contains(identity) && refused.empty()) {
      pages_[{room, identity}] = std::move(page);
      return 200;
    }
    for (const int code : {403, 426, 433, 436}) {
      if (refused.find(std::to_string(code)) != std::string::npos) return code;
    }
    ADD_FAILURE() << identity << " did not come in: " << page->seen().dump();
    return 0;
  }
  [[nodiscard]] const std::string& said() const { return said_; }
  bool hears(const std::string& /*room*/, const std::string& /*listener*/,
             const std::string& /*speaker*/) {
    ADD_FAILURE() << "the plugin's manifest does not declare receive-only";
    return false;
  }
  void let_them_talk(const std::string& room) {
    for (const auto& [who, page] : pages_) {
      if (who.first != room) continue;
      const rabt::Json before = page->seen();
      EXPECT_TRUE(page->wait(std::chrono::milliseconds(kPatience).count(), [&](const auto& now) {
        return now.int_or("frames", 0) > before.int_or("frames", 0) + 10 &&
               now.int_or("audio", 0) > before.int_or("audio", 0) + 50;
      })) << page->seen().dump();
    }
  }
  // By what Janus itself tells.
  std::size_t ledger(std::string_view kind) const {
    static const std::map<std::string, std::string, std::less<>> kKinds = {
        {"created", "room.created"},
        {"destroyed", "room.completed"},
        {"leaving", "participant.disconnected"},
        {"kicked", "participant.disconnected"}};
    std::size_t count = 0;
    for (const auto& received : hub_.all()) {
      const auto events = sandbox::parse_json(received.body);
      if (!events) continue;
      for (const Json& event : *events) {
        if (event.value("type", 0) != 64) continue;
        const auto found = kKinds.find(event["event"]["data"].value("event", ""));
        count += found != kKinds.end() && found->second == kind ? 1 : 0;
      }
    }
    return count;
  }

 private:
  static bool wait(const std::function<bool()>& holds) {
    return test::eventually(holds, kPatience);
  }
  // Participants of the room, as Janus lists them.
  std::set<std::string> people(const std::string& room) const {
    const auto said = sandbox::testing::call_json(
        "POST", servers_.admin_url(),
        {{"janus", "message_plugin"},
         {"transaction", "suite"},
         {"admin_secret", servers_.secret("admin_secret")},
         {"plugin", "janus.plugin.videoroom"},
         {"request", {{"request", "listparticipants"}, {"room", room}}}});
    std::set<std::string> out;
    const Json response = said.json().value("response", Json::object());
    for (const Json& item : response.value("participants", Json::array()))
      out.insert(item.value("id", ""));
    return out;
  }

  const sandbox::testing::Receiver& hub_;
  std::string folder_;
  SystemRandom random_;
  demo::JanusServers servers_;
  std::unique_ptr<LossyLine> line_;
  // By room and person.
  std::map<std::pair<std::string, std::string>, std::unique_ptr<demo::CallPage>> pages_;
  int opened_ = 0;
  std::string said_;
};

struct RealJanus {
  using World = JanusWorld;
  static const char* name() { return "janus"; }
  static constexpr const char* kOtherRoom = "433";
  static constexpr const char* kGone = "failed";
  static void heard(const std::string& /*body*/) {}
};
INSTANTIATE_TYPED_TEST_SUITE_P(SlowRealJanus, VideoSuite, RealJanus);

}  // namespace
}  // namespace rabt::testing::real_suite_test
