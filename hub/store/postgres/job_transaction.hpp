#pragma once

#include <optional>
#include <utility>

#include "hub/store/batching.hpp"
#include "hub/store/postgres/session.hpp"
#include "hub/store/sequences.hpp"

namespace rabt::store::postgres {

// The only stream of a hub.
inline constexpr std::int64_t kStream = 1;

// One job's view of the connection.
class JobTransaction final : public Transaction {
 public:
  // tag: of what the job puts. savepoint: one is set before the job's first statement.
  JobTransaction(Session& session, Sequences& sequences, Task& task, std::int64_t tag,
                 bool savepoint)
      : session_(session), sequences_(sequences), task_(task), tag_(tag), savepoint_(savepoint) {}

  Status query(const Statement& statement, std::initializer_list<Value> values,
               const std::function<bool(const Row&)>& each) override {
    if (failed_) return *failed_;
    mark();
    Status status = session_.query(statement, values, each);
    if (!status.ok()) failed_ = status.error();
    return status;
  }
  Result<std::int64_t> execute(const Statement& statement,
                               std::initializer_list<Value> values) override {
    if (failed_) return *failed_;
    mark();
    wrote_ = true;
    auto changed = session_.execute(statement, values);
    if (!changed.ok()) {
      failed_ = changed.error();
    } else {
      task_.rows += static_cast<std::uint64_t>(*changed);
    }
    return changed;
  }
  void put(const Statement& statement, std::initializer_list<Value> values) override {
    if (failed_) return;
    mark();
    wrote_ = true;
    session_.send(statement, values, tag_);
  }
  Result<std::int64_t> next(Sequence sequence) override {
    if (failed_) return *failed_;
    return sequences_.next(
        sequence.name,
        [this](const Statement& statement, std::initializer_list<Value> values) -> Status {
          auto changed = execute(statement, values);
          if (!changed.ok()) return std::move(changed).error();
          return ok_status();
        },
        [this](std::function<void()> undone) { on_rollback(std::move(undone)); });
  }
  [[nodiscard]] Lane lane() const override { return task_.lane; }
  [[nodiscard]] std::int64_t stream() const override { return kStream; }
  void on_rollback(std::function<void()> undone) override {
    task_.undo.push_back(std::move(undone));
  }
  void on_commit(std::function<void()> then) override {
    task_.committed.push_back(std::move(then));
  }

  // The error of the first statement that failed.
  [[nodiscard]] const std::optional<Error>& failed() const { return failed_; }
  // True if there is something in the transaction to undo. A statement that failed is: the server
  // takes no other before that.
  [[nodiscard]] bool touched() const { return wrote_ || failed_.has_value(); }
  [[nodiscard]] bool marked() const { return marked_; }

 private:
  // Sets the savepoint before the job's first statement: one that only reads can fail, too.
  void mark() {
    if (!savepoint_ || marked_) return;
    static constexpr Statement kSavepoint{"SAVEPOINT job"};
    session_.send(kSavepoint, {}, Session::kNoTag);
    marked_ = true;
  }

  Session& session_;
  Sequences& sequences_;
  Task& task_;
  const std::int64_t tag_;
  const bool savepoint_;
  bool marked_ = false;
  bool wrote_ = false;
  std::optional<Error> failed_;
};

}  // namespace rabt::store::postgres
