#pragma once

#include <string>
#include <string_view>

#include "hub/base/result.hpp"

namespace rabt::identity {

inline constexpr std::size_t kMaxPasswordBytes = 1024;

// The password in the one way of writing that is hashed: NFKC, since keyboards compose Arabic
// letters differently. Error invalid api.invalid: too long, or no UTF-8.
[[nodiscard]] Result<std::string> fold_password(std::string_view password);

// Whether a new password will do. There are no rules of composition: it has `min` characters, more
// than four different ones, and is neither a common word with digits and signs around it nor the
// username or tenant. Error invalid api.invalid: "password: ...".
[[nodiscard]] Status check_password(std::string_view folded, int min, std::string_view username,
                                    std::string_view tenant);

}  // namespace rabt::identity
