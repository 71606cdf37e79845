#pragma once

#include <cstdint>
#include <string_view>

#include "hub/crypto/crypto.hpp"

// The keyed chain over the rows (docs/formats/audit_log.md, "MAC chain"), on the writing side.
namespace rabt::audit {

// HMAC-SHA-256(key, 0x00 | previous MAC | leaf hash); before entry 1 stand 32 zero bytes.
[[nodiscard]] crypto::Digest row_mac(ByteView key, const crypto::Digest& previous,
                                     const crypto::Digest& leaf);
// HMAC-SHA-256(key, 0x01 | number, 8 bytes, big-endian | note).
[[nodiscard]] crypto::Digest checkpoint_mac(ByteView key, std::int64_t number,
                                            std::string_view note);

}  // namespace rabt::audit
