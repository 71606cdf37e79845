#include <CLI/CLI.hpp>

#include "tools/scaffold/scaffold.hpp"

// `rabt plugin new`: writes the project of a new plugin.
int main(int argc, char** argv) {
  rabt::scaffold::Request request;
  CLI::App app{"write a project for a plugin: docs/plugins/tutorial.md", "rabt plugin new"};
  app.add_option("NAME", request.name, "the plugin's id")->required();
  auto* role = app.add_option("--role", request.role,
                              "video, payer, ehr, moh, identity or notify: the project has the "
                              "role's actions and events");
  app.add_option("--actions", request.actions,
                 "names of actions, separated by commas, for a plugin that serves no role")
      ->excludes(role);
  app.add_option("--folder", request.folder, "folder to write to (default: NAME)");
  app.add_option("--license", request.license, "Apache-2.0, MIT or proprietary")
      ->capture_default_str();
  app.add_option("--author", request.author, "named in the manifest and the licence")
      ->capture_default_str();
  app.add_option("--sdk", request.sdk,
                 "folder of the SDK's files (default: the one installed beside this program)");
  CLI11_PARSE(app, argc, argv);
  return rabt::scaffold::write_project(request);
}
