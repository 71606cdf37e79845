#include "hub/base/json_members.hpp"

namespace rabt {

std::size_t count_json_values(std::string_view text) {
  // Each value but the outermost one begins behind a comma or an opening bracket.
  std::size_t count = text.empty() ? 0 : 1;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == ',' || c == '[' || c == '{') {
      ++count;
    }
  }
  return count;
}

}  // namespace rabt
