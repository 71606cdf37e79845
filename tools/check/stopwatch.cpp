#include "tools/check/stopwatch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace rabt::check {

namespace {

namespace fs = std::filesystem;

// The second figure of schedstat(5) is how long a thread was ready to run and did not.
std::chrono::nanoseconds waits_of(pid_t process) {
  const std::string folder =
      "/proc/" + (process == 0 ? std::string("self") : std::to_string(process)) + "/task";
  std::int64_t sum = 0;
  std::error_code failure;
  for (fs::directory_iterator at(folder, failure), end; !failure && at != end;
       at.increment(failure)) {
    std::ifstream file(at->path() / "schedstat");
    std::int64_t ran = 0;
    std::int64_t waited = 0;
    if (file >> ran >> waited) sum += waited;
  }
  return std::chrono::nanoseconds(sum);
}

}  // namespace

Stopwatch::Stopwatch(pid_t process)
    : process_(process),
      start_(std::chrono::steady_clock::now()),
      seen_(start_),
      waited_(waits_of(process)) {}

std::chrono::nanoseconds Stopwatch::elapsed() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds waited = waits_of(process_);
  const std::chrono::nanoseconds took = now - seen_;
  const std::chrono::nanoseconds none{0};
  counted_ += std::max(none, took - std::max(none, waited - waited_));
  seen_ = now;
  waited_ = waited;
  return counted_;
}

std::chrono::nanoseconds Stopwatch::on_the_wall() const {
  return std::chrono::steady_clock::now() - start_;
}

}  // namespace rabt::check
