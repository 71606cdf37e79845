#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/config/config.hpp"

// rabt.yaml of a hub that serves several tenants: where the process listens, and which
// configuration each tenant has.
namespace rabt::config {

struct TenantEntry {
  std::string name;
  // The tenant's own rabt.yaml.
  std::string file;
  // Host names of its API, in lower case, without ports. No two tenants have one in common.
  std::vector<std::string> hosts;
  // A certificate for these hosts. Empty if that of `server.tls` names them, too.
  std::string tls_certificates;
  std::string tls_key;
};

struct Tenants {
  std::string file;
  ServerEntry server;
  std::vector<TenantEntry> entries;
  // Log for lines about no tenant, and of tenants whose configuration names no log file.
  std::string log_level = "info";
  std::string log_file;
};

// Nothing if the file is the configuration of one tenant. Errors as load_config.
[[nodiscard]] Result<std::optional<Tenants>> load_tenants(const std::string& path);
// The configuration of a tenant among several; `server` is what they have in common. What cannot be
// a tenant's own is a mistake: listeners, another name, a public_url at a host that is not its own,
// plugins inside the process. Errors as load_config.
[[nodiscard]] Result<Config> load_tenant(const Tenants& tenants, const TenantEntry& entry);
// The configuration of a tenant that the file at `path` names. Errors: config.io, config.invalid;
// config.tenant when it names no such tenant.
[[nodiscard]] Result<std::string> file_of(const std::string& path, std::string_view tenant);
// Ok if two tenants have nothing in common that would mix what is theirs: folders, log files, the
// root of their keys, the name of their audit logs, ports. Error invalid config.shared names what
// it is.
[[nodiscard]] Status apart(const Config& config, const Config& other);
// The host of `HOST`, `HOST:PORT` or `[IPv6]:PORT`, in lower case. Empty if it is none.
[[nodiscard]] std::string host_of(std::string_view authority);

}  // namespace rabt::config
