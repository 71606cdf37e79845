#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/alerts/alerts.hpp"
#include "hub/api/addresses.hpp"
#include "hub/api/rates.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/bus/connection.hpp"
#include "hub/consultation/practice/practice_settings.hpp"
#include "hub/consultation/record/shared_text.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/http/webhook_signature.hpp"
#include "hub/identity/accounts.hpp"
#include "hub/identity/issuers.hpp"
#include "hub/identity/oidc.hpp"
#include "hub/identity/second_person.hpp"
#include "hub/keys/retention.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"
#include "hub/webhooks/wants.hpp"

// rabt.yaml, read and checked. docs/configuration.md lists every key. Paths are absolute.
namespace rabt::config {

// Reads a whole file. Error invalid config.io: why it cannot be read, without its name. A folder
// cannot be read.
[[nodiscard]] Result<std::string> read_text(const std::string& path);

// Place of a secret: `file`, or the environment variable `env`. The other member is empty. The
// secret itself never stands in the configuration.
struct SecretSource {
  std::string file;
  std::string env;
};
// Error invalid config.missing_secret: the source is absent, empty or unreadable, or others can
// read it.
[[nodiscard]] Result<std::shared_ptr<SecretBytes>> read_secret(const SecretSource& source);

struct PluginEntry {
  // Id of the plugin, where the entry has a name of its own. Empty if the name is the id.
  std::string use;
  // The mapping file of a plugin that reads deliveries by one. Empty if it has none.
  std::string source;
  Json config = Json::object();
  // The plugin's version that `config` was written for. Empty if the file does not say it.
  std::string config_version;
  std::map<std::string, SecretSource> secrets;
  // Hosts that are allowed in addition to those of the manifest.
  std::vector<std::string> hosts;
  // The hosts, of the manifest's and of `hosts`, that may receive patient data. Unset if the
  // manifest decides.
  std::optional<std::vector<std::string>> patient_data;
  // Folder that exchanges are recorded in. Empty if nothing is recorded.
  std::string record;
  // Allows private and loopback addresses.
  bool allow_private = false;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  // isolation: inline.
  bool in_process = false;
  // Folders and files that the plugin's process may read until it serves.
  std::vector<std::string> folders;
  // Limits of the plugin's process: bytes of memory, and threads. 0 stands for the default.
  std::uint64_t memory = 0;
  int threads = 0;
  // Bytes that the plugin may keep. 0 stands for the limit of its package.
  std::int64_t storage = 0;
};

// sources.NAME.listen: where a source of the scheme mllp sends to.
struct MllpEntry {
  std::string address = "127.0.0.1";
  int port = 2575;
  // PEM: the authorities of callers' certificates, and their lists of revoked ones. Without
  // authorities it is plain TCP.
  std::string authorities;
  std::string revoked;
  // DNS names of certificates, one of which a caller must show; any trusted one will do if it is
  // empty.
  std::vector<std::string> names;
  // Addresses that may connect. All may if it is unset.
  std::optional<api::Proxies> from;
};

// An issuer whose tokens are trusted. Its secret or its keys are read when the hub starts.
struct IssuerEntry {
  identity::IssuerOptions options;
  // kind: shared-secret.
  SecretSource secret;
  // The file of the JWK set, kind: jwks. Empty if this is a shared secret, or the issuer publishes
  // its keys at options.jwks_url.
  std::string jwks;
  // The place of the JWK set, where it is written as one of a secret.
  std::optional<SecretSource> jwks_place;
};

struct SourceEntry {
  std::string name;
  // standard-webhooks, hmac, jwt, basic, twilio, static-token, sns or mllp.
  std::string scheme;
  // Set with the scheme mllp.
  std::optional<MllpEntry> listen;
  std::vector<SecretSource> secrets;
  // Fields of sns in place of secrets: ARNs of topics, and the URL of a stand-in for SNS, or "".
  std::vector<std::string> topics;
  std::string endpoint;
  // The header that carries a static token, or the signature of hmac. Empty stands for
  // Authorization: Bearer.
  std::string header;
  // Form of the signature of hmac.
  http::HmacForm hmac;
  // The issuer of the tokens of jwt.
  std::optional<IssuerEntry> issuer;
  // The user of basic, whose passwords are the secrets.
  std::string user;
  // Addresses that deliveries over HTTP are taken from. From all if it is unset.
  std::optional<api::Proxies> addresses;
  // The plugin that reads the deliveries.
  std::string plugin;
};

// Limits on the addresses of workflows' HTTP requests.
struct HttpEntry {
  std::vector<std::string> allow;
  bool allow_private = false;
  std::string ca;
  // The entries of `allow` and `webhooks` that may receive patient data. The linter reads them.
  std::vector<std::string> patient_data;
  // Hosts that webhooks made over the API may reach.
  std::vector<std::string> webhooks;
};

// Receiver of events over HTTP. Its secrets are read when the hub starts.
struct WebhookEntry {
  std::string name;
  std::string url;
  // Patterns of event names, types of sessions, clinics; see webhooks::Wants.
  std::vector<std::string> events;
  std::vector<std::string> types;
  std::vector<std::string> clinics;
  std::vector<SecretSource> secrets;
};

// RabbitMQ, which is told of events. Its secrets are read when the hub starts.
struct BusEntry {
  // host or host:port
  std::vector<std::string> hosts;
  std::string vhost = "/";
  std::string user;
  SecretSource password;
  std::string exchange = "pulseone.events";
  bool tls = true;
  // PEM files; see bus::Options.
  std::string ca;
  std::string tls_cert;
  std::string tls_key;
  int heartbeat = 30;
  bool mandatory = false;
  std::vector<webhooks::Route> keys = webhooks::default_routes();
};

// An entry of BusEntry::hosts; the port is AMQP's usual one if it is not named. Error
// config.invalid.
[[nodiscard]] Result<bus::Host> read_broker_host(const std::string& text, bool tls);

// video.ice: how browsers of a call through hub://p2p reach each other.
struct IceEntry {
  // Addresses such as stun:stun.example.sa:3478.
  std::vector<std::string> stun;
  // Addresses such as turns:turn.example.sa:5349?transport=tcp.
  std::vector<std::string> turn;
  // The secret that the TURN servers share with the hub. Set when `turn` names a server.
  SecretSource turn_secret;
};

// A place outside the database that keeps the audit log's checkpoints: a folder, or a syslog
// server, which gets every entry, too.
struct AuditAnchor {
  // A folder in the layout of C2SP tlog-tiles. Empty if this is a syslog server.
  std::string folder;
  // See audit::AnchorEntry and audit::SyslogOptions.
  bool required = false;
  // The syslog server. `host` is empty if this is a folder.
  std::string host;
  int port = 0;
  net::TlsOptions tls;
  // Entries that may wait for the server.
  int high_water = 10'000;
};

struct AuditConfig {
  // The name of the log and of its key.
  std::string origin;
  std::vector<AuditAnchor> anchors;
};

// Rules for patient data: their readers over the API, the purposes of roles, and the data that may
// leave on each channel.
struct PrivacyConfig {
  // patient_data: break_glass.
  bool break_glass = false;
  // Hours before its planned start at which a session makes its doctors and nurses the patient's.
  int treats_before_hours = 24;
  // Codes of HL7 v3 PurposeOfUse by role.
  std::map<std::string, std::string> purposes;
  phi::PolicyRules channels = phi::default_rules();
  phi::DetectorOptions detector;
};

// Place of the root of all keys; see crypto::RootProvider.
struct KeysConfig {
  // file, env, pkcs11 or vault. Only the fields of this kind are set.
  std::string kind = "file";
  // Empty stands for root.key in the data folder.
  std::string file;
  std::string env;
  // PKCS#11. Vault has a `key`, too.
  std::string module;
  std::string token;
  std::string key;
  SecretSource pin;
  // Vault.
  std::string url;
  std::string mount = "transit";
  std::string name_space;
  std::string ca;
  SecretSource vault_token;

