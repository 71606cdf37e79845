#pragma once

#include <string>
#include <string_view>
#include <vector>

// Text of people as it is printed. Pure.
namespace rabt::print {

// Paragraphs of a text, without their ends: valid UTF-8 without control characters and without
// characters that override the direction of letters (U+202A to U+202E). A paragraph that is longer
// than `most` bytes is cut at a blank, else between characters.
[[nodiscard]] std::vector<std::string> paragraphs_of(std::string_view text,
                                                     std::size_t most = 16U << 10U);

// The same in one line.
[[nodiscard]] std::string line_of(std::string_view text);

}  // namespace rabt::print
