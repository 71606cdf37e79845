#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"
#include "hub/store/store.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

// Plugins and hub services behind roles: what a workflow's call reaches.
namespace rabt::plugin {

class PackageFiles;

// One action as its manifest declares it.
struct ActionSpec {
  std::string name;
  std::string version;  // semver of the action's contract
  std::string title;
  std::string idempotency;  // native: the outside system takes the key; key: the plugin makes
                            // repeating safe; probe: it can ask; none
  std::int64_t timeout_ms = 0;
  std::optional<phi::Channel> channel;  // where its arguments leave to: event or notify
  std::string capability;               // video.session.create/1; empty: the vendor's own
  Json input_schema;                    // null when none
  Json output_schema;                   // null when none
};

// For a call by this name: of a capability it is the capability's schemas that count, so that a
// workflow relies on nothing that only one vendor gives.
[[nodiscard]] workflow::ActionInfo action_info(const ActionSpec& spec, std::string_view called);

// A manifest, read and checked before any code of the plugin runs.
struct Manifest {
  std::string id;
  std::string version;
  int abi_major = 0;
  int abi_min_minor = 0;
  std::string vendor;
  Json config_schema;
  std::vector<ActionSpec> actions;
  std::vector<workflow::EventInfo> events;  // that it may produce
  std::vector<std::string> roles;           // that it serves as a whole: video/1
  std::vector<std::string> secrets;         // names it may refer to
  std::vector<std::string>
      hosts;  // allow-list entries; "${config:/pointer}" takes the host of a configured URL
  // Of hosts: where requests may go that belong to a call with marked arguments. None: to all.
  std::optional<std::vector<std::string>> patient_hosts;
  bool secrets_raw = false;
  bool blob = false;  // may read and write blobs (rabt.blob/1)
  int concurrency = 1;
  bool blocking = false;
  std::string sha256;  // hex, of the manifest file
};
// Error codes: plugin.manifest (file, line, what), plugin.manifest_io, those of PackageFiles::read.
[[nodiscard]] Result<Manifest> read_manifest(const std::string& folder);

// Where a plugin's code runs.
enum class Isolation : std::uint8_t {
  worker,      // in a process of its own, without network and files
  in_process,  // in the hub: it is trusted as the hub is
};
// Of a plugin's process; 0: the default, worker::Limits.
struct WorkerLimits {
  std::uint64_t memory = 0;   // bytes
  std::uint64_t threads = 0;  // beyond the lanes
};

// What the operator configured for one plugin.
struct PluginConfig {
  std::string id;      // also the name of the instance
  std::string folder;  // the package: manifest.yaml, schemas/, bin/<machine>/plugin.so
  std::shared_ptr<const PackageFiles>
      files;                // its bytes, verified; null: the folder is read, unsigned
  std::string key_id;       // that signed it; empty: nobody
  std::string sums_sha256;  // hex, of its SHA256SUMS; empty: unsigned
  std::string tenant;
  Json config;  // its section: handed to the plugin, or what it makes of it (rabt.migrate/1)
  std::string config_version;  // for which the section was written; empty: the hub remembers
  std::map<std::string, std::shared_ptr<SecretBytes>> secrets;
  std::shared_ptr<const net::TlsOptions> tls;             // null: defaults
  std::vector<std::string> extra_hosts;                   // allow-list beyond the manifest's
  std::optional<std::vector<std::string>> patient_hosts;  // in place of the manifest's
  bool allow_private_addresses = false;
  std::string record;  // folder for cassettes of its HTTP exchanges, for development; empty: none
  Isolation isolation = Isolation::worker;
  WorkerLimits limits;
};

// What somebody relies on.
struct Need {
  std::string target;  // plugin://<id>, hub://<service>, or a role
  std::string action;
  std::string version;
  std::string by;  // "workflow telehealth/consultation 1.2.0, line 120 (3 instances)"
};
// Conflict engine.unserved: a line for each need that nothing serves, with what would.
[[nodiscard]] Status check_served(const std::vector<Need>& needs,
                                  const workflow::ActionCatalog& catalog);
struct CallRequest {
  std::string tenant;
  std::string instance;  // ULID text, for log and audit
  std::string patient;   // pseudonym of the person whose data the call is about, for audit
  std::string role;
  std::string target;  // plugin://<id> or hub://<service>; empty: what the role is bound to
  std::string action;
  std::string version;
  Json arguments;
  std::string idempotency_key;
  std::int64_t deadline_unix_ms = 0;
  std::uint32_t attempt = 1;
};
using Ended = std::function<void(workflow::ActionOutcome)>;

// A service of the hub that a role can be bound to (hub://<name>): the hub's own records, reached
// by workflows as any plugin. Internally synchronised.
class HubService {
 public:
  virtual ~HubService() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::vector<ActionSpec> actions() const = 0;
  // done exactly once, from any thread, possibly before this returns.
  virtual void invoke(const CallRequest& call, Ended done) = 0;
};

struct ProbeAnswer {
  enum class Effect : std::uint8_t { yes, no, unknown } effect = Effect::unknown;
  Json output;
};

// Internally synchronised.
class PluginHost : public workflow::ActionCatalog {
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
    net::AllowList patient_hosts = {};  // http.patient_data of the configuration
    // The program that plugins' processes run; empty: rabt-plugin-host beside this program.
    std::string worker_program;
    // Whether a plugin is refused where the system lacks a part of the sandbox.
    bool sandbox_required = true;
  };
  [[nodiscard]] static std::unique_ptr<PluginHost> make(Parts parts);

