#include "recogniser.hpp"

#include <algorithm>
#include <utility>

#include "rabt/plugin.hpp"
#include "rabt/task.hpp"
#include "sound.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pocketsphinx.h>
#include <sphinxbase/err.h>
#pragma GCC diagnostic pop

namespace rabt::pocketsphinx {

namespace {

using asr::kSamplesPerSecond;

constexpr std::int64_t kLongestSentenceMs = 30'000;
// The engine looks at so much at once, so that the end of a sentence is noticed.
constexpr std::size_t kFrame = kSamplesPerSecond / 20;
// A jump in time that is no rounding: a provider leaves silence out.
constexpr std::int64_t kGapMs = 500;
// Before somebody is noticed to speak.
constexpr std::int64_t kOnsetMs = 300;

}  // namespace

class Recogniser::Decoder {
 public:
  explicit Decoder(const Settings& settings) {
    err_set_logfp(nullptr);
    // Mapping files as shared memory is not allowed to a plugin's process: they are read.
    config_ =
        cmd_ln_init(nullptr, ps_args(), FALSE, "-hmm", settings.path(settings.acoustic).c_str(),
                    "-dict", settings.path(settings.dictionary).c_str(), "-lm",
                    settings.path(settings.language_model).c_str(), "-mmap", "no", nullptr);
    if (config_ != nullptr) decoder_ = ps_init(config_);
    if (decoder_ == nullptr) {
      if (config_ != nullptr) cmd_ln_free_r(config_);
      throw sdk::Refusal("asr.model", "the engine cannot use the model");
    }
  }
  ~Decoder() {
    ps_free(decoder_);
    cmd_ln_free_r(config_);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  [[nodiscard]] ps_decoder_t* get() const { return decoder_; }

 private:
  cmd_ln_t* config_ = nullptr;
  ps_decoder_t* decoder_ = nullptr;
};

Recogniser::Recogniser(Settings settings)
    : settings_(std::move(settings)), decoder_(std::make_unique<Decoder>(settings_)) {}
Recogniser::~Recogniser() = default;

bool Recogniser::speaks(std::string_view language) const {
  return settings_.speaks(language);
}

void Recogniser::begin(std::string_view /*language*/, const asr::Stop& stop) {
  stop_ = &stop;
  if (running_) ps_end_utt(decoder_->get());
  running_ = false;
  heard_ = false;
  segments_.clear();
  base_ms_ = 0;
  samples_ = 0;
  ps_start_stream(decoder_->get());
}

std::int64_t Recogniser::duration_ms() const {
  return base_ms_ + samples_ * 1000 / kSamplesPerSecond;
}

void Recogniser::start_sentence() {
  if (ps_start_utt(decoder_->get()) != 0)
    throw sdk::Refusal("asr.engine", "the engine does not begin");
  running_ = true;
  heard_ = false;
  since_ms_ = duration_ms();
}

void Recogniser::end_sentence() {
  if (!running_) return;
  running_ = false;
  if (ps_end_utt(decoder_->get()) != 0) return;
  if (!std::exchange(heard_, false)) return;
  std::int32_t score = 0;
  const char* const said = ps_get_hyp(decoder_->get(), &score);
  if (said == nullptr) return;
  asr::Segment segment{.start_ms = since_ms_,
                       .end_ms = duration_ms(),
                       .text = asr::fit_text(said),
                       .confidence = {}};
  if (segment.text.empty()) return;
  const double probability =
      logmath_exp(ps_get_logmath(decoder_->get()), ps_get_prob(decoder_->get()));
  if (probability >= 0 && probability <= 1) segment.confidence = probability;
  segments_.push_back(std::move(segment));
}

void Recogniser::take(std::int64_t at_ms, std::span<const std::int16_t> samples) {
  if (at_ms > duration_ms() + kGapMs) {
    end_sentence();
    base_ms_ = at_ms;
    samples_ = 0;
  }
  while (!samples.empty()) {
    if (stop_->now()) throw asr::Stopped{};
    if (!running_) start_sentence();
    const std::size_t size = std::min(samples.size(), kFrame);
    if (ps_process_raw(decoder_->get(), samples.data(), size, FALSE, FALSE) < 0)
      throw sdk::Refusal("asr.engine", "the engine takes no more sound");
    samples = samples.subspan(size);
    samples_ += static_cast<std::int64_t>(size);
    const bool speaks = ps_get_in_speech(decoder_->get()) != 0;
    if (speaks && !heard_) {
      heard_ = true;
      since_ms_ = std::max(since_ms_, duration_ms() - kOnsetMs);
    }
    if (heard_ && (!speaks || duration_ms() - since_ms_ >= kLongestSentenceMs)) end_sentence();
  }
}

void Recogniser::end() {
  end_sentence();
}

std::vector<asr::Segment> Recogniser::taken() {
  return std::exchange(segments_, {});
}

}  // namespace rabt::pocketsphinx
