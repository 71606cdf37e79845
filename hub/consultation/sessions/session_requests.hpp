#pragma once

#include <string>

namespace rabt::consultation {

// A request that is about one session and says nothing else: its ULID, UUID or number.
struct OfSession {
  std::string session;
};

// The same about one participant.
struct OfParticipant {
  std::string session;
  // ULID, UUID or number. May be empty where the caller is meant.
  std::string participant;
};

}  // namespace rabt::consultation
