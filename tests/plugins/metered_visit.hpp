#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "tests/consultation/session_house.hpp"
#include "tests/eventually.hpp"
#include "tests/must.hpp"
#include "tests/plugins/video_suite.hpp"

// A whole visit: the hub's session service, the plugin, and the stand-in of its provider, which
// keeps a ledger of what it would bill. News come twice, and one is lost.
namespace rabt::testing {

template <typename Provider>
class MeteredVisit : public VideoSuite<Provider> {
 protected:
  class House final : public consultation::SessionHouse {
   public:
    void TestBody() override {}
    using SessionHouse::as;
    using SessionHouse::clock_;
    using SessionHouse::doctor_;
    using SessionHouse::eventually;
    using SessionHouse::id_of;
    using SessionHouse::made;
    using SessionHouse::part;
    using SessionHouse::patient_;
    using SessionHouse::plain;
    using SessionHouse::provider_;
    using SessionHouse::seen;
    using SessionHouse::sessions_;
    using SessionHouse::settings_;
    using SessionHouse::SetUp;
    using SessionHouse::TearDown;
    using SessionHouse::with;
  };

  void SetUp() override {
    now();
    house_.settings_.provider_events = true;
    house_.provider_.plugin = Provider::name();
    for (const std::string& feature : this->manifest_.features)
      house_.provider_.features.insert(feature);
    house_.provider_.answer = [this](const plugin::CallRequest& call) { return carry_out(call); };
    house_.SetUp();
  }
  void TearDown() override { house_.TearDown(); }

  void now() { house_.clock_.set({sandbox::system_now_ms()}); }

  // The plugin does what the session service asks for.
  workflow::ActionOutcome carry_out(const plugin::CallRequest& call) {
    const Lock lock(mutex_);
    this->host_->clock.set_unix_ms(sandbox::system_now_ms());
    const sdk::Outcome outcome =
        this->host_->call(call.action, Json::parse(call.arguments.dump()), call.idempotency_key);
    if (outcome.kind != Kind::done)
      return plugin::failed(outcome.kind == Kind::permanent ? workflow::OutcomeKind::permanent
                                                            : workflow::OutcomeKind::transient,
                            outcome.code, outcome.message);
    return consultation::Provider::done_with(*rabt::Json::parse(outcome.output));
  }

  // Passes the provider's new events to the hub, each twice. `lost` selects events to leave out.
  void hear(const std::function<bool(const Json&)>& lost = {}) {
    constexpr std::chrono::milliseconds kQuiet{200};
    while (test::eventually([this] { return this->hub_.all().size() > heard_; }, kQuiet)) {
      const auto all = this->hub_.all();
      for (; heard_ < all.size(); ++heard_) {
        Provider::heard(all[heard_].body);
        for (int twice = 0; twice < 2; ++twice) tell(all[heard_].body, lost);
      }
    }
  }
  void tell(const std::string& body, const std::function<bool(const Json&)>& lost) {
    std::pair<Json, std::string> said;
    {
      const Lock lock(mutex_);
      said = this->host_->deliver(body);
    }
    EXPECT_EQ(said.second, "");
    for (const Json& event : said.first) {
      if (lost && lost(event)) continue;
      now();
      EXPECT_TRUE(house_.sessions_->provider_events.take(*rabt::Json::parse(event.dump())).ok());
    }
  }

  void enter(const std::string& session, const std::string& person) {
    now();
    (void)test::must(house_.sessions_->entry.join(house_.as(person, session)));
    const auto token = test::must(house_.sessions_->entry.token(house_.as(person, session)));
    EXPECT_EQ(
        this->control("join", {{"room", room(session)}, {"token", token.string_or("token", "")}}),
        200);
  }
  void leave(const std::string& session, const std::string& person) {
    EXPECT_EQ(
        this->control("leave", {{"room", room(session)}, {"identity", identity(session, person)}}),
        200);
  }
  std::string room(const std::string& session) {
    return house_.seen(session).string_or("roomSid", "");
  }
  std::string identity(const std::string& session, const std::string& person) {
    return house_.part(session, person).string_or("identity", "");
  }
  std::int64_t seconds(const std::string& session, const std::string& person) {
    return house_.part(session, person).int_or("durationSeconds", -1);
  }
  bool tells_afterwards(const std::string& session) {
    const Lock lock(mutex_);
    const Json people = this->done("get-session", {{"sessionId", room(session)}})["participants"];
    return std::any_of(people.begin(), people.end(), [](const Json& item) {
      return item.contains("leftAt") && !item["leftAt"].is_null();
    });
  }
  // Seconds that the provider would bill for the only room.
  std::int64_t billed() {
    for (const Json& entry : this->world_->entries()) {
      if (entry["kind"] == "room.completed") return entry["detail"][Provider::kBilled];
    }
    return -1;
  }
  static void some_time() { test::let_pass(std::chrono::milliseconds(1'100)); }
  // Hub and provider end the visit within one second.
  static void begin_of_a_second() {
    EXPECT_TRUE(test::eventually([] { return sandbox::system_now_ms() % 1000 <= 300; }));
  }

  House house_;

 private:
  Mutex mutex_;
  std::size_t heard_ = 0;
};
TYPED_TEST_SUITE_P(MeteredVisit);

TYPED_TEST_P(MeteredVisit, TheHubCountsWhatTheProviderBills) {
  auto& house = this->house_;
  const std::string id = house.id_of(house.made(house.with(house.plain(), "waitingRoom", false)));
  this->enter(id, house.patient_);
  this->enter(id, house.doctor_);
  this->hear();
  EXPECT_EQ(house.seen(id).string_or("status", ""), "active");
  this->some_time();
  this->leave(id, house.patient_);
  this->hear();
  this->some_time();
  this->enter(id, house.patient_);
  this->hear();
  // The doctor loses the line, too. Where the provider tells afterwards when he left, the news of
  // it are lost.
  this->leave(id, house.doctor_);
  const std::string doctor = this->identity(id, house.doctor_);
  const bool told_afterwards = this->tells_afterwards(id);
  this->hear([&](const Json& event) {
    return told_afterwards && event["data"].value("identity", "") == doctor &&
           event.value("type", "").find("participant-left") != std::string::npos;
  });
  this->some_time();
  this->enter(id, house.doctor_);
  this->hear();
  this->some_time();
  this->begin_of_a_second();
  this->now();
  (void)test::must(house.sessions_->life.end(house.as(house.doctor_, id)));
  ASSERT_TRUE(house.eventually([&] { return this->billed() >= 0; }));
  // The news of the end come when the session is over.
  this->hear();
  EXPECT_GE(this->billed(), 6);
  EXPECT_TRUE(house.eventually([&] {
    return this->seconds(id, house.patient_) + this->seconds(id, house.doctor_) == this->billed();
  })) << this->seconds(id, house.patient_)
      << " + " << this->seconds(id, house.doctor_) << " counted, " << this->billed() << " billed";
}

REGISTER_TYPED_TEST_SUITE_P(MeteredVisit, TheHubCountsWhatTheProviderBills);

}  // namespace rabt::testing
