#pragma once

#include <string>

#include "hub/audit/audit_log.hpp"
#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/schema/schema.hpp"
#include "hub/store/store.hpp"

// Which configuration a version of a plugin starts with. The operator writes one section for all
// versions; the hub remembers for which version it was written, and what rabt.migrate/1 made for
// newer ones. docs/plugins/upgrade.md.
namespace rabt::plugin {

// Key of a remembered configuration.
struct ConfigQuestion {
  std::string tenant;
  std::string plugin;
  std::string version;
  std::string library_sha256;  // names the library that will take it
  std::string config_version;  // for which the operator says that the section was written; or empty
};
struct ConfigChoice {
  Json config;
  // The older version that `config` was written for, so that rabt.migrate/1 is asked. Empty if
  // `config` is taken as it stands.
  std::string from_version;
  // This library has started with exactly this before: there is nothing to remember.
  bool remembered = false;
};

// Confined to the caller; store and keys are shared.
class ConfigMemory {
 public:
  ConfigMemory(store::Store& store, keys::DataKeys& keys, audit::AuditLog& audit, Random& random)
      : store_(store), keys_(keys), audit_(audit), random_(random) {}

  // section: of the configuration file. schema: of the version that asks. Errors: those of the
  // store and of keys. What cannot be opened any more, because its key was destroyed, counts as
  // never written.
  [[nodiscard]] Result<ConfigChoice> choose(const ConfigQuestion& question, const Json& section,
                                            const Schema& schema) const;
  // The version has started with taken, which was section or was made of it. One transaction; an
  // act plugin.migrated is part of it when migrated. Durable when ok.
  Status remember(const ConfigQuestion& question, const Json& section, const ConfigChoice& choice,
                  const Json& taken, bool migrated);

 private:
  store::Store& store_;
  keys::DataKeys& keys_;
  audit::AuditLog& audit_;
  Random& random_;
};

}  // namespace rabt::plugin
