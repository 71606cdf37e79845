#include <elf.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "hub/plugin/package/library.hpp"
#include "tools/check/elf_file.hpp"
#include "tools/check/groups.hpp"
#include "tools/check/session.hpp"

namespace rabt::check {

namespace {

constexpr std::int64_t kScanLimitMicros = 100'000;
constexpr int kScans = 5;  // the best counts: the machine may be busy

struct Import {
  std::string_view name;
  std::string_view instead;
};
constexpr std::string_view kNoPrograms = "a plugin starts no programs";
constexpr std::string_view kNoNetwork = "requests go through rabt.http/1";
constexpr std::string_view kNoSignals = "signals belong to the host";
constexpr std::string_view kNoEnd = "only the host ends the process";
constexpr std::string_view kNoLoading = "what a plugin needs is linked into it";
constexpr std::string_view kNoRights = "the host decides what the process may do";
// Functions that the C++ library itself imports when it is linked in (open, read, syscall, abort,
// getenv) look like the plugin's own use and are not listed; in a worker the kernel refuses them.
constexpr std::array kForbidden{
    Import{"system", kNoPrograms},
    Import{"popen", kNoPrograms},
    Import{"fork", kNoPrograms},
    Import{"vfork", kNoPrograms},
    Import{"_Fork", kNoPrograms},
    Import{"clone", kNoPrograms},
    Import{"execl", kNoPrograms},
    Import{"execle", kNoPrograms},
    Import{"execlp", kNoPrograms},
    Import{"execv", kNoPrograms},
    Import{"execve", kNoPrograms},
    Import{"execvp", kNoPrograms},
    Import{"execvpe", kNoPrograms},
    Import{"execveat", kNoPrograms},
    Import{"fexecve", kNoPrograms},
    Import{"posix_spawn", kNoPrograms},
    Import{"posix_spawnp", kNoPrograms},
    Import{"daemon", kNoPrograms},
    Import{"socket", kNoNetwork},
    Import{"socketpair", kNoNetwork},
    Import{"connect", kNoNetwork},
    Import{"bind", kNoNetwork},
    Import{"listen", kNoNetwork},
    Import{"accept", kNoNetwork},
    Import{"accept4", kNoNetwork},
    Import{"sendto", kNoNetwork},
    Import{"sendmsg", kNoNetwork},
    Import{"recvfrom", kNoNetwork},
    Import{"recvmsg", kNoNetwork},
    Import{"getaddrinfo", kNoNetwork},
    Import{"gethostbyname", kNoNetwork},
    Import{"res_query", kNoNetwork},
    Import{"signal", kNoSignals},
    Import{"sigaction", kNoSignals},
    Import{"sigprocmask", kNoSignals},
    Import{"pthread_sigmask", kNoSignals},
    Import{"sigaltstack", kNoSignals},
    Import{"signalfd", kNoSignals},
    Import{"alarm", kNoSignals},
    Import{"setitimer", kNoSignals},
    Import{"kill", kNoSignals},
    Import{"tgkill", kNoSignals},
    Import{"pthread_kill", kNoSignals},
    Import{"exit", kNoEnd},
    Import{"_exit", kNoEnd},
    Import{"_Exit", kNoEnd},
    Import{"quick_exit", kNoEnd},
    Import{"dlopen", kNoLoading},
    Import{"dlmopen", kNoLoading},
    Import{"ptrace", kNoRights},
    Import{"process_vm_readv", kNoRights},
    Import{"process_vm_writev", kNoRights},
    Import{"prctl", kNoRights},
    Import{"setrlimit", kNoRights},
    Import{"prlimit", kNoRights},
    Import{"unshare", kNoRights},
    Import{"setns", kNoRights},
    Import{"chroot", kNoRights},
    Import{"mount", kNoRights},
    Import{"setuid", kNoRights},
    Import{"setgid", kNoRights},
    Import{"setenv", kNoRights},
    Import{"putenv", kNoRights},
    Import{"chdir", kNoRights},
    Import{"umask", kNoRights},
};
constexpr std::array kDoubtful{
    Import{"clock_gettime", "rabt.clock/1 is virtual in tests"},
    Import{"gettimeofday", "rabt.clock/1 is virtual in tests"},
    Import{"time", "rabt.clock/1 is virtual in tests"},
    Import{"nanosleep", "sleeping holds the lane; use rabt.clock/1 wake_after"},
    Import{"clock_nanosleep", "sleeping holds the lane; use rabt.clock/1 wake_after"},
    Import{"usleep", "sleeping holds the lane; use rabt.clock/1 wake_after"},
    Import{"sleep", "sleeping holds the lane; use rabt.clock/1 wake_after"},
    Import{"rand", "rabt.clock/1 random gives bytes that nobody predicts"},
    Import{"random", "rabt.clock/1 random gives bytes that nobody predicts"},
};

template <typename List>
std::string found_in(const ElfFile& file, const List& list) {
  std::string out;
  for (const ElfFile::Symbol& symbol : file.symbols()) {
    if (symbol.defined) continue;
    const auto* at = std::find_if(list.begin(), list.end(), [&](const Import& import) {
      return symbol.name == import.name || symbol.name == "__" + std::string(import.name);
    });
    if (at == list.end()) continue;
    out += (out.empty() ? "" : ", ") + symbol.name + " (" + std::string(at->instead) + ")";
  }
  return out;
}

Verdict no_forbidden_imports(const ElfFile& file) {
  if (const std::string names = found_in(file, kForbidden); !names.empty())
    return failed("it imports " + names);
  if (const std::string names = found_in(file, kDoubtful); !names.empty())
    return warning("it imports " + names);
  return passed();
}

Verdict exports_only_entry(const ElfFile& file) {
  bool entry = false;
  std::string others;
  int count = 0;
  for (const ElfFile::Symbol& symbol : file.symbols()) {
    if (!symbol.exported) continue;
    if (symbol.name == "rabt_plugin_entry") {
      if (!symbol.data)
        return failed("rabt_plugin_entry is no data symbol; end the plugin with RABT_PLUGIN(...)");
      entry = true;
    } else if (++count <= 5) {
      others += (others.empty() ? "" : ", ") + symbol.name;
    }
  }
  if (!entry)
    return failed("it does not export rabt_plugin_entry; end the plugin with RABT_PLUGIN(...)");
  if (count > 0)
    return failed("it also exports " + std::to_string(count) + " other symbols (" + others +
                  "); build it with rabt_add_plugin(), which hides them");
  return passed();
}

Verdict relro_now_nx(const ElfFile& file) {
  bool relro = false;
  bool stack = false;
  for (const ElfFile::Segment& segment : file.segments()) {
    if (segment.type == PT_GNU_RELRO) relro = true;
    if (segment.type == PT_GNU_STACK) {
      stack = true;
      if ((segment.flags & PF_X) != 0)
        return failed("it asks for an executable stack; link with -Wl,-z,noexecstack");
    }
    if (segment.type == PT_LOAD && (segment.flags & PF_W) != 0 && (segment.flags & PF_X) != 0)
      return failed("one of its segments is writable and executable");
  }
  if (!stack) return failed("it does not say that its stack is not executable (PT_GNU_STACK)");
  if (!relro) return failed("it has no PT_GNU_RELRO; link with -Wl,-z,relro");
  if (!file.binds_now()) return failed("it binds symbols late; link with -Wl,-z,now");
  return passed();
}

// In a child each time: a library can be mapped for the first time only once.
Verdict scan_under_100ms(const Subject& subject) {
  std::int64_t best = INT64_MAX;
  for (int i = 0; i < kScans && best >= kScanLimitMicros; ++i) {
    int ends[2];
    if (::pipe(ends) != 0) return failed("no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
      auto sealed = plugin::seal_library(subject.files());
      if (!sealed.ok()) ::_exit(1);
      const auto start = std::chrono::steady_clock::now();
      const auto library = plugin::map_library(std::move(sealed).value());
      const std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(
                                      std::chrono::steady_clock::now() - start)
                                      .count();
      const std::int64_t answer = library.ok() ? micros : -1;
      const ssize_t put = ::write(ends[1], &answer, sizeof answer);
      ::_exit(put == sizeof answer ? 0 : 1);
    }
    ::close(ends[1]);
    std::int64_t micros = -1;
    const bool answered = ::read(ends[0], &micros, sizeof micros) == sizeof micros;
    ::close(ends[0]);
    if (child > 0) ::waitpid(child, nullptr, 0);
    if (!answered || micros < 0) return failed("the library could not be mapped");
    best = std::min(best, micros);
  }
  if (best >= kScanLimitMicros)
    return failed("it took " + std::to_string(best / 1000) +
                  " ms at best; static constructors should do next to nothing");
  return passed();
}

}  // namespace

Verdict binary_test(TestId id, const Subject& subject) {
  switch (id) {
    case TestId::loads_rtld_now: {
      const auto library = map_entry(subject);
      return library.ok() ? passed() : failed(library.error().message);
    }
    case TestId::entry_equals_manifest: {
      const auto library = map_entry(subject);
      if (!library.ok()) return failed(library.error().message);
      const Status same = plugin::check_entry(*library, subject.manifest());
      return same.ok() ? passed() : failed(same.error().message);
    }
    case TestId::scan_under_100ms:
      return scan_under_100ms(subject);
    default:
      break;
  }
  const auto file = ElfFile::read(subject.library());
  if (!file.ok()) return failed(file.error().message);
  switch (id) {
    case TestId::exports_only_entry:
      return exports_only_entry(*file);
    case TestId::no_forbidden_imports:
      return no_forbidden_imports(*file);
    case TestId::no_text_relocations:
      return file->text_relocations()
                 ? failed("it has text relocations; compile everything in it with -fPIC")
                 : passed();
    default:
      return relro_now_nx(*file);
  }
}

}  // namespace rabt::check
