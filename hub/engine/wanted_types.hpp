#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/engine/definitions.hpp"

namespace rabt::engine {

// Event types that a workflow can take: those that a version starts by or waits for, of the
// versions that are active, that have an instance which lives or may be retried, or that one of
// these starts by run.workflow. A version that was active counts as well while somebody holds the
// list of definitions of that time: an instance may still be started of it. Says yes too long,
// where an instance has just ended, and never no too early. Internally synchronised.
class WantedTypes {
 public:
  WantedTypes(store::Store& store, std::string tenant)
      : store_(store), tenant_(std::move(tenant)) {}

  // Takes what is deployed from now on. Before the next look a version that was active goes on.
  void deploy(std::shared_ptr<const std::vector<DeployedDefinition>> deployed);
  // Reads which versions have instances. After an error all goes on as it was.
  Status look();
  // The same, if something has ended since.
  Status look_if_ended();
  // An instance of the version lives when the job is written. Inside the job.
  void lives(store::Transaction& transaction, std::int64_t definition);
  // An instance of the version has ended.
  void ended(std::int64_t definition);

  [[nodiscard]] bool has(std::string_view type) const;

 private:
  struct Types {
    // A version waits for events of every type.
    bool every = false;
    std::set<std::string, std::less<>> named;
  };
  void make_types() RABT_REQUIRES(mutex_);
  // Adds the versions that are active in a list of before. True if there is such a list.
  bool add_active_before(std::set<std::int64_t>& living) RABT_REQUIRES(mutex_);
  void job_over(std::int64_t definition, bool written);

  store::Store& store_;
  const std::string tenant_;

  // Held while the store is read.
  Mutex look_mutex_;
  mutable Mutex mutex_;
  std::shared_ptr<const std::vector<DeployedDefinition>> deployed_ RABT_GUARDED_BY(mutex_) =
      std::make_shared<const std::vector<DeployedDefinition>>();
  // Lists of before, of which an event that is prepared may start an instance.
  std::vector<std::weak_ptr<const std::vector<DeployedDefinition>>> before_ RABT_GUARDED_BY(mutex_);
  // Versions that may have an instance, by their rows.
  std::set<std::int64_t> living_ RABT_GUARDED_BY(mutex_);
  // Number of open jobs that start an instance of the version.
  std::map<std::int64_t, int> starting_ RABT_GUARDED_BY(mutex_);
  // Versions that were started since the last look began, and those that were being started then.
  std::set<std::int64_t> begun_ RABT_GUARDED_BY(mutex_);
  bool ended_ RABT_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const Types> types_ RABT_GUARDED_BY(mutex_) = std::make_shared<const Types>();
};

}  // namespace rabt::engine
