#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine.hpp"
#include "settings.hpp"
#include "windows.hpp"

namespace rabt::whisper {

// whisper.cpp with one model. It is told nothing of what was said before: each window is heard for
// itself.
class Recogniser final : public asr::Engine {
 public:
  // Loads the model. Throws sdk::Refusal asr.model when it is not the one that was meant or cannot
  // be used, asr.config when it lacks a language.
  explicit Recogniser(Settings settings);
  ~Recogniser() override;
  Recogniser(const Recogniser&) = delete;
  Recogniser& operator=(const Recogniser&) = delete;

  [[nodiscard]] bool speaks(std::string_view language) const override;
  void begin(std::string_view language, const asr::Stop& stop) override;
  void take(std::int64_t at_ms, std::span<const std::int16_t> samples) override;
  void end() override { windows_.end(); }
  [[nodiscard]] std::vector<asr::Segment> taken() override { return windows_.taken(); }
  [[nodiscard]] std::int64_t duration_ms() const override { return windows_.duration_ms(); }
  // With `detect` the one that was spoken for longest.
  [[nodiscard]] std::string language() const override;

 private:
  class Model;
  [[nodiscard]] asr::Windows::Heard hear(std::span<const float> window);

  const Settings settings_;
  const std::unique_ptr<Model> model_;
  const asr::Stop* stop_ = nullptr;
  std::string asked_;
  // Milliseconds heard in each language.
  std::map<std::string, std::int64_t> heard_ms_;
  asr::Windows windows_;
};

}  // namespace rabt::whisper
