#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/access/decide.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/session/amendment.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/identity/principal.hpp"

// The state machine of sessions, and the rules as far as they are about one session:
// docs/consultation.md numbers them. Pure: what a rule needs to know of the world comes with the
// command.
namespace rabt::consultation {

// The person or system that acts.
struct Actor {
  // As the audit log names him: "person:01J...".
  std::string actor;
  // ULID. Empty when no person acts.
  std::string person;
  identity::Roles roles;
  // The hub itself, or a workflow.
  bool system = false;
  // Acts on a page of the hub.
  bool page = false;
  // The trace of his request (identity::Caller::trace).
  std::string trace{};
  // Session and participant that a guest may enter. Empty for everybody else.
  identity::Part part{};

  // Administrator or operator of the tenant.
  [[nodiscard]] bool admin() const {
    return roles.has_any({identity::Role::admin, identity::Role::operator_});
  }
};

// When and under which settings something is decided.
struct Moment {
  Timestamp now;
  const VideoSettings& settings;
  const Actor& who;
  // Some plugin or service is bound to the role `video`.
  bool video = false;
  // The session's provider opens a room when the first one joins, and not before.
  bool room_at_join = false;
  // Abilities of the session's provider. A session that needs more is refused before anybody comes.
  bool records = true;
  // Media go from one participant to the other, and nobody between them can open them.
  bool end_to_end = true;
  // Participants who may only see and hear are held to it.
  bool receive_only = true;
  // It does so whenever the hub asks, and not by their tokens.
  bool holds_receivers = false;
  // It writes down what is said.
  bool transcribes = false;
  // Names for what is new, drawn before: decide() is pure.
  std::string fresh_id{};
};

// ---- Commands

// The draft holds what the request says, its participants have ids and identities. visit_open: set
// when the session has a visit.
struct Open {
  bool request = false;
  // The patient books himself: no room waits for him before somebody comes.
  bool by_patient = false;
  std::optional<bool> visit_open;
  // For a visit the number of the visit, otherwise random.
  std::string room_suffix;
  // Set for a session in a clinic.
  std::optional<bool> place_free;
};
struct Accept {
  // The doctor, ready to take part, if he is no participant yet.
  Participant doctor;
};
// No doctor who was rung has answered the emergency.
struct Unanswered {};
struct Decline {
  std::string reason;
};
struct Assign {
  Participant doctor;
};
struct Start {
  std::optional<bool> visit_open;
};
struct End {
  std::string reason;
  std::string notes;
  std::optional<std::int64_t> rating;
};
struct Cancel {
  std::string reason;
  // Code: kInPerson, or other_patient: the appointment is another patient's now. May be empty.
  std::string cause{};
};
struct Amend {
  Amendment members;
  // The hospital says another time, place or reason of the appointment.
  bool appointment_changed = false;
  // The patient whom they name, ready to take part.
  std::optional<Participant> patient{};
  // Those of the clinic session that the session has a place in.
  std::optional<ClinicHours> hours{};
};
struct Join {
  std::string device_type;
  std::string browser_info;
  // Place of the participant and a number to call back, for an emergency and a lost line. Patient
  // data.
  std::string location;
  std::string callback_phone;
  // Names the stay that the call itself begins.
  std::string stay;
  std::optional<bool> visit_open;
};
struct Leave {
  // The participant who leaves. Empty if it is the caller.
  std::string participant;
};
struct Add {
  Participant participant;
};
struct Remove {
  std::string participant;
};
struct Admit {
  std::string participant;
};
struct Deny {
  std::string participant;
  std::string reason;
};
struct Invite {
  Invitation invitation;
  // The invited participant as he would come; without a person if it is a guest.
  Participant whom;
};
struct Revoke {
  std::string invitation;
};
struct AcceptInvitation {
  std::string invitation;
  Participant participant;
};
// Somebody without an account opens the link of an invitation.
struct Enter {
  std::string invitation;
  std::int64_t generation = 0;
  // Person who joins, where the invitation is for nobody who takes part yet.
  Participant participant;
  // The browser has entered before, and its answer was lost or comes again.
  bool again = false;
  // Name of the proof by which the visit moves here from another browser, or by which the browser
  // that holds it shows whose it is. Empty when none was needed, or given.
  std::string second_proof{};
  // The person whom the invitation is for, and the version of his record; empty and 0 for nobody
  // who has one.
  std::string record_of{};
  std::int64_t record_version = 0;
};
// An invitation of somebody who takes part. renew: codes that were given before open nothing, and
// who came by them goes.
struct Send {
  std::string participant;
  // Id of a new invitation.
  std::string invitation;
  bool renew = false;
  // No person asks: a link that somebody took back is not followed by another one.
  bool unasked = false;
};
// The hub knows now whom a booking named.
struct Recognise {
  std::string participant;
  Participant person;
};
struct RecordConsent {
  // {id, kind, given, method, participant?}; participant is the guest whose consent it is.
  Json consent;
};
// Two identifiers that the patient said or showed were those of his record.
struct ConfirmIdentity {
  // Names of identifiers, never their values.
  Json identifiers = Json::array();
  std::optional<bool> visit_open{};
};
struct StartTranscription {};
struct StopTranscription {};
// The provider does not transcribe. code: why.
struct TranscriptionLost {
  std::string code;
  // When it told so by itself.
  std::optional<Timestamp> at{};
  // It may be telling of what the hub itself has stopped.
  bool may_be_asked = false;
};
// The provider hears nothing for a while, or hears again.
struct TranscriptionPaused {
  bool paused = false;
  Timestamp at;
};
// The provider says that it transcribes.
struct TranscriptionSeen {
  // Since when; 0 where it does not say.
  Timestamp at{};
};
struct StartRecording {
  std::string purpose;
};
struct StopRecording {};
// The clock has come to `due_at`.
struct Tick {};
// News of the video provider, or of a look at it.
struct ProviderJoined {
  std::string identity;
  std::string sid;
  Timestamp at;
  // event, reconcile
  std::string_view source = "event";
  std::optional<bool> visit_open{};
};
struct ProviderLeft {
  std::string identity;
  std::string sid;
  Timestamp at;
  std::string_view source = "event";
};
struct RoomOpened {
  std::string sid;
  // Region of the media, as the provider says. Empty when it does not say.
  std::string region{};
};
// The provider refused to open the room, or nobody knows whether it did.
struct RoomNotOpened {
  std::string warning;
};
struct RoomEnded {
  Timestamp at;
  // The provider lost it; nobody ended the visit.
  bool lost = false;
};
// The provider did not begin to record, or it broke off.
struct RecordingLost {
  std::string recording;
  std::string code;
  // Parts of it may go on.
  bool stop = false;
};
// The provider says that it records.
struct RecordingSeen {};
// Changes nothing.
struct Look {};
struct SetAppointment {
  Json appointment;
};
struct LinkConsultation {
  std::string consultation;
};
struct SetInsurance {
  std::string status;
  std::string reference;
  // Payer, member and day of the question to the payer, as the workflow notes them; null if unset.
  Json asked;
};
struct SetBilling {
  Json billing;
};
using Command =
    std::variant<Open, Accept, Unanswered, Decline, Assign, Start, End, Cancel, Amend, Join, Leave,
                 Add, Remove, Admit, Deny, Invite, Revoke, AcceptInvitation, Enter, Send, Recognise,
                 RecordConsent, ConfirmIdentity, StartTranscription, StopTranscription,
                 TranscriptionLost, TranscriptionPaused, TranscriptionSeen, StartRecording,
                 StopRecording, Tick, ProviderJoined, ProviderLeft, RoomOpened, RoomNotOpened,
                 RoomEnded, RecordingLost, RecordingSeen, Look, SetAppointment, LinkConsultation,
                 SetInsurance, SetBilling>;

// ---- What follows

// An event of the session. data: without patient data.
struct SessionEvent {
  // Without the prefix: "participant-joined".
  std::string type;
  Json data = Json::object();
};
// A request to the video provider.
struct Effect {
  // open-room, end-room, start-recording, stop-recording, collect, remove-participant,
  // hold-receivers, start-transcription, stop-transcription
  std::string kind;
  // A recording.
  std::string subject;
};
// An entry of the audit log.
struct Act {
  std::string act;
  Json detail = Json::object();
};

// The session as it is afterwards, and what has to be told, asked and written down.
struct Change {
  Session after;
  std::vector<SessionEvent> events;
  std::vector<Effect> effects;
  std::vector<Act> acts;
  // The provider becomes busy, or free again.
  std::optional<bool> busy;
  // The place that was booked for it is free again.
  bool freed = false;
  // Another clinician has taken the place of the provider: the change is not refused for his time.
  bool followed = false;
  // Nothing to store: the command was a repeat.
  bool unchanged = false;
  // A recording that begins or ends: recording.id.
  std::string recording_begun;
  std::string recording_purpose;
  std::string recording_ended;
  // Participant that AcceptInvitation, Enter, Add or Join is about.
  std::string participant;
  // Set by Send: the invitation.
  std::string invitation;
};

// Errors: denied authorisation.denied, session.not_host, session.create_denied,
// participant.not_a_participant; conflict session.*, participant.*, visit.closed, licence.missing,
// consent.*, recording.*, capability.*; not_found participant.unknown,
// invitation.unknown.
[[nodiscard]] Result<Change> decide(const Session& session, const Moment& moment,
                                    const Command& command);

// Ok if media may be in the region; an empty region is one that nobody named. Error conflict
// residency.region.
[[nodiscard]] Status may_be_in(const VideoSettings& settings, std::string_view region);

// True if whom the invitation is for is in the session, or on his way there, under his account.
[[nodiscard]] bool is_there_under_account(const Session& session, const Invitation& invitation);
// True if whom the invitation is for has come under his account since it was sent, also while he is
// away: whoever has it was not looked at since.
[[nodiscard]] bool came_since_sent(const Session& session, const Invitation& invitation);
// Ok if the code of the generation still leads to the invitation. Errors: conflict
// invitation.expired, invitation.revoked.
[[nodiscard]] Status may_be_shown(const Session& session, const Invitation& invitation,
                                  std::int64_t generation, Timestamp now);

// When the hub has to look at the session without being asked.
[[nodiscard]] std::optional<std::int64_t> due_at(const Session& session,
                                                 const VideoSettings& settings);

// The participant as whom the caller acts: his account's, or the one of his link in this session.
// Null when he is none.
[[nodiscard]] const Participant* own_of(const Session& session, const Actor& who);
[[nodiscard]] Participant* own_of(Session& session, const Actor& who);
// The role that a participant acts in: his own while his account fits it, else observer.
[[nodiscard]] PartRole acting_role(const Participant& own, identity::Roles account);
// Relations of the caller to the session, for access::decide().
[[nodiscard]] access::Facts facts_of(const Session& session, const Actor& who);
// Decides whether he may. Errors: those of the decision.
[[nodiscard]] Result<access::Allowed> may(access::Right right, const Session& session,
                                          const Actor& who);

// Proof of a guest's licence: the form of its number.
[[nodiscard]] identity::Licence licence_of(std::string_view number,
                                           const std::vector<std::string>& patterns);

}  // namespace rabt::consultation
