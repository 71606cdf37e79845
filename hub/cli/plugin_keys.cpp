#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/suggest.hpp"
#include "hub/cli/ask.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/plugin_record.hpp"
#include "hub/crypto/minisign.hpp"
#include "hub/plugin/package/minisign_program.hpp"
#include "hub/plugin/package/plugin_store.hpp"

// rabt plugin sign and rabt plugin keys.
namespace rabt::cli {

namespace {

namespace minisign = crypto::minisign;
using plugin::LockEntry;
using plugin::PluginStore;
using plugin::TrustedKey;

int plugin_sign(const std::string& folder, const std::string& key_file) {
  // The key is checked before anything is written into the folder.
  auto text = config::read_text(key_file);
  if (!text.ok())
    return complain(invalid(text.error().code, key_file + ": " + text.error().message));
  const bool is_key = text->starts_with("untrusted comment: ");
  std::fill(text->begin(), text->end(), '\0');
  if (!is_key) {
    return complain(invalid("crypto.minisign_key",
                            key_file + ": no secret key of minisign: its first line does not begin "
                                       "with \"untrusted comment: \""));
  }
  const auto package =
      plugin::sign_package(folder, plugin::sign_with(key_file), {.time = now_text()});
  if (!package.ok()) return complain(package.error());
  std::printf("Signed %s %s: %zu files, key %s\n", package->id.c_str(), package->version.c_str(),
              package->files, package->key_id.c_str());
  return 0;
}

int plugin_keys_list(const std::string& path, bool json) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  const auto store = PluginStore::open(config->plugins, PluginStore::Use::read);
  if (!store.ok()) return complain(store.error());
  Json list = Json::array();
  for (const TrustedKey& key : store->keys()) {
    Json scopes = Json::array();
    for (const std::string& scope : key.scopes) scopes.push_back(scope);
    list.push_back(Json::object({{"id", key.id()},
                                 {"name", key.name},
                                 {"scopes", std::move(scopes)},
                                 {"publicKey", minisign::public_key_line(key.key)},
                                 {"addedAt", key.added_at},
                                 {"addedBy", key.added_by}}));
    if (!json) {
      std::printf("%s  %s  may sign %s\n  %s\n", key.id().c_str(), printable(key.name).c_str(),
                  listed(key.scopes).c_str(), minisign::public_key_line(key.key).c_str());
    }
  }
  if (json) {
    std::printf("%s\n", Json::object({{"keys", std::move(list)}}).dump_pretty().c_str());
  } else if (store->keys().empty()) {
    std::printf("no key is trusted\n");
  }
  return 0;
}

struct KeyOptions {
  std::string config = kDefaultConfig;
  // File of the public key.
  std::string file;
  // Owner of the key.
  std::string name;
  std::vector<std::string> scopes;
};

int plugin_keys_add(const KeyOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  const auto text = config::read_text(options.file);
  if (!text.ok())
    return complain(invalid(text.error().code, options.file + ": " + text.error().message));
  const auto parsed = minisign::parse_public_key(*text);
  if (!parsed.ok())
    return complain(invalid(parsed.error().code, options.file + ": " + parsed.error().message));
  TrustedKey key{.key = *parsed,
                 .name = options.name,
                 .scopes = options.scopes,
                 .added_at = now_text(),
                 .added_by = user_name()};
  const std::string id = key.id();
  const std::string scopes = listed(key.scopes);
  {
    auto store = PluginStore::open(config->plugins, PluginStore::Use::change);
    if (!store.ok()) return complain(store.error());
    if (const Status added = store->add_key(std::move(key)); !added.ok())
      return complain(added.error());
  }
  std::printf("The key %s may sign %s.\n", id.c_str(), scopes.c_str());
  return record_plugin_act(*config, "plugin.key_added", "key:" + id,
                           Json::object({{"scopes", scopes}}));
}

int plugin_keys_remove(const std::string& path, const std::string& id) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  std::vector<LockEntry> signed_by;
  {
    auto store = PluginStore::open(config->plugins, PluginStore::Use::change);
    if (!store.ok()) return complain(store.error());
    const auto done = store->remove_key(id);
    if (!done.ok()) return complain(done.error());
    signed_by = *done;
  }
  std::printf("The key %s is not trusted any more.\n", id.c_str());
  for (const LockEntry& entry : signed_by) {
    std::printf("%s %s was signed by it: the hub does not start with it any more\n",
                entry.id.c_str(), entry.version.c_str());
  }
  return record_plugin_act(*config, "plugin.key_removed", "key:" + id, Json::object());
}

