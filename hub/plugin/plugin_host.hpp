#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/plugin/call.hpp"

namespace rabt {
class Clock;
class Logger;
class Random;
}  // namespace rabt
namespace rabt::audit {
class AuditLog;
}  // namespace rabt::audit
namespace rabt::blob {
class BlobStore;
}  // namespace rabt::blob
namespace rabt::keys {
class DataKeys;
}  // namespace rabt::keys
namespace rabt::net {
class AllowList;
class HttpClient;
}  // namespace rabt::net
namespace rabt::phi {
class Policy;
const Policy& strict_policy();
}  // namespace rabt::phi
namespace rabt::store {
class Store;
}  // namespace rabt::store

// Plugins and hub services behind roles: what a workflow's call reaches.
namespace rabt::plugin {

struct PluginConfig;

// Internally synchronised.
class PluginHost : public ActionRunner {
 public:
  struct Parts {
    store::Store& store;
    keys::DataKeys& keys;
    audit::AuditLog& audit;
    net::HttpClient& http;
    blob::BlobStore& blobs;
    const Clock& clock;
    Random& random;
    Logger& log;
    const phi::Policy& privacy = phi::strict_policy();
    // http.patient_data of the configuration. Null: no host may get patient data.
    std::shared_ptr<const net::AllowList> patient_hosts = nullptr;
    // The program that plugins' processes run; "" means rabt-plugin-host beside this program.
    std::string worker_program = {};
    // True if a plugin is refused where the system lacks a part of the sandbox.
    bool sandbox_required = true;
  };
  [[nodiscard]] static std::unique_ptr<PluginHost> make(Parts parts);

  // Reads and checks the manifest, copies the library into a sealed memory file and hashes it; maps
  // it, in a process of its own or here; checks the entry, then creates the instance. Error codes:
  // plugin.manifest..., plugin.library, plugin.platform, plugin.isolation, plugin.no_entry,
  // plugin.abi_major, plugin.abi_too_new, plugin.id_mismatch, plugin.digest, plugin.config,
  // plugin.missing_secret, plugin.secret, plugin.migrate, plugin.create, plugin.sandbox,
  // plugin.worker; each message says what to do next. Several versions of one id may be loaded,
  // also while calls run: the newest whose contract serves takes a call, and reads deliveries. A
  // version that is loaded already: plugin.loaded. A configuration that was written for an older
  // version is migrated first; the migrated one is durable before the version takes a call, and a
  // version that is refused leaves nothing behind.
  virtual Status load(PluginConfig config) = 0;
  // Takes the versions out of use that a newer one makes superfluous, where no need is served by
  // them alone. When this returns no new call reaches them. Each is then drained beside the rest:
  // it gets grace_ms to end its open calls (A7). Gives "<id> <version>" of each; in the audit log.
  virtual Result<std::vector<std::string>> retire(const std::vector<Need>& needs,
                                                  std::int64_t grace_ms) = 0;
  virtual void add_service(std::shared_ptr<HubService> service) = 0;
  // target: "plugin://<id>" or "hub://<service>". Error plugin.unknown_target lists what there is.
  virtual Status bind_role(std::string role, std::string_view target) = 0;
  // True if the newest version behind the target declares the feature. A service of the hub
  // declares none.
  [[nodiscard]] virtual bool has_feature(std::string_view target,
                                         std::string_view feature) const = 0;

  // Runs the plugin's webhook extension: events as a JSON array, or the object with answers that
  // rabt/extension/webhook.h has, checked. An event has `codes` besides: the declared codes of its
  // data by the names of the members, if it has some. Blocks the calling thread meanwhile.
  // Errors: plugin.unknown, plugin.no_webhook, plugin.delivery (422: the plugin's words).
  [[nodiscard]] virtual Result<Json> normalise(std::string_view plugin_id, const Json& delivery,
                                               std::string_view body) = 0;

  struct WorkerState {
    std::string phase;  // starting, up, waiting (for the next start), quarantined, stopped
    std::int64_t pid = 0;
    std::uint64_t starts = 0;
    std::uint64_t deaths = 0;
    std::uint64_t forbidden = 0;  // system calls that were refused
    std::int64_t quarantine_left_ms = 0;
    // Parts of the sandbox that the system does not give; "" when it gives all.
    std::string missing;
  };
  // Health that a plugin reported last (rabt.health/1).
  struct PluginHealth {
    std::string status;  // ok, degraded, down; unknown: not asked yet
    std::string reason;  // in the words of its package
  };
  struct PluginState {
    std::string id;
    std::string version;
    // Unset when the plugin does not offer rabt.health/1.
    std::optional<PluginHealth> health;
    // The key that signed the package; "" when it is unsigned.
    std::string key_id;
    // Unset when the plugin runs in the hub.
    std::optional<WorkerState> worker;
    // False when the version serves older contracts only.
    bool newest = true;
    // True when no new call reaches the version.
    bool draining = false;
    std::uint64_t calls = 0;
    std::uint64_t open = 0;
    std::map<std::string, std::uint64_t> outcomes;  // by kind
    // By the codes of CodedMembers: "adjudication=rejected".
    std::map<std::string, std::uint64_t> answers;
    std::map<std::string, std::uint64_t> violations;  // by clause: A1, A4, ...
    // Bytes that all versions of the plugin keep, except expired values, and their limit.
    std::int64_t storage_bytes = 0;
    std::int64_t storage_quota = 0;
    // True from 70 % of the quota on.
    [[nodiscard]] bool storage_scarce() const {
      return storage_quota > 0 && storage_bytes * 10 >= storage_quota * 7;
    }
  };
  [[nodiscard]] virtual std::vector<PluginState> plugins() const = 0;
  // Starts a quarantined plugin again and forgets its deaths; in the audit log before it is begun.
  // Errors: plugin.unknown, conflict plugin.not_quarantined, those of the audit log.
  virtual Status release(std::string_view plugin_id, std::string_view actor) = 0;
  // Compares what the plugins keep with their quotas: the log tells once when one passes 70 and 90
  // % (plugin.storage). For maintenance.
  virtual void look_after_storage() = 0;
  // Removes one chunk of expired values of the plugins' storage. True when there may be more. For
  // maintenance.
  virtual bool remove_expired_values() = 0;
  // Metrics of the plugins (rabt.metrics/1), in Prometheus text format.
  [[nodiscard]] virtual std::string metrics() const = 0;
  // Waits for open calls up to grace_ms, then abandons the rest (their outcome: ambiguous).
  virtual void shutdown(std::int64_t grace_ms) = 0;
};

}  // namespace rabt::plugin
