#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"
#include "tests/postgres_server.hpp"

// Data folders of builds, tests/e2e/kept/<version>[-<newest migration>].tar.gz: every later build
// opens them and goes on with what they hold. Their people are made up and their keys lie in them.
//
// Made once for each release that changes what is stored, and never changed afterwards:
//   test_e2e --gtest_also_run_disabled_tests --gtest_filter=KeptData.DISABLED_OfThisBuildIsLeft
// leaves kept.tar.gz in the build folder.
namespace rabt::e2e::kept_data_test {
namespace {

namespace fs = std::filesystem;

const char* const kAway = R"([{"fault": "status", "status": 503}])";
const char* const kRefused = R"([{"fault": "status", "status": 400}])";

using test::eventually;

// A hospital whose workflows wait, fail and ask.
class Hospital {
 public:
  Hospital() {
    site_.config.plugins =
        signed_store(site_.folder().path().string(), {build_dir() + "/fixtures/desk-1.0.0"});
    site_.config.sends_messages = true;
    site_.config.more_roles = "  desk: plugin://desk\n";
    site_.config.more_plugins = "  desk: {config: {}}\n";
    for (const char* name : {"waits", "child", "parent", "faults", "asks", "pair"})
      site_.config.workflows.push_back(source_dir() + "/tests/e2e/kept/" + name + ".yaml");
  }
  Hospital(const Hospital&) = delete;
  Hospital& operator=(const Hospital&) = delete;
  ~Hospital() {
    site_.stop_hub();
    if (!database_.empty()) test::postgres_server().drop(database_);
  }
  static void expect_good(const Finished& command) { EXPECT_EQ(command.code, 0) << command.said; }

  std::string status(const std::string& instance) {
    return site_.api("instances/" + instance).string_or("status", "");
  }
  bool comes(const std::string& instance, const std::string& wanted) {
    return eventually([&] { return status(instance) == wanted; });
  }
  // Instances of a workflow, newest first.
  std::vector<std::string> instances(const std::string& workflow) {
    std::vector<std::string> ids;
    const Json list = site_.api("instances?workflow=" + workflow);
    for (const Json& item : list["items"].as_array()) ids.push_back(item.string_or("id", ""));
    return ids;
  }
  Json as(const std::string& who, const std::string& method, const std::string& path,
          const Json& body = {}) {
    const auto answer = site_.people().as(who, method, path, body);
    EXPECT_TRUE(answer.ok()) << method << " " << path << ": " << answer.error().message;
    return answer.ok() ? *answer : Json();
  }
  std::string start(const std::string& workflow) {
    const auto answer = site_.send(
        "POST", "/api/v1/instances",
        {{"Authorization", "Bearer " + site_.token()},
         {"Content-Type", "application/json"},
         {"X-Rabt-Reason", "test"},
         {"Idempotency-Key", "start-" + workflow}},
        Json::object({{"workflow", workflow}, {"namespace", "kept"}, {"reason", "test"}}).dump());
    EXPECT_TRUE(answer.status == 201 || answer.status == 202) << answer.body;
    const auto body = Json::parse(answer.body);
    return body.ok() ? body->string_or("id", "") : std::string();
  }
  void cancel_somebody() {
    demo::Booking booking = site_.booking(7);
    const auto at = booking.body.find("\"status\":\"booked\"");
    ASSERT_NE(at, std::string::npos);
    booking.body.replace(at, 17, "\"status\":\"cancelled\"");
    EXPECT_EQ(site_.post(booking.id, booking.body).status, 202);
  }
  std::string digest_of(const std::string& recording) {
    const auto content =
        site_.send("GET", "/api/v1/recordings/" + recording + "/content",
                   {{"Authorization", "Bearer " + site_.token()}, {"X-Rabt-Reason", "test"}});
    EXPECT_EQ(content.status, 200) << content.body;
    return to_hex(crypto::sha256(content.body));
  }

  // Rows of the outbox, of all kinds and targets.
  int due_work() {
    const std::string metrics = site_.metrics();
    int rows = 0;
    std::size_t at = 0;
    while ((at = metrics.find("\nrabt_outbox_waiting", at)) != std::string::npos) {
      const std::size_t value = metrics.find(' ', ++at);
      if (value != std::string::npos) rows += std::atoi(metrics.c_str() + value);
    }
    return rows;
  }

  void move_to_server();
  // Opens what another build left, on the file that it was on or on a server.
  enum class On : std::uint8_t { file, server };
  void go_on_with(const fs::path& archive, On on = On::file);
  // Makes the folder, and tells where its archive is.
  std::string make();