  // Reads and checks the manifest, copies the library into a sealed memory file and hashes it; maps
  // it, in a process of its own or here; checks the entry, then creates the instance. Error codes:
  // plugin.manifest..., plugin.library, plugin.platform, plugin.isolation, plugin.no_entry,
  // plugin.abi_major, plugin.abi_too_new, plugin.id_mismatch, plugin.digest, plugin.config,
  // plugin.missing_secret, plugin.migrate, plugin.create, plugin.sandbox, plugin.worker; each
  // message says what to do next. Several versions of one id may be loaded, also while calls run:
  // the newest whose contract serves takes a call, and reads deliveries. A version that is loaded
  // already: plugin.loaded. A configuration that was written for an older version is migrated
  // first; what came of it is durable before the version takes a call, and a version that is
  // refused leaves nothing behind.
  virtual Status load(PluginConfig config) = 0;
  // Takes the versions out of use that a newer one makes superfluous, where no need is served by
  // them alone. When this returns no new call reaches them. Each is then drained beside the rest:
  // it gets grace_ms to end its open calls (A7). Gives "<id> <version>" of each; in the audit log.
  virtual Result<std::vector<std::string>> retire(const std::vector<Need>& needs,
                                                  std::int64_t grace_ms) = 0;
  virtual void add_service(std::shared_ptr<HubService> service) = 0;
  // target: "plugin://<id>" or "hub://<service>". Error plugin.unknown_target lists what there is.
  virtual Status bind_role(std::string role, std::string_view target) = 0;

  // Starts a call. What it carries to the channel notify (every call of a role `notify`, and of an
  // action whose manifest says so) or event passes the policy first; phi.blocked: nothing was sent.
  // done exactly once, from any thread: the plugin's outcome, or transient (refused,
  // unknown role), permanent (arguments or output against the schema), or ambiguous (deadline and
  // grace passed, no answer). A late answer is counted and dropped. Returns a token for cancel.
  virtual std::uint64_t invoke(CallRequest call, Ended done) = 0;
  virtual void cancel(std::uint64_t token) = 0;
  // Asks whether an earlier call with this key took effect; unknown when the plugin cannot say.
  virtual void probe(CallRequest call, std::function<void(ProbeAnswer)> done) = 0;

  // Runs the plugin's webhook extension: events as a JSON array, checked for shape. Blocks the
  // calling thread while the plugin works. Errors: plugin.unknown, plugin.no_webhook,
  // plugin.delivery (422: the plugin's words).
  [[nodiscard]] virtual Result<Json> normalise(std::string_view plugin_id, const Json& delivery,
                                               std::string_view body) = 0;

  // Who gets what a call sends. role: or a target. Empty: a service of the hub, or nobody.
  struct Recipient {
    std::string plugin;
    std::string version;
    std::vector<std::string> hosts;  // that it may reach, as its allow-list has them
  };
  [[nodiscard]] virtual std::optional<Recipient> recipient(std::string_view role,
                                                           std::string_view action,
                                                           std::string_view version) const = 0;

  struct WorkerState {
    std::string phase;  // starting, up, waiting (for the next start), quarantined, stopped
    std::int64_t pid = 0;
    std::uint64_t starts = 0;
    std::uint64_t deaths = 0;
    std::uint64_t forbidden = 0;  // system calls that were refused
    std::int64_t quarantine_left_ms = 0;
    std::string missing;  // parts of the sandbox that the system does not give; empty: none
  };
  // What a plugin said of itself last (rabt.health/1).
  struct PluginHealth {
    std::string status;  // ok, degraded, down; unknown: not asked yet
    std::string reason;  // in the words of its package
  };
  struct PluginState {
    std::optional<PluginHealth> health;  // none: it does not offer rabt.health/1
    Manifest manifest;
    std::string key_id;                 // that signed the package; empty: unsigned
    std::optional<WorkerState> worker;  // none: it runs in the hub
    bool newest = true;                 // false: it serves older contracts
    bool draining = false;              // no new call reaches it
    std::uint64_t calls = 0;
    std::uint64_t open = 0;
    std::map<std::string, std::uint64_t> outcomes;    // by kind
    std::map<std::string, std::uint64_t> violations;  // by clause: A1, A4, ...
  };
  [[nodiscard]] virtual std::vector<PluginState> plugins() const = 0;
  // Starts a quarantined plugin again and forgets its deaths; in the audit log before it is begun.
  // Errors: plugin.unknown, conflict plugin.not_quarantined, those of the audit log.
  virtual Status release(std::string_view plugin_id, std::string_view actor) = 0;
  // What the plugins measure (rabt.metrics/1), in Prometheus text format.
  [[nodiscard]] virtual std::string metrics() const = 0;
  [[nodiscard]] virtual std::map<std::string, std::string> bindings() const = 0;  // role -> target
  // Waits for open calls up to grace_ms, then abandons the rest (their outcome: ambiguous).
  virtual void shutdown(std::int64_t grace_ms) = 0;
};

}  // namespace rabt::plugin
