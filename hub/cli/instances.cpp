#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
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
  // What that action gave, as JSON.
  std::string output;
  bool cancel = false;
  bool retry = false;
  bool restart = false;
  // How many calls of the instance that is started again stand in other systems.
  std::int64_t effects = -1;
  // Of the workflow that is started, or that an instance is started again with.
  std::string version;
  // The workflow to start; with `start` only.
  std::string workflow;
  std::string name_space;
  // A file with the input as JSON, or - for standard input.
  std::string input;
  // Only instances that are in this state.
  std::string status;
};

int resolve_instance(HubClient& client, const InstancesOptions& options) {
  Json body = Json::object({{"outcome", options.resolve}, {"reason", options.reason}});
  if (!options.output.empty()) {
    auto output = Json::parse(options.output);
    if (!output.ok())
      return complain(invalid("cli.output", "--output must be JSON: " + output.error().message));
    body.set("output", std::move(*output));
  }
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
  const auto answer = client.post("/api/v1/instances/" + options.id + "/" + act,
                                  Json::object({{"reason", options.reason}}));
  if (!answer.ok()) return complain(answer.error());
  std::printf("%s\n", said);
  return 0;
}

int start_instance(const InstancesOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  Json body = Json::object({{"workflow", options.workflow}, {"reason", options.reason}});
  if (!options.name_space.empty()) body.set("namespace", options.name_space);
  if (!options.version.empty()) body.set("version", options.version);
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
  if (options.cancel) return ask_instance(*client, options, "cancel", "cancelled");
  if (options.retry) return ask_instance(*client, options, "retry", "retried");
  if (options.restart) return restart_instance(*client, options);
  // An identifier is sent in a body, never in an address.
  std::string patient = options.patient;
  if (const Status read = read_patient(patient); !read.ok()) return complain(read.error());
  std::string path = "/api/v1/instances";
  Json search = Json::object({{"patient", patient}});
  if (!id.empty()) path += "/" + id + (events ? "/events" : "");
  if (!options.status.empty()) {
    if (!id.empty())
      return complain(invalid("cli.instance", "give the id of an instance or --status, not both"));
    path += "?status=" + options.status;
    search.set("status", options.status);
  }
  const auto answer = patient.empty()
                          ? client->get(path, options.reason)
                          : client->post("/api/v1/instances/search", search, options.reason);
  if (!answer.ok()) return complain(answer.error());
  if (events) {
    for (const Json& event : (*answer)["items"].as_array())
      std::printf("%s\n", event.dump().c_str());
    return 0;
  }
  if (!id.empty()) {
    std::printf("%s\n", answer->dump_pretty().c_str());
    return 0;
  }
  for (const Json& one : (*answer)["items"].as_array()) {
    std::printf("%s  %-10s %s %s  %s  %s  %s\n", one.string_or("id", "").c_str(),
                one.string_or("status", "").c_str(), one.string_or("workflow", "").c_str(),
                one.string_or("version", "").c_str(), one.string_or("created", "").c_str(),
                one.string_or("updated", "").c_str(), one.string_or("held", "").c_str());
  }
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
  command
      ->add_option("--status", options->status,
                   "List only instances in this state: running, waiting, parked, completed, "
                   "faulted or cancelled")
      ->one_of({"running", "waiting", "parked", "completed", "faulted", "cancelled"});
  command->add_option("--reason", options->reason,
                      "Why this person is looked for, or why it is decided, cancelled or retried; "
                      "the audit log keeps the reason");
  command
      ->add_option(
          "--resolve", options->resolve,
          "Decide on the parked action of that instance: again, done, transient or permanent")
      ->one_of({"again", "done", "transient", "permanent"});
  command->add_flag("--cancel", options->cancel,
                    "Stop that instance; what it has done is undone where the workflow says how");
  command->add_flag("--retry", options->retry,
                    "Have that faulted instance go on from before the call that failed");
  command->add_flag("--restart", options->restart,
                    "Start that instance, which has ended, again from its beginning under new "
                    "keys; without --effects this prints the calls that were made already");
  command->add_option("--effects", options->effects,
                      "How many of those calls stand, as it is printed without this option");
  command->add_option("--version", options->version,
                      "The version to start again with; without it the active one");
  command->add_option("--output", options->output, "What the parked action gave, as JSON");
  auto* start = command->add_subcommand("start", "Start an instance of a deployed workflow");
  start->add_option("workflow", options->workflow, "Name of the workflow")->required();
  start->add_option("--namespace", options->name_space,
                    "Where several have a workflow of the name");
  start->add_option("--version", options->version, "Without it the active one");
  start->add_option("--input", options->input,
                    "A file with the input of the workflow as JSON, or - for standard input");
  start
      ->add_option("--reason", options->reason, "Why it is started; the audit log keeps the reason")
      ->required();
  add_config_option(*start, options->config);
  command->callback([options, &code] {
    code = options->workflow.empty() ? list_instances(*options) : start_instance(*options);
  });
}

}  // namespace rabt::cli
