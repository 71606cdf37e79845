#pragma once

#include <sstream>
#include <string>

namespace rabt::test {

// A field of the first segment of this name; "none" when there is none.
inline std::string field(const std::string& message, const std::string& segment, int number) {
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line, '\r');) {
    if (!line.starts_with(segment + "|")) continue;
    std::istringstream fields(line);
    std::string text;
    for (int i = 0; i <= number - (segment == "MSH" ? 1 : 0); ++i)
      if (!std::getline(fields, text, '|')) return "";
    return text;
  }
  return "none";
}

}  // namespace rabt::test
