#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "hub/args/args.hpp"
#include "hub/base/number.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"

// rabt repair: one act on many instances, as a job in the running hub.
namespace rabt::cli {

namespace {

constexpr const char* kPath = "/api/v1/repairs";

struct RepairOptions {
  std::string config = kDefaultConfig;
  // Options of the plan.
  std::string verb;
  std::vector<std::string> ids;
  std::string status;
  std::string workflow;
  std::string version;
  std::string with_version;
  std::string code;
  std::string since;
  std::string until;
  std::string failure;
  std::string source;
  std::string outcome;
  std::string output;
  // Options of what follows the plan.
  std::string id;
  std::string digest;
  std::string reason;
  // 1/s or 30/min
  std::string rate = "1/s";
  std::int64_t first = 3;
  bool go_on = false;
  std::int64_t effects = -1;
  std::string state;
  bool items = false;
  bool json = false;
};

std::string path_of(const RepairOptions& options, std::string_view act) {
  return std::string(kPath) + "/" + options.id + (act.empty() ? "" : "/" + std::string(act));
}

long long number(const Json& of, std::string_view name) {
  return static_cast<long long>(of.int_or(name, 0));
}

// One job in words.
void print_job(const Json& job) {
  const bool many = number(job, "count") != 1;
  const char* what = job.string_or("verb", "") == "deliver" ? (many ? "deliveries" : "delivery")
                                                            : (many ? "instances" : "instance");
  std::printf("%s  %s  %s  %lld %s, the oldest of %s\n", job.string_or("id", "").c_str(),
              job.string_or("verb", "").c_str(), job.string_or("state", "").c_str(),
              number(job, "count"), what, job.string_or("oldest", "").c_str());
}

void print_whole(const Json& job) {
  print_job(job);
  if (job.bool_or("more", false))
    std::printf(
        "  the filter takes more: these are the oldest; plan the rest when they are done\n");
  if (const std::string version = job.string_or("version", ""); !version.empty())
    std::printf("  each goes on with version %s, or is refused\n", version.c_str());
  const bool restart = job.string_or("verb", "") == "restart";
  for (const Json& node : job["sent"].as_array()) {
    const long long count = number(node, "count");
    const std::string to = node.string_or("role", "") + " " + node.string_or("action", "");
    if (restart) {
      std::printf(
          "  %lld will be made anew under new keys: %s; the effects of the old ones stand\n", count,
          to.c_str());
    } else {
      std::printf("  %lld may be sent once more to %s, %lld of them without a key\n", count,
                  to.c_str(), number(node, "withoutKey"));
    }
  }
  if (restart && job.string_or("state", "") == "previewed")
    std::printf("  run it with --effects %lld\n", number(job, "effects"));
  if (const Json& was = job["deliveries"]; was.is_object()) {
    std::printf("  deliveries: %lld new, %lld taken already, %lld changed\n", number(was, "new"),
                number(was, "taken"), number(was, "changed"));
  }
  for (const Json& item : job["leftOut"].as_array())
    std::printf("  %lld left out: %s\n", number(item, "count"), item.string_or("code", "").c_str());
  if (job.string_or("state", "") == "previewed") {
    std::printf("  digest %s\n", job.string_or("digest", "").c_str());
    return;
  }
  std::string counts;
  for (const auto& [state, count] : job["counts"].as_object()) {
    if (count.as_int64().value_or(0) == 0) continue;
    counts += (counts.empty() ? "" : ", ") + std::to_string(count.as_int64().value_or(0)) + " " +
              std::string(state);
  }
  std::printf("  %s\n", counts.c_str());
  if (const std::string why = job.string_or("why", ""); !why.empty())
    std::printf("  stopped by: %s\n", why.c_str());
}

int print_answer(const Result<Json>& answer, const RepairOptions& options) {
  if (!answer.ok()) return complain(answer.error());
  if (options.json) {
    std::printf("%s\n", answer->dump_pretty().c_str());
  } else {
    print_whole(*answer);
  }
  return 0;
}

Result<Json> plan_body(const RepairOptions& options) {
  Json body = Json::object({{"verb", options.verb}});
  if (!options.ids.empty()) {
    Json ids = Json::array();
    for (const std::string& id : options.ids) ids.push_back(id);
    body.set("ids", std::move(ids));
  } else {
    Json filter = Json::object();
    for (const auto& [name, value] :
         {std::pair("status", &options.status), std::pair("workflow", &options.workflow),
          std::pair("version", &options.version), std::pair("code", &options.code),
          std::pair("since", &options.since), std::pair("until", &options.until),
          std::pair("failure", &options.failure), std::pair("source", &options.source)}) {
      if (!value->empty()) filter.set(name, *value);
    }
    if (filter.size() == 0)
      return invalid("cli.repair",
                     "say which instances: --id, or a filter such as --code, --workflow or "
                     "--since");
    body.set("filter", std::move(filter));
  }
  if (!options.with_version.empty()) body.set("version", options.with_version);
  if (options.outcome.empty()) return body;
  Json answer = Json::object({{"outcome", options.outcome}});
  if (!options.output.empty()) {
    auto output = Json::parse(options.output);
    if (!output.ok())
      return invalid("cli.output", "--output must be JSON: " + output.error().message);
    answer.set("output", std::move(*output));
  }
  body.set("answer", std::move(answer));
  return body;
}

// "1/s" and "30/min" as acts a minute.
Result<std::int64_t> per_minute(const std::string& rate) {
  const auto slash = rate.find('/');
  const auto count = read_number<std::int64_t>(rate.substr(0, slash));
  const std::string unit = slash == std::string::npos ? "" : rate.substr(slash + 1);
  if (!count || (unit != "s" && unit != "min"))
    return invalid("cli.rate", "--rate must be a number and /s or /min, such as 1/s or 30/min");
  return unit == "s" ? *count * 60 : *count;
}

int plan(const RepairOptions& options) {
  const auto body = plan_body(options);
  if (!body.ok()) return complain(body.error());
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  return print_answer(client->post(kPath, *body), options);
}

// Id of the newest preview with this digest.
Result<std::string> previewed(HubClient& client, const std::string& digest) {
  RABT_TRY(found, client.list(kPath));
  for (const Json& job : found["items"].as_array()) {
    if (job.string_or("state", "") == "previewed" && job.string_or("digest", "") == digest)
      return job.string_or("id", "");
  }
  return invalid("cli.digest",
                 "no plan of the last day has this digest, or it was run; see `rabt repair list`");
}

int run(const RepairOptions& options) {
  const auto rate = per_minute(options.rate);
  if (!rate.ok()) return complain(rate.error());
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto id = previewed(*client, options.digest);
  if (!id.ok()) return complain(id.error());
  Json body = Json::object({{"digest", options.digest},
                            {"reason", options.reason},
                            {"perMinute", *rate},
                            {"first", options.first},
                            {"goOn", options.go_on}});
  if (options.effects >= 0) body.set("effects", options.effects);
  return print_answer(client->post(std::string(kPath) + "/" + *id + "/run", body), options);
}

int turn(const RepairOptions& options, std::string_view act) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  Json body = Json::object();
  if (!options.reason.empty()) body.set("reason", options.reason);
  return print_answer(client->post(path_of(options, act), body), options);
}

int print_items(HubClient& client, const RepairOptions& options) {
  std::string path = path_of(options, "items") + "?limit=200" +
                     (options.state.empty() ? "" : "&state=" + options.state);
  while (!path.empty()) {
    const auto page = client.get(path);
    if (!page.ok()) return complain(page.error());
    path = page->string_or("next", "");
    for (const Json& item : (*page)["items"].as_array()) {
      if (options.json) {
        std::printf("%s\n", item.dump().c_str());
        continue;
      }
      const std::string became = item.string_or("restartedAs", "");
      std::printf("%5lld  %s  %-8s %s%s\n", number(item, "n"),
                  item.string_or("instance", item.string_or("delivery", "")).c_str(),
                  item.string_or("state", "").c_str(), item.string_or("code", "").c_str(),
                  became.empty() ? "" : ("as " + became).c_str());
    }
  }
  return 0;
}

int show(const RepairOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  if (options.items || !options.state.empty()) return print_items(*client, options);
  return print_answer(client->get(path_of(options, "")), options);
}

int list(const RepairOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto found = client->list(kPath);
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  for (const Json& job : (*found)["items"].as_array()) print_job(job);
  return 0;
}

void add_plan(args::Command& group, const std::shared_ptr<RepairOptions>& options, int& code) {
  auto* command = group.add_subcommand(
      "plan", "List the instances and print what would be sent again; nothing is done yet");
  command
      ->add_option("verb", options->verb,
                   "retry, restart, cancel, answer, or deliver for deliveries that came to nothing")
      ->required()
      ->one_of({"retry", "restart", "cancel", "answer", "deliver"});
  command
      ->add_option("--id", options->ids,
                   "Id of an instance; may be given several times, and excludes the filters")
      ->one_value_each_time();
  command->add_option(
      "--status", options->status,
      "Instances in one of these states, with commas (default: the states that the act is for)");
  command->add_option("--workflow", options->workflow, "Instances of this workflow");
  command->add_option("--version", options->version, "Instances of this version");
  command->add_option("--with-version", options->with_version,
                      "With retry: deployed version with which each goes on, or `newest` (default: "
                      "its own)");
  command->add_option("--code", options->code,
                      "Instances with this code: of the error of a faulted one, or role/action of "
                      "a parked one");
  command
      ->add_option("--since", options->since,
                   "Changed at this time or later (RFC 3339, or 2h or 7d back from now)")
      ->moment();
  command->add_option("--until", options->until, "Changed before this time (as --since)")->moment();
  command->add_option("--failure", options->failure,
                      "With answer: parked calls that failed with this code");
  command->add_option("--source", options->source, "With deliver: deliveries of this source");
  command
      ->add_option("--outcome", options->outcome,
                   "With answer: again, done, transient or permanent")
      ->one_of({"again", "done", "transient", "permanent"});
  command->add_option("--output", options->output,
                      "With --outcome done: output of each call, as JSON");
  command->add_flag("--json", options->json, "Print JSON");
  add_config_option(*command, options->config);
  command->callback([options, &code] { code = plan(*options); });
}

void add_run(args::Command& group, const std::shared_ptr<RepairOptions>& options, int& code) {
  auto* command = group.add_subcommand("run", "Run a planned job in the hub");
  command->add_option("digest", options->digest, "Digest that the plan printed")->required();
  command->add_option("--reason", options->reason, "Reason; the audit log keeps it")->required();
  command->add_option("--rate", options->rate, "Acts a second or a minute: 1/s, 30/min");
  command->add_option("--first", options->first,
                      "Number of acts before the job waits for `go`; with 0 it never waits");
  command->add_flag("--go-on", options->go_on,
                    "Go on without waiting if the first acts all ended well");
  command->add_option("--effects", options->effects,
                      "With restart: number of calls that are made again, as the plan prints it");
  command->add_flag("--json", options->json, "Print JSON");
  add_config_option(*command, options->config);
  command->callback([options, &code] { code = run(*options); });
}

void add_turn(args::Command& group, const std::shared_ptr<RepairOptions>& options, int& code,
              const char* act, const char* what) {
  auto* command = group.add_subcommand(act, what);
  command->add_option("id", options->id, "Id of the job")->required();
  command->add_option("--reason", options->reason, "Reason; the audit log keeps it");
  command->add_flag("--json", options->json, "Print JSON");
  add_config_option(*command, options->config);
  command->callback([options, &code, act] { code = turn(*options, act); });
}

}  // namespace

void add_repair_commands(args::Command& program, int& code) {
  auto options = std::make_shared<RepairOptions>();
  auto* group = program.add_subcommand("repair", "Retry, restart, cancel or answer many instances");
  group->require_subcommand();
  add_plan(*group, options, code);
  add_run(*group, options, code);
  add_turn(*group, options, code, "go", "Continue a job that waits or was stopped");
  add_turn(*group, options, code, "stop", "Stop a job; acts that are done stay done");

  auto* shown = group->add_subcommand("show", "Show one job and its progress");
  shown->add_option("id", options->id, "Id of the job")->required();
  shown->add_flag("--items", options->items,
                  "Print the rows of the job instead, each with its outcome");
  shown->add_option("--state", options->state,
                    "Print the rows in this state: open, acted, well, failed, goes_on, moved or "
                    "refused");
  shown->add_flag("--json", options->json, "Print JSON");
  add_config_option(*shown, options->config);
  shown->callback([options, &code] { code = show(*options); });

  auto* listed = group->add_subcommand("list", "List the newest jobs");
  listed->add_flag("--json", options->json, "Print JSON");
  add_config_option(*listed, options->config);
  listed->callback([options, &code] { code = list(*options); });
}

}  // namespace rabt::cli
