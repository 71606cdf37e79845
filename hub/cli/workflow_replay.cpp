#include "hub/cli/workflow_replay.hpp"

#include <cstdio>
#include <memory>
#include <utility>

#include "hub/args/args.hpp"
#include "hub/assembly/hub.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"

// rabt workflow replay: what instances of the past would have become on a new file. The running hub
// reads their journals, for only the hub has the keys.
namespace rabt::cli {

namespace {

constexpr std::int64_t kWeekMs = 7LL * 24 * 3'600'000;

// Words of a difference, without its class and its examples.
std::string words_of(const Json& item) {
  std::string out = item.string_or("reference", "");
  const auto add = [&out](const std::string& text) {
    if (!text.empty()) out += (out.empty() ? "" : " ") + text;
  };
  const std::string role = item.string_or("role", "");
  if (!role.empty()) add(role + "/" + item.string_or("action", ""));
  std::string members;
  if (const Json& names = item["members"]; names.is_array()) {
    for (const Json& member : names.as_array())
      members += (members.empty() ? "" : ", ") + member.as_string();
  }
  if (!members.empty()) add("(" + members + ")");
  if (const Json& error = item["error"]; error.is_object()) add(error.string_or("code", ""));
  add(item.string_or("code", ""));
  if (const std::string then = item.string_or("then", ""); !then.empty())
    add("[" + then + " -> " + item.string_or("now", "") + "]");
  return out;
}

void print_replay(const Json& replay) {
  std::printf("%s/%s %s on %s\n", replay.string_or("namespace", "").c_str(),
              replay.string_or("workflow", "").c_str(), replay.string_or("version", "").c_str(),
              replay_summary(replay).c_str());
  for (const Json& item : replay["differences"].as_array()) {
    std::printf("  %5lld  %-15s  %s\n", static_cast<long long>(item.int_or("count", 0)),
                item.string_or("class", "").c_str(), words_of(item).c_str());
    std::string examples;
    for (const Json& id : item["examples"].as_array())
      examples += (examples.empty() ? "" : " ") + id.as_string();
    std::printf("         %-15s  e.g. %s\n", "", examples.c_str());
  }
  if (replay.bool_or("more", false))
    std::printf("  there are older ones: narrow --since and --until, or raise --limit\n");
}

// Exit code 0 if everything is the same, 2 if something differs, 1 if an instance would fault, or
// nothing was replayed.
int exit_code(const Json& replay) {
  int code = replay.int_or("instances", 0) == 0 ? 1 : 0;
  for (const Json& item : replay["classes"].as_array()) {
    const std::string name = item.string_or("class", "");
    if (name == "faults") return 1;
    if (name != "same") code = 2;
  }
  return code;
}

int workflow_replay(const std::string& config_path, const std::string& path,
                    const ReplayOptions& options, bool json) {
  const auto run = [&]() -> Result<Json> {
    RABT_TRY(config, config::load_config(config_path));
    RABT_TRY(files, assembly::read_workflows({path}));
    RABT_TRY(client, HubClient::of(config));
    return ask_replay(client,
                      Json::object({{"name", files.front().name}, {"source", files.front().yaml}}),
                      options);
  };
  const auto replay = run();
  if (!replay.ok()) {
    (void)complain(replay.error());
    return 1;
  }
  if (json) {
    std::printf("%s\n", replay->dump_pretty().c_str());
  } else {
    print_replay(*replay);
  }
  if (replay->int_or("instances", 0) == 0) {
    std::fprintf(stderr, "nothing was replayed: %s\n",
                 replay->bool_or("more", false)
                     ? "there was no time for it; ask again"
                     : "no instance fits; look at --workflow, --version, --status, --since and "
                       "--until");
  }
  return exit_code(*replay);
}

}  // namespace

Result<Json> ask_replay(HubClient& client, const Json& file, const ReplayOptions& options) {
  Json body = Json::object({{"file", file}, {"limit", options.limit}});
  for (const auto& [name, value] :
       {std::pair("workflow", &options.workflow), std::pair("version", &options.version),
        std::pair("status", &options.status), std::pair("since", &options.since),
        std::pair("until", &options.until)}) {
    if (!value->empty()) body.set(name, *value);
  }
  if (options.since.empty()) body.set("since", to_iso8601({SystemClock().now().ms - kWeekMs}));
  return client.post("/api/v1/workflows/replay", body, options.reason);
}

std::string replay_summary(const Json& replay) {
  const std::int64_t count = replay.int_or("instances", 0);
  std::string out = std::to_string(count) + (count == 1 ? " instance" : " instances");
  const char* separator = ": ";
  for (const Json& item : replay["classes"].as_array()) {
    out += std::exchange(separator, ", ") + std::to_string(item.int_or("count", 0)) + " " +
           item.string_or("class", "");
  }
  return out;
}

void add_workflow_replay_command(args::Command& group, int& code) {
  struct All {
    std::string config = kDefaultConfig;
    std::string file;
    ReplayOptions replay;
    bool json = false;
  };
  auto options = std::make_shared<All>();
  auto* command = group.add_subcommand(
      "replay", "Show how past instances would have run on a new workflow file");
  command->footer(
      "Nothing is called or changed. The result reveals patient data if the file branches on it, "
      "so a reason is needed. Exit status 0: everything would be the same, 1: an instance would "
      "fault, or nothing was replayed, 2: something differs");
  command->add_option("file", options->file, "Workflow file")->required();
  command->add_option("--workflow", options->replay.workflow,
                      "Instances of this workflow (default: that of the file)");
  command->add_option("--version", options->replay.version, "Instances of this version");
  command->add_option("--status", options->replay.status,
                      "Instances in one of these states, with commas (default: those that ended)");
  command
      ->add_option("--since", options->replay.since,
                   "Changed at this time or later (RFC 3339, or 2h or 7d back from now; default: "
                   "7d)")
      ->moment();
  command->add_option("--until", options->replay.until, "Changed before this time (as --since)")
      ->moment();
  command
      ->add_option("--limit", options->replay.limit,
                   "Number of instances, the newest first; at most 500")
      ->between(1, 500);
  command
      ->add_option("--reason", options->replay.reason,
                   "Reason for the replay; the audit log keeps it sealed")
      ->required();
  add_config_option(*command, options->config);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &code] {
    code = workflow_replay(options->config, options->file, options->replay, options->json);
  });
}

}  // namespace rabt::cli
