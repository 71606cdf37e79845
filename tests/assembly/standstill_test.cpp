#include "hub/assembly/standstill.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "hub/base/log.hpp"
#include "tests/must.hpp"
#include "tests/store_under_test.hpp"

// Work that waits has a name and a number.
namespace rabt::assembly::standstill_test {
namespace {

using rabt::test::must;

constexpr std::int64_t kMinute = 60'000;

constexpr store::Statement kDefinition{
    "INSERT INTO definition VALUES (1, 't1', 'test', 'sample', '1.0.0', '', x'', 0, 1)"};
// An instance that lives since $2. $3: its call that a person decides about, $4: a call is open.
constexpr store::Statement kInstance{
    "INSERT INTO instance (num, id, tenant, definition, status, busy, parked, business_key, "
    "start_event, binding, data_key, created_ms, updated_ms) VALUES ($1, 'i' || $1, 't1', 1, 1, "
    "$4, $3, 'k' || $1, 1, 1, x'', $2, $2)"};
constexpr store::Statement kTimer{"INSERT INTO timer (instance, timer, due_ms) VALUES ($1, 1, 9)"};
constexpr store::Statement kListen{
    "INSERT INTO subscription (tenant, key, instance, listen) VALUES ('t1', x'01', $1, 1)"};
constexpr store::Statement kSession{
    "INSERT INTO session (tenant, id, number, version, events, status, type, booking, provider, "
    "patient, visit, clinic, consultation, follow_up_of, appointment, room_sid, door, at_ms, "
    "planned_minutes, created_ms, updated_ms, ended_ms, data_key) VALUES ('t1', 's1', 1, 1, 1, "
    "'completed', 'doctor_patient', '', '', '', '', '', '', '', '', '', 'api', $1, 30, $1, $1, $1, "
    "x'')"};
constexpr store::Statement kIntent{
    "INSERT INTO session_effect (tenant, session, n, kind, subject, state, attempts, code) VALUES "
    "('t1', 's1', $1, $2, '', 'open', 3, 'net.timeout')"};
constexpr store::Statement kRecording{
    "INSERT INTO recording (tenant, id, number, session, instance, external, status, kind, "
    "purpose, "
    "started_ms, blob, bytes, sha256, content_type, sealed, copy, problem) VALUES ('t1', 'r1', 1, "
    "'s1', '', x'', 'processing', '', 'care', 0, '', 0, '', '', x'', 'kept', '')"};

class StandstillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rabt-standstill-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    store_ = database_.open(folder_);
    write(kDefinition, {});
    watch_ = std::make_unique<Standstill>(*store_, "t1", clock_);
  }
  void TearDown() override {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void write(const store::Statement& statement, std::initializer_list<store::Value> values) {
    must(store_->write([&](store::Transaction& transaction) {
      return store::run(transaction, statement, values);
    }));
  }
  std::int64_t count(std::string_view kind) {
    for (const auto& one : must(watch_->look())) {
      if (one.for_what == kind) return one.count;
    }
    return -1;
  }

  const rabt::test::StoreUnderTest database_;
  std::string folder_;
  FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Standstill> watch_;
};

TEST_F(StandstillTest, NothingStandsStillInAnEmptyHub) {
  for (const auto& one : must(watch_->look())) EXPECT_EQ(one.count, 0) << one.for_what;
  EXPECT_TRUE(watch_->trouble().ok());
}

TEST_F(StandstillTest, InstancesStandByWhatTheyWaitFor) {
  const std::int64_t before = clock_.now().ms;
  clock_.advance_ms(16 * kMinute);
  const store::Value none = store::Null{};
  write(kInstance, {1, before, none, 0});
  write(kInstance, {2, before, none, 0});
  write(kTimer, {2});
  write(kInstance, {3, before, none, 0});
  write(kListen, {3});
  write(kInstance, {4, before, "7 claim.submit", 0});
  write(kInstance, {5, before, none, 1});
  write(kInstance, {6, clock_.now().ms, none, 0});
  EXPECT_EQ(count("nothing"), 1) << "a time or an event moves the second and the third";
  EXPECT_EQ(count("decision"), 1);
  EXPECT_EQ(count("answer"), 1);
  EXPECT_EQ(count("video"), 0);
  const Status trouble = watch_->trouble();
  ASSERT_FALSE(trouble.ok());
  EXPECT_EQ(trouble.error().code, "work.waits");
  EXPECT_NE(trouble.error().message.find("1 for nothing, the oldest since 16 minutes"),
            std::string::npos)
      << trouble.error().message;
}

TEST_F(StandstillTest, RecordingsAndCallsOfTheProviderStandWithTheirCode) {
  write(kSession, {clock_.now().ms});
  write(kRecording, {});
  write(kIntent, {1, "open-room"});
  write(kIntent, {2, "collect"});
  clock_.advance_ms(14 * kMinute);
  EXPECT_EQ(count("recording"), 0) << "not yet";
  clock_.advance_ms(2 * kMinute);
  EXPECT_EQ(count("recording"), 1);
  EXPECT_EQ(count("video"), 1);
  EXPECT_NE(watch_->trouble().error().message.find("(net.timeout)"), std::string::npos);
}

TEST_F(StandstillTest, TheMetricsGiveCountAndAgeOfEachKind) {
  const auto measured = [this] {
    MetricsWriter out;
    write_metrics(*watch_, out);
    return out.str();
  };
  const auto line = [](std::string_view name, std::string_view kind, std::int64_t value) {
    return "\n" + std::string(name) + "{for=\"" + std::string(kind) + "\"} " +
           std::to_string(value) + "\n";
  };
  const std::string empty = measured();
  for (const char* kind : {"answer", "decision", "nothing", "recording", "video"}) {
    for (const char* name : {"rabt_work_waiting", "rabt_work_waiting_oldest_seconds"})
      EXPECT_NE(empty.find(line(name, kind, 0)), std::string::npos) << name << " " << kind;
  }
  const store::Value none = store::Null{};
  write(kInstance, {1, clock_.now().ms, "7 claim.submit", 0});
  write(kInstance, {2, clock_.now().ms, none, 1});
  clock_.advance_ms(5 * kMinute);
  write(kInstance, {3, clock_.now().ms, "8 claim.submit", 0});
  clock_.advance_ms(15 * kMinute + 1000);
  const std::string text = measured();
  const std::vector<std::tuple<const char*, std::int64_t, std::int64_t>> expected{
      {"decision", 2, 1201}, {"answer", 1, 1201}, {"nothing", 0, 0}, {"video", 0, 0}};
  for (const auto& [kind, count, seconds] : expected) {
    EXPECT_NE(text.find(line("rabt_work_waiting", kind, count)), std::string::npos) << kind << "\n"
                                                                                    << text;
    EXPECT_NE(text.find(line("rabt_work_waiting_oldest_seconds", kind, seconds)), std::string::npos)
        << kind << "\n"
        << text;
  }
}

}  // namespace
}  // namespace rabt::assembly::standstill_test
