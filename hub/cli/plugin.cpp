#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hub/args/args.hpp"
#include "hub/assembly/plugins.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/ask.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/cli/plugin_record.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/minisign.hpp"
#include "hub/plugin/package/plugin_store.hpp"

// rabt plugin: list, add, remove and verify work on the store of plugins; upgrade and release ask
// the running hub.
namespace rabt::cli {

namespace {

namespace minisign = crypto::minisign;
using plugin::LockEntry;
using plugin::PluginStore;
using plugin::TrustedKey;
using plugin::TrustedPackage;

std::string word(const Json& value) {
  return printable(value.is_string() ? value.as_string() : value.dump());
}

// An entry of the allow-list in words.
std::string host_text(const std::string& host) {
  constexpr std::string_view kOpen = "${config:";
  if (!host.starts_with(kOpen) || !host.ends_with('}')) return printable(host);
  return "the host of the URL that you configure at " +
         printable(host.substr(kOpen.size(), host.size() - kOpen.size() - 1));
}

// Gives the number of lines it printed.
std::size_t print_places(const std::string& what, const Json& places) {
  const auto line = [&what](const std::string& text) {
    std::printf("  %-40s %s\n", printable(what).c_str(), printable(text).c_str());
  };
  if (places.is_null()) {
    line("not described: may be anything");
    return 1;
  }
  for (const Json& place : places.as_array())
    line(place.as_string() == "/" ? "all of it" : place.as_string());
  return places.size();
}

void print_package(const TrustedPackage& package, const Json& facts) {
  std::printf("%s %s by %s", word(facts["id"]).c_str(), word(facts["version"]).c_str(),
              word(facts["vendor"]).c_str());
  if (!word(facts["license"]).empty()) std::printf(", %s", word(facts["license"]).c_str());
  std::printf("\nsigned by the key %s (%s)\n", package.key_id.c_str(),
              printable(package.key_name).c_str());
  std::printf("\nIt may\n");
  for (const Json& host : facts["hosts"].as_array())
    std::printf("  reach         %s\n", host_text(host.as_string()).c_str());
  if (facts["hosts"].size() == 0) std::printf("  reach         no host of its own accord\n");
  if (facts["patientHosts"] != facts["hosts"]) {
    for (const Json& host : facts["patientHosts"].as_array())
      std::printf("  send          patient data only to %s\n", host_text(host.as_string()).c_str());
    if (facts["patientHosts"].size() == 0) std::printf("  send          patient data to no host\n");
  }
  for (const Json& secret : facts["secrets"].as_array()) {
    std::printf(
        "  use a secret  %s%s%s\n", word(secret["name"]).c_str(),
        secret.bool_or("required", false) ? " (required)" : "",
        secret.find("description") == nullptr ? "" : (": " + word(secret["description"])).c_str());
  }
  if (facts.bool_or("secretsRaw", false))
    std::printf("  READ ITS SECRETS: it gets their values, not only their names\n");
  std::printf("  keep          up to %s bytes in the hub's sealed key-value store\n",
              facts["kvBytes"].number_text().c_str());
  if (facts.bool_or("blob", false))
    std::printf("  read, write   blobs: recordings and other large files, sealed by the hub\n");
  std::printf("  run           %s\n",
              facts.string_or("isolation", "") == "process"
                  ? "in a process of its own only"
                  : "in a process of its own, or inside the hub if you configure that");
  std::printf("\nPatient data that it sees (x-phi in its schemas)\n");
  const Json& phi = facts["patientData"];
  std::size_t lines = print_places("configuration", phi["config"]);
  for (const Json& action : phi["actions"].as_array()) {
    const std::string name = action.string_or("name", "") + " " + action.string_or("version", "");
    lines += print_places(name + " gets", action["input"]);
    lines += print_places(name + " gives", action["output"]);
  }
  for (const Json& event : phi["events"].as_array())
    lines += print_places("event " + event.string_or("type", ""), event["data"]);
  if (lines == 0) std::printf("  none is marked\n");
}

Json report(const TrustedPackage& package) {
  Json out = plugin::describe(package.package);
  out.set("key", package.key_id);
  out.set("keyName", package.key_name);
  out.set("sums", package.sums_sha256);
  return out;
}

// Error plugin.in_use when a running hub takes calls with this version of the plugin, or with any
// version if `version` is empty. Ok when no hub answers: its next start checks what its instances
// need.
Status check_unused(const config::Config& config, const std::string& id,
                    const std::string& version) {
  auto client = HubClient::of(config);
  if (!client.ok()) return ok_status();
  const auto health = client->get("/health");
  if (!health.ok())
    return health.error().code == "net.no_answer" ? ok_status() : Status(health.error());
  const Json& plugins = (*health)["plugins"];
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    const Json& item = plugins.item(i);
    const std::string loaded = item.string_or("version", "");
    const std::string serves = item.string_or("serves", "");
    if (item.string_or("id", "") != id || (!version.empty() && loaded != version) ||
        serves == "open calls")
      continue;
    return conflict("plugin.in_use",
                    id + " " + loaded + " serves in the hub that runs" +
                        (serves.empty() ? ": it is its newest version"
                                        : ": instances that run began with its contracts, and it "
                                          "is retired when the last of them has ended") +
                        "; without it the hub may not start again. Remove it all the same with "
                        "--force");
  }
  return ok_status();
}

struct AddOptions {
  std::string config = kDefaultConfig;
  // A folder or a .zip.
  std::string path;
  bool yes = false;
  bool allow_downgrade = false;
  bool allow_other_key = false;
};

// Says what the package may do and which patient data it sees, asks, and adds it.
int plugin_add(const AddOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  auto files = plugin::PackageFiles::read(options.path);
  if (!files.ok()) return complain(files.error());
  std::vector<TrustedKey> keys;
  {
    const auto store = PluginStore::open(config->plugins, PluginStore::Use::read);
    if (!store.ok()) return complain(store.error());
    keys = store->keys();
  }
  const auto package = plugin::verify_package(std::move(*files), keys);
  if (!package.ok()) return complain(package.error());
  const plugin::Manifest& manifest = package->package.manifest;
  print_package(*package, plugin::describe(package->package));
  std::printf("\n");
  std::fflush(stdout);
  if (!options.yes) {
    const auto answer = ask("Add it? Type yes: ", false);
    if (!answer.ok() || *answer != "yes") {
      std::fprintf(stderr, "nothing was added\n");
      return 1;
    }
  }
  bool added = false;
  {
    auto store = PluginStore::open(config->plugins, PluginStore::Use::change);
    if (!store.ok()) return complain(store.error());
    const auto done = store->add(*package, {.allow_downgrade = options.allow_downgrade,
                                            .allow_other_key = options.allow_other_key,
                                            .at = now_text(),
                                            .by = user_name()});
    if (!done.ok()) return complain(done.error());
    added = *done;
  }
  if (!added) {
    std::printf("%s %s was there already.\n", manifest.id.c_str(), manifest.version.c_str());
    return 0;
  }
  std::printf(
      "Added %s %s. The hub loads it when it starts next, or with `rabt plugin upgrade %s`.\n",
      manifest.id.c_str(), manifest.version.c_str(), manifest.id.c_str());
  if (!config->plugin.contains(manifest.id)) {
    std::printf(
        "The configuration does not name it yet: add it under `plugin:` and bind a role.\n");
  }
  return record_plugin_act(*config, "plugin.added", "plugin:" + manifest.id,
                           Json::object({{"version", manifest.version},
                                         {"sums", package->sums_sha256},
                                         {"key", package->key_id}}));
}

// Lists the packages in the store, verified, and those that only the configuration names. Exit code
// 1 if one of these packages would not load.
int plugin_list(const std::string& path, bool json) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  const auto store = PluginStore::open(config->plugins, PluginStore::Use::read);
  if (!store.ok()) return complain(store.error());
  int code = 0;
  Json list = Json::array();
  const auto show = [&](const plugin::Package& package, const std::string& signed_by) {
    const plugin::Manifest& manifest = package.manifest;
    std::printf("%s %s by %s (ABI %d), %s\n", manifest.id.c_str(), manifest.version.c_str(),
                printable(manifest.vendor).c_str(), manifest.abi_major, signed_by.c_str());
    std::vector<std::string> entries;
    for (const auto& [id, entry] : config->plugin) {
      if (assembly::package_of(*config, id) == manifest.id) entries.push_back(id);
    }
    if (entries.empty()) std::printf("  is not in the configuration\n");
    for (const std::string& id : entries) {
      if (id != manifest.id) std::printf("  is configured as %s\n", id.c_str());
      for (const auto& [role, target] : config->roles) {
        if (target == plugin_address(id)) std::printf("  serves the role %s\n", role.c_str());
      }
    }
    for (const auto& action : manifest.actions) {
      std::printf("  %s %s (safe to repeat: %s)\n", action.name.c_str(), action.version.c_str(),
                  action.idempotency.c_str());
    }
    for (const std::string& host : manifest.hosts)
      std::printf("  may reach %s\n", printable(host).c_str());
    for (const std::string& id : entries) {
      for (const std::string& host : config->plugin.at(id).hosts)
        std::printf("  may reach %s\n", host.c_str());
    }
  };
  for (const LockEntry& entry : store->entries()) {
    const auto package = store->load(entry);
    Json node = to_json(entry);
    node.set("state", package.ok() ? "verified" : package.error().code);
    list.push_back(std::move(node));
    if (json) {
      if (!package.ok()) code = 1;
    } else if (package.ok()) {
      show(package->package,
           "signed by " + package->key_id + " (" + printable(package->key_name) + ")");
    } else {
      code = complain(package.error());
    }
  }
  std::set<std::string> packages;
  for (const auto& [id, entry] : config->plugin) packages.insert(assembly::package_of(*config, id));
  for (const std::string& id : packages) {
    if (!store->versions(id).empty()) continue;
    const auto folder = plugin::unsigned_folder(config->plugins, id);
    const auto package =
        folder.ok() ? plugin::read_package(*folder) : Result<plugin::Package>(folder.error());
    if (json) {
      Json item =
          Json::object({{"id", id}, {"state", package.ok() ? "unsigned" : package.error().code}});
      if (package.ok()) item.set("version", package->manifest.version);
      list.push_back(std::move(item));
      if (!package.ok()) code = 1;
    } else if (package.ok()) {
      show(*package, "UNSIGNED: only `rabt serve --dev` loads it");
    } else {
      code = complain(package.error());
    }
  }
  if (json) std::printf("%s\n", Json::object({{"plugins", std::move(list)}}).dump_pretty().c_str());
  return code;
}

