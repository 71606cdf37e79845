#pragma once

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "hub/base/result.hpp"

namespace rabt::test {

// The value, or the end of the program with the error: for what a test or a benchmark sets up.
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s: %s\n", result.error().code.c_str(), result.error().message.c_str());
    std::abort();
  }
  return std::move(result).value();
}

}  // namespace rabt::test
