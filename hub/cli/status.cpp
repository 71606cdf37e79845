#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"

// rabt status: what needs a person now, on one screen.
namespace rabt::cli {

namespace {

struct StatusOptions {
  std::string config = kDefaultConfig;
  bool json = false;
};

constexpr int kNothingWaits = 0;
constexpr int kSomethingWaits = 1;
constexpr int kNotReached = 2;

// "12 min", "3 h", "2 d": since a time that the hub told.
std::string age_of(const Json& item, Timestamp now) {
  const auto oldest = parse_iso8601(item.string_or("oldest", ""));
  if (!oldest.ok() || oldest->ms > now.ms) return {};
  constexpr std::int64_t kHour = 60;
  constexpr std::int64_t kDay = 24 * kHour;
  const std::int64_t minutes = (now.ms - oldest->ms) / 60'000;
  if (minutes < kHour) return std::to_string(minutes) + " min";
  if (minutes < 2 * kDay) return std::to_string(minutes / kHour) + " h";
  return std::to_string(minutes / kDay) + " d";
}

void print_item(const Json& item, Timestamp now) {
  const std::string age = age_of(item, now);
  std::printf("%s %s%s\n      %s\n", item.string_or("severity", "") == "page" ? "!" : "-",
              item.string_or("what", "").c_str(),
              age.empty() ? "" : (", the oldest for " + age).c_str(),
              item.string_or("command", "").c_str());
}

// Counts of what runs, in one line; left out where the hub does not tell.
void print_runs(HubClient& client) {
  const auto counts = client.get("/api/v1/instances/counts");
  if (!counts.ok()) return;
  const Json& states = (*counts)["byStatus"];
  std::string text;
  for (const char* const state : {"running", "waiting", "parked", "faulted"}) {
    text += (text.empty() ? "" : ", ") + std::to_string(states.int_or(state, 0)) + " " + state;
  }
  std::printf("Runs: %s\n", text.c_str());
}

int print_status(const StatusOptions& options) {
  const auto unreached = [](const Error& error) {
    (void)complain(error);
    return kNotReached;
  };
  const auto config = config::load_config(options.config);
  if (!config.ok()) return unreached(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return unreached(client.error());
  const auto todo = client->get("/api/v1/todo");
  if (!todo.ok()) return unreached(todo.error());
  const bool ok = todo->bool_or("ok", false);
  if (options.json) {
    std::printf("%s\n", todo->dump_pretty().c_str());
    return ok ? kNothingWaits : kSomethingWaits;
  }
  const Timestamp now = SystemClock().now();
  std::printf("%s, %s\n", config->tenant.c_str(), to_iso8601(now).c_str());
  if (ok) std::printf("Nothing needs a person.\n");
  for (const Json& item : (*todo)["items"].as_array()) print_item(item, now);
  const auto health = client->get("/health");
  const std::string state = health.ok() ? health->string_or("status", "") : "fail";
  std::printf("Health: %s\n", state.c_str());
  print_runs(*client);
  return ok && state == "pass" ? kNothingWaits : kSomethingWaits;
}

}  // namespace

void add_status_command(args::Command& program, int& code) {
  auto options = std::make_shared<StatusOptions>();
  auto* command = program.add_subcommand("status", "Show what needs a person now");
  command->footer(
      "Exit status: 0 nothing needs a person, 1 something needs one, 2 the hub was not reached.");
  add_config_option(*command, options->config);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &code] { code = print_status(*options); });
}

}  // namespace rabt::cli
