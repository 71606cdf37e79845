#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"

// A key of 32 bytes, wrapped by another and bound to what it is for. Format:
// docs/formats/keyring.md, "A wrapped key". Any thread may call.
namespace rabt::crypto {

inline constexpr std::size_t kWrapKeyBytes = 32;
// The key, and the first half of the context's digest.
inline constexpr std::size_t kBoundBytes = 48;
// AES-256-KWP (RFC 5649) of kBoundBytes.
inline constexpr std::size_t kWrappedBytes = 56;

[[nodiscard]] SecretBytes random_key(Random& random);

// The canonical tuple of a context: each part as its length in four bytes, big-endian, then its
// bytes.
[[nodiscard]] std::string wrap_context(std::initializer_list<std::string_view> parts);

// key | SHA-256(context)[0, 16): what is wrapped.
[[nodiscard]] SecretBytes bind_key(ByteView key, std::string_view context);
// The key of what bind_key made. Nothing when size or context are others.
[[nodiscard]] std::optional<SecretBytes> unbind_key(ByteView bound, std::string_view context);

// Under a wrapping key of 32 bytes.
[[nodiscard]] std::string wrap_key(ByteView wrapping, ByteView key, std::string_view context);
// Nothing when the wrapping key is wrong, bytes were changed, or another context was bound.
[[nodiscard]] std::optional<SecretBytes> unwrap_key(ByteView wrapping, std::string_view wrapped,
                                                    std::string_view context);

}  // namespace rabt::crypto
