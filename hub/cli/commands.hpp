#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rabt::cli {

// Each command returns the process's exit code: 0 good, 1 failed, 2 wrong input. Messages go to
// standard error.

struct ServeOptions {
  std::string config = "config/rabt.yaml";
  std::string ready_file;  // gets {"url": "...", "pid": N} when the hub listens
  bool die_with_parent = false;
  bool dev = false;              // also loads plugins that nobody signed
  bool allow_debugging = false;  // leaves core dumps and debuggers on: for development
};
// Runs the hub until SIGTERM or SIGINT.
int serve(const ServeOptions& options);

// Turns this process into the program of that name, which is installed beside `rabt`. Returns only
// when that program cannot be started: the exit code of the error that was written.
int become(const std::string& program, const std::vector<std::string>& arguments);

struct ExprOptions {
  std::string expression;              // as between ${ and }
  std::string input;                   // file; empty: standard input unless it is a terminal
  std::vector<std::string> arguments;  // NAME=JSON
  bool null_input = false;
  bool raw = false;  // texts without quotes
};
// Evaluates an expression on every JSON value of the input and prints the results, one a line.
// Exit code 5 when it does not compile or an evaluation failed.
int expr(const ExprOptions& options);

struct AuditVerifyOptions {
  std::string config = "config/rabt.yaml";
  std::string proof;                 // check this file alone; neither configuration nor database
  std::string key;                   // verifier key, or a file that holds one
  std::vector<std::string> anchors;  // folders beside those of the configuration
  std::int64_t from = 1;
  std::int64_t to = INT64_MAX;
};
// 0: everything holds, 1: something does not (named on standard output), or it cannot be read.
int audit_verify(const AuditVerifyOptions& options);
struct AuditProveOptions {
  std::string config = "config/rabt.yaml";
  std::int64_t entry = 0;  // 0: a consistency proof
  std::int64_t size = 0;   // of the checkpoint; 0: the newest
  std::int64_t from = 0;
  std::int64_t to = 0;  // 0: the newest
  std::string out;      // empty: standard output
};
int audit_prove(const AuditProveOptions& options);
// Prints the newest checkpoint and the verifier key, or only one of them.
int audit_checkpoint(const std::string& config, bool only_note, bool only_key);
// dev: as `rabt serve --dev` would take it.
int check_config(const std::string& config, bool dev = false);

struct WorkflowRunOptions {
  std::string file;
  std::string input;                   // file; -: standard input; empty: null
  std::vector<std::string> events;     // files of CloudEvents, one JSON object on each line
  std::vector<std::string> workflows;  // files of other definitions
  std::vector<std::string> secrets;    // NAME=ENVVAR
  std::vector<std::string> replies;    // ROLE/ACTION=FILE
  std::vector<std::string> maps;       // HOST=URL
  bool allow_network = false;
  bool trace = false;
  bool real_time = false;
};
// Runs a workflow in memory. Its output goes to standard output: 0. 2: a file, the input or an
// option is wrong. 3: it faulted, and the error goes to standard output. 4: it was cancelled, or
// waits for something that does not come.
int workflow_run(const WorkflowRunOptions& options);

struct WorkflowTestOptions {
  std::vector<std::string> files;
  std::string config;  // empty: arguments and outputs are not compared with the actions' schemas
  std::string format = "text";  // text, json, junit
  std::string only;             // the name of one case
  double require_coverage = 0;  // percent, of every file
};
// Exit codes: 0 every case passed, 1 a case failed or the coverage is too low, 2 a file is invalid.
int workflow_test(const WorkflowTestOptions& options);

// Prints the workflow as a Mermaid flowchart. 2: the file is invalid.
int workflow_graph(const std::string& file);
// Says in plain words what a workflow does. config: empty, or a configuration whose actions tell
// which arguments are patient data and what can be repeated. format: text or json. 2: a file is
// invalid.
int workflow_explain(const std::string& file, const std::string& config, const std::string& format);

struct LintOptions {
  std::string config;           // empty: roles and actions are not checked
  std::string format = "text";  // text, json, sarif
  bool strict = false;          // warnings count as errors
};
// 0: no error, 1: errors (with strict also warnings), 2: a file or the configuration is not
// readable.
int workflow_lint(const std::vector<std::string>& files, const LintOptions& options);
// Prints the JSON Schema of workflow files for editors. config as above.
int workflow_schema(const std::string& config);

