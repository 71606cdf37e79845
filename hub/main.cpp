#include <cstdio>

#include "hub/args/args.hpp"
#include "hub/assembly/process_memory.hpp"
#include "hub/cli/commands.hpp"
#include "hub/version.hpp"

// The `rabt` command. What `rabt serve` constructs, and in which order: hub/assembly/hub.cpp.
int main(int argc, char** argv) {
  using namespace rabt;
  args::Program app("Rabt: integration hub for telehealth", "rabt");
  app.require_subcommand();
  app.set_version_flag(
      "--version",
      "rabt " + kBuild.version + (kBuild.commit.empty() ? "" : " (commit " + kBuild.commit + ")"),
      "Print the version and leave");
  int code = 0;
  bool allow_debugging = false;
  cli::add_serve_command(app, code, allow_debugging, kBuild);
  cli::add_backup_commands(app, code);
  cli::add_config_commands(app, code);
  cli::add_database_commands(app, code);
  cli::add_keys_commands(app, code);
  cli::add_audit_commands(app, code);
  cli::add_workflow_commands(app, code);
  cli::add_expr_command(app, code);
  cli::add_status_command(app, code);
  cli::add_instances_command(app, code);
  cli::add_repair_commands(app, code);
  cli::add_roles_commands(app, code);
  cli::add_tasks_command(app, code);
  cli::add_visits_command(app, code);
  cli::add_plugin_commands(app, code);
  cli::add_people_commands(app, code);
  cli::add_users_commands(app, code);
  cli::add_approvals_command(app, code);
  cli::add_clients_commands(app, code);
  cli::add_access_command(app, code);
  cli::add_phi_commands(app, code);
  cli::add_sources_commands(app, code);
  cli::add_hooks_commands(app, code);
  cli::add_webhooks_commands(app, code);
  cli::add_deliveries_commands(app, code);
  cli::add_alerts_commands(app, code);
  cli::add_manual_commands(app);

  // This runs before the command does: every command may hold keys or patient data.
  app.parse_complete_callback([&] {
    if (allow_debugging || assembly::forbid_core_dumps()) return;
    std::fprintf(stderr, "rabt: core files cannot be forbidden\n");
    args::leave(1);
  });

  if (const auto ended = app.parse(argc, argv)) return *ended;
  return code;
}
