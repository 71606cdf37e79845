#include "hub/assembly/process_limits.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace rabt::assembly {

namespace {

// Files, pipes of plugins and sockets of the hub itself (512), and some connections.
constexpr rlim_t kOpenFiles = 640;
// Threads of a hub with some plugins.
constexpr rlim_t kThreads = 200;
// Memory besides the stacks of threads, in bytes.
constexpr rlim_t kMemory = 512ULL << 20U;
// Stack of a thread where RLIMIT_STACK has none: glibc's.
constexpr rlim_t kUsualStack = 2ULL << 20U;

rlimit limit_of(__rlimit_resource resource) {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  (void)::getrlimit(resource, &limit);
  return limit;
}

Status needs(rlim_t found, rlim_t needed, std::string_view code, const std::string& what,
             const std::string& unit, const std::string& how) {
  if (found == RLIM_INFINITY || found >= needed) return ok_status();
  return invalid(std::string(code), "the limit of " + what + " is " + std::to_string(found) + unit +
                                        ", and the hub needs " + std::to_string(needed) + unit +
                                        ": raise it (" + how + ")");
}

Status needs_mib(__rlimit_resource resource, rlim_t needed, std::string_view code,
                 const std::string& what, const std::string& how) {
  const rlim_t found = limit_of(resource).rlim_cur;
  return needs(found == RLIM_INFINITY ? found : found >> 20U, needed >> 20U, code, what, " MiB",
               how);
}

}  // namespace

Status check_process_limits() {
  rlimit files = limit_of(RLIMIT_NOFILE);
  if (files.rlim_cur < kOpenFiles && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = std::min(kOpenFiles, files.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &files);
  }
  RABT_TRY_STATUS(needs(limit_of(RLIMIT_NOFILE).rlim_cur, kOpenFiles, "process.open_files",
                        "open files", "", "ulimit -n, or LimitNOFILE= of a systemd unit"));
  const rlim_t stack = limit_of(RLIMIT_STACK).rlim_cur;
  const rlim_t memory = kMemory + kThreads * (stack == RLIM_INFINITY ? kUsualStack : stack);
  RABT_TRY_STATUS(needs_mib(RLIMIT_AS, memory + kMemory, "process.address_space",
                            "the address space", "ulimit -v, or LimitAS= of a systemd unit"));
  RABT_TRY_STATUS(needs_mib(RLIMIT_DATA, memory, "process.data", "the data segment",
                            "ulimit -d, or LimitDATA= of a systemd unit"));
  // The system does not count the threads of root.
  if (::geteuid() == 0) return ok_status();
  return needs(limit_of(RLIMIT_NPROC).rlim_cur, kThreads, "process.threads", "threads of this user",
               "", "ulimit -u, or LimitNPROC= of a systemd unit");
}

}  // namespace rabt::assembly