// These ask the running hub. files: those of the configuration when there are none.
struct DeployOptions {
  std::string config = "config/rabt.yaml";
  std::vector<std::string> files;
  bool prune = false;
  bool json = false;
};
// What apply would do: 0 nothing, 2 something, 1 it would be refused or there is no answer.
int workflow_plan(const DeployOptions& options);
int workflow_apply(const DeployOptions& options);
int workflow_list(const DeployOptions& options);
// The deployed file, to standard output. name: [NAMESPACE/]NAME[@VERSION].
int workflow_export(const std::string& config, const std::string& name);

struct AuditExportOptions {
  std::string config = "config/rabt.yaml";
  std::string format = "jsonl";  // fhir, fhir-bundle, syslog, jsonl
  std::string from;              // a date or a time; empty: the beginning
  std::string to;
  std::string patient;  // KIND:VALUE; empty: everybody
  std::string reason;
};
// Entries of the audit log of the running hub, to standard output.
int audit_export(const AuditExportOptions& options);

struct AuditReportOptions {
  std::string config = "config/rabt.yaml";
  std::string patient;       // KIND:VALUE
  bool break_glass = false;  // the grants instead
  bool all = false;          // also those that were reviewed
  std::string from;
  std::string to;
  std::string reason;
  bool json = false;
};
// Who saw what of one patient, or what was read under break-glass grants.
int audit_report(const AuditReportOptions& options);

struct InstancesOptions {
  std::string config = "config/rabt.yaml";
  std::string id;
  bool events = false;  // the lifecycle events of one, one a line
  std::string patient;  // KIND:VALUE: only this person's
  std::string reason;   // why the person is looked for
};
int list_instances(const InstancesOptions& options);

// Plugins: the store of the configuration.
struct PluginAddOptions {
  std::string config = "config/rabt.yaml";
  std::string path;  // a folder or a .zip
  bool yes = false;  // do not ask
  bool allow_downgrade = false;
};
// Says what the package may do and which patient data it sees, asks, and adds it.
int plugin_add(const PluginAddOptions& options);
// What is in the store, verified, and what the configuration names beside it. 1: something there
// would not load.
int plugin_list(const std::string& config, bool json);
// what: ID or ID@VERSION. Refused (plugin.in_use) while a hub that runs takes calls with it, unless
// forced: instances that began with it would keep the next start from succeeding.
int plugin_remove(const std::string& config, const std::string& what, bool force);
struct PluginVerifyOptions {
  std::string config = "config/rabt.yaml";
  std::string path;  // empty: everything in the store
  std::string key;   // file of a public key to trust instead of the store's
  bool json = false;
};
int plugin_verify(const PluginVerifyOptions& options);
int plugin_sign(const std::string& folder, const std::string& key_file);
int plugin_keys_list(const std::string& config, bool json);
struct PluginKeyOptions {
  std::string config = "config/rabt.yaml";
  std::string file;  // of the public key
  std::string name;  // whose it is
  std::vector<std::string> scopes;
};
int plugin_keys_add(const PluginKeyOptions& options);
int plugin_keys_remove(const std::string& config, const std::string& id);
int plugin_keys_generate(const std::string& file, bool no_password);
// Brings a newer version of a plugin from the store into the running hub.
int upgrade_plugin(const std::string& config, const std::string& id);
// Starts a quarantined plugin of the running hub again.
int release_plugin(const std::string& config, const std::string& id);

// Keys: through the running hub, else on the data folder itself.
int keys_status(const std::string& config, bool json);
struct KeysOptions {
  std::string config = "config/rabt.yaml";
  std::string verb;       // rotate, rewrap, shred, hold, release
  std::string what;       // rotate: root, tenant, bucket
  std::string bucket;     // "consultation/2036-11"
  std::string object;     // hold: "instance:01K...", "recording:01K..."
  std::string hold_case;  // hold, release
  std::string reason;
  bool destroy_old = false;
  bool forget_old = false;
  bool force = false;
};
int keys_act(const KeysOptions& options);

struct PhiScanOptions {
  std::vector<std::string> files;  // none: standard input, as -
  std::string config;              // empty, or a configuration with patterns of record numbers
  double min_score = 0.5;
  bool json = false;
  bool mask = false;
};
// Looks for patient data in text; the findings go to standard output, without the values. With
// mask it is the text that goes there, masked. 0: nothing was found, 1: something was, 2: a file or
// the configuration cannot be read.
int phi_scan(const PhiScanOptions& options);

}  // namespace rabt::cli
