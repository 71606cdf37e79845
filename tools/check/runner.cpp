#include "tools/check/runner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "hub/base/suggest.hpp"
#include "hub/schema/schema_regex.hpp"
#include "hub/workflow/yaml/yaml.hpp"
#include "tools/check/child_verdict.hpp"
#include "tools/check/no_network.hpp"
#include "tools/check/stopwatch.hpp"
#include "tools/check/subject.hpp"

namespace rabt::check {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // the shadow memory needs terabytes of addresses
#else
constexpr bool kSanitized = false;
#endif
constexpr rlim_t kAddressSpace = 8ULL << 30U;  // a plugin that needs more does so by mistake
constexpr rlim_t kFileSize = 64ULL << 20U;
constexpr rlim_t kDescriptors = 256;
constexpr std::size_t kMaxVerdict = 1U << 20U;
// The end of what a crashed child wrote, as it is shown.
constexpr std::size_t kMaxShownOutput = 400;
// For a child that gave its verdict, until it ends by itself.
constexpr std::chrono::seconds kEndPatience{5};

// A copy that is none of the descriptors that a child gets.
int above(int fd) {
  return ::fcntl(fd, F_DUPFD_CLOEXEC, 16);
}

class Pipe {
 public:
  Pipe() {
    int low[2];
    if (::pipe2(low, O_CLOEXEC) != 0) return;
    for (int i : {0, 1}) {
      ends_[i] = above(low[i]);
      ::close(low[i]);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(0);
    close(1);
  }
  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }
  void close(int end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

std::vector<std::string> child_arguments(TestId id, const Settings& s) {
  std::vector<std::string> out{"rabt-plugin-check"};
  const auto give = [&](const char* name, std::string value) {
    out.emplace_back(name);
    out.push_back(std::move(value));
  };
  give("--one-test", std::string(info_of(id).name));
  give("--seed", std::to_string(s.seed));
  give("--fuzz", std::to_string(s.fuzz_seconds));
  give("--first-case", std::to_string(s.first_case));
  give("--process-cases", std::to_string(s.process_cases));
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) give(name, value);
  };
  add("--previous", s.previous);
  add("--examples", s.examples);
  add("--key", s.key);
  out.push_back(s.path);
  return out;
}

// Returns the last lines that the child wrote before it ended.
std::string tail_of(const std::string& output) {
  std::string out =
      output.size() > kMaxShownOutput ? output.substr(output.size() - kMaxShownOutput) : output;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

Verdict crashed(int status, bool late, std::chrono::seconds limit, const std::string& output) {
  std::string what;
  if (late) {
    what = "it did not end within " + std::to_string(limit.count()) + " s and was killed";
  } else if (WIFSIGNALED(status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    what = "the process was killed by SIG" + std::string(name == nullptr ? "?" : name);
  } else {
    what = "the process ended with status " + std::to_string(WEXITSTATUS(status)) +
           " in the middle of the test: a plugin must not end it";
  }
  if (const std::string said = tail_of(output); !said.empty()) what += "; last words: " + said;
  return {TestStatus::crashed, what, 0};
}

// The variables that sanitizers read, and nothing else of the checker's environment. Without a
// cache in each thread, for glibc counts the free blocks of that as used: create-destroy-100x would
// take them for what a plugin leaves behind.
std::vector<std::string> child_environment() {
  std::vector<std::string> out{"LANG=C.UTF-8", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0"};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = ::getenv(name); value != nullptr)
      out.push_back(std::string(name) + "=" + value);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Memory that the child shares with its parent: the seed of the case that a fuzz test is at.
class CaseFile {
 public:
  CaseFile() {
    const int low = ::memfd_create("rabt-check-case", MFD_CLOEXEC);
    fd_ = above(low);
    ::close(low);
    if (fd_ >= 0 && ::ftruncate(fd_, sizeof(std::uint64_t)) == 0) return;
    ::close(fd_);
    fd_ = -1;
  }
  CaseFile(const CaseFile&) = delete;
  CaseFile& operator=(const CaseFile&) = delete;
  ~CaseFile() { ::close(fd_); }
  [[nodiscard]] int fd() const { return fd_; }
  // 0 outside of a case.
  [[nodiscard]] std::uint64_t seed() const {
    std::uint64_t out = 0;
    return ::pread(fd_, &out, sizeof out, 0) == sizeof out ? out : 0;
  }

 private:
  int fd_ = -1;
};

// A process that runs one test, in a process group of its own.
struct Child {
  Pipe verdict;
  Pipe output;
  CaseFile fuzz_case;
  pid_t pid = -1;
  [[nodiscard]] bool has_files() const {
    return verdict.read_end() >= 0 && output.read_end() >= 0 && fuzz_case.fd() >= 0;
  }
};

// Returns 0, or the errno that says why no process was started.
int start(Child& child, const RunOptions& options, TestId id) {
  const std::string program = options.program.empty() ? "/proc/self/exe" : options.program;
  std::vector<std::string> arguments = child_arguments(id, options.settings);
  std::vector<std::string> environment = child_environment();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, child.output.write_end(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, child.output.write_end(), 2);
  ::posix_spawn_file_actions_adddup2(&actions, child.verdict.write_end(), kVerdictDescriptor);
  ::posix_spawn_file_actions_adddup2(&actions, child.fuzz_case.fd(), kCaseDescriptor);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int failure = ::posix_spawn(&child.pid, program.c_str(), &actions, &attributes,
                                    pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  child.verdict.close(1);
  child.output.close(1);
  return failure;
}

struct Heard {
  std::optional<std::string> verdict;  // the line, if a whole one came
  std::string output;
  bool late = false;
};

// Reads until a whole verdict has come, the child has closed its end, or the time is over: not that
// in which the child could not run, unless that is very long.
Heard listen(Child& child, std::chrono::seconds limit) {
  constexpr int kLongest = 20;
  // The child's waits are looked at so often.
  constexpr std::chrono::milliseconds kLook{500};
  Heard out;
  std::string text;
  Stopwatch watch(child.pid);
  for (bool open = true; open && text.find('\n') == std::string::npos;) {
    if (watch.elapsed() >= limit || watch.on_the_wall() >= kLongest * limit) {
      out.late = true;
      break;
    }
    std::array<pollfd, 2> fds{
        {{child.verdict.read_end(), POLLIN, 0}, {child.output.read_end(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), static_cast<int>(kLook.count())) < 0 && errno != EINTR)
      break;
    std::array<char, 4096> piece{};
    if ((fds[0].revents & (POLLIN | POLLHUP)) != 0) {
      const ssize_t got = ::read(child.verdict.read_end(), piece.data(), piece.size());
      if (got <= 0 || text.size() > kMaxVerdict) open = false;
      if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
    }
    if ((fds[1].revents & (POLLIN | POLLHUP)) != 0) {
      const ssize_t got = ::read(child.output.read_end(), piece.data(), piece.size());
      if (got <= 0) child.output.close(0);
      if (got > 0) out.output.append(piece.data(), static_cast<std::size_t>(got));
      if (out.output.size() > kMaxVerdict) out.output.erase(0, out.output.size() / 2);
    }
  }
  if (const auto newline = text.find('\n'); newline != std::string::npos)
    out.verdict = text.substr(0, newline);
  return out;
}

// Ends the child and whatever it started, and returns the child's status. A child that gave its
// verdict gets some seconds to end by itself: what the library does while the process ends belongs
// to the test.
int end(const Child& child, bool gave_verdict) {
  int status = 0;
  const auto patience = std::chrono::steady_clock::now() + kEndPatience;
  bool ended = false;
  while (gave_verdict && !ended && std::chrono::steady_clock::now() <= patience) {
    ended = ::waitpid(child.pid, &status, WNOHANG) != 0;
    if (!ended) ::usleep(500);
  }
  ::kill(-child.pid, SIGKILL);
  if (!ended) ::waitpid(child.pid, &status, 0);
  return status;
}

Verdict run_child(const RunOptions& options, TestId id) {
  Child child;
  if (!child.has_files())
    return {TestStatus::crashed, "the checker has no pipe or memory file left", 0};
  if (const int failure = start(child, options, id); failure != 0)
    return {TestStatus::crashed,
            "the child process cannot be started: " + std::string(std::strerror(failure)), 0};
  const bool fuzzes = info_of(id).group == Group::fuzz;
  auto limit = options.time_limit;
  if (fuzzes)
    limit += std::chrono::seconds(static_cast<std::int64_t>(options.settings.fuzz_seconds) + 1);
  const Heard heard = listen(child, limit);
  const int status = end(child, heard.verdict.has_value());
  if (!heard.verdict) {
    Verdict out = crashed(status, heard.late, limit, heard.output);
    if (const std::uint64_t seed = child.fuzz_case.seed(); fuzzes && seed != 0)
      out.message += "; again: --only '^" + std::string(info_of(id).name) + "$' --fuzz 0 --seed " +
                     std::to_string(seed);
    return out;
  }
  const auto parsed = Json::parse(*heard.verdict);
  const auto named = parsed.ok() ? status_named(parsed->string_or("status", "")) : std::nullopt;
  if (!named) return {TestStatus::crashed, "the child's verdict cannot be read", 0};
  const bool failed_already = *named == TestStatus::failed || *named == TestStatus::crashed;
  if (!failed_already && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
    Verdict out = crashed(status, false, limit, heard.output);
    out.message = "after the test, " + out.message;
    return out;
  }
  return {*named, parsed->string_or("message", ""),
          static_cast<std::uint64_t>(parsed->int_or("next_case", 0))};
}

// One test, in as many processes as its cases need.
Verdict run_test_of(const RunOptions& options, TestId id) {
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration<double>(options.settings.fuzz_seconds);
  RunOptions part = options;
  for (int processes = 1;; ++processes) {
    Verdict out = run_child(part, id);
    if (out.status != TestStatus::passed || info_of(id).group != Group::fuzz) return out;
    if (out.next_case <= part.settings.first_case) {
      if (processes > 1) out.message += ", in " + std::to_string(processes) + " processes";
      return out;
    }
    part.settings.first_case = out.next_case;
    const std::chrono::duration<double> left = end - std::chrono::steady_clock::now();
    part.settings.fuzz_seconds = std::max(0.0, left.count());
  }
}

void limit_process() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const auto set = [](__rlimit_resource resource, rlim_t value) {
    const rlimit both{value, value};
    static_cast<void>(::setrlimit(resource, &both));
  };
  set(RLIMIT_CORE, 0);
  set(RLIMIT_FSIZE, kFileSize);
  set(RLIMIT_NOFILE, kDescriptors);
  if (!kSanitized) set(RLIMIT_AS, kAddressSpace);
}

}  // namespace

Result<std::map<std::string, std::string>> read_skip_file(const std::string& path) {
  const auto fail = [&](int line, const std::string& what) {
    return invalid("check.skip_file", path + ":" + std::to_string(line) + ": " + what);
  };
  RABT_TRY(text, read_file(path));
  const workflow::YamlOutcome yaml = workflow::parse_yaml(text);
  if (yaml.root == nullptr) return fail(yaml.fault.line, yaml.fault.message);
  std::map<std::string, std::string> out;
  if (yaml.root->kind == workflow::YamlNode::Kind::null) return out;
  if (yaml.root->kind != workflow::YamlNode::Kind::mapping)
    return fail(yaml.root->line, "must be a mapping with the key skip");
  std::vector<std::string> names;
  for (const TestInfo& test : all_tests()) names.emplace_back(test.name);
  for (const workflow::YamlEntry& entry : yaml.root->entries) {
    if (entry.key != "skip") return fail(entry.line, "unknown key \"" + entry.key + "\"");
    if (entry.value->kind != workflow::YamlNode::Kind::sequence)
      return fail(entry.value->line, "skip must be a list");
    for (const workflow::YamlPtr& item : entry.value->items) {
      const auto text_of = [&](std::string_view key) -> std::string {
        const workflow::YamlEntry* found = item->find(key);
        return found != nullptr && found->value->is_text() ? found->value->text() : "";
      };
      if (item->kind != workflow::YamlNode::Kind::mapping || item->entries.size() != 2 ||
          text_of("test").empty() || text_of("reason").empty())
        return fail(item->line, "each entry needs test and reason, both texts, and nothing else");
      const std::string name = text_of("test");
      if (find_test(name) == nullptr) {
        const std::string near = did_you_mean(name, names);
        return fail(item->line,
                    "there is no test \"" + name + "\"" + (near.empty() ? "" : "; " + near));
      }
      out[name] = text_of("reason");
    }
  }
  return out;
}

Result<Report> run(const RunOptions& options, const std::function<void(const TestResult&)>& told) {
  std::shared_ptr<const schema::Pattern> only;
  if (!options.only.empty()) {
    auto compiled = schema::Pattern::compile(options.only);
    if (!compiled.ok())
      return invalid("check.only", "--only: the pattern " + compiled.error().message);
    only = std::move(compiled).value();
  }
  Report report;
  report.seed = options.settings.seed;
  if (const auto package = plugin::read_package(options.settings.path); package.ok()) {
    report.plugin = package->manifest.id;
    report.version = package->manifest.version;
  }
  if (const auto files = plugin::PackageFiles::read(options.settings.path); files.ok())
    report.digest = plugin::digest_of(*files);
  for (const TestInfo& test : all_tests()) {
    if (only != nullptr && !only->found_in(test.name)) continue;
    TestResult result;
    result.id = test.id;
    if (const auto skip = options.skip.find(std::string(test.name)); skip != options.skip.end()) {
      result.verdict = skipped("switched off: " + skip->second);
    } else {
      const auto start = std::chrono::steady_clock::now();
      result.verdict = run_test_of(options, test.id);
      result.millis = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::steady_clock::now() - start)
                          .count();
    }
    if (told) told(result);
    report.results.push_back(std::move(result));
  }
  if (report.results.empty())
    return invalid("check.only", "--only: no test has this in its name; --list shows them");
  return report;
}

int run_as_child(TestId id, const Settings& settings) {
  limit_process();
  // Code of a package that nobody trusts yet runs without network or not at all.
  const Verdict verdict = take_network_away()
                              ? run_test(id, settings)
                              : failed(
                                    "the network cannot be taken away from the test: this system "
                                    "allows neither network namespaces nor seccomp filters");
  return write_verdict(verdict) ? 0 : 1;
}

}  // namespace rabt::check
