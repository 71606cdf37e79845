#include "tools/demo/signed_store.hpp"

#include <filesystem>

#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/crypto/minisign.hpp"
#include "hub/plugin/package/plugin_store.hpp"

namespace rabt::demo {

namespace fs = std::filesystem;

Status make_signed_store(const std::vector<std::string>& built, const std::string& work,
                         const std::string& store) {
  SystemRandom random;
  const auto key = crypto::minisign::SecretKey::generate(random);
  const std::string now = to_iso8601(SystemClock().now());
  std::vector<std::string> folders;
  plugin::TrustedKey trusted{.key = key.verifying_key(),
                             .name = "built here",
                             .scopes = {},
                             .added_at = now,
                             .added_by = "demonstration"};
  for (const std::string& from : built) {
    RABT_TRY(manifest, plugin::read_manifest(from));
    const std::string folder = work + "/" + manifest.id + "-" + manifest.version + ".rabtplugin";
    std::error_code failure;
    fs::create_directories(work, failure);
    if (!failure) fs::copy(from, folder, fs::copy_options::recursive, failure);
    if (failure)
      return unavailable("cli.file",
                         from + " cannot be copied to " + folder + ": " + failure.message());
    folders.push_back(folder);
    trusted.scopes.push_back(manifest.id);
  }
  std::vector<plugin::TrustedPackage> packages;
  for (const std::string& folder : folders) {
    RABT_TRY(package, plugin::sign_package(folder, key, {.time = now}));
    packages.push_back(std::move(package));
  }
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
