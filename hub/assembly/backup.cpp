#include "hub/assembly/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "hub/assembly/backup_files.hpp"
#include "hub/assembly/foundation.hpp"
#include "hub/audit/files.hpp"
#include "hub/audit/verify.hpp"
#include "hub/base/file_there.hpp"
#include "hub/base/json.hpp"
#include "hub/blob/kept.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring_file.hpp"
#include "hub/keys/fit.hpp"
#include "hub/store/open.hpp"
#include "hub/store/sqlite/copy.hpp"
#include "hub/store/store.hpp"

namespace rabt::assembly {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "MANIFEST";
constexpr std::string_view kPart = ".part";
constexpr std::string_view kDatabase = "rabt.db";
// A line for each blob, as `sha256sum` writes and reads it.
constexpr std::string_view kBlobSums = "blobs.sha256";
constexpr std::string_view kBetween = "  ";
constexpr std::size_t kSum = 64;
constexpr std::size_t kMaxBlobSums = 1U << 30U;
constexpr std::size_t kMaxManifest = 16U << 20U;
constexpr std::size_t kMaxAuditFile = 1U << 20U;
constexpr std::size_t kMaxProblems = 100;

std::string stamp_of(const std::string& data) {
  return data + "/backup.last";
}

// Files of the audit log beside the database: few and small.
bool is_audit_file(const std::string& name) {
  return name.starts_with("audit.") && !name.ends_with(".lock") && !name.ends_with(".tmp");
}

Result<crypto::KeyringFile> read_keyring(const std::string& path) {
  const crypto::PrivateFile file{path, "crypto.keyring", "the keyring", crypto::kMaxKeyringFile};
  RABT_TRY(bytes, file.read());
  if (!bytes) return not_found("cli.keyring_missing", "there is no keyring " + path);
  return crypto::parse_keyring(file, bytes->expose());
}

// A blob never changes once its name has no ending: a second name for it is a copy, where the
// backup lies on the same file system. Returns whether the copy is such a name.
Result<bool> copy_blob(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0 || errno == EEXIST) return true;
  if (errno == ENOENT) return false;  // no record owned it, and it was removed
  const auto copied = copy_durably(from, to);
  if (!copied.ok()) return copied.error();
  return false;
}

// Returns the lines of kBlobSums.
Result<std::string> copy_blobs(const fs::path& from, const fs::path& to, BackupReport& report) {
  if (::mkdir(to.c_str(), 0700) != 0) return backup_error("make " + to.string());
  std::string sums;
  RABT_TRY(any, is_there(from.string()));
  if (!any) return sums;
  const auto take = [&](const fs::directory_entry& at) -> Status {
    const fs::path name = at.path().lexically_relative(from);
    const fs::path target = to / name;
    std::error_code gone;
    if (at.is_directory(gone))
      return ::mkdir(target.c_str(), 0700) == 0 ? ok_status()
                                                : Status(backup_error("make " + target.string()));
    if (at.path().extension() == kPart) return ok_status();
    RABT_TRY(linked, copy_blob(at.path(), target));
    const auto size = fs::file_size(target, gone);
    if (gone) return ok_status();
    RABT_TRY(sum, sha256_of(target.string()));
    sums.append(sum).append(kBetween).append((to.filename() / name).string());
    sums.append("\n");
    ++report.blobs;
    if (linked) ++report.linked_blobs;
    report.blob_bytes += static_cast<std::int64_t>(size);
    return ok_status();
  };
  RABT_TRY(unread, each_entry(from, Depth::all, take));
  if (unread) return read_error(from, unread);
  RABT_TRY_STATUS(audit::sync_folder(to.string()));
  return sums;
}

