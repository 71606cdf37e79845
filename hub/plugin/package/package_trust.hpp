#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/minisign.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/package/minisign_program.hpp"
#include "hub/plugin/package/package_files.hpp"

// Checks that a trusted vendor signed a package as it is. The format, for readers of other
// software: docs/plugins/packages.md.
namespace rabt::plugin {

// A vendor's key that the operator trusts, for some plugins.
struct TrustedKey {
  crypto::minisign::VerifyingKey key;
  std::string name;                 // whose it is, in the operator's words
  std::vector<std::string> scopes;  // patterns of ids: '*' stands for any run of characters
  std::string added_at;
  std::string added_by;
  [[nodiscard]] std::string id() const { return crypto::minisign::to_text(key.id); }
};
// True if the pattern covers the whole text.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);
// Lower-case letters, digits, '-' and '*'.
[[nodiscard]] bool is_scope(std::string_view pattern);

// A package whose sums and signature hold, by a key that may sign it.
struct TrustedPackage {
  PackageFiles files;
  Package package;
  std::string key_id;       // 16 hexadecimal digits
  std::string key_name;     // names the trusted key
  std::string sums_sha256;  // hex, of SHA256SUMS: names every byte of the package
  std::string trusted_comment;
};

// Checks in this order, and trusts nothing before its turn: sums and signature are there
// (plugin.unsigned); the signature's form, then its key (plugin.signature, plugin.untrusted_key),
// then the signature (plugin.signature); every file has its line and its digest, every line its
// file (plugin.sums); the layout (plugin.package); the manifest (plugin.manifest...); the key may
// sign this id (plugin.key_scope); a library for this machine (plugin.library, plugin.platform)
// that was built with this manifest (plugin.digest, plugin.id_mismatch).
[[nodiscard]] Result<TrustedPackage> verify_package(PackageFiles files,
                                                    const std::vector<TrustedKey>& keys);

// SHA256SUMS as sha256sum writes it: path -> hex digest. Error plugin.sums names the line.
[[nodiscard]] Result<std::map<std::string, std::string, std::less<>>> parse_sums(
    std::string_view text);

// Makes a folder a signed package: writes sbom.cdx.json where there is none, or one that this made
// earlier; then SHA256SUMS and SHA256SUMS.minisig. A crash leaves a folder that does not verify;
// the same call again makes it good. Errors: plugin.package, plugin.manifest..., plugin.platform,
// plugin.digest, plugin.id_mismatch, plugin.report (check-report.json is of other files, or says
// that a test failed), those of PackageFiles::read, those of `sign`.
struct SignOptions {
  // RFC 3339, for the SBOM and the trusted comment.
  std::string time;
};
struct SignedPackage {
  std::string id;
  std::string version;
  // 16 hexadecimal digits.
  std::string key_id;
  std::size_t files = 0;
};
[[nodiscard]] Result<SignedPackage> sign_package(const std::string& folder, const Sign& sign,
                                                 const SignOptions& options);

// The SBOM of a package as CycloneDX 1.6: the plugin, each file with its SHA-256, and the shared
// libraries that its ELF files name as needed. Error plugin.platform: a file under bin/ is no ELF
// file.
[[nodiscard]] Result<Json> make_sbom(const PackageFiles& files, const Package& package,
                                     std::string_view time);

// Describes a package for the person who decides: its rights and the patient data that it sees. id,
// version, vendor, hosts, patientHosts, secrets, secretsRaw, kvBytes, blob, isolation, and
// patientData: for the configuration, each action and each event the places that their schemas mark
// with x-phi, as Schema::phi_places gives them; null where there is no schema, or one without a
// word: any value is allowed.
[[nodiscard]] Json describe(const Package& package);

}  // namespace rabt::plugin
