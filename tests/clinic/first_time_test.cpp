#include "tests/clinic/clinic.hpp"

// A patient whom nobody has entered is booked by the hospital.
namespace rabt::clinic::first_time_test {
namespace {

constexpr int kTwoDays = 2 * 24 * 60;

class FirstTime : public Clinic {
 protected:
  FirstTime() {
    site_.config.sends_messages = true;
    site_.config.messages = e2e::source_dir() + "/config/messages";
    site_.config.workflows.clear();
    for (const std::string name : {"consultation", "messages"})
      site_.config.workflows.push_back(e2e::source_dir() + "/workflows/" + name + ".yaml");
  }
  void configure(std::string& yaml) override { yaml += "\nclinic: {booked_patients: enter}\n"; }
  // A booking in two days, with the patient's telephone.
  demo::Booking booking() {
    return demo::with_phone(demo::make_moved(demo::make_booking(clock_, ids_, 0), ids_, kTwoDays),
                            "0551234567");
  }
  // The patient of the session. Null for one without a record.
  Json patient_of_next_booking() {
    const auto accepted = deliver(desks_[0], booking());
    EXPECT_TRUE(accepted.ok()) << (accepted.ok() ? "" : accepted.error().message);
    if (!accepted.ok()) return {};
    const Json context = session_of(desks_[0], (*accepted)["instances"][0].as_string());
    const auto session = get(desks_[0], "/sessions/" + context.string_or("session", ""));
    return session.ok() ? (*session)["patient"] : Json();
  }
  Json messages() {
    const auto sent =
        desks_[0].http.json("POST", outside_->url("control") + "/control/sms/messages",
                            {{"Content-Type", "application/json"}}, "{}");
    return sent.ok() ? (*sent)["messages"] : Json::array();
  }
};

// Symptom: a first-time patient got no message and no link, and the desk a task. Cause: messages go
// to the telephone of a record, and he had none.
TEST_F(FirstTime, APatientGetsTheMessageOfTheBookingWithItsLink) {
  const Json patient = patient_of_next_booking();
  ASSERT_TRUE(patient.is_string()) << patient.dump();
  Json sent;
  ASSERT_TRUE(test::eventually([&] {
    sent = messages();
    return sent.size() == 1;
  })) << sent.dump();
  EXPECT_EQ(sent[0].string_or("recipient", ""), "966551234567");
  EXPECT_NE(sent[0].string_or("text", "").find("/i#"), std::string::npos);
  const auto tasks = get(desks_[0], "/tasks?state=open&kind=call&limit=100");
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  EXPECT_EQ((*tasks)["items"].size(), 0U) << tasks->dump();
  // A patient who books again is recognised.
  EXPECT_EQ(patient_of_next_booking(), patient);
  for (const std::string& line : log_.lines())
    EXPECT_EQ(line.find("551234567"), std::string::npos) << line;
}

// The tenant's configuration reaches the workflow: docs/workflows.md, "Who pays".
class RefusingClinic : public FirstTime {
 protected:
  void configure(std::string& yaml) override {
    yaml += "\nclinic: {coverage: {not_in_force: refuse}}\n";
  }
};

TEST_F(RefusingClinic, AVisitWithoutACoverageInForceIsCalledOffByTheRuleOfTheTenant) {
  demo::Booking expired = booking();
  sandbox::Json bundle = sandbox::Json::parse(expired.body);
  for (sandbox::Json& entry : bundle["entry"]) {
    if (entry["resource"]["resourceType"] == "Coverage")
      entry["resource"]["period"] = {{"end", "2020-01-01"}};
  }
  expired.body = bundle.dump();
  const auto accepted = deliver(desks_[0], expired);
  ASSERT_TRUE(accepted.ok()) << accepted.error().message;
  const std::string instance = (*accepted)["instances"][0].as_string();
  Json seen;
  // A payment that is older than the booking has 30 seconds to say so.
  EXPECT_TRUE(test::eventually([&] {
    seen = get(desks_[0], "/instances/" + instance).value();
    return seen["waits"]["events"].size() > 0;
  })) << seen.dump();
  clock_.skip_minutes(1);
  const Json context = session_of(desks_[0], instance);
  const std::string session = context.string_or("session", "");
  EXPECT_TRUE(test::eventually([&] {
    seen = get(desks_[0], "/sessions/" + session).value();
    return seen.string_or("status", "") == "cancelled";
  })) << seen.dump();
  const auto tasks = get(desks_[0], "/tasks?state=open&kind=coverage&limit=100");
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  EXPECT_EQ((*tasks)["items"].size(), 0U) << tasks->dump();
}

}  // namespace
}  // namespace rabt::clinic::first_time_test
