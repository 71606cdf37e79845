#include "hub/assembly/plugins.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "hub/base/clock.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/random.hpp"
#include "hub/base/suggest.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/cli/plugin_record.hpp"
#include "hub/crypto/minisign.hpp"
#include "hub/plugin/package/plugin_store.hpp"

// rabt plugin: the store of plugins, packages and keys.
namespace rabt::cli {

namespace {

namespace minisign = crypto::minisign;
using plugin::LockEntry;
using plugin::PluginStore;
using plugin::TrustedKey;
using plugin::TrustedPackage;

std::string now_text() {
  return to_iso8601(SystemClock().now());
}

Status write_new(const std::string& path, std::string_view content, unsigned mode) {
  if (write_new_file(path, content, mode)) return ok_status();
  return unavailable("cli.file", path + " cannot be made: " + std::strerror(errno));
}

// Who acts, as the system knows it.
std::string user_name() {
  const passwd* const entry = ::getpwuid(::geteuid());  // NOLINT(concurrency-mt-unsafe)
  return entry == nullptr ? std::to_string(::geteuid()) : entry->pw_name;
}

// One line of standard input. hidden: a terminal does not show it.
Result<std::string> ask(const std::string& question, bool hidden) {
  std::fprintf(stderr, "%s", question.c_str());
  termios before{};
  const bool terminal = hidden && ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fprintf(stderr, "\n");
  }
  if (!read) return invalid("cli.no_answer_given", "there was no answer on standard input");
  return line;
}

Result<SecretBytes> ask_password(const std::string& question) {
  RABT_TRY(line, ask(question, true));
  SecretBytes out{std::string_view(line)};
  std::fill(line.begin(), line.end(), '\0');
  return out;
}

Result<minisign::SecretKey> read_secret_key(const std::string& path) {
  RABT_TRY(text, config::read_text(path));
  auto key =
      minisign::SecretKey::parse(text, [&] { return ask_password("Password of " + path + ": "); });
  std::fill(text.begin(), text.end(), '\0');
  if (!key.ok())
    return Error{key.error().kind, key.error().code, path + ": " + key.error().message};
  return key;
}

// What the audit log keeps about a package.
Json detail_of(const LockEntry& entry) {
  return Json::object({{"version", entry.version},
                       {"sums", entry.sums_sha256},
                       {"key", entry.key_id},
                       {"user", user_name()}});
}

// The change is made; that it is not in the log must not stay unseen.
int after_change(const Status& recorded) {
  if (recorded.ok()) return 0;
  std::fprintf(stderr, "the change is made, and the audit log does not have it:\n");
  return complain(recorded.error());
}

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

// How many lines it took.
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

// Whether a hub that runs takes calls with the version (any, when it is empty). Ok as well when
// none answers: what its instances need is then seen at its next start.
Status check_unused(const config::Config& config, const std::string& id,
                    const std::string& version) {
  auto client = HubClient::of(config);
  if (!client.ok()) return ok_status();
  const auto health = client->get("/health");
  if (!health.ok())
    return health.error().code == "net.no_answer" ? ok_status() : Status(health.error());
  const Json& plugins = (*health)["plugins"];
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    const Json& one = plugins.item(i);
    const std::string loaded = one.string_or("version", "");
    const std::string serves = one.string_or("serves", "");
    if (one.string_or("id", "") != id || (!version.empty() && loaded != version) ||
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

Status check_configured(const config::Config& config, const std::string& id) {
  if (config.plugin.contains(id)) return ok_status();
  std::printf("The configuration does not name it yet: add it under `plugin:` and bind a role.\n");
  return ok_status();
}

}  // namespace

int plugin_add(const PluginAddOptions& options) {
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
    const auto done = store->add(
        *package,
        {.allow_downgrade = options.allow_downgrade, .at = now_text(), .by = user_name()});
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
  (void)check_configured(*config, manifest.id);
  return after_change(record_plugin_act(*config, "plugin.added", "plugin:" + manifest.id,
                                        Json::object({{"version", manifest.version},
                                                      {"sums", package->sums_sha256},
                                                      {"key", package->key_id},
                                                      {"user", user_name()}})));
}

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
    const auto configured = config->plugin.find(manifest.id);
    if (configured == config->plugin.end()) std::printf("  is not in the configuration\n");
    for (const auto& [role, target] : config->roles) {
      if (target == "plugin://" + manifest.id) std::printf("  serves the role %s\n", role.c_str());
    }
    for (const auto& action : manifest.actions) {
      std::printf("  %s %s (safe to repeat: %s)\n", action.name.c_str(), action.version.c_str(),
                  action.idempotency.c_str());
    }
    for (const std::string& host : manifest.hosts)
      std::printf("  may reach %s\n", printable(host).c_str());
    if (configured == config->plugin.end()) return;
    for (const std::string& host : configured->second.hosts)
      std::printf("  may reach %s\n", host.c_str());
  };
  for (const LockEntry& entry : store->entries()) {
    const auto package = store->load(entry);
    Json one = to_json(entry);
    one.set("state", package.ok() ? "verified" : package.error().code);
    list.push_back(std::move(one));
    if (json) {
      if (!package.ok()) code = 1;
    } else if (package.ok()) {
      show(package->package,
           "signed by " + package->key_id + " (" + printable(package->key_name) + ")");
    } else {
      code = complain(package.error());
    }
  }
  for (const auto& [id, ignored] : config->plugin) {
    if (!store->versions(id).empty()) continue;
    const auto folder = plugin::unsigned_folder(config->plugins, id);
    const auto package =
        folder.ok() ? plugin::read_package(*folder) : Result<plugin::Package>(folder.error());
    if (json) {
      Json one =
          Json::object({{"id", id}, {"state", package.ok() ? "unsigned" : package.error().code}});
      if (package.ok()) one.set("version", package->manifest.version);
      list.push_back(std::move(one));
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
  return after_change(
      record_plugin_act(*config, "plugin.removed", "plugin:" + removed.id, detail_of(removed)));
}

int plugin_verify(const PluginVerifyOptions& options) {
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

int plugin_sign(const std::string& folder, const std::string& key_file) {
  const auto key = read_secret_key(key_file);
  if (!key.ok()) return complain(key.error());
  const auto package = plugin::sign_package(folder, *key, {.time = now_text()});
  if (!package.ok()) return complain(package.error());
  std::printf("Signed %s %s: %zu files, key %s\n", package->package.manifest.id.c_str(),
              package->package.manifest.version.c_str(), package->files.all().size(),
              package->key_id.c_str());
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

int plugin_keys_add(const PluginKeyOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  const auto text = config::read_text(options.file);
  if (!text.ok()) return complain(text.error());
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
  return after_change(record_plugin_act(*config, "plugin.key_added", "key:" + id,
                                        Json::object({{"scopes", scopes}, {"user", user_name()}})));
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
  return after_change(record_plugin_act(*config, "plugin.key_removed", "key:" + id,
                                        Json::object({{"user", user_name()}})));
}

int plugin_keys_generate(const std::string& file, bool no_password) {
  const std::string base =
      file.ends_with(".key") ? file.substr(0, file.size() - std::string(".key").size()) : file;
  const std::string public_file = base + ".pub";
  // Before the password is asked for, and so that no half of a pair is left behind.
  for (const std::string& path : {file, public_file}) {
    std::error_code failure;
    const auto type = std::filesystem::symlink_status(path, failure).type();
    if (type == std::filesystem::file_type::not_found) continue;
    return complain(type == std::filesystem::file_type::none
                        ? unavailable("cli.file", path + " cannot be made: " + failure.message())
                        : conflict("cli.file", path + " is there already; no key is made"));
  }
  SystemRandom random;
  const minisign::SecretKey key = minisign::SecretKey::generate(random);
  SecretBytes password;
  if (!no_password) {
    auto first = ask_password("New password: ");
    if (!first.ok()) return complain(first.error());
    const auto again = ask_password("The same again: ");
    if (!again.ok()) return complain(again.error());
    if (first->empty() || !first->equals(again->expose()))
      return complain(invalid("cli.password",
                              "the passwords differ, or are empty; --no-password makes a key "
                              "without one"));
    password = std::move(*first);
  }
  const auto secret = key.file(password, random);
  if (!secret.ok()) return complain(secret.error());
  if (const Status made = write_new(file, secret->expose_text(), 0600); !made.ok())
    return complain(made.error());
  if (const Status made =
          write_new(public_file, minisign::public_key_file(key.verifying_key()), 0644);
      !made.ok()) {
    static_cast<void>(::unlink(file.c_str()));
    return complain(made.error());
  }
  std::printf(
      "%s  the secret key: keep it off the hub's machine, and keep a copy\n%s  the public "
      "key %s: give it to hospitals\n",
      file.c_str(), public_file.c_str(), minisign::to_text(key.verifying_key().id).c_str());
  return 0;
}

}  // namespace rabt::cli
