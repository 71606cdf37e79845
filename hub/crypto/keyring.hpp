#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/seal.hpp"

namespace rabt::crypto {

// The root key, in a file of its own outside the database, made on first start with mode 0600 and
// never shipped. It wraps tenant keys; tenant keys wrap data keys. Internally synchronised.
class Keyring {
 public:
  // Opens the file or makes it (temporary file, fsync, rename, fsync of the folder). Errors:
  // crypto.keyring_mode (readable by others: says the chmod command), crypto.keyring_corrupt,
  // crypto.keyring_io.
  [[nodiscard]] static Result<std::unique_ptr<Keyring>> open_or_create(const std::string& path,
                                                                       Random& random);

  // Makes the tenant's key if it has none yet; durable when ok. Call it for every configured tenant
  // on start: the functions below do the same on first use, but have no way to report a failure and
  // stop the process. random must outlive the keyring. Errors: as open_or_create.
  [[nodiscard]] Status ensure_tenant(std::string_view tenant) const;

  // A fresh data key and its wrapped form for storing beside the data. AES-256-KWP (RFC 5649) under
  // the tenant's key.
  struct NewKey {
    std::shared_ptr<const DataKey> key;
    std::string wrapped;
  };
  [[nodiscard]] NewKey make_data_key(std::string_view tenant, Random& random) const;
  // Error kind corrupt, code crypto.unwrap.
  [[nodiscard]] Result<std::shared_ptr<const DataKey>> open_data_key(
      std::string_view tenant, std::string_view wrapped) const;
  // The key of a named purpose of one tenant, derived, never stored: "blind-index", "kv", ...
  [[nodiscard]] SecretBytes purpose_key(std::string_view tenant, std::string_view purpose) const;
  // A blind index: 16 bytes of HMAC-SHA-256 under the tenant's index key for this field.
  [[nodiscard]] std::string blind_index(std::string_view tenant, std::string_view field,
                                        std::string_view value) const;
  ~Keyring();

 private:
  struct State;
  explicit Keyring(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rabt::crypto
