#include "hub/consultation/sessions/life_requests.hpp"

#include <utility>

#include "hub/base/ids.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/session/input.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kMaxReason = 500;
constexpr std::size_t kMaxBilling = 16U << 10U;
constexpr std::size_t kMaxAsked = 4U << 10U;

// The optional member `reason`. Error invalid api.invalid.
Result<std::string> reason_of(const Json& body) {
  Fields members(body);
  std::string reason = short_reason_in(members, "reason");
  RABT_TRY_STATUS(members.done());
  return reason;
}

}  // namespace

Asked<ChangeSession> change_session_of(const Ask& ask) {
  RABT_TRY(members,
           read_amendment(ask.body, ask.caller.naive_offset_minutes, ask.caller.manner.retypes));
  return ChangeSession{
      .session = ask.session, .version = ask.version, .members = std::move(members)};
}

Asked<DeclineSession> decline_session_of(const Ask& ask) {
  RABT_TRY(reason, reason_of(ask.body));
  return DeclineSession{.session = ask.session, .reason = std::move(reason)};
}

Asked<AssignSession> assign_session_of(const Ask& ask) {
  AssignSession request{
      .session = ask.session, .version = ask.version, .provider = ask.body["provider"]};
  if (request.provider.is_null()) return invalid("api.invalid", "provider: it is needed");
  return request;
}

Asked<EndSession> end_session_of(const Ask& ask) {
  Fields members(ask.body);
  EndSession request{.session = ask.session};
  request.reason = short_reason_in(members, "reason");
  request.notes = members.text("notes");
  request.rating = members.stars("connectionRating");
  RABT_TRY_STATUS(members.done());
  return request;
}

Asked<CancelSession> cancel_session_of(const Ask& ask) {
  RABT_TRY(reason, reason_of(ask.body));
  return CancelSession{.session = ask.session, .version = ask.version, .reason = std::move(reason)};
}

std::string short_reason_in(Fields& members, std::string_view name) {
  return members.text(name, kMaxReason);
}

Asked<NoteInsurance> note_insurance_of(const Ask& ask) {
  Fields members(ask.body);
  NoteInsurance request{.session = ask.session, .status = {}};
  request.status =
      members.word("status", {"unknown", "pending", "eligible", "not_eligible", "error"});
  request.reference = members.text("reference", kMaxLine);
  request.asked = ask.body["asked"];
  if (request.status.empty() && members.good()) members.wrong("status", "it is needed");
  if (!request.asked.is_null() &&
      (!request.asked.is_object() || request.asked.dump().size() > kMaxAsked))
    members.wrong("asked", "it must be an object of at most 4 KiB");
  RABT_TRY_STATUS(members.done());
  return request;
}

Asked<LinkAppointment> link_appointment_of(const Ask& ask) {
  RABT_TRY(members, read_amendment(Json::object({{"appointment", ask.body["appointment"]}}), 0));
  return LinkAppointment{.session = ask.session, .appointment = *std::move(members.appointment)};
}

Asked<LinkInstance> link_instance_of(const Ask& ask) {
  std::string id = ask.body.string_or("consultation", "");
  if (!Ulid::parse(id))
    return invalid("api.invalid", "consultation: must be the id of a workflow instance");
  return LinkInstance{.session = ask.session, .consultation = std::move(id)};
}

Asked<NoteBilling> note_billing_of(const Ask& ask) {
  const Json& billing = ask.body["billing"];
  if (!billing.is_object() || billing.dump().size() > kMaxBilling)
    return invalid("api.invalid", "billing: must be an object of at most 16 KiB");
  return NoteBilling{.session = ask.session, .billing = billing};
}

}  // namespace rabt::consultation
