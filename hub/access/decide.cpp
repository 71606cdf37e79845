#include "hub/access/decide.hpp"

#include <array>

namespace rabt::access {

namespace {

using identity::kTreats;
using identity::Role;
using identity::Roles;

// In the order of Right.
// clang-format off
constexpr std::array<std::string_view, kRights> kNames{
    "session_see", "session_list_all", "session_clinical", "session_names", "session_create",
    "session_run", "session_change", "session_end", "session_cancel", "session_accept", "session_take",
    "session_decline", "session_assign", "session_take_part", "session_leave", "invitation_accept", "invitation_send",
    "invitations_see", "participant_admit", "participant_remove", "consent_record",
    "recordings_see", "recording_read", "recordings_list_all", "recording_withdraw",
    "session_by_the_hub", "message_write", "document_write", "note_write", "vitals_write",
    "prescription_write", "segment_write", "feedback_write", "follow_up_write", "message_read",
    "document_read", "note_read", "vitals_read", "prescription_read", "segment_read",
    "feedback_read", "follow_up_read", "comments_read", "note_finish", "diagnose", "prescription_dispense", "visits_manage",
    "visit_see", "visit_close", "practice_manage", "practice_audit", "figures_see", "provider_manage",
    "patient_see", "patient_see_at_once", "patients_list_at_once", "patient_change", "patient_merge", "patient_onboard", "person_vouch",
    "provider_see_whole", "instance_data"};
// clang-format on

enum class Need : std::uint8_t { nothing, reason, admitted, setting, treats };

struct Rule {
  Right right;
  std::string_view id;
  // One of these roles in the tenant, if any is named.
  Roles roles{};
  // One of these relations, if any is named; all of those; none of these.
  Relations one_of{};
  Relations all_of{};
  Relations none_of{};
  Need need = Need::nothing;
  // True if the hub and its workflows may, who are nothing else.
  bool system = false;
  // Text of a refusal for a caller whose roles fit the rule, and whose relation does not.
  std::string_view why{};
};

constexpr Roles kManagers{Role::admin, Role::operator_};
constexpr Roles kWatchers{Role::admin, Role::operator_, Role::auditor};
constexpr Roles kOffices{Role::admin, Role::operator_, Role::auditor, Role::integration,
                         Role::desk};
constexpr Roles kDoctors{Role::doctor, Role::specialist};
// Roles that arrange visits.
constexpr Roles kArranges{Role::admin, Role::operator_, Role::desk};
constexpr Roles kVisits{Role::admin, Role::operator_,   Role::doctor, Role::specialist,
                        Role::nurse, Role::integration, Role::desk};
constexpr Roles kVisitOffices{Role::admin, Role::operator_, Role::integration, Role::desk};
constexpr Roles kPatientReaders{Role::doctor, Role::specialist,  Role::nurse,
                                Role::admin,  Role::integration, Role::desk};
constexpr Relations kRun{Is::host, Is::creator};
constexpr Relations kLeads{Is::doctor, Is::specialist};
constexpr Relations kClinical{Is::doctor, Is::specialist, Is::nurse};
constexpr Relations kNear{Is::treats, Is::opened_alone, Is::planned_later};
constexpr Relations kCare{Is::doctor, Is::specialist, Is::nurse, Is::patient_role};

constexpr std::string_view kPatientBooks =
    "a patient creates direct bookings for himself only, none of a visit, of the types "
    "doctor_patient, family_consultation and emergency_consultation; one without a provider is a "
    "request";

using enum Right;

// The hub and its workflows, who see everything and read everything.
constexpr Rule hub(Right right, std::string_view id) {
  return {.right = right, .id = id, .system = true};
}
// Somebody who takes part, in one of these roles of the session, after his admission.
constexpr Rule part(Right right, std::string_view id, Relations one_of) {
  return {.right = right,
          .id = id,
          .one_of = one_of,
          .all_of = {Is::takes_part},
          .need = Need::admitted};
}
// A caller who is no member of the session reads patient data for a reason that he gives.
constexpr Rule outside(Right right, std::string_view id) {
  return {
      .right = right, .id = id, .roles = kManagers, .none_of = {Is::member}, .need = Need::reason};
}

// A table: one rule a line.
// clang-format off
constexpr std::array kRules{
    hub(session_see, "session.see/hub"),
    Rule{.right = session_see, .id = "session.see/office", .roles = kOffices},
    Rule{.right = session_see, .id = "session.see/part", .one_of = {Is::treating, Is::patient, Is::takes_part, Is::invited}},
    Rule{.right = session_see, .id = "session.see/request", .roles = kDoctors, .one_of = {Is::unclaimed, Is::calling}},
    hub(session_list_all, "session.list/hub"),
    Rule{.right = session_list_all, .id = "session.list/office", .roles = kOffices},

    hub(session_clinical, "session.clinical/hub"),
    Rule{.right = session_clinical, .id = "session.clinical/of-it", .one_of = {Is::treating, Is::patient}},
    Rule{.right = session_clinical, .id = "session.clinical/staff", .all_of = {Is::takes_part, Is::admitted, Is::staff}},
    Rule{.right = session_clinical, .id = "session.clinical/reason", .roles = kManagers, .need = Need::reason},
    Rule{.right = session_names, .id = "session.names/part", .all_of = {Is::takes_part}},
    Rule{.right = session_names, .id = "session.names/desk", .roles = {Role::desk}},

    hub(session_create, "session.create/hub"),
    Rule{.right = session_create, .id = "session.create/office", .roles = {Role::admin, Role::operator_, Role::integration, Role::desk}},
    Rule{.right = session_create, .id = "session.create/doctor", .roles = kDoctors, .one_of = {Is::treating, Is::unnamed, Is::clinic}, .why = "a doctor creates sessions in which he is the provider, of a clinic, or without a provider"},
    Rule{.right = session_create, .id = "session.create/nurse", .roles = {Role::nurse}, .one_of = {Is::clinic}, .why = "a nurse creates sessions of clinic bookings only"},
    Rule{.right = session_create, .id = "session.create/request", .roles = {Role::patient}, .all_of = {Is::patient, Is::request, Is::bookable}, .none_of = {Is::of_visit, Is::clinic}, .why = kPatientBooks},
    Rule{.right = session_create, .id = "session.create/patient", .roles = {Role::patient}, .all_of = {Is::patient, Is::bookable}, .none_of = {Is::of_visit, Is::clinic, Is::unnamed}, .why = kPatientBooks},

    hub(session_run, "session.run/hub"),
    Rule{.right = session_run, .id = "session.run/host", .one_of = kRun},
    hub(session_change, "session.change/hub"),
    Rule{.right = session_change, .id = "session.change/host", .one_of = kRun},
    Rule{.right = session_change, .id = "session.change/office", .roles = {Role::admin, Role::desk}},
    hub(session_end, "session.end/hub"),
    Rule{.right = session_end, .id = "session.end/host", .one_of = kRun},
    Rule{.right = session_end, .id = "session.end/office", .roles = kManagers},
    hub(session_cancel, "session.cancel/hub"),
    Rule{.right = session_cancel, .id = "session.cancel/of-it", .one_of = {Is::host, Is::creator, Is::treating, Is::patient}},
    Rule{.right = session_cancel, .id = "session.cancel/office", .roles = kArranges},
    Rule{.right = session_accept, .id = "session.accept/doctor", .roles = kDoctors},
    Rule{.right = session_take, .id = "session.take/doctor", .roles = kDoctors, .one_of = {Is::unclaimed, Is::treating, Is::calling}, .why = "the request names another doctor"},
    hub(session_decline, "session.decline/hub"),
    Rule{.right = session_decline, .id = "session.decline/doctor", .one_of = {Is::treating}},
    Rule{.right = session_decline, .id = "session.decline/office", .roles = kManagers},
    hub(session_assign, "session.assign/hub"),
    Rule{.right = session_assign, .id = "session.assign/office", .roles = kArranges},

    Rule{.right = session_take_part, .id = "session.take-part/part", .all_of = {Is::takes_part}},
    Rule{.right = session_leave, .id = "session.leave/member", .all_of = {Is::member}},
    Rule{.right = invitation_accept, .id = "invitation.accept/code"},
    hub(invitation_send, "invitation.send/hub"),
    Rule{.right = invitation_send, .id = "invitation.send/host", .one_of = kRun},
    Rule{.right = invitation_send, .id = "invitation.send/office", .roles = kArranges},
    hub(invitations_see, "invitations.see/hub"),
    Rule{.right = invitations_see, .id = "invitations.see/host", .one_of = kRun},
    Rule{.right = invitations_see, .id = "invitations.see/office", .roles = kArranges},
    hub(participant_admit, "participant.admit/hub"),
    Rule{.right = participant_admit, .id = "participant.admit/host", .one_of = kRun},
    part(participant_admit, "participant.admit/nurse", {Is::nurse}),
    hub(participant_remove, "participant.remove/hub"),
    Rule{.right = participant_remove, .id = "participant.remove/host", .one_of = kRun},
    Rule{.right = participant_remove, .id = "participant.remove/office", .roles = kManagers},
    hub(consent_record, "consent.record/hub"),
    Rule{.right = consent_record, .id = "consent.record/own", .one_of = {Is::patient, Is::self}},
    Rule{.right = consent_record, .id = "consent.record/doctor", .all_of = {Is::host, Is::licensed}},
    Rule{.right = consent_record, .id = "consent.record/application", .one_of = {Is::creator}, .none_of = {Is::member}},

    hub(recordings_see, "recordings.see/hub"),
    Rule{.right = recordings_see, .id = "recordings.see/office", .roles = kManagers},
    Rule{.right = recordings_see, .id = "recordings.see/doctor", .one_of = {Is::treating, Is::licensed}},
    Rule{.right = recordings_see, .id = "recordings.see/patient", .all_of = {Is::takes_part, Is::patient_role}, .need = Need::setting},
    Rule{.right = recording_read, .id = "recording.read/doctor", .one_of = {Is::treating}},
    Rule{.right = recording_read, .id = "recording.read/part", .one_of = kLeads, .all_of = {Is::takes_part, Is::admitted}},
    Rule{.right = recording_read, .id = "recording.read/patient", .all_of = {Is::patient, Is::patient_role}, .need = Need::setting},
    Rule{.right = recording_read, .id = kRecordingForReason, .roles = {Role::admin}, .need = Need::reason},
    hub(recordings_list_all, "recordings.list/hub"),
    Rule{.right = recordings_list_all, .id = "recordings.list/office", .roles = kWatchers},
    hub(recording_withdraw, "recording.withdraw/hub"),
    Rule{.right = recording_withdraw, .id = "recording.withdraw/office", .roles = kManagers},
    hub(session_by_the_hub, "session.by-the-hub/hub"),

    // Somebody who waits may say something to those who will admit him.
    Rule{.right = message_write, .id = "message.write/part", .all_of = {Is::takes_part}},
    hub(document_write, "document.write/hub"),
    Rule{.right = document_write, .id = "document.write/part", .all_of = {Is::takes_part}, .none_of = {Is::observer}, .need = Need::admitted},
    hub(note_write, "note.write/hub"),
    part(note_write, "note.write/clinical", kClinical),
    part(vitals_write, "vitals.write/care", kCare),
    part(prescription_write, "prescription.write/doctor", kLeads),
    hub(segment_write, "segment.write/hub"),
    part(segment_write, "segment.write/part", {}),
    part(feedback_write, "feedback.write/part", {}),
    hub(follow_up_write, "follow-up.write/hub"),
    part(follow_up_write, "follow-up.write/doctor", kLeads),
    hub(note_finish, "note.finish/hub"),
    Rule{.right = note_finish, .id = "note.finish/doctor", .all_of = {Is::takes_part}, .none_of = {Is::nurse}},
    Rule{.right = diagnose, .id = "diagnose/doctor", .one_of = kLeads, .all_of = {Is::takes_part}},
    // A pharmacy's system, for itself: whoever prescribes does not dispense.
    Rule{.right = prescription_dispense, .id = "prescription.dispense/pharmacy", .roles = {Role::integration}},

    hub(message_read, "message.read/hub"),
    Rule{.right = message_read, .id = "message.read/part", .all_of = {Is::takes_part}},
    outside(message_read, "message.read/reason"),
    hub(document_read, "document.read/hub"),
    Rule{.right = document_read, .id = "document.read/part", .all_of = {Is::takes_part}, .none_of = {Is::observer}, .need = Need::admitted},
    outside(document_read, "document.read/reason"),
    hub(note_read, "note.read/hub"),
    part(note_read, "note.read/care", kCare),
    outside(note_read, "note.read/reason"),
    hub(vitals_read, "vitals.read/hub"),
    part(vitals_read, "vitals.read/care", kCare),
    outside(vitals_read, "vitals.read/reason"),
    hub(prescription_read, "prescription.read/hub"),
    part(prescription_read, "prescription.read/doctor", {Is::doctor, Is::specialist, Is::patient_role}),
    outside(prescription_read, "prescription.read/reason"),
    hub(segment_read, "segment.read/hub"),
    part(segment_read, "segment.read/care", {Is::host, Is::doctor, Is::specialist, Is::nurse, Is::patient_role}),
    outside(segment_read, "segment.read/reason"),
    hub(feedback_read, "feedback.read/hub"),
    part(feedback_read, "feedback.read/part", {}),
    Rule{.right = feedback_read, .id = "feedback.read/office", .roles = kWatchers, .none_of = {Is::member}},
    hub(follow_up_read, "follow-up.read/hub"),
    part(follow_up_read, "follow-up.read/care", kCare),
    outside(follow_up_read, "follow-up.read/reason"),
    hub(comments_read, "comments.read/hub"),
    Rule{.right = comments_read, .id = "comments.read/member", .one_of = {Is::member}},
    outside(comments_read, "comments.read/reason"),

    Rule{.right = visits_manage, .id = "visits.manage/staff", .roles = kVisits},
    Rule{.right = visit_see, .id = "visit.see/office", .roles = kVisitOffices},
    Rule{.right = visit_see, .id = "visit.see/own", .one_of = {Is::self}},
    Rule{.right = visit_see, .id = "visit.see/treats", .roles = kTreats, .one_of = {Is::treating, Is::creator, Is::treats}},
    Rule{.right = visit_close, .id = "visit.close/office", .roles = kVisitOffices},
    Rule{.right = visit_close, .id = "visit.close/of-it", .roles = kTreats, .one_of = {Is::treating, Is::creator}},
    Rule{.right = practice_manage, .id = "practice.manage/office", .roles = kManagers},
    Rule{.right = practice_audit, .id = "practice.audit/office", .roles = kWatchers},
    Rule{.right = figures_see, .id = "figures.see/office", .roles = kManagers},
    Rule{.right = figures_see, .id = "figures.see/doctor", .roles = kDoctors},
    Rule{.right = provider_manage, .id = "provider.manage/own", .one_of = {Is::self}},
    Rule{.right = provider_manage, .id = "provider.manage/office", .roles = kManagers},

    Rule{.right = patient_see, .id = "patient.see/own", .one_of = {Is::self}},
    Rule{.right = patient_see, .id = "patient.see/staff", .roles = kPatientReaders},
    Rule{.right = patient_see_at_once, .id = "patient.see-at-once/own", .one_of = {Is::self}},
    Rule{.right = patient_see_at_once, .id = "patient.see-at-once/treats", .roles = kTreats, .one_of = kNear, .need = Need::treats},
    Rule{.right = patients_list_at_once, .id = "patients.list-at-once/staff", .roles = kTreats},
    Rule{.right = patient_change, .id = "patient.change/own", .one_of = {Is::self}},
    Rule{.right = patient_change, .id = "patient.change/treats", .roles = kTreats, .one_of = kNear, .need = Need::treats},
    Rule{.right = patient_change, .id = "patient.change/office", .roles = {Role::admin, Role::integration}},
    // Telephone and guardians alone: PersonRecords::change_patient.
    Rule{.right = patient_change, .id = "patient.change/reason", .roles = {Role::desk}, .need = Need::reason},
    Rule{.right = patient_merge, .id = "patient.merge/office", .roles = {Role::admin, Role::desk}},
    Rule{.right = patient_onboard, .id = "patient.onboard/own", .one_of = {Is::self}},
    Rule{.right = patient_onboard, .id = "patient.onboard/treats", .roles = kTreats, .one_of = {Is::treats, Is::planned_later}},
    Rule{.right = patient_onboard, .id = "patient.onboard/office", .roles = {Role::admin, Role::integration, Role::desk}},
    Rule{.right = person_vouch, .id = "person.vouch/office", .roles = {Role::admin, Role::integration}},
    Rule{.right = provider_see_whole, .id = "provider.see-whole/own", .one_of = {Is::self}},
    Rule{.right = provider_see_whole, .id = "provider.see-whole/admin", .roles = {Role::admin}},
    Rule{.right = instance_data, .id = "instance.data/staff", .roles = {Role::doctor, Role::specialist, Role::nurse, Role::integration}},
};
// clang-format on

// Outcomes of a rule for somebody; the later in this list, the nearer to being allowed.
enum class Outcome : std::uint8_t {
  other_role,
  other_relation,
  no_reason,
  waits,
  not_set,
  later,
  alone,
  allows
};

Outcome outcome_of(const Rule& rule, const Facts& facts) {
  if (rule.system || facts.system)
    return rule.system && facts.system ? Outcome::allows : Outcome::other_role;
  if (!rule.roles.empty() && !facts.roles.has_any(rule.roles)) return Outcome::other_role;
  const Relations& relations = facts.is;
  const bool related = (rule.one_of.empty() || relations.has_any(rule.one_of)) &&
                       relations.has_all(rule.all_of) && !relations.has_any(rule.none_of);
  if (!related) return Outcome::other_relation;
  if (rule.need == Need::reason && !facts.reason) return Outcome::no_reason;
  if (rule.need == Need::setting && !facts.patients_read_recordings) return Outcome::not_set;
  if (rule.need == Need::treats && !relations.has(Is::treats))
    return relations.has(Is::opened_alone) ? Outcome::alone : Outcome::later;
  // The patient reads what is about him before he is admitted.
  const bool reads = rule.right >= message_read && rule.right <= follow_up_read;
  const bool at_once = relations.has(Is::admitted) || (reads && relations.has(Is::patient));
  if (rule.need == Need::admitted && !at_once) return Outcome::waits;
  return Outcome::allows;
}

std::string_view text_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::other_role:
      return "other role";
    case Outcome::other_relation:
      return "other relation";
    case Outcome::no_reason:
      return "reason missing";
    case Outcome::waits:
      return "not admitted";
    case Outcome::not_set:
      return "not configured";
    case Outcome::later:
      return "planned later";
    case Outcome::alone:
      return "opened alone";
    case Outcome::allows:
      break;
  }
  return "allows";
}

