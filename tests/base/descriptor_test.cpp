#include "hub/base/descriptor.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace rabt::descriptor_test {
namespace {

Descriptor memory_file() {
  Descriptor file(::memfd_create("rabt-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_TRUE(write_all(file.get(), "content"));
  return file;
}

// A package was refused now and then with `cannot be sealed: Device or resource busy`: the kernel
// held pages that had just been written. A mapping for writing makes it answer the same.
TEST(SealMemory, WaitsWhileTheFileIsHeld) {
  const Descriptor file = memory_file();
  void* const held = ::mmap(nullptr, 7, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(held, MAP_FAILED);
  std::thread later([held] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ::munmap(held, 7);
  });
  EXPECT_TRUE(seal_memory(file.get()));
  later.join();
  EXPECT_EQ(::fcntl(file.get(), F_GET_SEALS), kMemorySeals);
  EXPECT_FALSE(write_all(file.get(), "more"));
  EXPECT_EQ(errno, EPERM);
}

TEST(SealMemory, SaysWhyItCannot) {
  const Descriptor file(::memfd_create("rabt-test", MFD_CLOEXEC));
  EXPECT_FALSE(seal_memory(file.get()));
  EXPECT_EQ(errno, EPERM);
}

}  // namespace
}  // namespace rabt::descriptor_test
