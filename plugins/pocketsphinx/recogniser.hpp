#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model.hpp"

namespace rabt::pocketsphinx {

// What was said between two silences. Patient data.
struct Segment {
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  std::string text;
  // 0 to 1, as far as the engine says.
  std::optional<double> confidence;
};

// The engine, fed with the sound of one recording after the other. Its memory does not grow with
// the length of a recording: a sentence ends after half a minute at the latest. Not thread-safe.
class Recogniser {
 public:
  // Loads the model. Throws sdk::Refusal asr.model.
  explicit Recogniser(const Settings& settings);
  ~Recogniser();
  Recogniser(const Recogniser&) = delete;
  Recogniser& operator=(const Recogniser&) = delete;

  // A new recording; what the one before left behind is forgotten.
  void begin();
  // The next sound. at_ms: from the beginning of the recording; where it is later than the end of
  // the sound before, nobody was heard in between.
  void take(std::int64_t at_ms, std::span<const std::int16_t> samples);
  // The recording has ended.
  void end();
  // What was understood since the last time.
  [[nodiscard]] std::vector<Segment> taken();
  // How much sound there was, with its gaps.
  [[nodiscard]] std::int64_t duration_ms() const;

 private:
  class Engine;
  void start_sentence();
  void end_sentence();

  std::unique_ptr<Engine> engine_;
  std::vector<Segment> segments_;
  bool running_ = false;
  bool heard_ = false;
  std::int64_t base_ms_ = 0;
  std::int64_t samples_ = 0;
  std::int64_t since_ms_ = 0;
};

}  // namespace rabt::pocketsphinx
