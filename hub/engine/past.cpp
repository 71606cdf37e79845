#include "hub/engine/past.hpp"

#include <algorithm>

namespace rabt::engine {

namespace {

constexpr std::size_t kMost = 4;
// Shorter ones are replayed at once.
constexpr std::size_t kLong = 500;

}  // namespace

std::shared_ptr<const Past> Pasts::find(const PastMark& mark) {
  const Lock lock(mutex_);
  const auto at =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) { return one.mark == mark; });
  if (at == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, at);
  return kept_.front().past;
}

void Pasts::keep(const PastMark& mark, const std::shared_ptr<const Past>& past) {
  if (past->timeline->size() < kLong) return;
  const Lock lock(mutex_);
  kept_.remove_if([&](const Kept& one) { return one.mark.instance == mark.instance; });
  kept_.push_front({mark, past});
  if (kept_.size() > kMost) kept_.pop_back();
}

}  // namespace rabt::engine
