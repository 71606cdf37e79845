#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "hub/consultation/acts/acts.hpp"
#include "hub/engine/engine.hpp"

namespace rabt::consultation {

// Tells workflows and other systems what happened in sessions. Caller synchronises.
class Teller {
 public:
  // Gives events to whoever listens, as Engine::accept; an error is tried again.
  using Deliver = std::function<Status(const engine::Delivery&)>;
  explicit Teller(Acts& acts) : acts_(acts) {}
  // Before the first turn; until then events only wait.
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
