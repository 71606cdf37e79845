#pragma once

#include <string_view>

// Semantic versions 2.0.0 (semver.org).
namespace rabt {

// major.minor.patch, with pre-release and build metadata where they are given.
[[nodiscard]] bool is_semver(std::string_view text);

// Section 11: less than 0 when a precedes b, more when b precedes a, 0 when neither does; build
// metadata does not count. Both are semantic versions; numbers may have any number of digits.
[[nodiscard]] int compare_semver(std::string_view a, std::string_view b);

// True if both have the same major version.
[[nodiscard]] bool same_major(std::string_view a, std::string_view b);

}  // namespace rabt
