#pragma once

#include <functional>
#include <string>

#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

struct Plugins {
  plugin::PluginHost& plugins;
  store::Store& store;
  audit::AuditLog& audit;
  std::string tenant;
  // Loads a newer version of a plugin: {id, loaded, retired, serving}. Blocks while the version
  // starts. Unset if this hub has no plugin folder.
  std::function<Result<Json>(const std::string& id)> load_newer = {};

  // {"act", "object", "detail"}: what `rabt plugin` did to the store of plugins, for the audit log
  // of the running hub.
  [[nodiscard]] Result<http::Response> act(const Call& call) const;
  // Ends a plugin's quarantine.
  [[nodiscard]] Result<http::Response> release(const Call& call) const;
  // A newer version takes the new calls.
  [[nodiscard]] Result<http::Response> upgrade(const Call& call) const;
};

}  // namespace rabt::api
