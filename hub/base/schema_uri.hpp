#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rabt::schema {

// An absolute or relative URI without its fragment, and the fragment, percent-decoded.
struct Target {
  std::string uri;
  std::string fragment;
};

// RFC 3986, 5.2: reference resolved against base. Both may be relative; an empty base leaves the
// reference as it is, less its dot segments.
[[nodiscard]] Target resolve_reference(std::string_view base, std::string_view reference);

// RFC 6901: one token of a JSON pointer, with ~0 and ~1.
[[nodiscard]] std::string escape_token(std::string_view token);
// Empty when a ~ is followed by neither 0 nor 1.
[[nodiscard]] std::optional<std::string> unescape_token(std::string_view token);

}  // namespace rabt::schema
