#pragma once

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/request/items_of.hpp"
#include "hub/consultation/sessions/entry.hpp"
#include "hub/consultation/sessions/people_requests.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

namespace rabt::consultation {

// Participants, the waiting room, and consents. Internally synchronised.
class SessionPeople {
 public:
  SessionPeople(Acts& acts, VideoProvider& video, SessionEntry& entry)
      : acts_(acts), video_(video), entry_(entry) {}

  Result<ItemsOf<ParticipantView>> participants(const Caller& caller,
                                                const Asked<OfSession>& asked);
  Result<AdmissionView> add_participant(const Caller& caller, const Asked<AddParticipant>& asked);
  Result<ParticipantView> remove_participant(const Caller& caller,
                                             const Asked<OfParticipant>& asked);
  Result<AdmissionView> admit(const Caller& caller, const Asked<OfParticipant>& asked);
  Result<AdmissionView> deny(const Caller& caller, const Asked<DenyParticipant>& asked);
  Result<ItemsOf<WaitingView>> waiting_room(const Caller& caller, const Asked<OfSession>& asked);
  Result<ItemsOf<ConsentView>> consents(const Caller& caller, const Asked<OfSession>& asked);
  Result<ConsentView> record_consent(const Caller& caller, const Asked<GiveConsent>& asked);
  // The session may have begun by it.
  Result<SessionView> confirm_identity(const Caller& caller, const Asked<IdentifyPatient>& asked);
  // The video provider's transcription. Errors: unavailable asr.not_configured, conflict
  // consent.transcription_missing.
  Result<TranscribingView> start_transcription(const Caller& caller, const Asked<OfSession>& asked);
  Result<TranscribingView> stop_transcription(const Caller& caller, const Asked<OfSession>& asked);

 private:
  Acts& acts_;
  VideoProvider& video_;
  SessionEntry& entry_;
};

}  // namespace rabt::consultation
