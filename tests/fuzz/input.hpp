#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

// Common parts of the fuzz targets. A broken rule aborts, so that libFuzzer keeps the input.
namespace rabt::fuzz {

inline void require(bool holds, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The parts between NUL bytes, exactly count of them: the last takes the rest, missing ones are
// empty.
inline std::vector<std::string_view> parts(std::string_view input, std::size_t count) {
  std::vector<std::string_view> out;
  while (out.size() + 1 < count) {
    const auto end = input.find('\0');
    out.push_back(input.substr(0, end));
    input = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
  }
  out.push_back(input);
  return out;
}

}  // namespace rabt::fuzz
