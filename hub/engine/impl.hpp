#pragma once

#include <memory>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/base/mutex.hpp"
#include "hub/engine/engine.hpp"
#include "hub/engine/recovery.hpp"
#include "hub/engine/timeline.hpp"
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
        starts(context, definitions, partitions),
        events(context, definitions, starts),
        router(context, events, partitions, timers),
        schedules(context, definitions, starts, router, timers),
        recovery(context, partitions, router, timers),
        http(std::make_unique<HttpCalls>(p.http, p.clock, p.random, context.options.http)) {}

  // What the files would change, and what is in their way (draft.cpp).
  struct Draft;
  [[nodiscard]] Draft make_draft(const std::vector<WorkflowFile>& files, bool prune);
  // Writes a draft without errors (deploy.cpp). Inside a job.
  Status store_draft(store::Transaction& transaction, const Draft& draft, std::string_view actor,
                     std::vector<Timers::Entry>& alarms) const;
  // How many instances of each definition have not ended, by its row (deploy.cpp).
  [[nodiscard]] Result<std::map<std::int64_t, std::int64_t>> running_instances() const;
  // The indexes of this business key (list.cpp), in one workflow or, where that is empty, in all.
  [[nodiscard]] Result<std::vector<std::string>> business_keys(const std::string& key,
                                                               const std::string& workflow) const;
  // The one deployed definition of this name (deploy.cpp); an empty version means the active one.
  // Error engine.workflow.
  [[nodiscard]] Result<DeployedDefinition> deployed(std::string_view name_space,
                                                    std::string_view name,
                                                    std::string_view version) const;
  // An instance as its journal makes it (query.cpp). whole: with what may hold patient data.
  struct Replayed {
    InstanceRow row;
    std::shared_ptr<const workflow::Definition> definition;
    Json secrets;
    std::unique_ptr<Timeline> timeline;
    std::string parent;
    std::vector<std::string> children;
    std::size_t turns = 0;
    Json context;
    workflow::Finished end;
  };
  [[nodiscard]] Result<Replayed> replay(std::string_view id, bool whole) const;
  // Hands a request to the worker of the instance and waits for its answer (engine.cpp).
  template <class Request>
  Status ask(std::string_view id, Request request);
  void rang(const Timers::Entry& entry);

  Context context;
  OwnedPartitions partitions;
  Timers timers;
  Definitions definitions;
  const InstanceReader reader;
  const access::PatientDetail details;
  const Starts starts;
  const Events events;
  Router router;
  Schedules schedules;
  Recovery recovery;
  std::vector<std::unique_ptr<Worker>> workers;

  // Null after stop().
  std::unique_ptr<HttpCalls> http;
  std::atomic<bool> stopping{false};

  // Held while workflows are deployed, and while somebody relies on what is deployed.
  Mutex deploy_mutex;
};

}  // namespace rabt::engine
