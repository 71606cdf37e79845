#include "hub/store/sqlite/writer.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "hub/base/full_disk.hpp"
#include "hub/base/limits.hpp"
#include "hub/store/sqlite/sqlite_store.hpp"

namespace rabt::store::sqlite {

namespace {

constexpr std::chrono::milliseconds kFirstRetry{50};
constexpr std::chrono::milliseconds kMaxRetry{2000};
constexpr std::int64_t kStream = 1;
// Longest time that a batch waits for more jobs.
constexpr std::chrono::microseconds kMaxGather{2000};
// Time that each job of the last batch adds to that: about the processor time of a turn.
constexpr std::chrono::microseconds kGatherForJob{50};
// Smaller batches have no successors to wait for that much.
constexpr std::size_t kManyJobs = 4;
// From so many jobs on a commit is synced beside the writer: a reader waits for that sync, which
// is more than few jobs gain by it.
constexpr std::size_t kSyncedBeside = 32;
// While the last commit is being synced, a batch that has enough jobs takes so many more at once:
// to wake the writer for each would cost more than the job.
constexpr std::size_t kManyWaiting = 16;
// A savepoint costs a job a copy of each page that it changes: a quarter of its time. Jobs hardly
// ever fail after they have written, so jobs have none until one does: its batch runs again, each
// job with a savepoint, and so do the jobs of so many batches after it.
constexpr int kCarefulBatches = 100;
// Between two tries of a checkpoint while the disk has no room for the database.
constexpr std::chrono::milliseconds kRetryCheckpoint{500};
constexpr std::int64_t kPageBytes = 4096;

constexpr Statement kBeginWrite{"BEGIN IMMEDIATE"};
constexpr Statement kSavepoint{"SAVEPOINT job"};
constexpr Statement kRelease{"RELEASE job"};
constexpr Statement kRollbackTo{"ROLLBACK TO job"};

Status as_status(Result<std::int64_t> result) {
  if (result.ok()) return ok_status();
  return std::move(result).error();
}

// Zeros if there is no such file.
std::pair<std::uint64_t, std::uint64_t> device_and_inode(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {0, 0};
  return {found.st_dev, found.st_ino};
}

constexpr const char* kBeside[] = {"-wal", "-shm"};

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

// One job's view of the connection.
class Writer::JobTransaction final : public Transaction {
 public:
  JobTransaction(Writer& writer, Task& task, Undo undo)
      : writer_(writer), database_(*writer.database_), task_(task), undo_(undo) {}

