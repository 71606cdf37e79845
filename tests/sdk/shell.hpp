#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace rabt::sdk::tests {

inline std::filesystem::path source_dir() {
  const char* value = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "." : value;
}

struct Ran {
  int code = -1;
  std::string output;  // both streams
};

// One line for the shell.
inline Ran run(const std::string& line) {
  Ran result;
  FILE* pipe = ::popen((line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    result.output.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

inline bool have(const std::string& program) {
  return run("command -v " + program + " >/dev/null").code == 0;
}

// Variables for a build below `folder`, whose name is another each time: ccache, where it is
// installed, compiles nothing there that it has compiled before.
inline std::vector<std::pair<std::string, std::string>> ccache_variables(
    const std::filesystem::path& folder) {
  if (!have("ccache")) return {};
  std::string cache = run("ccache --get-config cache_dir").output;
  cache.erase(cache.find_last_not_of('\n') + 1);
  return {{"CMAKE_CXX_COMPILER_LAUNCHER", "ccache"},
          {"CCACHE_DIR", cache},
          {"CCACHE_BASEDIR", folder.string()},
          {"CCACHE_NOHASHDIR", "1"}};
}

}  // namespace rabt::sdk::tests
