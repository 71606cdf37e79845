#include <unistd.h>

#include "hub/worker/child.hpp"

// The program rabt-plugin-host: hub/worker/child.hpp. The hub starts it; nobody else does.

#if defined(__SANITIZE_ADDRESS__)
// Signals end the process as they do without the sanitizer, and nothing is started at the end.
extern "C" const char* __asan_default_options();   // NOLINT: the runtime's name
extern "C" const char* __asan_default_options() {  // NOLINT
  return "detect_leaks=0:handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigill=0:"
         "handle_sigfpe=0:symbolize=0:allocator_may_return_null=1:max_allocation_size_mb=1024";
}
#endif

int main() {
  ::_exit(rabt::worker::run_child());
}
