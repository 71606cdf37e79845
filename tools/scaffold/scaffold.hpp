#pragma once

#include <string>

// Writes the project of a new plugin from the files of sdk/template/.
namespace rabt::scaffold {

struct Request {
  std::string name;     // the plugin's id
  std::string folder;   // where the project goes; unset: a folder of the plugin's name
  std::string actions;  // names, separated by commas; either these or a role
  std::string role;     // such as video: the project has its actions and events
  std::string license = "Apache-2.0";
  std::string author = "Example Ltd";
  std::string sdk;  // folder of the SDK; unset: the one beside this program
};

// Returns the exit code. 0: the project is there, else nothing was written; 2: the request is
// wrong.
int write_project(const Request& request);

}  // namespace rabt::scaffold
