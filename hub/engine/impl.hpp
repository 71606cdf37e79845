#pragma once

#include <memory>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/base/mutex.hpp"
#include "hub/engine/engine.hpp"
#include "hub/engine/past.hpp"
#include "hub/engine/recovery.hpp"
#include "hub/engine/worker.hpp"

namespace rabt::engine {

// The rooms of the engine, each given those above it.
struct Engine::Impl {
  Impl(Parts p, Options o)
      : context(p, std::move(o)),
        timers(p.clock),
        definitions(context),
        reader(context, definitions),
        details(p.keys, p.store, p.random),
        wanted(p.store, context.options.tenant),
        starts(context, definitions, partitions, wanted),
        events(context, definitions, starts),
        router(context, events, partitions, timers),
        schedules(context, definitions, starts, router, timers),
        recovery(context, partitions, router, timers),
        http(std::make_unique<HttpCalls>(p.http, p.clock, p.random, context.options.http)) {}

  // Ok while events are taken in (intake.cpp). Errors unavailable engine.stopping,
  // engine.no_partition.
  [[nodiscard]] Status takes_events() const;
  // Changes that the files would make, and what prevents them (draft.cpp).
  struct Draft;
  [[nodiscard]] Draft make_draft(const std::vector<WorkflowFile>& files, bool prune);
  // Writes a draft without errors (deploy.cpp). Inside a job.
  Status store_draft(store::Transaction& transaction, const Draft& draft, std::string_view actor,
                     std::vector<Timers::Entry>& alarms) const;
  // Numbers of instances that have not ended, by the row of their definition (deploy.cpp).
  [[nodiscard]] Result<std::map<std::int64_t, std::int64_t>> running_instances() const;
  // The indexes of this business key (list.cpp), in one workflow or, where that is empty, in all.
  [[nodiscard]] Result<std::vector<std::string>> business_keys(const std::string& key,
                                                               const std::string& workflow) const;
  // An instance as its journal makes it (query.cpp).
  struct Replayed {
    InstanceRow row;
    std::shared_ptr<const Past> past;
    std::vector<std::string> children;
    // Ids of the instance that this one is again, and of the one that it is again now.
    std::string restart_of;
    std::string restarted_as;
  };
  // whole: with what may hold patient data.
  [[nodiscard]] Result<Replayed> replay(std::string_view id, bool whole) const;
  // Hands a request to the worker of the instance and waits for its answer (engine.cpp).
  template <class Request>
  Status ask(std::string_view id, Request request);
  void rang(const Timers::Entry& entry);

  // unheard.cpp
  // Starts the next instances of business keys by what the last ones have not heard.
  void start_unheard();
  // True if it started one.
  Result<bool> start_unheard(const UnheardStart& unheard);
  // True if the instance has settled what the event says: it was cancelled after the event had
  // come, or it has heard an event that happened later.
  [[nodiscard]] Result<bool> settled(const UnheardStart& unheard, const Json& envelope) const;

  // pause.cpp
  // Reads the roles that are paused. Once, before instances run.
  Status load_pauses();
  Status store_pause(std::string_view act, std::string_view role, Json detail, const Asked& asked,
                     const std::function<Result<std::int64_t>(store::Transaction&)>& change,
                     const Error& none);
  // Gives the number of calls that go on.
  Result<std::int64_t> end_pause(const RolePause& pause, const Asked& asked)
      RABT_REQUIRES(pause_mutex);
  // Ends pauses whose time is over.
  void end_due_pauses();

  Context context;
  OwnedPartitions partitions;
  Timers timers;
  Definitions definitions;
  const InstanceReader reader;
  const access::PatientDetail details;
  WantedTypes wanted;
  const Starts starts;
  const Events events;
  Router router;
  Schedules schedules;
  Recovery recovery;
  std::vector<std::unique_ptr<Worker>> workers;

  // Null after stop().
  std::unique_ptr<HttpCalls> http;
  std::atomic<bool> stopping{false};

  // True while instances are replayed on a new file.
  std::atomic<bool> replaying{false};

  // Held while workflows are deployed, and while somebody relies on what is deployed.
  Mutex deploy_mutex;
  // Held while a role is paused or resumed.
  Mutex pause_mutex;

  mutable Pasts pasts;
};

}  // namespace rabt::engine
