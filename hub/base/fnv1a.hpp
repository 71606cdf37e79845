#pragma once

#include <cstdint>
#include <string_view>

namespace rabt {

inline constexpr std::uint64_t kFnv1aBasis = 0xcbf29ce484222325ULL;

// FNV-1a of 64 bits: the same on every machine and at every time. Against accidents, not against
// attackers. of: the hash of what stands before the text.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t of = kFnv1aBasis) {
  for (const char c : text) of = (of ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return of;
}

}  // namespace rabt
