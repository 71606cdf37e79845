#include <CLI/CLI.hpp>

#include "hub/assembly/process_memory.hpp"
#include "hub/cli/commands.hpp"

// The `rabt` command. What `rabt serve` constructs, and in which order: hub/assembly/hub.cpp.
int main(int argc, char** argv) {
  using namespace rabt;
  CLI::App app{"Rabt: integration hub for telehealth"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "rabt " RABT_VERSION, "Print the version and leave");
  int code = 0;
  bool allow_debugging = false;
  cli::add_serve_command(app, code, allow_debugging);
  cli::add_config_commands(app, code);
  cli::add_keys_commands(app, code);
  cli::add_audit_commands(app, code);
  cli::add_workflow_commands(app, code);
  cli::add_expr_command(app, code);
  cli::add_instances_command(app, code);
  cli::add_plugin_commands(app, code);
  cli::add_users_commands(app, code);
  cli::add_approvals_command(app, code);
  cli::add_clients_commands(app, code);
  cli::add_access_command(app, code);
  cli::add_phi_commands(app, code);
  cli::add_webhooks_commands(app, code);

  // This runs before the command does: every command may hold keys or patient data.
  app.parse_complete_callback([&] {
    if (!allow_debugging && !assembly::forbid_core_dumps())
      throw CLI::RuntimeError("rabt: core files cannot be forbidden", 1);
  });

  CLI11_PARSE(app, argc, argv);
  return code;
}
