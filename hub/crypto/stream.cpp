#include <string.h>

#include <algorithm>
#include <optional>

#include "hub/base/check.hpp"
#include "hub/base/limits.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/primitives.hpp"
#include "hub/crypto/seal.hpp"

// The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar: "Online Authenticated-Encryption
// and its Nonce-Reuse Misuse-Resistance", 2015): the nonce is the segment's position and whether it
// is the last.
namespace rabt::crypto {

namespace {

constexpr std::string_view kMagic{"RABTSTR\x01", 8};  // the last byte is the version
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kCommitmentBytes = 32;
constexpr std::size_t kHeaderBytes = 8 + kSaltBytes + kCommitmentBytes;
constexpr std::size_t kSegment = limits::kSealSegment;
constexpr std::size_t kSealedSegment = kSegment + primitives::kTagBytes;
constexpr std::string_view kLabel = "rabt/v1/stream";

struct StreamKeys {
  SecretBytes key;
  // Stored in the header: no second key opens the same stream, and a wrong key or context shows
  // before the first segment.
  Bytes commitment;
};

StreamKeys derive(const DataKey& key, const SealContext& context, ByteView salt) {
  const std::string info =
      primitives::tuple({kLabel, context.tenant, context.table, context.row, context.field,
                         std::to_string(context.version), key.id()});
  const SecretBytes both = hkdf_sha256(key.material().expose(), as_text(salt), info,
                                       primitives::kKeyBytes + kCommitmentBytes);
  const ByteView first = both.expose().first(primitives::kKeyBytes);
  const ByteView second = both.expose().subspan(primitives::kKeyBytes);
  return {SecretBytes(Bytes(first.begin(), first.end())), Bytes(second.begin(), second.end())};
}

using Iv = std::array<std::uint8_t, primitives::kIvBytes>;

// Three zero bytes, 1 for the last segment, the position as eight bytes big-endian.
Iv iv_of(std::uint64_t position, bool last) {
  Iv iv{};
  iv[3] = last ? 1 : 0;
  for (std::size_t i = 0; i < 8; ++i)
    iv[4 + i] = static_cast<std::uint8_t>(position >> (56 - 8 * i));
  return iv;
}

std::span<std::uint8_t> grow(std::string& out, std::size_t size) {
  const std::size_t before = out.size();
  out.resize(before + size);
  return std::span(reinterpret_cast<std::uint8_t*>(out.data()), out.size()).subspan(before);
}

}  // namespace

struct StreamSealer::State {
  std::string header;
  SecretBytes key;
  std::string
      pending;  // plaintext, at most one segment: it is not known yet whether it is the last
  std::uint64_t position = 0;
  std::uint64_t plain_bytes = 0;
  Sha256 hash;
  std::optional<Digest> digest;
  bool header_written = false;

  ~State() { ::explicit_bzero(pending.data(), pending.size()); }

  void begin(std::string& out) {
    RABT_CHECK(!digest.has_value());  // nothing comes after finish
    if (!header_written) out.append(header);
    header_written = true;
  }
  void seal(std::string_view plain, bool last, std::string& out) {
    const auto target = grow(out, plain.size() + primitives::kTagBytes);
    RABT_CHECK(primitives::aes256_gcm_seal(key.expose(), iv_of(position, last), {}, as_bytes(plain),
                                           target));
    ++position;
  }
};

StreamSealer::StreamSealer(const DataKey& key, const SealContext& context, Random& random)
    : state_(std::make_unique<State>()) {
  std::array<std::uint8_t, kSaltBytes> salt{};
  random.fill(salt);
  auto keys = derive(key, context, salt);
  state_->header.append(kMagic).append(as_text(salt)).append(as_text(keys.commitment));
  state_->key = std::move(keys.key);
}
StreamSealer::~StreamSealer() = default;
StreamSealer::StreamSealer(StreamSealer&&) noexcept = default;

void StreamSealer::write(std::string_view plain, std::string& out) {
  State& state = *state_;
  state.begin(out);
  state.plain_bytes += plain.size();
  state.hash.update(plain);
  // A whole segment leaves only when a byte after it is known: the last one is marked as such.
  if (!state.pending.empty() && state.pending.size() + plain.size() > kSegment) {
    const std::size_t missing = kSegment - state.pending.size();
    state.pending.append(plain.substr(0, missing));
    plain.remove_prefix(missing);
    state.seal(state.pending, false, out);
    state.pending.clear();
  }
  while (plain.size() > kSegment) {
    state.seal(plain.substr(0, kSegment), false, out);
    plain.remove_prefix(kSegment);
  }
  if (!plain.empty()) {
    // Once, at full size: a growing buffer would leave copies of plaintext behind in freed memory.
    state.pending.reserve(kSegment);
    state.pending.append(plain);
  }
}

void StreamSealer::finish(std::string& out) {
  State& state = *state_;
  state.begin(out);
  state.seal(state.pending, true, out);
  ::explicit_bzero(state.pending.data(), state.pending.size());
  state.pending.clear();
  state.digest = state.hash.finish();
}

std::uint64_t StreamSealer::plain_bytes() const {
  return state_->plain_bytes;
}

Digest StreamSealer::plain_sha256() {
  RABT_CHECK(state_->digest.has_value());
  return *state_->digest;
}

struct StreamOpener::State {
  State(const DataKey& data_key, const SealContext& context)
      : material(data_key.id(), data_key.material().clone()),
        tenant(context.tenant),
        table(context.table),
        row(context.row),
        field(context.field),
        version(context.version) {}

