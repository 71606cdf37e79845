#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/plugin/config_memory.hpp"
#include "hub/plugin/instance.hpp"
#include "hub/plugin/package/library.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/plugin/process/lane.hpp"
#include "hub/plugin/process/rundown.hpp"
#include "hub/plugin/process/worker_plugin.hpp"
#include "hub/plugin/timers.hpp"

// The one PluginHost. Its parts: host_loading.cpp, host_roles.cpp, host_versions.cpp, and calls in
// plugin_host.cpp.
namespace rabt::plugin {

inline constexpr std::string_view kHubScheme = "hub://";

class Host final : public PluginHost {
 public:
  explicit Host(Parts parts);
  ~Host() override;

  // host_loading.cpp
  Status load(PluginConfig config) override;

  // host_roles.cpp
  void add_service(std::shared_ptr<HubService> service) override;
  Status bind_role(std::string role, std::string_view target) override;
  bool has_feature(std::string_view target, std::string_view feature) const override;
  std::map<std::string, std::string> bindings() const override;
  std::optional<Recipient> recipient(std::string_view role, std::string_view action,
                                     std::string_view version) const override;
  std::vector<std::string> roles() const override;
  std::vector<std::string> actions(std::string_view role) const override;
  std::vector<std::string> versions(std::string_view role, std::string_view action) const override;
  std::vector<std::string> providers(std::string_view action,
                                     std::string_view version) const override;
  std::optional<workflow::ActionInfo> find(std::string_view role, std::string_view action,
                                           std::string_view version) const override;
  std::vector<workflow::EventInfo> events() const override;
  bool takes_patient_data(std::string_view url) const override;

  // plugin_host.cpp
  std::uint64_t invoke(CallRequest call, Ended done) override;
  void cancel(std::uint64_t token) override;
  void probe(CallRequest call, std::function<void(ProbeAnswer)> done) override;
  Result<Json> normalise(std::string_view plugin_id, const Json& delivery,
                         std::string_view body) override;

  // host_versions.cpp
  std::vector<PluginState> plugins() const override;
  std::string metrics() const override;
  void look_after_storage() override;
  bool remove_expired_values() override;
  Status release(std::string_view plugin_id, std::string_view actor) override;
  Result<std::vector<std::string>> retire(const std::vector<Need>& needs,
                                          std::int64_t grace_ms) override;
  void shutdown(std::int64_t grace_ms) override;

 private:
  // A service of the hub with its schemas.
  struct Service {
    std::shared_ptr<HubService> service;
    std::vector<CompiledAction> actions;
  };
  // A version that takes calls.
  struct Serving {
    Instance* instance = nullptr;
    Recipient recipient;
    // Held by whoever has chosen this version for a call and has not given it the call yet.
    std::shared_ptr<char> entering = std::make_shared<char>('\0');
  };
  using Versions = std::vector<Serving>;  // newest first, never empty
  // A version that takes its leave.
  struct Drain {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> over;  // true once the thread takes no lock any more
  };
  // Target of a call: a plugin, of which `instance` is the chosen version, or a service.
  struct Target {
    const Versions* versions = nullptr;  // valid while mutex_ is held
    Instance* instance = nullptr;
    std::shared_ptr<char> entering;
    std::shared_ptr<Service> service;
    std::optional<phi::Channel> channel;  // where the arguments leave to; set by resolve
  };
  // Target and action of a call, by its target, action and version. Valid until an action is bound,
  // loaded or retired.
  struct Route {
    Target target;
    const CompiledAction* action = nullptr;
  };
  // A call of a hub service: answered once, by the service, the deadline or the end of the hub.
  struct ServiceCall {
    std::uint64_t number = 0;
    std::atomic<bool> ended{false};
    Ended done;
    const CompiledAction* action = nullptr;  // belongs to a service in all_services_
    Timers::Key timer;
  };
  using Reach = Instance::Reach;
  // host_loading.cpp
  Status load_checked(PluginConfig config, std::string& version, std::string& digest);
  // Ok if this package may be loaded as it is configured. Error codes: see load.
  Status check_package(const Package& package, const PluginConfig& config) const;
  Status take_in(std::uint64_t number, Instance& instance, Recipient recipient);
  // Hosts and addresses that an instance may reach; they depend on its configuration.
  static Result<Reach> reach_of(const Manifest& manifest, const PluginConfig& config,
                                const Json& taken);
  static Status check_choice(const Package& package, const ConfigChoice& choice,
                             const std::string& folder);
  // Migrates a configuration that was written for an older version, makes the plugin, and remembers
  // the migrated configuration.
  static Status start(Instance& instance, const rabt_entry* entry, ConfigMemory& memory,
                      const ConfigQuestion& question, const Json& section,
                      const ConfigChoice& choice, Reach& reach);
  [[nodiscard]] bool loaded_version(const std::string& id, const std::string& version) const
      RABT_REQUIRES_SHARED(mutex_);
  static Error already(const std::string& id, const std::string& version) {
    return conflict("plugin.loaded", "the plugin " + id + " " + version + " is loaded already");
  }
  // packaged: the manifest as the package has it, with the package's own id.
  Result<std::unique_ptr<WorkerPlugin>> make_worker(SealedLibrary library, const Manifest& packaged,
                                                    const std::string& id,
                                                    const WorkerLimits& wish);
  // Writes an entry to the audit log; durable when this returns.
  Status audit(const audit::Entry& entry, store::Store::Need need);

