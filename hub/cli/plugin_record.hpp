#pragma once

#include <string>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"

namespace rabt::cli {

// Writes an act on the store of plugins into the audit log: through the hub that runs, else into
// the data folder; without a data folder there is no log, and nothing is written. Durable when ok.
// act: plugin.added, plugin.removed, plugin.key_added, plugin.key_removed.
Status record_plugin_act(const config::Config& config, const std::string& act,
                         const std::string& object, const Json& detail);

}  // namespace rabt::cli
