#include "hub/base/locked_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/mutex.hpp"

namespace rabt {

namespace {

// Small allocations share chunks of pages, in pieces of 32, 64, ... 2048 bytes; 32 is the size of
// an AES-256 key. A larger allocation has pages of its own.
constexpr std::size_t kSmallest = 32;
constexpr std::size_t kLargestShared = 2048;
constexpr std::size_t kClasses = 7;
constexpr std::size_t kChunk = 64U << 10U;

std::size_t class_of(std::size_t size) {
  std::size_t index = 0;
  while ((kSmallest << index) < size) ++index;
  return index;
}

std::size_t whole_pages(std::size_t size) {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

// Locked pages, in pieces. Internally synchronised. The lists of pieces stand outside the pages,
// which are wiped in a child after fork(2).
class Pool {
 public:
  std::span<std::uint8_t> take(std::size_t size) {
    const Lock lock(mutex_);
    if (size > kLargestShared) return map(whole_pages(size)).first(size);
    auto& free = free_[class_of(size)];
    if (free.empty()) {
      const std::size_t step = kSmallest << class_of(size);
      const auto chunk = map(kChunk);
      for (std::size_t at = 0; at + step <= chunk.size(); at += step)
        free.push_back(chunk.data() + at);
    }
    std::uint8_t* const memory = free.back();
    free.pop_back();
    return {memory, size};
  }

  void give_back(std::span<std::uint8_t> memory) {
    ::explicit_bzero(memory.data(), memory.size());
    const Lock lock(mutex_);
    if (memory.size() > kLargestShared) {
      const std::size_t size = whole_pages(memory.size());
      count_of(memory.data()) -= size;
      ::munmap(memory.data(), size);
      return;
    }
    free_[class_of(memory.size())].push_back(memory.data());
  }

  LockedMemory state() {
    const Lock lock(mutex_);
    return state_;
  }

 private:
  std::span<std::uint8_t> map(std::size_t size) RABT_REQUIRES(mutex_) {
    void* const pages =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    RABT_CHECK(pages != MAP_FAILED);
    // Best effort: a kernel that knows neither still locks the pages.
    (void)::madvise(pages, size, MADV_DONTDUMP);
    (void)::madvise(pages, size, MADV_WIPEONFORK);
    if (::mlock(pages, size) == 0) {
      state_.locked_bytes += size;
    } else {
      if (state_.error == 0) state_.error = errno;
      state_.unlocked_bytes += size;
      unlocked_.push_back(pages);
    }
    return {static_cast<std::uint8_t*>(pages), size};
  }

  // The count that holds these pages, which are about to be unmapped.
  std::size_t& count_of(const void* pages) RABT_REQUIRES(mutex_) {
    return std::erase(unlocked_, pages) == 0 ? state_.locked_bytes : state_.unlocked_bytes;
  }

  Mutex mutex_;
  std::array<std::vector<std::uint8_t*>, kClasses> free_ RABT_GUARDED_BY(mutex_);
  std::vector<const void*> unlocked_ RABT_GUARDED_BY(mutex_);
  LockedMemory state_ RABT_GUARDED_BY(mutex_);
};

// Never destroyed: secrets of other static objects may outlive any order of destruction.
Pool& pool() {
  static Pool& one = *new Pool();
  return one;
}

}  // namespace

std::span<std::uint8_t> locked_allocate(std::size_t size) {
  return size == 0 ? std::span<std::uint8_t>() : pool().take(size);
}

void locked_free(std::span<std::uint8_t> memory) noexcept {
  if (!memory.empty()) pool().give_back(memory);
}

LockedMemory locked_memory() {
  return pool().state();
}

}  // namespace rabt
