#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace rabt::plugin {

// Runs closures in the order they come, on one thread or on several. Internally synchronised. Its
// threads do not belong to the object: a thread that never comes back from a closure outlives it
// and harms nobody.
class Lane {
 public:
  explicit Lane(int threads);
  ~Lane();  // stops; does not wait
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // False after stop: the closure is dropped.
  bool post(std::function<void()> closure);
  // The same, before all that waits.
  bool post_first(std::function<void()> closure);
  [[nodiscard]] std::size_t depth() const;
  // True if nothing waits and no closure runs.
  [[nodiscard]] bool idle() const;
  // Drops what is queued, lets running closures end, then runs last on the last thread that leaves.
  // Waits up to wait_ms (real time) and returns whether last has run. A second call only waits.
  bool stop(std::function<void()> last, std::int64_t wait_ms);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace rabt::plugin
