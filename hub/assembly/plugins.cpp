#include "hub/assembly/plugins.hpp"

#include "hub/plugin/package/library.hpp"
#include "hub/plugin/package/plugin_store.hpp"

namespace rabt::assembly {

using plugin::PluginStore;

std::string package_of(const config::Config& config, const std::string& id) {
  const auto entry = config.plugin.find(id);
  return entry == config.plugin.end() || entry->second.use.empty() ? id : entry->second.use;
}

Result<std::vector<ChosenPackage>> choose_packages(const config::Config& config,
                                                   const std::string& entry_name,
                                                   Unsigned unsigned_ones) {
  const std::string id = package_of(config, entry_name);
  RABT_TRY(store, PluginStore::open(config.plugins, PluginStore::Use::read));
  std::vector<ChosenPackage> out;
  const auto locked = store.versions(id);
  for (auto entry = locked.rbegin(); entry != locked.rend(); ++entry) {
    ChosenPackage chosen;
    chosen.version = entry->version;
    auto package = store.load(*entry);
    if (package.ok()) {
      chosen.folder = package->files.origin();
      chosen.key_id = std::move(package->key_id);
      chosen.sums_sha256 = std::move(package->sums_sha256);
      chosen.files = std::make_shared<const plugin::PackageFiles>(std::move(package->files));
    } else if (out.empty()) {
      return package.error();
    } else {
      chosen.fault = package.error();
    }
    out.push_back(std::move(chosen));
  }
  if (!out.empty()) return out;
  RABT_TRY(folder, plugin::unsigned_folder(config.plugins, id));
  if (unsigned_ones == Unsigned::refuse)
    return denied("plugin.not_added",
                  folder +
                      " was not added: only `rabt serve --dev` loads what is not signed; "
                      "sign it with `rabt plugin sign` and add it with `rabt plugin add`");
  RABT_TRY(files, plugin::PackageFiles::read(folder));
  RABT_TRY(package, plugin::read_package(files));
  RABT_TRY_STATUS(plugin::check_manifest_abi(package.manifest));
  RABT_TRY_STATUS(plugin::check_built_with(files, package.manifest));
  ChosenPackage chosen;
  chosen.version = package.manifest.version;
  chosen.folder = std::move(folder);
  chosen.files = std::make_shared<const plugin::PackageFiles>(std::move(files));
  out.push_back(std::move(chosen));
  return out;
}

Result<plugin::Package> read_installed(const config::Config& config,
                                       const std::string& entry_name) {
  const std::string id = package_of(config, entry_name);
  RABT_TRY(store, PluginStore::open(config.plugins, PluginStore::Use::read));
  const auto versions = store.versions(id);
  if (!versions.empty()) {
    RABT_TRY(package, store.load(versions.back()));
    return std::move(package.package);
  }
  RABT_TRY(folder, plugin::unsigned_folder(config.plugins, id));
  return plugin::read_package(folder);
}

}  // namespace rabt::assembly
