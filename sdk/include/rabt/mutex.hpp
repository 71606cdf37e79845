#pragma once

// A mutex whose use clang checks (-Wthread-safety). SPDX-License-Identifier: Apache-2.0
//
//   Mutex mutex_;
//   std::deque<Job> jobs_ RABT_GUARDED_BY(mutex_);
//   void take() RABT_REQUIRES(mutex_);
//
// Attributes: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html. Other compilers ignore them.
// The hub takes these macros from here and adds its own.

#include <mutex>

#if defined(__clang__)
#define RABT_THREAD_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define RABT_THREAD_ATTRIBUTE(...)
#endif
#define RABT_CAPABILITY(name) RABT_THREAD_ATTRIBUTE(capability(name))
#define RABT_SCOPED_CAPABILITY RABT_THREAD_ATTRIBUTE(scoped_lockable)
#define RABT_GUARDED_BY(mutex) RABT_THREAD_ATTRIBUTE(guarded_by(mutex))
#define RABT_REQUIRES(...) RABT_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define RABT_ACQUIRE(...) RABT_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RABT_RELEASE(...) RABT_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))

namespace rabt::sdk {

// A std::mutex. Not recursive.
class RABT_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void lock() RABT_ACQUIRE() { mutex_.lock(); }
  void unlock() RABT_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds a Mutex from construction to destruction.
class RABT_SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mutex) RABT_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() RABT_RELEASE() { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace rabt::sdk
