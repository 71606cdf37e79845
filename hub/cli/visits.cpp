#include <cstdio>
#include <memory>
#include <string>

#include "hub/args/args.hpp"
#include "hub/audit/files.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/riyadh.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"

// rabt visits: who comes on a day, with telephones, for the hours in which the hub is away.
namespace rabt::cli {

namespace {

struct VisitsOptions {
  std::string config = kDefaultConfig;
  std::string day = "today";
  std::string provider;
  std::string reason;
  std::string to;
  bool json = false;
};

constexpr std::size_t kDate = 10;
constexpr std::size_t kClock = 5;

std::string local(std::int64_t ms) {
  return to_iso8601({ms + kRiyadhMs});
}

std::string date_of(const std::string& day) {
  const std::int64_t now = SystemClock().now().ms;
  if (day == "today") return local(now).substr(0, kDate);
  return day == "tomorrow" ? local(now + kDayMs).substr(0, kDate) : day;
}

// Both names of somebody, the Latin one first.
std::string names_of(const Json& one) {
  const std::string name = one.string_or("name", "");
  const std::string arabic = one.string_or("nameAr", "");
  if (name.empty() || arabic.empty() || name == arabic) return name.empty() ? arabic : name;
  return name + " / " + arabic;
}

std::string line_of(const Json& visit) {
  const auto start = parse_iso8601(visit.string_or("scheduledStart", ""));
  const Json& patient = visit["patient"];
  const Json& guardian = patient["guardian"];
  std::string phone = patient.string_or("phone", "-");
  std::string whose;
  if (guardian.is_object()) {
    phone = guardian.string_or("phone", "-");
    whose = " (" + guardian.string_or("name", "") + ")";
  }
  const auto or_dash = [](const std::string& text) {
    return text.empty() ? std::string("-") : text;
  };
  return (start.ok() ? local(start->ms).substr(kDate + 1, kClock) : "  -  ") + "  " +
         std::to_string(visit.int_or("plannedMinutes", 0)) + " min  " + or_dash(names_of(patient)) +
         "  " + phone + whose + "  " + or_dash(names_of(visit["doctor"])) + "  no. " +
         std::to_string(visit.int_or("number", 0)) + "\n";
}

Result<std::string> text_of(const VisitsOptions& options) {
  RABT_TRY(config, config::load_config(options.config));
  const std::string date = date_of(options.day);
  if (!parse_iso8601(date + "T00:00:00Z").ok())
    return invalid("cli.day", "--day must be today, tomorrow, or a day such as 2026-12-01");
  RABT_TRY(hub, HubClient::of(config));
  std::string path = "/api/v1/day-list?date=" + percent_encode(date);
  if (!options.provider.empty()) path += "&provider=" + percent_encode(options.provider);
  RABT_TRY(list, hub.get(path, options.reason));
  if (list.bool_or("more", false))
    std::fprintf(stderr, "the day has more visits; list them by --provider\n");
  if (options.json) return list.dump_pretty() + "\n";
  std::string out = date + ", times of Riyadh, as of " +
                    local(SystemClock().now().ms).substr(0, kDate + 1 + kClock) +
                    ". Names and telephones of patients: keep it locked, and shred it.\n";
  for (const Json& one : list["visits"].as_array()) out += line_of(one);
  return out;
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
      "visits", "Print who comes on a day, with telephones, for when the hub is away");
  add_config_option(*command, options->config);
  command->add_option("--day", options->day, "The day: today, tomorrow, or such as 2026-12-01");
  command->add_option("--provider", options->provider, "List only visits of this doctor, by id");
  command
      ->add_option("--reason", options->reason,
                   "Why the list is made; the audit log keeps it with each visit")
      ->required();
  command->add_option("--to", options->to,
                      "Write into this file, which only its owner may read, instead of printing");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &code] { code = run_visits(*options); });
}

}  // namespace rabt::cli
