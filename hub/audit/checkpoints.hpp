#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hub/audit/anchor_keeper.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/audit/ledger.hpp"
#include "hub/base/mutex.hpp"

// Internal to the writing side.
namespace rabt::audit {

// Signs checkpoints of what is durable and brings them outside, and looks whether the log is still
// what was written, on a thread of its own. Internally synchronised.
class Checkpoints {
 public:
  // Checks that the database has the tree of the checkpoint file and of every anchor that answers
  // in time. Nothing is signed before start(). Errors: AuditLog::open.
  [[nodiscard]] static Result<std::unique_ptr<Checkpoints>> open(
      const std::shared_ptr<Ledger>& ledger, LogOptions options);
  // Signs the first checkpoint of a new log, which is durable when ok; then the thread runs.
  [[nodiscard]] Status start();
  // Signs what is there, waits for the anchors, ends the thread.
  ~Checkpoints();

  // Called inside a job of the store with the number of entries that there are now.
  void appended(std::int64_t size);
  void undone(std::int64_t size);
  void describe(LogState& state) const;

  // AuditLog::look.
  [[nodiscard]] Status look();
  // The newest checkpoint that was signed. Nothing before the first.
  [[nodiscard]] std::optional<Checkpoint> newest() const;

 private:
  Checkpoints(std::shared_ptr<Ledger> ledger, LogOptions options);
  [[nodiscard]] Status check_outside();
  // Nothing happens when fewer entries than that wait for a signature.
  [[nodiscard]] Status sign_what_is_there(std::int64_t enough);
  [[nodiscard]] Status outside_still_holds();
  [[nodiscard]] Status file_still_holds() const;
  // One look: what is outside, the newest checkpoint, the end of the log, some tiles.
  [[nodiscard]] Status look_once(std::int64_t tiles);
  [[nodiscard]] Status look_at_checkpoints(store::Connection& connection);
  void look_as_thread();
  void tell(const Checkpoint& checkpoint, bool now);
  [[nodiscard]] Status keep(const Checkpoint& checkpoint);
  void run();
  void attempt(std::int64_t enough);

  // Constant after construction
  const std::shared_ptr<Ledger> ledger_;
  // Without the anchors, which have moved to keepers_.
  const LogOptions options_;
  const std::string file_;
  std::vector<AnchorKeeper> keepers_;
  std::shared_ptr<AnchorMemory> memory_;

  // Confined to the thread; before start() and after its end, to the owner
  // The newest checkpoint that was signed, or was found at open, and the number of its row.
  std::optional<Checkpoint> last_;
  std::int64_t number_ = 0;
  // Content of the file; true if it could not be written after the row.
  std::string in_file_;
  bool file_behind_ = false;
  // The tile of level 0 and the row of the table of checkpoints at which the next look begins.
  std::int64_t next_tile_ = 0;
  std::int64_t next_number_ = 1;
  // When the hub's log was told a checkpoint last, and the size of that one.
  std::optional<std::chrono::steady_clock::time_point> told_;
  std::int64_t told_size_ = -1;

  std::atomic<std::int64_t> entries_{0};
  std::atomic<std::int64_t> signed_size_{0};

  mutable Mutex mutex_;
  Condition changed_;
  bool closing_ RABT_GUARDED_BY(mutex_) = false;
  std::optional<Error> failure_ RABT_GUARDED_BY(mutex_);
  // A copy of last_.
  std::optional<Checkpoint> newest_ RABT_GUARDED_BY(mutex_);
  // Number of looks at once that were asked for, and of those that were answered.
  std::uint64_t asked_ RABT_GUARDED_BY(mutex_) = 0;
  std::uint64_t answered_ RABT_GUARDED_BY(mutex_) = 0;

  std::thread thread_;
};

}  // namespace rabt::audit
