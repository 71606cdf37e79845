#include "hub/assembly/process_memory.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace rabt::assembly {

bool forbid_core_dumps() {
  // The limit alone does not hold where cores go through a pipe (core(5)); the flag does.
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0 && ::prctl(PR_SET_DUMPABLE, 0) == 0;
}

}  // namespace rabt::assembly
