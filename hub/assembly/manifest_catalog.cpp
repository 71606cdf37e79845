#include "hub/assembly/manifest_catalog.hpp"

#include <algorithm>

#include "hub/assembly/code_maps.hpp"
#include "hub/assembly/mapped_sources.hpp"
#include "hub/assembly/plugins.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/consultation/workflow/register.hpp"
#include "hub/plugin/package/capability.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/plugin_host.hpp"

namespace rabt::assembly {

Result<ManifestCatalog> ManifestCatalog::make(const config::Config& config) {
  constexpr std::string_view kHub = "hub://";
  ManifestCatalog catalog;
  RABT_TRY(hosts, net::AllowList::make(config.http.patient_data));
  catalog.patient_hosts_ = std::move(hosts);
  for (const auto& [id, entry] : config.plugin) {
    RABT_TRY(package, read_installed(config, id));
    const auto& events = package.manifest.events;
    catalog.events_.insert(catalog.events_.end(), events.begin(), events.end());
    catalog.actions_.emplace(plugin_address(id), std::move(package.manifest.actions));
    if (entry.source.empty()) continue;
    RABT_TRY(source, read_mapped_source(id, entry.source));
    const auto& own = source.mapping->declared();
    catalog.events_.insert(catalog.events_.end(), own.begin(), own.end());
  }
  RABT_TRY(maps, read_code_maps(config));
  catalog.maps_ = std::move(maps);
  std::vector<std::string> map_names;
  for (const auto& [name, map] : catalog.maps_) map_names.push_back(name);
  for (const auto& [role, target] : config.roles) {
    if (target.starts_with(kHub)) {
      const std::string_view service = std::string_view(target).substr(kHub.size());
      const auto actions = consultation::service_actions(service, map_names);
      if (service == consultation::kMapService) catalog.map_roles_.insert({role, target});
      catalog.actions_.emplace(target, actions);
      catalog.actions_.emplace(role, actions);
      continue;
    }
    RABT_TRY(package, read_installed(config, std::string(plugin_at(target))));
    catalog.actions_.emplace(role, std::move(package.manifest.actions));
  }
  return catalog;
}

std::optional<workflow::ActionOutcome> ManifestCatalog::answer(
    const workflow::CallAction& call) const {
  if (!map_roles_.contains(call.role) || !find(call.role, call.action, call.version))
    return std::nullopt;
  return consultation::look_up(maps_, call.arguments);
}

std::vector<std::string> ManifestCatalog::roles() const {
  std::vector<std::string> names;
  for (const auto& [role, actions] : actions_) {
    if (role.find("://") == std::string::npos) names.push_back(role);
  }
  return names;
}

std::vector<std::string> ManifestCatalog::actions(std::string_view role) const {
  std::vector<std::string> names;
  if (const auto found = actions_.find(role); found != actions_.end()) {
    for (const auto& action : found->second) {
      names.push_back(action.name);
      if (const auto* const shared = plugin::find_capability(action.capability))
        names.push_back(shared->name);
    }
  }
  return names;
}

std::vector<std::string> ManifestCatalog::versions(std::string_view role,
                                                   std::string_view action) const {
  std::vector<std::string> out;
  if (const auto found = actions_.find(role); found != actions_.end()) {
    for (const auto& one : found->second) {
      const auto* const shared = plugin::find_capability(one.capability);
      if (one.name == action) out.push_back(one.version);
      if (shared != nullptr && shared->name == action)
        out.push_back(std::to_string(shared->revision) + ".0.0");
    }
  }
  std::sort(out.begin(), out.end(),
            [](const std::string& a, const std::string& b) { return compare_semver(a, b) < 0; });
  return out;
}

std::vector<std::string> ManifestCatalog::providers(std::string_view action,
                                                    std::string_view version) const {
  std::vector<std::string> out;
  for (const auto& [target, actions] : actions_) {
    if (target.find("://") != std::string::npos &&
        plugin::serving_action(actions, action, version) != nullptr)
      out.push_back(target);
  }
  return out;
}

std::optional<workflow::ActionInfo> ManifestCatalog::find(std::string_view role,
                                                          std::string_view action,
                                                          std::string_view version) const {
  const auto found = actions_.find(role);
  if (found == actions_.end()) return std::nullopt;
  const plugin::ActionSpec* spec = plugin::serving_action(found->second, action, version);
  if (spec == nullptr) return std::nullopt;
  return plugin::action_info(*spec, action);
}

}  // namespace rabt::assembly
