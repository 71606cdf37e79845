#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/audit/anchor.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/signature.hpp"

// Checkpoints as signed notes (C2SP signed-note, tlog-checkpoint).
namespace rabt::audit {

// C2SP signed-note: at least 16 signatures, each up to 5 kB.
inline constexpr std::size_t kMaxNoteBytes = 128U << 10U;

// A checkpoint's first line, unverified; an empty text when the note has no line.
[[nodiscard]] std::string_view origin_of(std::string_view note);

// A count of entries as notes and proofs write it: decimal, without a sign and leading zeros.
bool to_count(std::string_view text, std::int64_t& out);

// A hash as they write it: base64.
bool to_hash(std::string_view base64, crypto::Digest& out);

// A verifier key (C2SP signed-note): <name>+<id>+<key>.
struct Vkey {
  std::string name;
  // 4 bytes.
  std::string id;
  // 32 bytes, Ed25519.
  Bytes key;
};
// Error invalid audit.vkey.
[[nodiscard]] Result<Vkey> parse_vkey(std::string_view text);
// The same key under another name.
[[nodiscard]] Vkey renamed(const Vkey& key, std::string_view name);

// A checkpoint whose origin is the key's name and that the key has signed. Error corrupt audit.note
// says what does not hold.
[[nodiscard]] Result<Checkpoint> open_note(std::string_view text, const Vkey& key);

// The checkpoint that a note names, whoever signed it; nothing when it is no checkpoint.
[[nodiscard]] std::optional<Checkpoint> unverified_note(std::string_view text);

// The log's name and key. Immutable; any thread may call.
class Signer {
 public:
  // origin: not empty, no spaces, no plus sign.
  Signer(std::string origin, const SecretBytes& seed);
  [[nodiscard]] const std::string& origin() const { return own_.name; }
  // <name>+<key id>+<key>: what others need to verify.
  [[nodiscard]] std::string vkey() const;
  // The caller has made sure that it is consistent with everything signed before.
  [[nodiscard]] Checkpoint sign(std::int64_t size, const crypto::Digest& root) const;
  // A note of this log. Error corrupt audit.note: it is no checkpoint, or not signed by this key.
  [[nodiscard]] Result<Checkpoint> open(std::string_view note) const {
    return open_as(own_.name, note);
  }
  // A note that this key signed when the log had another name.
  [[nodiscard]] Result<Checkpoint> open_as(const std::string& origin, std::string_view note) const;

 private:
  crypto::SigningKey key_;
  Vkey own_;
};

}  // namespace rabt::audit
