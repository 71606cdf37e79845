#pragma once

#include <string>
#include <string_view>
#include <utility>

// File descriptors. Whoever gets false finds the reason in errno.
namespace rabt {

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
  // False when the system could not keep what was written: some file systems say so only here.
  bool reset();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// All of it, over interruptions and short writes.
[[nodiscard]] bool write_all(int fd, std::string_view content);
// A file that was not there (EEXIST otherwise); its content is durable when true, its name with the
// folder's next sync. When false, no file is left.
[[nodiscard]] bool write_new_file(const std::string& path, std::string_view content, unsigned mode);
// The names in the folder that were made, renamed or removed are durable when true.
[[nodiscard]] bool sync_folder(const std::string& path);

}  // namespace rabt
