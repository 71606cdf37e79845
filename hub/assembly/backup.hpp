#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"

// Backups of a data folder, beside a running hub or without one. A backup has no keys: the keyring
// and the root are kept elsewhere. Layout of its folder: audit.*, rabt.db, blobs/, blobs.sha256,
// the folders of backup_files.hpp, and MANIFEST.
namespace rabt::assembly {

struct BackupReport {
  // Folder of the backup.
  std::string folder;
  std::int64_t database_bytes = 0;
  std::int64_t blobs = 0;
  std::int64_t blob_bytes = 0;
  // Blobs that are hard links to the hub's own files: backup and data are on one file system.
  std::int64_t linked_blobs = 0;
  // Files of plugins and of the configuration.
  std::size_t files = 0;
  // Those that could not be copied, and those that hold a private key: a line each, with the
  // reason. The backup stands without them, and verify_backup warns of each.
  std::vector<std::string> missing;
  std::vector<std::string> secret;
  // Generation of the keyring when the backup was made: that one or a later one opens it.
  std::uint64_t keyring_generation = 0;
};
// Makes the folder <to>/<date and time>, mode 0700, of files with mode 0600. It appears whole: an
// attempt that ended early is a folder with the ending .part. First the audit log's files are
// copied, so that they name no more than the database holds, then the database, then the blobs, so
// that they are at least what it names, last plugins and configuration. Errors: those of
// copy_sqlite; backup.exists, backup.io, those of the keyring's file.
[[nodiscard]] Result<BackupReport> create_backup(const config::Config& config,
                                                 const std::string& to, const Clock& clock);

// When a backup of this data folder was made last, by create_backup on this machine; unset if none
// is known.
[[nodiscard]] std::optional<Timestamp> last_backup(const std::string& data);

struct BackupFindings {
  // Faults, one line each. Empty if the backup holds.
  std::vector<std::string> problems;
  // Checks that this backup does not allow, one line each.
  std::vector<std::string> warnings;
  std::uint64_t audit_entries = 0;
  std::int64_t blobs = 0;
};
// Compares a backup with its MANIFEST and each blob with its sum, names what was added to plugins
// and configuration, checks the database and its audit log, looks for each blob that the database
// names, and looks whether the configured keyring, when there is one, is of the same hub, is new
// enough and opens each data key. Errors: invalid backup.folder (it is no backup), backup.io, those
// of store, audit log and the keyring's file.
[[nodiscard]] Result<BackupFindings> verify_backup(const std::string& folder,
                                                   const config::Config& config);

}  // namespace rabt::assembly
