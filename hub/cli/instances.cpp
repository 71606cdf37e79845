#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/answer_form.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"

// rabt instances: asks the running hub.
namespace rabt::cli {

namespace {

struct InstancesOptions {
  std::string config = kDefaultConfig;
  std::string id;
  // The lifecycle events of the instance `id`, one on each line.
  bool events = false;
  // KIND:VALUE, or - for the first line of standard input.
  std::string patient;
  std::string reason;
  // again, done, transient or permanent: what became of the action that waits for a decision.
  std::string resolve;
  // Output of that action: as JSON, or a file that holds it.
  std::string output;
  std::string output_file;
  // The form of that output.
  bool form = false;
  bool cancel = false;
  bool retry = false;
  bool restart = false;
  // Number of calls of the restarted instance whose effects stand in other systems.
  std::int64_t effects = -1;
  // The version of the workflow to start.
  std::string with_version;
  // The workflow to start; with `start` only.
  std::string start;
  std::string name_space;
  // A file with the input as JSON, or - for standard input.
  std::string input;
  // Filters: only instances of these states (with commas), this workflow, version (also that of a
  // restart or retry) and code, that changed from `since` on and before `until`.
  std::string status;
  std::string workflow;
  std::string version;
  std::string code;
  std::string since;
  std::string until;
  // Counts instead of a list.
  bool counts = false;
  // The calls that have no answer yet instead of the instances.
  bool calls = false;
  // The whole timeline of the instance `id`.
  bool all = false;
  bool json = false;
};

// The filters as a query, which begins with `?` when there is one.
std::string query_of(const InstancesOptions& options) {
  std::string query;
  for (const auto& [name, value] :
       {std::pair("status", &options.status), std::pair("workflow", &options.workflow),
        std::pair("version", &options.version), std::pair("code", &options.code),
        std::pair("since", &options.since), std::pair("until", &options.until)}) {
    if (value->empty()) continue;
    query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encode(*value);
  }
  return query;
}

// Words of a line of the list beside state and times.
std::string more_of(const Json& item) {
  const Json& error = item["error"];
  const Json& waits = item["waits"];
  if (error.is_object()) {
    const std::string task = error.string_or("task", "");
    return error.string_or("code", "") + (task.empty() ? "" : " in " + task);
  }
  if (!waits.is_object()) return item.string_or("held", "");
  if (const std::string role = waits.string_or("role", ""); !role.empty()) {
    const std::string code = waits.string_or("code", "");
    return role + "/" + waits.string_or("action", "") + " in " + waits.string_or("task", "") +
           (waits.bool_or("letGo", false) ? ", let go" : "") +
           (code.empty() ? "" : " (" + code + ")");
  }
  std::string text;
  const Json::Array none;
  if (const std::string ending = waits.string_or("ending", ""); !ending.empty()) {
    text = "will be " + ending;
    std::string between = " after ";
    const Json& calls = waits["calls"];
    for (const Json& call : calls.is_array() ? calls.as_array() : none) {
      text += between + call.as_string();
      between = ", ";
    }
  }
  const Json& events = waits["events"];
  for (const Json& event : events.is_array() ? events.as_array() : none)
    text += (text.empty() ? "for " : ", ") + event.as_string();
  if (const std::string until = waits.string_or("until", ""); !until.empty())
    text += (text.empty() ? "until " : ", until ") + until;
  return text;
}

int print_counts(HubClient& client, const InstancesOptions& options) {
  if (!options.status.empty() || !options.id.empty() || !options.patient.empty())
    return complain(invalid(
        "cli.counts", "--counts counts each state: leave --status, --patient and the id out"));
  const auto found = client.get("/api/v1/instances/counts" + query_of(options));
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  const auto line = [](const Json& states, const std::string& name) {
    for (const auto& [state, count] : states.as_object())
      std::printf("%8lld  %-10s %s\n", static_cast<long long>(count.as_int64().value_or(0)),
                  state.c_str(), name.c_str());
  };
  std::printf("%8lld  instances\n", static_cast<long long>(found->int_or("total", 0)));
  line((*found)["byStatus"], "");
  for (const Json& node : (*found)["byWorkflow"].as_array())
    line(node["byStatus"], node.string_or("workflow", "") + " " + node.string_or("version", ""));
  for (const Json& item : (*found)["byCode"].as_array()) {
    std::printf("%8lld  %-10s %s, the oldest of %s\n",
                static_cast<long long>(item.int_or("count", 0)),
                item.string_or("status", "").c_str(), item.string_or("code", "").c_str(),
                item.string_or("oldest", "").c_str());
  }
  return 0;
}

// Prints the calls that instances go on with, from every page of the list, a line each.
int print_calls(HubClient& client, InstancesOptions options) {
  if (!options.id.empty() || !options.patient.empty())
    return complain(
        invalid("cli.calls", "--calls lists those of all: leave --patient and the id out"));
  if (options.status.empty()) options.status = "running,parked";
  const auto list = client.list("/api/v1/instances" + query_of(options) + "&calls=true");
  if (!list.ok()) return complain(list.error());
  if (options.json) {
    std::printf("%s\n", list->dump_pretty().c_str());
    return 0;
  }
  for (const Json& item : (*list)["items"].as_array()) {
    const std::string of = item.string_or("id", "") + "  " + item.string_or("workflow", "") + " " +
                           item.string_or("version", "") + "  ";
    const Json& calls = item["calls"];
    if (!calls.is_array()) {
      std::printf("%scalls that cannot be read\n", of.c_str());
      continue;
    }
    for (const Json& call : calls.as_array()) {
      std::printf("%s%s/%s in %s  since %s\n", of.c_str(), call.string_or("role", "").c_str(),
                  call.string_or("action", "").c_str(), call.string_or("task", "").c_str(),
                  call.string_or("since", "").c_str());
    }
  }
  return 0;
}

// Puts the earlier pages of its timeline before the one that the instance came with.
Status add_earlier(HubClient& client, const InstancesOptions& options, Json& instance) {
  std::vector<Json> pages;
  for (std::string path = instance.string_or("earlier", ""); !path.empty();) {
    RABT_TRY(page, client.get(path, options.reason));
    path = page.string_or("earlier", "");
    pages.push_back(page["timeline"]);
  }
  Json all = Json::array();
  for (auto page = pages.rbegin(); page != pages.rend(); ++page) {
    for (const Json& entry : page->as_array()) all.push_back(entry);
  }
  for (const Json& entry : instance["timeline"].as_array()) all.push_back(entry);
  instance.set("timeline", std::move(all));
  instance.mutable_object().erase("earlier");
  return ok_status();
}

int print_instance(HubClient& client, const InstancesOptions& options) {
  auto found = client.get("/api/v1/instances/" + options.id, options.reason);
  if (!found.ok()) return complain(found.error());
  const auto before =
      found->int_or("timelineTotal", 0) - static_cast<std::int64_t>((*found)["timeline"].size());
  if (options.all) {
    if (const Status added = add_earlier(client, options, *found); !added.ok())
      return complain(added.error());
  }
  std::printf("%s\n", found->dump_pretty().c_str());
  if (before > 0 && !options.all)
    std::fprintf(stderr, "%lld entries of the timeline are before these; --all prints them\n",
                 static_cast<long long>(before));
  return 0;
}

// Prints the form of the answer to the parked call, or its schema.
int print_form(HubClient& client, const InstancesOptions& options) {
  if (options.id.empty())
    return complain(invalid("cli.instance", "--form needs the id of an instance"));
  const auto list = client.get("/api/v1/tasks?kind=parked&object=" + percent_encode(options.id));
  if (!list.ok()) return complain(list.error());
  const std::string task = (*list)["items"].item(0).string_or("id", "");
  if (task.empty())
    return complain(
        conflict("engine.not_parked", "no action of this instance waits for a decision"));
  const auto found = client.get("/api/v1/tasks/" + percent_encode(task));
  if (!found.ok()) return complain(found.error());
  const Json& members = (*found)["schema"]["properties"];
  const Json* const output = members.find("output");
  if (output == nullptr)
    return complain(
        invalid("engine.answer", members["outcome"].string_or("description", "it is decided")));
  if (options.json) {
    std::printf("%s\n", output->dump_pretty().c_str());
    return 0;
  }
  const Json& call = (*found)["call"];
  std::printf(
      "# Output of %s/%s in %s. Fill in each line that ends with a colon; take the first # of a\n"
      "# line away to give what may be left out. Then, with this file:\n"
      "#   rabt instances %s --resolve done --output-file FILE --reason '...'\n%s",
      printable(call.string_or("role", "")).c_str(),
      printable(call.string_or("action", "")).c_str(),
      printable(call.string_or("task", "")).c_str(), printable(options.id).c_str(),
      answer_form(*output).c_str());
  return 0;
}

Result<std::optional<Json>> output_of(const InstancesOptions& options) {
  if (options.output.empty() && options.output_file.empty()) return std::optional<Json>();
  if (options.resolve != "done" || (!options.output.empty() && !options.output_file.empty()))
    return invalid("cli.output", "give one of --output and --output-file, with --resolve done");
  if (options.output_file.empty()) {
    auto output = Json::parse(options.output);
    if (output.ok()) return std::optional(std::move(*output));
    return invalid("cli.output", "--output must be JSON: " + output.error().message);
  }
  const std::string& name = options.output_file;
  const auto text = config::read_text(name == "-" ? "/dev/stdin" : name);
  if (!text.ok()) return invalid("cli.output", name + " cannot be read: " + text.error().message);
  RABT_TRY(output, read_answer(name, *text));
  return std::optional(std::move(output));
}

int resolve_instance(HubClient& client, const InstancesOptions& options) {
  Json body = Json::object({{"outcome", options.resolve}, {"reason", options.reason}});
  auto output = output_of(options);
  if (!output.ok()) return complain(output.error());
  if (*output) body.set("output", std::move(**output));
  const auto answer = client.post("/api/v1/instances/" + options.id + "/resolve", body);
  if (!answer.ok()) return complain(answer.error());
  std::printf("resolved\n");
  return 0;
}

// POST /instances/{id}/<act> with the reason; `said` is printed when it was done.
int ask_instance(HubClient& client, const InstancesOptions& options, const std::string& act,
                 const char* said) {
  if (options.id.empty())
    return complain(invalid("cli.instance", "--" + act + " needs the id of an instance"));
  Json body = Json::object({{"reason", options.reason}});
  if (options.retry && !options.version.empty()) body.set("version", options.version);
  const auto answer = client.post("/api/v1/instances/" + options.id + "/" + act, body);
  if (!answer.ok()) return complain(answer.error());
  std::printf("%s\n", said);
  return 0;
}

int start_instance(const InstancesOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  Json body = Json::object({{"workflow", options.start}, {"reason", options.reason}});
  if (!options.name_space.empty()) body.set("namespace", options.name_space);
  if (!options.with_version.empty()) body.set("version", options.with_version);
  if (!options.input.empty()) {
    const auto text = config::read_text(options.input == "-" ? "/dev/stdin" : options.input);
    if (!text.ok())
      return complain(
          invalid("cli.input", options.input + " cannot be read: " + text.error().message));
    auto input = Json::parse(*text);
    if (!input.ok()) {
      return complain(
          invalid("cli.input", options.input + " must hold JSON: " + input.error().message));
    }
    body.set("input", std::move(*input));
  }
  const auto answer = client->post("/api/v1/instances", body);
  if (!answer.ok()) return complain(answer.error());
  std::printf("started %s\n", answer->string_or("id", "").c_str());
  return 0;
}

int restart_instance(HubClient& client, const InstancesOptions& options) {
  if (options.id.empty())
    return complain(invalid("cli.instance", "--restart needs the id of an instance"));
  Json body = Json::object({{"reason", options.reason}});
  if (options.effects >= 0) body.set("effects", options.effects);
  if (!options.version.empty()) body.set("version", options.version);
  const auto answer = client.post("/api/v1/instances/" + options.id + "/restart", body);
  if (!answer.ok()) return complain(answer.error());
  std::printf("started again as %s\n", answer->string_or("id", "").c_str());
  return 0;
}

int list_instances(const InstancesOptions& options) {
  const std::string& id = options.id;
  const bool events = options.events;
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  if (events && id.empty())
    return complain(invalid("cli.instance", "--events needs the id of an instance"));
  if (!options.patient.empty() && !id.empty())
    return complain(invalid("cli.instance", "give the id of an instance or --patient, not both"));
  if (!options.resolve.empty()) {
    if (id.empty())
      return complain(invalid("cli.instance", "--resolve needs the id of an instance"));
    return resolve_instance(*client, options);
  }
  if (options.form) return print_form(*client, options);
  if (options.cancel) return ask_instance(*client, options, "cancel", "cancelled");
  if (options.retry) return ask_instance(*client, options, "retry", "retried");
  if (options.restart) return restart_instance(*client, options);
  if (options.counts) return print_counts(*client, options);
  if (options.calls) return print_calls(*client, options);
  if (options.all && id.empty())
    return complain(invalid("cli.instance", "--all needs the id of an instance"));
  const std::string query = query_of(options);
  if (!id.empty() && !query.empty())
    return complain(
        invalid("cli.instance", "give the id of an instance or filters of the list, not both"));
  if (!id.empty() && !events) return print_instance(*client, options);
  // An identifier is sent in a body, never in an address.
  std::string patient = options.patient;
  if (const Status read = read_patient(patient); !read.ok()) return complain(read.error());
  if (!patient.empty() && query != query_of({.status = options.status}))
    return complain(invalid("cli.patient", "of the filters only --status goes with --patient"));
  Json search = Json::object({{"patient", patient}});
  if (!options.status.empty()) search.set("status", options.status);
  const std::string path = "/api/v1/instances" + (events ? "/" + id + "/events" : query);
  const auto answer = patient.empty()
                          ? client->get(path, options.reason)
                          : client->post("/api/v1/instances/search", search, options.reason);
  if (!answer.ok()) return complain(answer.error());
  if (events) {
    for (const Json& event : (*answer)["items"].as_array())
      std::printf("%s\n", event.dump().c_str());
    return 0;
  }
  if (options.json) {
    std::printf("%s\n", answer->dump_pretty().c_str());
    return 0;
  }
  for (const Json& item : (*answer)["items"].as_array()) {
    std::printf("%s  %-10s %s %s  %s  %s  %s\n", item.string_or("id", "").c_str(),
                item.string_or("status", "").c_str(), item.string_or("workflow", "").c_str(),
                item.string_or("version", "").c_str(), item.string_or("created", "").c_str(),
                item.string_or("updated", "").c_str(), more_of(item).c_str());
  }
  if (answer->find("next") != nullptr || answer->find("cursor") != nullptr)
    std::fprintf(stderr, "the newest %zu are shown; filter by --status, --workflow or --until\n",
                 (*answer)["items"].as_array().size());
  return 0;
}

}  // namespace

void add_instances_command(args::Command& program, int& code) {
  auto options = std::make_shared<InstancesOptions>();
  auto* command = program.add_subcommand(
      "instances", "List the instances of a running hub, or show one of them with its timeline");
  add_config_option(*command, options->config);
  command->add_option("id", options->id, "Id of the instance to show");
  command->add_flag("--events", options->events, "Print the lifecycle events of that instance");
  command->add_option("--patient", options->patient,
                      "List only the instances of one person: KIND:VALUE, or - to read this from "
                      "standard input; KIND is identifier, mrn, phone or email");
  command->add_option("--status", options->status,
                      "List only instances in one of these states, with commas: running, waiting, "
                      "parked, completed, faulted or cancelled");
  command->add_option("--workflow", options->workflow, "List only instances of this workflow");
  command->add_option("--version", options->version,
                      "List only instances of this version; with --restart: start again with it; "
                      "with --retry: go on with it, newest is the active one");
  command->add_option("--code", options->code,
                      "List only instances with this code: the error of a faulted instance, or "
                      "role/action of a parked one");
  command
      ->add_option("--since", options->since,
                   "List only instances that changed at this time or later (RFC 3339, or 2h or "
                   "7d back from now)")
      ->moment();
  command
      ->add_option("--until", options->until,
                   "List only instances that changed before this time (as --since)")
      ->moment();
  command->add_flag("--counts", options->counts,
                    "Count the instances by state, workflow and code instead of listing them");
  command->add_flag("--calls", options->calls,
                    "List the calls without an answer instead of the instances: a hub that was "
                    "started with --hold sends them once it starts without --hold");
  command->add_flag("--all", options->all, "Print the whole timeline of the instance");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option(
      "--reason", options->reason,
      "Reason for searching this patient, or for changing the instance; the audit log "
      "keeps it");
  command
      ->add_option("--resolve", options->resolve,
                   "Settle the parked action of the instance: again, done, transient or permanent")
      ->one_of({"again", "done", "transient", "permanent"});
  command->add_flag("--cancel", options->cancel,
                    "Stop the instance and undo its actions where the workflow defines how");
  command->add_flag("--retry", options->retry,
                    "Resume the faulted instance at the call that failed, on its own version of "
                    "the workflow or on that of --version");
  command->add_flag("--restart", options->restart,
                    "Run an ended instance again from its beginning under new keys; without "
                    "--effects, only print the calls that it has made already");
  command->add_option("--effects", options->effects,
                      "Number of calls already made, as --restart prints it without this option");
  command->add_option("--output", options->output,
                      "With --resolve done: output of the parked action, as JSON");
  command->add_option("--output-file", options->output_file,
                      "With --resolve done: file with that output, as --form prints it or in JSON; "
                      "- is standard input");
  command->add_flag("--form", options->form,
                    "Print a form of that output in YAML, to be filled in for --output-file; with "
                    "--json: its JSON Schema");
  auto* start = command->add_subcommand("start", "Start an instance of a deployed workflow");
  start->add_option("workflow", options->start, "Name of the workflow")->required();
  start->add_option("--namespace", options->name_space,
                    "Namespace, if several have a workflow of this name");
  start->add_option("--version", options->with_version, "Version (default: the active one)");
  start->add_option("--input", options->input,
                    "File with the input of the workflow in JSON; - is standard input");
  start->add_option("--reason", options->reason, "Reason for the start; the audit log keeps it")
      ->required();
  add_config_option(*start, options->config);
  command->callback([options, &code] {
    code = options->start.empty() ? list_instances(*options) : start_instance(*options);
  });
}

}  // namespace rabt::cli