Result<Json> copy_audit_files(const fs::path& data, const fs::path& to) {
  Json sums = Json::object();
  const auto take = [&](const fs::directory_entry& at) -> Status {
    const std::string name = at.path().filename().string();
    std::error_code gone;
    if (!is_audit_file(name) || !at.is_regular_file(gone)) return ok_status();
    RABT_TRY(content, audit::read_file(at.path().string(), kMaxAuditFile));
    if (!content) return ok_status();
    RABT_TRY_STATUS(audit::put_file((to / name).string(), *content, 0600));
    sums.set(name, to_hex(crypto::sha256(*content)));
    return ok_status();
  };
  RABT_TRY(unread, each_entry(data, Depth::one, take));
  if (unread) return read_error(data, unread);
  return sums;
}

// Plugins and configuration.
Status copy_files(const config::Config& config, const fs::path& part, Json& sums,
                  BackupReport& report) {
  FileCopies copies(part);
  RABT_TRY_STATUS(copy_plugins(config.plugins, copies));
  RABT_TRY_STATUS(copy_config(config, copies));
  RABT_TRY_STATUS(copies.sync());
  CopiedFiles copied = copies.take();
  report.files = copied.sums.size();
  for (auto& [place, sum] : copied.sums) sums.set(place, std::move(sum));
  report.missing = std::move(copied.missing);
  report.secret = std::move(copied.secret);
  return ok_status();
}

// Lines as a list.
Json list_of(const std::vector<std::string>& lines) {
  Json out = Json::array();
  for (const std::string& line : lines) out.push_back(line);
  return out;
}

// The name of a backup: 20261125T231501Z.
std::string name_of(Timestamp now) {
  std::string name;
  for (const char c : to_iso8601(now).substr(0, 19)) {
    if (c != '-' && c != ':') name.push_back(c);
  }
  return name + "Z";
}

Status fill(const config::Config& config, const fs::path& part, Timestamp now,
            BackupReport& report) {
  const fs::path data = config.data;
  RABT_TRY(sums, copy_audit_files(data, part));
  const std::string database = (part / kDatabase).string();
  RABT_TRY_STATUS(store::copy_sqlite((data / kDatabase).string(), database));
  RABT_TRY(database_sum, sha256_of(database));
  sums.set(kDatabase, database_sum);
  std::error_code failure;
  report.database_bytes = static_cast<std::int64_t>(fs::file_size(database, failure));
  if (failure) return read_error(database, failure);
  RABT_TRY(blob_sums, copy_blobs(data / "blobs", part / "blobs", report));
  RABT_TRY_STATUS(audit::put_file((part / kBlobSums).string(), blob_sums, 0600));
  sums.set(kBlobSums, to_hex(crypto::sha256(blob_sums)));
  RABT_TRY_STATUS(copy_files(config, part, sums, report));
  // After the database: no key that it needs is younger.
  RABT_TRY(keyring, read_keyring((data / "keyring").string()));
  report.keyring_generation = keyring.generation;
  RABT_TRY(level, store::level_of_sqlite(database));
  const Json manifest =
      Json::object({{"created", to_iso8601(now)},
                    {"tenant", config.tenant},
                    {"migration", level},
                    {"keyringGeneration", static_cast<std::int64_t>(keyring.generation)},
                    {"blobs", report.blobs},
                    {"blobBytes", report.blob_bytes},
                    {"missing", list_of(report.missing)},
                    {"secret", list_of(report.secret)},
                    {"sha256", std::move(sums)}});
  RABT_TRY_STATUS(audit::put_file((part / kManifest).string(), manifest.dump() + "\n", 0600));
  return audit::sync_folder(part.string());
}

