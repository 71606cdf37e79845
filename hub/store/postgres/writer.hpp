#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/store/batching.hpp"
#include "hub/store/postgres/session.hpp"
#include "hub/store/sequences.hpp"

namespace rabt::store::postgres {

// Exit code when another hub has taken the database: sysexits.h EX_TEMPFAIL. A start finds out who
// has it.
inline constexpr int kExitFenced = 75;
// Exit code when the server cannot read what it has stored: EX_IOERR.
inline constexpr int kExitIo = 74;

// The right of this hub to write: its row in store_writer. Every batch changes the row in its own
// transaction.
struct Claim {
  std::int64_t incarnation = 0;
  // The last batch that was committed.
  std::int64_t batch = 0;
};
// A lock of the session: it is there for a clear refusal of a second hub. The claim makes a
// second hub harmless.
inline constexpr Statement kTakeLock{"SELECT pg_try_advisory_lock(7236943) AS taken"};
// Takes the lock, before the tables are looked at. Error store.locked: another hub runs, which the
// message names.
[[nodiscard]] Status lock_out_others(Session& session);
// The hub that holds the lock, and from where it has connected. Empty if none does.
[[nodiscard]] Result<std::string> holder(Session& session);
// Takes the database from the hub that had it last. The lock is held.
[[nodiscard]] Result<Claim> claim(Session& session);

// The one thread that writes: takes jobs from a queue, runs them in batches, commits. A lost
// connection is opened again; the row of the claim then says whether the last batch was committed.
// Internally synchronised.
class Writer {
 public:
  Writer(PostgresOptions options, Logger& log, std::unique_ptr<Session> session,
         Sequences sequences, Claim claim);
  // Writes all submitted jobs, then stops. Jobs that cannot be written even then are given up.
  ~Writer();
  void end_waiting();
  void submit(Store::Need need, Lane lane, Store::Job job, Store::Done done);
  [[nodiscard]] Store::Stats stats() const;
  // True if this thread is the one that writes.
  [[nodiscard]] bool writes_here() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  // Way to undo the writes of a job that fails: the end of the transaction, in which it is alone; a
  // savepoint of its own; or the end of the transaction and another run of its whole batch.
  enum class Undo : std::uint8_t { alone, savepoint, batch };
  // spoilt: a job failed after it had written, and its batch is to run again with savepoints.
  // unknown: the connection was lost during the commit.
  enum class Ended : std::uint8_t { well, spoilt, trouble, unknown };

  void run();
  [[nodiscard]] bool wait_for_jobs(Batch& batch);
  void write(Batch batch);
  void write_part(Batch& batch);
  [[nodiscard]] Ended attempt(Batch& batch, Undo undo);
  [[nodiscard]] Ended run_job(Task& task, std::int64_t tag, Undo undo);
  [[nodiscard]] Ended commit(Batch& batch, Undo undo);
  [[nodiscard]] bool in_trouble();
  [[nodiscard]] Status rollback();
  void undo_batch(Batch& batch, std::size_t ran);
  void finish(Batch& batch);
  [[nodiscard]] bool connect();
  [[nodiscard]] bool connect_or_wait(Batch& batch);
  [[nodiscard]] bool decide(Batch& batch);
  [[nodiscard]] Error note_trouble();
  void note_room();
  [[nodiscard]] bool wait_for_room(const Error& error);
  [[nodiscard]] bool taken_away() const;
  [[noreturn]] void fenced();
  [[noreturn]] void fatal(const Error& error);

  // Constant after construction
  const PostgresOptions options_;
  const std::size_t max_queued_;
  Logger& log_;

  // Confined to the writer's thread
  std::unique_ptr<Session> session_;
  Sequences sequences_;
  Claim claim_;
  // The batch that runs, for the results of what its jobs put.
  Batch* running_ = nullptr;
  // A transaction was begun, and not ended.
  bool open_ = false;
  // The fault of the last attempt that ran into trouble.
  Fault trouble_;
  bool moved_ = false;
  std::chrono::milliseconds delay_{};
  // So many batches more give each job a savepoint.
  int careful_batches_ = 0;
  Stopwatch watch_;

  // Atomic: changed by the writer, read by any
  Counters counted_;

  mutable Mutex mutex_;
  Condition work_;
  std::deque<Task> queue_ RABT_GUARDED_BY(mutex_);
  // Droppable jobs beyond the queue's length: their done runs on the writer's thread, too.
  std::vector<Store::Done> refused_ RABT_GUARDED_BY(mutex_);
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  // Required jobs that find no room are tried again.
  bool patient_ RABT_GUARDED_BY(mutex_) = true;

  // Last: it starts when everything else is there.
  std::thread thread_;
};

}  // namespace rabt::store::postgres
