#include <algorithm>
#include <utility>

#include "hub/base/suggest.hpp"
#include "hub/plugin/host.hpp"
#include "hub/worker/spawn.hpp"

// From a package and its configuration to a plugin that takes calls.

namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxPlugins = 1000;

// Instances outlive the host: code of a plugin that was abandoned may still hold their addresses.
Instance& keep_for_ever(std::unique_ptr<Instance> instance) {
  static Mutex mutex;
  static auto* const kept = new std::vector<std::unique_ptr<Instance>>();  // no destructor at exit
  const Lock lock(mutex);
  kept->push_back(std::move(instance));
  return *kept->back();
}

// Enters in the package what the configuration says: the instance's name, its events and words.
Status configure(Package& package, const PluginConfig& config) {
  package.manifest.id = config.id;
  for (const workflow::EventInfo& event : config.events) {
    auto schema = Schema::compile(event.data_schema);
    if (!schema.ok())
      return invalid("plugin.config",
                     config.id + ": event " + event.type + ": " + schema.error().message);
    package.phi_names.merge(schema->phi_names());
    CompiledEvent compiled{*std::move(schema), CodedMembers(event.data_schema, Json())};
    if (!package.events.emplace(event.type, std::move(compiled)).second)
      return invalid("plugin.config", config.id + ": the plugin has an event of the type " +
                                          event.type + " already; choose another type");
    package.manifest.events.push_back(event);
  }
  package.words.add_text(config.words);
  return ok_status();
}

}  // namespace

Status Host::load(PluginConfig config) {
  const std::string id = config.id;
  const std::string tenant = config.tenant;
  const std::string key_id = config.key_id;
  const std::string sums = config.sums_sha256;
  std::string digest;
  std::string version;
  Status loaded = load_checked(std::move(config), version, digest);
  audit::Entry entry;
  entry.tenant = tenant;
  entry.actor = "node:plugins";
  entry.act = "plugin.loaded";
  entry.object = "plugin:" + id;
  entry.result = loaded.ok() ? "ok" : loaded.error().code;
  if (loaded.ok())
    entry.detail = Json::object({{"version", version},
                                 {"library_sha256", digest},
                                 {"sums_sha256", sums},
                                 {"key", key_id.empty() ? "unsigned" : key_id}});
  const Status written = audit(entry, store::Store::Need::required);
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

Status Host::load_checked(PluginConfig config, std::string& version, std::string& digest) {
  if (config.files == nullptr) {
    RABT_TRY(read, PackageFiles::read(config.folder));
    config.files = std::make_shared<const PackageFiles>(std::move(read));
  }
  RABT_TRY(package, read_package(*config.files));
  const Manifest packaged = package.manifest;
  const Manifest& manifest = package.manifest;
  version = manifest.version;
  RABT_TRY_STATUS(check_manifest_abi(manifest));
  RABT_TRY_STATUS(check_package(package, config));
  RABT_TRY_STATUS(configure(package, config));
  if (config.config.is_null()) config.config = Json::object();
  const Json section = config.config;
  const auto* const built = config.files->find(library_path());
  const ConfigQuestion question{config.tenant, manifest.id, manifest.version,
                                built == nullptr ? std::string() : built->sha256,
                                config.config_version};
  ConfigMemory memory(parts_.store, parts_.keys, parts_.audit, parts_.random);
  RABT_TRY(choice, memory.choose(question, section, package.config));
  const bool foreign = !choice.from_version.empty();  // the plugin is asked first
  if (!foreign) RABT_TRY_STATUS(check_choice(package, choice, config.folder));
  RABT_TRY_STATUS(check_secrets(package, config.secrets));
  Reach reach;
  if (!foreign) {
    auto config_reach = reach_of(manifest, config, choice.config);
    if (!config_reach.ok())
      return Error{config_reach.error().kind, config_reach.error().code,
                   manifest.id + ": " + config_reach.error().message};
    reach = *std::move(config_reach);
  }
  RABT_TRY(library, seal_library(*config.files));
  digest = library.sha256;
  config.files.reset();  // all of it was read
  package.words.merge(std::move(library.words));
  parts_.privacy.learn(manifest.id + " " + package.title + " " + manifest.vendor);
  parts_.privacy.learn(package.words);
  const rabt_entry* entry = nullptr;
  std::unique_ptr<WorkerPlugin> worker;
  if (config.isolation == Isolation::in_process) {
    RABT_TRY(mapped, map_library(std::move(library)));
    RABT_TRY_STATUS(check_entry(mapped, packaged));
    entry = mapped;
  } else {
    RABT_TRY(process, make_worker(std::move(library), packaged, config.id, config.limits));
    worker = std::move(process);
  }

  std::uint64_t number = 0;
  std::shared_ptr<KvUse> kv_use;
  {
    const WriteLock lock(mutex_);
    number = ++next_number_;
    auto& of_all = kv_uses_[{config.tenant, config.id}];
    if (of_all == nullptr) of_all = std::make_shared<KvUse>();
    kv_use = of_all;
    if (config.limits.storage_bytes != 0) package.kv_bytes = config.limits.storage_bytes;
    kv_use->quota = package.kv_bytes;
  }
  const std::string id = config.id;
  Instance& instance = keep_for_ever(std::make_unique<Instance>(
      Instance::Setup{parts_, finisher_, timers_, std::move(package), std::move(config), number,
                      std::move(kv_use), std::move(worker)}));
  Status started = start(instance, entry, memory, question, section, choice, reach);
  if (started.ok())
    started = take_in(number, instance, Recipient{id, version, std::move(reach.hosts)});
  // No call can reach it: its process, its threads and its rundown are closed at once.
  if (!started.ok()) instance.shutdown(0);
  return started;
}

Status Host::check_package(const Package& package, const PluginConfig& config) const {
  const Manifest& manifest = package.manifest;
  const std::string& wanted = config.package.empty() ? config.id : config.package;
  if (manifest.id != wanted) {
    return invalid("plugin.id_mismatch", "the configuration loads \"" + wanted + "\" from " +
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
    const ReadLock lock(mutex_);
    if (closed_) return unavailable("plugin.shutdown", "the hub is stopping");
    if (loaded_version(config.id, manifest.version)) return already(config.id, manifest.version);
    if (by_number_.size() >= kMaxPlugins) return invalid("plugin.config", "too many plugins");
  }
  return ok_status();
}

Status Host::audit(const audit::Entry& entry, store::Store::Need need) {
  const audit::Prepared prepared = parts_.audit.prepare(entry);
  return parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, prepared); },
      need);
}

