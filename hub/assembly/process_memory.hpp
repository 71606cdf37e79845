#pragma once

namespace rabt::assembly {

// Keys and patient data live in this process's memory: from here on it leaves no core file, and no
// process of the same user can attach to it (RLIMIT_CORE 0, PR_SET_DUMPABLE 0). What stops working:
// gdb -p, strace -p, perf of the same user, gcore; root still can. main() calls it before every
// command. False: the system refused.
[[nodiscard]] bool forbid_core_dumps();

}  // namespace rabt::assembly
