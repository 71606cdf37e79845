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

}  // namespace rabt::texts
