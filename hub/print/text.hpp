#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Text of people as it is printed. Pure.
namespace rabt::print {

// "[U+1F44B]": stands for a character that cannot be printed.
[[nodiscard]] std::string name_of(std::uint32_t character);

// Paragraphs of a text, without their ends: valid UTF-8 without control characters and without
// characters that override the direction of letters (U+202A to U+202E); those for private use and
// those that Unicode does not know stand by name. A paragraph that is longer than `most` bytes is
// cut at a blank, else between characters.
[[nodiscard]] std::vector<std::string> paragraphs_of(std::string_view text,
                                                     std::size_t most = 16U << 10U);

// The same in one line.
[[nodiscard]] std::string line_of(std::string_view text);

}  // namespace rabt::print
