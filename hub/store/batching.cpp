#include "hub/store/batching.hpp"

#include <algorithm>
#include <exception>
#include <string>

namespace rabt::store {

void begin_attempt(Task& task) {
  task.error.reset();
  task.rows = 0;
  task.undo.clear();
  task.committed.clear();
}

Status run_job_function(const Store::Job& job, Transaction& transaction) {
  try {
    return job(transaction);
  } catch (const std::exception& exception) {
    return internal("store.job",
                    std::string("a write job failed with an exception: ") + exception.what());
  }
}

void run_undo(Task& task) {
  for (auto at = task.undo.rbegin(); at != task.undo.rend(); ++at) (*at)();
  task.undo.clear();
}

Error beaten() {
  return unavailable("store.busy", "other writers were quicker " + std::to_string(kMaxRaces) +
                                       " times; nothing was written; try again later");
}

void drop(Batch& batch, const Error& error, bool all) {
  const auto kept = std::stable_partition(batch.begin(), batch.end(), [all](const Task& task) {
    return !all && task.need == Store::Need::required;
  });
  for (auto at = kept; at != batch.end(); ++at) {
    if (at->done) at->done(error);
  }
  batch.erase(kept, batch.end());
}

Written count(const Batch& batch) {
  Written written;
  for (const Task& task : batch) {
    if (task.error) continue;
    written.rows += task.rows;
    ++written.jobs;
  }
  return written;
}

void tell_done(Batch& batch) {
  for (Task& task : batch) {
    if (!task.error) {
      for (const std::function<void()>& then : task.committed) then();
    }
    if (task.done) task.done(task.error ? Status(std::move(*task.error)) : ok_status());
  }
}

std::chrono::nanoseconds Stopwatch::into(std::atomic<std::int64_t>& sum) {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds passed = now - last_;
  sum += passed.count();
  last_ = now;
  return passed;
}

Store::Stats Counters::stats() const {
  Store::Stats stats;
  stats.commits = commits.load();
  stats.jobs = jobs.load();
  stats.rows = rows.load();
  stats.raced = raced.load();
  stats.in_jobs = std::chrono::nanoseconds(job_ns.load());
  stats.in_commits = std::chrono::nanoseconds(commit_ns.load());
  stats.in_done = std::chrono::nanoseconds(done_ns.load());
  stats.disk_full = disk_full.load();
  return stats;
}

}  // namespace rabt::store
