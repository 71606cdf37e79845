#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace rabt::nphies {

// One poll at a time for each queue: two polls at once would each hold a part of what the gateway
// has handed out. Confined to the call lane. Waiters go on in the order they came.
class PollLock final {
 public:
  // Owns the place in the queue; another waiter goes on when it is destroyed. Empty when too many
  // wait already.
  class Held final {
   public:
    Held() = default;
    Held(PollLock& lock, std::string name) : lock_(&lock), name_(std::move(name)) {}
    Held(Held&& other) noexcept
        : lock_(std::exchange(other.lock_, nullptr)), name_(std::move(other.name_)) {}
    Held& operator=(Held&&) = delete;
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
      if (lock_ != nullptr) lock_->release(name_);
    }
    [[nodiscard]] explicit operator bool() const { return lock_ != nullptr; }

   private:
    PollLock* lock_ = nullptr;
    std::string name_;
  };

  class Acquire final {
   public:
    Acquire(PollLock& lock, std::string name) : lock_(lock), name_(std::move(name)) {}
    bool await_ready() {
      const auto found = lock_.waiting_.find(name_);
      if (found == lock_.waiting_.end()) {
        lock_.waiting_.emplace(name_, std::deque<std::coroutine_handle<>>());
        return true;
      }
      refused_ = found->second.size() >= kMaxWaiting;
      return refused_;
    }
    void await_suspend(std::coroutine_handle<> waiter) {
      lock_.waiting_.at(name_).push_back(waiter);
    }
    Held await_resume() { return refused_ ? Held() : Held(lock_, name_); }

   private:
    PollLock& lock_;
    std::string name_;
    bool refused_ = false;
  };

  [[nodiscard]] Acquire acquire(std::string name) { return {*this, std::move(name)}; }

 private:
  // Each waiting call resumes inside the one before, so this bounds the stack, too.
  static constexpr std::size_t kMaxWaiting = 32;

  void release(const std::string& name) noexcept {
    const auto found = waiting_.find(name);
    if (found == waiting_.end()) return;
    if (found->second.empty()) {
      waiting_.erase(found);
      return;
    }
    const std::coroutine_handle<> next = found->second.front();
    found->second.pop_front();
    next.resume();
  }

  std::map<std::string, std::deque<std::coroutine_handle<>>> waiting_;
};

}  // namespace rabt::nphies
