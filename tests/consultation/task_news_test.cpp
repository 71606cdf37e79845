#include "hub/consultation/messages/task_news.hpp"

#include <future>

#include "hub/audit/reader.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/messages/texts.hpp"
#include "tests/consultation/session_house.hpp"
#include "tests/number_of.hpp"

// Staff is told that tasks wait: those who may answer them, one message in a quarter of an hour.
namespace rabt::consultation::task_news_test {
namespace {

constexpr std::int64_t kApartMs = limits::kTaskNewsApartMs;

class TaskMessages : public SessionHouse {
 protected:
  static Timestamp at(const char* text) { return test::must(parse_iso8601(text)); }
  void SetUp() override {
    public_url_ = "https://hub.example.sa";
    house_.name = {{"ar", "مستشفى الواحة"}, {"en", "Oasis Hospital"}};
    for (const char* language : {"ar", "en"})
      house_.texts[language][std::string(kTaskText)] =
          std::string(language) + " {hospital} {count} {link}";
    provider_.notifies = true;
    // 11:00 in Riyadh.
    clock_.set(at("2026-12-01T08:00:00Z"));
    SessionHouse::SetUp();
    sara_ = somebody({identity::Role::desk},
                     {{"name", "Sara"}, {"phone", "0550000001"}, {"language", "en"}});
    provider_.answer = [this](const plugin::CallRequest& call) {
      if (call.action != "our-send-sms") return provider_.usual(call);
      if (away_ || call.arguments.string_or("to", "") == away_for_)
        return plugin::failed(workflow::OutcomeKind::transient, "notify.away", "no answer");
      return Provider::done_with(Json::object({{"messageId", "G-1"}, {"status", "accepted"}}));
    };
    begin();
  }
  void TearDown() override {
    end();
    SessionHouse::TearDown();
  }
  void begin(bool wanted = true) {
    tasks_ = std::make_unique<const Tasks>(Tasks::Parts{
        *store_, *audit_, *keys_, people_, *reasons_, clock_, random_, ids_, "t1", wanted});
    news_ = std::make_unique<TaskNews>(sessions_->acts, *tasks_, wanted);
  }
  void end() {
    news_.reset();
    tasks_.reset();
  }
  void restart(bool wanted = true) {
    end();
    close();
    open();
    begin(wanted);
  }
  std::string made(Task task) {
    NewTask wanted;
    wanted.task = std::move(task);
    wanted.task.kind = "coverage";
    wanted.task.title = "coverage.not-eligible";
    wanted.task.object_type = "session";
    wanted.task.object = ids_.next().text();
    wanted.content.question = "Sealed question";
    wanted.content.schema = form_of({"go-on"});
    wanted.call = "call-" + std::to_string(++made_);
    return must(tasks_->open(wanted)).task.id;
  }
  std::string for_desk(std::optional<std::int64_t> due_ms = {}) {
    return made({.role = "desk", .due_ms = due_ms});
  }
  // Numbers that have got a message so far.
  std::vector<std::string> told() {
    must(news_->turn());
    std::vector<std::string> out;
    for (const plugin::CallRequest& call : provider_.calls("our-send-sms"))
      out.push_back(call.arguments.string_or("to", ""));
    return out;
  }
  std::string last_text() {
    const auto calls = provider_.calls("our-send-sms");
    return calls.empty() ? "" : calls.back().arguments.string_or("text", "");
  }
  std::int64_t waiting() {
    static constexpr store::Statement kWaiting{
        "SELECT COUNT(*) FROM outbox WHERE kind IN ('task-news', 'task-letter')"};
    return test::number_of(*store_, kWaiting);
  }

