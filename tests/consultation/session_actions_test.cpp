#include <future>

#include "hub/consultation/register.hpp"
#include "tests/consultation/session_house.hpp"

// hub://session, as workflows call it.
namespace rabt::consultation {
namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

class SessionCalls : public SessionHouse {
 protected:
  void SetUp() override {
    SessionHouse::SetUp();
    service_ = make_session_actions(*sessions_);
  }
  void TearDown() override {
    service_.reset();
    SessionHouse::TearDown();
  }
  ActionOutcome call(const std::string& action, Json arguments, const std::string& key = "k") {
    plugin::CallRequest request;
    request.tenant = "t1";
    request.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    request.action = action;
    request.arguments = std::move(arguments);
    request.idempotency_key = key;
    std::promise<ActionOutcome> ended;
    service_->invoke(request, [&](ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
    return ended.get_future().get();
  }
  Json booking() {
    return Json::object({{"type", "doctor_patient"},
                         {"provider", doctor_},
                         {"patient", patient_},
                         {"consultation", "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
                         {"chiefComplaint", "cough"}});
  }

  std::shared_ptr<plugin::HubService> service_;
};

TEST_F(SessionCalls, ARepeatedCreateGivesTheSameSession) {
  const ActionOutcome first = call("create", booking(), "step-1");
  ASSERT_EQ(first.kind, OutcomeKind::done) << first.code << first.message;
  const ActionOutcome again = call("create", booking(), "step-1");
  EXPECT_EQ(first.output.dump(), again.output.dump());
  EXPECT_NE(call("create", booking(), "step-2").output.dump(), first.output.dump());
  EXPECT_EQ(first.output["participants"].size(), 2U);
  EXPECT_EQ(first.output["participants"].item(0).find("name"), nullptr);
}

TEST_F(SessionCalls, AWorkflowRunsASessionAndRepeatsEachStep) {
  const Json of = Json::object({{"session", call("create", booking()).output["session"]}});
  EXPECT_EQ(call("get", of).output.find("chiefComplaint"), nullptr);
  EXPECT_EQ(call("get", Json::object({{"session", of["session"]},
                                      {"fields", Json::array({"chiefComplaint"})}}))
                .output.string_or("chiefComplaint", ""),
            "cough");
  EXPECT_EQ(call("end", of).code, "session.not_started");
  EXPECT_EQ(call("end", of).kind, OutcomeKind::permanent);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(call("start", of).output.string_or("status", ""), "active");
  clock_.advance_ms(61'000);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(call("end", of).output.int_or("durationMinutes", 0), 2);
  EXPECT_EQ(call("cancel", of).code, "session.completed");
  EXPECT_EQ(call("recordings", of).output.dump(), R"({"ready":true,"recordings":[]})");
  EXPECT_EQ(call("summary", of).output.string_or("status", ""), "completed");
}

TEST_F(SessionCalls, ACancelledSessionIsCancelledOnce) {
  const Json of = Json::object({{"session", call("create", booking()).output["session"]}});
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(call("cancel", of).output.string_or("status", ""), "cancelled");
}

TEST_F(SessionCalls, LinksAreSetAfterTheEndAndTheVersionStays) {
  Json body = booking();
  body.mutable_object().erase("consultation");
  const std::string id = call("create", body).output.string_or("session", "");
  const Json of = Json::object({{"session", id}});
  call("start", of);
  call("end", of);
  const std::int64_t version = seen(id).int_or("version", 0);
  const Json link = Json::object({{"session", id}, {"consultation", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(call("link-consultation", link).kind, OutcomeKind::done);
  EXPECT_EQ(call("link-consultation",
                 Json::object({{"session", id}, {"consultation", "01BX5ZZKBKACTAV9WEVGEMMVRZ"}}))
                .code,
            "session.linked");
  EXPECT_EQ(call("set-appointment", Json::object({{"session", id}, {"appointment", "A-7"}})).kind,
            OutcomeKind::done);
  const Json now = seen(id);
  EXPECT_EQ(now.string_or("appointment", ""), "A-7");
  EXPECT_EQ(now.string_or("consultation", ""), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(now.int_or("version", 0), version);
  EXPECT_EQ(call("set-insurance", Json::object({{"session", id}, {"status", "eligible"}})).code,
            "session.completed");
}

TEST_F(SessionCalls, EveryActionIsDeclared) {
  EXPECT_EQ(service_actions("session").size(), 18U);
  EXPECT_EQ(service_->name(), "session");
}

}  // namespace
}  // namespace rabt::consultation
