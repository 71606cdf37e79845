#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "hub/assembly/plugins.hpp"
#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/engine/engine.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"

namespace rabt::assembly {

// What the operator configured for a plugin, with its secrets, without a package. Errors: those of
// read_secret; plugin.unknown (the configuration does not name it).
[[nodiscard]] Result<plugin::PluginConfig> plugin_config(const config::Config& config,
                                                         const std::string& id);
// The same with the package to load.
[[nodiscard]] plugin::PluginConfig with_package(plugin::PluginConfig config, ChosenPackage package);
// Whether a plugin may be recorded: for development only. Error plugin.record.
[[nodiscard]] Status check_record(const std::string& id, const config::PluginEntry& entry,
                                  bool dev);

// Brings newer versions of a plugin into a hub that runs, and takes superseded ones out.
// Internally synchronised; one upgrade at a time.
class PluginUpgrade {
 public:
  PluginUpgrade(const config::Config& config, Unsigned unsigned_ones, plugin::PluginHost& plugins,
                engine::Engine& engine)
      : config_(config), unsigned_(unsigned_ones), plugins_(plugins), engine_(engine) {}
  // Reads the store, loads its newest version when that is newer than all that serve, then retires
  // what nobody needs. A version that does not verify or load leaves everything as it was. Gives
  // {id, loaded, retired, serving}: versions. Errors: those of plugin_config, choose_packages and
  // PluginHost::load.
  [[nodiscard]] Result<Json> run(const std::string& id);
  // Takes out what a newer version made superfluous. Gives "<id> <version>" of each.
  [[nodiscard]] Result<std::vector<std::string>> retire();
  // The same from time to time: a version that stayed for running instances goes when the last of
  // them has ended. Costs nothing while one version of each plugin serves. What fails is logged and
  // tried again by the next.
  void retire_superseded(Logger& log);

 private:
  const config::Config config_;
  const Unsigned unsigned_;
  plugin::PluginHost& plugins_;
  engine::Engine& engine_;
  std::mutex mutex_;
};

}  // namespace rabt::assembly
