#pragma once

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/sessions/entry.hpp"

namespace rabt::consultation {

// Participants, the waiting room, and consents. Internally synchronised.
class SessionPeople {
 public:
  SessionPeople(Acts& acts, VideoProvider& video, SessionEntry& entry)
      : acts_(acts), video_(video), entry_(entry) {}

  Answer participants(const Ask& ask);
  Answer add_participant(const Ask& ask);
  // record: the participant, here and in the next two.
  Answer remove_participant(const Ask& ask);
  Answer admit(const Ask& ask);
  Answer deny(const Ask& ask);
  Answer waiting_room(const Ask& ask);
  Answer consents(const Ask& ask);
  Answer record_consent(const Ask& ask);
  // Confirms who the patient is; the answer is the session, which may have begun by it.
  Answer confirm_identity(const Ask& ask);
  // The video provider's transcription: {session, transcribing}. Errors: unavailable
  // asr.not_configured, conflict consent.transcription_missing.
  Answer start_transcription(const Ask& ask);
  Answer stop_transcription(const Ask& ask);

 private:
  Acts& acts_;
  VideoProvider& video_;
  SessionEntry& entry_;
};

}  // namespace rabt::consultation
