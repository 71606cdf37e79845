#include "tools/check/no_network.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace rabt::check {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_AARCH64;
#else
#error "the machine's number for seccomp is missing here"
#endif
constexpr std::uint32_t kOtherNumbers = 0x40000000;  // of x32, on x86-64: no call of ours

}  // namespace

bool refuse_sockets() {
  constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
  constexpr std::uint16_t kEqual = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr std::uint16_t kAtLeast = BPF_JMP | BPF_JGE | BPF_K;
  constexpr std::uint16_t kGive = BPF_RET | BPF_K;
  // A jump counts from the line after it: 8 allows, 9 refuses.
  std::array<sock_filter, 10> code{{
      {kLoad, 0, 0, offsetof(seccomp_data, arch)},
      {kEqual, 0, 7, kMachine},
      {kLoad, 0, 0, offsetof(seccomp_data, nr)},
      {kAtLeast, 5, 0, kOtherNumbers},
      {kEqual, 4, 0, SYS_io_uring_setup},  // opens sockets, too
      {kEqual, 0, 2, SYS_socket},
      // The domain, an int: the low half of the first argument.
      {kLoad, 0, 0, offsetof(seccomp_data, args)},
      {kEqual, 0, 1, AF_UNIX},
      {kGive, 0, 0, SECCOMP_RET_ALLOW},
      {kGive, 0, 0, SECCOMP_RET_ERRNO | EPERM},
  }};
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

bool take_network_away() {
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 || refuse_sockets();
}

}  // namespace rabt::check
