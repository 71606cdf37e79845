#include "hub/worker/sandbox.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

namespace rabt::worker {

namespace {

constexpr unsigned kNobody = 65534;
constexpr std::uint64_t kStackBytes = 8ULL << 20U;
// Address space that the program itself takes: its code and libraries, two arenas of malloc (64 MiB
// each), packet buffers. What the hub lends comes to it.
constexpr std::uint64_t kOwnBytes = 256ULL << 20U;
// Memory that the program itself writes after it has entered the sandbox: its buffers, and the data
// of the libraries that come with the plugin.
constexpr std::uint64_t kOwnDataBytes = 2ULL << 20U;
constexpr std::uint64_t kLaneDataBytes = kStackBytes + (512ULL << 10U);

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
// Below it arch_prctl reads and sets registers of threads and extended states; above it, it maps.
constexpr std::uint32_t kFirstFeature = 0x2000;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "unknown machine"
#endif

bool limit(int what, std::uint64_t value) {
  const rlimit both{value, value};
  return ::setrlimit(static_cast<__rlimit_resource>(what), &both) == 0;
}

// Memory that the process can write now: private memory and its stack, as RLIMIT_DATA counts.
std::uint64_t written_bytes() {
  constexpr std::uint64_t kUsual = 4ULL << 20U;  // where the system does not tell
  const Descriptor file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text{};
  if (!file.open() || ::read(file.get(), text.data(), text.size() - 1) <= 0) return kUsual;
  unsigned long long pages = 0;
  // The sixth of its numbers.
  if (std::sscanf(text.data(), "%*u %*u %*u %*u %*u %llu", &pages) != 1) return kUsual;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// A limit on address space alone would let a plugin have what the program left of its own part.
bool limit_memory(const Limits& limits, std::uint32_t lanes) {
  const std::uint64_t own = written_bytes() + kOwnDataBytes + (lanes - 1) * kLaneDataBytes;
  return limit(RLIMIT_DATA, own + limits.memory) &&
         limit(RLIMIT_AS,
               limits.memory + kOwnBytes + lanes * kStackBytes + (lanes + 1) * kMaxFrameBytes);
}

// own_user: nobody else's processes count against the limit on threads.
bool set_limits(const Limits& limits, std::uint32_t lanes, bool own_user) {
  bool good = limit(RLIMIT_CORE, 0);
  good = limit(RLIMIT_NOFILE, limits.files) && good;
  good = limit(RLIMIT_FSIZE, 0) && good;  // it has no file to write
  good = limit(RLIMIT_STACK, kStackBytes) && good;
  good = limit(RLIMIT_MEMLOCK, 0) && good;
  good = limit(RLIMIT_MSGQUEUE, 0) && good;
  if (own_user) good = limit(RLIMIT_NPROC, limits.threads + lanes) && good;
  if (!sanitized()) good = limit_memory(limits, lanes) && good;
  return good;
}

// ---- namespaces and identity

bool drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  // Ambient ones go with the permitted ones.
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

// Namespaces first, while it may still make them; then an identity that owns nothing.
std::uint32_t leave() {
  std::uint32_t parts = 0;
  const auto network = static_cast<std::uint32_t>(Part::network_namespace);
  const auto user = static_cast<std::uint32_t>(Part::user_namespace);
  bool nobody = true;
  if (::geteuid() == 0) {
    if (::unshare(CLONE_NEWNET | CLONE_NEWIPC) == 0) parts |= network;
    // Refused in a container whose only user is root, for one.
    nobody = ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
             ::setresuid(kNobody, kNobody, kNobody) == 0;
    if (::unshare(CLONE_NEWUSER) == 0) parts |= user;
  } else if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) == 0) {
    parts |= network | user;
  } else if (::unshare(CLONE_NEWUSER) == 0) {
    parts |= user;
  }
  if (drop_capabilities() && nobody) parts |= static_cast<std::uint32_t>(Part::identity);
  return parts;
}

// When the machine has no memory left, it goes and not the hub.
void offer_to_be_killed() {
  const Descriptor file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (file.open()) static_cast<void>(write_all(file.get(), "1000"));
}

// ---- Landlock. Rights and scopes that the build machine's header may not know yet.

constexpr std::uint64_t kRefer = 1ULL << 13U;        // Landlock ABI 2
constexpr std::uint64_t kTruncate = 1ULL << 14U;     // 3
constexpr std::uint64_t kIoctlDevice = 1ULL << 15U;  // 5
constexpr std::uint64_t kBindConnectTcp = 3;         // 4
constexpr std::uint64_t kScopeSocketAndSignal = 3;   // 6
constexpr std::uint64_t kBaseRights = (1ULL << 13U) - 1;

struct Ruleset {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scoped = 0;
};

// Paths that the linker and the C library read: libraries, their index, time zones.
constexpr std::array kReadable{"/lib",
                               "/lib64",
                               "/usr/lib",
                               "/usr/lib64",
                               "/usr/local/lib",
                               "/etc/ld.so.cache",
                               "/usr/share/zoneinfo",
                               "/etc/localtime"};

bool restrict_files(const std::vector<std::string>& folders) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U);
  if (abi < 1) return false;
  Ruleset rules;
  rules.files = kBaseRights;
  std::size_t size = sizeof rules.files;
  if (abi >= 2) rules.files |= kRefer;
  if (abi >= 3) rules.files |= kTruncate;
  if (abi >= 4) {
    rules.network = kBindConnectTcp;
    size = offsetof(Ruleset, scoped);
  }
  if (abi >= 5) rules.files |= kIoctlDevice;
  if (abi >= 6) {
    rules.scoped = kScopeSocketAndSignal;
    size = sizeof rules;
  }
  const Descriptor set(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0U)));
  if (!set.open()) return false;
  std::vector<const char*> readable(kReadable.begin(), kReadable.end());
  if (sanitized()) readable.push_back("/proc");
  for (const std::string& folder : folders) readable.push_back(folder.c_str());
  for (const char* const path : readable) {
    const Descriptor place(::open(path, O_PATH | O_CLOEXEC));
    struct stat about {};
    if (!place.open() || ::fstat(place.get(), &about) != 0) continue;  // there is none here
    landlock_path_beneath_attr rule{};
    rule.parent_fd = place.get();
    rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
    if (S_ISDIR(about.st_mode)) rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    if (::syscall(SYS_landlock_add_rule, set.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0U) != 0)
      return false;
  }
  return ::syscall(SYS_landlock_restrict_self, set.get(), 0U) == 0;
}

