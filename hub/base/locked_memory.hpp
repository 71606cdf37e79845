#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// Memory for keys. Its pages are locked (mlock: never in swap), left out of core files
// (MADV_DONTDUMP) and empty in a child process (MADV_WIPEONFORK). Any thread may call.
namespace rabt {

// Returns zeroed memory. Small sizes share pages. If the pages cannot be locked (RLIMIT_MEMLOCK),
// the memory is given unlocked and counted: see locked_memory(). Stops the process if there is no
// memory at all. A size of 0 gives an empty span.
[[nodiscard]] std::span<std::uint8_t> locked_allocate(std::size_t size);
// Wipes the bytes and gives them back. memory: what locked_allocate returned, whole.
void locked_free(std::span<std::uint8_t> memory) noexcept;

struct LockedMemory {
  std::size_t locked_bytes = 0;
  std::size_t unlocked_bytes = 0;
  // errno of the first mlock(2) that failed, or 0.
  int error = 0;
};
[[nodiscard]] LockedMemory locked_memory();

}  // namespace rabt
