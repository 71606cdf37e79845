#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/identity/principal.hpp"

// May they: one pure function over what somebody is in the tenant, what he is to one record, and
// what he brings with him. Its rules are a table; what no rule allows is refused. Whether the state
// of a record allows an act is another question, which the record's own rules answer afterwards.
namespace rabt::access {

enum class Right : std::uint8_t {
  // Sessions: see one, see all of them, the starred fields of one, the names in it.
  session_see,
  session_list_all,
  session_clinical,
  session_names,
  session_create,
  // Start, record it, invite to it, add somebody, set the quality.
  session_run,
  // Change the time and length of a session; a host changes the whole session.
  session_change,
  session_end,
  session_cancel,
  session_accept,
  session_take,
  session_decline,
  session_assign,
  // Join, take a token.
  session_take_part,
  session_leave,
  // Whoever has the code of an invitation.
  invitation_accept,
  // Make or send again the link of somebody who takes part.
  invitation_send,
  invitations_see,
  participant_admit,
  participant_remove,
  consent_record,
  // That there are recordings; what was recorded.
  recordings_see,
  recording_read,
  recordings_list_all,
  recording_withdraw,
  // Acts of the clock or the video provider on a session.
  session_by_the_hub,
  // Writing of records in a session, in the order of consultation::RecordKind.
  message_write,
  document_write,
  note_write,
  vitals_write,
  prescription_write,
  segment_write,
  feedback_write,
  follow_up_write,
  message_read,
  document_read,
  note_read,
  vitals_read,
  prescription_read,
  segment_read,
  feedback_read,
  follow_up_read,
  // The words of a feedback, beside its figures.
  comments_read,
  // Notes that are final, and the diagnoses in them.
  note_finish,
  diagnose,
  // That a pharmacy has dispensed medications of a prescription, and that it was entered in error.
  prescription_dispense,
  // Visits, and the practice around sessions.
  visits_manage,
  visit_see,
  // Close one, and open it again.
  visit_close,
  practice_manage,
  practice_audit,
  figures_see,
  provider_manage,
  // Records of people: one patient's, without a reason; lists of patients without a reason; by
  // what others know somebody, and his licence; all of a provider's members.
  patient_see,
  patient_see_at_once,
  patients_list_at_once,
  patient_change,
  // Say that two records are one patient, and take that back.
  patient_merge,
  // The steps that make a patient ready for calls.
  patient_onboard,
  person_vouch,
  provider_see_whole,
  // Data of an instance beside its metadata.
  instance_data
};
inline constexpr std::size_t kRights = static_cast<std::size_t>(Right::instance_data) + 1;
// "session_see"
[[nodiscard]] std::string_view to_string(Right right);

// Relations of somebody to a record.
enum class Is : std::uint8_t {
  // Has a place in the session, though he may have been removed; takes part: was not; was admitted.
  member,
  takes_part,
  admitted,
  // His role in the session.
  doctor,
  specialist,
  nurse,
  patient_role,
  observer,
  // A doctor, specialist or nurse; one of the first two, who need a licence.
  staff,
  licensed,
  host,
  // The doctor of the session or visit, and its patient.
  treating,
  patient,
  // An application that opened the session; the person who opened the visit.
  creator,
  invited,
  // The session waits for any doctor, as a request; as an emergency that nobody has answered.
  unclaimed,
  calling,
  // The record is about the caller himself.
  self,
  // Treats the patient whom a record is about: has a part as doctor, specialist or nurse in a
  // session with her that is near, runs or ended a short time ago, and behind which somebody else
  // stands.
  treats,
  // Has a part in such a session, which stands on the caller's word alone; in one that is still too
  // far ahead.
  opened_alone,
  planned_later,
  // Properties of a session that is about to be created: without a provider, of a clinic, of a
  // visit, a request; of a type that patients book.
  unnamed,
  clinic,
  of_visit,
  request,
  bookable
};

class Relations {
 public:
  constexpr Relations() = default;
  constexpr Relations(std::initializer_list<Is> all) {
    for (const Is is : all) add(is);
  }
  constexpr void add(Is is, bool so = true) {
    if (so) bits_ |= 1U << static_cast<unsigned>(is);
  }
  constexpr void add(Relations others) { bits_ |= others.bits_; }
  [[nodiscard]] constexpr bool has(Is is) const { return has_any({is}); }
  [[nodiscard]] constexpr bool has_any(Relations of) const { return (bits_ & of.bits_) != 0; }
  [[nodiscard]] constexpr bool has_all(Relations of) const {
    return (bits_ & of.bits_) == of.bits_;
  }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

 private:
  std::uint32_t bits_ = 0;
};

struct Facts {
  identity::Roles roles;
  Relations is;
  // The hub itself, or a workflow.
  bool system = false;
  // X-Rabt-Reason was given.
  bool reason = false;
  // video.patient_may_read_recordings
  bool patients_read_recordings = false;
};

// The rule by which an administrator reads a recording.
inline constexpr std::string_view kRecordingForReason = "recording.read/reason";

struct Decision {
  bool allowed = false;
  // The rule that allows. Empty in a refusal.
  std::string_view rule;
  // Error of a refusal.
  ErrorKind kind = ErrorKind::denied;
  std::string_view code;
  std::string_view why;
};
[[nodiscard]] Decision decide(Right right, const Facts& facts) noexcept;

// One rule, and what became of it: "allows", "other role", "other relation", "reason missing",
// "not admitted", "not configured", "planned later", "opened alone". Without any value of the
// record.
struct Trial {
  std::string_view rule;
  std::string_view outcome;
};
// The rules that decide() tried, in its order.
[[nodiscard]] std::vector<Trial> explain(Right right, const Facts& facts);

// The proof that something was decided: what changes a record asks for one, and only admit() makes
// one, so that an act without a decision does not compile.
class Allowed {
 public:
  [[nodiscard]] Right right() const { return right_; }
  [[nodiscard]] std::string_view rule() const { return rule_; }

 private:
  Allowed(Right right, std::string_view rule) : right_(right), rule_(rule) {}
  friend Result<Allowed> admit(Right right, const Facts& facts);
  Right right_;
  std::string_view rule_;
};
// Errors: those of the decision.
[[nodiscard]] Result<Allowed> admit(Right right, const Facts& facts);

// True if somebody with these roles may do it to any record at all, whatever he is to it.
[[nodiscard]] bool is_conceivable(Right right, identity::Roles roles) noexcept;

}  // namespace rabt::access