// what: ID or ID@VERSION. Refused (plugin.in_use) while a running hub takes calls with it, unless
// forced: instances that began with it would keep the hub from starting again.
int plugin_remove(const std::string& path, const std::string& what, bool force) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  const std::size_t at = what.find('@');
  const std::string version = at == std::string::npos ? "" : what.substr(at + 1);
  if (!force) {
    if (const Status unused = check_unused(*config, what.substr(0, at), version); !unused.ok())
      return complain(unused.error());
  }
  LockEntry removed;
  {
    auto store = PluginStore::open(config->plugins, PluginStore::Use::change);
    if (!store.ok()) return complain(store.error());
    const auto done = store->remove(std::string_view(what).substr(0, at), version);
    if (!done.ok()) return complain(done.error());
    removed = *done;
  }
  std::printf("Removed %s %s. A hub that runs keeps what it loaded until it ends.\n",
              removed.id.c_str(), removed.version.c_str());
  return record_plugin_act(
      *config, "plugin.removed", "plugin:" + removed.id,
      Json::object(
          {{"version", removed.version}, {"sums", removed.sums_sha256}, {"key", removed.key_id}}));
}

struct VerifyOptions {
  std::string config = kDefaultConfig;
  // A package; empty means everything in the store.
  std::string path;
  // File of a public key to trust instead of the store's keys.
  std::string key;
  bool json = false;
};

