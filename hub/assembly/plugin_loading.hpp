#pragma once

#include <string>
#include <vector>

#include "hub/assembly/plugins.hpp"
#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/engine/engine.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"

namespace rabt::assembly {

// Configuration of a plugin, with its secrets and without a package. Errors: those
// of read_secret; plugin.unknown: the configuration does not name the plugin.
[[nodiscard]] Result<plugin::PluginConfig> plugin_config(const config::Config& config,
                                                         const std::string& id);
// Error plugin.record: the plugin is recorded, which is for development only.
[[nodiscard]] Status check_record(const std::string& id, const config::PluginEntry& entry,
                                  bool dev);
// Ok if the manifests can be read, the plugin's secrets are what the newest version declares, and
// its configuration fits the schema of one of the versions. Errors: those of plugin_config,
// read_package, plugin::check_secrets, plugin::check_regions and plugin::check_config; conflict
// capability.recording: sessions are to be recorded, and the video provider records nothing.
[[nodiscard]] Status check_settings(const config::Config& config, const std::string& id,
                                    const std::vector<ChosenPackage>& packages);
// The key of the configuration by which the hub itself sends SMS; empty when it sends none.
[[nodiscard]] std::string_view sends_sms(const config::Config& config);
// Faults of roles that are not served by what they are bound to: a video provider lets people in,
// messages are sent, and SMS where the hub itself sends some. Errors: those of lets_people_in and
// sends_messages.
[[nodiscard]] std::vector<Error> unserved_roles(const config::Config& config,
                                                const workflow::ActionCatalog& catalog);
// Loads all configured plugins, each with every version that choose_packages gives. Errors: those
// of check_settings, check_record, choose_packages and PluginHost::load.
[[nodiscard]] Status load_plugins(const config::Config& config, plugin::PluginHost& plugins,
                                  Unsigned unsigned_ones, Logger& log);

// Brings newer versions of a plugin into a running hub, and takes superseded versions out.
// Internally synchronised; one upgrade runs at a time.
class PluginUpgrade {
 public:
  PluginUpgrade(const config::Config& config, Unsigned unsigned_ones, plugin::PluginHost& plugins,
                engine::Engine& engine)
      : config_(config), unsigned_(unsigned_ones), plugins_(plugins), engine_(engine) {}
  // Loads the newest version in the store if it is newer than every version that serves, then
  // retires the versions that nobody needs. If it does not verify or load, nothing changes. Gives
  // {id, loaded, retired, serving}, the last three as lists of versions. Errors: those of
  // plugin_config, choose_packages and PluginHost::load.
  [[nodiscard]] Result<Json> run(const std::string& id);
  // Takes superseded versions out that nobody needs. Gives "<id> <version>" for each one.
  [[nodiscard]] Result<std::vector<std::string>> retire();
  // Calls retire() if a newer version of some plugin serves, and costs nothing otherwise. Called
  // from time to time: a version that stayed for running instances goes when the last of them has
  // ended. A failure is logged; the next call tries again.
  void retire_superseded(Logger& log);

 private:
  // Constant after construction.
  const config::Config config_;
  const Unsigned unsigned_;
  plugin::PluginHost& plugins_;
  engine::Engine& engine_;

  // Held during an upgrade.
  Mutex one_at_a_time_;
};

}  // namespace rabt::assembly
