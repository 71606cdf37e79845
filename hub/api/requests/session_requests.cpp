#include "hub/api/requests/session_requests.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::OfParticipant;
using consultation::OfSession;
using consultation::read_session;
using consultation::SessionInput;

Asked<OfSession> of_session(const Ask& ask) {
  return OfSession{.session = ask.session};
}

Asked<OfParticipant> of_participant(const Ask& ask) {
  return OfParticipant{.session = ask.session, .participant = ask.record};
}

Asked<SessionInput> create_session_of(const Ask& ask) {
  return read_session(ask.body, ask.caller.naive_offset_minutes);
}

}  // namespace rabt::api
