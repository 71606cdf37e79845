#pragma once

#include <string>
#include <string_view>

#include "hub/base/result.hpp"

// Texts that others wrote, for a terminal or a log that people read.
namespace rabt {

// Puts '?' in place of everything that would move the cursor, or hide, forge or turn round the
// text beside it: control characters (U+0000 to U+001F, so line ends and tabs as well, U+007F to
// U+009F), line and paragraph separators, the embeddings, overrides and isolates of bidirectional
// text (U+202A to U+202E, U+2066 to U+2069), tags (U+E0000 to U+E007F), and bytes that are no
// UTF-8.
[[nodiscard]] std::string printable(std::string_view text);
// As printable(), but line ends stay: for a text of several lines.
[[nodiscard]] std::string printable_lines(std::string_view text);
// A text that people typed or a system sent, as it is kept: without what printable() replaces.
// tidy_line: a name or a title, in which line ends and tabs are spaces. tidy_text: line ends and
// tabs stay, and separators of lines are line ends.
[[nodiscard]] std::string tidy_line(std::string_view text);
[[nodiscard]] std::string tidy_text(std::string_view text);
// True if tidy_line() would change nothing.
[[nodiscard]] bool is_tidy_line(std::string_view text);
// True if printable() would change nothing but tabs.
[[nodiscard]] bool is_printable(std::string_view text);

// Writes an error's message and code to standard error, as printable_lines() shows them. Returns
// the exit code of the command: 2 for a wrong input, else 1.
int complain(const Error& error);

}  // namespace rabt
