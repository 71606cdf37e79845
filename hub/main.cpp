#include <CLI/CLI.hpp>

#include "hub/cli/commands.hpp"

// The `rabt` command. What `serve` constructs, and in which order: hub/cli/hub.cpp.
int main(int argc, char** argv) {
  using namespace rabt::cli;
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
  serve_command->callback([&] { code = serve(serve_options); });

  DemoOptions demo_options;
  auto* demo_command = app.add_subcommand(
      "demo",
      "take one consultation from a signed webhook to an accepted claim and a filed report");
  demo_command->add_flag("--serve", demo_options.serve,
                         "stay up afterwards and print the addresses");
  demo_command->add_flag("--crash", demo_options.crash, "kill the hub twenty times on the way");
  demo_command->add_flag("--keep", demo_options.keep, "keep the data folder");
  demo_command->add_option("--data", demo_options.data, "data folder (default: a temporary one)");
  demo_command->add_option("--consultations", demo_options.consultations, "how many at once")
      ->check(CLI::Range(1, 10'000));
  demo_command->add_option("--root", demo_options.root, "the project's folder");
  demo_command->callback([&] { code = demo(demo_options); });

  auto* config_command = app.add_subcommand("config", "configuration");
  auto* config_check =
      config_command->add_subcommand("check", "say what is wrong with a configuration");
  config_command->require_subcommand(1);
  with_config(config_check);
  config_check->callback([&] { code = check_config(config); });

  auto* audit_command = app.add_subcommand("audit", "audit log");
  audit_command->require_subcommand(1);
  auto* audit_verify_command = audit_command->add_subcommand(
      "verify", "walk the whole chain; name the place of every break");
  with_config(audit_verify_command);
  audit_verify_command->callback([&] { code = audit_verify(config); });

  std::vector<std::string> files;
  auto* workflow_command = app.add_subcommand("workflow", "workflow files");
  workflow_command->require_subcommand(1);
  auto* lint = workflow_command->add_subcommand(
      "lint", "check workflow files against the language and the installed actions");
  lint->add_option("files", files, "workflow files")->required();
  std::string lint_config;
  lint->add_option("-c,--config", lint_config,
                   "configuration; without it roles and actions are not checked");
  lint->callback([&] { code = workflow_lint(files, lint_config); });

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

  std::string id;
  auto* instances_command = app.add_subcommand(
      "instances", "list instances of a running hub, or show one with its timeline");
  with_config(instances_command);
  instances_command->add_option("id", id, "instance");
  instances_command->callback([&] { code = list_instances(config, id); });

  auto* plugin_command = app.add_subcommand("plugin", "plugins");
  plugin_command->require_subcommand(1);
  auto* plugin_list =
      plugin_command->add_subcommand("list", "what is installed, and what it may do");
  with_config(plugin_list);
  plugin_list->callback([&] { code = list_plugins(config); });

  CLI11_PARSE(app, argc, argv);
  return code;
}