int plugin_verify(const VerifyOptions& options) {
  std::vector<TrustedKey> keys;
  std::string folder;
  if (!options.key.empty()) {
    const auto text = config::read_text(options.key);
    if (!text.ok()) return complain(text.error());
    const auto key = minisign::parse_public_key(*text);
    if (!key.ok()) return complain(key.error());
    keys.push_back(
        {.key = *key, .name = options.key, .scopes = {"*"}, .added_at = {}, .added_by = {}});
  }
  if (options.key.empty() || options.path.empty()) {
    const auto config = config::load_config(options.config);
    if (!config.ok()) return complain(config.error());
    folder = config->plugins;
  }
  int code = 0;
  Json list = Json::array();
  const auto show = [&](const std::string& name, const Result<TrustedPackage>& package) {
    if (options.json) {
      list.push_back(package.ok() ? report(*package)
                                  : Json::object({{"package", name},
                                                  {"error", package.error().code},
                                                  {"message", package.error().message}}));
      if (!package.ok()) code = 1;
    } else if (package.ok()) {
      std::printf("%s %s: good, signed by the key %s (%s), %s\n",
                  package->package.manifest.id.c_str(), package->package.manifest.version.c_str(),
                  package->key_id.c_str(), printable(package->key_name).c_str(),
                  printable(package->trusted_comment).c_str());
    } else {
      (void)complain(package.error());
      code = 1;
    }
  };
  if (!options.path.empty()) {
    if (keys.empty()) {
      const auto store = PluginStore::open(folder, PluginStore::Use::read);
      if (!store.ok()) return complain(store.error());
      keys = store->keys();
    }
    auto files = plugin::PackageFiles::read(options.path);
    show(options.path, files.ok() ? plugin::verify_package(std::move(*files), keys)
                                  : Result<TrustedPackage>(files.error()));
  } else {
    const auto store = PluginStore::open(folder, PluginStore::Use::read);
    if (!store.ok()) return complain(store.error());
    for (const LockEntry& entry : store->entries())
      show(entry.id + " " + entry.version, store->load(entry));
    if (store->entries().empty() && !options.json) std::printf("no plugin was added\n");
  }
  if (options.json)
    std::printf("%s\n", Json::object({{"packages", std::move(list)}}).dump_pretty().c_str());
  return code;
}

