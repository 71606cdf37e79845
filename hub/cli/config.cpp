#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/args/args.hpp"
#include "hub/assembly/config_check.hpp"
#include "hub/assembly/tenants.hpp"
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

// Prints mistakes, one a line.
bool said(const std::vector<std::string>& mistakes) {
  for (const std::string& mistake : mistakes) std::fprintf(stderr, "%s\n", mistake.c_str());
  return !mistakes.empty();
}

// Prints all mistakes that would keep a hub from starting with this configuration. `dev`: for `rabt
// serve --dev`. `deaf`: the listeners are wrong, and that mistake is printed already.
int check_one(const Result<config::Config>& config, bool dev, bool deaf) {
  if (!config.ok()) return complain(config.error());
  const auto unsigned_ones = dev ? assembly::Unsigned::take : assembly::Unsigned::refuse;
  const bool wrong = said(assembly::mistakes_of(*config, SystemClock(), unsigned_ones));
  if (wrong || deaf) return 2;
  std::printf("%s is good\n", config->file.c_str());
  return 0;
}

// The same for one tenant, or for all that the configuration names, and where they listen.
int check_config(const std::string& path, bool dev) {
  const SystemClock clock;
  const auto several = config::load_tenants(path);
  if (!several.ok()) return complain(several.error());
  if (!*several) {
    const auto config = config::load_config(path);
    const bool deaf = config.ok() && said(assembly::mistakes_of(config->server, {}, clock));
    return check_one(config, dev, deaf);
  }
  const auto named = assembly::certificates_of(**several);
  const bool deaf = said(assembly::mistakes_of((*several)->server, named, clock));
  int code = deaf ? 2 : 0;
  std::vector<config::Config> before;
  for (const config::TenantEntry& entry : (*several)->entries) {
    auto config = config::load_tenant(**several, entry);
    code = std::max(code, check_one(config, dev, deaf));
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
  for (const std::string& setting : imported->missing) {
    std::fprintf(
        stderr,
        "missing %s: no variable has it, and the plugin does not start without it; add it\n",
        setting.c_str());
  }
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
      "check", "Report all mistakes that would keep a hub from starting with a configuration");
  add_config_option(*check, options->config);
  check->add_flag("--dev", options->dev, "Check the configuration for `rabt serve --dev`");
  check->callback([options, &code] { code = check_config(options->config, options->dev); });

  auto import = std::make_shared<Import>();
  auto* from = group->add_subcommand(
      "import", "Write a rabt.yaml with the settings of another system's .env file");
  from->add_option("--from", import->system, "Name of the other system")
      ->required()
      ->one_of({"kiorex", "emr", "pulseone", "clinicvault", "brainsait"});
  from->add_option("file", import->file, "The .env file of the other system")->required();
  from->add_option("--tenant", import->tenant, "Name of the facility; it cannot be changed later");
  from->add_option("--public-url", import->public_url,
                   "Address of the hub from outside, such as https://hub.example.sa");
  from->callback([import, &code] { code = import_settings(*import); });
}

std::string default_config() {
  const char* chosen = std::getenv("RABT_CONFIG");  // NOLINT(concurrency-mt-unsafe): one thread
  return chosen != nullptr && *chosen != '\0' ? chosen : kDefaultConfig;
}

void add_config_option(args::Command& command, std::string& config, std::string* common) {
  if (config == kDefaultConfig) config = default_config();
  command.add_option("-c,--config", config, "Configuration file")->capture_default_str();
  const auto tenant = std::make_shared<std::string>();
  command.add_option("--tenant", *tenant, "Tenant, if the configuration names several");
  command.parse_complete_callback([tenant, &config, common] {
    if (tenant->empty()) return;
    auto found = config::file_of(config, *tenant);
    if (!found.ok()) args::leave(complain(found.error()));
    if (common != nullptr) *common = config;
    config = *std::move(found);
  });
}

}  // namespace rabt::cli
