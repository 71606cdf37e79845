#pragma once

#include <string_view>

#include "hub/base/bytes.hpp"

namespace rabt::crypto {

enum class SignatureDigest : std::uint8_t { sha1, sha256 };

// True if the key of an X.509 certificate (PEM) made the signature (RSA, PKCS #1 v1.5) over the
// text. The certificate's own chain and dates are not looked at: whoever calls has it from where
// he trusts. False also for a certificate that cannot be read, and for RSA keys below 2048 bits.
[[nodiscard]] bool certificate_signed(std::string_view certificate_pem, SignatureDigest digest,
                                      std::string_view text, ByteView signature);

}  // namespace rabt::crypto
