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

}  // namespace rabt::consultation
