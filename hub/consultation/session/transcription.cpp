#include "hub/consultation/session/step.hpp"

#include <algorithm>

#include "hub/consultation/session/standing_consents.hpp"

// Transcription by the provider.
namespace rabt::consultation {

namespace {

// Tells of a transcription before the one that runs. Clocks differ.
bool is_of_before(const Session& session, Timestamp at) {
  constexpr std::int64_t kSkewMs = 10'000;
  return at.ms < session.transcript.asked_ms - kSkewMs;
}
// Owner of a stop that the provider tells of: it may be the one before, which the hub asked for:
// until the provider hears that, the next one may have been asked for. By the provider's own clock,
// where it has told when the next one began.
enum class WhoseStop { own, others, unknown };
WhoseStop whose_stop(const Session& session, Timestamp at) {
  constexpr std::int64_t kOnItsWayMs = 60'000;
  if (session.transcript.ended_ms == 0) return WhoseStop::others;
  if (session.transcript.begun_ms != 0)
    return at.ms <= session.transcript.begun_ms ? WhoseStop::own : WhoseStop::others;
  return at.ms < session.transcript.ended_ms + kOnItsWayMs ? WhoseStop::unknown : WhoseStop::others;
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
  Session& session = step.after();
  session.transcript.asked_ms = step.moment.now.ms;
  session.transcript.begun_ms = 0;
  session.transcript.end_gap(step.moment.now.ms);
  step.ask("start-transcription");
}

void end_transcription(Step& step, std::string_view code) {
  Session& session = step.after();
  if (!session.transcript.on) return;
  session.transcript.on = false;
  session.transcript.ended_ms = step.moment.now.ms;
  session.transcript.end_gap(step.moment.now.ms);
  Json why = Json::object();
  if (!code.empty()) why.set("code", code);
  step.record("transcript.stopped", why);
  step.tell("transcript-stopped", why);
}

Result<Change> on(Step step, const StartTranscription& /*command*/) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "active"));
  RABT_TRY_STATUS(must_transcribe(step));
  if (session.options.e2ee)
    return conflict("transcription.e2ee",
                    "a session that is encrypted end to end is not transcribed");
  if (session.room.state != "open")
    return conflict("transcription.no_room", "the video provider has no room of this session yet");
  RABT_TRY_STATUS(may_be_transcribed(session));
  if (session.transcript.on) return nothing(session);
  session.transcript.on = true;
  begin_transcription(step);
  step.record("transcript.started");
  step.tell("transcript-started");
  return done(std::move(step));
}

Result<Change> on(Step step, const StopTranscription& /*command*/) {
  Session& session = step.after();
  RABT_TRY_STATUS(must_be_open(session, "active"));
  RABT_TRY_STATUS(must_transcribe(step));
  if (!session.transcript.on) return nothing(session);
  step.ask("stop-transcription");
  end_transcription(step);
  return done(std::move(step));
}

Result<Change> on(Step step, const TranscriptionLost& command) {
  Session& session = step.after();
  if (!session.transcript.on || (command.at && is_of_before(session, *command.at)))
    return nothing(step.before);
  if (command.may_be_asked && command.at) {
    const WhoseStop whose = whose_stop(session, *command.at);
    if (whose == WhoseStop::own) return nothing(step.before);
    if (whose == WhoseStop::unknown) {
      // One that runs is not begun twice; one that was stopped after all begins again.
      step.ask("start-transcription");
      return done(std::move(step));
    }
  }
  // Nothing was heard since it was interrupted.
  const bool lasts = !session.transcript.gaps.empty() && !session.transcript.gaps.back().to_ms;
  const std::int64_t since =
      lasts ? session.transcript.gaps.back().from_ms : command.at.value_or(step.moment.now).ms;
  if (lasts) session.transcript.gaps.pop_back();
  // An answer that was lost may have been a yes.
  step.ask("stop-transcription");
  end_transcription(step, command.code);
  session.transcript.begin_gap(since, command.code);
  return done(std::move(step));
}

Result<Change> on(Step step, const TranscriptionPaused& command) {
  Session& session = step.after();
  if (!session.transcript.on || is_of_before(session, command.at)) return nothing(step.before);
  const bool paused = !session.transcript.gaps.empty() && !session.transcript.gaps.back().to_ms;
  if (paused == command.paused) return nothing(step.before);
  if (command.paused) {
    session.transcript.begin_gap(command.at.ms, "video.transcription_interrupted");
  } else {
    session.transcript.end_gap(command.at.ms);
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
  Session& session = step.after();
  if (session.transcript.on) {
    const bool of_before =
        is_of_before(session, command.at) || command.at.ms < session.transcript.ended_ms - kCloseMs;
    if (of_before || command.at.ms <= session.transcript.begun_ms) return nothing(step.before);
    session.transcript.begun_ms = command.at.ms;
    return done(std::move(step));
  }
  const bool warned = std::find(session.warnings.begin(), session.warnings.end(), kUnasked) !=
                      session.warnings.end();
  if (session.over() || session.transcript.asked_ms != 0 || warned) return nothing(step.before);
  session.warn(kUnasked);
  step.ask("stop-transcription");
  step.record("transcript.unasked");
  step.tell("transcript-unasked");
  return done(std::move(step));
}

}  // namespace rabt::consultation
