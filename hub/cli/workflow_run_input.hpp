#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/definition.hpp"

namespace rabt::cli {

// The options of `rabt workflow run`.
struct RunOptions {
  std::string file;
  // A file; - is standard input; empty means null.
  std::string input;
  // Files of CloudEvents, one JSON object on each line.
  std::vector<std::string> events;
  // Files of other definitions.
  std::vector<std::string> workflows;
  // Each NAME=ENVVAR.
  std::vector<std::string> secrets;
  // Each ROLE/ACTION=FILE.
  std::vector<std::string> replies;
  // Each HOST=URL.
  std::vector<std::string> maps;
  bool allow_network = false;
  bool trace = false;
  bool real_time = false;
};

// Content of the files that the options name.
struct RunInput {
  // The workflow to run, then those that it may start.
  std::vector<std::shared_ptr<const workflow::Definition>> definitions;
  Json input;
  Json secrets = Json::object();
  // With the time of each event, in milliseconds after the start.
  std::vector<std::pair<std::int64_t, Json>> events;
  // URLs of stand-ins by host.
  std::map<std::string, std::string> maps;
  // Answers by ROLE/ACTION.
  std::map<std::string, Json> replies;
};
// Returns false after a message on standard error.
[[nodiscard]] bool load_run_input(const RunOptions& options, RunInput& out);

}  // namespace rabt::cli
