#include "hub/cli/plugin_versions.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "hub/base/semver.hpp"

namespace rabt::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kDrainGraceMs = 10 * 60 * 1000;  // the longest calls fetch recordings
constexpr std::size_t kMaxVersions = 64;                // folders of one plugin that are looked at

Result<plugin::PluginConfig> base_config(const Config& config, const std::string& id) {
  const auto found = config.plugin.find(id);
  if (found == config.plugin.end()) {
    return not_found("plugin.unknown", "there is no plugin " + id.substr(0, 64) +
                                           " in the configuration; add plugin: {" +
                                           id.substr(0, 64) + ": {...}} and start the hub again");
  }
  const auto& entry = found->second;
  plugin::PluginConfig out;
  out.id = id;
  out.tenant = config.tenant;
  out.config = entry.config;
  for (const auto& [name, source] : entry.secrets) {
    auto secret = read_secret(source);
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
  out.allow_private_addresses = entry.allow_private;
  out.isolation = entry.in_process ? plugin::Isolation::in_process : plugin::Isolation::worker;
  out.limits = {.memory = entry.memory, .threads = static_cast<std::uint64_t>(entry.threads)};
  return out;
}

}  // namespace

Result<std::vector<PluginVersion>> plugin_versions(const Config& config, const std::string& id) {
  RABT_TRY(base, base_config(config, id));
  const fs::path root = fs::path(config.plugins) / id;
  std::vector<std::string> folders;
  std::error_code failure;
  if (!fs::exists(root / "manifest.yaml", failure)) {
    for (fs::directory_iterator entry(root, failure), end; !failure && entry != end;
         entry.increment(failure)) {
      if (is_semver(entry->path().filename().string()) && folders.size() < kMaxVersions)
        folders.push_back(entry->path().string());
    }
  }
  if (folders.empty()) folders.push_back(root.string());  // loading it says what is missing
  std::vector<PluginVersion> out;
  for (std::string& folder : folders) {
    PluginVersion one{.version = {}, .config = base};
    if (const auto manifest = plugin::read_manifest(folder); manifest.ok())
      one.version = manifest->version;
    one.config.folder = std::move(folder);
    out.push_back(std::move(one));
  }
  std::sort(out.begin(), out.end(), [](const PluginVersion& a, const PluginVersion& b) {
    if (a.version.empty() || b.version.empty()) return !a.version.empty();
    return compare_semver(a.version, b.version) > 0;
  });
  return out;
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

Result<Json> PluginUpgrade::run(const std::string& id) {
  const std::scoped_lock one_at_a_time(mutex_);
  RABT_TRY(versions, plugin_versions(config_, id));
  std::string newest;
  for (const auto& state : plugins_.plugins()) {
    if (state.manifest.id == id && state.newest) newest = state.manifest.version;
  }
  Json loaded = Json::array();
  PluginVersion& candidate = versions.front();
  if (newest.empty() || candidate.version.empty() ||
      compare_semver(candidate.version, newest) > 0) {
    RABT_TRY_STATUS(plugins_.load(std::move(candidate.config)));
    loaded.push_back(candidate.version);
  }
  RABT_TRY(gone, retire());
  Json retired = Json::array();
  for (const std::string& one : gone) {
    if (one.starts_with(id + " ")) retired.push_back(one.substr(id.size() + 1));
  }
  Json serving = Json::array();
  for (const auto& state : plugins_.plugins()) {
    if (state.manifest.id == id && !state.draining) serving.push_back(state.manifest.version);
  }
  return Json::object({{"id", id}, {"loaded", loaded}, {"retired", retired}, {"serving", serving}});
}

}  // namespace rabt::cli
