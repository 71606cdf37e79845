#pragma once

#include <memory>
#include <string>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/root.hpp"
#include "hub/net/http_client.hpp"

namespace rabt::keys {

// The root as a key of the transit secrets engine of HashiCorp Vault (or OpenBao), type
// aes256-gcm96. Vault does the wrapping: the key never comes here. The token needs update on
// <mount>/encrypt/<key> and <mount>/decrypt/<key>, read on <mount>/keys/<key>; for rotation update
// on <mount>/keys/<key>/rotate, /config and /trim.
struct VaultOptions {
  // https://vault.example.sa:8200
  std::string url;
  std::string mount = "transit";
  std::string key;
  // X-Vault-Namespace, or an empty text.
  std::string name_space;
  std::shared_ptr<SecretBytes> token;
  // Null for the defaults.
  std::shared_ptr<const net::TlsOptions> tls;
};
// Sends no request yet: a hub starts without its Vault, and answers 503 until it is there. Error
// invalid keys.vault. http outlives the root.
[[nodiscard]] Result<std::unique_ptr<crypto::RootProvider>> open_vault_root(VaultOptions options,
                                                                            net::HttpClient& http);

}  // namespace rabt::keys
