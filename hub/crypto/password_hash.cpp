#include "hub/crypto/password_hash.hpp"

#include <argon2.h>

#include <array>

namespace rabt::crypto {

namespace {

constexpr std::size_t kSalt = 16;
constexpr std::size_t kHash = 32;

std::string prefix_of(const PasswordCost& cost) {
  return "$argon2id$v=19$m=" + std::to_string(cost.memory_kib) + ",t=" + std::to_string(cost.time) +
         ",p=" + std::to_string(cost.lanes) + "$";
}

}  // namespace

std::string hash_password(ByteView secret, const PasswordCost& cost, Random& random) {
  std::array<std::uint8_t, kSalt> salt{};
  random.fill(salt);
  std::string out(
      argon2_encodedlen(cost.time, cost.memory_kib, cost.lanes, kSalt, kHash, Argon2_id), '\0');
  if (argon2id_hash_encoded(cost.time, cost.memory_kib, cost.lanes, secret.data(), secret.size(),
                            salt.data(), salt.size(), kHash, out.data(), out.size()) != ARGON2_OK) {
    return {};
  }
  out.resize(out.find('\0'));
  return out;
}

bool verify_password(const std::string& phc, ByteView secret) {
  return argon2id_verify(phc.c_str(), secret.data(), secret.size()) == ARGON2_OK;
}

bool has_cost(std::string_view phc, const PasswordCost& cost) {
  return phc.starts_with(prefix_of(cost));
}

}  // namespace rabt::crypto
