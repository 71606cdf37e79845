#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"

namespace rabt::cli {

int become(const std::string& program, const std::vector<std::string>& arguments) {
  std::error_code failure;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failure);
  std::string path = (self.parent_path() / program).string();
  std::vector<std::string> copies = arguments;
  std::vector<char*> argv{path.data()};
  for (std::string& one : copies) argv.push_back(one.data());
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  return complain(unavailable("cli.program", path + " cannot be started: " + std::strerror(errno) +
                                                 "; " + program + " is installed beside rabt"));
}

}  // namespace rabt::cli
