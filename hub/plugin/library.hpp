#pragma once

#include <string>

#include "hub/base/result.hpp"
#include "hub/phi/vocabulary.hpp"
#include "hub/plugin/manifest.hpp"
#include "rabt/abi.h"

namespace rabt::plugin {

// A mapped plugin library. It is never unmapped: threads, thread-local destructors and static
// destructors of a library make unloading unsafe.
struct Library {
  const rabt_entry* entry = nullptr;
  std::string sha256;     // hex, of exactly the bytes that were mapped
  phi::Vocabulary words;  // of its texts
};

// Where a package keeps the library for this machine: bin/linux-x86_64/plugin.so.
[[nodiscard]] std::string library_path(const std::string& folder);

// Copies the file into a sealed memory file, hashes that copy and maps it, so that what was hashed
// is what runs. The ELF header is checked before anything of the library runs. Error codes:
// plugin.library (cannot be read or mapped), plugin.platform (built for another machine),
// plugin.no_entry.
[[nodiscard]] Result<Library> map_library(const std::string& path);

// Compares the entry's data with the manifest; calls nothing. Error codes: plugin.no_entry,
// plugin.abi_major, plugin.abi_too_new, plugin.id_mismatch, plugin.digest.
[[nodiscard]] Status check_entry(const rabt_entry* entry, const Manifest& manifest);
// The part of check_entry that the manifest alone answers.
[[nodiscard]] Status check_manifest_abi(const Manifest& manifest);

}  // namespace rabt::plugin
