#pragma once

#include <string>
#include <string_view>

namespace rabt {

// A code as it was shown, when somebody typed or pasted it: without blanks, hyphens and invisible
// marks, Arabic digits as ASCII, small letters. Programs show codes in groups of three or four.
// Anything else stays. Pure.
[[nodiscard]] std::string typed_code(std::string_view typed);

}  // namespace rabt
