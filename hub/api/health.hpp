#pragma once

#include <string>

#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// Whether the hub works: one word for everybody, the parts for who runs the hub. No patient
// data.
struct Health {
  store::Store& store;
  audit::AuditLog& audit;
  const crypto::Keyring& keyring;
  plugin::PluginHost& plugins;
  std::string tenant;

  [[nodiscard]] http::Response get(const Call& call) const;
};

}  // namespace rabt::api
