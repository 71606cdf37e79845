#include "hub/consultation/session/decide.hpp"

#include "hub/consultation/session/step.hpp"

// Rights of commands, and the decision.
namespace rabt::consultation {

namespace {

using access::Right;

// Rights of commands. A command without a line does not compile.
Right right_of(const Open& /*command*/) {
  return Right::session_create;
}
Right right_of(const Accept& /*command*/) {
  return Right::session_accept;
}
Right right_of(const Unanswered& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const Decline& /*command*/) {
  return Right::session_decline;
}
Right right_of(const Assign& /*command*/) {
  return Right::session_assign;
}
Right right_of(const Start& /*command*/) {
  return Right::session_run;
}
Right right_of(const End& /*command*/) {
  return Right::session_end;
}
Right right_of(const Cancel& /*command*/) {
  return Right::session_cancel;
}
Right right_of(const Amend& /*command*/) {
  return Right::session_change;
}
Right right_of(const Join& /*command*/) {
  return Right::session_take_part;
}
// A removed participant may still say that he has left.
Right right_of(const Leave& command) {
  return command.participant.empty() ? Right::session_leave : Right::session_run;
}
Right right_of(const Add& /*command*/) {
  return Right::session_run;
}
Right right_of(const Remove& /*command*/) {
  return Right::participant_remove;
}
// The same right for both.
Right right_of(const Admit& /*command*/) {
  return Right::participant_admit;
}
Right right_of(const Deny& /*command*/) {
  return Right::participant_admit;
}
Right right_of(const Invite& /*command*/) {
  return Right::session_run;
}
Right right_of(const Revoke& /*command*/) {
  return Right::session_run;
}
Right right_of(const AcceptInvitation& /*command*/) {
  return Right::invitation_accept;
}
Right right_of(const Enter& /*command*/) {
  return Right::invitation_accept;
}
Right right_of(const Send& /*command*/) {
  return Right::invitation_send;
}
Right right_of(const Recognise& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const RecordConsent& /*command*/) {
  return Right::consent_record;
}
// Those who let the patient in.
Right right_of(const ConfirmIdentity& /*command*/) {
  return Right::participant_admit;
}
Right right_of(const StartTranscription& /*command*/) {
  return Right::session_run;
}
Right right_of(const StopTranscription& /*command*/) {
  return Right::session_run;
}
Right right_of(const TranscriptionLost& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const TranscriptionPaused& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const TranscriptionSeen& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const StartRecording& /*command*/) {
  return Right::session_run;
}
Right right_of(const StopRecording& /*command*/) {
  return Right::session_run;
}
Right right_of(const Tick& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const ProviderJoined& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const ProviderLeft& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const RoomOpened& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const RoomNotOpened& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const RoomEnded& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const RecordingLost& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const RecordingSeen& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const Look& /*command*/) {
  return Right::session_by_the_hub;
}
Right right_of(const SetAppointment& /*command*/) {
  return Right::session_run;
}
Right right_of(const LinkConsultation& /*command*/) {
  return Right::session_run;
}
Right right_of(const SetInsurance& /*command*/) {
  return Right::session_run;
}
Right right_of(const SetBilling& /*command*/) {
  return Right::session_run;
}

// Facts that the command itself adds to the relation.
void add_facts(access::Relations& relations, const Session& draft, const Actor& /*who*/,
               const Open& command) {
  using access::Is;
  relations.add(Is::unnamed, draft.provider.empty());
  relations.add(Is::clinic, draft.booking == "clinic");
  relations.add(Is::of_visit, !draft.ties.visit.empty());
  relations.add(Is::request, command.request);
  relations.add(Is::bookable, draft.type == SessionType::doctor_patient ||
                                  draft.type == SessionType::family_consultation ||
                                  draft.type == SessionType::emergency_consultation);
}
// Everybody speaks for himself in a training, and on what is written down of his words. A patient
// who was put out may still refuse.
void add_facts(access::Relations& relations, const Session& session, const Actor& who,
               const RecordConsent& command) {
  const bool speaks = relations.has(access::Is::takes_part);
  const std::string kind = command.consent.string_or("kind", "");
  const bool refuses = !who.person.empty() && who.person == session.patient &&
                       !command.consent.bool_or("given", true);
  relations.add(access::Is::self,
                refuses || (speaks && (kind == "training" || kind == "transcription")));
}
template <typename Other>
void add_facts(access::Relations& /*is*/, const Session& /*session*/, const Actor& /*who*/,
               const Other& /*command*/) {}

// Acts by which the patient stands behind the session, under his account: a link may have been
// opened by whoever made it, and a provider's event tells only of a token. To refuse or to go is
// none.
bool is_agreed(const Open& /*command*/) {
  return true;
}
bool is_agreed(const Join& /*command*/) {
  return true;
}
bool is_agreed(const AcceptInvitation& /*command*/) {
  return true;
}
bool is_agreed(const RecordConsent& command) {
  return command.consent.bool_or("given", true);
}
template <typename Other>
bool is_agreed(const Other& /*command*/) {
  return false;
}

}  // namespace

Result<Change> decide(const Session& session, const Moment& moment, const Command& command) {
  return std::visit(
      [&](const auto& given) -> Result<Change> {
        access::Facts facts = facts_of(session, moment.who);
        add_facts(facts.is, session, moment.who, given);
        RABT_TRY(allowed, access::admit(right_of(given), facts));
        RABT_TRY(change, on(Step(session, moment, allowed), given));
        Session& after = change.after;
        const bool own = !after.patient.empty() && moment.who.person == after.patient;
        if (own && is_agreed(given)) {
          after.naming.by.clear();
          after.naming.handed_on = false;
        }
        return change;
      },
      command);
}

}  // namespace rabt::consultation
