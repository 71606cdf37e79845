#pragma once

#include <string>

namespace CLI {
class App;
}

// The commands of `rabt`, one file a group. A group adds its commands to the program and declares
// their options beside its code. When the program's arguments have been parsed, the command that
// they name runs and sets `code`, the exit code of the process: 0 success, 1 failure, 2 wrong
// input, where a command's own help says nothing else. Messages go to standard error. The program
// and `code` outlive the parse.
namespace rabt::cli {

// allow_debugging: set by --allow-debugging before the command runs.
void add_serve_command(CLI::App& program, int& code, bool& allow_debugging);
void add_config_commands(CLI::App& program, int& code);
void add_keys_commands(CLI::App& program, int& code);
void add_audit_commands(CLI::App& program, int& code);
void add_workflow_commands(CLI::App& program, int& code);
void add_expr_command(CLI::App& program, int& code);
void add_instances_command(CLI::App& program, int& code);
void add_plugin_commands(CLI::App& program, int& code);
void add_users_commands(CLI::App& program, int& code);
void add_approvals_command(CLI::App& program, int& code);
void add_clients_commands(CLI::App& program, int& code);
void add_access_command(CLI::App& program, int& code);
void add_phi_commands(CLI::App& program, int& code);
void add_webhooks_commands(CLI::App& program, int& code);

// Parts of a group that have a file of their own; `group` is `rabt audit`, `rabt workflow`...
void add_audit_report_commands(CLI::App& group, int& code);
void add_workflow_test_command(CLI::App& group, int& code);
void add_workflow_deploy_commands(CLI::App& group, int& code);
void add_workflow_run_command(CLI::App& group, int& code);
void add_plugin_key_commands(CLI::App& group, int& code);
void add_plugin_project_commands(CLI::App& group, int& code);

// The options -c, --config and --tenant of a command. `config` holds the default and gets the
// configuration of the tenant. It outlives the parse.
void add_config_option(CLI::App& command, std::string& config);
inline constexpr const char* kDefaultConfig = "config/rabt.yaml";

}  // namespace rabt::cli
