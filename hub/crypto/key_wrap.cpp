#include "hub/crypto/key_wrap.hpp"

#include <algorithm>

#include "hub/base/check.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/primitives.hpp"

namespace rabt::crypto {

namespace {
constexpr std::size_t kDigestPart = kBoundBytes - kWrapKeyBytes;
}

SecretBytes random_key(Random& random) {
  SecretBytes key = SecretBytes::of_size(kWrapKeyBytes);
  random.fill(key.fill());
  return key;
}

std::string wrap_context(std::initializer_list<std::string_view> parts) {
  return primitives::tuple(parts);
}

SecretBytes bind_key(ByteView key, std::string_view context) {
  RABT_CHECK(key.size() == kWrapKeyBytes);
  SecretBytes bound = SecretBytes::of_size(kBoundBytes);
  const Digest digest = sha256(context);
  auto out = std::copy(key.begin(), key.end(), bound.fill().begin());
  std::copy(digest.begin(), digest.begin() + kDigestPart, out);
  return bound;
}

std::optional<SecretBytes> unbind_key(ByteView bound, std::string_view context) {
  if (bound.size() != kBoundBytes) return std::nullopt;
  const Digest digest = sha256(context);
  if (!constant_time_equal(bound.subspan(kWrapKeyBytes), ByteView(digest).first(kDigestPart)))
    return std::nullopt;
  return SecretBytes(as_text(bound.first(kWrapKeyBytes)));
}

std::string wrap_key(ByteView wrapping, ByteView key, std::string_view context) {
  const SecretBytes bound = bind_key(key, context);
  const auto wrapped = primitives::aes256_kwp_wrap(wrapping, bound.expose());
  RABT_CHECK(wrapped.has_value() && wrapped->size() == kWrappedBytes);
  return std::string(as_text(*wrapped));
}

std::optional<SecretBytes> unwrap_key(ByteView wrapping, std::string_view wrapped,
                                      std::string_view context) {
  if (wrapped.size() != kWrappedBytes) return std::nullopt;
  const auto bound = primitives::aes256_kwp_unwrap(wrapping, as_bytes(wrapped));
  if (!bound) return std::nullopt;
  return unbind_key(bound->expose(), context);
}

}  // namespace rabt::crypto
