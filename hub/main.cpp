#include <CLI/CLI.hpp>

#include "hub/assembly/process_memory.hpp"
#include "hub/cli/commands.hpp"

// The `rabt` command. What `serve` constructs, and in which order: hub/assembly/hub.cpp.
int main(int argc, char** argv) {
  using namespace rabt::cli;
  namespace assembly = rabt::assembly;
  CLI::App app{"Rabt: integration hub for telehealth"};
  app.require_subcommand(1);
  int code = 0;

  std::string config = "config/rabt.yaml";
  const auto with_config = [&](CLI::App* command) {
    command->add_option("-c,--config", config, "configuration file")->capture_default_str();
  };

  ServeOptions serve_options;
  auto* serve_command = app.add_subcommand("serve", "run the hub");
  serve_command->add_option("-c,--config", serve_options.config, "configuration file")
      ->capture_default_str();
  serve_command->add_option("--ready-file", serve_options.ready_file,
                            "written when the hub listens");
  serve_command->add_flag("--die-with-parent", serve_options.die_with_parent,
                          "end when the parent process ends");
  serve_command->add_flag("--dev", serve_options.dev,
                          "for development: also load plugins that are not signed and added");
  serve_command->add_flag(
      "--allow-debugging", serve_options.allow_debugging,
      "for development: debuggers may attach, core files may hold patient data");
  serve_command->callback([&] { code = serve(serve_options); });

  auto* config_command = app.add_subcommand("config", "configuration");
  auto* config_check =
      config_command->add_subcommand("check", "say what is wrong with a configuration");
  config_command->require_subcommand(1);
  with_config(config_check);
  bool config_dev = false;
  config_check->add_flag("--dev", config_dev, "as `rabt serve --dev` takes it");
  config_check->callback([&] { code = check_config(config, config_dev); });

  auto* keys_command = app.add_subcommand("keys", "keys, retention and legal holds");
  keys_command->require_subcommand(1);
  auto* keys_status_command =
      keys_command->add_subcommand("status", "the root, the buckets and what may be destroyed");
  with_config(keys_status_command);
  bool keys_json = false;
  keys_status_command->add_flag("--json", keys_json, "as JSON");
  keys_status_command->callback([&] { code = keys_status(config, keys_json); });
  KeysOptions keys_options;
  std::string keys_target;
  const auto keys_verb = [&](const char* verb, const char* text) {
    auto* command = keys_command->add_subcommand(verb, text);
    command->add_option("-c,--config", keys_options.config, "configuration file")
        ->capture_default_str();
    command->add_option("--reason", keys_options.reason, "why; it is kept in the audit log")
        ->required();
    command->callback([&, verb] {
      keys_options.verb = verb;
      if (keys_options.verb == "rotate") {
        const bool bucket = keys_target != "root" && keys_target != "tenant";
        keys_options.what = bucket ? "bucket" : keys_target;
        if (bucket) keys_options.bucket = keys_target;
      } else if (keys_options.verb == "shred" ||
                 (keys_options.verb == "hold" && keys_target.find('/') != std::string::npos)) {
        keys_options.bucket = keys_target;
      } else if (keys_options.verb == "hold") {
        keys_options.object = keys_target;
      }
      code = keys_act(keys_options);
    });
    return command;
  };
  auto* keys_rotate = keys_verb("rotate", "a new version of a key; what is sealed stays as it is");
  keys_rotate->add_option("key", keys_target, "root, tenant, or a bucket such as event/2026-11")
      ->required();
  keys_rotate->add_flag("--destroy-old", keys_options.destroy_old,
                        "root: destroy its older versions; older copies of the keyring then open "
                        "nothing");
  auto* keys_rewrap =
      keys_verb("rewrap", "bring all data keys under the newest versions of their buckets' keys");
  keys_rewrap->add_flag("--forget-old", keys_options.forget_old,
                        "then drop the older versions; backups of the database from before then "
                        "open nothing");
  auto* keys_shred =
      keys_verb("shred", "destroy the key of a bucket: nothing under it opens again");
  keys_shred->add_option("bucket", keys_target, "such as consultation/2036-11")->required();
  keys_shred->add_flag("--force", keys_options.force, "before its retention is over");
  auto* keys_hold = keys_verb("hold", "a legal hold: keep keys from being destroyed");
  keys_hold
      ->add_option("object", keys_target,
                   "instance:ID, recording:ID, or a whole bucket such as recording/2036-11")
      ->required();
  keys_hold->add_option("--case", keys_options.hold_case, "of the hold")->required();
  auto* keys_release = keys_verb("release", "end a legal hold");
  keys_release->add_option("case", keys_options.hold_case, "of the hold")->required();

  auto* audit_command = app.add_subcommand("audit", "audit log");
  audit_command->require_subcommand(1);
  AuditVerifyOptions audit_verify_options;
  auto* audit_verify_command = audit_command->add_subcommand(
      "verify", "check entries, tree, checkpoints and anchors; name the place of every finding");
  audit_verify_command->add_option("-c,--config", audit_verify_options.config, "configuration file")
      ->capture_default_str();
  audit_verify_command->add_option("--proof", audit_verify_options.proof,
                                   "check a proof file and nothing else");
  audit_verify_command->add_option("--key", audit_verify_options.key,
                                   "verifier key to believe, or a file that holds it");
  audit_verify_command->add_option("--anchor", audit_verify_options.anchors,
                                   "folder of an anchor, beside those of the configuration");
  audit_verify_command->add_option("--from", audit_verify_options.from, "first entry to read")
      ->check(CLI::PositiveNumber);
  audit_verify_command->add_option("--to", audit_verify_options.to, "last entry to read")
      ->check(CLI::PositiveNumber);
  audit_verify_command->callback([&] { code = audit_verify(audit_verify_options); });
  AuditProveOptions audit_prove_options;
  auto* audit_prove_command = audit_command->add_subcommand(
      "prove", "write a proof that an entry is in the log, or that the log only grew");
  audit_prove_command->add_option("-c,--config", audit_prove_options.config, "configuration file")
      ->capture_default_str();
  auto* proved_entry =
      audit_prove_command->add_option("--entry", audit_prove_options.entry, "number of the entry")
          ->check(CLI::PositiveNumber);
  audit_prove_command
      ->add_option("--size", audit_prove_options.size,
                   "entries under the checkpoint to prove it for (default: the newest)")
      ->needs(proved_entry)
      ->check(CLI::PositiveNumber);
  auto* proved_from =
      audit_prove_command
          ->add_option("--from", audit_prove_options.from, "entries under the older checkpoint")
          ->check(CLI::PositiveNumber)
          ->excludes(proved_entry);
  audit_prove_command
      ->add_option("--to", audit_prove_options.to,
                   "entries under the newer checkpoint (default: the newest)")
      ->needs(proved_from)
      ->check(CLI::PositiveNumber);
  audit_prove_command->add_option("-o,--output", audit_prove_options.out,
                                  "file to write (default: standard output)");
  audit_prove_command->callback([&] {
    if (audit_prove_options.entry == 0 && audit_prove_options.from == 0)
      throw CLI::RequiredError("--entry or --from");
    code = audit_prove(audit_prove_options);
  });
  auto* audit_checkpoint_command = audit_command->add_subcommand(
      "checkpoint", "print the newest signed checkpoint and the verifier key");
  with_config(audit_checkpoint_command);
  bool only_note = false;
  bool only_key = false;
  auto* only_note_flag =
      audit_checkpoint_command->add_flag("--note", only_note, "the checkpoint alone");
  audit_checkpoint_command->add_flag("--key", only_key, "the verifier key alone")
      ->excludes(only_note_flag);
  audit_checkpoint_command->callback([&] { code = audit_checkpoint(config, only_note, only_key); });

  AuditExportOptions export_options;
  auto* audit_export_command =
      audit_command->add_subcommand("export", "entries of the log in the language of others");
  audit_export_command->add_option("-c,--config", export_options.config, "configuration file")
      ->capture_default_str();
  audit_export_command
      ->add_option("--format", export_options.format,
                   "fhir (one AuditEvent a line), fhir-bundle, syslog or jsonl")
      ->check(CLI::IsMember({"fhir", "fhir-bundle", "syslog", "jsonl"}))
      ->capture_default_str();
  audit_export_command->add_option("--from", export_options.from,
                                   "a date, or a time with its zone");
  audit_export_command->add_option("--to", export_options.to, "the first moment not any more");
  audit_export_command->add_option("--patient", export_options.patient,
                                   "KIND:VALUE, or - for a line of standard input");
  audit_export_command->add_option("--reason", export_options.reason, "kept in the log")
      ->required();
  audit_export_command->callback([&] { code = audit_export(export_options); });

  AuditReportOptions report_options;
  auto* audit_report_command = audit_command->add_subcommand(
      "report", "who saw what of one patient, or what was read under break-glass grants");
  audit_report_command->add_option("-c,--config", report_options.config, "configuration file")
      ->capture_default_str();
  audit_report_command->add_option(
      "--patient", report_options.patient,
      "KIND:VALUE, or - for a line of standard input; KIND is identifier, "
      "mrn, phone or email");
  audit_report_command->add_flag("--break-glass", report_options.break_glass,
                                 "the grants that are not reviewed");
  audit_report_command->add_flag("--all", report_options.all, "also those that were reviewed");
  audit_report_command->add_option("--from", report_options.from,
                                   "a date, or a time with its zone");
  audit_report_command->add_option("--to", report_options.to, "the first moment not any more");
  audit_report_command->add_option("--reason", report_options.reason, "kept in the log")
      ->required();
  audit_report_command->add_flag("--json", report_options.json, "as JSON");
  audit_report_command->callback([&] { code = audit_report(report_options); });

  std::vector<std::string> files;
  auto* workflow_command = app.add_subcommand("workflow", "workflow files");
  workflow_command->require_subcommand(1);
  auto* lint = workflow_command->add_subcommand(
      "lint", "check workflow files against the language and the installed actions");
  lint->add_option("files", files, "workflow files")->required();
  LintOptions lint_options;
  lint->add_option("-c,--config", lint_options.config,
                   "configuration; without it roles and actions are not checked");
  lint->add_option("--format", lint_options.format, "text, json or sarif")
      ->check(CLI::IsMember({"text", "json", "sarif"}))
      ->capture_default_str();
  lint->add_flag("--strict", lint_options.strict, "warnings count as errors");
  lint->callback([&] { code = workflow_lint(files, lint_options); });
  auto* schema = workflow_command->add_subcommand(
      "schema", "print a JSON Schema of workflow files, for editors");
  std::string schema_config;
  schema->add_option("-c,--config", schema_config,
                     "configuration; with it the schema knows roles, actions and arguments");
  schema->callback([&] { code = workflow_schema(schema_config); });

  ExprOptions expr_options;
  auto* expr_command = app.add_subcommand("expr", "evaluate an expression on JSON values");
  expr_command->add_option("expression", expr_options.expression, "the expression");
  expr_command->add_option("-i,--input", expr_options.input,
                           "file with JSON values (default: standard input)");
  expr_command->add_option("--arg", expr_options.arguments, "a variable: NAME=JSON")
      ->type_size(1)
      ->allow_extra_args(false);
  expr_command->add_flag("-n,--null-input", expr_options.null_input, "read nothing; `.` is null");
  expr_command->add_flag("-r,--raw", expr_options.raw, "print texts without quotes");
  expr_command->allow_extras();  // an expression may start with `-`
  expr_command->callback([&] {
    std::vector<std::string> rest = expr_command->remaining();
    std::erase(rest, "--");
    if (expr_options.expression.empty() && rest.size() == 1) {
      expr_options.expression = rest.front();
      rest.clear();
    }
    if (!rest.empty()) throw CLI::ExtrasError(rest);
    code = expr(expr_options);
  });

  WorkflowTestOptions test_options;
  auto* test = workflow_command->add_subcommand(
      "test", "run the cases of test files in virtual time, without plugins and network");
  test->add_option("files", test_options.files, "test files")->required();
  test->add_option(
      "-c,--config", test_options.config,
      "configuration; arguments and outputs are then compared with the actions' schemas");
  test->add_option("--format", test_options.format, "text, json or junit")
      ->check(CLI::IsMember({"text", "json", "junit"}))
      ->capture_default_str();
  test->add_option("--case", test_options.only, "run only the case of this name");
  test->add_option("--require-coverage", test_options.require_coverage,
                   "fail below this percentage of tasks and branches")
      ->check(CLI::Range(0.0, 100.0));
  test->callback([&] { code = workflow_test(test_options); });

  std::string file;
  std::string shape;
  auto* graph = workflow_command->add_subcommand("graph", "print a workflow as a flowchart");
  graph->add_option("file", file, "workflow file")->required();
  graph->add_option("--format", shape, "mermaid")->check(CLI::IsMember({"mermaid"}));
  graph->callback([&] { code = workflow_graph(file); });

  auto* explain = workflow_command->add_subcommand(
      "explain", "say in plain words what a workflow does, and where patient data goes");
  explain->add_option("file", file, "workflow file")->required();
  std::string explain_config;
  explain->add_option(
      "-c,--config", explain_config,
      "configuration; its plugins tell what is patient data and what can be repeated");
  explain->add_option("--format", shape, "text or json")->check(CLI::IsMember({"text", "json"}));
  explain->callback([&] { code = workflow_explain(file, explain_config, shape); });

  DeployOptions deploy;
  const auto with_deploy = [&](CLI::App* command) {
    command->add_option("-c,--config", deploy.config, "configuration file")->capture_default_str();
    command
        ->add_option_function<std::string>(
            "--format", [&](const std::string& format) { deploy.json = format == "json"; },
            "text or json")
        ->check(CLI::IsMember({"text", "json"}));
  };
  const auto with_files = [&](CLI::App* command) {
    with_deploy(command);
    command->add_option("files", deploy.files, "workflow files (default: the configuration's)");
    command->add_flag(
        "--prune", deploy.prune,
        "stop active workflows of the files' namespaces that are not among the files");
  };
  auto* plan = workflow_command->add_subcommand(
      "plan", "say what apply would change; exit status 0: nothing, 2: something, 1: refused");
  with_files(plan);
  plan->callback([&] { code = workflow_plan(deploy); });
  auto* apply = workflow_command->add_subcommand(
      "apply", "deploy files to the running hub: all of them or none");
  with_files(apply);
  apply->callback([&] { code = workflow_apply(deploy); });
  auto* deployed = workflow_command->add_subcommand("list", "what is deployed");
  with_deploy(deployed);
  deployed->callback([&] { code = workflow_list(deploy); });
  std::string exported;
  auto* export_command =
      workflow_command->add_subcommand("export", "print a deployed file as it was deployed");
  with_config(export_command);
  export_command->add_option("name", exported, "[NAMESPACE/]NAME[@VERSION]")->required();
  export_command->callback([&] { code = workflow_export(config, exported); });

  WorkflowRunOptions run_options;
  auto* run = workflow_command->add_subcommand(
      "run", "execute a workflow in memory and in virtual time, without a hub");
  run->add_option("file", run_options.file, "workflow file")->required();
  run->add_option("--input", run_options.input, "input, JSON or YAML; - is standard input");
  run->add_option("--event", run_options.events, "events, one CloudEvent in JSON on each line");
  run->add_option("--workflow", run_options.workflows, "a workflow that events or `run` may start");
  run->add_option("--secret", run_options.secrets, "NAME=ENVVAR: a secret from the environment");
  run->add_option("--reply", run_options.replies,
                  "ROLE/ACTION=FILE: what every call of a plugin's action answers");
  run->add_flag("--allow-network", run_options.allow_network, "HTTP calls reach the network");
  run->add_option("--map", run_options.maps, "HOST=URL: requests for a host go to a stand-in");
  run->add_flag("--trace", run_options.trace, "lifecycle events on standard error");
  run->add_flag("--real-time", run_options.real_time, "wait as long as the workflow waits");
  run->callback([&] { code = workflow_run(run_options); });

  InstancesOptions instances;
  auto* instances_command = app.add_subcommand(
      "instances", "list instances of a running hub, or show one with its timeline");
  instances_command->add_option("-c,--config", instances.config, "configuration file")
      ->capture_default_str();
  instances_command->add_option("id", instances.id, "instance");
  instances_command->add_flag("--events", instances.events, "the lifecycle events of the instance");
  instances_command->add_option("--patient", instances.patient,
                                "KIND:VALUE, or - for a line of standard input: only those of this "
                                "person; KIND is identifier, mrn, phone or email");
  instances_command->add_option("--reason", instances.reason,
                                "why the person is looked for; kept in the log");
  instances_command->callback([&] { code = list_instances(instances); });

  auto* plugin_command = app.add_subcommand("plugin", "plugins");
  plugin_command->require_subcommand(1);
  auto* plugin_list_command =
      plugin_command->add_subcommand("list", "what is installed, and what it may do");
  with_config(plugin_list_command);
  bool plugin_json = false;
  plugin_list_command->add_flag("--json", plugin_json, "as JSON");
  plugin_list_command->callback([&] { code = plugin_list(config, plugin_json); });
  PluginAddOptions plugin_add_options;
  auto* plugin_add_command = plugin_command->add_subcommand(
      "add", "show what a signed package may do and which patient data it sees, and add it");
  plugin_add_command->add_option("-c,--config", plugin_add_options.config, "configuration file")
      ->capture_default_str();
  plugin_add_command->add_option("package", plugin_add_options.path, "its folder or .zip")
      ->required();
  plugin_add_command->add_flag("--yes", plugin_add_options.yes, "do not ask");
  plugin_add_command->add_flag("--allow-downgrade", plugin_add_options.allow_downgrade,
                               "also when a newer version is there");
  plugin_add_command->callback([&] { code = plugin_add(plugin_add_options); });
  auto* plugin_remove_command =
      plugin_command->add_subcommand("remove", "take a plugin out of the store");
  with_config(plugin_remove_command);
  std::string plugin_removed;
  plugin_remove_command->add_option("plugin", plugin_removed, "ID or ID@VERSION")->required();
  bool plugin_remove_force = false;
  plugin_remove_command->add_flag("--force", plugin_remove_force,
                                  "also when the hub that runs takes calls with it");
  plugin_remove_command->callback(
      [&] { code = plugin_remove(config, plugin_removed, plugin_remove_force); });
  PluginVerifyOptions plugin_verify_options;
  auto* plugin_verify_command = plugin_command->add_subcommand(
      "verify", "check sums and signature of a package, or of everything in the store");
  plugin_verify_command
      ->add_option("-c,--config", plugin_verify_options.config, "configuration file")
      ->capture_default_str();
  plugin_verify_command->add_option("package", plugin_verify_options.path,
                                    "its folder or .zip (default: the store)");
  plugin_verify_command->add_option("--key", plugin_verify_options.key,
                                    "file of a public key to trust instead of the store's");
  plugin_verify_command->add_flag("--json", plugin_verify_options.json, "as JSON");
  plugin_verify_command->callback([&] { code = plugin_verify(plugin_verify_options); });
  auto* plugin_sign_command = plugin_command->add_subcommand(
      "sign", "for vendors: write SBOM, sums and signature into the folder of a package");
  std::string signed_folder;
  std::string signing_key;
  plugin_sign_command->add_option("folder", signed_folder, "of the package")->required();
  plugin_sign_command->add_option("--key", signing_key, "secret key file, as minisign has them")
      ->required();
  plugin_sign_command->callback([&] { code = plugin_sign(signed_folder, signing_key); });

  auto* plugin_keys_command =
      plugin_command->add_subcommand("keys", "keys of vendors that the hub trusts");
  plugin_keys_command->require_subcommand(1);
  auto* plugin_keys_list_command =
      plugin_keys_command->add_subcommand("list", "which keys may sign which plugins");
  with_config(plugin_keys_list_command);
  plugin_keys_list_command->add_flag("--json", plugin_json, "as JSON");
  plugin_keys_list_command->callback([&] { code = plugin_keys_list(config, plugin_json); });
  PluginKeyOptions plugin_key_options;
  auto* plugin_keys_add_command = plugin_keys_command->add_subcommand(
      "add", "trust a vendor's public key for some plugins; again: with other ones");
  plugin_keys_add_command
      ->add_option("-c,--config", plugin_key_options.config, "configuration file")
      ->capture_default_str();
  plugin_keys_add_command->add_option("file", plugin_key_options.file, "public key file")
      ->required();
  plugin_keys_add_command
      ->add_option("--scope", plugin_key_options.scopes,
                   "ids that it may sign, such as acme-*; may be repeated")
      ->required()
      ->allow_extra_args(false);
  plugin_keys_add_command->add_option("--name", plugin_key_options.name, "whose key it is")
      ->required();
  plugin_keys_add_command->callback([&] { code = plugin_keys_add(plugin_key_options); });
  auto* plugin_keys_remove_command = plugin_keys_command->add_subcommand(
      "remove", "trust a key no more; what it signed does not load any more");
  with_config(plugin_keys_remove_command);
  std::string removed_key;
  plugin_keys_remove_command->add_option("key", removed_key, "its 16 digits")->required();
  plugin_keys_remove_command->callback([&] { code = plugin_keys_remove(config, removed_key); });
  auto* plugin_keys_generate_command = plugin_keys_command->add_subcommand(
      "generate", "for vendors: make a secret key and its public key, as minisign does");
  std::string generated_key;
  bool no_password = false;
  plugin_keys_generate_command
      ->add_option("file", generated_key, "secret key to make, such as acme.key")
      ->required();
  plugin_keys_generate_command->add_flag("--no-password", no_password,
                                         "do not encrypt it: for machines that sign alone");
  plugin_keys_generate_command->callback(
      [&] { code = plugin_keys_generate(generated_key, no_password); });
  // Programs of their own, which read the rest of the line themselves, --help as well.
  const auto started = [&](const char* verb, const char* program, const char* text) {
    auto* command = plugin_command->add_subcommand(verb, text);
    command->set_help_flag();
    command->allow_extras();
    command->callback([command, program, &code] { code = become(program, command->remaining()); });
  };
  started("new", "rabt-plugin-new", "write a project for a plugin: docs/plugins/tutorial.md");
  started("check", "rabt-plugin-check", "test a package: docs/plugins/checker.md");
  auto* plugin_release = plugin_command->add_subcommand(
      "release", "start a plugin again whose process ended too often");
  with_config(plugin_release);
  std::string released;
  plugin_release->add_option("id", released, "the plugin")->required();
  plugin_release->callback([&] { code = release_plugin(config, released); });
  auto* plugin_upgrade = plugin_command->add_subcommand(
      "upgrade", "let a newer version in the store of plugins take the new calls");
  with_config(plugin_upgrade);
  std::string upgraded;
  plugin_upgrade->add_option("id", upgraded, "the plugin")->required();
  plugin_upgrade->callback([&] { code = upgrade_plugin(config, upgraded); });

  PhiScanOptions phi_options;
  auto* phi_command = app.add_subcommand("phi", "patient data in text");
  phi_command->require_subcommand(1);
  auto* phi_scan_command = phi_command->add_subcommand(
      "scan",
      "say where patient data stands; exit status 0: nowhere, 1: somewhere, 2: not readable");
  phi_scan_command->add_option("files", phi_options.files,
                               "text files; - is standard input (default: standard input)");
  phi_scan_command->add_option("-c,--config", phi_options.config,
                               "configuration; its patterns of record numbers are looked for too");
  phi_scan_command->add_option("--min-score", phi_options.min_score, "leave out what is less sure")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  auto* phi_json = phi_scan_command->add_flag("--json", phi_options.json, "one JSON object a line");
  phi_scan_command
      ->add_flag("--mask", phi_options.mask, "print the text, with classes in place of the data")
      ->excludes(phi_json);
  phi_scan_command->callback([&] { code = phi_scan(phi_options); });

  // Before the command: each of them holds keys or what patients' data went through.
  app.parse_complete_callback([&] {
    if (!serve_options.allow_debugging && !assembly::forbid_core_dumps())
      throw CLI::RuntimeError("rabt: core files cannot be forbidden", 1);
  });

  CLI11_PARSE(app, argc, argv);
  return code;
}
