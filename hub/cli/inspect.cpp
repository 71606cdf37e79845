#include <algorithm>
#include <cstdio>

#include "hub/cli/commands.hpp"
#include "hub/cli/complain.hpp"
#include "hub/cli/config.hpp"
#include "hub/cli/hub.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/workflow/definition.hpp"

// Commands that look and do not run: config check, instances, plugin list.
namespace rabt::cli {

int check_config(const std::string& path) {
  const auto config = load_config(path);
  if (!config.ok()) return complain(config.error());
  bool good = true;
  const auto check = [&](const std::string& what, const SecretSource& source) {
    const auto secret = read_secret(source);
    if (secret.ok()) return;
    std::fprintf(stderr, "%s: %s\n", what.c_str(), secret.error().message.c_str());
    good = false;
  };
  for (const auto& [id, plugin] : config->plugin) {
    for (const auto& [name, source] : plugin.secrets)
      check("plugin " + id + ", secret " + name, source);
    const auto manifest = plugin::read_manifest(config->plugins + "/" + id);
    if (!manifest.ok()) {
      std::fprintf(stderr, "plugin %s: %s\n", id.c_str(), manifest.error().message.c_str());
      good = false;
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
  const auto config = load_config(options.config);
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

int list_plugins(const std::string& path) {
  const auto config = load_config(path);
  if (!config.ok()) return complain(config.error());
  int code = 0;
  for (const auto& [id, entry] : config->plugin) {
    const auto manifest = plugin::read_manifest(config->plugins + "/" + id);
    if (!manifest.ok()) {
      code = complain(manifest.error());
      continue;
    }
    std::printf("%s %s by %s (ABI %d)\n", manifest->id.c_str(), manifest->version.c_str(),
                manifest->vendor.c_str(), manifest->abi_major);
    for (const auto& [role, target] : config->roles) {
      if (target == "plugin://" + id) std::printf("  serves the role %s\n", role.c_str());
    }
    for (const auto& action : manifest->actions) {
      std::printf("  %s %s (safe to repeat: %s)\n", action.name.c_str(), action.version.c_str(),
                  action.idempotency.c_str());
    }
    for (const std::string& host : manifest->hosts) std::printf("  may reach %s\n", host.c_str());
    for (const std::string& host : entry.hosts) std::printf("  may reach %s\n", host.c_str());
  }
  return code;
}

}  // namespace rabt::cli
