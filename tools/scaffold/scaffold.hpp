#pragma once

#include <string>

// Writes the project of a new plugin from the files of sdk/template/.
namespace rabt::scaffold {

struct Request {
  // The plugin's id.
  std::string name;
  // Folder of the project; a folder of the plugin's name if empty.
  std::string folder;
  // Names, separated by commas. Either these or a role is given.
  std::string actions;
  // Such as video: the project has the role's actions and events.
  std::string role;
  std::string license = "Apache-2.0";
  std::string author = "Example Ltd";
  // The folder of the SDK; the one beside this program if empty.
  std::string sdk;
};

// Returns the exit code: 0 if the project is there, 2 if the request is wrong. With any code but 0
// nothing was written.
int write_project(const Request& request);

}  // namespace rabt::scaffold