// True if a folder, which may not be there yet, is another one or lies below it.
bool lies_in(const std::string& folder, const std::string& other) {
  std::error_code failure;
  const fs::path inner = fs::weakly_canonical(folder, failure);
  const fs::path outer = fs::weakly_canonical(other, failure);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

void add_problem(BackupFindings& findings, std::string text) {
  if (findings.problems.size() < kMaxProblems) findings.problems.push_back(std::move(text));
}

// Compares the blobs with their sums. Returns the names of those that have one.
Result<std::set<std::string>> compare_blobs(const fs::path& folder, BackupFindings& findings) {
  std::set<std::string> named;
  RABT_TRY(text, audit::read_file((folder / kBlobSums).string(), kMaxBlobSums));
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.size() <= kSum + kBetween.size()) continue;  // the file's own sum differs
    const std::string name = line.substr(kSum + kBetween.size());
    const auto found = sha256_of((folder / name).string());
    if (!found.ok()) {
      add_problem(findings, name + " is missing or cannot be read");
    } else if (line.compare(0, kSum, *found) != 0) {
      add_problem(findings, name + " is not what was backed up: its SHA-256 differs");
    }
    named.insert(name);
  }
  return named;
}

Status look_for_blobs(const fs::path& folder, bool has_sums, BackupFindings& findings) {
  std::set<std::string> named;
  if (has_sums) {
    RABT_TRY(compared, compare_blobs(folder, findings));
    named = std::move(compared);
  } else {
    findings.warnings.push_back(
        "the backup has no sums of its blobs, since an older version made it: recordings that were "
        "cut or changed are not found; make a new backup");
  }
  RABT_TRY(reader, store::open_reader(store::SqliteOptions{.path = (folder / kDatabase).string()}));
  return blob::each_kept(*reader, [&](const std::string& id) {
    ++findings.blobs;
    const std::string name = "blobs/" + id;
    if (named.contains(name)) return;
    const auto there = is_there((folder / name).string());
    if (!there.ok()) {
      add_problem(findings, there.error().message);
    } else if (!*there) {
      add_problem(findings, name + " is missing");
    } else if (has_sums) {
      add_problem(findings, name + " has no sum in " + std::string(kBlobSums));
    }
  });
}

// Errors: keys.other_hub, those of the root.
Status check_origin(store::Connection& backup, const config::Config& config) {
  const SystemClock clock;
  RABT_TRY(base, Foundation::open(config, clock, null_logger(), Foundation::Part::keyring));
  return keys::check_origin(backup, *base->keyring, config.tenant);
}

// Compares the configured keyring, when there is one, with what the backup needs.
Status compare_keyring(const std::string& database, const config::Config& config,
                       std::int64_t needed, BackupFindings& findings) {
  const std::string path = config.data + "/keyring";
  RABT_TRY(there, is_there(path));
  if (!there) {
    findings.warnings.push_back("there is no keyring " + path +
                                ": whether the keys of the backup can be opened is not known");
    return ok_status();
  }
  RABT_TRY(keyring, read_keyring(path));
  RABT_TRY(backup, store::open_reader(store::SqliteOptions{.path = database}));
  const std::vector<crypto::TenantInfo> tenants = crypto::tenants_of(keyring);
  const auto tenant = std::find_if(tenants.begin(), tenants.end(),
                                   [&](const auto& one) { return one.name == config.tenant; });
  // Opening it would make the tenant's keys.
  const Status same =
      tenant == tenants.end() ? Status(keys::other_hub()) : check_origin(*backup, config);
  if (!same.ok() && same.error().code == "keys.other_hub") {
    add_problem(findings, path + ": " + same.error().message);
    return ok_status();
  }
  if (!same.ok()) {
    findings.warnings.push_back(
        "the keyring " + path +
        " cannot be opened, and whether it is of this hub is not known: " + same.error().message);
  }
  if (static_cast<std::int64_t>(keyring.generation) < needed) {
    add_problem(findings, "the keyring " + path + " is older (generation " +
                              std::to_string(keyring.generation) + ") than the backup needs (" +
                              std::to_string(needed) + "): find its newer copy");
  }
  RABT_TRY(closed, keys::closed_keys(*backup, config.tenant, tenant->buckets));
  for (const std::string& text :
       {keys::forgotten_text(closed.forgotten), keys::unknown_text(closed.unknown)}) {
    if (!text.empty()) add_problem(findings, text);
  }
  return ok_status();
}

}  // namespace