constexpr std::string_view kDenied = "authorisation.denied";
constexpr std::string_view kStranger = "the caller does not take part in this session";

// Refusals for somebody who is about to treat a patient; they say what he can do.
constexpr std::string_view kAlone =
    "the caller opened the session with this patient himself, and nobody else stands behind it: "
    "the record opens once the patient comes, or somebody else books the session; in an emergency "
    "open a grant with a reason: POST /api/v1/break-glass";
constexpr std::string_view kLater =
    "the session with this patient is too far ahead: the record opens privacy.treats_before_hours "
    "before it; in an emergency open a grant with a reason: POST /api/v1/break-glass";
// Code of a refusal: a caller who does not see a record at once needs a grant.
constexpr std::string_view near_code(Right right) {
  return right == patient_see_at_once ? "phi.break_glass" : kDenied;
}

Decision refusal(std::string_view code, std::string_view why) {
  return {.code = code, .why = why};
}

// Hosts have what a member lacks; a stranger lacks more.
Decision no_host(const Facts& facts, std::string_view why) {
  const bool near = facts.is.has(Is::member) || facts.roles.has_any(kManagers);
  return near ? refusal("session.not_host", why) : refusal(kDenied, kStranger);
}

Decision refuse(Right right, const Facts& facts, std::string_view why) {
  switch (right) {
    case session_see:
    case session_names:
    case session_clinical:
      return refusal(kDenied, kStranger);
    case session_list_all:
      return refusal(kDenied, "only people and administrators have sessions");
    case session_create:
      return refusal("session.create_denied",
                     why.empty() ? "no role of the caller may create sessions" : why);
    case session_run:
    case session_change:
    case session_end:
    case participant_remove:
    case invitation_send:
    case invitations_see:
      return no_host(facts, "only a host of the session may do this");
    case participant_admit:
      return no_host(facts,
                     "only the organizer, a doctor, specialist or nurse of the session admits");
    case consent_record:
      if (facts.is.has(Is::host))
        return refusal(kDenied, "the patient or a doctor records consents");
      return no_host(facts, "only a host of the session may do this");
    case session_cancel:
      return refusal(kDenied,
                     "only doctor and patient of the session and administrators cancel it");
    case session_accept:
    case session_take:
      return refusal(kDenied, why.empty() ? "only a doctor accepts a request" : why);
    case session_decline:
      return refusal(kDenied, "only the doctor whom the request names declines it");
    case session_assign:
      return refusal(kDenied, "only an administrator assigns a doctor");
    case session_take_part:
    case session_leave:
      return refusal("participant.not_a_participant", kStranger);
    case recordings_see:
      return refusal(kDenied, "the caller may not see the recordings");
    case recording_read:
      return refusal(kDenied, "the caller may not read the recording");
    case recordings_list_all:
      return refusal(kDenied, "only people and administrators have recordings");
    case recording_withdraw:
      return refusal(kDenied, "only an administrator withdraws a recording");
    case note_finish:
      return refusal(kDenied, "a nurse writes drafts; a doctor makes them final");
    case diagnose:
      return refusal(kDenied, "diagnoses are coded by doctors and specialists");
    case prescription_dispense:
      return refusal(kDenied,
                     "the system of a pharmacy says what it dispensed: a client with the role "
                     "integration, which acts for itself");
    default:
      break;
  }
  const bool record = right >= message_write && right <= follow_up_read;
  if (record && !facts.system && !facts.is.has(Is::takes_part))
    return refusal("participant.not_a_participant", "only participants of the session may do this");
  if (record)
    return refusal(kDenied, right < message_read ? "your role in this session may not write this"
                                                 : "your role in this session may not read this");
  return refusal(kDenied, "your roles do not allow this");
}

}  // namespace

