#pragma once

#include <signal.h>

#include <ctime>

namespace rabt {

// SIGINT and SIGTERM, which end a program; with Hangup::told, SIGHUP too. They are blocked for the
// thread that makes this object and for those that it starts from then on: whoever asks here learns
// of them, and nobody else.
class EndSignals {
 public:
  enum class Hangup { ends, told };
  explicit EndSignals(Hangup hangup = Hangup::ends) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    if (hangup == Hangup::told) sigaddset(&signals_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  // Returns the number of the signal that came.
  int wait() const {
    int received = 0;
    sigwait(&signals_, &received);
    return received;
  }
  // False when none came within a second.
  [[nodiscard]] bool within_a_second() const {
    const timespec second{.tv_sec = 1, .tv_nsec = 0};
    return sigtimedwait(&signals_, nullptr, &second) > 0;
  }

 private:
  sigset_t signals_{};
};

}  // namespace rabt
