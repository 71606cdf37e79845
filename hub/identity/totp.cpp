#include "hub/identity/totp.hpp"

#include <array>

#include "hub/crypto/crypto.hpp"

namespace rabt::identity {

namespace {

constexpr std::int64_t kStepMs = 30'000;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

}  // namespace

std::int64_t totp_step(Timestamp at) {
  return at.ms / kStepMs;
}

std::string totp_code(ByteView secret, std::int64_t step) {
  std::array<std::uint8_t, 8> counter{};
  for (std::size_t i = 0; i < counter.size(); ++i)
    counter[7 - i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(step) >> (8 * i));
  const Bytes mac = crypto::hmac_sha1(secret, as_text(counter));
  // RFC 4226 section 5.3.
  const std::size_t at = mac.back() & 0x0fU;
  const std::uint32_t number = (mac[at] & 0x7fU) << 24U |
                               static_cast<std::uint32_t>(mac[at + 1]) << 16U |
                               static_cast<std::uint32_t>(mac[at + 2]) << 8U | mac[at + 3];
  std::string digits = std::to_string(number % 1'000'000);
  return std::string(6 - digits.size(), '0') + digits;
}

std::optional<std::int64_t> totp_match(ByteView secret, std::string_view code, Timestamp at,
                                       std::int64_t last_step) {
  const std::int64_t now = totp_step(at);
  for (std::int64_t step = now - 1; step <= now + 1; ++step) {
    if (step > last_step && constant_time_equal(as_bytes(totp_code(secret, step)), as_bytes(code)))
      return step;
  }
  return std::nullopt;
}

std::string base32(ByteView bytes) {
  std::string out;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    buffer = buffer << 8U | byte;
    for (bits += 8; bits >= 5; bits -= 5) out.push_back(kAlphabet[buffer >> (bits - 5) & 31U]);
  }
  if (bits > 0) out.push_back(kAlphabet[buffer << (5 - bits) & 31U]);
  return out;
}

std::optional<Bytes> from_base32(std::string_view text) {
  Bytes out;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const char letter : text) {
    const std::size_t at = kAlphabet.find(letter);
    if (at == std::string_view::npos) return std::nullopt;
    buffer = buffer << 5U | static_cast<std::uint32_t>(at);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::uint8_t>(buffer >> bits));
  }
  if (base32(out) != text) return std::nullopt;
  return out;
}

}  // namespace rabt::identity