// ---- seccomp. Everything that is not listed as harmless asks the hub.
//
// The listed calls give no memory that RLIMIT_DATA does not count, which is private memory that can
// be written now. So there are no memory files, nothing shared, no stacks but those of threads, and
// written memory stays writable. Pipes hold 64 KiB each and are no more than descriptors.

constexpr std::array kHarmless {
  // memory (mmap, mprotect and mremap below)
  SYS_munmap, SYS_brk, SYS_madvise, SYS_mincore,
      // its descriptors: the sockets it was given, pipes between its threads (fcntl below)
      SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_close,
      SYS_close_range, SYS_fstat, SYS_dup, SYS_dup3, SYS_sendmsg, SYS_recvmsg, SYS_sendto,
      SYS_recvfrom, SYS_ppoll, SYS_pipe2, SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl,
      SYS_epoll_pwait,
      // time
      SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
      // threads (clone below)
      SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_set_tid_address,
      SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
      SYS_getcpu, SYS_membarrier, SYS_exit, SYS_exit_group, SYS_restart_syscall,
      // signals of its own (tgkill below)
      SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending,
      SYS_rt_sigtimedwait, SYS_rt_sigsuspend, SYS_sigaltstack,
      // about itself
      SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
      SYS_getrlimit, SYS_getrusage, SYS_times, SYS_uname, SYS_sysinfo, SYS_getrandom,
#if defined(__x86_64__)
      SYS_poll, SYS_pipe, SYS_dup2, SYS_epoll_wait, SYS_time, SYS_eventfd,
#endif
};

constexpr std::uint32_t low_of(std::size_t argument) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * 8);
}

// Classic BPF over one seccomp_data.
class Filter {
 public:
  static constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
  static constexpr std::uint32_t kAsk = SECCOMP_RET_USER_NOTIF;
  static constexpr std::uint32_t fails(std::uint32_t code) { return SECCOMP_RET_ERRNO | code; }

