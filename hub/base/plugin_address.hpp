#pragma once

#include <string>
#include <string_view>

// Address of a plugin, as the target of a role or the endpoint of a catalog: "plugin://twilio".
namespace rabt {

inline constexpr std::string_view kPluginScheme = "plugin://";

inline std::string plugin_address(std::string_view id) {
  return std::string(kPluginScheme) + std::string(id);
}

// Id of the plugin with this address; empty for any other target. Lives as long as `target`.
constexpr std::string_view plugin_at(std::string_view target) {
  return target.starts_with(kPluginScheme) ? target.substr(kPluginScheme.size())
                                           : std::string_view();
}

}  // namespace rabt
