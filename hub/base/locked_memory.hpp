#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// Memory for keys. Its pages are locked (mlock: never in swap), left out of core files
// (MADV_DONTDUMP) and empty in a child process (MADV_WIPEONFORK). Any thread may call.
namespace rabt {

// Zeroed. Small sizes share pages. When the pages cannot be locked (RLIMIT_MEMLOCK) the memory is
// given unlocked and counted: see locked_memory(). Stops the process when there is no memory at
// all. size 0 gives an empty span.
[[nodiscard]] std::span<std::uint8_t> locked_allocate(std::size_t size);
// Wipes the bytes and gives them back. memory: as it was allocated, whole.
void locked_free(std::span<std::uint8_t> memory) noexcept;

struct LockedMemory {
  std::size_t locked_bytes = 0;    // of pages that are locked
  std::size_t unlocked_bytes = 0;  // of pages that could not be locked
  int error = 0;                   // errno of the first mlock(2) that failed
};
[[nodiscard]] LockedMemory locked_memory();

}  // namespace rabt
