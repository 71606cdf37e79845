#include "hub/consultation/sessions/life.hpp"

#include <utility>

#include "hub/consultation/session/input.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kMaxReason = 500;
constexpr std::size_t kMaxBilling = 16U << 10U;
constexpr std::size_t kMaxAsked = 4U << 10U;

// The optional member `reason`. Error invalid api.invalid.
Result<std::string> reason_of(const Json& body) {
  Fields members(body);
  std::string reason = members.text("reason", kMaxReason);
  RABT_TRY_STATUS(members.done());
  return reason;
}

// R-18: /api/v1 names the version it has seen.
Status as_seen(const Ask& ask, const Session& is) {
  if (!ask.version || *ask.version == is.version) return ok_status();
  return conflict("precondition.failed", "the session is at version " + std::to_string(is.version) +
                                             ", and If-Match names " +
                                             std::to_string(*ask.version) + "; read it again");
}

}  // namespace

Answer SessionLife::accept(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  const bool doctor = who.roles.has(identity::Role::doctor);
  const auto take = [&](const Session& is) -> Result<Command> {
    // A doctor who could have taken it learns that another was quicker.
    const bool late = !is.taken_by.empty() && (doctor || who.roles.has(identity::Role::specialist));
    if (!late) RABT_TRY_STATUS(may(access::Right::session_see, is, who));
    const PartRole role = doctor ? PartRole::doctor : PartRole::specialist;
    return Command(Accept{acts_.persons().participant(role, who.person, Json::object())});
  };
  return acts_.act_and_show(ask.caller, ask.session, take, {.strangers = true});
}

Answer SessionLife::decline(const Ask& ask) {
  RABT_TRY(reason, reason_of(ask.body));
  return acts_.act_and_show(ask.caller, ask.session, [&](const Session&) -> Result<Command> {
    return Command(Decline{reason});
  });
}

Answer SessionLife::assign(const Ask& ask) {
  Mistakes mistakes;
  const Json& reference = ask.body["provider"];
  if (reference.is_null()) mistakes.add("provider", "it is needed");
  RABT_TRY(id, acts_.persons().named(reference, "provider", mistakes));
  RABT_TRY_STATUS(mistakes.status());
  RABT_TRY(command, assigning(id));
  return acts_.act_and_show(ask.caller, ask.session, [&](const Session& is) -> Result<Command> {
    RABT_TRY_STATUS(as_seen(ask, is));
    return command;
  });
}

Result<Command> SessionLife::assigning(const std::string& person) const {
  RABT_TRY(known, acts_.parts().directory.find(acts_.parts().tenant, person));
  const bool doctor = known.roles.has(identity::Role::doctor);
  if (!doctor && !known.roles.has(identity::Role::specialist))
    return invalid("api.invalid", "provider: is no doctor or specialist");
  return Command(Assign{acts_.persons().participant(
      doctor ? PartRole::doctor : PartRole::specialist, person, Json::object())});
}

Answer SessionLife::start(const Ask& ask) {
  return acts_.act_and_show(
      ask.caller, ask.session,
      [&](const Session& is) -> Result<Command> { return Command(Start{acts_.visit_open(is)}); },
      {.accounts = true});
}

Answer SessionLife::end(const Ask& ask) {
  Fields members(ask.body);
  End command;
  command.reason = members.text("reason", kMaxReason);
  command.notes = members.text("notes");
  command.rating = members.integer("connectionRating", 1, 5);
  RABT_TRY_STATUS(members.done());
  RABT_TRY(acted, acts_.act(ask, ask.session,
                            [&](const Session&) -> Result<Command> { return Command(command); }));
  RABT_TRY(view, reading_.summary_after_act(ask.caller, OfSession{.session = acted.session.id}));
  return to_json(view);
}

Answer SessionLife::cancel(const Ask& ask) {
  RABT_TRY(reason, reason_of(ask.body));
  return acts_.act_and_show(ask.caller, ask.session, [&](const Session& is) -> Result<Command> {
    RABT_TRY_STATUS(as_seen(ask, is));
    return Command(Cancel{reason});
  });
}

Answer SessionLife::change(const Ask& ask) {
  RABT_TRY(members,
           read_amendment(ask.body, ask.caller.naive_offset_minutes, ask.caller.manner.retypes));
  Mistakes mistakes;
  if (!members["patient"].is_null()) {
    RABT_TRY(id, acts_.persons().named(members["patient"], "patient", mistakes));
    members.set("patient", id);
  }
  RABT_TRY_STATUS(mistakes.status());
  return acts_.act_and_show(ask.caller, ask.session, [&](const Session& is) -> Result<Command> {
    RABT_TRY_STATUS(as_seen(ask, is));
    return amending(is, members);
  });
}

Result<Command> SessionLife::amending(const Session& is, Json members) const {
  const std::string patient = members.string_or("patient", "");
  Amend command{std::move(members)};
  if (!patient.empty()) {
    RABT_TRY(named, acts_.persons().as_known(is, acts_.persons().participant(
                                                     PartRole::patient, patient, Json::object())));
    command.patient = std::move(named);
  }
  if (!is.clinic_session.empty()) {
    const auto place =
        acts_.around().clinic_place(acts_.parts().tenant, is.clinic, is.clinic_session);
    if (place.ok()) command.hours = place->hours;
  }
  return Command(std::move(command));
}

Answer SessionLife::set_insurance(const Ask& ask) {
  Fields members(ask.body);
  SetInsurance command{
      members.word("status", {"unknown", "pending", "eligible", "not_eligible", "error"}),
      members.text("reference", 200), ask.body["asked"]};
  if (command.status.empty() && members.good()) members.wrong("status", "it is needed");
  if (!command.asked.is_null() &&
      (!command.asked.is_object() || command.asked.dump().size() > kMaxAsked))
    members.wrong("asked", "it must be an object of at most 4 KiB");
  RABT_TRY_STATUS(members.done());
  return acts_.act_and_show(ask.caller, ask.session,
                            [&](const Session&) -> Result<Command> { return Command(command); });
}

Answer SessionLife::set_appointment(const Ask& ask) {
  RABT_TRY(members, read_amendment(Json::object({{"appointment", ask.body["appointment"]}}), 0));
  return acts_.act_and_show(ask.caller, ask.session, [&](const Session&) -> Result<Command> {
    return Command(SetAppointment{members["appointment"]});
  });
}

Answer SessionLife::link_consultation(const Ask& ask) {
  const std::string id = ask.body.string_or("consultation", "");
  if (!Ulid::parse(id))
    return invalid("api.invalid", "consultation: must be the id of a workflow instance");
  return acts_.act_and_show(ask.caller, ask.session, [&](const Session&) -> Result<Command> {
    return Command(LinkConsultation{id});
  });
}

Answer SessionLife::set_billing(const Ask& ask) {
  const Json& billing = ask.body["billing"];
  if (!billing.is_object() || billing.dump().size() > kMaxBilling)
    return invalid("api.invalid", "billing: must be an object of at most 16 KiB");
  return acts_.act_and_show(ask.caller, ask.session, [&](const Session&) -> Result<Command> {
    return Command(SetBilling{billing});
  });
}

}  // namespace rabt::consultation
