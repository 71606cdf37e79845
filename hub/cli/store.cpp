#include <cstdio>
#include <memory>
#include <string>

#include "hub/args/args.hpp"
#include "hub/assembly/database.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"
#include "hub/store/copy.hpp"
#include "hub/store/postgres/check.hpp"

// rabt store check
namespace rabt::cli {

namespace {

int check_file(const config::Config& config) {
  const std::string file = assembly::database_file(config);
  const Status good = store::check_sqlite(file);
  if (!good.ok()) return complain(good.error());
  std::printf("%s is good\n", file.c_str());
  return 0;
}

const char* word_of(store::PostgresFinding::Level level) {
  using Level = store::PostgresFinding::Level;
  if (level == Level::refused) return "refused";
  return level == Level::warning ? "warning" : "good";
}

// Prints a line for each look, and below it what to do. Exit code 1: a hub does not start.
int check_server(const config::Config& config) {
  const auto options = assembly::postgres_options(config);
  if (!options.ok()) return complain(options.error());
  const auto findings = store::check_postgres(*options);
  if (!findings.ok()) return complain(findings.error());
  int code = 0;
  for (const store::PostgresFinding& finding : *findings) {
    std::printf("%-8s %s: %s\n", word_of(finding.level), finding.name.c_str(),
                printable(finding.value).c_str());
    if (!finding.advice.empty()) std::printf("         %s\n", printable(finding.advice).c_str());
    if (finding.level == store::PostgresFinding::Level::refused) code = 1;
  }
  return code;
}

}  // namespace

void add_store_check_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("store", "Look at the database");
  group->require_subcommand();
  auto file = std::make_shared<std::string>(kDefaultConfig);
  auto* check = group->add_subcommand(
      "check", "Say whether the hub can work with its database, and what to set at the server");
  add_config_option(*check, *file);
  check->callback([file, &code] {
    const auto config = config::load_config(*file);
    if (!config.ok()) {
      code = complain(config.error());
      return;
    }
    code = config->postgres ? check_server(*config) : check_file(*config);
  });
}

}  // namespace rabt::cli
