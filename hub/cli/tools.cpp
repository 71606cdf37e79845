#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"

// rabt plugin new, rabt plugin check: programs of tools/, which are installed beside rabt. A
// command turns this process into its program, which reads the rest of the line, --help as well.
namespace rabt::cli {

namespace {

// Returns only when the program cannot be started: the exit code of the error that was written.
int become(const std::string& program, const std::vector<std::string>& arguments) {
  std::error_code failure;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failure);
  std::string path = (self.parent_path() / program).string();
  std::vector<std::string> copies = arguments;
  std::vector<char*> argv{path.data()};
  for (std::string& copy : copies) argv.push_back(copy.data());
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  return complain(unavailable("cli.program", path + " cannot be started: " + std::strerror(errno) +
                                                 "; " + program + " is installed beside rabt"));
}

void add_tool(args::Command& group, int& code, const char* verb, const char* program,
              const char* description) {
  auto* command = group.add_subcommand(verb, description);
  command->without_help();
  command->allow_extras();
  command->callback([command, program, &code] { code = become(program, command->remaining()); });
}

}  // namespace

void add_plugin_project_commands(args::Command& group, int& code) {
  add_tool(group, code, "new", "rabt-plugin-new",
           "Write a project for a new plugin; see docs/plugins/tutorial.md");
  add_tool(group, code, "check", "rabt-plugin-check",
           "Test a package; see docs/plugins/checker.md");
}

}  // namespace rabt::cli
