#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/result.hpp"

namespace rabt::demo {

// A process we started; it ends with this object. Not thread-safe.
class ChildProcess {
 public:
  ChildProcess() = default;
  ~ChildProcess() { stop(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Standard output and error are appended to the file `output`. The child shares ours if it is
  // empty.
  Status start(const std::vector<std::string>& arguments, const std::string& output);
  // SIGKILL, and waits for the end.
  void kill();
  // SIGTERM, waits up to five seconds, then SIGKILL.
  void stop();
  [[nodiscard]] bool running();
  // Until it has ended, or the time is over.
  void wait(std::int64_t limit_ms);
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

}  // namespace rabt::demo
