#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/cli/config.hpp"
#include "hub/engine/engine.hpp"
#include "hub/plugin/plugin_host.hpp"

namespace rabt::cli {

// A version of a configured plugin, ready to be loaded.
struct PluginVersion {
  std::string version;  // empty: its manifest cannot be read; loading it says why
  plugin::PluginConfig config;
};
// All versions of a configured plugin in the folder `plugins`, newest first: <id>/manifest.yaml,
// or <id>/<version>/manifest.yaml. Never empty. Errors: those of read_secret, plugin.unknown.
[[nodiscard]] Result<std::vector<PluginVersion>> plugin_versions(const Config& config,
                                                                 const std::string& id);

// Brings newer versions of a plugin into a hub that runs, and takes superseded ones out.
// Internally synchronised; one upgrade at a time.
class PluginUpgrade {
 public:
  PluginUpgrade(const Config& config, plugin::PluginHost& plugins, engine::Engine& engine)
      : config_(config), plugins_(plugins), engine_(engine) {}
  // Reads the folder, loads what is newer than all that serves, then retires what nobody needs. A
  // version that does not load leaves everything as it was. Gives {id, loaded, retired, serving}:
  // versions. Errors: those of plugin_versions and PluginHost::load.
  [[nodiscard]] Result<Json> run(const std::string& id);
  // Takes out what a newer version made superfluous. Gives "<id> <version>" of each.
  [[nodiscard]] Result<std::vector<std::string>> retire();

 private:
  const Config config_;
  plugin::PluginHost& plugins_;
  engine::Engine& engine_;
  std::mutex mutex_;
};

}  // namespace rabt::cli
