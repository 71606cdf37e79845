#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"

// config/rabt.yaml, read and checked. docs/configuration.md lists every key.
namespace rabt::config {

// A whole file. Error invalid config.io: why it cannot be read, without its name; a folder is no
// file.
[[nodiscard]] Result<std::string> read_text(const std::string& path);

// Where a secret comes from; the value itself is never in the file.
struct SecretSource {
  std::string file;
  std::string env;
};
// Error invalid config.missing_secret: says which source was empty or unreadable, or readable by
// others.
[[nodiscard]] Result<std::shared_ptr<SecretBytes>> read_secret(const SecretSource& source);

struct PluginEntry {
  Json config = Json::object();
  std::string config_version;  // of the plugin, that config was written for; empty: unsaid
  std::map<std::string, SecretSource> secrets;
  std::vector<std::string> hosts;                        // allow-list beyond the manifest's
  std::optional<std::vector<std::string>> patient_data;  // of both: that may be sent patient data
  std::string record;                                    // folder; empty: nothing is recorded
  bool allow_private = false;                            // may reach private and loopback addresses
  std::string tls_ca, tls_cert, tls_key;
  bool in_process = false;   // isolation: inline
  std::uint64_t memory = 0;  // of its process, bytes; 0: the default
  int threads = 0;           // likewise
};

struct SourceEntry {
  std::string name;
  std::string scheme;  // standard-webhooks, twilio, static-token
  std::vector<SecretSource> secrets;
  std::string header;  // static-token: header that carries it; empty: Authorization: Bearer
  std::string plugin;  // reads the delivery
};

// What the HTTP requests of workflows may reach.
struct HttpEntry {
  std::vector<std::string> allow;
  bool allow_private = false;
  std::string ca;
  std::vector<std::string> patient_data;  // entries of allow: for the linter
};

// A place outside the database that keeps the audit log's checkpoints: a folder, or a syslog
// server, which gets every entry as well.
struct AuditAnchor {
  std::string folder;     // in the layout of C2SP tlog-tiles
  bool required = false;  // see audit::AnchorEntry, audit::SyslogOptions
  std::string host;       // of the syslog server
  int port = 0;
  net::TlsOptions tls;
  int high_water = 10'000;  // entries
};

struct AuditConfig {
  std::string origin;  // the log's name, and that of its key
  std::vector<AuditAnchor> anchors;
};

// Who may read patient data over the API, what roles are sent data for, what may leave on which
// channel.
struct PrivacyConfig {
  bool break_glass = false;                     // patient_data: break_glass
  std::map<std::string, std::string> purposes;  // role: code of HL7 v3 PurposeOfUse
  phi::PolicyRules channels = phi::default_rules();
  phi::DetectorOptions detector;
};

// Where the root of all keys is; see crypto::RootProvider.
struct KeysConfig {
  std::string kind = "file";  // file, env, pkcs11, vault
  std::string file;           // empty: root.key in the data folder
  std::string env;
  std::string module, token, key;  // pkcs11; key also of vault
  SecretSource pin;
  std::string url, mount = "transit", name_space, ca;  // vault
  SecretSource vault_token;
  bool development = false;
};

// Periods by class, as written; keys::parse_period reads them.
struct RetentionConfig {
  std::map<std::string, std::string> classes;
  bool automatic_shred = false;
};

struct Config {
  std::string file;
  std::string tenant;
  std::string address = "127.0.0.1";
  int port = 8480;
  std::string public_url;
  std::string data;
  std::string plugins;
  std::string migrations;
  std::vector<std::string> workflows;
  std::map<std::string, std::string> roles;
  std::map<std::string, PluginEntry> plugin;
  bool sandbox_required = true;  // plugin_sandbox
  std::vector<SourceEntry> sources;
  HttpEntry http;
  AuditConfig audit;
  PrivacyConfig privacy;
  KeysConfig keys;
  RetentionConfig retention;
  std::map<std::string, SecretSource> workflow_secrets;
  int workers = 2;
  std::string log_level = "info";
  std::string log_file;  // empty: standard error
};

// Errors: config.io, config.invalid; the message lists every mistake as file:line:column: what is
// wrong, with a suggestion.
[[nodiscard]] Result<Config> load_config(const std::string& path);

}  // namespace rabt::config
