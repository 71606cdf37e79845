#include "tools/texts/literals.hpp"

#include <algorithm>
#include <cctype>

namespace rabt::texts {

std::vector<std::string> literals(std::string_view source) {
  std::vector<std::string> out;
  bool joins = false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    const std::string_view rest = source.substr(i);
    if (rest.starts_with("//") || rest.starts_with("#include") || rest.starts_with("#pragma")) {
      i = std::min(source.find('\n', i), source.size());
    } else if (rest.starts_with("R\"")) {
      const std::size_t open = source.find('(', i);
      if (open == std::string_view::npos) return out;
      const std::string end = ")" + std::string(source.substr(i + 2, open - i - 2)) + "\"";
      i = std::min(source.find(end, open), source.size()) + end.size() - 1;
      joins = false;
    } else if (c == '\'' && i + 2 < source.size() && i > 0 &&
               std::isalnum(static_cast<unsigned char>(source[i - 1])) == 0) {
      i = std::min(source.find('\'', i + (source[i + 1] == '\\' ? 3 : 2)), source.size());
      joins = false;
    } else if (c == '"') {
      std::string text;
      for (++i; i < source.size() && source[i] != '"'; ++i) {
        if (source[i] != '\\' || i + 1 == source.size()) {
          text += source[i];
          continue;
        }
        ++i;
        text += source[i] == '"' || source[i] == '\\' ? source[i] : '\n';
      }
      if (joins) {
        out.back() += text;
      } else {
        out.push_back(std::move(text));
      }
      joins = true;
    } else if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      joins = false;
    }
  }
  return out;
}

}  // namespace rabt::texts
