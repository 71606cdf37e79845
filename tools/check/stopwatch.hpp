#pragma once

#include <sys/types.h>

#include <chrono>

namespace rabt::check {

// Measures how long a process took without the time in which its threads waited for a processor:
// other programs on the machine make nobody slow. Where the kernel does not tell of such waits, all
// of the time counts. Confined to one thread.
class Stopwatch {
 public:
  Stopwatch() : Stopwatch(0) {}
  // Measures a child, or this process if the id is 0.
  explicit Stopwatch(pid_t process);

  // Since the stopwatch was made. To be asked often: waits of a thread that has ended meanwhile are
  // not known any more.
  [[nodiscard]] std::chrono::nanoseconds elapsed();
  // With all waits.
  [[nodiscard]] std::chrono::nanoseconds on_the_wall() const;

 private:
  const pid_t process_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point seen_;
  std::chrono::nanoseconds waited_;
  std::chrono::nanoseconds counted_{0};
};

}  // namespace rabt::check
