#pragma once

#include <system_error>
#include <thread>
#include <utility>

#include "hub/base/result.hpp"

namespace rabt {

inline constexpr const char* kNoThreads =
    "the system gives the hub no more threads: raise the limit of its user (ulimit -u, "
    "LimitNPROC=, TasksMax=)";

// Starts a thread. Error unavailable process.threads when the system gives the hub no more threads.
template <class Work>
[[nodiscard]] Result<std::thread> start_thread(Work work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error&) {
    return unavailable("process.threads", kNoThreads);
  }
}

}  // namespace rabt
