#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "hub/plugin/package/library.hpp"
#include "hub/plugin/package/package_trust.hpp"
#include "tests/plugin/support.hpp"

// Packages for tests, made of the smallest fixture.
namespace rabt::plugin::test {

namespace fs = std::filesystem;
namespace minisign = crypto::minisign;

inline std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}
inline void append(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::app) << content;
}
// True when the command ended with 0; what it said goes to `said`.
inline bool shell(const fs::path& folder, const std::string& command, std::string* said = nullptr) {
  const std::string out = (folder.parent_path() / "said").string();
  const int status = std::system(
      ("cd '" + folder.string() + "' && { " + command + "; } >'" + out + "' 2>&1").c_str());
  if (said != nullptr) *said = read(out);
  return status == 0;
}

inline constexpr const char* kSignedAt = "2026-11-21T08:00:00.000Z";

// A vendor: a key pair of minisign without a password, in a folder of its own.
class Vendor {
 public:
  Vendor() {
    EXPECT_TRUE(make_key_pair(file(), folder_.path() + "/vendor.pub", false).ok())
        << "install minisign";
    key_ = minisign::parse_public_key(read(folder_.path() + "/vendor.pub")).value();
  }
  [[nodiscard]] std::string file() const { return folder_.path() + "/vendor.key"; }
  [[nodiscard]] const minisign::VerifyingKey& verifying_key() const { return key_; }
  [[nodiscard]] std::string sign(std::string_view content, const std::string& untrusted_comment,
                                 const std::string& trusted_comment) const {
    return sign_with(file())(content, untrusted_comment, trusted_comment).value();
  }

 private:
  TempFolder folder_;
  minisign::VerifyingKey key_;
};

class Packages : public ::testing::Test {
 protected:
  // An unsigned folder of the fixture `small`, as another version or with other schemas.
  std::string unsigned_small(const std::string& version = "1.0.0", const std::string& more = {}) {
    std::string folder = folder_.path() + "/small-" + version + ".rabtplugin";
    fs::remove_all(folder);
    fs::copy(fixture("small"), folder, fs::copy_options::recursive);
    std::string manifest = read(folder + "/manifest.yaml");
    const std::string line = "\nversion: 1.0.0\n";
    manifest.replace(manifest.find(line), line.size(), "\nversion: " + version + "\n");
    write(folder + "/manifest.yaml", manifest + more);
    build_again(folder);
    return folder;
  }
  // Adds the marks of a build to the library: digest, id and version of the current manifest.
  static void build_again(const std::string& folder) {
    const auto manifest = read_manifest(folder);
    std::vector<std::string> texts{to_hex(crypto::sha256(read(folder + "/manifest.yaml")))};
    if (manifest.ok()) texts.insert(texts.end(), {manifest->id, manifest->version});
    for (const std::string& text : texts) append(library_path(folder), text + std::string(1, '\0'));
  }
  void sign(const std::string& folder) { sign(folder, key_); }
  static void sign(const std::string& folder, const Vendor& key) {
    const auto done = sign_package(folder, sign_with(key.file()), {.time = kSignedAt});
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  std::string signed_small(const std::string& version = "1.0.0", const std::string& more = {}) {
    std::string folder = unsigned_small(version, more);
    sign(folder);
    return folder;
  }
  // Sums and signature anew over whatever is there, as a careless vendor's script would.
  static void sign_again(const std::string& folder, const Vendor& key) {
    ASSERT_TRUE(shell(folder,
                      "find . -type f ! -name 'SHA256SUMS*' -printf '%P\\n' | LC_ALL=C sort "
                      "| xargs sha256sum >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS"));
    write(folder + "/SHA256SUMS.minisig", key.sign(read(folder + "/SHA256SUMS"), "c", "t"));
  }
  static TrustedKey trust(const Vendor& key, std::vector<std::string> scopes = {"*"}) {
    return {.key = key.verifying_key(),
            .name = "Acme",
            .scopes = std::move(scopes),
            .added_at = kSignedAt,
            .added_by = "test"};
  }
  // "good", or the code of the refusal.
  std::string verdict(const std::string& path) { return verdict(path, {trust(key_)}); }
  static std::string verdict(const std::string& path, const std::vector<TrustedKey>& keys) {
    auto files = PackageFiles::read(path);
    if (!files.ok()) {
      EXPECT_FALSE(files.error().message.empty());
      return files.error().code;
    }
    const auto package = verify_package(std::move(*files), keys);
    if (package.ok()) return "good";
    EXPECT_NE(package.error().message.find(path), std::string::npos) << package.error().message;
    return package.error().code;
  }
  TrustedPackage verified(const std::string& path) {
    return verify_package(PackageFiles::read(path).value(), {trust(key_)}).value();
  }

  TempFolder folder_;
  Vendor key_;
  Vendor other_;
};

}  // namespace rabt::plugin::test
