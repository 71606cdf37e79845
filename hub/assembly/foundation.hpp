#pragma once

#include <memory>
#include <vector>

#include "hub/assembly/folder_lock.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/audit/export/syslog_sender.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/base/settled_clock.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/admin.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/net/http_client.hpp"
#include "hub/store/store.hpp"

namespace rabt::assembly {

// Base of a hub, which a command that works on a data folder without a hub needs, too. Members
// are constructed in reading order and destroyed in reverse. They are null when open() was asked
// for less. Threads: those of each member.
class Foundation {
 public:
  enum class Part {
    // Nothing of the database, so that it can be opened beside a running hub.
    keyring,
    all,
  };
  // Opens the data folder of a configuration. When the folder has neither keyring nor database,
  // both are made. Only one process at a time can open all of it, whatever the database is. Errors:
  // store.locked (a hub runs), cli.keyring_missing, cli.database_missing, keys.other_hub,
  // config.missing_secret; those of the keyring and its root, of open_database and of the audit
  // log.
  [[nodiscard]] static Result<std::unique_ptr<Foundation>> open(const config::Config& config,
                                                                const Clock& clock, Logger& log,
                                                                Part part = Part::all);

  // For what others' clocks are compared with: signatures, tokens, certificates.
  const Clock& wall;
  const SettledClock settled{wall};
  const Clock& clock = settled;
  Logger& log;
  SystemRandom random;
  UlidSource ids{clock, random};
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<crypto::Keyring> keyring;
  std::unique_ptr<FolderLock> lock;
  std::unique_ptr<store::Store> store;
  // One for each syslog server among the anchors. Destroyed after the audit log, which uses them.
  std::vector<std::unique_ptr<audit::SyslogSender>> senders;
  std::unique_ptr<audit::AuditLog> audit;
  std::unique_ptr<keys::DataKeys> keys;
  std::unique_ptr<keys::KeyAdmin> key_admin;

 private:
  Foundation(const Clock& c, Logger& l) : wall(c), log(l) {}
};

// Ok if the root of the keys can be opened, as far as that asks nobody else and makes nothing: of
// a vault and of a token its secret is read, and of a token the library is there. Errors: those of
// Foundation::open.
[[nodiscard]] Status check_root(const config::Config& config);

// Name of this hub in exports of the audit log.
[[nodiscard]] audit::ExportSource export_source(const config::Config& config);

}  // namespace rabt::assembly
