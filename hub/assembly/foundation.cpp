#include "hub/assembly/foundation.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "hub/assembly/database.hpp"
#include "hub/audit/note.hpp"
#include "hub/audit/reader.hpp"
#include "hub/base/file_there.hpp"
#include "hub/crypto/root.hpp"
#include "hub/keys/fit.hpp"
#include "hub/keys/retention.hpp"
#include "hub/keys/sealing_clock.hpp"
#include "hub/keys/vault_root.hpp"

namespace rabt::assembly {

namespace {

Result<std::shared_ptr<SecretBytes>> read_named_secret(const config::SecretSource& from,
                                                       const std::string& what) {
  auto value = config::read_secret(from);
  if (value.ok()) return value;
  return invalid(value.error().code, what + ": " + value.error().message);
}

// Secret that opens the root key of the configured kind. Null if the root key is in a file.
Result<std::shared_ptr<SecretBytes>> read_root_secret(const config::KeysConfig& keys) {
  if (keys.kind == "env") return read_named_secret({.file = {}, .env = keys.env}, "keys.root");
  if (keys.kind == "pkcs11") return read_named_secret(keys.pin, "keys.root.pkcs11.pin");
  if (keys.kind == "vault") return read_named_secret(keys.vault_token, "keys.root.vault.token");
  return std::shared_ptr<SecretBytes>();
}

std::string root_file(const config::Config& config) {
  return config.keys.file.empty() ? config.data + "/root.key" : config.keys.file;
}

// The library is not loaded: loading runs its code. The system's loader finds a bare name.
Status check_module(const config::KeysConfig& keys) {
  if (keys.kind != "pkcs11" || keys.module.find('/') == std::string::npos) return ok_status();
  const auto library = config::read_text(keys.module);
  if (library.ok()) return ok_status();
  return invalid("crypto.root_pkcs11", "the PKCS#11 library cannot be loaded: " + keys.module +
                                           ": " + library.error().message);
}

// create: the root may be made, because no keyring needs an older one.
Result<std::unique_ptr<crypto::RootProvider>> open_root(const config::Config& config, bool create,
                                                        net::HttpClient& http, Random& random) {
  const config::KeysConfig& keys = config.keys;
  RABT_TRY(secret, read_root_secret(keys));
  if (keys.kind == "env") return crypto::make_development_root(*secret, keys.env);
  if (keys.kind == "pkcs11") {
    return crypto::open_pkcs11_root({.module = keys.module,
                                     .token = keys.token,
                                     .key = keys.key,
                                     .pin = std::move(secret),
                                     .create = create});
  }
  if (keys.kind == "vault") {
    keys::VaultOptions options{.url = keys.url,
                               .mount = keys.mount,
                               .key = keys.key,
                               .name_space = keys.name_space,
                               .token = std::move(secret),
                               .tls = nullptr};
    if (!keys.ca.empty()) {
      options.tls = std::make_shared<const net::TlsOptions>(
          net::TlsOptions{.ca_file = keys.ca, .client_cert_file = {}, .client_key_file = {}});
    }
    return keys::open_vault_root(std::move(options), http);
  }
  return crypto::open_file_root(root_file(config), random, create);
}

std::string database_name(const config::Config& config) {
  return config.postgres ? config.postgres->database + " at " + config.postgres->host
                         : "in " + config.data;
}

// A keyring that has sealed something belongs to a database: an empty one must not take its place.
Status check_database(const config::Config& config, const crypto::Keyring& keyring) {
  RABT_TRY_STATUS(check_place(config));
  RABT_TRY(info, keyring.info());
  const bool sealed = std::any_of(info.tenants.begin(), info.tenants.end(), [&](const auto& one) {
    return one.name == config.tenant && !one.buckets.empty();
  });
  if (!sealed) return ok_status();
  RABT_TRY(used, database_is_used(config));
  if (used) return ok_status();
  return corrupt("cli.database_missing",
                 "the keyring in " + config.data + " has been used but its database " +
                     database_name(config) +
                     " does not exist or is empty; restore the database from its backup. For a "
                     "new, empty hub, name another data folder");
}

// Says what a wrong clock does. Before the log is opened, which adds entries.
Status look_at_clock(store::Store& store, const Clock& clock, Logger& log) {
  constexpr std::int64_t kSlackMs = 60'000;
  if (const Status right = keys::check_clock(clock); !right.ok()) {
    log.error("clock.wrong", {{"code", std::string_view(right.error().code)},
                              {"message", std::string_view(right.error().message)}});
  }
  std::optional<Timestamp> newest;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(at, audit::newest_entry(connection));
    newest = at;
    return ok_status();
  }));
  const Timestamp now = clock.now();
  if (!newest || newest->ms - now.ms <= kSlackMs) return ok_status();
  const std::string entry = to_iso8601(*newest);
  const std::string shown = to_iso8601(now);
  log.warn("clock.behind",
           {{"clock", std::string_view(shown)},
            {"newest_entry", std::string_view(entry)},
            {"message",
             "the clock of the machine is before the newest entry of the audit log: one of the two "
             "was made by a wrong clock; check the time service"}});
  return ok_status();
}

