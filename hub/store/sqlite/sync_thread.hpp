#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "hub/base/mutex.hpp"

namespace rabt::store::sqlite {

// Makes the log durable on a thread of its own, while the writer goes on. Its last commit is
// visible to readers before it is durable, so whoever reads waits for it (ReaderPool), and nobody
// is told of a job before. Internally synchronised.
//
// Relies on what stands at hold_sync (gathered_files.hpp): the sync of a commit may come later.
class SyncThread {
 public:
  // sync returns when what was written is durable, and ends the process when it cannot be known.
  // told runs after each sync of the object's thread, on it.
  SyncThread(std::function<void()> sync, std::function<void()> told);
  // Waits for what begin() began.
  ~SyncThread();

  // The writer: from now on others may see what is not durable.
  void visible() { ++visible_; }
  // The writer: syncs, on the object's thread, what is visible.
  void begin();
  // Everything that is visible is durable.
  [[nodiscard]] bool done() const { return durable_ == visible_; }
  // Waits until everything that is visible now is durable.
  void wait();

 private:
  void run();
  void durable();

  // Constant after construction
  const std::function<void()> sync_;
  const std::function<void()> told_;

  // Atomic: how often something became visible, and how much of that is durable
  std::atomic<std::uint64_t> visible_{0};
  std::atomic<std::uint64_t> durable_{0};

  Mutex mutex_;
  // For the object's thread, and for those who wait for it.
  Condition work_;
  Condition durable_now_;
  bool begun_ RABT_GUARDED_BY(mutex_) = false;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;

  // Last: it starts when everything else is there.
  std::thread thread_;
};

}  // namespace rabt::store::sqlite
