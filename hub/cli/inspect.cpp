#include <algorithm>
#include <cstdio>

#include "hub/assembly/hub.hpp"
#include "hub/assembly/plugin_loading.hpp"
#include "hub/assembly/plugins.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/workflow/definition.hpp"

// Commands that look and do not run: config check, instances.
namespace rabt::cli {

int check_config(const std::string& path, bool dev) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  bool good = true;
  const auto check = [&](const std::string& what, const config::SecretSource& source) {
    const auto secret = config::read_secret(source);
    if (secret.ok()) return;
    std::fprintf(stderr, "%s: %s\n", what.c_str(), secret.error().message.c_str());
    good = false;
  };
  for (const auto& [id, plugin] : config->plugin) {
    for (const auto& [name, source] : plugin.secrets)
      check("plugin " + id + ", secret " + name, source);
  }
  const auto wrong = [&](const std::string& id, const Error& fault) {
    std::fprintf(stderr, "plugin %s: %s\n", id.c_str(), fault.message.c_str());
    good = false;
  };
  for (const auto& [id, plugin] : config->plugin) {
    if (const Status recording = assembly::check_record(id, plugin, dev); !recording.ok())
      wrong(id, recording.error());
    const auto chosen = assembly::choose_packages(
        *config, id, dev ? assembly::Unsigned::take : assembly::Unsigned::refuse);
    if (!chosen.ok()) wrong(id, chosen.error());
    for (const assembly::ChosenPackage& one :
         chosen.ok() ? *chosen : std::vector<assembly::ChosenPackage>()) {
      if (one.fault) wrong(id, *one.fault);
    }
  }
  for (const auto& [name, source] : config->workflow_secrets)
    check("workflow secret " + name, source);
  for (const auto& source : config->sources) {
    for (const auto& secret : source.secrets) check("source " + source.name, secret);
  }
  if (good) std::printf("%s is good\n", path.c_str());
  return good ? 0 : 2;
}

int list_instances(const InstancesOptions& options) {
  const std::string& id = options.id;
  const bool events = options.events;
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  if (events && id.empty()) return complain(invalid("cli.instance", "name an instance"));
  if (!options.patient.empty() && !id.empty())
    return complain(invalid("cli.instance", "name an instance or a patient, not both"));
  // An identifier is sent in a body, never in an address.
  std::string patient = options.patient;
  if (const Status read = read_patient(patient); !read.ok()) return complain(read.error());
  const auto answer =
      patient.empty() ? client->get("/api/v1/instances" + (id.empty() ? std::string() : "/" + id) +
                                        (events ? "/events" : ""),
                                    options.reason)
                      : client->post("/api/v1/instances/search",
                                     Json::object({{"patient", patient}}), options.reason);
  if (!answer.ok()) return complain(answer.error());
  if (events) {
    for (const Json& event : (*answer)["events"].as_array())
      std::printf("%s\n", event.dump().c_str());
    return 0;
  }
  if (!id.empty()) {
    std::printf("%s\n", answer->dump_pretty().c_str());
    return 0;
  }
  for (const Json& one : (*answer)["instances"].as_array()) {
    std::printf("%s  %-10s %s %s  %s\n", one.string_or("id", "").c_str(),
                one.string_or("status", "").c_str(), one.string_or("workflow", "").c_str(),
                one.string_or("version", "").c_str(), one.string_or("updated", "").c_str());
  }
  return 0;
}

}  // namespace rabt::cli