  void load(std::uint32_t at) { add(BPF_LD | BPF_W | BPF_ABS, at, 0, 0); }
  void give(std::uint32_t action) { add(BPF_RET | BPF_K, action, 0, 0); }
  // Compare the loaded word.
  void equal(std::uint32_t value, std::uint32_t action) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    give(action);
  }
  void differs(std::uint32_t value, std::uint32_t action) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    give(action);
  }
  void at_least(std::uint32_t value, std::uint32_t action) {
    add(BPF_JMP | BPF_JGE | BPF_K, value, 0, 1);
    give(action);
  }
  void any_of(std::uint32_t bits, std::uint32_t action) {
    add(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
    give(action);
  }
  // body runs for one system call and must end in give; the number is loaded before and after.
  template <typename Body>
  void call(long number, Body body) {
    const std::size_t at = code_.size();
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 0);
    body();
    code_[at].jf = static_cast<std::uint8_t>(code_.size() - at - 1);
  }
  Descriptor install() {
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return Descriptor(static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                                 SECCOMP_FILTER_FLAG_NEW_LISTENER, &program)));
  }

 private:
  void add(unsigned code, std::uint32_t k, std::uint8_t yes, std::uint8_t no) {
    code_.push_back({static_cast<std::uint16_t>(code), yes, no, k});
  }
  std::vector<sock_filter> code_;
};

Descriptor filter_calls() {
  Filter filter;
  filter.load(offsetof(seccomp_data, arch));
  filter.differs(kArchitecture, SECCOMP_RET_KILL_PROCESS);
  filter.load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
  filter.at_least(0x40000000U, SECCOMP_RET_KILL_PROCESS);  // the x32 numbers
#endif
  for (const long number : kHarmless)
    filter.equal(static_cast<std::uint32_t>(number), Filter::kAllow);
  // The C library then uses clone, whose flags a filter can see.
  filter.equal(SYS_clone3, Filter::fails(ENOSYS));
  filter.equal(SYS_ioctl, Filter::fails(ENOTTY));  // nothing it has is a terminal
  filter.call(SYS_clone, [&] {                     // threads, but no processes
    filter.load(low_of(0));
    filter.any_of(CLONE_THREAD, Filter::kAllow);
    filter.give(Filter::kAsk);
  });
  filter.call(SYS_tgkill, [&] {  // raise() and abort()
    filter.load(low_of(0));
    filter.equal(static_cast<std::uint32_t>(::getpid()), Filter::kAllow);
    filter.give(Filter::kAsk);
  });
  filter.call(SYS_mmap, [&] {
    // RLIMIT_DATA counts neither what is shared nor what grows like a stack. The hub's part was
    // mapped before.
    filter.load(low_of(3));
    filter.any_of(MAP_SHARED | MAP_GROWSDOWN, Filter::fails(EPERM));
    filter.load(low_of(2));
    filter.any_of(PROT_EXEC, Filter::kAsk);
    filter.give(Filter::kAllow);
  });
  // A piece of the stack that is moved and made larger stays a stack. The C library copies instead.
  filter.equal(SYS_mremap, Filter::fails(ENOMEM));
  filter.call(SYS_mprotect, [&] {
    // No code but the mapped library's. RLIMIT_DATA does not count what cannot be written, so that
    // memory is written first and made unwritable by nobody but the linker.
    filter.load(low_of(2));
    filter.any_of(PROT_EXEC, Filter::kAsk);
    filter.any_of(PROT_WRITE, Filter::kAllow);
    filter.give(sanitized() ? Filter::kAllow : Filter::kAsk);
  });
#if defined(__x86_64__)
  filter.call(SYS_arch_prctl, [&] {  // no shadow stacks, which are memory of their own
    filter.load(low_of(0));
    filter.at_least(kFirstFeature, Filter::kAsk);
    filter.give(Filter::kAllow);
  });
#endif
  filter.call(SYS_fcntl, [&] {
    // No F_SETOWN, F_SETSIG and O_ASYNC: with them the kernel sends signals to others, the hub too.
    filter.load(low_of(1));
    for (const int command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL})
      filter.equal(static_cast<std::uint32_t>(command), Filter::kAllow);
    filter.differs(F_SETFL, Filter::kAsk);
    filter.load(low_of(2));
    filter.any_of(O_ASYNC, Filter::kAsk);
    filter.give(Filter::kAllow);
  });
  filter.call(SYS_newfstatat, [&] {  // fstat() of the C library
    filter.load(low_of(3));
    filter.any_of(AT_EMPTY_PATH, Filter::kAllow);
    filter.give(Filter::kAsk);
  });
  filter.call(SYS_prctl, [&] {
    filter.load(low_of(0));
    for (const int name : {PR_SET_NAME, PR_GET_NAME, 0x53564d41 /* PR_SET_VMA */})
      filter.equal(static_cast<std::uint32_t>(name), Filter::kAllow);
    filter.give(Filter::kAsk);
  });
  filter.call(SYS_prlimit64, [&] {  // reading its own limits, not setting any
    filter.load(low_of(0));
    filter.differs(0, Filter::kAsk);
    filter.load(low_of(2));
    filter.differs(0, Filter::kAsk);
    filter.load(low_of(2) + 4);
    filter.differs(0, Filter::kAsk);
    filter.give(Filter::kAllow);
  });
  filter.give(Filter::kAsk);
  return filter.install();
}

}  // namespace

