#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/store/columns.hpp"

// The one durable store. SQL is kept to what SQLite and PostgreSQL share;
// migrations/<engine>/NNNN_name.sql. hub/store/open.hpp opens it.
namespace rabt::store {

// A statement, prepared once for each connection. Declare as: inline constexpr Statement
// kInsertX{"INSERT ..."}; the text must live for ever. Placeholders are $1, $2, ... (both engines
// take them), in any order and as often as needed, without gaps. A sum of BIGINT is cast, as
// CAST(SUM(n) AS BIGINT): PostgreSQL's is a NUMERIC, which rows do not read.
struct Statement {
  const char* sql;

  // The place of a column in a row, by its name (columns.hpp). Does not compile where no column has
  // that name, or two have.
  [[nodiscard]] consteval int operator[](std::string_view column) const {
    const int place = ColumnList(sql).find(column);
    if (place < 0) throw "no column, or more than one, has this name";
    return place;
  }
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

// Numbers for new rows, drawn before the row is inserted: 1, 2, ... with gaps, never one twice,
// also after a restart and after the rows with the highest numbers were deleted. Declare as: inline
// constexpr Sequence kEventNumbers{"event"}; one name is one row of numbers.
struct Sequence {
  std::string_view name;
};

// Jobs of one lane run in the order of their submission. Jobs that change one instance use its
// number as the lane. Jobs of different lanes may overlap where a store has several writers.
using Lane = std::int64_t;
inline constexpr Lane kNoLane = -1;

// A writer's connection during one job.
//
// A failed statement fails its job: later statements of the job return the same error, and the job
// is undone whatever it returns. So a job decides before its first write, and inserts with ON
// CONFLICT DO NOTHING where the row may be there already.
class Transaction : public Connection {
 public:
  // Returns the number of rows changed. A violated constraint is error kind conflict, code
  // store.constraint.
  virtual Result<std::int64_t> execute(const Statement& statement,
                                       std::initializer_list<Value> values) = 0;
  // Executes a statement whose result the job does not need. A store may keep it until the end of
  // the batch or until the next query or execute; if it fails, its job is undone and done gets the
  // error.
  virtual void put(const Statement& statement, std::initializer_list<Value> values) = 0;
  // The next number of the sequence, also before the row exists. A number drawn by a job that is
  // undone is not drawn again.
  [[nodiscard]] virtual Result<std::int64_t> next(Sequence sequence) = 0;
  // The lane that the job was submitted with.
  [[nodiscard]] virtual Lane lane() const = 0;
  // The writer that runs the job. The commits of one stream are totally ordered. SQLite has one
  // stream, number 1.
  [[nodiscard]] virtual std::int64_t stream() const = 0;
  // Runs when this job's writes are undone (its function failed, or the commit of its batch
  // failed), on the thread that ran the job. For state that is kept beside the database once a
  // stream, such as the head of a chain of audit entries.
  virtual void on_rollback(std::function<void()> undo) = 0;
  // Runs once, when the writes of this job are durable, before done and on its thread. For what is
  // counted or woken by an act, such as a metric.
  virtual void on_commit(std::function<void()> then) = 0;
};

// Executes, where the number of changed rows does not matter.
[[nodiscard]] Status run(Transaction& transaction, const Statement& statement,
                         std::initializer_list<Value> values);

// The code of the error with which a job says that another writer was quicker: what the job read no
// longer holds. The store undoes the job and runs it again, kMaxRaces times, then done gets error
// kind unavailable, code store.busy.
inline constexpr std::string_view kRaced = "store.raced";
inline constexpr int kMaxRaces = 16;
// Executes a statement that changes one row and names in its WHERE what the job has read of it. The
// job returns the error when no row was changed.
[[nodiscard]] Status compare_and_set(Transaction& transaction, const Statement& statement,
                                     std::initializer_list<Value> values);

// The product behind a store. Only who reads its catalogue needs it.
enum class Engine : std::uint8_t { sqlite, postgres };

// Group commit. Jobs run one after the other on a writer's thread, or on that of a caller that
// waits, in the order of submission within their lane; many share one transaction and one disk
// sync. A job that returns an error is undone alone. done comes on the same thread, in the order of
// the commits, after the commit is durable (WAL, synchronous=FULL) or the job was undone: when it
// says ok, everything the job wrote survives a power loss. Internally synchronised.
class Store {
 public:
  using Job = std::function<Status(Transaction&)>;
  using Done = std::function<void(const Status&)>;
  virtual ~Store() = default;

  // droppable: intake. When the queue is full, the disk is full, or the database or a needed file
  // was taken away, done says unavailable (store.busy, store.full, store.moved) and nothing was
  // written. required: a turn that already happened in memory. Never refused for lack of room;
  // while the disk is full it is tried again until it is written. After an I/O error the process
  // cannot know what is on disk: it stops (exit 74) and recovers on start. A job may run more than
  // once (its batch was undone, because another job of it failed or the disk was full, and is tried
  // again): it must not move out of what it captured, and what it changes beside the database it
  // puts back in on_rollback. done runs once, with no lock held; it may call submit and read, not
  // write or flush.
  enum class Need : std::uint8_t { droppable, required };
  // waits: the caller has nothing to do until done has run. When nothing else is to be written,
  // its thread runs the job and done, before submit returns: no other thread has to wake. It holds
  // no lock that the job or done takes.
  enum class Caller : std::uint8_t { goes_on, waits };
  virtual void submit(Need need, Lane lane, Job job, Done done, Caller caller) = 0;
  // A job that needs no order among others.
  void submit(Need need, Job job, Done done) {
    submit(need, kNoLane, std::move(job), std::move(done), Caller::goes_on);
  }
  // submit and wait. Not from inside a job or done.
  Status write(Lane lane, Job job, Need need = Need::droppable);
  Status write(Job job, Need need = Need::droppable) {
    return write(kNoLane, std::move(job), need);
  }

  // Runs on a reader connection, beside the writers, on the caller's thread; sees the last commit
  // (a snapshot for the whole function), and returns when that is durable. Not from inside another
  // read: connections are few, and a nest could wait for itself.
  virtual Status read(const std::function<Status(Connection&)>& function) = 0;

  // Waits until everything submitted before is durable or undone.
  virtual void flush() = 0;
  // Gives the file system some pages that removed rows have left, in one short write, and leaves
  // some for what comes. True when there may be more. For maintenance. A server does it by itself.
  [[nodiscard]] virtual Result<bool> give_back() { return false; }
  // The hub stops: from now on what finds no room is refused, also what is required, in place of
  // waiting for a disk that may never come back. The next start makes it again.
  virtual void end_waiting() {}

  [[nodiscard]] virtual Engine engine() const = 0;

  // Sums since the store was opened.
  struct Stats {
    std::uint64_t commits = 0;
    std::uint64_t jobs = 0;
    std::uint64_t rows = 0;
    // Jobs that were run again because another writer was quicker.
    std::uint64_t raced = 0;
    // Time of the writers in jobs and their statements, in COMMIT, and in done.
    std::chrono::nanoseconds in_jobs{0};
    std::chrono::nanoseconds in_commits{0};
    std::chrono::nanoseconds in_done{0};
    // Jobs that wait now.
    std::uint64_t queued = 0;
    // Nothing can be written now: the disk is full, the files were taken away, or the database's
    // server is away.
    bool disk_full = false;
  };
  [[nodiscard]] virtual Stats stats() const = 0;
};

}  // namespace rabt::store
