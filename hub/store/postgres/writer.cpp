#include "hub/store/postgres/writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "hub/base/limits.hpp"
#include "hub/store/postgres/job_transaction.hpp"

namespace rabt::store::postgres {

namespace {

constexpr std::chrono::milliseconds kFirstRetry{50};
constexpr std::chrono::milliseconds kMaxRetry{2000};
constexpr std::chrono::milliseconds kAfterRace{5};
// A transaction with more than 64 subtransactions slows down every other session of the server.
constexpr std::size_t kMaxSavepoints = 60;
// Jobs hardly ever fail after they have written, so jobs have no savepoint until one does: its
// batch runs again, each job with a savepoint, and so do the jobs of so many batches after it.
constexpr int kCarefulBatches = 100;

// Tags of what is sent beside the jobs' statements, whose tags count from 0.
constexpr std::int64_t kFenceTag = -2;
constexpr std::int64_t kCommitTag = -3;

constexpr Statement kBegin{"BEGIN"};
constexpr Statement kCommit{"COMMIT"};
constexpr Statement kRollback{"ROLLBACK"};
constexpr Statement kRelease{"RELEASE job"};
constexpr Statement kRollbackTo{"ROLLBACK TO job"};
// An error when no row was changed (division by zero): the COMMIT behind it in the same pipeline
// must not happen then.
constexpr Statement kFence{
    "WITH w AS (UPDATE store_writer SET batch = $3 WHERE stream = $1 AND incarnation = $2 AND "
    "batch = $3 - 1 RETURNING 1) SELECT 1 / count(*) FROM w"};
// Waits for a commit that is still under way on the lost connection.
constexpr Statement kLook{
    "SELECT incarnation, batch FROM store_writer WHERE stream = $1 FOR UPDATE"};

}  // namespace

Writer::Writer(PostgresOptions options, Logger& log, std::unique_ptr<Session> session,
               Sequences sequences, Claim claim)
    : options_(std::move(options)),
      max_queued_(options_.max_queued == 0 ? limits::kMaxQueuedJobs : options_.max_queued),
      log_(log),
      session_(std::move(session)),
      sequences_(std::move(sequences)),
      claim_(claim),
      thread_([this] { run(); }) {}

Writer::~Writer() {
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

void Writer::submit(Store::Need need, Lane lane, Store::Job job, Store::Done done) {
  {
    const Lock lock(mutex_);
    // Refused jobs wait for the writer's thread, too: done never runs on the submitter's stack,
    // under locks of its own.
    if (need == Store::Need::droppable && queue_.size() >= max_queued_) {
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
  }
  work_.notify_one();
}

Store::Stats Writer::stats() const {
  Store::Stats stats = counted_.stats();
  const Lock lock(mutex_);
  stats.queued = queue_.size();
  return stats;
}

// ---- the writer's thread

void Writer::run() {
  session_->on_result([this](std::int64_t tag, std::int64_t rows) {
    if (running_ != nullptr && tag >= 0)
      (*running_)[static_cast<std::size_t>(tag)].rows += static_cast<std::uint64_t>(rows);
  });
  for (;;) {
    Batch batch;
    const bool stop = wait_for_jobs(batch);
    if (!batch.empty()) {
      write(std::move(batch));
    } else if (stop) {
      return;
    }
  }
}

// Takes the jobs that are there. True when the hub stops.
bool Writer::wait_for_jobs(Batch& batch) {
  std::vector<Store::Done> refused;
  bool stop = false;
  {
    Lock lock(mutex_);
    while (!stopping_ && queue_.empty() && refused_.empty()) work_.wait(lock);
    while (!queue_.empty() && batch.size() < limits::kMaxCommitJobs) {
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    refused.swap(refused_);
    stop = stopping_ && refused.empty();
  }
  watch_.restart();
  for (const Store::Done& done : refused) {
    if (done)
      done(unavailable("store.busy", "the hub has more work than it can write; try again later"));
  }
  return stop;
}

// Returns when every job is committed, undone or refused, and done has run.
void Writer::write(Batch batch) {
  while (!batch.empty()) {
    const std::size_t most = careful_batches_ > 0 ? kMaxSavepoints : batch.size();
    const auto end = batch.begin() + static_cast<std::ptrdiff_t>(std::min(most, batch.size()));
    Batch part(std::make_move_iterator(batch.begin()), std::make_move_iterator(end));
    batch.erase(batch.begin(), end);
    write_part(part);
  }
}

void Writer::write_part(Batch& batch) {
  delay_ = kFirstRetry;
  int races = 0;
  int losses = 0;
  const bool careful = careful_batches_ > 0 && batch.size() > 1;
  if (careful) --careful_batches_;
  while (!batch.empty()) {
    if (session_ == nullptr && !connect_or_wait(batch)) return;
    const Undo many = careful ? Undo::savepoint : Undo::batch;
    const Ended ended = attempt(batch, batch.size() == 1 ? Undo::alone : many);
    if (ended == Ended::well) {
      note_room();
      finish(batch);
      return;
    }
    if (ended == Ended::spoilt) {
      careful_batches_ = kCarefulBatches;
      write(std::move(batch));
      return;
    }
    if (ended == Ended::unknown) {
      if (decide(batch)) return;
      continue;
    }
    if (trouble_.trouble == Trouble::raced && ++races <= kMaxRaces) {
      ++counted_.raced;
      std::this_thread::sleep_for(kAfterRace);
      continue;
    }
    if (trouble_.trouble == Trouble::lost) {
      session_.reset();
      // A server that was started again, or another one that has taken its place, is there at once.
      if (++losses <= 2 && connect()) continue;
    }
    const Error error = note_trouble();
    drop(batch, error);
    if (!batch.empty() && !wait_for_room(error)) drop(batch, error, true);
  }
}

// Runs the jobs and commits. Unless it went well, or is unknown, nothing of the batch is left in
// the database and the undo functions have run.
Writer::Ended Writer::attempt(Batch& batch, Undo undo) {
  running_ = &batch;
  for (Task& task : batch) begin_attempt(task);
  session_->clear_failure();
  session_->send(kBegin, {}, Session::kNoTag);
  open_ = true;
  Ended ended = Ended::well;
  std::size_t ran = 0;
  while (ended == Ended::well && ran < batch.size()) {
    ended = run_job(batch[ran], static_cast<std::int64_t>(ran), undo);
    ++ran;
  }
  watch_.into(counted_.job_ns);
  moved_ = ended == Ended::well && taken_away();
  if (moved_) ended = Ended::trouble;
  if (ended != Ended::well) {
    undo_batch(batch, ran);
    return ended;
  }
  // One job alone, undone.
  if (!open_) return Ended::well;
  ended = commit(batch, undo);
  watch_.into(counted_.commit_ns);
  return ended;
}

Writer::Ended Writer::commit(Batch& batch, Undo undo) {
  session_->send(kFence, {kStream, claim_.incarnation, claim_.batch + 1}, kFenceTag);
  session_->send(kCommit, {}, kCommitTag);
  if (session_->finish().ok()) {
    ++claim_.batch;
    open_ = false;
    return Ended::well;
  }
  const Session::Failure failure = *session_->failure();
  if (in_trouble()) {
    if (failure.fault.trouble == Trouble::lost) return Ended::unknown;
    undo_batch(batch, batch.size());
    return Ended::trouble;
  }
  if (failure.tag == kFenceTag) fenced();
  if (undo == Undo::batch && failure.tag != kCommitTag) {
    undo_batch(batch, batch.size());
    return Ended::spoilt;
  }
  undo_batch(batch, batch.size());
  for (Task& task : batch) task.error = failure.fault.error;
  return Ended::well;
}

// Runs one job until it is done or failed and undone, unless the whole batch has to be.
Writer::Ended Writer::run_job(Task& task, std::int64_t tag, Undo undo) {
  for (int races = 0;; ++races) {
    JobTransaction transaction(*session_, sequences_, task, tag, undo == Undo::savepoint);
    Status status = run_job_function(task.job, transaction);
    if (status.ok() && transaction.failed()) status = *transaction.failed();
    // The server's answers to what the job put are read here; in a batch, at its end.
    if (undo == Undo::savepoint && transaction.marked()) {
      const Status taken = session_->finish();
      if (status.ok()) status = taken;
    }
    if (in_trouble()) return Ended::trouble;
    const bool undoes = !status.ok() && transaction.touched();
    if (undo == Undo::batch && (undoes || session_->failure())) return Ended::spoilt;
    if (undoes && undo == Undo::alone && !rollback().ok()) return Ended::trouble;
    if (transaction.marked()) {
      session_->clear_failure();
      if (!status.ok()) session_->send(kRollbackTo, {}, Session::kNoTag);
      session_->send(kRelease, {}, Session::kNoTag);
    }
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
    if (!open_) {
      session_->send(kBegin, {}, Session::kNoTag);
      open_ = true;
    }
  }
}

// True if the connection ran into what is no job's fault; keeps it. Ends the process where the
// server cannot read what it has stored.
bool Writer::in_trouble() {
  const auto& failure = session_->failure();
  if (!failure || failure->fault.trouble == Trouble::none) return false;
  trouble_ = failure->fault;
  if (trouble_.trouble == Trouble::fatal) fatal(trouble_.error);
  return true;
}

// Ends the transaction without its writes. An error is kept as trouble.
Status Writer::rollback() {
  session_->clear_failure();
  session_->send(kRollback, {}, Session::kNoTag);
  open_ = false;
  Status done = session_->finish();
  if (!done.ok() && !in_trouble()) trouble_ = lost_connection();
  return done;
}

// Undoes the transaction and what its first jobs did beside the database.
void Writer::undo_batch(Batch& batch, std::size_t ran) {
  if (open_) static_cast<void>(rollback());
  for (std::size_t i = ran; i-- > 0;) run_undo(batch[i]);
}

void Writer::finish(Batch& batch) {
  running_ = nullptr;
  const Written written = count(batch);
  if (written.jobs > 0) counted_.commits += 1;
  counted_.jobs += written.jobs;
  counted_.rows += written.rows;
  tell_done(batch);
  watch_.into(counted_.done_ns);
}

// ---- when something is in the way

// One try to connect again. Ends the process when another hub has taken the database.
bool Writer::connect() {
  auto opened = Session::open(options_, Session::Use::writes);
  if (!opened.ok()) {
    log_.warn("store.unreachable", {{"message", std::string_view(opened.error().message)}});
    return false;
  }
  bool there = false;
  std::int64_t incarnation = 0;
  std::int64_t batch = 0;
  const Status looked = (*opened)->query(kLook, {kStream}, [&](const Row& row) {
    there = true;
    incarnation = row.integer(kLook["incarnation"]);
    batch = row.integer(kLook["batch"]);
    return false;
  });
  if (!looked.ok()) return false;
  // The lost connection may hold the lock for a while yet; then this hub goes on without.
  static_cast<void>((*opened)->query(kTakeLock, {}, [](const Row&) { return false; }));
  (*opened)->clear_failure();
  if (!there || incarnation != claim_.incarnation || batch < claim_.batch) fenced();
  claim_.batch = batch;
  session_ = std::move(*opened);
  session_->on_result([this](std::int64_t tag, std::int64_t rows) {
    if (running_ != nullptr && tag >= 0)
      (*running_)[static_cast<std::size_t>(tag)].rows += static_cast<std::uint64_t>(rows);
  });
  log_.info("store.connected_again");
  return true;
}

// Connects again. Until then droppable jobs are refused; false when all were given up.
bool Writer::connect_or_wait(Batch& batch) {
  const Error error = lost_connection().error;
  while (!connect()) {
    counted_.disk_full = true;
    drop(batch, error);
    if (batch.empty()) return false;
    if (!wait_for_room(error)) {
      drop(batch, error, true);
      return false;
    }
  }
  return true;
}

// Finds out whether the batch was committed whose commit the connection was lost in. True when the
// jobs have been told; else they are undone, to run again.
bool Writer::decide(Batch& batch) {
  const std::int64_t before = claim_.batch;
  open_ = false;
  session_.reset();
  while (!connect()) {
    counted_.disk_full = true;
    if (wait_for_room(lost_connection().error)) continue;
    drop(batch,
         ambiguous("store.unknown",
                   "the connection to the database was lost during a commit, and the hub stops: "
                   "it is not known whether it was written"),
         true);
    return true;
  }
  if (claim_.batch > before) {
    note_room();
    finish(batch);
    return true;
  }
  undo_batch(batch, batch.size());
  return false;
}

// Logs it, once for each spell, and gives what callers are told.
Error Writer::note_trouble() {
  const bool first = !counted_.disk_full.exchange(true);
  if (moved_) {
    if (first) log_.error("store.moved", {{"advice", "put the keyring back where it was"}});
    return unavailable("store.moved",
                       "the keyring was moved or deleted while the hub runs, and nothing is "
                       "written: put it back where it was");
  }
  if (first) {
    log_.error(trouble_.trouble == Trouble::full ? "store.disk_full" : "store.not_written",
               {{"message", std::string_view(trouble_.error.message)}});
  }
  return trouble_.error;
}

void Writer::note_room() {
  if (counted_.disk_full.exchange(false)) log_.info("store.room_again");
}

// Waits before the next try; meanwhile droppable jobs that arrive are refused at once. False when
// nobody is to wait any more.
bool Writer::wait_for_room(const Error& error) {
  const auto droppable = [](const Task& task) { return task.need == Store::Need::droppable; };
  const auto until = std::chrono::steady_clock::now() + delay_;
  delay_ = std::min(delay_ * 2, kMaxRetry);
  for (;;) {
    Batch refused;
    std::vector<Store::Done> overflow;
    bool stop = false;
    {
      Lock lock(mutex_);
      while (!stopping_ && patient_ && refused_.empty() &&
             (queue_.empty() || !droppable(queue_.back()))) {
        if (work_.wait_until(lock, until) == std::cv_status::timeout) break;
      }
      for (Task& task : queue_) {
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

// Acknowledged work must be readable at the next start.
bool Writer::taken_away() const {
  return std::any_of(options_.needed.begin(), options_.needed.end(),
                     [](const std::string& path) { return ::access(path.c_str(), F_OK) != 0; });
}

// No answer leaves after this: another hub has the database.
void Writer::fenced() {
  log_.error("store.taken",
             {{"advice", "another hub has taken the database; let only one use it"}});
  ::_exit(kExitFenced);
}

void Writer::fatal(const Error& error) {
  log_.error("store.io_error", {{"code", std::string_view(error.code)},
                                {"message", std::string_view(error.message)}});
  ::_exit(kExitIo);
}

}  // namespace rabt::store::postgres
