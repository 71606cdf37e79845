#include "hub/consultation/sessions_impl.hpp"

// What moves a session from state to state.
namespace rabt::consultation {

namespace {

constexpr std::size_t kMaxReason = 500;

// The optional member `reason`. Error invalid api.invalid.
Result<std::string> reason_of(const Json& body) {
  Fields members(body);
  std::string reason = members.text("reason", kMaxReason);
  RABT_TRY_STATUS(members.done());
  return reason;
}

}  // namespace

Answer SessionsImpl::accept(const Ask& ask) {
  const Actor who = actor_of(ask);
  const bool doctor = who.roles.has(identity::Role::doctor);
  const auto take = [&](Session& is) -> Result<Command> {
    // Who could have taken it learns that another was quicker.
    const bool late = is.taken && (doctor || who.roles.has(identity::Role::specialist));
    if (!late) RABT_TRY_STATUS(may(access::Right::session_see, is, who));
    const PartRole role = doctor ? PartRole::doctor : PartRole::specialist;
    return Command(Accept{new_participant(role, who.person, Json::object())});
  };
  return act_and_show(ask, take, Sees::may);
}

Answer SessionsImpl::decline(const Ask& ask) {
  RABT_TRY(reason, reason_of(ask.body));
  return act_and_show(ask, [&](Session&) -> Result<Command> { return Command(Decline{reason}); });
}

Answer SessionsImpl::assign(const Ask& ask) {
  Mistakes mistakes;
  const Json& reference = ask.body["provider"];
  if (reference.is_null()) mistakes.add("provider", "it is needed");
  RABT_TRY(id, person(reference, "provider", mistakes));
  RABT_TRY_STATUS(mistakes.status());
  RABT_TRY(known, parts_.directory.find(parts_.tenant, id));
  const bool doctor = known.roles.has(identity::Role::doctor);
  if (!doctor && !known.roles.has(identity::Role::specialist))
    return invalid("api.invalid", "provider: is no doctor or specialist");
  return act_and_show(ask, [&](Session&) -> Result<Command> {
    return Command(Assign{
        new_participant(doctor ? PartRole::doctor : PartRole::specialist, id, Json::object())});
  });
}

Answer SessionsImpl::start(const Ask& ask) {
  return act_and_show(ask, [&](Session& is) -> Result<Command> {
    refresh_accounts(is);
    return Command(Start{visit_open(is)});
  });
}

Answer SessionsImpl::end(const Ask& ask) {
  Fields members(ask.body);
  End command;
  command.reason = members.text("reason", kMaxReason);
  command.notes = members.text("notes");
  command.rating = members.integer("connectionRating", 1, 5);
  RABT_TRY_STATUS(members.done());
  RABT_TRY(acted,
           act(ask, ask.session, [&](Session&) -> Result<Command> { return Command(command); }));
  Ask of = ask;
  of.session = acted.session.id;
  return summary(of, Reads::after_act);
}

Answer SessionsImpl::cancel(const Ask& ask) {
  RABT_TRY(reason, reason_of(ask.body));
  return act_and_show(ask, [&](Session&) -> Result<Command> { return Command(Cancel{reason}); });
}

// R-18: /api/v1 names the version it has seen.
Answer SessionsImpl::change(const Ask& ask) {
  RABT_TRY(members, read_amendment(ask.body, ask.naive_offset_minutes, ask.door != "api"));
  Mistakes mistakes;
  if (!members["patient"].is_null()) {
    RABT_TRY(id, person(members["patient"], "patient", mistakes));
    members.set("patient", id);
  }
  RABT_TRY_STATUS(mistakes.status());
  return act_and_show(ask, [&](Session& is) -> Result<Command> {
    if (ask.version && *ask.version != is.version)
      return conflict("precondition.failed", "the session is at version " +
                                                 std::to_string(is.version) +
                                                 ", and If-Match names " +
                                                 std::to_string(*ask.version) + "; read it again");
    if (!members["patient"].is_null()) {
      const std::string& patient = members["patient"].as_string();
      if (!is.patient.empty() && is.patient != patient)
        return invalid("api.invalid", "patient: is set already");
      const Participant one = new_participant(PartRole::patient, patient, Json::object());
      name_patient(is, one);
      const bool takes_part = is.of_person(patient) == nullptr && has_patient_in_it(is.type);
      if (takes_part) return Command(Amend{members, one});
    }
    return Command(Amend{members});
  });
}

Answer SessionsImpl::set_insurance(const Ask& ask) {
  Fields members(ask.body);
  SetInsurance command{
      members.word("status", {"unknown", "pending", "eligible", "not_eligible", "error"}),
      members.text("reference", 200)};
  if (command.status.empty() && members.good()) members.wrong("status", "it is needed");
  RABT_TRY_STATUS(members.done());
  return act_and_show(ask, [&](Session&) -> Result<Command> { return Command(command); });
}

Answer SessionsImpl::set_appointment(const Ask& ask) {
  RABT_TRY(members, read_amendment(Json::object({{"appointment", ask.body["appointment"]}}), 0));
  return act_and_show(ask, [&](Session&) -> Result<Command> {
    return Command(SetAppointment{members["appointment"]});
  });
}

Answer SessionsImpl::link_consultation(const Ask& ask) {
  const std::string id = ask.body.string_or("consultation", "");
  if (!Ulid::parse(id))
    return invalid("api.invalid", "consultation: must be the id of a workflow instance");
  return act_and_show(ask,
                      [&](Session&) -> Result<Command> { return Command(LinkConsultation{id}); });
}

}  // namespace rabt::consultation
