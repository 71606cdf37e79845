#pragma once

namespace rabt::assembly {

// Keeps keys and patient data in this process's memory: from now on the process leaves no core
// file, and no process of the same user can attach to it (RLIMIT_CORE 0, PR_SET_DUMPABLE 0). gdb
// -p, strace -p, perf and gcore then work for root only. main() calls it before every command.
// Returns false if the system refuses.
[[nodiscard]] bool forbid_core_dumps();

}  // namespace rabt::assembly
