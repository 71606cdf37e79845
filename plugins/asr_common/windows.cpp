#include "windows.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sound.hpp"

namespace rabt::asr {

namespace {

constexpr std::size_t kPerMs = kSamplesPerSecond / 1000;
constexpr std::size_t kLongest = Windows::kLongestMs * kPerMs;
// A jump in time that is no rounding: a provider leaves silence out. A longer one than a window
// begins a new window.
constexpr std::int64_t kGapMs = 100;
// An engine that would hear the same again and again gets on by so much.
constexpr std::int64_t kLeastStepMs = 1'000;
// The last moment of a recording holds no word.
constexpr std::int64_t kLeastRestMs = 200;
// -60 dB of the loudest. What an engine finds in less, nobody said: models invent text of silence.
constexpr double kSilence = 0.001;
constexpr std::size_t kMoment = 100 * kPerMs;

bool is_silent(std::span<const float> sound) {
  for (std::size_t at = 0; at < sound.size(); at += kMoment) {
    const auto moment = sound.subspan(at, std::min(kMoment, sound.size() - at));
    double power = 0;
    for (const float one : moment) power += static_cast<double>(one) * one;
    if (std::sqrt(power / static_cast<double>(moment.size())) >= kSilence) return false;
  }
  return true;
}

std::int64_t ms_of(std::size_t samples) {
  return static_cast<std::int64_t>(samples / kPerMs);
}

}  // namespace

void Windows::begin() {
  samples_.clear();
  samples_.reserve(kLongest);
  base_ms_ = 0;
  last_ms_ = 0;
  segments_.clear();
}

std::int64_t Windows::duration_ms() const {
  return base_ms_ + ms_of(samples_.size());
}

void Windows::append(std::int16_t sample) {
  samples_.push_back(static_cast<float>(sample) / 32'768.0F);
  if (samples_.size() == kLongest) hear();
}

void Windows::take(std::int64_t at_ms, std::span<const std::int16_t> samples) {
  const std::int64_t gap = at_ms - duration_ms();
  if (gap > kLongestMs) {
    rest();
    base_ms_ = at_ms;
  } else if (gap > kGapMs) {
    for (std::size_t i = static_cast<std::size_t>(gap) * kPerMs; i > 0; --i) append(0);
  }
  for (const std::int16_t sample : samples) append(sample);
}

void Windows::hear() {
  const std::span<const float> window(samples_);
  const std::int64_t length = ms_of(window.size());
  std::int64_t done = length;
  if (!is_silent(window)) {
    Heard heard = hear_(window);
    done = std::clamp(heard.done_ms, std::min(kLeastStepMs, length), length);
    for (Segment& segment : heard.segments) {
      const std::int64_t from = std::clamp<std::int64_t>(segment.start_ms, 0, length);
      const std::int64_t to = std::clamp(segment.end_ms, from, length);
      // An engine rounds: a word may lie in what is beside.
      const std::int64_t first = std::max<std::int64_t>(0, from - ms_of(kMoment));
      const std::int64_t beyond = std::min(length, to + ms_of(kMoment));
      if (segment.text.empty() ||
          is_silent(window.subspan(static_cast<std::size_t>(first) * kPerMs,
                                   static_cast<std::size_t>(beyond - first) * kPerMs)))
        continue;
      segment.start_ms = std::max(last_ms_, base_ms_ + from);
      segment.end_ms = std::max(segment.start_ms, base_ms_ + to);
      last_ms_ = segment.end_ms;
      segments_.push_back(std::move(segment));
    }
  }
  samples_.erase(samples_.begin(),
                 done == length ? samples_.end()
                                : samples_.begin() + static_cast<std::ptrdiff_t>(
                                                         static_cast<std::size_t>(done) * kPerMs));
  base_ms_ += done;
}

// Recognises the held sound, without the sound that follows.
void Windows::rest() {
  while (ms_of(samples_.size()) >= kLeastRestMs) hear();
  base_ms_ += ms_of(samples_.size());
  samples_.clear();
}

void Windows::end() {
  rest();
}

std::vector<Segment> Windows::taken() {
  return std::exchange(segments_, {});
}

}  // namespace rabt::asr