Status Host::take_in(std::uint64_t number, Instance& instance, Recipient recipient) {
  const std::string& id = recipient.plugin;
  const WriteLock lock(mutex_);
  if (closed_) return unavailable("plugin.shutdown", "the hub is stopping");
  if (loaded_version(id, recipient.version)) return already(id, recipient.version);
  by_number_.resize(std::max<std::size_t>(by_number_.size(), number), nullptr);
  by_number_[number - 1] = &instance;
  Versions& versions = instances_[id];
  const auto place = std::find_if(versions.begin(), versions.end(), [&](const Serving& serving) {
    return compare_semver(serving.recipient.version, recipient.version) < 0;
  });
  routes_.clear();
  versions.insert(place, Serving{&instance, std::move(recipient)});
  return ok_status();
}

Result<Host::Reach> Host::reach_of(const Manifest& manifest, const PluginConfig& config,
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

Status Host::check_choice(const Package& package, const ConfigChoice& choice,
                          const std::string& folder) {
  Status fits = check_config(package, choice.config, folder);
  if (fits.ok() || choice.from_version.empty()) return fits;
  return invalid(fits.error().code, fits.error().message + "; it was written for " +
                                        choice.from_version + ", and " + package.manifest.version +
                                        " does not offer rabt.migrate/1");
}

Status Host::start(Instance& instance, const rabt_entry* entry, ConfigMemory& memory,
                   const ConfigQuestion& question, const Json& section, const ConfigChoice& choice,
                   Reach& reach) {
  RABT_TRY_STATUS(instance.open());
  Json taken = choice.config;
  bool migrated = false;
  if (!choice.from_version.empty()) {
    RABT_TRY(migration, instance.migrate(entry, choice.from_version, choice.config));
    migrated = migration.has_value();
    if (migrated) {
      taken = *std::move(migration);
    } else {
      RABT_TRY_STATUS(check_choice(instance.package(), choice, instance.config().folder));
    }
    RABT_TRY(new_reach, reach_of(instance.package().manifest, instance.config(), taken));
    reach = std::move(new_reach);
  }
  RABT_TRY_STATUS(instance.start(entry, taken, reach));
  if (choice.remembered) return ok_status();
  return memory.remember(question, section, choice, taken, migrated);
}

bool Host::loaded_version(const std::string& id, const std::string& version) const {
  const auto found = instances_.find(id);
  return found != instances_.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [&](const Serving& serving) { return serving.recipient.version == version; });
}

Result<std::unique_ptr<WorkerPlugin>> Host::make_worker(SealedLibrary library,
                                                        const Manifest& packaged,
                                                        const std::string& id,
                                                        const WorkerLimits& wish) {
  WorkerPlugin::Setup setup;
  {
    const WriteLock lock(mutex_);
    if (program_ == nullptr) {
      auto program = worker::open_program(parts_.worker_program);
      if (!program.ok()) return invalid("plugin.worker", program.error().message);
      program_ = std::make_shared<const Descriptor>(std::move(*program));
    }
    setup.program = program_;
  }
  setup.name = id + " " + packaged.version;
  setup.library = std::move(library.file);
  setup.library_path = library.path;
  if (wish.memory != 0) setup.limits.memory = wish.memory;
  if (wish.threads != 0) setup.limits.threads = wish.threads;
  setup.limits.folders = wish.folders;
  setup.sandbox_required = parts_.sandbox_required;
  setup.lanes = packaged.concurrency;
  setup.check = [packaged, path = library.path](const rabt_entry* entry) {
    return entry == nullptr ? Status(no_entry(path)) : check_entry(entry, packaged);
  };
  return std::make_unique<WorkerPlugin>(std::move(setup), parts_.clock);
}

}  // namespace rabt::plugin
