#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rabt::consultation {

// What a DEFLATE stream in a zlib frame (RFC 1950, 1951) holds, at most `most` bytes of it. When
// the stream breaks off or is wrong, what came before. Never reads outside of `bytes`. Pure.
[[nodiscard]] std::string inflate(std::string_view bytes, std::size_t most);

}  // namespace rabt::consultation
