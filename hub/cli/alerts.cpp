#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/span.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"

// rabt alerts: what is wrong with the hub and its surroundings, through the API of the running hub.
namespace rabt::cli {

namespace {

struct AlertsOptions {
  std::string config = kDefaultConfig;
  bool all = false;
  bool json = false;
  std::string rule;
  // ack, snooze or test; empty to list.
  std::string verb;
  // Alert, cause or channel.
  std::string what;
  std::string note;
  std::string span;
};

Result<Json> listed(const AlertsOptions& options) {
  RABT_TRY(hub, HubClient::of_file(options.config));
  std::string path =
      std::string("/api/v1/alerts?limit=200&state=") + (options.all ? "all" : "open");
  if (!options.rule.empty()) path += "&rule=" + percent_encode(options.rule);
  return hub.get(path);
}

void print_alert(const Json& item) {
  const bool open = item.string_or("state", "") == "open";
  std::printf("%s %s  %s\n      since %s", item.string_or("severity", "") == "page" ? "!" : "-",
              item.string_or("id", "").c_str(), item["text"].string_or("en", "").c_str(),
              item.string_or("opened", "").c_str());
  if (!open) std::printf(", closed %s", item.string_or("closed", "").c_str());
  if (const Json& acked = item["acknowledged"]; acked.is_object()) {
    std::printf(", acknowledged by %s", acked.string_or("by", "").c_str());
    if (acked["note"].is_string())
      std::printf(": %s", printable(acked.string_or("note", "")).c_str());
  }
  if (item["snoozed"].is_string())
    std::printf(", snoozed until %s", item.string_or("snoozed", "").c_str());
  std::printf("\n");
  if (open) std::printf("      %s\n", item.string_or("command", "").c_str());
}

int list_alerts(const AlertsOptions& options) {
  const auto found = listed(options);
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  const Json::Array& items = (*found)["items"].as_array();
  if (items.empty()) std::printf("No alert%s.\n", options.all ? "" : " is open");
  for (const Json& node : items) print_alert(node);
  for (const Json& item : (*found)["snoozes"].as_array()) {
    std::printf("Snoozed until %s: %s%s\n", item.string_or("until", "").c_str(),
                item.string_or("rule", "").c_str(),
                item["object"].is_string() ? ("/" + item.string_or("object", "")).c_str() : "");
  }
  if (found->find("next") != nullptr)
    std::fprintf(stderr, "the newest 200 are shown; filter by --rule\n");
  return 0;
}

int said(const Result<Json>& answer, const AlertsOptions& options, const std::string& line) {
  if (!answer.ok()) return complain(answer.error());
  std::printf("%s\n", options.json ? answer->dump_pretty().c_str() : line.c_str());
  return 0;
}

Result<Json> acknowledged(const AlertsOptions& options) {
  RABT_TRY(hub, HubClient::of_file(options.config));
  Json body = Json::object();
  if (!options.note.empty()) body.set("note", options.note);
  return hub.post("/api/v1/alerts/" + percent_encode(options.what) + "/ack", body);
}

Result<Json> snoozed(const AlertsOptions& options) {
  RABT_TRY(hub, HubClient::of_file(options.config));
  // A folder among the objects has slashes of its own.
  const auto slash = options.what.find('/');
  Json body = Json::object({{"rule", options.what.substr(0, slash)}, {"for", options.span}});
  if (slash != std::string::npos) body.set("object", options.what.substr(slash + 1));
  return hub.post("/api/v1/alerts/snooze", body);
}

Result<Json> tested(const AlertsOptions& options) {
  RABT_TRY(hub, HubClient::of_file(options.config));
  return hub.post("/api/v1/alerts/test", Json::object({{"channel", options.what}}));
}

int run_alerts(const AlertsOptions& options) {
  if (options.verb == "ack") return said(acknowledged(options), options, "Acknowledged.");
  if (options.verb == "test") return said(tested(options), options, "Told.");
  if (options.verb != "snooze") return list_alerts(options);
  const auto answer = snoozed(options);
  std::string line = "The snooze has ended.";
  if (answer.ok() && parse_span_ms(options.span).value_or(0) > 0)
    line = "Nothing is told until " + answer->string_or("until", "") + ".";
  return said(answer, options, line);
}

}  // namespace

void add_alerts_commands(args::Command& program, int& code) {
  auto options = std::make_shared<AlertsOptions>();
  auto* group = program.add_subcommand(
      "alerts", "List open alerts, acknowledge and snooze them, and test channels");
  add_config_option(*group, options->config);
  group->add_flag("--all", options->all, "List also alerts that have closed");
  group->add_option("--rule", options->rule, "List only alerts of this rule");
  group->add_flag("--json", options->json, "Print JSON");
  const auto add = [&](const char* verb, const char* help) {
    auto* command = group->add_subcommand(verb, help);
    add_config_option(*command, options->config);
    command->add_flag("--json", options->json, "Print JSON");
    command->parse_complete_callback([options, verb] { options->verb = verb; });
    return command;
  };
  auto* ack = add("ack", "Acknowledge an alert, so that it is not sent again each day");
  ack->add_option("id", options->what, "Id of the alert")->required();
  ack->add_option("--note", options->note, "A note for others; it is kept sealed");
  auto* snooze = add("snooze", "Send no alerts of a rule, or of one object, for a while");
  snooze->add_option("cause", options->what, "RULE or RULE/OBJECT, such as parked/payer")
      ->required();
  snooze->add_option("for", options->span, "Time to snooze, such as 4h; 0s ends the snooze")
      ->required();
  auto* test = add("test", "Send a test message to every address of a channel");
  test->add_option("channel", options->what, "mail, sms or webhook")->required();
  group->callback([options, &code] { code = run_alerts(*options); });
}

}  // namespace rabt::cli
