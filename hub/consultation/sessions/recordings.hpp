#pragma once

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/recording/rows.hpp"

namespace rabt::consultation {

// Recordings of sessions, as callers ask for them. Internally synchronised.
class SessionRecordings {
 public:
  explicit SessionRecordings(Acts& acts) : acts_(acts) {}

  // The answer is the recording.
  Answer start(const Ask& ask);
  Answer stop(const Ask& ask);
  // The recordings of a session, or all that the caller may see when ask.session is empty.
  Result<Page> list(const Ask& ask, const Window& window);
  // Sums of all recordings that the caller may see.
  Result<RecordingTotals> totals(const Ask& ask);
  // record: the recording, here and in withdraw.
  Answer get(const Ask& ask);
  // By which rule the caller reads what was recorded in the session. Errors: those of
  // Acts::membership() and of the decision.
  Result<access::Allowed> may_read(const Ask& ask);
  Answer withdraw(const Ask& ask);
  // record: a recording of the session, which everybody who took part lets be transcribed.
  // {recording, blob, contentType, language, startedMs, offsetMs}. Errors: not_found
  // recording.unknown, conflict recording.not_ready, consent.transcription_missing.
  Answer transcribable(const Ask& ask);

  // True if the caller sees that the session was recorded.
  [[nodiscard]] bool sees(const Session& session, const Ask& ask) const;
  // True if he may withdraw recordings, and so reads why others did.
  [[nodiscard]] static bool withdraws(const Actor& who);

 private:
  [[nodiscard]] access::Facts facts(const Session& session, const Ask& ask) const;
  // Recordings that a list shows him. Error denied authorisation.denied.
  [[nodiscard]] Result<RecordingFilter> seen_by(const Actor& who) const;
  [[nodiscard]] std::int64_t kinds_for(const Actor& who) const;

  Acts& acts_;
};

}  // namespace rabt::consultation
