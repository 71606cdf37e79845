#include <cstdlib>

#include "tests/assembly/whole_hub.hpp"
#include "tests/eventually.hpp"

// An emergency rings a doctor's live channel, over a whole hub that runs the shipped workflow.
namespace rabt::assembly::emergency_hub_test {
namespace {

using test::eventually;

class EmergencyHub : public WholeHub {
 protected:
  void SetUp() override {
    WholeHub::SetUp();
    const char* const root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    ASSERT_NE(root, nullptr);
    config_.workflows = {std::string(root) + "/workflows/emergency.yaml"};
    config_.roles = {{"video", "hub://p2p"}, {"session", "hub://session"}, {"task", "hub://task"}};
  }
  void online(const std::string& who) {
    EXPECT_EQ(call(who, "PUT", "/api/v1/me/presence", Json::object({{"status", "online"}})).status,
              200);
  }
  Json rings(const std::string& who) { return call(who, "GET", "/api/v1/me/rings").json["items"]; }
  // An emergency of the patient's, for any doctor.
  std::string called() {
    const Answer answer =
        call("operator", "POST", "/api/v1/sessions",
             Json::object(
                 {{"type", "emergency_consultation"}, {"request", true}, {"patient", patient_}}));
    EXPECT_EQ(answer.status, 201) << answer.json.dump();
    return answer.json.string_or("id", "");
  }
  std::string patient_;
};

TEST_F(EmergencyHub, ADoctorIsRungOnHisLiveChannelAlsoAfterTheHubWasGone) {
  start();
  const std::string first = enter("doctor", "doctor");
  const std::string second = enter("other", "doctor");
  enter("nurse", "nurse");
  patient_ = enter("patient", "patient");
  online("doctor");
  const auto listen = Json::object({{"type", "sub"}, {"topic", "hub"}});
  std::string id;
  {
    Line doctor(hub_->port(), tokens_["doctor"]);
    Line nurse(hub_->port(), tokens_["nurse"]);
    ASSERT_EQ(doctor.ask(listen).string_or("type", ""), "ok");
    ASSERT_EQ(nurse.ask(listen).string_or("type", ""), "ok");
    id = called();
    const Json rung = doctor.event("provider.rung")["data"];
    EXPECT_EQ(rung.string_or("session", ""), id);
    EXPECT_EQ(rung.string_or("provider", ""), first);
    EXPECT_EQ(rung.dump().find(patient_), std::string::npos);
    // A nurse hears of providers, and not of what rings for another.
    online("other");
    const Json heard = nurse.event("provider.presence-changed");
    EXPECT_FALSE(heard.is_null());
  }
  ASSERT_EQ(rings("doctor").size(), 1U);
  EXPECT_EQ(rings("other").size(), 0U);
  hub_.reset();
  start();
  ASSERT_EQ(rings("doctor").size(), 1U) << "it rings still";
  Line doctor(hub_->port(), tokens_["doctor"]);
  ASSERT_EQ(doctor.ask(listen).string_or("type", ""), "ok");
  const std::string accept = "/api/v1/sessions/" + id + "/accept";
  EXPECT_EQ(call("nurse", "POST", accept).status, 403);
  const Answer taken = call("other", "POST", accept);
  EXPECT_EQ(taken.status, 200) << taken.json.dump();
  EXPECT_EQ(taken.json.string_or("provider", ""), second);
  const Answer late = call("doctor", "POST", accept);
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(late.json.string_or("code", ""), "session.already_accepted") << late.json.dump();
  EXPECT_NE(late.json.dump().find(second), std::string::npos) << "who has it";
  const Json ended = doctor.event("provider.ring-ended")["data"];
  EXPECT_EQ(ended.string_or("outcome", ""), "taken");
  EXPECT_EQ(ended.string_or("by", ""), second);
  EXPECT_EQ(rings("doctor").size(), 0U);
  EXPECT_TRUE(eventually([&] {
    return call("operator", "GET", "/api/v1/instances?status=completed").json["items"].size() == 1;
  })) << "the workflow has ended";
}

TEST_F(EmergencyHub, NobodyAnswersAndTheDeskIsAsked) {
  start();
  patient_ = enter("patient", "patient");
  const std::string id = called();
  // The hub has just begun: pages are given twenty seconds to connect.
  Json tasks;
  ASSERT_TRUE(eventually([&] {
    tasks = call("operator", "GET", "/api/v1/tasks?kind=emergency").json["items"];
    return tasks.size() == 1;
  })) << "more than twenty seconds";
  EXPECT_EQ(tasks.item(0).string_or("role", ""), "desk");
  EXPECT_EQ(tasks.item(0).string_or("title", ""), "emergency.unanswered");
  const Json session = call("operator", "GET", "/api/v1/sessions/" + id).json;
  EXPECT_NE(session["warnings"].dump().find("emergency.unanswered"), std::string::npos);
  // A doctor comes after all.
  enter("doctor", "doctor");
  EXPECT_EQ(call("doctor", "POST", "/api/v1/sessions/" + id + "/accept").status, 200);
  EXPECT_TRUE(eventually([&] {
    return call("operator", "GET", "/api/v1/tasks?kind=emergency").json["items"].size() == 0;
  })) << "the desk is not asked any more";
}

}  // namespace
}  // namespace rabt::assembly::emergency_hub_test
