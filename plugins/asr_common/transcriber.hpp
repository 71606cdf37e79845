#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"
#include "sound.hpp"

namespace rabt::asr {

// The action `transcribe` with an engine: reads a recording piece by piece and hands its sound on.
// One recording is heard at a time; others wait.
class Transcriber : public sdk::TaskPlugin {
 public:
  // Comes on another lane than the one that hears, where the plugin has two.
  void cancel(rabt_call_id call) {
    if (heard_ == call) stop_.ask();
  }

 protected:
  using Json = nlohmann::json;
  using Outcome = sdk::Outcome;

  Transcriber(sdk::Host host, std::unique_ptr<Engine> engine)
      : TaskPlugin(host), engine_(std::move(engine)) {}

  sdk::Task<Outcome> run(sdk::Call call) override {
    if (call.action != "transcribe")
      throw sdk::Refusal("asr.unknown_action", "this plugin has no such action");
    const Json input = sdk::input_of(call);
    const std::string language = sdk::text_of(input, "language");
    if (!engine_->speaks(language))
      co_return fail(sdk::Kind::permanent, "asr.language",
                     "the model of this plugin is of another language", 422);
    while (busy_.exchange(true)) co_await sleep_ms(kLookMs);
    const Turn turn(*this, call);
    co_return co_await transcribe(call, sdk::text_of(input, "blob"), language);
  }

 private:
  // So much of a recording is in memory at once. Small, so that a call that ends is noticed soon: a
  // track of sound brings four seconds in a piece.
  static constexpr std::uint64_t kPiece = 16U << 10U;
  // More sentences than a day has are none.
  static constexpr std::size_t kMostSegments = 10'000;
  // Interval at which a call looks whether the call before it has ended.
  static constexpr std::int64_t kLookMs = 200;

  // Holds the engine, also when the call's coroutine is destroyed.
  class Turn {
   public:
    Turn(Transcriber& of, const sdk::Call& call) : of_(of) {
      const std::int64_t left = call.deadline_unix_ms - of.host().now_unix_ms();
      of_.stop_.begin(std::chrono::milliseconds(std::max<std::int64_t>(left, 0)));
      of_.heard_ = call.id;
    }
    ~Turn() {
      of_.heard_ = 0;
      of_.busy_ = false;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Transcriber& of_;
  };

  static Outcome fail(sdk::Kind kind, std::string code, std::string message, int status) {
    return sdk::fail(kind, std::move(code), std::move(message), Json{{"status", status}});
  }
  static Outcome unreadable(std::int32_t status) {
    if (status == RABT_BLOB_ABSENT)
      return fail(sdk::Kind::permanent, "asr.no_recording", "there is no such recording", 404);
    return fail(sdk::Kind::transient, "asr.store", "the recording cannot be read now", 503);
  }
  static Json json_of(const Segment& segment) {
    Json out{{"startMs", segment.start_ms}, {"endMs", segment.end_ms}, {"text", segment.text}};
    if (segment.confidence) out["confidence"] = *segment.confidence;
    return out;
  }

  // The engine is this call's until it ends.
  sdk::Task<Outcome> transcribe(const sdk::Call& call, std::string blob, std::string language) {
    engine_->begin(language, stop_);
    std::unique_ptr<SoundReader> reader;
    std::vector<Segment> segments;
    for (std::uint64_t from = 0;;) {
      const auto piece = co_await blob_read(call, blob, from, kPiece);
      // The end of a recording whose length is a multiple of the piece's.
      const bool over = piece.status == RABT_BLOB_RANGE && from > 0;
      if (!over && !piece.ok()) co_return unreadable(piece.status);
      const std::string_view bytes = over ? std::string_view{} : std::string_view(piece.piece);
      const bool last = bytes.size() < kPiece;
      if (const auto failed = hear(reader, bytes, last, segments)) co_return *failed;
      if (last) break;
      from += bytes.size();
    }
    Json said = Json::array();
    for (const Segment& segment : segments) said.push_back(json_of(segment));
    co_return sdk::done(Json{{"language", engine_->language()},
                             {"durationMs", engine_->duration_ms()},
                             {"segments", std::move(said)}});
  }

  // Returns the outcome of the call, once the call ends.
  std::optional<Outcome> hear(std::unique_ptr<SoundReader>& reader, std::string_view piece,
                              bool last, std::vector<Segment>& segments) {
    try {
      if (reader == nullptr) {
        reader = reader_for(piece, [this](std::int64_t at_ms, std::span<const std::int16_t> sound) {
          engine_->take(at_ms, sound);
        });
      }
      reader->take(piece);
      if (last) engine_->end();
    } catch (const Stopped&) {
      if (stop_.asked())
        return Outcome::fail(sdk::Kind::cancelled, "asr.cancelled", "nobody waits any more");
      return fail(sdk::Kind::transient, "asr.deadline", "the recording takes longer than the call",
                  503);
    } catch (const sdk::Refusal& refusal) {
      if (refusal.code() != "asr.format")
        return fail(sdk::Kind::transient, refusal.code(), refusal.what(), 503);
      return fail(sdk::Kind::permanent, refusal.code(), refusal.what(), 415);
    }
    for (Segment& segment : engine_->taken()) {
      if (segments.size() < kMostSegments) segments.push_back(std::move(segment));
    }
    return std::nullopt;
  }

  const std::unique_ptr<Engine> engine_;
  Stop stop_;
  // A call is being served.
  std::atomic<bool> busy_{false};
  // Which; 0 when none is.
  std::atomic<rabt_call_id> heard_{0};
};

}  // namespace rabt::asr
