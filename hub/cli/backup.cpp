#include <cstdio>
#include <memory>
#include <string>

#include "hub/args/args.hpp"
#include "hub/assembly/backup.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/day_list.hpp"
#include "hub/config/config.hpp"

// rabt backup create and verify: beside a running hub or without one.
namespace rabt::cli {

namespace {

struct BackupOptions {
  std::string config = kDefaultConfig;
  // The file that names the tenants, with --tenant.
  std::string common;
  std::string folder;
  bool visits_list = false;
};

int create(const BackupOptions& options) {
  auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  config->common = options.common;
  const SystemClock clock;
  const auto backup = assembly::create_backup(*config, options.folder, clock);
  if (!backup.ok()) return complain(backup.error());
  std::printf("%s\n", backup->folder.c_str());
  std::fprintf(stderr,
               "database %lld bytes, %lld blobs, %zu files of plugins and configuration; the "
               "keyring (generation %llu), the root and files of secrets are not in it: copy them "
               "to places of their own\n",
               static_cast<long long>(backup->database_bytes),
               static_cast<long long>(backup->blobs), backup->files,
               static_cast<unsigned long long>(backup->keyring_generation));
  if (backup->linked_blobs > 0) {
    std::fprintf(stderr,
                 "%lld of the blobs are hard links to the hub's own files, since both lie on one "
                 "file system: a change of the one changes the other, and the loss of the disk "
                 "takes both; copy the backup to another disk\n",
                 static_cast<long long>(backup->linked_blobs));
  }
  for (const std::string& word : backup->secret)
    std::fprintf(stderr, "not in the backup: %s\n", printable(word).c_str());
  for (const std::string& text : backup->missing)
    std::fprintf(stderr, "MISSING in the backup: %s\n", printable(text).c_str());
  if (options.visits_list) {
    const Status written = write_visits(*config, options.folder, clock.now());
    if (!written.ok()) {
      std::fprintf(stderr, "the lists of visits were not written:\n");
      (void)complain(written.error());
      return 1;
    }
    std::fprintf(stderr,
                 "%s/visits has the lists of today and tomorrow: names and telephones of patients, "
                 "not sealed\n",
                 options.folder.c_str());
  }
  return backup->missing.empty() ? 0 : 1;
}

int verify(const BackupOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  const auto found = assembly::verify_backup(options.folder, *config);
  if (!found.ok()) return complain(found.error());
  for (const std::string& warning : found->warnings)
    std::fprintf(stderr, "warning: %s\n", printable(warning).c_str());
  for (const std::string& problem : found->problems)
    std::printf("%s\n", printable(problem).c_str());
  if (!found->problems.empty()) {
    std::printf("NOT verified\n");
    return 1;
  }
  std::printf("verified: %llu audit entries, %lld blobs\n",
              static_cast<unsigned long long>(found->audit_entries),
              static_cast<long long>(found->blobs));
  return 0;
}

}  // namespace

void add_backup_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("backup", "Back up the data folder, beside a running hub");
  group->require_subcommand();

  auto options = std::make_shared<BackupOptions>();
  auto* make = group->add_subcommand(
      "create", "Make a backup of database, audit files, blobs, plugins and configuration");
  make->footer(
      "Exit status: 0 the backup is complete, 1 no backup was made, files are missing in it, or "
      "the "
      "lists of visits were not written.");
  add_config_option(*make, options->config, &options->common);
  make->add_option("--to", options->folder, "Folder that gets a folder for this backup")
      ->required();
  make->add_flag("--visits-list", options->visits_list,
                 "Also write the visits of today and tomorrow, with telephones, into the folder "
                 "visits beside the backups: unsealed patient data; needs a running hub");
  make->callback([options, &code] { code = create(*options); });

  options = std::make_shared<BackupOptions>();
  auto* check = group->add_subcommand(
      "verify", "Check a backup: sums of its files and blobs, database, audit log");
  add_config_option(*check, options->config);
  check->add_option("folder", options->folder, "Folder of the backup")->required();
  check->callback([options, &code] { code = verify(*options); });
}

}  // namespace rabt::cli
