#include "hub/assembly/plugin_loading.hpp"

#include <algorithm>
#include <utility>

#include "hub/assembly/mapped_sources.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/base/semver.hpp"
#include "hub/consultation/messages/role.hpp"
#include "hub/consultation/video/role.hpp"

namespace rabt::assembly {

namespace {

// The longest calls fetch recordings.
constexpr std::int64_t kDrainGraceMs = 10LL * 60 * 1000;

// The package to load, in the configuration of its plugin.
plugin::PluginConfig with_package(plugin::PluginConfig config, ChosenPackage package) {
  config.folder = std::move(package.folder);
  config.files = std::move(package.files);
  config.key_id = std::move(package.key_id);
  config.sums_sha256 = std::move(package.sums_sha256);
  return config;
}

// Checks a plugin's manifest against the rest of the configuration.
Status check_wishes(const config::Config& config, const std::string& id,
                    const plugin::Manifest& manifest) {
  const auto entry = config.plugin.find(id);
  const Json none = Json::object();
  RABT_TRY_STATUS(plugin::check_regions(manifest,
                                        entry == config.plugin.end() ? none : entry->second.config,
                                        config.video.allowed_regions));
  const auto bound = config.roles.find("video");
  if (!config.video.auto_record || !config.video.recording_enabled || bound == config.roles.end() ||
      bound->second != plugin_address(id))
    return ok_status();
  const bool records =
      std::any_of(manifest.actions.begin(), manifest.actions.end(),
                  [](const auto& one) { return one.capability == "video.recording.start/1"; });
  if (records) return ok_status();
  return conflict("capability.recording", "video.auto_record is true, and the plugin " + id +
                                              ", which serves the role video, records nothing");
}

// Loads the newest version, and the older ones for instances that began with their contracts. If an
// older version is needed and does not load, the engine refuses to start.
Status load_versions(const plugin::PluginConfig& base, std::vector<ChosenPackage> versions,
                     plugin::PluginHost& plugins, Logger& log) {
  Status newest = plugins.load(with_package(base, std::move(versions.front())));
  // When the newest version cannot take over its configuration, the older ones serve, as they do
  // when it is refused while the hub runs.
  bool serves = newest.ok();
  if (!serves && newest.error().code != "plugin.migrate") return newest;
  for (std::size_t i = 1; i < versions.size(); ++i) {
    if (const auto& fault = versions[i].fault) {
      log.error("plugin.not_loaded", {{"plugin", std::string_view(base.id)},
                                      {"version", std::string_view(versions[i].version)},
                                      {"code", std::string_view(fault->code)}});
      continue;
    }
    serves = plugins.load(with_package(base, std::move(versions[i]))).ok() || serves;
  }
  return serves ? ok_status() : newest;
}

}  // namespace

Result<plugin::PluginConfig> plugin_config(const config::Config& config, const std::string& id) {
  const auto found = config.plugin.find(id);
  if (found == config.plugin.end()) {
    return not_found("plugin.unknown", "there is no plugin " + id.substr(0, 64) +
                                           " in the configuration; add plugin: {" +
                                           id.substr(0, 64) + ": {...}} and start the hub again");
  }
  const auto& entry = found->second;
  const Json none = Json::object();
  for (const auto& [name, member] : (entry.config.is_object() ? entry.config : none).as_object()) {
    if (!member.is_object() || member.size() != 1 || !member["env"].is_string()) continue;
    return invalid("config.missing_secret", "plugin." + id + ".config." + name +
                                                ": the environment variable " +
                                                member["env"].as_string() + " is not set");
  }
  plugin::PluginConfig out;
  out.id = id;
  out.package = entry.use;
  out.tenant = config.tenant;
  out.config = entry.config;
  if (!entry.source.empty()) {
    RABT_TRY(source, read_mapped_source(id, entry.source));
    out.config = mapping::to_json(source.files);
    out.events = source.mapping->declared();
    out.words = words_of(source.files);
  }
  out.config_version = entry.config_version;
  for (const auto& [name, source] : entry.secrets) {
    auto secret = config::read_secret(source);
    if (!secret.ok()) {
      return invalid(secret.error().code,
                     "plugin " + id + ", secret " + name + ": " + secret.error().message);
    }
    out.secrets.emplace(name, *secret);
  }
  if (!entry.tls_ca.empty() || !entry.tls_cert.empty()) {
    out.tls =
        std::make_shared<const net::TlsOptions>(net::TlsOptions{.ca_file = entry.tls_ca,
                                                                .client_cert_file = entry.tls_cert,
                                                                .client_key_file = entry.tls_key});
  }
  out.extra_hosts = entry.hosts;
  out.patient_hosts = entry.patient_data;
  out.record = entry.record;
  out.allow_private_addresses = entry.allow_private;
  out.isolation = entry.in_process ? plugin::Isolation::in_process : plugin::Isolation::worker;
  out.limits = {.memory = entry.memory,
                .threads = static_cast<std::uint64_t>(entry.threads),
                .storage_bytes = entry.storage,
                .folders = entry.folders};
  return out;
}

Status check_record(const std::string& id, const config::PluginEntry& entry, bool dev) {
  if (entry.record.empty() || dev) return ok_status();
  return invalid("plugin.record", "plugin " + id +
                                      ": `record` writes the exchanges with outside systems into "
                                      "files and is for development only: start with --dev, or "
                                      "remove the key");
}

Status check_settings(const config::Config& config, const std::string& id,
                      const std::vector<ChosenPackage>& packages) {
  RABT_TRY(configured, plugin_config(config, id));
  if (configured.config.is_null()) configured.config = Json::object();
  Status fits = ok_status();
  for (const ChosenPackage& package : packages) {
    if (package.fault) continue;
    RABT_TRY(read, plugin::read_package(*package.files));
    if (&package == packages.data()) {
      RABT_TRY_STATUS(plugin::check_secrets(read, configured.secrets));
      RABT_TRY_STATUS(check_wishes(config, id, read.manifest));
    }
    // An older version beside may be the one that the configuration was written for.
    Status fit = plugin::check_config(read, configured.config, package.folder);
    if (fit.ok()) return fit;
    if (fits.ok()) fits = fit;
  }
  return fits;
}

std::string_view sends_sms(const config::Config& config) {
  if (!config.house.texts.empty()) return "hospital.messages";
  return config.alerts.sms.empty() ? "" : "alerts.sms";
}

std::vector<Error> unserved_roles(const config::Config& config,
                                  const workflow::ActionCatalog& catalog) {
  std::vector<Error> wrong;
  if (const auto video = config.roles.find("video"); video != config.roles.end()) {
    if (const Status in = consultation::lets_people_in(catalog, video->second); !in.ok())
      wrong.push_back(in.error());
  }
  const std::string_view asking = sends_sms(config);
  const auto notify = config.roles.find("notify");
  if (notify != config.roles.end()) {
    if (const Status sent = consultation::sends_messages(catalog, notify->second, asking);
        !sent.ok())
      wrong.push_back(sent.error());
  } else if (!asking.empty()) {
    wrong.push_back(unavailable("notify.not_served", "role notify: `roles` binds none, and " +
                                                         std::string(asking) +
                                                         " sends messages through it"));
  }
  return wrong;
}

Status load_plugins(const config::Config& config, plugin::PluginHost& plugins,
                    Unsigned unsigned_ones, Logger& log) {
  for (const auto& [id, entry] : config.plugin) {
    RABT_TRY_STATUS(check_record(id, entry, unsigned_ones == Unsigned::take));
    RABT_TRY(versions, choose_packages(config, id, unsigned_ones));
    RABT_TRY(base, plugin_config(config, id));
    RABT_TRY(newest, plugin::read_package(*versions.front().files));
    RABT_TRY_STATUS(check_wishes(config, id, newest.manifest));
    RABT_TRY_STATUS(load_versions(base, std::move(versions), plugins, log));
  }
  return ok_status();
}

Result<std::vector<std::string>> PluginUpgrade::retire() {
  std::vector<std::string> gone;
  RABT_TRY_STATUS(engine_.with_needs([&](const std::vector<plugin::Need>& needs) -> Status {
    RABT_TRY(names, plugins_.retire(needs, kDrainGraceMs));
    gone = std::move(names);
    return ok_status();
  }));
  return gone;
}

void PluginUpgrade::retire_superseded(Logger& log) {
  // An upgrade that is under way retires them itself.
  if (!one_at_a_time_.try_lock()) return;
  const auto all = plugins_.plugins();
  if (std::any_of(all.begin(), all.end(),
                  [](const auto& state) { return !state.newest && !state.draining; })) {
    if (const auto gone = retire(); !gone.ok())
      log.error("plugin.not_retired", {{"code", std::string_view(gone.error().code)}});
  }
  one_at_a_time_.unlock();
}

Result<Json> PluginUpgrade::run(const std::string& id) {
  const Lock lock(one_at_a_time_);
  RABT_TRY(config, plugin_config(config_, id));
  RABT_TRY(versions, choose_packages(config_, id, unsigned_));
  std::string newest;
  for (const auto& state : plugins_.plugins()) {
    if (state.id == id && state.newest) newest = state.version;
  }
  Json loaded = Json::array();
  ChosenPackage& candidate = versions.front();
  if (newest.empty() || compare_semver(candidate.version, newest) > 0) {
    RABT_TRY(package, plugin::read_package(*candidate.files));
    RABT_TRY_STATUS(check_wishes(config_, id, package.manifest));
    loaded.push_back(candidate.version);
    RABT_TRY_STATUS(plugins_.load(with_package(std::move(config), std::move(candidate))));
  }
  RABT_TRY(gone, retire());
  Json retired = Json::array();
  for (const std::string& text : gone) {
    if (text.starts_with(id + " ")) retired.push_back(text.substr(id.size() + 1));
  }
  Json serving = Json::array();
  for (const auto& state : plugins_.plugins()) {
    if (state.id == id && !state.draining) serving.push_back(state.version);
  }
  return Json::object({{"id", id}, {"loaded", loaded}, {"retired", retired}, {"serving", serving}});
}

}  // namespace rabt::assembly
