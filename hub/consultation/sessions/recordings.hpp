#pragma once

#include <string>
#include <string_view>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/recording/recording_view.hpp"
#include "hub/consultation/recording/rows.hpp"
#include "hub/consultation/sessions/recording_requests.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

namespace rabt::consultation {

// Recordings of sessions, as callers ask for them. Internally synchronised.
class SessionRecordings {
 public:
  explicit SessionRecordings(Acts& acts) : acts_(acts) {}

  Result<RecordingView> start(const Caller& caller, const Asked<BeginRecording>& asked);
  Result<RecordingView> stop(const Caller& caller, const Asked<OfSession>& asked);
  Result<PageOf<RecordingView>> list(const Caller& caller, const Asked<ListRecordings>& asked,
                                     const Window& window);
  // Sums of all recordings that the caller may see.
  Result<RecordingTotals> totals(const Caller& caller);
  Result<RecordingView> get(const Caller& caller, const Asked<ReadRecording>& asked);
  // By which rule the caller reads what was recorded in the session. Errors: those of
  // Acts::membership() and of the decision.
  Result<access::Allowed> may_read(const Caller& caller, std::string_view session);
  Result<RecordingView> withdraw(const Caller& caller, const Asked<WithdrawRecording>& asked);
  // A recording of the session, which everybody who took part lets be transcribed. Errors:
  // not_found recording.unknown, conflict recording.not_ready, consent.transcription_missing.
  Result<RecordedSpeech> transcribable(const Caller& caller,
                                       const Asked<TranscribeRecording>& asked);

  // True if the caller sees that the session was recorded.
  [[nodiscard]] bool sees(const Session& session, const Caller& caller) const;
  // True if he may withdraw recordings, and so reads why others did.
  [[nodiscard]] static bool withdraws(const Actor& who);

 private:
  [[nodiscard]] access::Facts facts(const Session& session, const Caller& caller) const;
  // Recordings that a list shows him. Error denied authorisation.denied.
  [[nodiscard]] Result<RecordingFilter> seen_by(const Actor& who) const;
  [[nodiscard]] std::int64_t kinds_for(const Actor& who) const;

  Acts& acts_;
};

}  // namespace rabt::consultation
