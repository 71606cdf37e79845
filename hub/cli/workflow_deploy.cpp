#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/assembly/hub.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/cli/workflow_replay.hpp"
#include "hub/config/config.hpp"

// rabt workflow plan, apply, list and export: they ask the running hub, because only the hub knows
// its plugins, secrets and instances.
namespace rabt::cli {

namespace {

struct DeployOptions {
  std::string config = kDefaultConfig;
  // Empty means the configuration's files.
  std::vector<std::string> files;
  bool prune = false;
  bool json = false;
  // Number of past instances that plan replays on each new version.
  std::int64_t replay = 0;
  // Why they are replayed.
  std::string reason;
};

int failed(const Error& error) {
  (void)complain(error);
  if (error.code == "net.no_answer") {
    std::fprintf(
        stderr,
        "no hub runs with this configuration; start one with `rabt serve`, which deploys the "
        "configured workflows when it starts\n");
  }
  return 1;
}

struct Target {
  HubClient client;
  Json body;
};
Result<Target> prepare(const DeployOptions& options) {
  RABT_TRY(config, config::load_config(options.config));
  RABT_TRY(files,
           assembly::read_workflows(options.files.empty() ? config.workflows : options.files));
  if (files.empty()) {
    return invalid("cli.no_files",
                   "name workflow files, or list them under `workflows` of " + options.config);
  }
  Json list = Json::array();
  for (const auto& file : files)
    list.push_back(Json::object({{"name", file.name}, {"source", file.yaml}}));
  RABT_TRY(client, HubClient::of(config));
  return Target{std::move(client), Json::object({{"files", list}, {"prune", options.prune}})};
}

std::string title(const Json& entry) {
  return entry.string_or("namespace", "") + "/" + entry.string_or("name", "") + " " +
         entry.string_or("version", "");
}

std::string change_text(const Json& entry) {
  std::string change = entry.string_or("change", "");
  if (change == "new") return "new";
  if (change == "new-version")
    return "new version" + (entry.find("from") == nullptr
                                ? std::string()
                                : "; active now: " + entry.string_or("from", ""));
  if (change == "activated") return "deployed before, becomes active again";
  if (change == "stored") return "stored beside a higher version among the files";
  if (change == "removed") return "stops: it is not among the files";
  if (change == "refused") return "refused: this version is deployed with other content";
  return change;
}

void print_difference(const Json& item) {
  const std::string change = item.string_or("change", "");
  const char sign = change == "added"     ? '+'
                    : change == "removed" ? '-'
                    : change == "moved"   ? '>'
                                          : '~';
  std::printf("    %c %s %s", sign, item.string_or("what", "").c_str(),
              item.string_or("path", "").c_str());
  const std::string from = item.string_or("from", "");
  const std::string to = item.string_or("to", "");
  if (!from.empty() && !to.empty()) {
    std::printf(": %s -> %s", from.c_str(), to.c_str());
  } else if (!from.empty() || !to.empty()) {
    std::printf(": %s", (from + to).c_str());
  }
  std::printf("\n");
}

void print_findings(const Json& list, const char* severity) {
  for (const Json& item : list.as_array()) {
    std::printf("%s:%lld:%lld: %s: %s [%s]\n", item.string_or("file", "").c_str(),
                static_cast<long long>(item.int_or("line", 0)),
                static_cast<long long>(item.int_or("column", 0)), severity,
                item.string_or("message", "").c_str(), item.string_or("code", "").c_str());
  }
}

void print_plan(const Json& plan) {
  for (const Json& entry : plan["workflows"].as_array()) {
    std::printf("%s: %s\n", title(entry).c_str(), change_text(entry).c_str());
    if (entry["differences"].is_array()) {
      for (const Json& item : entry["differences"].as_array()) print_difference(item);
    }
    if (entry["children"].is_array()) {
      for (const Json& child : entry["children"].as_array()) {
        std::printf("    run.workflow %s %s is %s\n", child.string_or("workflow", "").c_str(),
                    child.string_or("version", "").c_str(), child.string_or("bound", "").c_str());
      }
    }
    if (entry["replay"].is_object())
      std::printf("    replayed on %s\n", replay_summary(entry["replay"]).c_str());
    if (entry["running"].is_array()) {
      for (const Json& running : entry["running"].as_array()) {
        std::printf("    %lld running on %s; they stay on it\n",
                    static_cast<long long>(running.int_or("instances", 0)),
                    running.string_or("version", "").c_str());
      }
    }
  }
  print_findings(plan["warnings"], "warning");
  print_findings(plan["errors"], "error");
  if (plan["errors"].size() != 0) {
    std::printf("apply would be refused: %zu errors\n", plan["errors"].size());
  } else {
    std::printf("%s\n", plan.bool_or("changes", false) ? "apply would change this" : "no changes");
  }
}

// Adds `replay` to every workflow of the plan that has instances and would get a new version.
Status replay_plan(Target& target, Json& plan, const ReplayOptions& options) {
  Json workflows = Json::array();
  for (Json entry : plan["workflows"].as_array()) {
    const std::string change = entry.string_or("change", "");
    if (change == "new-version" || change == "activated") {
      for (const Json& file : target.body["files"].as_array()) {
        if (file.string_or("name", "") != entry.string_or("file", "")) continue;
        RABT_TRY(replay, ask_replay(target.client, file, options));
        entry.set("replay", std::move(replay));
      }
    }
    workflows.push_back(std::move(entry));
  }
  plan.set("workflows", std::move(workflows));
  return ok_status();
}

// Exit code 0 if apply would change nothing, 2 if it would change something, 1 if it would be
// refused or no hub answers.
int workflow_plan(const DeployOptions& options) {
  auto target = prepare(options);
  if (!target.ok()) return failed(target.error());
  auto plan = target->client.post("/api/v1/workflows/plan", target->body);
  if (!plan.ok()) return failed(plan.error());
  if (options.replay > 0 && (*plan)["errors"].size() == 0) {
    const Status replayed =
        replay_plan(*target, *plan, {.limit = options.replay, .reason = options.reason});
    if (!replayed.ok()) return failed(replayed.error());
  }
  if (options.json) {
    std::printf("%s\n", plan->dump_pretty().c_str());
  } else {
    print_plan(*plan);
  }
  if ((*plan)["errors"].size() != 0) return 1;
  return plan->bool_or("changes", false) ? 2 : 0;
}

int workflow_apply(const DeployOptions& options) {
  auto target = prepare(options);
  if (!target.ok()) return failed(target.error());
  const auto done = target->client.post("/api/v1/workflows/apply", target->body);
  if (!done.ok()) return failed(done.error());
  if (options.json) {
    std::printf("%s\n", done->dump_pretty().c_str());
    return 0;
  }
  for (const Json& entry : (*done)["workflows"].as_array())
    std::printf("%s: %s\n", title(entry).c_str(), entry.string_or("change", "").c_str());
  return 0;
}

int workflow_list(const DeployOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return failed(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return failed(client.error());
  const auto answer = client->get("/api/v1/workflows");
  if (!answer.ok()) return failed(answer.error());
  if (options.json) {
    std::printf("%s\n", answer->dump_pretty().c_str());
    return 0;
  }
  for (const Json& item : (*answer)["items"].as_array()) {
    std::printf("%-40s %-8s %6lld running  %s\n", title(item).c_str(),
                item.bool_or("active", false) ? "active" : "",
                static_cast<long long>(item.int_or("running", 0)),
                item.string_or("deployed", "").c_str());
  }
  return 0;
}

// Prints the deployed file. name: [NAMESPACE/]NAME[@VERSION].
int workflow_export(const std::string& path, const std::string& name) {
  const auto config = config::load_config(path);
  if (!config.ok()) return failed(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return failed(client.error());
  const auto slash = name.find('/');
  const std::string name_space = slash == std::string::npos ? "" : name.substr(0, slash);
  const std::string rest = slash == std::string::npos ? name : name.substr(slash + 1);
  const auto at = rest.find('@');
  std::string query;
  if (!name_space.empty()) query += "&namespace=" + percent_encode(name_space);
  if (at != std::string::npos) query += "&version=" + percent_encode(rest.substr(at + 1));
  if (!query.empty()) query.front() = '?';
  const auto file = client->text("/api/v1/workflows/" + percent_encode(rest.substr(0, at)) + query);
  if (!file.ok()) return failed(file.error());
  std::fwrite(file->data(), 1, file->size(), stdout);
  return 0;
}

// The options that plan, apply and list share.
void add_common_options(args::Command& command, const std::shared_ptr<DeployOptions>& options) {
  add_config_option(command, options->config);
  command
      .add_option_function(
          "--format", [options](const std::string& format) { options->json = format == "json"; },
          "text or json (default: text)")
      ->one_of({"text", "json"});
}

void add_files(args::Command& command, const std::shared_ptr<DeployOptions>& options) {
  add_common_options(command, options);
  command.add_option("files", options->files,
                     "Workflow files (default: those of the configuration)");
  command.add_flag("--prune", options->prune,
                   "Stop active workflows of the files' namespaces that no file defines");
}

}  // namespace

void add_workflow_deploy_commands(args::Command& group, int& code) {
  auto options = std::make_shared<DeployOptions>();
  auto* plan = group.add_subcommand("plan", "Show what apply would change");
  plan->footer(
      "Exit status 0: apply would change nothing, 1: apply would be refused, 2: apply would change "
      "something");
  add_files(*plan, options);
  auto* reason = plan->add_option("--reason", options->reason,
                                  "Reason for the replay; the audit log keeps it sealed");
  plan->add_option("--replay", options->replay,
                   "Number of instances of the last week to replay on each new version, at most "
                   "500 (as rabt workflow replay); the summary is printed")
      ->between(1, 500)
      ->needs(reason);
  plan->callback([options, &code] { code = workflow_plan(*options); });
  auto* apply = group.add_subcommand(
      "apply", "Deploy workflow files to the running hub: either all of them or none");
  add_files(*apply, options);
  apply->callback([options, &code] { code = workflow_apply(*options); });
  auto* list = group.add_subcommand("list", "List the deployed workflows");
  add_common_options(*list, options);
  list->callback([options, &code] { code = workflow_list(*options); });
  auto name = std::make_shared<std::string>();
  auto* export_command =
      group.add_subcommand("export", "Print a workflow file exactly as it was deployed");
  add_config_option(*export_command, options->config);
  export_command->add_option("name", *name, "[NAMESPACE/]NAME[@VERSION]")->required();
  export_command->callback(
      [options, name, &code] { code = workflow_export(options->config, *name); });
}

}  // namespace rabt::cli
