#include "hub/audit/mac.hpp"

#include <algorithm>
#include <array>

namespace rabt::audit {

namespace {

crypto::Digest hmac(ByteView key, std::string_view data) {
  const Bytes mac = crypto::hmac_sha256(key, data);
  crypto::Digest out{};
  std::copy(mac.begin(), mac.end(), out.begin());
  return out;
}

}  // namespace

crypto::Digest row_mac(ByteView key, const crypto::Digest& previous, const crypto::Digest& leaf) {
  std::array<char, 1 + 32 + 32> data{};
  std::copy(previous.begin(), previous.end(), data.begin() + 1);
  std::copy(leaf.begin(), leaf.end(), data.begin() + 33);
  return hmac(key, {data.data(), data.size()});
}

crypto::Digest checkpoint_mac(ByteView key, std::int64_t number, std::string_view note) {
  std::string data(9, '\x01');
  for (std::size_t i = 0; i < 8; ++i)
    data[1 + i] = static_cast<char>(static_cast<std::uint64_t>(number) >> (56 - 8 * i));
  data.append(note);
  return hmac(key, data);
}

}  // namespace rabt::audit
