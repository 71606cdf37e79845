#include <filesystem>

#include "hub/config/config_reader.hpp"
#include "hub/store/open.hpp"

// The section `store`: PostgreSQL in the place of the database in the data folder.
namespace rabt::config {

namespace {

constexpr int kMostPort = 65535;
// Longest name that PostgreSQL takes.
constexpr std::size_t kLongestName = 63;

void read_name(Reader& reader, const YamlNode& node, const char* key, std::string& out) {
  reader.text(node, key, out, true);
  if (out.size() > kLongestName)
    reader.mistake(node.line, node.column,
                   "`store.postgres." + std::string(key) + "` is longer than 63 bytes");
}

void read_owner(Reader& reader, const YamlNode& node, PostgresEntry& out) {
  const YamlNode* const owner = reader.section(node, "owner");
  if (owner == nullptr) return;
  reader.only(*owner, {"user", "password"});
  read_name(reader, *owner, "user", out.owner);
  if (const YamlEntry* const password = owner->find("password"))
    out.owner_password = reader.secret(*password->value);
}

void check_host(Reader& reader, const YamlNode& node, const PostgresEntry& entry) {
  if (entry.host.find_first_of(" '\\@=") != std::string::npos ||
      entry.host.find("://") != std::string::npos) {
    reader.mistake(node.line, node.column,
                   "`store.postgres.host` must be a host, several with commas between them, or the "
                   "folder of a socket");
    return;
  }
  if (store::on_this_host(entry.host)) return;
  if (entry.sslmode == "disable" || entry.sslmode == "allow" || entry.sslmode == "prefer") {
    reader.mistake(node.line, node.column,
                   "`store.postgres.sslmode: " + entry.sslmode +
                       "` may send everything in the clear to `" + entry.host +
                       "`: leave it out for verify-full");
  }
  if (entry.password.file.empty() && entry.password.env.empty()) {
    reader.mistake(node.line, node.column,
                   "`store.postgres` needs `password`: {file: PATH} or {env: NAME}, where the "
                   "password of `user` is");
  }
}

}  // namespace

void read_store(Reader& reader, const YamlNode& root, Config& config) {
  const std::string folder = std::filesystem::path(config.migrations).filename().string();
  const YamlNode* const store = reader.section(root, "store");
  const char* const fits = store == nullptr ? "sqlite" : "postgres";
  if ((folder == "sqlite" || folder == "postgres") && folder != fits) {
    const YamlEntry& entry = *root.find("migrations");
    reader.mistake(entry.line, entry.column,
                   "`migrations` names the files of " + folder + ", and the database is one of " +
                       fits + ": name the folder `" + fits + "` beside it");
  }
  if (store == nullptr) return;
  reader.only(*store, {"postgres"});
  const YamlNode* const node = reader.section(*store, "postgres");
  if (node == nullptr) {
    reader.mistake(store->line, store->column,
                   "`store` needs `postgres`; without the section the database lies in the data "
                   "folder");
    return;
  }
  PostgresEntry entry;
  reader.only(*node, {"host", "port", "database", "user", "password", "sslmode", "ca", "owner"});
  reader.text(*node, "host", entry.host, true);
  reader.integer(*node, "port", 1, kMostPort, entry.port);
  read_name(reader, *node, "database", entry.database);
  read_name(reader, *node, "user", entry.user);
  if (const YamlEntry* const password = node->find("password"))
    entry.password = reader.secret(*password->value);
  reader.choice(*node, "sslmode",
                {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
                entry.sslmode);
  reader.path(*node, "ca", entry.ca);
  read_owner(reader, *node, entry);
  check_host(reader, *node, entry);
  config.postgres = std::move(entry);
}

}  // namespace rabt::config
