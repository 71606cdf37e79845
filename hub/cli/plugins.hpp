#pragma once

#include <map>
#include <memory>
#include <string>

#include "hub/base/result.hpp"
#include "hub/cli/config.hpp"
#include "hub/plugin/manifest.hpp"
#include "hub/plugin/package_files.hpp"

namespace rabt::cli {

// What a configuration's plugin would be loaded from.
struct ChosenPackage {
  std::string folder;                                 // unsigned; empty: `files` are verified
  std::shared_ptr<const plugin::PackageFiles> files;  // of a verified package
  std::string key_id;
  std::string sums_sha256;
};
enum class Unsigned { refuse, take };
// For each plugin that the configuration names: the newest version that the lock names, verified
// now, or, where the lock names none and it may, the folder of an unsigned build. Errors:
// plugin.not_added, and those of PluginStore.
[[nodiscard]] Result<std::map<std::string, ChosenPackage>> choose_packages(const Config& config,
                                                                           Unsigned unsigned_ones);

// The manifest of one plugin, for commands that run nothing of it: of the newest version in the
// store, else of an unsigned build.
[[nodiscard]] Result<plugin::Package> read_installed(const Config& config, const std::string& id);

}  // namespace rabt::cli
