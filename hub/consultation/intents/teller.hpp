#pragma once

#include <atomic>
#include <cstdint>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/events/telling.hpp"

namespace rabt::consultation {

// Tells workflows and other systems what happened in sessions. Caller synchronises.
class Teller {
 public:
  explicit Teller(Acts& acts) : acts_(acts) {}
  // Before the first turn; until then events only wait. A refused event is tried again.
  void deliver_to(Deliver deliver) { deliver_ = std::move(deliver); }
  // Tells what has not been told. True if it told anything.
  bool turn();
  // Events told, of sessions and of the hub. Any thread.
  [[nodiscard]] std::uint64_t told() const { return told_.load(); }

 private:
  Acts& acts_;
  Deliver deliver_;
  std::atomic<std::uint64_t> told_{0};
};

}  // namespace rabt::consultation
