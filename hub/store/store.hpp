#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "hub/base/log.hpp"
#include "hub/base/result.hpp"

// The one durable store. SQL is kept to what SQLite and PostgreSQL share;
// migrations/<engine>/NNNN_name.sql.
namespace rabt::store {

// A statement, prepared once for each connection. Declare as: inline constexpr Statement
// kInsertX{"INSERT ..."}; the text must live for ever. Placeholders are $1, $2, ... (both engines
// take them), in any order and as often as needed, without gaps.
struct Statement {
  const char* sql;
};

struct Null {};
struct Blob {
  std::string_view bytes;
};
// Bound for the duration of the call only.
using Value = std::variant<Null, std::int64_t, std::string_view, Blob>;

// A row during iteration; views live until the next row.
class Row {
 public:
  virtual ~Row() = default;
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  [[nodiscard]] virtual std::string_view text(int column) const = 0;
  [[nodiscard]] virtual std::string_view blob(int column) const = 0;
};

// Runs statements on one connection. Not thread-safe: used inside a read or write function only.
class Connection {
 public:
  virtual ~Connection() = default;
  // Calls each for every row; each returns false to stop.
  virtual Status query(const Statement& statement, std::initializer_list<Value> values,
                       const std::function<bool(const Row&)>& each) = 0;
};

// The writer's connection during one job.
class Transaction : public Connection {
 public:
  // Returns the number of rows changed. A violated constraint is error kind conflict, code
  // store.constraint.
  virtual Result<std::int64_t> execute(const Statement& statement,
                                       std::initializer_list<Value> values) = 0;
  [[nodiscard]] virtual std::int64_t last_insert_id() const = 0;
  // Runs when this job's writes are undone (its function failed, or the commit of its batch
  // failed), on the writer thread. For state that the writer thread keeps beside the database, such
  // as the head of the audit chain.
  virtual void on_rollback(std::function<void()> undo) = 0;
};

// Executes, where the number of changed rows does not matter.
[[nodiscard]] Status run(Transaction& transaction, const Statement& statement,
                         std::initializer_list<Value> values);

// Group commit. Jobs run one after the other on the writer thread, in the order of submission; many
// share one transaction and one disk sync. A job that returns an error is undone alone. done comes
// on the writer thread, after the commit of the batch is durable (WAL, synchronous=FULL) or after
// the job was undone: when it says ok, everything the job wrote survives a power loss. Internally
// synchronised.
class Store {
 public:
  using Job = std::function<Status(Transaction&)>;
  using Done = std::function<void(const Status&)>;
  virtual ~Store() = default;

  // droppable: intake. When the queue is full, or the disk is full, done says unavailable
  // (store.busy, store.full) and nothing was written. required: a turn that already happened in
  // memory. Never refused for lack of room; while the disk is full it is tried again until it is
  // written. After an I/O error the process cannot know what is on disk: it stops (exit 74) and
  // recovers on start. A job may run more than once (its batch was undone for lack of room and is
  // tried again): it must not move out of what it captured, and what it changes beside the database
  // it puts back in on_rollback. done runs once, with no lock held; it may call submit and read,
  // not write or flush.
  enum class Need : std::uint8_t { droppable, required };
  virtual void submit(Need need, Job job, Done done) = 0;
  // submit and wait. Not from the writer thread.
  Status write(Job job, Need need = Need::droppable);

  // Runs on a reader connection, beside the writer, on the caller's thread; sees the last commit (a
  // snapshot for the whole function). Not from inside another read: connections are few, and a nest
  // could wait for itself.
  virtual Status read(const std::function<Status(Connection&)>& function) = 0;

  // Waits until everything submitted before is durable or undone.
  virtual void flush() = 0;

  struct Stats {
    std::uint64_t commits = 0;
    std::uint64_t jobs = 0;
    std::uint64_t rows = 0;
    std::uint64_t queued = 0;
    bool disk_full = false;
  };
  [[nodiscard]] virtual Stats stats() const = 0;
};

struct SqliteOptions {
  std::string path;               // the database file; its folder must exist and be writable
  std::string migrations_folder;  // migrations/sqlite
};
// Opens or creates the database (mode 0600), sets and reads back journal_mode=WAL,
// synchronous=FULL, foreign_keys, secure_delete, takes an exclusive lock against a second hub on
// the same file, and applies missing migrations, each in a transaction of its own with its checksum
// recorded. Errors: store.open (says which file and why), store.locked, store.durability,
// store.migration_changed, store.migration_newer.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options, Logger& log);

// Opens a database for looking only, beside a running hub or without one; takes no lock and applies
// no migrations. For one thread. Error store.open.
[[nodiscard]] Result<std::unique_ptr<Connection>> open_sqlite_reader(const std::string& path);

}  // namespace rabt::store