 private:
  // Creates a session as `who`; its address below /api/v1.
  std::string session(const char* who, Json body = Json::object());
  // Sessions that time ends: one to which nobody came, and one that nobody began.
  Json ended_by_time();

  Site site_{Kind::whole};
  // Empty while the file holds the database.
  std::string database_;
  // Brings a database of a server back into the file, and starts the hub on it.
  std::function<void()> back_;
};

std::string Hospital::session(const char* who, Json body) {
  body.set("type", "doctor_patient");
  if (std::string_view(who) == "doctor" && body.find("participants") == nullptr)
    body.set("participants",
             Json::array({Json::object(
                 {{"role", "patient"}, {"person", site_.people().of("patient")["id"]}})}));
  return "/sessions/" + as(who, "POST", "/sessions", body).string_or("id", "");
}

Json Hospital::ended_by_time() {
  const std::string missed = session("doctor");
  // In the API of Kiorex a session begins by a call alone.
  const auto& people = site_.people();
  const auto booked =
      site_.send("POST", "/video/sessions",
                 {{"Authorization", "Bearer " + people.of("doctor").string_or("token", "")},
                  {"Content-Type", "application/json"}},
                 Json::object({{"patientId", people.of("patient")["uuid"]},
                               {"providerId", people.of("doctor")["uuid"]},
                               {"durationMinutes", 5}})
                     .dump());
  EXPECT_EQ(booked.status, 201) << booked.body;
  const auto shown = Json::parse(booked.body);
  const std::string idle = "/sessions/" + (shown.ok() ? shown->string_or("id", "") : std::string());
  for (const char* who : {"doctor", "patient"}) {
    as(who, "POST", idle + "/join", Json::object());
    const Json token = as(who, "POST", idle + "/token")["token"];
    const Json room = as("doctor", "GET", idle)["roomSid"];
    static_cast<void>(site_.control("POST", "/control/twilio/join",
                                    Json::object({{"room", room}, {"token", token}}).dump()));
  }
  const auto ends = [&](const std::string& address, const char* state) {
    return eventually([&] { return as("doctor", "GET", address).string_or("status", "") == state; },
                      std::chrono::minutes(8));
  };
  EXPECT_TRUE(ends(missed, "no_show"));
  EXPECT_TRUE(ends(idle, "failed"));
  const auto id = [](const std::string& address) {
    return address.substr(std::string_view("/sessions/").size());
  };
  return Json::object({{"no_show", id(missed)}, {"failed", id(idle)}});
}

std::string Hospital::make() {
  site_.start_sandbox(Json::object(
      {{"twilio",
        Json::object({{"media_bytes", 2048}, {"api_key_secret", demo::kDemoApiKeySecret}})}}));
  site_.start_hub();
  if (testing::Test::HasFatalFailure()) return {};

  // One visit from booking to report; a set that one event has reached; a key of which a part of
  // what is sealed has the older version; a recording that is held.
  EXPECT_EQ(site_.play(site_.booking()), "completed");
  Json member_value = Json::object({{"played", site_.instance()}});
  const Json output = site_.api("instances/" + site_.instance(), true);
  member_value.set("session", output["context"]["session"]);
  Json recordings = Json::array();
  for (const Json& node : output["output"]["recordings"].as_array()) {
    const std::string id = node.string_or("id", "");
    EXPECT_EQ(digest_of(id), node.string_or("sha256", ""));
    recordings.push_back(Json::object({{"id", id}, {"sha256", node["sha256"]}}));
  }
  EXPECT_GE(recordings.size(), 1U);
  expect_good(site_.rabt({"keys", "hold", "recording:" + recordings[0].string_or("id", ""),
                          "--case", "case-7", "--reason", "test"}));
  member_value.set("recordings", std::move(recordings));
  expect_good(site_.rabt({"keys", "rotate", "tenant", "--reason", "test"}));

  Json states = Json::object();
  states.set("waits", start("waits"));
  states.set("parent", start("parent"));
  site_.faults("sms", kRefused);
  states.set("faults", start("faults"));
  states.set("asks", start("asks"));
  EXPECT_TRUE(comes(states.string_or("waits", ""), "waiting"));
  EXPECT_TRUE(eventually([&] {
    const auto children = instances("child");
    return children.size() == 1 && status(children.front()) == "waiting";
  }));
  EXPECT_TRUE(comes(states.string_or("faults", ""), "faulted"));
  EXPECT_TRUE(comes(states.string_or("asks", ""), "parked"));
  member_value.set("instances", std::move(states));

  // Sessions in each state: those that time has ended, and those that people leave.
  site_.stop_hub();
  site_.video_settings = "no_show_minutes: 1, ";
  site_.start_hub();
  Json sessions = ended_by_time();
  site_.stop_hub();
  site_.video_settings.clear();
  site_.start_hub();
  const auto keep = [&](const char* state, const std::string& address) {
    sessions.set(state, address.substr(std::string_view("/sessions/").size()));
    return address;
  };
  keep("requested", session("patient"));
  keep("scheduled", session("doctor"));
  as("doctor", "POST", keep("cancelled", session("doctor")) + "/cancel",
     Json::object({{"reason", "test"}}));
  as("patient", "POST", keep("waiting", session("doctor")) + "/join", Json::object());
  const std::string begun = keep("active", session("doctor"));
  as("doctor", "POST", begun + "/join", Json::object());
  as("doctor", "POST", begun + "/start");
  const Json open =
      as("doctor", "POST", "/sessions",
         Json::object({{"type", "doctor_patient"},
                       {"participants", Json::array({Json::object({{"role", "patient"}})})}}));
  sessions.set("invited", open["id"]);
  for (const Json& item : open["participants"].as_array()) {
    if (item.string_or("role", "") != "patient") continue;
    const Json invitation =
        as("doctor", "POST", "/sessions/" + open.string_or("id", "") + "/invitations",
           Json::object({{"participant", item["id"]}}));
    member_value.set("code", invitation["code"]);
  }
  // Due work of the outbox: a room that the provider has not opened yet.
  site_.faults("twilio", kAway);
  keep("roomless", session("doctor"));
  for (const auto& [state, id] : sessions.as_object()) {
    const Json kept = as("doctor", "GET", "/sessions/" + id.as_string());
    std::printf("%s: %s\n", state.c_str(), kept.string_or("status", "").c_str());
  }
  member_value.set("sessions", std::move(sessions));
  member_value.set("people", site_.people().list());
  site_.stop_hub();

  const std::string folder = site_.folder() / "left";
  fs::create_directories(folder);
  site_.leave(folder);
  write_file(folder + "/made.json", member_value.dump_pretty());
  const std::string archive = build_dir() + "/kept.tar.gz";
  expect_good(run({"/bin/tar", "--create", "--gzip", "--file", archive, "--owner=0", "--group=0",
                   "--directory", folder, "data", "secrets", "made.json"}));
  return archive;
}

// From now on the configuration names a database of a server, which gets all rows of the file.
void Hospital::move_to_server() {
  fs::copy_file(site_.write_configuration(), site_.folder() / "file.yaml");
  database_ = test::postgres_server().create();
  write_file(site_.folder() / "server.password", test::postgres_server().password());
  const std::string file_more = site_.config.more;
  site_.config.engine = "postgres";
  site_.config.more += "store:\n  postgres:\n    host: \"" + test::postgres_server().host() +
                       "\"\n    database: " + database_ +
                       "\n    user: " + test::postgres_server().user() +
                       "\n    password: {file: \"" + (site_.folder() / "server.password") + "\"}\n";
  const std::string server = site_.write_configuration();
  const auto copy = [&](const std::string& from, const std::string& to) {
    return run({program("rabt"), "store", "copy", "--config", from, "--to", to}, 60'000);
  };
  const std::string file = site_.folder() / "file.yaml";
  expect_good(copy(file, server));
  EXPECT_FALSE(fs::exists(site_.config.data + "/rabt.db")) << "no hub takes it by mistake";
  EXPECT_TRUE(fs::exists(site_.config.data + "/rabt.db.copied"));
  const Finished twice = copy(file, server);
  EXPECT_NE(twice.code, 0) << twice.said;
  back_ = [this, copy, file, server, file_more] {
    const Finished running = copy(server, file);
    EXPECT_NE(running.said.find("store.locked"), std::string::npos) << running.said;
    EXPECT_FALSE(fs::exists(site_.config.data + "/rabt.db"));
    site_.stop_hub();
    expect_good(copy(server, file));
    site_.config.engine = "sqlite";
    site_.config.more = file_more;
    site_.start_hub();
  };
}

void Hospital::go_on_with(const fs::path& archive, On on) {
  const std::string folder = site_.folder() / "kept";
  fs::create_directories(folder);
  expect_good(run({"/bin/tar", "--extract", "--file", archive, "--directory", folder}));
  const Json node = Json::parse(read_file(folder + "/made.json")).value();
  site_.take_over(folder);
  if (testing::Test::HasFatalFailure()) return;
  static_cast<void>(site_.write_configuration());
  if (on == On::server) move_to_server();
  expect_good(site_.rabt({"audit", "verify"}));
  site_.start_sandbox();
  site_.start_hub();
  if (testing::Test::HasFatalFailure()) return;
  site_.know(node["people"]);

  // Data written by the older hub is readable.
  EXPECT_EQ(status(node.string_or("played", "")), "completed");
  for (const Json& item : node["recordings"].as_array())
    EXPECT_EQ(digest_of(item.string_or("id", "")), item.string_or("sha256", ""));
  const std::string visit = "/sessions/" + node.string_or("session", "");
  EXPECT_EQ(as("doctor", "GET", visit).string_or("status", ""), "completed");
  EXPECT_GE(as("doctor", "GET", visit + "/notes")["items"].size(), 1U);
  for (const auto& [state, id] : node["sessions"].as_object()) {
    const std::string now =
        as("doctor", "GET", "/sessions/" + id.as_string()).string_or("status", "");
    EXPECT_NE(now, "") << state;
    if (state == "cancelled" || state == "no_show" || state == "failed") {
      EXPECT_EQ(now, state);
    }
    // The room is opened, or the visit has ended without one, since its time has passed.
    if (state == "roomless") {
      EXPECT_TRUE(eventually([&] {
        const Json roomless = as("doctor", "GET", "/sessions/" + id.as_string());
        return roomless["roomSid"].is_string() || roomless.string_or("status", "") == "no_show";
      })) << "the outbox goes on";
    }
  }
  EXPECT_TRUE(eventually([&] { return due_work() == 0; })) << "the outbox goes on";
  const Finished keys = site_.rabt({"keys", "status"});
  expect_good(keys);
  EXPECT_NE(keys.said.find("case-7"), std::string::npos) << keys.said;
  // The code of an invitation is the same one under later builds: known, though its time is over.
  const auto preview =
      site_.send("POST", "/api/v1/invitations/preview", {{"Content-Type", "application/json"}},
                 Json::object({{"code", node["code"]}}).dump());
  EXPECT_TRUE(preview.status == 200 || preview.status == 410) << preview.body;

  // Instances that waited, failed or asked a person go on.
  const Json& left = node["instances"];
  cancel_somebody();
  EXPECT_TRUE(comes(left.string_or("waits", ""), "completed"));
  EXPECT_EQ(site_.api("instances/" + left.string_or("waits", ""), true)["output"].dump(),
            R"({"first":"1.0.0","second":"1.0.0"})");
  EXPECT_TRUE(comes(left.string_or("parent", ""), "completed"));
  EXPECT_TRUE(eventually([&] { return instances("pair").size() == 1; }))
      << "the set has both of its events";
  expect_good(site_.rabt(
      {"instances", left.string_or("asks", ""), "--resolve", "again", "--reason", "test"}));
  EXPECT_TRUE(comes(left.string_or("asks", ""), "completed"));
  expect_good(
      site_.rabt({"instances", left.string_or("faults", ""), "--retry", "--reason", "test"}));
  EXPECT_TRUE(comes(left.string_or("faults", ""), "completed"));
  EXPECT_EQ(site_.effects("sms.sent"), 2);

  // A new visit of the people whom the folder knows.
  EXPECT_EQ(site_.play(site_.booking()), "completed");
  if (back_) {
    back_();
    EXPECT_EQ(status(node.string_or("played", "")), "completed");
    EXPECT_EQ(site_.play(site_.booking()), "completed") << "numbers go on";
  }
  site_.stop_hub();
  expect_good(site_.rabt({"audit", "verify"}));
  expect_good(site_.rabt({"keys", "rewrap", "--reason", "test"}));
}

TEST(KeptData, DISABLED_OfThisBuildIsLeft) {
  std::printf("%s\n", Hospital().make().c_str());
}

void go_on_with_all(Hospital::On on) {
  int opened = 0;
  for (const auto& entry : fs::directory_iterator(source_dir() + "/tests/e2e/kept")) {
    if (entry.path().extension() != ".gz") continue;
    SCOPED_TRACE(entry.path().filename());
    Hospital().go_on_with(entry.path(), on);
    ++opened;
  }
  EXPECT_GT(opened, 0);
}

TEST(KeptData, OfEveryReleaseIsOpenedAndGoneOnWith) {
  go_on_with_all(Hospital::On::file);
}

TEST(KeptData, OfEveryReleaseGoesOnAtAServerAndComesBack) {
  go_on_with_all(Hospital::On::server);
}

}  // namespace
}  // namespace rabt::e2e::kept_data_test
