#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"

// One-time codes by time (RFC 6238): HMAC-SHA-1, 6 digits, steps of 30 seconds. Pure.
namespace rabt::identity {

inline constexpr std::size_t kTotpSecret = 20;

[[nodiscard]] std::int64_t totp_step(Timestamp at);
[[nodiscard]] std::string totp_code(ByteView secret, std::int64_t step);
// The step whose code this is: now, one before or one after, and later than `last_step`. A code
// counts once, so that who reads it over a shoulder gains nothing.
[[nodiscard]] std::optional<std::int64_t> totp_match(ByteView secret, std::string_view code,
                                                     Timestamp at, std::int64_t last_step);
// RFC 4648 section 6, without padding.
[[nodiscard]] std::string base32(ByteView bytes);
// Nothing when the text is not what base32() writes.
[[nodiscard]] std::optional<Bytes> from_base32(std::string_view text);

}  // namespace rabt::identity
