#include "hub/worker/loan.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace rabt::worker {

namespace {

bool write_at(int fd, std::size_t at, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::pwrite(fd, text.data(), text.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    at += static_cast<std::size_t>(wrote);
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace

Result<Loans> Loans::make(std::size_t places) {
  Descriptor file(::memfd_create("rabt-loans", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.open()) return io_error("no memory to lend");
  // It takes memory where it is written, not before.
  if (::ftruncate(file.get(), static_cast<off_t>(places * kMaxFrameBytes)) != 0)
    return io_error("no memory to lend");
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return io_error("no memory to lend");
  Descriptor readable(
      ::open(("/proc/self/fd/" + std::to_string(file.get())).c_str(), O_RDONLY | O_CLOEXEC));
  if (!readable.open()) return io_error("no memory to lend");
  return Loans(std::move(file), std::move(readable), places);
}

bool Loans::lend(std::size_t place, const Frame& frame) {
  const std::size_t from = place * kMaxFrameBytes;
  for (std::size_t i = 0; i < frame.texts; ++i) {
    const bool written = write_at(file_.get(), from + lent_[place], frame.text[i]);
    lent_[place] += frame.text[i].size();
    if (written) continue;
    take_back(place);
    return false;
  }
  return true;
}

void Loans::take_back(std::size_t place) {
  if (lent_[place] == 0) return;
  const auto from = static_cast<off_t>(place * kMaxFrameBytes);
  while (::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
                     static_cast<off_t>(lent_[place])) != 0 &&
         errno == EINTR) {
  }
  lent_[place] = 0;
}

Borrowed::~Borrowed() {
  if (at_ != nullptr) ::munmap(const_cast<char*>(at_), size_);  // NOLINT
}

Result<Borrowed> Borrowed::map(const Descriptor& file) {
  struct stat about {};
  if (::fstat(file.get(), &about) != 0 || about.st_size <= 0) return io_error("nothing is lent");
  Borrowed out;
  const auto size = static_cast<std::size_t>(about.st_size);
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return io_error("nothing is lent");
  out.at_ = static_cast<const char*>(at);
  out.size_ = size;
  return out;
}

std::string_view Borrowed::text(std::size_t place, std::size_t bytes) const {
  if (place >= size_ / kMaxFrameBytes || bytes > kMaxFrameBytes) return {};
  return {at_ + place * kMaxFrameBytes, bytes};
}

}  // namespace rabt::worker
