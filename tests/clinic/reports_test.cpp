#include "tests/clinic/clinic.hpp"

// A patient whose telephone is dead: the gateway takes the messages, and says later that none
// arrived.
namespace rabt::clinic::reports_test {
namespace {

constexpr const char* kDead = "966500000001";
constexpr const char* kToken = "a-token-of-the-gateway";
// The gateway's id of the first message that it takes.
constexpr int kFirstMessage = 3'200'001;

class DeadTelephone : public Clinic {
 protected:
  explicit DeadTelephone(bool reports) : reports_(reports) {
    site_.config.sends_messages = true;
    site_.config.messages = e2e::source_dir() + "/config/messages";
    site_.config.workflows.clear();
    for (const std::string name : {"consultation", "messages", "appointment", "chart"})
      site_.config.workflows.push_back(e2e::source_dir() + "/workflows/" + name + ".yaml");
    const std::string file = site_.folder() / "reports.token";
    e2e::write_file(file, kToken);
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    site_.config.more_sources =
        "  sms: {scheme: static-token, secrets: [{file: \"" + file + "\"}], plugin: notify}\n";
  }
  void furnish(sandbox::Json& options) override {
    options["sms"]["undeliverable"] = {kDead};
    if (reports_) options["sms"]["reports"] = {{"url", "/hooks/sms"}, {"token", kToken}};
  }
  Json post(const std::string& path, const Json& body) {
    const auto answer = desks_[0].http.json("POST", hub_->url() + "/api/v1" + path,
                                            {{"Authorization", "Bearer " + token_},
                                             {"Content-Type", "application/json"},
                                             {"X-Rabt-Reason", "test"}},
                                            body.dump());
    EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().message);
    return answer.ok() ? *answer : Json();
  }
  // A visit in two days, of which the patient is told at once.
  void book_visit() {
    const auto enter = [this](const char* role, Json profile) {
      profile.set("roles", Json::array({role}));
      profile.set("username", role);
      profile.set("name", role);
      return post("/users", profile)["id"];
    };
    const Json doctor = enter("doctor", Json::object({{"licenceNumber", "N-P-00010"}}));
    const Json patient =
        enter("patient", Json::object({{"phone", std::string("+") + kDead}, {"language", "en"}}));
    session_ =
        post("/sessions",
             Json::object({{"type", "doctor_patient"},
                           {"provider", doctor},
                           {"patient", patient},
                           {"scheduledStart", to_iso8601({clock_.now().ms + 48LL * 60 * 60'000})}}))
            .string_or("id", "");
    ASSERT_NE(session_, "");
  }
  // The task of the desk. Null while there is none.
  Json call_task() {
    const auto list = get(desks_[0], "/tasks?state=open&kind=call&limit=100");
    EXPECT_TRUE(list.ok()) << (list.ok() ? "" : list.error().message);
    if (!list.ok() || (*list)["items"].size() == 0) return {};
    EXPECT_EQ((*list)["items"].size(), 1U);
    return (*list)["items"].item(0);
  }
  // Status of the answer to a report of the gateway.
  int report(const std::string& token, int message, const std::string& what) {
    const auto sent = desks_[0].http.send(
        "POST", hub_->url() + "/hooks/sms", {{"Authorization", "Bearer " + token}},
        R"({"MessageID": )" + std::to_string(message) + R"(, "DLR": ")" + what + R"("})");
    return sent.ok() ? sent->status : 0;
  }
  // Expects a task that asks the desk to call, without data that the desk may not read.
  void expect_a_call() {
    Json task;
    ASSERT_TRUE(test::eventually([&] {
      task = call_task();
      return !task.is_null();
    }));
    EXPECT_EQ(task.string_or("title", ""), "patient.not-told");
    EXPECT_EQ(task.string_or("role", ""), "desk");
    EXPECT_EQ(task["object"].string_or("id", ""), session_);
    for (const std::string& line : log_.lines())
      EXPECT_EQ(line.find("500000001"), std::string::npos) << line;
  }

 private:
  const bool reports_;
  std::string session_;
};

class Reported : public DeadTelephone {
 protected:
  Reported() : DeadTelephone(true) {}
};

TEST_F(Reported, TheDeskCallsAPatientWhomTheGatewayCouldNotReach) {
  ASSERT_NO_FATAL_FAILURE(book_visit());
  expect_a_call();
}

TEST_F(Reported, TheDeskCallsNobodyWhoseMessageArrivedAfterAll) {
  ASSERT_NO_FATAL_FAILURE(book_visit());
  expect_a_call();
  EXPECT_EQ(report(kToken, kFirstMessage, "Delivered"), 202);
  EXPECT_TRUE(call_task().is_null());
  const auto closed = get(desks_[0], "/tasks?state=cancelled&kind=call&limit=100");
  ASSERT_TRUE(closed.ok());
  ASSERT_EQ((*closed)["items"].size(), 1U);
  EXPECT_EQ((*closed)["items"].item(0).string_or("decidedBy", ""), "node:tasks");
}

TEST_F(Reported, AReportNeedsTheTokenAndMayBeOfAMessageOfNobody) {
  EXPECT_EQ(report("another-token-of-somebody", 1, "Undeliverable"), 401);
  EXPECT_EQ(report(kToken, 1, "Undeliverable"), 202);
  EXPECT_EQ(report(kToken, 1, "Undeliverable"), 202) << "twice";
  EXPECT_TRUE(call_task().is_null());
}

class Asked : public DeadTelephone {
 protected:
  Asked() : DeadTelephone(false) {}
};

// The report is there before the message is known, which no gateway and no clock can be made to do.
TEST_F(Asked, TheDeskCallsAPatientOfWhomTheGatewayReportedBeforeItAnswered) {
  EXPECT_EQ(report(kToken, kFirstMessage, "Undeliverable"), 202);
  ASSERT_NO_FATAL_FAILURE(book_visit());
  expect_a_call();
}

TEST_F(Asked, TheDeskCallsAPatientWhomTheGatewayDidNotReachWhenItIsAsked) {
  ASSERT_NO_FATAL_FAILURE(book_visit());
  ASSERT_TRUE(test::eventually([&] { return outside_->ledger().count("sms.sent") > 0; }));
  EXPECT_TRUE(call_task().is_null()) << "nobody knows yet";
  // The time to ask begins when the hub has the gateway's answer, a moment after the gateway.
  for (int rounds = 0; rounds < 3 && call_task().is_null(); ++rounds) {
    clock_.skip_minutes(3);
    (void)test::eventually([&] { return !call_task().is_null(); }, std::chrono::seconds(5));
  }
  expect_a_call();
}

}  // namespace
}  // namespace rabt::clinic::reports_test