  // host_roles.cpp
  // Chooses the newest version that answers.
  static bool choose(Target& target, std::string_view name, std::string_view version,
                     const CompiledAction*& action);
  template <typename Take>
  static void each_action(const Target& target, const Take& take) {
    if (target.service != nullptr) {
      for (const CompiledAction& action : target.service->actions) take(action.spec);
    } else if (target.versions != nullptr) {
      for (const Serving& version : *target.versions) {
        for (const CompiledAction& action : version.instance->package().actions) take(action.spec);
      }
    }
  }
  // role: a bound role, or a target itself where a workflow pins one.
  Target target_of(std::string_view role) const RABT_REQUIRES_SHARED(mutex_);
  Target find_target(std::string_view target) const RABT_REQUIRES_SHARED(mutex_);
  // Channel by which the arguments of an action leave to people or other systems. Read when the
  // version is chosen: a version that is retired later sends to the same people.
  std::optional<phi::Channel> channel_of(const Target& target, const CompiledAction& action) const
      RABT_REQUIRES_SHARED(mutex_);
  // Finds the route of a call; gives the outcome of a call that has none.
  std::optional<workflow::ActionOutcome> resolve(const CallRequest& call, Target& target,
                                                 const CompiledAction*& action);
  std::optional<workflow::ActionOutcome> find_route(const CallRequest& call, Route& route) const
      RABT_REQUIRES_SHARED(mutex_);

  // plugin_host.cpp
  std::uint64_t invoke_service(const std::shared_ptr<Service>& service,
                               const CompiledAction& action, const CallRequest& call, Ended done);
  void end_service_call(const std::shared_ptr<ServiceCall>& open, workflow::ActionOutcome outcome);

  // host_versions.cpp
  // The version in quarantine, else the newest one.
  Instance* quarantined(std::string_view id) const RABT_REQUIRES_SHARED(mutex_);
  // Ends a version, beside everything else, when its calls have ended, at the latest after grace.
  void drain(Serving version, std::int64_t grace_ms);
  void end_service_calls(std::chrono::steady_clock::time_point until);

  // Constant after construction.
  Parts parts_;
  std::shared_ptr<Lane> finisher_;
  std::shared_ptr<Rundown> services_rundown_ = std::make_shared<Rundown>();

  mutable SharedMutex mutex_;
  // The program of plugins' processes; null until one is needed.
  std::shared_ptr<const Descriptor> program_ RABT_GUARDED_BY(mutex_);
  std::map<std::string, Versions, std::less<>> instances_ RABT_GUARDED_BY(mutex_);
  std::vector<Instance*> draining_ RABT_GUARDED_BY(mutex_);
  std::vector<Drain> drains_ RABT_GUARDED_BY(mutex_);
  // By the number of the instance; null where it failed to start.
  std::vector<Instance*> by_number_ RABT_GUARDED_BY(mutex_);
  std::uint64_t next_number_ RABT_GUARDED_BY(mutex_) = 0;
  KvUses kv_uses_ RABT_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Service>, std::less<>> services_ RABT_GUARDED_BY(mutex_);
  // Also replaced services: open calls point into them.
  std::vector<std::shared_ptr<Service>> all_services_ RABT_GUARDED_BY(mutex_);
  std::map<std::string, std::string, std::less<>> bindings_ RABT_GUARDED_BY(mutex_);
  std::unordered_map<std::string, Route> routes_ RABT_GUARDED_BY(mutex_);
  bool closed_ RABT_GUARDED_BY(mutex_) = false;

  Mutex service_mutex_;
  Condition service_idle_;
  std::map<std::uint64_t, std::shared_ptr<ServiceCall>> service_calls_
      RABT_GUARDED_BY(service_mutex_);
  std::uint64_t next_service_call_ RABT_GUARDED_BY(service_mutex_) = 0;

  // Last, so that its thread ends before the rest dies.
  Timers timers_;
};

}  // namespace rabt::plugin
