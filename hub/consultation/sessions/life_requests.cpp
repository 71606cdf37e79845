#include "hub/consultation/sessions/life_requests.hpp"

#include <utility>

#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/session/input.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kMaxReason = 500;

// The optional member `reason`. Error invalid api.invalid.
Result<std::string> reason_of(const Json& body) {
  Fields members(body);
  std::string reason = short_reason_in(members, "reason");
  RABT_TRY_STATUS(members.done());
  return reason;
}

}  // namespace

Asked<ChangeSession> change_session_of(const Ask& ask) {
  RABT_TRY(members, read_amendment(ask.body, ask.caller.naive_offset_minutes));
  return ChangeSession{
      .session = ask.session, .version = ask.version, .members = std::move(members)};
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

}  // namespace rabt::consultation
