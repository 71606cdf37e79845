#include "hub/base/ids.hpp"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"

namespace rabt {

namespace {
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
}  // namespace

void SystemRandom::fill(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::getrandom(out.data() + done, out.size() - done, 0);
    if (got < 0 && errno == EINTR) continue;
    RABT_CHECK(got > 0);
    done += static_cast<std::size_t>(got);
  }
}

void FakeRandom::fill(std::span<std::uint8_t> out) {
  const std::atomic_ref<std::uint64_t> shared(state_);
  std::uint64_t before = shared.load();
  std::uint64_t state = 0;
  do {
    state = before == 0 ? 1 : before;  // xorshift never leaves zero
    for (auto& byte : out) {           // xorshift64*
      state ^= state >> 12U;
      state ^= state << 25U;
      state ^= state >> 27U;
      byte = static_cast<std::uint8_t>((state * 0x2545F4914F6CDD1DULL) >> 56U);
    }
  } while (!shared.compare_exchange_weak(before, state));
}

std::string Ulid::text() const {
  std::string out(26, '0');
  // 128 bits as 26 groups of five, the first group holds three bits.
  for (std::size_t i = 0; i < 26; ++i) {
    unsigned value = 0;
    for (std::size_t b = 0; b < 5; ++b) {
      const std::size_t bit = i * 5 + b;  // position in 130 bits, two of padding in front
      unsigned one = 0;
      if (bit >= 2) {
        const std::size_t real = bit - 2;
        one = (static_cast<unsigned>(bytes[real / 8]) >> (7U - real % 8U)) & 1U;
      }
      value = value << 1U | one;
    }
    out[i] = kAlphabet[value];
  }
  return out;
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
  if (text.size() != 26) return std::nullopt;
  Ulid id;
  for (std::size_t i = 0; i < 26; ++i) {
    const auto value = kAlphabet.find(upper(text[i]));
    if (value == std::string_view::npos || (i == 0 && value > 7)) return std::nullopt;
    for (std::size_t b = 0; b < 5; ++b) {
      const std::size_t bit = i * 5 + b;
      if (bit < 2) continue;
      const std::size_t real = bit - 2;
      if ((value >> (4 - b) & 1U) != 0) {
        id.bytes[real / 8] = static_cast<std::uint8_t>(id.bytes[real / 8] | (0x80U >> (real % 8)));
      }
    }
  }
  return id;
}

std::optional<Ulid> Ulid::from_bytes(std::string_view bytes) {
  Ulid id;
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

Ulid UlidSource::next() {
  const Lock lock(mutex_);
  Ulid id;
  const auto ms = static_cast<std::uint64_t>(clock_.now().ms);
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (40U - 8U * i));
  if (std::equal(id.bytes.begin(), id.bytes.begin() + 6, last_.bytes.begin()) || id < last_) {
    // Same millisecond, or the clock stepped back: one more than the last id keeps the order.
    id = last_;
    for (std::size_t i = id.bytes.size(); i-- > 0;) {
      if (++id.bytes[i] != 0) break;
    }
  } else {
    random_.fill(std::span(id.bytes).subspan(6));
  }
  last_ = id;
  return id;
}

std::string make_uuid(Random& random) {
  std::array<std::uint8_t, 16> raw{};
  random.fill(raw);
  raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0fU) | 0x40U);
  raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3fU) | 0x80U);
  std::string out = to_hex(raw);
  for (const std::size_t at : {20, 16, 12, 8}) out.insert(at, 1, '-');
  return out;
}

}  // namespace rabt
