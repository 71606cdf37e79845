#include "hub/crypto/seal.hpp"
#include "hub/base/check.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/primitives.hpp"

namespace rabt::crypto {

namespace {
constexpr char kVersion = 1;
constexpr std::string_view kLabel = "rabt/v1";
constexpr std::size_t kOverhead = 1 + primitives::kIvBytes + primitives::kTagBytes;

std::string aad_of(const SealContext& context, std::string_view key_id) {
  return primitives::tuple({kLabel, context.tenant, context.table, context.row, context.field,
                            std::to_string(context.version), key_id});
}

std::span<std::uint8_t> writable(std::string& text, std::size_t from) {
  return std::span(reinterpret_cast<std::uint8_t*>(text.data()), text.size()).subspan(from);
}
}  // namespace

std::string primitives::tuple(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += 4 + part.size();
  std::string out;
  out.reserve(size);
  for (const std::string_view part : parts) {
    RABT_CHECK(part.size() <= kMaxMessageBytes);
    for (int shift = 24; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(part.size() >> shift & 0xffU));
    out.append(part);
  }
  return out;
}

DataKey::DataKey(std::string id, SecretBytes key) : id_(std::move(id)), key_(std::move(key)) {
  RABT_CHECK(!id_.empty());
  RABT_CHECK(key_.size() == primitives::kKeyBytes);
}
DataKey::~DataKey() = default;
DataKey::DataKey(DataKey&&) noexcept = default;
DataKey& DataKey::operator=(DataKey&&) noexcept = default;

std::string DataKey::seal(const SealContext& context, std::string_view plain,
                          Random& random) const {
  std::string out(kOverhead + plain.size(), '\0');
  out[0] = kVersion;
  const auto iv = writable(out, 1).first(primitives::kIvBytes);
  random.fill(iv);
  RABT_CHECK(primitives::aes256_gcm_seal(key_.expose(), iv, as_bytes(aad_of(context, id_)),
                                         as_bytes(plain), writable(out, 1 + primitives::kIvBytes)));
  return out;
}

Result<std::string> DataKey::open(const SealContext& context, std::string_view sealed) const {
  // One message for every cause: which check failed is of use only to somebody who tries.
  const auto refused = [] {
    return corrupt("crypto.open",
                   "a sealed value does not open: wrong key, wrong place or changed bytes");
  };
  if (sealed.size() < kOverhead || sealed[0] != kVersion) return refused();
  const ByteView bytes = as_bytes(sealed);
  std::string out(sealed.size() - kOverhead, '\0');
  if (!primitives::aes256_gcm_open(key_.expose(), bytes.subspan(1, primitives::kIvBytes),
                                   as_bytes(aad_of(context, id_)),
                                   bytes.subspan(1 + primitives::kIvBytes), writable(out, 0))) {
    return refused();
  }
  return out;
}

}  // namespace rabt::crypto
