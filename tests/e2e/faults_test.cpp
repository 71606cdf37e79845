#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <regex>
#include <thread>

#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"

// The outside systems fail while a consultation runs. It completes all the same, and everything has
// happened once.
namespace rabt::e2e::faults_test {
namespace {

class UnderFaults : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(site_.start_sandbox()); }
  void play() {
    ASSERT_NO_FATAL_FAILURE(site_.start_hub());
    ASSERT_EQ(site_.play(booking_), "completed");
    EXPECT_EQ(site_.effects("room.created"), 1);
    EXPECT_EQ(site_.effects("claim.accepted"), 1);
    EXPECT_EQ(site_.effects("report.imported"), 1);
    const Json output = site_.api("instances/" + site_.instance(), true)["output"];
    EXPECT_EQ(output["claim"].string_or("adjudication", ""), "approved");
    EXPECT_GE(output["recordings"].size(), 2U);
  }
  Site site_{Kind::whole};
  demo::Booking booking_ = site_.booking();
};

TEST_F(UnderFaults, NothingIsInTheClearWhileTheHubIsRunning) {
  play();
  const std::vector<std::string> values = private_values(booking_.body);
  ASSERT_GE(values.size(), 12U);
  const std::string seen =
      site_.api("instances/" + site_.instance()).dump() + site_.metrics() + site_.health().dump();
  write_file(site_.folder() / "seen", seen);
  // With the write-ahead log, as a crash would leave it.
  EXPECT_EQ(search({site_.config.data, site_.folder() / "hub.log", site_.folder() / "hub.out",
                    site_.folder() / "seen"},
                   values),
            std::vector<std::string>{});
  EXPECT_GT(std::filesystem::file_size(site_.folder() / "hub.log"), 0U);
}

TEST_F(UnderFaults, EveryParticipantEventIsLost) {
  site_.faults(
      "twilio",
      R"([{"match": {"body": "StatusCallbackEvent=participant-connected"}, "fault": "drop-callback"}])");
  play();
  EXPECT_EQ(site_.fired("twilio"), std::vector<std::int64_t>{2});
}

TEST_F(UnderFaults, EveryEventOfTheProviderIsLost) {
  site_.faults("twilio",
               R"([{"match": {"body": "StatusCallbackEvent="}, "fault": "drop-callback"}])");
  play();
  const auto fired = site_.fired("twilio");
  ASSERT_EQ(fired.size(), 1U);
  EXPECT_GE(fired[0], 4);
}

TEST_F(UnderFaults, EventsComeLateAndTwice) {
  site_.faults(
      "twilio",
      R"([{"match": {"body": "StatusCallbackEvent=participant-connected"}, "fault": "delay-callback", "ms": 2500},
                             {"match": {"body": "StatusCallbackEvent="}, "fault": "duplicate-callback"}])");
  play();
  const auto fired = site_.fired("twilio");
  ASSERT_EQ(fired.size(), 2U);
  EXPECT_EQ(fired[0], 2);
  EXPECT_GE(fired[1], 2);
}

TEST_F(UnderFaults, ThePayerIsAwayForTwoAttempts) {
  site_.faults(
      "nphies",
      R"([{"match": {"body": "claim-request"}, "fault": "status", "status": 503, "times": 2}])");
  play();
  EXPECT_EQ(site_.fired("nphies"), std::vector<std::int64_t>{2});
}

TEST_F(UnderFaults, AnswersAreLostAfterTheWorkWasDone) {
  site_.faults(
      "twilio",
      R"([{"match": {"method": "POST", "path": "/v1/Rooms$"}, "fault": "drop-reply", "times": 1}])");
  site_.faults("nphies",
               R"([{"match": {"body": "claim-request"}, "fault": "drop-reply", "times": 1}])");
  play();
  EXPECT_EQ(site_.fired("twilio"), std::vector<std::int64_t>{1});
  EXPECT_EQ(site_.fired("nphies"), std::vector<std::int64_t>{1});
}

