#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "hub/consultation/rows/session_lane.hpp"
#include "tests/consultation/session_house.hpp"

// Jobs that change a session have its lane.
namespace rabt::consultation::lanes_test {
namespace {

// Lanes of the jobs that change rows of sessions, each with what it does to which table. Internally
// synchronised.
class Lanes {
 public:
  void note(const store::Statement& statement, store::Lane lane) {
    const std::string sql = statement.sql;
    for (const std::string_view begin : {"INSERT INTO session", "UPDATE session"}) {
      if (!sql.starts_with(begin)) continue;
      const Lock lock(mutex_);
      noted_.emplace(lane, sql.substr(0, sql.find_first_of(" (", begin.size())));
    }
  }
  std::set<std::pair<store::Lane, std::string>> all() {
    const Lock lock(mutex_);
    return noted_;
  }

 private:
  Mutex mutex_;
  std::set<std::pair<store::Lane, std::string>> noted_ RABT_GUARDED_BY(mutex_);
};

class WatchedTransaction final : public store::Transaction {
 public:
  WatchedTransaction(store::Transaction& inner, Lanes& lanes) : inner_(inner), lanes_(lanes) {}
  Status query(const store::Statement& statement, std::initializer_list<store::Value> values,
               const std::function<bool(const store::Row&)>& each) override {
    return inner_.query(statement, values, each);
  }
  Result<std::int64_t> execute(const store::Statement& statement,
                               std::initializer_list<store::Value> values) override {
    lanes_.note(statement, lane());
    return inner_.execute(statement, values);
  }
  void put(const store::Statement& statement, std::initializer_list<store::Value> values) override {
    lanes_.note(statement, lane());
    inner_.put(statement, values);
  }
  Result<std::int64_t> next(store::Sequence sequence) override { return inner_.next(sequence); }
  store::Lane lane() const override { return inner_.lane(); }
  std::int64_t stream() const override { return inner_.stream(); }
  void on_rollback(std::function<void()> undo) override { inner_.on_rollback(std::move(undo)); }
  void on_commit(std::function<void()> then) override { inner_.on_commit(std::move(then)); }

 private:
  store::Transaction& inner_;
  Lanes& lanes_;
};

class WatchedStore final : public store::Store {
 public:
  WatchedStore(std::unique_ptr<store::Store> inner, Lanes& lanes)
      : inner_(std::move(inner)), lanes_(lanes) {}
  using store::Store::submit;
  void submit(Need need, store::Lane lane, Job job, Done done, Caller caller) override {
    inner_->submit(
        need, lane,
        [this, job = std::move(job)](store::Transaction& transaction) {
          WatchedTransaction watched(transaction, lanes_);
          return job(watched);
        },
        std::move(done), caller);
  }
  Status read(const std::function<Status(store::Connection&)>& function) override {
    return inner_->read(function);
  }
  void flush() override { inner_->flush(); }
  store::Engine engine() const override { return inner_->engine(); }
  Stats stats() const override { return inner_->stats(); }

 private:
  const std::unique_ptr<store::Store> inner_;
  Lanes& lanes_;
};

class SessionLanes : public SessionHouse {
 protected:
  std::unique_ptr<store::Store> open_store() override {
    return std::make_unique<WatchedStore>(SessionHouse::open_store(), lanes_);
  }
  Lanes lanes_;
};

TEST_F(SessionLanes, AVisitIsWrittenInTheLaneOfItsSessionFromBookingToEnd) {
  const std::string id = id_of(made());
  must(sessions_->entry.join(as(patient_, id)));
  Ask admit = as(doctor_, id);
  admit.record = part_of(id, patient_);
  must(sessions_->people.admit(admit));
  must(sessions_->entry.join(as(doctor_, id)));
  must(sessions_->life.end(as(doctor_, id)));
  EXPECT_TRUE(eventually([&] { return !told("ended").empty(); }));
  std::set<std::string> changes;
  for (const auto& [lane, change] : lanes_.all()) {
    EXPECT_EQ(lane, lane_of(id)) << change;
    changes.insert(change);
  }
  for (const char* const change :
       {"INSERT INTO session", "UPDATE session", "INSERT INTO session_event",
        "INSERT INTO session_effect", "UPDATE session_effect"})
    EXPECT_TRUE(changes.contains(change)) << change;
}

TEST_F(SessionLanes, TwoSessionsHaveTheirOwn) {
  const std::string text = id_of(made());
  const std::string other = id_of(made(with(plain(), "patient", patient2_)));
  std::set<store::Lane> lanes;
  for (const auto& [lane, change] : lanes_.all()) lanes.insert(lane);
  EXPECT_EQ(lanes, (std::set<store::Lane>{lane_of(text), lane_of(other)}));
}

}  // namespace
}  // namespace rabt::consultation::lanes_test
