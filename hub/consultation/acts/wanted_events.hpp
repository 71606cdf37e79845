#pragma once

#include <atomic>
#include <string_view>
#include <utility>

#include "hub/consultation/rows/session_rows.hpp"

namespace rabt::consultation {

// Events of sessions that somebody wants to be told of. Internally synchronised.
class WantedEvents {
 public:
  // Once, whoever asks meanwhile. Before, all are wanted.
  void only(Wanted wanted) {
    only_ = std::move(wanted);
    set_.store(&only_, std::memory_order_release);
  }
  [[nodiscard]] bool has(std::string_view type) const {
    const Wanted* const wanted = set_.load(std::memory_order_acquire);
    return wanted == nullptr || (*wanted)(type);
  }

 private:
  // Read through set_, which is null before only().
  Wanted only_;
  std::atomic<const Wanted*> set_{nullptr};
};

}  // namespace rabt::consultation
