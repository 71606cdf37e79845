#include "hub/args/args.hpp"
#include "tools/scaffold/scaffold.hpp"

// `rabt plugin new`: writes the project of a new plugin.
int main(int argc, char** argv) {
  rabt::scaffold::Request request;
  rabt::args::Program app("Write a project for a new plugin; see docs/plugins/tutorial.md",
                          "rabt plugin new");
  app.add_option("NAME", request.name, "Id of the plugin")->required();
  auto* role = app.add_option("--role", request.role,
                              "Offer the actions and events of a role: video, payer, ehr, moh, "
                              "identity, notify or asr");
  app.add_option("--actions", request.actions, "Names of its actions, separated by commas")
      ->excludes(role);
  app.add_option("--folder", request.folder, "Folder to write (default: NAME)");
  app.add_option("--license", request.license, "Apache-2.0, MIT or proprietary")
      ->capture_default_str();
  app.add_option("--author", request.author, "Author named in the manifest and the licence")
      ->capture_default_str();
  app.add_option("--sdk", request.sdk, "Folder of the SDK's files (default: beside this program)");
  if (const auto ended = app.parse(argc, argv)) return *ended;
  return rabt::scaffold::write_project(request);
}
