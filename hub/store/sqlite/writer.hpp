#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/store/batching.hpp"
#include "hub/store/sequences.hpp"
#include "hub/store/sqlite/connection.hpp"
#include "hub/store/sqlite/sync_thread.hpp"

namespace rabt::store::sqlite {

// The one thread that writes: takes jobs from a queue, runs them in batches, commits. While a
// commit of many jobs is synced on another thread (SyncThread), it runs the jobs of the next one,
// which it commits when the one before is durable and told. While jobs come one by one, it lends
// its work to a caller that waits for its job anyway. Between two batches it copies a log that has
// grown into the database (a checkpoint). Internally synchronised.
//
// Relies on:
// - A connection may be used by one thread after another: "SQLite can be safely used by multiple
//   threads provided that no single database connection is used simultaneously in two or more
//   threads" (sqlite.org/threadsafe.html, section 1). The writer's turn is taken and given back
//   under mutex_, by its own thread and by one that it is lent to.
// - A checkpoint copies what readers allow: "Checkpoint as many frames as possible without waiting
//   for any database readers or writers to finish, then sync the database file if all frames in the
//   log were checkpointed" (sqlite.org/c3ref/wal_checkpoint_v2.html, PASSIVE).
// - A commit begins the log anew only "if the entire WAL has been transferred into the database and
//   synced and if no readers are making use of the WAL" (sqlite.org/wal.html, section 2.2).
// - One connection writes and makes checkpoints. SQLite 3.7.0 to 3.51.2, also that of Debian 12,
//   can damage a database when two do at the same moment (sqlite.org/wal.html, section "The
//   WAL-Reset Bug"). Readers open it read-only, and the lock of the data folder keeps another hub
//   away.
class Writer {
 public:
  struct Options {
    // For log lines.
    std::string path;
    std::size_t max_queued = 0;
    // Files that must be there: without them what is written could not be read.
    std::vector<std::string> needed{};
    // A checkpoint is due when commits have added so many pages to the log.
    int checkpoint_pages = 0;
  };
  Writer(Options options, Logger& log, std::unique_ptr<Database> database, Sequences sequences);
  // Writes what was submitted, then stops. Required jobs that find the disk full even then are
  // given up: done says store.full. The connection stays open until the object is gone.
  ~Writer();
  void stop();
  // Gives up from now on what finds no room.
  void end_waiting();

  void submit(Store::Need need, Lane lane, Store::Job job, Store::Done done, Store::Caller caller);
  [[nodiscard]] Store::Stats stats() const;
  // Waits until what others can see now is durable.
  void wait_for_disk() { sync_.wait(); }
  // True if this thread is the one that writes.
  [[nodiscard]] bool writes_here() const { return std::this_thread::get_id() == writes_.load(); }

 private:
  using Time = std::chrono::steady_clock::time_point;
  // Way to undo the writes of a job that fails: the end of the transaction, in which it is alone; a
  // savepoint of its own; or the end of the transaction and another run of its whole batch.
  enum class Undo : std::uint8_t { alone, savepoint, batch };
  // spoilt: the job failed after it had written, and its batch is to be undone and run again.
  enum class Ended : std::uint8_t { well, spoilt, trouble };
  class JobTransaction;
  // A file of the database as it was when it was opened.
  struct Watched {
    std::string path;
    std::pair<std::uint64_t, std::uint64_t> device_and_inode;
  };
  [[nodiscard]] static std::vector<Watched> files_beside(const std::string& path);

  [[nodiscard]] bool must_wake() RABT_REQUIRES(mutex_);
  [[nodiscard]] bool can_lend() const RABT_REQUIRES(mutex_);
  void write_lent(Batch batch);
  void run();
  [[nodiscard]] bool wait_for_jobs(Batch& batch, std::size_t wanted, std::optional<Time> until);
  [[nodiscard]] bool take_more(Batch& batch);
  void gather();
  void take(Batch& batch) RABT_REQUIRES(mutex_);
  void write_batch(Batch& batch);
  [[nodiscard]] std::optional<Error> write_or_drop(Batch& batch);
  [[nodiscard]] Trouble attempt(Batch& batch);
  [[nodiscard]] Ended run_jobs(Batch& batch, Undo undo);
  [[nodiscard]] Ended run_job(Task& task, Undo undo);
  [[nodiscard]] Trouble trouble_of(const Error& error);
  [[nodiscard]] bool taken_away();
  [[nodiscard]] Ended in_trouble(const Error& error);
  void undo_batch(Batch& batch, std::size_t ran);
  // So many of the last batch's successors are to share the next commit.
  [[nodiscard]] std::size_t expected() const { return last_jobs_ * 4 / 5; }
  [[nodiscard]] bool to_tell() const { return !untold_.empty() && sync_.done(); }
  void tell();
  void wait_and_tell();
  void finish(Batch& batch);
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds delay, const Error& error);
  [[nodiscard]] bool checkpoint_is_due() const;
  void checkpoint_when_due();
  void note_length_of_log();
  void sync_log();
  void wake();
  void note_full_disk();
  void note_room();
  void note_written(const Batch& batch);
  [[nodiscard]] Error note_trouble(Trouble trouble);
  [[nodiscard]] Error note_taken();
  [[noreturn]] void fatal(const Error& error);

  // Constant after construction
  const Options options_;
  // The write-ahead log and its index.
  const std::vector<Watched> beside_;
  Logger& log_;

  // Confined to who writes: the writer's thread, or one that it has lent its work to
  const std::unique_ptr<Database> database_;
  Sequences sequences_;
  // Committed, and perhaps not durable yet: done has not run.
  Batch untold_;
  Stopwatch watch_;
  // The jobs of the last batch, and how long its COMMIT took.
  std::size_t last_jobs_ = 0;
  std::chrono::nanoseconds last_commit_{0};
  // The present batch waits until it has so many jobs, or so long since then.
  std::size_t enough_ = 0;
  std::chrono::nanoseconds patience_{0};
  Time gathering_since_;
  // Path of the file that was found missing or replaced.
  std::string taken_;
  // Cause of the present spell in which nothing can be written.
  Trouble spell_ = Trouble::none;
  // So many batches more give each job a savepoint.
  int careful_batches_ = 0;
  // Time of the next checkpoint, after one that found no room on the disk; unset if the last one
  // found some.
  std::optional<Time> starves_until_;
  // The last warning was about a log of so many pages; 0 once it has begun anew.
  int warned_pages_ = 0;

  // Atomic: changed by who writes, read by any
  std::atomic<std::thread::id> writes_;
  Counters counted_;

  mutable Mutex mutex_;
  Condition work_;
  std::deque<Task> queue_ RABT_GUARDED_BY(mutex_);
  // Droppable jobs beyond the queue's length: their done runs on the writer's thread, too.
  std::vector<Store::Done> refused_ RABT_GUARDED_BY(mutex_);
  // The writer sleeps, until so many jobs are queued.
  bool waiting_ RABT_GUARDED_BY(mutex_) = false;
  std::size_t wanted_ RABT_GUARDED_BY(mutex_) = 1;
  // Between two batches, with nobody to tell: the writer may lend its work, and has lent it.
  bool idle_ RABT_GUARDED_BY(mutex_) = false;
  bool lent_ RABT_GUARDED_BY(mutex_) = false;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  // Required jobs that find no room are tried again.
  bool patient_ RABT_GUARDED_BY(mutex_) = true;

  // Last: they start when everything else is there.
  SyncThread sync_;
  std::thread thread_;
};

}  // namespace rabt::store::sqlite
