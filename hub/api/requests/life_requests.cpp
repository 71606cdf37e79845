#include "hub/api/requests/life_requests.hpp"

#include "hub/consultation/request/fields.hpp"

namespace rabt::api {

using consultation::Ask;
using consultation::Asked;
using consultation::AssignSession;
using consultation::DeclineSession;
using consultation::Fields;

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

}  // namespace rabt::api
