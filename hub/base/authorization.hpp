#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "hub/base/ascii.hpp"

namespace rabt {

// The credentials in a header such as Authorization, when they are of this scheme: its name counts
// in any case, and one or more spaces follow (RFC 9110 sections 11.1 and 11.4).
[[nodiscard]] inline std::optional<std::string_view> credentials_of(std::string_view header,
                                                                    std::string_view scheme) {
  const auto space = header.find(' ');
  if (space == std::string_view::npos || !equal_ignoring_case(header.substr(0, space), scheme))
    return std::nullopt;
  const auto begin = header.find_first_not_of(' ', space);
  if (begin == std::string_view::npos) return std::nullopt;
  return header.substr(begin);
}

}  // namespace rabt
