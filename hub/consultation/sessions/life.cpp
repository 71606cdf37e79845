#include "hub/consultation/sessions/life.hpp"

#include <cstdint>
#include <optional>
#include <utility>

namespace rabt::consultation {

namespace {

// R-18: /api/v1 names the version it has seen.
Status as_seen(const std::optional<std::int64_t>& version, const Session& session) {
  if (!version || *version == session.version) return ok_status();
  return conflict("precondition.failed",
                  "the session is at version " + std::to_string(session.version) +
                      ", and If-Match names " + std::to_string(*version) + "; read it again");
}

}  // namespace

Result<SessionView> SessionLife::accept(const Caller& caller, const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  const bool doctor = who.roles.has(identity::Role::doctor);
  const auto take = [&](const Session& session) -> Result<Command> {
    // A doctor who could have taken it learns that another was quicker.
    const bool late =
        !session.people.taken_by.empty() && (doctor || who.roles.has(identity::Role::specialist));
    if (!late) RABT_TRY_STATUS(may(access::Right::session_see, session, who));
    const PartRole role = doctor ? PartRole::doctor : PartRole::specialist;
    return Command(Accept{acts_.persons().participant(role, who.person, Json::object())});
  };
  return acts_.act_and_show(caller, request.session, take, {.strangers = true});
}

Result<SessionView> SessionLife::decline(const Caller& caller, const Asked<DeclineSession>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_show(caller, request.session, [&](const Session&) -> Result<Command> {
    return Command(Decline{request.reason});
  });
}

Result<SessionView> SessionLife::assign(const Caller& caller, const Asked<AssignSession>& asked) {
  RABT_TRY(request, asked);
  Mistakes mistakes;
  RABT_TRY(id, acts_.persons().named(request.provider, "provider", mistakes));
  RABT_TRY_STATUS(mistakes.status());
  RABT_TRY(command, assigning(id));
  return acts_.act_and_show(caller, request.session,
                            [&](const Session& session) -> Result<Command> {
                              RABT_TRY_STATUS(as_seen(request.version, session));
                              return command;
                            });
}

Result<Command> SessionLife::assigning(const std::string& person) const {
  RABT_TRY(record, acts_.parts().directory.find(acts_.parts().tenant, person));
  const bool doctor = record.roles.has(identity::Role::doctor);
  if (!doctor && !record.roles.has(identity::Role::specialist))
    return invalid("api.invalid", "provider: is no doctor or specialist");
  return Command(Assign{acts_.persons().participant(
      doctor ? PartRole::doctor : PartRole::specialist, person, Json::object())});
}

Result<SessionView> SessionLife::start(const Caller& caller, const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_show(caller, request.session,
                            [&](const Session& session) -> Result<Command> {
                              return Command(Start{acts_.visit_open(session)});
                            },
                            {.accounts = true});
}

Result<SummaryView> SessionLife::end(const Caller& caller, const Asked<EndSession>& asked) {
  RABT_TRY(request, asked);
  const End command{.reason = request.reason, .notes = request.notes, .rating = request.rating};
  RABT_TRY(acted, acts_.act(caller, request.session,
                            [&](const Session&) -> Result<Command> { return Command(command); }));
  return reading_.summary_after_act(caller, OfSession{.session = acted.session.id});
}

Result<SessionView> SessionLife::cancel(const Caller& caller, const Asked<CancelSession>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_show(
      caller, request.session, [&](const Session& session) -> Result<Command> {
        RABT_TRY_STATUS(as_seen(request.version, session));
        return Command(Cancel{.reason = request.reason, .cause = request.cause});
      });
}

Result<SessionView> SessionLife::change(const Caller& caller, const Asked<ChangeSession>& asked) {
  RABT_TRY(request, asked);
  Amendment& members = request.members;
  Mistakes mistakes;
  if (!members.patient.is_null()) {
    RABT_TRY(id, acts_.persons().named(members.patient, "patient", mistakes));
    members.patient = std::move(id);
  }
  RABT_TRY_STATUS(mistakes.status());
  return acts_.act_and_show(
      caller, request.session, [&](const Session& session) -> Result<Command> {
        RABT_TRY_STATUS(as_seen(request.version, session));
        RABT_TRY(command, amending(session, members));
        std::get<Amend>(command).appointment_changed = request.appointment_changed;
        return command;
      });
}

Result<Command> SessionLife::amending(const Session& session, Amendment members) const {
  const std::string patient = members.patient.is_string() ? members.patient.as_string() : "";
  Amend command{std::move(members)};
  if (!patient.empty()) {
    RABT_TRY(named,
             acts_.persons().as_known(
                 session, acts_.persons().participant(PartRole::patient, patient, Json::object())));
    command.patient = std::move(named);
  }
  if (!session.ties.clinic_session.empty()) {
    const auto place = acts_.around().clinic_place(acts_.parts().tenant, session.ties.clinic,
                                                   session.ties.clinic_session);
    if (place.ok()) command.hours = place->hours;
  }
  return Command(std::move(command));
}

Result<SessionView> SessionLife::set_insurance(const Caller& caller,
                                               const Asked<NoteInsurance>& asked) {
  RABT_TRY(request, asked);
  const SetInsurance command{
      .status = request.status, .reference = request.reference, .asked = request.asked};
  return acts_.act_and_show(caller, request.session,
                            [&](const Session&) -> Result<Command> { return Command(command); });
}

Result<SessionView> SessionLife::set_appointment(const Caller& caller,
                                                 const Asked<LinkAppointment>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_show(caller, request.session, [&](const Session&) -> Result<Command> {
    return Command(SetAppointment{request.appointment});
  });
}

Result<SessionView> SessionLife::link_consultation(const Caller& caller,
                                                   const Asked<LinkInstance>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_show(caller, request.session, [&](const Session&) -> Result<Command> {
    return Command(LinkConsultation{request.consultation});
  });
}

Result<SessionView> SessionLife::set_billing(const Caller& caller,
                                             const Asked<NoteBilling>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_show(caller, request.session, [&](const Session&) -> Result<Command> {
    return Command(SetBilling{request.billing});
  });
}

}  // namespace rabt::consultation