int plugin_keys_generate(const std::string& file, bool no_password) {
  const std::string base =
      file.ends_with(".key") ? file.substr(0, file.size() - std::string(".key").size()) : file;
  const std::string public_file = base + ".pub";
  // Checked before minisign asks for a password, so that no half of a pair is left behind.
  for (const std::string& path : {file, public_file}) {
    std::error_code failure;
    const auto type = std::filesystem::symlink_status(path, failure).type();
    if (type == std::filesystem::file_type::not_found) continue;
    return complain(type == std::filesystem::file_type::none
                        ? unavailable("cli.file", path + " cannot be made: " + failure.message())
                        : conflict("cli.file", path + " is there already; no key is made"));
  }
  if (const Status pair = plugin::make_key_pair(file, public_file, !no_password); !pair.ok())
    return complain(pair.error());
  const auto text = config::read_text(public_file);
  if (!text.ok()) return complain(text.error());
  const auto key = minisign::parse_public_key(*text);
  if (!key.ok()) return complain(key.error());
  std::printf(
      "%s  the secret key: keep it off the hub's machine, and keep a copy\n%s  the public "
      "key %s: give it to hospitals\n",
      file.c_str(), public_file.c_str(), minisign::to_text(key->id).c_str());
  return 0;
}

void add_sign_command(args::Command& group, int& code) {
  struct Options {
    std::string folder;
    std::string key;
  };
  auto options = std::make_shared<Options>();
  auto* command = group.add_subcommand(
      "sign", "For vendors: write the SBOM, the sums and the signature into a package's folder");
  command->add_option("folder", options->folder, "Folder of the package")->required();
  command->add_option("--key", options->key, "Secret key file in minisign's format")->required();
  command->callback([options, &code] { code = plugin_sign(options->folder, options->key); });
}

void add_generate_command(args::Command& group, int& code) {
  struct Options {
    std::string file;
    bool no_password = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = group.add_subcommand(
      "generate", "For vendors: make a secret key and its public key in minisign's format");
  command->add_option("file", options->file, "Secret key file to make, such as acme.key")
      ->required();
  command->add_flag("--no-password", options->no_password,
                    "Do not encrypt the secret key, for machines that sign unattended");
  command->callback(
      [options, &code] { code = plugin_keys_generate(options->file, options->no_password); });
}

}  // namespace

void add_plugin_key_commands(args::Command& group, int& code) {
  add_sign_command(group, code);
  auto* keys = group.add_subcommand("keys", "Manage the vendors' keys that the hub trusts");
  keys->require_subcommand();
  struct Options {
    std::string config = kDefaultConfig;
    std::string key;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* list = keys->add_subcommand("list", "List the trusted keys and the plugins each may sign");
  add_config_option(*list, options->config);
  list->add_flag("--json", options->json, "Print JSON");
  list->callback([options, &code] { code = plugin_keys_list(options->config, options->json); });

  auto add_options = std::make_shared<KeyOptions>();
  auto* add = keys->add_subcommand(
      "add", "Trust a public key for the given plugin ids; run again to replace them");
  add_config_option(*add, add_options->config);
  add->add_option("file", add_options->file, "Public key file")->required();
  add->add_option("--scope", add_options->scopes,
                  "Ids that the key may sign, such as acme-*; may be given several times")
      ->required()
      ->one_value_each_time();
  add->add_option("--name", add_options->name, "Name of the vendor who owns the key")->required();
  add->callback([add_options, &code] { code = plugin_keys_add(*add_options); });

  auto* remove =
      keys->add_subcommand("remove", "Stop trusting a key; plugins that it signed no longer load");
  add_config_option(*remove, options->config);
  remove->add_option("key", options->key, "The 16 digits of the key's id")->required();
  remove->callback([options, &code] { code = plugin_keys_remove(options->config, options->key); });
  add_generate_command(*keys, code);
}

}  // namespace rabt::cli
