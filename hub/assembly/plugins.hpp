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

// A version of a plugin that the hub may load.
struct ChosenPackage {
  std::string version;
  std::string folder;                                 // where it lies, for messages
  std::shared_ptr<const plugin::PackageFiles> files;  // verified, or unsigned
  std::string key_id;                                 // empty: unsigned
  std::string sums_sha256;                            // empty: unsigned
  std::optional<Error> fault;  // of an older version: why it must not be loaded; no files then
};
enum class Unsigned { refuse, take };
// All versions of a plugin that the lock names, newest first, verified now; where the lock names
// none, and that is allowed, the one unsigned build. Never empty; the first has no fault. Errors:
// plugin.not_added, and those of PluginStore for the newest version.
[[nodiscard]] Result<std::vector<ChosenPackage>> choose_packages(const config::Config& config,
                                                                 const std::string& id,
                                                                 Unsigned unsigned_ones);

// The manifest of one plugin, for commands that run nothing of it: of the newest version in the
// store, else of an unsigned build.
[[nodiscard]] Result<plugin::Package> read_installed(const config::Config& config,
                                                     const std::string& id);

}  // namespace rabt::assembly
