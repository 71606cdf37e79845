#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/plugin/package/durable_files.hpp"
#include "hub/plugin/package/library.hpp"
#include "hub/plugin/package/package_trust.hpp"

// The vendor's side: SBOM, sums, signature.
namespace rabt::plugin {

namespace {

namespace minisign = crypto::minisign;

constexpr std::string_view kPackageEnd = ".rabtplugin";
constexpr std::string_view kToolName = "rabt plugin sign";

struct CloseElf {
  void operator()(Elf* elf) const { ::elf_end(elf); }
};

// A file mapped into memory for as long as this lives.
class Mapping {
 public:
  Mapping(int fd, std::size_t size) : size_(size) {
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    data_ = at == MAP_FAILED ? nullptr : static_cast<char*>(at);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  char* data_ = nullptr;
  std::size_t size_;
};

// The names of DT_NEEDED; empty optional: no ELF file.
std::optional<std::set<std::string>> needed_libraries(const PackageFiles::File& file) {
  if (file.sealed == nullptr || file.size == 0 || ::elf_version(EV_CURRENT) == EV_NONE)
    return std::nullopt;
  const Mapping bytes(file.sealed->get(), file.size);
  if (bytes.data() == nullptr) return std::nullopt;
  const std::unique_ptr<Elf, CloseElf> elf(::elf_memory(bytes.data(), bytes.size()));
  if (elf == nullptr || ::elf_kind(elf.get()) != ELF_K_ELF) return std::nullopt;
  std::set<std::string> out;
  Elf_Scn* section = nullptr;
  while ((section = ::elf_nextscn(elf.get(), section)) != nullptr) {
    GElf_Shdr header{};
    if (::gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNAMIC ||
        header.sh_entsize == 0) {
      continue;
    }
    Elf_Data* const data = ::elf_getdata(section, nullptr);
    if (data == nullptr) continue;
    const auto count = static_cast<int>(std::min<std::uint64_t>(
        header.sh_size / header.sh_entsize, 100'000));  // far more than any linker writes
    for (int i = 0; i < count; ++i) {
      GElf_Dyn entry{};
      if (::gelf_getdyn(data, i, &entry) == nullptr || entry.d_tag == DT_NULL) break;
      if (entry.d_tag != DT_NEEDED) continue;
      const char* const name = ::elf_strptr(elf.get(), header.sh_link, entry.d_un.d_val);
      if (name != nullptr) out.insert(name);
    }
  }
  return out;
}

// An expression of SPDX, as far as characters tell.
bool looks_like_spdx(std::string_view licence) {
  return !licence.empty() && std::all_of(licence.begin(), licence.end(), [](char c) {
    return is_alnum(c) || std::string_view(".-+() ").find(c) != std::string_view::npos;
  });
}

// An UUID (RFC 9562, version 8) from a digest: the same package gives the same one.
std::string uuid_of(crypto::Digest digest) {
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0fU) | 0x80U);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3fU) | 0x80U);
  const std::string hex = to_hex(ByteView(digest).first(16));
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

// True for files that are listed neither in the sums nor in the SBOM.
bool beside_the_sums(std::string_view path) {
  return path == kSumsFile || path == kSignatureFile;
}

// Checks the report of the checker that lies in the package: a vendor signs only a report that is
// good and about the files of this package.
Status check_report(const PackageFiles& files) {
  const std::string* const text = files.text(kReportFile);
  if (text == nullptr) return ok_status();
  const std::string of = files.origin() + "/" + std::string(kReportFile);
  const auto report = Json::parse(*text);
  if (!report.ok() || !report->is_object())
    return invalid("plugin.report", of + ": is no report of `rabt plugin check --write-report`");
  if (report->string_or("packageDigest", "") != digest_of(files))
    return invalid("plugin.report", of + ": is of other files than the package has now; run `rabt "
                                         "plugin check --write-report` again, or remove it");
  if (!report->bool_or("good", false))
    return invalid("plugin.report", of + ": says that a test failed; mend the plugin and write the "
                                         "report again, or remove it");
  return ok_status();
}

bool is_ours(const Json& sbom) {
  for (const Json& tool : sbom["metadata"]["tools"]["components"].size() == 0
                              ? Json::Array()
                              : sbom["metadata"]["tools"]["components"].as_array()) {
    if (tool.string_or("name", "") == kToolName) return true;
  }
  return false;
}

}  // namespace

Result<Json> make_sbom(const PackageFiles& files, const Package& package, std::string_view time) {
  const Manifest& manifest = package.manifest;
  const std::string self = manifest.id + "@" + manifest.version;
  Json components = Json::array();
  Json depends = Json::array();
  std::set<std::string> libraries;
  std::string all;
  for (const auto& [path, file] : files.all()) {
    if (beside_the_sums(path) || path == kSbomFile) continue;
    all += file.sha256 + "  " + path + "\n";
    components.push_back(Json::object(
        {{"type", "file"},
         {"bom-ref", "file:" + path},
         {"name", path},
         {"hashes", Json::array({Json::object({{"alg", "SHA-256"}, {"content", file.sha256}})})}}));
    if (file.sealed == nullptr) continue;
    const auto needed = needed_libraries(file);
    if (!needed)
      return invalid("plugin.platform", files.origin() + "/" + path + ": is no ELF file");
    libraries.insert(needed->begin(), needed->end());
  }
  for (const std::string& name : libraries) {
    const std::string ref = "library:" + name;
    components.push_back(Json::object({{"type", "library"},
                                       {"bom-ref", ref},
                                       {"name", name},
                                       {"scope", "required"},
                                       {"description", "shared library of the system"}}));
    depends.push_back(ref);
  }
  Json component = Json::object({{"type", "library"},
                                 {"bom-ref", self},
                                 {"supplier", Json::object({{"name", manifest.vendor}})},
                                 {"name", manifest.id},
                                 {"version", manifest.version}});
  if (!package.title.empty()) component.set("description", package.title);
  if (!package.license.empty()) {
    component.set(
        "licenses",
        Json::array(
            {looks_like_spdx(package.license)
                 ? Json::object({{"expression", package.license}})
                 : Json::object({{"license", Json::object({{"name", package.license}})}})}));
  }
  Json tool = Json::object({{"type", "application"}, {"name", kToolName}});
  return Json::object(
      {{"bomFormat", "CycloneDX"},
       {"specVersion", "1.6"},
       {"serialNumber", "urn:uuid:" + uuid_of(crypto::sha256(all))},
       {"version", 1},
       {"metadata",
        Json::object({{"timestamp", time},
                      {"tools", Json::object({{"components", Json::array({std::move(tool)})}})},
                      {"component", std::move(component)}})},
       {"components", std::move(components)},
       {"dependencies",
        Json::array({Json::object({{"ref", self}, {"dependsOn", std::move(depends)}})})}});
}

Result<SignedPackage> sign_package(const std::string& folder, const Sign& sign,
                                   const SignOptions& options) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open())
    return invalid("plugin.package", folder +
                                         ": cannot be opened as a folder: " + std::strerror(errno) +
                                         "; sign the folder, then put it into a .zip");
  for (const std::string_view name : {kSbomFile, kSumsFile, kSignatureFile})
    RABT_TRY_STATUS(forget_replacement(fd.get(), std::string(name)));
  RABT_TRY(files, PackageFiles::read_folder(fd.get(), folder));
  RABT_TRY(package, read_package(files));
  // The name is not signed; a wrong one would mislead whoever sees the folder.
  const std::string right =
      package.manifest.id + "-" + package.manifest.version + std::string(kPackageEnd);
  const std::string name = std::filesystem::path(files.origin()).lexically_normal().filename();
  if (name.ends_with(kPackageEnd) && name != right)
    return invalid("plugin.package", folder + ": the folder must be called " + right);
  if (files.text(kLicenceFile) == nullptr)
    return invalid("plugin.package",
                   folder + ": has no LICENSE; say there what a hospital may do with the plugin");
  RABT_TRY_STATUS(check_built_with(files, package.manifest));
  RABT_TRY_STATUS(check_report(files));

  // In this order: whatever a crash leaves does not verify.
  for (const std::string_view old : {kSignatureFile, kSumsFile}) {
    if (::unlinkat(fd.get(), std::string(old).c_str(), 0) != 0 && errno != ENOENT)
      return unavailable("plugin.package", folder + "/" + std::string(old) +
                                               " cannot be removed: " + std::strerror(errno));
  }
  bool make = true;
  if (const std::string* const text = files.text(kSbomFile); text != nullptr) {
    const auto sbom = Json::parse(*text);
    if (!sbom.ok() || sbom->string_or("bomFormat", "") != "CycloneDX" ||
        sbom->string_or("specVersion", "") != "1.6") {
      return invalid("plugin.package", folder + "/" + std::string(kSbomFile) +
                                           " is no CycloneDX 1.6 document; remove it, and one is "
                                           "made");
    }
    make = is_ours(*sbom);  // made for what was here then
  }
  if (make) {
    RABT_TRY(sbom, make_sbom(files, package, options.time));
    RABT_TRY_STATUS(replace_file(fd.get(), std::string(kSbomFile), sbom.dump_pretty() + "\n"));
  }
  RABT_TRY(now, PackageFiles::read_folder(fd.get(), folder));
  std::string sums;
  for (const auto& [path, file] : now.all()) sums += file.sha256 + "  " + path + "\n";
  RABT_TRY_STATUS(replace_file(fd.get(), std::string(kSumsFile), sums));
  const Manifest& manifest = package.manifest;
  const std::string comment =
      "plugin:" + manifest.id + " version:" + manifest.version + " time:" + options.time;
  RABT_TRY(signature, sign(sums, "signature of SHA256SUMS, for minisign -V", comment));
  RABT_TRY(parsed, minisign::parse_signature(signature));
  RABT_TRY_STATUS(replace_file(fd.get(), std::string(kSignatureFile), signature));
  RABT_TRY(done, PackageFiles::read_folder(fd.get(), folder));
  return SignedPackage{.id = manifest.id,
                       .version = manifest.version,
                       .key_id = minisign::to_text(parsed.key_id),
                       .files = done.all().size()};
}

}  // namespace rabt::plugin
