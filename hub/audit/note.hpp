#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/audit/anchor.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/signature.hpp"

// Checkpoints as signed notes (C2SP signed-note, tlog-checkpoint) on the writing side. The verifier
// reads them with code of its own.
namespace rabt::audit {

inline constexpr std::size_t kMaxNoteBytes =
    128U << 10U;  // C2SP signed-note: at least 16 signatures, each up to 5 kB

// A checkpoint's first line, unverified; empty when it has none.
[[nodiscard]] std::string_view origin_of(std::string_view note);

// The log's name and key. Immutable; any thread may call.
class Signer {
 public:
  // origin: not empty, no spaces, no plus sign.
  Signer(std::string origin, const SecretBytes& seed);
  [[nodiscard]] const std::string& origin() const { return origin_; }
  // <name>+<key id>+<key>: what others need to verify.
  [[nodiscard]] std::string vkey() const;
  // The caller has made sure that it is consistent with everything signed before.
  [[nodiscard]] Checkpoint sign(std::int64_t size, const crypto::Digest& root) const;
  // A note of this log. Error corrupt audit.note: it is no checkpoint, or not signed by this key.
  [[nodiscard]] Result<Checkpoint> open(std::string_view note) const {
    return open_as(origin_, note);
  }
  // A note that this key signed when the log had another name.
  [[nodiscard]] Result<Checkpoint> open_as(const std::string& origin, std::string_view note) const;

 private:
  [[nodiscard]] std::string id_as(const std::string& origin) const;
  std::string origin_;
  crypto::SigningKey key_;
  std::string id_;  // four bytes
};

}  // namespace rabt::audit
