#pragma once

#include <string>

#include "hub/consultation/request/ask.hpp"

namespace rabt::consultation {

// A request that is about one session and says nothing else: its ULID, UUID or number.
struct OfSession {
  std::string session;
};
[[nodiscard]] inline Asked<OfSession> of_session(const Ask& ask) {
  return OfSession{.session = ask.session};
}

// The same about one participant.
struct OfParticipant {
  std::string session;
  // ULID, UUID or number. May be empty where the caller is meant.
  std::string participant;
};
[[nodiscard]] inline Asked<OfParticipant> of_participant(const Ask& ask) {
  return OfParticipant{.session = ask.session, .participant = ask.record};
}

}  // namespace rabt::consultation
