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

void append_big_endian(std::string& data, std::int64_t number) {
  for (std::size_t i = 0; i < 8; ++i)
    data.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> (56 - 8 * i)));
}

}  // namespace

crypto::Digest row_mac(const crypto::HmacKey& key, const crypto::Digest& previous,
                       const crypto::Digest& leaf) {
  std::array<char, 1 + 32 + 32> data{};
  std::copy(previous.begin(), previous.end(), data.begin() + 1);
  std::copy(leaf.begin(), leaf.end(), data.begin() + 33);
  return key.mac({data.data(), data.size()});
}

crypto::Digest checkpoint_mac(ByteView key, std::int64_t number, std::string_view note) {
  std::string data(1, '\x01');
  append_big_endian(data, number);
  data.append(note);
  return hmac(key, data);
}

crypto::Digest look_up_mac(ByteView key, std::int64_t tile, std::int64_t from_ms,
                           std::int64_t to_ms, std::string_view keys) {
  std::string data(1, '\x02');
  for (const std::int64_t number : {tile, from_ms, to_ms}) append_big_endian(data, number);
  data.append(keys);
  return hmac(key, data);
}

}  // namespace rabt::audit
