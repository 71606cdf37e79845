#pragma once

#include <fcntl.h>

#include <string>
#include <string_view>
#include <utility>

// File descriptors. A function that returns false leaves the reason in errno.
namespace rabt {

// The seals of a memory file that nobody can change any more.
inline constexpr int kMemorySeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// Closes a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { reset(); }
  // Returns false if the system could not keep what was written: some file systems say so only
  // when the file is closed.
  bool reset();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Writes the whole content, going on after interruptions and short writes.
[[nodiscard]] bool write_all(int fd, std::string_view content);
// Seals a memory file against every change, and against more seals. While the kernel itself holds
// pages of the file (memfd_wait_for_pins: EBUSY), or somebody has it mapped for writing, this is
// tried again for up to two seconds.
[[nodiscard]] bool seal_memory(int fd);
// Writes a file that must not exist yet (else EEXIST). Returns true if the content is durable; the
// name becomes durable with the folder's next sync. If it returns false, no file is left.
[[nodiscard]] bool write_new_file(const std::string& path, std::string_view content, unsigned mode);
// Returns true if names that were made, renamed or removed in the folder are durable.
[[nodiscard]] bool sync_folder(const std::string& path);

}  // namespace rabt
