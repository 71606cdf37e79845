#pragma once

#include "hub/consultation/session/decide.hpp"

// Internal: what the parts of the state machine share.
namespace rabt::consultation {

// One decision under way: the session before, and the one that follows.
struct Step {
  // Nothing is decided about the state before somebody was allowed to ask.
  Step(const Session& session, const Moment& at, const access::Allowed& /*allowed*/)
      : before(session), moment(at) {
    change.after = session;
  }
  const Session& before;
  const Moment& moment;
  Change change;

  [[nodiscard]] Session& after() { return change.after; }
  // Common data of all events about the session stand in each.
  void tell(std::string_view type, const Json& more = Json::object());
  void ask(std::string_view kind, std::string_view subject = {});
  void record(std::string_view act, Json detail = Json::object());
};

[[nodiscard]] Result<Change> done(Step&& step);
[[nodiscard]] Result<Change> nothing(const Session& session);

// Ok if the patient takes part as patient and as nothing else. Error conflict session.own_patient.
[[nodiscard]] Status not_own_patient(const Session& session);
// Error conflict session.<status> when the session is over.
[[nodiscard]] Status must_be_open(const Session& session, std::string_view needed);

// Opens the provider's room unless it is open.
void open_room(Step& step);
// active, with all that follows from it. The caller has checked who may.
[[nodiscard]] Status begin(Step& step, std::optional<bool> visit_open, std::string_view how);
// Begins by itself when a host and one more required person have joined.
void begin_by_itself(Step& step, std::optional<bool> visit_open);
// completed, cancelled, no_show or failed: closes stays, ends room and recording.
void finish(Step& step, SessionStatus status, std::string_view reason);
// Ok if the session's provider records. Error conflict capability.recording.
[[nodiscard]] Status provider_records(const Step& step);
// The one function that decides who may take part, whichever way he comes. Somebody without an
// account, a guest, only needs a role that the session takes. Errors as role_allowed; conflict
// participant.role_not_held: his account has no such role; session.has_patient; consent.own_word: a
// relative whom the patient does not want; capability.receive_only.
[[nodiscard]] Status may_take_part(const Step& step, const Participant& coming);
// how somebody comes in, at once or into the waiting room.
[[nodiscard]] Admission first_admission(const Session& session, const Participant& coming);
// Somebody new, with his number and admission. Errors of may_take_part, conflict session.full,
// session.own_patient.
[[nodiscard]] Result<Participant*> bring_in(Step& step, Participant coming);
// A patient who comes is the one whom the session is about, if it is about nobody yet. Error
// conflict session.own_patient.
[[nodiscard]] Status take_as_patient(Step& step, const Participant& coming);
// The person who brought a participant in. Empty when it was a system of the hospital.
[[nodiscard]] std::string bringer_of(const Session& session, const Participant& participant);
// The persons on whose word alone the person speaks: himself, who brought him in, and so on.
[[nodiscard]] std::string word_of(const Session& session, const std::string& person);
// Ok unless the coming one is a second patient, with or without an account. A patient whom a
// booking named stays the patient while he is removed. Error conflict session.has_patient.
[[nodiscard]] Status no_second_patient(const Session& session, const Participant& coming);
// The participant whom the coming one is already: by the account, as whom a booking named
// (Persons::as_known), or as a guest of the same id. Null when there is none.
[[nodiscard]] Participant* known_in(Session& session, const Participant& coming);
// Gives the account of `person` to a participant who had none. The consequences stand on the word
// of the person who brought the participant in. Errors of may_take_part, conflict
// session.own_patient.
[[nodiscard]] Status become(Step& step, Participant& participant, Participant person);
// Ends the participant's links when he comes under an account, or is put out, or brought back:
// holders of a link are out, consents given by it end, and whoever opens it anew waits for a host.
void end_links(Step& step, std::string_view participant);
// The session is that of the clinician who holds it: where its doctor takes part no more, and
// another clinician does, provider and organizer follow.
void follow_provider(Step& step);
// The session has no place any more in the hours of its clinic.
void leave_clinic_session(Step& step);
// The participant is let in: what he refused by his link while he waited again is his own no from
// now on, which nobody else lifts.
void keep_refusals(Step& step, const Participant& participant);
// Error conflict consent.recording_missing, recording.*, capability.recording.
[[nodiscard]] Status begin_recording(Step& step, std::string_view purpose);
void end_recording(Step& step);
// A recording that stood on a consent by a link ends with that link; that of a training, of which
// everybody is asked, ends when somebody comes who has not consented.
void follow_consents(Step& step);
// Asks the provider, also when it was asked before: it may have begun in another room.
void begin_transcription(Step& step);
// Ends the transcription. code: why, when nobody asked for the end.
void end_transcription(Step& step, std::string_view code = {});
// Asks the provider to keep those who only receive from being seen and heard.
void hold_receivers(Step& step);
// scheduled <-> waiting, and since when nobody is there.
void follow_presence(Step& step);
void end_stays(Step& step, std::string_view participant, std::int64_t at_ms);

// True if the session starts only once two identifiers of the patient were confirmed, and they were
// not. by_page: a page of the hub starts it.
[[nodiscard]] bool awaits_identity(const Session& session, const VideoSettings& settings,
                                   bool by_page);
// True if a host who is there came by a page of the hub.
[[nodiscard]] bool led_by_page(const Session& session);
inline constexpr std::string_view kIdentityUnconfirmed = "identity.unconfirmed";
// True if the licence satisfies `licence.require`.
[[nodiscard]] bool licensed(const Participant& participant, const VideoSettings& settings);

// {participant, role} of an event about one participant.
[[nodiscard]] Json named(const Participant& participant);
// Error not_found participant.unknown.
[[nodiscard]] Result<Participant*> named_in(Step& step, std::string_view id);
// Begins a stay. False for the same provider's id again.
bool begin_stay(Step& step, Participant& participant, std::string_view sid, std::int64_t at_ms,
                std::string_view source);
// Ends media of a participant, and the tokens handed out so far.
void put_out(Step& step, const Participant& participant);
// True if the call to join counts, whatever the provider tells.
[[nodiscard]] bool call_is_joining(const Session& session, const Moment& moment);
void tell_joined(Step& step, const Participant& participant);
void tell_left(Step& step, const Participant& participant);

Result<Change> on(Step step, const Open& command);
Result<Change> on(Step step, const Accept& command);
Result<Change> on(Step step, const Unanswered& command);
Result<Change> on(Step step, const Decline& command);
Result<Change> on(Step step, const Assign& command);
Result<Change> on(Step step, const Start& command);
Result<Change> on(Step step, const End& command);
Result<Change> on(Step step, const Cancel& command);
Result<Change> on(Step step, const Amend& command);
Result<Change> on(Step step, const Join& command);
Result<Change> on(Step step, const Leave& command);
Result<Change> on(Step step, const Add& command);
Result<Change> on(Step step, const Remove& command);
Result<Change> on(Step step, const Admit& command);
Result<Change> on(Step step, const Deny& command);
Result<Change> on(Step step, const Invite& command);
Result<Change> on(Step step, const Revoke& command);
Result<Change> on(Step step, const AcceptInvitation& command);
Result<Change> on(Step step, const Enter& command);
Result<Change> on(Step step, const Send& command);
Result<Change> on(Step step, const Recognise& command);
Result<Change> on(Step step, const RecordConsent& command);
Result<Change> on(Step step, const ConfirmIdentity& command);
Result<Change> on(Step step, const StartTranscription& command);
Result<Change> on(Step step, const StopTranscription& command);
Result<Change> on(Step step, const TranscriptionLost& command);
Result<Change> on(Step step, const TranscriptionPaused& command);
Result<Change> on(Step step, const TranscriptionSeen& command);
Result<Change> on(Step step, const StartRecording& command);
Result<Change> on(Step step, const StopRecording& command);
Result<Change> on(Step step, const Tick& command);
Result<Change> on(Step step, const ProviderJoined& command);
Result<Change> on(Step step, const ProviderLeft& command);
Result<Change> on(Step step, const RoomOpened& command);
Result<Change> on(Step step, const RoomNotOpened& command);
Result<Change> on(Step step, const RoomEnded& command);
Result<Change> on(Step step, const RecordingLost& command);
Result<Change> on(Step step, const RecordingSeen& command);
Result<Change> on(const Step& step, const Look& command);
Result<Change> on(Step step, const SetAppointment& command);
Result<Change> on(Step step, const LinkConsultation& command);
Result<Change> on(Step step, const SetInsurance& command);
Result<Change> on(Step step, const SetBilling& command);

}  // namespace rabt::consultation
