#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "hub/audit/anchor.hpp"
#include "hub/audit/note.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Internal to the writing side.
namespace rabt::audit {

// The log as its own threads see it: what is committed, and whether it still can be trusted.
// Internally synchronised. Outlives the log in the hands of an anchor that hangs: after close() it
// touches neither store nor logger.
class Ledger final : public TileSource {
 public:
  Ledger(store::Store& store, Signer signer, Logger& log)
      : signer_(std::move(signer)), store_(&store), log_(&log) {}

  [[nodiscard]] const Signer& signer() const { return signer_; }
  // Error unavailable audit.closing after close().
  [[nodiscard]] Status read(const std::function<Status(store::Connection&)>& function) const;
  [[nodiscard]] Status write(store::Store::Job job) const;

  // Checks that this database still has the tree of a checkpoint of this log. `where` names the
  // checkpoint's place in messages: "the file ...", "the anchor ...". Errors corrupt audit.cut,
  // audit.old_database, audit.rewritten, audit.broken.
  [[nodiscard]] Status holds(const Checkpoint& checkpoint, const std::string& where) const;

  // From now on no act is possible. The first reason stays.
  void refuse(const Error& reason);
  [[nodiscard]] bool refused() const { return refused_.load(std::memory_order_acquire); }
  [[nodiscard]] std::optional<Error> reason() const;

  void log(LogLevel level, std::string_view event, LogFields fields) const;
  void close();
  [[nodiscard]] bool closed() const;

  Result<std::string> tile(int level, std::int64_t number, int width) const override;
  Result<std::string> entries(std::int64_t number, int width) const override;

 private:
  const Signer signer_;
  std::atomic<bool> refused_{false};

  // Both are null after close().
  mutable SharedMutex open_mutex_;
  store::Store* store_ RABT_GUARDED_BY(open_mutex_);
  Logger* log_ RABT_GUARDED_BY(open_mutex_);

  mutable Mutex reason_mutex_;
  std::optional<Error> reason_ RABT_GUARDED_BY(reason_mutex_);
};

// The number of the last committed entry; 0 when there is none.
[[nodiscard]] Result<std::int64_t> committed_size(store::Connection& connection);

// Advice after a finding; the end of every message about one.
[[nodiscard]] std::string advice();

}  // namespace rabt::audit
