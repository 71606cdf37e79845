#pragma once

#include <string>

// One consultation, from a signed webhook to an accepted claim and a filed report.
namespace rabt::demo {

struct Options {
  bool serve = false;     // stay up afterwards and print the addresses
  bool crash = false;     // kill the hub twenty times in one consultation
  bool keep = false;      // keep the data folder
  int consultations = 1;  // more than one: a load run without the story
  std::string data;       // data folder; unset: a temporary one
  std::string root;       // the project's folder; unset: found from the place of this program
};

// Returns the exit code: 0 when everything came out as it must.
int run(const Options& options);

}  // namespace rabt::demo
