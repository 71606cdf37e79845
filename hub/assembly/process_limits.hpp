#pragma once

#include "hub/base/result.hpp"

namespace rabt::assembly {

// Limits of the process (getrlimit(2)) that a hub cannot run with. Raises that of open files as far
// as the system allows. Errors, each with the limit that was found and the one that is needed:
// invalid process.open_files, process.address_space, process.data, process.threads. serve() calls
// it before it starts a thread.
[[nodiscard]] Status check_process_limits();

}  // namespace rabt::assembly
