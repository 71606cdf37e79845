#pragma once

#include "hub/base/result.hpp"

namespace rabt::cli {

// Writes message and code to standard error; what a terminal would obey is '?' (printable_lines). Gives the exit code: 2 for a wrong input, else 1.
int complain(const Error& error);

}  // namespace rabt::cli
