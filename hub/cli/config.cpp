#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/args/args.hpp"
#include "hub/assembly/plugin_loading.hpp"
#include "hub/assembly/plugins.hpp"
#include "hub/base/check.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/config_import.hpp"
#include "hub/config/config.hpp"
#include "hub/config/tenants.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::embedded {
extern const std::string_view packaged_config;
}  // namespace rabt::embedded

// rabt config
namespace rabt::cli {

namespace {

// Prints everything that would keep a hub from starting with this configuration. dev: as `rabt
// serve --dev` would start it.
int check_one(const Result<config::Config>& config, bool dev) {
  if (!config.ok()) return complain(config.error());
  bool good = true;
  const auto check = [&](const std::string& what, const config::SecretSource& source) {
    const auto secret = config::read_secret(source);
    if (secret.ok()) return true;
    std::fprintf(stderr, "%s: %s\n", what.c_str(), secret.error().message.c_str());
    good = false;
    return false;
  };
  std::set<std::string> unread;  // plugins with a secret that cannot be read
  for (const auto& [id, plugin] : config->plugin) {
    for (const auto& [name, source] : plugin.secrets) {
      if (!check("plugin " + id + ", secret " + name, source)) unread.insert(id);
    }
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
    if (!chosen.ok() || unread.contains(id)) continue;
    const Status settings = assembly::check_settings(*config, id, *chosen);
    if (!settings.ok()) wrong(id, settings.error());
  }
  for (const auto& [name, source] : config->workflow_secrets)
    (void)check("workflow secret " + name, source);
  for (const auto& source : config->sources) {
    for (const auto& secret : source.secrets) (void)check("source " + source.name, secret);
  }
  for (const auto& webhook : config->webhooks) {
    for (const auto& secret : webhook.secrets) (void)check("webhook " + webhook.name, secret);
  }
  if (config->bus) (void)check("bus.password", config->bus->password);
  if (good) std::printf("%s is good\n", config->file.c_str());
  return good ? 0 : 2;
}

// The same for one tenant, or for all that the configuration names.
int check_config(const std::string& path, bool dev) {
  const auto several = config::load_tenants(path);
  if (!several.ok()) return complain(several.error());
  if (!*several) return check_one(config::load_config(path), dev);
  int code = 0;
  std::vector<config::Config> before;
  for (const config::TenantEntry& entry : (*several)->entries) {
    auto config = config::load_tenant(**several, entry);
    code = std::max(code, check_one(config, dev));
    if (!config.ok()) continue;
    for (const config::Config& other : before) {
      const Status own = config::apart(*config, other);
      if (!own.ok()) code = std::max(code, complain(own.error()));
    }
    before.push_back(*std::move(config));
  }
  return code;
}

struct Import {
  std::string system;
  std::string file;
  std::string tenant;
  std::string public_url;
};

// Prints the rabt.yaml that the settings of another system come to; on standard error, what was
// left out and why.
int import_settings(const Import& import) {
  const auto text = config::read_text(import.file);
  if (!text.ok()) return complain(invalid("config.io", import.file + ": " + text.error().message));
  const workflow::YamlOutcome packaged = workflow::parse_yaml(embedded::packaged_config);
  RABT_CHECK(packaged.root != nullptr);
  Json base = workflow::to_json(*packaged.root);
  if (!import.tenant.empty()) base.set("tenant", import.tenant);
  if (!import.public_url.empty()) {
    Json server = base["server"];
    server.set("public_url", import.public_url);
    base.set("server", std::move(server));
  }
  const auto imported = import_config(import.system, read_env(*text), std::move(base));
  if (!imported.ok()) return complain(imported.error());
  std::fputs(to_yaml(imported->config).c_str(), stdout);
  for (const auto& [name, why] : imported->ignored)
    std::fprintf(stderr, "ignored %s: %s\n", printable(name).c_str(), why.c_str());
  return 0;
}

}  // namespace

void add_config_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand(
      "config", "Check a configuration, or take over that of another system");
  group->require_subcommand();
  struct Options {
    std::string config = kDefaultConfig;
    bool dev = false;
  };
  auto options = std::make_shared<Options>();
  auto* check = group->add_subcommand(
      "check", "Report everything that would keep a hub from starting with a configuration");
  add_config_option(*check, options->config);
  check->add_flag("--dev", options->dev, "Check the configuration for `rabt serve --dev`");
  check->callback([options, &code] { code = check_config(options->config, options->dev); });

  auto import = std::make_shared<Import>();
  auto* from = group->add_subcommand(
      "import", "Write a rabt.yaml with the settings of another system's .env file");
  from->add_option("--from", import->system, "The other system")
      ->required()
      ->one_of({"kiorex", "emr", "pulseone", "clinicvault", "brainsait"});
  from->add_option("file", import->file, "Its .env file")->required();
  from->add_option("--tenant", import->tenant, "Name of the facility; it cannot be changed later");
  from->add_option("--public-url", import->public_url,
                   "How the world reaches the hub, such as https://hub.example.sa");
  from->callback([import, &code] { code = import_settings(*import); });
}

void add_config_option(args::Command& command, std::string& config) {
  command.add_option("-c,--config", config, "Configuration file")->capture_default_str();
  const auto tenant = std::make_shared<std::string>();
  command.add_option("--tenant", *tenant, "Which tenant, where the configuration names several");
  command.parse_complete_callback([tenant, &config] {
    if (tenant->empty()) return;
    auto found = config::file_of(config, *tenant);
    if (!found.ok()) args::leave(complain(found.error()));
    config = *std::move(found);
  });
}

}  // namespace rabt::cli
