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

// Role of a participant in one session.
enum class PartRole : std::uint8_t {
  doctor,
  specialist,
  nurse,
  patient,
  family_member,
  observer,
  admin
};
[[nodiscard]] std::string_view to_string(PartRole role);
// In any case of letters.
[[nodiscard]] std::optional<PartRole> parse_part_role(std::string_view text);

enum class Admission : std::uint8_t { waiting, admitted, denied, removed };
[[nodiscard]] std::string_view to_string(Admission admission);
[[nodiscard]] std::optional<Admission> parse_admission(std::string_view text);

struct Participant {
  // ULID
  std::string id;
  // Counts from 1 in the session.
  std::int64_t number = 0;
  // ULID. Empty for a guest.
  std::string person;
  PartRole role = PartRole::observer;
  // Roles of his account, as the directory knows them while something is decided. Not stored.
  identity::Roles account{};
  // His pseudonym as a patient for the audit log, as account is known. Not stored.
  std::string pseudonym{};
  // The person who brought him in: by creating the session, adding or inviting him. Empty when it
  // was no person.
  std::string brought_by;
  // Pseudonym of the participant at the video provider.
  std::string identity;
  Admission admission = Admission::admitted;
  // Since when the admission is what it is, or when somebody who waits came.
  std::int64_t since_ms = 0;
  // The person who admitted him.
  std::string admitted_by;
  bool bypass = false;
  // Came by an invitation.
  std::string invitation;
  std::string device_type;
  std::string browser_info;
  // unknown, connected, reconnecting, disconnected
  std::string connection = "unknown";
  // Has joined, into the room or the waiting room, and has not left again.
  bool here = false;
  // Joined last on a page of the hub.
  bool by_page = false;
  // Has joined at least once.
  bool was_here = false;
  // When the participant first joined, or stayed, as one who is admitted. Waiting is not being in.
  std::optional<std::int64_t> in_ms;
  // When the participant first asked to join, and when he last left or was put out: a provider may
  // tell of it later, or never.
  std::optional<std::int64_t> came_ms;
  std::optional<std::int64_t> went_ms;
  // When he last came under his account. Older hubs wrote no such time down.
  std::optional<std::int64_t> account_ms;
  // The licence as it was known when the participant came in. For doctors and specialists.
  identity::Licence licence = identity::Licence::missing;
  // As it was posted: externalId, name, phone, email, licenceNumber, department, organization,
  // saudiResident, preferredLanguage, genderPreference, gender; and location and callbackPhone, as
  // said at joining. It belongs to the participant: the record of a person stays as it is. Patient
  // data.
  Json guest = Json::object();
  // {system, value} by which a booking named somebody whom the hub did not know. Null otherwise.
  // Patient data.
  Json reference;
  // All numbers of the patient that the booking had, each {system, value}, while there is a
  // reference: they may lead to two persons. Patient data.
  Json numbers = Json::array();
  // The same members of the person's record, as they were when the session ended. Null before, and
  // for a guest. Patient data.
  Json record;
  // The person whose record it was when the participant was booked, added or invited, and the
  // version of that record. Empty and 0 for whoever had none then, and in what older hubs stored.
  std::string record_of;
  std::int64_t record_version = 0;
  // Had been let in, and waits since somebody opened a link of his anew.
  bool waits_again = false;
  std::int64_t created_ms = 0;

  // May speak, read and be counted: neither denied nor removed.
  [[nodiscard]] bool takes_part() const {
    return admission == Admission::waiting || admission == Admission::admitted;
  }
  [[nodiscard]] bool admitted() const { return admission == Admission::admitted; }
};

// One stay in the call.
struct Stay {
  std::string participant;
  std::string sid;
  std::int64_t joined_ms = 0;
  std::optional<std::int64_t> left_ms;
  // event, reconcile, synthetic
  std::string source;
};

