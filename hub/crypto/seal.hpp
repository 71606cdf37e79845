#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/crypto.hpp"

// Sealing of values and streams under a data key.
namespace rabt::crypto {

// What a sealed value is bound to, beside the id of its key. The canonical, length-prefixed tuple
// is the AEAD's AAD: a value moved to another tenant, table, row, field, version or key does not
// open.
struct SealContext {
  std::string_view tenant;
  std::string_view table;
  std::string_view row;
  std::string_view field;
  std::uint32_t version = 1;  // of the record's schema
};

// A data key: AES-256, opened from the keyring. Immutable, safe from any thread; wiped when it
// dies. Sealed format (docs/formats/sealed_value.md): version 1 byte = 1 | IV 12 | ciphertext |
// tag 16.
class DataKey {
 public:
  // id: what rows name the key by, not empty; key: 32 bytes.
  DataKey(std::string id, SecretBytes key);
  ~DataKey();
  DataKey(DataKey&&) noexcept;
  DataKey& operator=(DataKey&&) noexcept;
  [[nodiscard]] std::string seal(const SealContext& context, std::string_view plain,
                                 Random& random) const;
  // Error kind corrupt, code crypto.open: wrong key, wrong context or changed bytes; nothing of the
  // plaintext is returned.
  [[nodiscard]] Result<std::string> open(const SealContext& context, std::string_view sealed) const;
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const SecretBytes& material() const { return key_; }

 private:
  std::string id_;
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

}  // namespace rabt::crypto
