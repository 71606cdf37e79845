#pragma once

#include <map>
#include <string>
#include <string_view>

namespace rabt::demo {

// Writes a file that its owner alone may read. False if it cannot be written.
[[nodiscard]] bool write_text(const std::string& path, const std::string& content);

// Fills a template of JSON or YAML. {{word}} stands between double quotes and becomes the word's
// value, escaped as JSON escapes a text; YAML reads the same escapes. {{{word}}} becomes the value
// as it is, for numbers and for text that is already JSON or YAML. Every word of the template must
// have a value.
[[nodiscard]] std::string filled(std::string_view text,
                                 const std::map<std::string, std::string, std::less<>>& values);

}  // namespace rabt::demo