  bool development = false;
};

struct RetentionConfig {
  // Periods by class, as they are written; keys::parse_period reads them.
  std::map<std::string, std::string> classes;
  // Period for which a delivery is known. The longer of 90 days and what `event` asks for, unless
  // given.
  keys::Period delivery = keys::kDeliveryPeriod;
  bool automatic_shred = false;
};

// server.mtls: a listener that asks its callers for certificates.
struct MtlsEntry {
  std::string address;
  int port = 8490;
  // PEM files: whose certificates are taken, and which are revoked. The second may be empty.
  std::string authorities;
  std::string revoked;
};

// A compatibility API: docs/compat.
struct DoorEntry {
  bool enabled = true;
  // The port of a listener of its own, on the address of the server. Unset if the main listener is
  // the only one; 0 takes a free port.
  std::optional<int> listen;
  // Requests that one caller may send in a second, in the long run. 0 if there is no limit.
  int rate = 200;
  // Origins of pages that may call it.
  std::vector<std::string> cors;
  // Offset of times that are written without a zone from UTC, in minutes; positive east of UTC.
  int naive_offset_minutes = 0;
  // True if a sign-in of this API needs no second factor. Of `clinicvault` alone.
  bool second_factor_exempt = false;
};

// An issuer at which browsers sign in, kind: oidc.
struct OidcEntry {
  identity::OidcOptions options;
  // The client's secret, or its private key when options.key_algorithm is set.
  SecretSource secret;
  // Hosts of its endpoints, where they are not the issuer's own.
  std::vector<std::string> hosts;
  // Name of the issuer on its button at the sign-in, by language. May be empty.
  std::map<std::string, std::string> display;
};

struct IdentityConfig {
  std::vector<IssuerEntry> issuers;
  std::vector<OidcEntry> oidc;
  identity::AccountOptions accounts;
  identity::SecondPersonOptions second_person;
  // True if somebody who administers may neither treat nor audit.
  bool separate_roles = true;
};

// Addresses and ports that the process listens on. Several tenants share it.
struct ServerEntry {
  std::string address = "127.0.0.1";
  int port = 8480;
  // server.tls: PEM files. Empty if the hub speaks plain HTTP.
  std::string tls_certificates;
  std::string tls_key;
  bool tls_only_1_3 = false;
  std::optional<MtlsEntry> mtls;
  // server.trusted_proxies: what X-Forwarded-For is believed from.
  api::Proxies proxies;
};

// alerts.mail: the relay that mails of alerts go to.
struct AlertMailEntry {
  // smtp://host:port or smtps://host:port
  std::string url;
  std::string from;
  std::vector<std::string> to;
  // If this is empty, the hub sends to the relay without signing in.
  std::string user;
  SecretSource password;
  std::string ca;
};

// The section `alerts`: numbers of the rules, and the receivers.
struct AlertsEntry {
  alerts::Settings settings;
  // In the order of the mail.
  std::vector<alerts::Language> languages{alerts::Language::ar, alerts::Language::en};
  // Unset if nobody gets a mail.
  std::optional<AlertMailEntry> mail;
  // Telephone numbers, as +966501234567.
  std::vector<std::string> sms;
};

// store.postgres: the hub's database on a PostgreSQL server.
struct PostgresEntry {
  // A host, several with commas between them, or the folder of a socket.
  std::string host;
  int port = 5432;
  std::string database;
  std::string user;
  // Empty when the server asks for none.
  SecretSource password;
  // An empty text stands for prefer on this machine and for verify-full elsewhere.
  std::string sslmode;
  std::string ca;
  // The role that owns the schema; empty when `user` does.
  std::string owner;
  SecretSource owner_password;
};

struct Config {
  std::string file;
  // The file that names this tenant beside others; see tenants.hpp. Empty if there is none.
  std::string common;
  std::string tenant;
  // True if the process serves other tenants, too; see tenants.hpp.
  bool one_of_several = false;
  ServerEntry server;
  std::string public_url;
  api::RateOptions rates;
  // server.cors: origins whose pages may call /api/v1.
  std::vector<std::string> cors;
  std::string data;
  std::string plugins;
  std::string migrations;
  // Unset if the database is the file rabt.db of the data folder.
  std::optional<PostgresEntry> postgres;
  std::vector<std::string> workflows;
  // Folder of the code maps that hub://map serves; empty if there are none.
  std::string maps;
  std::map<std::string, std::string> roles;
  std::map<std::string, PluginEntry> plugin;
  // plugin_sandbox: required.
  bool sandbox_required = true;
  std::vector<SourceEntry> sources;
  HttpEntry http;
  std::vector<WebhookEntry> webhooks;
  // Unset if no broker is told anything.
  std::optional<BusEntry> bus;
  IceEntry ice;
  // Every compatibility API by its name, also those that the file leaves out, and `metrics` if the
  // file has it.
  std::map<std::string, DoorEntry> doors{
      {"clinicvault", {}}, {"emr", {}}, {"kiorex", {}}, {"pulseone", {}}};
  AuditConfig audit;
  PrivacyConfig privacy;
  KeysConfig keys;
  RetentionConfig retention;
  // Sessions: `video`, `licence`, `consent`. What surrounds them: `metering`, `compliance`.
  consultation::VideoSettings video;
  consultation::PracticeSettings practice;
  consultation::House house;
  // Folder of the hospital's own texts, which `house` holds. Empty if it has none.
  std::string messages;
  consultation::LinkSettings links;
  consultation::CoveragePolicy coverage;
  // `clinic.task_messages`: staff is told that tasks wait.
  bool task_messages = false;
  // `phi`: patient data in messages, and in the text of documents.
  consultation::TextRules chat_rules;
  consultation::TextRules document_rules;
  IdentityConfig identity;
  std::map<std::string, SecretSource> workflow_secrets;
  AlertsEntry alerts;
  int workers = 2;
  std::string log_level = "info";
  // Empty stands for standard error.
  std::string log_file;
};

// Errors: config.io, config.invalid. The message lists every mistake with its place, as
// file:line:column, and says what is wrong and, where it can, what was meant. config.tenant: the
// file names several tenants, of which each has a configuration of its own.
[[nodiscard]] Result<Config> load_config(const std::string& path);
// The configuration and the files that it names and that hold no secret: workflows, texts, mapping
// files, certificates, lists. Absolute, in order, each once. Not here: keys and secrets, what
// stands in folders (`maps`, `folders` of a plugin), and the program's own files.
[[nodiscard]] std::vector<std::string> files_of(const Config& config);
// Returns the level of the setting log.level. Unknown words stand for info.
[[nodiscard]] LogLevel log_level(std::string_view name);

}  // namespace rabt::config
