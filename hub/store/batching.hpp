#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "hub/store/store.hpp"

// Jobs in batches: what the writers of both engines share.
namespace rabt::store {

struct Task {
  Store::Need need = Store::Need::droppable;
  Lane lane = kNoLane;
  Store::Job job;
  Store::Done done;
  // These belong to the current attempt.
  std::optional<Error> error;
  std::uint64_t rows = 0;
  std::vector<std::function<void()>> undo;
  std::vector<std::function<void()>> committed;
};
using Batch = std::vector<Task>;

// Forgets what an earlier attempt left in the task.
void begin_attempt(Task& task);
// An exception of the job becomes error store.job.
[[nodiscard]] Status run_job_function(const Store::Job& job, Transaction& transaction);
// Runs what undoes a job's work beside the database, the newest first.
void run_undo(Task& task);
// The error of a job that was beaten kMaxRaces times.
[[nodiscard]] Error beaten();
// Ends droppable jobs, or all, with the error, and removes them.
void drop(Batch& batch, const Error& error, bool all = false);

// Jobs and rows of a batch that were written.
struct Written {
  std::uint64_t jobs = 0;
  std::uint64_t rows = 0;
};
[[nodiscard]] Written count(const Batch& batch);
// Runs what each written task has left for its commit, and calls done of every task, with its error
// where it has one.
void tell_done(Batch& batch);

// Sums up the time of a writer: adds the time since the last call.
class Stopwatch {
 public:
  void restart() { last_ = std::chrono::steady_clock::now(); }
  std::chrono::nanoseconds into(std::atomic<std::int64_t>& sum);

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Sums of what a writer did. Changed by who writes, read by any thread.
struct Counters {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> jobs{0};
  std::atomic<std::uint64_t> rows{0};
  std::atomic<std::uint64_t> raced{0};
  std::atomic<std::int64_t> job_ns{0};
  std::atomic<std::int64_t> commit_ns{0};
  std::atomic<std::int64_t> done_ns{0};
  std::atomic<bool> disk_full{false};

  // Without what is queued.
  [[nodiscard]] Store::Stats stats() const;
};

}  // namespace rabt::store
