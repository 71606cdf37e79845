#pragma once

#include <string>

#include "hub/base/build.hpp"

namespace rabt::args {
class Command;
class Program;
}  // namespace rabt::args

// The commands of `rabt`, one file a group. A group adds its commands to the program and declares
// their options beside its code. When the program's arguments have been parsed, the command that
// they name runs and sets `code`, the exit code of the process: 0 success, 1 failure, 2 wrong
// input, where a command's own help says nothing else. Messages go to standard error. The program
// and `code` outlive the parse.
namespace rabt::cli {

// allow_debugging: set by --allow-debugging before the command runs.
void add_serve_command(args::Command& program, int& code, bool& allow_debugging,
                       const Build& build);
void add_backup_commands(args::Command& program, int& code);
void add_config_commands(args::Command& program, int& code);
void add_database_commands(args::Command& program, int& code);
void add_keys_commands(args::Command& program, int& code);
void add_audit_commands(args::Command& program, int& code);
void add_workflow_commands(args::Command& program, int& code);
void add_expr_command(args::Command& program, int& code);
void add_alerts_commands(args::Command& program, int& code);
void add_status_command(args::Command& program, int& code);
void add_instances_command(args::Command& program, int& code);
void add_repair_commands(args::Command& program, int& code);
void add_roles_commands(args::Command& program, int& code);
void add_tasks_command(args::Command& program, int& code);
void add_visits_command(args::Command& program, int& code);
void add_plugin_commands(args::Command& program, int& code);
void add_people_commands(args::Command& program, int& code);
void add_users_commands(args::Command& program, int& code);
void add_approvals_command(args::Command& program, int& code);
void add_clients_commands(args::Command& program, int& code);
void add_access_command(args::Command& program, int& code);
void add_phi_commands(args::Command& program, int& code);
void add_sources_commands(args::Command& program, int& code);
void add_hooks_commands(args::Command& program, int& code);
void add_webhooks_commands(args::Command& program, int& code);
void add_deliveries_commands(args::Command& program, int& code);
// Prints what the program itself holds, so the program gets them last.
void add_manual_commands(args::Program& program);

// Parts of a group that have a file of their own; `group` is `rabt audit`, `rabt workflow`...
void add_audit_report_commands(args::Command& group, int& code);
void add_workflow_test_command(args::Command& group, int& code);
void add_workflow_deploy_commands(args::Command& group, int& code);
void add_workflow_replay_command(args::Command& group, int& code);
void add_workflow_run_command(args::Command& group, int& code);
void add_plugin_key_commands(args::Command& group, int& code);
void add_plugin_project_commands(args::Command& group, int& code);

// The options -c, --config and --tenant of a command. `config` holds the default and gets the
// configuration of the tenant; with --tenant `common` gets the file that names the tenants. Both
// outlive the parse.
void add_config_option(args::Command& command, std::string& config, std::string* common = nullptr);
inline constexpr const char* kDefaultConfig = "config/rabt.yaml";
// Default of add_config_option(): $RABT_CONFIG, or kDefaultConfig.
[[nodiscard]] std::string default_config();

}  // namespace rabt::cli
