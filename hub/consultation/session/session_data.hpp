#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/session/participants.hpp"

// Parts of a session, each one matter of it: see Session. Values; pure.
namespace rabt::consultation {

// Naming of a session's patient.
struct SessionNaming {
  // The record that the session names as its patient, where that was merged and Session::patient is
  // the survivor. Empty otherwise. Not stored.
  std::string written{};
  // The persons on whose word alone the session is about this patient, with spaces between them:
  // who named the patient, who brought that person in, and so on. Empty once somebody else stands
  // behind it: a system of the hospital, a workflow, or the patient, who came.
  std::string by;
  // `by` stood behind the session that this one follows; nobody has said so of this one. Such a
  // word is not handed on again.
  bool handed_on = false;
  // The patient's pseudonym for the audit log.
  std::string pseudonym;
};

// Origin of a session: the door by which it came, and the customs of that door.
struct SessionOrigin {
  // For display, audit and metrics alone (Caller::door).
  std::string door = "api";
  std::string created_by;
  // The person who booked it under his own account. Empty for systems and workflows.
  std::string booked_by{};
  // As in Manner.
  bool begins_by_call = false;
  bool joined_counts = false;
  // Words of a client of another system by the id or time that the hub has in their place: clients
  // get theirs back.
  Json as_given = Json::object();
};

// Records that a session belongs to, beside its provider and patient.
struct SessionTies {
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
};

// Options of the call.
struct SessionOptions {
  // low, standard, high, hd
  std::string quality = "high";
  bool waiting_room = true;
  std::string language = "ar";
  bool e2ee = false;
};

// Topic of a session. Patient data.
struct SessionTopic {
  std::string chief_complaint;
  std::string notes;
  Json context = Json::object();
};

// Confirmations of who the patient is.
struct SessionIdentification {
  // {identifiers, by, at} of the latest one, or null.
  Json latest;
  // Number so far.
  std::int64_t confirmations = 0;
};

// Payers of the visit. Patient data.
struct SessionPayers {
  // {status, reference, checkedAt, asked?}. asked: the workflow's question, to whom and about
  // whom; no answer of the API has it.
  Json insurance = Json::object({{"status", "unknown"}});
  // Notes of the workflow about the payers; null before its claim or bill has left. No answer of
  // the API has it.
  Json billing;
};

// Quality of the connection, as it was measured and as people found it.
struct SessionLine {
  std::optional<double> quality_score;
  // [{by, rating}]
  Json ratings = Json::array();
};

// Cause of a cancellation: the visit takes place in the house.
inline constexpr std::string_view kInPerson = "in_person";

// End of a session.
struct SessionEnd {
  // {reason, by, at, cause?}, or null
  Json cancellation;
  std::string reason;
  // The actor who ended it.
  std::string by;
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
  // Time of the last change of the start or of the doctors, and of the first change of those that
  // followed each other within kPlanSettlesMs. 0 before any, and in what an older hub stored.
  std::int64_t set_ms = 0;
  std::int64_t set_since_ms = 0;
};
// A visit whose start and doctors stay for so long is settled: a change may be made of several
// acts, such as another time and another doctor.
inline constexpr std::int64_t kPlanSettlesMs = 10'000;

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

  // While a gap lasts, only its code changes.
  void begin_gap(std::int64_t at_ms, std::string_view code);
  void end_gap(std::int64_t at_ms);
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
  // The doctor who accepted the session, where it was a request to any doctor or an emergency. ULID
  // of a person. Empty when nobody did.
  std::string taken_by;
  // The event ready is told: everybody whom the type requires was there once.
  bool ready_told = false;

  // Is in the call now.
  [[nodiscard]] bool present(const Participant& participant) const;
  [[nodiscard]] bool anybody_here() const;
};

}  // namespace rabt::consultation
