#include "rabt/plugin.hpp"

#include "model.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"
#include "recogniser.hpp"
#include "sound.hpp"

// Speech to text behind the role `asr`, on this machine: nothing that was said leaves it.
namespace rabt::pocketsphinx {

using Json = nlohmann::json;
using sdk::Call;
using sdk::Host;
using sdk::Kind;
using sdk::Outcome;
using sdk::Refusal;
using sdk::Reply;
using sdk::Task;
using sdk::TaskPlugin;

namespace {

// So much of a recording is in memory at once. Small, so that a call that ends is noticed soon: a
// track of sound brings four seconds in a piece.
constexpr std::uint64_t kPiece = 16U << 10U;
// More sentences than a day has are none.
constexpr std::size_t kMostSegments = 10'000;
// How often a call that waits for the one before looks again.
constexpr std::int64_t kLookMs = 200;

Outcome unreadable(std::int32_t status) {
  if (status == RABT_BLOB_ABSENT)
    return Outcome::fail(Kind::permanent, "asr.no_recording", "there is no such recording",
                         R"({"status":404})");
  return Outcome::fail(Kind::transient, "asr.store", "the recording cannot be read now",
                       R"({"status":503})");
}

Json json_of(const Segment& segment) {
  Json out{{"startMs", segment.start_ms}, {"endMs", segment.end_ms}, {"text", segment.text}};
  if (segment.confidence) out["confidence"] = *segment.confidence;
  return out;
}

}  // namespace

class Plugin final : public TaskPlugin {
 public:
  Plugin(Host host, std::string_view config)
      : TaskPlugin(host), settings_(read_settings(config)), recogniser_(load(settings_)) {}

 protected:
  Task<Outcome> run(Call call) override {
    if (call.action != "transcribe")
      throw Refusal("asr.unknown_action", "pocketsphinx has no such action");
    const Json input = sdk::input_of(call);
    if (!settings_.speaks(sdk::text_of(input, "language"))) {
      co_return Outcome::fail(Kind::permanent, "asr.language",
                              "the model of this plugin is of another language",
                              R"({"status":422})");
    }
    while (busy_) co_await sleep_ms(kLookMs);
    const Turn turn(busy_);
    co_return co_await transcribe(call, sdk::text_of(input, "blob"));
  }

 private:
  // Holds the engine, also when the call's coroutine is destroyed.
  class Turn {
   public:
    explicit Turn(bool& busy) : busy_(busy) { busy_ = true; }
    ~Turn() { busy_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    bool& busy_;
  };

  static Settings& load(Settings& settings) {
    check_model(settings);
    return settings;
  }

  // The engine is this call's until it ends.
  Task<Outcome> transcribe(const Call& call, std::string blob) {
    recogniser_.begin();
    std::unique_ptr<SoundReader> reader;
    std::vector<Segment> segments;
    for (std::uint64_t from = 0;;) {
      const auto piece = co_await blob_read(call, blob, from, kPiece);
      // The end of a recording whose length is a multiple of the piece's.
      if (piece.status == RABT_BLOB_RANGE && from > 0) break;
      if (!piece.ok()) co_return unreadable(piece.status);
      try {
        hear(reader, piece.piece);
      } catch (const Refusal& refusal) {
        co_return Outcome::fail(Kind::permanent, refusal.code(), refusal.what(),
                                R"({"status":415})");
      }
      collect(segments);
      from += piece.piece.size();
      if (piece.piece.size() < kPiece) break;
    }
    recogniser_.end();
    collect(segments);
    Json said = Json::array();
    for (const Segment& one : segments) said.push_back(json_of(one));
    co_return sdk::done(Json{{"language", settings_.language},
                             {"durationMs", recogniser_.duration_ms()},
                             {"segments", std::move(said)}});
  }

  void hear(std::unique_ptr<SoundReader>& reader, std::string_view piece) {
    if (reader == nullptr) {
      reader = reader_for(piece, [this](std::int64_t at_ms, std::span<const std::int16_t> samples) {
        recogniser_.take(at_ms, samples);
      });
    }
    reader->take(piece);
  }
  void collect(std::vector<Segment>& segments) {
    for (Segment& one : recogniser_.taken()) {
      if (segments.size() < kMostSegments) segments.push_back(std::move(one));
    }
  }

  Settings settings_;
  Recogniser recogniser_;
  // A call is being served.
  bool busy_ = false;
};

}  // namespace rabt::pocketsphinx

RABT_PLUGIN(rabt::pocketsphinx::Plugin, "pocketsphinx", "1.0.0");
