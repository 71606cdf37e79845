#include <cstdio>
#include <memory>
#include <string>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"

// rabt tasks: what waits for a person, through the API of the running hub.
namespace rabt::cli {

namespace {

struct TasksOptions {
  std::string config = kDefaultConfig;
  std::string id;
  std::string state;
  std::string role;
  std::string kind;
  std::string object;
  bool mine = false;
  bool claim = false;
  bool release = false;
  // The answer, as JSON.
  std::string decide;
  std::string reason;
  bool json = false;
};

std::string list_path(const TasksOptions& options) {
  std::string path = "/api/v1/tasks?limit=200";
  for (const auto& [name, value] : {std::pair{"state", &options.state},
                                    {"role", &options.role},
                                    {"kind", &options.kind},
                                    {"object", &options.object}}) {
    if (!value->empty()) path += "&" + std::string(name) + "=" + percent_encode(*value);
  }
  return options.mine ? path + "&mine=true" : path;
}

// An answer of one word is the outcome; everything else is JSON.
Result<Json> answer_of(const std::string& text) {
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos)
    return Json::object({{"outcome", text}});
  auto answer = Json::parse(text);
  if (answer.ok()) return answer;
  return invalid("cli.answer",
                 "--decide must be an outcome, such as go-on, or JSON: " + answer.error().message);
}

Result<Json> asked(const TasksOptions& options) {
  const bool acts = options.claim || options.release || !options.decide.empty();
  if (acts && options.id.empty())
    return invalid("cli.task", "--claim, --release and --decide need the id of a task");
  if (options.claim + options.release + !options.decide.empty() > 1)
    return invalid("cli.task", "give one of --claim, --release and --decide");
  RABT_TRY(config, config::load_config(options.config));
  RABT_TRY(hub, HubClient::of(config));
  const std::string path = "/api/v1/tasks/" + percent_encode(options.id);
  if (options.claim) return hub.post(path + "/claim", Json::object());
  if (options.release) return hub.post(path + "/release", Json::object());
  if (!options.decide.empty()) {
    RABT_TRY(answer, answer_of(options.decide));
    return hub.post(path + "/decide",
                    Json::object({{"answer", std::move(answer)}, {"reason", options.reason}}));
  }
  if (!options.id.empty()) return hub.get(path, options.reason);
  return hub.list(list_path(options));
}

void print_line(const Json& task) {
  std::string about = task["object"].string_or("type", "");
  about += ":" + task["object"].string_or("id", "");
  if (const Json& call = task["call"]; call.is_object())
    about += "  " + call.string_or("role", "") + "/" + call.string_or("action", "");
  std::printf("%s  %-8s %-9s %-24s opened %s  due %-24s %s%s\n", task.string_or("id", "").c_str(),
              task.string_or("state", "").c_str(),
              task.string_or("role", task.string_or("assignee", "")).c_str(),
              task.string_or("title", "").c_str(), task.string_or("opened", "").c_str(),
              task.string_or("due", "-").c_str(), about.c_str(),
              task.bool_or("overdue", false) ? "  overdue" : "");
}

int run_tasks(const TasksOptions& options) {
  const auto answer = asked(options);
  if (!answer.ok()) return complain(answer.error());
  const Json* const items = answer->find("items");
  if (options.json || items == nullptr) {
    std::printf("%s\n", answer->dump_pretty().c_str());
    return 0;
  }
  for (const Json& item : items->as_array()) print_line(item);
  if (answer->find("next") != nullptr)
    std::fprintf(stderr, "the newest 200 are shown; filter by --role, --kind or --object\n");
  return 0;
}

}  // namespace

void add_tasks_command(args::Command& program, int& code) {
  auto options = std::make_shared<TasksOptions>();
  auto* command = program.add_subcommand(
      "tasks", "List tasks that wait for a person, show one of them, and decide it");
  add_config_option(*command, options->config);
  command->add_option("id", options->id, "Id of the task to show");
  command
      ->add_option("--state", options->state,
                   "List only tasks in this state: open, claimed, done or cancelled; without it, "
                   "those that wait")
      ->one_of({"open", "claimed", "done", "cancelled"});
  command->add_option("--role", options->role, "List only tasks for this role, such as desk");
  command->add_option("--kind", options->kind,
                      "List only tasks of this kind; parked: calls that wait for a decision");
  command->add_option("--object", options->object,
                      "List only tasks about this session or instance, by its id");
  command->add_flag("--mine", options->mine, "List only tasks that you have claimed");
  command->add_flag("--claim", options->claim, "Take that task, so that nobody else does it");
  command->add_flag("--release", options->release, "Give that task back");
  command->add_option("--decide", options->decide,
                      "Answer that task: an outcome, such as self-pay, or JSON that fits its form");
  command->add_option(
      "--reason", options->reason,
      "Reason for the decision, or for reading a task of another role; the audit log keeps it");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &code] { code = run_tasks(*options); });
}

}  // namespace rabt::cli