std::string_view to_string(Right right) {
  return kNames.at(static_cast<std::size_t>(right));
}

Decision decide(Right right, const Facts& facts) noexcept {
  Outcome nearest = Outcome::other_role;
  std::string_view why;
  for (const Rule& rule : kRules) {
    if (rule.right != right) continue;
    const Outcome outcome = outcome_of(rule, facts);
    if (outcome == Outcome::allows) return {.allowed = true, .rule = rule.id};
    if (outcome == Outcome::other_relation && why.empty()) why = rule.why;
    if (outcome > nearest) nearest = outcome;
  }
  if (nearest == Outcome::no_reason)
    return refusal(kDenied,
                   "an office has patient data only with a reason, in "
                   "X-Rabt-Reason");
  if (nearest == Outcome::waits)
    return {.kind = ErrorKind::conflict,
            .code = "participant.waiting",
            .why = "the participant is waiting; a host has to admit him first"};
  if (nearest == Outcome::later) return refusal(near_code(right), kLater);
  if (nearest == Outcome::alone) return refusal(near_code(right), kAlone);
  return refuse(right, facts, why);
}

std::vector<Trial> explain(Right right, const Facts& facts) {
  std::vector<Trial> out;
  for (const Rule& rule : kRules) {
    if (rule.right != right) continue;
    const Outcome outcome = outcome_of(rule, facts);
    out.push_back({rule.id, text_of(outcome)});
    if (outcome == Outcome::allows) break;
  }
  return out;
}

Result<Allowed> admit(Right right, const Facts& facts) {
  const Decision decision = decide(right, facts);
  if (decision.allowed) return Allowed(right, decision.rule);
  return Error{decision.kind, std::string(decision.code), std::string(decision.why)};
}

bool is_conceivable(Right right, identity::Roles roles) noexcept {
  for (const Rule& rule : kRules) {
    if (rule.right != right || rule.system) continue;
    if (rule.roles.empty() || roles.has_any(rule.roles)) return true;
  }
  return false;
}

}  // namespace rabt::access
