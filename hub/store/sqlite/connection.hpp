#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/store/store.hpp"

struct sqlite3;
struct sqlite3_file;
struct sqlite3_stmt;

namespace rabt::store::sqlite {

inline constexpr Statement kCommit{"COMMIT"};
inline constexpr Statement kRollback{"ROLLBACK"};

// Trouble of the last statement, as far as the writer's next step depends on it.
enum class Trouble : std::uint8_t {
  none,
  // There is no room: tried again later.
  full,
  // Another program holds the file: tried again later.
  busy,
  // The file, or one that it is worthless without, was taken away: tried again later.
  moved,
  // The state of the disk is not known any more.
  fatal,
};

// One SQLite connection with its prepared statements. Used by one thread at a time.
class Database final : public Connection {
 public:
  struct Options {
    std::string path;
    // Empty for SQLite's own.
    std::string vfs;
    bool read_only = false;
  };
  // Error code store.open.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const Options& options);
  ~Database() override;

  Status query(const Statement& statement, std::initializer_list<Value> values,
               const std::function<bool(const Row&)>& each) override;
  [[nodiscard]] Result<std::int64_t> execute(const Statement& statement,
                                             std::initializer_list<Value> values);
  // Runs text that may hold several statements.
  [[nodiscard]] Status script(const std::string& sql);
  // The first column of the first row of a PRAGMA; empty when it has none.
  [[nodiscard]] Result<std::string> pragma(const std::string& text);

  [[nodiscard]] bool in_transaction() const;
  // Trouble since the last call of clear_trouble, the worst.
  [[nodiscard]] Trouble trouble() const { return trouble_; }
  void clear_trouble() { trouble_ = Trouble::none; }
  // In write-ahead mode: COMMIT without its sync, which sync_log() makes up for. Until then what
  // was written is visible to other connections, but not durable. visible runs before it is
  // visible, or not at all: then the commit is durable at once.
  [[nodiscard]] Status commit_unsynced(const std::function<void()>& visible);
  // Any thread, also beside other use of the connection. False when it failed.
  [[nodiscard]] bool sync_log();
  // Copies what readers allow of the write-ahead log into the database, without waiting. False on
  // trouble.
  [[nodiscard]] bool checkpoint();
  // True if the path of the database names another file, or none: what is written would be lost.
  [[nodiscard]] bool moved() const;
  // Pages in the write-ahead log after the last commit of this connection.
  [[nodiscard]] int log_pages() const { return log_pages_; }
  // Pages that its commits have added to the log since the last checkpoint().
  [[nodiscard]] int added_pages() const { return added_pages_; }

 private:
  // A prepared statement and the place of each $n among its parameters.
  struct Prepared {
    sqlite3_stmt* statement = nullptr;
    // The places of $1, $2, ...
    std::vector<int> index_of;
    bool in_use = false;
  };
  class Use;
  friend class Use;

  Database() = default;
  void committed(int log_pages);
  [[nodiscard]] Result<Prepared> prepare(const char* sql);
  [[nodiscard]] Status bind(const Prepared& prepared, std::initializer_list<Value> values);
  [[nodiscard]] Error failure(int code);

  sqlite3* handle_ = nullptr;
  // The write-ahead log, once a transaction was committed.
  sqlite3_file* log_ = nullptr;
  std::unordered_map<const char*, Prepared> statements_;
  Trouble trouble_ = Trouble::none;
  int log_pages_ = 0;
  int added_pages_ = 0;
};

}  // namespace rabt::store::sqlite
