#include "tools/demo/template.hpp"

#include <sys/stat.h>

#include <fstream>

#include "hub/base/check.hpp"
#include "hub/base/json.hpp"

namespace rabt::demo {

bool write_text(const std::string& path, const std::string& content) {
  std::ofstream out(path, std::ios::binary);
  out << content;
  out.close();
  return out.good() && ::chmod(path.c_str(), 0600) == 0;
}

std::string filled(std::string_view text,
                   const std::map<std::string, std::string, std::less<>>& values) {
  std::string out;
  while (true) {
    const auto begin = text.find("{{");
    if (begin == std::string_view::npos) return out.append(text);
    const bool raw = text.substr(begin).starts_with("{{{");
    const std::string_view close = raw ? "}}}" : "}}";
    const auto word = begin + close.size();
    const auto end = text.find(close, word);
    RABT_CHECK(end != std::string_view::npos);
    const auto value = values.find(text.substr(word, end - word));
    RABT_CHECK(value != values.end());
    out.append(text.substr(0, begin));
    if (raw) {
      out.append(value->second);
    } else {
      std::string quoted;
      append_json_string(quoted, value->second);
      out.append(quoted, 1, quoted.size() - 2);
    }
    text.remove_prefix(end + close.size());
  }
}

}  // namespace rabt::demo
