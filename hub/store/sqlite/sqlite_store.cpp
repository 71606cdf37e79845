#include "hub/store/sqlite/sqlite_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "hub/base/limits.hpp"
#include "hub/store/sqlite/connection.hpp"
#include "hub/store/sqlite/file_lock.hpp"
#include "hub/store/sqlite/migrations.hpp"

namespace rabt::store {

namespace sqlite {

namespace {

constexpr std::size_t kMaxReaders = 16;     // open at once; a reader beyond waits
constexpr std::size_t kMaxIdleReaders = 8;  // kept for the next
constexpr int kCheckpointPages =
    4000;  // 16 MiB: seldom enough to cost little, small enough to start quickly
constexpr std::chrono::milliseconds kFirstRetry{50};
constexpr std::chrono::milliseconds kMaxRetry{2000};

constexpr Statement kBegin{"BEGIN IMMEDIATE"};
constexpr Statement kCommit{"COMMIT"};
constexpr Statement kRollback{"ROLLBACK"};
constexpr Statement kSavepoint{"SAVEPOINT job"};
constexpr Statement kRelease{"RELEASE job"};
constexpr Statement kRollbackTo{"ROLLBACK TO job"};
constexpr Statement kBeginRead{"BEGIN"};

struct Setting {
  const char* name;
  const char* value;  // as set
  const char* read;   // as read back
};
// Order matters: the journal mode first, the rest are settings of the connection.
constexpr Setting kWriterSettings[] = {
    {"journal_mode", "WAL", "wal"},
    {"synchronous", "FULL", "2"},
    {"foreign_keys", "ON", "1"},
    {"secure_delete", "ON", "1"},
    {"temp_store", "MEMORY",
     "2"},  // no temporary files: they would hold rows in clear where nobody looks
    {"mmap_size", "0", "0"},  // an I/O error is an error code, not a signal
    {"cell_size_check", "ON", "1"},
    {"trusted_schema", "OFF", "0"},
    {"busy_timeout", "5000", "5000"},
    {"cache_size", "-65536", "-65536"},
    {"journal_size_limit", "67108864", "67108864"},
};
constexpr Setting kReaderSettings[] = {
    {"query_only", "ON", "1"},      {"temp_store", "MEMORY", "2"},
    {"mmap_size", "0", "0"},        {"cell_size_check", "ON", "1"},
    {"trusted_schema", "OFF", "0"}, {"busy_timeout", "5000", "5000"},
};

Status set_up(Database& database, std::span<const Setting> settings) {
  for (const Setting& setting : settings) {
    const std::string name = setting.name;
    RABT_TRY(answer, database.pragma(name + "=" + setting.value));
    static_cast<void>(answer);
    auto read = database.pragma(name);
    if (!read.ok()) return std::move(read).error();
    // With memory-mapped files compiled out the question has no answer: they are off then, too.
    if (name == "mmap_size" && read->empty()) continue;
    if (*read != setting.read) {
      return unavailable("store.durability",
                         "the database does not take " + name + "=" + setting.value +
                             ": it answers '" + *read +
                             "'; put it on a local file system that supports write-ahead logging");
    }
  }
  return ok_status();
}

}  // namespace

class SqliteStore final : public Store {
 public:
  SqliteStore(SqliteOptions options, Tuning tuning, Logger& log, std::unique_ptr<FileLock> lock,
              std::unique_ptr<Database> writer)
      : options_(std::move(options)),
        tuning_(std::move(tuning)),
        log_(log),
        lock_(std::move(lock)),
        writer_(std::move(writer)),
        max_queued_(tuning_.max_queued == 0 ? limits::kMaxQueuedJobs : tuning_.max_queued),
        thread_([this] { run(); }) {}

  // Writes what was submitted, then stops. Required jobs that find the disk full even then are
  // given up: done says store.full.
  ~SqliteStore() override {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    work_.notify_one();
    thread_.join();
    readers_
        .clear();  // before the writer: the last connection to close empties the write-ahead log
    writer_.reset();
  }

