#pragma once

#include <string>

#include "hub/base/printable.hpp"
#include "hub/base/result.hpp"

namespace rabt::cli {

// Reads one line of standard input. hidden: the terminal does not echo it. Error
// cli.no_answer_given.
[[nodiscard]] Result<std::string> ask(const std::string& question, bool hidden);

}  // namespace rabt::cli
