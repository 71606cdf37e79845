#include "hub/assembly/pages.hpp"

#include <algorithm>
#include <string_view>

#include "hub/api/browser.hpp"
#include "hub/assembly/plugins.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/plugin/plugin_host.hpp"

namespace rabt::assembly {

namespace {

// Addresses come from a configuration: what could end a directive of the policy is left out.
bool is_source(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != ';' && c != ',';
  });
}

}  // namespace

pages::Pages::Options page_options(const config::Config& config) {
  pages::Pages::Options options;
  options.phone = config.house.phone;
  for (const char* const language : {"ar", "en"}) {
    if (const auto name = config.house.name.find(language); name != config.house.name.end())
      options.hospital.emplace(language, name->second);
  }
  for (const config::OidcEntry& entry : config.identity.oidc)
    options.issuers.push_back({.name = entry.options.name, .display = entry.display});
  const auto bound = config.roles.find("video");
  const std::string id(bound == config.roles.end() ? "" : plugin_at(bound->second));
  if (id.empty()) return options;
  const std::string package = package_of(config, id);
  if (package == "twilio") {
    options.call_sources = {"wss://global.vss.twilio.com"};
  } else if (package == "chime") {
    options.call_sources = {"wss://*.chime.aws"};
  } else if (const auto plugin = config.plugin.find(id); plugin != config.plugin.end()) {
    // Servers of Janus, as browsers reach them.
    const Json& instances = plugin->second.config["instances"];
    for (std::size_t i = 0; i < instances.size(); ++i) {
      std::string source = api::origin_of(instances.item(i).string_or("client_url", ""));
      if (is_source(source)) options.call_sources.push_back(std::move(source));
    }
  }
  return options;
}

}  // namespace rabt::assembly
