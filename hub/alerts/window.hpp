#pragma once

#include <cstdint>
#include <deque>
#include <utility>

namespace rabt::alerts {

// Rise of a count, which began at 0 with the hub, within a span of time. Caller
// synchronises.
class Window {
 public:
  explicit Window(std::int64_t span_ms) : span_ms_(span_ms) {}

  std::int64_t add(std::int64_t uptime_ms, std::int64_t count) {
    // A count that begins anew: a version of a plugin was retired.
    if (!samples_.empty() && count < samples_.back().second) {
      samples_.clear();
      before_ = count;
    }
    samples_.emplace_back(uptime_ms, count);
    while (samples_.front().first <= uptime_ms - span_ms_) {
      before_ = samples_.front().second;
      samples_.pop_front();
    }
    return count - before_;
  }

 private:
  std::int64_t span_ms_;
  // The count when the window begins.
  std::int64_t before_ = 0;
  std::deque<std::pair<std::int64_t, std::int64_t>> samples_;
};

}  // namespace rabt::alerts