TEST_F(UnderFaults, TheFirstAnswerOfEverySystemIsLost) {
  site_.faults("twilio", R"([{"fault": "drop-reply", "times": 1}])");
  site_.faults("fhir", R"([{"fault": "drop-reply", "times": 1}])");
  site_.faults("nphies", R"([{"fault": "drop-reply", "times": 1}])");
  site_.faults("dhis2", R"([{"fault": "drop-reply", "times": 1}])");
  play();
  for (const char* system : {"twilio", "fhir", "nphies", "dhis2"})
    EXPECT_EQ(site_.fired(system), std::vector<std::int64_t>{1}) << system;
}

// Processes of plugins, which the hub's threads have started.
std::vector<pid_t> children(std::int64_t parent) {
  std::vector<pid_t> out;
  std::error_code gone;
  const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    std::ifstream list(task.path() / "children");
    for (pid_t pid = 0; list >> pid;) out.push_back(pid);
  }
  return out;
}

TEST_F(UnderFaults, TheProcessesOfAllPluginsAreKilledWhileItRuns) {
  constexpr int kTimes = 4;  // the fifth within ten minutes is quarantine
  constexpr std::size_t kPlugins = 4;
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  site_.enter(booking_);
  // A delivery that meets the end of its plugin's process is answered with 503, to be sent again.
  ASSERT_EQ(site_.post(booking_.id, booking_.body).status, 202);
  std::atomic<bool> over{false};
  std::size_t killed = 0;
  std::thread hunter([&] {
    for (int time = 0; time < kTimes; ++time) {
      // Not before all are up again: each is killed as often.
      std::vector<pid_t> all;
      EXPECT_TRUE(test::eventually(
          [&] {
            all = children(site_.hub_pid());
            return over || all.size() >= kPlugins;
          },
          std::chrono::minutes(5)))
          << "the plugins did not come up again";
      test::let_pass(std::chrono::milliseconds(100 * time));
      if (over) return;
      for (const pid_t pid : all) killed += ::kill(pid, SIGKILL) == 0 ? 1U : 0U;
    }
  });
  const std::string status = site_.play(booking_);
  over = true;
  hunter.join();
  ASSERT_EQ(status, "completed");
  EXPECT_EQ(site_.effects("room.created"), 1);
  EXPECT_EQ(site_.effects("claim.accepted"), 1);
  EXPECT_EQ(site_.effects("report.imported"), 1);
  EXPECT_GE(killed, 2 * kPlugins);

  // Each culprit is named in metrics, log and audit.
  const std::string metrics = site_.metrics();
  const std::string log = read_file(site_.folder() / "hub.log");
  const Finished exported =
      site_.rabt({"audit", "export", "--format", "jsonl", "--reason", "test"});
  EXPECT_EQ(exported.code, 0) << exported.said;
  for (const char* plugin : {"fhir", "moh", "nphies", "twilio"}) {
    const std::regex crashes("\nrabt_plugin_crashes_total\\{plugin=\"" + std::string(plugin) +
                             "\"[^}]*\\} ([0-9]+)\n");
    std::smatch count;
    ASSERT_TRUE(std::regex_search(metrics, count, crashes)) << plugin;
    EXPECT_GE(std::stoi(count[1]), 2) << plugin;
    EXPECT_TRUE(
        std::regex_search(log, std::regex("plugin.crashed.*" + std::string(plugin) + ".*signal 9")))
        << plugin;
    EXPECT_TRUE(std::regex_search(exported.said,
                                  std::regex("plugin.crashed.*plugin:" + std::string(plugin))))
        << plugin;
  }
}

