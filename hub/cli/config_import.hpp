#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// The settings of another system, as a configuration of the hub.
namespace rabt::cli {

struct ImportedConfig {
  // rabt.yaml. Secrets stay in the environment and are named only.
  Json config = Json::object();
  // Variables that the hub has no use for, each with the reason.
  std::vector<std::pair<std::string, std::string>> ignored{};
  // Settings, members apart by dots, that no variable has and the plugin of the provider does not
  // start without.
  std::vector<std::string> missing{};
};

// The lines NAME=value of a file as dotenv reads it: comments, `export`, quotes.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> read_env(std::string_view text);

// system: kiorex, emr, pulseone, clinicvault or brainsait. base: what holds where the variables say
// nothing; the provider reports to its server.public_url. Errors: invalid config.import names the
// variable whose value cannot be taken.
[[nodiscard]] Result<ImportedConfig> import_config(
    std::string_view system, const std::vector<std::pair<std::string, std::string>>& variables,
    Json base = Json::object());

// A value as YAML, two spaces a level.
[[nodiscard]] std::string to_yaml(const Json& value);

}  // namespace rabt::cli
