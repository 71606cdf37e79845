#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/workflow/action_catalog.hpp"

namespace rabt::net {
struct TlsOptions;
}  // namespace rabt::net

namespace rabt::plugin {

class PackageFiles;

// Process that a plugin's code runs in.
enum class Isolation : std::uint8_t {
  worker,      // in a process of its own, without network and files
  in_process,  // in the hub: the operator trusts it as the hub itself
};
// Limits of a plugin's process. 0 means the default of worker::Limits.
struct WorkerLimits {
  std::uint64_t memory = 0;        // bytes
  std::uint64_t threads = 0;       // beyond the lanes
  std::int64_t storage_bytes = 0;  // 0 stands for the package's kv_bytes
  // Folders and files of the operator's that the process may read until it serves.
  std::vector<std::string> folders{};
};

// Configuration of one plugin.
struct PluginConfig {
  // The name of the instance, by which roles, sources, metrics and logs know it.
  std::string id;
  // The id of the package, where that is another; "" when it is `id`.
  std::string package;
  // Events that the configuration declares beside those of the manifest.
  std::vector<workflow::EventInfo> events;
  // Texts of the operator's that the plugin may say to him, such as its mapping file.
  std::string words;
  // The package: manifest.yaml, schemas/, bin/<machine>/plugin.so.
  std::string folder;
  // The package's bytes, verified. Null: the folder is read, unsigned.
  std::shared_ptr<const PackageFiles> files;
  // The key that signed the package; "" when nobody did.
  std::string key_id;
  // Hex digest of the package's SHA256SUMS; "" when it is unsigned.
  std::string sums_sha256;
  std::string tenant;
  // The plugin's section: handed to the plugin, or what the plugin makes of it (rabt.migrate/1).
  Json config;
  // The version for which the section was written; "" means that the hub remembers it.
  std::string config_version;
  std::map<std::string, std::shared_ptr<SecretBytes>> secrets;
  // Null means the defaults.
  std::shared_ptr<const net::TlsOptions> tls;
  // Allow-list beyond the manifest's.
  std::vector<std::string> extra_hosts;
  // Replaces the manifest's list when it is set.
  std::optional<std::vector<std::string>> patient_hosts;
  bool allow_private_addresses = false;
  // Folder for cassettes of the plugin's HTTP exchanges, for development; "" records nothing.
  std::string record;
  Isolation isolation = Isolation::worker;
  WorkerLimits limits;
};

}  // namespace rabt::plugin