  DataKey material;
  std::string tenant;
  std::string table;
  std::string row;
  std::string field;
  std::uint32_t version;
  std::optional<SecretBytes> key;
  std::string pending;  // sealed bytes
  std::uint64_t position = 0;
  bool failed = false;
  bool finished = false;

  Error refuse() {
    failed = true;
    return corrupt("crypto.open", "a sealed stream does not open at segment " +
                                      std::to_string(position) +
                                      ": wrong key, wrong place, cut or changed bytes");
  }
  Status open_header() {
    const ByteView header = as_bytes(pending).first(kHeaderBytes);
    if (as_text(header.first(kMagic.size())) != kMagic) return refuse();
    auto keys = derive(material, {tenant, table, row, field, version},
                       header.subspan(kMagic.size(), kSaltBytes));
    if (!constant_time_equal(keys.commitment, header.subspan(kMagic.size() + kSaltBytes)))
      return refuse();
    key = std::move(keys.key);
    pending.erase(0, kHeaderBytes);
    return ok_status();
  }
  Status open_segment(std::string_view sealed, bool last, std::string& out) {
    const std::size_t before = out.size();
    const auto target = grow(out, sealed.size() - primitives::kTagBytes);
    if (!primitives::aes256_gcm_open(key->expose(), iv_of(position, last), {}, as_bytes(sealed),
                                     target)) {
      out.resize(before);
      return refuse();
    }
    ++position;
    return ok_status();
  }
};

StreamOpener::StreamOpener(const DataKey& key, const SealContext& context)
    : state_(std::make_unique<State>(key, context)) {}
StreamOpener::~StreamOpener() = default;

Status StreamOpener::write(std::string_view sealed, std::string& out) {
  State& state = *state_;
  if (state.failed || state.finished) return state.refuse();
  if (!state.key.has_value()) {
    const std::size_t take = std::min(sealed.size(), kHeaderBytes - state.pending.size());
    state.pending.append(sealed.substr(0, take));
    sealed.remove_prefix(take);
    if (state.pending.size() < kHeaderBytes) return ok_status();
    RABT_TRY_STATUS(state.open_header());
  }
  // What follows a whole segment says that it is not the last.
  if (!state.pending.empty() && state.pending.size() + sealed.size() > kSealedSegment) {
    const std::size_t missing = kSealedSegment - state.pending.size();
    state.pending.append(sealed.substr(0, missing));
    sealed.remove_prefix(missing);
    RABT_TRY_STATUS(state.open_segment(state.pending, false, out));
    state.pending.clear();
  }
  while (sealed.size() > kSealedSegment) {
    RABT_TRY_STATUS(state.open_segment(sealed.substr(0, kSealedSegment), false, out));
    sealed.remove_prefix(kSealedSegment);
  }
  state.pending.append(sealed);
  return ok_status();
}

Status StreamOpener::finish(std::string& out) {
  State& state = *state_;
  if (state.failed || state.finished || !state.key.has_value() ||
      state.pending.size() < primitives::kTagBytes) {
    return state.refuse();
  }
  // An empty last segment stands for the empty stream only.
  if (state.pending.size() == primitives::kTagBytes && state.position > 0) return state.refuse();
  RABT_TRY_STATUS(state.open_segment(state.pending, true, out));
  state.finished = true;
  return ok_status();
}

}  // namespace rabt::crypto
