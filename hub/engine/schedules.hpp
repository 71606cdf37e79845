#pragma once

#include <memory>
#include <vector>

#include "hub/engine/router.hpp"
#include "hub/engine/starts.hpp"

// Workflows that the clock starts. Each due time starts one instance: its row moves on in the
// transaction that stores the instance, and only from the due time that rang.
namespace rabt::engine {

// The part of a turn that concerns the schedule of its workflow.
struct ScheduledEnd {
  std::int64_t num = 0;
  Timestamp at;
};

// Internally synchronised.
class Schedules {
 public:
  Schedules(Context& context, const Definitions& definitions, const Starts& starts, Router& router,
            Timers& timers)
      : context_(context),
        definitions_(definitions),
        starts_(starts),
        router_(router),
        timers_(timers) {}

  // Brings the schedule of a workflow to the definition that became active. Inside a job. Error
  // store.raced.
  Status store(store::Transaction& transaction, const workflow::Definition& definition,
               std::int64_t id, std::vector<Timers::Entry>& timers) const;
  // `schedule.after` counts from the end of an instance that the clock started. Inside a job.
  static Status instance_ended(store::Transaction& transaction, const Definitions& definitions,
                               const ScheduledEnd& ended, AfterCommit& after);
  // Starts what is due at this time, unless that has happened.
  void due(const Timers::Entry& entry);
  void stop() { stopping_ = true; }

 private:
  struct Due;
  Status start(store::Transaction& transaction, const Due& due, AfterCommit& after) const;

  Context& context_;
  const Definitions& definitions_;
  const Starts& starts_;
  Router& router_;
  Timers& timers_;
  std::atomic<bool> stopping_{false};
};

}  // namespace rabt::engine
