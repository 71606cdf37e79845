#include "hub/consultation/session/step.hpp"

#include <algorithm>

#include "hub/consultation/session/standing_consents.hpp"

// Transcription by the provider.
namespace rabt::consultation {

namespace {

// Tells of a transcription before the one that runs. Clocks differ.
bool is_of_before(const Session& is, Timestamp at) {
  constexpr std::int64_t kSkewMs = 10'000;
  return at.ms < is.transcript.asked_ms - kSkewMs;
}
// Owner of a stop that the provider tells of: it may be the one before, which the hub asked for:
// until the provider hears that, the next one may have been asked for. By the provider's own clock,
// where it has told when the next one began.
enum class WhoseStop { own, others, unknown };
WhoseStop whose_stop(const Session& is, Timestamp at) {
  constexpr std::int64_t kOnItsWayMs = 60'000;
  if (is.transcript.ended_ms == 0) return WhoseStop::others;
  if (is.transcript.begun_ms != 0)
    return at.ms <= is.transcript.begun_ms ? WhoseStop::own : WhoseStop::others;
  return at.ms < is.transcript.ended_ms + kOnItsWayMs ? WhoseStop::unknown : WhoseStop::others;
}

// Error unavailable asr.not_configured, as of a hub without speech recognition.
Status must_transcribe(const Step& step) {
  if (step.moment.transcribes && !step.before.room.plugin.empty()) return ok_status();
  return unavailable("asr.not_configured",
                     "the video provider of this session writes nothing down, and no speech "
                     "recognition listens during a call; send the text of the segments");
}

}  // namespace

void begin_transcription(Step& step) {
  Session& is = step.after();
  is.transcript.asked_ms = step.moment.now.ms;
  is.transcript.begun_ms = 0;
  is.transcript.end_gap(step.moment.now.ms);
  step.ask("start-transcription");
}

void end_transcription(Step& step, std::string_view code) {
  Session& is = step.after();
  if (!is.transcript.on) return;
  is.transcript.on = false;
  is.transcript.ended_ms = step.moment.now.ms;
  is.transcript.end_gap(step.moment.now.ms);
  Json why = Json::object();
  if (!code.empty()) why.set("code", code);
  step.record("transcript.stopped", why);
  step.tell("transcript-stopped", why);
}

Result<Change> on(Step step, const StartTranscription& /*command*/) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  RABT_TRY_STATUS(must_transcribe(step));
  if (is.options.e2ee)
    return conflict("transcription.e2ee",
                    "a session that is encrypted end to end is not transcribed");
  if (is.room.state != "open")
    return conflict("transcription.no_room", "the video provider has no room of this session yet");
  RABT_TRY_STATUS(may_be_transcribed(is));
  if (is.transcript.on) return nothing(is);
  is.transcript.on = true;
  begin_transcription(step);
  step.record("transcript.started");
  step.tell("transcript-started");
  return done(std::move(step));
}

Result<Change> on(Step step, const StopTranscription& /*command*/) {
  Session& is = step.after();
  RABT_TRY_STATUS(must_be_open(is, "active"));
  RABT_TRY_STATUS(must_transcribe(step));
  if (!is.transcript.on) return nothing(is);
  step.ask("stop-transcription");
  end_transcription(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const TranscriptionLost& command) {
  Session& is = step.after();
  if (!is.transcript.on || (command.at && is_of_before(is, *command.at)))
    return nothing(step.before);
  if (command.may_be_asked && command.at) {
    const WhoseStop whose = whose_stop(is, *command.at);
    if (whose == WhoseStop::own) return nothing(step.before);
    if (whose == WhoseStop::unknown) {
      // One that runs is not begun twice; one that was stopped after all begins again.
      step.ask("start-transcription");
      return done(std::move(step));
    }
  }
  // Nothing was heard since it was interrupted.
  const bool lasts = !is.transcript.gaps.empty() && !is.transcript.gaps.back().to_ms;
  const std::int64_t since =
      lasts ? is.transcript.gaps.back().from_ms : command.at.value_or(step.moment.now).ms;
  if (lasts) is.transcript.gaps.pop_back();
  // An answer that was lost may have been a yes.
  step.ask("stop-transcription");
  end_transcription(step, command.code);
  is.transcript.begin_gap(since, command.code);
  return done(std::move(step));
}

Result<Change> on(Step step, const TranscriptionPaused& command) {
  Session& is = step.after();
  if (!is.transcript.on || is_of_before(is, command.at)) return nothing(step.before);
  const bool paused = !is.transcript.gaps.empty() && !is.transcript.gaps.back().to_ms;
  if (paused == command.paused) return nothing(step.before);
  if (command.paused) {
    is.transcript.begin_gap(command.at.ms, "video.transcription_interrupted");
  } else {
    is.transcript.end_gap(command.at.ms);
  }
  step.tell(command.paused ? "transcript-interrupted" : "transcript-resumed");
  return done(std::move(step));
}

// News of one that was stopped meanwhile come late. Where none was ever asked for, the provider
// transcribes by a setting of its own, and nobody has consented.
Result<Change> on(Step step, const TranscriptionSeen& command) {
  constexpr std::string_view kUnasked = "transcription.unasked";
  // Clocks that are further apart leave it open which one began.
  constexpr std::int64_t kCloseMs = 1'000;
  Session& is = step.after();
  if (is.transcript.on) {
    const bool of_before =
        is_of_before(is, command.at) || command.at.ms < is.transcript.ended_ms - kCloseMs;
    if (of_before || command.at.ms <= is.transcript.begun_ms) return nothing(step.before);
    is.transcript.begun_ms = command.at.ms;
    return done(std::move(step));
  }
  const bool told =
      std::find(is.warnings.begin(), is.warnings.end(), kUnasked) != is.warnings.end();
  if (is.over() || is.transcript.asked_ms != 0 || told) return nothing(step.before);
  is.warn(kUnasked);
  step.ask("stop-transcription");
  step.record("transcript.unasked");
  step.tell("transcript-unasked");
  return done(std::move(step));
}

}  // namespace rabt::consultation
