#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"

// The only folder that includes OpenSSL. One wrapper fixes IV 12 and tag 16, zeroes outputs first
// and checks every return code.
namespace rabt::crypto {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Digest sha256(std::string_view data);
// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view data);
  [[nodiscard]] Digest finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 16 bytes; only for HTTP Digest authentication with servers that know nothing better (RFC 7616).
// Empty where the library has no MD5.
[[nodiscard]] Bytes md5(std::string_view data);

[[nodiscard]] Bytes hmac_sha256(ByteView key, std::string_view data);  // 32 bytes
[[nodiscard]] Bytes hmac_sha1(
    ByteView key, std::string_view data);  // 20 bytes; only for vendors' webhook signatures
[[nodiscard]] SecretBytes hkdf_sha256(ByteView key, std::string_view salt, std::string_view info,
                                      std::size_t size);

// A compact JWT (RFC 7515). algorithm: HS256 (key = secret bytes), RS384 or ES384 (key = PEM
// private key; ES384 as raw r||s). header_json and claims_json are objects; alg is added. Error
// crypto.jwt.
[[nodiscard]] Result<std::string> sign_jwt(ByteView key, std::string_view algorithm,
                                           std::string_view header_json,
                                           std::string_view claims_json);
[[nodiscard]] std::string base64url(ByteView bytes);  // no padding

// ---- sealing
// ------------------------------------------------------------------------------------------------------
// What a sealed value is bound to. The canonical, length-prefixed tuple is the AEAD's AAD: a value
// moved to another tenant, table, row or field does not open.
struct SealContext {
  std::string_view tenant;
  std::string_view table;
  std::string_view row;
  std::string_view field;
};

// A data key: AES-256, opened from the keyring. Immutable, safe from any thread; wiped when it
// dies. Sealed format (docs/formats/sealed_value.md): version 1 byte = 1 | IV 12 | ciphertext |
// tag 16.
class DataKey {
 public:
  explicit DataKey(SecretBytes key);  // 32 bytes
  ~DataKey();
  DataKey(DataKey&&) noexcept;
  DataKey& operator=(DataKey&&) noexcept;
  [[nodiscard]] std::string seal(const SealContext& context, std::string_view plain,
                                 Random& random) const;
  // Error kind corrupt, code crypto.open: wrong key, wrong context or changed bytes; nothing of the
  // plaintext is returned.
  [[nodiscard]] Result<std::string> open(const SealContext& context, std::string_view sealed) const;
  [[nodiscard]] const SecretBytes& material() const { return key_; }

 private:
  SecretBytes key_;
};

// Seals a stream segment by segment while it arrives (docs/formats/sealed_stream.md): header with a
// fresh salt, from which a key for this stream alone is derived; each segment is bound to its
// position and to being the last one, so that a cut, swapped, doubled or missing segment does not
// open. Not thread-safe.
class StreamSealer {
 public:
  StreamSealer(const DataKey& key, const SealContext& context, Random& random);
  ~StreamSealer();
  StreamSealer(StreamSealer&&) noexcept;
  // Appends what is ready to be written to out (whole sealed segments; the header first).
  void write(std::string_view plain, std::string& out);
  void finish(std::string& out);
  [[nodiscard]] std::uint64_t plain_bytes() const;
  [[nodiscard]] Digest plain_sha256();  // after finish

 private:
  struct State;
  std::unique_ptr<State> state_;
};
// Opens a sealed stream. No plaintext of a segment is released before its tag holds. Not
// thread-safe.
class StreamOpener {
 public:
  StreamOpener(const DataKey& key, const SealContext& context);
  ~StreamOpener();
  // Feeds sealed bytes; appends opened plaintext. Error crypto.open.
  [[nodiscard]] Status write(std::string_view sealed, std::string& out);
  // Error crypto.open when the last segment has not been seen.
  [[nodiscard]] Status finish(std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// ---- keyring
// ------------------------------------------------------------------------------------------------------
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