// The people of a visit over the API, while the provider or the hub fails.
class UnderFaultsOverTheApi : public UnderFaults {
 protected:
  void open() {
    ASSERT_NO_FATAL_FAILURE(site_.start_hub());
    people_ = std::make_unique<demo::People>(
        site_.url(), site_.token(), read_file(site_.config.issuer_secret), clock_, random_);
    const Status entered = people_->enter();
    ASSERT_TRUE(entered.ok()) << entered.error().message;
  }
  Result<Json> make() {
    return people_->as("doctor", "POST", "/sessions",
                       Json::object({{"type", "doctor_patient"},
                                     {"patient", people_->of("patient")["id"]},
                                     {"waitingRoom", false}}));
  }
  // The committed session is there exactly once.
  std::string only_session() {
    const auto list = people_->as("doctor", "GET", "/sessions");
    EXPECT_TRUE(list.ok() && (*list)["items"].size() == 1U);
    return list.ok() ? (*list)["items"][0].string_or("id", "") : "";
  }
  // Tries until there is a token; it comes as soon as there is a room.
  Result<Json> token(const std::string& session) {
    Result<Json> answer = unavailable("test.untried", "nobody asked");
    (void)test::eventually(
        [&] {
          answer = people_->as("doctor", "POST", "/sessions/" + session + "/join");
          if (answer.ok())
            answer = people_->as("doctor", "POST", "/sessions/" + session + "/token");
          return answer.ok();
        },
        std::chrono::minutes(1));
    return answer;
  }
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<demo::People> people_;
};

TEST_F(UnderFaultsOverTheApi, AProviderThatIsDownWhenTheHubStartsIsWaitedFor) {
  site_.faults("twilio", R"([{"match": {}, "fault": "reset"}])");
  ASSERT_NO_FATAL_FAILURE(open());
  // The session is made; its room comes when the provider is back.
  const auto made = make();
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ((*made)["tokens"].size(), 0U);
  const std::string session = only_session();
  const auto early = people_->as("doctor", "GET", "/sessions/" + session);
  ASSERT_TRUE(early.ok()) << early.error().message;
  EXPECT_TRUE((*early)["roomSid"].is_null());
  EXPECT_EQ(site_.effects("room.created"), 0);
  site_.faults("twilio", "[]");
  const auto late = token(session);
  ASSERT_TRUE(late.ok()) << late.error().message;
  EXPECT_NE(late->string_or("token", ""), "");
  EXPECT_EQ(site_.effects("room.created"), 1);
}

TEST_F(UnderFaultsOverTheApi, AHubThatIsKilledBetweenRoomAndTokenFindsTheRoomAgain) {
  ASSERT_NO_FATAL_FAILURE(open());
  site_.faults(
      "twilio",
      R"([{"match": {"method": "POST", "path": "^/v1/Rooms$"}, "fault": "drop-reply", "times": 1}])");
  // It waits for its room, and the hub dies meanwhile.
  std::thread doctor([this] { (void)make(); });
  EXPECT_TRUE(test::eventually([this] { return site_.effects("room.created") >= 1; },
                               std::chrono::minutes(1)));
  site_.kill_hub();
  doctor.join();
  ASSERT_EQ(site_.effects("room.created"), 1);
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const std::string session = only_session();
  const auto late = token(session);
  ASSERT_TRUE(late.ok()) << late.error().message;
  EXPECT_EQ(site_.effects("room.created"), 1) << "the same room again";
  const auto seen = people_->as("doctor", "GET", "/sessions/" + session);
  ASSERT_TRUE(seen.ok());
  EXPECT_NE(seen->string_or("roomSid", ""), "");
}

TEST_F(UnderFaults, TheHubIsStoppedAndStartedBetweenBookingAndVisit) {
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  site_.enter(booking_);
  ASSERT_EQ(site_.post(booking_.id, booking_.body).status, 202);
  site_.stop_hub();
  // play posts the same delivery again: the stored answer, the same instance, no second room.
  play();
  EXPECT_EQ(site_.api("instances")["items"].size(), 1U);
}

}  // namespace
}  // namespace rabt::e2e::faults_test
