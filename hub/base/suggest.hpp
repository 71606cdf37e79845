#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rabt {

// Damerau-Levenshtein distance (optimal string alignment): insert, delete, replace, swap
// neighbours.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to a misspelt name, or "" if every candidate differs in more than a third
// of the name's length.
[[nodiscard]] std::string nearest(std::string_view name,
                                  const std::vector<std::string>& candidates);

// "did you mean `x`?" or an empty text.
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       const std::vector<std::string>& candidates);

// "a, b, c".
[[nodiscard]] std::string listed(std::span<const std::string> names);

}  // namespace rabt