struct Invitation {
  std::string id;
  // ULID of the person, or empty.
  std::string person;
  // phone, email, name of somebody who is no person of the tenant yet. Patient data.
  Json guest = Json::object();
  PartRole role = PartRole::observer;
  // pending, accepted, declined, revoked, expired
  std::string status = "pending";
  std::int64_t expires_ms = 0;
  std::int64_t created_ms = 0;
  std::string created_by;
  // ULID of the person who invited, or empty.
  std::string invited_by;
  // The participant whom it is for. Empty when it makes one.
  std::string participant;
  // The code is derived from it; each time that the invitation is sent again it is one more. 0 when
  // the code was drawn by chance, by a build before 0046.
  std::int64_t generation = 0;
  // It was accepted without an account: a browser holds the visit.
  bool by_link = false;
  // Time at which the browser that holds the visit opened it; 0 when an older hub did not write it
  // down.
  std::int64_t opened_ms = 0;
  // Number of moves of the visit to another browser.
  std::int64_t moved = 0;
  // The generation whose holder has given a code as second proof; 0 when none has. A birth date is
  // known to many, and proves less.
  std::int64_t proven = 0;
  // The person and the version of the record whose telephone got that code.
  std::string proven_of;
  std::int64_t proven_record = 0;
};

// A time in which the provider was asked to write down what is said, and did not.
struct TranscriptGap {
  std::int64_t from_ms = 0;
  // Not set while it lasts, and when it lasted to the end.
  std::optional<std::int64_t> to_ms{};
  // Why. A code.
  std::string code{};
};

// Plan of a session.
struct SessionSchedule {
  std::optional<std::int64_t> at_ms;
  // Counts how often the planned start was set, from 1.
  std::int64_t version = 1;
  // At most kMostPlannedMinutes.
  std::int64_t minutes = 30;
};

// The provider's room of a session.
struct SessionRoom {
  std::string name;
  // plugin://twilio; empty when no video provider is bound.
  std::string plugin;
  // Id at the provider.
  std::string sid;
  // none, asked, open, closed
  std::string state = "none";
  std::string region;
  // The provider's ids of rooms that ended before the session did and may hold recordings.
  std::vector<std::string> earlier;
  // Time at which the last one left, while nobody is there.
  std::optional<std::int64_t> empty_since_ms;
  // Time since which it is gone and could not be opened again.
  std::optional<std::int64_t> gone_ms;
};

// Recording of a session.
struct SessionRecord {
  // off, manual, auto
  std::string mode = "manual";
  // recording.id of the one that runs, and its purpose; empty when none does.
  std::string running;
  std::string purpose;
  // The provider said that it records.
  bool confirmed = false;
  // It was recorded at least once.
  bool ever = false;
};

// Transcription of a session by the provider.
struct SessionTranscript {
  // It writes it down.
  bool on = false;
  // Time of the last wish for it; 0 without one.
  std::int64_t asked_ms = 0;
  // Time at which the hub last ended one; 0 when it did not.
  std::int64_t ended_ms = 0;
  // Begin of the one that runs, as the provider told by its own clock; 0 while it has not.
  std::int64_t begun_ms = 0;
  // Oldest first.
  std::vector<TranscriptGap> gaps;
};

// Consents and refusals in a session.
struct SessionConsents {
  // [{kind, given, method, by, at, participant?, guardian?, link?, patient?, record?, waiting?}].
  // No answer has the last four. link: link_word() of who spoke by a link. Of a refusal: patient,
  // true when it was the patient's; record, {of, version} as in Participant, when it was by a link;
  // waiting, true when it was said by a link that was opened anew, before a host had let in who
  // did.
  Json all = Json::array();
  // The ones that were there when the session was read for the survivor of a merge, as they were.
  // Not stored.
  Json written = Json::array();
};

