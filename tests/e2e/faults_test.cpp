#include <gtest/gtest.h>

#include "tests/e2e/support.hpp"

// The outside systems fail while a consultation runs. It completes all the same, and everything has
// happened once.
namespace rabt::e2e {
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
  cli::Booking booking_ = site_.booking();
};

TEST_F(UnderFaults, nothing_is_in_the_clear_while_the_hub_is_running) {
  play();
  const std::vector<std::string> values = private_values(booking_.body);
  ASSERT_GE(values.size(), 12U);
  const std::string seen = site_.api("instances/" + site_.instance()).dump() +
                           site_.send("GET", "/metrics").body + site_.send("GET", "/health").body;
  write_file(site_.folder() / "seen", seen);
  // With the write-ahead log, as a crash would leave it.
  EXPECT_EQ(search({site_.data, site_.folder() / "hub.log", site_.folder() / "hub.out",
                    site_.folder() / "seen"},
                   values),
            std::vector<std::string>{});
  EXPECT_GT(std::filesystem::file_size(site_.folder() / "hub.log"), 0U);
}

TEST_F(UnderFaults, every_participant_event_is_lost) {
  site_.faults(
      "twilio",
      R"([{"match": {"body": "StatusCallbackEvent=participant-connected"}, "fault": "drop-callback"}])");
  play();
  EXPECT_EQ(site_.fired("twilio"), std::vector<std::int64_t>{2});
}

TEST_F(UnderFaults, every_event_of_the_provider_is_lost) {
  site_.faults("twilio",
               R"([{"match": {"body": "StatusCallbackEvent="}, "fault": "drop-callback"}])");
  play();
  const auto fired = site_.fired("twilio");
  ASSERT_EQ(fired.size(), 1U);
  EXPECT_GE(fired[0], 4);
}

TEST_F(UnderFaults, events_come_late_and_twice) {
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

TEST_F(UnderFaults, the_payer_is_away_for_two_attempts) {
  site_.faults(
      "nphies",
      R"([{"match": {"body": "claim-request"}, "fault": "status", "status": 503, "times": 2}])");
  play();
  EXPECT_EQ(site_.fired("nphies"), std::vector<std::int64_t>{2});
}

TEST_F(UnderFaults, answers_are_lost_after_the_work_was_done) {
  site_.faults(
      "twilio",
      R"([{"match": {"method": "POST", "path": "/v1/Rooms$"}, "fault": "drop-reply", "times": 1}])");
  site_.faults("nphies",
               R"([{"match": {"body": "claim-request"}, "fault": "drop-reply", "times": 1}])");
  play();
  EXPECT_EQ(site_.fired("twilio"), std::vector<std::int64_t>{1});
  EXPECT_EQ(site_.fired("nphies"), std::vector<std::int64_t>{1});
}

TEST_F(UnderFaults, the_first_answer_of_every_system_is_lost) {
  site_.faults("twilio", R"([{"fault": "drop-reply", "times": 1}])");
  site_.faults("fhir", R"([{"fault": "drop-reply", "times": 1}])");
  site_.faults("nphies", R"([{"fault": "drop-reply", "times": 1}])");
  site_.faults("dhis2", R"([{"fault": "drop-reply", "times": 1}])");
  play();
  for (const char* system : {"twilio", "fhir", "nphies", "dhis2"})
    EXPECT_EQ(site_.fired(system), std::vector<std::int64_t>{1}) << system;
}

TEST_F(UnderFaults, the_hub_is_stopped_and_started_between_booking_and_visit) {
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  ASSERT_EQ(site_.post(booking_.id, booking_.body).status, 202);
  site_.stop_hub();
  // play posts the same delivery again: the stored answer, the same instance, no second room.
  play();
  EXPECT_EQ(site_.api("instances")["instances"].size(), 1U);
}

}  // namespace
}  // namespace rabt::e2e
