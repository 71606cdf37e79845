#include <cstdio>
#include <memory>
#include <string>

#include "hub/args/args.hpp"
#include "hub/audit/files.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/day_list.hpp"
#include "hub/config/config.hpp"

// rabt visits: the visits of a day, with telephones, for hours in which the hub is down.
namespace rabt::cli {

namespace {

struct VisitsOptions {
  std::string config = kDefaultConfig;
  std::string day = "today";
  std::string to;
  bool json = false;
  DayList list{};
};

Result<std::string> text_of(const VisitsOptions& options) {
  RABT_TRY(config, config::load_config(options.config));
  const Timestamp now = SystemClock().now();
  DayList list = options.list;
  list.date = options.day == "today"      ? day_from_now(now, 0)
              : options.day == "tomorrow" ? day_from_now(now, 1)
                                          : options.day;
  if (!parse_iso8601(list.date + "T00:00:00Z").ok())
    return invalid("cli.day", "--day must be today, tomorrow, or a day such as 2026-12-01");
  if (options.json) list.format = "json";
  return day_list(config, list);
}

int run_visits(const VisitsOptions& options) {
  const auto text = text_of(options);
  if (!text.ok()) return complain(text.error());
  if (options.to.empty()) {
    std::printf("%s", text->c_str());
    return 0;
  }
  const Status written = audit::replace_file(options.to, *text);
  return written.ok() ? 0 : complain(written.error());
}

}  // namespace

void add_visits_command(args::Command& program, int& code) {
  auto options = std::make_shared<VisitsOptions>();
  auto* command = program.add_subcommand(
      "visits", "Print the visits of a day, with telephones, for hours in which the hub is down");
  add_config_option(*command, options->config);
  command->add_option("--day", options->day, "Day: today, tomorrow, or a date such as 2026-12-01");
  command->add_option("--provider", options->list.provider,
                      "List only visits of this doctor, by id");
  command
      ->add_option("--format", options->list.format,
                   "text; html, a page to print; csv, for a spreadsheet; json")
      ->one_of({"text", "html", "csv", "json"});
  command->add_option("--language", options->list.language, "Language of html and csv: ar or en")
      ->one_of({"ar", "en"});
  command
      ->add_option("--reason", options->list.reason,
                   "Reason for the list; the audit log keeps it with each visit")
      ->required();
  command->add_option("--to", options->to,
                      "Write into this file, which only its owner may read, instead of printing");
  command->add_flag("--json", options->json, "Print JSON, as --format json");
  command->callback([options, &code] { code = run_visits(*options); });
}

}  // namespace rabt::cli
