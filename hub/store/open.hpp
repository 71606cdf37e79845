#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// The way to a store, whichever engine is behind it. The options alone say which one.
namespace rabt::store {

// A database file.
struct SqliteOptions {
  // The database file. Its folder must exist and be writable.
  std::string path;
  // migrations/sqlite. Readers need none.
  std::string migrations_folder = {};
  // Files without which the database is worthless, such as the keyring: while one is missing,
  // nothing is written.
  std::vector<std::string> needed = {};
};

// A database of a server.
struct PostgresOptions {
  // A host, several with commas between them, or the folder of a socket.
  std::string host;
  int port = 5432;
  std::string database;
  std::string user;
  // Null when the server asks for none.
  std::shared_ptr<SecretBytes> password;
  // One of libpq's words, such as verify-full. An empty text stands for prefer on this machine and
  // for verify-full elsewhere.
  std::string sslmode = {};
  // Certificates of authorities. An empty text stands for those of the system.
  std::string ca = {};
  // The role that owns the schema and applies migrations. An empty text stands for `user`.
  std::string owner = {};
  std::shared_ptr<SecretBytes> owner_password = {};
  // migrations/postgres
  std::string migrations_folder;
  // Names the hub among the server's connections.
  std::string application = "rabt";
  // Files without which the database is worthless, such as the keyring.
  std::vector<std::string> needed = {};
  // 0 stands for limits::kMaxQueuedJobs.
  std::size_t max_queued = 0;
};

using Options = std::variant<SqliteOptions, PostgresOptions>;

// Opens a database for the hub, creates the file where there is none, checks that it is durable and
// applies missing migrations. Errors: store.open (says where and why), store.durability (it may
// lose what it has acknowledged), store.full, store.earlier_build, store.migration_changed,
// store.migration_newer, store.migration_failed; of a server store.locked (another hub uses it),
// store.settings (version, encoding), store.pooler, too. A server locks out a second hub by itself;
// for a file the caller holds a lock.
[[nodiscard]] Result<std::unique_ptr<Store>> open(const Options& options, Logger& log);

// Opens a database for looking only, beside a running hub or without one; takes no lock and applies
// no migrations. Of a file, the newest commit of a running hub may be one that a power loss would
// undo. For one thread. Errors: store.open, store.earlier_build; of a server those of connecting,
// too.
[[nodiscard]] Result<std::unique_ptr<Connection>> open_reader(const Options& options);

// True if a hub has written to the database. Errors: file.unread of a file, those of connecting of
// a server.
[[nodiscard]] Result<bool> is_used(const Options& options);

// True if PostgresOptions::host is this machine: a folder of a socket, or a loopback address.
[[nodiscard]] bool on_this_host(const std::string& host);

}  // namespace rabt::store
