#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine.hpp"

namespace rabt::asr {

// Sound cut into the windows of an engine that hears half a minute at once. A sentence that a
// window cuts is heard again at the beginning of the next one. Holds one window. Not thread-safe.
class Windows {
 public:
  static constexpr std::int64_t kLongestMs = 30'000;

  // Result of an engine for one window.
  struct Heard {
    // From the beginning of the window.
    std::vector<Segment> segments;
    // Milliseconds of the window that are done; the next window begins there.
    std::int64_t done_ms = 0;
  };
  // window: one channel, -1 to 1, at kSamplesPerSecond; at most kLongestMs.
  using Hear = std::function<Heard(std::span<const float> window)>;

  explicit Windows(Hear hear) : hear_(std::move(hear)) {}

  // A new recording.
  void begin();
  // As of Engine. Passes on what hear throws; then begin comes next.
  void take(std::int64_t at_ms, std::span<const std::int16_t> samples);
  void end();
  [[nodiscard]] std::vector<Segment> taken();
  [[nodiscard]] std::int64_t duration_ms() const;

 private:
  void append(std::int16_t sample);
  void hear();
  void rest();

  const Hear hear_;
  // From base_ms_ on.
  std::vector<float> samples_;
  std::int64_t base_ms_ = 0;
  std::int64_t last_ms_ = 0;
  std::vector<Segment> segments_;
};

}  // namespace rabt::asr