  std::unique_ptr<const Tasks> tasks_;
  std::unique_ptr<TaskNews> news_;
  std::string sara_;
  bool away_ = false;
  // A number that the gateway takes no message for.
  std::string away_for_;
  int made_ = 0;
};

TEST_F(TaskMessages, APersonHasOneMessageInAQuarterOfAnHourHoweverManyTasks) {
  for (int i = 0; i < 3; ++i) for_desk();
  EXPECT_EQ(told(), std::vector<std::string>{"+966550000001"});
  EXPECT_EQ(last_text(), "en Oasis Hospital 3 https://hub.example.sa/console/tasks");
  EXPECT_EQ(told().size(), 1U) << "nothing is new";
  EXPECT_EQ(waiting(), 0);
  for_desk();
  EXPECT_EQ(told().size(), 1U);
  clock_.advance_ms(kApartMs - 1);
  EXPECT_EQ(told().size(), 1U);
  clock_.advance_ms(1);
  EXPECT_EQ(told().size(), 2U);
  EXPECT_EQ(last_text(), "en Oasis Hospital 4 https://hub.example.sa/console/tasks");
  clock_.advance_ms(kApartMs);
  EXPECT_EQ(told().size(), 2U) << "tasks that were told of are no news";
}

TEST_F(TaskMessages, OnlyWhoMayAnswerAndWantsMessagesIsTold) {
  const auto desk = [this](const char* name, const char* phone) {
    return somebody({identity::Role::desk}, {{"name", name}, {"phone", phone}});
  };
  somebody({identity::Role::desk}, {{"name", "No telephone"}});
  desk("The same telephone", "0550000001");
  people_.set(desk("No messages", "0550000002"), "reminders", false);
  people_.change(desk("Left", "0550000003"),
                 [](identity::Person& person) { person.active = false; });
  people_.set(doctor_, "phone", "0550000004");
  people_.set(doctor2_, "phone", "0550000005");
  for_desk();
  EXPECT_EQ(told(), std::vector<std::string>{"+966550000001"});
  made({.role = "doctor", .assignee = doctor_});
  EXPECT_EQ(told(), (std::vector<std::string>{"+966550000001", "+966550000004"}))
      << "the assignee alone";
  EXPECT_TRUE(last_text().starts_with("ar مستشفى الواحة 1 ")) << last_text();
  EXPECT_EQ(waiting(), 0);
}

TEST_F(TaskMessages, ATaskThatSomebodyHasClaimedIsNoNews) {
  must(tasks_->claim(as(sara_).caller, for_desk()));
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(waiting(), 0);
}

TEST_F(TaskMessages, QuietHoursHoldWhatIsNotDueWithinTheHour) {
  clock_.set(at("2026-12-01T20:00:00Z"));
  for_desk();
  EXPECT_TRUE(told().empty()) << "23:00 in Riyadh";
  clock_.set(at("2026-12-02T03:59:59Z"));
  EXPECT_TRUE(told().empty());
  clock_.set(at("2026-12-02T04:00:00Z"));
  EXPECT_EQ(told().size(), 1U) << "07:00";
}

TEST_F(TaskMessages, ATaskThatIsDueWithinTheHourPassesQuietHours) {
  clock_.set(at("2026-12-01T20:00:00Z"));
  for_desk(at("2026-12-01T23:00:00Z").ms);
  EXPECT_TRUE(told().empty());
  clock_.set(at("2026-12-01T22:00:00Z"));
  EXPECT_EQ(told().size(), 1U) << "an hour before";
  clock_.advance_ms(kApartMs);
  for_desk(clock_.now().ms + 30 * kMinuteMs);
  EXPECT_EQ(told().size(), 2U);
}

TEST_F(TaskMessages, WhoseTaskItIsOnceItIsOverdueIsTold) {
  const std::string admin =
      somebody({identity::Role::admin}, {{"name", "Admin"}, {"phone", "0550000006"}});
  made({.role = "desk", .escalation = "admin", .due_ms = clock_.now().ms + kHourMs});
  EXPECT_EQ(told().size(), 1U);
  clock_.advance_ms(kHourMs);
  must(tasks_->catch_up());
  EXPECT_EQ(told(), (std::vector<std::string>{"+966550000001", "+966550000006"}));
}

TEST_F(TaskMessages, NewsOutliveAGatewayThatIsAwayAndARestart) {
  away_ = true;
  for_desk();
  EXPECT_EQ(code(news_->turn()), "message.not_sent");
  EXPECT_EQ(provider_.calls("our-send-sms").size(), 1U);
  EXPECT_EQ(told().size(), 1U) << "it is left alone for a minute";
  restart();
  away_ = false;
  EXPECT_EQ(told().size(), 2U);
  const auto calls = provider_.calls("our-send-sms");
  EXPECT_EQ(calls[0].idempotency_key, calls[1].idempotency_key) << "one message for the gateway";
  EXPECT_EQ(told().size(), 2U);
}

// Letters went in the order in which they were put and the first that failed ended the turn: nobody
// behind it was ever told.
TEST_F(TaskMessages, AMessageThatIsNotTakenHoldsUpNoOther) {
  (void)somebody({identity::Role::desk},
                 {{"name", "Omar"}, {"phone", "0550000002"}, {"language", "en"}});
  for (const char* number : {"+966550000001", "+966550000002"}) {
    away_for_ = number;
    for_desk();
    EXPECT_EQ(code(news_->turn()), "message.not_sent");
    EXPECT_EQ(waiting(), 1) << "the other is told";
    away_for_.clear();
    clock_.advance_ms(kMinuteMs);
    (void)told();
    EXPECT_EQ(waiting(), 0);
    clock_.advance_ms(kApartMs);
  }
}

// The name of a message was the time of its newest task, so that a task that came while the gateway
// was away made it another message.
TEST_F(TaskMessages, ATaskThatComesWhileTheGatewayIsAwayChangesNoMessage) {
  away_ = true;
  for_desk();
  EXPECT_EQ(code(news_->turn()), "message.not_sent");
  clock_.advance_ms(kMinuteMs);
  for_desk();
  away_ = false;
  EXPECT_EQ(told().size(), 2U);
  const auto calls = provider_.calls("our-send-sms");
  EXPECT_EQ(calls[0].idempotency_key, calls[1].idempotency_key);
  EXPECT_EQ(waiting(), 0);
}

// Symptom: nothing else was looked after while a gateway for messages to staff hung. Cause: they
// were sent by the thread that looks after everything. Caught by: a gateway that answers only after
// the others have gone on.
TEST_F(TaskMessages, AGatewayThatHangsHoldsTheThreadOfTheseMessagesAlone) {
  std::promise<void> asked;
  std::promise<void> answers;
  provider_.answer = [&](const plugin::CallRequest& call) {
    if (call.action != "our-send-sms") return provider_.usual(call);
    asked.set_value();
    answers.get_future().wait();
    return Provider::done_with(Json::object({{"messageId", "G-1"}, {"status", "accepted"}}));
  };
  for_desk();
  news_->start();
  asked.get_future().wait();
  must(tasks_->catch_up());
  EXPECT_EQ(waiting(), 1) << "the message is under way";
  answers.set_value();
  news_->stop();
  EXPECT_EQ(waiting(), 0) << "a message under way is finished";
  EXPECT_EQ(provider_.calls("our-send-sms").size(), 1U);
}

TEST_F(TaskMessages, AMessageThatTheGatewayHasTakenIsNotSentAgain) {
  for_desk();
  provider_.effect = [](const plugin::CallRequest& call) {
    return plugin::ProbeAnswer{.effect = call.action == "notify.sms.send"
                                             ? plugin::ProbeAnswer::Effect::yes
                                             : plugin::ProbeAnswer::Effect::unknown,
                               .output = Json::object({{"messageId", "G-0"}})};
  };
  EXPECT_TRUE(told().empty()) << "a hub was killed after the gateway's answer";
  EXPECT_EQ(waiting(), 0);
}

TEST_F(TaskMessages, NothingIsToldUnlessTheHospitalWantsIt) {
  restart(false);
  for_desk();
  EXPECT_EQ(waiting(), 0);
  EXPECT_TRUE(told().empty());
  restart();
  for_desk();
  EXPECT_EQ(waiting(), 1);
  restart(false);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(waiting(), 0) << "news from before it was switched off";
}

TEST_F(TaskMessages, TheAuditLogSaysWhoWasToldOfHowManyTasks) {
  for_desk();
  for_desk();
  EXPECT_EQ(told().size(), 1U);
  store_->flush();
  int entries = 0;
  for (const auto& entry : must(audit::read_page(*audit_, {}, 200)).entries) {
    if (entry.entry.act != "staff.told") continue;
    ++entries;
    EXPECT_EQ(entry.entry.object, "person:" + sara_);
    EXPECT_EQ(entry.entry.actor, "node:messages");
    EXPECT_EQ(entry.entry.detail,
              Json::object(
                  {{"person", sara_}, {"kind", "staff_tasks"}, {"outcome", "sent"}, {"tasks", 2}}));
  }
  EXPECT_EQ(entries, 1);
}

}  // namespace
}  // namespace rabt::consultation::task_news_test