  Status query(const Statement& statement, std::initializer_list<Value> values,
               const std::function<bool(const Row&)>& each) override {
    if (failed_) return *failed_;
    Status status = database_.query(statement, values, each);
    if (!status.ok()) failed_ = status.error();
    return status;
  }
  Result<std::int64_t> execute(const Statement& statement,
                               std::initializer_list<Value> values) override {
    if (failed_) return *failed_;
    auto changed = mark();
    if (changed.ok()) changed = database_.execute(statement, values);
    if (!changed.ok()) {
      failed_ = changed.error();
    } else {
      task_.rows += static_cast<std::uint64_t>(*changed);
    }
    return changed;
  }
  void put(const Statement& statement, std::initializer_list<Value> values) override {
    static_cast<void>(execute(statement, values));
  }
  Result<std::int64_t> next(Sequence sequence) override {
    if (failed_) return *failed_;
    return writer_.sequences_.next(
        sequence.name,
        [this](const Statement& statement, std::initializer_list<Value> values) {
          return as_status(execute(statement, values));
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

  // True if the batch alone can undo what the job wrote.
  [[nodiscard]] bool needs_batch() const { return wrote_ && undo_ == Undo::batch; }

  // The writes stay in the batch, or go.
  [[nodiscard]] Status end(bool keep) {
    if (undo_ == Undo::alone && !keep && wrote_) return as_status(database_.execute(kRollback, {}));
    if (!marked_) return ok_status();
    if (!keep) RABT_TRY_STATUS(as_status(database_.execute(kRollbackTo, {})));
    return as_status(database_.execute(kRelease, {}));
  }

 private:
  // Sets the savepoint before the job's first write.
  Result<std::int64_t> mark() {
    wrote_ = true;
    if (undo_ != Undo::savepoint || marked_) return std::int64_t{0};
    auto marked = database_.execute(kSavepoint, {});
    marked_ = marked.ok();
    return marked;
  }

  Writer& writer_;
  Database& database_;
  Task& task_;
  const Undo undo_;
  bool marked_ = false;
  bool wrote_ = false;
  std::optional<Error> failed_;
};

std::vector<Writer::Watched> Writer::files_beside(const std::string& path) {
  std::vector<Watched> out;
  for (const char* const end : kBeside) {
    Watched watched{path + end, device_and_inode(path + end)};
    if (watched.device_and_inode.second != 0) out.push_back(std::move(watched));
  }
  return out;
}

Writer::Writer(Options options, Logger& log, std::unique_ptr<Database> database,
               Sequences sequences)
    : options_(std::move(options)),
      beside_(files_beside(options_.path)),
      log_(log),
      database_(std::move(database)),
      sequences_(std::move(sequences)),
      sync_([this] { sync_log(); }, [this] { wake(); }),
      thread_([this] { run(); }) {}

Writer::~Writer() {
  stop();
}

void Writer::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Writer::end_waiting() {
  {
    const Lock lock(mutex_);
    patient_ = false;
  }
  work_.notify_one();
}

void Writer::submit(Store::Need need, Lane lane, Store::Job job, Store::Done done,
                    Store::Caller caller) {
  Batch lent;
  bool wake = false;
  {
    const Lock lock(mutex_);
    // Refused jobs wait for the writer's thread too: done never runs on the submitter's stack,
    // under locks of its own, unless the submitter says that it may.
    if (need == Store::Need::droppable && queue_.size() >= options_.max_queued) {
      refused_.push_back(std::move(done));
    } else {
      queue_.push_back({.need = need,
                        .lane = lane,
                        .job = std::move(job),
                        .done = std::move(done),
                        .error = std::nullopt,
                        .rows = 0,
                        .undo = {},
                        .committed = {}});
    }
    if (caller == Store::Caller::waits && can_lend()) {
      lent_ = true;
      take(lent);
    } else {
      wake = must_wake();
    }
  }
  if (wake) work_.notify_one();
  if (!lent.empty()) write_lent(std::move(lent));
}

// True if the writer sleeps and is to be woken; once is enough.
bool Writer::must_wake() {
  const bool work = queue_.size() >= wanted_ || !refused_.empty() || stopping_;
  const bool wake = waiting_ && !lent_ && work;
  if (wake) waiting_ = false;
  return wake;
}

// True if the caller can write its job, which is the only one: the writer would be awake for
// others. Where several shared the last commit, the next ones are on their way, and the writer's
// thread gathers them. It also makes the checkpoints.
bool Writer::can_lend() const {
  return waiting_ && idle_ && !lent_ && expected() <= 1 && !checkpoint_is_due();
}

// On the thread of a caller that waits.
void Writer::write_lent(Batch batch) {
  writes_ = std::this_thread::get_id();
  watch_.restart();
  const bool trouble = write_or_drop(batch).has_value();
  writes_ = thread_.get_id();
  const Lock lock(mutex_);
  lent_ = false;
  // The writer's thread waits for room.
  if (trouble && !batch.empty()) queue_.push_front(std::move(batch.front()));
  // Under the lock: a writer that stops is gone soon after.
  if (must_wake()) work_.notify_one();
}

Store::Stats Writer::stats() const {
  Store::Stats stats = counted_.stats();
  const Lock lock(mutex_);
  stats.queued = queue_.size();
  return stats;
}

// ---- the writer's thread

void Writer::run() {
  writes_ = std::this_thread::get_id();
  Batch batch;
  for (;;) {
    const bool stop = wait_for_jobs(batch, 1, starves_until_);
    if (!batch.empty()) {
      write_batch(batch);
      batch.clear();
      checkpoint_when_due();
    } else if (!stop && checkpoint_is_due()) {
      checkpoint_when_due();
    } else if (stop && untold_.empty()) {
      return;
    } else if (stop) {
      wait_and_tell();
    }
  }
}

// Waits until so many jobs are queued, the time is over or a caller is to be told something; takes
// the jobs that are there, and tells. True when the hub stops and no caller was told: a caller who
// is told may submit more.
bool Writer::wait_for_jobs(Batch& batch, std::size_t wanted, std::optional<Time> until) {
  std::vector<Store::Done> refused;
  bool stop = false;
  bool tells = false;
  {
    Lock lock(mutex_);
    wanted_ = wanted;
    idle_ = !database_->in_transaction() && untold_.empty();
    while (lent_ || (!stopping_ && queue_.size() < wanted && refused_.empty() && !to_tell())) {
      waiting_ = true;
      if (!until) {
        work_.wait(lock);
      } else {
        // Whoever has borrowed the work is waited for, however late it is.
        const Time bound =
            lent_ ? std::max(*until, std::chrono::steady_clock::now() + kFirstRetry) : *until;
        if (work_.wait_until(lock, bound) == std::cv_status::timeout && !lent_) break;
      }
    }
    waiting_ = false;
    idle_ = false;
    refused.swap(refused_);
    take(batch);
    stop = stopping_;
    tells = !refused.empty() || to_tell();
  }
  watch_.restart();
  for (const Store::Done& done : refused) {
    if (done)
      done(unavailable("store.busy", "the hub has more work than it can write; try again later"));
  }
  if (tells) tell();
  return stop && !tells;
}

// More jobs for a batch that has run what it had. False when it is to be committed: when it has
// most of the jobs that the last commit's successors are, or they took too long to come. While the
// last commit is being synced there is no hurry.
bool Writer::take_more(Batch& batch) {
  const std::size_t had = batch.size();
  while (batch.size() == had && had < limits::kMaxCommitJobs) {
    const bool syncing = !untold_.empty();
    const Time until = gathering_since_ + patience_;
    if (!syncing && (had >= enough_ || std::chrono::steady_clock::now() >= until)) return false;
    const std::size_t wanted = had < enough_ ? enough_ - had : kManyWaiting;
    const bool stop = wait_for_jobs(batch, wanted, syncing ? std::nullopt : std::optional(until));
    if (stop) break;
  }
  return batch.size() > had;
}

// Sets the number of jobs for the next commit, and the time that it waits for them. When many jobs
// shared the last one, their successors are on their way and come one by one: then the first of
// them waits for most of the others, but not longer than half of that commit took or, after many
// jobs, than they take to come.
void Writer::gather() {
  enough_ = expected();
  patience_ = last_commit_ / 2;
  if (last_jobs_ >= kManyJobs)
    patience_ = std::max<std::chrono::nanoseconds>(patience_, last_jobs_ * kGatherForJob);
  patience_ = std::min<std::chrono::nanoseconds>(patience_, kMaxGather);
  gathering_since_ = std::chrono::steady_clock::now();
}

void Writer::take(Batch& batch) {
  while (!queue_.empty() && batch.size() < limits::kMaxCommitJobs) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

// Returns when every job of the batch is committed, undone or refused. done has run, except for a
// batch that is being synced: that is in untold_.
void Writer::write_batch(Batch& batch) {
  auto delay = kFirstRetry;
  for (;;) {
    const std::size_t had = batch.size();
    const std::optional<Error> error = write_or_drop(batch);
    if (!error || batch.empty()) return;
    // Without the dropped jobs there may be room for the rest.
    if (batch.size() < had) continue;
    if (!wait_for_room(delay, *error)) {
      drop(batch, *error, true);
      return;
    }
    // Room that came is the database's first: the log then begins anew and needs no more.
    checkpoint_when_due();
    delay = std::min(delay * 2, kMaxRetry);
  }
}

// Tries once. On trouble returns what droppable jobs have been told; the batch keeps the others.
std::optional<Error> Writer::write_or_drop(Batch& batch) {
  const Trouble trouble = attempt(batch);
  if (trouble == Trouble::none) return std::nullopt;
  Error error = note_trouble(trouble);
  drop(batch, error);
  return error;
}

// Logs it, once for each spell, and gives what callers are told.
Error Writer::note_trouble(Trouble trouble) {
  switch (trouble) {
    case Trouble::full:
      note_full_disk();
      return full_disk();
    case Trouble::moved:
      return note_taken();
    default:
      log_.warn("store.held_by_another_program", {{"path", std::string_view(options_.path)}});
      return unavailable("store.busy", "another program holds the database; nothing was written");
  }
}

// The log's name leads nowhere: its pages go to the database's file, so that what was acknowledged
// is there at the next start.
Error Writer::note_taken() {
  const bool is_beside = std::any_of(beside_.begin(), beside_.end(), [&](const Watched& watched) {
    return watched.path == taken_;
  });
  const std::string advice =
      is_beside ? "put it back where it was; if it is gone, stop the hub and start it again: what "
                  "was acknowledged is kept"
                : "put it back where it was";
  spell_ = Trouble::moved;
  if (!counted_.disk_full.exchange(true)) {
    log_.error("store.moved", {{"path", std::string_view(taken_)}, {"advice", advice}});
    if (is_beside) (void)database_->checkpoint();
  }
  return unavailable("store.moved", name_of(taken_) +
                                        " was moved, deleted or replaced while the hub runs, and "
                                        "nothing is written: " +
                                        advice);
}

// Runs the jobs and commits. On trouble nothing of the batch is left in the database, and the undo
// functions have run.
Trouble Writer::attempt(Batch& batch) {
  database_->clear_trouble();
  gather();
  // A commit that waits for nobody.
  Undo undo = batch.size() == 1 && enough_ <= 1 ? Undo::alone : Undo::batch;
  if (careful_batches_ > 0 && undo == Undo::batch) {
    --careful_batches_;
    undo = Undo::savepoint;
  }
  Ended ended = run_jobs(batch, undo);
  if (ended == Ended::spoilt) {
    careful_batches_ = kCarefulBatches;
    ended = run_jobs(batch, Undo::savepoint);
  }
  watch_.into(counted_.job_ns);
  wait_and_tell();
  if (ended == Ended::trouble) return database_->trouble();
  last_jobs_ = batch.size();
  // One job alone, undone.
  if (!database_->in_transaction()) {
    finish(batch);
    return Trouble::none;
  }
  // Acknowledged work must be there at the next start.
  if (taken_away()) {
    undo_batch(batch, batch.size());
    return Trouble::moved;
  }
  const bool beside = last_jobs_ >= kSyncedBeside;
  const Status committed = beside ? database_->commit_unsynced([this] { sync_.visible(); })
                                  : as_status(database_->execute(kCommit, {}));
  if (committed.ok()) {
    note_written(batch);
    untold_.swap(batch);
    if (!sync_.done()) sync_.begin();
    last_commit_ = watch_.into(counted_.commit_ns);
    tell();
    return Trouble::none;
  }
  if (!sync_.done()) fatal(committed.error());
  const Trouble trouble = trouble_of(committed.error());
  undo_batch(batch, batch.size());
  return trouble;
}

// Runs the jobs in a transaction, which stays open. Spoilt, or in trouble: nothing of the batch is
// left in it, and the undo functions have run.
Writer::Ended Writer::run_jobs(Batch& batch, Undo undo) {
  for (Task& task : batch) begin_attempt(task);
  auto begun = database_->execute(kBeginWrite, {});
  if (!begun.ok()) return in_trouble(begun.error());
  for (std::size_t ran = 1; ran <= batch.size() || (undo == Undo::batch && take_more(batch));
       ++ran) {
    const Ended ended = run_job(batch[ran - 1], undo);
    if (to_tell()) {
      watch_.into(counted_.job_ns);
      tell();
    }
    if (ended == Ended::well) continue;
    undo_batch(batch, ran);
    return ended;
  }
  return Ended::well;
}

// Runs one job of a batch until it is done or failed and undone, unless the whole batch has to be.
Writer::Ended Writer::run_job(Task& task, Undo undo_with) {
  for (int races = 0;; ++races) {
    JobTransaction transaction(*this, task, undo_with);
    Status status = run_job_function(task.job, transaction);
    if (status.ok() && transaction.failed()) status = *transaction.failed();
    // Before savepoints are touched: after trouble SQLite may have undone the whole transaction.
    if (database_->trouble() != Trouble::none)
      return in_trouble(status.ok() ? internal("store.sql", "") : status.error());
    if (!database_->in_transaction())
      fatal(internal("store.sql", "a job ended the transaction of its batch"));
    if (!status.ok() && transaction.needs_batch()) return Ended::spoilt;
    const Status ended = transaction.end(status.ok());
    if (!ended.ok()) return in_trouble(ended.error());
    if (status.ok()) return Ended::well;
    run_undo(task);
    task.rows = 0;
    if (status.error().code != kRaced) {
      task.error = std::move(status).error();
      return Ended::well;
    }
    ++counted_.raced;
    if (races == kMaxRaces) {
      task.error = beaten();
      return Ended::well;
    }
    if (!database_->in_transaction()) {
      auto begun = database_->execute(kBeginWrite, {});
      if (!begun.ok()) return in_trouble(begun.error());
    }
  }
}

bool Writer::taken_away() {
  const auto missed = [this](const std::string& path) {
    taken_ = path;
    return true;
  };
  if (database_->moved()) return missed(options_.path);
  for (const std::string& path : options_.needed)
    if (::access(path.c_str(), F_OK) != 0) return missed(path);
  for (const Watched& watched : beside_)
    if (device_and_inode(watched.path) != watched.device_and_inode) return missed(watched.path);
  return false;
}

// Trouble of the connection. Ends the process where the content of the disk is not known.
Trouble Writer::trouble_of(const Error& error) {
  const Trouble trouble = database_->trouble();
  if (trouble == Trouble::fatal || trouble == Trouble::none) fatal(error);
  return trouble;
}

Writer::Ended Writer::in_trouble(const Error& error) {
  static_cast<void>(trouble_of(error));
  return Ended::trouble;
}

// Undoes the transaction and what its first jobs did beside the database.
void Writer::undo_batch(Batch& batch, std::size_t ran) {
  if (database_->in_transaction()) {
    auto undone = database_->execute(kRollback, {});
    if (!undone.ok()) fatal(undone.error());
  }
  for (std::size_t i = ran; i-- > 0;) run_undo(batch[i]);
}

// Returns when the last commit is durable and its jobs have been told.
void Writer::wait_and_tell() {
  if (untold_.empty()) return;
  sync_.wait();
  last_commit_ += watch_.into(counted_.commit_ns);
  tell();
}

// Tells the jobs of the last commit, once it is durable.
void Writer::tell() {
  if (!to_tell()) return;
  finish(untold_);
  untold_.clear();
  gathering_since_ = std::chrono::steady_clock::now();
}

void Writer::finish(Batch& batch) {
  const Written written = count(batch);
  if (written.jobs > 0) counted_.commits += 1;
  counted_.jobs += written.jobs;
  counted_.rows += written.rows;
  tell_done(batch);
  watch_.into(counted_.done_ns);
}

// Waits before the next try; meanwhile droppable jobs that arrive are refused at once. False when
// nobody is to wait for room any more.
bool Writer::wait_for_room(std::chrono::milliseconds delay, const Error& error) {
  const auto droppable = [](const Task& task) { return task.need == Store::Need::droppable; };
  const auto until = std::chrono::steady_clock::now() + delay;
  for (;;) {
    Batch refused;
    std::vector<Store::Done> overflow;
    bool stop = false;
    {
      Lock lock(mutex_);
      wanted_ = 1;
      while (!stopping_ && patient_ && refused_.empty() &&
             (queue_.empty() || !droppable(queue_.back()))) {
        waiting_ = true;
        if (work_.wait_until(lock, until) == std::cv_status::timeout) break;
      }
      waiting_ = false;
      for (auto& task : queue_) {
        if (droppable(task)) refused.push_back(std::move(task));
      }
      // A moved-from task keeps its need.
      queue_.erase(std::remove_if(queue_.begin(), queue_.end(), droppable), queue_.end());
      overflow.swap(refused_);
      stop = stopping_ || !patient_;
    }
    drop(refused, error, true);
    for (const Store::Done& done : overflow) {
      if (done) done(error);
    }
    if (stop) return false;
    if (std::chrono::steady_clock::now() >= until) return true;
  }
}

bool Writer::checkpoint_is_due() const {
  if (starves_until_) return std::chrono::steady_clock::now() >= *starves_until_;
  return database_->added_pages() >= options_.checkpoint_pages;
}

// Copies the write-ahead log into the database, between two transactions and after the answers
// went out: the copying may take a while. The log then begins anew with the next commit, unless a
// reader still uses it. In that case the log grows, and each checkpoint copies what the reader
// allows; after the reader's end the log begins anew.
//
// Without room on the disk the log keeps everything, and the next try comes by itself. Room that
// comes is the database's first, so that the log grows no further.
void Writer::checkpoint_when_due() {
  if (!checkpoint_is_due()) return;
  wait_and_tell();
  note_length_of_log();
  database_->clear_trouble();
  const bool copied = database_->checkpoint();
  const bool starved = starves_until_.has_value();
  starves_until_.reset();
  if (copied) {
    if (starved) note_room();
  } else if (database_->trouble() == Trouble::fatal) {
    fatal(unavailable("store.io", "the write-ahead log cannot be copied into the database"));
  } else if (database_->trouble() == Trouble::full) {
    starves_until_ = std::chrono::steady_clock::now() + kRetryCheckpoint;
    note_full_disk();
  }
}

// Warns when the log is much longer than between two checkpoints, and again at each doubling.
void Writer::note_length_of_log() {
  const int pages = database_->log_pages();
  if (pages < warned_pages_) warned_pages_ = 0;
  if (pages < std::max(4 * options_.checkpoint_pages, 2 * warned_pages_)) return;
  warned_pages_ = pages;
  log_.warn("store.log_long", {{"path", std::string_view(options_.path)},
                               {"bytes", pages * kPageBytes},
                               {"advice",
                                "end the programs that read the database for long: the log can "
                                "only begin anew after them"}});
}

// Any thread.
void Writer::sync_log() {
  if (!database_->sync_log()) fatal(corrupt("store.io", "the write-ahead log cannot be synced"));
}

// Any thread: there is something to tell.
void Writer::wake() {
  {
    const Lock lock(mutex_);
    if (!waiting_) return;
    waiting_ = false;
  }
  work_.notify_one();
}

// The written pages found room; the database's own file may still have none.
void Writer::note_room() {
  if (starves_until_ || !counted_.disk_full.exchange(false)) return;
  log_.info("store.room_again");
}

// A commit that changes no row needs no room, and proves none.
void Writer::note_written(const Batch& batch) {
  if (!counted_.disk_full) return;
  const bool proves = spell_ != Trouble::full || count(batch).rows > 0;
  if (proves || !has_no_room(options_.path)) note_room();
}

void Writer::note_full_disk() {
  spell_ = Trouble::full;
  if (!counted_.disk_full.exchange(true))
    log_.error("store.disk_full", {{"path", std::string_view(options_.path)}});
}

// No answer leaves after this: what is on disk is found out by reading it afresh.
void Writer::fatal(const Error& error) {
  log_.error("store.io_error", {{"path", std::string_view(options_.path)},
                                {"code", std::string_view(error.code)},
                                {"message", std::string_view(error.message)}});
  ::_exit(kExitIo);
}

}  // namespace rabt::store::sqlite
