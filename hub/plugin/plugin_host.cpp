#include "hub/plugin/plugin_host.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "hub/base/json_pointer.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/suggest.hpp"
#include "hub/net/url.hpp"
#include "hub/plugin/config_memory.hpp"
#include "hub/plugin/instance.hpp"
#include "hub/plugin/package/capability.hpp"
#include "hub/plugin/package/library.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/process/lane.hpp"
#include "hub/plugin/process/worker_plugin.hpp"
#include "hub/plugin/timers.hpp"
#include "hub/worker/spawn.hpp"

namespace rabt::plugin {

namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

constexpr std::string_view kPluginScheme = "plugin://";
constexpr std::string_view kHubScheme = "hub://";
constexpr std::string_view kNotifyRole = "notify";  // SMS, e-mail, push
constexpr std::size_t kMaxPlugins = 1000;
constexpr std::chrono::milliseconds kDrainLook{10};  // how often a version is looked at that drains
constexpr std::int64_t kDrainRestMs =
    1000;  // for callbacks that it is owed when its calls have ended
constexpr std::int64_t kFinisherWaitMs = 10'000;  // for the end of a blob that is being committed

// Instances outlive the host: code of a plugin that was abandoned may still hold their addresses.
Instance& keep_for_ever(std::unique_ptr<Instance> instance) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::unique_ptr<Instance>>();  // no destructor at exit
  const std::scoped_lock lock(mutex);
  kept->push_back(std::move(instance));
  return *kept->back();
}

ActionOutcome failed(OutcomeKind kind, std::string code, std::string message) {
  ActionOutcome outcome;
  outcome.kind = kind;
  outcome.code = std::move(code);
  outcome.message = std::move(message);
  return outcome;
}

// "${config:/pointer}" becomes the origin of the URL that the configuration has there; an absent
// value allows nothing.
Result<std::vector<std::string>> resolve_hosts(const std::vector<std::string>& entries,
                                               const Json& config) {
  constexpr std::string_view kOpen = "${config:";
  std::vector<std::string> out;
  for (const std::string& entry : entries) {
    if (!entry.starts_with(kOpen)) {
      out.push_back(entry);
      continue;
    }
    if (!entry.ends_with("}"))
      return invalid("plugin.config", "the host entry \"" + entry + "\" does not end with }");
    const std::string pointer = entry.substr(kOpen.size(), entry.size() - kOpen.size() - 1);
    if (!pointer.starts_with('/'))
      return invalid("plugin.config", "the host entry \"" + entry + "\" names no JSON pointer");
    const Json* value = at_pointer(config, pointer);
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_string())
      return invalid("plugin.config",
                     "config " + pointer + " must be a URL: it is an allow-list entry");
    const std::string& text = value->as_string();
    const auto url =
        net::parse_url(text.substr(0, std::min(text.find_first_of("?#"), text.size())));
    if (!url.ok())
      return invalid("plugin.config", "config " + pointer + " is no URL: " + url.error().message);
    out.push_back(url->scheme + "://" + url->host_port());
  }
  return out;
}

// A service of the hub with its schemas.
struct Service {
  std::shared_ptr<HubService> service;
  std::vector<CompiledAction> actions;
};

class Host final : public PluginHost {
 public:
  explicit Host(Parts parts)
      : parts_(std::move(parts)), finisher_(std::make_shared<Lane>(1)), timers_(parts.clock) {}
  ~Host() override { shutdown(0); }

  Status load(PluginConfig config) override {
    const std::string id = config.id;
    const std::string tenant = config.tenant;
    const std::string key_id = config.key_id;
    const std::string sums = config.sums_sha256;
    std::string digest;
    std::string version;
    Status loaded = load_checked(std::move(config), version, digest);
    audit::Entry entry;
    entry.tenant = tenant;
    entry.actor = "hub";
    entry.act = "plugin.loaded";
    entry.object = "plugin:" + id;
    entry.result = loaded.ok() ? "ok" : loaded.error().code;
    if (loaded.ok())
      entry.detail = Json::object({{"version", version},
                                   {"library_sha256", digest},
                                   {"sums_sha256", sums},
                                   {"key", key_id.empty() ? "unsigned" : key_id}});
    const audit::Prepared prepared = parts_.audit.prepare(entry);
    const Status written = parts_.store.write(
        [&](store::Transaction& transaction) { return parts_.audit.append(transaction, prepared); },
        store::Store::Need::required);
    if (!loaded.ok()) {
      parts_.log.error("plugin.not_loaded", {{"plugin", std::string_view(id)},
                                             {"code", std::string_view(loaded.error().code)}});
      return loaded;
    }
    RABT_TRY_STATUS(written);
    parts_.log.info("plugin.loaded", {{"plugin", std::string_view(id)},
                                      {"version", std::string_view(version)},
                                      {"sha256", std::string_view(digest)}});
    return ok_status();
  }

