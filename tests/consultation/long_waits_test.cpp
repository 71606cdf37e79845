#include "hub/consultation/practice/long_waits.hpp"

#include "hub/audit/reader.hpp"
#include "tests/consultation/service_house.hpp"

// The desk is asked about everybody who waits for more than ten minutes, once a wait.
namespace rabt::consultation::long_waits_test {
namespace {

class LongWaiting : public ServiceHouse {
 protected:
  void SetUp() override {
    ServiceHouse::SetUp();
    tasks_ = std::make_unique<const Tasks>(
        Tasks::Parts{*store_, *audit_, *keys_, people_, *details_, clock_, random_, ids_, "t1"});
    waits_ = std::make_unique<const LongWaits>(
        LongWaits::Parts{*store_, *tasks_, people_, clock_, "t1"});
    desk_person_ = somebody({identity::Role::desk}, {{"name", "Sara"}});
  }
  void TearDown() override {
    waits_.reset();
    tasks_.reset();
    ServiceHouse::TearDown();
  }
  // A session whose patient has come into the waiting room.
  std::string waiting(std::int64_t starts_in_minutes = 0) {
    Json body = plain();
    body.set("scheduledStart", to_iso8601({clock_.now().ms + starts_in_minutes * 60'000}));
    const std::string id = id_of(made(std::move(body)));
    must(sessions_->entry.join(as(patient_, id)));
    return id;
  }
  void minutes(std::int64_t count) {
    clock_.advance_ms(count * 60'000);
    must(waits_->turn());
  }
  std::vector<Task> tasks(const std::string& state = {}) {
    return must(tasks_->list(as(desk_person_).caller.who, {.state = state}, "", 50));
  }

  std::unique_ptr<const Tasks> tasks_;
  std::unique_ptr<const LongWaits> waits_;
  std::string desk_person_;
};

TEST_F(LongWaiting, TheDeskHasATaskAfterTenMinutesOnce) {
  const std::string id = waiting();
  minutes(9);
  EXPECT_TRUE(tasks().empty());
  minutes(1);
  ASSERT_EQ(tasks().size(), 1U);
  const Task task = tasks()[0];
  EXPECT_EQ(task.kind, "waiting");
  EXPECT_EQ(task.title, "waiting.long");
  EXPECT_EQ(task.role, "desk");
  EXPECT_EQ(task.object, id);
  EXPECT_EQ(task.patient, people_.of(patient_).pseudonym);
  minutes(5);
  EXPECT_EQ(tasks().size(), 1U) << "one task a wait";
  must(tasks_->decide(as(desk_person_).caller, task.id, Json::object({{"outcome", "told"}}), ""));
  minutes(5);
  EXPECT_TRUE(tasks().empty()) << "answered, and the person still waits";
}

TEST_F(LongWaiting, ItClosesByItselfWhenThePersonIsAdmitted) {
  const std::string id = waiting();
  minutes(11);
  ASSERT_EQ(tasks().size(), 1U);
  must(tasks_->claim(as(desk_person_).caller, tasks()[0].id));
  Ask admit = as(doctor_, id);
  admit.record = part_of(id, patient_);
  must(sessions_->people.admit(admit));
  minutes(0);
  EXPECT_TRUE(tasks().empty());
  const std::vector<Task> closed = tasks("cancelled");
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].decided_by, "node:tasks");
  std::vector<std::string> acts;
  must(audit::read_each(*audit_, {.object = "task:" + closed[0].id},
                        [&](const audit::Logged& logged) {
                          acts.push_back(logged.entry.act);
                          return true;
                        }));
  EXPECT_EQ(acts, (std::vector<std::string>{"task.opened", "task.claimed", "task.cancelled"}));
}

TEST_F(LongWaiting, WhoLeavesAndComesAgainBeginsAnotherWait) {
  const std::string id = waiting();
  minutes(11);
  ASSERT_EQ(tasks().size(), 1U);
  const std::string first = tasks()[0].id;
  must(sessions_->entry.leave(as(patient_, id)));
  minutes(0);
  EXPECT_TRUE(tasks().empty());
  must(sessions_->entry.join(as(patient_, id)));
  minutes(9);
  EXPECT_TRUE(tasks().empty());
  minutes(1);
  ASSERT_EQ(tasks().size(), 1U);
  EXPECT_NE(tasks()[0].id, first);
}

TEST_F(LongWaiting, BeforeThePlannedStartNobodyWaits) {
  (void)waiting(8);
  minutes(12);
  EXPECT_TRUE(tasks().empty());
  minutes(6);
  EXPECT_EQ(tasks().size(), 1U);
}

TEST_F(LongWaiting, AVisitThatIsCalledOffClosesItsTask) {
  const std::string id = waiting();
  minutes(11);
  ASSERT_EQ(tasks().size(), 1U);
  must(sessions_->life.cancel(as(doctor_, id, Json::object({{"reason", "the doctor is ill"}}))));
  minutes(0);
  EXPECT_TRUE(tasks().empty());
}

}  // namespace
}  // namespace rabt::consultation::long_waits_test
