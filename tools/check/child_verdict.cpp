#include "tools/check/child_verdict.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>

#include "hub/base/check.hpp"
#include "hub/base/json.hpp"

namespace rabt::check {

namespace {

constexpr std::size_t kMaxRegions = 65536;
struct Region {
  std::atomic<std::uintptr_t> begin{0};
  std::size_t size = 0;
  const char* message = nullptr;
};
// Read by a signal handler: only published regions count, and none is ever changed.
std::array<Region, kMaxRegions> regions;
std::atomic<std::size_t> region_count{0};

void write_all(const char* text, std::size_t size) {
  while (size > 0) {
    const ssize_t put = ::write(kVerdictDescriptor, text, size);
    if (put <= 0) return;
    text += put;
    size -= static_cast<std::size_t>(put);
  }
}

// Only what is safe in a signal handler.
void on_bad_access(int signal, siginfo_t* info, void* /*context*/) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const std::size_t count = std::min(region_count.load(), kMaxRegions);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uintptr_t begin = regions[i].begin.load();
    if (begin == 0 || address < begin || address - begin >= regions[i].size) continue;
    constexpr std::string_view kBefore = R"({"status":"failed","message":")";
    constexpr std::string_view kAfter = "\"}\n";
    write_all(kBefore.data(), kBefore.size());
    write_all(regions[i].message, std::strlen(regions[i].message));
    write_all(kAfter.data(), kAfter.size());
    ::_exit(0);
  }
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  static_cast<void>(::sigaction(signal, &usual, nullptr));
}

void watch_accesses() {
  static const bool once = [] {
    struct sigaction action {};
    action.sa_sigaction = &on_bad_access;
    action.sa_flags = SA_SIGINFO;
    return ::sigaction(SIGSEGV, &action, nullptr) == 0 &&
           ::sigaction(SIGBUS, &action, nullptr) == 0;
  }();
  RABT_CHECK(once);
}

}  // namespace

bool write_verdict(const Verdict& verdict) {
  std::string line = Json::object({{"status", to_string(verdict.status)},
                                   {"message", verdict.message},
                                   {"next_case", static_cast<std::int64_t>(verdict.next_case)}})
                         .dump();
  line.push_back('\n');
  const char* at = line.data();
  std::size_t left = line.size();
  while (left > 0) {
    const ssize_t put = ::write(kVerdictDescriptor, at, left);
    if (put <= 0) return false;
    at += put;
    left -= static_cast<std::size_t>(put);
  }
  return true;
}

void note_case(std::uint64_t seed) {
  static auto* const place = [] {
    void* at = ::mmap(nullptr, sizeof seed, PROT_READ | PROT_WRITE, MAP_SHARED, kCaseDescriptor, 0);
    return at == MAP_FAILED ? nullptr : static_cast<std::uint64_t*>(at);
  }();
  if (place != nullptr) *place = seed;
}

GuardedBytes::GuardedBytes(std::string_view bytes) : size_(bytes.size()) {
  watch_accesses();
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  pages_ = (bytes.size() / page + 1) * page;
  void* at = ::mmap(nullptr, pages_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  RABT_CHECK(at != MAP_FAILED);
  begin_ = static_cast<char*>(at);
  if (!bytes.empty()) std::memcpy(begin_, bytes.data(), bytes.size());
}

void GuardedBytes::guard(const char* message) {
  const std::size_t slot = region_count.load();
  if (slot < kMaxRegions) {
    Region& region = regions[slot];
    region.size = pages_;
    region.message = message;
    region.begin = reinterpret_cast<std::uintptr_t>(begin_);
    region_count.store(slot + 1);
  }
  // The content goes with it: only the addresses are kept.
  static_cast<void>(::madvise(begin_, pages_, MADV_DONTNEED));
  RABT_CHECK(::mprotect(begin_, pages_, PROT_NONE) == 0);
}

}  // namespace rabt::check