  void add_service(std::shared_ptr<HubService> service) override {
    auto entry = std::make_shared<Service>();
    entry->service = std::move(service);
    for (ActionSpec& spec : entry->service->actions()) {
      CompiledAction action;
      // A service of the hub is our own code: a schema that does not compile is our defect.
      auto input = spec.input_schema.is_null() ? Result<Schema>(Schema{})
                                               : Schema::compile(spec.input_schema);
      auto output = spec.output_schema.is_null() ? Result<Schema>(Schema{})
                                                 : Schema::compile(spec.output_schema);
      RABT_CHECK(input.ok() && output.ok());
      action.input = std::move(input).value();
      action.output = std::move(output).value();
      action.spec = std::move(spec);
      entry->actions.push_back(std::move(action));
    }
    const std::scoped_lock lock(mutex_);
    all_services_.push_back(entry);
    services_[entry->service->name()] = std::move(entry);
  }

  Status bind_role(std::string role, std::string_view target) override {
    const std::scoped_lock lock(mutex_);
    const Target found = find_target(target);
    if (found.versions == nullptr && found.service == nullptr) {
      std::vector<std::string> known;
      for (const auto& [id, instance] : instances_)
        known.push_back(std::string(kPluginScheme) + id);
      for (const auto& [name, service] : services_) known.push_back(std::string(kHubScheme) + name);
      const std::string near = did_you_mean(target, known);
      return not_found("plugin.unknown_target",
                       "role " + role + " cannot be bound to \"" + std::string(target) + "\"; " +
                           (near.empty() ? near : near + ' ') +
                           "there are: " + (known.empty() ? "none" : listed(known)));
    }
    bindings_[std::move(role)] = std::string(target);
    return ok_status();
  }

  std::uint64_t invoke(CallRequest call, Ended done) override {
    Target target;  // holds its version back from being drained until the call is in its hands
    const CompiledAction* action = nullptr;
    if (auto refusal = resolve(call, target, action)) {
      done(*std::move(refusal));
      return 0;
    }
    if (target.instance != nullptr) {
      if (target.channel) {
        auto passed = parts_.privacy.document(*target.channel, call.arguments, action->marked);
        if (!passed.ok()) {
          done(failed(OutcomeKind::permanent, passed.error().code, passed.error().message));
          return 0;
        }
        call.arguments = std::move(passed).value();
      }
      return target.instance->call(Instance::Purpose::invoke, *action, std::move(call),
                                   std::move(done));
    }
    return invoke_service(target.service, *action, call, std::move(done));
  }

  void cancel(std::uint64_t token) override {
    Instance* instance = nullptr;
    {
      const std::shared_lock lock(mutex_);
      const std::uint64_t number = token >> Instance::kTokenShift;
      if (number == 0 || number > by_number_.size()) return;
      instance = by_number_[number - 1];
    }
    if (instance != nullptr) instance->cancel(token);
  }

  void probe(CallRequest call, std::function<void(ProbeAnswer)> done) override {
    Target target;
    const CompiledAction* action = nullptr;
    if (resolve(call, target, action) || target.instance == nullptr ||
        !target.instance->can_probe()) {
      done(ProbeAnswer{});
      return;
    }
    target.instance->call(
        Instance::Purpose::probe, *action, std::move(call),
        [action, done = std::move(done)](const ActionOutcome& outcome) {
          ProbeAnswer answer;
          if (outcome.kind == OutcomeKind::done && outcome.output.is_object()) {
            const std::string effect = outcome.output.string_or("effect", "");
            if (effect == "no") answer.effect = ProbeAnswer::Effect::no;
            // An effect whose output cannot be shown does not end the call as done.
            if (effect == "yes" && !action->output.check(outcome.output["output"])) {
              answer.effect = ProbeAnswer::Effect::yes;
              answer.output = outcome.output["output"];
            }
          }
          done(std::move(answer));
        });
  }

  Result<Json> normalise(std::string_view plugin_id, const Json& delivery,
                         std::string_view body) override {
    Instance* instance = nullptr;
    std::shared_ptr<char> entering;  // holds it back from being drained until it has the delivery
    {
      const std::shared_lock lock(mutex_);
      const auto found = instances_.find(plugin_id);
      if (found != instances_.end()) {
        instance = found->second.front().instance;
        entering = found->second.front().entering;
      }
    }
    if (instance == nullptr) {
      return not_found("plugin.unknown", "there is no plugin " +
                                             std::string(plugin_id.substr(0, 64)) +
                                             "; load it in the configuration");
    }
    return instance->normalise(delivery, body);
  }

