#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/number.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"

// rabt deliveries: through the API of the running hub.
namespace rabt::cli {

namespace {

struct DeliveriesOptions {
  std::string config = kDefaultConfig;
  std::string source;
  std::string id;
  std::string reason;
  bool body = false;
  bool dry_run = false;
  bool json = false;
};

// The hub keeps so many of a source.
constexpr std::size_t kListed = 1000;

std::string list_path(const DeliveriesOptions& options) {
  return "/api/v1/deliveries?limit=" + std::to_string(kListed) +
         (options.source.empty() ? std::string() : "&source=" + options.source);
}

int list_deliveries(const DeliveriesOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto found = client->get(list_path(options));
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  for (const Json& item : (*found)["items"].as_array()) {
    const std::string settled = item.string_or("settled", "");
    std::printf("%-6lld  %s  %-12s  %-10s  %s  %s\n", static_cast<long long>(item.int_or("id", 0)),
                item.string_or("at", "").c_str(), item.string_or("source", "").c_str(),
                item.string_or("outcome", "").c_str(),
                !settled.empty()                  ? settled.c_str()
                : item.bool_or("bodyKept", false) ? "body kept"
                                                  : "-        ",
                item.string_or("reason", "").c_str());
  }
  if ((*found)["items"].as_array().size() == kListed)
    std::fprintf(stderr, "the newest %zu are shown; --source NAME looks at one source\n", kListed);
  return 0;
}

// Prints what the list knows of one delivery, a line for each member.
int describe_delivery(const DeliveriesOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  // The number goes into an address.
  const auto id = read_number<std::int64_t>(options.id);
  if (!id) return complain(invalid("cli.delivery", "the id is a number, which the list shows"));
  const auto found = client->get("/api/v1/deliveries?id=" + std::to_string(*id));
  if (!found.ok()) return complain(found.error());
  for (const Json& item : (*found)["items"].as_array()) {
    if (options.json) {
      std::printf("%s\n", item.dump_pretty().c_str());
      return 0;
    }
    for (const auto& [name, value] : item.as_object())
      std::printf("%-10s  %s\n", name.c_str(),
                  value.is_string() ? value.as_string().c_str() : value.dump().c_str());
    if (item.bool_or("bodyKept", false))
      std::printf("--body --reason TEXT prints the body, for administrators\n");
    return 0;
  }
  return complain(not_found("cli.delivery", "there is no delivery " + options.id +
                                                "; the newest 1,000 of each source are kept"));
}

// The body goes to standard output as it arrived.
int show_delivery(const DeliveriesOptions& options) {
  if (!options.body) return describe_delivery(options);
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto body = client->text("/api/v1/deliveries/" + options.id + "/body", options.reason);
  if (!body.ok()) return complain(body.error());
  std::fwrite(body->data(), 1, body->size(), stdout);
  return 0;
}

std::string path_of(const DeliveriesOptions& options, std::string_view act) {
  return "/api/v1/deliveries/" + options.id + "/" + std::string(act);
}

int replay_delivery(const DeliveriesOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto answer =
      client->post(path_of(options, "replay"),
                   Json::object({{"dryRun", options.dry_run}, {"reason", options.reason}}));
  if (!answer.ok()) return complain(answer.error());
  if (options.json) {
    std::printf("%s\n", answer->dump_pretty().c_str());
    return 0;
  }
  const std::string was = answer->string_or("was", "");
  const char* says = was == "new" ? "new: it is taken as if it came now"
                     : was == "taken"
                         ? "taken: the hub has it already, and nothing happens"
                         : "changed: instances that live are told, and nothing is started";
  std::printf("%s\n", says);
  for (const Json& id :
       (*answer)["instances"].is_array() ? (*answer)["instances"].as_array() : Json::Array())
    std::printf("instance %s\n", id.as_string().c_str());
  return 0;
}

int discard_delivery(const DeliveriesOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto answer =
      client->post(path_of(options, "discard"), Json::object({{"reason", options.reason}}));
  if (!answer.ok()) return complain(answer.error());
  std::printf("discarded\n");
  return 0;
}

}  // namespace

void add_deliveries_commands(args::Command& program, int& code) {
  auto options = std::make_shared<DeliveriesOptions>();
  auto* group = program.add_subcommand("deliveries",
                                       "List, replay and discard deliveries that came to nothing");
  group->require_subcommand();

  auto* list = group->add_subcommand("list", "List the newest deliveries that came to nothing");
  add_config_option(*list, options->config);
  list->add_option("--source", options->source, "List only deliveries of this source");
  list->add_flag("--json", options->json, "Print JSON");
  list->callback([options, &code] { code = list_deliveries(*options); });

  auto* show = group->add_subcommand("show", "Show what is known of one delivery, or its body");
  add_config_option(*show, options->config);
  show->add_option("id", options->id, "Id that the list shows")->required();
  show->add_flag("--json", options->json, "Print JSON");
  show->add_flag("--body", options->body, "Print the body as it arrived; it may hold patient data");
  show->add_option("--reason", options->reason,
                   "Reason for reading the body; the audit log keeps it");
  show->callback([options, &code] { code = show_delivery(*options); });

  auto* replay = group->add_subcommand(
      "replay", "Process a delivery again, with the plugin that its source has now");
  add_config_option(*replay, options->config);
  replay->add_option("id", options->id, "Id that the list shows")->required();
  replay->add_flag("--dry-run", options->dry_run,
                   "Print what the delivery would become, and do nothing");
  replay->add_option("--reason", options->reason, "Reason; the audit log keeps it");
  replay->add_flag("--json", options->json, "Print JSON");
  replay->callback([options, &code] { code = replay_delivery(*options); });

  auto* discard =
      group->add_subcommand("discard", "Mark a delivery as settled; it stays in the list");
  add_config_option(*discard, options->config);
  discard->add_option("id", options->id, "Id that the list shows")->required();
  discard->add_option("--reason", options->reason, "Reason; the audit log keeps it")->required();
  discard->callback([options, &code] { code = discard_delivery(*options); });
}

}  // namespace rabt::cli
