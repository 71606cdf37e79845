#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "hub/audit/anchor_memory.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/audit/ledger.hpp"

// Internal to the writing side.
namespace rabt::audit {

// Brings checkpoints to one anchor, and reads what it keeps now and then, on a thread of its own.
// Internally synchronised. An anchor that hangs keeps its thread and nothing else.
class AnchorKeeper {
 public:
  // Starts by reading the anchor's last checkpoint.
  AnchorKeeper(AnchorEntry entry, std::shared_ptr<Ledger> ledger,
               std::shared_ptr<AnchorMemory> memory, std::chrono::milliseconds interval);
  AnchorKeeper(AnchorKeeper&&) noexcept = default;
  AnchorKeeper& operator=(AnchorKeeper&&) noexcept = default;
  // The thread ends by itself after what it is doing.
  ~AnchorKeeper();

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] bool required() const;
  void bring(const Checkpoint& checkpoint);
  // Has the anchor read at once, and waits for that.
  void look(std::chrono::steady_clock::time_point until);
  // True when the anchor's last checkpoint was read, and held, since the start.
  [[nodiscard]] bool read() const;
  bool wait_read(std::chrono::steady_clock::time_point until) const;
  // The checkpoint that was read or put last.
  [[nodiscard]] std::optional<Checkpoint> last() const;
  [[nodiscard]] AnchorState state() const;
  // Tries once more to bring what waits, and ends the thread. Returns false if it has not ended in
  // time.
  bool stop(std::chrono::steady_clock::time_point until);
  // Logs, once, an anchor that does not come back.
  void watch();

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace rabt::audit
