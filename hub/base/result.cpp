#include "hub/base/result.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace rabt {

namespace {
std::atomic<std::uint64_t> bugs{0};
std::atomic<bool> bugs_fatal{false};
}  // namespace

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::ambiguous:
      return "ambiguous";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

ErrorPolicy error_policy(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return {400, false, LogLevel::info};
    case ErrorKind::not_found:
      return {404, false, LogLevel::info};
    case ErrorKind::conflict:
      return {409, false, LogLevel::info};
    case ErrorKind::denied:
      return {403, false, LogLevel::warn};
    case ErrorKind::unavailable:
      return {503, true, LogLevel::warn};
    case ErrorKind::ambiguous:
      return {504, false, LogLevel::warn};
    case ErrorKind::corrupt:
    case ErrorKind::internal:
      return {500, false, LogLevel::error};
  }
  return {500, false, LogLevel::error};
}

void check_failed(std::string_view condition, std::string_view file, int line) {
  std::fprintf(stderr, "RABT_CHECK failed: %.*s at %.*s:%d\n", static_cast<int>(condition.size()),
               condition.data(), static_cast<int>(file.size()), file.data(), line);
  std::abort();
}

void bug_found(std::string_view what, std::string_view file, int line) {
  bugs.fetch_add(1);
  std::fprintf(
      stderr, "{\"level\":\"error\",\"event\":\"bug\",\"what\":\"%.*s\",\"at\":\"%.*s:%d\"}\n",
      static_cast<int>(what.size()), what.data(), static_cast<int>(file.size()), file.data(), line);
  if (bugs_fatal.load()) std::abort();
}

std::uint64_t bug_count() {
  return bugs.load();
}
void set_bugs_fatal(bool fatal) {
  bugs_fatal.store(fatal);
}

}  // namespace rabt
