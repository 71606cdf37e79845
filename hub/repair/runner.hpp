#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/repair/repairs.hpp"

namespace rabt::repair {

// Does what jobs hold: by their pace, the oldest row first, one of a subject at a time, below new
// work. Each act and the note that it was done are one commit, so a hub that ends at any moment
// does none twice and leaves none out; the next start goes on where this one stopped. One thread.
// Internally synchronised.
class Runner {
 public:
  struct Parts {
    engine::Engine& engine;
    store::Store& store;
    keys::DataKeys& keys;
    audit::AuditLog& audit;
    const Clock& clock;
    Logger& log;
    std::string tenant;
  };
  Runner(Parts parts, const Rows& rows) : parts_(std::move(parts)), rows_(rows) {}
  ~Runner() { stop(); }
  void start();
  // As Repairs::deliver_by; before start().
  void deliver_by(const Deliveries& deliveries) { deliveries_ = &deliveries; }
  // Waits for the act under way.
  void stop();
  void wake();
  // Does once what is due now, on the caller's thread. True if a job runs.
  bool turn();

 private:
  // End of a row that was acted on. Unset while it is not known.
  struct Verdict {
    ItemState state = ItemState::well;
    std::string code = {};
    std::string became = {};
  };
  // Facts about the rows of all jobs that one job needs.
  struct Around {
    std::set<std::string> subjects;
    bool busy = false;
  };

  void run();
  [[nodiscard]] Result<bool> look(Around& around) RABT_REQUIRES(turn_);
  // Writes how acted rows ended, and adds the subjects of the others.
  [[nodiscard]] Status settle(Job& job, Around& around) RABT_REQUIRES(turn_);
  [[nodiscard]] Result<std::optional<Verdict>> judge(const Job& job, const Item& item) const;
  [[nodiscard]] Status step(Job& job, Around& around) RABT_REQUIRES(turn_);
  [[nodiscard]] Status act(Job& job, const Item& item) RABT_REQUIRES(turn_);
  // Looks whether the row is as the preview saw it.
  [[nodiscard]] Result<bool> has_moved(const Job& job, const Item& item) const;
  [[nodiscard]] Status ask(const Job& job, const Item& item, const Json& content) const;
  // The row is left out, or its act was refused.
  [[nodiscard]] Status leave(Job& job, Item item, ItemState state, const std::string& code)
      RABT_REQUIRES(turn_);
  [[nodiscard]] Status change(Job& job, JobState to, const std::string& why) RABT_REQUIRES(turn_);

  const Parts parts_;
  const Rows& rows_;
  // Null until it is set.
  const Deliveries* deliveries_ = nullptr;

  // One turn at a time: the thread's, or a test's.
  Mutex turn_;
  // By job: when the next act is due, by the monotonic clock.
  std::map<std::string, std::int64_t> due_ RABT_GUARDED_BY(turn_);

  Mutex mutex_;
  Condition changed_;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  bool woken_ RABT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rabt::repair
