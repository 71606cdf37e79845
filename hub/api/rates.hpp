#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hub/base/mutex.hpp"

namespace rabt::api {

// How many requests a caller may send: so many a second in the long run, twice as many at once
// (the generic cell rate algorithm; one number a caller). Internally synchronised.
class Rates {
 public:
  // Milliseconds until the caller may send this request; 0 when it may be sent now, and then it is
  // counted. per_second: at least 1.
  [[nodiscard]] std::int64_t wait_ms(std::string_view caller, int per_second, std::int64_t now_ms);

 private:
  void forget(double now_ms) RABT_REQUIRES(mutex_);

  Mutex mutex_;
  // When the caller's requests so far would have come at the even rate, in milliseconds.
  std::unordered_map<std::string, double> due_ms_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::api
