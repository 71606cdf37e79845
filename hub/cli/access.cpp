#include <cstdio>
#include <memory>
#include <string>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"

// rabt access: through the API of the running hub.
namespace rabt::cli {

namespace {

struct ExplainOptions {
  std::string config = kDefaultConfig;
  std::string person;
  std::string session;
  std::string right;
  bool reason = false;
  bool json = false;
};

Result<Json> asked(const ExplainOptions& options) {
  RABT_TRY(config, config::load_config(options.config));
  RABT_TRY(hub, HubClient::of(config));
  Json body = Json::object({{"person", options.person}, {"reason", options.reason}});
  if (!options.session.empty()) body.set("session", options.session);
  if (!options.right.empty()) body.set("right", options.right);
  return hub.post("/api/v1/access/explain", body);
}

int explain(const ExplainOptions& options) {
  const auto answer = asked(options);
  if (!answer.ok()) return complain(answer.error());
  if (options.json) {
    std::printf("%s\n", answer->dump_pretty().c_str());
    return 0;
  }
  for (const Json& item : (*answer)["rights"].as_array()) {
    const bool allowed = item.bool_or("allowed", false);
    std::printf("%-22s %-4s %s\n", item.string_or("right", "").c_str(), allowed ? "may" : "not",
                item.string_or(allowed ? "rule" : "code", "").c_str());
    if (options.right.empty()) continue;
    if (!allowed) std::printf("  %s\n", item.string_or("why", "").c_str());
    for (const Json& rule : item["rules"].as_array()) {
      std::printf("  %-28s %s\n", rule.string_or("rule", "").c_str(),
                  rule.string_or("outcome", "").c_str());
    }
  }
  return 0;
}

}  // namespace

void add_access_command(args::Command& program, int& code) {
  auto* group = program.add_subcommand("access", "Explain who may do what");
  group->require_subcommand();
  auto options = std::make_shared<ExplainOptions>();
  auto* command = group->add_subcommand(
      "explain", "Say what somebody may do, by which rule, and why not; changes nothing");
  add_config_option(*command, options->config);
  command->add_option("person", options->person, "Id, number or UUID of the person")->required();
  command->add_option("--session", options->session, "Session that the right is about");
  command->add_option("--right", options->right, "One right, with every rule that was tried");
  command->add_flag("--reason", options->reason, "Assume that the person gives a reason");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &code] { code = explain(*options); });
}

}  // namespace rabt::cli
