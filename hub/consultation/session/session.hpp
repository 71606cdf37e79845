#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/session/participants.hpp"
#include "hub/consultation/session/session_data.hpp"
#include "hub/consultation/session/status.hpp"
#include "hub/consultation/session/time.hpp"
#include "hub/identity/people.hpp"

// A session as the rules see it. Values; pure.
namespace rabt::consultation {

// The target of sessions whose browsers reach each other without a provider: p2p_video.hpp.
inline constexpr std::string_view kP2p = "hub://p2p";
// Everybody sends to everybody else: more do not get through on the lines of a home.
inline constexpr std::int64_t kMostP2pParticipants = 4;

enum class SessionType : std::uint8_t {
  doctor_patient,
  medical_team,
  family_consultation,
  second_opinion,
  emergency_consultation,
  remote_monitoring,
  training_session
};
[[nodiscard]] std::string_view to_string(SessionType type);
// In any case of letters.
[[nodiscard]] std::optional<SessionType> parse_session_type(std::string_view text);

struct Session {
  std::string tenant;
  std::string id;
  std::int64_t number = 0;
  // 0 until it is stored.
  std::int64_t version = 0;
  // data_key.id
  std::string data_key;
  SessionStatus status = SessionStatus::scheduled;
  SessionType type = SessionType::doctor_patient;
  // direct, clinic, or empty
  std::string booking;
  std::string provider;
  std::string patient;
  SessionNaming naming;
  SessionOrigin origin;
  SessionTies ties;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::optional<std::int64_t> started_ms;
  std::optional<std::int64_t> ended_ms;
  SessionSchedule schedule;
  SessionOptions options;
  SessionTopic topic;
  SessionIdentification identification;
  SessionParties people;
  SessionConsents consents;
  SessionPayers payers;
  SessionRoom room;
  SessionRecord recording;
  SessionTranscript transcript;
  SessionLine line;
  SessionEnd end;
  std::vector<std::string> warnings;
  // session_effect.n of the newest one.
  std::int64_t effects = 0;

