#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine.hpp"
#include "model.hpp"

namespace rabt::pocketsphinx {

// The engine. A sentence ends after half a minute at the latest.
class Recogniser final : public asr::Engine {
 public:
  // Loads the model. Throws sdk::Refusal asr.model.
  explicit Recogniser(Settings settings);
  ~Recogniser() override;
  Recogniser(const Recogniser&) = delete;
  Recogniser& operator=(const Recogniser&) = delete;

  [[nodiscard]] bool speaks(std::string_view language) const override;
  void begin(std::string_view language, const asr::Stop& stop) override;
  void take(std::int64_t at_ms, std::span<const std::int16_t> samples) override;
  void end() override;
  [[nodiscard]] std::vector<asr::Segment> taken() override;
  [[nodiscard]] std::int64_t duration_ms() const override;
  [[nodiscard]] std::string language() const override { return settings_.language; }

 private:
  class Decoder;
  void start_sentence();
  void end_sentence();

  const Settings settings_;
  std::unique_ptr<Decoder> decoder_;
  const asr::Stop* stop_ = nullptr;
  std::vector<asr::Segment> segments_;
  bool running_ = false;
  bool heard_ = false;
  std::int64_t base_ms_ = 0;
  std::int64_t samples_ = 0;
  std::int64_t since_ms_ = 0;
};

}  // namespace rabt::pocketsphinx
