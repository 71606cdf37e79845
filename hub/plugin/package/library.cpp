#include "hub/plugin/package/library.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <cstring>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/mutex.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::plugin {

namespace {

// A longer text of a program is cut between two pieces.
constexpr std::size_t kMaxText = 4096;

// Mapped libraries belong to the process, as the dynamic linker's own list does. The descriptors
// stay open with them: the linker knows a library by its path, and /proc/self/fd/N must not come to
// name another file.
void keep_for_ever(boost::dll::shared_library library) {
  static Mutex mutex;
  static auto* const kept = new std::vector<boost::dll::shared_library>();  // no destructor at exit
  const Lock lock(mutex);
  kept->push_back(std::move(library));
}

Error broken(const std::string& path, const std::string& what) {
  return unavailable("plugin.library", path + ": " + what + ": " + std::strerror(errno));
}

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
constexpr std::string_view kName = "x86-64";
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
constexpr std::string_view kName = "AArch64";
#else
#error "unknown machine"
#endif

Status check_elf(const std::string& path, const Elf64_Ehdr& header, std::uint64_t size) {
  if (size < sizeof header || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return invalid(
        "plugin.platform",
        path + ": is no ELF shared library; build it with rabt_add_plugin() or cc -shared");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kMachine) {
    return invalid("plugin.platform", path + ": is built for another machine (ELF machine " +
                                          std::to_string(header.e_machine) +
                                          "); this hub runs on Linux " + std::string(kName) +
                                          ": take the package for it");
  }
  if (header.e_type != ET_DYN)
    return invalid("plugin.platform",
                   path + ": is no shared library (is it a program or an object file?)");
  return ok_status();
}

Error other_manifest(const Manifest& manifest) {
  return invalid("plugin.digest",
                 manifest.id +
                     ": manifest.yaml is not the one that the library was built with (its SHA-256 "
                     "is " +
                     manifest.sha256 +
                     "); rebuild the plugin, or restore the manifest of the package");
}

Error other_entry(const std::string& what) {
  return invalid("plugin.id_mismatch", what +
                                           "; build the plugin again, with the id and the version "
                                           "of its manifest in RABT_PLUGIN");
}

}  // namespace

std::string library_path(const std::string& folder) {
  return folder + "/" + library_path();
}

Result<const PackageFiles::File*> find_library(const PackageFiles& files) {
  const std::string path = library_path(files.origin());
  const PackageFiles::File* const file = files.find(library_path());
  if (file == nullptr) {
    for (const auto& [other, ignored] : files.all()) {
      if (!other.starts_with("bin/")) continue;
      return invalid("plugin.platform", files.origin() + ": has " + other +
                                            " and nothing for this machine (" + library_path() +
                                            "); take the package for it");
    }
    return not_found("plugin.library",
                     path + ": is not there; build the plugin, or take the whole package");
  }
  Elf64_Ehdr header{};
  if (::pread(file->sealed->get(), &header, sizeof header, 0) < 0)
    return broken(path, "cannot be read");
  RABT_TRY_STATUS(check_elf(path, header, file->size));
  return file;
}

Status check_built_with(const PackageFiles& files, const Manifest& manifest) {
  RABT_TRY(file, find_library(files));
  // Texts of the entry, each with the byte that ends it.
  struct Text {
    std::string value;
    bool found = false;
  };
  std::array<Text, 3> texts{Text{manifest.sha256}, Text{manifest.id}, Text{manifest.version}};
  std::size_t longest = 0;
  for (Text& text : texts) {
    text.value.push_back('\0');
    longest = std::max(longest, text.value.size());
  }
  std::string kept;  // the end of the last piece, where a text may begin
  RABT_TRY_STATUS(each_piece(*file, [&](std::string_view piece) {
    const std::string all = kept.append(piece);
    for (Text& text : texts) text.found = text.found || all.find(text.value) != std::string::npos;
    kept = all.substr(all.size() - std::min(all.size(), longest - 1));
    return ok_status();
  }));
  const auto& [digest, id, version] = texts;
  if (!digest.found) return other_manifest(manifest);
  if (!id.found || !version.found)
    return other_entry("manifest.yaml says " + manifest.id + " " + manifest.version +
                       ", and the library does not have this " + (id.found ? "version" : "id"));
  return ok_status();
}