// Brings a newer version from the store into the running hub.
int plugin_upgrade(const std::string& path, const std::string& id) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  const auto answer =
      client->post("/api/v1/plugins/" + percent_encode(id) + "/upgrade", Json::object());
  if (!answer.ok()) return complain(answer.error());
  const auto list = [&](const char* key, const char* text) {
    for (const Json& version :
         (*answer)[key].is_array() ? (*answer)[key].as_array() : Json::Array{})
      std::printf("%s %s %s\n", id.c_str(), version.as_string().c_str(), text);
  };
  list("loaded", "was loaded and takes new calls");
  list("retired", "takes no new calls and ends with its last open one");
  list("serving", "serves");
  return 0;
}

// Ends the quarantine of a plugin of the running hub.
int plugin_release(const std::string& path, const std::string& id) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  const auto answer =
      client->post("/api/v1/plugins/" + percent_encode(id) + "/release", Json::object());
  if (!answer.ok()) return complain(answer.error());
  std::printf("%s is started again\n", id.c_str());
  return 0;
}

void add_store_commands(args::Command& group, int& code) {
  struct Options {
    std::string config = kDefaultConfig;
    std::string plugin;
    bool json = false;
    bool force = false;
  };
  auto options = std::make_shared<Options>();
  auto* list =
      group.add_subcommand("list", "List the installed plugins and what each of them may do");
  add_config_option(*list, options->config);
  list->add_flag("--json", options->json, "Print JSON");
  list->callback([options, &code] { code = plugin_list(options->config, options->json); });

  auto add_options = std::make_shared<AddOptions>();
  auto* add = group.add_subcommand(
      "add",
      "Show what a signed package may do and which patient data it sees, then add it if you agree");
  add_config_option(*add, add_options->config);
  add->add_option("package", add_options->path, "Folder or .zip of the package")->required();
  add->add_flag("--yes", add_options->yes, "Add the plugin without asking");
  add->add_flag("--allow-downgrade", add_options->allow_downgrade,
                "Add the plugin even if a newer version is installed");
  add->add_flag("--allow-other-key", add_options->allow_other_key,
                "Add the plugin even if another key signed the newest version that is installed");
  add->callback([add_options, &code] { code = plugin_add(*add_options); });

  auto* remove = group.add_subcommand("remove", "Remove a plugin from the store");
  add_config_option(*remove, options->config);
  remove->add_option("plugin", options->plugin, "ID or ID@VERSION")->required();
  remove->add_flag("--force", options->force,
                   "Remove the plugin even if a running hub takes calls with it");
  remove->callback(
      [options, &code] { code = plugin_remove(options->config, options->plugin, options->force); });

  auto verify_options = std::make_shared<VerifyOptions>();
  auto* verify = group.add_subcommand(
      "verify", "Check the sums and the signature of a package, or of everything in the store");
  add_config_option(*verify, verify_options->config);
  verify->add_option("package", verify_options->path,
                     "Folder or .zip of the package (default: everything in the store)");
  verify->add_option("--key", verify_options->key,
                     "File of a public key to trust instead of the store's keys");
  verify->add_flag("--json", verify_options->json, "Print JSON");
  verify->callback([verify_options, &code] { code = plugin_verify(*verify_options); });
}

void add_running_commands(args::Command& group, int& code) {
  struct Options {
    std::string config = kDefaultConfig;
    std::string id;
  };
  auto options = std::make_shared<Options>();
  auto* release = group.add_subcommand(
      "release", "Restart a plugin that the running hub stopped because it crashed too often");
  add_config_option(*release, options->config);
  release->add_option("id", options->id, "Id of the plugin")->required();
  release->callback([options, &code] { code = plugin_release(options->config, options->id); });
  auto* upgrade = group.add_subcommand(
      "upgrade", "Use the newest version in the store for new calls of the running hub");
  add_config_option(*upgrade, options->config);
  upgrade->add_option("id", options->id, "Id of the plugin")->required();
  upgrade->callback([options, &code] { code = plugin_upgrade(options->config, options->id); });
}

}  // namespace

void add_plugin_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("plugin", "Install, check, sign and write plugins");
  group->require_subcommand();
  add_store_commands(*group, code);
  add_plugin_key_commands(*group, code);
  add_plugin_project_commands(*group, code);
  add_running_commands(*group, code);
}

}  // namespace rabt::cli
