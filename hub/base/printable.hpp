#pragma once

#include <string>
#include <string_view>

#include "hub/base/result.hpp"

// Texts that others wrote, for a terminal or a log that people read.
namespace rabt {

// Puts '?' in place of everything that would move the cursor, or hide, forge or turn round the
// text beside it: control characters (U+0000 to U+001F, so line ends and tabs as well, U+007F to
// U+009F), line and paragraph separators, the embeddings, overrides and isolates of bidirectional
// text (U+202A to U+202E, U+2066 to U+2069), and bytes that are no UTF-8.
[[nodiscard]] std::string printable(std::string_view text);
// As printable(), but line ends stay: for a text of several lines.
[[nodiscard]] std::string printable_lines(std::string_view text);
// Whether printable() would change nothing but tabs.
[[nodiscard]] bool is_printable(std::string_view text);

// How a command fails: writes the error's message and code to standard error as printable_lines()
// shows them, and returns the exit code: 2 for a wrong input, else 1.
int complain(const Error& error);

}  // namespace rabt
