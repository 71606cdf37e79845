#pragma once

#include <cstdint>
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
void add_demo_command(CLI::App& program, int& code);
void add_config_commands(CLI::App& program, int& code);
void add_keys_commands(CLI::App& program, int& code);
void add_audit_commands(CLI::App& program, int& code);
void add_workflow_commands(CLI::App& program, int& code);
void add_expr_command(CLI::App& program, int& code);
void add_instances_command(CLI::App& program, int& code);
void add_plugin_commands(CLI::App& program, int& code);
void add_phi_commands(CLI::App& program, int& code);

// Parts of a group that have a file of their own; `group` is `rabt audit`, `rabt workflow`...
void add_audit_report_commands(CLI::App& group, int& code);
void add_workflow_test_command(CLI::App& group, int& code);
void add_workflow_deploy_commands(CLI::App& group, int& code);
void add_workflow_run_command(CLI::App& group, int& code);
void add_plugin_key_commands(CLI::App& group, int& code);
void add_plugin_project_commands(CLI::App& group, int& code);

// The option -c, --config of a command. `config` holds the default and gets the value.
void add_config_option(CLI::App& command, std::string& config);
inline constexpr const char* kDefaultConfig = "config/rabt.yaml";

struct DemoOptions {
  bool serve = false;     // stay up and print the addresses
  bool crash = false;     // kill the hub twenty times in one consultation
  bool keep = false;      // keep the data folder
  int consultations = 1;  // more than one: a load run without the story
  std::string data;       // data folder; empty: a temporary one
  std::string root;       // the project's folder; empty: found from the binary
};
int demo(const DemoOptions& options);

struct PluginCheckOptions {
  std::string path;  // of a package
  bool list = false;
  std::string only;  // a pattern; of plugin_check_one: the name of the test
  bool json = false;
  double fuzz_seconds = 2;
  std::uint64_t seed = 1;
  std::uint64_t first_case = 0;        // of plugin_check_one
  std::uint64_t process_cases = 1000;  // of plugin_check_one
  std::string skip_file;               // empty: rabt-check.yaml, where there is one
  std::string previous;                // a package of the release before
  std::string examples;                // a folder; empty: check/ in the package
  std::string key;                     // public key that the signature must be of
  bool write_report = false;
};
// Checks a package. 0: no test failed or crashed, 1: one did, 2: the package or an option is wrong.
int plugin_check(const PluginCheckOptions& options);
struct PluginNewOptions {
  std::string name;     // the plugin's id
  std::string folder;   // where to; empty: the name
  std::string actions;  // names, separated by commas; or
  std::string role;     // video: its actions and events
  std::string license = "Apache-2.0";
  std::string author = "Example Ltd";
  std::string sdk;  // folder of the SDK; empty: the one beside this program
};
// Writes a project. 0: it is there, 2: nothing was written.
int plugin_new(const PluginNewOptions& options);
// One test, in this process, on behalf of plugin_check.
int plugin_check_one(const PluginCheckOptions& options);

}  // namespace rabt::cli
