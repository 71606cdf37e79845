#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Common parts of the plugins of the role `asr`, which differ in the engine.
namespace rabt::asr {

// Words spoken without a pause. Patient data.
struct Segment {
  // From the beginning of the recording.
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  std::string text;
  // 0 to 1, as the engine rates it.
  std::optional<double> confidence;
};

// Text of an engine as it may be handed on: without what is no UTF-8 and without spaces at its
// ends, cut to what the capability takes.
[[nodiscard]] std::string fit_text(std::string_view said);

// Signal that an engine stops a call. Internally synchronised.
class Stop {
 public:
  using Clock = std::chrono::steady_clock;
  // A new call, which may take so long.
  void begin(std::chrono::milliseconds left) {
    asked_ = false;
    until_ = (Clock::now() + left).time_since_epoch().count();
  }
  // Ends the work: no caller waits for the call any more.
  void ask() { asked_ = true; }
  [[nodiscard]] bool asked() const { return asked_; }
  [[nodiscard]] bool now() const {
    return asked_ || Clock::now().time_since_epoch().count() >= until_;
  }

 private:
  std::atomic<bool> asked_{false};
  std::atomic<Clock::rep> until_{0};
};

// Thrown by an engine that was told to stop.
struct Stopped {};

// Fed with the sound of one recording after the other. Its memory does not grow with the length of
// a recording. Not thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;

  // language: BCP 47, "ar" or "ar-SA".
  [[nodiscard]] virtual bool speaks(std::string_view language) const = 0;
  // A new recording, for which speaks() is true; what the one before left behind is forgotten.
  // stop outlives the recording.
  virtual void begin(std::string_view language, const Stop& stop) = 0;
  // The next sound. at_ms: from the beginning of the recording; where it is later than the end of
  // the sound before, nobody was heard in between. Throws Stopped, sdk::Refusal asr.engine.
  virtual void take(std::int64_t at_ms, std::span<const std::int16_t> samples) = 0;
  // The recording has ended. Throws as take does.
  virtual void end() = 0;
  // Returns the segments that were recognised since the last call.
  [[nodiscard]] virtual std::vector<Segment> taken() = 0;
  // Length of the sound in milliseconds, with its gaps.
  [[nodiscard]] virtual std::int64_t duration_ms() const = 0;
  // Language that the engine listened for.
  [[nodiscard]] virtual std::string language() const = 0;
};

}  // namespace rabt::asr
