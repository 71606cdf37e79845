#include "hub/consultation/events/live.hpp"

#include <thread>

#include "tests/consultation/session_house.hpp"

namespace rabt::consultation::live_test {
namespace {

class Heard final : public LiveListener {
 public:
  void happened(const LiveEvent& event) override {
    const Lock lock(mutex_);
    events_.push_back(event);
  }
  void caught_up() override {
    const Lock lock(mutex_);
    ++caught_up_;
    caught_up_after_ = events_.size();
  }
  void alive() override {}
  void relayed(const Json& what) override {
    const Lock lock(mutex_);
    relayed_.push_back(what);
  }
  std::vector<LiveEvent> events() {
    const Lock lock(mutex_);
    return events_;
  }
  std::vector<std::int64_t> numbers() {
    std::vector<std::int64_t> out;
    for (const LiveEvent& event : events()) out.push_back(event.seq);
    return out;
  }
  std::vector<Json> relayed_messages() {
    const Lock lock(mutex_);
    return relayed_;
  }
  int caught_up_times() {
    const Lock lock(mutex_);
    return caught_up_;
  }
  std::size_t caught_up_after() {
    const Lock lock(mutex_);
    return caught_up_after_;
  }

 private:
  Mutex mutex_;
  std::vector<LiveEvent> events_ RABT_GUARDED_BY(mutex_);
  std::vector<Json> relayed_ RABT_GUARDED_BY(mutex_);
  int caught_up_ RABT_GUARDED_BY(mutex_) = 0;
  std::size_t caught_up_after_ RABT_GUARDED_BY(mutex_) = 0;
};

class LiveChannel : public SessionHouse {
 protected:
  void SetUp() override {
    SessionHouse::SetUp();
    live_ = std::make_unique<Live>(
        *store_, null_logger(), [](const Membership& of, const LiveEvent& event) {
          return Json::object(
              {{"of", of.session}, {"keyed", !of.data_key.empty()}, {"about", event.type}});
        });
  }
  void TearDown() override {
    live_.reset();
    SessionHouse::TearDown();
  }
  std::string make_session() { return id_of(made()); }

  std::unique_ptr<Live> live_;
};

TEST_F(LiveChannel, TellsEachEventOnceAndInOrder) {
  const std::string session = make_session();
  const auto heard = std::make_shared<Heard>();
  const std::int64_t newest = must(live_->listen("t1", session, std::nullopt, heard));
  ASSERT_GT(newest, 0);
  must(sessions_->life.start(as(doctor_, session)));
  must(sessions_->life.end(as(doctor_, session)));
  ASSERT_TRUE(eventually([&] {
    const auto events = heard->events();
    return !events.empty() && events.back().type == "completed";
  }));
  std::int64_t expected = newest;
  for (const LiveEvent& event : heard->events()) {
    EXPECT_EQ(event.seq, ++expected);
    EXPECT_EQ(event.content["of"].as_string(), session);
    EXPECT_TRUE(event.content["keyed"].as_bool());
    EXPECT_EQ(event.content["about"].as_string(), event.type);
  }
  EXPECT_EQ(heard->caught_up_times(), 1);
}

TEST_F(LiveChannel, ResumesBehindTheLastEventThatWasSeen) {
  const std::string session = make_session();
  must(sessions_->life.start(as(doctor_, session)));
  must(sessions_->life.end(as(doctor_, session)));
  const auto all = std::make_shared<Heard>();
  const std::int64_t newest = must(live_->listen("t1", session, 0, all));
  ASSERT_TRUE(eventually([&] { return all->caught_up_times() == 1; }));
  ASSERT_EQ(all->numbers().size(), static_cast<std::size_t>(newest));
  EXPECT_EQ(all->caught_up_after(), static_cast<std::size_t>(newest));
  const auto rest = std::make_shared<Heard>();
  must(live_->listen("t1", session, newest - 1, rest));
  ASSERT_TRUE(eventually([&] { return rest->caught_up_times() == 1; }));
  EXPECT_EQ(rest->numbers(), std::vector<std::int64_t>{newest});
}

TEST_F(LiveChannel, WhoHasLeftHearsNothing) {
  const std::string session = make_session();
  const auto gone = std::make_shared<Heard>();
  const auto stays = std::make_shared<Heard>();
  must(live_->listen("t1", session, std::nullopt, gone));
  must(live_->listen("t1", session, std::nullopt, stays));
  EXPECT_EQ(live_->listeners(), 2U);
  live_->leave(session, *gone);
  must(sessions_->life.start(as(doctor_, session)));
  ASSERT_TRUE(eventually([&] { return !stays->events().empty(); }));
  EXPECT_TRUE(gone->events().empty());
  EXPECT_EQ(live_->listeners(), 1U);
}

TEST_F(LiveChannel, RelaysToTheOthersOfTheSameSessionOnly) {
  const std::string session = make_session();
  const std::string another = make_session();
  const auto one = std::make_shared<Heard>();
  const auto two = std::make_shared<Heard>();
  const auto elsewhere = std::make_shared<Heard>();
  must(live_->listen("t1", session, std::nullopt, one));
  must(live_->listen("t1", session, std::nullopt, two));
  must(live_->listen("t1", another, std::nullopt, elsewhere));
  live_->relay(session, *one, Json::object({{"kind", "hand"}}));
  EXPECT_TRUE(one->relayed_messages().empty());
  ASSERT_EQ(two->relayed_messages().size(), 1U);
  EXPECT_EQ(two->relayed_messages()[0]["kind"].as_string(), "hand");
  EXPECT_TRUE(elsewhere->relayed_messages().empty());
}

TEST_F(LiveChannel, ASessionOfAnotherTenantIsNotThere) {
  const std::string session = make_session();
  const auto heard = std::make_shared<Heard>();
  const auto listened = live_->listen("t2", session, std::nullopt, heard);
  ASSERT_FALSE(listened.ok());
  EXPECT_EQ(listened.error().code, "session.unknown");
}

}  // namespace
}  // namespace rabt::consultation::live_test
