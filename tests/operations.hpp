#pragma once

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

namespace rabt::test {

struct Operation {
  std::string method;
  std::string pattern;
};

// By operationId, from the indentation of docs/openapi.yaml.
inline std::map<std::string, Operation> operations() {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(std::string(root != nullptr ? root : ".") + "/docs/openapi.yaml");
  const std::string name = "      operationId: ";
  std::map<std::string, Operation> out;
  Operation now;
  bool in_paths = false;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != ' ') in_paths = line == "paths:";
    if (!in_paths) continue;
    if (line.starts_with("  /")) now.pattern = line.substr(2, line.size() - 3);
    for (const char* letter : {"get", "put", "post", "delete", "patch"}) {
      if (line != std::string("    ") + letter + ":") continue;
      now.method = letter;
      std::transform(now.method.begin(), now.method.end(), now.method.begin(), ::toupper);
    }
    if (line.starts_with(name)) out[line.substr(name.size())] = now;
  }
  return out;
}

}  // namespace rabt::test
