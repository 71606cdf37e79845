#include "hub/assembly/open_keys.hpp"

#include <filesystem>

#include "hub/crypto/root.hpp"
#include "hub/keys/vault_root.hpp"

namespace rabt::assembly {

namespace {

// create: there is no keyring that needs the root that was there before.
Result<std::unique_ptr<crypto::RootProvider>> open_root(const config::Config& config, bool create,
                                                        net::HttpClient& http, Random& random) {
  const config::KeysConfig& keys = config.keys;
  const auto secret = [](const config::SecretSource& from, const std::string& what) {
    auto value = config::read_secret(from);
    if (value.ok()) return value;
    return Result<std::shared_ptr<SecretBytes>>(
        invalid(value.error().code, what + ": " + value.error().message));
  };
  if (keys.kind == "env") {
    RABT_TRY(hex, secret({.file = {}, .env = keys.env}, "keys.root"));
    return crypto::make_development_root(*hex, keys.env);
  }
  if (keys.kind == "pkcs11") {
    RABT_TRY(pin, secret(keys.pin, "keys.root.pkcs11.pin"));
    return crypto::open_pkcs11_root({.module = keys.module,
                                     .token = keys.token,
                                     .key = keys.key,
                                     .pin = std::move(pin),
                                     .create = create});
  }
  if (keys.kind == "vault") {
    RABT_TRY(token, secret(keys.vault_token, "keys.root.vault.token"));
    keys::VaultOptions options{.url = keys.url,
                               .mount = keys.mount,
                               .key = keys.key,
                               .name_space = keys.name_space,
                               .token = std::move(token),
                               .tls = nullptr};
    if (!keys.ca.empty()) {
      options.tls = std::make_shared<const net::TlsOptions>(
          net::TlsOptions{.ca_file = keys.ca, .client_cert_file = {}, .client_key_file = {}});
    }
    return keys::open_vault_root(std::move(options), http);
  }
  return crypto::open_file_root(keys.file.empty() ? config.data + "/root.key" : keys.file, random,
                                create);
}

}  // namespace

Result<std::unique_ptr<crypto::Keyring>> open_keyring(const config::Config& config,
                                                      net::HttpClient& http, const Clock& clock,
                                                      Random& random) {
  const std::string path = config.data + "/keyring";
  const bool has_keyring = std::filesystem::exists(path);
  // A new keyring beside an old database would open nothing of it.
  if (!has_keyring && std::filesystem::exists(config.data + "/rabt.db")) {
    return corrupt("cli.keyring_missing",
                   "the database in " + config.data +
                       " exists but its keyring does not; restore the file " + path +
                       " from its own backup");
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
    const auto period = keys::parse_period(text);  // checked when the configuration was read
    if (period.ok()) policy.classes.insert_or_assign(class_name, *period);
  }
  return policy;
}

}  // namespace rabt::assembly
