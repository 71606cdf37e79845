#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"

// Files of a backup beside database, audit log and blobs:
//   plugins/          the store of plugins: plugins.lock, keys/, the packages that the lock names
//   config/           the configuration and the files that it names, each under its absolute path
// Files of secrets and of private keys are in neither.
namespace rabt::assembly {

// Error unavailable backup.io; says errno.
[[nodiscard]] Error backup_error(const std::string& doing);
// The same for a file or folder that could not be read.
[[nodiscard]] Error read_error(const std::filesystem::path& path, const std::error_code& why);

// Entries of a folder alone, or those of the folders below it, too.
enum class Depth : std::uint8_t { one, all };
using EachEntry = std::function<Status(const std::filesystem::directory_entry&)>;
// Calls `each` for the entries of a folder. Follows no links. Returns the failure that ended the
// reading, 0 if there was none. Error: the first one of `each`, after which no entry follows.
[[nodiscard]] Result<std::error_code> each_entry(const std::filesystem::path& folder, Depth depth,
                                                 const EachEntry& each);
// In hexadecimal digits. Error backup.io.
[[nodiscard]] Result<std::string> sha256_of(const std::string& path);
// Copies a file, mode 0600. Its content is durable when ok, its name after the folder's sync. False
// if there is no such file any more. Error backup.io.
[[nodiscard]] Result<bool> copy_durably(const std::filesystem::path& from,
                                        const std::filesystem::path& to);

// Files and links below plugins/ and config/ of a backup that have no sum in its MANIFEST, by their
// places: they were added. Sorted. Error backup.io.
[[nodiscard]] Result<std::vector<std::string>> files_without_sum(
    const std::filesystem::path& folder, const Json& sums);

struct CopiedFiles {
  // Place in the backup, and SHA-256 in hexadecimal digits.
  std::vector<std::pair<std::string, std::string>> sums;
  // Files that were not copied, a line each: they could not be read, or hold a private key.
  std::vector<std::string> missing;
  std::vector<std::string> secret;
};

// Copies files into the folder of a backup. Not thread-safe.
class FileCopies {
 public:
  explicit FileCopies(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Copies a file to its place in the backup, whose folders are made (0700). A file that cannot be
  // read is noted as missing; what is at its place already stays. Error backup.io.
  [[nodiscard]] Status add(const std::filesystem::path& from, const std::filesystem::path& place);
  // The same, but a file that holds a private key, in PEM or as a JWK, is noted and not copied.
  [[nodiscard]] Status add_public(const std::filesystem::path& from,
                                  const std::filesystem::path& place);
  void miss(const std::string& what, const std::string& why);
  // Makes the names durable. Error audit.io.
  [[nodiscard]] Status sync() const;
  [[nodiscard]] CopiedFiles take() { return std::move(done_); }

 private:
  [[nodiscard]] Status make_folder(const std::filesystem::path& place);

  const std::filesystem::path folder_;
  std::set<std::filesystem::path> folders_;
  std::set<std::filesystem::path> places_;
  CopiedFiles done_;
};

// Copies the store of plugins. Nothing without a lock, as beside `serve --dev`. A store that cannot
// be read is noted as missing. Error backup.io.
[[nodiscard]] Status copy_plugins(const std::string& store, FileCopies& copies);
// Copies config::files_of, the code maps, and the files that mapping files name. Error backup.io.
[[nodiscard]] Status copy_config(const config::Config& config, FileCopies& copies);

}  // namespace rabt::assembly
