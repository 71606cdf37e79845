#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"

namespace rabt::identity {

inline constexpr std::size_t kMaxPasswordBytes = 1024;

// The password in the one way of writing that is hashed: NFKC, since keyboards compose Arabic
// letters differently. Error invalid api.invalid: too long, or no UTF-8.
[[nodiscard]] Result<std::string> fold_password(std::string_view password,
                                                std::string_view member = "password");

// Passwords that nobody may have, a line each. Immutable.
class PasswordList {
 public:
  // Capital and small letters are one. Error config.io: the file cannot be read, or holds nothing.
  [[nodiscard]] static Result<PasswordList> read(const std::string& file);
  [[nodiscard]] bool has(std::string_view folded) const;

 private:
  // Sorted, folded and in lower case, as SHA-256: a list of millions takes 32 bytes a line.
  std::vector<std::array<std::uint8_t, 32>> digests_;
};

// Ok if a new password will do. There are no rules of composition: it has `min` characters, is
// not easy to guess (libzxcvbn: common passwords, names and words of English, keyboards, dates,
// repetition; with the username, the tenant and words of the trade among them), does not hold the
// username, and is not on the list, which may be null. Error invalid api.invalid: "<member>: ...".
[[nodiscard]] Status check_password(std::string_view folded, int min, std::string_view username,
                                    std::string_view tenant, const PasswordList* list = nullptr,
                                    std::string_view member = "password");

}  // namespace rabt::identity
