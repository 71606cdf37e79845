#pragma once

#include <string>

#include "hub/base/json.hpp"
#include "hub/config/config.hpp"

namespace rabt::cli {

// The time now, for the store of plugins.
[[nodiscard]] std::string now_text();
// The operator, as the system knows the user of this process.
[[nodiscard]] std::string user_name();

// Writes an act on the store of plugins, and who did it, into the audit log: through the running
// hub, or into the data folder when no hub runs. Without a data folder there is no log, and nothing
// is written. Gives the exit code: 0 when the entry is durable, else after a message that the
// change is made but not recorded. act: plugin.added, plugin.removed, plugin.key_added,
// plugin.key_removed.
int record_plugin_act(const config::Config& config, const std::string& act,
                      const std::string& object, Json detail);

}  // namespace rabt::cli