// People of a session: in it, invited, and their stays.
struct SessionParties {
  // A participant's id.
  std::string organizer;
  // Most participants at once.
  std::int64_t most = 10;
  std::vector<Participant> participants;
  std::vector<Invitation> invitations;
  // From session_attendance.
  std::vector<Stay> stays;
};

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
  // The record that the session names as its patient, where that was merged and `patient` is the
  // survivor. Empty otherwise. Not stored.
  std::string patient_written{};
  // The persons on whose word alone the session is about this patient, with spaces between them:
  // who named the patient, who brought that person in, and so on. Empty once somebody else stands
  // behind it: a system of the hospital, a workflow, or the patient, who came.
  std::string patient_by;
  // The person who booked it under his own account. Empty for systems and workflows.
  std::string booked_by{};
  // patient_by stood behind the session that this one follows; nobody has said so of this one. Such
  // a word is not handed on again.
  bool word_handed_on = false;
  // The patient's pseudonym for the audit log.
  std::string patient_pseudonym;
  std::string visit;
  std::int64_t visit_number = 0;
  std::string clinic;
  std::string clinic_session;
  // Text, {system, value}, or null.
  Json appointment;
  // The patient alone says so: no system of the hospital is told of the session by it.
  bool appointment_of_patient = false;
  std::string consultation;
  std::string follow_up_of;
  std::int64_t created_ms = 0;
  std::string created_by;
  std::int64_t updated_ms = 0;
  std::optional<std::int64_t> started_ms;
  std::optional<std::int64_t> ended_ms;
  // low, standard, high, hd
  std::string quality = "high";
  bool waiting_room = true;
  std::string language = "ar";
  bool e2ee = false;
  // Patient data, as the next two.
  std::string chief_complaint;
  std::string notes;
  Json context = Json::object();
  // {identifiers, by, at} of the latest confirmation of who the patient is, or null.
  Json identification;
  // Confirmations so far.
  std::int64_t identifications = 0;
  // {status, reference, checkedAt, asked?}. asked: whom the workflow asked about whom; patient
  // data, no answer of the API has it.
  Json insurance = Json::object({{"status", "unknown"}});
  // Notes of the workflow about the payers of the visit; null before its claim or bill has left.
  // Patient data; no answer of the API has it.
  Json billing;
  // {reason, by, at}, or null
  Json cancellation;
  std::string end_reason;
  // The actor who ended it.
  std::string ended_by;
  std::optional<double> quality_score;
  // [{by, rating}]: how the connection was
  Json ratings = Json::array();
  std::vector<std::string> warnings;
  // Origin, for display, audit and metrics alone (Ask::door).
  std::string door = "api";
  // As in Manner.
  bool begins_by_call = false;
  bool joined_counts = false;
  // The doctor who accepted it, where it was a request to any doctor or an emergency. ULID of a
  // person. Empty when nobody did.
  std::string taken_by;
  // Words of a client of another system by the id or time that the hub has in their place: clients
  // get theirs back.
  Json as_given = Json::object();
  // session_effect.n of the newest one.
  std::int64_t effects = 0;
  bool ready_told = false;
  SessionSchedule schedule;
  SessionRoom room;
  SessionRecord recording;
  SessionTranscript transcript;
  SessionConsents consents;
  SessionParties people;

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
  // Is in the call now.
  [[nodiscard]] bool present(const Participant& participant) const;
  [[nodiscard]] bool anybody_here() const;
  void warn(std::string_view code);
  [[nodiscard]] bool warns(std::string_view code) const;
  void clear_warning(std::string_view code);
  // While a gap lasts, only its code changes.
  void begin_gap(std::int64_t at_ms, std::string_view code);
  void end_gap(std::int64_t at_ms);
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
[[nodiscard]] std::string link_word(const Session& session, const Participant& one);
// Time at which the link that a participant holds now was opened (Invitation::opened_ms). 0 without
// one.
[[nodiscard]] std::int64_t opened_at(const Session& session, const Participant& one);
// True if the holder of the participant's link has given a code that went to the telephone of this
// record, {of, version}. Null or of nobody: never.
[[nodiscard]] bool link_proven(const Session& session, const Participant& one, const Json& record);

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
// united (3.6). An open stay lasts until `now`.
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
