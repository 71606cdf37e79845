#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"

// The root of all keys. It wraps the few keys at the top of the keyring file and does nothing else,
// so that it can live where it cannot be copied.
namespace rabt::crypto {

// Internally synchronised. A call may ask another machine or a device and block for seconds; when
// that does not answer, the error is unavailable, code keys.root: nothing happened, a later call
// can succeed.
class RootProvider {
 public:
  virtual ~RootProvider() = default;
  // file, env, pkcs11, vault.
  [[nodiscard]] virtual std::string kind() const = 0;
  // Which key, without any secret: it stands in the keyring file, and a keyring that another root
  // has wrapped is refused by it.
  [[nodiscard]] virtual std::string id() const = 0;
  // True if the root is not fit for patient data; /health says so.
  [[nodiscard]] virtual bool development() const { return false; }

  struct Wrapped {
    // The root's version.
    std::uint32_t version = 0;
    std::string bytes;
  };
  // The version that wrap uses.
  [[nodiscard]] virtual Result<std::uint32_t> version() = 0;
  // The oldest version that still unwraps.
  [[nodiscard]] virtual Result<std::uint32_t> oldest_version() = 0;
  // key: 32 bytes; context binds it.
  [[nodiscard]] virtual Result<Wrapped> wrap(ByteView key, std::string_view context) = 0;
  // Error corrupt crypto.unwrap: changed bytes, another context, or a version that was destroyed.
  [[nodiscard]] virtual Result<SecretBytes> unwrap(const Wrapped& wrapped,
                                                   std::string_view context) = 0;
  // Makes a new version; what was wrapped before still unwraps. Durable when ok.
  [[nodiscard]] virtual Result<std::uint32_t> rotate() = 0;
  // Destroys the versions below: nothing opens any more what only they wrapped, also not from an
  // older copy of the keyring file. Not for the newest version.
  [[nodiscard]] virtual Status destroy_below(std::uint32_t version) = 0;
};

// A file with mode 0400 or 0600 (docs/formats/keyring.md). create: makes it when it is missing.
// rotate and destroy_below replace it whole. Errors: crypto.root_mode, crypto.root_corrupt,
// crypto.root_missing, crypto.root_io.
[[nodiscard]] Result<std::unique_ptr<RootProvider>> open_file_root(const std::string& path,
                                                                   Random& random, bool create);

// 64 hex digits, as an environment variable holds them; for development only. It has one version:
// rotate is denied.
[[nodiscard]] Result<std::unique_ptr<RootProvider>> make_development_root(
    const SecretBytes& hex, const std::string& variable);

// A token behind a PKCS#11 library: an AES-256 key that never leaves it, one object for each
// version (CKA_LABEL key, CKA_ID the version in four bytes, big-endian). It wraps with
// CKM_AES_KEY_WRAP_KWP, or with CKM_AES_KEY_WRAP_PAD where that is what the token calls RFC 5649;
// which of them it is, is tried on open.
struct Pkcs11Options {
  std::string module;  // path of the library
  std::string token;   // its label
  std::string key;     // label of the key objects
  std::shared_ptr<SecretBytes> pin;
  bool create = false;  // makes version 1 when there is no such key
};
[[nodiscard]] Result<std::unique_ptr<RootProvider>> open_pkcs11_root(Pkcs11Options options);

}  // namespace rabt::crypto
