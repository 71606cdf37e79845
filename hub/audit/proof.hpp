#pragma once

#include <cstdint>
#include <string>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Proofs for people outside: files that hold all that is needed, beside the verifier key. Format:
// docs/formats/audit_log.md. Verified by check.hpp, or by other software that knows C2SP
// tlog-proof.
namespace rabt::audit {

// That an entry is in the log: C2SP tlog-proof v1 with the entry as extra data. size: that of a
// checkpoint that was signed; 0: the newest. Errors: not_found audit.entry, audit.not_signed (no
// checkpoint of this size, or none that covers the entry yet).
[[nodiscard]] Result<std::string> prove_entry(store::Connection& connection, std::int64_t seq,
                                              std::int64_t size = 0);
// That the log of `to` entries begins with the log of `from` entries; checkpoints were signed at
// both. to: 0 is the newest. Errors: not_found audit.not_signed; invalid audit.sizes.
[[nodiscard]] Result<std::string> prove_consistency(store::Connection& connection,
                                                    std::int64_t from, std::int64_t to = 0);

}  // namespace rabt::audit