Result<SealedLibrary> seal_library(const PackageFiles& files) {
  RABT_TRY(file, find_library(files));
  SealedLibrary library;
  library.path = library_path(files.origin());
  std::string kept;  // a text that goes on in the next piece
  RABT_TRY_STATUS(each_piece(*file, [&](std::string_view piece) {
    const std::string all = kept.append(piece);
    const std::size_t end =
        std::max(all.rfind('\0') + 1, all.size() - std::min(all.size(), kMaxText));
    library.words.add_program(std::string_view(all).substr(0, end));
    kept = all.substr(end);
    return ok_status();
  }));
  library.words.add_program(kept);
  library.file = Descriptor(::fcntl(file->sealed->get(), F_DUPFD_CLOEXEC, 0));
  if (!library.file.open()) return broken(library.path, "no file descriptor");
  library.sha256 = file->sha256;
  return library;
}

Result<const rabt_entry*> map_library(SealedLibrary library) {
  boost::system::error_code failure;
  boost::dll::shared_library mapped;
  mapped.load("/proc/self/fd/" + std::to_string(library.file.get()), failure,
              boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  if (failure) {
    return unavailable("plugin.library", library.path + ": cannot be mapped: " + failure.message() +
                                             "; are the libraries it needs installed? (ldd " +
                                             library.path + ")");
  }
  static_cast<void>(library.file.release());
  const rabt_entry* entry = nullptr;
  if (mapped.has("rabt_plugin_entry")) entry = &mapped.get<const rabt_entry>("rabt_plugin_entry");
  keep_for_ever(std::move(mapped));
  if (entry == nullptr) return no_entry(library.path);
  return entry;
}

Error no_entry(const std::string& path) {
  return invalid(
      "plugin.no_entry",
      path +
          ": exports no data symbol rabt_plugin_entry; end the plugin with RABT_PLUGIN(...), or "
          "make the symbol visible when hidden visibility is the default");
}

Status check_manifest_abi(const Manifest& manifest) {
  if (manifest.abi_major != RABT_ABI_MAJOR) {
    return invalid("plugin.abi_major", manifest.id + " " + manifest.version + " speaks ABI " +
                                           std::to_string(manifest.abi_major) +
                                           ", this hub speaks " + std::to_string(RABT_ABI_MAJOR) +
                                           "; install the plugin's release for ABI " +
                                           std::to_string(RABT_ABI_MAJOR));
  }
  if (manifest.abi_min_minor > RABT_ABI_MINOR) {
    return invalid("plugin.abi_too_new",
                   manifest.id + " " + manifest.version + " needs ABI " +
                       std::to_string(RABT_ABI_MAJOR) + "." +
                       std::to_string(manifest.abi_min_minor) + ", this hub has " +
                       std::to_string(RABT_ABI_MAJOR) + "." + std::to_string(RABT_ABI_MINOR) +
                       "; update the hub or install an older release of the plugin");
  }
  return ok_status();
}

Status check_entry(const rabt_entry* entry, const Manifest& manifest) {
  const std::string& id = manifest.id;
  if (entry->magic != RABT_ABI_MAGIC) {
    return invalid("plugin.no_entry", id + ": rabt_plugin_entry does not begin with the magic "
                                           "number; build it against rabt/abi.h");
  }
  // Version before size: another major may lay the rest out differently.
  if (entry->abi_major != RABT_ABI_MAJOR) {
    return invalid("plugin.abi_major", id + ": the library speaks ABI " +
                                           std::to_string(entry->abi_major) + ", this hub speaks " +
                                           std::to_string(RABT_ABI_MAJOR) +
                                           "; build it with this hub's sdk/");
  }
  if (entry->abi_minor > RABT_ABI_MINOR) {
    return invalid("plugin.abi_too_new", id + ": the library needs ABI minor " +
                                             std::to_string(entry->abi_minor) + ", this hub has " +
                                             std::to_string(RABT_ABI_MINOR) + "; update the hub");
  }
  if (!RABT_HAS(rabt_entry, entry, create) || entry->create == nullptr || entry->id == nullptr ||
      entry->version == nullptr || entry->manifest_sha256 == nullptr) {
    return invalid("plugin.no_entry",
                   id + ": rabt_plugin_entry is incomplete; build it against rabt/abi.h");
  }
  if (id != entry->id || manifest.version != entry->version) {
    return other_entry("manifest.yaml says " + id + " " + manifest.version + ", the library says " +
                       std::string(entry->id).substr(0, 64) + " " +
                       std::string(entry->version).substr(0, 32));
  }
  if (manifest.sha256 != entry->manifest_sha256) return other_manifest(manifest);
  return ok_status();
}

}  // namespace rabt::plugin
