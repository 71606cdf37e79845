#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/package/package_files.hpp"

namespace rabt::assembly {

// The id of the plugin that an entry of the configuration runs: `use`, or the entry's name.
[[nodiscard]] std::string package_of(const config::Config& config, const std::string& id);

// A version of a plugin that the hub may load.
struct ChosenPackage {
  std::string version;
  // Folder of the package, for messages.
  std::string folder;
  // Verified, or unsigned. Null if `fault` is set.
  std::shared_ptr<const plugin::PackageFiles> files;
  // Id of the key that signed it. Empty if it is unsigned, like the next field.
  std::string key_id;
  std::string sums_sha256;
  // Why this version must not be loaded. Never set for the newest version.
  std::optional<Error> fault;
};
enum class Unsigned { refuse, take };
// Gives the versions of the plugin of an entry that the lock names, newest first, verified now. If
// the lock names none, gives the one unsigned build, where that is allowed. The list is never
// empty. Errors: plugin.not_added, and those of PluginStore for the newest version.
[[nodiscard]] Result<std::vector<ChosenPackage>> choose_packages(const config::Config& config,
                                                                 const std::string& entry_name,
                                                                 Unsigned unsigned_ones);

// The manifest of the plugin of an entry, for commands that do not run it: from its newest version
// in the store, or from an unsigned build if the store has none.
[[nodiscard]] Result<plugin::Package> read_installed(const config::Config& config,
                                                     const std::string& entry_name);

}  // namespace rabt::assembly
