#pragma once

#include <memory>
#include <string_view>

#include "hub/crypto/crypto.hpp"

namespace rabt::crypto {

// A key for many HMAC-SHA-256: what follows from the key alone is computed once. Any thread may
// call mac().
class HmacKey {
 public:
  explicit HmacKey(ByteView key);
  ~HmacKey();
  HmacKey(HmacKey&&) noexcept;
  HmacKey& operator=(HmacKey&&) noexcept;
  [[nodiscard]] Digest mac(std::string_view data) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::crypto
