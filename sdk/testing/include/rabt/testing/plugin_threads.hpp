#pragma once

// Threads that a plugin has, and how long virtual time waits for them. Linux.
// SPDX-License-Identifier: Apache-2.0

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>

namespace rabt::sdk::testing {

// A thread works and sleeps in real time, while the clock of a test is virtual: what a thread is
// about to do comes first. For one thread.
class PluginThreads {
 public:
  using Millis = std::chrono::milliseconds;

  enum class State : std::uint8_t {
    none,     // there is none: nothing happens that the host does not begin
    idle,     // each waits without end for another thread
    waiting,  // one waits for time to pass, for input or for something else
    running,  // one runs, or would if there were a processor for it
  };
  // Real time for a thread to answer in when nothing else can happen.
  static constexpr Millis kPatience{10'000};
  // The same when virtual time could go on instead: a thread that looks for work now and then must
  // not stop it. Each wait, and all waits together that came to nothing; then a moment is all.
  static constexpr Millis kClockPatience{2'000};
  static constexpr Millis kClockBudget{10'000};
  static constexpr Millis kMoment{20};
  // For so long and in so many looks a thread is idle, and no other has work, before nothing wakes
  // it up any more: between two looks one may have woken another and gone to rest.
  static constexpr Millis kIdlePatience{300};
  static constexpr int kIdleLooks = 1'000;

  // The threads that are there now are not the plugin's.
  PluginThreads() : own_(all()) {}

  [[nodiscard]] State look() const {
    State out = State::none;
    for (const long id : all()) {
      if (own_.count(id) == 0) out = std::max(out, state_of(id));
    }
    return out;
  }

  // Waits until moved() or until no thread can be expected to do anything. Returns true if moved().
  template <typename Moved>
  bool wait(bool time_could_go_on, Moved moved) {
    const auto begin = std::chrono::steady_clock::now();
    auto busy = begin;   // when a thread was last seen that was not idle
    int idle_looks = 0;  // since then
    for (;;) {
      State state = look();  // first: a thread that is gone has done what it did
      if (moved()) return true;
      // One of the test's own that has work, or waits for a processor, may be who wakes it up.
      if (state == State::idle && !time_could_go_on && test_works()) state = State::running;
      if (state == State::none) return false;
      const auto now = std::chrono::steady_clock::now();
      if (state != State::idle) busy = now;
      idle_looks = state == State::idle ? idle_looks + 1 : 0;
      const bool enough = time_could_go_on || state != State::idle || idle_looks >= kIdleLooks;
      // A thread that takes a lock at the end of long work is idle for as long as the lock is held.
      const auto waited =
          std::chrono::duration_cast<Millis>(now - (state == State::idle ? busy : begin));
      if (enough && waited >= patience(state, time_could_go_on)) {
        if (time_could_go_on && state != State::idle) spent_ += waited;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }

 private:
  [[nodiscard]] bool test_works() const {
    const long caller = ::syscall(SYS_gettid);
    return std::any_of(own_.begin(), own_.end(), [caller](long id) {
      return id != caller && state_of(id) == State::running;
    });
  }
  [[nodiscard]] Millis patience(State state, bool time_could_go_on) const {
    if (!time_could_go_on) return state == State::idle ? kIdlePatience : kPatience;
    if (state == State::idle) return Millis{2};
    if (spent_ >= kClockBudget) return kMoment;
    return state == State::running ? kPatience : kClockPatience;
  }
  static std::set<long> all() {
    std::set<long> out;
    DIR* folder = ::opendir("/proc/self/task");
    if (folder == nullptr) return out;
    while (const dirent* entry = ::readdir(folder)) {
      const long id = std::strtol(entry->d_name, nullptr, 10);
      if (id > 0) out.insert(id);
    }
    ::closedir(folder);
    return out;
  }
  static std::string content(long id, const char* file) {
    std::string out;
    std::FILE* in =
        std::fopen(("/proc/self/task/" + std::to_string(id) + "/" + file).c_str(), "re");
    if (in == nullptr) return out;
    char piece[512];
    out.assign(piece, std::fread(piece, 1, sizeof piece, in));
    std::fclose(in);
    return out;
  }
  // proc(5): "id (name) S ..." in stat; the number and the arguments of the system call that a
  // thread waits in are in syscall, where the system shows them.
  static State state_of(long id) {
    const std::string stat = content(id, "stat");
    const auto end = stat.rfind(')');
    if (end == std::string::npos || end + 2 >= stat.size()) return State::none;  // it has ended
    switch (stat[end + 2]) {
      case 'Z':
      case 'X':
        return State::none;
      case 'R':
      case 'D':
        return State::running;
      default:
        break;
    }
    // futex(2): the fourth argument is the time after which it ends.
    const std::string call = content(id, "syscall");
    long number = 0;
    unsigned long long timeout = 1;
    if (std::sscanf(call.c_str(), "%ld %*s %*s %*s %llx", &number, &timeout) == 2 &&
        number == SYS_futex && timeout == 0)
      return State::idle;
    return State::waiting;
  }

  std::set<long> own_;
  Millis spent_{0};
};

}  // namespace rabt::sdk::testing
