#pragma once

#include <string>

#include "hub/base/result.hpp"
#include "hub/phi/vocabulary.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/package/package_files.hpp"
#include "hub/worker/frame.hpp"
#include "rabt/abi.h"

namespace rabt::plugin {

// A plugin's library in a memory file that nobody can change any more.
struct SealedLibrary {
  std::string path;  // in the package, for messages
  Descriptor file;
  std::string sha256;     // hex, of exactly the bytes that are mapped later
  phi::Vocabulary words;  // what its texts say
};

// Returns the path of a package's library for this machine: bin/linux-x86_64/plugin.so.
[[nodiscard]] std::string library_path(const std::string& folder);

// The library of this machine among the files, looked at and not run: is it there, and is it an ELF
// shared library for this machine? Error codes: plugin.library (absent), plugin.platform (built for
// another machine).
[[nodiscard]] Result<const PackageFiles::File*> find_library(const PackageFiles& files);

// The library of this machine, which was built with this manifest: the SHA-256 of the manifest, its
// id and its version are constant texts of it, as check_entry will find them. They are looked for
// and nothing is run; an old version that stands in the library as another text is found at the
// start. Error codes: those of find_library, plugin.digest, plugin.id_mismatch.
[[nodiscard]] Status check_built_with(const PackageFiles& files, const Manifest& manifest);

// That library as its process or this one maps it: the sealed memory file that was hashed is what
// runs. Error codes: those of find_library, plugin.library (no file descriptor).
[[nodiscard]] Result<SealedLibrary> seal_library(const PackageFiles& files);

// Maps it here. It is never unmapped: threads, thread-local destructors and static destructors of a
// library make unloading unsafe. Error codes: plugin.library (cannot be mapped), plugin.no_entry.
[[nodiscard]] Result<const rabt_entry*> map_library(SealedLibrary library);
[[nodiscard]] Error no_entry(const std::string& path);

// Compares the entry's data with the manifest; calls nothing. Error codes: plugin.no_entry,
// plugin.abi_major, plugin.abi_too_new, plugin.id_mismatch, plugin.digest.
[[nodiscard]] Status check_entry(const rabt_entry* entry, const Manifest& manifest);
// The part of check_entry that the manifest alone answers.
[[nodiscard]] Status check_manifest_abi(const Manifest& manifest);

}  // namespace rabt::plugin
