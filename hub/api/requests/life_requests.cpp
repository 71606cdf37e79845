#include "hub/api/requests/life_requests.hpp"

#include <string>
#include <utility>

#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/session/input.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::AssignSession;
using consultation::CancelSession;
using consultation::ChangeSession;
using consultation::DeclineSession;
using consultation::EndSession;
using consultation::Fields;
using consultation::read_amendment;

Asked<ChangeSession> change_session_of(const Ask& ask) {
  RABT_TRY(members, read_amendment(ask.body, ask.caller.naive_offset_minutes));
  return ChangeSession{
      .session = ask.session, .version = ask.version, .members = std::move(members)};
}

Asked<DeclineSession> decline_session_of(const Ask& ask) {
  Fields members(ask.body);
  DeclineSession request{.session = ask.session, .reason = short_reason_in(members, "reason")};
  RABT_TRY_STATUS(members.done());
  return request;
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
  Fields members(ask.body);
  std::string reason = short_reason_in(members, "reason");
  RABT_TRY_STATUS(members.done());
  return CancelSession{.session = ask.session, .version = ask.version, .reason = std::move(reason)};
}

}  // namespace rabt::api
