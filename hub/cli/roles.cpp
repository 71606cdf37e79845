#include <cstdio>
#include <memory>
#include <string>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"

// rabt roles: roles that are paused while their side is down.
namespace rabt::cli {

namespace {

struct RolesOptions {
  std::string config = kDefaultConfig;
  std::string role;
  std::string span;
  std::string reason;
  std::string digest;
  bool json = false;
};

constexpr int kRefused = 1;

std::string path_of(const RolesOptions& options, const char* act) {
  return "/api/v1/roles/" + percent_encode(options.role) + "/" + act;
}

long long number_in(const Json& of, std::string_view name) {
  return static_cast<long long>(of.int_or(name, 0));
}

// Prints the calls that would come too late, one line each.
void print_late(const Json& preview) {
  for (const Json& item : preview["late"].as_array()) {
    std::printf("%s  %s %s  %s  %s  %s\n", item.string_or("at", "").c_str(),
                item.string_or("workflow", "").c_str(), item.string_or("version", "").c_str(),
                item.string_or("instance", "").c_str(), item.string_or("reference", "").c_str(),
                item.string_or("kind", "").c_str());
  }
  const long long count = number_in(preview, "count");
  const auto shown = static_cast<long long>(preview["late"].size());
  if (count > shown) std::printf("and %lld more\n", count - shown);
  if (preview.bool_or("more", false)) std::printf("only the oldest 5000 runs were looked at\n");
}

int pause(const RolesOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  std::string digest = options.digest;
  if (digest.empty()) {
    const std::string span = options.span.empty() ? "" : "?for=" + percent_encode(options.span);
    const auto preview = client->get(path_of(options, "pause") + span);
    if (!preview.ok()) return complain(preview.error());
    if (number_in(*preview, "count") > 0) {
      if (options.json) {
        std::printf("%s\n", preview->dump_pretty().c_str());
      } else {
        print_late(*preview);
        std::printf("These times pass during the pause. If that is meant: --digest %s\n",
                    preview->string_or("digest", "").c_str());
      }
      return kRefused;
    }
    digest = preview->string_or("digest", "");
  }
  Json body = Json::object({{"reason", options.reason}, {"digest", digest}});
  if (!options.span.empty()) body.set("for", options.span);
  const auto paused = client->post(path_of(options, "pause"), body);
  if (!paused.ok()) return complain(paused.error());
  const std::string until = paused->string_or("until", "");
  if (options.json) {
    std::printf("%s\n", paused->dump_pretty().c_str());
  } else {
    std::printf("paused %s\n", until.empty() ? "until it is resumed" : ("until " + until).c_str());
  }
  return 0;
}

int resume(const RolesOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto resumed =
      client->post(path_of(options, "resume"), Json::object({{"reason", options.reason}}));
  if (!resumed.ok()) return complain(resumed.error());
  if (options.json) {
    std::printf("%s\n", resumed->dump_pretty().c_str());
  } else {
    std::printf("resumed, calls that go on: %lld\n", number_in(*resumed, "calls"));
  }
  return 0;
}

}  // namespace

void add_roles_commands(args::Command& program, int& code) {
  auto options = std::make_shared<RolesOptions>();
  auto* group =
      program.add_subcommand("roles", "Hold the calls of a role while its system is down");
  group->require_subcommand();
  const auto add = [&](const char* name, const char* what, int (*run)(const RolesOptions&)) {
    auto* command = group->add_subcommand(name, what);
    command->add_option("role", options->role, "A role of the configuration, such as payer")
        ->required();
    command->add_option("--reason", options->reason, "Reason; the audit log keeps it")->required();
    command->add_flag("--json", options->json, "Print JSON");
    add_config_option(*command, options->config);
    command->callback([options, &code, run] { code = run(*options); });
    return command;
  };
  auto* paused = add(
      "pause", "List the calls that would come too late, and hold the calls of a role from now on",
      pause);
  paused->add_option("--for", options->span,
                     "Duration, such as 2h (1m to 7d; default: until the role is resumed)");
  paused->add_option("--digest", options->digest,
                     "Digest of the printed list: agrees that its calls may come too late");
  paused->footer("Exit status: 1 a call would come too late, and --digest does not agree to it.");
  add("resume", "Send the held calls in their order, and stop holding calls", resume);
}

}  // namespace rabt::cli
