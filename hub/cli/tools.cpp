#include <CLI/CLI.hpp>
#include <memory>

#include "hub/cli/commands.hpp"

// rabt demo, rabt plugin new, rabt plugin check: what tools/ does.
namespace rabt::cli {

void add_demo_command(CLI::App& program, int& code) {
  auto options = std::make_shared<DemoOptions>();
  auto* command = program.add_subcommand(
      "demo",
      "Take one consultation from a signed webhook to an accepted claim and a filed report");
  command->add_flag("--serve", options->serve,
                    "Keep the hub running afterwards and print its addresses");
  command->add_flag("--crash", options->crash, "Kill the hub twenty times during the consultation");
  command->add_flag("--keep", options->keep, "Keep the data folder");
  command->add_option("--data", options->data, "Data folder (default: a temporary one)");
  command
      ->add_option("--consultations", options->consultations,
                   "Number of consultations to run at once")
      ->check(CLI::Range(1, 10'000));
  command->add_option("--root", options->root,
                      "Folder of the project (default: found from the program)");
  command->callback([options, &code] { code = demo(*options); });
}

namespace {

void add_new_command(CLI::App& group, int& code) {
  auto options = std::make_shared<PluginNewOptions>();
  auto* command =
      group.add_subcommand("new", "Write a project for a new plugin; see docs/plugins/tutorial.md");
  command->add_option("NAME", options->name, "Id of the plugin")->required();
  command->add_option("--actions", options->actions, "Names of its actions, separated by commas")
      ->excludes(command->add_option("--role", options->role,
                                     "Offer the actions and events of a role: video, payer, ehr, "
                                     "moh, identity or notify"));
  command->add_option("--folder", options->folder, "Folder to write (default: NAME)");
  command->add_option("--license", options->license, "Apache-2.0, MIT or proprietary")
      ->capture_default_str();
  command->add_option("--author", options->author, "Author named in the manifest and the licence")
      ->capture_default_str();
  command->add_option("--sdk", options->sdk,
                      "Folder of the SDK's files (default: beside this program)");
  command->callback([options, &code] { code = plugin_new(*options); });
}

// What `check` and `check-one` have in common.
void add_check_options(CLI::App& command, PluginCheckOptions& options) {
  command.add_option("PATH", options.path, "Folder of the package");
  command.add_option("--fuzz", options.fuzz_seconds, "Seconds that each fuzz test runs")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86400.0));
  command.add_option("--seed", options.seed, "Seed of everything that is generated")
      ->capture_default_str();
  command.add_option("--previous", options.previous,
                     "Package of the previous release, which the test semver-bump compares");
  command.add_option("--examples", options.examples,
                     "Folder of examples (default: check/ in the package)");
  command.add_option("--key", options.key, "Public key that the package must be signed with");
}

}  // namespace

void add_plugin_project_commands(CLI::App& group, int& code) {
  add_new_command(group, code);
  auto options = std::make_shared<PluginCheckOptions>();
  auto* check = group.add_subcommand("check", "Test a package; see docs/plugins/checker.md");
  check->add_flag("--list", options->list, "List the tests and what each of them proves");
  check->add_option("--only", options->only, "Run only the tests whose names contain this text");
  check->add_flag("--json", options->json, "Print the report as JSON");
  check->add_flag("--write-report", options->write_report,
                  "Write check-report.json into the package");
  check->add_option("--skip-file", options->skip_file,
                    "File that names tests to leave out (default: rabt-check.yaml)");
  add_check_options(*check, *options);
  check->callback([options, &code] { code = plugin_check(*options); });

  // An empty group hides it: the checker starts every test in a process of its own.
  auto* check_one = group.add_subcommand("check-one")->group("");
  check_one->add_option("--test", options->only)->required();
  check_one->add_option("--first-case", options->first_case);
  check_one->add_option("--process-cases", options->process_cases);
  add_check_options(*check_one, *options);
  check_one->callback([options, &code] { code = plugin_check_one(*options); });
}

}  // namespace rabt::cli