// The keyring of the data folder, with keys of the configured tenant.
Result<std::unique_ptr<crypto::Keyring>> open_keyring(const config::Config& config,
                                                      net::HttpClient& http, const Clock& clock,
                                                      Random& random) {
  const std::string path = config.data + "/keyring";
  RABT_TRY(has_keyring, is_there(path));
  // A new keyring would open nothing in an old database.
  if (!has_keyring) {
    RABT_TRY(used, database_is_used(config));
    if (used) {
      return corrupt("cli.keyring_missing",
                     "the database " + database_name(config) +
                         " exists but its keyring does not; restore the file " + path +
                         " from its own backup");
    }
  }
  RABT_TRY(root, open_root(config, !has_keyring, http, random));
  RABT_TRY(keyring,
           crypto::Keyring::open_or_create({.path = path, .root = std::move(root)}, clock, random));
  RABT_TRY_STATUS(keyring->ensure_tenant(config.tenant));
  return keyring;
}

keys::RetentionPolicy retention_of(const config::Config& config) {
  keys::RetentionPolicy policy;
  for (const auto& [class_name, text] : config.retention.classes) {
    // The reader of the configuration has checked the text.
    const auto period = keys::parse_period(text);
    if (period.ok()) policy.classes.insert_or_assign(class_name, *period);
  }
  return policy;
}

// A host, as a part of a file name.
std::string file_name(std::string_view host) {
  std::string out(host);
  std::replace(out.begin(), out.end(), ':', '_');
  return out;
}

// The audit log with its anchors. For each syslog anchor a sender is appended to `senders`; the log
// must be destroyed before the senders.
Result<std::unique_ptr<audit::AuditLog>> open_audit(
    store::Store& store, const crypto::Keyring& keyring, const config::Config& config,
    const Clock& clock, Logger& log, std::vector<std::unique_ptr<audit::SyslogSender>>& senders) {
  RABT_TRY(options,
           audit::LogOptions::of(keyring, config.tenant, config.data, config.audit.origin));
  options.log = &log;
  const std::string vkey = audit::Signer(options.origin, options.seed).vkey();
  for (const config::AuditAnchor& anchor : config.audit.anchors) {
    if (anchor.host.empty()) {
      options.anchors.push_back({audit::make_folder_anchor(anchor.folder, vkey), anchor.required});
      continue;
    }
    audit::SyslogOptions syslog;
    syslog.host = anchor.host;
    syslog.port = anchor.port;
    syslog.tls = anchor.tls;
    syslog.required = anchor.required;
    syslog.high_water = anchor.high_water;
    syslog.cursor_file =
        config.data + "/audit.syslog." + file_name(anchor.host) + "." + std::to_string(anchor.port);
    RABT_TRY(sender, audit::SyslogSender::start({store, clock, log}, std::move(syslog),
                                                export_source(config)));
    options.anchors.push_back({sender->anchor(), anchor.required});
    senders.push_back(std::move(sender));
  }
  return audit::AuditLog::open(store, clock, std::move(options));
}

}  // namespace

Result<std::unique_ptr<Foundation>> Foundation::open(const config::Config& config,
                                                     const Clock& clock, Logger& log, Part part) {
  std::unique_ptr<Foundation> foundation(new Foundation(clock, log));
  Foundation& all = *foundation;
  all.http = net::make_curl_client(clock, log);
  RABT_TRY(keyring, open_keyring(config, *all.http, clock, all.random));
  all.keyring = std::move(keyring);
  if (part == Part::keyring) return foundation;
  RABT_TRY(lock, FolderLock::take(config.data));
  all.lock = std::move(lock);
  RABT_TRY_STATUS(check_database(config, *all.keyring));
  RABT_TRY(store, open_database(config, log));
  all.store = std::move(store);
  // Before the audit log, which another hub's keyring would call forged.
  RABT_TRY_STATUS(all.store->read([&](store::Connection& connection) {
    return keys::check_origin(connection, *all.keyring, config.tenant);
  }));
  RABT_TRY_STATUS(look_at_clock(*all.store, all.clock, log));
  RABT_TRY(audit, open_audit(*all.store, *all.keyring, config, clock, log, all.senders));
  all.audit = std::move(audit);
  all.keys = std::make_unique<keys::DataKeys>(
      keys::DataKeys::Parts{*all.keyring, *all.store, clock, all.random, all.ids},
      retention_of(config));
  all.key_admin = std::make_unique<keys::KeyAdmin>(
      keys::KeyAdmin::Parts{*all.keyring, *all.keys, *all.store, *all.audit, clock, log},
      config.tenant);
  return foundation;
}

Status check_root(const config::Config& config) {
  RABT_TRY(secret, read_root_secret(config.keys));
  RABT_TRY_STATUS(check_module(config.keys));
  if (config.keys.kind == "env") {
    RABT_TRY(root, crypto::make_development_root(*secret, config.keys.env));
    (void)root;
  }
  if (secret != nullptr) return ok_status();
  RABT_TRY(present, is_there(root_file(config)));
  if (!present) return ok_status();
  SystemRandom random;
  RABT_TRY(root, crypto::open_file_root(root_file(config), random, false));
  (void)root;
  return ok_status();
}

audit::ExportSource export_source(const config::Config& config) {
  std::array<char, 256> name{};
  const bool named = ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0';
  return {.site = config.tenant,
          .observer = config.audit.origin,
          .host = named ? std::string(name.data()) : std::string("localhost")};
}

}  // namespace rabt::assembly
