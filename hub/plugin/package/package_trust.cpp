#include "hub/plugin/package/package_trust.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/suggest.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/plugin/package/library.hpp"

namespace rabt::plugin {

namespace {

namespace minisign = crypto::minisign;

constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kMaxSumsBytes = kMaxPackageFiles * (kDigestDigits + 2 + kMaxPathBytes + 1);

Error refused(std::string code, const PackageFiles& files, const std::string& what) {
  return denied(std::move(code), files.origin() + ": " + what);
}
Error bad_sums(const std::string& what) {
  return denied("plugin.sums", what);
}

bool is_digest(std::string_view text) {
  return text.size() == kDigestDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f');
         });
}

Status check_sums(const PackageFiles& files, std::string_view text) {
  auto sums = parse_sums(text);
  if (!sums.ok()) return refused("plugin.sums", files, sums.error().message);
  constexpr std::string_view kAgain = "; take the package again from its vendor";
  for (const auto& [path, file] : files.all()) {
    if (path == kSumsFile || path == kSignatureFile) continue;
    const auto line = sums->find(path);
    if (line == sums->end())
      return refused(
          "plugin.sums", files,
          path + " is not in SHA256SUMS: it was added after signing" + std::string(kAgain));
    if (line->second != file.sha256)
      return refused(
          "plugin.sums", files,
          path + " is not what was signed: its SHA-256 is " + file.sha256 + std::string(kAgain));
    sums->erase(line);
  }
  if (!sums->empty())
    return refused(
        "plugin.sums", files,
        sums->begin()->first + " is in SHA256SUMS and not in the package" + std::string(kAgain));
  return ok_status();
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  // Greedy with one point of return: linear in text for every star.
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  std::size_t p = 0;
  while (at < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = at;
    } else if (p < pattern.size() && pattern[p] == text[at]) {
      ++p;
      ++at;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool is_scope(std::string_view pattern) {
  return !pattern.empty() && pattern.size() <= 64 &&
         std::all_of(pattern.begin(), pattern.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '*'; });
}

Result<std::map<std::string, std::string, std::less<>>> parse_sums(std::string_view text) {
  std::map<std::string, std::string, std::less<>> out;
  if (text.size() > kMaxSumsBytes) return bad_sums("SHA256SUMS is too large");
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto wrong = [number](const std::string& what) {
      return bad_sums("SHA256SUMS line " + std::to_string(number) + " " + what);
    };
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return wrong("does not end");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.size() < kDigestDigits + 3 || !is_digest(line.substr(0, kDigestDigits)) ||
        line.substr(kDigestDigits, 2) != "  ") {
      return wrong("is not \"<64 lower-case hexadecimal digits>  <path>\"");
    }
    const std::string_view path = line.substr(kDigestDigits + 2);
    if (!path_fault(path).empty()) return wrong("names a path that cannot be in a package");
    if (path == kSumsFile || path == kSignatureFile) return wrong("names the sums themselves");
    if (!out.emplace(path, line.substr(0, kDigestDigits)).second)
      return wrong("names a path again");
  }
  if (out.empty()) return bad_sums("SHA256SUMS is empty");
  return out;
}

Result<TrustedPackage> verify_package(PackageFiles files, const std::vector<TrustedKey>& keys) {
  const std::string* const sums = files.text(kSumsFile);
  const std::string* const signature_text = files.text(kSignatureFile);
  if (sums == nullptr || signature_text == nullptr) {
    return refused("plugin.unsigned", files,
                   "has no " + std::string(sums == nullptr ? kSumsFile : kSignatureFile) +
                       ": it is not signed; sign it with `rabt plugin sign`, or run the hub with "
                       "--dev on a machine without patient data");
  }
  const auto signature = minisign::parse_signature(*signature_text);
  if (!signature.ok())
    return refused("plugin.signature", files, "SHA256SUMS.minisig: " + signature.error().message);
  const std::string key_id = minisign::to_text(signature->key_id);
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const TrustedKey& trusted_key) {
    return trusted_key.key.id == signature->key_id;
  });
  if (key == keys.end())
    return refused("plugin.untrusted_key", files,
                   "is signed by the key " + key_id +
                       ", which is not trusted here; get the vendor's public key by a way that you "
                       "trust and add it with `rabt plugin keys add`");
  if (!minisign::verify(key->key, *signature, *sums))
    return refused("plugin.signature", files,
                   "the signature of the key " + key_id +
                       " does not fit SHA256SUMS: one of the two was changed, or belongs to "
                       "another package; take the package again from its vendor");
  RABT_TRY_STATUS(check_sums(files, *sums));
  for (const std::string_view needed : {kManifestFile, kLicenceFile, kSbomFile}) {
    if (files.text(needed) == nullptr)
      return refused("plugin.package", files, "has no " + std::string(needed));
  }
  RABT_TRY(package, read_package(files));
  RABT_TRY_STATUS(check_manifest_abi(package.manifest));
  const std::string& id = package.manifest.id;
  if (std::none_of(key->scopes.begin(), key->scopes.end(),
                   [&](const std::string& scope) { return matches(scope, id); })) {
    return refused("plugin.key_scope", files,
                   "the key " + key_id + " (" + key->name + ") may sign " + listed(key->scopes) +
                       " and not " + id +
                       "; widen its scope with `rabt plugin keys add` if that is right");
  }
  RABT_TRY_STATUS(check_built_with(files, package.manifest));
  TrustedPackage out{.files = {},  // last: everything above points into it
                     .package = std::move(package),
                     .key_id = key_id,
                     .key_name = key->name,
                     .sums_sha256 = to_hex(crypto::sha256(*sums)),
                     .trusted_comment = signature->trusted_comment};
  out.files = std::move(files);
  return out;
}

}  // namespace rabt::plugin
