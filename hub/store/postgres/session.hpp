#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/store/open.hpp"
#include "hub/store/postgres/faults.hpp"
#include "hub/store/store.hpp"

struct pg_conn;
struct pg_result;

namespace rabt::store::postgres {

class Link;

// One connection with its prepared statements. libpqxx opens it, sets it up and runs scripts;
// statements go through libpq's pipeline on the same connection: what is sent is not waited for
// until the next query, execute or finish. Results are in binary format and read whole, so a query
// may run inside a query. Used by one thread at a time.
class Session final : public Connection {
 public:
  // For whom the connection is: settings and limits of time follow from it.
  enum class Use : std::uint8_t { writes, reads, migrates };
  // Errors: store.open, store.settings, store.durability, store.pooler.
  [[nodiscard]] static Result<std::unique_ptr<Session>> open(const PostgresOptions& options,
                                                             Use use);
  ~Session() override;

  Status query(const Statement& statement, std::initializer_list<Value> values,
               const std::function<bool(const Row&)>& each) override;
  // The number of rows changed.
  [[nodiscard]] Result<std::int64_t> execute(const Statement& statement,
                                             std::initializer_list<Value> values);

  // Sends a statement without waiting. tag: what failure() names when it fails, and told() hears.
  void send(const Statement& statement, std::initializer_list<Value> values, std::int64_t tag);
  // Waits for the results of everything sent. The error of the first statement that failed.
  [[nodiscard]] Status finish();
  // Hears of each statement sent: tag and rows changed.
  void on_result(std::function<void(std::int64_t, std::int64_t)> told) { told_ = std::move(told); }

  struct Failure {
    std::int64_t tag = 0;
    Fault fault;
  };
  static constexpr std::int64_t kNoTag = -1;
  // The first statement that failed since clear_failure.
  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }
  void clear_failure() { failure_.reset(); }

  // After finish, query or execute: whether a transaction is open, also one that failed.
  [[nodiscard]] bool in_transaction() const;
  // Runs text that may hold several statements, outside of any pipeline.
  [[nodiscard]] Status script(const std::string& sql);
  // The first column of the first row, as text; empty when there is none.
  [[nodiscard]] Result<std::string> ask(const std::string& sql);

 private:
  enum class Type : std::uint8_t { unknown, integer, text, blob };
  // One for each combination of parameters' types that the hub has used.
  struct Prepared {
    std::string name;
    std::vector<Type> types;
    // Sent to the server and not refused.
    bool there = false;
  };
  struct Text {
    std::string source;
    std::string sql;
    int parameters = 0;
    std::deque<Prepared> prepared;
  };
  // A command whose result has not been read.
  struct Sent {
    // Null for a statement.
    Prepared* prepares = nullptr;
    std::int64_t tag = kNoTag;
    bool commit = false;
  };
  class Answer;

  explicit Session(std::unique_ptr<Link> link);
  [[nodiscard]] Text& text_of(const char* sql);
  [[nodiscard]] Prepared& prepared_for(Text& text, std::initializer_list<Value> values);
  void note(std::int64_t tag, Fault fault);
  [[nodiscard]] pg_result* next_result();
  [[nodiscard]] bool wait_for_server(bool writes_too);
  [[nodiscard]] Answer take(const Sent& sent);
  [[nodiscard]] Answer finish_with_last();
  void lose();

  const std::unique_ptr<Link> link_;
  pg_conn* const handle_;
  std::unordered_map<const char*, std::unique_ptr<Text>> texts_;
  std::deque<Sent> sent_;
  std::int64_t names_ = 0;
  std::optional<Failure> failure_;
  std::function<void(std::int64_t, std::int64_t)> told_;
  // The connection is of no more use.
  bool lost_ = false;
};

}  // namespace rabt::store::postgres
