#pragma once

#include <string>

#include "hub/base/result.hpp"
#include "hub/phi/vocabulary.hpp"
#include "hub/plugin/manifest.hpp"
#include "hub/worker/frame.hpp"
#include "rabt/abi.h"

namespace rabt::plugin {

// A copy of a plugin's library that nobody can change any more.
struct SealedLibrary {
  std::string path;  // of what was copied, for messages
  worker::Descriptor file;
  std::string sha256;     // hex, of exactly the bytes that are mapped later
  phi::Vocabulary words;  // of its texts
};

// Where a package keeps the library for this machine: bin/linux-x86_64/plugin.so.
[[nodiscard]] std::string library_path(const std::string& folder);

// Copies the file into a sealed memory file and hashes that copy, so that what was hashed is what
// runs. Looks at the ELF header; nothing of the library runs. Error codes: plugin.library (cannot
// be read), plugin.platform (built for another machine).
[[nodiscard]] Result<SealedLibrary> seal_library(const std::string& path);

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