  std::vector<PluginState> plugins() const override {
    const std::shared_lock lock(mutex_);
    std::vector<PluginState> out;
    for (const auto& [id, versions] : instances_) {
      for (const Serving& one : versions) {
        out.push_back(one.instance->state());
        out.back().newest = &one == &versions.front();
      }
    }
    for (Instance* const instance : draining_) {
      out.push_back(instance->state());
      out.back().newest = false;
      out.back().draining = true;
    }
    return out;
  }
  std::string metrics() const override {
    std::string out;
    const std::shared_lock lock(mutex_);
    // Of the newest version: a family may stand there once.
    for (const auto& [id, versions] : instances_) versions.front().instance->metrics(out);
    return out;
  }
  Status release(std::string_view plugin_id, std::string_view actor) override {
    Instance* instance = nullptr;
    {
      const std::shared_lock lock(mutex_);
      instance = quarantined(plugin_id);
    }
    if (instance == nullptr) {
      return not_found("plugin.unknown",
                       "there is no plugin " + std::string(plugin_id.substr(0, 64)));
    }
    const auto state = instance->state();
    if (!state.worker || state.worker->phase != "quarantined") {
      return conflict("plugin.not_quarantined",
                      "the plugin " + std::string(plugin_id) + " is not in quarantine");
    }
    audit::Entry entry;
    entry.tenant = instance->tenant();
    entry.actor = actor;
    entry.act = "plugin.released";
    entry.object = "plugin:" + std::string(plugin_id);
    entry.result = "ok";
    const audit::Prepared prepared = parts_.audit.prepare(entry);
    RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) {
      return parts_.audit.append(transaction, prepared);
    }));
    static_cast<void>(
        instance->release());  // when it ended by itself meanwhile, so much the better
    return ok_status();
  }

  std::map<std::string, std::string> bindings() const override {
    const std::shared_lock lock(mutex_);
    return {bindings_.begin(), bindings_.end()};
  }

  std::optional<Recipient> recipient(std::string_view role, std::string_view action,
                                     std::string_view version) const override {
    const std::shared_lock lock(mutex_);
    Target target = target_of(role);
    if (target.versions == nullptr) return std::nullopt;
    const CompiledAction* found = nullptr;
    // Before a call that nothing serves is refused, the newest stands for all.
    if (!choose(target, action, version, found))
      target.instance = target.versions->front().instance;
    for (const Serving& one : *target.versions) {
      if (one.instance == target.instance) return one.recipient;
    }
    return std::nullopt;
  }

  Result<std::vector<std::string>> retire(const std::vector<Need>& needs,
                                          std::int64_t grace_ms) override {
    std::vector<Serving> gone;
    {
      const std::scoped_lock lock(mutex_);
      if (closed_) return unavailable("plugin.shutdown", "the hub is stopping");
      std::set<const Instance*> needed;
      for (const Need& need : needs) {
        Target target = target_of(need.target);
        const CompiledAction* action = nullptr;
        if (choose(target, need.action, need.version, action) && target.instance != nullptr)
          needed.insert(target.instance);
      }
      for (auto& [id, versions] : instances_) {
        for (std::size_t i = versions.size(); i-- > 1;) {  // the newest stays
          if (needed.contains(versions[i].instance)) continue;
          gone.push_back(std::move(versions[i]));
          versions.erase(versions.begin() + static_cast<std::ptrdiff_t>(i));
          draining_.push_back(gone.back().instance);
        }
      }
    }
    std::vector<std::string> names;
    for (Serving& one : gone) {
      const Manifest& manifest = one.instance->package().manifest;
      names.push_back(manifest.id + " " + manifest.version);
      audit::Entry entry;
      entry.tenant = one.instance->tenant();
      entry.actor = "hub";
      entry.act = "plugin.retired";
      entry.object = "plugin:" + manifest.id;
      entry.result = "ok";
      entry.detail = Json::object({{"version", manifest.version}});
      const audit::Prepared prepared = parts_.audit.prepare(entry);
      const Status written = parts_.store.write(
          [&](store::Transaction& transaction) {
            return parts_.audit.append(transaction, prepared);
          },
          store::Store::Need::required);
      if (!written.ok())
        parts_.log.error("plugin.retired_unaudited", {{"code", written.error().code}});
      parts_.log.info("plugin.draining", {{"plugin", std::string_view(manifest.id)},
                                          {"version", std::string_view(manifest.version)}});
      drain(std::move(one), grace_ms);
    }
    return names;
  }

  void shutdown(std::int64_t grace_ms) override {
    std::vector<Instance*> instances;
    std::vector<Drain> drains;
    {
      const std::scoped_lock lock(mutex_);
      if (std::exchange(closed_, true)) return;
      instances = by_number_;
      drains = std::move(drains_);
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace_ms);
    for (Instance* instance : instances) {
      if (instance == nullptr) continue;
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                            until - std::chrono::steady_clock::now())
                            .count();
      instance->shutdown(std::max<std::int64_t>(left, 0));
    }
    for (Drain& drain : drains) drain.thread.join();
    finisher_->stop({}, kFinisherWaitMs);
    std::map<std::uint64_t, std::shared_ptr<ServiceCall>> rest;
    {
      std::unique_lock lock(service_mutex_);
      const auto left = until - std::chrono::steady_clock::now();
      service_idle_.wait_for(lock, std::max(left, std::chrono::steady_clock::duration::zero()),
                             [this] { return service_calls_.empty(); });
      rest = service_calls_;
    }
    for (const auto& [number, open] : rest) {
      end_service_call(open, failed(OutcomeKind::ambiguous, "plugin.shutdown",
                                    "the hub stopped before the service answered"));
    }
    services_rundown_->close();
  }

  // workflow::ActionCatalog
  std::vector<std::string> roles() const override {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [role, target] : bindings_) out.push_back(role);
    return out;
  }
  std::vector<std::string> actions(std::string_view role) const override {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> out;
    const auto add = [&out](const std::string& name) {
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    };
    each_action(target_of(role), [&](const ActionSpec& action) {
      add(action.name);
      if (const Capability* const shared = find_capability(action.capability)) add(shared->name);
    });
    return out;
  }
  std::vector<std::string> versions(std::string_view role, std::string_view action) const override {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> out;
    each_action(target_of(role), [&](const ActionSpec& one) {
      const Capability* const shared = find_capability(one.capability);
      std::string version = one.name == action ? one.version
                            : shared != nullptr && shared->name == action
                                ? std::to_string(shared->revision) + ".0.0"
                                : std::string();
      if (!version.empty() && std::find(out.begin(), out.end(), version) == out.end())
        out.push_back(std::move(version));
    });
    std::sort(out.begin(), out.end(),
              [](const std::string& a, const std::string& b) { return compare_semver(a, b) < 0; });
    return out;
  }
  std::vector<std::string> providers(std::string_view action,
                                     std::string_view version) const override {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> out;
    const auto ask = [&](std::string target) {
      Target found = find_target(target);
      const CompiledAction* serving = nullptr;
      if (choose(found, action, version, serving)) out.push_back(std::move(target));
    };
    for (const auto& [id, instance] : instances_) ask(std::string(kPluginScheme) + id);
    for (const auto& [name, service] : services_) ask(std::string(kHubScheme) + name);
    return out;
  }
  std::optional<workflow::ActionInfo> find(std::string_view role, std::string_view action,
                                           std::string_view version) const override {
    const std::shared_lock lock(mutex_);
    Target target = target_of(role);
    const CompiledAction* found = nullptr;
    if (!choose(target, action, version, found)) return std::nullopt;
    return action_info(found->spec, action);
  }
  std::vector<workflow::EventInfo> events() const override {
    const std::shared_lock lock(mutex_);
    std::vector<workflow::EventInfo> out;
    for (const auto& [id, versions] : instances_) {
      const auto& own = versions.front().instance->package().manifest.events;
      out.insert(out.end(), own.begin(), own.end());
    }
    return out;
  }
  bool takes_patient_data(std::string_view url) const override {
    return parts_.patient_hosts != nullptr && parts_.patient_hosts->check(url).ok();
  }

 private:
  // A version that takes calls.
  struct Serving {
    Instance* instance = nullptr;
    Recipient recipient;
    // Held by whoever has chosen it for a call and has not given it the call yet.
    std::shared_ptr<char> entering = std::make_shared<char>('\0');
  };
  using Versions = std::vector<Serving>;  // newest first, never empty
  // A version that takes its leave.
  struct Drain {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> over;  // the thread takes no lock any more
  };
  // Where a call goes: a plugin, of which `instance` is the version that was chosen, or a service.
  struct Target {
    const Versions* versions = nullptr;  // while the lock is held
    Instance* instance = nullptr;
    std::shared_ptr<char> entering;
    std::shared_ptr<Service> service;
    std::optional<phi::Channel> channel;  // of resolve: where the arguments leave to
  };

  // The version in quarantine, else the newest one. The lock is held.
  Instance* quarantined(std::string_view id) const {
    const auto found = instances_.find(id);
    if (found == instances_.end()) return nullptr;
    for (const Serving& one : found->second) {
      const auto state = one.instance->state();
      if (state.worker && state.worker->phase == "quarantined") return one.instance;
    }
    return found->second.front().instance;
  }
  // The newest version that answers. The lock is held.
  static bool choose(Target& target, std::string_view name, std::string_view version,
                     const CompiledAction*& action) {
    if (target.service != nullptr) {
      action = serving_action(target.service->actions, name, version);
      return action != nullptr;
    }
    if (target.versions == nullptr) return false;
    for (const Serving& one : *target.versions) {
      action = serving_action(one.instance->package().actions, name, version);
      if (action == nullptr) continue;
      target.instance = one.instance;
      target.entering = one.entering;
      return true;
    }
    return false;
  }
  // The lock is held.
  template <typename Take>
  static void each_action(const Target& target, const Take& take) {
    if (target.service != nullptr) {
      for (const CompiledAction& action : target.service->actions) take(action.spec);
    } else if (target.versions != nullptr) {
      for (const Serving& one : *target.versions) {
        for (const CompiledAction& action : one.instance->package().actions) take(action.spec);
      }
    }
  }
  // Beside everything else: ends the version when its calls have ended, at the latest after grace.
  void drain(Serving version, std::int64_t grace_ms) {
    const std::scoped_lock lock(mutex_);
    if (closed_) return;  // shutdown ends it
    std::erase_if(drains_, [](Drain& one) {
      if (!one.over->load()) return false;
      one.thread.join();
      return true;
    });
    auto over = std::make_shared<std::atomic<bool>>(false);
    std::thread thread([this, grace_ms, over, instance = version.instance,
                        entering = std::move(version.entering)] {
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace_ms);
      const auto busy = [&] { return entering.use_count() > 1 || instance->state().open != 0; };
      while (busy() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(kDrainLook);
        const std::shared_lock inside(mutex_);
        if (closed_) return;  // shutdown ends it
      }
      instance->shutdown(kDrainRestMs);
      const Manifest& manifest = instance->package().manifest;
      parts_.log.info("plugin.retired", {{"plugin", std::string_view(manifest.id)},
                                         {"version", std::string_view(manifest.version)}});
      {
        const std::scoped_lock inside(mutex_);
        draining_.erase(std::remove(draining_.begin(), draining_.end(), instance), draining_.end());
      }
      over->store(true);
    });
    drains_.push_back({std::move(thread), std::move(over)});
  }

  Status load_checked(PluginConfig config, std::string& version, std::string& digest) {
    if (config.files == nullptr) {
      RABT_TRY(read, PackageFiles::read(config.folder));
      config.files = std::make_shared<const PackageFiles>(std::move(read));
    }
    RABT_TRY(package, read_package(*config.files));
    const Manifest& manifest = package.manifest;
    version = manifest.version;
    RABT_TRY_STATUS(check_manifest_abi(manifest));
    if (manifest.id != config.id) {
      return invalid("plugin.id_mismatch", "the configuration loads \"" + config.id + "\" from " +
                                               config.folder + ", whose manifest says " +
                                               manifest.id + "; correct the folder or the id");
    }
    const bool in_process = config.isolation == Isolation::in_process;
    if (in_process && !package.inline_allowed) {
      return invalid("plugin.isolation",
                     manifest.id +
                         " asks for isolation: process; take isolation: inline out of its section "
                         "of the configuration");
    }
    {
      const std::shared_lock lock(mutex_);
      if (closed_) return unavailable("plugin.shutdown", "the hub is stopping");
      if (loaded_version(config.id, manifest.version)) return already(config.id, manifest.version);
      if (by_number_.size() >= kMaxPlugins) return invalid("plugin.config", "too many plugins");
    }
    if (config.config.is_null()) config.config = Json::object();
    const Json section = config.config;
    const auto* const built = config.files->find(library_path());
    const ConfigQuestion question{config.tenant, manifest.id, manifest.version,
                                  built == nullptr ? std::string() : built->sha256,
                                  config.config_version};
    ConfigMemory memory(parts_.store, parts_.keys, parts_.audit, parts_.random);
    RABT_TRY(choice, memory.choose(question, section, package.config));
    const bool foreign = !choice.from_version.empty();  // the plugin is asked first
    if (!foreign) RABT_TRY_STATUS(check_config(package, choice, config.folder));
    std::vector<std::string> missing;
    for (const SecretSpec& secret : package.secrets) {
      const auto found = config.secrets.find(secret.name);
      const bool present =
          found != config.secrets.end() && found->second != nullptr && !found->second->empty();
      if (secret.required && !present) missing.push_back(secret.name);
    }
    if (!missing.empty()) {
      return invalid("plugin.missing_secret",
                     manifest.id + " needs the secrets: " + listed(missing) +
                         "; give them in its section of the configuration");
    }
    Reach reach;
    if (!foreign) {
      RABT_TRY(known, reach_of(manifest, config, choice.config));
      reach = std::move(known);
    }
    RABT_TRY(library, seal_library(*config.files));
    digest = library.sha256;
    config.files.reset();  // all of it was read
    package.words.merge(std::move(library.words));
    const rabt_entry* entry = nullptr;
    std::unique_ptr<WorkerPlugin> worker;
    if (in_process) {
      RABT_TRY(mapped, map_library(std::move(library)));
      RABT_TRY_STATUS(check_entry(mapped, manifest));
      entry = mapped;
    } else {
      RABT_TRY(made, make_worker(std::move(library), manifest, config.limits));
      worker = std::move(made);
    }

    std::uint64_t number = 0;
    std::shared_ptr<KvUse> kv_use;
    {
      const std::scoped_lock lock(mutex_);
      number = ++next_number_;
      auto& of_all = kv_uses_[{config.tenant, config.id}];
      if (of_all == nullptr) of_all = std::make_shared<KvUse>();
      kv_use = of_all;
    }
    const std::string id = config.id;
    Instance& instance = keep_for_ever(std::make_unique<Instance>(
        Instance::Setup{parts_, finisher_, timers_, std::move(package), std::move(config), number,
                        std::move(kv_use), std::move(worker)}));
    Status started = start(instance, entry, memory, question, section, choice, reach);
    if (started.ok())
      started = take_in(number, instance, Recipient{id, version, std::move(reach.hosts)});
    // Nobody calls it: its process, its threads and its rundown are closed at once.
    if (!started.ok()) instance.shutdown(0);
    return started;
  }
  // From here on it serves.
  Status take_in(std::uint64_t number, Instance& instance, Recipient recipient) {
    const std::string& id = recipient.plugin;
    const std::scoped_lock lock(mutex_);
    if (closed_) return unavailable("plugin.shutdown", "the hub is stopping");
    if (loaded_version(id, recipient.version)) return already(id, recipient.version);
    by_number_.resize(std::max<std::size_t>(by_number_.size(), number), nullptr);
    by_number_[number - 1] = &instance;
    Versions& versions = instances_[id];
    const auto place = std::find_if(versions.begin(), versions.end(), [&](const Serving& one) {
      return compare_semver(one.recipient.version, recipient.version) < 0;
    });
    versions.insert(place, Serving{&instance, std::move(recipient)});
    return ok_status();
  }
  // What an instance may reach depends on its configuration.
  using Reach = Instance::Reach;
  static Result<Reach> reach_of(const Manifest& manifest, const PluginConfig& config,
                                const Json& taken) {
    Reach out;
    RABT_TRY(hosts, resolve_hosts(manifest.hosts, taken));
    RABT_TRY(extra, resolve_hosts(config.extra_hosts, taken));
    hosts.insert(hosts.end(), extra.begin(), extra.end());
    auto allow = net::AllowList::make(hosts, config.allow_private_addresses);
    if (!allow.ok())
      return invalid("plugin.config",
                     manifest.id + ": the host allow-list: " + allow.error().message);
    out.allow = std::make_shared<const net::AllowList>(std::move(allow).value());
    const auto& wish = config.patient_hosts ? config.patient_hosts : manifest.patient_hosts;
    if (wish) {
      RABT_TRY(patient, resolve_hosts(*wish, taken));
      for (const std::string& host : patient) {
        if (std::find(hosts.begin(), hosts.end(), host) == hosts.end())
          return invalid("plugin.config",
                         manifest.id + ": patient_data names " + host +
                             ", which is no host that it may reach: " + listed(hosts));
      }
      auto some = net::AllowList::make(patient, config.allow_private_addresses);
      if (!some.ok())
        return invalid("plugin.config", manifest.id + ": patient_data: " + some.error().message);
      out.patient = std::make_shared<const net::AllowList>(std::move(some).value());
    }
    out.hosts = std::move(hosts);
    return out;
  }
  static Status check_config(const Package& package, const ConfigChoice& choice,
                             const std::string& folder) {
    const auto fault = package.config.check(choice.config);
    if (!fault) return ok_status();
    return invalid("plugin.config",
                   "the configuration of " + package.manifest.id +
                       " does not fit its schema: config" + fault->instance_path + " " +
                       fault->message + " (" + folder + "/manifest.yaml, config" +
                       fault->schema_path + ")" +
                       (choice.from_version.empty()
                            ? std::string()
                            : "; it was written for " + choice.from_version + ", and " +
                                  package.manifest.version + " does not offer rabt.migrate/1"));
  }
  // Migrates the configuration when it is that of an older version, makes the plugin, remembers.
  static Status start(Instance& instance, const rabt_entry* entry, ConfigMemory& memory,
                      const ConfigQuestion& question, const Json& section,
                      const ConfigChoice& choice, Reach& reach) {
    RABT_TRY_STATUS(instance.open());
    Json taken = choice.config;
    bool migrated = false;
    if (!choice.from_version.empty()) {
      RABT_TRY(made, instance.migrate(entry, choice.from_version, choice.config));
      migrated = made.has_value();
      if (migrated) {
        taken = *std::move(made);
      } else {
        RABT_TRY_STATUS(check_config(instance.package(), choice, instance.config().folder));
      }
      RABT_TRY(known, reach_of(instance.package().manifest, instance.config(), taken));
      reach = std::move(known);
    }
    RABT_TRY_STATUS(instance.start(entry, taken, reach));
    if (choice.remembered) return ok_status();
    return memory.remember(question, section, choice, taken, migrated);
  }
  // The lock is held.
  [[nodiscard]] bool loaded_version(const std::string& id, const std::string& version) const {
    const auto found = instances_.find(id);
    return found != instances_.end() &&
           std::any_of(found->second.begin(), found->second.end(),
                       [&](const Serving& one) { return one.recipient.version == version; });
  }
  static Error already(const std::string& id, const std::string& version) {
    return conflict("plugin.loaded", "the plugin " + id + " " + version + " is loaded already");
  }

  Result<std::unique_ptr<WorkerPlugin>> make_worker(SealedLibrary library, const Manifest& manifest,
                                                    const WorkerLimits& wish) {
    {
      const std::scoped_lock lock(mutex_);
      if (program_ == nullptr) {
        auto program = worker::open_program(parts_.worker_program);
        if (!program.ok()) return invalid("plugin.worker", program.error().message);
        program_ = std::make_shared<const Descriptor>(std::move(*program));
      }
    }
    WorkerPlugin::Setup setup;
    setup.name = manifest.id + " " + manifest.version;
    setup.program = program_;
    setup.library = std::move(library.file);
    setup.library_path = library.path;
    if (wish.memory != 0) setup.limits.memory = wish.memory;
    if (wish.threads != 0) setup.limits.threads = wish.threads;
    setup.sandbox_required = parts_.sandbox_required;
    setup.lanes = manifest.concurrency;
    setup.check = [manifest, path = library.path](const rabt_entry* entry) {
      return entry == nullptr ? Status(no_entry(path)) : check_entry(entry, manifest);
    };
    return std::make_unique<WorkerPlugin>(std::move(setup), parts_.clock);
  }

  // The lock is held. role: a bound role, or a target itself where a workflow pins one.
  Target target_of(std::string_view role) const {
    const auto bound = bindings_.find(role);
    return find_target(bound == bindings_.end() ? role : std::string_view(bound->second));
  }
  Target find_target(std::string_view target) const {
    Target out;
    if (target.starts_with(kPluginScheme)) {
      const auto found = instances_.find(target.substr(kPluginScheme.size()));
      if (found != instances_.end()) out.versions = &found->second;
    } else if (target.starts_with(kHubScheme)) {
      const auto found = services_.find(target.substr(kHubScheme.size()));
      if (found != services_.end()) out.service = found->second;
    }
    return out;
  }
  // Where the arguments of an action leave to, when that is to people or other systems. The lock is
  // held, as when the version was chosen: one that is retired later sends to the same people.
  std::optional<phi::Channel> channel_of(const Target& target, const CompiledAction& action) const {
    if (action.spec.channel) return action.spec.channel;
    // Also when a workflow names the plugin and not the role.
    if (target.versions == nullptr || !bindings_.contains(kNotifyRole)) return std::nullopt;
    return target_of(kNotifyRole).versions == target.versions ? std::optional(phi::Channel::notify)
                                                              : std::nullopt;
  }

  std::optional<ActionOutcome> resolve(const CallRequest& call, Target& target,
                                       const CompiledAction*& action) const {
    const std::shared_lock lock(mutex_);
    target = target_of(call.target.empty() ? call.role : call.target);
    if (target.versions == nullptr && target.service == nullptr) {
      return failed(
          OutcomeKind::transient, "plugin.unknown_role",
          call.target.empty() || call.target == call.role
              ? "the role " + call.role + " is bound to nothing; bind it in the configuration"
              : "the role " + call.role + " means " + call.target +
                    " here, which is not loaded; put it back into the configuration");
    }
    const bool chosen = choose(target, call.action, call.version, action);
    if (chosen) target.channel = channel_of(target, *action);
    target.versions = nullptr;  // the lock goes
    if (!chosen) {
      return failed(OutcomeKind::permanent, "plugin.unknown_action",
                    "the role " + call.role + " offers no action " + call.action +
                        " in a version that serves " + call.version);
    }
    return std::nullopt;
  }

  // A call of a hub service: answered once, by the service, the deadline or the end of the hub.
  struct ServiceCall {
    std::uint64_t number = 0;
    std::atomic<bool> ended{false};
    Ended done;
    const CompiledAction* action = nullptr;  // of a service in all_services_
    Timers::Key timer;
  };

  std::uint64_t invoke_service(const std::shared_ptr<Service>& service,
                               const CompiledAction& action, const CallRequest& call, Ended done) {
    if (const auto fault = action.input.check(call.arguments)) {
      done(failed(OutcomeKind::permanent, "plugin.arguments",
                  "the arguments do not fit the input schema of " + action.spec.name + ": " +
                      (fault->instance_path.empty() ? "the value" : fault->instance_path) + " " +
                      fault->message));
      return 0;
    }
    const Rundown::Pass pass(*services_rundown_);
    if (!pass) {
      done(failed(OutcomeKind::transient, "plugin.shutdown", "the hub is stopping"));
      return 0;
    }
    auto open = std::make_shared<ServiceCall>();
    open->done = std::move(done);
    open->action = &action;
    {
      const std::scoped_lock lock(service_mutex_);
      open->number = ++next_service_call_;
      service_calls_.emplace(open->number, open);
      if (call.deadline_unix_ms > 0) {
        const std::int64_t left =
            std::max<std::int64_t>(call.deadline_unix_ms - parts_.clock.now().ms, 0);
        open->timer = timers_.add(
            parts_.clock.monotonic_ms() + left + limits::kActionGrace.count(), [this, open] {
              end_service_call(open, failed(OutcomeKind::ambiguous, "plugin.no_answer",
                                            "no answer until the deadline and its grace time"));
            });
      }
    }
    service->service->invoke(call, [this, open, gate = services_rundown_](ActionOutcome outcome) {
      const Rundown::Pass inside(*gate);
      if (!inside) return;
      if (outcome.kind == OutcomeKind::done) {
        if (const auto fault = open->action->output.check(outcome.output)) {
          outcome = failed(OutcomeKind::permanent, "plugin.output",
                           "the output does not fit the output schema of " +
                               open->action->spec.name + ": " +
                               (fault->instance_path.empty() ? "the value" : fault->instance_path) +
                               " " + fault->message);
        }
      }
      end_service_call(open, std::move(outcome));
    });
    return 0;
  }

  void end_service_call(const std::shared_ptr<ServiceCall>& open, ActionOutcome outcome) {
    if (open->ended.exchange(true)) return;
    timers_.cancel(open->timer);
    open->done(std::move(outcome));
    const std::scoped_lock lock(service_mutex_);
    service_calls_.erase(open->number);
    service_idle_.notify_all();
  }

  Parts parts_;
  std::shared_ptr<Lane> finisher_;
  std::shared_ptr<const Descriptor> program_;  // of plugins' processes, once one is needed
  std::shared_ptr<Rundown> services_rundown_ = std::make_shared<Rundown>();
  mutable std::shared_mutex mutex_;
  std::map<std::string, Versions, std::less<>> instances_;  // never freed
  std::vector<Instance*> draining_;
  std::vector<Drain> drains_;
  std::vector<Instance*> by_number_;  // null: it failed to start
  std::uint64_t next_number_ = 0;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<KvUse>> kv_uses_;  // tenant, id
  std::map<std::string, std::shared_ptr<Service>, std::less<>> services_;
  std::vector<std::shared_ptr<Service>>
      all_services_;  // also replaced ones: open calls point into them
  std::map<std::string, std::string, std::less<>> bindings_;
  bool closed_ = false;
  std::mutex service_mutex_;
  std::condition_variable service_idle_;
  std::map<std::uint64_t, std::shared_ptr<ServiceCall>> service_calls_;
  std::uint64_t next_service_call_ = 0;
  Timers timers_;  // last: its thread ends before the rest dies
};

}  // namespace

std::unique_ptr<PluginHost> PluginHost::make(Parts parts) {
  return std::make_unique<Host>(std::move(parts));
}

}  // namespace rabt::plugin
