#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/worker/frame.hpp"

// Rights that a plugin's process gives up before it maps the plugin: docs/plugins/isolation.md.
namespace rabt::worker {

// Parts of the sandbox, as bits of a word. Required ones must stand; the others are more walls
// where the system allows them.
enum class Part : std::uint32_t {
  limits = 1U << 0U,
  no_new_privileges = 1U << 1U,
  landlock = 1U << 2U,
  system_calls = 1U << 3U,  // the seccomp filter with its listener
  network_namespace = 1U << 4U,
  user_namespace = 1U << 5U,
  identity = 1U << 6U,  // no root, no capabilities
};
inline constexpr std::uint32_t kRequiredParts = 0x4fU;
// Names of the parts that are not in the word, with commas; empty when all are.
[[nodiscard]] std::string missing_parts(std::uint32_t parts);

// Limits of one process. Zero stands for the default.
struct Limits {
  // Memory that may be written, beyond what the program itself and its stacks take (RLIMIT_DATA): a
  // plugin that asks for more gets none. Its address space has a limit above that (RLIMIT_AS).
  std::uint64_t memory = 512ULL << 20U;
  std::uint64_t files = 48;    // descriptors (RLIMIT_NOFILE)
  std::uint64_t threads = 64;  // beyond the lanes (RLIMIT_NPROC of a user of its own)
  // Folders and files it may read besides the system's libraries (Landlock) until it serves.
  std::vector<std::string> folders{};
};
inline constexpr std::uint64_t kMinMemory = 32ULL << 20U;
inline constexpr std::uint64_t kMaxMemory = 64ULL << 30U;

// True in builds with a sanitizer: they reserve terabytes, so that the limit on address space is
// left out, and read files of /proc.
[[nodiscard]] bool sanitized();

// Applies everything to the calling process, which must have one thread. Irrevocable. Gives the
// parts that stand, and the listener for refused system calls.
struct Applied {
  std::uint32_t parts = 0;
  Descriptor listener;
};
[[nodiscard]] Applied enter_sandbox(const Limits& limits, std::uint32_t lanes);

// The system call's name ("connect"), or "system call 451".
[[nodiscard]] std::string call_name(int number);

// The hub's side of the listener.
struct Attempt {
  std::uint64_t id = 0;
  int number = 0;
  bool reads_file = false;  // opens for reading, or looks at a path
  bool maps_code = false;
  std::uint64_t unwritable = 0;  // bytes that mprotect leaves unwritable
};
// Takes one attempt that waits. Returns false if it is gone.
bool take_attempt(int listener, Attempt& attempt);
// allow: the system call goes on (what it may reach is then the rest of the sandbox's to say); else
// it fails with EPERM.
void answer_attempt(int listener, const Attempt& attempt, bool allow);

}  // namespace rabt::worker