  [[nodiscard]] bool over() const { return is_end(status); }
  // Reads the session for `survivor`, in whose record its patient is merged. A session that names
  // both stays as it is.
  void read_for(const std::string& survivor);
  // The session with its patient as it is stored. A consent that was given or refused since then
  // keeps who said it: nobody's word becomes that of the merged person.
  [[nodiscard]] Session as_written() const;
  [[nodiscard]] const Participant* participant(std::string_view id) const;
  [[nodiscard]] Participant* participant(std::string_view id);
  // The participant of a person who was not removed; else one who was.
  [[nodiscard]] const Participant* of_person(std::string_view person) const;
  [[nodiscard]] Participant* of_person(std::string_view person);
  void warn(std::string_view code);
  [[nodiscard]] bool warns(std::string_view code) const;
  void clear_warning(std::string_view code);
};

// Hours of a clinic session. R-17: what is booked in it begins within them.
struct ClinicHours {
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  [[nodiscard]] bool take(std::int64_t at_ms) const { return at_ms >= from_ms && at_ms < to_ms; }
};

// True if the session belongs to an appointment of a system of the hospital, on the word of
// somebody who knows: its systems, its staff.
[[nodiscard]] bool has_known_appointment(const Session& session);

// True for an emergency that was not planned for later: no appointment.
[[nodiscard]] bool begins_now(const Session& session);

// Warning: the hospital has changed the appointment since the session began, which stays as it is.
inline constexpr std::string_view kAppointmentChanged = "appointment.changed";
// Warning: no doctor who was rung has answered the emergency.
inline constexpr std::string_view kUnanswered = "emergency.unanswered";
// True if an emergency waits for a doctor: none takes part, or a specialty was asked for, and
// nobody has accepted it.
[[nodiscard]] bool calls_doctors(const Session& session);

// Adds what was posted of somebody who takes part already; a member that is posted again replaces
// the former one. True if that changed anything.
bool keep_posted(Participant& participant, const Json& posted);

// 3.3: what a type of session asks of its participants.
[[nodiscard]] bool is_host_role(SessionType type, PartRole role);
[[nodiscard]] bool is_staff(PartRole role);
// True if the patient takes part in sessions of this type.
[[nodiscard]] bool has_patient_in_it(SessionType type);
// Sees and hears, and sends nothing.
[[nodiscard]] bool only_receives(SessionType type, PartRole role);
// Doctors and specialists, who need a licence.
[[nodiscard]] bool needs_licence(PartRole role);
// The one rule of who may have a role in a session, and act in it: the account has a role that
// fits. A patient's or guest's account is patient, family_member or observer.
[[nodiscard]] bool may_act_as(identity::Roles account, PartRole role);
// The account has a role of the hospital's staff.
[[nodiscard]] bool works_here(identity::Roles account);
// True for a role that hosts, and for the organizer when he is staff.
[[nodiscard]] bool leads(const Session& session, const Participant& participant);
// True if the participant acts as a host: leads, has an account, and was admitted.
[[nodiscard]] bool is_host(const Session& session, const Participant& participant);
// Roles that the link of an invitation gives somebody without an account.
[[nodiscard]] bool opens_by_link(PartRole role);
// Until an hour after the planned end, wherever the session was moved to.
[[nodiscard]] std::int64_t expiry_of(const Session& session, const Invitation& invitation);
// True while whoever came by the link of the invitation may be in the session as the participant.
[[nodiscard]] bool link_holds(const Session& session, const Invitation& invitation,
                              std::string_view participant, Timestamp now);
// Name of the link that a participant holds now, for the consents that he gives by it: its
// invitation and generation, and how often it moved to another browser. Empty without one.
[[nodiscard]] std::string link_word(const Session& session, const Participant& participant);
// Time at which the link that a participant holds now was opened (Invitation::opened_ms). 0 without
// one.
[[nodiscard]] std::int64_t opened_at(const Session& session, const Participant& participant);
// True if the holder of the participant's link has given a code that went to the telephone of this
// record, {of, version}, or an approval by its person in an app. Null or of nobody: never.
[[nodiscard]] bool link_proven(const Session& session, const Participant& participant,
                               const Json& record);

// Ok if the role may take part at all. Error conflict participant.role_not_allowed; conflict
// consent.family_missing for a family member without consent.
[[nodiscard]] Status role_allowed(const Session& session, PartRole role);
// True if those who take part and are present satisfy what the type requires. joined_counts:
// the call to join makes present, too.
[[nodiscard]] bool required_present(const Session& session, bool joined_counts);
// Roles that the type requires and nobody present has: for the event no-show.
[[nodiscard]] std::vector<std::string> missing_roles(const Session& session);

// Names of identifiers by which a patient is known when he comes, for a confirmation.
inline constexpr std::array<std::string_view, 4> kIdentifiers{"name", "birth_date", "record_number",
                                                              "national_id"};

// Error conflict session.<status>: nothing changes any more after the end.
[[nodiscard]] Error ended_error(SessionStatus status, std::string_view needed);

// Seconds that the stays of one participant, or of all of them, cover; stays of one participant are
// united. An open stay lasts until `now`.
[[nodiscard]] std::int64_t seconds_of(const Session& session, std::string_view participant,
                                      Timestamp now);
[[nodiscard]] std::int64_t attendee_seconds(const Session& session, Timestamp now);
// True if the participant was in the visit, and not only in its waiting room: by a stay; by the
// call to join where the provider told of nobody.
[[nodiscard]] bool was_in(const Session& session, const Participant& participant);
// Seconds of the visit in which its patient and a clinician were in together. The patient's alone
// count where nobody tells when the clinicians were in.
[[nodiscard]] std::int64_t seconds_together(const Session& session, Timestamp now);
// Length of the session until its end or until `now`, in seconds; one that has begun counts whole.
// 0 before the start.
[[nodiscard]] std::int64_t length_of(const Session& session, Timestamp now);

struct Picture {
  std::int64_t width;
  std::int64_t height;
};
[[nodiscard]] std::optional<Picture> picture_of(std::string_view quality);

// The sealed document of a session, and back. Error corrupt session.document.
[[nodiscard]] Json to_document(const Session& session);
[[nodiscard]] Status from_document(const Json& document, Session& session);

}  // namespace rabt::consultation
