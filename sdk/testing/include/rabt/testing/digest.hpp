#pragma once

// SHA-1, SHA-256 (FIPS 180-4) and HMAC (RFC 2104) for the fake of rabt.sign/1: for tests only, slow
// and not hardened. SPDX-License-Identifier: Apache-2.0

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace rabt::sdk::testing {

namespace detail {

// Pads the message and calls `block` with each 16 words of 32 bits.
template <typename Block>
void each_block(std::string_view text, Block block) {
  std::string padded(text);
  padded.push_back(static_cast<char>(0x80));
  while (padded.size() % 64 != 56) padded.push_back('\0');
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (unsigned i = 0; i < 8; ++i) padded.push_back(static_cast<char>(bits >> (56U - 8U * i)));
  for (std::size_t at = 0; at < padded.size(); at += 64) {
    std::array<std::uint32_t, 16> words{};
    for (std::size_t i = 0; i < 64; ++i)
      words[i / 4] = words[i / 4] << 8U | static_cast<unsigned char>(padded[at + i]);
    block(words);
  }
}

template <std::size_t N>
std::string digest_text(const std::array<std::uint32_t, N>& state) {
  std::string out;
  for (const std::uint32_t word : state) {
    for (unsigned shift = 24;; shift -= 8) {
      out.push_back(static_cast<char>(word >> shift));
      if (shift == 0) break;
    }
  }
  return out;
}

}  // namespace detail

inline std::string sha1(std::string_view text) {
  std::array<std::uint32_t, 5> h{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  detail::each_block(text, [&h](const std::array<std::uint32_t, 16>& words) {
    std::array<std::uint32_t, 80> w{};
    for (std::size_t i = 0; i < 80; ++i)
      w[i] = i < 16 ? words[i] : std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    auto [a, b, c, d, e] = h;
    for (std::size_t i = 0; i < 80; ++i) {
      const std::uint32_t f = i < 20   ? (b & c) | (~b & d)
                              : i < 40 ? b ^ c ^ d
                              : i < 60 ? (b & c) | (b & d) | (c & d)
                                       : b ^ c ^ d;
      static constexpr std::array<std::uint32_t, 4> kRound{0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                                           0xca62c1d6};
      const std::uint32_t next = std::rotl(a, 5) + f + e + kRound[i / 20] + w[i];
      e = d;
      d = c;
      c = std::rotl(b, 30);
      b = a;
      a = next;
    }
    h = {h[0] + a, h[1] + b, h[2] + c, h[3] + d, h[4] + e};
  });
  return detail::digest_text(h);
}

inline std::string sha256(std::string_view text) {
  static constexpr std::array<std::uint32_t, 64> kRound{
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
      0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
      0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
      0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
      0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
      0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
      0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
      0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
      0xc67178f2};
  std::array<std::uint32_t, 8> h{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  detail::each_block(text, [&h](const std::array<std::uint32_t, 16>& words) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 64; ++i) {
      if (i < 16) {
        w[i] = words[i];
        continue;
      }
      const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3U;
      const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10U;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto v = h;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t s1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
      const std::uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      const std::uint32_t one = v[7] + s1 + choice + kRound[i] + w[i];
      const std::uint32_t s0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
      const std::uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      v = {one + s0 + majority, v[0], v[1], v[2], v[3] + one, v[4], v[5], v[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) h[i] += v[i];
  });
  return detail::digest_text(h);
}

// algorithm: "sha1" or "sha256".
inline std::string hmac(std::string_view algorithm, std::string_view key, std::string_view text) {
  const auto hash = [algorithm](const std::string& what) {
    return algorithm == "sha1" ? sha1(what) : sha256(what);
  };
  std::string block = key.size() > 64 ? hash(std::string(key)) : std::string(key);
  block.resize(64, '\0');
  std::string inner = block;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  std::string outer = block;
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return hash(outer + hash(inner + std::string(text)));
}

inline std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kHex[static_cast<unsigned char>(c) >> 4U]);
    out.push_back(kHex[static_cast<unsigned char>(c) & 0xfU]);
  }
  return out;
}

// RFC 4648 section 5, without padding.
inline std::string base64url(std::string_view bytes) {
  static constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out.push_back(kLetters[bits >> (held - 6) & 0x3fU]);
  }
  if (held > 0) out.push_back(kLetters[bits << (6 - held) & 0x3fU]);
  return out;
}

}  // namespace rabt::sdk::testing
