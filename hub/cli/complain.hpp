#pragma once

#include <string>

#include "hub/base/result.hpp"

namespace rabt::cli {

// Writes message and code to standard error. Characters that a terminal would obey become '?'
// (printable_lines). Gives the exit code: 2 for wrong input, else 1.
int complain(const Error& error);

// Reads one line of standard input. hidden: the terminal does not echo it. Error
// cli.no_answer_given.
[[nodiscard]] Result<std::string> ask(const std::string& question, bool hidden);

}  // namespace rabt::cli
