#include "recogniser.hpp"

#include <algorithm>
#include <utility>

#include "model_files.hpp"
#include "rabt/plugin.hpp"
#include "sound.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#include <whisper.h>
#pragma GCC diagnostic pop

namespace rabt::whisper {

namespace {

// whisper.cpp counts time in centiseconds.
constexpr std::int64_t kMs = 10;

// State of whisper.cpp's work on one window.
struct Run {
  const asr::Stop& stop;
  // The model was not done at the end of its last sentence: the rest is heard again.
  bool goes_on = false;
  bool began = false;

  static bool stops(void* self) { return static_cast<Run*>(self)->stop.now(); }
  // The first pass of a window is the only one: the next window begins where it ended.
  static bool begins(whisper_context* /*context*/, whisper_state* /*state*/, void* self) {
    Run& run = *static_cast<Run*>(self);
    run.goes_on = std::exchange(run.began, true);
    return !run.goes_on;
  }
};

[[noreturn]] void fail(const asr::Stop& stop) {
  if (stop.now()) throw asr::Stopped{};
  throw sdk::Refusal("asr.engine", "the engine takes no more sound");
}

}  // namespace

class Recogniser::Model {
 public:
  explicit Model(const Settings& settings) {
    if (asr::digest_of_file(settings.path()) != settings.sha256)
      throw sdk::Refusal("asr.model", "the model is not the one whose sha256 is configured");
    // Log lines of the library would hold text.
    whisper_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    whisper_context_params params = whisper_context_default_params();
    params.use_gpu = false;
    context_ = whisper_init_from_file_with_params(settings.path().c_str(), params);
    if (context_ == nullptr)
      throw sdk::Refusal("asr.model",
                         "the engine cannot use the model: it is none of whisper.cpp, or "
                         "limits.memory of this plugin is too small");
    for (const std::string& language : settings.languages) {
      if (whisper_lang_id(language.c_str()) >= 0 &&
          (language == "en" || whisper_is_multilingual(context_) != 0))
        continue;
      whisper_free(context_);
      throw sdk::Refusal("asr.config", "the model does not know one of the languages");
    }
  }
  ~Model() { whisper_free(context_); }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  [[nodiscard]] whisper_context* get() const { return context_; }
  [[nodiscard]] const whisper_full_params& params() const { return params_; }

  // The likeliest of the languages in the window.
  [[nodiscard]] std::string detected(std::span<const float> window, const Settings& settings,
                                     const asr::Stop& stop) const {
    std::vector<float> likely(static_cast<std::size_t>(whisper_lang_max_id()) + 1);
    if (whisper_pcm_to_mel(context_, window.data(), static_cast<int>(window.size()),
                           settings.threads) != 0 ||
        whisper_lang_auto_detect(context_, 0, settings.threads, likely.data()) < 0)
      fail(stop);
    const auto of = [&](const std::string& language) {
      return likely.at(static_cast<std::size_t>(whisper_lang_id(language.c_str())));
    };
    return *std::max_element(
        settings.languages.begin(), settings.languages.end(),
        [&](const std::string& a, const std::string& b) { return of(a) < of(b); });
  }
  [[nodiscard]] asr::Segment segment(int at) const {
    asr::Segment out{.start_ms = whisper_full_get_segment_t0(context_, at) * kMs,
                     .end_ms = whisper_full_get_segment_t1(context_, at) * kMs,
                     .text = asr::fit_text(whisper_full_get_segment_text(context_, at)),
                     .confidence = {}};
    // Words alone count: times and marks are tokens, too.
    double sum = 0;
    int words = 0;
    for (int i = 0; i < whisper_full_n_tokens(context_, at); ++i) {
      const whisper_token_data token = whisper_full_get_token_data(context_, at, i);
      if (token.id >= whisper_token_eot(context_)) continue;
      sum += static_cast<double>(token.p);
      ++words;
    }
    if (words > 0) out.confidence = std::clamp(sum / words, 0.0, 1.0);
    return out;
  }

 private:
  whisper_context* context_ = nullptr;
  // Asked for once: to make them whisper.cpp reads a file that the sandbox refuses.
  const whisper_full_params params_ = whisper_full_default_params(WHISPER_SAMPLING_GREEDY);
};

Recogniser::Recogniser(Settings settings)
    : settings_(std::move(settings)),
      model_(std::make_unique<Model>(settings_)),
      windows_([this](std::span<const float> window) { return hear(window); }) {}
Recogniser::~Recogniser() = default;

bool Recogniser::speaks(std::string_view language) const {
  const auto& known = settings_.languages;
  return std::find(known.begin(), known.end(), asr::primary(language)) != known.end();
}

void Recogniser::begin(std::string_view language, const asr::Stop& stop) {
  stop_ = &stop;
  asked_ = language;
  heard_ms_.clear();
  windows_.begin();
}

void Recogniser::take(std::int64_t at_ms, std::span<const std::int16_t> samples) {
  if (stop_->now()) throw asr::Stopped{};
  windows_.take(at_ms, samples);
}

std::string Recogniser::language() const {
  const auto longest =
      std::max_element(heard_ms_.begin(), heard_ms_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return longest == heard_ms_.end() || longest->first == asr::primary(asked_) ? asked_
                                                                              : longest->first;
}

asr::Windows::Heard Recogniser::hear(std::span<const float> window) {
  const std::string language = settings_.detect ? model_->detected(window, settings_, *stop_)
                                                : std::string(asr::primary(asked_));
  Run run{.stop = *stop_};
  whisper_full_params params = model_->params();
  params.n_threads = settings_.threads;
  params.language = language.c_str();
  params.no_context = true;
  params.suppress_nst = true;
  params.print_progress = false;
  params.print_realtime = false;
  params.print_timestamps = false;
  params.print_special = false;
  params.encoder_begin_callback = &Run::begins;
  params.encoder_begin_callback_user_data = &run;
  params.abort_callback = &Run::stops;
  params.abort_callback_user_data = &run;
  if (whisper_full(model_->get(), params, window.data(), static_cast<int>(window.size())) != 0 ||
      stop_->now())
    fail(*stop_);
  const std::int64_t length =
      static_cast<std::int64_t>(window.size()) * 1000 / asr::kSamplesPerSecond;
  asr::Windows::Heard heard{.segments = {}, .done_ms = length};
  const int count = whisper_full_n_segments(model_->get());
  for (int at = 0; at < count; ++at) heard.segments.push_back(model_->segment(at));
  if (run.goes_on && !heard.segments.empty()) heard.done_ms = heard.segments.back().end_ms;
  heard_ms_[language] += heard.done_ms;
  return heard;
}

}  // namespace rabt::whisper
