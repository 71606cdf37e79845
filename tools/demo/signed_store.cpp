#include "tools/demo/signed_store.hpp"

#include <filesystem>

#include "hub/base/clock.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/minisign.hpp"
#include "hub/plugin/package/minisign_program.hpp"
#include "hub/plugin/package/plugin_store.hpp"

namespace rabt::demo {

namespace fs = std::filesystem;

Status make_signed_store(const std::vector<std::string>& built, const std::string& work,
                         const std::string& store) {
  std::error_code unmade;
  fs::create_directories(work, unmade);
  if (unmade) return unavailable("cli.file", work + " cannot be made: " + unmade.message());
  const std::string secret = work + "/vendor.key";
  const std::string public_file = work + "/vendor.pub";
  RABT_TRY_STATUS(plugin::make_key_pair(secret, public_file, false));
  RABT_TRY(public_text, config::read_text(public_file));
  RABT_TRY(key, crypto::minisign::parse_public_key(public_text));
  const std::string now = to_iso8601(SystemClock().now());
  std::vector<std::string> folders;
  plugin::TrustedKey trusted{
      .key = key, .name = "built here", .scopes = {}, .added_at = now, .added_by = "demonstration"};
  for (const std::string& from : built) {
    RABT_TRY(manifest, plugin::read_manifest(from));
    const std::string folder = work + "/" + manifest.id + "-" + manifest.version + ".rabtplugin";
    std::error_code failure;
    fs::copy(from, folder, fs::copy_options::recursive, failure);
    if (failure)
      return unavailable("cli.file",
                         from + " cannot be copied to " + folder + ": " + failure.message());
    folders.push_back(folder);
    trusted.scopes.push_back(manifest.id);
  }
  std::vector<plugin::TrustedPackage> packages;
  for (const std::string& folder : folders) {
    RABT_TRY(done, plugin::sign_package(folder, plugin::sign_with(secret), {.time = now}));
    static_cast<void>(done);
    RABT_TRY(files, plugin::PackageFiles::read(folder));
    RABT_TRY(package, plugin::verify_package(std::move(files), {trusted}));
    packages.push_back(std::move(package));
  }
  std::error_code ignored;
  fs::remove(secret, ignored);
  RABT_TRY(open, plugin::PluginStore::open(store, plugin::PluginStore::Use::change));
  RABT_TRY_STATUS(open.add_key(std::move(trusted)));
  for (const plugin::TrustedPackage& package : packages) {
    RABT_TRY(added,
             open.add(package, {.allow_downgrade = false, .at = now, .by = "demonstration"}));
    (void)added;
  }
  return ok_status();
}

}  // namespace rabt::demo
