#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "rabt/mutex.hpp"

// Locks that clang checks (-Wthread-safety; tests/lint/locks.sh runs it). A field says which mutex
// protects it, and a function says which mutex its caller holds:
//
//   Mutex mutex_;
//   std::deque<Task> queue_ RABT_GUARDED_BY(mutex_);
//   void take() RABT_REQUIRES(mutex_);
//
// Attributes: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html. Other compilers ignore them.
// The attributes that the SDK needs too stand in its header; those below are the hub's own.
#define RABT_REQUIRES_SHARED(...) RABT_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define RABT_ACQUIRE_SHARED(...) RABT_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define RABT_TRY_ACQUIRE(...) RABT_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define RABT_EXCLUDES(...) RABT_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace rabt {

// A std::mutex. Not recursive.
class RABT_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void lock() RABT_ACQUIRE() { mutex_.lock(); }
  void unlock() RABT_RELEASE() { mutex_.unlock(); }
  [[nodiscard]] bool try_lock() RABT_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class Lock;
  std::mutex mutex_;
};

// Holds a Mutex from construction to destruction, except between unlock() and lock().
class RABT_SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mutex) RABT_ACQUIRE(mutex) : held_(mutex.mutex_) {}
  ~Lock() RABT_RELEASE() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  void unlock() RABT_RELEASE() { held_.unlock(); }
  void lock() RABT_ACQUIRE() { held_.lock(); }

 private:
  friend class Condition;
  std::unique_lock<std::mutex> held_;
};

// A std::condition_variable. The mutex of the lock is held when a wait returns. The analysis does
// not see that a predicate runs under the lock; write it as
//   wake_.wait(lock, [&]() RABT_REQUIRES(mutex_) { return !queue_.empty(); });
class Condition {
 public:
  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }
  void wait(Lock& lock) { condition_.wait(lock.held_); }
  template <class Predicate>
  void wait(Lock& lock, Predicate done) {
    condition_.wait(lock.held_, std::move(done));
  }
  template <class Rep, class Period>
  std::cv_status wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& limit) {
    return condition_.wait_for(lock.held_, limit);
  }
  template <class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& limit, Predicate done) {
    return condition_.wait_for(lock.held_, limit, std::move(done));
  }
  template <class ClockType, class Duration>
  std::cv_status wait_until(Lock& lock, const std::chrono::time_point<ClockType, Duration>& until) {
    return condition_.wait_until(lock.held_, until);
  }
  template <class ClockType, class Duration, class Predicate>
  bool wait_until(Lock& lock, const std::chrono::time_point<ClockType, Duration>& until,
                  Predicate done) {
    return condition_.wait_until(lock.held_, until, std::move(done));
  }

 private:
  std::condition_variable condition_;
};

// A std::shared_mutex: many readers or one writer.
class RABT_CAPABILITY("shared_mutex") SharedMutex {
 public:
  SharedMutex() = default;
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

 private:
  friend class ReadLock;
  friend class WriteLock;
  std::shared_mutex mutex_;
};

class RABT_SCOPED_CAPABILITY ReadLock {
 public:
  explicit ReadLock(SharedMutex& mutex) RABT_ACQUIRE_SHARED(mutex) : held_(mutex.mutex_) {}
  ~ReadLock() RABT_RELEASE() = default;
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  std::shared_lock<std::shared_mutex> held_;
};

class RABT_SCOPED_CAPABILITY WriteLock {
 public:
  explicit WriteLock(SharedMutex& mutex) RABT_ACQUIRE(mutex) : held_(mutex.mutex_) {}
  ~WriteLock() RABT_RELEASE() = default;
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  std::unique_lock<std::shared_mutex> held_;
};

}  // namespace rabt
