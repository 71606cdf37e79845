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

// Signs checkpoints of what is durable and brings them outside, on a thread of its own. Internally
// synchronised.
class Checkpoints {
 public:
  // Checks that the database has the tree of the checkpoint file and of every anchor that answers
  // in time. Nothing is signed before start(). Errors: AuditLog::open.
  [[nodiscard]] static Result<std::unique_ptr<Checkpoints>> open(std::shared_ptr<Ledger> ledger,
                                                                 LogOptions options);
  // Signs the first checkpoint of a new log, which is durable when ok; then the thread runs.
  [[nodiscard]] Status start();
  // Signs what is there, waits for the anchors, ends the thread.
  ~Checkpoints();

  // Called from the writer thread with the number of entries that there are now.
  void appended(std::int64_t size);
  void undone(std::int64_t size);
  void describe(LogState& state) const;

 private:
  Checkpoints(std::shared_ptr<Ledger> ledger, LogOptions options);
  [[nodiscard]] Status check_outside();
  // Nothing happens when fewer entries than that wait for a signature.
  [[nodiscard]] Status sign_what_is_there(std::int64_t enough);
  [[nodiscard]] Status outside_still_holds();
  [[nodiscard]] Status keep(const Checkpoint& checkpoint);
  void run();
  void attempt(std::int64_t enough);

  // Constant after construction
  const std::shared_ptr<Ledger> ledger_;
  // Without the anchors, which have moved to keepers_.
  const LogOptions options_;
  const std::string file_;
  std::vector<AnchorKeeper> keepers_;

  // Confined to the thread; before start() and after its end, to the owner
  // The newest checkpoint that was signed, or was found at open, and the number of its row.
  std::optional<Checkpoint> last_;
  std::int64_t number_ = 0;
  // The file could not be written after the row.
  bool file_behind_ = false;

  std::atomic<std::int64_t> entries_{0};
  std::atomic<std::int64_t> signed_size_{0};

  mutable Mutex mutex_;
  Condition changed_;
  bool closing_ RABT_GUARDED_BY(mutex_) = false;
  std::optional<Error> failure_ RABT_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace rabt::audit
