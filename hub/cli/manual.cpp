#include <cstdio>

#include "hub/args/args.hpp"
#include "hub/cli/commands.hpp"

// rabt completion, rabt manual
namespace rabt::cli {

void add_manual_commands(args::Program& program) {
  program
      .add_subcommand("completion", "Print a script that completes commands and options in bash")
      ->callback([&program] { std::fputs(program.bash_completion().c_str(), stdout); });
  program.add_subcommand("manual", "Print the manual page of all commands, for man(1)")
      ->callback([&program] { std::fputs(program.manual().c_str(), stdout); });
}

}  // namespace rabt::cli
