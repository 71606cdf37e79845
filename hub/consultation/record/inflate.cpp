#include "hub/consultation/record/inflate.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace rabt::consultation {

namespace {

constexpr int kMaxBits = 15;

// Bits of the stream, the lowest first. `failed` is set when there are no more.
class Bits {
 public:
  explicit Bits(std::string_view bytes) : bytes_(bytes) {}
  unsigned take(int count) {
    while (held_ < count) {
      if (at_ >= bytes_.size()) {
        failed = true;
        return 0;
      }
      bits_ |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes_[at_++])) << held_;
      held_ += 8;
    }
    const std::uint32_t value = bits_ & ((1U << count) - 1U);
    bits_ >>= count;
    held_ -= count;
    return value;
  }
  // Goes to the next whole byte, and gives so many bytes.
  std::string_view take_bytes(std::size_t count) {
    bits_ = 0;
    held_ = 0;
    if (count > bytes_.size() - at_) {
      failed = true;
      count = bytes_.size() - at_;
    }
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }
  bool failed = false;

 private:
  const std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint32_t bits_ = 0;
  int held_ = 0;
};

// A canonical Huffman code: how many codes of each length, and their symbols in order.
class Code {
 public:
  explicit Code(std::span<const std::uint8_t> lengths) {
    for (const std::uint8_t length : lengths) ++count_.at(length);
    count_[0] = 0;
    std::array<std::uint16_t, kMaxBits + 2> next{};
    for (std::size_t i = 1; i <= kMaxBits; ++i)
      next.at(i + 1) = static_cast<std::uint16_t>(next.at(i) + count_.at(i));
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] != 0)
        symbols_.at(next.at(lengths[symbol])++) = static_cast<std::uint16_t>(symbol);
    }
  }
  // The next symbol; -1 when no code fits.
  [[nodiscard]] int read(Bits& bits) const {
    int code = 0;
    int first = 0;
    int index = 0;
    for (std::size_t length = 1; length <= kMaxBits && !bits.failed; ++length) {
      code |= static_cast<int>(bits.take(1));
      const int count = count_.at(length);
      if (code - count < first)
        return symbols_.at(static_cast<std::size_t>(index) +
                           static_cast<std::size_t>(code - first));
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return -1;
  }

 private:
  std::array<std::uint16_t, kMaxBits + 1> count_{};
  std::array<std::uint16_t, 320> symbols_{};
};

// RFC 1951 section 3.2.5.
constexpr std::array<std::uint16_t, 29> kLengths{3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                 15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<std::uint8_t, 29> kLengthBits{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                   2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::array<std::uint16_t, 30> kDistances{
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::array<std::uint8_t, 30> kDistanceBits{0, 0, 0,  0,  1,  1,  2,  2,  3,  3,
                                                     4, 4, 5,  5,  6,  6,  7,  7,  8,  8,
                                                     9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
constexpr std::array<std::uint8_t, 19> kOrder{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                              11, 4,  12, 3, 13, 2, 14, 1, 15};

// Returns false at a wrong code, or when there is enough.
bool copy_block(Bits& bits, const Code& literals, const Code& distances, std::string& out,
                std::size_t most) {
  while (!bits.failed && out.size() < most) {
    const int symbol = literals.read(bits);
    if (symbol < 0) return false;
    if (symbol < 256) {
      out.push_back(static_cast<char>(symbol));
      continue;
    }
    if (symbol == 256) return true;
    const auto which = static_cast<std::size_t>(symbol - 257);
    if (which >= kLengths.size()) return false;
    const std::size_t length = kLengths.at(which) + bits.take(kLengthBits.at(which));
    const int coded = distances.read(bits);
    if (coded < 0 || static_cast<std::size_t>(coded) >= kDistances.size()) return false;
    const auto place = static_cast<std::size_t>(coded);
    const std::size_t distance = kDistances.at(place) + bits.take(kDistanceBits.at(place));
    if (distance > out.size()) return false;
    for (std::size_t i = 0; i < length && out.size() < most; ++i)
      out.push_back(out[out.size() - distance]);
  }
  return false;
}

bool fixed_block(Bits& bits, std::string& out, std::size_t most) {
  std::array<std::uint8_t, 288> lengths{};
  for (std::size_t i = 0; i < lengths.size(); ++i)
    lengths.at(i) = static_cast<std::uint8_t>(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
  std::array<std::uint8_t, 30> distances{};
  distances.fill(5);
  return copy_block(bits, Code(lengths), Code(distances), out, most);
}

bool dynamic_block(Bits& bits, std::string& out, std::size_t most) {
  const std::size_t literals = bits.take(5) + 257;
  const std::size_t distances = bits.take(5) + 1;
  const std::size_t coded = bits.take(4) + 4;
  std::array<std::uint8_t, 19> of_lengths{};
  for (std::size_t i = 0; i < coded; ++i)
    of_lengths.at(kOrder.at(i)) = static_cast<std::uint8_t>(bits.take(3));
  const Code code(of_lengths);
  std::array<std::uint8_t, 320> lengths{};
  std::size_t at = 0;
  while (at < literals + distances) {
    const int symbol = code.read(bits);
    if (symbol < 0 || bits.failed) return false;
    if (symbol < 16) {
      lengths.at(at++) = static_cast<std::uint8_t>(symbol);
      continue;
    }
    if (symbol == 16 && at == 0) return false;
    const std::uint8_t repeated = symbol == 16 ? lengths.at(at - 1) : std::uint8_t{0};
    std::size_t times = symbol == 16   ? 3 + bits.take(2)
                        : symbol == 17 ? 3 + bits.take(3)
                                       : 11 + bits.take(7);
    if (at + times > literals + distances) return false;
    while (times-- > 0) lengths.at(at++) = repeated;
  }
  const std::span<const std::uint8_t> all(lengths);
  return copy_block(bits, Code(all.first(literals)), Code(all.subspan(literals, distances)), out,
                    most);
}

bool stored_block(Bits& bits, std::string& out, std::size_t most) {
  const std::string_view head = bits.take_bytes(4);
  if (bits.failed) return false;
  const auto byte = [&head](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(head[i]));
  };
  const std::size_t length = byte(0) | byte(1) << 8U;
  if (length != ((byte(2) | byte(3) << 8U) ^ 0xffffU)) return false;
  out.append(bits.take_bytes(length).substr(0, most - out.size()));
  return !bits.failed;
}

}  // namespace

std::string inflate(std::string_view bytes, std::size_t most) {
  std::string out;
  if (bytes.size() < 2 || (bytes[0] & 0x0f) != 8) return out;
  Bits bits(bytes.substr(2));
  for (bool last = false, good = true; good && !last && !bits.failed && out.size() < most;) {
    last = bits.take(1) == 1;
    switch (bits.take(2)) {
      case 0:
        good = stored_block(bits, out, most);
        break;
      case 1:
        good = fixed_block(bits, out, most);
        break;
      case 2:
        good = dynamic_block(bits, out, most);
        break;
      default:
        good = false;
    }
  }
  return out;
}

}  // namespace rabt::consultation
