#pragma once

#include <string>
#include <string_view>

namespace rabt {

// Resolves a reference against a base (RFC 3986 section 5.2). Both may be relative. The fragment
// is the reference's. With an empty base, only dot segments are removed.
[[nodiscard]] std::string resolve_uri(std::string_view base, std::string_view reference);

// Writes as %XX every byte but unreserved characters (RFC 3986 section 2.3) and those of `kept`.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view kept = {});

// Turns each %XX into the byte that it stands for. A % without two hexadecimal digits stays.
[[nodiscard]] std::string percent_decode(std::string_view text);

}  // namespace rabt
