#pragma once

#include <cstdint>
#include <string_view>

#include "hub/crypto/hmac_key.hpp"

// The keyed chain over the rows (docs/formats/audit_log.md, "MAC chain"), on the writing side.
namespace rabt::audit {

// HMAC-SHA-256(key, 0x00 | previous MAC | leaf hash); before entry 1 stand 32 zero bytes.
[[nodiscard]] crypto::Digest row_mac(const crypto::HmacKey& key, const crypto::Digest& previous,
                                     const crypto::Digest& leaf);
// HMAC-SHA-256(key, 0x01 | number, 8 bytes, big-endian | note).
[[nodiscard]] crypto::Digest checkpoint_mac(ByteView key, std::int64_t number,
                                            std::string_view note);

// HMAC-SHA-256(key, 0x02 | tile | from_ms | to_ms, 8 bytes each, big-endian | keys).
[[nodiscard]] crypto::Digest look_up_mac(ByteView key, std::int64_t tile, std::int64_t from_ms,
                                         std::int64_t to_ms, std::string_view keys);

}  // namespace rabt::audit