  void submit(Need need, Job job, Done done) override {
    bool wake = false;
    {
      const std::scoped_lock lock(mutex_);
      // Refused jobs wait for the writer thread too: done never runs on the submitter's stack,
      // under locks of its own.
      if (need == Need::droppable && queue_.size() >= max_queued_) {
        refused_.push_back(std::move(done));
      } else {
        queue_.push_back({need, std::move(job), std::move(done)});
      }
      wake = waiting_;
    }
    if (wake) work_.notify_one();
  }

  Status read(const std::function<Status(Connection&)>& function) override {
    RABT_TRY(lease, borrow());
    auto begun = lease->execute(kBeginRead, {});
    if (!begun.ok()) {
      give_back(nullptr);
      return std::move(begun).error();
    }
    struct Return {
      SqliteStore& store;
      std::unique_ptr<Database>& database;
      ~Return() {
        // A connection that cannot end its transaction is closed instead of kept.
        if (database->in_transaction() && !database->execute(kRollback, {}).ok()) database.reset();
        store.give_back(std::move(database));
      }
    } back{*this, lease};
    return function(*lease);
  }

  void flush() override {
    RABT_CHECK(std::this_thread::get_id() != thread_.get_id());
    static_cast<void>(write([](Transaction&) { return ok_status(); }, Need::required));
  }

  [[nodiscard]] Stats stats() const override {
    Stats stats;
    stats.commits = commits_.load();
    stats.jobs = jobs_.load();
    stats.rows = rows_.load();
    stats.disk_full = disk_full_.load();
    const std::scoped_lock lock(mutex_);
    stats.queued = queue_.size();
    return stats;
  }

 private:
  struct Task {
    Need need = Need::droppable;
    Job job;
    Done done;
    // Of the current attempt:
    std::optional<Error> error;
    std::uint64_t rows = 0;
    std::vector<std::function<void()>> undo;
  };
  using Batch = std::vector<Task>;

  // One job's view of the writer's connection.
  class JobTransaction final : public Transaction {
   public:
    // alone: the batch is this one job, so that undoing it needs no savepoint.
    JobTransaction(Database& database, Task& task, bool alone)
        : database_(database), task_(task), alone_(alone) {}

    Status query(const Statement& statement, std::initializer_list<Value> values,
                 const std::function<bool(const Row&)>& each) override {
      return database_.query(statement, values, each);
    }
    Result<std::int64_t> execute(const Statement& statement,
                                 std::initializer_list<Value> values) override {
      if (!alone_ && !marked_) {
        auto marked = database_.execute(kSavepoint, {});
        if (!marked.ok()) return marked;
        marked_ = true;
      }
      wrote_ = true;
      auto changed = database_.execute(statement, values);
      if (changed.ok()) task_.rows += static_cast<std::uint64_t>(*changed);
      return changed;
    }
    [[nodiscard]] std::int64_t last_insert_id() const override {
      return database_.last_insert_id();
    }
    void on_rollback(std::function<void()> undo) override { task_.undo.push_back(std::move(undo)); }

    // The writes stay in the batch, or go.
    [[nodiscard]] Status end(bool keep) {
      if (alone_ || !marked_) {
        if (!keep && wrote_) RABT_TRY_STATUS(as_status(database_.execute(kRollback, {})));
        return ok_status();
      }
      if (!keep) RABT_TRY_STATUS(as_status(database_.execute(kRollbackTo, {})));
      return as_status(database_.execute(kRelease, {}));
    }

   private:
    static Status as_status(const Result<std::int64_t>& result) {
      if (result.ok()) return ok_status();
      return result.error();
    }
    Database& database_;
    Task& task_;
    bool alone_;
    bool marked_ = false;
    bool wrote_ = false;
  };

  // ---- the writer thread
  // --------------------------------------------------------------------------------------------

