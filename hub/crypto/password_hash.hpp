#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"

// argon2id (RFC 9106). Any thread may call; each call takes as much memory as its cost says.
namespace rabt::crypto {

struct PasswordCost {
  std::uint32_t memory_kib = 65'536;
  std::uint32_t time = 3;
  std::uint32_t lanes = 1;
  friend bool operator==(const PasswordCost&, const PasswordCost&) = default;
};

// A PHC string with 16 random bytes of salt: "$argon2id$v=19$m=65536,t=3,p=1$...". Empty when there
// is not enough memory.
[[nodiscard]] std::string hash_password(ByteView secret, const PasswordCost& cost, Random& random);
// True if the string was made of the secret, at whichever cost.
[[nodiscard]] bool verify_password(const std::string& phc, ByteView secret);
// True if the string was made at this cost.
[[nodiscard]] bool has_cost(std::string_view phc, const PasswordCost& cost);

}  // namespace rabt::crypto
