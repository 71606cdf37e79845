#include "hub/worker/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "hub/worker/child.hpp"

namespace rabt::worker {

namespace {

// Above every number that the child gets, so that none is overwritten on the way.
constexpr int kHigh = 64;

Descriptor high(int fd) {
  return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, kHigh));
}

}  // namespace

Result<Descriptor> open_program(std::string path) {
  if (path.empty()) {
    std::array<char, PATH_MAX> self{};
    const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
    if (size > 0) path.assign(self.data(), static_cast<std::size_t>(size));
    path = path.substr(0, path.rfind('/') + 1) + "rabt-plugin-host";
  }
  Descriptor program(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!program.open()) {
    return unavailable("worker.program", path + ": " + std::strerror(errno) +
                                             "; rabt-plugin-host is installed beside the hub");
  }
  return program;
}

Result<Process> spawn(const Descriptor& program, int library, const Loans& loans) {
  RABT_TRY(frames, make_channel());
  RABT_TRY(questions, make_channel());
  const Descriptor from[] = {high(frames.second.get()), high(library), high(questions.second.get()),
                             high(program.get()), high(loans.readable().get())};
  for (const Descriptor& descriptor : from) {
    if (!descriptor.open())
      return unavailable("worker.spawn", std::string("no descriptor: ") + std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, from[0].get(), kFramesAt);
  posix_spawn_file_actions_adddup2(&actions, from[1].get(), kLibraryAt);
  posix_spawn_file_actions_adddup2(&actions, from[2].get(), kQuestionsAt);
  posix_spawn_file_actions_adddup2(&actions, from[3].get(), kProgramAt);
  posix_spawn_file_actions_adddup2(&actions, from[4].get(), kLoansAt);
  posix_spawn_file_actions_addclosefrom_np(&actions, kLoansAt + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(
      &attributes,
      static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID));
  std::string name = "rabt-plugin-host";
  std::string language = "LANG=C.UTF-8";
  std::array<char*, 2> arguments{name.data(), nullptr};
  // Libraries of a plugin do not look for files of their own, which the sandbox refuses: OpenSSL
  // for its configuration, ICU for newer time zones.
  std::string openssl = "OPENSSL_CONF=";
  std::string icu = "ICU_TIMEZONE_FILES_DIR=";
  std::array<char*, 4> environment{language.data(), openssl.data(), icu.data(), nullptr};
  Process process;
  const int failure =
      ::posix_spawn(&process.pid, ("/proc/self/fd/" + std::to_string(kProgramAt)).c_str(), &actions,
                    &attributes, arguments.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    return unavailable("worker.spawn", std::string("rabt-plugin-host cannot be started: ") +
                                           std::strerror(failure));
  }
  // No other code collects our children, so the number is still this child's.
  process.pidfd = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U)));
  if (!process.pidfd.open()) {
    const int why = errno;
    ::kill(process.pid, SIGKILL);
    ::waitpid(process.pid, nullptr, 0);
    return unavailable("worker.spawn",
                       std::string("no descriptor of the process: ") + std::strerror(why));
  }
  process.frames = std::move(frames.first);
  process.questions = std::move(questions.first);
  return process;
}

std::uint64_t page_table_bytes(const Process& process) {
  // /proc names processes by number; this one is not collected yet, so that the number is its own.
  const Descriptor file(
      ::open(("/proc/" + std::to_string(process.pid) + "/status").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text{};
  if (!file.open() || ::read(file.get(), text.data(), text.size() - 1) <= 0) return 0;
  const char* const line = std::strstr(text.data(), "\nVmPTE:");
  unsigned long long kib = 0;
  if (line == nullptr || std::sscanf(line, "\nVmPTE: %llu", &kib) != 1) return 0;
  return kib << 10U;
}

void kill(const Process& process) {
  static_cast<void>(::syscall(SYS_pidfd_send_signal, process.pidfd.get(), SIGKILL, nullptr, 0U));
}

End wait_end(const Process& process) {
  siginfo_t how{};
  while (::waitid(static_cast<idtype_t>(3) /* P_PIDFD */, static_cast<id_t>(process.pidfd.get()),
                  &how, WEXITED) != 0) {
    if (errno != EINTR) return {};
  }
  if (how.si_code == CLD_EXITED) return {0, how.si_status};
  return {how.si_status, 0};
}

}  // namespace rabt::worker
