#pragma once

#include <string>
#include <string_view>

namespace rabt {

// RFC 3986 section 5.2: a reference against a base; the fragment is the reference's. Both may be
// relative; an empty base leaves the reference as it is, less its dot segments.
[[nodiscard]] std::string resolve_uri(std::string_view base, std::string_view reference);

// Everything but unreserved characters (RFC 3986 section 2.3) and those of `kept` as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view kept = {});

// %XX as the byte that it stands for. A % that no two hexadecimal digits follow stays.
[[nodiscard]] std::string percent_decode(std::string_view text);

}  // namespace rabt
