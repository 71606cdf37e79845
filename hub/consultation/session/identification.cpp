#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/consultation/session/step.hpp"

// who the patient is, confirmed by two identifiers before the visit.
namespace rabt::consultation {

bool awaits_identity(const Session& session, const VideoSettings& settings, bool by_page) {
  using Check = VideoSettings::IdentityCheck;
  if (session.identification.latest.is_object()) return false;
  // A patient of an emergency may be unable to speak.
  if (session.type == SessionType::emergency_consultation) return false;
  // Clients of compatibility APIs have no call that confirms.
  const bool compatible = session.origin.begins_by_call || session.origin.joined_counts;
  const bool asked = by_page ? settings.identity_check != Check::off
                             : settings.identity_check == Check::always && !compatible;
  return asked &&
         std::any_of(session.people.participants.begin(), session.people.participants.end(),
                     [](const Participant& participant) {
                       return participant.role == PartRole::patient && participant.takes_part();
                     });
}

bool led_by_page(const Session& session) {
  return std::any_of(session.people.participants.begin(), session.people.participants.end(),
                     [&](const Participant& participant) {
                       return participant.here && participant.by_page &&
                              is_host(session, participant);
                     });
}

Result<Change> on(Step step, const ConfirmIdentity& command) {
  Session& session = step.after();
  const Actor& who = step.moment.who;
  RABT_TRY_STATUS(must_be_open(session, "scheduled, waiting or active"));
  if (session.status == SessionStatus::requested)
    return conflict("session.not_accepted",
                    "the session is requested; the patient is identified once it is accepted");
  if (std::none_of(session.people.participants.begin(), session.people.participants.end(),
                   [](const Participant& participant) {
                     return participant.role == PartRole::patient && participant.takes_part();
                   }))
    return conflict("identity.no_patient", "no patient takes part in the session");
  const std::string by = who.person.empty() ? who.actor : who.person;
  if (session.identification.latest.is_object() &&
      session.identification.latest["identifiers"] == command.identifiers &&
      session.identification.latest.string_or("by", "") == by)
    return nothing(step.before);
  if (session.identification.confirmations >= limits::kMaxIdentifications)
    return conflict("identity.limit",
                    "the patient of this session was confirmed 20 times; it stays as it is");
  ++session.identification.confirmations;
  session.identification.latest = Json::object(
      {{"identifiers", command.identifiers}, {"by", by}, {"at", to_iso8601(step.moment.now)}});
  session.clear_warning(kIdentityUnconfirmed);
  step.record("identity.confirmed", Json::object({{"identifiers", command.identifiers}}));
  step.tell("identity-confirmed", Json::object({{"identifiers", command.identifiers}}));
  begin_by_itself(step, command.visit_open);
  return done(std::move(step));
}

}  // namespace rabt::consultation
