#include <cstdio>
#include <memory>
#include <string>

#include "hub/args/args.hpp"
#include "hub/assembly/database.hpp"
#include "hub/assembly/database_copy.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"
#include "hub/store/postgres/check.hpp"
#include "hub/store/sqlite/copy.hpp"

// rabt store: the database of a configuration.
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

struct CopyOptions {
  std::string config = kDefaultConfig;
  std::string to;
};

int copy(const CopyOptions& options) {
  const auto from = config::load_config(options.config);
  if (!from.ok()) return complain(from.error());
  const auto to = config::load_config(options.to);
  if (!to.ok()) return complain(to.error());
  const auto log = make_logger(LogLevel::warn, {});
  if (!log.ok()) return complain(log.error());
  const auto copied = assembly::copy_database(*from, *to, **log);
  if (!copied.ok()) return complain(copied.error());
  std::int64_t rows = 0;
  for (const store::TransferredTable& table : *copied) {
    rows += table.rows;
    if (table.rows > 0)
      std::printf("%9lld  %s\n", static_cast<long long>(table.rows), table.name.c_str());
  }
  std::printf("%lld rows of %zu tables, read again and compared. Start the hub with %s\n",
              static_cast<long long>(rows), copied->size(), options.to.c_str());
  if (!from->postgres)
    std::fprintf(stderr, "%s is %s now; delete it, and %s, once the hub has run for a while\n",
                 assembly::database_file(*from).c_str(), assembly::copied_file(*from).c_str(),
                 options.config.c_str());
  return 0;
}

}  // namespace

void add_database_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("store", "Check the database, or copy it to another one");
  group->require_subcommand();
  auto file = std::make_shared<std::string>(kDefaultConfig);
  auto* check = group->add_subcommand(
      "check",
      "Check that the hub can work with its database, and name settings to change at the server");
  add_config_option(*check, *file);
  check->callback([file, &code] {
    const auto config = config::load_config(*file);
    if (!config.ok()) {
      code = complain(config.error());
      return;
    }
    const Status place = assembly::check_place(*config);
    if (!place.ok()) {
      code = complain(place.error());
      return;
    }
    code = config->postgres ? check_server(*config) : check_file(*config);
  });
  auto options = std::make_shared<CopyOptions>();
  auto* copied = group->add_subcommand(
      "copy", "Copy the database of a stopped hub to a server, or back to a file");
  add_config_option(*copied, options->config);
  copied->add_option("--to", options->to, "The configuration that names the other database")
      ->required();
  copied->callback([options, &code] { code = copy(*options); });
}

}  // namespace rabt::cli
