#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/result.hpp"
#include "hub/worker/frame.hpp"

// The files of a package as bytes that nobody changes any more. Everything that is known about a
// package (sums, manifest, schemas, library) comes from these bytes: no path is read twice.
namespace rabt::plugin {

// As bin/ names the machines that a library is built for.
#if defined(__x86_64__)
inline constexpr std::string_view kPlatform = "linux-x86_64";
#elif defined(__aarch64__)
inline constexpr std::string_view kPlatform = "linux-aarch64";
#else
#error "unknown machine"
#endif

inline constexpr std::string_view kManifestFile = "manifest.yaml";
inline constexpr std::string_view kSumsFile = "SHA256SUMS";
inline constexpr std::string_view kSignatureFile = "SHA256SUMS.minisig";
inline constexpr std::string_view kSbomFile = "sbom.cdx.json";
inline constexpr std::string_view kLicenceFile = "LICENSE";
inline constexpr std::string_view kReportFile = "check-report.json";
[[nodiscard]] std::string library_path();  // bin/<platform>/plugin.so

inline constexpr std::size_t kMaxPackageFiles = 1000;
inline constexpr std::size_t kMaxPathBytes = 256;
inline constexpr std::size_t kMaxPathParts = 8;
inline constexpr std::uint64_t kMaxTextBytes = 16ULL << 20U;      // one file outside bin/
inline constexpr std::uint64_t kMaxAllTextBytes = 64ULL << 20U;   // all of them: they are held
inline constexpr std::uint64_t kMaxLibraryBytes = 512ULL << 20U;  // with debug information
// A .zip that would become more than this many times its size, and more than a MiB, is a bomb:
// libraries with debug information shrink about ten times.
inline constexpr std::uint64_t kMaxZipRatio = 100;

// Returns the fault of a path inside a package; empty if there is none. Parts of letters, digits
// and ._+- joined by '/', none of which begins with a dot.
[[nodiscard]] std::string path_fault(std::string_view path);

// Immutable; any thread may call.
class PackageFiles {
 public:
  struct File {
    std::uint64_t size = 0;
    std::string sha256;  // hex, of exactly the bytes that are held
    std::string text;    // holds a file outside bin/
    // Holds a file under bin/: a memory file with the seals shrink, grow, write and seal.
    std::shared_ptr<const Descriptor> sealed;
  };

  // A folder, or a .zip that holds one folder whose name ends with .rabtplugin. Error codes:
  // plugin.package (neither; damaged; cannot be read), plugin.path (a link, a device, a path that
  // leaves the package or cannot be in one), plugin.too_large (a named limit, a zip bomb).
  [[nodiscard]] static Result<PackageFiles> read(const std::string& path);
  // The same for a folder that is open; origin names it in messages.
  [[nodiscard]] static Result<PackageFiles> read_folder(int folder, std::string origin);

  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] const std::map<std::string, File, std::less<>>& all() const { return files_; }
  [[nodiscard]] const File* find(std::string_view path) const;
  // The text of a file outside bin/; null when there is none.
  [[nodiscard]] const std::string* text(std::string_view path) const;

 private:
  friend class PackageBuilder;
  std::string origin_;
  std::map<std::string, File, std::less<>> files_;
};

// The digest that names what a package is, in hex: SHA-256 of the lines that `sha256sum` prints for
// all files in the order of their paths, without kSumsFile, kSignatureFile, kSbomFile and
// kReportFile, which are made later and speak about it.
[[nodiscard]] std::string digest_of(const PackageFiles& files);

// The bytes of a file of either kind, in pieces. Error of take ends it.
[[nodiscard]] Status each_piece(const PackageFiles::File& file,
                                const std::function<Status(std::string_view)>& take);

}  // namespace rabt::plugin