Result<BackupReport> create_backup(const config::Config& config, const std::string& to,
                                   const Clock& clock) {
  if (config.postgres) {
    return invalid("backup.postgres",
                   "the database is on a PostgreSQL server, which has backups of its own: "
                   "docs/postgres.md says how it, the blobs and the keyring are backed up");
  }
  if (lies_in(to, config.data)) {
    return invalid("backup.folder", to + " lies in the data folder " + config.data +
                                        ": a backup of it needs a folder elsewhere");
  }
  const Timestamp now = clock.now();
  BackupReport report;
  const fs::path folder = fs::path(to) / name_of(now);
  const fs::path part = folder.string() + std::string(kPart);
  std::error_code failure;
  fs::create_directories(to, failure);
  if (failure) {
    errno = failure.value();
    return backup_error("make " + to);
  }
  RABT_TRY(present, is_there(folder.string()));
  if (present || ::mkdir(part.c_str(), 0700) != 0) {
    return conflict(
        "backup.exists",
        "there is a backup of this second already, or one that is being made: " + folder.string());
  }
  if (const Status filled = fill(config, part, now, report); !filled.ok()) {
    fs::remove_all(part, failure);
    return filled.error();
  }
  if (::rename(part.c_str(), folder.c_str()) != 0) return backup_error("name " + folder.string());
  RABT_TRY_STATUS(audit::sync_folder(to));
  // A stamp that cannot be written is an alert too early, and no reason to lose the backup. The one
  // before it stays whole.
  (void)audit::put_file(stamp_of(config.data), to_iso8601(now) + "\n", 0644);
  report.folder = folder.string();
  return report;
}

std::optional<Timestamp> last_backup(const std::string& data) {
  std::ifstream file(stamp_of(data));
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const auto at = parse_iso8601(line);
  return at.ok() ? std::optional(*at) : std::nullopt;
}

Result<BackupFindings> verify_backup(const std::string& folder, const config::Config& config) {
  const fs::path place = folder;
  RABT_TRY(text, audit::read_file((place / kManifest).string(), kMaxManifest));
  auto manifest = text ? Json::parse(*text) : Result<Json>(invalid("backup.folder", ""));
  if (!manifest.ok() || !(*manifest)["sha256"].is_object()) {
    return invalid("backup.folder", folder + " is no backup: it has no readable " +
                                        std::string(kManifest) +
                                        "; `rabt backup create` makes one");
  }
  BackupFindings findings;
  for (const auto& [name, sum] : (*manifest)["sha256"].as_object()) {
    const auto found = sha256_of((place / name).string());
    if (!found.ok()) {
      add_problem(findings, name + " is missing or cannot be read");
    } else if (!sum.is_string() || *found != sum.as_string()) {
      add_problem(findings, name + " is not what was backed up: its SHA-256 differs");
    }
  }
  RABT_TRY(added, files_without_sum(place, (*manifest)["sha256"]));
  for (const std::string& name : added)
    add_problem(findings,
                name + " is not of the backup: it was added, and a restore would put it in place");
  for (const char* const kind : {"missing", "secret"}) {
    const Json& lines = (*manifest)[kind];
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines.item(i).is_string())
        findings.warnings.push_back("not in the backup: " + lines.item(i).as_string());
    }
  }
  const std::string database = (place / kDatabase).string();
  if (const Status sound = store::check_sqlite(database); !sound.ok()) {
    add_problem(findings, sound.error().message);
    return findings;
  }
  RABT_TRY_STATUS(
      compare_keyring(database, config, manifest->int_or("keyringGeneration", 0), findings));
  RABT_TRY(audited, audit::verify_file(database, folder));
  findings.audit_entries = audited.entries;
  for (const std::string& problem : audited.problems) add_problem(findings, "audit: " + problem);
  RABT_TRY_STATUS(
      look_for_blobs(place, (*manifest)["sha256"].find(kBlobSums) != nullptr, findings));
  return findings;
}

}  // namespace rabt::assembly
