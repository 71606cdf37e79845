#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"

// rabt webhooks: through the API of the running hub.
namespace rabt::cli {

namespace {

struct WebhooksOptions {
  std::string config = kDefaultConfig;
  // Name or id.
  std::string webhook;
  std::string state;
  std::string delivery;
  std::string since;
  std::string reason;
  bool dead = false;
  bool json = false;
};

int print_list(const WebhooksOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto found = client->list("/api/v1/webhooks");
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  std::printf("%-26s  %-8s  %7s  %7s  name\n", "id", "state", "waiting", "dead");
  for (const Json& item : (*found)["items"].as_array()) {
    std::printf("%-26s  %-8s  %7lld  %7lld  %s\n", item.string_or("id", "").c_str(),
                item.string_or("state", "").c_str(),
                static_cast<long long>(item.int_or("waiting", 0)),
                static_cast<long long>(item.int_or("dead", 0)), item.string_or("name", "").c_str());
  }
  return 0;
}

// The path of the webhook that the person named.
Result<std::string> path_of(HubClient& client, const std::string& webhook) {
  RABT_TRY(list, client.list("/api/v1/webhooks"));
  for (const Json& item : list["items"].as_array()) {
    const std::string id = item.string_or("id", "");
    if (item.string_or("name", "") == webhook || id == webhook) return "/api/v1/webhooks/" + id;
  }
  return not_found("webhook.unknown", "there is no webhook " + webhook);
}

int print_deliveries(const WebhooksOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto path = path_of(*client, options.webhook);
  if (!path.ok()) return complain(path.error());
  const auto found = client->list(
      *path + "/deliveries" + (options.state.empty() ? std::string() : "?state=" + options.state));
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  for (const Json& item : (*found)["items"].as_array()) {
    std::printf("%-26s  %-4s  %2lld  %s  %s  %s\n", item.string_or("id", "").c_str(),
                item.string_or("state", "").c_str(),
                static_cast<long long>(item.int_or("attempts", 0)),
                item.string_or("createdAt", "").c_str(), item.string_or("type", "").c_str(),
                item.string_or("code", "").c_str());
  }
  return 0;
}

int act(const WebhooksOptions& options, const char* verb, const Json& body) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto path = path_of(*client, options.webhook);
  if (!path.ok()) return complain(path.error());
  const auto done = client->post(*path + "/" + verb, body);
  if (!done.ok()) return complain(done.error());
  std::printf("%s\n", done->dump().c_str());
  return 0;
}

int replay(const WebhooksOptions& options) {
  Json body = Json::object();
  if (!options.delivery.empty()) body.set("delivery", options.delivery);
  if (!options.since.empty()) body.set("since", options.since);
  if (options.dead) body.set("dead", true);
  return act(options, "replay", body);
}

int discard(const WebhooksOptions& options) {
  Json body = Json::object({{"reason", options.reason}});
  if (!options.delivery.empty()) body.set("delivery", options.delivery);
  if (options.dead) body.set("dead", true);
  return act(options, "discard", body);
}

args::Command* add_verb(args::Command& group, const std::shared_ptr<WebhooksOptions>& options,
                        const char* verb, const char* help) {
  auto* command = group.add_subcommand(verb, help);
  add_config_option(*command, options->config);
  command->add_option("webhook", options->webhook, "Name or id of the webhook")->required();
  return command;
}

}  // namespace

void add_webhooks_commands(args::Command& program, int& code) {
  auto options = std::make_shared<WebhooksOptions>();
  auto* group = program.add_subcommand("webhooks", "Manage systems that get events over HTTP");
  group->require_subcommand();

  auto* list =
      group->add_subcommand("list", "List the webhooks, with the deliveries that wait for each");
  add_config_option(*list, options->config);
  list->add_flag("--json", options->json, "Print JSON");
  list->callback([options, &code] { code = print_list(*options); });

  auto* deliveries = add_verb(*group, options, "deliveries", "List the newest deliveries");
  deliveries->add_option("--state", options->state, "open, done, dead or discarded");
  deliveries->add_flag("--json", options->json, "Print JSON");
  deliveries->callback([options, &code] { code = print_deliveries(*options); });

  auto* ping = add_verb(*group, options, "ping", "Send the event `ping`");
  ping->callback([options, &code] { code = act(*options, "ping", Json::object()); });

  auto* again = add_verb(*group, options, "replay", "Send deliveries again");
  again->add_option("--delivery", options->delivery, "Only this delivery");
  again
      ->add_option("--since", options->since,
                   "All deliveries since this time (RFC 3339, or 2h or 7d back from now)")
      ->moment();
  again->add_flag("--dead", options->dead, "All deliveries that were given up");
  again->callback([options, &code] {
    if (options->delivery.empty() && options->since.empty() && !options->dead)
      args::refuse_without("--delivery, --since or --dead");
    code = replay(*options);
  });

  auto* nobody =
      add_verb(*group, options, "discard", "Mark deliveries that were given up as settled");
  nobody->add_option("--delivery", options->delivery, "Only this delivery");
  nobody->add_flag("--dead", options->dead, "All deliveries that were given up");
  nobody->add_option("--reason", options->reason, "Reason; the audit log keeps it")->required();
  nobody->callback([options, &code] {
    if (options->delivery.empty() && !options->dead) args::refuse_without("--delivery or --dead");
    code = discard(*options);
  });
}

}  // namespace rabt::cli
