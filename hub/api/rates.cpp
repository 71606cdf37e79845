#include "hub/api/rates.hpp"

#include <algorithm>
#include <cmath>

namespace rabt::api {

namespace {

// So many callers are told apart; more of them share one count, and none goes uncounted.
constexpr std::size_t kMostCallers = 65'536;
constexpr double kBurstSeconds = 2.0;

}  // namespace

std::int64_t Rates::wait_ms(std::string_view caller, int per_second, std::int64_t now_ms) {
  const auto now = static_cast<double>(now_ms);
  const double step = 1000.0 / per_second;
  const Lock lock(mutex_);
  std::string name(caller);
  if (due_ms_.size() >= kMostCallers && due_ms_.find(name) == due_ms_.end()) {
    forget(now);
    if (due_ms_.size() >= kMostCallers) name.clear();
  }
  double& due = due_ms_[name];
  const double start = std::max(due, now);
  const double ahead = start + step - now - kBurstSeconds * 1000.0;
  if (ahead > 0) return static_cast<std::int64_t>(std::ceil(ahead));
  due = start + step;
  return 0;
}

void Rates::forget(double now_ms) {
  std::erase_if(due_ms_, [now_ms](const auto& one) { return one.second <= now_ms; });
}

}  // namespace rabt::api
