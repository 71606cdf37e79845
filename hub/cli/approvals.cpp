#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"

// rabt approvals: acts that wait for a second person, through the API of the running hub.
namespace rabt::cli {

namespace {

struct ApprovalsOptions {
  std::string config = kDefaultConfig;
  bool json = false;
};

Result<Json> asked(const ApprovalsOptions& options) {
  RABT_TRY(config, config::load_config(options.config));
  RABT_TRY(hub, HubClient::of(config));
  return hub.list("/api/v1/approvals");
}

int list_approvals(const ApprovalsOptions& options) {
  const auto found = asked(options);
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  for (const Json& item : (*found)["items"].as_array()) {
    std::printf("%s  %-14s  %-9s  until %s  asked by %s\n    %s\n",
                item.string_or("id", "").c_str(), item.string_or("act", "").c_str(),
                item["confirmedBy"].is_string() ? "confirmed" : "asked",
                item.string_or("until", "").c_str(), item.string_or("askedBy", "").c_str(),
                item["wish"].dump().c_str());
  }
  return 0;
}

}  // namespace

void add_approvals_command(args::Command& program, int& code) {
  auto* command = program.add_subcommand(
      "approvals", "List the acts that wait for the approval of a second person");
  auto options = std::make_shared<ApprovalsOptions>();
  add_config_option(*command, options->config);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &code] { code = list_approvals(*options); });
}

}  // namespace rabt::cli