  void run() {
    Batch batch;
    for (;;) {
      std::vector<Done> refused;
      bool stop = false;
      {
        std::unique_lock lock(mutex_);
        waiting_ = true;
        work_.wait(lock, [this] { return stopping_ || !queue_.empty() || !refused_.empty(); });
        waiting_ = false;
        refused.swap(refused_);
        take(batch);
        stop = stopping_;
      }
      for (const Done& done : refused) {
        if (done)
          done(unavailable("store.busy",
                           "the hub has more work than it can write; try again later"));
      }
      if (batch.empty()) {
        if (stop && refused.empty()) return;
        continue;
      }
      write_batch(batch);
      batch.clear();
      checkpoint_when_due();
    }
  }

  void take(Batch& batch) {
    while (!queue_.empty() && batch.size() < limits::kMaxCommitJobs) {
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
  }

  // Until every job of the batch is durable, undone or refused, and its done has run.
  void write_batch(Batch& batch) {
    auto delay = kFirstRetry;
    for (;;) {
      const Trouble trouble = attempt(batch);
      if (trouble == Trouble::none) {
        if (disk_full_.exchange(false)) log_.info("store.room_again");
        finish(batch);
        return;
      }
      const Error error =
          trouble == Trouble::full
              ? unavailable("store.full",
                            "the disk is full: nothing was written; make room and try again")
              : unavailable("store.busy",
                            "another program holds the database; nothing was written");
      if (trouble == Trouble::full && !disk_full_.exchange(true)) {
        log_.error("store.disk_full", {{"path", std::string_view(options_.path)}});
      } else if (trouble == Trouble::busy) {
        log_.warn("store.held_by_another_program", {{"path", std::string_view(options_.path)}});
      }
      bool dropped = drop(batch, error);
      if (batch.empty()) return;
      if (dropped) continue;  // without them there may be room for the rest
      if (!wait_for_room(delay, error)) {
        drop(batch, error, true);  // stopping
        return;
      }
      delay = std::min(delay * 2, kMaxRetry);
    }
  }

  // Runs the jobs and commits. On trouble nothing of the batch is left in the database, and the
  // undo functions have run.
  Trouble attempt(Batch& batch) {
    writer_->clear_trouble();
    const bool alone = batch.size() == 1;
    for (Task& task : batch) {
      task.error.reset();
      task.rows = 0;
      task.undo.clear();
    }
    auto begun = writer_->execute(kBegin, {});
    if (!begun.ok()) return troubled(batch, 0, begun.error());
    std::size_t ran = 0;
    for (Task& task : batch) {
      JobTransaction transaction(*writer_, task, alone);
      Status status = call(task.job, transaction);
      ++ran;
      // Before savepoints are touched: after these SQLite may have undone the whole transaction.
      if (writer_->trouble() != Trouble::none)
        return troubled(batch, ran, status.ok() ? internal("store.sql", "") : status.error());
      if (!writer_->in_transaction())
        fatal(internal("store.sql", "a job ended the transaction of its batch"));
      const Status ended = transaction.end(status.ok());
      if (!ended.ok()) return troubled(batch, ran, ended.error());
      if (!status.ok()) {
        undo(task);
        task.error = std::move(status).error();
      }
    }
    if (!writer_->in_transaction()) return Trouble::none;  // one job alone, undone
    auto committed = writer_->execute(kCommit, {});
    if (!committed.ok()) return troubled(batch, ran, committed.error());
    return Trouble::none;
  }

  static Status call(const Job& job, Transaction& transaction) {
    try {
      return job(transaction);
    } catch (const std::exception& exception) {
      return internal("store.job",
                      std::string("a write job failed with an exception: ") + exception.what());
    }
  }

  // Undoes the transaction and what its first jobs did beside the database.
  Trouble troubled(Batch& batch, std::size_t ran, const Error& error) {
    const Trouble trouble = writer_->trouble();
    if (trouble == Trouble::fatal || trouble == Trouble::none) fatal(error);
    if (writer_->in_transaction()) {
      auto undone = writer_->execute(kRollback, {});
      if (!undone.ok()) fatal(undone.error());
    }
    for (std::size_t i = ran; i-- > 0;) undo(batch[i]);
    return trouble;
  }

  static void undo(Task& task) {
    for (auto at = task.undo.rbegin(); at != task.undo.rend(); ++at) (*at)();
    task.undo.clear();
  }

  void finish(Batch& batch) {
    std::uint64_t rows = 0;
    std::uint64_t written = 0;
    for (const Task& task : batch) {
      if (task.error) continue;
      rows += task.rows;
      ++written;
    }
    if (written > 0) commits_ += 1;
    jobs_ += written;
    rows_ += rows;
    for (Task& task : batch) {
      if (task.done) task.done(task.error ? Status(std::move(*task.error)) : ok_status());
    }
  }

  // Ends droppable jobs, or all, with the error. True when some were.
  static bool drop(Batch& batch, const Error& error, bool all = false) {
    const auto kept = std::stable_partition(batch.begin(), batch.end(), [all](const Task& task) {
      return !all && task.need == Need::required;
    });
    const bool any = kept != batch.end();
    for (auto at = kept; at != batch.end(); ++at) {
      if (at->done) at->done(error);
    }
    batch.erase(kept, batch.end());
    return any;
  }

  // Waits before the next try; meanwhile droppable jobs that arrive are refused at once. False when
  // the hub stops.
  bool wait_for_room(std::chrono::milliseconds delay, const Error& error) {
    const auto until = std::chrono::steady_clock::now() + delay;
    for (;;) {
      Batch refused;
      std::vector<Done> overflow;
      bool stop = false;
      {
        std::unique_lock lock(mutex_);
        const auto droppable = [](const Task& task) { return task.need == Need::droppable; };
        waiting_ = true;
        work_.wait_until(lock, until, [&] {
          return stopping_ || !refused_.empty() || (!queue_.empty() && droppable(queue_.back()));
        });
        waiting_ = false;
        for (auto& task : queue_) {
          if (droppable(task)) refused.push_back(std::move(task));
        }
        // A moved-from task keeps its need.
        queue_.erase(std::remove_if(queue_.begin(), queue_.end(), droppable), queue_.end());
        overflow.swap(refused_);
        stop = stopping_;
      }
      drop(refused, error, true);
      for (const Done& done : overflow) {
        if (done) done(error);
      }
      if (stop) return false;
      if (std::chrono::steady_clock::now() >= until) return true;
    }
  }

  // After the answers went out: the copying may take a while.
  void checkpoint_when_due() {
    if (writer_->wal_pages() < next_checkpoint_) return;
    writer_->clear_trouble();
    if (writer_->checkpoint()) {
      // A reader may hold the log: then the next try comes after as many pages again, not after
      // every commit.
      next_checkpoint_ = kCheckpointPages;
      if (writer_->wal_pages() >= 2 * kCheckpointPages)
        next_checkpoint_ = writer_->wal_pages() + kCheckpointPages;
      return;
    }
    if (writer_->trouble() == Trouble::fatal)
      fatal(unavailable("store.io", "the write-ahead log cannot be copied into the database"));
    if (writer_->trouble() == Trouble::full && !disk_full_.exchange(true)) {
      log_.error("store.disk_full", {{"path", std::string_view(options_.path)}});
    }
    next_checkpoint_ = writer_->wal_pages() + kCheckpointPages;
  }

  // No answer leaves after this: what is on disk is found out by reading it afresh.
  [[noreturn]] void fatal(const Error& error) {
    log_.error("store.io_error", {{"path", std::string_view(options_.path)},
                                  {"code", std::string_view(error.code)},
                                  {"message", std::string_view(error.message)}});
    ::_exit(kExitIo);
  }

  // ---- readers
  // ------------------------------------------------------------------------------------------------------

  Result<std::unique_ptr<Database>> borrow() {
    {
      std::unique_lock lock(readers_mutex_);
      reader_free_.wait(lock, [this] { return readers_out_ < kMaxReaders; });
      ++readers_out_;
      if (!readers_.empty()) {
        auto reader = std::move(readers_.back());
        readers_.pop_back();
        return reader;
      }
    }
    auto reader = Database::open({options_.path, tuning_.vfs, true});
    if (reader.ok()) {
      const Status ready = set_up(**reader, kReaderSettings);
      if (!ready.ok()) reader = ready.error();
    }
    if (!reader.ok()) give_back(nullptr);
    return reader;
  }

  void give_back(std::unique_ptr<Database> reader) {
    std::unique_ptr<Database> surplus;  // closed outside the lock
    {
      const std::scoped_lock lock(readers_mutex_);
      --readers_out_;
      if (reader != nullptr && readers_.size() < kMaxIdleReaders) {
        readers_.push_back(std::move(reader));
      } else {
        surplus = std::move(reader);
      }
    }
    reader_free_.notify_one();
  }

  const SqliteOptions options_;
  const Tuning tuning_;
  Logger& log_;
  const std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Database> writer_;        // the writer thread's
  int next_checkpoint_ = kCheckpointPages;  // the writer thread's
  const std::size_t max_queued_;

  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> jobs_{0};
  std::atomic<std::uint64_t> rows_{0};
  std::atomic<bool> disk_full_{false};

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Task> queue_;     // guarded by mutex_
  std::vector<Done> refused_;  // guarded by mutex_
  bool waiting_ = false;       // guarded by mutex_
  bool stopping_ = false;      // guarded by mutex_

  std::mutex readers_mutex_;
  std::condition_variable reader_free_;
  std::vector<std::unique_ptr<Database>> readers_;  // guarded by readers_mutex_
  std::size_t readers_out_ = 0;                     // guarded by readers_mutex_

  std::thread thread_;  // last: starts when everything else is there
};

Result<std::unique_ptr<Store>> open_tuned(const SqliteOptions& options, const Tuning& tuning,
                                          Logger& log) {
  RABT_TRY(lock, FileLock::take(options.path));
  // SQLite gives its log and index the mode of the database; so that is set before SQLite sees the
  // file.
  const int fd = ::open(options.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return unavailable("store.open", "cannot open the database " + options.path + ": " +
                                         std::strerror(errno) +
                                         "; the file and its folder must be writable");
  }
  ::close(fd);
  const auto slash = options.path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : options.path.substr(0, slash + 1);
  const int folder_fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder_fd >= 0 && ::fsync(folder_fd) == 0;
  if (folder_fd >= 0) ::close(folder_fd);
  if (!synced)
    return unavailable("store.open", "cannot sync the folder of the database " + options.path +
                                         ": " + std::strerror(errno));
  RABT_TRY(writer, Database::open({options.path, tuning.vfs, false}));
  const Status ready = set_up(*writer, kWriterSettings);
  if (!ready.ok()) {
    if (ready.error().code == "store.durability") return ready.error();
    return Error{ErrorKind::unavailable, "store.open",
                 "cannot open the database " + options.path + ": " + ready.error().message};
  }
  if (tuning.max_pages > 0)
    RABT_TRY_STATUS(writer->script("PRAGMA max_page_count=" + std::to_string(tuning.max_pages)));
  RABT_TRY_STATUS(migrate(*writer, options.migrations_folder, log));
  return std::unique_ptr<Store>(
      std::make_unique<SqliteStore>(options, tuning, log, std::move(lock), std::move(writer)));
}

}  // namespace sqlite

Result<std::unique_ptr<Connection>> open_sqlite_reader(const std::string& path) {
  RABT_TRY(database, sqlite::Database::open({path, "", true}));
  const Status ready = sqlite::set_up(*database, sqlite::kReaderSettings);
  if (!ready.ok())
    return unavailable("store.open",
                       "cannot open the database " + path + ": " + ready.error().message);
  return std::unique_ptr<Connection>(std::move(database));
}

Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options, Logger& log) {
  return sqlite::open_tuned(options, {}, log);
}

}  // namespace rabt::store
