#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/descriptor.hpp"
#include "hub/base/result.hpp"
#include "hub/worker/frame.hpp"

// Memory that the hub lends a plugin's process: the texts of frames that are too large for a ring.
// Only the hub writes it, and what it takes back is gone for both, so that the process cannot keep
// what counts against no limit of its own. docs/formats/worker_frames.md.
namespace rabt::worker {

// The hub's side: places of kMaxFrameBytes each. Move-only; the caller synchronises calls that name
// the same place.
class Loans {
 public:
  // Error unavailable worker.io.
  [[nodiscard]] static Result<Loans> make(std::size_t places);

  // The memory as the process is given it: a descriptor that cannot write.
  [[nodiscard]] const Descriptor& readable() const { return readable_; }
  // Writes the texts of a frame, at most kMaxFrameBytes, to a place that lends nothing. Returns
  // false, and lends nothing, if the system has no memory for them.
  [[nodiscard]] bool lend(std::size_t place, const Frame& frame);
  // Gives the place's memory back to the system: the process reads zeros there from now on.
  void take_back(std::size_t place);

 private:
  Loans(Descriptor file, Descriptor readable, std::size_t places)
      : file_(std::move(file)), readable_(std::move(readable)), lent_(places) {}
  Descriptor file_;
  Descriptor readable_;
  std::vector<std::size_t> lent_;  // bytes, by place
};

// The process's side. Move-only, immutable.
class Borrowed {
 public:
  Borrowed() = default;
  Borrowed(Borrowed&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Borrowed& operator=(Borrowed&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Borrowed();
  // Maps what the hub lends. Error unavailable worker.io.
  [[nodiscard]] static Result<Borrowed> map(const Descriptor& file);

  // The first bytes of a place; empty if there is no such place. At most kMaxFrameBytes.
  [[nodiscard]] std::string_view text(std::size_t place, std::size_t bytes) const;

 private:
  const char* at_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace rabt::worker
