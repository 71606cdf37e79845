#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Texts between quotes in C++ sources.
namespace rabt::texts {

// The string literals of a source, neighbours put together. Raw literals (SQL, HTML, documents) are
// left out. A byte that is written as an escape other than \" and \\ becomes a line break.
[[nodiscard]] std::vector<std::string> literals(std::string_view source);

// The texts that a source puts together from literals and other parts by `+`, with `part` in place
// of each other part, and 2 in place of a number. Texts in which a part touches a letter are left
// out.
[[nodiscard]] std::vector<std::string> composed(std::string_view source, std::string_view part);

}  // namespace rabt::texts
