#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/note.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Proofs for people outside: files that hold all that is needed, beside the verifier key. Format:
// docs/formats/audit_log.md. Other software that knows C2SP tlog-proof verifies them, too.
namespace rabt::audit {

// Proves that an entry is in the log: C2SP tlog-proof v1 with the entry as extra data. `size` is
// that of a signed checkpoint; 0 is the newest. Errors: not_found audit.entry, audit.not_signed (no
// checkpoint of this size, or none that covers the entry yet).
[[nodiscard]] Result<std::string> prove_entry(store::Connection& connection, std::int64_t seq,
                                              std::int64_t size = 0);
// The newest signed checkpoint, as a note. Error not_found audit.not_signed.
[[nodiscard]] Result<std::string> newest_note(store::Connection& connection);
// Proves that the log of `to` entries begins with the log of `from` entries; checkpoints were
// signed at both. to: 0 is the newest. Errors: not_found audit.not_signed; invalid audit.sizes.
[[nodiscard]] Result<std::string> prove_consistency(store::Connection& connection,
                                                    std::int64_t from, std::int64_t to = 0);

// Result of a proof file, in words.
struct Proved {
  // "entry 17 is in the log ... of 512 entries"
  std::string text;
  // The entry of an inclusion proof, canonical, and its position.
  std::string entry;
  std::int64_t seq = 0;
};
// Errors: invalid audit.proof (not a proof), corrupt audit.proof_refused (it does not hold).
[[nodiscard]] Result<Proved> verify_proof(std::string_view file, const Vkey& key);

// RFC 9162 sections 2.1.3.2 and 2.1.4.2. Every hash of a proof has 32 bytes; there are as many as
// the sizes ask for. From the empty tree on there is nothing to prove: refused.
[[nodiscard]] bool inclusion_holds(const crypto::Digest& leaf, std::uint64_t index,
                                   std::uint64_t size, const std::vector<crypto::Digest>& proof,
                                   const crypto::Digest& root);
[[nodiscard]] bool consistency_holds(std::uint64_t size1, std::uint64_t size2,
                                     const std::vector<crypto::Digest>& proof,
                                     const crypto::Digest& root1, const crypto::Digest& root2);

}  // namespace rabt::audit