std::string missing_parts(std::uint32_t parts) {
  constexpr std::array<std::pair<Part, std::string_view>, 7> kNames{
      {{Part::limits, "limits"},
       {Part::no_new_privileges, "no-new-privileges"},
       {Part::landlock, "landlock"},
       {Part::system_calls, "system-calls"},
       {Part::network_namespace, "network-namespace"},
       {Part::user_namespace, "user-namespace"},
       {Part::identity, "identity"}}};
  std::string out;
  for (const auto& [part, name] : kNames) {
    if ((parts & static_cast<std::uint32_t>(part)) != 0) continue;
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

bool sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

Applied enter_sandbox(const Limits& limits, std::uint32_t lanes) {
  Applied out;
  const auto stands = [&out](Part part) { out.parts |= static_cast<std::uint32_t>(part); };
  offer_to_be_killed();
  out.parts |= leave();
  const bool own_user = (out.parts & static_cast<std::uint32_t>(Part::user_namespace)) != 0;
  if (set_limits(limits, lanes, own_user)) stands(Part::limits);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) stands(Part::no_new_privileges);
  // After the change of identity, which clears both.
  static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  if (restrict_files(limits.folders)) stands(Part::landlock);
  out.listener = filter_calls();
  if (out.listener.open()) stands(Part::system_calls);
  return out;
}

std::string call_name(int number) {
  struct Name {
    long number;
    std::string_view name;
  };
  // Names of the forbidden calls that a plugin is likely to try.
  static constexpr std::array kNames {
    Name{SYS_socket, "socket"}, Name{SYS_socketpair, "socketpair"}, Name{SYS_connect, "connect"},
        Name{SYS_bind, "bind"}, Name{SYS_listen, "listen"}, Name{SYS_accept, "accept"},
        Name{SYS_accept4, "accept4"}, Name{SYS_sendmmsg, "sendmmsg"},
        Name{SYS_recvmmsg, "recvmmsg"}, Name{SYS_getsockname, "getsockname"},
        Name{SYS_getpeername, "getpeername"}, Name{SYS_setsockopt, "setsockopt"},
        Name{SYS_getsockopt, "getsockopt"}, Name{SYS_shutdown, "shutdown"},
        Name{SYS_openat, "openat"}, Name{SYS_openat2, "openat2"},
        Name{SYS_newfstatat, "newfstatat"}, Name{SYS_statx, "statx"},
        Name{SYS_readlinkat, "readlinkat"}, Name{SYS_faccessat, "faccessat"},
        Name{SYS_faccessat2, "faccessat2"}, Name{SYS_getdents64, "getdents64"},
        Name{SYS_getcwd, "getcwd"}, Name{SYS_chdir, "chdir"}, Name{SYS_fchdir, "fchdir"},
        Name{SYS_unlinkat, "unlinkat"}, Name{SYS_renameat2, "renameat2"},
        Name{SYS_mkdirat, "mkdirat"}, Name{SYS_linkat, "linkat"}, Name{SYS_symlinkat, "symlinkat"},
        Name{SYS_fchmodat, "fchmodat"}, Name{SYS_fchownat, "fchownat"}, Name{SYS_chroot, "chroot"},
        Name{SYS_mount, "mount"}, Name{SYS_umount2, "umount2"}, Name{SYS_execve, "execve"},
        Name{SYS_execveat, "execveat"}, Name{SYS_clone, "clone"}, Name{SYS_unshare, "unshare"},
        Name{SYS_setns, "setns"}, Name{SYS_ptrace, "ptrace"},
        Name{SYS_process_vm_readv, "process_vm_readv"},
        Name{SYS_process_vm_writev, "process_vm_writev"}, Name{SYS_pidfd_open, "pidfd_open"},
        Name{SYS_pidfd_getfd, "pidfd_getfd"}, Name{SYS_pidfd_send_signal, "pidfd_send_signal"},
        Name{SYS_kill, "kill"}, Name{SYS_tkill, "tkill"}, Name{SYS_tgkill, "tgkill"},
        Name{SYS_prctl, "prctl"}, Name{SYS_prlimit64, "prlimit64"},
        Name{SYS_setrlimit, "setrlimit"}, Name{SYS_mmap, "mmap"}, Name{SYS_mprotect, "mprotect"},
        Name{SYS_fcntl, "fcntl"}, Name{SYS_memfd_create, "memfd_create"},
        Name{SYS_ftruncate, "ftruncate"}, Name{SYS_fallocate, "fallocate"},
        Name{SYS_splice, "splice"}, Name{SYS_vmsplice, "vmsplice"}, Name{SYS_sendfile, "sendfile"},
        Name{SYS_bpf, "bpf"}, Name{SYS_seccomp, "seccomp"}, Name{SYS_keyctl, "keyctl"},
        Name{SYS_add_key, "add_key"}, Name{SYS_perf_event_open, "perf_event_open"},
        Name{SYS_userfaultfd, "userfaultfd"}, Name{SYS_io_uring_setup, "io_uring_setup"},
        Name{SYS_init_module, "init_module"}, Name{SYS_finit_module, "finit_module"},
        Name{SYS_reboot, "reboot"}, Name{SYS_setuid, "setuid"}, Name{SYS_setgid, "setgid"},
        Name{SYS_setresuid, "setresuid"}, Name{SYS_setsid, "setsid"}, Name{SYS_shmget, "shmget"},
        Name{SYS_semget, "semget"}, Name{SYS_msgget, "msgget"},
        Name{SYS_timer_create, "timer_create"}, Name{SYS_inotify_init1, "inotify_init1"},
        Name{SYS_sched_setaffinity, "sched_setaffinity"}, Name{SYS_setpriority, "setpriority"},
        Name{SYS_wait4, "wait4"}, Name{SYS_waitid, "waitid"},
#if defined(__x86_64__)
        Name{SYS_open, "open"}, Name{SYS_creat, "creat"}, Name{SYS_stat, "stat"},
        Name{SYS_lstat, "lstat"}, Name{SYS_access, "access"}, Name{SYS_readlink, "readlink"},
        Name{SYS_fork, "fork"}, Name{SYS_vfork, "vfork"}, Name{SYS_unlink, "unlink"},
        Name{SYS_rename, "rename"}, Name{SYS_mkdir, "mkdir"}, Name{SYS_rmdir, "rmdir"},
        Name{SYS_alarm, "alarm"}, Name{SYS_ioperm, "ioperm"}, Name{SYS_iopl, "iopl"},
#endif
  };
  for (const Name& one : kNames) {
    if (one.number == number) return std::string(one.name);
  }
  return "system call " + std::to_string(number);
}

namespace {
bool only_reads(std::uint64_t flags) {
  return (flags & (O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE)) == O_RDONLY;
}
}  // namespace

bool take_attempt(int listener, Attempt& attempt) {
  seccomp_notif asked{};
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return false;
  attempt.id = asked.id;
  attempt.number = asked.data.nr;
  switch (asked.data.nr) {
    case SYS_openat:
      attempt.reads_file = only_reads(asked.data.args[2]);
      break;
    case SYS_newfstatat:
    case SYS_statx:
    case SYS_readlinkat:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_getcwd:
#if defined(__x86_64__)
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_readlink:
#endif
      attempt.reads_file = true;
      break;
    case SYS_mprotect:
      if ((asked.data.args[2] & PROT_WRITE) == 0) attempt.unwritable = asked.data.args[1];
      [[fallthrough]];
    case SYS_mmap:
      attempt.maps_code = true;
      break;
#if defined(__x86_64__)
    case SYS_open:
      attempt.reads_file = only_reads(asked.data.args[1]);
      break;
#endif
    default:
      break;
  }
  return true;
}

void answer_attempt(int listener, const Attempt& attempt, bool allow) {
  seccomp_notif_resp answer{};
  answer.id = attempt.id;
  answer.error = allow ? 0 : -EPERM;
  answer.flags = allow ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
  static_cast<void>(::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

}  // namespace rabt::worker
